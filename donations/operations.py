"""Every movement of money, each one call. Nothing else writes to the ledger.

All dates are Stockholm calendar days, all amounts whole öre. What a person can
get wrong raises `OperationError` with a Swedish sentence; what no form lets
through is stopped by the database's guards as an `IntegrityError`.
"""

import datetime
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import bulk
from donations.models import (
    Account,
    CollectionYear,
    Fund,
    FundYear,
    Need,
    Payment,
    SurplusClause,
    Transfer,
)
from donations.money import LIMIT_ORE, format_kronor
from staff import audit
from staff.models import User

P = ParamSpec("P")
R = TypeVar("R")
Kind = Transfer.Kind


# How long before the first collection year money can be dated; earlier is a slip of the pen.
MOST_YEARS_BACK = 10


class OperationError(ValueError):
    """A movement that cannot be made; the message is a Swedish sentence for the person who asked."""


@dataclass(frozen=True)
class GiftIn:
    """A gift that has come in: to a fund, or to suspense when no fund can be told."""

    fund: Fund | None
    amount_ore: int
    bank_date: datetime.date
    channel: str
    payer_name: str = ""
    message: str = ""


def retried(operation: Callable[P, R]) -> Callable[P, R]:
    """Try again when PostgreSQL ends a transaction for a deadlock or a serialisation failure."""

    @functools.wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(5):
            try:
                with transaction.atomic():
                    return operation(*args, **kwargs)
            except OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if connection.in_atomic_block or state not in ("40001", "40P01") or attempt == 4:
                    raise
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    return wrapper


# Years, accounts, needs


def collection_year(day: datetime.date) -> CollectionYear:
    """The collection year that holds `day`, made (with those between) when there is none.

    The first year is the calendar year; a new one follows or precedes its
    neighbour by twelve months.
    """
    first = CollectionYear.objects.first()
    if first and day.year < first.starts_on.year - MOST_YEARS_BACK:
        raise OperationError(_("Dagen ligger för långt tillbaka. Kontrollera årtalet."))
    while True:
        first, last = CollectionYear.objects.first(), CollectionYear.objects.last()
        if first is None or last is None:
            start = datetime.date(day.year, 1, 1)
        elif day < first.starts_on:
            start = _months(first.starts_on, -12)
        elif day > last.ends_on:
            start = last.ends_on + datetime.timedelta(days=1)
        else:
            return CollectionYear.objects.get(starts_on__lte=day, ends_on__gte=day)
        end = _months(start, 12) - datetime.timedelta(days=1)
        name = str(start.year) if start.year == end.year else f"{start.year}/{end.year % 100:02}"
        with transaction.atomic():
            year, is_new = CollectionYear.objects.get_or_create(
                starts_on=start, defaults={"ends_on": end, "name": name}
            )
            if is_new:
                text = _("Lade upp insamlingsåret %s") % year
                audit.record(audit.Area.MONEY, text, by=None, about=year)


def _months(first: datetime.date, months: int) -> datetime.date:
    """The first day of a month, some months on. Years begin on the first of a month."""
    years, month = divmod(first.month - 1 + months, 12)
    return datetime.date(first.year + years, month + 1, 1)


def fund_year(fund: Fund, day: datetime.date, by: User) -> FundYear:
    """The fund's year that holds `day`, made with its account when there is none.

    Its need is then unknown, save that a fund for a whole focus area needs 0,
    so that all of it may move.
    """
    year = collection_year(day)
    found, is_new = FundYear.objects.get_or_create(
        fund=fund, year=year, defaults={"focus_area": fund.area_now}
    )
    if is_new and fund.focus_area_id:
        Need.objects.create(
            fund_year=found,
            amount_ore=0,
            decided_on=min(year.starts_on, timezone.localdate()),
            by=by,
            reason=_("Insamling till hela fokusområdet: allt får fördelas vidare."),
        )
    account(found)
    return found


