"""A fund's public figures for other programs to read; docs/api.md is the promise."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page

from donations import moves, queries
from donations.models import CollectionYear, Fund, FundYear
from donations.models.periods import is_final
from donations.moves import Other, Part, YearMoves
from donations.queries import Figures
from projects import rendering
from staff import access

CURRENCY = "SEK"


class BadDay(ValueError):
    """A day that no figures can be told for; the message is a Swedish sentence."""


@access.public
@conditional_page
def fund(request: HttpRequest, number: str) -> JsonResponse:
    """A collection number's public figures as JSON, today or at the end of the day in `dag`"""
    try:
        day = _day(request.GET.get("dag"))
    except BadDay as bad:
        return _answer({"error": str(bad)}, status=400)
    funds = Fund.objects.select_related("project__focus_area", "focus_area", "successor")
    # Digits alone: what else an address can hold, not every database can be asked for.
    is_number = number.isascii() and number.isdigit()
    found = funds.filter(collection_number=number).first() if is_number else None
    page = _page(found.page.pk, request) if found else None
    if found is None or page is None:
        error = _("Det finns ingen öppet redovisad insamling med numret %s.") % number[:30]
        return _answer({"error": error}, status=404)
    return _answer(_told(found, page, day, request))


def _answer(content: dict[str, Any], status: int = 200) -> JsonResponse:
    answer = JsonResponse(content, status=status, json_dumps_params={"ensure_ascii": False})
    # As every public page: anyone may show it, and keep it for a second.
    answer["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(answer, public=True, max_age=1)
    return answer


def _day(text: str | None) -> datetime.date:
    """The day asked for, today when none is. Raises `BadDay`."""
    today = timezone.localdate()
    if text is None:
        return today
    try:
        day = parse_date(text) if len(text) == len("2026-10-31") and text.isascii() else None
    except ValueError:
        day = None
    if day is None:
        raise BadDay(_("Skriv dagen med år, månad och dag, till exempel dag=2026-10-31."))
    if day > today:
        raise BadDay(_("Dagen ligger i framtiden. Senaste dagen som går att fråga om är i dag."))
    return day


@dataclass(frozen=True)
class _Year:
    """The fund's year that holds the day: its name and days, and what it was in the books."""

    told: dict[str, str | None]
    figures: Figures
    moves: YearMoves
    focus_area_id: int


def _told(
    fund: Fund, page: dict[str, str | None], day: datetime.date, request: HttpRequest
) -> dict[str, Any]:
    year = _year(fund, day)
    figures = year.figures
    area = page if fund.focus_area_id else _page(year.focus_area_id, request)
    return {
        "number": fund.collection_number,
        "day": day,
        "final": is_final(day),
        "currency": CURRENCY,
        "project": page if fund.project_id else None,
        "focus_area": area,
        "opened_on": fund.opened_on,
        "closed_on": fund.closed_on,
        "successor": fund.successor.collection_number if fund.successor else None,
        "year": year.told,
        "need_ore": figures.need,
        "need_decided_on": figures.need_decided_on,
        "collected_ore": figures.collected,
        "carried_in_ore": figures.carried_in,
        "carried_out_ore": figures.carried_out,
        "moved_in_ore": figures.moved_in,
        "moved_in_from": [_part(part, request) for part in year.moves.into],
        "moved_out_ore": figures.moved_out,
        "moved_out_to": [_part(part, request) for part in year.moves.out],
        "remaining_ore": figures.remaining,
        "surplus_ore": figures.surplus,
        "percent": figures.percent,
        "updated_at": timezone.localtime(figures.changed_at) if figures.changed_at else None,
    }


def _year(fund: Fund, day: datetime.date) -> _Year:
    """The same figures as the page's box shows: none, and no known need, while the year has not begun."""
    year = CollectionYear.objects.holding(day).first()
    fund_year = (
        FundYear.objects.filter(fund=fund, year=year).select_related("year", "fund").first()
        if year
        else None
    )
    told = {
        "name": year.name if year else str(day.year),
        "first_day": year.starts_on.isoformat() if year else None,
        "last_day": year.ends_on.isoformat() if year else None,
    }
    if fund_year is None:
        empty = Figures(day, need=0 if fund.focus_area_id else None)
        nothing = YearMoves(told["name"] or "", fund.collection_number)
        return _Year(told, empty, nothing, fund.area_now.pk)
    figures = queries.figures([fund_year], day)
    moved = moves.moved([fund_year], figures, day)[fund_year.pk]
    return _Year(told, figures[fund_year.pk], moved, fund_year.focus_area_id)


def _page(page_id: int, request: HttpRequest) -> dict[str, str | None] | None:
    """A published page's title and full address."""
    for link in rendering.published_links([page_id], timezone.now()):
        return {"title": link.title, "url": request.build_absolute_uri(link.url)}
    return None


def _part(part: Part, request: HttpRequest) -> dict[str, Any]:
    other: Other = part.other
    return {
        "number": other.collection_number,
        "title": other.title,
        "url": request.build_absolute_uri(other.url) if other.url else None,
        "amount_ore": part.ore,
    }
