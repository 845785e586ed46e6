"""Gifts by project, month and way of giving: how many and how much, what was paid back told apart."""

import datetime
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Sum
from django.db.models.functions import TruncMonth
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from donations.days import period
from donations.models import Account, Fund, GiftTotal, Transfer
from donations.reports.table import (
    Column,
    Group,
    Kind,
    Row,
    Table,
    Value,
    finality,
    stamp_of,
    summed,
)
from projects.rendering import swedish_order

TITLE = "Gåvor per projekt, månad och sätt att ge"
SUSPENSE = "Oplacerade gåvor"
_FUND = (Column("Nummer", Kind.IDENTIFIER), Column("Insamling", is_heading=True))
_MONTH = (Column("Månad", is_heading=True),)
_CHANNEL = (Column("Sätt att ge", is_heading=True),)
_AMOUNTS = (
    Column("Antal gåvor", Kind.COUNT),
    Column("Gåvor", Kind.ORE),
    Column("Antal återbetalningar", Kind.COUNT, is_rare=True),
    Column("Återbetalt", Kind.ORE, is_rare=True),
    Column("Netto", Kind.ORE),
)
_CHANNELS = list(Fund.Channel)


@dataclass(frozen=True, order=True)
class _Part:
    """Something that gifts are divided by: what it is sorted by, and how it is shown."""

    order: tuple[str | int, ...]
    shown: tuple[str | None, ...]
    # What is one fund stays one, also when it has changed focus area within the period.
    url: str = field(default="", compare=False)
    hue: str = field(default="", compare=False)

    @property
    def title(self) -> str:
        return " ".join(filter(None, self.shown))


@dataclass(frozen=True)
class Division:
    """What the gifts are grouped by and what each row is, by the names of parts ("" for all together)."""

    name: str
    group: str
    row: tuple[str, ...]
    columns: tuple[Column, ...]
    grouped_by: str


# Each by its name in an address.
DIVISIONS = {
    "projekt": Division("projekt", "area", ("fund",), _FUND, "Fokusområde"),
    "projekt-manad": Division("projekt och månad", "fund", ("month",), _MONTH, "Insamling"),
    "projekt-satt": Division(
        "projekt och sätt att ge", "fund", ("channel",), _CHANNEL, "Insamling"
    ),
    "projekt-manad-satt": Division(
        "projekt, månad och sätt att ge",
        "fund",
        ("month", "channel"),
        (*_MONTH, Column("Sätt att ge")),
        "Insamling",
    ),
    "manad": Division("månad", "", ("month",), _MONTH, "Gåvor"),
    "manad-satt": Division("månad och sätt att ge", "month", ("channel",), _CHANNEL, "Månad"),
    "satt": Division("sätt att ge", "", ("channel",), _CHANNEL, "Gåvor"),
}


class _Sums:
    """How many gifts and refunds there were, and their öre. Of what waits, the gifts are not counted."""

    def __init__(self) -> None:
        self.gifts: int | None = None
        self.given = self.refunds = self.refunded = 0

    def add(self, kind: str, is_placed: bool, count: int, ore: int) -> None:
        if kind == Transfer.Kind.REFUND:
            self.refunds += count
            self.refunded += ore
        elif is_placed:
            self.gifts = (self.gifts or 0) + count
            self.given += ore
        else:
            self.given += ore if kind == Transfer.Kind.GIFT else -ore

    @property
    def values(self) -> tuple[Value, ...]:
        return self.gifts, self.given, self.refunds, -self.refunded, self.given - self.refunded


