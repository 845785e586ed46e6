"""The books of two years before anything happens to them."""

import datetime
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import time_machine

from donations import operations
from donations.models import Account, Fund, FundYear, Transfer
from donations.operations import GiftIn, LineIn
from staff.models import User
from tests import cast

DAY = datetime.timedelta(days=1)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST_DAY, LAST_DAY = datetime.date(2021, 1, 1), datetime.date(2024, 12, 31)
THIS_YEAR, TODAY = datetime.date(2022, 1, 1), datetime.date(2022, 3, 1)
# Gifts before it are not covered in the first area; the second area has no clause at all.
CLAUSE_FROM = datetime.date(2021, 2, 1)
# What a row in the books says, with the accounts by id.
Row = tuple[str, int, int, int, datetime.date, int | None]


@dataclass
class Begun:
    """The books of two years before anything happens to them: made once, and gone back to."""

    ester: User
    kajsa: User
    bank: Account
    suspense: Account
    partners: Account
    start: Account
    funds: list[Fund]
    closed: Fund
    covered_from: dict[int, datetime.date | None]
    years: dict[tuple[int, datetime.date], FundYear] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    kept: list[Row] = field(default_factory=list)
    last_row: int = 0


def noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), STOCKHOLM)


def begin() -> Begun:
    """Two years with surpluses, each held back by another limit, and somewhere to move them."""
    vatten = cast.area("vatten", clause_from=CLAUSE_FROM)
    skola = cast.area("skola", clause_from=None)
    pages = [cast.project(f"vatten-{n}", vatten) for n in range(4)]
    pages += [cast.project(f"skola-{n}", skola) for n in range(2)]
    its = Begun(
        ester=cast.ester(),
        kajsa=cast.colleague(),
        bank=cast.bank(),
        suspense=operations.single_account(Account.Kind.SUSPENSE),
        partners=operations.single_account(Account.Kind.PARTNERS),
        start=operations.single_account(Account.Kind.START),
        funds=[cast.fund(f"470{n}0", page) for n, page in enumerate([*pages, vatten], 1)],
        closed=cast.fund("47990", cast.project("stängd", vatten)),
        covered_from={vatten.pk: CLAUSE_FROM, skola.pk: None},
    )
    its.closed.opened_on, its.closed.closed_on = FIRST_DAY, FIRST_DAY + 100 * DAY
    its.closed.save()
    rich, poor, wide, unknown, school, room, whole = its.funds
    with time_machine.travel(noon(TODAY), tick=False):
        for first in (FIRST_DAY, THIS_YEAR):
            for fund in its.funds:
                made = operations.fund_year(fund, first, its.ester)
                its.years[fund.pk, first], its.accounts[made.pk] = made, operations.account(made)
            needs = ((rich, 30), (poor, 60), (wide, 400), (school, 40), (room, 300))
            for fund, ore in needs:
                year = its.years[fund.pk, first]
                operations.set_need(
                    year, ore, decided_on=first, reason="Styrelsens beslut", by=its.ester
                )
            given: list[tuple[Fund | None, int, int]] = [
                (rich, 60, 5),
                (rich, 75, 59),
                (poor, 20, 58),
                (unknown, 50, 58),
            ]
            given += [(school, 90, 58), (whole, 40, 58), (None, 30, 30), (None, 20, 58)]
            operations.post_gifts(
                [
                    GiftIn(fund, ore, first + days * DAY, Fund.Channel.SWISH)
                    for fund, ore, days in given
                ],
                bank=its.bank,
                by=its.ester,
            )
        # What has been opened with, paid out, carried over and moved in may not go on.
        last, this = its.years[rich.pk, FIRST_DAY], its.years[rich.pk, THIS_YEAR]
        for year, ore in ((this, 40), (its.years[whole.pk, FIRST_DAY], 25)):
            operations.disburse(year, ore, booked_on=TODAY, reason="Till partnern", by=its.ester)
        operations.open_with(this, 50, booked_on=THIS_YEAR, reason="Från förr", by=its.ester)
        operations.carry_over(last, 15, booked_on=TODAY, reason="Nytt år", by=its.ester)
        into = its.years[poor.pk, THIS_YEAR]
        line = LineIn(its.years[whole.pk, THIS_YEAR], into, 30)
        moved = operations.submit(
            operations.draft([line], reason="Till samma sak", by=its.ester), by=its.ester
        )
        operations.approve(moved, by=its.kajsa)
        operations.set_need(into, 10, decided_on=TODAY, reason="Billigare", by=its.ester)
        waits = LineIn(this, its.years[wide.pk, THIS_YEAR], 30)
        operations.submit(
            operations.draft([waits], reason="Till samma sak", by=its.ester), by=its.ester
        )
    for year in FundYear.objects.select_related("year", "fund__project", "fund__focus_area"):
        its.years[year.fund_id, year.year.starts_on] = year
        its.accounts[year.pk] = operations.account(year)
    rows = Transfer.objects.order_by("pk")
    its.kept = list(
        rows.values_list("kind", "debit", "credit", "amount_ore", "booked_on", "reverses")
    )
    its.last_row = rows.values_list("pk", flat=True).last() or 0
    return its
