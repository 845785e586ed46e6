"""The curve of what a fund has collected over its year, beside its need and the year before."""

import calendar
import datetime
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from donations.models import CollectionYear, Need
from donations.money import format_amount

# What is drawn on; it is stretched to the room there is. Every month is equally wide.
WIDTH, HEIGHT = 1000, 400
# At most so many steps between the lines across.
MOST_STEPS = 5
# From so many öre on the scale is told in larger units.
_UNITS = ((10**12, 10**8, "mnkr"), (10**8, 10**5, "tkr"), (0, 100, "kr"))
_DAY = datetime.timedelta(days=1)

# Days, oldest first, each with the öre at its end.
Series = Sequence[tuple[datetime.date, int]]


@dataclass(frozen=True)
class Month:
    """A row of the table: öre, or None for what is not known or has not been yet."""

    label: str
    in_month: int | None
    so_far: int | None
    need: int | None
    year_before: int | None


@dataclass(frozen=True)
class Curve:
    """The drawing, as paths and what is written beside it; and the table that says the same."""

    now: str
    end: str
    before: str
    need: str
    across: list[str]
    scale: list[str]
    unit: str
    # Each month's first letter and the rest of its short name.
    months: list[tuple[str, str]]
    rows: list[Month]
    so_far: int
    through: datetime.date
    # What the year before had collected on the same day; None when there was none.
    year_before: int | None


def at(series: Series, day: datetime.date) -> int:
    """The öre at the end of a day."""
    place = bisect_right(series, day, key=lambda point: point[0])
    return series[place - 1][1] if place else 0


def draw(
    year: CollectionYear,
    collected: Series,
    before: Series | None,
    needs: Iterable[Need],
    day: datetime.date,
) -> Curve | None:
    """The curve of the year as it stood at the end of `day`; None where there is nothing to draw.

    `before` is what the year before collected, where there was one; `needs` are the fund year's.
    """
    through = min(day, year.ends_on)
    collected = [point for point in collected if point[0] <= through]
    moved = None if before is None else _a_year_on(before, year)
    decided = _steps(year, needs, day)
    if through < year.starts_on or not (collected or moved):
        return None
    low, high, step = _scale(
        [ore for line in (collected, moved or [], decided) for _on, ore in line]
    )
    paper = _Paper(year, low, high)
    levels = range(high, low - 1, -step)
    _from, unit_ore, unit = next(one for one in _UNITS if max(high, -low) >= one[0])
    end = paper.point(through, at(collected, through))
    return Curve(
        now=paper.line(year.starts_on, [(year.starts_on - _DAY, 0), *collected], through),
        end=f"M{end} h0",
        before=paper.line(year.starts_on, [(year.starts_on - _DAY, 0), *moved], year.ends_on)
        if moved
        else "",
        need=paper.line(decided[0][0], decided, year.ends_on) if decided else "",
        across=[f"M0,{paper.y(level)} H{WIDTH}" for level in levels],
        scale=[format_amount(level * 100 // unit_ore) for level in levels],
        unit=unit,
        months=[(name[0], name[1:]) for name in (date_format(m, "b") for m in _months(year))],
        rows=[_month(first, year, collected, moved, decided, through) for first in _months(year)],
        so_far=at(collected, through),
        through=through,
        year_before=None if moved is None else at(moved, through),
    )


def _steps(
    year: CollectionYear, needs: Iterable[Need], day: datetime.date
) -> list[tuple[datetime.date, int]]:
    """The need from the year's first day or from when it was decided, and each later one.

    What is decided when the year has ended stands on its last day: the figures beside have it too.
    """
    decided = sorted(
        (need for need in needs if need.decided_on <= day),
        key=lambda need: (need.decided_on, need.pk),
    )
    days = [min(max(need.decided_on, year.starts_on), year.ends_on) for need in decided]
    steps = {on: need.amount_ore for on, need in zip(days, decided, strict=True)}
    return list(steps.items()) if any(steps.values()) else []


def _a_year_on(before: Series, year: CollectionYear) -> Series:
    """What the year before had collected, on the same days of this one; what came after its end left out."""
    moved = [(_same_day(on), ore) for on, ore in before]
    return [point for point in moved if point[0] <= year.ends_on]


def _same_day(day: datetime.date) -> datetime.date:
    """The same day a year later; the 28th of February for the 29th."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=28 if is_leap_day else day.day)


def _scale(amounts: Sequence[int]) -> tuple[int, int, int]:
    """The lowest and highest line across that hold the amounts, and the step between lines: even kronor."""
    least, most = min(0, *amounts), max(100, *amounts)
    unit = 100
    while True:
        for step in (unit, 2 * unit, 5 * unit):
            low, high = least // step * step, -(-most // step) * step
            if (high - low) // step <= MOST_STEPS:
                return low, high, step
        unit *= 10


def _months(year: CollectionYear) -> list[datetime.date]:
    """The first day of each month that has a day in the year."""
    found = [year.starts_on.replace(day=1)]
    while (following := (found[-1] + 31 * _DAY).replace(day=1)) <= year.ends_on:
        found.append(following)
    return found


@dataclass(frozen=True)
class _Paper:
    year: CollectionYear
    low: int
    high: int

    def x(self, day: datetime.date) -> float:
        """Where a day ends."""
        first = self.year.starts_on
        months = (day.year - first.year) * 12 + day.month - first.month
        part = day.day / calendar.monthrange(day.year, day.month)[1]
        place = (months + part) / len(_months(self.year)) * WIDTH
        return round(min(max(place, 0), WIDTH), 1)

    def y(self, ore: int) -> float:
        return round(HEIGHT * (self.high - ore) / (self.high - self.low), 1)

    def point(self, day: datetime.date, ore: int) -> str:
        return f"{self.x(day)},{self.y(ore)}"

    def line(self, first: datetime.date, series: Series, through: datetime.date) -> str:
        """A line in steps from where `first` begins: level until a day's end, then to what that day made it."""
        begin, ore = self.x(first - _DAY) if first > self.year.starts_on else 0, series[0][1]
        told = [f"M{begin},{self.y(ore)}"]
        told += [f"H{self.x(on)}V{self.y(ore)}" for on, ore in series[1:]]
        return "".join([*told, f"H{self.x(through)}"])


def _month(
    first: datetime.date,
    year: CollectionYear,
    collected: Series,
    moved: Series | None,
    decided: Series,
    through: datetime.date,
) -> Month:
    last = min(first.replace(day=calendar.monthrange(first.year, first.month)[1]), year.ends_on)
    label = date_format(first, "F Y")
    before = None if moved is None else at(moved, last)
    if first > through:
        return Month(label, None, None, None, before)
    if through < last:
        label = _("%(month)s, till och med den %(day)s") % {"month": label, "day": through.day}
        last = through
        before = None if moved is None else at(moved, last)
    need = at(decided, last) if decided and decided[0][0] <= last else None
    so_far = at(collected, last)
    return Month(label, so_far - at(collected, first - _DAY), so_far, need, before)
