"""Any report of payments as CSV or XLSX, by a mapping that says which column is what.

A person makes the mapping once, in steps: `look` guesses how the file is written and shows its first
rows, `preview` shows them as a mapping reads them, each with its fault, and the mapping is kept as
JSON. `Mapped` reads a file by it. A file whose headings are not the mapping's is refused.
"""

import csv
import datetime
import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from itertools import chain, islice, pairwise
from typing import Any, BinaryIO, NamedTuple

from donations.bankfiles import numbers, text, xlsx
from donations.bankfiles.records import (
    NOBODY,
    Ground,
    Kind,
    Line,
    Number,
    Payer,
    Reference,
    Refused,
    Scheme,
    Totals,
    Way,
)
from donations.money import LIMIT_ORE

MARKS = ";,\t|"
ENCODINGS = ("utf-8-sig", "cp1252", "utf-16")
LONGEST_LINE = 100_000  # characters
MOST_EMPTY_ROWS = 1_000
LOOKED_AT = 50  # rows

# How a day is written, as a person says it, and what that looks like.
DAY_FORMATS = {
    "ÅÅÅÅ-MM-DD": r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})",
    "ÅÅÅÅMMDD": r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    "ÅÅMMDD": r"(?P<y>[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    "DD/MM/ÅÅÅÅ": r"(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})",
    "DD.MM.ÅÅÅÅ": r"(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})",
    "DD-MM-ÅÅÅÅ": r"(?P<d>[0-9]{1,2})-(?P<m>[0-9]{1,2})-(?P<y>[0-9]{4})",
    "MM/DD/ÅÅÅÅ": r"(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})",
}
_TIME = r"(?:[ T][0-9]{1,2}[:.][0-9]{2}.{0,20})?"

# By the decimal sign: thousands are parted by blanks, or by the other of comma and point.
_AMOUNTS = {
    decimal: re.compile(
        rf"""
        (?P<before>[+−–-]?)\s?
        (?P<whole>[0-9]{{1,15}} | [0-9]{{1,3}}(?:(?P<between>[\s’'{other}])[0-9]{{3}})(?:(?P=between)[0-9]{{3}}){{0,4}})
        (?:{re.escape(decimal)}(?P<decimals>[0-9]{{1,9}}))?
        (?P<after>[−–-]?)
        """,
        re.VERBOSE,
    )
    for decimal, other in (",.", ".,")
}
_AFTER_BREAK = re.compile(r"(?<=\n)|(?<=\r)(?=[^\n])")
_UNIT = re.compile(r"(?i)^\s*(?:sek|kr)\b|\s*(?:sek|kr|:-)\s*$")


