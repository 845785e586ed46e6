"""Which year an achievement belongs to, by the words that an editor has written as its period."""

import datetime

import pytest

from donations.models import CollectionYear
from donations.reports.spans import Belongs, belongs


def year(name: str, starts_on: str, ends_on: str) -> CollectionYear:
    days = map(datetime.date.fromisoformat, (starts_on, ends_on))
    return CollectionYear(**dict(zip(("starts_on", "ends_on"), days, strict=True)), name=name)


CALENDAR = [year(str(y), f"{y}-01-01", f"{y}-12-31") for y in range(2022, 2027)]
BROKEN = [year(f"{y}/{y - 1999}", f"{y}-07-01", f"{y + 1}-06-30") for y in range(2022, 2027)]
Y2025 = CALENDAR[3]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2025", Belongs.WITHIN),
        (" 2025 ", Belongs.WITHIN),
        ("hösten 2025", Belongs.WITHIN),
        ("januari–mars 2025", Belongs.WITHIN),
        ("2025-03", Belongs.WITHIN),
        ("1/3 2025", Belongs.WITHIN),
        ("2023–2025", Belongs.ACROSS),
        ("2023-2025", Belongs.ACROSS),
        ("2025—2027", Belongs.ACROSS),
        ("2023 – 25", Belongs.ACROSS),
        ("läsåret 2024/25", Belongs.ACROSS),
        ("mars 2024 till maj 2026", Belongs.ACROSS),
        ("från 2021 till och med 2025", Belongs.ACROSS),
        ("2024", Belongs.OTHER),
        ("2026", Belongs.OTHER),
        ("2022–2024", Belongs.OTHER),
        ("2026/27", Belongs.OTHER),
        ("", Belongs.UNKNOWN),
        ("   ", Belongs.UNKNOWN),
        ("sedan starten", Belongs.UNKNOWN),
        ("varje år", Belongs.UNKNOWN),
        ("sedan 2021", Belongs.UNKNOWN),
        ("till och med 2025", Belongs.UNKNOWN),
        ("t.o.m. 2025", Belongs.UNKNOWN),
        ("2021–", Belongs.UNKNOWN),
        ("–2025", Belongs.UNKNOWN),
        ("2021 och framåt", Belongs.UNKNOWN),
        ("de första 20255 dagarna", Belongs.UNKNOWN),
        ("25", Belongs.UNKNOWN),
    ],
)
def test_a_period_in_words_lies_to_2025(period: str, expected: Belongs) -> None:
    assert belongs(period, Y2025, CALENDAR) is expected


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2025/26", Belongs.WITHIN),
        ("2024/25", Belongs.OTHER),
        ("2026/27", Belongs.OTHER),
        ("2025", Belongs.ACROSS),
        ("2026", Belongs.ACROSS),
        ("2024", Belongs.OTHER),
        ("2027", Belongs.OTHER),
        ("2022–2027", Belongs.ACROSS),
    ],
)
def test_a_calendar_year_is_only_partly_in_a_broken_one(period: str, expected: Belongs) -> None:
    assert belongs(period, BROKEN[3], BROKEN) is expected
