"""What the database itself refuses, and what just passes: each guard from both sides of its limit."""

import datetime
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from donations import models, operations, totals
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
from donations.operations import Entry, OperationError
from tests import cast

pytestmark = pytest.mark.django_db
Kind = Transfer.Kind
FIRST_DAY = cast.NEW_YEAR
LAST_DAY = datetime.date(cast.YEAR, 12, 31)
DAY = datetime.timedelta(days=1)
LIMIT = 10**13


@contextmanager
def refused(says: str) -> Iterator[None]:
    """The block is refused with these words, and leaves nothing behind in the books."""
    before = list(Transfer.objects.order_by("pk").values_list())
    with pytest.raises(IntegrityError, match=says), transaction.atomic():
        yield
    assert list(Transfer.objects.order_by("pk").values_list()) == before
    assert totals.differences() == []


def post(*entries: Entry) -> list[Transfer]:
    ids = operations.post(entries, by=cast.ester())
    return [Transfer.objects.get(pk=pk) for pk in ids]


def payment(bank_date: datetime.date = cast.MIDSUMMER) -> Payment:
    return Payment.objects.create(bank_date=bank_date, channel=Fund.Channel.SWISH)


@dataclass
class Books:
    """Brunnar and pumpar share an area and have a clause; skola is another area, without one."""

    brunnar: FundYear
    pumpar: FundYear
    skola: FundYear
    bank: Account
    suspense: Account
    partners: Account
    start: Account

    def entry(self, kind: Kind, debit: Any, credit: Any, ore: int, **fields: Any) -> Entry:
        """An entry between accounts or fund years, on midsummer's eve unless `fields` say so."""
        debit, credit = (
            operations.account(side) if isinstance(side, FundYear) else side
            for side in (debit, credit)
        )
        made = Entry(kind, debit.pk, credit.pk, ore, cast.MIDSUMMER)
        if kind is Kind.REALLOCATION and not {"reverses_id", "line_id"} & {*fields}:
            fields["line_id"] = cast.agreed(debit, credit, ore)
        return made._replace(**fields)

    def gift(self, ore: int, day: datetime.date = cast.MIDSUMMER, **fields: Any) -> Entry:
        """A gift to brunnar, covered by the clause."""
        given = {"covered_ore": ore, "booked_on": day, **fields}
        return self.entry(Kind.GIFT, self.bank, self.brunnar, ore, **given)

    def unplaced(self, ore: int, day: datetime.date = cast.MIDSUMMER) -> int:
        """The payment of a gift that has come in on suspense, by id."""
        paid = cast.gift(None, ore, day).payment_id
        assert paid is not None
        return paid

    def move(self, ore: int, **fields: Any) -> Entry:
        """A reallocation from brunnar to pumpar."""
        return self.entry(Kind.REALLOCATION, self.brunnar, self.pumpar, ore, **fields)


@pytest.fixture
def books() -> Books:
    vatten, skola = cast.area("vatten"), cast.area("skola", clause_from=None)
    return Books(
        brunnar=cast.fund_year(cast.fund("47030", cast.project("brunnar", vatten)), need_ore=100),
        pumpar=cast.fund_year(cast.fund("47040", cast.project("pumpar", vatten)), need_ore=500),
        skola=cast.fund_year(cast.fund("47050", cast.project("skolbok", skola)), need_ore=500),
        bank=cast.bank(),
        suspense=operations.single_account(Account.Kind.SUSPENSE),
        partners=operations.single_account(Account.Kind.PARTNERS),
        start=operations.single_account(Account.Kind.START),
    )


def next_year(fund_year: FundYear, years: int = 1) -> FundYear:
    day = datetime.date(cast.YEAR + years, 6, 1)
    return operations.fund_year(fund_year.fund, day, cast.ester())


class TestAmounts:
    @pytest.mark.parametrize("ore", [-LIMIT, -1, 0, LIMIT, LIMIT + 1])
    def test_an_amount_that_cannot_be_is_refused(self, books: Books, ore: int) -> None:
        with refused("transfer_amount"):
            post(books.gift(ore, covered_ore=0))

    @pytest.mark.parametrize("ore", [1, LIMIT - 1])
    def test_the_smallest_and_the_largest_amount_stand(self, books: Books, ore: int) -> None:
        [gift] = post(books.gift(ore))
        assert gift.amount_ore == ore
        assert totals.differences() == []

    def test_money_does_not_move_from_an_account_to_itself(self, books: Books) -> None:
        with refused("transfer_two_accounts|nothing may move"):
            post(books.entry(Kind.REALLOCATION, books.brunnar, books.brunnar, 1))

    def test_a_kind_that_is_not_known_is_refused(self, books: Books) -> None:
        entry = books.gift(1, covered_ore=0)._replace(kind=Account.Kind.BANK)  # type: ignore[arg-type]
        with refused("transfer_kind|do not fit the kind"):
            post(entry)


