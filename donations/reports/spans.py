"""Which collection year an achievement belongs to, told from what an editor has written as its period."""

import datetime
import re
from collections.abc import Iterable
from enum import Enum

from donations.models import CollectionYear

# A year, and after a dash or a stroke another one in four digits or two: "2025", "2023–2025", "2024/25".
_YEARS = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:\s?[-–—/]\s?((?:19|20)\d\d|\d\d))?(?!\d)")
# What leaves an end open: "sedan 2021", "till och med 2023", "2021 och framåt", "2021–".
_OPEN = re.compile(
    r"\b(?:sedan|från|fr\.?\s?o\.?\s?m|efter|framåt|till|t\.?\s?o\.?\s?m|före|innan)\b"
    r"|^\s*[-–—]|[-–—]\s*$",
    re.IGNORECASE,
)
_MONTHS = 12


class Belongs(Enum):
    """How a period lies to a year."""

    WITHIN = "within"  # all of it in the year
    ACROSS = "across"  # a part of it
    OTHER = "other"  # nothing of it
    UNKNOWN = "unknown"  # it names no year, or leaves an end open


def belongs(period: str, year: CollectionYear, years: Iterable[CollectionYear]) -> Belongs:
    """How the period that an editor has written lies to `year`, one of `years`.

    What is a collection year's own name is that year. Anything else goes from the first day of the
    earliest calendar year that it names through the last day of the latest. Nothing is guessed: what
    names no year, or only the one where something begins or ends, is `UNKNOWN`.
    """
    written = period.strip()
    named = next((one for one in years if one.name == written), None)
    first, last = (named.starts_on, named.ends_on) if named else _span(written) or (None, None)
    if first is None or last is None:
        return Belongs.UNKNOWN
    if last < year.starts_on or first > year.ends_on:
        return Belongs.OTHER
    is_within = first >= year.starts_on and last <= year.ends_on
    return Belongs.WITHIN if is_within else Belongs.ACROSS


def _span(written: str) -> tuple[datetime.date, datetime.date] | None:
    """The first and the last day of the calendar years that are named."""
    named = set()
    for first, last in _YEARS.findall(written):
        named.add(int(first))
        if len(last) == 4:
            named.add(int(last))
        elif last and int(last) > _MONTHS:  # "2024/25"; but "2025-03" is a month
            named.add(int(first[:2] + last))
    if not named or (len(named) == 1 and _OPEN.search(written)):
        return None
    return datetime.date(min(named), 1, 1), datetime.date(max(named), 12, 31)
