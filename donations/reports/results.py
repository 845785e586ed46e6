"""The summary of results: what a focus area's projects have achieved in a year, beside the money.

Achievements come from the pages' versions in force, with everything that decides what visitors see;
figures from the daily totals, as everywhere.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from donations import moves, queries
from donations.models import CollectionYear, FundYear
from donations.models.periods import is_final
from donations.moves import YearMoves
from donations.queries import Figures, Total
from donations.reports.spans import Belongs, belongs
from projects import rendering
from projects.models import Contact, Page, Version
from projects.rendering import PageLink, swedish_order


@dataclass(frozen=True)
class Achieved:
    """An achievement, and how its period lies to the year."""

    number: str
    period: str
    text: str
    belongs: Belongs

    @property
    def is_told(self) -> bool:
        """Whether the year's summary tells of it."""
        return self.belongs in (Belongs.WITHIN, Belongs.ACROSS)


@dataclass(frozen=True)
class Money:
    """A fund in the year, and what has moved into it and out of it. `is_for_area`: for the area as a whole."""

    page_id: int
    collection_number: str
    is_for_area: bool
    figures: Figures
    moves: YearMoves


@dataclass(frozen=True)
class Chapter:
    """A published page: what it tells of the year and what it leaves out, and its funds."""

    page: PageLink
    achieved: list[Achieved]
    left_out: list[Achieved]
    money: list[Money]

    @property
    def is_told(self) -> bool:
        return bool(self.achieved or self.money)


@dataclass(frozen=True)
class Results:
    """A focus area in a year, with the figures at the end of `day`.

    `area` is the area's own chapter. `hidden` are the funds whose project has no published page: they
    have no chapter, and stand in the sums. `silent` are the chapters that nothing of the year is told
    in: what they leave out is for the editor to see.
    """

    year: CollectionYear
    day: datetime.date
    is_final: bool
    is_closed: bool
    area: Chapter
    projects: list[Chapter]
    silent: list[Chapter]
    hidden: list[Money]
    contact: Contact | None

    @property
    def chapters(self) -> list[Chapter]:
        """Those that tell of something, the area's own first where it has achieved anything, else last."""
        if not self.area.is_told:
            return self.projects
        return [self.area, *self.projects] if self.area.achieved else [*self.projects, self.area]

    @property
    def money(self) -> list[Money]:
        """Every fund of the area in the year, in the order of the chapters."""
        return [*(one for chapter in self.chapters for one in chapter.money), *self.hidden]

    @property
    def total(self) -> Total:
        return queries.total(one.figures for one in self.money)

    @property
    def is_over(self) -> bool:
        """Whether the year had ended by the day of the figures."""
        return self.day >= self.year.ends_on

    @property
    def lacking(self) -> list[Chapter]:
        """Projects with a fund in the year that tell of no result."""
        return [chapter for chapter in self.projects if not chapter.achieved]


def areas() -> list[PageLink]:
    """The published focus areas, by title."""
    now = timezone.now()
    versions = rendering.published().published(now).filter(page__kind=Page.Kind.FOCUS_AREA)
    return sorted(rendering.links(versions, now), key=_by_title)


def years() -> list[CollectionYear]:
    """Every collection year, the newest first, with its closing where it is closed."""
    return list(CollectionYear.objects.select_related("closing").order_by("-starts_on"))


def results(
    slug: str, year: CollectionYear, all_years: list[CollectionYear], day: datetime.date
) -> Results | None:
    """The results of the published focus area with that address in the year; None when there is none.

    `year` is one of `all_years` (see `years`). A project counts in the area that its fund's year belongs
    to, and one without a fund in the year in the area that its page stands in.
    """
    now = timezone.now()
    here = Version.objects.filter(focus_area__slug=slug).published(now).values("page_id")
    found = FundYear.objects.filter(
        Q(focus_area__slug=slug) | Q(fund__project__in=here), year=year
    ).select_related("year", "focus_area", "fund__project", "fund__focus_area")
    fund_years = [one for one in found if one.focus_area.slug == slug]
    with_money = {one.fund.page.pk for one in fund_years}
    elsewhere = {one.fund.page.pk for one in found} - with_money
    versions = [one for one in _versions(slug, with_money, now) if one.page_id not in elsewhere]
    area = next((one for one in versions if one.page.kind == Page.Kind.FOCUS_AREA), None)
    if area is None:
        return None
    links = {link.pk: link for link in rendering.links(versions, now)}
    money = _money(fund_years, day, links, all_years)
    told = {
        version.page_id: _chapter(version, links, money, year, all_years) for version in versions
    }
    own = told.pop(area.page_id)
    projects = sorted(told.values(), key=lambda chapter: _by_title(chapter.page))
    return Results(
        year=year,
        day=day,
        is_final=is_final(day),
        is_closed=hasattr(year, "closing"),
        area=own,
        projects=[chapter for chapter in projects if chapter.is_told],
        silent=[chapter for chapter in projects if not chapter.is_told],
        hidden=[one for page_id in money if page_id not in links for one in money[page_id]],
        contact=area.contact,
    )


def _versions(slug: str, page_ids: Iterable[int], at: datetime.datetime) -> list[Version]:
    """The area's own version in force, those of the projects in it, and those of the given pages."""
    is_area = Q(page__kind=Page.Kind.FOCUS_AREA, page__slug=slug)
    is_project = Q(page__kind=Page.Kind.PROJECT)
    is_here = Q(focus_area__slug=slug) | Q(page__in=set(page_ids))
    versions = rendering.published().select_related("page", "contact").published(at)
    return list(versions.filter(is_area | (is_project & is_here)))


def _money(
    fund_years: list[FundYear],
    day: datetime.date,
    links: dict[int, PageLink],
    all_years: list[CollectionYear],
) -> dict[int, list[Money]]:
    """Each page's funds in the year by number, by the page's id."""
    figures = queries.figures(fund_years, day)
    moved = moves.moved(fund_years, figures, day, links, all_years)
    money = defaultdict(list)
    for one in sorted(fund_years, key=lambda one: one.fund.collection_number):
        money[one.fund.page.pk].append(
            Money(
                one.fund.page.pk,
                one.fund.collection_number,
                one.fund.focus_area_id is not None,
                figures[one.pk],
                moved[one.pk],
            )
        )
    return money


def _chapter(
    version: Version,
    links: dict[int, PageLink],
    money: dict[int, list[Money]],
    year: CollectionYear,
    all_years: list[CollectionYear],
) -> Chapter:
    achieved = [
        Achieved(**row, belongs=belongs(row["period"], year, all_years))
        for row in version.content["achievements"]
    ]
    told = [one for one in achieved if one.is_told]
    return Chapter(
        page=links[version.page_id],
        # What is of the year alone first, each in the editor's order.
        achieved=sorted(told, key=lambda one: one.belongs is Belongs.ACROSS),
        left_out=[one for one in achieved if not one.is_told],
        money=money.get(version.page_id, []),
    )


def _by_title(page: PageLink) -> tuple[str, int]:
    return swedish_order(page.title), page.pk
