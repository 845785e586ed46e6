"""The needs of a year from a sheet: what each row would change, what is wrong, and what is missing.

`plan` tells it, `carry_out` does just that, all of it or nothing.
"""

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.days import long_date
from donations.getting_started import read_day
from donations.models import CollectionYear, Fund, FundYear, Need
from donations.money import format_kronor
from donations.operations import OperationError
from donations.sheets import Row, Sheet, SheetError
from staff.models import User

HEADINGS = {
    "number": ("Insamlingsnummer", "Nummer", "Nr"),
    "need": ("Insamlingsbehov", "Behov"),
    "reason": ("Skäl", "Beslut"),
    "day": ("Bestämt den", "Beslutat den", "Dag", "Datum"),
}
REQUIRED = ("number", "need")
LONGEST_REASON = Need._meta.get_field("reason").max_length or 0


@dataclass(frozen=True)
class Standing:
    """A fund as the sheet finds it: its need for the year now, and the year before's. Öre."""

    fund: Fund
    need: int | None = None
    decided_on: datetime.date | None = None
    last_need: int | None = None

    @property
    def before(self) -> int | None:
        """What a new need is held against: the year's own, otherwise last year's."""
        return self.last_need if self.need is None else self.need


@dataclass(frozen=True)
class Line:
    """A row, and what it would change."""

    row: int
    number: str
    standing: Standing | None = None
    need_ore: int | None = None
    reason: str = ""
    day: datetime.date | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_unchanged(self) -> bool:
        return bool(self.standing and self.need_ore == self.standing.need)


@dataclass(frozen=True)
class Plan:
    """What a whole sheet would change in the year's needs."""

    year: CollectionYear
    lines: tuple[Line, ...]
    lacking: tuple[Standing, ...]
    problems: tuple[str, ...] = ()

    @property
    def faulty(self) -> list[Line]:
        return [line for line in self.lines if line.problems]

    @property
    def changes(self) -> list[Line]:
        """The rows that say something new."""
        return [line for line in self.lines if not line.is_unchanged and not line.problems]

    @property
    def is_sound(self) -> bool:
        return not (self.problems or self.faulty) and bool(self.changes)

    @property
    def need_ore(self) -> int:
        return sum(line.need_ore or 0 for line in self.lines)

    @property
    def fingerprint(self) -> str:
        """Another when anything that a person has been shown is another."""
        shown = repr((self.year.pk, self.lines, self.lacking, self.problems))
        return hashlib.sha256(shown.encode()).hexdigest()


def standings(year: CollectionYear, today: datetime.date) -> dict[str, Standing]:
    """Every fund by its number, with its needs as they are today. Four queries."""
    last = CollectionYear.objects.filter(ends_on__lt=year.starts_on).last()
    funds = Fund.objects.select_related("project__focus_area", "focus_area")
    needs, last_needs = _needs(year, today), _needs(last, today) if last else {}
    found = {}
    for fund in funds:
        need, before = needs.get(fund.pk), last_needs.get(fund.pk)
        found[fund.collection_number] = Standing(
            fund=fund,
            need=need.amount_ore if need else None,
            decided_on=need.decided_on if need else None,
            last_need=before.amount_ore if before else None,
        )
    return found


def _needs(year: CollectionYear, today: datetime.date) -> dict[int, Need]:
    """The needs in force for a year, by the fund's id."""
    funds = dict(FundYear.objects.filter(year=year).values_list("pk", "fund_id"))
    return {funds[pk]: need for pk, need in queries.needs_in_force(funds, today).items()}


def expected(year: CollectionYear, standing: Standing) -> bool:
    """Whether the fund is one whose need somebody decides for the year."""
    fund = standing.fund
    is_open = fund.closed_on is None or fund.closed_on >= year.starts_on
    return is_open and not fund.focus_area_id and fund.opened_on <= year.ends_on


def plan(
    sheet: Sheet, year: CollectionYear, there: Mapping[str, Standing], today: datetime.date
) -> Plan:
    """What the sheet would change. Reads nothing and writes nothing."""
    problems = []
    if hasattr(year, "closing"):
        problems.append(_("Insamlingsåret %s är stängt. Behoven kan inte ändras.") % year)
    if not sheet.rows:
        problems.append(_("Arket har inga rader under rubrikerna."))
    lines: list[Line] = []
    first: dict[str, int] = {}
    for row in sheet.rows:
        line = _line(row, year, there, today)
        if line.number and first.setdefault(line.number, line.row) != line.row:
            same = _("Samma nummer som på rad %s.") % first[line.number]
            line = replace(line, problems=(*line.problems, same))
        lines.append(line)
    named = {line.number for line in lines if line.need_ore is not None}
    lacking = tuple(
        standing
        for number, standing in there.items()
        if number not in named and expected(year, standing)
    )
    return Plan(year, tuple(lines), lacking, tuple(problems))