FITS = {
    Kind.OPENING: {"start fund"},
    Kind.GIFT: {"bank fund", "bank suspense"},
    Kind.PLACEMENT: {"suspense fund"},
    Kind.REFUND: {"fund bank", "suspense bank"},
    Kind.REALLOCATION: {"fund fund"},
    Kind.CARRY_OVER: {"fund fund"},
    Kind.DISBURSEMENT: {"fund partners"},
}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_goes_between_its_own_kinds_of_account_and_no_others(
    books: Books, kind: Kind
) -> None:
    here = {
        "bank": books.bank,
        "fund": operations.account(books.brunnar),
        "suspense": books.suspense,
        "partners": books.partners,
        "start": books.start,
    }
    there = here | {
        "bank": Account.objects.create(kind=Account.Kind.BANK, name="Ett till"),
        "fund": operations.account(books.pumpar),
    }
    fit = set()
    for debit in here:
        for credit in there:
            if here[debit] == there[credit]:
                continue
            try:
                with transaction.atomic():
                    post(books.entry(kind, here[debit], there[credit], 1))
            except IntegrityError as error:
                if "do not fit the kind" in str(error):
                    continue
            fit.add(f"{debit} {credit}")
    assert fit == FITS[kind]


class TestDays:
    """What the bank says belongs to the fund year that holds its day."""

    def entries(self, books: Books, day: datetime.date) -> list[Entry]:
        entries = [
            books.entry(Kind.OPENING, books.start, books.brunnar, 1),
            books.gift(1, day),
            books.entry(
                Kind.PLACEMENT,
                books.suspense,
                books.brunnar,
                1,
                covered_ore=1,
                payment_id=books.unplaced(1, day),
            ),
            books.entry(Kind.REFUND, books.brunnar, books.bank, 1),
        ]
        return [entry._replace(booked_on=day) for entry in entries]

    @pytest.mark.parametrize("day", [FIRST_DAY, datetime.date(cast.YEAR, 2, 29), LAST_DAY])
    def test_it_stands_on_the_years_first_and_last_day(
        self, books: Books, day: datetime.date
    ) -> None:
        for entry in self.entries(books, day):
            assert post(entry)[0].booked_on == day

    @pytest.mark.parametrize("day", [FIRST_DAY - DAY, LAST_DAY + DAY])
    def test_it_is_refused_the_day_before_and_the_day_after(
        self, books: Books, day: datetime.date
    ) -> None:
        for entry in self.entries(books, day):
            with refused("outside the fund year|surplus clause"):
                post(entry._replace(covered_ore=0) if day < FIRST_DAY else entry)

    def test_nothing_is_paid_out_before_the_year_begins(self, books: Books) -> None:
        entry = books.entry(Kind.DISBURSEMENT, books.brunnar, books.partners, 1)
        with refused("outside the fund year"):
            post(entry._replace(booked_on=FIRST_DAY - DAY))
        post(entry._replace(booked_on=FIRST_DAY))

    def test_a_broken_financial_year_has_its_own_first_and_last_day(self) -> None:
        CollectionYear.objects.create(
            name="2023/24",
            starts_on=datetime.date(2023, 7, 1),
            ends_on=datetime.date(2024, 6, 30),
        )
        brunnar = operations.fund_year(cast.fund(), datetime.date(2024, 1, 1), cast.ester())
        to = operations.account(brunnar).pk
        for day in (datetime.date(2023, 6, 30), datetime.date(2024, 7, 1)):
            with refused("outside the fund year|surplus clause"):
                covered = 1 if day >= cast.NEW_YEAR else 0
                post(Entry(Kind.GIFT, cast.bank().pk, to, 1, day, covered_ore=covered))
        for day, covered in [(datetime.date(2023, 7, 1), 0), (datetime.date(2024, 6, 30), 1)]:
            post(Entry(Kind.GIFT, cast.bank().pk, to, 1, day, covered_ore=covered))

    @pytest.mark.parametrize("to_suspense", [False, True])
    def test_today_stands_and_tomorrow_is_refused(self, books: Books, to_suspense: bool) -> None:
        today = timezone.localdate()
        for day in (today, today + DAY):
            fund_year = operations.fund_year(books.brunnar.fund, day, cast.ester())
            to = books.suspense if to_suspense else fund_year
            entry = books.entry(
                Kind.GIFT, books.bank, to, 1, booked_on=day, covered_ore=int(not to_suspense)
            )
            if day == today:
                post(entry)
            else:
                with refused("in the future"):
                    post(entry)

    def test_no_reversal_and_no_reallocation_is_dated_tomorrow(self, books: Books) -> None:
        tomorrow = timezone.localdate() + DAY
        [gift] = post(books.gift(300))
        with refused("in the future"):
            post(reversal(gift, booked_on=tomorrow))
        with refused("in the future"):
            post(books.move(1, booked_on=tomorrow))
        post(reversal(gift, booked_on=tomorrow - DAY))


