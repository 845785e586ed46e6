"""What was collected day by day, and what stood on the account, from the daily totals alone."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Max, Sum

from donations.models import DailyTotal, FundYear, Transfer

_COLLECTED = {
    Transfer.Kind.OPENING,
    Transfer.Kind.GIFT,
    Transfer.Kind.PLACEMENT,
    Transfer.Kind.REFUND,
}


@dataclass(frozen=True)
class Total:
    """What an account has taken in and given out of one kind on one day, in öre, and when that last changed."""

    day: datetime.date
    kind: str
    in_ore: int
    out_ore: int
    changed_at: datetime.datetime


@dataclass(frozen=True)
class Stand:
    """What an account has taken in and given out in all by the end of a day: the same while nothing is booked."""

    in_ore: int = 0
    out_ore: int = 0
    changed_at: datetime.datetime | None = None

    @property
    def ore(self) -> int:
        return self.in_ore - self.out_ore


@dataclass(frozen=True)
class Days:
    """The daily totals of a fund year, oldest first."""

    totals: list[Total]

    def stand(self, through: datetime.date) -> Stand:
        """What stands on the account at the end of a day."""
        there = [one for one in self.totals if one.day <= through]
        return Stand(
            sum(one.in_ore for one in there),
            sum(one.out_ore for one in there),
            max((one.changed_at for one in there), default=None),
        )

    def collected(self) -> list[tuple[datetime.date, int]]:
        """Each day on which something was collected or paid back, with what was collected by its end, in öre."""
        sums: dict[datetime.date, int] = {}
        ore = 0
        for one in self.totals:
            if one.kind in _COLLECTED:
                ore += one.in_ore - one.out_ore
                sums[one.day] = ore
        return list(sums.items())


def days(fund_years: Iterable[FundYear]) -> Mapping[int, Days]:
    """The daily totals of each fund year, by its id, in one query."""
    found: dict[int, list[Total]] = {fund_year.pk: [] for fund_year in fund_years}
    totals = (
        DailyTotal.objects.filter(account__fund_year__in=found)
        .values_list("account__fund_year", "booked_on", "kind")
        .annotate(Sum("in_ore"), Sum("out_ore"), Max("changed_at"))
        .order_by("booked_on")
    )
    for pk, day, kind, into, out, changed_at in totals:
        found[pk].append(Total(day, kind, int(into), int(out), changed_at))
    return {pk: Days(its) for pk, its in found.items()}