class Sign(StrEnum):
    """What a minus sign means in the column of amounts."""

    OUT = "out"  # money that went from us
    IN = "in"  # money that came to us: the report is the payer's view
    NEVER = "never"  # nothing: all came to us, and a minus is a fault


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a report is written, and which of its columns (from 0) is what; None where there is no such column.

    `delimiter` and `encoding` are "" for XLSX. `header_row` is the row of headings, counted from 1, 0
    when there is none; `headings` is what stood there. Either `amount`, or `money_in`, `money_out` or
    both, tell the sum. The account is `account`, or stands in column `account_column`, as `scheme`.
    """

    date: int
    day_format: str
    scheme: Scheme
    delimiter: str = ""
    encoding: str = ""
    header_row: int = 0
    headings: tuple[str, ...] = ()
    amount: int | None = None
    money_in: int | None = None
    money_out: int | None = None
    decimal: str = ","
    minus: Sign = Sign.OUT
    account: str = ""
    account_column: int | None = None
    reference: int | None = None
    message: int | None = None
    payer_name: int | None = None
    payer_identity: int | None = None
    bank_id: int | None = None
    channel: str = "other"

    def __post_init__(self) -> None:
        """Raise `ValueError` with a Swedish sentence for a mapping that no file can be read by."""
        columns = [value for name in COLUMNS if (value := getattr(self, name)) is not None]
        if any(type(at) is not int or not 0 <= at < xlsx.MAX_COLUMNS for at in columns):
            raise ValueError("En kolumn ska vara ett tal från 0 till 99.")
        if len(set(columns)) < len(columns):
            raise ValueError("Samma kolumn är vald två gånger. Varje kolumn kan bara vara en sak.")
        if type(self.header_row) is not int or self.header_row < 0:
            raise ValueError("Raden med rubriker ska vara ett tal från 1, eller 0 om den saknas.")
        if self.day_format not in DAY_FORMATS:
            raise ValueError(f"Datum ska skrivas på något av sätten {', '.join(DAY_FORMATS)}.")
        if self.decimal not in (",", "."):
            raise ValueError("Decimaltecknet ska vara komma eller punkt.")
        if self.amount is None and self.money_in is None and self.money_out is None:
            raise ValueError("Välj kolumnen med belopp, eller kolumnerna med in och ut.")
        if self.amount is not None and (self.money_in, self.money_out) != (None, None):
            raise ValueError("Välj antingen en kolumn med belopp eller kolumner med in och ut.")
        if bool(self.account) == (self.account_column is not None):
            raise ValueError("Välj kolumnen med kontots nummer, eller skriv numret.")
        if self.account:
            numbers.parse(self.scheme, self.account)
        if (self.delimiter == "") != (self.encoding == ""):
            raise ValueError(
                "En CSV-fil har både avgränsare och teckenkodning, en XLSX-fil ingetdera."
            )
        if self.delimiter and (self.delimiter not in MARKS or self.encoding not in ENCODINGS):
            raise ValueError("Avgränsaren eller teckenkodningen är okänd.")

    def to_json(self) -> str:
        """The mapping as `from_json` reads it."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, stored: str) -> "Mapping":
        """The mapping that was stored. Raises `ValueError` for what is none."""
        try:
            told: dict[str, Any] = json.loads(stored)
        except ValueError as error:
            raise ValueError("Det här är ingen kolumnmall.") from error
        known = {field.name for field in fields(cls)}
        if not isinstance(told, dict) or not set(told) <= known:
            raise ValueError("Det här är ingen kolumnmall.")
        try:
            told["scheme"] = Scheme(told["scheme"])
            told["minus"] = Sign(told.get("minus", Sign.OUT))
            told["headings"] = tuple(told.get("headings", ()))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("Kolumnmallen är inte hel.") from error
        try:
            return cls(**told)
        except TypeError as error:
            raise ValueError("Kolumnmallen är inte hel.") from error


COLUMNS = (
    "date",
    "amount",
    "money_in",
    "money_out",
    "account_column",
    "reference",
    "message",
    "payer_name",
    "payer_identity",
    "bank_id",
)


class Row(NamedTuple):
    """A row of a sheet: its number from 1, and its cells."""

    number: int
    cells: Sequence[str]

    @property
    def where(self) -> str:
        return f"rad {self.number}"


class Look(NamedTuple):
    """What a file seems to be: how it is written, its row of headings (0: none), its first rows."""

    delimiter: str
    encoding: str
    header_row: int
    headings: tuple[str, ...]
    rows: list[Row]


class Previewed(NamedTuple):
    """A row as a mapping reads it: a line, or a Swedish sentence that says what is wrong."""

    row: Row
    line: Line | None
    fault: str


def look(stream: BinaryIO, header_row: int | None = None) -> Look:
    """Guess how the file is written. Raises `Refused` for what is neither CSV nor XLSX.

    `header_row` is where somebody has seen the headings (0: nowhere), and nothing is guessed about it.
    """
    delimiter, encoding = "", ""
    if not is_workbook(stream):
        encoding = _encoding(stream)
        delimiter = _delimiter(stream, encoding)
    rows = list(islice(_rows(stream, delimiter, encoding), LOOKED_AT))
    if not rows:
        raise Refused("Filen är tom. Den ska ha minst en rad med en betalning.")
    heading = _heading(rows)
    if header_row is not None:
        heading = next((row for row in rows if row.number == header_row), None)
    headings = tuple(heading.cells) if heading else ()
    return Look(delimiter, encoding, heading.number if heading else 0, headings, rows)


