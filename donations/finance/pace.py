"""A fund's pace as a small picture, with its numbers in words."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from donations.money import format_kronor
from donations.reports.remaining import Row

WIDTH = 100


@dataclass(frozen=True)
class Picture:
    """Where things lie in a picture `WIDTH` wide, from 0 öre at its left.

    `collected` and then `beyond` (what came from other years and funds) are the bar, `need` is the
    length that is to be filled, `line` the mark of an even pace and `last_year` the bar below.
    """

    collected: int
    beyond: int
    need: int
    line: int | None
    last_year: int


def picture(row: Row) -> Picture | None:
    """The picture of a row; None when there is nothing to draw."""
    shown = row.figures
    need, last_year = shown.need or 0, max(0, row.last_year or 0)
    available = max(0, shown.available)
    whole = max(need, available, last_year)
    if not whole:
        return None

    def at(ore: int) -> int:
        return round(ore * WIDTH / whole)

    collected = at(min(available, max(0, shown.collected)))
    return Picture(
        collected=collected,
        beyond=at(available) - collected,
        need=at(need),
        line=None if row.line is None else at(row.line),
        last_year=at(last_year),
    )


def told(row: Row) -> str:
    """The picture in words, with every number in it."""
    return f"{_line(row)} {_last_year(row)}"


def _line(row: Row) -> str:
    shown = row.figures
    if shown.need is None:
        return _("Behovet är inte bestämt, så det finns ingen takt att hålla.")
    if not shown.need:
        return _("Insamlingen har inget eget behov, så det finns ingen takt att hålla.")
    if row.line is None or row.beside_line is None:
        return _("Insamlingsåret har inte börjat.")
    return _("Tillgängligt %(available)s. I jämn takt %(line)s, alltså %(beside)s.") % {
        "available": format_kronor(shown.available),
        "line": format_kronor(row.line),
        "beside": _more(row.beside_line, _("före"), _("efter"), _("precis i takt")),
    }


def _last_year(row: Row) -> str:
    if row.last_year is None or row.beside_last_year is None:
        return _("Det finns inget år före att jämföra med.")
    return _("Insamlat %(now)s. Samma dag året före %(then)s, alltså %(beside)s.") % {
        "now": format_kronor(row.figures.collected),
        "then": format_kronor(row.last_year),
        "beside": _more(row.beside_last_year, _("mer nu"), _("mindre nu"), _("lika mycket")),
    }


def _more(ore: int, over: str, under: str, same: str) -> str:
    return f"{format_kronor(abs(ore))} {over if ore > 0 else under}" if ore else same
