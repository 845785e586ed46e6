"""The figures of a fund year, at their edges. Each is also compared with plain SQL."""

import datetime

import pytest
from django.db import IntegrityError, transaction
from django.test.utils import CaptureQueriesContext

from donations import operations, queries
from donations.models import Account, FundYear, SurplusClause, Transfer
from donations.operations import Entry
from donations.queries import Figures
from tests import cast
from tests.plain_figures import PlainFigures, plain_figures

pytestmark = pytest.mark.django_db
Kind = Transfer.Kind
NEED = 276_000_00
FIRST_DAY = cast.NEW_YEAR
LAST_DAY = datetime.date(cast.YEAR, 12, 31)
DAY = datetime.timedelta(days=1)


def shown(fund_year: FundYear, day: datetime.date = LAST_DAY) -> Figures:
    """The fund year's figures at the end of `day`, the same from the totals as from plain SQL."""
    figures = queries.figures([fund_year], day)[fund_year.pk]
    plain = plain_figures(day)[fund_year.pk]
    assert {name: getattr(figures, name) for name in PlainFigures.__annotations__} == vars(plain)
    return figures


def move(
    kind: Kind, source: FundYear, to: FundYear, ore: int, day: datetime.date = LAST_DAY
) -> Transfer:
    line = cast.agreed(source, to, ore) if kind is Kind.REALLOCATION else None
    sides = operations.account(source).pk, operations.account(to).pk
    entry = Entry(kind, *sides, ore, day, line_id=line)
    [pk] = operations.post([entry], by=cast.ester())
    return Transfer.objects.get(pk=pk)


def pay_out(source: FundYear, ore: int, day: datetime.date = LAST_DAY) -> None:
    partners = operations.single_account(Account.Kind.PARTNERS)
    entry = Entry(Kind.DISBURSEMENT, operations.account(source).pk, partners.pk, ore, day)
    operations.post([entry], by=cast.ester())


