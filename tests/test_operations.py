"""Every movement of money, as the rest of the product asks for it, and the sentences it answers with."""

import datetime
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from donations import operations, queries, totals
from donations.models import (
    Account,
    CollectionYear,
    Fund,
    FundYear,
    Need,
    Payment,
    SurplusClause,
    Transfer,
)
from donations.operations import Entry, GiftIn, OperationError
from donations.queries import Figures
from tests import cast
from tests.plain_figures import balances

pytestmark = pytest.mark.django_db
Kind = Transfer.Kind
FIRST_DAY = cast.NEW_YEAR
LAST_DAY = datetime.date(cast.YEAR, 12, 31)
DAY = datetime.timedelta(days=1)
LIMIT = 10**13
NBSP = "\N{NO-BREAK SPACE}"


@contextmanager
def refused(says: str) -> Iterator[None]:
    """The operation is refused with this Swedish sentence, and has written nothing."""

    def written() -> tuple[int, ...]:
        models = (Transfer, Payment, Need, FundYear, CollectionYear, Account)
        return tuple(model._default_manager.count() for model in models)

    cast.bank(), cast.ester()
    before = written()
    with pytest.raises(OperationError) as raised, transaction.atomic():
        yield
    assert str(raised.value) == re.sub(r"(?<=\d) (?=\d|kr)", NBSP, says)
    assert written() == before


TOO_MUCH_OR_TOO_LITTLE = "Beloppet ska vara större än 0 kr och mindre än 100 000 000 000 kr."
NO_FUTURE = "Dagen kan inte ligga i framtiden."


def gross(fund_year: FundYear, day: datetime.date = datetime.date(2025, 12, 31)) -> Figures:
    """The figures without when they last changed."""
    figures = queries.figures([fund_year], day)[fund_year.pk]
    return Figures(**{**vars(figures), "changed_at": None, "newest_day": None})


class TestCollectionYear:
    def test_the_first_is_the_calendar_year(self) -> None:
        year = operations.collection_year(datetime.date(2024, 2, 29))
        assert (year.name, year.starts_on, year.ends_on) == ("2024", FIRST_DAY, LAST_DAY)

    @pytest.mark.parametrize("day", [FIRST_DAY, LAST_DAY])
    def test_a_year_holds_its_first_and_its_last_day(self, day: datetime.date) -> None:
        year = operations.collection_year(cast.MIDSUMMER)
        assert operations.collection_year(day) == year
        assert CollectionYear.objects.count() == 1

    @pytest.mark.parametrize(
        ("day", "names"),
        [
            (LAST_DAY + DAY, ["2024", "2025"]),
            (FIRST_DAY - DAY, ["2023", "2024"]),
            (datetime.date(2027, 12, 31), ["2024", "2025", "2026", "2027"]),
            (datetime.date(2021, 1, 1), ["2021", "2022", "2023", "2024"]),
        ],
    )
    def test_the_years_between_are_made_in_both_directions(
        self, day: datetime.date, names: list[str]
    ) -> None:
        operations.collection_year(cast.MIDSUMMER)
        year = operations.collection_year(day)
        assert year.starts_on <= day <= year.ends_on
        assert [year.name for year in CollectionYear.objects.all()] == names

    def test_a_broken_financial_year_goes_on_being_broken_both_ways(self) -> None:
        CollectionYear.objects.create(
            name="2024/25",
            starts_on=datetime.date(2024, 7, 1),
            ends_on=datetime.date(2025, 6, 30),
        )
        for day, name in [
            (datetime.date(2025, 6, 30), "2024/25"),
            (datetime.date(2025, 7, 1), "2025/26"),
            (datetime.date(2024, 6, 30), "2023/24"),
            (datetime.date(2022, 7, 1), "2022/23"),
            (datetime.date(2024, 2, 29), "2023/24"),
        ]:
            assert operations.collection_year(day).name == name

    def test_a_year_that_begins_in_march_ends_on_the_last_day_of_february(self) -> None:
        CollectionYear.objects.create(
            name="2022/23",
            starts_on=datetime.date(2022, 3, 1),
            ends_on=datetime.date(2023, 2, 28),
        )
        assert operations.collection_year(datetime.date(2024, 2, 29)).ends_on == datetime.date(
            2024, 2, 29
        )
        assert operations.collection_year(datetime.date(2024, 3, 1)).ends_on == datetime.date(
            2025, 2, 28
        )

    def test_a_shortened_year_is_followed_by_whole_ones(self) -> None:
        CollectionYear.objects.create(
            name="Våren 2024", starts_on=FIRST_DAY, ends_on=datetime.date(2024, 6, 30)
        )
        year = operations.collection_year(datetime.date(2025, 1, 1))
        assert (year.name, year.ends_on) == ("2024/25", datetime.date(2025, 6, 30))