def account(fund_year: FundYear) -> Account:
    """The account of a fund year."""
    return Account.objects.get_or_create(kind=Account.Kind.FUND, fund_year=fund_year)[0]


def single_account(kind: Account.Kind) -> Account:
    """The one account of its kind: suspense, partners or start."""
    return Account.objects.get_or_create(kind=kind)[0]


@retried
def set_need(
    fund_year: FundYear, amount_ore: int, *, decided_on: datetime.date, reason: str, by: User
) -> Need:
    """Decide what a fund year needs from `decided_on` on. Raises `OperationError`."""
    if not 0 <= amount_ore < LIMIT_ORE:
        raise OperationError(
            _("Behovet ska vara minst 0 kr och mindre än %(limit)s.")
            % {"limit": format_kronor(LIMIT_ORE)}
        )
    _refuse_future(decided_on)
    _refuse_missing_reason(reason)
    _lock([fund_year.pk])
    need = Need.objects.create(
        fund_year=fund_year, amount_ore=amount_ore, decided_on=decided_on, reason=reason, by=by
    )
    text = _("Bestämde behovet för %(fund_year)s till %(amount)s") % {
        "fund_year": fund_year,
        "amount": format_kronor(amount_ore),
    }
    audit.record(audit.Area.MONEY, text, by=by, about=fund_year.fund)
    return need


# Gifts


@retried
def post_gifts(gifts: Sequence[GiftIn], *, bank: Account, by: User) -> list[int]:
    """Book gifts that came in on the account `bank`, all or none; give their transfers' ids in order.

    Each is booked on the bank's date, in the fund year that holds it. Raises
    `OperationError` for an amount or a date that cannot be.
    """
    for gift in gifts:
        _refuse_amount(gift.amount_ore)
    for day in {gift.bank_date for gift in gifts}:
        _refuse_future(day)
    suspense = single_account(Account.Kind.SUSPENSE)
    accounts, areas = _gift_accounts(gifts, by)
    covered_from = _first_clauses(set(areas.values()))

    def entry(gift: GiftIn, payment_id: int) -> Entry:
        key = (gift.fund.pk, gift.bank_date) if gift.fund else None
        first_clause = covered_from.get(areas[key]) if key else None
        is_covered = first_clause is not None and first_clause <= gift.bank_date
        return Entry(
            kind=Kind.GIFT,
            debit_id=bank.pk,
            credit_id=accounts[key] if key else suspense.pk,
            amount_ore=gift.amount_ore,
            covered_ore=gift.amount_ore if is_covered else 0,
            booked_on=gift.bank_date,
            payment_id=payment_id,
        )

    payment_ids = bulk.next_ids(Payment, len(gifts))
    bulk.insert(
        Payment,
        ["id", "bank_date", "channel", "payer_name", "message"],
        (
            (payment_id, gift.bank_date, gift.channel, gift.payer_name, gift.message)
            for payment_id, gift in zip(payment_ids, gifts, strict=True)
        ),
    )
    return post(
        [entry(gift, payment_id) for gift, payment_id in zip(gifts, payment_ids, strict=True)],
        by=by,
    )


Key = tuple[int, datetime.date]


def _gift_accounts(gifts: Sequence[GiftIn], by: User) -> tuple[dict[Key, int], dict[Key, int]]:
    """For each fund and day among the gifts: the fund year's account and its focus area, by id."""
    funds = {(gift.fund.pk, gift.bank_date): gift.fund for gift in gifts if gift.fund}
    years = {day: collection_year(day) for day in sorted({day for _, day in funds})}
    made: dict[tuple[int, int], FundYear] = {}
    # In one order for everybody: whoever makes a year waits for another who makes the same.
    for (fund_id, day), fund in sorted(funds.items(), key=lambda item: item[0]):
        if (fund_id, years[day].pk) not in made:
            made[fund_id, years[day].pk] = fund_year(fund, day, by)
    by_year = dict(
        Account.objects.filter(fund_year__in=made.values()).values_list("fund_year_id", "id")
    )
    found = {key: made[key[0], years[key[1]].pk] for key in funds}
    return (
        {key: by_year[fund_year.pk] for key, fund_year in found.items()},
        {key: fund_year.focus_area_id for key, fund_year in found.items()},
    )


