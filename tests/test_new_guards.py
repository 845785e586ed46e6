"""What the database itself holds to about proposals, locks, closings and answers, on each side."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from donations import operations, totals
from donations.models import (
    Account,
    DonorAnswer,
    Fund,
    FundYear,
    Need,
    Payment,
    PeriodLock,
    Proposal,
    ProposalLine,
    Transfer,
    YearClosing,
)
from donations.operations import Entry, LineIn, OperationError
from tests import cast

pytestmark = pytest.mark.django_db
Kind = Transfer.Kind
DAY = datetime.timedelta(days=1)
YEAR_END = datetime.date(cast.YEAR, 12, 31)
NEED, SURPLUS = 100, 60


@contextmanager
def refused(says: str | None = None) -> Iterator[None]:
    """The block is refused by the database with these words, and the totals stay right."""
    with pytest.raises(IntegrityError, match=says), transaction.atomic():
        yield
    assert totals.differences() == []


def sql(text: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)


@dataclass
class Books:
    """Brunnar has a surplus of 60, pumpar and dammar in the same area need 500 each."""

    brunnar: FundYear
    pumpar: FundYear
    dammar: FundYear

    def proposal(self, ore: int, *, submitted: bool = True) -> Proposal:
        line = LineIn(self.brunnar, self.pumpar, ore)
        made = operations.draft([line], reason="Samma vatten", by=cast.ester())
        return operations.submit(made, by=cast.ester()) if submitted else made

    def approve_by_hand(self, proposal: Proposal, ore: int) -> int:
        """As approval does, without looking at anything; the line's id."""
        line = proposal.lines.get()
        sql("UPDATE donations_proposalline SET approved_ore = %s WHERE id = %s", ore, line.pk)
        Proposal.objects.filter(pk=proposal.pk).update(
            decision="approved", decided_by=cast.colleague(), decided_at=timezone.now()
        )
        return line.pk

    def move(self, line: int | None, ore: int, **fields: Any) -> None:
        sides = fields.pop("sides", (self.brunnar, self.pumpar))
        debit, credit = (operations.account(side).pk for side in sides)
        given = {"booked_on": cast.MIDSUMMER, **fields}
        entry = Entry(Kind.REALLOCATION, debit, credit, ore, line_id=line, **given)
        operations.post([entry], by=cast.ester())


@pytest.fixture
def books() -> Books:
    vatten = cast.area()
    years = [
        cast.fund_year(cast.fund(f"470{n}0", cast.project(f"p{n}", vatten)), need)
        for n, need in ((1, NEED), (2, 500), (3, 500))
    ]
    cast.gift(years[0].fund, NEED + SURPLUS)
    return Books(*years)


class TestMoving:
    def test_a_move_needs_an_approved_line(self, books: Books) -> None:
        for line in (None, books.proposal(10).lines.get().pk):
            with refused("no approved proposal says so"):
                books.move(line, 10)

    def test_a_move_has_the_lines_amount_and_accounts(self, books: Books) -> None:
        line = books.approve_by_hand(books.proposal(10), 9)
        for ore, sides in (
            (10, (books.brunnar, books.pumpar)),
            (8, (books.brunnar, books.pumpar)),
            (9, (books.brunnar, books.dammar)),
        ):
            with refused("no approved proposal says so"):
                books.move(line, ore, sides=sides)
        books.move(line, 9)
        assert Transfer.objects.filter(line=line).count() == 1

    def test_a_line_is_posted_once(self, books: Books) -> None:
        line = books.approve_by_hand(books.proposal(10), 10)
        books.move(line, 10)
        with refused():
            books.move(line, 10)

    @pytest.mark.parametrize("beside", [-1, 0, 1])
    def test_what_an_earlier_proposal_holds_stays(self, books: Books, beside: int) -> None:
        books.proposal(20)
        # The database looks for itself: the later one could not have been submitted for as much.
        line = cast.agreed(books.brunnar, books.pumpar, SURPLUS - 20 + beside)
        if beside > 0:
            with refused("movable surplus"):
                books.move(line, SURPLUS - 20 + beside)
        else:
            books.move(line, SURPLUS - 20 + beside)

    def test_what_a_later_proposal_holds_does_not_stand_in_the_way(self, books: Books) -> None:
        earlier = books.proposal(SURPLUS - 10)
        books.proposal(10)
        books.move(books.approve_by_hand(earlier, SURPLUS - 10), SURPLUS - 10)