def preview(stream: BinaryIO, mapping: Mapping, limit: int = 10) -> list[Previewed]:
    """The first rows below the headings as they will be read, each with its fault if it has one."""
    found = []
    for row in islice(_body(stream, mapping), limit):
        try:
            found.append(Previewed(row, _line(row, mapping), ""))
        except Refused as refused:
            found.append(Previewed(row, None, refused.why))
    return found


def is_payment(row: Row, mapping: Mapping) -> bool:
    """Whether the row can be read as a payment, wherever it stands."""
    try:
        _line(row, mapping)
    except Refused:
        return False
    return True


class Mapped:
    """A file read by a mapping. It states nothing of itself, so there is nothing to hold it against."""

    version = ""
    is_test = False

    def __init__(self, stream: BinaryIO, mapping: Mapping) -> None:
        self._stream, self._mapping = stream, mapping
        self.totals = Totals()
        if is_workbook(stream) != (not mapping.delimiter):
            raise Refused(
                f"Filen är {'XLSX' if mapping.delimiter else 'CSV'}, men kolumnerna är valda för en fil "
                f"som är {'CSV' if mapping.delimiter else 'XLSX'}."
            )
        self.format = "CSV" if mapping.delimiter else "XLSX"
        if mapping.delimiter:
            # A bank's files are not all written alike: without å, ä and ö anywhere, one looks like another.
            self._mapping = replace(mapping, encoding=_encoding(stream))
        _check_headings(stream, self._mapping)

    def lines(self) -> Iterator[Line]:
        """See `records.Reading`."""
        for row in _body(self._stream, self._mapping):
            yield _line(row, self._mapping)


# Rows


def is_workbook(stream: BinaryIO) -> bool:
    """Whether it is packed as XLSX is, whatever is in it."""
    stream.seek(0)
    return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _rows(stream: BinaryIO, delimiter: str, encoding: str) -> Iterator[Row]:
    """The rows that hold anything, numbered as a spreadsheet does: a quoted line break begins no row."""
    if not delimiter:
        for number, cells in xlsx.rows(stream):
            yield Row(number, cells)
        return
    number = empty = 0
    try:
        for number, cells in enumerate(
            csv.reader(_csv_lines(stream, encoding), delimiter=delimiter, strict=True), start=1
        ):
            if len(cells) > xlsx.MAX_COLUMNS:
                raise Refused("Raden har fler än 100 kolumner.", f"rad {number}")
            cleaned = [text.clean(cell).strip() for cell in cells]
            if any(cleaned):
                yield Row(number, cleaned)
                continue
            empty += 1
            if empty > MOST_EMPTY_ROWS:
                raise text.empty_file()
    except csv.Error:
        raise Refused(
            'Raden går inte att läsa. Troligen saknas ett citattecken ("), eller så står ett för mycket.',
            f"rad {number + 1}",
        ) from None


def _csv_lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The text's lines with their breaks (LF, CRLF, CR), as `csv.reader` wants them."""
    decoder = getincrementaldecoder(encoding)()
    rest, number = "", 0
    try:
        for chunk in chain(text.chunks(stream), (b"",)):
            *whole, rest = _AFTER_BREAK.split(rest + decoder.decode(chunk, final=not chunk))
            if max(map(len, [*whole, rest])) > LONGEST_LINE:
                raise Refused("Raden är längre än någon rad i en rapport.", f"efter rad {number}")
            number += len(whole)
            yield from whole
    except UnicodeError:
        raise Refused(
            "Filens tecken går inte att läsa. Hämta den på nytt, eller spara den som ”CSV UTF-8” "
            "eller .xlsx.",
            f"efter rad {number}",
        ) from None
    if rest:
        yield rest