def _first_clauses(focus_area_ids: Iterable[int]) -> dict[int, datetime.date]:
    """The day from which gifts to each focus area are covered by a surplus clause."""
    clauses = SurplusClause.objects.filter(focus_area_id__in=focus_area_ids)
    return dict(clauses.order_by().values_list("focus_area_id").annotate(Min("valid_from")))


def register_gift(gift: GiftIn, *, bank: Account, by: User) -> Transfer:
    """Book one gift, as `post_gifts` does."""
    [transfer_id] = post_gifts([gift], bank=bank, by=by)
    return Transfer.objects.get(pk=transfer_id)


@retried
def refund(
    gift: Transfer, amount_ore: int, *, booked_on: datetime.date, reason: str, by: User
) -> Transfer:
    """Pay back a gift or part of it, from the same fund's year that holds `booked_on`.

    Raises `OperationError` when it is no gift, is reversed, or would be paid
    back with more than was given.
    """
    _refuse_amount(amount_ore)
    _refuse_future(booked_on)
    _refuse_missing_reason(reason)
    gift = Transfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=gift.pk)
    if gift.kind != Kind.GIFT or gift.reverses_id or hasattr(gift, "reversal"):
        raise OperationError(_("Bara en gåva som inte är rättad kan återbetalas."))
    if booked_on < gift.booked_on:
        raise OperationError(_("Återbetalningen kan inte ligga före gåvan."))
    left = left_of(gift)
    if amount_ore > left:
        raise OperationError(
            _("Av gåvan finns %(left)s kvar att återbetala; du försökte återbetala %(amount)s.")
            % {"left": format_kronor(left), "amount": format_kronor(amount_ore)}
        )
    debit = gift.credit
    if debit.fund_year:
        from_year = fund_year(debit.fund_year.fund, booked_on, by)
        _lock([from_year.pk])
        debit = account(from_year)
    source = gift.payment
    payment = Payment.objects.create(
        bank_date=booked_on,
        channel=source.channel if source else Fund.Channel.OTHER,
        payer_name=source.payer_name if source else "",
    )
    entry = Entry(
        kind=Kind.REFUND,
        debit_id=debit.pk,
        credit_id=gift.debit_id,
        amount_ore=amount_ore,
        booked_on=booked_on,
        payment_id=payment.pk,
        corrects_id=gift.pk,
        reason=reason,
    )
    return Transfer.objects.get(pk=post([entry], by=by)[0])


def left_of(gift: Transfer) -> int:
    """The öre of a gift that have neither been paid back nor, from suspense, placed."""
    gone = [*_refunds_of(gift), *_placements_of(gift)]
    return gift.amount_ore - sum(transfer.amount_ore for transfer in gone)


def _refunds_of(gift: Transfer) -> QuerySet[Transfer]:
    return gift.corrections.filter(kind=Kind.REFUND, reverses=None, reversal=None)


def _placements_of(gift: Transfer) -> QuerySet[Transfer]:
    """What has been placed of a gift that came in on suspense."""
    return Transfer.objects.filter(
        kind=Kind.PLACEMENT, payment=gift.payment_id, reverses=None, reversal=None
    )