class TestNeed:
    @pytest.mark.parametrize(
        ("given", "remaining", "surplus"),
        [
            (1, NEED - 1, 0),
            (NEED - 1, 1, 0),
            (NEED, 0, 0),
            (NEED + 1, 0, 1),
            (332_028_00, 0, 56_028_00),
        ],
    )
    def test_an_ore_below_the_need_remains_and_an_ore_above_is_surplus(
        self, given: int, remaining: int, surplus: int
    ) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=NEED)
        cast.gift(brunnar.fund, given)
        figures = shown(brunnar)
        assert (figures.remaining, figures.surplus) == (remaining, surplus)
        assert (figures.collected, figures.available, figures.cash) == (given, given, given)
        assert figures.movable == surplus

    def test_a_year_without_a_single_transfer_has_all_of_its_need_left(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=NEED)
        figures = shown(brunnar)
        assert (figures.collected, figures.remaining, figures.surplus) == (0, NEED, 0)
        assert (figures.percent, figures.movable, figures.newest_day) == (0, 0, None)

    def test_an_unknown_need_leaves_remaining_and_surplus_unknown(self) -> None:
        brunnar = cast.fund_year(cast.fund())
        cast.gift(brunnar.fund, 500_00)
        figures = shown(brunnar)
        assert figures.collected == 500_00
        assert figures.need is figures.remaining is figures.surplus is figures.percent is None
        assert figures.movable == 0

    def test_nothing_moves_out_of_a_year_whose_need_is_unknown(self) -> None:
        brunnar = cast.fund_year(cast.fund())
        pumpar = cast.fund_year(cast.fund("47040", cast.project("pumpar")), need_ore=NEED)
        year_after = cast.fund_year(brunnar.fund, day=LAST_DAY + DAY)
        cast.gift(brunnar.fund, 500_00)
        for kind, to, day in [
            (Kind.REALLOCATION, pumpar, LAST_DAY),
            (Kind.CARRY_OVER, year_after, LAST_DAY + DAY),
        ]:
            with pytest.raises(IntegrityError, match="movable surplus"), transaction.atomic():
                move(kind, brunnar, to, 1, day)
        assert shown(brunnar).available == 500_00

    def test_a_need_changed_on_1_june_shows_on_1_june(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=NEED)
        first_of_june = datetime.date(cast.YEAR, 6, 1)
        operations.set_need(
            brunnar, NEED - 1, decided_on=first_of_june, reason="Färre brunnar", by=cast.ester()
        )
        cast.gift(brunnar.fund, NEED, FIRST_DAY)
        before, after = shown(brunnar, first_of_june - DAY), shown(brunnar, first_of_june)
        assert (before.need, before.need_decided_on, before.surplus) == (NEED, FIRST_DAY, 0)
        assert (after.need, after.need_decided_on, after.surplus) == (NEED - 1, first_of_june, 1)

    def test_of_two_needs_decided_on_one_day_the_later_written_is_in_force(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=NEED)
        operations.set_need(
            brunnar, 1_00, decided_on=FIRST_DAY, reason="Ett nollfel", by=cast.ester()
        )
        assert shown(brunnar).need == 1_00

    def test_a_need_written_late_for_an_earlier_day_gives_way_to_the_newer_decision(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=1_00)
        for day, ore in [(cast.MIDSUMMER, 3_00), (datetime.date(cast.YEAR, 2, 29), 2_00)]:
            operations.set_need(
                brunnar, ore, decided_on=day, reason="Styrelsens beslut", by=cast.ester()
            )
        assert shown(brunnar, datetime.date(cast.YEAR, 2, 28)).need == 1_00
        assert shown(brunnar, datetime.date(cast.YEAR, 2, 29)).need == 2_00
        assert shown(brunnar, cast.MIDSUMMER).need == 3_00

    def test_the_year_after_has_the_same_number_a_new_need_and_leaves_last_year_as_it_was(
        self,
    ) -> None:
        fund = cast.fund("47030")
        last_year = cast.fund_year(fund, need_ore=NEED)
        cast.gift(fund, 332_028_00, LAST_DAY)
        before = shown(last_year)
        this_year = cast.fund_year(fund, need_ore=300_000_00, day=LAST_DAY + DAY)
        cast.gift(fund, 1_00, LAST_DAY + DAY)

        assert shown(last_year) == before
        assert shown(last_year, datetime.date(2025, 12, 31)).surplus == 56_028_00
        assert shown(this_year, LAST_DAY).collected == 0
        assert shown(this_year, LAST_DAY + DAY).remaining == 299_999_00
        assert last_year.fund.collection_number == this_year.fund.collection_number == "47030"

    def test_a_fund_for_a_whole_area_needs_nothing_so_that_all_of_it_may_move(self) -> None:
        vatten = cast.area()
        unearmarked = cast.fund_year(cast.fund("47000", vatten))
        brunnar = cast.fund_year(cast.fund("47030", cast.project(focus_area=vatten)), need_ore=NEED)
        cast.gift(unearmarked.fund, 700_00)
        figures = shown(unearmarked)
        assert (figures.need, figures.remaining, figures.percent) == (0, 0, 100)
        assert figures.surplus == figures.movable == 700_00
        move(Kind.REALLOCATION, unearmarked, brunnar, 700_00)
        assert (shown(unearmarked).available, shown(brunnar).remaining) == (0, NEED - 700_00)


class TestDays:
    @pytest.mark.parametrize(
        "day",
        [
            FIRST_DAY,
            LAST_DAY,
            datetime.date(cast.YEAR, 2, 29),
            datetime.date(cast.YEAR, 3, 31),  # summer time begins
            datetime.date(cast.YEAR, 10, 27),  # and ends
        ],
    )
    def test_a_gift_counts_from_its_day_on_and_not_the_day_before(self, day: datetime.date) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=NEED)
        cast.gift(brunnar.fund, 1, day)
        assert shown(brunnar, day - DAY).collected == 0
        figures = shown(brunnar, day)
        assert (figures.collected, figures.newest_day) == (1, day)

    def test_gifts_on_either_side_of_new_year_belong_to_different_years(self) -> None:
        fund = cast.fund()
        cast.gift(fund, 1, LAST_DAY)
        cast.gift(fund, 2, LAST_DAY + DAY)
        old, new = (cast.fund_year(fund, day=day) for day in (LAST_DAY, LAST_DAY + DAY))
        assert shown(old, LAST_DAY + DAY).collected == 1
        assert shown(new, LAST_DAY + DAY).collected == 2