def _encoding(stream: BinaryIO) -> str:
    stream.seek(0)
    head = stream.read(text.CHUNK)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head or head.startswith((b"%PDF", b"\xd0\xcf\x11\xe0")):
        raise Refused("Filen är varken CSV eller XLSX. Spara den som något av dem.")
    decoder = getincrementaldecoder("utf-8")()
    try:
        for chunk in text.chunks(stream):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _delimiter(stream: BinaryIO, encoding: str) -> str:
    """The mark that makes most rows as wide as each other, and wider than others make them."""

    def worth(mark: str) -> int:
        widths = []
        with suppress(Refused):  # what stands before the fault decides
            for row in islice(_rows(stream, mark, encoding), LOOKED_AT):
                widths.append(len(row.cells))
        most = max(set(widths), key=widths.count, default=1)
        return widths.count(most) * (most - 1)

    return max(MARKS, key=worth)


def _heading(rows: Sequence[Row]) -> Row | None:
    """The first row that is as wide as those after it and holds words only."""
    for row, after in pairwise(rows):
        words = [cell for cell in row.cells if cell]
        if (
            len(words) >= 2
            and len(row.cells) >= len(after.cells) - 1
            and not any(re.search("[0-9]{2}", word) for word in words)
            and any(re.search("[0-9]", cell) for cell in after.cells)
        ):
            return row
    return None


def _body(stream: BinaryIO, mapping: Mapping) -> Iterator[Row]:
    rows = _rows(stream, mapping.delimiter, mapping.encoding)
    return (row for row in rows if row.number > mapping.header_row)


def _check_headings(stream: BinaryIO, mapping: Mapping) -> None:
    if not mapping.header_row:
        return
    rows = _rows(stream, mapping.delimiter, mapping.encoding)
    for row in rows:
        if row.number == mapping.header_row and tuple(row.cells) == mapping.headings:
            return
        if row.number >= mapping.header_row:
            raise Refused(
                "Filens rubriker är inte de som kolumnerna valdes för: "
                f"{', '.join(filter(None, mapping.headings))}. Välj kolumner för den här filen.",
                row.where,
                ", ".join(row.cells),
            )
    raise Refused(f"Filen har ingen rad {mapping.header_row}, där rubrikerna ska stå.")


# Cells


def _line(row: Row, mapping: Mapping) -> Line:
    amount_ore = _amount(row, mapping)
    account = _account(row, mapping)
    told = {name: _cell(row, getattr(mapping, name)) for name in COLUMNS}
    day = _day(row, told["date"], mapping)
    references = (
        (Ground.REFERENCE, told["reference"]),
        (Ground.MESSAGE, told["message"]),
    )
    is_credit = amount_ore > 0
    payer = Payer(name=told["payer_name"], identity=told["payer_identity"])
    return Line(
        where=row.where,
        account=account,
        to=account,
        booked_on=day,
        amount_ore=abs(amount_ore),
        way=Way.IN if is_credit else Way.OUT,
        kind=Kind.PAYMENT,
        channel=mapping.channel,
        row="|".join(
            (account.digits, day.isoformat(), str(amount_ore), *(told[n] for n in _IN_ROW))
        ),
        bank_id=told["bank_id"],
        references=tuple(Reference(ground, words) for ground, words in references if words),
        payer=NOBODY if payer == NOBODY else payer,
    )


_IN_ROW = ("reference", "message", "payer_name", "payer_identity", "bank_id")


def _cell(row: Row, column: int | None) -> str:
    if column is None or column >= len(row.cells):
        return ""
    cell = row.cells[column]
    if cell == xlsx.UNCOMPUTED:
        raise _refused(
            row, column, "är en formel som inte är uträknad. Öppna filen i Excel och spara den."
        )
    return cell


def _refused(row: Row, column: int, why: str) -> Refused:
    return Refused(f"Kolumn {letter(column)} {why}", row.where, " ".join(row.cells))


