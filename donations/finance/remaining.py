"""What is left to collect: every fund of a year with its figures, by focus area, on any day."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.http import urlencode

from donations import operations
from donations.days import long_date
from donations.finance import pace, years
from donations.finance.remaining_form import RemainingForm, typed
from donations.models import CollectionYear, PeriodLock, YearClosing
from donations.reports import remaining as report
from donations.reports.remaining import Row, Sum
from projects.models import FocusArea
from staff import access

# Until so many days have gone, chance alone decides how a fund stands beside an even pace.
JUST_BEGUN = 14

# By the keys of `report.ORDERS`, from left to right.
COLUMNS = {
    "nummer": "Nummer",
    "namn": "Insamling",
    "behov": "Behov",
    "insamlat": "Insamlat",
    "mellan-ar": "Överfört mellan år",
    "omfordelat": "Om\N{SOFT HYPHEN}fördelat",
    "kvar": "Kvar att samla in",
    "overskott": "Överskott",
    "procent": "Procent",
    "senaste": "Senaste gåvan",
    "takt": "Mot jämn takt",
    "aret-fore": "Mot året före",
}
TEXTS = ("nummer", "namn")


@dataclass(frozen=True)
class Line:
    """A row as it is shown."""

    row: Row
    picture: pace.Picture | None
    told: str
    is_closed: bool


@dataclass(frozen=True)
class Group:
    """Rows under a heading, and their sum; without an area, all of them."""

    area: FocusArea | None
    lines: list[Line]
    sum: Sum


@dataclass(frozen=True)
class Column:
    """A heading to order by. `order` is what the address says for it, `sorted` what it is ordered by now."""

    name: str
    label: str
    order: str
    sorted: str
    is_amount: bool


@dataclass(frozen=True)
class Day:
    """A day that is one click away; `dag` is None for the one that is always today's."""

    label: str
    ar: str
    dag: str | None
    is_shown: bool


@access.staff("donations.view_fund", methods=access.READ)
def remaining(request: HttpRequest) -> HttpResponse:
    """A year's funds on a day, with what is left to collect, how fast it comes, and what can be moved."""
    today = timezone.localdate()
    every_year = list(_years())
    year = _year(request, every_year)
    form = RemainingForm(typed(request.GET), year=year, years=every_year, today=today)
    locked_through = year.locked_through  # type: ignore[attr-defined]
    context = {
        "form": form,
        "year": year,
        "locked_through": locked_through,
        "is_closed_year": year.is_closed,  # type: ignore[attr-defined]
    }
    day = form.cleaned_data["dag"] if form.is_valid() else None
    # A fund's page shows the same day.
    report_page = reverse("finance_report", args=["kvar-att-samla-in"])
    context["report_address"] = (
        f"{report_page}?{urlencode({'ar': year.name, 'dag': str(day or today)})}"
    )
    context["year_query"] = years.query(year) + (f"&dag={day}" if day and day != today else "")
    context["quick_days"] = list(_quick_days(year, every_year, today, day, locked_through))
    if day:
        context |= _figures(form, year, day)
    elif form.has_error("dag", "invalid"):
        # Where only a day can be held, what was typed would be gone.
        form.fields["dag"].widget.input_type = "text"
    elif form.has_error("dag", "other_year"):
        context["other_days"] = list(_other_days(form, every_year))
    return render(request, "ekonomi/remaining.html", context)


def _years() -> QuerySet[CollectionYear]:
    """Every collection year, the newest first, each with `is_closed` and how far all books are locked."""
    locks = PeriodLock.objects.order_by("-through").values("through")[:1]
    is_closed = Exists(YearClosing.objects.filter(year=OuterRef("pk")))
    return CollectionYear.objects.order_by("-starts_on").annotate(
        is_closed=is_closed, locked_through=Subquery(locks)
    )


def _year(request: HttpRequest, every_year: Sequence[CollectionYear]) -> CollectionYear:
    """The year that the address names, or that holds its day, or today. Raises `Http404`."""
    if name := request.GET.get("ar"):
        year = next((one for one in every_year if one.name == name), None)
        if year is None:
            raise Http404
        return year
    today = timezone.localdate()
    year = _holding(every_year, _day(request)) or _holding(every_year, today)
    return year or _years().get(pk=operations.collection_year(today).pk)


def _day(request: HttpRequest) -> datetime.date | None:
    try:
        return parse_date(request.GET.get("dag", ""))
    except ValueError:
        return None


