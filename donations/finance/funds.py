"""A fund's year in one view: its figures on any day, where they come from, and what may be done with it."""

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from donations import queries
from donations.finance import fund_curve, fund_figures, fund_transfers, years
from donations.finance.fund_forms import AsOfForm
from donations.models import (
    CollectionYear,
    Fund,
    FundYear,
    Need,
    PeriodLock,
    ProposalLine,
    SurplusClause,
    Transfer,
)
from donations.queries import Figures
from donations.reports import collected
from staff import access

# How many lines of proposals a fund's page shows.
MOST_LINES = 50
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Book:
    """A fund with all its years, newest first, and the one that is looked at, if it has that one."""

    fund: Fund
    fund_years: list[FundYear]
    year: CollectionYear
    locked_through: datetime.date | None

    @property
    def fund_year(self) -> FundYear | None:
        return next((one for one in self.fund_years if one.year == self.year), None)

    @property
    def year_before(self) -> FundYear | None:
        eve = self.year.starts_on - _DAY
        return next((one for one in self.fund_years if one.year.ends_on == eve), None)


@access.staff("donations.view_fund", methods=access.READ)
def fund(request: HttpRequest, number: str) -> HttpResponse:
    """One fund in one year: every figure on any day, and everything that they lean on."""
    asked, today = AsOfForm(request.GET), timezone.localdate()
    day = asked.day
    book = _book(request, number, day)
    area = book.fund_year.focus_area if book.fund_year else book.fund.area_now
    context = {
        "fund": book.fund,
        "year": book.year,
        "year_query": years.query(book.year),
        "years": _names(book, today),
        "area": area,
        "fund_year": book.fund_year,
        "asked": asked,
        "day": day,
        "today": today,
        "is_today": day == today,
        "is_final": fund_figures.is_final(day, book.locked_through),
        "locked_through": book.locked_through,
        "is_closed_year": _is_closed(book.year),
        "is_closed": book.fund.is_closed(today),
        "heir": _heir(book.fund, today),
        "clauses": _clauses(area.pk, book.year),
        **_of_year(request, book, day, is_today=day == today),
    }
    return render(request, "ekonomi/fund.html", context)


def found(number: str) -> Fund:
    """The fund with a collection number as an address has it. Raises `Http404`."""
    if not (number.isascii() and number.isdecimal()):
        raise Http404
    funds = Fund.objects.select_related("project__focus_area", "focus_area", "successor")
    return get_object_or_404(funds, collection_number=number)


def address(of: Fund, year: CollectionYear) -> str:
    """The page of a fund's year."""
    return reverse("finance_fund", args=[of.collection_number]) + years.query(year)


def _book(request: HttpRequest, number: str, day: datetime.date) -> Book:
    """The fund and the year that the address names, the one that holds `day` when it names none."""
    fund_years: list[Any] = list(
        FundYear.objects.filter(fund__collection_number=number)
        .select_related(
            *("fund__project__focus_area", "fund__focus_area"),
            *("fund__successor__project", "fund__successor__focus_area"),
            *("focus_area", "year__closing", "account"),
        )
        .annotate(locked_through=Subquery(_locks()[:1]))
        .order_by("-year__starts_on")
    )
    of = fund_years[0].fund if fund_years else found(number)
    locked = fund_years[0].locked_through if fund_years else _locks().first()
    return Book(of, fund_years, _year(request, [one.year for one in fund_years], day), locked)


def _locks() -> QuerySet[Any, datetime.date]:
    return PeriodLock.objects.order_by("-through").values_list("through", flat=True)


def _year(
    request: HttpRequest, of_fund: Sequence[CollectionYear], day: datetime.date
) -> CollectionYear:
    name = request.GET.get("ar")
    for year in of_fund:
        if year.name == name or (not name and year.starts_on <= day <= year.ends_on):
            return year
    held = None if name else CollectionYear.objects.holding(day).first()
    return held or years.chosen(request)


