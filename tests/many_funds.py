"""Two hundred published projects with three years of money of every kind: drawn, and the same each time."""

import datetime
import random
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from donations import operations, queries
from donations.models import Account, Fund, FundYear, Need, Transfer
from donations.operations import Entry, GiftIn, LineIn, Part
from tests import cast

STOCKHOLM = ZoneInfo("Europe/Stockholm")
YEARS = (2022, 2023, 2024)
FIRST_DAY, TODAY = datetime.date(2022, 1, 1), datetime.date(2024, 12, 31)
LOCKED_THROUGH = datetime.date(2022, 12, 31)
# A year's end that is locked, a month's end, a leap day, midsummer, and the last day there is.
DAYS = (
    datetime.date(2022, 12, 31),
    datetime.date(2023, 10, 31),
    datetime.date(2024, 2, 29),
    datetime.date(2024, 6, 30),
    TODAY,
)
FUNDS, AREAS = 200, 8
CHANNELS = tuple(Fund.Channel)
DAY = datetime.timedelta(days=1)


def noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), STOCKHOLM)


@dataclass
class Books:
    """The funds in the order of their numbers, and their years."""

    funds: list[Fund]
    years: dict[tuple[int, int], FundYear]


def write(seed: int = 0, funds: int = FUNDS) -> Books:
    """Fill an empty database, on its last day (`TODAY`), through the product's own operations."""
    dice = random.Random(seed)
    books = Books(list(_funds(funds)), {})
    for year in YEARS:
        books.years |= {(one.fund_id, year): one for one in _begin(dice, books.funds, year)}
    for year in YEARS:
        _fill(dice, books, year)
    operations.lock_period(LOCKED_THROUGH, by=cast.ester())
    return books


def _funds(count: int) -> Iterator[Fund]:
    begins = [FIRST_DAY, datetime.date(2023, 5, 1), None]
    areas = [
        cast.area(f"omrade-{i}", clause_from=begins[i % 3 and i % 5 % 3]) for i in range(AREAS)
    ]
    for area in areas:
        cast.publish(area, noon(FIRST_DAY))
    for place in range(count):
        # Names that a sheet or a search might take for something else.
        title = ("Brunnar", "=2+3 pumpar", "Åsnor och öar", "+46 skolor", "@båten", "-1 hunger")
        project = cast.project(
            f"projekt-{place}",
            areas[place % AREAS],
            title=f"{title[place % 6]} {place}",
            qualifies_for_tax_reduction=place % 3 == 0,
        )
        cast.publish(project, noon(FIRST_DAY))
        fund = cast.fund(str(47000 + place), project)
        fund.opened_on = FIRST_DAY
        fund.save()
        yield fund


def _begin(dice: random.Random, funds: list[Fund], year: int) -> Iterator[FundYear]:
    """The funds' years with their accounts and most of their needs, in a few statements."""
    first = datetime.date(year, 1, 1)
    of = operations.collection_year(first)
    made = FundYear.objects.bulk_create(
        FundYear(fund=fund, year=of, focus_area=fund.area_now) for fund in funds
    )
    Account.objects.bulk_create(Account(kind=Account.Kind.FUND, fund_year=one) for one in made)
    Need.objects.bulk_create(
        Need(
            fund_year=one,
            amount_ore=dice.choice([0, 1, dice.randint(1_00, 9_000_00)]),
            decided_on=first,
            by=cast.ester(),
            reason="Styrelsens beslut",
        )
        for place, one in enumerate(made)
        if place % 17 != 3
    )
    yield from made


