from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.contrib.auth import password_validation
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from staff import attempts, demo, second_factor
from staff.models import User
from staff.roles import PURPOSE, Role

# A code is good for its own half minute and for the one before and after (MFA_TOTP_TOLERANCE).
CODE_SECONDS = 90


class _CodeMixin:
    """A six-digit code, or a recovery code: five attempts, and each code once."""

    user: User

    def demo_code(self) -> str:
        """What the page shows to the demo's sign-ins."""
        return demo.code(self.user)

    def clean_code(self) -> str:
        usage = attempts.begin_code(context.request, self.user)
        if usage is None:
            raise attempts.refusal()
        code = super().clean_code()  # type: ignore[misc]
        _use(self.user, code)
        usage.rollback()
        return code


def _use(user: User, code: str) -> None:
    """Raise unless it is the first time; allauth remembers for half a minute what is good for longer."""
    if not cache.add(second_factor.used_key(user, code), True, timeout=CODE_SECONDS):
        raise get_adapter().validation_error("incorrect_code")


class AuthenticateForm(_CodeMixin, mfa.AuthenticateForm):
    pass


class ReauthenticateForm(_CodeMixin, mfa.ReauthenticateForm):
    pass


class ActivateForm(ActivateTOTPForm):
    """The first code of a new app, which then is used as well."""

    def clean_code(self) -> str:
        code: str = super().clean_code()
        _use(self.user, code)
        return code


class PasswordForm(forms.Form):
    """The password that an invited person chooses."""

    password = forms.CharField(
        label=_("Välj ett lösenord"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text=_("Minst tolv tecken. Tre eller fyra ord i rad är lätta att minnas."),
    )
    again = forms.CharField(
        label=_("Skriv lösenordet en gång till"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        password_validation.validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", _("Lösenorden är inte lika. Skriv samma lösenord två gånger."))
        return data


class InvitationForm(forms.ModelForm):
    """A person to invite, with the roles they are to have."""

    roles = forms.MultipleChoiceField(
        label=_("roller"),
        choices=[(role.value, f"{role.value}: {PURPOSE[role]}") for role in Role],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Välj minst en roll.")},
    )

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            self.fields[name].required = True

    def clean_email(self) -> str:
        """In small letters, as addresses are kept: phones like to begin one with a capital."""
        email: str = self.cleaned_data["email"]
        return email.lower()
