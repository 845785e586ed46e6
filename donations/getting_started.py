"""Projects from a sheet: each row becomes a draft page with a fund, a need and an opening amount.

`plan` tells what each row would become and what is wrong with it; `carry_out` does just that, all of
it or nothing.
"""

import datetime
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from donations import operations
from donations.days import long_date
from donations.models import CollectionYear, Fund, SurplusClause
from donations.models.funds import validate_collection_number
from donations.ocr import ocr_forms
from donations.operations import OperationError
from donations.sheets import Row, Sheet, SheetError
from projects import publishing
from projects.copying import free_slug
from projects.models import Contact, FocusArea, Page, Project
from projects.snapshots import freeze
from projects.words import searchable
from staff import audit
from staff.models import User

HEADINGS = {
    "number": ("Insamlingsnummer", "Nummer", "Nr"),
    "title": ("Projekt", "Titel", "Rubrik", "Namn"),
    "area": ("Fokusområde", "Område"),
    "need": ("Insamlingsbehov", "Behov"),
    "contact": ("Kontaktperson", "Kontakt"),
    "opening": ("Ingående belopp", "Insamlat hittills", "Insamlat"),
    "day": ("Dag", "Till och med", "Per den", "Datum"),
}
REQUIRED = ("number", "title", "area")
EXAMPLE = ("47030", "Brunnar i Åre", "Vatten", "276 000", "Anna Ek", "120 500", "2026-06-30")

# Each row is a page with all that hangs on it: more of them would hold up everybody else who writes.
MOST_ROWS = 500

T = TypeVar("T", bound=Page | Contact)


@dataclass(frozen=True)
class Line:
    """A row, and what it would become. Amounts in öre; None where the sheet says nothing."""

    row: int
    number: str
    title: str
    area: str
    area_id: int | None = None
    project_id: int | None = None
    contact: str = ""
    contact_id: int | None = None
    need_ore: int | None = None
    opening_ore: int | None = None
    day: datetime.date | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a whole sheet would become, from `need_from` on, and what is wrong with the sheet as such."""

    year: CollectionYear
    need_from: datetime.date
    lines: tuple[Line, ...]
    problems: tuple[str, ...] = ()

    @property
    def faulty(self) -> list[Line]:
        return [line for line in self.lines if line.problems]

    @property
    def is_sound(self) -> bool:
        return not (self.problems or self.faulty)

    @property
    def new_areas(self) -> list[str]:
        """The focus areas that would be made, as the first row that names each has written it."""
        return _first_of_each(line.area for line in self.lines if line.area and not line.area_id)

    @property
    def new_contacts(self) -> list[str]:
        return _first_of_each(
            line.contact for line in self.lines if line.contact and not line.contact_id
        )

    @property
    def new_pages(self) -> int:
        return sum(line.project_id is None for line in self.lines)

    @property
    def need_ore(self) -> int:
        return sum(line.need_ore or 0 for line in self.lines)

    @property
    def opening_ore(self) -> int:
        return sum(line.opening_ore or 0 for line in self.lines)

    @property
    def fingerprint(self) -> str:
        """Another when anything that a person has been shown is another."""
        shown = repr((self.year.pk, self.need_from, self.lines, self.problems))
        return hashlib.sha256(shown.encode()).hexdigest()


def _first_of_each(names: Iterable[str]) -> list[str]:
    return list({searchable(name): name for name in reversed(list(names))}.values())[::-1]


@dataclass(frozen=True)
class Known:
    """What is there already, under how it is searched for; and the days that can be booked."""

    numbers: dict[str, str] = field(default_factory=dict)  # a number, and the page it belongs to
    areas: dict[str, list[FocusArea]] = field(default_factory=dict)
    projects: dict[str, list[Project]] = field(default_factory=dict)
    open_funds: dict[int, str] = field(default_factory=dict)  # a project's id, and its open number
    contacts: dict[str, list[Contact]] = field(default_factory=dict)  # by name, and by address
    with_clause: frozenset[int] = frozenset()  # focus areas where a surplus clause is in force
    first_open_day: datetime.date = datetime.date.min


def known(today: datetime.date) -> Known:
    """Everything that rows are held against, in six queries."""
    funds = list(Fund.objects.select_related("project__focus_area", "focus_area"))
    contacts = list(Contact.objects.order_by("pk"))
    return Known(
        numbers={fund.collection_number: str(fund.page) for fund in funds},
        areas=_by_words((area.title, area) for area in FocusArea.objects.order_by("pk")),
        projects=_by_words(
            (project.title, project)
            for project in Project.objects.select_related("focus_area").order_by("pk")
        ),
        open_funds={
            fund.project_id: fund.collection_number
            for fund in funds
            if fund.project_id and fund.closed_on is None
        },
        contacts=_by_words(
            (words, contact) for contact in contacts for words in (contact.name, contact.email)
        ),
        with_clause=frozenset(
            SurplusClause.objects.filter(valid_from__lte=today).values_list(
                "focus_area_id", flat=True
            )
        ),
        first_open_day=operations.first_open_day(),
    )


def _by_words(named: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for words, thing in named:
        if words:
            found[searchable(words)].append(thing)
    return found


def plan(sheet: Sheet, year: CollectionYear, there: Known, today: datetime.date) -> Plan:
    """What the sheet's rows would become in `year`. Reads nothing and writes nothing."""
    problems = []
    if not sheet.rows:
        problems.append(_("Arket har inga rader under rubrikerna."))
    if len(sheet.rows) > MOST_ROWS:
        problems.append(
            _("Arket har %(rows)s rader. Lägg upp högst %(most)s åt gången: dela upp arket.")
            % {"rows": len(sheet.rows), "most": MOST_ROWS}
        )
    if hasattr(year, "closing"):
        problems.append(_("Insamlingsåret %s är stängt.") % year)
    rows = sheet.rows[:MOST_ROWS]
    lines = [_Reading(row, year, there, today).line() for row in rows]
    return Plan(
        year=year,
        need_from=min(year.starts_on, today),
        lines=tuple(_among_themselves(lines, there.numbers)),
        problems=tuple(problems),
    )


