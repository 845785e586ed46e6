"""The plain SQL says what the definitions say: figures worked out by hand, for every kind of row."""

import datetime
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from donations import operations
from donations.models import Fund, FundYear, Proposal, Transfer
from donations.operations import GiftIn, LineIn, Part
from tests import cast
from tests.plain_figures import balances, plain_figures, plain_pending

pytestmark = pytest.mark.django_db
SWISH = Fund.Channel.SWISH
# Available, remaining, surplus and movable of 47030, and of its neighbours what remains and what
# may be offered to them, in kronor.
EXAMPLE = {
    "start": ((332_028, 0, 56_028, 56_028), (40_000, 90_000), (40_000, 90_000)),
    "waiting": ((332_028, 0, 56_028, 0), (40_000, 90_000), (0, 73_972)),
    "approved": ((276_000, 0, 0, 0), (0, 73_972), (0, 73_972)),
    "reversed": ((332_028, 0, 56_028, 56_028), (40_000, 90_000), (40_000, 90_000)),
    "in proportion": ((276_000, 0, 0, 0), (22_761, 51_211), (22_761, 51_211)),
}


class Book:
    """A book that is kept day by day: each thing is written on the day that it counts."""

    def __init__(self, clock: time_machine.Traveller, clause_from: datetime.date) -> None:
        self.clock = clock
        self.on(1, 1)
        self.by, self.other, self.bank = cast.ester(), cast.colleague(), cast.bank()
        self.area = cast.area(clause_from=clause_from)

    def on(self, month: int, day: int, year: int = 2023) -> None:
        self.today = datetime.date(year, month, day)
        noon = datetime.datetime.combine(
            self.today, datetime.time(12), ZoneInfo("Europe/Stockholm")
        )
        self.clock.move_to(noon)

    def fund(self, number: str) -> Fund:
        return cast.fund(number, cast.project(f"p{number}", self.area))

    def year(self, fund: Fund) -> FundYear:
        return operations.fund_year(fund, self.today, self.by)

    def need(self, fund: Fund, ore: int) -> None:
        given: dict[str, Any] = {"decided_on": self.today, "reason": "Beslut", "by": self.by}
        operations.set_need(self.year(fund), ore, **given)

    def gift(self, fund: Fund | None, ore: int) -> Transfer:
        given = GiftIn(fund, ore, self.today, SWISH)
        operations.register_gift(given, bank=self.bank, by=self.by)
        return Transfer.objects.latest("pk")

    def place(self, gift: Transfer, fund: Fund, ore: int) -> Transfer:
        operations.place(gift, [Part(fund, ore)], **self.why())
        return Transfer.objects.latest("pk")

    def answer(self, gift: Transfer, is_yes: bool) -> None:
        given: dict[str, Any] = {"asked_by": "Ester", "answered_on": self.today, "by": self.by}
        operations.record_answer(gift, is_yes, **given)

    def disburse(self, fund_year: FundYear, ore: int) -> Transfer:
        operations.disburse(fund_year, ore, **self.why())
        return Transfer.objects.latest("pk")

    def reverse(self, *written: Transfer) -> None:
        for transfer in written:
            operations.reverse(transfer, **self.why())

    def draft(self, source: FundYear, *parts: tuple[FundYear, int]) -> Proposal:
        lines = [LineIn(source, receiver, ore) for receiver, ore in parts]
        return operations.draft(lines, reason="Överskott", by=self.by)

    def propose(self, source: FundYear, *parts: tuple[FundYear, int]) -> Proposal:
        proposal = self.draft(source, *parts)
        operations.submit(proposal, by=self.by)
        return Proposal.objects.get(pk=proposal.pk)

    def move(self, source: FundYear, *parts: tuple[FundYear, int]) -> list[Transfer]:
        operations.approve(self.propose(source, *parts), by=self.other)
        return list(Transfer.objects.order_by("-pk")[: len(parts)])

    def why(self) -> dict[str, Any]:
        return {"booked_on": self.today, "reason": "Enligt beslut", "by": self.by}

    def says(
        self, fund_year: FundYear, day: datetime.date | None = None, /, **expected: Any
    ) -> None:
        """What is not named is 0."""
        found = {k: v for k, v in vars(plain_figures(day or self.today)[fund_year.pk]).items() if v}
        found.pop("need_decided_on", None)
        assert found == expected

    def waits(self, fund_year: FundYear) -> tuple[int, int, int, int | None]:
        its = plain_pending(self.today)[fund_year.pk]
        return its.out, its.into, its.movable, its.offered


