"""Reconciliation: a day signed off, or taken back, and sums that are typed in for want of a file."""

import datetime
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.models import Account, SignOff, StatedDay, StatementDay
from donations.money import LIMIT_ORE, format_kronor
from donations.operations.ledger import (
    OperationError,
    refuse_future,
    refuse_missing_reason,
    tried_again,
)
from donations.operations.statements import count_anew, wait_for_other_files
from donations.reports.reconciliation import Day, State, day_of
from staff import audit
from staff.models import User


def sign_off(
    account: Account, day: datetime.date, *, by: User, seen: str = "", reason: str = ""
) -> SignOff:
    """Sign that a day has been looked at; with a difference it takes a reason.

    `seen` is `Day.seen` as it was shown. Raises `OperationError` when the sums are others by now, when the
    day is signed already, is not over, or has no statement.
    """
    [word] = sign_off_many([(account, day, seen)], by=by, reason=reason)
    return word


@tried_again
def sign_off_many(
    shown: Sequence[tuple[Account, datetime.date, str]], *, by: User, reason: str = ""
) -> list[SignOff]:
    """Sign off several days, all or none; each with its account and what was seen of it.

    Raises `OperationError`, as `sign_off`.
    """
    _one_at_a_time()
    return [_sign(account, day, by, seen, reason.strip()) for account, day, seen in shown]


def _one_at_a_time() -> None:
    """Whoever signs sees what others have signed before."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(4703002)")


def _sign(account: Account, day: datetime.date, by: User, seen: str, reason: str) -> SignOff:
    now = day_of(account, day, timezone.localdate())
    _refuse_signing(now)
    if seen and seen != now.seen:
        raise OperationError(
            _(
                "Summorna för den %s har ändrats sedan sidan visades. Se hur det är nu, och stäm av sedan."
            )
            % long_date(day)
        )
    if now.difference_ore and not reason:
        raise OperationError(
            _("Den %(day)s skiljer %(amount)s. Skriv varför innan du stämmer av den.")
            % {"day": long_date(day), "amount": format_kronor(abs(now.difference_ore))}
        )
    word = SignOff.objects.create(
        account=account,
        day=day,
        is_signed=True,
        statement_ore=now.in_ore,
        aside_ore=now.aside_ore,
        books_ore=now.books_ore,
        reason=reason,
        by=by,
        created_at=timezone.now(),
    )
    text = _("Stämde av %(account)s den %(day)s: gåvor %(amount)s") % {
        "account": account,
        "day": long_date(day),
        "amount": format_kronor(now.books_ore),
    }
    if now.difference_ore:
        text += _(", skiljer %s") % format_kronor(now.difference_ore)
    audit.record(audit.Area.MONEY, text, by=by, about=word)
    return word


def _refuse_signing(now: Day) -> None:
    if now.day >= now.today:
        raise OperationError(
            _("Den %s är inte slut än. En dag kan stämmas av tidigast dagen efter.")
            % long_date(now.day)
        )
    if now.state is State.SIGNED:
        assert now.sign_off
        raise OperationError(
            _("Den %(day)s är redan avstämd av %(by)s.")
            % {"day": long_date(now.day), "by": now.sign_off.by}
        )
    if not now.has_statement:
        raise OperationError(
            _(
                "Det finns inget kontoutdrag för den %s. Lämna in filen, eller skriv in summan från banken."
            )
            % long_date(now.day)
        )


@tried_again
def take_back(account: Account, day: datetime.date, *, reason: str, by: User) -> SignOff:
    """Take a sign-off back, so that the day waits again. Raises `OperationError` when there is none."""
    refuse_missing_reason(reason)
    _one_at_a_time()
    if not day_of(account, day, timezone.localdate()).is_signed:
        raise OperationError(_("Den %s är inte avstämd.") % long_date(day))
    word = SignOff.objects.create(
        account=account,
        day=day,
        is_signed=False,
        reason=reason.strip(),
        by=by,
        created_at=timezone.now(),
    )
    text = _("Tog tillbaka avstämningen av %(account)s den %(day)s") % {
        "account": account,
        "day": long_date(day),
    }
    audit.record(audit.Area.MONEY, text, by=by, about=word)
    return word


@tried_again
def state_day(
    account: Account,
    day: datetime.date,
    in_ore: int | None,
    *,
    aside_ore: int = 0,
    note: str = "",
    by: User,
) -> StatedDay:
    """Write down what came in by a statement that there is no file of, and what of it is no gift.

    None strikes out what was written before. Raises `OperationError` when a file tells of the day.
    """
    refuse_future(day)
    if StatementDay.objects.filter(account=account, day=day).exists():
        raise OperationError(
            _("Det finns ett kontoutdrag i fil för den %s. Då räknas summan därifrån.")
            % long_date(day)
        )
    if not 0 <= aside_ore <= (in_ore or 0) < LIMIT_ORE:
        raise OperationError(
            _("Det som inte är gåvor kan inte vara mer än allt som kom in den dagen.")
        )
    stated = StatedDay.objects.create(
        account=account,
        day=day,
        in_ore=in_ore,
        aside_ore=aside_ore,
        note=note.strip(),
        by=by,
        created_at=timezone.now(),
    )
    text = _("Skrev in kontoutdragets summa för %(account)s den %(day)s: %(amount)s")
    if in_ore is None:
        text = _("Strök kontoutdragets inskrivna summa för %(account)s den %(day)s")
    told = {"account": account, "day": long_date(day), "amount": format_kronor(in_ore or 0)}
    audit.record(audit.Area.MONEY, text % told, by=by, about=stated)
    return stated


@tried_again
def count_day_anew(account: Account, day: datetime.date, *, by: User) -> None:
    """Count the statement's lines of a day by today's rules for what is no gift."""
    wait_for_other_files()
    count_anew({(account.pk, day)})
    text = _("Räknade om kontoutdraget för %(account)s den %(day)s") % {
        "account": account,
        "day": long_date(day),
    }
    audit.record(audit.Area.MONEY, text, by=by, about=account)
