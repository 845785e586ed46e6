"""What has been moved on is not moved back as well, and promises reach no further than they were given."""

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.db import IntegrityError, transaction

from donations import operations, queries
from donations.models import Fund, FundYear, PeriodLock, Transfer
from donations.operations import Entry, GiftIn, LineIn, OperationError
from tests import cast

pytestmark = pytest.mark.django_db

YEAR_AFTER = datetime.date(cast.YEAR + 1, 3, 1)
DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def a_year_later() -> Iterator[None]:
    with time_machine.travel(
        datetime.datetime(cast.YEAR + 1, 3, 1, 12, tzinfo=datetime.UTC), tick=False
    ):
        yield


def books(*areas: str) -> tuple[FundYear, FundYear]:
    """Two fund years of the year that is over: one with 1 000 kr of surplus, one that needs 1 000 kr."""
    area = cast.area("vatten")
    source = cast.fund_year(cast.fund("47030", cast.project("brunnar", area)), need_ore=0)
    other = cast.fund_year(cast.fund("47040", cast.project("pumpar", area)), need_ore=1_000_00)
    cast.gift(source.fund, 1_000_00)
    return source, other


def move(source: FundYear, receiver: FundYear, ore: int) -> list[Transfer]:
    proposal = operations.draft([LineIn(source, receiver, ore)], reason="Prov", by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    return operations.approve(proposal, by=cast.colleague())


def carry(source: FundYear, ore: int) -> Transfer:
    return operations.carry_over(
        source, ore, booked_on=YEAR_AFTER, reason="Nytt år", by=cast.ester()
    )


def mirrored(of: Transfer) -> Entry:
    """The reversal as somebody would write it past the operations."""
    return Entry(
        kind=Transfer.Kind(of.kind),
        debit_id=of.credit_id,
        credit_id=of.debit_id,
        amount_ore=of.amount_ore,
        covered_ore=of.covered_ore,
        booked_on=YEAR_AFTER,
        reverses_id=of.pk,
    )


def refuse_reversal(of: Transfer) -> None:
    with pytest.raises(OperationError, match="Rätta först det som har flyttats"):
        operations.reverse(of, booked_on=YEAR_AFTER, reason="Fel", by=cast.ester())
    with pytest.raises(IntegrityError, match="has gone on"), transaction.atomic():
        operations.post([mirrored(of)], by=cast.ester())


@pytest.mark.parametrize("ore", [1, 1_000_00])
def test_a_carry_over_is_not_put_back_while_any_of_it_has_been_moved_on(ore: int) -> None:
    source, other = books()
    carried = carry(source, 1_000_00)
    this_year = carried.credit.fund_year
    assert this_year
    operations.set_need(this_year, 0, decided_on=YEAR_AFTER, reason="Klart", by=cast.ester())
    receiver = cast.fund_year(other.fund, need_ore=1_000_00, day=YEAR_AFTER)
    [moved] = move(this_year, receiver, ore)
    refuse_reversal(carried)
    operations.reverse(moved, booked_on=YEAR_AFTER, reason="Fel", by=cast.ester())
    operations.reverse(carried, booked_on=YEAR_AFTER, reason="Fel", by=cast.ester())
    assert queries.figures([source], YEAR_AFTER)[source.pk].movable == 1_000_00


@pytest.mark.parametrize(("paid_ore", "stands"), [(0, True), (1, False)])
def test_a_reallocation_is_not_put_back_when_the_receiver_has_paid_it_out(
    paid_ore: int, stands: bool
) -> None:
    source, other = books()
    [moved] = move(source, other, 600_00)
    if paid_ore:
        operations.disburse(
            other, paid_ore, booked_on=YEAR_AFTER, reason="Till partnern", by=cast.ester()
        )
    if not stands:
        refuse_reversal(moved)
    else:
        operations.reverse(moved, booked_on=YEAR_AFTER, reason="Fel", by=cast.ester())
        assert queries.figures([other], YEAR_AFTER)[other.pk].available == 0


def test_what_is_carried_into_another_area_is_not_covered_there() -> None:
    source, _other = books()
    school = cast.area("skola")
    project = source.fund.project
    assert project
    project.focus_area = school
    project.save()
    source.fund.refresh_from_db()
    carried = carry(source, 1_000_00)
    assert (carried.amount_ore, carried.covered_ore) == (1_000_00, 0)
    there = carried.credit.fund_year
    assert there
    assert there.focus_area == school
    operations.reverse(carried, booked_on=YEAR_AFTER, reason="Fel", by=cast.ester())
    sides = (carried.debit_id, carried.credit_id)
    covered = Entry(Transfer.Kind.CARRY_OVER, *sides, 1_00, YEAR_AFTER, covered_ore=1_00)
    with pytest.raises(IntegrityError, match="nothing may move"), transaction.atomic():
        operations.post([covered], by=cast.ester())


@pytest.mark.parametrize(("days", "stands"), [(0, False), (1, True)])
def test_no_need_is_decided_for_a_day_that_is_locked(days: int, stands: bool) -> None:
    source, _other = books()
    locked = datetime.date(cast.YEAR, 12, 31)
    PeriodLock.objects.create(through=locked, by=cast.ester(), created_at="2025-01-02T08:00Z")

    def decide() -> None:
        operations.set_need(
            source, 5_00, decided_on=locked + days * DAY, reason="Sent", by=cast.ester()
        )

    if stands:
        return decide()
    with pytest.raises(OperationError, match="låst till och med den 31 december"):
        decide()
    with pytest.raises(IntegrityError, match="locked period"), transaction.atomic():
        source.needs.create(amount_ore=5_00, decided_on=locked, reason="Sent", by=cast.ester())
    return None


def test_a_donors_no_is_refused_when_money_has_moved_by_the_yes() -> None:
    area = cast.area("vatten", clause_from=None)
    source = cast.fund_year(cast.fund("47030", cast.project("brunnar", area)), need_ore=0)
    other = cast.fund_year(cast.fund("47040", cast.project("pumpar", area)), need_ore=1_000_00)
    gift = cast.gift(source.fund, 1_000_00)

    def answer(is_yes: bool) -> None:
        operations.record_answer(
            gift, is_yes, asked_by="Ester", answered_on=YEAR_AFTER, by=cast.ester()
        )

    answer(True)
    answer(False)
    answer(True)
    [moved] = move(source, other, 1)
    with pytest.raises(OperationError, match="Överskott har redan flyttats"):
        answer(False)
    operations.reverse(moved, booked_on=YEAR_AFTER, reason="Fel", by=cast.ester())
    answer(False)
    assert queries.figures([source], YEAR_AFTER)[source.pk].covered == 0


def test_a_fund_for_a_whole_area_needs_nothing_whatever_is_decided() -> None:
    area = cast.area("vatten")
    whole = cast.fund_year(cast.fund("47030", area))
    with pytest.raises(OperationError, match="har behovet 0 kr"):
        operations.set_need(whole, 1, decided_on=YEAR_AFTER, reason="Fel", by=cast.ester())


def test_a_refund_in_a_locked_period_keeps_the_banks_day() -> None:
    source, _other = books()
    gift = cast.gift(source.fund, 5_00, YEAR_AFTER - 20 * DAY)
    locked = YEAR_AFTER - 5 * DAY
    operations.lock_period(locked, by=cast.ester())
    refund = operations.refund(gift, 5_00, booked_on=locked, reason="Ångrade sig", by=cast.ester())
    assert refund.payment
    assert (refund.payment.bank_date, refund.booked_on) == (locked, locked + DAY)


def test_a_placed_gift_says_what_has_to_be_put_right_before_it_is_paid_back() -> None:
    source, _other = books()
    given = GiftIn(None, 5_00, YEAR_AFTER, Fund.Channel.SWISH)
    gift = operations.register_gift(given, bank=cast.bank(), by=cast.ester())
    part = operations.Part(source.fund, 5_00)
    operations.place(gift, [part], booked_on=YEAR_AFTER, reason="Rätt", by=cast.ester())
    with pytest.raises(OperationError, match="Rätta placeringen först"):
        operations.refund(gift, 5_00, booked_on=YEAR_AFTER, reason="Ånger", by=cast.ester())
