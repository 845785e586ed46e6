from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Permission
from django.db.models import QuerySet


class StaffBackend(AuthenticationBackend):
    """allauth's, for accounts that may be used here at all."""

    def _get_user_permissions(self, user_obj: AbstractBaseUser) -> QuerySet[Permission]:
        """None of their own: what somebody may do comes with a role alone."""
        return Permission.objects.none()

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        """Neither somebody who is shut out nor, in production, a sign-in of the demo."""
        if settings.PRODUCTION and getattr(user, "is_demo", False):
            return False
        return super().user_can_authenticate(user)

    def _check_password(
        self, user: AbstractBaseUser | None, password: str
    ) -> AbstractBaseUser | None:
        """allauth lets a right password for an account that may not be used go on to a page that
        says so, and looks there at `is_active` alone: a sign-in of the demo is unknown here already.
        """
        if settings.PRODUCTION and getattr(user, "is_demo", False):
            return None
        found: AbstractBaseUser | None = super()._check_password(user, password)
        return found
