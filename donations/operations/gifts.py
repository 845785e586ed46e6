"""Gifts: in, placed, split, paid back, and what their donors have answered."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import bulk, queries
from donations.models import Account, DonorAnswer, Fund, FundYear, Payment, SurplusClause, Transfer
from donations.money import format_kronor
from donations.operations.ledger import (
    Entry,
    Kind,
    OperationError,
    first_open_day,
    lock,
    lock_accounts,
    post,
    refuse_amount,
    refuse_future,
    refuse_locked,
    refuse_missing_reason,
    retried,
    standing,
)
from donations.operations.payers import placements_of, remember
from donations.operations.years import account, collection_years, fund_year, single_account
from staff import audit
from staff.models import User


@dataclass(frozen=True)
class GiftIn:
    """A gift that has come in: to a fund, or to suspense when no fund can be told.

    One to a fund that was closed on the bank's date waits on suspense, too, with the fund named.
    """

    fund: Fund | None
    amount_ore: int
    bank_date: datetime.date
    channel: str
    payer_name: str = ""
    message: str = ""

    @property
    def open_fund(self) -> Fund | None:
        """The fund, if it was not closed on the bank's date."""
        return None if self.fund and self.fund.is_closed(self.bank_date) else self.fund


@retried
def post_gifts(gifts: Sequence[GiftIn], *, bank: Account, by: User) -> list[int]:
    """Book gifts that came in on the account `bank`, all or none; give their transfers' ids in order.

    Each is booked on the bank's date, or, when that is locked, on the first open day after it, in
    the fund year that holds the day. Raises `OperationError` for an amount or a date that cannot be.
    """
    for gift in gifts:
        refuse_amount(gift.amount_ore)
    for day in {gift.bank_date for gift in gifts}:
        refuse_future(day)
    suspense, first_day = single_account(Account.Kind.SUSPENSE), first_open_day()
    years = _gift_years(gifts, first_day, by)
    accounts = dict(
        Account.objects.filter(fund_year__in=years.values()).values_list("fund_year_id", "id")
    )
    covered_from = first_clauses({fund_year.focus_area_id for fund_year in years.values()})

    def entry(gift: GiftIn, payment_id: int) -> Entry:
        booked_on = max(gift.bank_date, first_day)
        fund_year = years[gift.open_fund.pk, booked_on] if gift.open_fund else None
        first_clause = covered_from.get(fund_year.focus_area_id) if fund_year else None
        is_covered = first_clause is not None and first_clause <= gift.bank_date
        return Entry(
            kind=Kind.GIFT,
            debit_id=bank.pk,
            credit_id=accounts[fund_year.pk] if fund_year else suspense.pk,
            amount_ore=gift.amount_ore,
            covered_ore=gift.amount_ore if is_covered else 0,
            booked_on=booked_on,
            payment_id=payment_id,
        )

    payment_ids = bulk.next_ids(Payment, len(gifts))
    bulk.insert(
        Payment,
        [
            *("id", "bank_date", "channel", "payer_name", "payer_account", "payer_identity"),
            *("message", "note", "money_digest", "content_digest", "deposit"),
            *("meant_for_id", "account_id"),
        ],
        (
            (
                *(payment_id, gift.bank_date, gift.channel, gift.payer_name, "", ""),
                *(gift.message, "", "", "", ""),
                gift.fund.pk if gift.fund and not gift.open_fund else None,
                bank.pk,
            )
            for payment_id, gift in zip(payment_ids, gifts, strict=True)
        ),
    )
    return post(
        [entry(gift, payment_id) for gift, payment_id in zip(gifts, payment_ids, strict=True)],
        by=by,
    )


def _gift_years(
    gifts: Sequence[GiftIn], first_day: datetime.date, by: User
) -> dict[tuple[int, datetime.date], FundYear]:
    """The fund year for each fund, by its id, and each day that a gift to it is booked on."""
    funds = {
        (gift.open_fund.pk, max(gift.bank_date, first_day)): gift.open_fund
        for gift in gifts
        if gift.open_fund
    }
    years = collection_years((day for _, day in funds), by)
    made: dict[tuple[int, int], FundYear] = {}
    # In one order for everybody: whoever makes a year waits for another who makes the same.
    for (fund_id, day), fund in sorted(funds.items(), key=lambda item: item[0]):
        if (fund_id, years[day].pk) not in made:
            made[fund_id, years[day].pk] = fund_year(fund, day, by)
    return {key: made[key[0], years[key[1]].pk] for key in funds}


