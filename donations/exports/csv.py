"""A report as text that a Swedish Excel opens right: semicolons, decimal commas, UTF-8 that says so."""

import csv
import datetime
import io
from collections.abc import Sequence
from typing import IO

from django.utils import timezone

from donations.exports import cells
from donations.reports.table import Column, Kind, Table, Value

CONTENT_TYPE = "text/csv; charset=utf-8"

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(table: Table, to: IO[bytes]) -> None:
    """Write the report's headings, rows and total; what it is about stands in the file's name."""
    text = io.TextIOWrapper(to, encoding="utf-8-sig", newline="")
    out = csv.writer(text, delimiter=";", lineterminator="\r\n")
    columns = cells.columns(table)
    out.writerow([_text(column.name) for column in columns])
    for group in table.groups:
        out.writerows(_written(columns, row) for row in cells.rows(table, group))
    if table.total:
        out.writerow(_written(columns, cells.total(table, table.total)))
    text.detach()


def _written(columns: Sequence[Column], values: tuple[Value, ...]) -> list[str]:
    return [_value(column.kind, value) for column, value in zip(columns, values, strict=True)]


def _value(kind: Kind, value: Value) -> str:
    """A cell: "276000,50" and "2026-10-31" without spaces and units, for what reads it next."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime.datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if kind is Kind.ORE:
        kronor, ore = divmod(abs(value), 100)
        return f"{'-' if value < 0 else ''}{kronor},{ore:02}"
    return str(value)


def _text(text: str) -> str:
    """Text with an apostrophe before what would be a formula, also after blanks."""
    text = cells.plain(text)
    is_formula = text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if is_formula else text