class TestCovered:
    @pytest.mark.parametrize(("said", "stands"), [(0, False), (4, False), (5, True)])
    def test_all_of_a_gift_under_a_clause_is_covered(
        self, books: Books, said: int, stands: bool
    ) -> None:
        if stands:
            post(books.gift(5, covered_ore=said))
        else:
            with refused("surplus clause in force"):
                post(books.gift(5, covered_ore=said))

    def test_more_than_the_gift_or_less_than_nothing_is_not_covered(self, books: Books) -> None:
        for covered in (-1, 6):
            with refused("transfer_covered|surplus clause in force"):
                post(books.gift(5, covered_ore=covered))

    def test_nothing_is_covered_without_a_clause_nor_in_suspense(self, books: Books) -> None:
        for to in (books.skola, books.suspense):
            with refused("surplus clause in force"):
                post(books.entry(Kind.GIFT, books.bank, to, 5, covered_ore=5))
            post(books.entry(Kind.GIFT, books.bank, to, 5))

    @pytest.mark.parametrize(
        ("bank_date", "covered"), [(FIRST_DAY - DAY, 0), (FIRST_DAY, 5), (FIRST_DAY + DAY, 5)]
    )
    def test_the_banks_date_decides_whatever_day_it_is_booked(
        self, books: Books, bank_date: datetime.date, covered: int
    ) -> None:
        for kind, source in [(Kind.GIFT, books.bank), (Kind.PLACEMENT, books.suspense)]:
            is_placed = kind == Kind.PLACEMENT
            paid = books.unplaced(5, bank_date) if is_placed else payment(bank_date).pk
            entry = books.entry(kind, source, books.brunnar, 5, payment_id=paid)
            with refused("surplus clause in force"):
                post(entry._replace(covered_ore=5 - covered))
            post(entry._replace(covered_ore=covered))

    def test_only_what_comes_in_or_is_carried_over_has_a_covered_part(self, books: Books) -> None:
        post(books.gift(300))
        for entry in (
            books.entry(Kind.OPENING, books.start, books.brunnar, 5),
            books.entry(Kind.REFUND, books.brunnar, books.bank, 5),
            books.move(5),
            books.entry(Kind.DISBURSEMENT, books.brunnar, books.partners, 5),
        ):
            with refused("transfer_covered"):
                post(entry._replace(covered_ore=5))


def reversal(of: Transfer, **fields: Any) -> Entry:
    """The mirror image of a transfer, save for what `fields` change."""
    mirror = Entry(
        kind=Kind(of.kind),
        debit_id=of.credit_id,
        credit_id=of.debit_id,
        amount_ore=of.amount_ore,
        covered_ore=of.covered_ore,
        booked_on=of.booked_on,
        payment_id=of.payment_id,
        reverses_id=of.pk,
    )
    return mirror._replace(**fields)


class TestReversals:
    def test_one_that_is_not_the_mirror_image_is_refused(self, books: Books) -> None:
        [gift] = post(books.gift(300, payment_id=payment().pk))
        other_bank = Account.objects.create(kind=Account.Kind.BANK, name="Ett till")
        for change in (
            {"amount_ore": 299, "covered_ore": 299},
            {"amount_ore": 301, "covered_ore": 300},
            {"covered_ore": 299},
            {"covered_ore": 0},
            {"debit_id": gift.debit_id, "credit_id": gift.credit_id},
            {"debit_id": operations.account(books.pumpar).pk},
            {"credit_id": other_bank.pk},
            {"kind": Kind.PLACEMENT},
            {"booked_on": gift.booked_on - DAY},
            {"payment_id": None},
            {"payment_id": payment().pk},
        ):
            with refused("mirrors what it reverses"):
                post(reversal(gift, **change))
        post(reversal(gift))

    @pytest.mark.parametrize("day", [cast.MIDSUMMER, LAST_DAY, LAST_DAY + DAY])
    def test_one_stands_on_the_day_itself_and_after_the_years_end(
        self, books: Books, day: datetime.date
    ) -> None:
        [gift] = post(books.gift(300))
        assert post(reversal(gift, booked_on=day))[0].reverses == gift

    def test_a_transfer_is_reversed_once(self, books: Books) -> None:
        [gift] = post(books.gift(300))
        with refused("reverses_id|REPLACE"):
            post(reversal(gift), reversal(gift))
        post(reversal(gift))
        with refused("reverses_id|REPLACE"):
            post(reversal(gift))

    def test_a_reversal_is_not_reversed(self, books: Books) -> None:
        [gift] = post(books.gift(300))
        [undone] = post(reversal(gift))
        with refused("mirrors what it reverses"):
            post(reversal(undone))

    def test_what_does_not_exist_is_not_reversed(self, books: Books) -> None:
        [gift] = post(books.gift(300))
        with refused("mirrors what it reverses|foreign key"):
            post(reversal(gift, reverses_id=gift.pk + 1_000_000))
            connection.check_constraints()  # what PostgreSQL otherwise does at the commit

    def test_a_reversal_needs_no_surplus_to_be_left(self, books: Books) -> None:
        [gift] = post(books.gift(300))
        post(books.move(200))
        post(reversal(gift))  # the bank took it back: a fact, though the need is no longer met