def first_clauses(focus_area_ids: Iterable[int]) -> dict[int, datetime.date]:
    """The day from which gifts to each focus area are covered by a surplus clause."""
    clauses = SurplusClause.objects.filter(focus_area_id__in=focus_area_ids)
    return dict(clauses.order_by().values_list("focus_area_id").annotate(Min("valid_from")))


def register_gift(gift: GiftIn, *, bank: Account, by: User) -> Transfer:
    """Book one gift, as `post_gifts` does."""
    [transfer_id] = post_gifts([gift], bank=bank, by=by)
    return Transfer.objects.get(pk=transfer_id)


@dataclass(frozen=True)
class Part:
    """A part of a gift, and the fund that it is for."""

    fund: Fund
    amount_ore: int


@retried
def split_gift(
    gift: GiftIn, parts: Sequence[Part], *, bank: Account, reason: str, by: User
) -> list[Transfer]:
    """Book one gift that is for several funds: in on suspense, and placed from there part by part."""
    refuse_future(gift.bank_date)
    booked_on = max(gift.bank_date, first_open_day())
    years = [fund_year(part.fund, booked_on, by) for part in _in_fund_order(parts)]
    suspense = single_account(Account.Kind.SUSPENSE)
    lock_accounts({bank.pk, suspense.pk, *(account(year).pk for year in years)})
    [gift_id] = post_gifts([replace(gift, fund=None)], bank=bank, by=by)
    booked = Transfer.objects.get(pk=gift_id)
    return place(booked, parts, booked_on=booked.booked_on, reason=reason, by=by)


@retried
def place(
    gift: Transfer, parts: Sequence[Part], *, booked_on: datetime.date, reason: str, by: User
) -> list[Transfer]:
    """Place a gift that came in on suspense, or parts of it, in the funds' years that hold `booked_on`.

    The decision is suggested next time the same payer writes the same. Raises `OperationError` when
    the gift does not wait there, or when less of it is left.
    """
    for part in parts:
        refuse_amount(part.amount_ore)
    refuse_future(booked_on)
    refuse_locked(booked_on)
    refuse_missing_reason(reason)
    gift = Transfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=gift.pk)
    if not is_unplaced(gift):
        raise OperationError(_("Bara en gåva som väntar på placering kan placeras."))
    if booked_on < gift.booked_on:
        raise OperationError(_("Placeringen kan inte ligga före gåvan."))
    amount, left = sum(part.amount_ore for part in parts), left_of(gift)
    if left == 0:
        raise OperationError(_("Hela gåvan är redan placerad."))
    if amount > left:
        raise OperationError(
            _("Av gåvan finns %(left)s kvar att placera; du försökte placera %(amount)s.")
            % {"left": format_kronor(left), "amount": format_kronor(amount)}
        )
    for part in parts:
        if part.fund.is_closed(booked_on):
            raise OperationError(
                _("Insamling %s är stängd den dagen. Välj en öppen.") % part.fund.collection_number
            )
    bank_date = gift.payment.bank_date if gift.payment else gift.booked_on
    ordered = _in_fund_order(parts)
    years = [fund_year(part.fund, booked_on, by) for part in ordered]
    covered_from = first_clauses({year.focus_area_id for year in years})

    def entry(part: Part, year: FundYear) -> Entry:
        first_clause = covered_from.get(year.focus_area_id)
        is_covered = first_clause is not None and first_clause <= bank_date
        return Entry(
            kind=Kind.PLACEMENT,
            debit_id=gift.credit_id,
            credit_id=account(year).pk,
            amount_ore=part.amount_ore,
            covered_ore=part.amount_ore if is_covered else 0,
            booked_on=booked_on,
            payment_id=gift.payment_id,
            reason=reason,
        )

    ids = post([entry(part, year) for part, year in zip(ordered, years, strict=True)], by=by)
    remember(gift)
    return list(Transfer.objects.filter(pk__in=ids).order_by("pk"))


