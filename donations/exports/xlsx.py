"""A report as a workbook: real numbers and days, text that stays text, ready to print on A4."""

import datetime
import re
import textwrap
from collections.abc import Iterable
from decimal import Decimal
from typing import IO, Any

import openpyxl
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from donations.exports import cells
from donations.reports.table import Column, Kind, Table, Value

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# As Excel keeps them; a Swedish one shows "276 000,50 kr".
FORMATS = {
    Kind.TEXT: "General",
    Kind.IDENTIFIER: "@",
    Kind.ORE: '#,##0.00\\ "kr"',
    Kind.COUNT: "#,##0",
    Kind.PERCENT: "0%",
    Kind.DAY: "yyyy-mm-dd",
    Kind.MOMENT: "yyyy-mm-dd hh:mm",
}
_WIDTHS = {
    Kind.TEXT: 26,
    Kind.IDENTIFIER: 10,
    Kind.ORE: 17,
    Kind.COUNT: 10,
    Kind.PERCENT: 9,
    Kind.DAY: 12,
    Kind.MOMENT: 17,
}
_WIDE = 60
_NAME = 34
_NOTE = 100  # characters: a longer line would make the printed sheet wider than its table
_BOLD, _TITLE = Font(bold=True), Font(bold=True, size=14)
_UNDER, _OVER = Border(bottom=Side("medium")), Border(top=Side("double"))
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_TOP = Alignment(vertical="top")
_HEADING = Alignment(wrap_text=True, vertical="bottom")
_HEADING_OF_NUMBERS = Alignment(wrap_text=True, vertical="bottom", horizontal="right")


def write(table: Table, to: IO[bytes]) -> None:
    """Write the report as a workbook of one sheet: its title, what it is about, the table, its notes."""
    columns = cells.columns(table)
    book = openpyxl.Workbook(write_only=True)
    book.properties.title, book.properties.creator = table.title, "Kollekt"
    sheet = book.create_sheet(sheet_name(table.title))
    heading = len(table.facts) + 3  # after the title, the facts and an empty row
    _set_up(sheet, columns, heading)
    sheet.append([_text(sheet, table.title, _TITLE)])
    for word, said in table.facts:
        sheet.append([_text(sheet, f"{word}: {said}")])
    sheet.append([])
    sheet.append([_heading(sheet, column) for column in columns])
    for group in table.groups:
        for row in cells.rows(table, group):
            sheet.append(_cells(sheet, columns, row))
        if group.total and table.grouped_by:
            sheet.append(
                _cells(sheet, columns, cells.total(table, group.total, group.title), bold=True)
            )
    if table.total:
        row = cells.total(table, table.total)
        sheet.append(_cells(sheet, columns, row, bold=True, over=True))
    if not table.groups:
        sheet.append([_text(sheet, table.empty)])
    sheet.append([])
    for note in table.notes:
        for line in textwrap.wrap(note, _NOTE):
            sheet.append([_text(sheet, line)])
    book.save(to)


def sheet_name(title: str) -> str:
    """A title as Excel takes it for a sheet: without what it forbids, and at most 31 characters."""
    allowed = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).split())
    return allowed[:31].strip(" '") or _("Rapport")


def _set_up(sheet: Any, columns: Iterable[Column], heading: int) -> None:
    """Widths, what stays when one scrolls, and how it is printed: before the first row is written."""
    for place, column in enumerate(columns, start=1):
        width = _WIDE if column.is_wide else _NAME if column.is_heading else 0
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(width, _WIDTHS[column.kind])
    sheet.freeze_panes = f"A{heading + 1}"
    sheet.print_title_rows = f"{heading}:{heading}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.oddFooter.center.text = _("Sida &P av &N")


def _heading(sheet: Any, column: Column) -> WriteOnlyCell:
    cell = _text(sheet, column.name, _BOLD)
    cell.border = _UNDER
    cell.alignment = _HEADING_OF_NUMBERS if column.kind.is_number else _HEADING
    return cell


def _cells(
    sheet: Any,
    columns: list[Column],
    values: tuple[Value, ...],
    *,
    bold: bool = False,
    over: bool = False,
) -> list[WriteOnlyCell]:
    found = [
        _cell(sheet, column.kind, value) for column, value in zip(columns, values, strict=True)
    ]
    for cell in found:
        if bold:
            cell.font = _BOLD
        if over:
            cell.border = _OVER
    return found


def _cell(sheet: Any, kind: Kind, value: Value) -> WriteOnlyCell:
    if isinstance(value, str):
        cell = _text(sheet, value)
        cell.alignment = _WRAPPED
    else:
        cell = WriteOnlyCell(sheet, value=_number(kind, value))
        cell.alignment = _TOP
    cell.number_format = FORMATS[kind]
    return cell


def _number(kind: Kind, value: int | datetime.date | None) -> Any:
    """A value as Excel has it: kronor with decimals, parts of one for per cent, moments in Stockholm."""
    if isinstance(value, datetime.datetime):
        return timezone.make_naive(value).replace(microsecond=0)
    if isinstance(value, int) and kind in (Kind.ORE, Kind.PERCENT):
        return Decimal(value).scaleb(-2)
    return value


def _text(sheet: Any, text: str, font: Font | None = None) -> WriteOnlyCell:
    """Text that is never taken for a formula, whatever it begins with."""
    cell = WriteOnlyCell(sheet, value=cells.plain(text))
    cell.data_type = "s"
    if font:
        cell.font = font
    return cell
