"""What is left to collect: every fund of a year with its figures, and their sums as they are shown."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from donations import queries
from donations.models import CollectionYear, Fund, FundYear
from donations.queries import Figures, Total
from projects.models import FocusArea


@dataclass(frozen=True)
class Row:
    """A fund in the year, in the focus area that the year belongs to."""

    fund: Fund
    area: FocusArea
    figures: Figures


@dataclass(frozen=True)
class Sum:
    """The rows' figures added up as they are shown."""

    total: Total
    movable: int
    pending: int


def rows(year: CollectionYear, day: datetime.date) -> list[Row]:
    """Every fund that has the year, and those still open in it that have no year of it yet.

    By focus area and number, with the figures at the end of `day`. What is movable and what waits
    is known for today alone, and 0 on any other day.
    """
    fund_years = FundYear.objects.filter(year=year).select_related(
        "focus_area", "fund__project", "fund__focus_area"
    )
    of_day = queries.figures_today if day == timezone.localdate() else queries.figures
    figures = of_day(fund_years, day)
    is_open = Q(closed_on=None) | Q(closed_on__gte=min(day, year.ends_on))
    without = (
        Fund.objects.filter(is_open, opened_on__lte=year.ends_on)
        .exclude(years__year=year)
        .select_related("project__focus_area", "focus_area")
    )
    found = [Row(one.fund, one.focus_area, figures[one.pk]) for one in fund_years]
    found += [
        Row(fund, fund.area_now, Figures(day, need=0 if fund.focus_area_id else None))
        for fund in without
    ]
    return sorted(found, key=lambda row: (row.area.title, row.area.pk, row.fund.collection_number))


def total(shown: Iterable[Row]) -> Sum:
    """The rows' figures added up."""
    figures = [row.figures for row in shown]
    return Sum(
        total=queries.total(figures),
        movable=sum(one.movable for one in figures),
        pending=sum(one.pending for one in figures),
    )