@pytest.fixture
def book() -> Iterator[Book]:
    with time_machine.travel(0, tick=False) as clock:
        yield Book(clock, clause_from=datetime.date(2023, 3, 1))


def test_the_worked_example(book: Book) -> None:
    book.on(3, 1)
    years = []
    for number, need, given in (
        ("47030", 276_000, 332_028),
        ("47031", 100_000, 60_000),
        ("47032", 100_000, 10_000),
    ):
        fund = book.fund(number)
        book.need(fund, need * 100)
        book.gift(fund, given * 100)
        years.append(book.year(fund))
    source, near, far = years

    def stands(step: str) -> None:
        figures, waits = plain_figures(book.today), plain_pending(book.today)
        of, movable = figures[source.pk], waits[source.pk].movable
        own = (of.available, of.remaining, of.surplus, movable)
        remaining = tuple(figures[year.pk].remaining for year in (near, far))
        offered = tuple(waits[year.pk].offered for year in (near, far))
        in_ore = tuple(tuple(kronor * 100 for kronor in group) for group in EXAMPLE[step])
        assert (own, remaining, offered) == in_ore, step

    stands("start")
    proposal = book.propose(source, (near, 4_000_000), (far, 1_602_800))
    stands("waiting")
    operations.approve(proposal, by=book.other)
    stands("approved")
    book.reverse(*Transfer.objects.filter(kind=Transfer.Kind.REALLOCATION))
    stands("reversed")
    assert [plain_figures(book.today)[year.pk].moved_in for year in years] == [0, 0, 0]
    assert plain_figures(book.today)[source.pk].moved_out == 0
    book.move(source, (near, 1_723_900), (far, 3_878_900))
    stands("in proportion")
    assert plain_figures(book.today)[source.pk].moved_out == 5_602_800


def test_what_is_collected_and_what_of_it_is_covered(book: Book) -> None:
    fund = book.fund("47010")
    year = book.year(fund)
    book.need(fund, 100)
    book.on(1, 10)
    operations.open_with(year, 5, **book.why())
    book.says(year, need=100, opening=5, collected=5, available=5, remaining=95, cash=5)
    book.on(2, 28)  # the day before the clause
    unclear, early = book.gift(None, 30), book.gift(fund, 40)
    book.on(3, 1)
    covered = book.gift(fund, 100)
    book.on(3, 5)  # the bank's date is what counts
    placed = book.place(unclear, fund, 21)
    sums = {"need": 100, "opening": 5, "gifts": 140, "placements": 21, "collected": 166}
    book.says(year, **sums, available=166, surplus=66, cash=166, covered=100, movable=66)
    book.on(3, 12)
    book.place(book.gift(None, 50), fund, 33)
    assert balances(book.today)[unclear.credit_id] == 26
    book.on(3, 20)
    operations.refund(covered, 7, **book.why())
    sums |= {"placements": 54, "refunds": 7, "collected": 192, "available": 192}
    book.says(year, **sums, surplus=92, cash=192, covered=126, movable=92)

    book.on(4, 1)
    book.disburse(year, 30)
    wrong, returned = book.disburse(year, 100), book.gift(fund, 9)
    wrong_day = sums | {"gifts": 149, "collected": 201, "available": 201, "disbursed": 130}
    book.says(year, **wrong_day, surplus=101, cash=71, covered=135, movable=71)
    book.on(4, 20)
    book.reverse(wrong, returned)
    sums["disbursed"] = 30
    book.says(year, **sums, surplus=92, cash=162, covered=126, movable=92)
    book.says(
        year,
        datetime.date(2023, 4, 19),
        **wrong_day,
        surplus=101,
        cash=71,
        covered=135,
        movable=71,
    )

    asked = (
        (5, 1, early, True, 166),
        (5, 2, placed, True, 187),
        (5, 10, early, False, 147),
        (5, 11, early, True, 187),
        (5, 20, placed, False, 166),
    )
    for month, day, gift, is_yes, ore in asked:
        book.on(month, day)
        book.answer(gift, is_yes)
        book.says(year, **sums, surplus=92, cash=162, covered=ore, movable=92)
    book.on(5, 21)
    book.reverse(early)
    sums |= {"gifts": 100, "collected": 152, "available": 152}
    book.says(year, **sums, surplus=52, cash=122, covered=126, movable=52)
    for month, day, _, _, ore in asked:
        assert plain_figures(datetime.date(2023, month, day))[year.pk].covered == ore

    book.on(6, 1)
    book.need(fund, 500)
    book.need(fund, 120)  # of two from one day, the later
    sums["need"] = 120
    book.says(year, **sums, surplus=32, cash=122, covered=126, movable=32)
    decided = [
        (its.need, its.need_decided_on)
        for its in (plain_figures(datetime.date(2023, *day))[year.pk] for day in ((5, 31), (6, 1)))
    ]
    assert decided == [(100, datetime.date(2023, 1, 1)), (120, datetime.date(2023, 6, 1))]
    before = plain_figures(datetime.date(2022, 12, 31))[year.pk]
    assert (before.need, before.remaining, before.surplus, before.cash) == (None, None, None, 0)


