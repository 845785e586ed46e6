"""The rows of an .xlsx workbook as texts, read as they go and within bounds, without Django.

`donations/sheets.py` reads a person's small sheet whole. A bank's report can be of any length and is
read here a row at a time. Source: ECMA-376, Part 1, SpreadsheetML (18.2-18.8).
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Context, Decimal, InvalidOperation
from posixpath import join, normpath
from typing import BinaryIO
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from donations.bankfiles.records import Refused
from donations.bankfiles.text import clean

MAX_UNPACKED = 50_000_000  # bytes
MAX_RATIO = 200  # unpacked to packed; a long sheet of equal rows comes to about 60
MAX_PARTS = 1_000
MAX_ELEMENTS = 1_000_000  # about 50 000 rows of ten cells
MAX_DEPTH = 64
MAX_TEXT = 20_000_000  # characters of shared texts
MAX_COLUMNS = 100
CHUNK = 1 << 12  # few elements are held at a time, which spares the garbage collector

# Stands in a cell whose formula was never computed. No text read from a file can hold it.
UNCOMPUTED = "\0"

_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# Fifteen digits, as Excel shows: 1234.5600000000001 in the file is 1234.56 to the person.
_AS_SHOWN = Context(prec=15)

# What zipfile, zlib, expat and openpyxl raise for what is not what it says it is.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    ArithmeticError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)

Element = tuple[str, dict[str, str], str, int]


def rows(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Each row that holds anything in the first sheet that is shown: its number, its cells as texts.

    Days are ISO, amounts have a decimal point, as many digits as Excel shows. Raises `Refused`.
    """
    try:
        with zipfile.ZipFile(stream) as book:
            _check(book)
            yield from _Workbook(book).rows()
    except Refused:
        raise
    except _UNREADABLE as error:
        raise _broken() from error


def _check(book: zipfile.ZipFile) -> None:
    infos = book.infolist()
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if (
        len(infos) > MAX_PARTS
        or unpacked > MAX_UNPACKED
        or unpacked > MAX_RATIO * max(packed, 5_000)
    ):
        raise _too_large()
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(info.flag_bits & 1 or info.compress_type not in methods for info in infos):
        raise _broken()


def _too_large() -> Refused:
    return Refused(
        "Arket är för stort. Ta bort blad, bilder och tomma rader, eller dela upp det på flera filer."
    )


def _broken() -> Refused:
    return Refused(
        "Filen går inte att läsa: den är skadad, har lösenord eller är ingen vanlig Excelfil. Öppna den "
        "i Excel eller LibreOffice, spara den på nytt som .xlsx utan lösenord och lämna in den igen."
    )


