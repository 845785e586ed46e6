"""Collection boxes: what public pages show of a fund, and which projects still need money."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.utils import timezone

from donations import moves, queries
from donations.days import long_date
from donations.models import Fund
from donations.moves import YearMoves
from projects import rendering
from projects.models import Page
from projects.rendering import PageLink, Picture
from projects.snapshots import searchable


@dataclass(frozen=True)
class Box:
    """A fund's public figures on a day.

    `similar` are pages like this one that still need money, where this one does not; `moves` is what
    has moved in the year, and `earlier` in the years before. All three are for the page's own box.
    """

    collection_number: str
    year: str
    figures: queries.Figures
    clause: str
    channels: list[str] = field(default_factory=list)
    similar: list["Listed"] = field(default_factory=list)
    moves: YearMoves | None = None
    earlier: list[YearMoves] = field(default_factory=list)

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
    def has_reallocations(self) -> bool:
        """Whether money has gone to or come from another fund, this year or before."""
        known = [self.moves, *self.earlier]
        return any(year.into or year.out for year in known if year)

    @property
    def updated_from(self) -> str:
        """What the figures rest on: the books up to the newest day that has anything in them."""
        day = self.figures.newest_day
        return f"det som är bokfört till och med den {long_date(day)}" if day else ""


@dataclass(frozen=True)
class Closed:
    """A fund that takes no more gifts, as its page tells of it: the figures of the year it was closed in.

    `heir` has taken over, if anybody has; `moves` is what has moved in each of the page's years, the newest first.
    """

    collection_number: str
    closed_on: datetime.date
    year: str
    figures: queries.Figures
    heir: moves.Other | None
    moves: list[YearMoves]

    @property
    def has_reallocations(self) -> bool:
        """Whether money has gone to or come from another fund in any year."""
        return any(year.into or year.out for year in self.moves)


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


def with_moves(box: Box, page_id: int) -> Box:
    """The page's own box, with what has moved into and out of it."""
    found = moves.of_page(page_id, box.figures.day)
    current = [
        m for m in found if (m.year, m.collection_number) == (box.year, box.collection_number)
    ]
    earlier = [m for m in found if m not in current]
    return replace(box, moves=current[0] if current else None, earlier=earlier)


def closed(page_id: int) -> Closed | None:
    """The project page's fund that was closed last, if any, as it stands today in the year it was closed."""
    today = timezone.localdate()
    of_page = Fund.objects.filter(project=page_id, closed_on__lt=today)
    fund = of_page.select_related("successor").order_by("-closed_on", "-pk").first()
    if fund is None or fund.closed_on is None:
        return None
    last = fund.years.filter(year__starts_on__lte=fund.closed_on).order_by("-year__starts_on")
    fund_year = last.select_related("year").first()
    figures = queries.figures([fund_year], today)[fund_year.pk] if fund_year else None
    heir = queries.heir(fund, today)
    return Closed(
        collection_number=fund.collection_number,
        closed_on=fund.closed_on,
        year=fund_year.year.name if fund_year else "",
        figures=figures or queries.Figures(today),
        heir=moves.others([heir])[heir.pk] if heir else None,
        moves=moves.of_page(page_id, today),
    )


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
