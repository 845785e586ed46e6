"""A day in words."""

import datetime

from django.utils.formats import date_format


def long_date(day: datetime.date) -> str:
    """A day in a sentence: "21 november 2026"."""
    return date_format(day, "j F Y")
