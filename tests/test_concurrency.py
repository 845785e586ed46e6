"""Many writers at once: nothing is lost, nobody dies of a deadlock, no need is gone below."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.db.models import Sum

from donations import operations, queries, totals
from donations.models import Account, DailyTotal, Fund, FundYear, Transfer
from donations.operations import Entry, GiftIn, OperationError
from staff.models import User
from tests import cast

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]
WRITERS = 16
LAST_DAY = cast.MIDSUMMER.replace(month=12, day=31)


def together(work: Callable[[int], Any], writers: int = WRITERS) -> list[Any]:
    """What `work` gives for each writer's number, all started at the same moment."""
    start = threading.Barrier(writers)

    def one(number: int) -> Any:
        try:
            with connections["default"].cursor() as cursor:  # connected before the start
                cursor.execute("SELECT 1")
            start.wait(timeout=30)
            return work(number)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(writers) as threads:
        return list(threads.map(one, range(writers)))


@pytest.fixture
def retries(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each retry waited: PostgreSQL ended that transaction for a deadlock."""
    waited: list[float] = []
    monkeypatch.setattr("donations.operations.ledger.time.sleep", waited.append)
    return waited


@pytest.fixture
def funds() -> list[Fund]:
    vatten = cast.area()
    numbers = range(47030, 47110, 10)
    return [cast.fund(str(number), cast.project(f"p-{number}", vatten)) for number in numbers]


class Writer:
    """Writes gifts of one day to one bank, and remembers what it gave."""

    def __init__(self, number: int, funds: list[Fund], bank: Account, by: User) -> None:
        self.dice, self.funds, self.bank, self.by = random.Random(number), funds, bank, by

    def some(self, count: int) -> list[GiftIn]:
        day, channel = cast.MIDSUMMER, Fund.Channel.SWISH
        funds = [*self.funds, None]
        return [
            GiftIn(self.dice.choice(funds), self.dice.randint(1, 1000), day, channel)
            for _ in range(count)
        ]

    def one_by_one(self) -> list[GiftIn]:
        gifts = self.some(15)
        for gift in gifts:
            operations.register_gift(gift, bank=self.bank, by=self.by)
        return gifts

    def in_bulk(self) -> list[GiftIn]:
        gifts = []
        for _ in range(4):
            batch = self.some(50)
            operations.post_gifts(batch, bank=self.bank, by=self.by)
            gifts += batch
        return gifts


@pytest.mark.parametrize("years", ["already there", "made by whoever comes first"])
def test_16_writers_on_one_banks_one_day_lose_nothing(
    funds: list[Fund], retries: list[float], years: str
) -> None:
    bank, by = cast.bank(), cast.ester()
    if years == "already there":
        operations.single_account(Account.Kind.SUSPENSE)
        for fund in funds:
            cast.fund_year(fund)

    def write(number: int) -> list[GiftIn]:
        writer = Writer(number, funds, bank, by)
        return writer.in_bulk() if number % 4 == 0 else writer.one_by_one()

    given = [gift for gifts in together(write) for gift in gifts]
    assert Transfer.objects.count() == len(given) == 4 * 200 + 12 * 15
    kept = DailyTotal.objects.filter(account=bank).aggregate(Sum("out_ore"))["out_ore__sum"]
    assert kept == sum(gift.amount_ore for gift in given)
    fund_years = FundYear.objects.filter(fund__in=funds)
    assert fund_years.count() == len(funds)
    shown = queries.figures(fund_years, cast.MIDSUMMER)
    for fund_year in fund_years:
        its = [gift.amount_ore for gift in given if gift.fund == fund_year.fund]
        assert shown[fund_year.pk].collected == sum(its)
    assert totals.differences() == []
    assert retries == []


def move(source: FundYear, to: FundYear, ore: int) -> Entry:
    line = cast.agreed(source, to, ore)
    sides = source.account.pk, to.account.pk
    return Entry(Transfer.Kind.REALLOCATION, *sides, ore, LAST_DAY, line_id=line)


def test_16_writers_who_move_the_same_surplus_never_go_below_the_need(
    funds: list[Fund], retries: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's guard keeps them apart by itself, as it does for whoever writes plain SQL."""
    monkeypatch.setattr(operations.ledger, "lock", lambda fund_year_ids: None)
    by, _approver, need, surplus = cast.ester(), cast.colleague(), 100_00, 150
    brunnar = cast.fund_year(funds[0], need_ore=need)
    neighbours = [cast.fund_year(fund, need_ore=need) for fund in funds[1:]]
    cast.gift(funds[0], need + surplus)

    def write(number: int) -> int:
        dice, moved = random.Random(number), 0
        for _ in range(15):
            parts = [dice.randint(1, 2) for _ in range(dice.choice([1, 1, 2]))]
            try:
                operations.post(
                    [move(brunnar, dice.choice(neighbours), ore) for ore in parts], by=by
                )
            except IntegrityError as error:
                refusals.append(str(error))
            else:
                moved += sum(parts)
        return moved

    refusals: list[str] = []
    moved = sum(together(write))
    assert refusals
    assert all("movable surplus" in refusal for refusal in refusals)
    figures = queries.figures([brunnar, *neighbours], LAST_DAY)
    # One öre can be left, when the last ones who tried wanted two.
    assert surplus - 1 <= moved <= surplus
    assert figures[brunnar.pk].available == need + surplus - moved
    assert sum(figures[neighbour.pk].moved_in for neighbour in neighbours) == moved
    assert totals.differences() == []
    assert retries == []


def test_a_gift_is_paid_back_once_however_many_try(funds: list[Fund]) -> None:
    by, gift = cast.ester(), cast.gift(funds[0], 100)

    def pay_back(number: int) -> int:
        try:
            return operations.refund(
                gift, 30, booked_on=LAST_DAY, reason="Ångrade sig", by=by
            ).amount_ore
        except OperationError as error:
            refusals.append(str(error))
            return 0

    refusals: list[str] = []
    assert sum(together(pay_back)) == 90
    assert len(refusals) == WRITERS - 3
    assert all("kvar att återbetala" in refusal for refusal in refusals)
    assert totals.differences() == []


def test_a_transfer_is_reversed_once_however_many_try(funds: list[Fund]) -> None:
    by, gift = cast.ester(), cast.gift(funds[0], 100)

    def reverse(number: int) -> bool:
        try:
            operations.reverse(gift, booked_on=LAST_DAY, reason="Ett nollfel", by=by)
        except OperationError as error:
            refusals.append(str(error))
            return False
        return True

    refusals: list[str] = []
    assert sum(together(reverse)) == 1
    assert refusals == ["Transaktionen är redan rättad."] * (WRITERS - 1)
    assert totals.differences() == []


def test_moving_there_moving_back_reversing_and_paying_back_at_once_loses_nothing(
    funds: list[Fund], retries: list[float]
) -> None:
    """More writers than there are slots, so that some share one."""
    by, _approver, need, writers = cast.ester(), cast.colleague(), 100_00, 24
    brunnar, pumpar = (cast.fund_year(fund, need_ore=need) for fund in funds[:2])
    gifts = [cast.gift(fund, need) for fund in funds[:2] for _ in range(2)]

    def write(number: int) -> None:
        dice = random.Random(number)
        for _ in range(6):
            source, to = dice.sample([brunnar, pumpar], 2)
            try:
                [pk] = operations.post([move(source, to, dice.randint(1, 60_00))], by=by)
                if number % 2:
                    operations.reverse(
                        Transfer.objects.get(pk=pk), booked_on=LAST_DAY, reason="Prov", by=by
                    )
                operations.refund(dice.choice(gifts), 1, booked_on=LAST_DAY, reason="Prov", by=by)
            except IntegrityError as error:
                refusals.append(str(error))

    refusals: list[str] = []
    together(write, writers)
    assert all("movable surplus" in refusal for refusal in refusals)
    assert retries == []
    assert totals.differences() == []
    figures = queries.figures([brunnar, pumpar], LAST_DAY)
    refunded = sum(figures[fund_year.pk].refunds for fund_year in (brunnar, pumpar))
    available = sum(figures[fund_year.pk].available for fund_year in (brunnar, pumpar))
    assert available == 4 * need - refunded
