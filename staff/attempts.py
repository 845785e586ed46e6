"""How often somebody may try to sign in: five failures from one address, for one account, and no more.

Bound to account *and* address: an attacker locks nobody but themselves, and gains nothing by trying
other accounts or by writing headers (see `staff.requests.address`). The password and the code share
the five. Over all addresses an account stands fifty wrong codes an hour: only who has the password
comes so far, and six digits must not be guessed by many machines together.
"""

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from staff import audit
from staff.models import User

MINUTES = 15
RATES = {
    "sign_in": f"5/{MINUTES}m/key",
    "code": "50/60m/key,100/1d/key",
    # So often at the most is a lock-out written down.
    "locked": f"1/{MINUTES}m/key",
    # And so many letters about a forgotten password does one person get.
    "letter": f"5/{MINUTES}m/key",
}


def begin(request: HttpRequest, account: str) -> ratelimit.RateLimitUsage | None:
    """Count one attempt for the account (the e-mail address that was typed, or that it has).

    Gives what takes the attempt back when it turns out right; none when the attempts are used up.
    """
    usage = _count(request, "sign_in", _key(request, account))
    if usage is None:
        _write_down(request, account)
    return usage


def begin_code(request: HttpRequest, user: User) -> ratelimit.RateLimitUsage | None:
    """As `begin`, for a code, and within what the account stands from all addresses."""
    here = begin(request, user.email)
    everywhere = here and _count(request, "code", str(user.pk))
    if here is None or everywhere is None:
        return None
    return ratelimit.RateLimitUsage(usage=[*here.usage, *everywhere.usage])


def may_be_written_to(request: HttpRequest, user: User) -> bool:
    """Whether somebody may be sent one more letter about a forgotten password."""
    return _count(request, "letter", str(user.pk)) is not None


def _write_down(request: HttpRequest, account: str) -> None:
    """Tell the audit list, once for each lock-out, when the account is somebody's."""
    user = User.objects.filter(email=account.strip().lower()).first()
    if user and _count(request, "locked", _key(request, account)):
        with transaction.atomic():
            text = _("Fem misslyckade försök att logga in som %s: spärrat i en kvart") % user
            audit.record(audit.Area.PEOPLE, text, by=None, about=user)


def forget(request: HttpRequest, user: User) -> None:
    """Somebody is in, or has a new password: their earlier slips from this address no longer count."""
    key = _key(request, user.email)
    ratelimit.clear(request, app=_APP, action="sign_in", config=RATES, key=key)


def refusal() -> Exception:
    """What is said when the attempts are used up."""
    return get_adapter().validation_error("too_many_login_attempts")


_APP = "staff"


def _key(request: HttpRequest, account: str) -> str:
    """Account and address; allauth cuts an IPv6 address down to its /64, which is one household's."""
    return f"{account.strip().casefold()} {ratelimit.get_ip(request)}"


def _count(request: HttpRequest, action: str, key: str) -> ratelimit.RateLimitUsage | None:
    return ratelimit.consume(request, app=_APP, action=action, config=RATES, key=key)
