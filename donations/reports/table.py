"""What every report is: a table that says what it is about, and adds up. Screen and files are made from it."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.models import PeriodLock

# Öre and counts are whole numbers, and so is per cent; a moment is aware. None: there is none.
Value = str | int | datetime.date | datetime.datetime | None


class Kind(Enum):
    """What stands in a column."""

    TEXT = auto()
    IDENTIFIER = auto()
    ORE = auto()
    COUNT = auto()
    PERCENT = auto()
    DAY = auto()
    MOMENT = auto()

    @property
    def is_number(self) -> bool:
        return self in (Kind.ORE, Kind.COUNT, Kind.PERCENT)

    @property
    def is_summed(self) -> bool:
        return self in (Kind.ORE, Kind.COUNT)


@dataclass(frozen=True)
class Column:
    """A column: its heading, and what stands in it.

    `is_heading`: it tells what the row is about. `is_wide`: sentences stand in it. `is_rare`: mostly
    nothing, which need not be said where there is little room. `is_long` is left to the files: on a
    screen it would hide the rest.
    """

    name: str
    kind: Kind = Kind.TEXT
    is_heading: bool = False
    is_wide: bool = False
    is_rare: bool = False
    is_long: bool = False


@dataclass(frozen=True)
class Row:
    """A value for each column, and the address of the page that the row is about ("" for none)."""

    values: tuple[Value, ...]
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that belong together, with a row of their sums (none where nothing is summed)."""

    title: str
    rows: Iterable[Row]
    total: tuple[Value, ...] | None = None
    hue: str = ""


@dataclass(frozen=True)
class Table:
    """A report.

    `about` is what it is about, as pairs of a word and what it says; `grouped_by` what its groups
    are ("" where there is one, which has no title). `stamp` ends the name of its file. A report of
    very many rows gives them one by one, to be gone through once, and says in `length` how many.
    """

    title: str
    about: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    groups: Sequence[Group]
    total: tuple[Value, ...] | None
    stamp: str
    grouped_by: str = ""
    notes: Sequence[str] = ()
    empty: str = ""
    length: int | None = None
    made_at: datetime.datetime = field(default_factory=timezone.now)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """`about`, with when the report was made."""
        moment = timezone.localtime(self.made_at)
        made = _("%(day)s kl. %(time)s") % {
            "day": long_date(moment.date()),
            "time": date_format(moment, "H.i"),
        }
        return [*self.about, ("Framtagen", made)]


def summed(columns: Sequence[Column], rows: Iterable[Row]) -> tuple[Value, ...]:
    """The sum of each column that can be summed, over the rows as they are shown; None in the others."""
    rows = list(rows)

    def total(place: int) -> int:
        return sum(value for row in rows if isinstance(value := row.values[place], int))

    return tuple(
        total(place) if column.kind.is_summed else None for place, column in enumerate(columns)
    )


def stamp_of(first: datetime.date, last: datetime.date) -> str:
    """A period in the name of a file."""
    return f"{first}--{last}" if first != last else str(first)


def finality(day: datetime.date) -> tuple[str, str]:
    """Whether figures through `day` can still change."""
    lock = PeriodLock.objects.first()
    if lock and lock.through >= day:
        text = _("slutgiltiga, perioden är låst till och med den %s") % long_date(lock.through)
    elif lock:
        text = _("preliminära, perioden är låst bara till och med den %s") % long_date(lock.through)
    else:
        text = _("preliminära, ingen period är låst")
    return "Siffrorna är", text