class _Workbook:
    """The parts that tell what the cells of a sheet mean."""

    def __init__(self, book: zipfile.ZipFile) -> None:
        self._book = book
        self._elements = 0
        self._sheet, self._epoch = self._first_sheet()
        names = set(book.namelist())
        self._shared = self._texts() if "xl/sharedStrings.xml" in names else []
        self._dates = self._date_styles() if "xl/styles.xml" in names else frozenset()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        last, cells = 0, dict[int, str]()
        column, about = -1, dict[str, str]()
        value, has_formula = "", False
        for name, attributes, text, depth in self._walk(self._sheet):
            if depth > 0:  # it begins
                if name == "row":
                    last, cells, column = self._row_number(attributes, last), {}, -1
                elif name == "c":
                    column, about = self._column(attributes, column), attributes
                    value, has_formula = "", False
            elif name in ("v", "t"):
                value += text
            elif name == "f":
                has_formula = True
            elif name == "c":
                cells[column] = (
                    UNCOMPUTED if has_formula and not value else self._text(value, about)
                )
            elif name == "row" and any(cells.values()):
                yield last, [cells.get(at, "") for at in range(max(cells) + 1)]

    @staticmethod
    def _row_number(attributes: dict[str, str], last: int) -> int:
        written = attributes.get("r", str(last + 1))
        if not re.fullmatch("[0-9]{1,7}", written) or int(written) <= last:
            raise _broken()
        return int(written)

    @staticmethod
    def _column(attributes: dict[str, str], last: int) -> int:
        """The column's place from 0; it must come after the one before."""
        place = last + 1
        if "r" in attributes:
            found = _PLACE.fullmatch(attributes["r"])
            if not found:
                raise _broken()
            place = -1
            for letter in found[1]:
                place = (place + 1) * 26 + ord(letter) - ord("A")
        if place <= last:
            raise _broken()
        if place >= MAX_COLUMNS:
            raise Refused("Arket har fler än 100 kolumner. Ta bort dem som inte behövs.")
        return place

    def _text(self, value: str, about: dict[str, str]) -> str:
        match about.get("t", "n"):
            case "s":
                if not (re.fullmatch("[0-9]{1,9}", value) and int(value) < len(self._shared)):
                    raise _broken()
                return self._shared[int(value)]
            case "n" if value:
                return self._number(value.strip(), about.get("s", "0"))
            case "b":
                return "SANT" if value.strip() == "1" else "FALSKT"
        return clean(value).strip()

    def _number(self, value: str, style: str) -> str:
        try:
            number = _AS_SHOWN.create_decimal(value)
        except InvalidOperation:
            raise _broken() from None
        if not number.is_finite() or abs(number.adjusted()) > 20:
            return "0" if not number else value[:40]
        if style in self._dates and 0 <= number < 2_958_466:  # the year 9999
            return _day(from_excel(float(number), self._epoch))
        return _plain(number)

    def _first_sheet(self) -> tuple[str, datetime]:
        sheets, epoch = [], CALENDAR_WINDOWS_1900
        for name, attributes, _text, depth in self._walk("xl/workbook.xml"):
            if depth > 0 and name == "sheet" and attributes.get("state", "visible") == "visible":
                sheets.append(next((v for k, v in attributes.items() if k.endswith(":id")), ""))
            elif depth > 0 and name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                epoch = CALENDAR_MAC_1904
        for name, attributes, _text, depth in self._walk("xl/_rels/workbook.xml.rels"):
            if depth > 0 and name == "Relationship" and attributes.get("Id", "") in sheets[:1]:
                target = attributes.get("Target", "")
                return normpath(join("/xl", target)).lstrip("/"), epoch
        raise _broken()

    def _texts(self) -> list[str]:
        found, whole, total, inside_reading = list[str](), "", 0, False
        for name, _attributes, text, depth in self._walk("xl/sharedStrings.xml"):
            if name == "rPh":  # how a text in Japanese is read aloud
                inside_reading = depth > 0
            elif depth < 0 and name == "t" and not inside_reading:
                whole += text
                total += len(text)
                if total > MAX_TEXT:
                    raise _too_large()
            elif depth < 0 and name == "si":
                found.append(clean(whole).strip())
                whole = ""
        return found

    def _date_styles(self) -> frozenset[str]:
        """The numbers of the cell formats that show a day."""
        formats = dict(BUILTIN_FORMATS)
        dates, inside, place = set[str](), False, 0
        for name, attributes, _text, depth in self._walk("xl/styles.xml"):
            if name == "cellXfs":
                inside = depth > 0
            elif depth > 0 and name == "numFmt":
                formats[int(attributes.get("numFmtId", "0")[:9])] = attributes.get("formatCode", "")
            elif depth > 0 and name == "xf" and inside:
                if is_date_format(formats.get(int(attributes.get("numFmtId", "0")[:9]), "")[:200]):
                    dates.add(str(place))
                place += 1
        return frozenset(dates)

    def _walk(self, part: str) -> Iterator[Element]:
        """The part's elements: (local name, attributes, "", depth) where one begins, (…, text, -depth) at its end."""
        found: list[Element] = []
        nothing: dict[str, str] = {}
        depth = 0
        text = ""

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth, text
            depth += 1
            text = ""
            self._elements += 1
            if depth > MAX_DEPTH:
                raise _broken()
            if self._elements > MAX_ELEMENTS:
                raise _too_large()
            found.append((tag.rpartition(":")[2] if ":" in tag else tag, attributes, "", depth))

        def end(tag: str) -> None:
            nonlocal depth, text
            found.append((tag.rpartition(":")[2] if ":" in tag else tag, nothing, text, -depth))
            depth -= 1
            text = ""

        def characters(more: str) -> None:
            nonlocal text
            text += more

        def doctype(*_about: object) -> None:
            raise _broken()

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, doctype
        with self._book.open(part) as stream:
            while chunk := stream.read(CHUNK):
                parser.Parse(chunk, False)
                yield from found
                found.clear()
            parser.Parse(b"", True)
            yield from found


def _day(value: object) -> str:
    match value:
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "minutes")
    return str(value)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
