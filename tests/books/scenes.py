"""Situations that draws alone seldom come to: each is built, and then tried at its edge."""

from hypothesis import strategies as st

from donations import operations
from donations.models import Fund, FundYear, Proposal, Transfer
from donations.operations import GiftIn, LineIn
from tests.books.begun import DAY
from tests.books.by_hand import ByHand
from tests.books.forecasts import Kind, why
from tests.books.reallocations import Reallocations
from tests.books.steps import PICK, happens
from tests.books.turn_of_the_year import TurnOfTheYear

LIMITS = ["surplus", "need", "movable", "cash", "covered"]
BESIDE = [-1, 0, 1]
WAYS = ["proposal", "proposal", "by hand", "carry-over"]


class Scenes(Reallocations, TurnOfTheYear, ByHand):
    """One limit at a time is in the way, to the öre."""

    # What is built

    def source(self, pick: int, ore: int) -> FundYear:
        """A fund year with a surplus in an open year; without one, this year's is given what it takes."""
        found, with_surplus = self.figures(), []
        for year in self.years.values():
            if year.pk in found and found[year.pk].surplus and year.year_id not in self.shut:
                with_surplus.append(year)
        if pick % 3 and with_surplus:
            return with_surplus[pick // 3 % len(with_surplus)]
        fund = self.funds[pick // 3 % len(self.funds)]
        year = self.year_of(fund, self.today)
        self.give([GiftIn(fund, ore, self.today, Fund.Channel.SWISH)])
        if not fund.focus_area_id:
            available = self.figures()[year.pk].available
            self.decide_need(year, max(0, available - ore), self.today)
        return year

    def receiver(self, of: FundYear, pick: int, ore: int) -> FundYear:
        """Another fund of the same area and year, that needs this much more than is on its way to it."""
        similar = [
            fund
            for fund in self.funds
            if fund != of.fund and not fund.focus_area_id and fund.area_now.pk == of.focus_area_id
        ]
        year = self.year_of(similar[pick % len(similar)], of.year.starts_on)
        self.decide_need(year, max(0, self.needed(year) + ore), self.today)
        return year

    def needed(self, year: FundYear) -> int:
        """The need that leaves nothing more to be sent to the fund year."""
        return self.figures()[year.pk].available + self.pending()[year.pk].into

    def at(self, limit: str, source: FundYear, receiver: FundYear) -> int:
        """The amount that stands exactly at a limit; `need` is what the receiver needs."""
        its, waits = self.figures()[source.pk], self.pending()
        if limit == "need":
            return waits[receiver.pk].offered or 0
        if limit == "movable":
            return waits[source.pk].movable
        return {"surplus": its.surplus or 0, "cash": its.cash, "covered": its.covered}[limit]

    def ask(self, way: str, source: FundYear, receiver: FundYear, ore: int) -> None:
        """Take an amount from a fund year, to the receiver or to the fund's next year."""
        if way == "carry-over" and source.year.ends_on < self.today:
            on = max(self.newest_row(source), source.year.ends_on + DAY, self.first_open)
            self.carry_over(source, ore, on)
        elif way == "by hand":
            self.move_by_hand(source, receiver, ore)
        elif drafted := self.draft([LineIn(source, receiver, ore)]):
            self.submit(drafted, self.ester)

    # What is tried

    @happens(
        6,
        pick=PICK,
        to=PICK,
        limit=st.sampled_from(LIMITS),
        near=st.sampled_from(BESIDE),
        way=st.sampled_from(WAYS),
    )
    def a_limit_is_tried(self, pick: int, to: int, limit: str, near: int, way: str) -> None:
        """With room for it at the receiver, or with just the need as the limit."""
        source = self.source(pick, 40)
        receiver = self.receiver(source, to, 20 if limit == "need" else 5000)
        self.ask(way, source, receiver, self.at(limit, source, receiver) + near)
        self.done[f"at {limit}"] += 1
        self.done[f"{near:+} öre"] += 1

    @happens(4, pick=PICK, to=PICK, near=st.sampled_from(BESIDE), way=st.sampled_from(WAYS))
    def what_waits_is_asked_for_again(self, pick: int, to: int, near: int, way: str) -> None:
        """A proposal waits for all that may be moved; then somebody wants an öre of it in another way."""
        source = self.source(pick, 40)
        receiver = self.receiver(source, to, 5000)
        if ore := self.pending()[source.pk].movable:
            self.ask("proposal", source, receiver, ore)
        its, held = self.figures()[source.pk], self.pending()[source.pk].out
        left = {"by hand": its.available - (its.need or 0)}.get(way, its.movable) - held
        self.ask(way, source, receiver, max(1, left + near))
        self.done["asked for again"] += 1

    @happens(5, pick=PICK, to=PICK, near=st.sampled_from(BESIDE), at_source=st.booleans())
    def something_comes_between_a_proposal_and_its_approval(
        self, pick: int, to: int, near: int, at_source: bool
    ) -> None:
        """The receiver needs about what is to come; or of the source's cash, about that is left."""
        proposal = self.waiting().order_by("submitted_at", "pk").first()
        if pick % 2 or proposal is None:
            source = self.source(pick, 40)
            receiver = self.receiver(source, to, 5000)
            self.ask("proposal", source, receiver, max(1, self.pending()[source.pk].movable))
            proposal = Proposal.objects.latest("pk")
        line = proposal.lines.all()[0]
        _, into = self.held_before(proposal)
        source, receiver = self.by_id(line.source_id), self.by_id(line.receiver_id)
        if at_source:
            ore = self.figures()[source.pk].cash - line.amount_ore - near
            if ore > 0:
                self.pay_out(source, ore, self.today)
        elif not receiver.fund.focus_area_id:
            ore = self.figures()[receiver.pk].available + into[receiver.pk] + line.amount_ore + near
            self.decide_need(receiver, max(0, ore), self.today)
        self.approve(proposal, "whole", self.today)
        self.done["came between"] += 1

    @happens(4, pick=PICK, to=PICK, near=st.sampled_from(BESIDE), way=st.sampled_from(WAYS))
    def what_has_been_moved_in_is_asked_for(self, pick: int, to: int, near: int, way: str) -> None:
        """All of the surplus in a fund year but what its own covered gifts have given was moved in."""
        found = self.figures()
        into = [y for y in self.years.values() if y.pk in found and found[y.pk].moved_in > 1]
        into = [y for y in into if y.year_id not in self.shut]
        if not into:
            source = self.source(pick, 40)
            into = [self.receiver(source, to, 20)]
            self.ask("proposal", source, into[0], 10)
            proposal = Proposal.objects.latest("pk")
            if proposal.is_pending:
                self.approve(proposal, "whole", self.today)
        year = into[pick % len(into)]
        if not year.fund.focus_area_id:
            self.decide_need(year, 0, self.today)
        receiver = self.receiver(year, to, 5000)
        self.ask(way, year, receiver, max(1, self.figures()[year.pk].covered + near))
        self.done["moved in"] += 1

    @happens(4, pick=PICK, to=PICK, near=st.sampled_from(BESIDE))
    def what_was_moved_goes_back_once_its_year_is_closed(
        self, pick: int, to: int, near: int
    ) -> None:
        """As much as the operation finds; and where there is room for all of it, about what is left of it."""
        moved = self.moved_in_a_closed_year(pick, to)
        if moved is None:
            return
        source, receiver = (
            self.year_of(self.by_id(side.fund_year_id or 0).fund, self.today)
            for side in (moved.credit, moved.debit)
        )
        left = self.not_moved_back(moved)
        if (
            is_room := not (source.fund.focus_area_id or receiver.fund.focus_area_id)
            and pick % 3 > 0
        ):
            self.give([GiftIn(source.fund, left + 5, self.today, Fund.Channel.SWISH)])
            self.decide_need(source, 0, self.today)
            self.decide_need(receiver, self.needed(receiver) + left + 5, self.today)
        waits = self.pending()
        offered = waits[receiver.pk].offered
        most = min(waits[source.pk].movable, offered or 0, left)
        broken = why(
            closed=source.year_id in self.shut,
            area=source.focus_area_id != receiver.focus_area_id,
            unknown_need=offered is None,
            nothing=most <= 0,
        )
        with self.step("draft back", broken):
            line = operations.draft_back(moved, by=self.ester).lines.get()
            found = (line.source_id, line.receiver_id, line.amount_ore, line.corrects_id)
            expected = (source.pk, receiver.pk, most, moved.pk)
            assert broken or found == expected, f"RULE back: {found}, not {expected}"
        if not is_room:
            return
        line_in = LineIn(source, receiver, max(1, left + near), corrects=moved)
        if drafted := self.draft([line_in], left):
            self.submit(drafted, self.ester)
            if pick % 2:  # else it waits
                self.approve(Proposal.objects.get(pk=drafted.pk), "left", self.today)
        self.done["moved back"] += 1

    def moved_in_a_closed_year(self, pick: int, to: int) -> Transfer | None:
        """A reallocation of a year that is closed, or is closed now; one is made where there is none."""
        moved = Transfer.objects.filter(kind=Kind.REALLOCATION, reverses=None, reversal=None)
        past = moved.filter(debit__fund_year__year__ends_on__lt=self.today).order_by("pk")
        past = past.select_related("debit__fund_year", "credit__fund_year")
        if not past.exists():
            found = self.figures()
            for year in [*self.years.values()]:
                is_past = year.year.ends_on < self.today and year.year_id not in self.shut
                if is_past and found[year.pk].surplus:
                    self.ask("proposal", year, self.receiver(year, to, 20), 10)
                    self.approve(Proposal.objects.latest("pk"), "left", self.today)
                    break
        one = self.one_of(past, pick)
        for _year in range(3):
            if one and one.debit.fund_year.year_id not in self.shut:
                self.a_year_is_closed(1, settle=True)
        return one if one and one.debit.fund_year.year_id in self.shut else None

    def not_moved_back(self, moved: Transfer) -> int:
        """What of a reallocation neither has been moved back nor waits to be."""
        back = Transfer.objects.filter(corrects=moved, kind=Kind.REALLOCATION)
        gone = sum(row.amount_ore for row in back.filter(reverses=None, reversal=None))
        return (
            moved.amount_ore
            - gone
            - sum(line.amount_ore for line in self.waiting_lines().filter(corrects=moved))
        )

    @happens(
        4,
        pick=PICK,
        back=st.integers(1, 3),
        after=st.sampled_from([-1, -1, 0, 1]),
        way=st.integers(0, 8),
    )
    def a_lock_is_pushed_against(self, pick: int, back: int, after: int, way: int) -> None:
        """Something is booked beside the first open day, in each of the ways there are."""
        self.lock(max(self.today - back * DAY, self.first_open))
        day = self.first_open + after * DAY
        if day > self.today:
            day = self.today
        fund = self.funds[pick % len(self.funds)]
        year = self.year_of(fund, day)
        live = Transfer.objects.filter(kind=Kind.GIFT, reverses=None, reversal=None)
        gift = self.one_of(live.filter(booked_on__lte=day).order_by("-pk"), pick)
        waits = self.one_of(live.filter(credit=self.suspense, booked_on__lte=day), pick)
        if way == 0 or gift is None:
            self.give([GiftIn(fund, 3, day, Fund.Channel.SWISH)])
        elif way == 1:
            self.pay_out(year, 1, day)
        elif way == 2:
            self.decide_need(year, 0, day)
        elif way == 3:
            self.pay_back(gift, 1, day)
        elif way == 4:
            self.reverse(gift, day)
        elif way == 5:
            self.open_with(year, 2, day)
        elif way == 6 and waits:
            self.place(waits, fund, 1, day)
        elif way == 7 and (proposal := self.one_of(self.waiting(), pick)):
            self.approve(proposal, "whole", day)
        else:
            self.book_by_hand(day)
        self.done[f"lock {after:+}"] += 1
