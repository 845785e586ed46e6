"""A person's sheet, XLSX or CSV, as rows of text under known headings.

What comes in is untrusted: it is measured before it is unpacked, and every part of a workbook is
walked through once before openpyxl builds anything of it. Whatever cannot be read is refused with
a Swedish sentence that says where and what would be right; nothing is left out silently.
"""

import csv
import datetime as dt
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from xml.parsers import expat

import openpyxl
from django.utils.translation import gettext as _
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import column_index_from_string, get_column_letter

from donations import money

MAX_BYTES = 10_000_000  # the file as it is sent
MAX_UNPACKED = 50_000_000
MAX_RATIO = 200  # unpacked to packed; a long sheet of equal rows comes to about 60
MAX_PARTS = 1_000
MAX_ROWS = 10_000  # under the headings
MAX_COLUMNS = 100
MAX_TITLE_ROWS = 50  # rows with content above the headings
MAX_CELL = 32_767  # characters: Excel's own limit
MAX_TEXT = 20_000_000  # characters in all: one long text can be pointed at from every cell

# The size of Excel's own grid.
GRID_ROWS, GRID_COLUMNS = 1_048_576, 16_384

# What openpyxl may be given to build: a full sheet of 10 000 rows is well inside.
MAX_ELEMENTS = 2_000_000
MAX_LOOSE_ELEMENTS = 100_000  # inside one row, and outside every row
MAX_DEPTH = 64
MAX_CELLS = 3_000_000  # counted out to the last cell of each row

# Stands in a cell whose formula was never computed. No text read from a file can hold it.
UNCOMPUTED = "\0"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EXCEL_ERROR = re.compile(r"#(?:[A-ZÅÄÖ/0]+[!?]|N/A)")
_INVISIBLE = "\N{ZERO WIDTH NO-BREAK SPACE}\N{ZERO WIDTH SPACE}"
_DOT_DECIMALS = re.compile(r"([0-9][0-9\s]*)\.([0-9]{1,2})(\s*(?:kr)?)")

Grid = list[tuple[int, tuple[str, ...]]]


class SheetError(ValueError):
    """A sheet that cannot be read; the message is Swedish and says what would be right."""


@dataclass(frozen=True)
class Row:
    """One row below the headings: its number as Excel shows it, and its texts by meaning.

    Every meaning asked for has a text; it is "" where the cell is empty or the column is missing.
    """

    number: int
    texts: Mapping[str, str]
    columns: Mapping[str, str]  # where each meaning stands: 'C (”Behov”)'

    def __getitem__(self, meaning: str) -> str:
        return self.texts[meaning]

    def place(self, meaning: str = "") -> str:
        """The words that lead a person to a cell: "rad 7, kolumn C (”Behov”)"."""
        if meaning not in self.columns:
            return _("rad %(row)d") % {"row": self.number}
        return _("rad %(row)d, kolumn %(column)s") % {
            "row": self.number,
            "column": self.columns[meaning],
        }

    def kronor(self, meaning: str) -> int:
        """The cell's amount in öre. Raises `SheetError` that names the column and what stands there.

        Who shows the sentence says which row it is about, as with every other fault of a row.
        """
        text = self.texts[meaning]
        try:
            return kronor(text)
        except money.AmountError as error:
            raise SheetError(
                _("I kolumn %(column)s står ”%(text)s”, som inte är ett belopp. %(what)s")
                % {"column": self.columns[meaning], "text": text[:40], "what": error}
            ) from error


@dataclass(frozen=True)
class Sheet:
    """A sheet that was read: its tab ("" for CSV), its headings and its rows, blank ones left out.

    `headers` maps each meaning that was found to the heading as the person wrote it;
    `unused` holds the headings that mean nothing here.
    """

    title: str
    headers: Mapping[str, str]
    unused: tuple[str, ...]
    rows: tuple[Row, ...]


def kronor(text: str) -> int:
    """An amount from a cell in öre: what `money.parse_kronor` takes, and Excel's own "276000.5".

    Raises `money.AmountError`.
    """
    dotted = _DOT_DECIMALS.fullmatch(text.strip())
    return money.parse_kronor(f"{dotted[1]},{dotted[2]}{dotted[3]}" if dotted else text)


