"""The transfers of a fund's year as its page lists them, with a running balance and a way to older ones."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.utils.translation import gettext as _

from donations.finance.fund_forms import TransfersForm
from donations.models import Account
from donations.reports import transfers
from donations.reports.collected import Days, Stand
from donations.reports.transfers import Place, Row
from staff.requests import member


@dataclass(frozen=True)
class Begin:
    """Where a page begins, and what stood on the account just there (None: unknown, some are left out)."""

    place: Place | None
    balance_ore: int | None
    # What is said when the list begins anew though older ones were asked for.
    told: str = ""


@dataclass(frozen=True)
class Listed:
    """A page of transfers, each with what stood on the account after it (None: some are left out).

    `older` is the address's part that leads on; `is_cut` when no more was looked through for this page.
    """

    form: TransfersForm
    rows: list[tuple[Row, int | None]]
    is_first: bool
    older: str
    is_cut: bool
    cut_day: datetime.date | None
    told: str
    has_balance: bool
    sees_payments: bool
    looked_through: int


def listed(request: HttpRequest, account: Account, day: datetime.date, days: Days) -> Listed:
    """The page that the address asks for, of what was booked by the end of `day`."""
    form = TransfersForm(request.GET)
    sought = form.sought()
    last = min(day, sought.last or day)
    newest = None if sought.leaves_out else days.stand(last).ore
    begin = _begin(request.GET.get("fore", ""), account, days, last, newest)
    sees_payments = member(request).has_perm("donations.view_payment")
    page = transfers.page(account, last, sought, begin.place, with_payments=sees_payments)
    rows: list[tuple[Row, int | None]] = []
    balance = begin.balance_ore
    for row in page.rows:
        rows.append((row, balance))
        balance = None if balance is None else balance - row.change_ore
    return Listed(
        form=form,
        rows=rows,
        is_first=begin.place is None,
        older=_address(account, page.older, balance, days) if page.older else "",
        is_cut=page.is_cut,
        cut_day=page.older.day if page.older and page.is_cut else None,
        told=begin.told,
        has_balance=not sought.leaves_out,
        sees_payments=sees_payments,
        looked_through=transfers.LOOKED_THROUGH,
    )


def _begin(
    told: str, account: Account, days: Days, last: datetime.date, newest: int | None
) -> Begin:
    """Where the address says that the page begins, if that still holds; else with the newest."""
    if not told:
        return Begin(None, newest)
    try:
        day, pk, balance, *stood = signing.loads(told, salt=_salt(account))
    except signing.BadSignature:
        text = _("Adressen gick inte att läsa. Här är de nyaste transaktionerna.")
        return Begin(None, newest, text)
    place = Place(datetime.date.fromisoformat(day), pk)
    if stood != _stood(days.stand(place.day)):
        text = _("Något har bokförts längre bak i listan, så den börjar om med de nyaste.")
        return Begin(None, newest, text)
    # Another day or other transfers were asked for since, by an address that somebody has put together.
    if place.day > last or (balance is None) != (newest is None):
        return Begin(None, newest)
    return Begin(place, balance)


def _address(account: Account, place: Place, balance: int | None, days: Days) -> str:
    stood = _stood(days.stand(place.day))
    told = [place.day.isoformat(), place.pk, balance, *stood]
    return signing.dumps(told, salt=_salt(account))


def _stood(stand: Stand) -> list[Any]:
    """What changes as soon as anything is booked by that day."""
    changed_at = stand.changed_at.isoformat() if stand.changed_at else ""
    return [stand.in_ore, stand.out_ore, changed_at]


def _salt(account: Account) -> str:
    return f"finance_fund.{account.pk}"