def _names(book: Book, today: datetime.date) -> list[str]:
    """The years to choose between: the fund's own, the one looked at, and this year's; newest first."""
    known = {one.year.starts_on: one.year for one in book.fund_years}
    known[book.year.starts_on] = book.year
    if not any(year.starts_on <= today <= year.ends_on for year in known.values()):
        for year in CollectionYear.objects.holding(today):
            known[year.starts_on] = year
    return [known[first].name for first in sorted(known, reverse=True)]


def _is_closed(year: CollectionYear) -> bool:
    return hasattr(year, "closing")


def _heir(of: Fund, today: datetime.date) -> Fund | None:
    """The open fund that has taken over, if the fund is closed; most often the next one."""
    following = of.successor
    return following if following and following.is_open(today) else queries.heir(of, today)


def _of_year(
    request: HttpRequest, book: Book, day: datetime.date, *, is_today: bool
) -> dict[str, Any]:
    """What there is to show of the year that is looked at; without it nothing has come."""
    if (fund_year := book.fund_year) is None:
        nothing = Figures(day, need=0 if book.fund.focus_area_id else None)
        return _shown(nothing, is_today=is_today) | {"needs": [], "lines": []}
    begun = [one for one in book.fund_years if one.year.starts_on <= day]
    compared, later, earlier = fund_figures.columns(begun, request.GET.get("jamfor", ""))
    concerned = {one.pk: one for one in (*compared, fund_year)}
    every_need = Need.objects.filter(fund_year__in=concerned).select_related("by")
    needs = list(every_need.order_by("-decided_on", "-pk"))
    figures = _figures(concerned.values(), needs, day, is_today=is_today)
    own_needs = [need for need in needs if need.fund_year_id == fund_year.pk]
    before = book.year_before
    days = collected.days([fund_year, before] if before else [fund_year])
    return _shown(figures[fund_year.pk], is_today=is_today) | {
        "curve": fund_curve.draw(
            book.year,
            days[fund_year.pk].collected(),
            days[before.pk].collected() if before else None,
            own_needs,
            day,
        ),
        "year_before": before.year if before else None,
        "transfers": fund_transfers.listed(request, fund_year.account, day, days[fund_year.pk]),
        "needs": own_needs,
        "lines": _lines(fund_year),
        "side_by_side": fund_figures.side_by_side(
            compared, figures, is_today=is_today, later=later, earlier=earlier
        )
        if len(begun) > 1
        else None,
    }


def _figures(
    fund_years: Collection[FundYear], needs: Iterable[Need], day: datetime.date, *, is_today: bool
) -> dict[int, Figures]:
    """The figures of each year, by its id, given all their needs; with what waits where it is today."""
    found = queries.figures(fund_years, day, queries.in_force(needs, day))
    if not is_today:
        return found
    return queries.held_back(found, {one.pk for one in fund_years if _is_closed(one.year)})


def _shown(figures: Figures, *, is_today: bool) -> dict[str, Any]:
    return {
        "figures": figures,
        "first": fund_figures.first(figures, is_today=is_today),
        "blocks": fund_figures.blocks(figures, is_today=is_today),
    }


def _clauses(focus_area_id: int, year: CollectionYear) -> list[SurplusClause]:
    """The wordings that were in force some day of the year, newest first."""
    clauses = SurplusClause.objects.filter(focus_area_id=focus_area_id).order_by("-valid_from")
    began = list(clauses.filter(valid_from__lte=year.ends_on))
    first = next((at for at, c in enumerate(began) if c.valid_from <= year.starts_on), None)
    return began if first is None else began[: first + 1]


def _lines(fund_year: FundYear) -> list[Any]:
    """The lines of submitted proposals that name the fund year, newest first, with when each was posted."""
    posted = Transfer.objects.order_by().filter(line=OuterRef("pk")).values("booked_on")
    put_back = Transfer.objects.order_by().filter(reverses__line=OuterRef("pk"))
    lines = ProposalLine.objects.filter(Q(source=fund_year) | Q(receiver=fund_year))
    return list(
        lines.exclude(proposal__submitted_at=None)
        .with_sides()
        .select_related("proposal__by", "proposal__decided_by")
        .annotate(booked_on=Subquery(posted), reversed_on=Subquery(put_back.values("booked_on")))
        .order_by("-proposal", "position", "pk")[:MOST_LINES]
    )