class TestFundYear:
    def test_it_is_made_once_with_its_account_and_its_need_unknown(self) -> None:
        fund = cast.fund()
        made = operations.fund_year(fund, FIRST_DAY, cast.ester())
        assert operations.fund_year(fund, LAST_DAY, cast.ester()) == made
        assert made.account.kind == "fund"
        assert not made.needs.exists()
        assert made.focus_area == fund.area_now

    def test_a_whole_areas_fund_needs_0_from_the_years_first_day(self) -> None:
        made = operations.fund_year(cast.fund(page=cast.area()), LAST_DAY, cast.ester())
        operations.fund_year(made.fund, LAST_DAY, cast.ester())
        [need] = made.needs.all()
        assert (need.amount_ore, need.decided_on) == (0, FIRST_DAY)

    def test_a_whole_areas_fund_is_given_next_years_need_today(self) -> None:
        next_year = datetime.date(timezone.localdate().year + 1, 6, 1)
        made = operations.fund_year(cast.fund(page=cast.area()), next_year, cast.ester())
        assert [need.decided_on for need in made.needs.all()] == [timezone.localdate()]


class TestGifts:
    def test_a_gift_stands_on_the_funds_account_of_the_banks_date(self) -> None:
        fund = cast.fund()
        given = GiftIn(fund, 500_00, cast.MIDSUMMER, Fund.Channel.SWISH, "Nai", "47030 Heja")
        transfer = operations.register_gift(given, bank=cast.bank(), by=cast.ester())
        fund_year = cast.fund_year(fund)
        assert (transfer.debit, transfer.credit) == (cast.bank(), fund_year.account)
        assert (transfer.kind, transfer.amount_ore) == ("gift", 500_00)
        assert (transfer.covered_ore, transfer.booked_on) == (500_00, cast.MIDSUMMER)
        assert transfer.by == cast.ester()
        payment = transfer.payment
        assert payment is not None
        assert (payment.bank_date, payment.channel) == (cast.MIDSUMMER, "swish")
        assert (payment.payer_name, payment.message) == ("Nai", "47030 Heja")

    def test_a_gift_to_a_year_that_does_not_exist_makes_it(self) -> None:
        gift = cast.gift(cast.fund(), 1, FIRST_DAY - DAY)
        fund_year = gift.credit.fund_year
        assert fund_year is not None
        assert (fund_year.year.name, fund_year.needs.count()) == ("2023", 0)
        assert gift.covered_ore == 0  # the clause began the day after

    def test_a_gift_no_fund_can_be_told_for_goes_to_suspense_and_is_not_covered(self) -> None:
        cast.area()
        gift = cast.gift(None, 5_00)
        assert (gift.credit.kind, gift.covered_ore) == ("suspense", 0)
        assert cast.gift(None, 5_00).credit == gift.credit
        assert not CollectionYear.objects.exists()

    def test_many_gifts_to_mixed_funds_and_years_and_suspense_come_back_in_order(self) -> None:
        vatten, skola = cast.area("vatten"), cast.area("skola", clause_from=LAST_DAY)
        brunnar = cast.fund("47030", cast.project("brunnar", vatten))
        skolbok = cast.fund("47040", cast.project("skolbok", skola))
        area = cast.fund("47000", vatten)
        rows = [
            (brunnar, 1, FIRST_DAY, 1),
            (skolbok, 2, FIRST_DAY, 0),
            (None, 3, LAST_DAY, 0),
            (brunnar, 4, FIRST_DAY - DAY, 0),
            (area, 5, LAST_DAY, 5),
            (skolbok, 6, LAST_DAY, 6),
            (brunnar, 7, LAST_DAY + DAY, 7),
            (brunnar, 1, FIRST_DAY, 1),
        ]
        gifts = [GiftIn(fund, ore, day, Fund.Channel.BANKGIRO) for fund, ore, day, _ in rows]
        ids = operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())

        posted = [Transfer.objects.get(pk=pk) for pk in ids]
        found = [
            (
                gift.credit.fund_year.fund if gift.credit.fund_year else None,
                gift.amount_ore,
                gift.booked_on,
                gift.covered_ore,
            )
            for gift in posted
        ]
        assert found == rows
        for gift in posted:
            year = gift.credit.fund_year.year if gift.credit.fund_year else None
            assert year is None or year.starts_on <= gift.booked_on <= year.ends_on
        assert Payment.objects.count() == len(rows)
        assert len({gift.payment_id for gift in posted}) == len(rows)
        assert totals.differences() == []
        assert cast.fund_year(brunnar, day=FIRST_DAY - DAY).year.name == "2023"

    def test_gifts_on_many_days_ask_the_database_no_more_than_gifts_on_two(self) -> None:
        fund = cast.fund()
        edges = [LAST_DAY, LAST_DAY + DAY]  # in two years
        many = [*edges, *(LAST_DAY - days * DAY for days in range(1, 200))]
        asked = []
        for days in (edges, edges, many):
            gifts = [GiftIn(fund, 1_00, day, Fund.Channel.SWISH) for day in days]
            with CaptureQueriesContext(connection) as queries_made:
                ids = operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())
            asked.append(len(queries_made))
            years = (
                Transfer.objects.filter(pk__in=ids)
                .order_by("booked_on")
                .values_list("booked_on__year", "credit__fund_year__year__starts_on__year")
            )
            assert all(booked == its_own for booked, its_own in years)
            assert len({its_own for _, its_own in years}) == 2
        assert asked[2] == asked[1]

    def test_ids_go_on_where_they_were(self) -> None:
        fund = cast.fund()
        first, second = cast.gift(fund, 1), cast.gift(fund, 2)
        with pytest.raises(IntegrityError), transaction.atomic():
            operations.post(
                [Entry(Kind.GIFT, cast.bank().pk, first.credit_id, 0, cast.MIDSUMMER)],
                by=cast.ester(),
            )
        third = cast.gift(fund, 3)
        assert first.pk < second.pk < third.pk
        assert Payment.objects.count() == 3

    def test_no_gifts_at_all_is_nothing_done(self) -> None:
        assert operations.post_gifts([], bank=cast.bank(), by=cast.ester()) == []
        assert operations.post([], by=cast.ester()) == []

    @pytest.mark.parametrize("ore", [-1, 0, LIMIT])
    def test_one_amount_that_cannot_be_stops_them_all(self, ore: int) -> None:
        fund = cast.fund()
        good = GiftIn(fund, 1, cast.MIDSUMMER, Fund.Channel.SWISH)
        bad = GiftIn(fund, ore, cast.MIDSUMMER, Fund.Channel.SWISH)
        with refused(TOO_MUCH_OR_TOO_LITTLE):
            operations.post_gifts([good, bad], bank=cast.bank(), by=cast.ester())

    @pytest.mark.parametrize("ore", [1, LIMIT - 1])
    def test_the_smallest_and_the_largest_gift_stand(self, ore: int) -> None:
        assert cast.gift(cast.fund(), ore).amount_ore == ore

    def test_today_in_stockholm_is_not_the_future_and_tomorrow_is(self) -> None:
        fund, today = cast.fund(), timezone.localdate()
        assert cast.gift(fund, 1, today).booked_on == today
        with refused(NO_FUTURE):
            cast.gift(fund, 1, today + DAY)

    @pytest.mark.parametrize(
        ("moment", "day"),
        [
            ("2024-07-01T21:59:59+00:00", datetime.date(2024, 7, 1)),  # summer time
            ("2024-07-01T22:00:00+00:00", datetime.date(2024, 7, 2)),
            ("2024-12-31T22:59:59+00:00", datetime.date(2024, 12, 31)),
            ("2024-12-31T23:00:00+00:00", datetime.date(2025, 1, 1)),
        ],
    )
    def test_the_day_changes_at_midnight_in_stockholm(
        self, moment: str, day: datetime.date
    ) -> None:
        fund = cast.fund()
        with time_machine.travel(datetime.datetime.fromisoformat(moment), tick=False):
            cast.gift(fund, 1, day)
            with refused(NO_FUTURE):
                cast.gift(fund, 1, day + DAY)

    def test_what_fails_in_the_database_leaves_nothing_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fund = cast.fund()

        def fail(*args: Any, **kwargs: Any) -> list[int]:
            raise IntegrityError("planted")

        monkeypatch.setattr(operations.gifts, "post", fail)
        with pytest.raises(IntegrityError, match="planted"):
            cast.gift(fund, 1)
        assert not Payment.objects.exists()
        assert not FundYear.objects.exists()