class TestCovered:
    @pytest.mark.parametrize(("days_after_the_gift", "covered"), [(-1, 5_00), (0, 5_00), (1, 0)])
    def test_a_gift_is_covered_by_a_clause_that_began_no_later_than_its_day(
        self, days_after_the_gift: int, covered: int
    ) -> None:
        vatten = cast.area(clause_from=cast.MIDSUMMER + days_after_the_gift * DAY)
        brunnar = cast.fund_year(cast.fund(page=cast.project(focus_area=vatten)), need_ore=0)
        cast.gift(brunnar.fund, 5_00, cast.MIDSUMMER)
        figures = shown(brunnar)
        assert (figures.covered, figures.movable, figures.surplus) == (covered, covered, 5_00)

    def test_an_area_without_a_clause_moves_nothing(self) -> None:
        brunnar = cast.fund_year(
            cast.fund(page=cast.project(focus_area=cast.area(clause_from=None))), need_ore=0
        )
        cast.gift(brunnar.fund, 5_00)
        assert (shown(brunnar).covered, shown(brunnar).movable) == (0, 0)

    def test_another_areas_clause_covers_nothing_here(self) -> None:
        cast.area("skola")
        here = cast.area(clause_from=None)
        brunnar = cast.fund_year(cast.fund(page=cast.project(focus_area=here)), need_ore=0)
        cast.gift(brunnar.fund, 5_00)
        assert shown(brunnar).covered == 0

    def test_a_placed_gift_is_covered_by_the_clause_of_the_banks_date(self) -> None:
        vatten = cast.area(clause_from=None)
        brunnar = cast.fund_year(cast.fund(page=cast.project(focus_area=vatten)), need_ore=0)
        early, late = cast.gift(None, 3_00, cast.MIDSUMMER - DAY), cast.gift(None, 4_00)
        SurplusClause.objects.create(focus_area=vatten, text=cast.CLAUSE, valid_from=cast.MIDSUMMER)
        operations.post(
            [
                Entry(
                    Kind.PLACEMENT,
                    gift.credit_id,
                    operations.account(brunnar).pk,
                    gift.amount_ore,
                    LAST_DAY,
                    covered_ore=covered,
                    payment_id=gift.payment_id,
                )
                for gift, covered in [(early, 0), (late, 4_00)]
            ],
            by=cast.ester(),
        )
        figures = shown(brunnar)
        assert (figures.placements, figures.collected, figures.covered) == (7_00, 7_00, 4_00)

    @pytest.mark.parametrize(
        ("surplus", "cash", "covered", "movable"),
        [
            (10, 11, 12, 10),
            (11, 10, 12, 10),
            (12, 11, 10, 10),
            (10, 10, 10, 10),
            (1, 20, 20, 1),
            (0, 20, 20, 0),
            (20, 0, 20, 0),
            (20, 20, 0, 0),
        ],
    )
    def test_movable_is_the_least_of_surplus_cash_and_covered(
        self, surplus: int, cash: int, covered: int, movable: int
    ) -> None:
        vatten = cast.area(clause_from=cast.MIDSUMMER)
        pumpar = cast.fund_year(cast.fund("47040", cast.project("pumpar", vatten)))
        given = 100
        brunnar = cast.fund_year(
            cast.fund(page=cast.project(focus_area=vatten)), need_ore=given - surplus
        )
        for ore, day in [(given - covered, FIRST_DAY), (covered, cast.MIDSUMMER)]:
            if ore:
                cast.gift(brunnar.fund, ore, day)
        if cash < given:
            pay_out(brunnar, given - cash)
        figures = shown(brunnar)
        assert (figures.surplus, figures.cash, figures.covered) == (surplus, cash, covered)
        assert figures.movable == movable

        with pytest.raises(IntegrityError, match="movable surplus"), transaction.atomic():
            move(Kind.REALLOCATION, brunnar, pumpar, movable + 1)
        if movable:
            move(Kind.REALLOCATION, brunnar, pumpar, movable)
        assert (shown(brunnar).movable, shown(pumpar).moved_in) == (0, movable)

    def test_what_was_moved_in_fills_the_need_and_is_not_moved_on(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=0)
        pumpar = cast.fund_year(cast.fund("47040", cast.project("pumpar")), need_ore=3_00)
        cast.gift(brunnar.fund, 5_00)
        move(Kind.REALLOCATION, brunnar, pumpar, 5_00)
        figures = shown(pumpar)
        assert (figures.moved_in, figures.surplus, figures.covered) == (5_00, 2_00, 0)
        assert figures.movable == 0

    def test_the_covered_part_follows_what_is_carried_over(self) -> None:
        vatten = cast.area(clause_from=cast.MIDSUMMER)
        fund = cast.fund(page=cast.project(focus_area=vatten))
        old = cast.fund_year(fund, need_ore=1_00)
        new = cast.fund_year(fund, need_ore=0, day=LAST_DAY + DAY)
        cast.gift(fund, 4_00, FIRST_DAY)
        cast.gift(fund, 6_00, cast.MIDSUMMER)
        entry = Entry(
            Kind.CARRY_OVER,
            operations.account(old).pk,
            operations.account(new).pk,
            9_00,
            LAST_DAY + DAY,
            covered_ore=6_00,
        )
        operations.post([entry], by=cast.ester())
        assert shown(old, LAST_DAY).available == 10_00
        left, carried = shown(old, LAST_DAY + DAY), shown(new, LAST_DAY + DAY)
        assert (left.carried_out, left.available, left.covered) == (9_00, 1_00, 0)
        assert (carried.carried_in, carried.collected, carried.available) == (9_00, 0, 9_00)
        assert (carried.covered, carried.movable) == (6_00, 6_00)


