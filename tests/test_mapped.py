"""Any report by a mapping of its columns: guessed, previewed row by row, stored, and read."""

import datetime
import io
import json
import random
import struct
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace

import openpyxl
import pytest

from donations.bankfiles import xlsx
from donations.bankfiles.mapped import (
    DAY_FORMATS,
    Look,
    Mapped,
    Mapping,
    Sign,
    look,
    parse_amount,
    preview,
    with_headings,
)
from donations.bankfiles.records import Ground, Line, Refused, Scheme, Way

pytestmark = pytest.mark.once

CSV = (
    "Kontoutdrag för insamlingen;;;\n"
    "\n"
    "Datum;Belopp;Meddelande;Namn\n"
    "2026-03-03;500,00;47030;Åsa Lindström\n"
    "2026-03-03;1 250,50;Till Nepal;Bo Öman\n"
    "2026-03-04;-100,00;Åter;Bo Öman\n"
)
MAPPING = Mapping(
    date=0,
    day_format="ÅÅÅÅ-MM-DD",
    scheme=Scheme.SWISH,
    account="123 000 00 00",
    amount=1,
    message=2,
    payer_name=3,
    delimiter=";",
    encoding="utf-8-sig",
    header_row=3,
    headings=("Datum", "Belopp", "Meddelande", "Namn"),
    channel="swish",
)


def stream(text: str, encoding: str = "utf-8") -> io.BytesIO:
    return io.BytesIO(text.encode(encoding))


def read(text: str, mapping: Mapping = MAPPING) -> list[Line]:
    return list(Mapped(stream(text), mapping).lines())


def one(cells: str, mapping: Mapping = MAPPING) -> Line:
    [line] = read(cells, replace(mapping, header_row=0, headings=()))
    return line


def fault(cells: str, mapping: Mapping = MAPPING) -> str:
    [row] = preview(stream(cells), replace(mapping, header_row=0, headings=()))
    with pytest.raises(Refused) as caught:
        one(cells, mapping)
    assert row.line is None
    assert caught.value.why == row.fault
    assert caught.value.where == "rad 1"
    return row.fault


def workbook(rows: Sequence[Sequence[object]]) -> io.BytesIO:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(out)
    return out