class TestRefund:
    def refund(
        self, gift: Transfer, ore: int, day: datetime.date = LAST_DAY, reason: str = "Ångrade sig"
    ) -> Transfer:
        return operations.refund(gift, ore, booked_on=day, reason=reason, by=cast.ester())

    def test_a_part_and_then_the_rest_are_paid_back(self) -> None:
        fund = cast.fund()
        fund_year, gift = cast.fund_year(fund), cast.gift(fund, 500_00)
        part = self.refund(gift, 499_99)
        assert (part.debit, part.credit) == (gift.credit, gift.debit)
        assert (part.corrects, part.kind, part.reason) == (gift, "refund", "Ångrade sig")
        assert gross(fund_year).collected == 1
        with refused("Av gåvan finns 0,01 kr kvar att återbetala; du försökte återbetala 0,02 kr."):
            self.refund(gift, 2)
        self.refund(gift, 1)
        assert (gross(fund_year).refunds, gross(fund_year).collected) == (500_00, 0)
        with refused("Av gåvan finns 0 kr kvar att återbetala; du försökte återbetala 0,01 kr."):
            self.refund(gift, 1)

    def test_more_than_was_given_is_refused_to_the_ore(self) -> None:
        gift = cast.gift(cast.fund(), 500_00)
        with refused(
            "Av gåvan finns 500 kr kvar att återbetala; du försökte återbetala 500,01 kr."
        ):
            self.refund(gift, 500_01)
        assert self.refund(gift, 500_00).amount_ore == 500_00

    def test_a_refund_that_was_reversed_can_be_made_again(self) -> None:
        gift = cast.gift(cast.fund(), 500_00)
        undone = self.refund(gift, 500_00)
        operations.reverse(undone, booked_on=LAST_DAY, reason="Fel konto", by=cast.ester())
        assert self.refund(gift, 500_00).pk

    def test_a_refund_has_a_payment_of_its_own_with_the_givers_name(self) -> None:
        given = GiftIn(cast.fund(), 5_00, cast.MIDSUMMER, Fund.Channel.SWISH, "Nai", "Heja")
        gift = operations.register_gift(given, bank=cast.bank(), by=cast.ester())
        payment = self.refund(gift, 5_00).payment
        assert payment is not None
        assert payment != gift.payment
        assert (payment.payer_name, payment.channel) == ("Nai", "swish")
        assert (payment.bank_date, payment.message) == (LAST_DAY, "")

    def test_a_refund_after_new_year_comes_from_the_funds_new_year(self) -> None:
        fund = cast.fund()
        old, gift = cast.fund_year(fund), cast.gift(fund, 5_00)
        paid_back = self.refund(gift, 5_00, LAST_DAY + DAY)
        new = paid_back.debit.fund_year
        assert new is not None
        assert (new.fund, new.year.name) == (fund, str(cast.YEAR + 1))
        assert (gross(old).collected, gross(new).collected) == (5_00, -5_00)
        assert self.refund(cast.gift(fund, 1), 1, LAST_DAY).debit == old.account

    def test_a_gift_in_suspense_is_paid_back_from_suspense(self) -> None:
        gift = cast.gift(None, 5_00)
        assert self.refund(gift, 5_00, LAST_DAY + DAY).debit == gift.credit
        assert balances(LAST_DAY + DAY)[gift.credit_id] == 0

    @pytest.mark.parametrize(("days", "stands"), [(-1, False), (0, True)])
    def test_a_refund_comes_no_day_before_the_gift(self, days: int, stands: bool) -> None:
        gift = cast.gift(cast.fund(), 5_00)
        day = cast.MIDSUMMER + days * DAY
        if stands:
            assert self.refund(gift, 5_00, day).booked_on == day
        else:
            with refused("Återbetalningen kan inte ligga före gåvan."):
                self.refund(gift, 5_00, day)

    def test_only_a_gift_that_stands_is_paid_back(self) -> None:
        gift = cast.gift(cast.fund(), 5_00)
        part = self.refund(gift, 1_00)
        reversed_gift = cast.gift(Fund.objects.get(), 7_00)
        undone = operations.reverse(
            reversed_gift, booked_on=LAST_DAY, reason="Ett nollfel", by=cast.ester()
        )
        for transfer in (part, reversed_gift, undone):
            with refused("Bara en gåva som inte är rättad kan återbetalas."):
                self.refund(transfer, 1)

    def test_what_cannot_be_is_refused_with_a_sentence(self) -> None:
        gift = cast.gift(cast.fund(), 5_00)
        for ore in (-1, 0, LIMIT):
            with refused(TOO_MUCH_OR_TOO_LITTLE):
                self.refund(gift, ore)
        with refused(NO_FUTURE):
            self.refund(gift, 1, timezone.localdate() + DAY)
        for reason in ("", "  "):
            with refused("Skriv varför."):
                self.refund(gift, 1, reason=reason)