class TestWhatTakesAway:
    def test_a_gift_paid_back_after_new_year_makes_the_new_years_collected_negative(self) -> None:
        fund = cast.fund()
        old, gift = cast.fund_year(fund, need_ore=NEED), cast.gift(fund, 5_00)
        new_year = LAST_DAY + DAY
        new = cast.fund_year(fund, need_ore=NEED, day=new_year)
        operations.refund(gift, 5_00, booked_on=new_year, reason="Ångrade sig", by=cast.ester())
        assert shown(old, new_year).collected == 5_00
        figures = shown(new, new_year)
        assert (figures.refunds, figures.collected) == (5_00, -5_00)
        assert (figures.remaining, figures.surplus, figures.percent) == (NEED + 5_00, 0, 0)
        assert (figures.cash, figures.covered, figures.movable) == (-5_00, -5_00, 0)

    def test_what_is_paid_out_lessens_cash_and_nothing_else(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=1_00)
        cast.gift(brunnar.fund, 5_00)
        pay_out(brunnar, 2_00)
        figures = shown(brunnar)
        assert (figures.disbursed, figures.cash) == (2_00, 3_00)
        assert (figures.collected, figures.available, figures.surplus) == (5_00, 5_00, 4_00)

    def test_a_reversed_reallocation_reads_moved_out_0_and_moved_in_0(self) -> None:
        brunnar = cast.fund_year(cast.fund(), need_ore=NEED)
        pumpar = cast.fund_year(cast.fund("47040", cast.project("pumpar")), need_ore=40_000_00)
        cast.gift(brunnar.fund, 332_028_00)
        before = shown(brunnar)
        moved = move(Kind.REALLOCATION, brunnar, pumpar, 40_000_00)
        operations.reverse(moved, booked_on=LAST_DAY, reason="Fel projekt", by=cast.ester())
        after, neighbour = shown(brunnar), shown(pumpar)
        assert (after.moved_out, after.moved_in) == (0, 0)
        assert (neighbour.moved_in, neighbour.moved_out) == (0, 0)
        assert (after.available, after.movable) == (before.available, before.movable)
        assert neighbour.remaining == 40_000_00