class TestWhereTo:
    def test_surplus_stays_within_the_focus_area(self, books: Books) -> None:
        post(books.gift(300))
        with refused("nothing may move"):
            post(books.entry(Kind.REALLOCATION, books.brunnar, books.skola, 1))
        post(books.move(1))

    def test_surplus_stays_within_the_collection_year(self, books: Books) -> None:
        post(books.gift(300))
        new_year = LAST_DAY + DAY
        for to in (next_year(books.pumpar), next_year(books.brunnar)):
            with refused("nothing may move"):
                post(books.entry(Kind.REALLOCATION, books.brunnar, to, 1, booked_on=new_year))
        # After the year's end it may still move within the year.
        post(books.move(1, booked_on=new_year))

    def test_what_is_carried_over_goes_to_the_same_funds_next_year(self, books: Books) -> None:
        post(books.gift(300))
        last_year, year_after_next = next_year(books.brunnar, -1), next_year(books.brunnar, 2)
        day = datetime.date(cast.YEAR + 2, 6, 1)
        for to in (last_year, year_after_next, books.pumpar, next_year(books.pumpar)):
            with refused("nothing may move"):
                post(books.entry(Kind.CARRY_OVER, books.brunnar, to, 1, booked_on=day))
        post(
            books.entry(Kind.CARRY_OVER, books.brunnar, next_year(books.brunnar), 1, booked_on=day)
        )

    def test_nothing_is_carried_over_before_the_next_year_begins(self, books: Books) -> None:
        post(books.gift(300))
        entry = books.entry(Kind.CARRY_OVER, books.brunnar, next_year(books.brunnar), 1)
        with refused("outside the fund year"):
            post(entry._replace(booked_on=LAST_DAY))
        post(entry._replace(booked_on=LAST_DAY + DAY))