class TestProposals:
    def test_a_proposal_begins_as_a_draft_and_is_decided_once_it_is_submitted(
        self, books: Books
    ) -> None:
        draft = books.proposal(10, submitted=False)
        with refused("begins as a draft"):
            Proposal.objects.create(
                focus_area=draft.focus_area,
                year=draft.year,
                reason="-",
                by=draft.by,
                created_at=timezone.now(),
                changed_at=timezone.now(),
                submitted_at=timezone.now(),
            )
        with refused("submitted before it is decided"):
            Proposal.objects.filter(pk=draft.pk).update(
                decision="approved", decided_by=cast.colleague(), decided_at=timezone.now()
            )
        with refused("not approved"):
            ProposalLine.objects.update(approved_ore=10)

    @pytest.mark.parametrize(
        "change",
        [
            {"reason": "Något annat"},
            {"submitted_at": None},
            {"created_at": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)},
        ],
    )
    def test_a_submitted_proposal_is_fixed(self, books: Books, change: dict[str, Any]) -> None:
        books.proposal(10)
        with refused("submitted, and fixed"):
            Proposal.objects.update(**change)

    def test_a_submitted_proposals_person_stays(self, books: Books) -> None:
        books.proposal(10)
        with refused("submitted, and fixed"):
            Proposal.objects.update(by=cast.colleague())

    def test_a_submitted_proposals_lines_are_fixed_and_kept(self, books: Books) -> None:
        proposal = books.proposal(10)
        for change in ({"amount_ore": 11}, {"receiver": books.dammar}, {"reason": "-"}):
            with refused("fixed"):
                ProposalLine.objects.update(**change)
        with refused("submitted"):
            ProposalLine.objects.create(
                proposal=proposal, source=books.brunnar, receiver=books.dammar, amount_ore=1
            )
        with refused("submitted, and kept"):
            sql("DELETE FROM donations_proposalline")
        with refused("submitted, and kept"):
            sql("DELETE FROM donations_proposal")

    def test_an_amount_is_approved_once(self, books: Books) -> None:
        books.proposal(10)
        ProposalLine.objects.update(approved_ore=9)
        with refused("fixed"):
            ProposalLine.objects.update(approved_ore=10)

    @pytest.mark.parametrize(("ore", "passes"), [(-1, False), (0, True), (10, True), (11, False)])
    def test_at_most_what_was_proposed_is_approved(
        self, books: Books, ore: int, passes: bool
    ) -> None:
        books.proposal(10)
        if passes:
            ProposalLine.objects.update(approved_ore=ore)
            return
        with refused():
            ProposalLine.objects.update(approved_ore=ore)

    @pytest.mark.parametrize("decision", ["approved", "rejected"])
    def test_two_people_decide(self, books: Books, decision: str) -> None:
        books.proposal(10)
        with refused():
            Proposal.objects.update(
                decision=decision, decided_by=cast.ester(), decided_at=timezone.now()
            )

    def test_a_proposal_is_withdrawn_by_nobody_but_who_submitted_it(self, books: Books) -> None:
        proposal, other = books.proposal(10), cast.colleague()
        with pytest.raises(OperationError, match="Bara den som har lämnat in förslaget"):
            operations.withdraw(proposal, by=other)
        with refused():
            Proposal.objects.update(
                decision="withdrawn", decided_by=other, decided_at=timezone.now()
            )

    def test_a_decision_stands(self, books: Books) -> None:
        books.approve_by_hand(books.proposal(10), 10)
        for change in ({"decision": "rejected"}, {"decision_reason": "-"}):
            with refused("decided, and kept"):
                Proposal.objects.update(**change)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
    @pytest.mark.parametrize("table", ["donations_proposal", "donations_proposalline"])
    def test_a_proposal_is_not_replaced(self, books: Books, table: str) -> None:
        books.proposal(10)
        with refused():
            sql(f"REPLACE INTO {table} SELECT * FROM {table}")

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
    @pytest.mark.parametrize("table", ["donations_proposal", "donations_proposalline"])
    def test_a_proposal_is_not_truncated(self, books: Books, table: str) -> None:
        books.proposal(10)
        connection.check_constraints()
        with refused("append-only"):
            sql(f"TRUNCATE {table} CASCADE")