def letter(column: int) -> str:
    """What a spreadsheet calls the column: "A", "AB"."""
    return (chr(ord("A") + column // 26 - 1) if column >= 26 else "") + chr(ord("A") + column % 26)


def _amount(row: Row, mapping: Mapping) -> int:
    """The sum in öre, below zero for money that went from us."""
    if mapping.amount is not None:
        amount = _ore(row, mapping.amount, mapping)
        if not amount:
            raise _refused(row, mapping.amount, "ska ha ett belopp som inte är 0.")
        if amount < 0 and mapping.minus is Sign.NEVER:
            raise _refused(row, mapping.amount, "har ett minustecken, men alla belopp ska vara in.")
        return -amount if mapping.minus is Sign.IN else amount
    sides = {
        column: _ore(row, column, mapping)
        for column in (mapping.money_in, mapping.money_out)
        if column is not None
    }
    filled = [column for column, amount in sides.items() if amount]
    if len(filled) != 1:
        columns = " eller ".join(letter(column) for column in sides)
        raise Refused(
            f"Raden ska ha ett belopp i kolumn {columns}, och bara i en.",
            row.where,
            " ".join(row.cells),
        )
    if filled[0] == mapping.money_out:
        return -abs(sides[filled[0]])  # some write the minus too
    if sides[filled[0]] < 0:
        raise _refused(row, filled[0], "har ett minustecken, men är kolumnen för pengar in.")
    return sides[filled[0]]


def _ore(row: Row, column: int, mapping: Mapping) -> int:
    """A cell's amount in öre; 0 when it is empty. A workbook's own numbers have a decimal point."""
    cell = _cell(row, column)
    is_number = not mapping.delimiter and re.fullmatch(r"-?[0-9]+\.[0-9]*[1-9]", cell)
    try:
        return parse_amount(cell, "." if is_number else mapping.decimal) if cell else 0
    except ValueError as error:
        raise _refused(row, column, f"har ”{cell[:40]}”. {error}") from None


def parse_amount(written: str, decimal: str) -> int:
    """An amount as a report's cell has it, in öre: "1 500,00", "-2.300,50 kr", "499", "120,00-".

    `decimal` is the sign before the decimals; thousands may be parted by blanks, or by the other of
    comma and point. Raises `ValueError` with a Swedish sentence.
    """
    found = _AMOUNTS[decimal].fullmatch(_UNIT.sub("", written).strip())
    if not found or (found["before"] and found["after"]):
        raise ValueError(f"Ett belopp ska skrivas som 1500{decimal}00.")
    decimals = (found["decimals"] or "").rstrip("0")
    if len(decimals) > 2:
        raise ValueError("Ett belopp har högst två decimaler.")
    amount = int(re.sub("[^0-9]", "", found["whole"])) * 100 + int(decimals.ljust(2, "0"))
    if amount >= LIMIT_ORE:
        raise ValueError("Beloppet är orimligt stort.")
    return -amount if found["before"] in ("-", "−", "–") or found["after"] else amount


def _day(row: Row, cell: str, mapping: Mapping) -> datetime.date:
    written = mapping.day_format
    if not mapping.delimiter and re.match("[0-9]{4}-", cell):
        written = "ÅÅÅÅ-MM-DD"  # a workbook's own day
    try:
        return parse_day(cell, written)
    except ValueError:
        raise _refused(
            row, mapping.date, f"har ”{cell[:40]}”, som inte är en dag på formen {written}."
        ) from None


def parse_day(written: str, day_format: str) -> datetime.date:
    """A day as one of `DAY_FORMATS` writes it, a time after it or none. Raises `ValueError` for what is none."""
    found = re.fullmatch(DAY_FORMATS[day_format] + _TIME, written)
    if not found:
        raise ValueError(day_format)
    year = int(found["y"]) + (2000 if len(found["y"]) == 2 else 0)
    return datetime.date(year, int(found["m"]), int(found["d"]))


def _account(row: Row, mapping: Mapping) -> Number:
    if mapping.account_column is None:
        return numbers.parse(mapping.scheme, mapping.account)
    cell = _cell(row, mapping.account_column)
    try:
        return numbers.parse(mapping.scheme, cell)
    except ValueError as error:
        raise _refused(row, mapping.account_column, f"har ”{cell[:40]}”. {error}") from None


def with_headings(mapping: Mapping, seen: Look) -> Mapping:
    """The mapping for files that are written as this one is."""
    return replace(
        mapping,
        delimiter=seen.delimiter,
        encoding=seen.encoding,
        header_row=seen.header_row,
        headings=seen.headings,
    )
