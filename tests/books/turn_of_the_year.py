"""What happens at the turn of the year: surplus goes on or is left, days are locked, years closed."""

import datetime

from hypothesis import strategies as st

from donations import operations
from donations.models import CollectionYear, FundYear, LeftSurplus
from tests.books.begun import DAY, FIRST_DAY, Row
from tests.books.forecasts import Kind, why
from tests.books.steps import NEAR, PICK, Steps, happens


class TurnOfTheYear(Steps):
    """Carry-overs, surplus that is left, locks and closed years."""

    @happens(
        6,
        pick=PICK,
        near=NEAR,
        limit=st.sampled_from(["surplus", "cash", "free", "movable", "movable", "half"]),
        day=PICK,
    )
    def surplus_is_carried_over(self, pick: int, near: int, limit: str, day: int) -> None:
        found, first = self.figures(), self.today.replace(month=1, day=1)
        old = [y for (_, begins), y in self.years.items() if begins < first and y.pk in found]
        rich = [y for y in old if found[y.pk].surplus and y.year_id not in self.shut]
        year = self.one_of(rich if rich and pick % 4 != 1 else old, pick // 4)
        if pick % 9 == 1:
            year = self.year_of(year.fund, self.today)
        its, held = self.figures()[year.pk], self.pending()[year.pk].out
        most = max(0, min(its.surplus or 0, its.cash) - held)
        of = {
            "free": min(its.surplus or 0, its.cash),
            "surplus": its.surplus or 0,
            "cash": its.cash,
            "movable": most,
            "half": most // 2,
        }
        ore, next_day, newest = of[limit] + near, year.year.ends_on + DAY, self.newest_row(year)
        on = self.today if day % 3 else self.day(day, next_day, max(newest, FIRST_DAY))
        self.carry_over(year, ore, on)

    def carry_over(self, year: FundYear, ore: int, on: datetime.date) -> None:
        its, held = self.figures()[year.pk], self.pending()[year.pk].out
        next_day, newest = year.year.ends_on + DAY, self.newest_row(year)
        broken = self.day_rules(on) + why(
            amount=ore <= 0,
            too_early=on < next_day,
            closed=year.year_id in self.shut,
            newest_row=on < newest,
        )
        broken += self.leaving(its, ore, held, covered=False) if ore > 0 else []
        rows: list[Row] = []
        if not broken:
            to = self.account(self.year_of(year.fund, next_day)).pk
            rows = [(Kind.CARRY_OVER.value, self.account(year).pk, to, ore, on, None)]
        covered = max(0, min(ore, its.covered - held))
        with self.step("carry-over", broken, *rows):
            made = operations.carry_over(year, ore, booked_on=on, reason="Nytt år", by=self.ester)
            assert broken or made.covered_ore == covered, f"RULE covered: {made.covered_ore}"
        if not broken:
            self.stands(self.figures()[year.pk], held, covered=covered > 0)

    @happens(2, pick=PICK)
    def surplus_is_left(self, pick: int) -> None:
        found = self.figures()
        year = self.rich(pick, found)
        surplus = self.figures()[year.pk].surplus
        broken = why(surplus=not surplus, closed=year.year_id in self.shut)
        with self.step("leaving", broken):
            operations.leave_surplus(year, reason="Betalas ut i mars", by=self.ester)
            left = LeftSurplus.objects.latest("pk").amount_ore
            assert left == surplus, f"RULE left: {left}"

    @happens(2, back=st.sampled_from([0, 1, 2, 20, 60]))
    def a_period_is_locked(self, back: int) -> None:
        self.lock(self.today - back * DAY)

    def lock(self, through: datetime.date) -> None:
        broken = why(future=through >= self.today, locked=through < self.first_open)
        with self.step("period lock", broken):
            operations.lock_period(through, by=self.ester)
        if not broken:
            self.seal(through)

    @happens(3, pick=PICK, settle=st.booleans())
    def a_year_is_closed(self, pick: int, settle: bool) -> None:
        """Most often after what keeps it open has been seen to."""
        years = list(CollectionYear.objects.filter(starts_on__lte=self.today))
        past = [y for y in years if y.ends_on < self.today and y.pk not in self.shut]
        year = past[0] if past and pick % 4 else years[pick % len(years)]
        mine = [y for y in self.years.values() if y.year_id == year.pk]
        waiting = self.waiting().filter(year=year)
        if settle and year.pk not in self.shut and year.ends_on < self.today:
            for proposal in waiting:
                operations.withdraw(proposal, by=proposal.by)
            found = self.figures()
            for fund_year in mine:
                if found[fund_year.pk].surplus:
                    operations.leave_surplus(fund_year, reason="Kvar", by=self.ester)
            self.forget()
        figures, left = self.figures(), {}
        for row in LeftSurplus.objects.order_by("pk"):
            left[row.fund_year_id] = row.amount_ore
        surpluses = {y.pk: figures[y.pk].surplus for y in mine if figures[y.pk].surplus}
        earlier = {y.year_id for y in self.years.values() if y.year.ends_on < year.starts_on}
        broken = why(
            closed=year.pk in self.shut,
            over=year.ends_on >= self.today,
            undecided=any(left.get(pk) != surplus for pk, surplus in surpluses.items()),
            earlier=bool(earlier - self.shut),
            waiting=waiting.all().exists(),
        )
        with self.step("closing", broken):
            operations.close_year(year, by=self.ester)
        if not broken:
            self.shut.add(year.pk)
            self.seal(year.ends_on)
            self.settled |= {y.pk: figures[y.pk].need for y in mine}