class TestFinishedDays:
    def gift(self, books: Books, day: datetime.date) -> Entry:
        paid = Payment.objects.create(bank_date=day, channel=Fund.Channel.SWISH)
        account = operations.account(books.brunnar).pk
        return Entry(Kind.GIFT, cast.bank().pk, account, 5, day, 5, payment_id=paid.pk)

    def test_nothing_is_booked_through_the_locked_day(self, books: Books) -> None:
        last = cast.MIDSUMMER
        operations.lock_period(last, by=cast.ester())
        for entries in ([0], [1, 0]):  # one statement's second row, too
            with refused("locked period"):
                given = [self.gift(books, last + days * DAY) for days in entries]
                operations.post(given, by=cast.ester())
        operations.post([self.gift(books, last + DAY)], by=cast.ester())

    def test_locks_go_forward_over_days_that_have_been(self, books: Books) -> None:
        def lock(day: datetime.date) -> None:
            PeriodLock.objects.create(through=day, by=cast.ester(), created_at=timezone.now())

        lock(cast.MIDSUMMER)
        for day in (cast.MIDSUMMER, cast.MIDSUMMER - DAY, timezone.localdate()):
            with refused():
                lock(day)
        lock(timezone.localdate() - DAY)

    def close(self, books: Books) -> None:
        YearClosing.objects.create(
            year=books.brunnar.year, by=cast.ester(), created_at=timezone.now()
        )

    def test_a_year_is_closed_when_its_last_day_is_locked_and_nothing_waits(
        self, books: Books
    ) -> None:
        proposal = books.proposal(10)
        operations.lock_period(YEAR_END - DAY, by=cast.ester())
        with refused("not locked"):
            self.close(books)
        operations.lock_period(YEAR_END, by=cast.ester())
        with refused("something waits"):
            self.close(books)
        operations.withdraw(proposal, by=cast.ester())
        self.close(books)
        with refused():
            self.close(books)

    def test_in_a_closed_year_no_need_changes_and_nothing_moves(self, books: Books) -> None:
        draft = books.proposal(10, submitted=False)
        line = cast.agreed(books.brunnar, books.pumpar, 10)
        moved = cast.agreed(books.brunnar, books.pumpar, 7)
        books.move(moved, 7)
        done = Transfer.objects.get(line=moved)
        operations.lock_period(YEAR_END, by=cast.ester())
        self.close(books)
        with refused("year is closed|closed year"):
            Need.objects.create(
                fund_year=books.brunnar, amount_ore=1, decided_on=YEAR_END, by=cast.ester()
            )
        with refused("year is closed"):
            Proposal.objects.filter(pk=draft.pk).update(submitted_at=timezone.now())
        day = YEAR_END + DAY
        with refused("year is closed"):
            books.move(line, 10, booked_on=day)
        with refused("year is closed"):
            back = (books.pumpar, books.brunnar)
            books.move(None, 7, sides=back, reverses_id=done.pk, booked_on=day)
        following = operations.fund_year(books.brunnar.fund, day, cast.ester())
        sides = operations.account(books.brunnar).pk, operations.account(following).pk
        with refused("year is closed"):
            operations.post([Entry(Kind.CARRY_OVER, *sides, 1, day)], by=cast.ester())
        # What was given for the need and is not paid out yet, is paid out from the closed year.
        operations.disburse(
            books.brunnar, 10, booked_on=day, reason="Till partnern", by=cast.ester()
        )


class TestAnswers:
    @pytest.fixture
    def asked(self, books: Books) -> Transfer:
        """A gift that came before there was a clause."""
        return cast.gift(books.brunnar.fund, 50, cast.NEW_YEAR - DAY)

    def answer(self, gift: Transfer, ore: int, **fields: Any) -> DonorAnswer:
        day = gift.booked_on + DAY
        given = {"is_yes": True, "answered_on": day, "booked_on": day, **fields}
        return DonorAnswer.objects.create(
            transfer=gift,
            asked_by="E",
            covered_ore=ore,
            by=cast.ester(),
            created_at=timezone.now(),
            **given,
        )

    def test_a_yes_covers_the_whole_gift_and_a_no_takes_it_back(self, asked: Transfer) -> None:
        for ore in (49, 51, 0, -1):
            with refused("not for this gift"):
                self.answer(asked, ore)
        self.answer(asked, 50)
        with refused("not for this gift"):
            self.answer(asked, 50)
        self.answer(asked, -50, is_yes=False)
        assert totals.differences() == []

    def test_an_answer_has_a_day_that_can_be(self, asked: Transfer) -> None:
        future = timezone.localdate() + DAY
        for day in (asked.booked_on - DAY, future):
            with refused("not for this gift"):
                self.answer(asked, 50, booked_on=day, answered_on=asked.booked_on)
        with refused("not for this gift"):
            self.answer(asked, 50, answered_on=asked.booked_on + 2 * DAY)
        operations.lock_period(asked.booked_on + DAY, by=cast.ester())
        with refused("not for this gift"):
            self.answer(asked, 50)

    def test_only_an_uncovered_gift_on_a_fund_that_stands_is_asked_about(
        self, asked: Transfer, books: Books
    ) -> None:
        reversal = operations.reverse(
            asked, booked_on=asked.booked_on, reason="Fel", by=cast.ester()
        )
        covered = Transfer.objects.get(credit=operations.account(books.brunnar))
        for gift in (asked, reversal, covered, cast.gift(None, 50)):
            with refused("not for this gift"):
                self.answer(gift, gift.amount_ore)

    def test_a_reversal_does_not_come_before_the_answer(self, asked: Transfer) -> None:
        """Between the two days, the gift would else be worth less than nothing."""
        self.answer(asked, 50)
        sides = asked.credit_id, asked.debit_id

        def reverse(day: datetime.date) -> None:
            fields: dict[str, Any] = {
                "reverses_id": asked.pk,
                "payment_id": asked.payment_id,
                "covered_ore": 50,
            }
            operations.post([Entry(Kind.GIFT, *sides, 50, day, **fields)], by=cast.ester())

        with refused("mirrors"):
            reverse(asked.booked_on)
        reverse(asked.booked_on + DAY)


def test_a_left_surplus_is_above_zero(books: Books) -> None:
    left = operations.leave_surplus(books.brunnar, reason="Kvar", by=cast.ester())
    assert left.amount_ore == SURPLUS
    assert Account.objects.filter(kind="fund").count() == 3