def repacked(
    data: io.BytesIO,
    part: str,
    change: Callable[[bytes], bytes],
    method: int = zipfile.ZIP_DEFLATED,
) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(out, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return out


SHEET = "xl/worksheets/sheet1.xml"
BOOK = replace(MAPPING, delimiter="", encoding="", header_row=1)
ROWS: list[list[object]] = [
    ["Datum", "Belopp", "Meddelande", "Namn"],
    [datetime.date(2026, 3, 3), 500, "47030", "Åsa Lindström"],
    [datetime.datetime(2026, 3, 3, 8, 15), 1250.5, "Till Nepal", "Bo Öman"],  # noqa: DTZ001
    ["2026-03-04", "-100,00", "Åter", "Bo Öman"],
]


# Guessing


@pytest.mark.parametrize(
    ("encoding", "guessed"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
    ],
)
@pytest.mark.parametrize("mark", [";", "\t", "|", ","])
def test_how_a_file_is_written_is_guessed(encoding: str, guessed: str, mark: str) -> None:
    text = CSV.replace(",", ".") if mark == "," else CSV
    seen = look(stream(text.replace(";", mark), encoding))

    assert (seen.delimiter, seen.encoding, seen.header_row) == (mark, guessed, 3)
    assert seen.headings == ("Datum", "Belopp", "Meddelande", "Namn")
    assert [row.number for row in seen.rows] == [1, 3, 4, 5, 6]


def test_a_file_without_headings_has_none() -> None:
    assert look(stream("2026-03-03;500,00\n2026-03-04;100,00\n"))[:4] == (";", "utf-8-sig", 0, ())


def test_the_letter_that_tells_the_encoding_may_come_late() -> None:
    text = "Datum;Namn\n" + "2026-03-03;Bo\n" * 6_000 + "2026-03-03;Åsa\n"
    assert look(stream(text, "cp1252")).encoding == "cp1252"


def test_what_was_guessed_goes_into_the_mapping() -> None:
    data = stream(CSV, "cp1252")
    mapping = with_headings(replace(MAPPING, header_row=0, headings=()), look(data))

    assert mapping == replace(MAPPING, encoding="cp1252")
    assert next(Mapped(data, mapping).lines()).payer.name == "Åsa Lindström"


@pytest.mark.parametrize("data", [b"", b"\n\n", b"%PDF-1.7", b"\xd0\xcf\x11\xe0", b"\0" * 999])
def test_what_is_no_sheet_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        look(io.BytesIO(data))


# The mapping itself


def test_a_mapping_can_be_stored() -> None:
    for mapping in (MAPPING, BOOK, replace(MAPPING, minus=Sign.IN, account="", account_column=5)):
        assert Mapping.from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"date": 0}',
        *(
            json.dumps(json.loads(MAPPING.to_json()) | wrong)
            for wrong in (
                {"delimiter": "x"},
                {"encoding": "rot13"},
                {"encoding": ""},
                {"date": 1},
                {"date": -1},
                {"date": "0"},
                {"date": True},
                {"date": 100},
                {"amount": None},
                {"money_in": 5},
                {"account": ""},
                {"account": "0701234567"},
                {"account_column": 5},
                {"account": 5},
                {"scheme": "x"},
                {"minus": "x"},
                {"decimal": "x"},
                {"day_format": "x"},
                {"header_row": -1},
                {"header_row": "1"},
                {"unknown": 1},
            )
        ),
    ],
)
def test_what_is_no_mapping_is_told(stored: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Mapping.from_json(stored)


# Reading


def test_rows_become_lines() -> None:
    first, second, third = read(CSV)

    assert (first.where, first.booked_on) == ("rad 4", datetime.date(2026, 3, 3))
    assert (first.amount_ore, first.way, first.channel) == (50_000, Way.IN, "swish")
    assert first.references[0].ground is Ground.MESSAGE
    assert first.to.digits == "1230000000"
    assert second.amount_ore == 125_050
    assert (third.amount_ore, third.way) == (10_000, Way.OUT)


def test_the_first_rows_are_shown_as_they_will_be_read_each_with_its_fault() -> None:
    text = CSV.replace("1 250,50", "1 250,505") + "2026-02-30;1,00;;\n" + "2026-03-03;1,00;;\n" * 20
    found = preview(stream(text), MAPPING)

    assert len(found) == 10
    assert [bool(row.line) for row in found[:5]] == [True, False, True, False, True]
    assert "fler än två decimaler" in found[1].fault or "högst två decimaler" in found[1].fault
    assert "Kolumn B" in found[1].fault
    assert "Kolumn A har ”2026-02-30”" in found[3].fault
    assert found[3].row.number == 7


@pytest.mark.parametrize(
    ("written", "decimal", "ore"),
    [
        ("500", ",", 50_000),
        ("1 500,00", ",", 150_000),
        ("1\N{NO-BREAK SPACE}500,5", ",", 150_050),
        ("1.500", ",", 150_000),
        ("1.500", ".", 150),
        ("1,500", ".", 150_000),
        ("1,500.000", ".", 150_000),
        ("-2.300,50 kr", ",", -230_050),
        ("−5", ",", -500),
        ("120,00-", ",", -12_000),
        ("SEK 100", ",", 10_000),
        ("500:-", ",", 50_000),
        ("+5", ",", 500),
        ("0,01", ",", 1),
        ("99 999 999 999,99", ",", 9_999_999_999_999),
    ],
)
def test_amounts_are_read_to_the_ore(written: str, decimal: str, ore: int) -> None:
    assert parse_amount(written, decimal) == ore


@pytest.mark.parametrize(
    ("written", "decimal"),
    [
        ("1,555", ","),
        ("12 34", ","),
        ("1 50", ","),
        ("1 000.000", ","),
        ("1.000 000", ","),
        ("1e3", ","),
        ("--5", ","),
        ("-5-", ","),
        ("٥", ","),
        ("100 000 000 000", ","),
        ("", ","),
        ("kr", ","),
        ("1,5,5", ","),
        ("0x10", ","),
        ("1_000", ","),
        ("inf", ","),
        ("9" * 5_000, ","),
    ],
)
def test_what_is_no_amount_is_told(written: str, decimal: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_amount(written, decimal)


@pytest.mark.parametrize(
    ("written", "day_format"),
    [
        ("2026-03-04", "ÅÅÅÅ-MM-DD"),
        ("2026-03-04 08:15", "ÅÅÅÅ-MM-DD"),
        ("2026-03-04T08:15:22.5+01:00", "ÅÅÅÅ-MM-DD"),
        ("20260304", "ÅÅÅÅMMDD"),
        ("260304", "ÅÅMMDD"),
        ("4/3/2026", "DD/MM/ÅÅÅÅ"),
        ("04.03.2026", "DD.MM.ÅÅÅÅ"),
        ("04-03-2026", "DD-MM-ÅÅÅÅ"),
        ("3/4/2026", "MM/DD/ÅÅÅÅ"),
    ],
)
def test_days_are_read_in_their_format_and_no_other(written: str, day_format: str) -> None:
    mapping = replace(MAPPING, day_format=day_format)
    assert one(f"{written};1;;", mapping).booked_on == datetime.date(2026, 3, 4)

    for other in DAY_FORMATS.keys() - {day_format}:
        if {day_format, other} != {"DD/MM/ÅÅÅÅ", "MM/DD/ÅÅÅÅ"}:
            assert "inte är en dag" in fault(f"{written};1;;", replace(MAPPING, day_format=other))


def test_a_minus_means_what_the_mapping_says() -> None:
    assert one("2026-03-03;-1;;").way is Way.OUT
    assert one("2026-03-03;-1;;", replace(MAPPING, minus=Sign.IN)).way is Way.IN
    assert one("2026-03-03;1;;", replace(MAPPING, minus=Sign.IN)).way is Way.OUT
    assert "minustecken" in fault("2026-03-03;-1;;", replace(MAPPING, minus=Sign.NEVER))


def test_columns_of_their_own_for_in_and_out() -> None:
    mapping = replace(MAPPING, amount=None, money_in=1, money_out=4)

    assert one("2026-03-03;5,00;;;", mapping).way is Way.IN
    assert one("2026-03-03;;;;5,00", mapping).way is Way.OUT
    assert one("2026-03-03;;;;-5,00", mapping).way is Way.OUT
    assert one("2026-03-03;5,00;;;0,00", mapping).amount_ore == 500
    for cells in ("2026-03-03;5,00;;;5,00", "2026-03-03;;;;", "2026-03-03;0;;;0"):
        assert "kolumn B eller E" in fault(cells, mapping)
    assert "pengar in" in fault("2026-03-03;-5,00;;;", mapping)


def test_the_account_may_stand_in_a_column() -> None:
    mapping = replace(MAPPING, account="", account_column=4, scheme=Scheme.BANKGIRO)

    assert one("2026-03-03;1;;;991-2346", mapping).account.digits == "9912346"
    assert "Kolumn E" in fault("2026-03-03;1;;;991-2347", mapping)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("2026-03-03;;;", "inte är 0"),
        ("2026-03-03;0,00;;", "inte är 0"),
        ("2026-03-03;hej;;", "”hej”"),
        (";1;;", "inte är en dag"),
        ("Summa;1;;", "inte är en dag"),
    ],
)
def test_a_row_that_cannot_be_read_tells_its_column(cells: str, says: str) -> None:
    assert says in fault(cells)