def table(first: datetime.date, last: datetime.date, divided: str) -> Table:
    """The report from `first` to `last`, both included, `divided` by one of `DIVISIONS`."""
    division = DIVISIONS[divided]
    by_month = "month" in (division.group, *division.row)
    nobody = _Part(("",), (None, SUSPENSE), reverse("finance_unplaced"))
    found: dict[_Part, dict[tuple[_Part, ...], _Sums]] = defaultdict(lambda: defaultdict(_Sums))
    for parts, kind, is_placed, count, ore in _totals(first, last, by_month):
        if is_placed:
            key = tuple(parts[name] for name in division.row)
            found[parts[division.group]][key].add(kind, is_placed, count, ore)
        if not is_placed or kind == Transfer.Kind.PLACEMENT:
            key = tuple(nobody if name == "fund" else parts[name] for name in division.row)
            found[_WAITS][key].add(kind, False, count, ore)
    columns = (*division.columns, *_AMOUNTS)
    groups = [
        made
        for group, members in sorted(found.items(), key=lambda item: item[0].order)
        if (made := _group(group, members, columns)).rows
    ]
    return Table(
        title=TITLE,
        about=[
            ("Period", period(first, last)),
            ("Uppdelade på", division.name),
            finality(last),
        ],
        columns=columns,
        groups=groups,
        total=summed(columns, (row for group in groups for row in group.rows)),
        stamp=f"{divided}-{stamp_of(first, last)}",
        grouped_by=division.grouped_by,
        notes=[
            _(
                "En gåva som väntade på att placeras räknas till insamlingen den dag den placerades, på det "
                "sätt den gavs. En gåva som delades räknas en gång för varje del. Rättelser räknas bort den "
                "dag de bokfördes. Det som inte är placerat står som oplacerade gåvor: det som kom in "
                "under perioden, minus det som placerades."
            )
        ],
        empty=_("Det kom inga gåvor under perioden."),
    )


_ALL = _Part(("",), ("Insamlingar",))
_WAITS = _Part(("\N{REPLACEMENT CHARACTER}",), (SUSPENSE,))  # after all others


def _totals(
    first: datetime.date, last: datetime.date, by_month: bool
) -> list[tuple[Mapping[str, _Part], str, bool, int, int]]:
    """The sums of an account's gifts or refunds given in one way, with all that they can be divided by."""
    totals = GiftTotal.objects.filter(booked_on__gte=first, booked_on__lte=last)
    keys = ["account_id", "kind", "channel"]
    if by_month:
        totals, keys = totals.annotate(month=TruncMonth("booked_on")), [*keys, "month"]
    sums = list(totals.values_list(*keys).annotate(Sum("count"), Sum("ore")))
    accounts = (
        Account.objects.select_related(
            "fund_year__fund__project",
            "fund_year__fund__focus_area",
            "fund_year__focus_area",
        )
        .filter(pk__in={row[0] for row in sums})
        .in_bulk()
    )
    whose = {pk: _of_account(account) for pk, account in accounts.items()}
    found: list[tuple[Mapping[str, _Part], str, bool, int, int]] = []
    for account_id, kind, channel, *rest in sums:
        parts = {**whose[account_id], "": _ALL, "channel": _of_channel(channel)}
        if by_month:
            parts["month"] = _of_month(rest[0])
        is_placed = accounts[account_id].fund_year_id is not None
        found.append((parts, kind, is_placed, rest[-2], rest[-1]))
    return found


def _of_account(account: Account) -> dict[str, _Part]:
    if account.fund_year is None:
        return {}
    fund, area = account.fund_year.fund, account.fund_year.focus_area
    number = fund.collection_number
    return {
        "fund": _Part(
            (number,), (number, str(fund.page)), reverse("finance_fund", args=[number]), area.hue
        ),
        "area": _Part((swedish_order(area.title), area.pk), (area.title,), hue=area.hue),
    }


def _of_month(month: datetime.date) -> _Part:
    return _Part((month.isoformat(),), (date_format(month, "F Y"),))


def _of_channel(channel: str) -> _Part:
    known = Fund.Channel(channel)
    return _Part((_CHANNELS.index(known),), (str(known.label).capitalize(),))


def _group(
    group: _Part, members: dict[tuple[_Part, ...], _Sums], columns: tuple[Column, ...]
) -> Group:
    rows = [
        Row(
            (*(text for part in key for text in part.shown), *sums.values),
            key[0].url,
        )
        for key, sums in sorted(members.items(), key=lambda item: [part.order for part in item[0]])
        if any(sums.values)
    ]
    return Group(group.title, rows, summed(columns, rows), group.hue)