def _in_fund_order(parts: Sequence[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: part.fund.pk)


def is_unplaced(gift: Transfer) -> bool:
    """Whether it is a gift on suspense that has not been reversed."""
    return (
        gift.kind == Kind.GIFT
        and gift.credit.kind == Account.Kind.SUSPENSE
        and not gift.reverses_id
        and not hasattr(gift, "reversal")
    )


@retried
def record_answer(
    gift: Transfer, is_yes: bool, *, asked_by: str, answered_on: datetime.date, by: User
) -> DonorAnswer:
    """Write down whether the donor lets a surplus of the gift go to a similar project.

    For a gift or a placement that no surplus clause covers; the newest answer holds. Raises
    `OperationError`.
    """
    refuse_future(answered_on)
    if not asked_by.strip():
        raise OperationError(_("Skriv vem som frågade."))
    gift = Transfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=gift.pk)
    if (
        gift.kind not in (Kind.GIFT, Kind.PLACEMENT)
        or gift.credit.fund_year_id is None
        or gift.reverses_id
        or hasattr(gift, "reversal")
    ):
        raise OperationError(
            _(
                "Ett svar kan bara antecknas för en gåva som står på en insamling och inte är rättad."
            )
        )
    if gift.covered_ore:
        raise OperationError(
            _("Gåvan omfattas av ett överskottsvillkor. Givaren behöver inte tillfrågas.")
        )
    lock([gift.credit.fund_year_id])
    before = gift.answers.aggregate(Sum("covered_ore"))["covered_ore__sum"] or 0
    if not is_yes and before:
        _refuse_relied_upon(gift, before)
    answer = DonorAnswer.objects.create(
        transfer=gift,
        is_yes=is_yes,
        asked_by=asked_by,
        answered_on=answered_on,
        booked_on=timezone.localdate(),
        covered_ore=(gift.amount_ore if is_yes else 0) - before,
        by=by,
        created_at=timezone.now(),
    )
    said = _("ja") if is_yes else _("nej")
    text = _("Antecknade givarens svar om överskott: %s") % said
    audit.record(audit.Area.MONEY, text, by=by, about=gift)
    return answer


def _refuse_relied_upon(gift: Transfer, covered_ore: int) -> None:
    """Raise `OperationError` when money has moved by the yes that the donor now takes back."""
    fund_year = gift.credit.fund_year
    assert fund_year  # looked at by the caller
    covered = queries.figures([fund_year], timezone.localdate())[fund_year.pk].covered
    if covered < covered_ore:
        raise OperationError(
            _(
                "Överskott har redan flyttats med stöd av givarens ja: %(covered)s av gåvans %(amount)s går"
                " att hålla kvar. Rätta först det som har flyttats."
            )
            % {
                "covered": format_kronor(max(0, covered)),
                "amount": format_kronor(covered_ore),
            }
        )


@retried
def refund(
    gift: Transfer, amount_ore: int, *, booked_on: datetime.date, reason: str, by: User
) -> Transfer:
    """Pay back a gift or part of it, from the same fund's year that holds `booked_on`.

    `booked_on` is the day the money left the bank; when that is locked, it is booked on the first
    open day. Raises `OperationError` when it is no gift, is reversed, or would be paid back with
    more than was given.
    """
    refuse_amount(amount_ore)
    refuse_future(booked_on)
    refuse_missing_reason(reason)
    bank_date, booked_on = booked_on, max(booked_on, first_open_day())
    gift = Transfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=gift.pk)
    if gift.kind != Kind.GIFT or gift.reverses_id or hasattr(gift, "reversal"):
        raise OperationError(_("Bara en gåva som inte är rättad kan återbetalas."))
    if booked_on < gift.booked_on:
        raise OperationError(_("Återbetalningen kan inte ligga före gåvan."))
    left = left_of(gift)
    if not left and placements_of(gift):
        raise OperationError(
            _(
                "Det som är kvar av gåvan är placerat. Rätta placeringen först, så kan det återbetalas."
            )
        )
    if amount_ore > left:
        raise OperationError(
            _("Av gåvan finns %(left)s kvar att återbetala; du försökte återbetala %(amount)s.")
            % {"left": format_kronor(left), "amount": format_kronor(amount_ore)}
        )
    debit = gift.credit
    if debit.fund_year:
        from_year = fund_year(debit.fund_year.fund, booked_on, by)
        lock([from_year.pk])
        debit = account(from_year)
    source = gift.payment
    payment = Payment.objects.create(
        bank_date=bank_date,
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
    gone = [*refunds_of(gift), *placements_of(gift)]
    return gift.amount_ore - sum(transfer.amount_ore for transfer in gone)


def refunds_of(gift: Transfer) -> list[Transfer]:
    """What has been paid back of a gift."""
    return standing(gift.corrections.filter(kind=Kind.REFUND))