def test_other_headings_refuse_the_file() -> None:
    for text in (CSV.replace("Belopp", "Saldo"), CSV.replace("\n\n", "\n"), "a;b\n", CSV[:40]):
        with pytest.raises(Refused) as caught:
            Mapped(stream(text), MAPPING)
        assert caught.value.why


def test_a_quoted_cell_may_hold_separators_and_line_breaks() -> None:
    [line] = read(CSV[: CSV.index("2026")] + '2026-03-03;5,00;"a;""b""\nc";Bo\n')

    assert line.references[0].text in ('a;"b"\nc', 'a;"b" c')


def test_a_quote_that_is_never_closed_is_refused() -> None:
    with pytest.raises(Refused, match="citattecken"):
        read(CSV + '2026-03-03;5,00;"a;Bo\n' * 3)


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_line_breaks_of_any_kind_number_rows_alike(line_break: str) -> None:
    text = CSV + "2026-03-03;5,00;;\n" * 9_000
    expected, found = read(text), read(text.replace("\n", line_break))

    assert [line.where for line in found] == [line.where for line in expected]


@pytest.mark.parametrize("more", ["\n" * 5_000, "x" * 500_000, "\0" * 500_000, ";" * 5_000 + "1"])
def test_nothing_at_great_length_is_refused(more: str) -> None:
    with pytest.raises(Refused):
        read(CSV + more)


# Workbooks


def test_a_workbook_reads_as_the_same_csv_does() -> None:
    found = list(Mapped(workbook(ROWS), BOOK).lines())

    assert [line.row for line in found] == [line.row for line in read(CSV)]
    assert look(workbook(ROWS))[:4] == Look("", "", 1, BOOK.headings, [])[:4]


def test_a_workbook_is_not_read_as_csv_nor_the_other_way() -> None:
    with pytest.raises(Refused, match="XLSX"):
        Mapped(workbook(ROWS), MAPPING)
    with pytest.raises(Refused, match="CSV"):
        Mapped(stream(CSV), BOOK)