class TestHowMuch:
    """Brunnar needs 100 öre."""

    @pytest.mark.parametrize(("ore", "stands"), [(199, True), (200, True), (201, False)])
    def test_no_more_than_the_surplus_moves(self, books: Books, ore: int, stands: bool) -> None:
        post(books.gift(300))
        self.try_both(books, ore, stands)

    @pytest.mark.parametrize(("ore", "stands"), [(29, True), (30, True), (31, False)])
    def test_no_more_than_the_cash_moves(self, books: Books, ore: int, stands: bool) -> None:
        post(books.gift(300))
        post(books.entry(Kind.DISBURSEMENT, books.brunnar, books.partners, 270))
        self.try_both(books, ore, stands)

    @pytest.mark.parametrize(("ore", "stands"), [(49, True), (50, True), (51, False)])
    def test_no_more_than_what_a_clause_covers_moves(
        self, books: Books, ore: int, stands: bool
    ) -> None:
        post(books.gift(50), books.gift(250, covered_ore=0, payment_id=payment(FIRST_DAY - DAY).pk))
        self.try_both(books, ore, stands)

    def try_both(self, books: Books, ore: int, stands: bool) -> None:
        day = LAST_DAY + DAY
        for entry in (
            books.move(ore),
            books.entry(
                Kind.CARRY_OVER,
                books.brunnar,
                next_year(books.brunnar),
                ore,
                covered_ore=ore,
                booked_on=day,
            ),
        ):
            if stands:
                [moved] = post(entry)
                post(reversal(moved, booked_on=day))
            else:
                with refused("movable surplus"):
                    post(entry)
        assert totals.differences() == []

    @pytest.mark.parametrize(("ore", "stands"), [(200, True), (201, False)])
    def test_what_no_clause_covers_may_be_carried_over_up_to_the_surplus(
        self, books: Books, ore: int, stands: bool
    ) -> None:
        post(books.gift(300, covered_ore=0, payment_id=payment(FIRST_DAY - DAY).pk))
        entry = books.entry(
            Kind.CARRY_OVER,
            books.brunnar,
            next_year(books.brunnar),
            ore,
            booked_on=LAST_DAY + DAY,
        )
        with refused("movable surplus"):
            post(entry._replace(covered_ore=1))
        if stands:
            post(entry)
        else:
            with refused("movable surplus"):
                post(entry)

    def test_two_rows_in_one_statement_that_are_each_fine_but_together_too_much(
        self, books: Books
    ) -> None:
        post(books.gift(150))
        for first, second in [(30, 21), (50, 1), (1, 50), (50, 50)]:
            with refused("movable surplus"):
                post(books.move(first), books.move(second))
        post(books.move(30), books.move(20))

    def test_a_reallocation_and_a_carry_over_in_one_statement_share_one_surplus(
        self, books: Books
    ) -> None:
        post(books.gift(150))
        day = LAST_DAY + DAY
        carried = books.entry(
            Kind.CARRY_OVER, books.brunnar, next_year(books.brunnar), 21, booked_on=day
        )
        with refused("movable surplus"):
            post(books.move(30, booked_on=day), carried._replace(covered_ore=21))
        with refused("movable surplus"):
            post(books.move(30, booked_on=day), carried)
        post(books.move(30, booked_on=day), carried._replace(amount_ore=20, covered_ore=20))

    def test_two_sources_in_one_statement_each_answer_for_themselves(self, books: Books) -> None:
        filters = cast.fund_year(
            cast.fund("47060", cast.project("filter", books.brunnar.focus_area)), need_ore=500
        )
        post(
            books.gift(150), books.entry(Kind.GIFT, books.bank, books.pumpar, 510, covered_ore=510)
        )
        for mine, neighbours in [(51, 9), (50, 11)]:
            with refused("movable surplus"):
                post(
                    books.entry(Kind.REALLOCATION, books.brunnar, filters, mine),
                    books.entry(Kind.REALLOCATION, books.pumpar, filters, neighbours),
                )
        post(
            books.entry(Kind.REALLOCATION, books.brunnar, filters, 50),
            books.entry(Kind.REALLOCATION, books.pumpar, filters, 10),
        )

    @pytest.mark.parametrize(("days", "stands"), [(-1, False), (0, True), (1, True)])
    def test_nothing_moves_on_a_day_before_the_sources_newest_row(
        self, books: Books, days: int, stands: bool
    ) -> None:
        post(books.gift(300, FIRST_DAY), books.gift(1, cast.MIDSUMMER))
        entry = books.move(1, booked_on=cast.MIDSUMMER + days * DAY)
        if stands:
            post(entry)
        else:
            with refused("movable surplus"):
                post(entry)

    def test_the_receivers_newest_row_does_not_matter(self, books: Books) -> None:
        post(books.gift(300))
        post(books.entry(Kind.GIFT, books.bank, books.pumpar, 1, covered_ore=1, booked_on=LAST_DAY))
        post(books.move(1))

    def test_what_was_moved_in_is_not_moved_on(self, books: Books) -> None:
        post(books.gift(800))
        post(books.move(600))
        with refused("movable surplus"):
            post(books.entry(Kind.REALLOCATION, books.pumpar, books.brunnar, 1))

    def test_a_raised_need_holds_back_and_a_lowered_one_lets_go(self, books: Books) -> None:
        post(books.gift(150))
        for need, most in [(149, 1), (99, 51)]:
            operations.set_need(
                books.brunnar, need, decided_on=cast.MIDSUMMER, reason="Ändrat", by=cast.ester()
            )
            with refused("movable surplus"):
                post(books.move(most + 1))
            [moved] = post(books.move(most))
            post(reversal(moved))

    def test_a_refund_takes_from_what_may_move(self, books: Books) -> None:
        post(books.gift(300))
        post(books.entry(Kind.REFUND, books.brunnar, books.bank, 50))
        with refused("movable surplus"):
            post(books.move(151))
        post(books.move(150))

    def test_an_empty_fund_year_moves_nothing(self, books: Books) -> None:
        with refused("movable surplus"):
            post(books.entry(Kind.REALLOCATION, books.pumpar, books.brunnar, 1))

    def test_raw_sql_meets_the_same_guard(self, books: Books) -> None:
        [gift] = post(books.gift(150))
        sides = (operations.account(books.brunnar).pk, operations.account(books.pumpar).pk)

        def write(*amounts: int) -> None:
            row = (
                f"('reallocation', {sides[0]}, {sides[1]}, %s, 0, '{cast.MIDSUMMER}',"
                f" '', {gift.by_id}, '2024-06-21 10:00:00', %s)"
            )
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO donations_transfer (kind, debit_id, credit_id, amount_ore,"
                    " covered_ore, booked_on, reason, by_id, created_at, line_id) VALUES "
                    + ", ".join([row] * len(amounts)),
                    [
                        value
                        for ore in amounts
                        for value in (ore, cast.agreed(books.brunnar, books.pumpar, ore))
                    ],
                )

        for amounts in [(51,), (30, 21), (49, 1, 1)]:
            with refused("movable surplus"):
                write(*amounts)
        write(30, 20)
        assert totals.differences() == []
        with refused("movable surplus"):
            write(1)