Makes = Callable[["Movements"], Transfer]


class Movements:
    """Brunnar with more than it needs, its neighbour pumpar, and one movement of each kind."""

    def __init__(self) -> None:
        vatten = cast.area()
        self.brunnar = cast.fund_year(cast.fund("47030", cast.project("brunnar", vatten)), 100_00)
        self.pumpar = cast.fund_year(cast.fund("47040", cast.project("pumpar", vatten)), 100_00)
        self.next_year = cast.fund_year(self.brunnar.fund, 100_00, LAST_DAY + DAY)
        self.given = cast.gift(self.brunnar.fund, 300_00)
        self.unplaced = cast.gift(None, 50_00)

    def years(self) -> list[FundYear]:
        return [self.brunnar, self.pumpar, self.next_year]

    def write(self, kind: Kind, debit: Account, credit: Account, **fields: Any) -> Transfer:
        if kind is Kind.REALLOCATION:
            fields["line_id"] = cast.agreed(debit, credit, 30_00)
        entry = Entry(kind, debit.pk, credit.pk, 30_00, **{"booked_on": LAST_DAY, **fields})
        [pk] = operations.post([entry], by=cast.ester())
        return Transfer.objects.get(pk=pk)

    def opening(self) -> Transfer:
        start = operations.single_account(Account.Kind.START)
        return self.write(Kind.OPENING, start, self.brunnar.account)

    def gift(self) -> Transfer:
        return cast.gift(self.brunnar.fund, 30_00, LAST_DAY)

    def gift_to_suspense(self) -> Transfer:
        return cast.gift(None, 30_00, LAST_DAY)

    def placement(self) -> Transfer:
        return self.write(
            Kind.PLACEMENT,
            self.unplaced.credit,
            self.brunnar.account,
            covered_ore=30_00,
            payment_id=self.unplaced.payment_id,
        )

    def refund(self) -> Transfer:
        return operations.refund(
            self.given, 30_00, booked_on=LAST_DAY, reason="Ångrade sig", by=cast.ester()
        )

    def reallocation(self) -> Transfer:
        return self.write(Kind.REALLOCATION, self.brunnar.account, self.pumpar.account)

    def carry_over(self) -> Transfer:
        return self.write(
            Kind.CARRY_OVER,
            self.brunnar.account,
            self.next_year.account,
            covered_ore=30_00,
            booked_on=LAST_DAY + DAY,
        )

    def disbursement(self) -> Transfer:
        partners = operations.single_account(Account.Kind.PARTNERS)
        return self.write(Kind.DISBURSEMENT, self.brunnar.account, partners)


