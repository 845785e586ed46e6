"""What page templates show of money. Pages themselves know nothing of it."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from donations import queries
from donations.models import Fund
from donations.money import format_kronor
from projects import rendering
from projects.models import Page
from projects.rendering import PageLink, PageView

register = template.Library()

# How many similar projects a fully funded page names.
SIMILAR = 3


@dataclass(frozen=True)
class Box:
    """A collection box: a fund's public figures on a day.

    `similar` are pages like this one that still need money, where this one does not.
    """

    collection_number: str
    year: str
    figures: queries.Figures
    clause: str
    similar: list["NeedingItem"] = field(default_factory=list)

    @property
    def percent(self) -> int | None:
        return self.figures.percent

    @property
    def is_need_known(self) -> bool:
        return self.figures.need is not None

    @property
    def is_fully_funded(self) -> bool:
        return self.figures.remaining == 0 and bool(self.figures.need)

    @property
    def need_decided_on(self) -> datetime.date | None:
        return self.figures.need_decided_on

    @property
    def updated_at(self) -> datetime.datetime | None:
        return self.figures.changed_at

    @property
    def updated_from(self) -> str:
        """What the figures rest on: the books up to the newest day that has anything in them."""
        day = self.figures.newest_day
        return f"det som är bokfört till och med den {date_format(day, 'j F Y')}" if day else ""


@dataclass(frozen=True)
class NeedingItem:
    """A published project with money left to collect."""

    page: PageLink
    area: PageLink | None
    box: Box

    @property
    def title(self) -> str:
        return self.page.title

    @property
    def url(self) -> str:
        return self.page.url

    @property
    def summary(self) -> str:
        return self.page.summary

    @property
    def image(self) -> Any:
        return self.page.image

    @property
    def remaining(self) -> int | None:
        return self.box.figures.remaining

    @property
    def area_title(self) -> str:
        return self.area.title if self.area else ""

    @property
    def hue(self) -> str:
        return self.area.hue if self.area else ""


def _boxes(page_ids: Iterable[int]) -> dict[int, Box]:
    """The collection boxes of those of the given pages that have an open fund, by page id."""
    funds = queries.open_funds(page_ids)
    statuses = queries.fund_statuses(funds, timezone.localdate())
    return {fund.page.pk: _box(fund, statuses[fund.pk]) for fund in funds}


def _box(fund: Fund, status: queries.FundStatus) -> Box:
    return Box(
        collection_number=fund.collection_number,
        year=status.year_name,
        figures=status.figures,
        clause=status.clause.text if status.clause else "",
    )


@register.filter
def kronor(ore: int | None) -> str:
    """An amount in öre as text: 27600000 → "276 000 kr"."""
    return "" if ore is None else format_kronor(ore)


@register.simple_tag
def project_money(page: PageView) -> Box | None:
    """The collection box of a page, or None when it has no open fund."""
    box = _boxes([page.pk]).get(page.pk)
    if box is None or not box.is_fully_funded or page.focus_area is None:
        return box
    handpicked = {link.pk for link in page.similar}
    others = [item for item in _needing(page.focus_area.pk) if item.page.pk != page.pk]
    # Stable: those picked by hand first, each group as it came, with most left (in per cent) first.
    others.sort(key=lambda item: item.page.pk not in handpicked)
    return replace(box, similar=others[:SIMILAR])


@register.simple_tag
def boxes(pages: Iterable[PageLink]) -> list[tuple[PageLink, Box | None]]:
    """Each page with its box or None, in the given order, at the cost of one page's."""
    pages = list(pages)
    found = _boxes(page.pk for page in pages)
    return [(page, found.get(page.pk)) for page in pages]


@register.simple_tag
def area_money(page: PageView | PageLink) -> queries.Total:
    """A focus area's total: the sum of its published projects' funds as shown, and its own."""
    now = timezone.now()
    published = rendering.published().filter(focus_area_id=page.pk).published(now)
    page_ids = [page.pk, *published.values_list("page_id", flat=True)]
    return queries.total(box.figures for box in _boxes(page_ids).values())


@register.simple_tag
def projects_needing_money(limit: int = 6) -> list[NeedingItem]:
    """Published projects with something left to collect, those with most left (in per cent) first."""
    return _needing()[:limit]


def _needing(focus_area_id: int | None = None) -> list[NeedingItem]:
    now = timezone.now()
    versions = rendering.published().published(now)
    projects = versions.filter(page__kind=Page.Kind.PROJECT).order_by("title", "page_id")
    if focus_area_id:
        projects = projects.filter(focus_area_id=focus_area_id)
    areas = versions.filter(page__kind=Page.Kind.FOCUS_AREA)
    area_of = {area.pk: area for area in rendering.links(areas, now)}
    links = rendering.links(projects, now)
    found = _boxes(link.pk for link in links)
    needing = [
        NeedingItem(link, area_of.get(link.focus_area_id or 0), found[link.pk])
        for link in links
        if link.pk in found and found[link.pk].figures.remaining
    ]
    return sorted(needing, key=lambda item: item.box.percent or 0)
