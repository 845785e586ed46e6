"""What is known before a step: the figures, who holds what, and which rules a step would break."""

import datetime
from collections import Counter
from typing import Any, ClassVar

import time_machine
from django.db.models import QuerySet

from donations import operations
from donations.models import (
    Account,
    DonorAnswer,
    Fund,
    FundYear,
    Proposal,
    ProposalLine,
    Transfer,
)
from tests.books.begun import DAY, FIRST_DAY, THIS_YEAR, TODAY, Begun, noon
from tests.plain_figures import PlainFigures, PlainPending, plain_figures

Kind = Transfer.Kind


def why(**rules: bool) -> list[str]:
    """The rules that a step breaks, by their names."""
    return [name.replace("_", " ") for name, is_broken in rules.items() if is_broken]


class Forecasts:
    """The books as they stand, read in plain SQL, and what may be done with them."""

    begun: ClassVar[Begun]

    def __init__(self) -> None:
        super().__init__()
        its = self.begun
        self.ester, self.kajsa, self.bank = its.ester, its.kajsa, its.bank
        self.suspense, self.partners, self.start = its.suspense, its.partners, its.start
        self.funds, self.closed, self.covered_from = its.funds, its.closed, its.covered_from
        self.years, self.accounts = dict(its.years), dict(its.accounts)
        self.kept, self.last_row = list(its.kept), its.last_row
        self.today = TODAY
        self.now = time_machine.travel(noon(self.today), tick=False)
        self.clock = self.now.start()
        self.first_open = datetime.date.min
        self.shut: set[int] = set()  # closed years
        self.known: dict[datetime.date, dict[int, PlainFigures]] = {}
        self.waits: dict[int, PlainPending] = {}

    def figures_on(self, day: datetime.date) -> dict[int, PlainFigures]:
        """Every fund year's figures at the end of the day: read again when something has been written."""
        if day not in self.known:
            self.known[day] = plain_figures(day)
        return self.known[day]

    def figures(self) -> dict[int, PlainFigures]:
        return self.figures_on(self.today)

    def pending(self) -> dict[int, PlainPending]:
        """What waits from and to every fund year, and what that leaves today."""
        if not self.waits:
            out: Counter[int] = Counter()
            into: Counter[int] = Counter()
            for source, receiver, ore in self.waiting_lines().values_list(
                "source", "receiver", "amount_ore"
            ):
                out[source] += ore
                into[receiver] += ore
            for pk, its in self.figures().items():
                offered = None if its.remaining is None else max(0, its.remaining - into[pk])
                left = max(0, its.movable - out[pk])
                self.waits[pk] = PlainPending(out[pk], into[pk], left, offered)
        return self.waits

    def forget(self) -> None:
        """Something may have been written."""
        self.known, self.waits = {}, {}

    def year_of(self, fund: Fund, day: datetime.date) -> FundYear:
        """The fund's calendar year that holds the day."""
        first = day.replace(month=1, day=1)
        if (fund.pk, first) not in self.years:
            self.years[fund.pk, first] = operations.fund_year(fund, day, self.ester)
            self.forget()
        return self.years[fund.pk, first]

    def account(self, fund_year: FundYear) -> Account:
        if fund_year.pk not in self.accounts:
            self.accounts[fund_year.pk] = operations.account(fund_year)
        return self.accounts[fund_year.pk]

    def newest_row(self, fund_year: FundYear) -> datetime.date:
        """The newest day in a fund year's books: of a row, or of an answer about one."""
        account = self.account(fund_year)
        rows = Transfer.objects.filter(debit=account) | Transfer.objects.filter(credit=account)
        days = [*rows.values_list("booked_on", flat=True)]
        days += DonorAnswer.objects.filter(transfer__credit=account).values_list(
            "booked_on", flat=True
        )
        return max(days, default=datetime.date.min)

    def held_before(self, proposal: Proposal) -> tuple[Counter[int], Counter[int]]:
        """What the proposals that wait, those before this one or before this draft, take and send."""
        out: Counter[int] = Counter()
        into: Counter[int] = Counter()
        for other in self.waiting().prefetch_related("lines"):
            mine = (proposal.submitted_at, proposal.pk)
            if not proposal.submitted_at or (other.submitted_at, other.pk) < mine:
                for line in other.lines.all():
                    out[line.source_id] += line.amount_ore
                    into[line.receiver_id] += line.amount_ore
        return out, into

    @staticmethod
    def one_of(things: Any, pick: int) -> Any:
        return things[pick % len(things)] if things else None

    def day(self, pick: int, *more: datetime.date) -> datetime.date:
        """Most often today; else tomorrow, on the edge of what is locked, or on a day that means something."""
        known = [day for day in more if day > datetime.date.min]
        edges = [self.today + DAY, self.today - pick % 400 * DAY, *known, *(d - DAY for d in known)]
        if self.first_open > datetime.date.min:
            edges += [self.first_open - DAY, self.first_open] * 2
        return self.today if pick % 2 else edges[pick // 2 % len(edges)]

    @staticmethod
    def waiting() -> QuerySet[Proposal]:
        return Proposal.objects.filter(submitted_at__isnull=False, decision="").order_by("pk")

    @staticmethod
    def waiting_lines() -> QuerySet[ProposalLine]:
        lines = ProposalLine.objects.filter(
            proposal__submitted_at__isnull=False, proposal__decision=""
        )
        return lines.order_by("pk")

    def by_id(self, pk: int) -> FundYear:
        return next(year for year in self.years.values() if year.pk == pk)

    def fund_year(self, pick: int) -> FundYear:
        """A side of a proposal that waits, or any fund's year: this one, or the one before."""
        if pick % 3 == 0 and (line := self.one_of(self.waiting_lines(), pick // 3)):
            return self.by_id(line.source_id if pick % 2 else line.receiver_id)
        first = self.today.replace(month=1, day=1)
        day = first if pick // 7 % 2 else max(FIRST_DAY, first - DAY)
        return self.year_of(self.funds[pick % len(self.funds)], day)

    def rich(self, pick: int, found: dict[int, PlainFigures]) -> FundYear:
        """Most often one with a surplus in an open year."""
        rich = [
            year
            for year in self.years.values()
            if year.pk in found and found[year.pk].surplus and year.year_id not in self.shut
        ]
        return self.fund_year(pick // 5) if pick % 5 == 1 or not rich else rich[pick % len(rich)]

    def neighbour(self, of: FundYear, pick: int) -> FundYear:
        """Most often of the same area and year; else only one of them differs."""
        similar = [fund for fund in self.funds if fund.area_now.pk == of.focus_area_id]
        day = of.year.starts_on
        if pick % 9 == 0:
            day = THIS_YEAR if day < THIS_YEAR else day - DAY
        if pick % 9 == 1:
            similar = [fund for fund in self.funds if fund not in similar]
        return self.year_of(similar[pick // 9 % len(similar)], day)

    def leaving(
        self, its: PlainFigures, ore: int, held: int, *, covered: bool = True, held_of: str = "all"
    ) -> list[str]:
        """The rules that are broken when this much goes on from a fund year with these figures.

        What waits is held of all that may leave, or of what the need leaves alone. The limits that
        hold only because of it are named after "held".
        """
        if its.need is None:
            return ["unknown need"]
        limits = {"need": its.available - its.need, "cash": its.cash, "covered": its.covered}
        if not covered:
            del limits["covered"]
        broken = [name for name, most in limits.items() if ore > max(0, most)]
        if not broken and held_of == "need":
            limits = {"need": limits["need"]}
        too_much = [name for name, most in limits.items() if ore > max(0, most - held)]
        return broken or why(held=bool(too_much)) + too_much

    def moving(
        self,
        found: dict[int, PlainFigures],
        lines: list[ProposalLine],
        amounts: dict[int, int],
        out: Counter[int],
        into: Counter[int],
    ) -> list[str]:
        """The rules that are broken when the lines move these amounts, with this much held before them."""
        broken = []
        for pk in {line.source_id for line in lines}:
            if leaves := sum(amounts[line.pk] for line in lines if line.source_id == pk):
                broken += self.leaving(found[pk], leaves, out[pk])
        for pk in {line.receiver_id for line in lines}:
            comes = sum(amounts[line.pk] for line in lines if line.receiver_id == pk)
            needed = max(0, (found[pk].remaining or 0) - into[pk])
            broken += why(receiver=comes > needed)
        return sorted(set(broken))

    def gone(self, gift: Transfer) -> tuple[int, int]:
        """What has been paid back of a gift, and placed."""
        live = Transfer.objects.filter(reverses=None, reversal=None)
        back = sum(t.amount_ore for t in live.filter(kind=Kind.REFUND, corrects=gift))
        placed = live.filter(kind=Kind.PLACEMENT, payment=gift.payment_id)
        return back, sum(t.amount_ore for t in placed) if gift.kind == Kind.GIFT else 0

    def day_rules(self, day: datetime.date) -> list[str]:
        return why(future=day > self.today, locked=day < self.first_open)

    def proposal(self, pick: int, **fields: Any) -> Proposal | None:
        """One of these; now and then any."""
        wanted = Proposal.objects.filter(**({} if pick % 7 == 0 else fields))
        return self.one_of(wanted.order_by("-pk"), pick)

    @staticmethod
    def stands(its: PlainFigures, held: int, *, covered: bool) -> None:
        """What a reallocation or a carry-over must leave behind."""
        assert its.need is not None, f"RULE unknown need: {its}"
        assert its.available >= its.need, f"RULE need: {its}"
        assert its.available >= its.need + held, f"RULE held: {held} of {its}"
        assert its.cash >= 0, f"RULE cash: {its}"
        assert not covered or its.covered >= 0, f"RULE covered: {its}"
