"""Where surplus is, why some of it cannot be moved, and which funds it could go to."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_countries import countries

from donations import allocation, queries
from donations.allocation import Neighbour, Source
from donations.models import Fund, FundYear
from donations.money import format_kronor
from donations.queries import Figures
from projects.models import Organisation, Project, Version


@dataclass(frozen=True)
class Surplus:
    """A fund year that has a surplus, or would have one if its need were known, and what holds it back."""

    fund_year: FundYear
    figures: Figures

    @property
    def obstacles(self) -> list[str]:
        """Why not the whole surplus can be moved today, a Swedish sentence for each reason."""
        figures = self.figures
        if figures.surplus is None:
            return [
                _("Årets insamlingsbehov är inte bestämt. Då går det inte att räkna överskott.")
            ]
        found = []
        if figures.covered < figures.surplus:
            covered = format_kronor(max(0, figures.covered))
            found.append(
                _("Överskottsvillkoret omfattar bara %s.") % covered
                if figures.covered > 0
                else _("Inget överskottsvillkor gällde när gåvorna gavs.")
            )
        if figures.cash < figures.surplus:
            cash = format_kronor(max(0, figures.cash))
            found.append(
                _("Bara %s är kvar. Resten är utbetalt.") % cash
                if figures.cash > 0
                else _("Allt är redan utbetalt.")
            )
        if figures.pending:
            held = format_kronor(figures.pending)
            found.append(_("%s hålls av förslag som väntar på beslut.") % held)
        return found


def surpluses(day: datetime.date) -> list[Surplus]:
    """Fund years of the years that are not closed with something to spare on `day`, most movable first.

    Also those whose need is unknown, when something has come in.
    """
    fund_years = list(_fund_years().filter(year__closing=None, year__starts_on__lte=day))
    figures = queries.figures_today(fund_years, day)
    found = [
        Surplus(fund_year, shown)
        for fund_year in fund_years
        if (shown := figures[fund_year.pk]).surplus
        or (shown.surplus is None and shown.available > 0)
    ]
    found.sort(key=lambda row: row.fund_year.fund.collection_number)
    return sorted(found, key=lambda row: -row.figures.movable)


@dataclass(frozen=True)
class Candidate:
    """A fund year that could receive: what it still needs (öre), and in words why it is suggested."""

    fund_year: FundYear
    remaining_ore: int
    reason: str

    @property
    def key(self) -> str:
        return self.fund_year.fund.collection_number


def candidates(source: FundYear, day: datetime.date) -> list[Candidate]:
    """Who could receive a surplus of `source` on `day`, best first.

    Funds of its focus area and year that still need money when proposals that wait have had theirs.
    """
    others = list(
        _fund_years()
        .filter(focus_area=source.focus_area_id, year=source.year_id)
        .exclude(pk=source.pk)
        .exclude(fund__closed_on__lt=day)
    )
    left = remaining(others, day)
    facts = _facts([source.fund, *(other.fund for other in others)])
    by_key = {other.fund.collection_number: other for other in others}
    own = facts.get(source.fund.project_id or 0, _Facts())
    numbers = {other.fund.project_id: key for key, other in by_key.items()}
    ranked = allocation.rank(
        Source(
            source.fund.collection_number,
            tuple(numbers[pk] for pk in own.similar if pk in numbers),
            own.countries,
            own.partners,
        ),
        (
            Neighbour(key, left[other.pk], about.countries, about.partners)
            for key, other in by_key.items()
            for about in [facts.get(other.fund.project_id or 0, _Facts())]
        ),
    )
    partners = Organisation.objects.in_bulk(
        {partner for one in ranked for partner in one.reason.partners}
    )
    titles = {pk: partner.title for pk, partner in partners.items()}
    return [
        Candidate(by_key[one.key], one.remaining_ore, in_words(one.reason, titles))
        for one in ranked
    ]


def remaining(fund_years: Iterable[FundYear], day: datetime.date) -> dict[int, int | None]:
    """What each fund year still needs on `day` when proposals that wait have sent it theirs, by its id.

    Öre; None where the need is unknown.
    """
    fund_years = list(fund_years)
    figures = queries.figures(fund_years, day)
    coming = queries.pending(fund_year.pk for fund_year in fund_years)
    return {
        pk: None if shown.remaining is None else max(0, shown.remaining - coming[pk].into)
        for pk, shown in figures.items()
    }


def in_words(reason: allocation.Reason, partner_titles: dict[int, str]) -> str:
    """A reason as it is proposed to the person who shares a surplus, in Swedish; 300 letters at most."""
    words = [_("Utvald på projektets sida.")] if reason.picked else []
    if reason.countries:
        names = ", ".join(countries.name(code) or code for code in reason.countries)
        words.append(
            (_("Samma land: %s.") if len(reason.countries) == 1 else _("Samma länder: %s.")) % names
        )
    if reason.partners:
        words.append(
            _("Samma partner: %s.") % ", ".join(partner_titles[pk] for pk in reason.partners)
        )
    words.append(_("Kvar att samla in %s.") % format_kronor(reason.remaining_ore))
    text = " ".join(words)
    return text if len(text) <= 300 else text[:299] + "…"


@dataclass(frozen=True)
class _Facts:
    """What a project's page says that makes others alike; `similar` are projects' ids."""

    countries: frozenset[str] = frozenset()
    partners: frozenset[int] = frozenset()
    similar: tuple[int, ...] = ()


def _facts(funds: Iterable[Fund]) -> dict[int, _Facts]:
    """By project: what visitors read on its page, or else what its working copy says."""
    ids = {fund.project_id for fund in funds if fund.project_id}
    versions = Version.objects.filter(page_id__in=ids).published(timezone.now())
    found = {
        version.page_id: _Facts(
            frozenset(str(row.country) for row in version.countries.all()),
            frozenset(partner.pk for partner in version.partners.all()),
            tuple(project.pk for project in version.similar.all()),
        )
        for version in versions.prefetch_related("countries", "partners", "similar")
    }
    drafts = Project.objects.filter(pk__in=ids - found.keys())
    return found | {
        project.pk: _Facts(
            frozenset(str(country) for country in project.countries),
            frozenset(partner.pk for partner in project.partners.all()),
            tuple(other.pk for other in project.similar.all()),
        )
        for project in drafts.prefetch_related("partners", "similar")
    }


def _fund_years() -> QuerySet[FundYear]:
    """Fund years with what their names and pages are told by."""
    return FundYear.objects.select_related(
        "year", "focus_area", "fund__project", "fund__focus_area"
    )
