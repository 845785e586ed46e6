"""What people do at the door, written to the audit list."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as auth
from django.db import transaction
from django.dispatch import receiver
from django.utils.translation import gettext as _

from staff import audit
from staff.models import User

PEOPLE = audit.Area.PEOPLE


def _record(text: str, user: User) -> None:
    with transaction.atomic():
        audit.record(PEOPLE, text, by=user, about=user)


def _factor(authenticator: Authenticator) -> str:
    return {
        Authenticator.Type.TOTP: _("en app för koder"),
        Authenticator.Type.WEBAUTHN: _("en säkerhetsnyckel"),
        Authenticator.Type.RECOVERY_CODES: _("reservkoder"),
    }[Authenticator.Type(authenticator.type)]


@receiver(auth.user_logged_in)
def signed_in(sender: Any, user: User, **kwargs: Any) -> None:
    _record(_("Loggade in"), user)


@receiver(auth.user_logged_out)
def signed_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record(_("Loggade ut"), user)


@receiver(account.password_changed)
def password_changed(sender: Any, user: User, **kwargs: Any) -> None:
    _record(_("Bytte lösenord"), user)


@receiver(account.password_reset)
def password_reset(sender: Any, user: User, **kwargs: Any) -> None:
    _record(_("Valde ett nytt lösenord efter att ha glömt det gamla"), user)


@receiver(mfa.authenticator_added)
def factor_added(sender: Any, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _record(_("Fick reservkoder"), user)
    else:
        _record(_("Lade till %s som andra steg") % _factor(authenticator), user)


@receiver(mfa.authenticator_removed)
def factor_removed(sender: Any, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record(_("Tog bort %s som andra steg") % _factor(authenticator), user)


@receiver(mfa.authenticator_reset)
def codes_renewed(sender: Any, user: User, **kwargs: Any) -> None:
    _record(_("Skapade nya reservkoder"), user)


@receiver(mfa.authenticator_used)
def recovery_code_used(
    sender: Any, user: User, authenticator: Authenticator, **kwargs: Any
) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _record(_("Använde en reservkod"), user)


@receiver(mfa.authentication_failed)
def wrong_code(sender: Any, user: User, reauthentication: bool, **kwargs: Any) -> None:
    """Somebody who has the password, or sits at the owner's desk: not necessarily the owner."""
    text = _("Fel kod för %s efter rätt lösenord")
    if reauthentication:
        text = _("Fel kod när %s skulle bekräfta vem det var")
    with transaction.atomic():
        audit.record(PEOPLE, text % user, by=None, about=user)
