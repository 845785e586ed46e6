"""What has moved between funds, and from year to year, as the public is told of it.

Read from the lines that have been approved, never from the gifts: it costs the same however many
those are. Net of reversals, as every figure is: what has been put back has not moved.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import queries
from donations.models import (
    CollectionYear,
    Fund,
    FundYear,
    ProposalLine,
    SurplusClause,
    Transfer,
)
from projects import rendering
from projects.rendering import PageLink


@dataclass(frozen=True)
class Other:
    """The fund at the other end of a move. `url` is empty while its page is not published."""

    collection_number: str
    title: str
    url: str


@dataclass(frozen=True)
class Part:
    """An amount in öre that has gone to, or come from, another fund."""

    ore: int
    other: Other


@dataclass(frozen=True)
class YearMoves:
    """What has moved into and out of one fund year: the funds it came from and went to, the largest first."""

    year: str
    collection_number: str
    year_before: str = ""
    year_after: str = ""
    into: list[Part] = field(default_factory=list)
    out: list[Part] = field(default_factory=list)
    carried_in: int = 0
    carried_out: int = 0

    @property
    def total_in(self) -> int:
        """Öre that have come here from other funds and from the year before."""
        return sum(part.ore for part in self.into) + self.carried_in

    @property
    def total_out(self) -> int:
        """Öre that have gone to other funds and to the year after."""
        return sum(part.ore for part in self.out) + self.carried_out

    @property
    def moved_out(self) -> int:
        return sum(part.ore for part in self.out)

    @property
    def is_any(self) -> bool:
        return bool(self.into or self.out or self.carried_in or self.carried_out)


def moved(
    fund_years: Iterable[FundYear],
    figures: Mapping[int, queries.Figures],
    day: datetime.date,
    links: Mapping[int, PageLink] | None = None,
    years: Iterable[CollectionYear] | None = None,
) -> dict[int, YearMoves]:
    """What has moved by the end of `day` for each fund year, by its id, given its figures that day.

    Select `year` and `fund` with the fund years. As many queries however many they are; fewer when the
    caller has what can be named: the published pages by their ids, and every year.
    """
    fund_years = list(fund_years)
    ids = {fund_year.pk for fund_year in fund_years}
    lines = list(
        _moved_lines()
        .filter(Q(source__in=ids) | Q(receiver__in=ids), booked_on__lte=day)
        .filter(Q(reversed_on=None) | Q(reversed_on__gt=day))
    )
    others = _others(lines, links)
    into: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    out: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        into[line.receiver_id][line.source.fund_id] += line.approved_ore or 0
        out[line.source_id][line.receiver.fund_id] += line.approved_ore or 0

    def parts(amounts: dict[int, int]) -> list[Part]:
        found = [Part(ore, others[fund_id]) for fund_id, ore in amounts.items()]
        return sorted(found, key=lambda part: (-part.ore, part.other.collection_number))

    years = CollectionYear.objects.all() if years is None else years
    names = [year.name for year in sorted(years, key=lambda year: year.starts_on)]
    beside = {
        name: (before, after)
        for before, name, after in zip(["", *names], names, [*names[1:], ""], strict=False)
    }
    return {
        fund_year.pk: YearMoves(
            fund_year.year.name,
            fund_year.fund.collection_number,
            *beside[fund_year.year.name],
            into=parts(into[fund_year.pk]),
            out=parts(out[fund_year.pk]),
            carried_in=figures[fund_year.pk].carried_in,
            carried_out=figures[fund_year.pk].carried_out,
        )
        for fund_year in fund_years
    }


def of_page(page_id: int, day: datetime.date) -> list[YearMoves]:
    """What has moved by the end of `day` in each year of the page's funds, the newest first; only where any has."""
    fund_years = list(
        FundYear.objects.filter(
            Q(fund__project_id=page_id) | Q(fund__focus_area_id=page_id), year__starts_on__lte=day
        )
        .select_related("year", "fund")
        .order_by("-year__starts_on", "-fund__opened_on", "-fund_id")
    )
    found = moved(fund_years, queries.figures(fund_years, day), day)
    return [moves for moves in found.values() if moves.is_any]


@dataclass(frozen=True)
class Reallocation:
    """One approved line that has been posted, with everything that anyone may know of it."""

    booked_on: datetime.date
    year: str
    area: str
    hue: str
    source: Other
    receiver: Other
    ore: int
    reason: str
    line_reason: str
    clauses: list[SurplusClause]
    reversed_on: datetime.date | None
    # Where it moves back what was moved in a year since closed: the day of that.
    corrects_on: datetime.date | None
    # What has been moved back of it, after its year was closed: öre and days.
    back: list[tuple[int, datetime.date]]