def _fill(dice: random.Random, books: Books, year: int) -> None:
    """A year of money, in the order in which it could have come."""
    by, bank = cast.ester(), cast.bank()
    ends = datetime.date(year, 12, 31)

    def some_day(first: datetime.date = datetime.date(year, 1, 1)) -> datetime.date:
        return dice.choice([first, ends, first + dice.randint(0, (ends - first).days) * DAY])

    def ore(most: int = 4_000_00) -> int:
        return dice.choice([1, 99, dice.randint(1, most), dice.randint(1, most)])

    accounts = {fund.pk: operations.account(books.years[fund.pk, year]) for fund in books.funds}
    gifts = [
        GiftIn(fund, ore(), some_day(), dice.choice(CHANNELS), "Åsa Påhittad", "Till projektet")
        for fund in books.funds
        for _ in range(dice.choice([0, 1, 1, 2, 4]))
    ]
    waiting = [
        GiftIn(None, ore() + 2, some_day(), dice.choice(CHANNELS), "Bo Påhittad", "Hej")
        for _ in range(20)
    ]
    ids = operations.post_gifts([*gifts, *waiting], bank=bank, by=by)
    given = Transfer.objects.in_bulk(ids)
    _place(dice, books, [given[pk] for pk in ids[len(gifts) :]], ends)
    _other_kinds(dice, accounts, year)
    chosen = dice.sample([given[pk] for pk in ids[: len(gifts)]], 18)
    for gift in chosen[:6]:
        operations.refund(gift, 1, booked_on=ends, reason="Givaren ångrade sig", by=by)
    for gift in chosen[6:]:
        on = max(gift.booked_on, some_day())
        operations.reverse(gift, booked_on=on, reason="Fel insamling", by=by)
    if year == YEARS[0]:
        rich = [fund for fund in books.funds if dice.random() < 0.1]
        for fund in rich:
            amount = dice.randint(1, 500_00)
            operations.open_with(
                books.years[fund.pk, year], amount, booked_on=FIRST_DAY, reason="Före", by=by
            )
    else:
        _carry_over(books, year, datetime.date(year, 3, 1))
    _decide_again(dice, books, year)
    _move(books, year, ends)


def _place(dice: random.Random, books: Books, gifts: list[Transfer], ends: datetime.date) -> None:
    """Most of those that wait are placed, on one fund or two; some in part."""
    for gift in gifts[:-4]:
        first, second = dice.sample(books.funds, 2)
        half = gift.amount_ore // 2
        parts = dice.choice([[Part(first, gift.amount_ore)], [Part(first, half), Part(second, 1)]])
        on = min(ends, gift.booked_on + dice.randint(0, 40) * DAY)
        operations.place(gift, parts, booked_on=on, reason="Givaren ringde", by=cast.ester())


def _other_kinds(dice: random.Random, accounts: dict[int, Account], year: int) -> None:
    """Money paid out to partners, in one posting."""
    partners = operations.single_account(Account.Kind.PARTNERS)
    entries = [
        Entry(
            kind=Transfer.Kind.DISBURSEMENT,
            debit_id=account.pk,
            credit_id=partners.pk,
            amount_ore=dice.randint(1, 300_00),
            booked_on=datetime.date(year, 11, dice.randint(1, 30)),
            reason="Till partnern",
        )
        for account in accounts.values()
        if dice.random() < 0.3
    ]
    operations.post(entries, by=cast.ester())


def _carry_over(books: Books, year: int, day: datetime.date) -> None:
    """A few surpluses of the year before go on to the same fund's new year."""
    before = [books.years[fund.pk, year - 1] for fund in books.funds]
    figures = queries.figures(before, TODAY)
    able = [one for one in before if operations.may_carry_over(figures[one.pk]) > 1]
    for fund_year in able[:8]:
        most = operations.may_carry_over(figures[fund_year.pk])
        on = max(day, figures[fund_year.pk].newest_day or day)
        operations.carry_over(
            fund_year, most // 2, booked_on=on, reason="Fortsätter", by=cast.ester()
        )


def _decide_again(dice: random.Random, books: Books, year: int) -> None:
    """Some needs are changed during the year."""
    for fund in books.funds[year % 9 :: 9]:
        operations.set_need(
            books.years[fund.pk, year],
            dice.randint(0, 8_000_00),
            decided_on=datetime.date(year, dice.randint(2, 12), 28),
            reason="Nytt beslut",
            by=cast.ester(),
        )


def _move(books: Books, year: int, day: datetime.date) -> None:
    """A few surpluses help others in their area; one of them is reversed."""
    years = [books.years[fund.pk, year] for fund in books.funds]
    figures = queries.figures(years, TODAY)
    poor = [one for one in years if (figures[one.pk].remaining or 0) > 0]
    sources = [one for one in years if figures[one.pk].may_leave > 1]
    for source in sources[:8]:
        to = next((one for one in poor if one.focus_area_id == source.focus_area_id), None)
        if to is None:
            continue
        ore = min(figures[source.pk].may_leave, figures[to.pk].remaining or 0) // 2 + 1
        poor.remove(to)
        line = LineIn(source, to, ore, "liknande arbete")
        proposal = operations.draft([line], reason="Mer än behovet", by=cast.ester())
        waits = operations.submit(proposal, by=cast.ester())
        on = max(day, figures[source.pk].newest_day or day)
        [moved] = operations.approve(waits, by=cast.colleague(), booked_on=on)
        if source is sources[0]:
            operations.reverse(moved, booked_on=TODAY, reason="Fel mottagare", by=cast.ester())
