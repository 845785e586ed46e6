"""What is left to collect: every fund of a year with its figures and its pace, and their sums as shown."""

import calendar
import datetime
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import FilteredRelation, Q
from django.utils import timezone

from donations import queries
from donations.models import CollectionYear, Fund, FundYear
from donations.queries import Figures, Total
from projects.models import FocusArea
from projects.rendering import swedish_order
from projects.words import searchable

# The long texts of pages, which no report reads.
UNREAD = [
    f"{page}__{text}"
    for page in ("of_year__focus_area", "project", "project__focus_area", "focus_area")
    for text in ("summary", "body", "search_text")
]


@dataclass(frozen=True)
class Row:
    """A fund in the year, in the focus area that the year belongs to. Öre.

    What can be moved (`movable`) and what waits in proposals (`pending`) are known for today alone,
    and 0 on any other day. The others are for the rows of `with_pace`: `line` is what a straight line
    from nothing on the year's first day to the whole need on its last has come to; None when there is
    no need to draw it to, or the year has not begun. `last_year` is what the fund had collected of the
    year before on the same day of it; None when it had no such year.
    """

    fund: Fund
    area: FocusArea
    figures: Figures
    movable: int = 0
    pending: int = 0
    last_gift: datetime.date | None = None
    line: int | None = None
    last_year: int | None = None

    @property
    def carried(self) -> int:
        """From other years, what was carried on taken off."""
        return self.figures.carried_in - self.figures.carried_out

    @property
    def moved(self) -> int:
        """From other funds, what was moved to them taken off."""
        return self.figures.moved_in - self.figures.moved_out

    @property
    def beside_line(self) -> int | None:
        """How much more is available than the straight line; negative when it is less."""
        return None if self.line is None else self.figures.available - self.line

    @property
    def beside_last_year(self) -> int | None:
        """How much more is collected than on the same day of the year before; negative when less."""
        return None if self.last_year is None else self.figures.collected - self.last_year


@dataclass(frozen=True)
class Sum:
    """The rows' figures added up as they are shown; what is unknown adds nothing."""

    total: Total
    count: int
    carried: int
    moved: int
    movable: int
    pending: int
    beside_line: int | None
    beside_last_year: int | None


def rows(year: CollectionYear, day: datetime.date) -> list[Row]:
    """Every fund that has the year, and those still open in it that have no year of it yet.

    By focus area and number, with the figures at the end of `day`. A fund that had not opened by
    `day`, and of which nothing was known then, is left out.
    """
    is_open = Q(closed_on=None) | Q(closed_on__gte=min(day, year.ends_on))
    of_year = FilteredRelation("years", condition=Q(years__year=year))
    funds = (
        Fund.objects.annotate(of_year=of_year)
        .filter(Q(of_year__isnull=False) | (is_open & Q(opened_on__lte=year.ends_on)))
        .select_related("of_year__focus_area", "project__focus_area", "focus_area")  # type: ignore[misc]
        .defer(*UNREAD)
    )
    # The attribute is there only where the year is.
    pairs = [(fund, getattr(fund, "of_year", None)) for fund in funds]
    fund_years = [fund_year for _fund, fund_year in pairs if fund_year]
    is_today = day == timezone.localdate()
    figures = (queries.figures_today if is_today else queries.figures)(fund_years, day)
    found = [
        _row(fund, fund_year.focus_area, figures[fund_year.pk], is_today=is_today)
        if fund_year
        else Row(fund, fund.area_now, Figures(day, need=0 if fund.focus_area_id else None))
        for fund, fund_year in pairs
    ]
    return sorted(
        (row for row in found if _is_known(row)),
        key=lambda row: (
            swedish_order(row.area.title),
            row.area.pk,
            row.fund.collection_number,
        ),
    )


def _row(fund: Fund, area: FocusArea, shown: Figures, *, is_today: bool) -> Row:
    return Row(fund, area, shown, movable=shown.movable if is_today else 0, pending=shown.pending)


def _is_known(row: Row) -> bool:
    """Whether the fund had opened by the day, or already had a need or money."""
    shown = row.figures
    return row.fund.opened_on <= shown.day or bool(shown.need_decided_on) or bool(shown.newest_day)


def with_pace(found: Iterable[Row], year: CollectionYear, day: datetime.date) -> list[Row]:
    """The rows of `rows` with the last gift, the straight line and last year beside their figures."""
    last_years = FundYear.objects.filter(year__ends_on=year.starts_on - datetime.timedelta(days=1))
    last_year = queries.collected(last_years, same_day_last_year(day))
    last_gifts = queries.last_gifts(year, day)
    return [
        replace(
            row,
            last_gift=last_gifts.get(row.fund.pk),
            line=straight_line(row.figures.need, year, day),
            last_year=last_year.get(row.fund.pk),
        )
        for row in found
    ]


