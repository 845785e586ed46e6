"""What is left to collect: every fund of a year with its figures, by focus area."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from donations.finance import years
from donations.models import CollectionYear, YearClosing
from donations.reports import remaining as report
from staff import access


@access.staff("donations.view_fund", methods=access.READ)
def remaining(request: HttpRequest) -> HttpResponse:
    """A year's funds, by focus area, with what is left to collect and what can be moved."""
    year, today = years.chosen(request), timezone.localdate()
    rows = report.rows(year, today)
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
            (area, of_area, report.total(of_area))
            for area, of_area in (
                (area, list(group)) for area, group in groupby(shown, lambda row: row.area)
            )
        ],
        "sum": report.total(shown),
        "has_rows": bool(rows),
        "lacking": len(lacking),
        "only_lacking": only_lacking,
    }
    return render(request, "ekonomi/remaining.html", context)