@retried
def reverse(transfer: Transfer, *, booked_on: datetime.date, reason: str, by: User) -> Transfer:
    """Undo a transfer by its mirror image: every gross figure then reads as if it never was.

    Raises `OperationError` when it is itself a reversal, is reversed already,
    or something that leans on it must be reversed first.
    """
    _refuse_future(booked_on)
    _refuse_missing_reason(reason)
    transfer = Transfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=transfer.pk)
    if transfer.reverses_id:
        raise OperationError(
            _("En rättelse kan inte rättas. Registrera det som är rätt som en ny transaktion.")
        )
    if hasattr(transfer, "reversal"):
        raise OperationError(_("Transaktionen är redan rättad."))
    if booked_on < transfer.booked_on:
        raise OperationError(_("En rättelse kan inte ligga före det den rättar."))
    if _refunds_of(transfer).exists():
        raise OperationError(
            _("Gåvan är helt eller delvis återbetald. Rätta återbetalningen först.")
        )
    if transfer.kind == Kind.GIFT and transfer.payment_id and _placements_of(transfer).exists():
        raise OperationError(_("Gåvan är helt eller delvis placerad. Rätta placeringen först."))
    sides = Account.objects.filter(pk__in=[transfer.debit_id, transfer.credit_id])
    _lock(a.fund_year_id for a in sides if a.fund_year_id)
    entry = Entry(
        kind=Kind(transfer.kind),
        debit_id=transfer.credit_id,
        credit_id=transfer.debit_id,
        amount_ore=transfer.amount_ore,
        covered_ore=transfer.covered_ore,
        booked_on=booked_on,
        payment_id=transfer.payment_id,
        reverses_id=transfer.pk,
        reason=reason,
    )
    return Transfer.objects.get(pk=post([entry], by=by)[0])


# The one writer


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement as it will stand in the books; see `Transfer`."""

    kind: Kind
    debit_id: int
    credit_id: int
    amount_ore: int
    booked_on: datetime.date
    covered_ore: int = 0
    payment_id: int | None = None
    reverses_id: int | None = None
    corrects_id: int | None = None
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
        _lock(
            Account.objects.filter(pk__in=lessening, fund_year__isnull=False).values_list(
                "fund_year_id", flat=True
            )
        )
    if len(entries) > 1 and connection.vendor == "postgresql":
        # In one order for everybody: bulk postings wait for each other instead of dying together.
        touched = {e.debit_id for e in entries} | {e.credit_id for e in entries}
        list(
            Account.objects.select_for_update(no_key=True)
            .filter(pk__in=touched)
            .order_by("pk")
            .values_list("pk")
        )
    now = timezone.now()
    ids = bulk.next_ids(Transfer, len(entries))
    bulk.insert(
        Transfer,
        [
            *("id", "kind", "debit_id", "credit_id", "amount_ore", "covered_ore", "booked_on"),
            *("payment_id", "reverses_id", "corrects_id", "reason", "by_id", "created_at"),
        ],
        (
            (
                *(
                    pk,
                    e.kind.value,
                    e.debit_id,
                    e.credit_id,
                    e.amount_ore,
                    e.covered_ore,
                    e.booked_on,
                ),
                *(e.payment_id, e.reverses_id, e.corrects_id, e.reason, by.pk, now),
            )
            for pk, e in zip(ids, entries, strict=True)
        ),
    )
    about = Transfer(pk=ids[0]) if len(ids) == 1 else None
    audit.record(audit.Area.MONEY, _deed(entries), by=by, about=about)
    return ids


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


def _lock(fund_year_ids: Iterable[int]) -> None:
    """Wait for others who lessen these fund years. In id order, against deadlocks; SQLite has one writer."""
    list(
        FundYear.objects.select_for_update(no_key=True)
        .filter(pk__in=set(fund_year_ids))
        .order_by("pk")
    )


def _refuse_amount(amount_ore: int) -> None:
    if not 0 < amount_ore < LIMIT_ORE:
        raise OperationError(
            _("Beloppet ska vara större än 0 kr och mindre än %(limit)s.")
            % {"limit": format_kronor(LIMIT_ORE)}
        )


def _refuse_future(day: datetime.date) -> None:
    if day > timezone.localdate():
        raise OperationError(_("Dagen kan inte ligga i framtiden."))


def _refuse_missing_reason(reason: str) -> None:
    if not reason.strip():
        raise OperationError(_("Skriv varför."))