def same_day_last_year(day: datetime.date) -> datetime.date:
    """The same date a year earlier; of 28 and 29 February the month's last day, as the fund's curve has it."""
    earlier = day.year - 1
    if day.month == 2 and day.day >= 28:
        return datetime.date(earlier, 2, calendar.monthrange(earlier, 2)[1])
    return day.replace(year=earlier)


def straight_line(need: int | None, year: CollectionYear, day: datetime.date) -> int | None:
    """What an even pace to the whole need would have given by the end of `day`, in öre.

    In whole kronor, rounded down, until the last day, when it is the need. None without a need (0 or
    unknown) and before the year.
    """
    if not need or day < year.starts_on:
        return None
    gone, whole = days_gone(year, day), days_gone(year, year.ends_on)
    return need if gone == whole else need * gone // whole // 100 * 100


def days_gone(year: CollectionYear, day: datetime.date) -> int:
    """How many of the year's days have gone at the end of `day`: 1 on the first, all of them after its end."""
    return max(0, (min(day, year.ends_on) - year.starts_on).days + 1)


def total(shown: Iterable[Row]) -> Sum:
    """The rows' figures added up."""
    shown = list(shown)
    return Sum(
        total=queries.total(row.figures for row in shown),
        count=len(shown),
        carried=sum(row.carried for row in shown),
        moved=sum(row.moved for row in shown),
        movable=sum(row.movable for row in shown),
        pending=sum(row.pending for row in shown),
        beside_line=_sum(row.beside_line for row in shown),
        beside_last_year=_sum(row.beside_last_year for row in shown),
    )


def _sum(shown: Iterable[int | None]) -> int | None:
    known = [ore for ore in shown if ore is not None]
    return sum(known) if known else None


# Choosing among the rows, and ordering them

# What `Choice.left` may say: what the figures of a row are.
LEFT: dict[str, Callable[[Row], bool]] = {
    "kvar": lambda row: bool(row.figures.remaining),
    "overskott": lambda row: bool(row.figures.surplus),
    "utan-behov": lambda row: row.figures.need is None,
}


@dataclass(frozen=True)
class Choice:
    """Which of the rows to show; what is empty leaves none out.

    `area` is an address name, `country` a code, `left` a key of `LEFT`. `closed` tells whether to show those
    alone that are closed on the day (True) or are not (False). `words` are looked for as `is_named`
    does.
    """

    area: str = ""
    country: str = ""
    left: str = ""
    closed: bool | None = None
    words: str = ""

    def holds(self, row: Row) -> bool:
        """Whether the row is one of those to show."""
        return (
            self.area in ("", row.area.slug)
            and (not self.country or self.country in countries(row.fund))
            and (not self.left or LEFT[self.left](row))
            and self.closed in (None, row.fund.is_closed(row.figures.day))
            and is_named(row.fund, self.words)
        )


def countries(fund: Fund) -> set[str]:
    """The codes of the countries of the fund's project; a focus area has none."""
    return set(map(str, fund.project.countries)) if fund.project else set()


def is_named(fund: Fund, words: str) -> bool:
    """Whether each of the words is a part of the fund's number or name.

    "osterang" finds Österäng, for who has no such keys; "ö" finds no o.
    """
    name = searchable(fund.page.title)
    texts = (fund.collection_number, name, _without_marks(name))
    return all(any(word in text for text in texts) for word in searchable(words).split())


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


# What the rows can be ordered by.
ORDERS: dict[str, Callable[[Row], Any]] = {
    "nummer": lambda row: row.fund.collection_number,
    "namn": lambda row: swedish_order(row.fund.page.title),
    "behov": lambda row: row.figures.need,
    "insamlat": lambda row: row.figures.collected,
    "mellan-ar": lambda row: row.carried,
    "omfordelat": lambda row: row.moved,
    "kvar": lambda row: row.figures.remaining,
    "overskott": lambda row: row.figures.surplus,
    "procent": lambda row: row.figures.percent,
    "senaste": lambda row: row.last_gift,
    "takt": lambda row: row.beside_line,
    "aret-fore": lambda row: row.beside_last_year,
}


def ordered(found: Iterable[Row], by: str, *, is_falling: bool) -> list[Row]:
    """The rows by a key of `ORDERS`. Equal ones come by number, those it is unknown of last, both ways."""
    key = ORDERS[by]
    by_number = sorted(found, key=lambda row: row.fund.collection_number)
    known = [row for row in by_number if key(row) is not None]
    unknown = [row for row in by_number if key(row) is None]
    return sorted(known, key=key, reverse=is_falling) + unknown