EVERY_MOVEMENT = [
    Movements.opening,
    Movements.gift,
    Movements.gift_to_suspense,
    Movements.placement,
    Movements.refund,
    Movements.reallocation,
    Movements.carry_over,
    Movements.disbursement,
]


class TestReverse:
    def reverse(
        self, transfer: Transfer, day: datetime.date = LAST_DAY + DAY, reason: str = "Blev fel"
    ) -> Transfer:
        return operations.reverse(transfer, booked_on=day, reason=reason, by=cast.ester())

    @pytest.mark.parametrize("make", EVERY_MOVEMENT, ids=lambda make: make.__name__)
    def test_every_gross_figure_then_reads_as_if_it_never_was(self, make: Makes) -> None:
        movements = Movements()
        before = {year.pk: gross(year) for year in movements.years()}
        on_accounts = balances(LAST_DAY + DAY)
        made = make(movements)
        if make is not Movements.gift_to_suspense:
            assert {year.pk: gross(year) for year in movements.years()} != before
        undone = self.reverse(made)
        assert {year.pk: gross(year) for year in movements.years()} == before
        now = balances(LAST_DAY + DAY)
        assert {pk: ore for pk, ore in now.items() if ore} == {
            pk: ore for pk, ore in on_accounts.items() if ore
        }
        assert (undone.kind, undone.reverses) == (made.kind, made)
        assert (undone.debit, undone.credit) == (made.credit, made.debit)
        assert (undone.reason, undone.payment) == ("Blev fel", made.payment)
        assert totals.differences() == []

    @pytest.mark.parametrize("make", EVERY_MOVEMENT, ids=lambda make: make.__name__)
    def test_nothing_is_reversed_twice_and_no_reversal_is_reversed(self, make: Makes) -> None:
        made = make(Movements())
        undone = self.reverse(made)
        with refused("Transaktionen är redan rättad."):
            self.reverse(made)
        with refused("En rättelse kan inte rättas. Bokför det som är rätt som en ny transaktion."):
            self.reverse(undone)

    def test_between_the_two_days_the_gift_is_seen(self) -> None:
        fund = cast.fund()
        fund_year = cast.fund_year(fund, need_ore=100)
        self.reverse(cast.gift(fund, 1_00), LAST_DAY)
        seen = [
            gross(fund_year, day).collected
            for day in (cast.MIDSUMMER - DAY, cast.MIDSUMMER, LAST_DAY - DAY, LAST_DAY)
        ]
        assert seen == [0, 1_00, 1_00, 0]

    def test_a_refunded_gift_waits_until_its_refund_is_reversed(self) -> None:
        gift = cast.gift(cast.fund(), 5_00)
        paid_back = operations.refund(
            gift, 1, booked_on=LAST_DAY, reason="Ångrade sig", by=cast.ester()
        )
        with refused("Gåvan är helt eller delvis återbetald. Rätta återbetalningen först."):
            self.reverse(gift)
        self.reverse(paid_back)
        assert self.reverse(gift).reverses == gift

    @pytest.mark.parametrize(("days", "stands"), [(-1, False), (0, True), (1, True)])
    def test_a_reversal_comes_no_day_before_what_it_reverses(self, days: int, stands: bool) -> None:
        gift = cast.gift(cast.fund(), 5_00)
        day = cast.MIDSUMMER + days * DAY
        if stands:
            assert self.reverse(gift, day).booked_on == day
        else:
            with refused("En rättelse kan inte ligga före det den rättar."):
                self.reverse(gift, day)

    def test_what_cannot_be_is_refused_with_a_sentence(self) -> None:
        gift = cast.gift(cast.fund(), 5_00)
        with refused(NO_FUTURE):
            self.reverse(gift, timezone.localdate() + DAY)
        for reason in ("", "  "):
            with refused("Skriv varför."):
                self.reverse(gift, reason=reason)

    def test_a_gift_that_no_clause_covered_is_reversed_as_such(self) -> None:
        vatten = cast.area(clause_from=None)
        fund = cast.fund(page=cast.project(focus_area=vatten))
        gift = cast.gift(fund, 5_00)
        SurplusClause.objects.create(
            focus_area=vatten, text=cast.CLAUSE, valid_from=cast.MIDSUMMER + DAY
        )
        self.reverse(gift)
        assert gross(cast.fund_year(fund)).covered == 0