def read(
    name: str,
    data: bytes,
    headings: Mapping[str, Sequence[str]],
    required: Iterable[str] = (),
) -> Sheet:
    """The rows of an uploaded file.

    `headings` gives, for each meaning, the headings people write for it, the
    one to recommend first: {"number": ("insamlingsnummer", "nr")}. Letter
    case, spaces, punctuation and what stands in brackets make no difference.
    The row of headings is the first that holds two of them. `required` names
    the meanings that must have a column. Raises `SheetError`.
    """
    _check_size(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        title, grid = _read_workbook(name, data)
    else:
        title, grid = "", _read_text(name, data, headings)
    return _sheet(title, grid, headings, tuple(required))


def write_template(headings: Sequence[str], rows: Iterable[Sequence[str]] = ()) -> bytes:
    """An .xlsx with these headings, and rows of text under them, for a person to fill in.

    Every cell is text, so that "=…" is never a formula and a number keeps its leading zeros.
    """
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_("Blad1"))
    sheet.freeze_panes = "A2"
    for place, heading in enumerate(headings, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = max(12, len(heading) + 4)
    sheet.append([_text_cell(sheet, heading, Font(bold=True)) for heading in headings])
    for row in rows:
        sheet.append([_text_cell(sheet, text) for text in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _text_cell(sheet: Any, text: str, font: Font | None = None) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub(" ", text))
    cell.data_type = "s"
    if font:
        cell.font = font
    return cell


# What kind of file


def _check_size(data: bytes) -> None:
    if not data.strip():
        raise SheetError(_("Filen är tom. Den ska ha en rad med rubriker och minst en rad till."))
    if len(data) > MAX_BYTES:
        raise _too_large()


def _too_large() -> SheetError:
    return SheetError(
        _(
            "Filen är för stor. Den får ha högst 10 000 rader och 100 kolumner och väga högst 10 MB. "
            "Ta bort blad, bilder och rader som inte behövs, eller dela upp den på flera filer."
        )
    )


def _wrong_kind(name: str) -> SheetError:
    return SheetError(
        _(
            "”%(name)s” är varken en .xlsx-fil eller en .csv-fil. Öppna den i programmet som den "
            "gjordes i, spara den som .xlsx eller .csv och lämna in den filen i stället."
        )
        % {"name": name[:100]}
    )


def _locked() -> SheetError:
    return SheetError(
        _("Filen är skyddad med lösenord. Spara den utan lösenord och lämna in den igen.")
    )


def _broken() -> SheetError:
    return SheetError(
        _(
            "Filen går inte att läsa: den är skadad eller ingen vanlig Excelfil. Öppna den i Excel "
            "eller LibreOffice, spara den på nytt som .xlsx och lämna in den igen."
        )
    )


# CSV


def _read_text(name: str, data: bytes, headings: Mapping[str, Sequence[str]]) -> Grid:
    _check_kind_of_text(name, data)
    text = _decoded(data)
    if text.lstrip().startswith("<"):  # a web page by another name
        raise _wrong_kind(name)
    given = re.match(r'"?sep=(.)"?(?:\r\n|\r|\n)', text)  # Excel's own line about itself
    if given:
        return _text_grid(text[given.end() :], given[1])
    known = _known(headings)
    return _text_grid(text, max(";,\t", key=lambda mark: _headings_found(text, mark, known)))


def _check_kind_of_text(name: str, data: bytes) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):  # .xls, or a workbook with a password
        raise _locked() if "EncryptedPackage".encode("utf-16-le") in data else _wrong_kind(name)
    suffix = PurePath(name).suffix.lower()
    if data.startswith(b"%PDF") or suffix not in (".csv", ".txt", ".tsv", ".xlsx", ".xlsm"):
        raise _wrong_kind(name)


def _decoded(data: bytes) -> str:
    """UTF-16 where its mark says so, otherwise UTF-8, otherwise Windows-1252."""
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetError(
        _(
            "Filens tecken går inte att läsa. Spara den som ”CSV UTF-8” eller som .xlsx och "
            "lämna in den igen."
        )
    )


def _headings_found(text: str, mark: str, known: Mapping[str, str]) -> int:
    """The most headings that one of the first rows holds, were this the separator."""
    most = 0
    try:
        for row, _place in zip(_records(text, mark), range(MAX_TITLE_ROWS + 1), strict=False):
            most = max(most, sum(_plain(cell) in known for cell in row))
    except csv.Error:
        pass  # what stood before the fault decides; the fault itself is told when the rows are read
    return most


def _records(text: str, mark: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)


def _text_grid(text: str, mark: str) -> Grid:
    """The rows that hold anything, numbered as Excel does: a quoted line break starts no row."""
    grid: Grid = []
    number = 0
    try:
        for number, record in enumerate(_records(text, mark), start=1):
            _add(grid, number, [_clean(cell) for cell in record])
    except csv.Error as error:
        raise SheetError(
            _(
                'Raden efter rad %(row)d går inte att läsa. Troligen saknas ett citattecken ("), eller '
                "så står ett för mycket. Rätta raden, eller spara filen som .xlsx."
            )
            % {"row": number}
        ) from error
    return grid


# XLSX


def _read_workbook(name: str, data: bytes) -> tuple[str, Grid]:
    """The first visible sheet that holds anything: its title and rows."""
    try:
        parts = _parts(name, data)
        walked = _walk_all(parts)
        book = openpyxl.load_workbook(
            _packed(parts), read_only=True, data_only=True, keep_links=False
        )
        for sheet in book.worksheets:
            uncomputed = walked[sheet._worksheet_path].uncomputed
            grid = _workbook_grid(sheet, uncomputed) if sheet.sheet_state == "visible" else []
            if grid:
                return sheet.title, grid
    except SheetError:
        raise
    except Exception as error:  # openpyxl says "broken" in a score of ways
        raise _broken() from error
    raise SheetError(_("Filen är tom. Den ska ha en rad med rubriker och minst en rad till."))


def _parts(name: str, data: bytes) -> dict[str, bytes]:
    """The workbook's XML parts, unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        _check_unpacked_size(infos, len(data))
        names = {info.filename for info in infos}
        if "[Content_Types].xml" not in names or "xl/workbook.bin" in names:
            raise _wrong_kind(name)
        if not any(part.startswith("xl/") for part in names):
            raise _wrong_kind(name)
        if any(info.flag_bits & 1 for info in infos):
            raise _locked()
        return {info.filename: _part(archive, info) for info in infos if _is_wanted(info.filename)}


def _is_wanted(part: str) -> bool:
    """Not pictures and macros, and not sheets that are charts, which openpyxl would build."""
    return part.lower().endswith((".xml", ".rels")) and not part.startswith("xl/chartsheets/")


def _part(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """One part unpacked, no further than its said size: `archive.read` unpacks it all, then cuts."""
    with archive.open(info) as part:
        return part.read(info.file_size)


def _check_unpacked_size(infos: Sequence[zipfile.ZipInfo], packed: int) -> None:
    """By the archive's own list, before anything is unpacked; see `_part` for a list that lies."""
    unpacked = sum(info.file_size for info in infos)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * packed or len(infos) > MAX_PARTS:
        raise _too_large()
    # Other methods can ask for gigabytes of working memory, and no spreadsheet uses them.
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise _broken()


def _packed(parts: Mapping[str, bytes]) -> io.BytesIO:
    """The parts as an archive again, so that openpyxl sees nothing that was not walked through."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part, xml in parts.items():
            archive.writestr(part, xml)
    return out


def _walk_all(parts: Mapping[str, bytes]) -> dict[str, "_Walk"]:
    walked: dict[str, _Walk] = {}
    elements = 0
    for part, xml in parts.items():
        walked[part] = _walk(xml)
        elements += walked[part].elements
        if elements > MAX_ELEMENTS:
            raise _too_large()
    return walked


def _walk(xml: bytes) -> "_Walk":
    """Read one part through, building nothing. Raises `SheetError` for what would cost too much."""
    walk = _Walk()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = walk.doctype
    parser.StartElementHandler = walk.start
    parser.EndElementHandler = walk.end
    parser.CharacterDataHandler = walk.text
    parser.Parse(xml, True)
    return walk


@dataclass
class _Walk:
    """What one part holds: kept within bounds, and where formulas stand that were never computed.

    Rows and cells must come in order, with places inside Excel's grid: openpyxl
    drops a row that comes too late, and fills in whatever a high number skips.
    """

    uncomputed: set[tuple[int, int]] = field(default_factory=set)
    depth: int = 0
    elements: int = 0
    loose: int = 0  # elements outside rows
    in_row: int = 0
    row_depth: int = 0  # 0 outside rows
    row: int = 0
    column: int = 0
    cells: int = 0
    formula: bool = False
    value: bool = False
    in_value: bool = False

    def doctype(self, *_about: object) -> None:
        raise _broken()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        self.depth += 1
        self.elements += 1
        if self.row_depth:
            self.in_row += 1
        else:
            self.loose += tag not in ("row", "si")
        self._check()
        if tag == "row" and self.row_depth:
            raise _broken()
        if tag in ("row", "si") and not self.row_depth:
            self.row_depth, self.in_row, self.column = self.depth, 0, 0
            if tag == "row":
                self.row = self._after(self.row, attributes.get("r"), GRID_ROWS)
        elif self.depth == self.row_depth + 1 > 1:  # openpyxl takes all that a row holds for cells
            letters = attributes.get("r", "").rstrip("0123456789")
            number = str(column_index_from_string(letters)) if letters else None
            self.column = self._after(self.column, number, GRID_COLUMNS)
            # A computed text may be empty; a number or a truth may not.
            self.formula, self.value = False, attributes.get("t") == "str"
        elif tag == "f":
            self.formula = True
        self.in_value = tag == "v"

    def _check(self) -> None:
        if self.depth > MAX_DEPTH:
            raise _broken()
        most = max(self.loose, self.in_row)
        if self.elements > MAX_ELEMENTS or most > MAX_LOOSE_ELEMENTS or self.cells > MAX_CELLS:
            raise _too_large()

    @staticmethod
    def _after(last: int, written: str | None, limit: int) -> int:
        """The number a row or cell says it has, or the next one; it must be above the last."""
        if written is not None and not (
            written.isascii() and written.isdigit() and len(written) < 8
        ):
            raise _broken()
        number = last + 1 if written is None else int(written)
        if not last < number <= limit:
            raise _broken()
        return number

    def text(self, text: str) -> None:
        self.value = self.value or (self.in_value and bool(text))

    def end(self, _tag: str) -> None:
        if self.depth == self.row_depth:
            self.row_depth = 0
            self.cells += self.column
        elif self.depth == self.row_depth + 1 > 1 and self.formula and not self.value:
            self.uncomputed.add((self.row, self.column))
        self.in_value = False
        self.depth -= 1


def _workbook_grid(sheet: Any, uncomputed: set[tuple[int, int]]) -> Grid:
    sheet.reset_dimensions()  # the sheet's word for its size may be a lie
    grid: Grid = []
    total = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = []
        for column, value in enumerate(row, start=1):
            text = UNCOMPUTED if (number, column) in uncomputed else _cell_text(value)
            total += len(text)
            if total > MAX_TEXT or len(text) > MAX_CELL:
                raise _too_large()
            texts.append(text)
        _add(grid, number, texts)
    return grid


def _cell_text(value: object) -> str:
    """A cell's value as a person would write it, and as `kronor` and dates are read."""
    match value:
        case None:
            return ""
        case bool():
            return "SANT" if value else "FALSKT"
        case float() | int():
            return _number_text(value)
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat(" ", "minutes")
        case dt.time():
            return value.isoformat("minutes")
        case dt.date():
            return value.isoformat()
    text = str(value)
    return text if len(text) > MAX_CELL else _clean(text.replace("_x000D_", ""))


def _number_text(value: float) -> str:
    """Fifteen digits, as Excel shows: 1234.5600000000001 in the file is 1234.56 to the person."""
    return str(value) if isinstance(value, int) else format(value, ".15g")


# Both kinds


def _clean(text: str) -> str:
    """Without what cannot be seen at its ends, with letters and line breaks in their common form."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip().strip(_INVISIBLE).strip()
    return unicodedata.normalize("NFC", text)


def _add(grid: Grid, number: int, texts: Sequence[str]) -> None:
    """Keep a row that holds anything, as long as the sheet is within its limits."""
    if not any(texts):
        return
    beyond = next(
        (place for place, text in enumerate(texts) if text and place >= MAX_COLUMNS), None
    )
    if beyond is not None:
        raise SheetError(
            _(
                "Det står något i cell %(cell)s. Arket får ha högst 100 kolumner (A till CV): "
                "flytta det som ska med till vänster, och ta bort resten."
            )
            % {"cell": f"{get_column_letter(beyond + 1)}{number}"}
        )
    grid.append((number, tuple(texts[:MAX_COLUMNS])))
    if len(grid) > MAX_ROWS + MAX_TITLE_ROWS + 1:
        raise _too_large()


def _plain(heading: str) -> str:
    """A heading as it is compared: "Insamlings-nr. (5 siffror)" → "insamlingsnr"."""
    if len(heading) > 200:
        return ""
    return re.sub(r"\([^()]*\)|[\W_]", "", unicodedata.normalize("NFC", heading).casefold())


def _known(headings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Each plain heading's meaning."""
    return {_plain(word): meaning for meaning, words in headings.items() for word in words}


def _sheet(
    title: str, grid: Grid, headings: Mapping[str, Sequence[str]], required: Sequence[str]
) -> Sheet:
    known = _known(headings)
    place, meanings = _find_headings(grid, headings, known)
    number, header = grid[place]
    _check_columns(number, header, meanings, headings, required)
    columns = {
        meaning: f"{get_column_letter(column + 1)} (”{header[column]}”)"
        for column, meaning in meanings.items()
    }
    body = grid[place + 1 :]
    if not body:
        raise SheetError(
            _("Det finns inget under rubrikerna på rad %(row)d. Fyll i minst en rad.")
            % {"row": number}
        )
    if len(body) > MAX_ROWS:
        raise _too_large()
    rows = tuple(
        Row(at, dict.fromkeys(headings, "") | _texts(texts, meanings), columns)
        for at, texts in body
    )
    _check_cells(rows)
    unused = (
        text for at, text in enumerate(header) if at not in meanings and text.strip(UNCOMPUTED)
    )
    return Sheet(title, {m: header[c] for c, m in meanings.items()}, tuple(unused), rows)


def _texts(texts: Sequence[str], meanings: Mapping[int, str]) -> dict[str, str]:
    return {meaning: texts[at] for at, meaning in meanings.items() if at < len(texts)}


def _find_headings(
    grid: Grid, headings: Mapping[str, Sequence[str]], known: Mapping[str, str]
) -> tuple[int, dict[int, str]]:
    """The place in the grid of the row of headings, and what its columns mean."""
    for place, (_number, texts) in enumerate(grid[: MAX_TITLE_ROWS + 1]):
        found = {at: known[_plain(text)] for at, text in enumerate(texts) if _plain(text) in known}
        if len(found) >= min(2, len(headings)):
            return place, found
    raise SheetError(
        _("Det finns ingen rad med rubriker. Skriv dem i var sin kolumn på en rad: %(headings)s.")
        % {"headings": _listed(headings, headings)}
    )


def _listed(meanings: Iterable[str], headings: Mapping[str, Sequence[str]]) -> str:
    """ "”Insamlingsnummer”, ”Behov”": the heading to recommend for each meaning."""
    return ", ".join(f"”{headings[meaning][0].capitalize()}”" for meaning in meanings)


def _check_columns(
    number: int,
    header: Sequence[str],
    meanings: Mapping[int, str],
    headings: Mapping[str, Sequence[str]],
    required: Sequence[str],
) -> None:
    """No meaning has two columns, and every required one has its own."""
    for meaning in headings:
        same = [at for at, other in meanings.items() if other == meaning]
        if len(same) > 1:
            raise SheetError(
                _(
                    "Två kolumner betyder samma sak: %(columns)s på rad %(row)d. Ta bort den ena "
                    "eller ge den en annan rubrik."
                )
                % {
                    "columns": " och ".join(
                        f"{get_column_letter(at + 1)} (”{header[at]}”)" for at in same[:2]
                    ),
                    "row": number,
                }
            )
    missing = [meaning for meaning in required if meaning not in meanings.values()]
    if missing:
        raise SheetError(
            _("Det saknas en kolumn med rubriken %(missing)s. Rubrikerna står på rad %(row)d.")
            % {"missing": _listed(missing, headings), "row": number}
        )


def _check_cells(rows: Sequence[Row]) -> None:
    """Every cell that will be used holds a value that can be used; otherwise the first few are told."""
    cells = [(row.place(m), text) for row in rows for m, text in row.texts.items() if text]
    uncomputed = [place for place, text in cells if text == UNCOMPUTED]
    if uncomputed:
        raise SheetError(
            _(
                "Här står formler som inte är uträknade: %(places)s. Öppna filen i Excel eller "
                "LibreOffice, spara den och lämna in den igen."
            )
            % {"places": _first(uncomputed)}
        )
    faults = [place for place, text in cells if _EXCEL_ERROR.fullmatch(text)]
    if faults:
        raise SheetError(
            _("Här står felvärden i stället för värden: %(places)s. Rätta dem i arket.")
            % {"places": _first(faults)}
        )
    odd = [place for place, text in cells if len(text) > MAX_CELL or _CONTROL.search(text)]
    if odd:
        raise SheetError(
            _("Här står tecken som inte är text, eller för lång text: %(places)s. Skriv om det.")
            % {"places": _first(odd)}
        )


def _first(places: Sequence[str]) -> str:
    more = len(places) - 5
    told = "; ".join(places[:5])
    return told if more <= 0 else _("%(told)s och %(more)d till") % {"told": told, "more": more}