class _Reading:
    """One row being read: what it says, what is wrong and what is only odd."""

    def __init__(self, row: Row, year: CollectionYear, there: Known, today: datetime.date) -> None:
        self.row, self.year, self.there, self.today = row, year, there, today
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def line(self) -> Line:
        area = self._area()
        project = self._project()
        contact = self._contact()
        if project and searchable(project.focus_area.title) != searchable(self.row["area"]):
            self._wrong(
                _("Projektet finns redan, i fokusområdet ”%s”. Skriv det, eller flytta projektet.")
                % project.focus_area
            )
        read = Line(
            row=self.row.number,
            number=self._number(),
            title=self.row["title"],
            area=self.row["area"],
            area_id=area.pk if area else None,
            project_id=project.pk if project else None,
            contact=self.row["contact"],
            contact_id=contact.pk if contact else None,
            need_ore=self._amount("need"),
            opening_ore=self._amount("opening") or None,
            day=self._day(),
        )
        self._weigh(read)
        return replace(read, problems=tuple(self.problems), warnings=tuple(self.warnings))

    def _weigh(self, read: Line) -> None:
        if (self.row["number"], self.row["title"]) == EXAMPLE[:2]:
            self._wrong(_("Raden är det exempel som stod i arket från början. Ta bort den."))
        if not self.row["need"]:
            self.warnings.append(
                _("Behovet saknas. Det står som inte bestämt tills någon bestämmer det.")
            )
        if read.opening_ore and not self.row["day"]:
            self._wrong(_("Det ingående beloppet saknar dag: till och med när är det räknat?"))
        if self.row["day"] and not self.row["opening"]:
            self.warnings.append(_("Dagen används inte: det står inget ingående belopp."))
        if read.area_id and read.area_id not in self.there.with_clause:
            self.warnings.append(
                _("Fokusområdet har inget överskottsvillkor: gåvorna kan inte omfördelas.")
            )

    def _wrong(self, text: str) -> None:
        self.problems.append(text)

    def _number(self) -> str:
        number = "".join(self.row["number"].split())
        try:
            validate_collection_number(number)
        except ValidationError as error:
            self._wrong(error.messages[0])
            return number[:30]
        if number in self.there.numbers:
            self._wrong(
                _("Numret %(number)s används redan av ”%(page)s”.")
                % {"number": number, "page": self.there.numbers[number]}
            )
        return number

    def _area(self) -> FocusArea | None:
        name = self.row["area"]
        if not name:
            self._wrong(_("Fokusområdet saknas."))
        self._check_length(name, _("Fokusområdets namn"), _longest(Page, "title"))
        return self._only(self.there.areas, name, _("Det finns flera fokusområden som heter ”%s”."))

    def _project(self) -> Project | None:
        title = self.row["title"]
        if not title:
            self._wrong(_("Projektets rubrik saknas."))
        self._check_length(title, _("Rubriken"), _longest(Page, "title"))
        project = self._only(
            self.there.projects, title, _("Det finns flera projekt som heter ”%s”.")
        )
        if project and project.pk in self.there.open_funds:
            self._wrong(
                _("Projektet finns redan och har en öppen insamling, %s.")
                % self.there.open_funds[project.pk]
            )
        return project

    def _contact(self) -> Contact | None:
        name = self.row["contact"]
        self._check_length(name, _("Kontaktpersonens namn"), _longest(Contact, "name"))
        several = _(
            "Det finns flera kontaktpersoner som heter ”%s”. Skriv e-postadressen i stället."
        )
        contact = self._only(self.there.contacts, name, several)
        if contact is None and "@" in name:
            self._wrong(
                _("Ingen kontaktperson har adressen ”%s”. Skriv namnet, så läggs personen upp.")
                % name
            )
        return contact

    def _only(self, by_words: dict[str, list[T]], name: str, several: str) -> T | None:
        found = by_words.get(searchable(name), []) if name else []
        if len(found) > 1:
            self._wrong(several % name)
        return found[0] if found else None

    def _check_length(self, text: str, what: str, most: int) -> None:
        if len(text) > most:
            self._wrong(
                _("%(what)s är för långt: %(length)s tecken, högst %(most)s går.")
                % {"what": what, "length": len(text), "most": most}
            )

    def _amount(self, meaning: str) -> int | None:
        if not self.row[meaning]:
            return None
        try:
            return self.row.kronor(meaning)
        except SheetError as error:
            self._wrong(str(error))
            return None

    def _day(self) -> datetime.date | None:
        text = self.row["day"]
        if not text:
            return None
        day = read_day(text)
        if day is None:
            self._wrong(
                _("”%s” är ingen dag. Skriv år-månad-dag, till exempel 2026-06-30.") % text[:40]
            )
        elif not self.year.starts_on <= day <= self.year.ends_on:
            self._wrong(
                _("Dagen %(day)s ligger utanför insamlingsåret %(year)s.")
                % {"day": long_date(day), "year": self.year}
            )
        elif day > self.today:
            self._wrong(_("Dagen %s ligger i framtiden.") % long_date(day))
        elif day < self.there.first_open_day:
            self._wrong(
                _("Dagen %(day)s ligger i en låst period. Den första öppna dagen är %(first)s.")
                % {"day": long_date(day), "first": long_date(self.there.first_open_day)}
            )
        return day


