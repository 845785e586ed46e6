"""A fund year's figures as they are shown: those that matter first, and the account they follow from."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from donations.days import long_date
from donations.models import FundYear
from donations.money import format_kronor
from donations.queries import Figures

# How many years stand side by side.
MOST_YEARS = 6


@dataclass(frozen=True)
class Line:
    """One figure as it is shown: what it is called, its öre (None: said by `unknown`), and what it means."""

    label: str
    ore: int | None
    note: str = ""
    is_minor: bool = False
    is_sum: bool = False
    unknown: str = "okänt"


def first(shown: Figures, *, is_today: bool) -> list[Line]:
    """The figures that are asked for most."""
    decided = shown.need_decided_on
    return [
        Line(
            _("Kvar att samla in"),
            shown.remaining,
            _covered(shown),
        ),
        Line(_("Insamlat"), shown.collected),
        Line(
            _("Behov"),
            shown.need,
            _("bestämt den %s") % long_date(decided) if decided else "",
            unknown=_("inte bestämt"),
        ),
        Line(
            _("Överskott"),
            shown.surplus,
            _("%s går att flytta i dag") % format_kronor(shown.movable)
            if is_today and shown.surplus
            else "",
        ),
        Line(
            _("I kassan"),
            shown.cash,
            _("%s är utbetalt") % format_kronor(shown.disbursed) if shown.disbursed else "",
        ),
    ]


def _covered(shown: Figures) -> str:
    """How much of the need is met; a fund that needs nothing of its own has no share to tell of."""
    if shown.need == 0:
        return _("insamlingen har inget eget behov")
    if shown.percent is None:
        return ""
    if not shown.remaining:
        return _("hela behovet är täckt")
    return _("%s\xa0%% av behovet är täckt") % shown.percent


def blocks(shown: Figures, *, is_today: bool) -> list[tuple[str, list[Line]]]:
    """Every figure in the order in which they follow from each other, with headings.

    What can be moved is known for today alone.
    """
    decided = shown.need_decided_on
    found = [
        (
            _("Insamlat"),
            [
                Line(_("Ingående belopp"), shown.opening, is_minor=True),
                Line(_("Gåvor"), shown.gifts, is_minor=True),
                Line(_("Gåvor som har placerats här"), shown.placements, is_minor=True),
                Line(_("Återbetalt till givare"), -shown.refunds, is_minor=True),
                Line(_("Insamlat"), shown.collected, is_sum=True),
            ],
        ),
        (
            _("Kvar att samla in"),
            [
                Line(_("Insamlat"), shown.collected, is_minor=True),
                Line(_("Överfört från förra året"), shown.carried_in, is_minor=True),
                Line(_("Överfört till nästa år"), -shown.carried_out, is_minor=True),
                Line(_("Omfördelat hit"), shown.moved_in, is_minor=True),
                Line(_("Omfördelat härifrån"), -shown.moved_out, is_minor=True),
                Line(_("Tillgängligt"), shown.available),
                Line(
                    _("Behov"),
                    shown.need,
                    _("Bestämt den %s.") % long_date(decided) if decided else "",
                    unknown=_("inte bestämt"),
                ),
                Line(_("Kvar att samla in"), shown.remaining, is_sum=True),
                Line(_("Överskott"), shown.surplus, is_sum=True),
            ],
        ),
        (
            _("Kassa"),
            [
                Line(_("Tillgängligt"), shown.available, is_minor=True),
                Line(_("Utbetalt till partner"), -shown.disbursed, is_minor=True),
                Line(_("I kassan"), shown.cash, is_sum=True),
            ],
        ),
    ]
    if is_today:
        found.append((_("Går att flytta i dag"), _movable(shown)))
    return found


def _movable(shown: Figures) -> list[Line]:
    return [
        Line(_("Överskott"), shown.surplus, is_minor=True),
        Line(_("I kassan"), shown.cash, is_minor=True),
        Line(
            _("Omfattas av villkor eller givarens ja"),
            shown.covered,
            _("Bara det får lämna insamlingen. Det minsta av de tre avgör."),
            is_minor=True,
        ),
        Line(_("Väntar på beslut"), -shown.pending, is_minor=True),
        Line(_("Går att flytta i dag"), shown.movable, is_sum=True),
    ]


@dataclass(frozen=True)
class SideBySide:
    """A column for each year, newest first, and a group of rows for each part of the account.

    Each row is its label, whether it is a sum, and its öre for each year. `later` and `earlier` name
    the year that the columns beside these begin with, if there are more years.
    """

    years: list[FundYear]
    groups: list[tuple[str, list[tuple[Line, list[tuple[FundYear, int | None]]]]]]
    later: str
    earlier: str


def columns(fund_years: Sequence[FundYear], begin: str) -> tuple[list[FundYear], str, str]:
    """The years to show from the one named `begin` (else the newest), and how those beside them begin."""
    names = [fund_year.year.name for fund_year in fund_years]
    at = names.index(begin) if begin in names else 0
    later = names[max(0, at - MOST_YEARS)] if at else ""
    earlier = names[at + MOST_YEARS] if at + MOST_YEARS < len(names) else ""
    return list(fund_years[at : at + MOST_YEARS]), later, earlier


def side_by_side(
    fund_years: Sequence[FundYear],
    found: Mapping[int, Figures],
    *,
    is_today: bool,
    later: str = "",
    earlier: str = "",
) -> SideBySide:
    """The same account for each of the years, with no figure twice."""
    accounts = [blocks(found[one.pk], is_today=is_today) for one in fund_years]
    groups, told = [], set()
    for parts in zip(*accounts, strict=True):
        rows = []
        for of_years in zip(*(lines for _heading, lines in parts), strict=True):
            if of_years[0].label not in told:
                told.add(of_years[0].label)
                values = zip(fund_years, (line.ore for line in of_years), strict=True)
                rows.append((of_years[0], list(values)))
        groups.append((parts[0][0], rows))
    return SideBySide(list(fund_years), groups, later, earlier)


def is_final(day: datetime.date, locked_through: datetime.date | None) -> bool:
    """Whether what the figures of the day lean on can no longer change."""
    return locked_through is not None and day <= locked_through