class TestPayments:
    @pytest.mark.parametrize("again", ["gift", "refund"])
    def test_a_payment_is_one_gift_or_one_refund(self, books: Books, again: str) -> None:
        paid = payment().pk
        post(books.gift(300, payment_id=paid))
        entry = {
            "gift": books.gift(300, payment_id=paid),
            "refund": books.entry(Kind.REFUND, books.brunnar, books.bank, 1, payment_id=paid),
        }[again]
        with refused("payment_id|transfer_one_per_payment|REPLACE"):
            post(entry)
        post(entry._replace(payment_id=payment().pk))

    def test_two_equal_gifts_of_two_payments_both_stand(self, books: Books) -> None:
        assert len(post(*(books.gift(300, payment_id=payment().pk) for _ in range(2)))) == 2

    def test_a_payment_in_suspense_may_be_placed_in_parts(self, books: Books) -> None:
        paid = payment().pk
        post(books.entry(Kind.GIFT, books.bank, books.suspense, 3, payment_id=paid))
        placed = books.entry(
            Kind.PLACEMENT, books.suspense, books.brunnar, 1, covered_ore=1, payment_id=paid
        )
        post(placed, placed, placed)

    def test_no_more_is_placed_than_came_in(self, books: Books) -> None:
        paid = books.unplaced(3)

        def placed(ore: int, payment_id: int | None = paid) -> Entry:
            return books.entry(
                Kind.PLACEMENT,
                books.suspense,
                books.brunnar,
                ore,
                covered_ore=ore,
                payment_id=payment_id,
            )

        for entries in ([placed(4)], [placed(2), placed(2)], [placed(1, None)]):
            with refused("more is placed"):
                post(*entries)
        post(placed(2))
        with refused("more is placed"):
            post(placed(2))
        post(placed(1))

    def test_a_payment_that_went_to_a_fund_is_not_placed_as_well(self, books: Books) -> None:
        paid = payment().pk
        post(books.gift(300, payment_id=paid))
        with refused("more is placed"):
            post(books.entry(Kind.PLACEMENT, books.suspense, books.skola, 1, payment_id=paid))

    def test_what_is_paid_back_from_suspense_is_not_placed(self, books: Books) -> None:
        gift = cast.gift(None, 3)
        operations.refund(gift, 2, booked_on=cast.MIDSUMMER, reason="Ångrade sig", by=cast.ester())
        placed = books.entry(
            Kind.PLACEMENT,
            books.suspense,
            books.brunnar,
            1,
            covered_ore=1,
            payment_id=gift.payment_id,
        )
        with refused("more is placed"):
            post(placed, placed)
        post(placed)
        with pytest.raises(OperationError, match="kvar av gåvan är placerat"):
            operations.refund(gift, 1, booked_on=cast.MIDSUMMER, reason="Igen", by=cast.ester())

    def test_a_gift_that_is_placed_is_not_reversed_before_its_placement(self, books: Books) -> None:
        gift = cast.gift(None, 3)
        [placed] = post(
            books.entry(
                Kind.PLACEMENT,
                books.suspense,
                books.brunnar,
                3,
                covered_ore=3,
                payment_id=gift.payment_id,
            )
        )
        with refused("more is placed"):
            post(reversal(gift))
        with pytest.raises(OperationError, match="Rätta placeringen först"):
            operations.reverse(gift, booked_on=cast.MIDSUMMER, reason="Fel", by=cast.ester())
        post(reversal(placed))
        post(reversal(gift))


class TestNeeds:
    def need(self, books: Books, ore: int, day: datetime.date = cast.MIDSUMMER) -> Need:
        return Need.objects.create(
            fund_year=books.brunnar, amount_ore=ore, decided_on=day, by=cast.ester(), reason="Prov"
        )

    @pytest.mark.parametrize("ore", [-1, LIMIT])
    def test_a_need_that_cannot_be_is_refused(self, books: Books, ore: int) -> None:
        with refused("need_amount"):
            self.need(books, ore)

    @pytest.mark.parametrize("ore", [0, 1, LIMIT - 1])
    def test_the_smallest_and_the_largest_need_stand(self, books: Books, ore: int) -> None:
        assert self.need(books, ore).pk

    def test_a_need_is_not_decided_in_the_future(self, books: Books) -> None:
        today = timezone.localdate()
        self.need(books, 1, today)
        with refused("decided in the future"):
            self.need(books, 1, today + DAY)