def _longest(model: type[Page | Contact], name: str) -> int:
    return getattr(model._meta.get_field(name), "max_length", None) or 0


def read_day(text: str) -> datetime.date | None:
    """The day that a cell says, written 2026-06-30; None when it says none."""
    found = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", text.strip())
    try:
        return datetime.date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _among_themselves(lines: list[Line], taken: Iterable[str]) -> Iterable[Line]:
    """The lines, each with what is wrong because of another one, or of a number that is taken."""
    confused = _confused({line.number for line in lines}, taken)
    first: dict[tuple[str, str], int] = {}  # the first row with a number, and with a title
    for line in lines:
        problems = list(line.problems)
        same_number = first.setdefault(("number", line.number), line.row)
        same_title = first.setdefault(("title", searchable(line.title)), line.row)
        if line.number and same_number != line.row:
            problems.append(_("Samma nummer som på rad %s.") % same_number)
        if line.title and same_title != line.row:
            problems.append(_("Samma projekt som på rad %s.") % same_title)
        if line.number in confused:
            problems.append(
                _("Numret kan förväxlas med OCR-numret för insamling %s. Välj ett annat.")
                % confused[line.number]
            )
        yield replace(line, problems=tuple(problems))


def _confused(numbers: set[str], taken: Iterable[str]) -> dict[str, str]:
    """Each of the numbers that can be read as another's OCR number, or the other way round; and whose."""
    all_of_them = numbers | set(taken)
    found: dict[str, str] = {}
    for number in all_of_them:
        for other in (
            ocr_forms(number) & all_of_them if number.isascii() and number.isdigit() else ()
        ):
            found |= {number: other, other: number}
    return {number: other for number, other in found.items() if number in numbers}


