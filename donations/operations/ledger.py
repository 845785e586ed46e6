"""The one writer of the ledger, and what every operation on it shares."""

import datetime
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import bulk
from donations.days import long_date
from donations.models import Account, FundYear, Transfer
from donations.models.periods import first_open_day
from donations.money import LIMIT_ORE, format_kronor
from staff import audit
from staff.models import User

P = ParamSpec("P")
R = TypeVar("R")
Kind = Transfer.Kind


class OperationError(ValueError):
    """A movement that cannot be made; the message is a Swedish sentence for the person who asked."""


def retried(operation: Callable[P, R]) -> Callable[P, R]:
    """In a transaction of its own, among others who book; tried again after a deadlock on PostgreSQL."""
    return _retried(operation, "SELECT book_among_others()")


def retried_alone(operation: Callable[P, R]) -> Callable[P, R]:
    """As `retried`, while nobody else books: what is read stays true until it is over."""
    return _retried(operation, "SELECT book_alone()")


def tried_again(operation: Callable[P, R]) -> Callable[P, R]:
    """In a transaction of its own, tried again after a deadlock: for what calls operations together."""
    return _retried(operation, "")


def _retried(operation: Callable[P, R], wait: str) -> Callable[P, R]:
    @functools.wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(5):
            try:
                with transaction.atomic():
                    if wait and connection.vendor == "postgresql":
                        with connection.cursor() as cursor:
                            cursor.execute(wait)
                    return operation(*args, **kwargs)
            except OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if connection.in_atomic_block or state not in ("40001", "40P01") or attempt == 4:
                    raise
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    return wrapper


class Entry(NamedTuple):
    """One movement as it will stand in the books; see `Transfer`. A tuple: a file may make a million."""

    kind: Kind
    debit_id: int
    credit_id: int
    amount_ore: int
    booked_on: datetime.date
    covered_ore: int = 0
    payment_id: int | None = None
    reverses_id: int | None = None
    corrects_id: int | None = None
    line_id: int | None = None
    reason: str = ""


@retried
def post(entries: Sequence[Entry], *, by: User) -> list[int]:
    """Write the entries in one statement, and give the new transfers' ids in order.

    The database's guards decide whether they may stand; then `IntegrityError`
    is raised and nothing is written.
    """
    if not entries:
        return []
    lessening = {
        side
        for e in entries
        if e.reverses_id or e.kind not in (Kind.OPENING, Kind.GIFT, Kind.PLACEMENT)
        for side in (e.debit_id, e.credit_id)
    }
    if lessening and connection.vendor == "postgresql":
        # Before the totals are written: the guard, which comes after, would wait for these in the
        # other order than those who already hold them.
        lock(
            Account.objects.filter(pk__in=lessening, fund_year__isnull=False).values_list(
                "fund_year_id", flat=True
            )
        )
    if len(entries) > 1:
        lock_accounts({e.debit_id for e in entries} | {e.credit_id for e in entries})
    ids = bulk.next_ids(Transfer, len(entries))
    write(entries, by=by, ids=ids)
    about = Transfer(pk=ids[0]) if len(ids) == 1 else None
    audit.record(audit.Area.MONEY, _deed(entries), by=by, about=about)
    return ids


_COLUMNS = [*Entry._fields, "by_id", "created_at"]


def write(entries: Iterable[Entry], *, by: User, ids: Sequence[int] | None = None) -> None:
    """Write entries, however many, in one statement on PostgreSQL; the ids are the database's unless given.

    The caller has locked what it has to, and tells the audit list.
    """
    by_and_when = (by.pk, timezone.now())
    rows = ((str(entry[0]), *entry[1:], *by_and_when) for entry in entries)
    if ids is None:
        bulk.insert(Transfer, _COLUMNS, rows)
    else:
        with_ids = ((pk, *row) for pk, row in zip(ids, rows, strict=True))
        bulk.insert(Transfer, ["id", *_COLUMNS], with_ids)


def _deed(entries: Sequence[Entry]) -> str:
    """What a posting is called in the audit list. Its reason stays in the books: it may name a donor."""
    amount = format_kronor(sum(e.amount_ore for e in entries))
    if len(entries) > 1:
        return _("Bokförde %(count)s transaktioner, tillsammans %(amount)s") % {
            "count": len(entries),
            "amount": amount,
        }
    [entry] = entries
    sides = Account.objects.select_related(
        "fund_year__year", "fund_year__fund__project", "fund_year__fund__focus_area"
    ).in_bulk([entry.debit_id, entry.credit_id])
    text = _("Bokförde %(kind)s på %(amount)s från %(debit)s till %(credit)s")
    if entry.reverses_id:
        text = _("Rättade %(kind)s på %(amount)s från %(debit)s till %(credit)s")
    return text % {
        "kind": _with_article(entry.kind),
        "amount": amount,
        "debit": sides[entry.debit_id],
        "credit": sides[entry.credit_id],
    }


def _with_article(kind: Kind) -> str:
    """ "en gåva", "ett ingående belopp"."""
    return f"{'ett' if kind is Kind.OPENING else 'en'} {kind.label}"


def standing(transfers: QuerySet[Transfer]) -> list[Transfer]:
    """Those of a few transfers that are neither reversals nor reversed.

    Told apart here: asked for it, SQLite would walk every transfer that reverses nothing.
    """
    few = transfers.select_related("reversal")
    return [one for one in few if not one.reverses_id and not hasattr(one, "reversal")]


def lock(fund_year_ids: Iterable[int]) -> None:
    """Wait for others who lessen these fund years. In id order, against deadlocks; SQLite has one writer."""
    list(
        FundYear.objects.select_for_update(no_key=True)
        .filter(pk__in=set(fund_year_ids))
        .order_by("pk")
    )


def lock_accounts(account_ids: Iterable[int]) -> None:
    """Wait for others who write many rows on these accounts, instead of dying together with them.

    In id order, and before the transaction's first row: whoever has written holds totals already.
    """
    accounts = Account.objects.select_for_update(no_key=True).filter(pk__in=set(account_ids))
    list(accounts.order_by("pk").values_list("pk"))


def refuse_amount(amount_ore: int) -> None:
    if not 0 < amount_ore < LIMIT_ORE:
        raise OperationError(
            _("Beloppet ska vara större än 0 kr och mindre än %(limit)s.")
            % {"limit": format_kronor(LIMIT_ORE)}
        )


def refuse_future(day: datetime.date) -> None:
    if day > timezone.localdate():
        raise OperationError(_("Dagen kan inte ligga i framtiden."))


def refuse_locked(day: datetime.date) -> None:
    first = first_open_day()
    if day < first:
        raise OperationError(
            _("Perioden är låst till och med den %(locked)s. Välj den %(first)s eller senare.")
            % {
                "locked": long_date(first - datetime.timedelta(days=1)),
                "first": long_date(first),
            }
        )


def refuse_missing_reason(reason: str) -> None:
    if not reason.strip():
        raise OperationError(_("Skriv varför."))