class TestCollectionYears:
    @pytest.fixture(autouse=True)
    def years(self) -> None:
        for year in (2022, 2023, 2024):
            self.add(datetime.date(year, 1, 1), datetime.date(year, 12, 31))

    def add(self, first: datetime.date, last: datetime.date) -> CollectionYear:
        return CollectionYear.objects.create(name=f"{first}", starts_on=first, ends_on=last)

    @pytest.mark.parametrize(
        ("first", "last"),
        [
            ("2025-01-02", "2025-12-31"),  # a day missing after
            ("2024-12-31", "2025-12-30"),  # a day too early after
            ("2021-01-01", "2021-12-30"),  # a day missing before
            ("2021-01-02", "2022-01-01"),  # a day too late before
            ("2023-03-01", "2023-04-30"),  # in the middle of another
            ("2021-01-01", "2025-12-31"),  # around all the others
        ],
    )
    def test_a_gap_or_an_overlap_is_refused(self, first: str, last: str) -> None:
        with refused("collection year|collectionyear"):
            self.add(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))

    def test_a_year_next_to_the_others_stands_be_it_short_or_broken(self) -> None:
        self.add(datetime.date(2025, 1, 1), datetime.date(2025, 6, 30))
        self.add(datetime.date(2025, 7, 1), datetime.date(2026, 6, 30))
        self.add(datetime.date(2021, 1, 1), datetime.date(2021, 12, 31))

    def test_a_year_ends_after_it_starts(self) -> None:
        for last in (datetime.date(2025, 1, 1), datetime.date(2024, 12, 31)):
            with refused("collection_year_ends_after_start|years follow|ends_on|REPLACE"):
                self.add(datetime.date(2025, 1, 1), last)

    def test_only_the_first_and_the_last_can_go(self) -> None:
        with refused("years follow each other"):
            CollectionYear.objects.filter(starts_on__year=2023).delete()
        for year in (2022, 2024):
            CollectionYear.objects.filter(starts_on__year=year).delete()

    def test_a_year_does_not_grow_over_its_neighbour_or_shrink_from_it(self) -> None:
        year = CollectionYear.objects.filter(starts_on__year=2023)
        for change in (
            {"ends_on": datetime.date(2024, 1, 1)},
            {"ends_on": datetime.date(2023, 12, 30)},
            {"starts_on": datetime.date(2022, 12, 31)},
            {"starts_on": datetime.date(2023, 1, 2)},
        ):
            with refused("years follow each other|ends_on|starts_on"):
                year.update(**change)
        CollectionYear.objects.filter(starts_on__year=2024).update(
            ends_on=datetime.date(2024, 12, 30)
        )

    def test_a_year_keeps_its_dates_once_a_fund_year_leans_on_it(self) -> None:
        operations.fund_year(cast.fund(), cast.MIDSUMMER, cast.ester())
        year = CollectionYear.objects.filter(starts_on__year=2024)
        for change in (
            {"ends_on": datetime.date(2024, 12, 30)},
            {"ends_on": datetime.date(2025, 1, 1)},
        ):
            with refused("fixed once it has fund years"):
                year.update(**change)
        year.update(name="Tjugofyra")


class TestWhatIsFixed:
    def test_a_fund_year_keeps_its_area_fund_and_year_once_money_has_moved(
        self, books: Books
    ) -> None:
        other_year = operations.collection_year(LAST_DAY + DAY)
        fund = cast.fund("47060", cast.project("filter"))
        post(books.gift(1))
        for change in (
            {"focus_area": books.skola.focus_area},
            {"fund": fund},
            {"year": other_year},
        ):
            with refused("fixed once it has transfers"):
                FundYear.objects.filter(pk=books.brunnar.pk).update(**change)
            FundYear.objects.filter(pk=books.pumpar.pk).update(**change)
        FundYear.objects.filter(pk=books.brunnar.pk).update(focus_area=books.brunnar.focus_area)

    def test_a_project_that_changes_area_does_so_from_the_next_year_on(self, books: Books) -> None:
        post(books.gift(1))
        project = books.brunnar.fund.project
        assert project is not None
        project.focus_area = books.skola.focus_area
        project.save()
        books.brunnar.fund.refresh_from_db()
        assert next_year(books.brunnar).focus_area == books.skola.focus_area
        books.brunnar.refresh_from_db()
        assert books.brunnar.focus_area != books.skola.focus_area

    def test_an_account_keeps_what_it_is_and_may_change_its_name(self, books: Books) -> None:
        account = Account.objects.filter(pk=operations.account(books.brunnar).pk)
        spare = next_year(books.brunnar)
        Account.objects.filter(fund_year=spare).delete()
        for change in ({"kind": "bank", "fund_year": None}, {"fund_year": spare}):
            with refused("what it is does not change"):
                account.update(**change)
        with refused("what it is does not change"):
            Account.objects.filter(pk=books.bank.pk).update(kind="partners")
        Account.objects.filter(pk=books.bank.pk).update(name="Nytt namn")

    @pytest.mark.parametrize("what", ["account", "fund year", "collection year"])
    def test_what_is_fixed_is_not_replaced_either(self, books: Books, what: str) -> None:
        post(books.gift(1))
        other = cast.area("mat")
        cases: dict[str, tuple[str, str, tuple[Any, ...]]] = {
            "account": (
                "donations_account",
                "id, kind, fund_year_id, name",
                (operations.account(books.brunnar).pk, "bank", None, "Mitt eget"),
            ),
            "fund year": (
                "donations_fundyear",
                "id, fund_id, year_id, focus_area_id",
                (books.brunnar.pk, books.brunnar.fund_id, books.brunnar.year_id, other.pk),
            ),
            "collection year": (
                "donations_collectionyear",
                "id, name, starts_on, ends_on",
                (books.brunnar.year_id, "2024", "2024-01-01", "2024-12-30"),
            ),
        }
        table, columns, values = cases[what]
        names = columns.split(", ")
        if connection.vendor == "sqlite":
            verb, tail = "INSERT OR REPLACE", ""
        else:
            verb = "INSERT"
            tail = " ON CONFLICT (id) DO UPDATE SET " + ", ".join(
                f"{name} = EXCLUDED.{name}" for name in names[1:]
            )
        with (
            refused("does not change|fixed once|REPLACE|replace"),
            connection.cursor() as cursor,
        ):
            marks = ", ".join(["%s"] * len(values))
            cursor.execute(f"{verb} INTO {table} ({columns}) VALUES ({marks}){tail}", values)


