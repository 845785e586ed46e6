"""The demo's sign-ins: a password that everybody knows, and an app for codes that the page plays."""

from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core.cache import cache

from staff import second_factor
from staff.models import User

PASSWORD = "langvaga-demo"  # noqa: S105 - printed for everybody who runs the demo
SECRET = "KOLLEKTDEMOKOLLEKTDEMOKOLLEKTDEM"  # noqa: S105 - the same


def sign_ins() -> list[User]:
    """The demo's people, for anybody to sign in as; nobody in production."""
    if settings.PRODUCTION:
        return []
    people = User.objects.filter(is_demo=True, is_active=True)
    return list(people.prefetch_related("groups"))


def code(user: User) -> str:
    """The code that a sign-in of the demo can give now; "" for everybody else, and in production."""
    if settings.PRODUCTION or not user.is_demo:
        return ""
    for counter in sorted(totp.yield_hotp_counters_from_time()):
        shown = totp.format_hotp_value(totp.hotp_value(SECRET, counter))
        if not cache.get(second_factor.used_key(user, shown)):
            return shown
    return ""
