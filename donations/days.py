"""Days: in words, and when records of them need no longer be kept."""

import datetime

from django.utils.formats import date_format


def long_date(day: datetime.date) -> str:
    """A day in a sentence: "21 november 2026"."""
    return date_format(day, "j F Y")


def period(first: datetime.date, last: datetime.date) -> str:
    """Days in a sentence: "1–31 januari 2026", "1 januari–31 mars 2026"."""
    if first == last:
        return long_date(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{long_date(last)}"
    start = date_format(first, "j F") if first.year == last.year else long_date(first)
    return f"{start}–{long_date(last)}"


def past_through(today: datetime.date) -> datetime.date:
    """The last day on which a financial year can have ended whose records need not be kept `today`.

    They are kept through the seventh year after the end of the calendar year in which the financial
    year ended (bokföringslagen 1999:1078, 7 kap. 2 §): those of a year that ended at any time in 2018
    through 31 December 2025.
    """
    return datetime.date(today.year - 8, 12, 31)