class TestSurplusClauses:
    """Vatten's clause is in force from New Year's Day, and a gift came in on midsummer's eve."""

    @pytest.fixture
    def books(self, books: Books) -> Books:
        post(books.gift(1))
        return books

    @pytest.fixture
    def clause(self, books: Books) -> SurplusClause:
        return SurplusClause.objects.get(focus_area=books.brunnar.focus_area)

    def begin(self, area: Any, day: datetime.date) -> SurplusClause:
        return SurplusClause.objects.create(focus_area=area, text="Ny", valid_from=day)

    @pytest.mark.parametrize(("days", "stands"), [(-1, False), (0, False), (1, True)])
    def test_a_new_one_begins_after_every_gift_in_the_books(
        self, books: Books, days: int, stands: bool
    ) -> None:
        day = cast.MIDSUMMER + days * DAY
        if stands:
            self.begin(books.brunnar.focus_area, day)
        else:
            with refused("gifts are already booked"):
                self.begin(books.brunnar.focus_area, day)

    def test_one_that_a_gift_leans_on_is_not_reworded_moved_or_removed(
        self, books: Books, clause: SurplusClause
    ) -> None:
        same = SurplusClause.objects.filter(pk=clause.pk)
        for change in (
            {"text": "Något annat"},
            {"valid_from": cast.MIDSUMMER},
            {"valid_from": LAST_DAY},
            {"valid_from": FIRST_DAY - DAY},
            {"focus_area": books.skola.focus_area},
        ):
            with refused("gifts are already booked"):
                same.update(**change)
        with refused("gifts are already booked"):
            same.delete()

    def test_one_that_has_not_begun_before_any_gift_may_still_change(self, books: Books) -> None:
        area = books.brunnar.focus_area
        clause = self.begin(area, LAST_DAY)
        clause.text = "Bättre sagt"
        clause.save()
        clause.valid_from = cast.MIDSUMMER + DAY
        clause.save()
        clause.valid_from = cast.MIDSUMMER
        with refused("gifts are already booked"):
            clause.save()
        SurplusClause.objects.filter(pk=clause.pk).delete()

    def test_another_areas_gifts_do_not_matter(self, books: Books) -> None:
        clause = self.begin(books.skola.focus_area, FIRST_DAY)
        # Nor does one begun elsewhere become this area's, behind the back of its gifts.
        with refused("gifts are already booked"):
            SurplusClause.objects.filter(pk=clause.pk).update(
                focus_area=books.brunnar.focus_area, valid_from=FIRST_DAY + DAY
            )

    def test_a_gift_in_suspense_leans_on_no_clause_until_it_is_placed(self, books: Books) -> None:
        paid = payment().pk
        post(books.entry(Kind.GIFT, books.bank, books.suspense, 5, payment_id=paid))
        self.begin(books.skola.focus_area, cast.MIDSUMMER)
        placed = books.entry(Kind.PLACEMENT, books.suspense, books.skola, 5, payment_id=paid)
        with refused("surplus clause in force"):
            post(placed)
        post(placed._replace(covered_ore=5))
        with refused("gifts are already booked"):
            SurplusClause.objects.filter(focus_area=books.skola.focus_area).delete()


def sql_for_today() -> set[str]:
    """How SQLite's triggers say "today in Stockholm", with :now for the moment it is asked."""
    sql = Path(models.__file__).parent.with_name("sql").joinpath("sqlite.sql").read_text()
    found = re.findall(r"date\('now', iif\(.*?'\+2 hours', '\+1 hour'\)\)", sql, re.DOTALL)
    assert len(found) == 6
    return {" ".join(expression.split()).replace("'now'", ":now") for expression in found}


@pytest.mark.parametrize("year", range(2024, 2040))
def test_sqlite_knows_the_day_in_stockholm_in_summer_time_and_out_of_it(year: int) -> None:
    [today] = sql_for_today()
    moments = [
        datetime.datetime(year, month, day, hour, minute, tzinfo=datetime.UTC)
        for month, days in [(1, (1, 31)), (3, range(24, 32)), (10, range(24, 32)), (12, (1, 31))]
        for day in days
        for hour in (0, 1, 2, 21, 22, 23)
        for minute in (0, 59)
    ]
    with closing(sqlite3.connect(":memory:")) as database:
        for moment in moments:
            text = moment.strftime("%Y-%m-%d %H:%M:%S")
            [(day,)] = database.execute(f"SELECT {today}", {"now": text}).fetchall()
            assert day == str(moment.astimezone(ZoneInfo("Europe/Stockholm")).date()), text
