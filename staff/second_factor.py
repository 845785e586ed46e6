"""The second factor: a password alone opens nothing but the way to set one up."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import auth, messages
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from staff.models import User
from staff.requests import member

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
_SET_UP = "second_factor_set_up_by"


def is_set_up(user: User) -> bool:
    """Whether somebody has an app or a key. Recovery codes alone are no second factor."""
    return is_mfa_enabled(user, FACTORS)


def is_shown(request: HttpRequest) -> bool:
    """Whether the member behind the request has shown a second factor, or set one up, in this session.

    One that has been taken away since (a lost telephone, reset by an administrator) is not shown.
    """
    user = member(request)
    records = get_authentication_records(request, user)
    has_shown = any(record.get("method") == "mfa" for record in records)
    has_set_up = request.session.get(_SET_UP) == user.pk
    return (has_shown or has_set_up) and is_set_up(user)


def is_being_set_up(request: HttpRequest) -> bool:
    """Whether the member is on the way from a password, given a moment ago, through the set-up."""
    records = get_authentication_records(request, member(request))
    if not records or any(record.get("method") != "password" for record in records):
        return False
    return time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


@receiver(authenticator_added)
def remember_set_up(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Who sets a second factor up has shown it."""
    request.session[_SET_UP] = user.pk


def begin_again(request: HttpRequest) -> HttpResponseBase:
    """Out, and to the front door."""
    auth.logout(request)
    messages.info(request, _("Logga in igen, med ditt andra steg."))
    return redirect("account_login")


def used_key(user: User, code: str) -> str:
    """Where the cache remembers that a code was used."""
    return f"used-code:{user.pk}:{normalize_user_code(code)}"
