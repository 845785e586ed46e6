"""allauth's two adapters, for members of staff."""

import ipaddress
import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from staff import attempts, second_factor
from staff.models import User
from staff.requests import address
from staff.second_factor import FACTORS

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up, people are invited; attempts are counted as `staff.attempts` says."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-postadressen eller lösenordet stämmer inte. Försök igen."),
        "too_many_login_attempts": _(
            "För många försök har misslyckats. Vänta en kvart och försök igen. Har du glömt"
            " lösenordet kan du välja ett nytt under tiden."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        usage = attempts.begin(request, credentials.get("email") or "")
        if usage is None:
            raise attempts.refusal()
        # Where allauth takes an attempt back that turned out right.
        self._login_failed_rl_usage = usage

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """A new session already when the password is given, not first when the code is.

        Whoever had planted the old one would otherwise stand before the code with a right password.
        """
        request.session.cycle_key()
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return answer

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Somebody is in, by a code or by a key."""
        attempts.forget(request, user)
        return super().post_login(request, user, **kwargs)

    def set_password(self, user: User, password: str) -> None:
        """Whoever is locked out may choose a new password instead of waiting, as the page says."""
        super().set_password(user, password)
        attempts.forget(self.request, user)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Not to somebody invited, for whom it would be an invitation that never runs out; nor a flood.

        Whoever asks is answered alike, so that nobody can keep another from asking.
        """
        if user.has_usable_password() and attempts.may_be_written_to(self.request, user):
            super().send_password_reset_mail(user, email, context)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, and go on when the mail server does not answer: what the letter tells of is done."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            log.exception("The letter %s did not get away.", template_prefix)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Nobody who is setting up their first second factor is asked again for what they just gave."""
        if second_factor.is_being_set_up(self.request):
            return False
        return super().is_reauthentication_required(app=app, **kwargs)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("own_account")

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address to count attempts by; "0.0.0.0" for all that have none."""
        known = ipaddress.ip_address(address(request) or "0.0.0.0")  # noqa: S104 - not to listen on
        # Where IPv4 arrives on an IPv6 socket (::ffff:203.0.113.9) all of it lies in one /64.
        return str(getattr(known, "ipv4_mapped", None) or known)


class SecondFactorAdapter(DefaultMFAAdapter):
    """The last app or key cannot be removed, only exchanged: without one nobody gets in."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "Koden stämmer inte. Skriv de sex siffror som appen visar just nu. En kod kan bara"
            " användas en gång."
        ),
        "cannot_delete_authenticator": _(
            "Det här är ditt enda andra steg. Lägg till ett annat innan du tar bort det."
        ),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
        return others.exclude(pk=authenticator.pk).exists()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a new key is called until its owner calls it something."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return str(_("Min nyckel")) if number == 1 else str(_("Min nyckel %s") % number)