class TestSetNeed:
    def set_need(self, fund_year: FundYear, ore: int, day: datetime.date = FIRST_DAY) -> Need:
        return operations.set_need(
            fund_year, ore, decided_on=day, reason="Styrelsens beslut", by=cast.ester()
        )

    @pytest.mark.parametrize("ore", [0, 1, LIMIT - 1])
    def test_the_smallest_and_the_largest_need_stand(self, ore: int) -> None:
        need = self.set_need(cast.fund_year(cast.fund()), ore)
        assert (need.amount_ore, need.by) == (ore, cast.ester())
        assert need.reason == "Styrelsens beslut"

    @pytest.mark.parametrize("ore", [-1, LIMIT])
    def test_a_need_that_cannot_be_is_refused(self, ore: int) -> None:
        fund_year = cast.fund_year(cast.fund())
        with refused("Behovet ska vara minst 0 kr och mindre än 100 000 000 000 kr."):
            self.set_need(fund_year, ore)

    def test_a_need_is_decided_today_at_the_latest(self) -> None:
        fund_year, today = cast.fund_year(cast.fund()), timezone.localdate()
        self.set_need(fund_year, 1, today)
        with refused(NO_FUTURE):
            self.set_need(fund_year, 1, today + DAY)

    def test_an_earlier_need_stays_in_the_book(self) -> None:
        fund_year = cast.fund_year(cast.fund(), need_ore=1)
        self.set_need(fund_year, 2)
        assert {need.amount_ore for need in fund_year.needs.all()} == {1, 2}
