"""What the kinds of files have in common: the rows to write, and text without what no file can hold."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from donations.reports.table import Column, Group, Table, Value

# Control characters but for tab and line breaks, and what XML has no room for.
_NEVER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LONGEST = 32_767  # characters in a cell of Excel's


def plain(text: str) -> str:
    """The text with what no file can hold left out, and no longer than a cell."""
    return _NEVER.sub("", text)[:LONGEST]


def columns(table: Table) -> list[Column]:
    """The report's columns; first what its groups are, if it has any."""
    first = [Column(table.grouped_by)] if table.grouped_by else []
    return [*first, *table.columns]


def rows(table: Table, group: Group) -> Iterator[tuple[Value, ...]]:
    """The group's rows, each with the group's title first if groups have one."""
    first = (group.title,) if table.grouped_by else ()
    for row in group.rows:
        yield (*first, *row.values)


def total(table: Table, values: tuple[Value, ...], title: str = "") -> tuple[Value, ...]:
    """A row of sums, of a group or of all: said so in its first cell."""
    said = _("Summa %s") % title if title else _("Summa")
    return (said, *values) if table.grouped_by else (said, *values[1:])
