"""Collection boxes: what public pages show of a fund, and which projects still need money."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.formats import date_format

from donations import queries
from projects import rendering
from projects.models import Page
from projects.rendering import PageLink, Picture
from projects.snapshots import searchable


@dataclass(frozen=True)
class Box:
    """A fund's public figures on a day.

    `similar` are pages like this one that still need money, where this one does not.
    """

    collection_number: str
    year: str
    figures: queries.Figures
    clause: str
    channels: list[str] = field(default_factory=list)
    similar: list["Listed"] = field(default_factory=list)

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
class Listed:
    """A published project in a list: its page, its focus area's, and its box if it has one."""

    page: PageLink
    area: PageLink | None
    box: Box | None

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
    def countries(self) -> list[str]:
        return self.page.countries

    @property
    def image(self) -> Picture | None:
        return self.page.image

    @property
    def area_title(self) -> str:
        return self.area.title if self.area else ""

    @property
    def hue(self) -> str:
        return self.area.hue if self.area else ""

    @property
    def remaining(self) -> int | None:
        """Öre left to collect; None when that is unknown."""
        return self.box.figures.remaining if self.box else None

    def has(self, words: Iterable[str]) -> bool:
        """Whether every word (as `searchable` gives them) stands somewhere about the project."""
        number = self.box.collection_number if self.box else ""
        about = searchable(" ".join([number, self.area_title, *self.countries]))
        return all(word in self.page.search_text or word in about for word in words)

    @property
    def needs_money(self) -> bool:
        return bool(self.remaining)


def boxes(page_ids: Iterable[int]) -> dict[int, Box]:
    """The collection boxes today of those of the given pages that have an open fund, by page id."""
    today = timezone.localdate()
    funds = queries.open_funds(page_ids, today)
    statuses = queries.fund_statuses(funds, today)
    return {
        fund.page.pk: Box(
            collection_number=fund.collection_number,
            year=statuses[fund.pk].year_name,
            figures=statuses[fund.pk].figures,
            channels=fund.channels,
            clause=clause.text if (clause := statuses[fund.pk].clause) else "",
        )
        for fund in funds
    }


def listed(**filters: object) -> list[Listed]:
    """Published projects by title, those that the version filters let through, with their boxes."""
    now = timezone.now()
    versions = rendering.published().published(now)
    areas = rendering.links(versions.filter(page__kind=Page.Kind.FOCUS_AREA), now)
    area_of = {area.pk: area for area in areas}
    projects = versions.filter(page__kind=Page.Kind.PROJECT, **filters).order_by("title", "page_id")
    links = rendering.links(projects, now)
    found = boxes(link.pk for link in links)
    return [
        Listed(link, area_of.get(link.focus_area_id or 0), found.get(link.pk)) for link in links
    ]


def needing_money(projects: Iterable[Listed]) -> list[Listed]:
    """Those with something left to collect, the ones that have come the shortest way (in per cent) first."""
    needing = [project for project in projects if project.needs_money]
    return sorted(needing, key=lambda project: (project.box and project.box.percent) or 0)
