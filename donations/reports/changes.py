"""What has become of every fund over a period, from its opening balance to its closing one.

As K3 37.4A wants the changes of earmarked funds specified: opening + gifts + moved in − moved out −
paid out = closing. What has gone out is negative, so that each row adds up as it stands. What waits
on suspense has a row of its own, so that the gifts come to what the bank accounts got.
"""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from donations.days import period
from donations.models import Account, DailyTotal, Transfer
from donations.money import format_kronor
from donations.reports.table import (
    Column,
    Group,
    Kind,
    Row,
    Table,
    finality,
    stamp_of,
    summed,
)
from projects.rendering import swedish_order

TITLE = "Förändring av ändamålsbestämda medel"
SUSPENSE = "Oplacerade gåvor"
_Of = Transfer.Kind
_MOVED_IN, _MOVED_OUT = "moved in", "moved out"

_NAMES = (
    Column("Nummer", Kind.IDENTIFIER),
    Column("Insamling", is_heading=True),
    Column("År", Kind.IDENTIFIER),
)
_OPENING, _CLOSING = Column("Ingående balans", Kind.ORE), Column("Utgående balans", Kind.ORE)
# Each column of what has happened, and the kinds of movement that it holds.
_TAKEN_OVER = (Column("Ingående belopp", Kind.ORE, is_rare=True), [_Of.OPENING])
_HAPPENED: list[tuple[Column, Sequence[str]]] = [
    (Column("Gåvor", Kind.ORE, is_rare=True), [_Of.GIFT, _Of.PLACEMENT]),
    (Column("Återbetalt", Kind.ORE, is_rare=True), [_Of.REFUND]),
    (Column("Omfördelat hit", Kind.ORE, is_rare=True), [_MOVED_IN]),
    (Column("Omfördelat härifrån", Kind.ORE, is_rare=True), [_MOVED_OUT]),
    (Column("Överfört mellan år", Kind.ORE, is_rare=True), [_Of.CARRY_OVER]),
    (Column("Utbetalt", Kind.ORE, is_rare=True), [_Of.DISBURSEMENT]),
]


class _Net:
    """What an account took in less what it gave out, in öre: before the period, and in it by kind."""

    def __init__(self) -> None:
        self.before = 0
        self.during: dict[str, int] = defaultdict(int)

    @property
    def closing(self) -> int:
        return self.before + sum(self.during.values())


def table(first: datetime.date, last: datetime.date) -> Table:
    """The report from `first` to `last`, both included."""
    nets = _nets(first, last)
    # Only where there is any: it is there the first year.
    taken_over = [_TAKEN_OVER] if any(net.during[_Of.OPENING] for net in nets.values()) else []
    happened = [*taken_over, *_HAPPENED]
    columns = (*_NAMES, _OPENING, *(column for column, _kinds in happened), _CLOSING)
    accounts = Account.objects.filter(pk__in=nets).select_related(
        "fund_year__fund__project",
        "fund_year__fund__focus_area",
        "fund_year__focus_area",
        "fund_year__year",
    )
    found, bank = [], {_Of.GIFT: 0, _Of.REFUND: 0}
    for account in accounts:
        net = nets[account.pk]
        if account.kind == Account.Kind.BANK:
            bank = {kind: ore - net.during[kind] for kind, ore in bank.items()}
        elif account.kind in (Account.Kind.FUND, Account.Kind.SUSPENSE):
            amounts = [sum(net.during[kind] for kind in kinds) for _column, kinds in happened]
            amounts = [net.before, *amounts, net.closing]
            if any(amounts):
                found.append((account, amounts))
    groups = _groups(found, columns)
    return Table(
        title=TITLE,
        about=[("Period", period(first, last)), finality(last)],
        columns=columns,
        groups=groups,
        total=summed(columns, (row for group in groups for row in group.rows)),
        stamp=stamp_of(first, last),
        grouped_by="Fokusområde",
        notes=_notes(bank[_Of.GIFT], -bank[_Of.REFUND]),
        empty=_("Det fanns inget på insamlingarna, och inget hände under perioden."),
    )


def _nets(first: datetime.date, last: datetime.date) -> dict[int, _Net]:
    """By the id of each account that has had a movement by `last`."""
    of_kinds = DailyTotal.objects.filter(booked_on__lte=last).values_list("account_id", "kind")
    before = Coalesce(Sum(F("in_ore") - F("out_ore"), filter=Q(booked_on__lt=first)), 0)
    into = Coalesce(Sum("in_ore", filter=Q(booked_on__gte=first)), 0)
    out = Coalesce(Sum("out_ore", filter=Q(booked_on__gte=first)), 0)
    found: dict[int, _Net] = defaultdict(_Net)
    for account_id, kind, *sums in of_kinds.annotate(net=before, into=into, out=out):
        net = found[account_id]
        net.before += sums[0]
        if kind == _Of.REALLOCATION:
            net.during[_MOVED_IN] += sums[1]
            net.during[_MOVED_OUT] -= sums[2]
        else:
            net.during[kind] += sums[1] - sums[2]
    return found


def _groups(found: list[tuple[Account, list[int]]], columns: Sequence[Column]) -> list[Group]:
    """The funds by focus area, number and year; then what waits on suspense."""
    of_funds, waits = [], []
    for account, amounts in found:
        if account.fund_year is None:
            waits.append(Row((None, SUSPENSE, None, *amounts), reverse("finance_unplaced")))
            continue
        fund_year = account.fund_year
        number, year = fund_year.fund.collection_number, fund_year.year
        url = f"{reverse('finance_fund', args=[number])}?{urlencode({'ar': year.name})}"
        row = Row((number, str(fund_year.fund.page), year.name, *amounts), url)
        area = fund_year.focus_area
        of_funds.append(((swedish_order(area.title), area.pk), number, year.starts_on, area, row))
    of_funds.sort(key=lambda one: one[:3])
    groups = []
    for _area, members in groupby(of_funds, key=lambda one: one[0]):
        of_area = list(members)
        area, rows = of_area[0][3], [member[4] for member in of_area]
        groups.append(Group(area.title, rows, summed(columns, rows), area.hue))
    if waits:
        groups.append(Group(SUSPENSE, waits, summed(columns, waits)))
    return groups


def _notes(gifts: int, refunds: int) -> list[str]:
    return [
        _(
            "Det som har gått ut står med minus, så att varje rad går att räkna ihop: ingående balans och "
            "det som har hänt blir utgående balans. Placerade gåvor räknas som gåvor till insamlingen "
            "den dag de placerades. Rättelser räknas bort den dag de bokfördes. Ingående "
            "belopp är det som var insamlat innan insamlingen började bokföras här."
        ),
        _(
            "Bankkontona fick %(gifts)s i gåvor under perioden, och därifrån betalades %(refunds)s tillbaka. "
            "Det är summorna i kolumnerna Gåvor och Återbetalt."
        )
        % {"gifts": format_kronor(gifts), "refunds": format_kronor(refunds)},
    ]