def _holding(
    every_year: Sequence[CollectionYear], day: datetime.date | None
) -> CollectionYear | None:
    return next((one for one in every_year if day and one.starts_on <= day <= one.ends_on), None)


def _figures(form: RemainingForm, year: CollectionYear, day: datetime.date) -> dict[str, object]:
    """What the page shows of the day: the rows chosen, in order, and their sums."""
    every_row = report.with_pace(report.rows(year, day), year, day)
    form.offer(every_row)
    choice = form.choice
    rows = [row for row in every_row if choice.holds(row)]
    gone = report.days_gone(year, day)
    is_today = day == form.today
    return {
        "day": day,
        "is_today": is_today,
        "columns": list(_columns(form.order)),
        "groups": _groups(rows, form.order),
        "is_one_list": form.order is not None,
        "sum": report.total(rows),
        "count": len(every_row),
        "gone": gone,
        "days": report.days_gone(year, year.ends_on),
        "is_just_begun": 0 < gone <= JUST_BEGUN,
        "before": report.same_day_last_year(day),
    }


def _groups(rows: list[Row], order: tuple[str, bool] | None) -> list[Group]:
    """The rows by focus area, or in one list when a column decides.

    Who orders by what is left asks which funds lack the most of all. Within their areas they would
    have to look for the answer in each; and to see one area alone they choose it.
    """

    def group(area: FocusArea | None, its: list[Row]) -> Group:
        return Group(area, [_line(row) for row in its], report.total(its))

    if order:
        return [group(None, report.ordered(rows, order[0], is_falling=order[1]))] if rows else []
    return [group(area, list(its)) for area, its in groupby(rows, lambda row: row.area)]


def _line(row: Row) -> Line:
    is_closed = row.fund.is_closed(row.figures.day)
    return Line(row, pace.picture(row), pace.told(row), is_closed)


def _columns(order: tuple[str, bool] | None) -> Iterator[Column]:
    """The headings. The first click gives what is asked for: names from A, the largest amounts first."""
    now = f"{'-' if order[1] else ''}{order[0]}" if order else ""
    for name, label in COLUMNS.items():
        rising, falling = name, f"-{name}"
        first, second = (rising, falling) if name in TEXTS else (falling, rising)
        yield Column(
            name=name,
            label=label,
            order=second if now == first else first,
            sorted={rising: "ascending", falling: "descending"}.get(now, ""),
            is_amount=name not in TEXTS and name != "senaste",
        )


def _quick_days(
    year: CollectionYear,
    every_year: Sequence[CollectionYear],
    today: datetime.date,
    day: datetime.date | None,
    locked_through: datetime.date | None,
) -> Iterator[Day]:
    """Days that are asked for again and again, each once."""
    yield Day("I dag", year.name, None, is_shown=day == today)
    seen = set()
    for label, one in _ends(year, today, locked_through):
        holding = _holding(every_year, one)
        if holding and one < today and one not in seen:
            seen.add(one)
            label = f"{label}, {_short(one)}"
            yield Day(label, holding.name, one.isoformat(), is_shown=day == one)


def _ends(
    year: CollectionYear, today: datetime.date, locked_through: datetime.date | None
) -> Iterator[tuple[str, datetime.date]]:
    """The ends of periods that have gone, with what they are called from within the year."""
    if year.ends_on < today:
        yield "Årets slut", year.ends_on
    elif year.starts_on <= today:
        yield "Senaste månadsskiftet", today.replace(day=1) - datetime.timedelta(days=1)
    if locked_through and year.starts_on <= locked_through <= year.ends_on:
        yield "Senast låsta dagen", locked_through
    yield "Förra årets slut", year.starts_on - datetime.timedelta(days=1)


def _other_days(form: RemainingForm, every_year: Sequence[CollectionYear]) -> Iterator[Day]:
    """What may be meant by a day outside the year: the same date in it, or the year that holds the day."""
    typed_day, year = form.fields["dag"].clean(form.data["dag"]), form.year
    for number in {year.starts_on.year, year.ends_on.year}:
        try:
            one = typed_day.replace(year=number)
        except ValueError:  # 29 February
            one = typed_day.replace(year=number, day=28)
        if year.starts_on <= one <= min(year.ends_on, form.today):
            yield Day(f"den {long_date(one)}", year.name, one.isoformat(), is_shown=False)
    if holding := _holding(every_year, typed_day):
        label = f"insamlingsåret {holding} den {long_date(typed_day)}"
        yield Day(label, holding.name, typed_day.isoformat(), is_shown=False)


def _short(day: datetime.date) -> str:
    return date_format(day, "j b Y")
