"""Every fund of a year with its figures, and the ways in to what is to be done."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from donations import queries
from donations.finance import bank_files, years
from donations.models import BankFile, CollectionYear, Fund, FundYear, Proposal, YearClosing
from donations.queries import Figures, Total
from projects.models import FocusArea
from staff import access
from staff.requests import member


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


@access.staff("donations.view_fund", methods=access.READ)
def start(request: HttpRequest) -> HttpResponse:
    """A year's funds, by focus area, with what is left to collect, what can be moved, and what waits."""
    year, today = years.chosen(request), timezone.localdate()
    rows = _rows(year, today)
    lacking = [row for row in rows if row.figures.need is None]
    only_lacking = request.GET.get("visa") == "utan-behov"
    shown = lacking if only_lacking else rows
    context = {
        "year": year,
        "year_query": years.query(year),
        "years": CollectionYear.objects.order_by("-starts_on"),
        "today": today,
        "is_closed_year": YearClosing.objects.filter(year=year).exists(),
        "areas": [
            (area, of_area, _sum(of_area))
            for area, of_area in (
                (area, list(group)) for area, group in groupby(shown, lambda row: row.area)
            )
        ],
        "sum": _sum(shown),
        "has_rows": bool(rows),
        "lacking": len(lacking),
        "only_lacking": only_lacking,
        "suspense": queries.suspense_balance(),
        **_proposals(request),
        **_bank_files(request),
    }
    return render(request, "ekonomi/start.html", context)


def _rows(year: CollectionYear, day: datetime.date) -> list[Row]:
    """Every fund that has the year, and those still open in it that have no year of it yet."""
    fund_years = FundYear.objects.filter(year=year).select_related(
        "focus_area", "fund__project", "fund__focus_area"
    )
    figures = queries.figures_today(fund_years, day)
    is_open = Q(closed_on=None) | Q(closed_on__gte=min(day, year.ends_on))
    without = (
        Fund.objects.filter(is_open, opened_on__lte=year.ends_on)
        .exclude(years__year=year)
        .select_related("project__focus_area", "focus_area")
    )
    rows = [Row(one.fund, one.focus_area, figures[one.pk]) for one in fund_years]
    rows += [
        Row(fund, fund.area_now, Figures(day, need=0 if fund.focus_area_id else None))
        for fund in without
    ]
    return sorted(rows, key=lambda row: (row.area.title, row.area.pk, row.fund.collection_number))


def _sum(rows: Iterable[Row]) -> Sum:
    figures = [row.figures for row in rows]
    return Sum(
        total=queries.total(figures),
        movable=sum(one.movable for one in figures),
        pending=sum(one.pending for one in figures),
    )


def _proposals(request: HttpRequest) -> dict[str, int]:
    """How many proposals wait, and how many of them this person may decide about: not one's own."""
    waiting, user = Proposal.objects.pending(), member(request)
    may_decide = user.has_perm("donations.decide_proposal")
    return {
        "waiting": waiting.count(),
        "to_decide": waiting.exclude(by=user).count() if may_decide else 0,
    }


def _bank_files(request: HttpRequest) -> dict[str, int]:
    """How many bank files wait to be booked, and how many of their lines for a decision."""
    if not member(request).has_perm("donations.view_bankfile"):
        return {"unbooked": 0, "undecided": 0}
    return {
        "unbooked": BankFile.objects.filter(bank_files.unbooked()).count(),
        "undecided": bank_files.undecided().count(),
    }
