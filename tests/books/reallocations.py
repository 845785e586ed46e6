"""What happens to surplus within a year: it is proposed, and another person decides."""

import datetime
from typing import Any

from hypothesis import strategies as st

from donations import operations
from donations.models import Proposal, ProposalLine
from donations.operations import LineIn
from tests.books.forecasts import Kind, why
from tests.books.gifts import Gifts
from tests.books.steps import NEAR, PICK, happens

# The limits of what may leave a fund year, and what its neighbour needs: amounts lie beside them.
LIMIT = st.sampled_from(
    ["surplus", "cash", "covered", "movable", "movable", "free", "free", "offered"]
)


class Reallocations(Gifts):
    """Proposals, from the draft to the decision."""

    @happens(
        10,
        pick=PICK,
        parts=st.lists(st.tuples(PICK, NEAR, LIMIT), min_size=1, max_size=2),
        submitted=st.sampled_from([True, True, True, False]),
    )
    def surplus_is_proposed(
        self, pick: int, parts: list[tuple[int, int, str]], submitted: bool
    ) -> None:
        source = self.rich(pick, self.figures())
        if pick % 5 == 2 and (line := self.one_of(self.waiting_lines(), pick)):
            # All that may leave, as if nothing waited.
            source = self.by_id(line.source_id)
            parts = [(to, near, "free") for to, near, _ in parts[:1]]
        if pick % 13 == 0:  # one with an unknown need
            source = self.year_of(self.funds[3], source.year.starts_on)
        found, waits, lines = self.figures(), self.pending(), []
        for place, (to, near, limit) in enumerate(parts):
            receiver = self.neighbour(source, to)
            wanting = [
                year
                for year in self.years.values()
                if year.year_id == source.year_id
                and year.focus_area_id == source.focus_area_id
                and year != source
                and year.pk in waits
                and waits[year.pk].offered
            ]
            wanting.sort(key=lambda year: -(waits[year.pk].offered or 0))
            if wanting and to % 9 > 1:
                which = to if limit == "offered" else place
                receiver = wanting[which % len(wanting)]
            its, offered = found[source.pk], 0
            if receiver.pk in waits:
                offered = waits[receiver.pk].offered or 0
            most = {"surplus": its.surplus, "cash": its.cash, "covered": its.covered}
            # What is free may leave if nothing waits.
            most |= {"free": its.movable, "movable": waits[source.pk].movable, "offered": offered}
            ore = (most[limit] if its.need is not None else its.cash) or 0
            ore = ore // len(parts) + near
            lines.append(LineIn(source, receiver, ore if pick % 7 == 0 else max(1, ore)))
        if (drafted := self.draft(lines)) and submitted:
            self.submit(drafted, self.ester)

    def draft(self, lines: list[LineIn], back: int | None = None) -> Proposal | None:
        """Of what they move back, no more than `back` may be; without it they move nothing back."""
        source = lines[0].source
        broken = why(
            amount=any(line.amount_ore <= 0 for line in lines),
            to_itself=any(line.receiver == source for line in lines),
            area=any(line.receiver.focus_area_id != source.focus_area_id for line in lines),
            year=any(line.receiver.year_id != source.year_id for line in lines),
            twice=len({line.receiver.pk for line in lines}) < len(lines),
            moved_back=back is not None and any(line.amount_ore > back for line in lines),
        )
        made: list[Proposal] = []
        with self.step("draft", broken):
            made.append(operations.draft(lines, reason="Vänder sig till samma", by=self.ester))
        return made[0] if made else None

    def submit(self, proposal: Proposal, by: Any) -> None:
        lines = list(proposal.lines.all())
        broken = why(
            draft=proposal.submitted_at is not None,
            closed=proposal.year_id in self.shut,
            reason=not proposal.reason,
        )
        out, into = self.held_before(proposal)
        amounts = {line.pk: line.amount_ore for line in lines}
        broken += self.moving(self.figures(), lines, amounts, out, into)
        with self.step("submit", broken):
            operations.submit(proposal, by=by)

    @happens(2, pick=PICK, other=st.booleans())
    def a_draft_is_submitted(self, pick: int, other: bool) -> None:
        if proposal := self.proposal(pick, submitted_at=None):
            self.submit(proposal, self.kajsa if other else self.ester)

    @happens(
        6,
        pick=PICK,
        own=st.integers(0, 6),
        how=st.sampled_from(["whole", "whole", "left", "left", "less", "more"]),
        day=PICK,
    )
    def a_proposal_is_approved(self, pick: int, own: int, how: str, day: int) -> None:
        if proposal := self.proposal(pick, decision="", submitted_at__isnull=False):
            newest = [self.newest_row(line.source) for line in proposal.lines.all()]
            self.approve(
                proposal, how, self.today if day % 4 else self.day(day, *newest), own=own == 0
            )

    def approve(
        self, proposal: Proposal, how: str, on: datetime.date, *, own: bool = False
    ) -> None:
        lines = list(proposal.lines.all())
        by = proposal.by if own else {self.ester: self.kajsa}.get(proposal.by, self.ester)
        found, amounts = self.figures(), {line.pk: line.amount_ore for line in lines}
        out, into = self.held_before(proposal)
        if how == "left":
            amounts = operations.approvable(proposal)
        if how in ("less", "more"):
            amounts[lines[-1].pk] += 1 if how == "more" else -min(2, lines[-1].amount_ore)
        newest = {line.source_id: self.newest_row(line.source) for line in lines}
        broken = self.day_rules(on) + why(
            decided=not proposal.is_pending,
            two_people=by == proposal.by,
            closed=proposal.year_id in self.shut,
            nothing=not any(amounts.values()),
            proposed=any(not 0 <= amounts[line.pk] <= line.amount_ore for line in lines),
            newest_row=any(amounts[li.pk] and on < newest[li.source_id] for li in lines),
        )
        broken += self.moving(found, lines, amounts, out, into)
        rows = [
            (
                *(Kind.REALLOCATION.value, self.account(self.by_id(li.source_id)).pk),
                *(self.account(self.by_id(li.receiver_id)).pk, amounts[li.pk], on, None),
            )
            for li in lines
            if amounts[li.pk]
        ]
        with self.step("approval", broken, *rows):
            operations.approve(proposal, by=by, amounts=amounts, booked_on=on)
        if broken:
            return
        after = self.figures()
        for line in ProposalLine.objects.filter(proposal=proposal):
            was = found[line.source_id]
            kept = (line.approved_ore, line.need_ore, line.surplus_ore)
            assert kept == (amounts[line.pk], was.need, was.surplus), f"RULE copied: {kept}"
            if line.approved_ore:
                self.stands(after[line.source_id], out[line.source_id], covered=True)
                to = after[line.receiver_id]
                is_below = to.need is not None and to.available + into[line.receiver_id] <= to.need
                assert is_below, f"RULE receiver: {to} has more than it needs"

    @happens(3, pick=PICK, own=st.booleans(), no=st.booleans())
    def a_proposal_is_turned_down(self, pick: int, own: bool, no: bool) -> None:
        proposal = self.proposal(pick, decision="", submitted_at__isnull=False)
        if proposal is None:
            return
        by = proposal.by if own else {self.ester: self.kajsa}.get(proposal.by, self.ester)
        broken = why(decided=not proposal.is_pending, two_people=(by == proposal.by) == no)
        with self.step("rejection" if no else "withdrawal", broken):
            if no:
                operations.reject(proposal, reason="Inte nu", by=by)
            else:
                operations.withdraw(proposal, by=by)

    @happens(1, pick=PICK)
    def a_draft_is_thrown_away(self, pick: int) -> None:
        if proposal := self.proposal(pick, submitted_at=None):
            with self.step("draft thrown away", why(draft=proposal.submitted_at is not None)):
                operations.delete_draft(proposal, by=self.ester)