@transaction.atomic
def carry_out(plan: Plan, *, by: User) -> int:
    """Make all that the plan says, and tell how many projects that was. Raises `OperationError`.

    The pages are drafts: nothing is published.
    """
    if not plan.is_sound:
        raise OperationError(_("Arket har fel som behöver rättas först."))
    areas = {searchable(name): _new_area(name, by) for name in plan.new_areas}
    contacts = {searchable(name): _new_contact(name, by) for name in plan.new_contacts}
    openings = []
    for line in plan.lines:
        area_id = line.area_id or areas[searchable(line.area)].pk
        contact_id = line.contact_id
        if line.contact and not contact_id:
            contact_id = contacts[searchable(line.contact)].pk
        fund = _new_fund(line, _project(line, area_id, contact_id, by), plan, by)
        fund_year = operations.fund_year(fund, plan.year.starts_on, by)
        if line.need_ore is not None:
            operations.set_need(
                fund_year,
                line.need_ore,
                decided_on=max(plan.need_from, operations.first_open_day()),
                reason=_("Upplagt från ett ark"),
                by=by,
            )
        if line.opening_ore and line.day:
            openings.append((fund_year, line.opening_ore, line.day))
    # Last, and all in one statement: the account that they come from is everybody's.
    operations.open_many(openings, reason=_("Insamlat innan insamlingen lades upp här"), by=by)
    return len(plan.lines)


def _new_area(name: str, by: User) -> FocusArea:
    area = FocusArea.objects.create(title=name, slug=free_slug(name))
    freeze(area, by)
    publishing.record(_("Lade upp %(page)s från ett ark"), area, by)
    return area


def _new_contact(name: str, by: User) -> Contact:
    contact = Contact.objects.create(name=name)
    text = _("Lade upp %s från ett ark") % audit.name_of(contact)
    audit.record(audit.Area.CONTENT, text, by=by, about=contact)
    return contact


def _project(line: Line, area_id: int, contact_id: int | None, by: User) -> Project:
    """The row's project: the one that is there, as it is, or a new draft."""
    if line.project_id:
        return Project.objects.get(pk=line.project_id)
    project = Project.objects.create(
        title=line.title, slug=free_slug(line.title), focus_area_id=area_id, contact_id=contact_id
    )
    freeze(project, by)
    publishing.record(_("Lade upp %(page)s från ett ark"), project, by)
    return project


def _new_fund(line: Line, project: Project, plan: Plan, by: User) -> Fund:
    fund = Fund.objects.create(
        collection_number=line.number,
        project=project,
        # Of these the page shows the ones that the organisation has a number for.
        channels=[Fund.Channel.SWISH, Fund.Channel.BANKGIRO],
        opened_on=plan.need_from,
    )
    text = _("Lade upp insamlingen %s från ett ark") % fund
    audit.record(audit.Area.MONEY, text, by=by, about=fund)
    return fund
