"""Opening amounts, disbursements and carry-overs."""

import datetime
from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from donations import queries
from donations.days import long_date
from donations.models import Account, FundYear, Transfer
from donations.money import format_kronor
from donations.operations.ledger import (
    Entry,
    Kind,
    OperationError,
    lock,
    post,
    refuse_amount,
    refuse_future,
    refuse_locked,
    refuse_missing_reason,
    retried,
)
from donations.operations.years import (
    account,
    collection_year,
    fund_year,
    refuse_closed,
    single_account,
)
from staff.models import User


@retried
def open_with(
    year: FundYear, amount_ore: int, *, booked_on: datetime.date, reason: str, by: User
) -> Transfer:
    """Book what had been collected for a fund year before it was kept here. Raises `OperationError`."""
    _refuse_what_no_one_can_book(amount_ore, booked_on, reason)
    _refuse_outside(year, booked_on)
    start = single_account(Account.Kind.START)
    entry = Entry(Kind.OPENING, start.pk, account(year).pk, amount_ore, booked_on, reason=reason)
    return _posted(entry, by)


@retried
def open_many(
    openings: Sequence[tuple[FundYear, int, datetime.date]], *, reason: str, by: User
) -> list[int]:
    """As `open_with`, for many fund years at once: each with its öre and its day. In one statement.

    Gives the new transfers' ids in order. Raises `OperationError`.
    """
    for day in {day for _year, _ore, day in openings}:
        _refuse_what_no_one_can_book(1, day, reason)
    for year, amount_ore, day in openings:
        refuse_amount(amount_ore)
        _refuse_outside(year, day)
    start = single_account(Account.Kind.START)
    entries = [
        Entry(Kind.OPENING, start.pk, account(year).pk, amount_ore, day, reason=reason)
        for year, amount_ore, day in openings
    ]
    return post(entries, by=by)


def _refuse_outside(year: FundYear, day: datetime.date) -> None:
    if not year.year.starts_on <= day <= year.year.ends_on:
        raise OperationError(_("Dagen ska ligga i insamlingsåret %s.") % year.year)


@retried
def disburse(
    year: FundYear, amount_ore: int, *, booked_on: datetime.date, reason: str, by: User
) -> Transfer:
    """Book what has been paid out to the partner from a fund year, open or closed.

    It may be more than has come in: money is often paid out ahead. Raises `OperationError`.
    """
    _refuse_what_no_one_can_book(amount_ore, booked_on, reason)
    if booked_on < year.year.starts_on:
        raise OperationError(_("Dagen ligger före insamlingsåret %s.") % year.year)
    lock([year.pk])
    partners = single_account(Account.Kind.PARTNERS)
    entry = Entry(
        Kind.DISBURSEMENT, account(year).pk, partners.pk, amount_ore, booked_on, reason=reason
    )
    return _posted(entry, by)


@retried
def carry_over(
    year: FundYear, amount_ore: int, *, booked_on: datetime.date, reason: str, by: User
) -> Transfer:
    """Move surplus of a fund year to the same fund's next year.

    At most what `may_carry_over` says. As much of it is covered as can be. Raises `OperationError`.
    """
    _refuse_what_no_one_can_book(amount_ore, booked_on, reason)
    next_day = year.year.ends_on + datetime.timedelta(days=1)
    if booked_on < next_day:
        raise OperationError(
            _("Året är inte slut. Överskottet kan föras över från den %s.") % long_date(next_day)
        )
    following = fund_year(year.fund, next_day, by)
    lock([year.pk, following.pk])
    refuse_closed([year.pk, following.pk])
    figures = queries.figures_today([year], timezone.localdate())[year.pk]
    if amount_ore > may_carry_over(figures):
        raise OperationError(
            _("Överskottet som går att föra över är %(most)s; du försökte föra över %(amount)s.")
            % {"most": format_kronor(may_carry_over(figures)), "amount": format_kronor(amount_ore)}
        )
    refuse_before_newest(figures, booked_on)
    entry = Entry(
        Kind.CARRY_OVER,
        account(year).pk,
        account(following).pk,
        amount_ore,
        booked_on,
        covered_ore=_covered_of(year, following, amount_ore, figures),
        reason=reason,
    )
    return _posted(entry, by)


def _covered_of(
    year: FundYear, following: FundYear, amount_ore: int, figures: queries.Figures
) -> int:
    """As much as can be; nothing when the project has changed area: the promise was about the old one."""
    if year.focus_area_id != following.focus_area_id:
        return 0
    return max(0, min(amount_ore, figures.covered - figures.pending))


def may_carry_over(figures: queries.Figures) -> int:
    """The öre of a fund year's surplus that may go to the fund's next year: covered or not."""
    return max(0, min(figures.surplus or 0, figures.cash) - figures.pending)


def refuse_before_newest(figures: queries.Figures, day: datetime.date) -> None:
    """Raise `OperationError` for a day before the newest one in the fund year's books."""
    if figures.newest_day and day < figures.newest_day:
        raise OperationError(
            _("Det finns bokfört till och med den %s. Välj den dagen eller en senare.")
            % long_date(figures.newest_day)
        )


def _posted(entry: Entry, by: User) -> Transfer:
    return Transfer.objects.get(pk=post([entry], by=by)[0])


def _refuse_what_no_one_can_book(amount_ore: int, booked_on: datetime.date, reason: str) -> None:
    refuse_amount(amount_ore)
    refuse_future(booked_on)
    collection_year(booked_on)
    refuse_locked(booked_on)
    refuse_missing_reason(reason)
