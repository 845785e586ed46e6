"""What is written past the operations: the database's guards stand on their own."""

import datetime
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from donations import operations
from donations.models import Account, FundYear, Need, Proposal, Transfer
from donations.operations import Entry
from tests import cast
from tests.books.begun import DAY, FIRST_DAY
from tests.books.forecasts import Kind, why
from tests.books.steps import NEAR, PICK, Steps, happens


class ByHand(Steps):
    """Rows that no operation writes. What is let through is taken back again."""

    def post(self, kind: Kind, debit: Account, credit: Account, ore: int, **fields: Any) -> None:
        entry = Entry(kind, debit.pk, credit.pk, ore, fields.pop("booked_on", self.today), **fields)
        operations.post([entry], by=self.ester)

    @happens(
        5, pick=PICK, to=PICK, near=NEAR, at=st.sampled_from(["need", "cash", "covered", "all"])
    )
    def surplus_is_moved_by_hand(self, pick: int, to: int, near: int, at: str) -> None:
        """With an approved line, and nothing else asked."""
        source = self.rich(pick, self.figures())
        receiver = self.neighbour(source, to)
        its, held = self.figures()[source.pk], self.pending()[source.pk].out
        most = {"need": its.available - held - (its.need or 0), "cash": its.cash}
        most["covered"] = its.covered
        ore = (min(most.values()) if at == "all" else most[at]) + near
        self.move_by_hand(source, receiver, ore)

    def move_by_hand(self, source: FundYear, receiver: FundYear, ore: int) -> None:
        if ore <= 0 or receiver == source:
            return
        its, held = self.figures()[source.pk], self.pending()[source.pk].out
        broken = self.leaving(its, ore, held, held_of="need") + why(
            area=receiver.focus_area_id != source.focus_area_id,
            year=receiver.year_id != source.year_id,
            closed=bool({source.year_id, receiver.year_id} & self.shut),
        )
        sides = self.account(source), self.account(receiver)
        with self.by_hand("reallocation", broken):
            line = cast.agreed(source, receiver, ore)
            self.post(Kind.REALLOCATION, *sides, ore, line_id=line)

    @happens(3, pick=PICK, near=NEAR, extra=st.sampled_from([None, 0, 0, 1]), at=st.booleans())
    def surplus_is_carried_over_by_hand(
        self, pick: int, near: int, extra: int | None, at: bool
    ) -> None:
        old = max(FIRST_DAY, self.today.replace(month=1, day=1) - DAY)
        fund = self.funds[pick % len(self.funds)]
        year = self.year_of(fund, old)
        its, held = self.figures()[year.pk], self.pending()[year.pk].out
        over = its.available - held - (its.need or 0)
        ore = (over if at else min(over, its.cash)) + near
        self.carry_over_by_hand(year, ore, extra)

    def carry_over_by_hand(self, year: FundYear, ore: int, extra: int | None) -> None:
        """With all that is covered and `extra` as its covered part; with None, nothing of it."""
        if ore <= 0:
            return
        its, held = self.figures()[year.pk], self.pending()[year.pk].out
        following = self.year_of(year.fund, year.year.ends_on + DAY)
        covered = 0 if extra is None else min(ore, max(0, its.covered + extra))
        broken = self.leaving(its, ore, held, covered=False, held_of="need") + why(
            covered=covered > max(0, its.covered), closed=year.year_id in self.shut
        )
        sides = self.account(year), self.account(following)
        with self.by_hand("carry-over", broken):
            self.post(Kind.CARRY_OVER, *sides, ore, covered_ore=covered)

    @happens(1, pick=PICK)
    def a_reversal_is_reversed_by_hand(self, pick: int) -> None:
        of = self.one_of(Transfer.objects.filter(reverses__isnull=False).order_by("-pk"), pick)
        if of is None:
            return
        with self.by_hand("reversal of a reversal", ["reversal"]):
            fields = {"covered_ore": of.covered_ore, "payment_id": of.payment_id}
            self.post(
                Kind(of.kind), of.credit, of.debit, of.amount_ore, reverses_id=of.pk, **fields
            )

    @happens(1, after=st.integers(0, 2))
    def something_is_booked_by_hand_on_the_edge_of_a_lock(self, after: int) -> None:
        if self.first_open == datetime.date.min:
            return
        day = self.first_open + (after - 1) * DAY
        # Today in the database is the real one: tomorrow in these books has long been.
        if after and day > self.today:
            return
        self.book_by_hand(day)

    def book_by_hand(self, day: datetime.date) -> None:
        with self.by_hand("booking on the edge of a lock", why(locked=day < self.first_open)):
            self.post(Kind.GIFT, self.bank, self.suspense, 1, booked_on=day)

    @happens(1, pick=PICK)
    def a_need_of_a_closed_year_is_changed_by_hand(self, pick: int) -> None:
        if year := self.one_of(sorted(self.settled), pick):
            with self.by_hand("need of a closed year", ["closed"]):
                Need.objects.create(
                    fund_year_id=year, amount_ore=0, decided_on=FIRST_DAY, by=self.ester
                )

    @happens(3, pick=PICK, own=st.booleans(), decision=st.sampled_from(["approved", "rejected"]))
    def a_proposal_is_decided_by_hand(self, pick: int, own: bool, decision: str) -> None:
        proposal = self.one_of(self.waiting(), pick)
        if proposal is None:
            return
        by = proposal.by if own else {self.ester: self.kajsa}.get(proposal.by, self.ester)
        with self.by_hand("decision", why(two_people=own)):
            Proposal.objects.filter(pk=proposal.pk).update(
                decision=decision, decided_by=by, decided_at=timezone.now()
            )