def _line(
    row: Row, year: CollectionYear, there: Mapping[str, Standing], today: datetime.date
) -> Line:
    number = "".join(row["number"].split())
    standing = there.get(number)
    problems: list[str] = []
    need, day = _need(row, problems), _day(row, today, problems)
    if standing is None:
        problems.append(
            _("Det finns ingen insamling med numret %s.") % number[:30]
            if number
            else _("Insamlingsnumret saknas.")
        )
    else:
        problems += _unfit(standing, year, need, day)
    if len(row["reason"]) > LONGEST_REASON:
        problems.append(_("Skälet är för långt: högst %s tecken går.") % LONGEST_REASON)
    return Line(
        row=row.number,
        number=number[:30],
        standing=standing,
        need_ore=need,
        reason=row["reason"],
        day=day,
        problems=tuple(problems),
        warnings=tuple(_odd(standing, need)) if standing and need is not None else (),
    )


def _need(row: Row, problems: list[str]) -> int | None:
    if not row["need"]:
        problems.append(
            _("Behovet saknas. Skriv ett belopp, också om det är 0, eller ta bort raden.")
        )
        return None
    try:
        return row.kronor("need")
    except SheetError as error:
        problems.append(str(error))
        return None


def _day(row: Row, today: datetime.date, problems: list[str]) -> datetime.date | None:
    if not row["day"]:
        return None
    day = read_day(row["day"])
    if day is None:
        problems.append(
            _("”%s” är ingen dag. Skriv år-månad-dag, till exempel 2026-06-30.") % row["day"][:40]
        )
    elif day > today:
        problems.append(_("Dagen %s ligger i framtiden.") % long_date(day))
    return day


def _unfit(
    standing: Standing, year: CollectionYear, need: int | None, day: datetime.date | None
) -> Iterable[str]:
    fund = standing.fund
    if fund.closed_on and fund.closed_on < year.starts_on:
        yield _("Insamlingen stängdes den %s, före insamlingsåret.") % long_date(fund.closed_on)
    if fund.opened_on > year.ends_on:
        yield _("Insamlingen öppnades den %s, efter insamlingsåret.") % long_date(fund.opened_on)
    if fund.focus_area_id and need:
        yield _("Insamlingen gäller hela fokusområdet. Dess behov är alltid 0 kr.")
    if day and need != standing.need:
        yield from _outdated(standing, day)


def _outdated(standing: Standing, day: datetime.date) -> Iterable[str]:
    """A need that is decided before the one in force would never be in force itself."""
    if standing.decided_on and day < standing.decided_on:
        yield _(
            "Insamling %(number)s har ett behov som är bestämt den %(day)s. Välj den dagen eller en senare."
        ) % {
            "number": standing.fund.collection_number,
            "day": long_date(standing.decided_on),
        }


def _odd(standing: Standing, need: int) -> Iterable[str]:
    fund, before = standing.fund, standing.before
    if fund.closed_on:
        yield _("Insamlingen är stängd sedan den %s.") % long_date(fund.closed_on)
    if before is not None and abs(need - before) * 2 > before:
        text = _("Ändras med mer än hälften: förra årets behov var %s.")
        if standing.need is not None:
            text = _("Ändras med mer än hälften: årets behov är nu %s.")
        yield text % format_kronor(before)


@transaction.atomic
def carry_out(plan: Plan, *, decided_on: datetime.date, reason: str, by: User) -> int:
    """Decide the needs that the plan changes, and tell how many. Raises `OperationError`.

    A row's own day and reason go before the given ones.
    """
    if not plan.is_sound:
        raise OperationError(_("Arket har fel som behöver rättas först."))
    by_fund = {}
    # Years are made in one order, and locked in one: two who write at once wait for each other.
    changes = [(line.standing, line) for line in plan.changes if line.standing]
    for standing, line in sorted(changes, key=lambda change: change[0].fund.pk):
        for complaint in _outdated(standing, line.day or decided_on):
            raise OperationError(complaint)
        fund_year = operations.fund_year(standing.fund, plan.year.starts_on, by)
        by_fund[fund_year.pk] = (fund_year, line)
    # In one order for everybody: two who decide at once wait for each other.
    for _pk, (fund_year, line) in sorted(by_fund.items()):
        operations.set_need(
            fund_year,
            line.need_ore or 0,
            decided_on=line.day or decided_on,
            reason=line.reason or reason,
            by=by,
        )
    return len(by_fund)