def reallocations(year: str = "", area_id: int | None = None) -> QuerySet[Any]:
    """Every line that has been posted, reversed or not, the newest first; of a year or an area, if given."""
    lines = _moved_lines().select_related("proposal__year", "proposal__focus_area")
    if year:
        lines = lines.filter(proposal__year__name=year)
    if area_id is not None:
        lines = lines.filter(proposal__focus_area=area_id)
    return lines.order_by("-booked_on", "-proposal_id", "position", "id")


def told(lines: Iterable[Any]) -> list[Reallocation]:
    """The lines (of `reallocations`) as anyone may read them, in their order, in a few queries."""
    lines = list(lines)
    others = _others(lines)
    areas = _links({line.proposal.focus_area_id for line in lines})
    clauses = list(
        SurplusClause.objects.filter(
            focus_area__in={line.proposal.focus_area_id for line in lines}
        ).order_by("valid_from")
    )
    back = defaultdict(list)
    for one in _moved_lines().filter(corrects__line__in=lines, reversed_on=None):
        back[one.corrects.line_id].append((one.approved_ore or 0, one.booked_on))
    found = []
    for line in lines:
        proposal = line.proposal
        link = areas.get(proposal.focus_area_id)
        found.append(
            Reallocation(
                booked_on=line.booked_on,
                year=proposal.year.name,
                area=link.title if link else proposal.focus_area.title,
                hue=link.hue if link else "",
                source=others[line.source.fund_id],
                receiver=others[line.receiver.fund_id],
                ore=line.approved_ore or 0,
                reason=proposal.reason,
                line_reason=line.reason,
                clauses=in_force(
                    [c for c in clauses if c.focus_area_id == proposal.focus_area_id],
                    proposal.year.starts_on,
                    line.booked_on,
                ),
                reversed_on=line.reversed_on,
                corrects_on=line.corrects.booked_on if line.corrects else None,
                back=back[line.pk],
            )
        )
    return found


def _moved_lines() -> QuerySet[Any]:
    """Lines whose money has moved, with `booked_on` and, where it has been put back, `reversed_on`."""
    # Each line's own by a unique index. Joined, PostgreSQL takes every transfer for some line's.
    posted = Transfer.objects.order_by().filter(line=OuterRef("pk")).values("booked_on")
    put_back = Transfer.objects.order_by().filter(reverses__line=OuterRef("pk"))
    return (
        ProposalLine.objects.filter(approved_ore__gt=0)
        .annotate(booked_on=Subquery(posted), reversed_on=Subquery(put_back.values("booked_on")))
        .filter(booked_on__isnull=False)
        .select_related(
            "corrects",
            *("source__fund__project", "source__fund__focus_area"),
            *("receiver__fund__project", "receiver__fund__focus_area"),
        )
        .order_by("pk")
    )


def in_force(
    clauses: list[SurplusClause], first: datetime.date, last: datetime.date
) -> list[SurplusClause]:
    """Those of an area's clauses, oldest first, that were in force on some day from `first` to `last`."""
    succeeded = [*(clause.valid_from for clause in clauses[1:]), datetime.date.max]
    return [
        clause
        for clause, until in zip(clauses, succeeded, strict=False)
        if clause.valid_from <= last and until > first
    ]


def _others(
    lines: Iterable[ProposalLine], links: Mapping[int, PageLink] | None = None
) -> dict[int, Other]:
    """Both funds of each line, by the fund's id."""
    return others((side.fund for line in lines for side in (line.source, line.receiver)), links)


def others(funds: Iterable[Fund], links: Mapping[int, PageLink] | None = None) -> dict[int, Other]:
    """Each fund as the public knows it, by its id: by its published page, else by its name alone."""
    by_id = {fund.pk: fund for fund in funds}
    if links is None:
        links = _links({fund.page.pk for fund in by_id.values()})
    return {
        pk: Other(
            fund.collection_number,
            # The name of a page that is not published may be a draft: the number is known.
            links[fund.page.pk].title
            if fund.page.pk in links
            else _("insamling %s") % fund.collection_number,
            links[fund.page.pk].url if fund.page.pk in links else "",
        )
        for pk, fund in by_id.items()
    }


def _links(page_ids: set[int]) -> dict[int, PageLink]:
    return {link.pk: link for link in rendering.published_links(page_ids, timezone.now())}