def test_what_moves_and_what_waits(book: Book) -> None:
    rich, poor, unknown = (book.fund(number) for number in ("47010", "47020", "47050"))
    source, receiver, third = (book.year(fund) for fund in (rich, poor, unknown))
    book.need(rich, 100)
    book.need(poor, 500)
    book.on(3, 1)
    book.gift(rich, 200)
    book.gift(unknown, 10)
    draft = book.draft(source, (receiver, 11))
    assert (book.waits(source), book.waits(receiver)) == ((0, 0, 100, 0), (0, 0, 0, 500))
    assert book.waits(third) == (0, 0, 0, None)
    operations.submit(draft, by=book.by)
    first = book.propose(source, (receiver, 25))
    assert (book.waits(source), book.waits(receiver)) == ((36, 0, 64, 0), (0, 36, 0, 464))
    sums = {"need": 100, "gifts": 200, "collected": 200}
    # What waits has not moved.
    book.says(source, **sums, available=200, surplus=100, cash=200, covered=200, movable=100)
    operations.reject(draft, reason="Inte nu", by=book.other)
    assert (book.waits(source), book.waits(receiver)) == ((25, 0, 75, 0), (0, 25, 0, 475))

    book.on(3, 2)
    operations.approve(first, by=book.other)
    assert (book.waits(source), book.waits(receiver)) == ((0, 0, 75, 0), (0, 0, 0, 475))
    moved = {"available": 175, "surplus": 75, "cash": 175, "covered": 175, "movable": 75}
    book.says(source, **sums, moved_out=25, **moved)
    # Money that was moved in is not moved on: it is not covered.
    book.says(receiver, need=500, moved_in=25, available=25, remaining=475, cash=25)
    book.on(3, 3)
    (again,) = book.move(source, (receiver, 75))
    book.says(source, **sums, moved_out=100, available=100, cash=100, covered=100)
    book.on(3, 4)
    book.reverse(again)
    book.says(source, **sums, moved_out=25, **moved)
    waiting = book.propose(source, (receiver, 60))
    book.disburse(source, 125)
    assert book.waits(source) == (60, 0, 0, 0)  # cash is 50, and 60 are promised
    operations.withdraw(waiting, by=book.by)
    assert book.waits(source) == (0, 0, 50, 0)


def test_the_turn_of_the_year(book: Book) -> None:
    fund, area_fund = book.fund("47010"), cast.fund("47090", book.area)
    old, area_year = book.year(fund), book.year(area_fund)
    book.need(fund, 60)
    book.on(2, 1)
    book.gift(fund, 80)
    book.on(3, 1)
    book.gift(fund, 10)
    book.gift(area_fund, 15)
    sums = {"need": 60, "gifts": 90, "collected": 90}
    stands = {"available": 90, "surplus": 30, "cash": 90, "covered": 10, "movable": 10}
    book.says(old, **sums, **stands)
    # A whole area needs nothing for itself: all of it may move.
    area = {"gifts": 15, "collected": 15, "available": 15, "surplus": 15}
    book.says(area_year, **area, cash=15, covered=15, movable=15)
    assert plain_figures(book.today)[area_year.pk].need == 0

    book.on(1, 10, 2024)
    new = book.year(fund)
    carried = operations.carry_over(old, 25, **book.why())
    book.says(old, **sums, carried_out=25, available=65, surplus=5, cash=65)
    book.says(new, carried_in=25, available=25, cash=25, covered=10)
    assert plain_figures(book.today)[new.pk].surplus is None
    book.need(fund, 5)
    book.says(new, need=5, carried_in=25, available=25, surplus=20, cash=25, covered=10, movable=10)
    book.says(old, datetime.date(2023, 12, 31), **sums, **stands)
    book.on(1, 20, 2024)
    book.reverse(carried)
    book.says(old, **sums, **stands)
    book.says(new, need=5, remaining=5)