@pytest.mark.parametrize(
    ("cell", "ore"),
    [(1234.56, 123_456), (0.1 + 0.2, 30), ("1.500", 150_000), (19.99, 1_999), ("5,5", 550)],
)
def test_numbers_in_a_workbook_are_read_as_shown(cell: object, ore: int) -> None:
    rows = [ROWS[0], [datetime.date(2026, 3, 3), cell, "", ""]]
    [line] = Mapped(workbook(rows), BOOK).lines()

    assert line.amount_ore == ore


def test_a_number_has_the_fifteen_digits_that_excel_shows() -> None:
    xml = '<row r="1"><c r="A1"><v>0.30000000000000004</v></c><c r="B1"><v>1e2</v></c></row>'
    assert list(xlsx.rows(with_sheet(xml))) == [(1, ["0.3", "100"])]


def test_a_formula_that_was_never_computed_is_a_fault() -> None:
    rows = [ROWS[0], [datetime.date(2026, 3, 3), "=1+1", "", ""]]
    [row] = preview(workbook(rows), BOOK)

    assert "formel" in row.fault


def with_sheet(xml: str) -> io.BytesIO:
    whole = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{xml}</sheetData></worksheet>"
    )
    return repacked(workbook(ROWS), SHEET, lambda _old: whole.encode())


@pytest.mark.parametrize(
    "xml",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1"/>',
        '<row r="0"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="ZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        '<row r="1"><c r="A1"><v>x</v></c></row>',
        "<a>" * 200,
        "<row><c/>",
    ],
)
def test_a_sheet_that_no_program_writes_is_refused(xml: str) -> None:
    with pytest.raises(Refused):
        list(xlsx.rows(with_sheet(xml)))


def bomb() -> io.BytesIO:
    """Not much when it is unpacked, but a thousand times what it was."""
    return repacked(workbook(ROWS), SHEET, lambda old: old + b" " * 20_000_000)


def large() -> io.BytesIO:
    """Not packed at all."""
    more = b" " * xlsx.MAX_UNPACKED
    return repacked(workbook(ROWS), SHEET, lambda old: old + more, zipfile.ZIP_STORED)


def dense() -> io.BytesIO:
    """Under every limit of size, yet a lot of elements."""
    rows = "".join(f'<row r="{n}">{"<c/>" * 99}</row>' for n in range(1, 20_000))
    return with_sheet(rows)


def with_doctype() -> io.BytesIO:
    entities = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">]>'
    return repacked(workbook(ROWS), SHEET, lambda old: entities + (old.partition(b"?>")[2] or old))


@pytest.mark.parametrize("made", [bomb, large, dense, with_doctype])
def test_a_workbook_that_unpacks_to_too_much_is_refused_soon(
    made: Callable[[], io.BytesIO],
) -> None:
    data = made()
    began = time.process_time()
    with pytest.raises(Refused):
        list(xlsx.rows(data))
    assert time.process_time() - began < 4


def test_a_broken_workbook_is_refused_and_nothing_else() -> None:
    """Bytes changed anywhere, in the archive and in the XML inside it."""
    whole = workbook(ROWS).getvalue()
    with zipfile.ZipFile(io.BytesIO(whole)) as book:
        parts = [name for name in book.namelist() if name.startswith("xl/")]
    taken = 0
    for seed in range(300):
        draw = random.Random(seed)

        def changed(data: bytes, draw: random.Random = draw) -> bytes:
            at = draw.randrange(len(data))
            return data[:at] + bytes([draw.randrange(256)]) + data[at + draw.randrange(1, 3) :]

        data = (
            io.BytesIO(changed(whole))
            if seed % 3 == 0
            else repacked(io.BytesIO(whole), draw.choice(parts), changed)
        )
        try:
            taken += len(list(Mapped(data, BOOK).lines())) > 0
        except Refused:
            continue
    assert 0 < taken < 300


def test_a_size_that_lies_is_found_out() -> None:
    """The archive says that a part is short; what is longer is not read."""
    data = bytearray(repacked(workbook(ROWS), SHEET, lambda old: old + b" " * 1_000).getvalue())
    at = data.rindex(b"PK\x01\x02", 0, data.index(SHEET.encode(), data.index(b"PK\x01\x02")))
    data[at + 24 : at + 28] = struct.pack("<L", 10)
    with pytest.raises(Refused):
        list(xlsx.rows(io.BytesIO(bytes(data))))