def test_the_worked_example_step_by_step() -> None:
    vatten = cast.area()
    brunnar = cast.fund_year(cast.fund("47030", cast.project(focus_area=vatten)), need_ore=NEED)
    first = cast.fund_year(cast.fund("47040", cast.project("pumpar", vatten)), 40_000_00)
    second = cast.fund_year(cast.fund("47050", cast.project("filter", vatten)), 90_000_00)
    cast.gift(brunnar.fund, 332_028_00)

    def step() -> tuple[int | None, ...]:
        figures = shown(brunnar)
        return (
            figures.available,
            figures.remaining,
            figures.surplus,
            figures.movable,
            shown(first).remaining,
            shown(second).remaining,
        )

    start = (332_028_00, 0, 56_028_00, 56_028_00, 40_000_00, 90_000_00)
    assert step() == start
    moved = [
        move(Kind.REALLOCATION, brunnar, first, 40_000_00),
        move(Kind.REALLOCATION, brunnar, second, 16_028_00),
    ]
    assert step() == (276_000_00, 0, 0, 0, 0, 73_972_00)
    for transfer in moved:
        operations.reverse(transfer, booked_on=LAST_DAY, reason="Ångrat", by=cast.ester())
    assert step() == start
    move(Kind.REALLOCATION, brunnar, first, 17_239_00)
    move(Kind.REALLOCATION, brunnar, second, 38_789_00)
    assert step() == (276_000_00, 0, 0, 0, 22_761_00, 51_211_00)


class TestManyAtOnce:
    def test_an_areas_total_is_the_sum_of_what_is_shown_with_unknown_needs_beside(self) -> None:
        vatten = cast.area()
        years = []
        for number, need, given in [
            ("47030", 10_00, 15_00),
            ("47040", 10_00, 4_00),
            ("47050", None, 7_00),
        ]:
            fund = cast.fund(number, cast.project(f"projekt-{number}", vatten))
            years.append(cast.fund_year(fund, need))
            cast.gift(fund, given)
        total = queries.total(queries.figures(years, LAST_DAY).values())
        assert (total.need, total.collected, total.available) == (20_00, 26_00, 26_00)
        # One fund's surplus fills no other fund's need.
        assert (total.remaining, total.surplus, total.unknown_needs) == (6_00, 5_00, 1)
        assert total.percent == 70

    def test_no_fund_year_at_all_is_an_empty_answer_and_a_total_of_nothing(self) -> None:
        assert queries.figures([], LAST_DAY) == {}
        assert queries.total([]) == queries.Total()
        assert queries.total([]).percent is None

    def test_any_number_of_fund_years_costs_two_queries(
        self, django_assert_num_queries: type[CaptureQueriesContext]
    ) -> None:
        years = [
            cast.fund_year(cast.fund(str(number), cast.project(f"p-{number}")), need_ore=1_00)
            for number in range(47030, 47040)
        ]
        for year in years:
            cast.gift(year.fund, 2_00)
        with django_assert_num_queries(2):  # type: ignore[arg-type]
            found = queries.figures(years, LAST_DAY)
        assert [found[year.pk].surplus for year in years] == [1_00] * 10

    def test_a_fund_without_a_year_yet_has_empty_figures_no_need_and_its_areas_clause(self) -> None:
        fund = cast.fund()
        clause = SurplusClause.objects.get()
        status = queries.fund_statuses([fund], cast.MIDSUMMER)[fund.pk]
        assert (status.year_name, status.figures.need) == (str(cast.YEAR), None)
        assert (status.figures.collected, status.clause) == (0, clause)
        assert queries.fund_statuses([fund], FIRST_DAY - DAY)[fund.pk].clause is None

    def test_a_funds_status_shows_the_newest_clause_whose_day_has_come(self) -> None:
        vatten = cast.area()
        fund = cast.fund(page=cast.project(focus_area=vatten))
        newer = SurplusClause.objects.create(
            focus_area=vatten, text="En ny lydelse.", valid_from=cast.MIDSUMMER
        )
        before, after = (
            queries.fund_statuses([fund], day)[fund.pk].clause
            for day in (cast.MIDSUMMER - DAY, cast.MIDSUMMER)
        )
        assert before is not None
        assert (before.text, after) == (cast.CLAUSE, newer)
