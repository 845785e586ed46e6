"""A person's sheet becomes rows under known headings, or a sentence that says what to mend and where."""

import datetime as dt
import io
import re
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from donations.money import AmountError
from donations.sheets import MAX_COLUMNS, MAX_ROWS, Sheet, SheetError, kronor, read, write_template

pytestmark = pytest.mark.once

NBSP = "\N{NO-BREAK SPACE}"
HEADINGS = {
    "number": ("insamlingsnummer", "nummer", "nr"),
    "title": ("projekt", "titel"),
    "need": ("behov", "insamlingsbehov"),
}
CSV = "Insamlingsnummer;Projekt;Behov\n47030;Brunnar i Åre;276 000\n"


def read_csv(text: str, encoding: str = "utf-8", name: str = "behov.csv") -> Sheet:
    return read(name, text.encode(encoding), HEADINGS)


def read_xlsx(data: bytes, name: str = "behov.xlsx") -> Sheet:
    return read(name, data, HEADINGS)


def table(sheet: Sheet) -> list[tuple[int, str, str, str]]:
    return [(row.number, row["number"], row["title"], row["need"]) for row in sheet.rows]


def workbook(
    *rows: Sequence[object], change: Callable[[openpyxl.Workbook], None] | None = None
) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


HEADER: list[object] = ["Insamlingsnummer", "Projekt", "Behov"]


def with_sheet_xml(data: str, before: str = "", path: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook whose first sheet is this XML, as no spreadsheet program would write it."""
    xml = (
        f'<?xml version="1.0"?>{before}<worksheet xmlns='
        f'"http://schemas.openxmlformats.org/spreadsheetml/2006/main">{data}</worksheet>'
    )
    return repacked(workbook(HEADER), {path: xml.encode()})


def repacked(data: bytes, parts: dict[str, bytes]) -> bytes:
    """The archive with some parts put in place of what was there."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


def with_shared_strings(texts: list[str], data: str) -> bytes:
    """A workbook as Excel saves it: the texts in a list of their own, the cells with numbers of them."""
    made = with_sheet_xml(data)
    with zipfile.ZipFile(io.BytesIO(made)) as old:
        types = old.read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return repacked(
        made,
        {
            "[Content_Types].xml": types.replace("</Types>", part).encode(),
            "xl/sharedStrings.xml": (
                '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                f"{strings}</sst>"
            ).encode(),
        },
    )


def inline(*rows: str) -> str:
    """Sheet data with one inline text per cell: "A1=Behov B1=…"."""
    made = ""
    for row in rows:
        cells = [cell.partition("=") for cell in row.split()]
        number = re.sub(r"\D", "", cells[0][0])
        made += f'<row r="{number}">' + "".join(
            f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>' for at, _, text in cells
        )
        made += "</row>"
    return f"<sheetData>{made}</sheetData>"


def refusal(name: str, data: bytes, required: tuple[str, ...] = ()) -> str:
    with pytest.raises(SheetError) as error:
        read(name, data, HEADINGS, required)
    sentence = str(error.value)
    assert sentence[0].isupper() or sentence[0] == "”"
    assert sentence.endswith(".")
    assert "\0" not in sentence
    return sentence


@contextmanager
def bounded(seconds: float, megabytes: float | None = None) -> Iterator[None]:
    """Fail when the block takes more processor time, or memory at its peak; measuring that is slow."""
    if megabytes:
        tracemalloc.start()
    started = time.process_time()
    try:
        yield
        assert time.process_time() - started < seconds
        if megabytes:
            assert tracemalloc.get_traced_memory()[1] < megabytes * 1_000_000
    finally:
        tracemalloc.stop()


# CSV


@pytest.mark.parametrize("mark", [";", ",", "\t"])
@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_is_read_however_excel_saved_it(mark: str, line: str, encoding: str) -> None:
    text = CSV.replace(";", mark).replace("\n", line)

    assert table(read_csv(text, encoding)) == [(2, "47030", "Brunnar i Åre", "276 000")]


def test_commas_in_amounts_and_texts_are_not_taken_for_separators() -> None:
    sheet = read_csv('Nr;Projekt;Behov\n1;"Mat, vatten, skola";1,50\n2;"a;b";2,50\n')

    assert table(sheet) == [(2, "1", "Mat, vatten, skola", "1,50"), (3, "2", "a;b", "2,50")]


def test_rows_have_the_numbers_that_excel_shows() -> None:
    sheet = read_csv('Behov 2027\n\nNr;Projekt;Behov\n1;"Två\r\nrader";5\n;;\n\n2;B;6\n')

    assert table(sheet) == [(4, "1", "Två\nrader", "5"), (7, "2", "B", "6")]


def test_excels_line_about_the_separator_is_no_row() -> None:
    assert table(read_csv("sep=|\nNr|Behov\n47030|5\n")) == [(2, "47030", "", "5")]


def test_a_mac_writes_letters_in_two_parts_and_they_become_one() -> None:
    sheet = read(
        "a.csv", "Nr;Fo\u0308rnamn\n1;A\u030ake\n".encode(), {"a": ("nr",), "b": ("förnamn",)}
    )

    assert sheet.rows[0]["b"] == "\u00c5ke"


def test_a_mark_before_a_quoted_heading_is_no_part_of_it() -> None:
    assert read_csv('"Nr";"Behov"\n1;5\n', "utf-8-sig").headers == {"number": "Nr", "need": "Behov"}


def test_a_heading_that_begins_like_an_archive_is_a_heading() -> None:
    assert read("a.csv", b"PK;Nr\n1;47030\n", {"number": ("nr",)}).unused == ("PK",)


def test_one_heading_is_enough_where_one_is_asked_for() -> None:
    assert read("a.csv", b"Nr\n47030\n", {"number": ("nr",)}).rows[0]["number"] == "47030"


def test_short_rows_have_empty_texts_and_a_misspelt_meaning_is_an_error() -> None:
    row = read_csv("Nr;Behov\n47030\n").rows[0]

    assert (row["number"], row["need"], row["title"]) == ("47030", "", "")
    with pytest.raises(KeyError):
        row["ned"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('Nr;Behov\n1;5\n2;"sex\n3;7\n', "Raden efter rad 2"),
        ('Nr;Behov\n1;"fem" kr\n', "citattecken"),
        ("Nr;Behov\n1;" + "x" * 140_000 + "\n", "Raden efter rad 1"),
        ("Nr;Behov\n1;" + "x" * 32_768 + "\n", "rad 2, kolumn B (”Behov”)"),
        ("Nr;Behov\n1;5\x07\n", "rad 2, kolumn B (”Behov”)"),
        ("Nr;Behov\n1;#REFERENS!\n2;#N/A\n", "kolumn B (”Behov”); rad 3, kolumn B (”Behov”)"),
        ("Nr;Behov\n", "inget under rubrikerna på rad 1"),
        ("Insamlingsnummer\n47030\n", "”Insamlingsnummer”, ”Projekt”, ”Behov”"),
        ("47030;276000\n", "ingen rad med rubriker"),
        ("Nr;Behov;Insamlings-nummer\n1;2;3\n", "A (”Nr”) och C (”Insamlings-nummer”) på rad 1"),
        ("Nr;Nr\n1;2\n", "A (”Nr”) och B (”Nr”)"),
    ],
)
def test_what_is_wrong_in_a_csv_is_told_with_its_place(text: str, says: str) -> None:
    assert says in refusal("behov.csv", text.encode())


def test_missing_columns_are_named_by_the_heading_to_write() -> None:
    sentence = refusal("a.csv", b"Titel;Nr\nA;1\n", ("number", "need"))

    assert "kolumn med rubriken ”Behov”." in sentence
    assert read("a.csv", b"Titel;Nr\nA;1\n", HEADINGS, ("number", "title")).rows


# Which files


@pytest.mark.parametrize("data", [b"", b" \r\n \n", b"\n" * 50])
def test_an_empty_file_is_told_so(data: bytes) -> None:
    assert "Filen är tom" in refusal("behov.csv", data)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
ODS = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}
DOCX = {"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"}
XLSB = {"[Content_Types].xml": b"<a/>", "xl/workbook.bin": b"x"}


def archive(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("behov.xls", OLE),
        ("behov.xlsx", OLE),
        ("behov.ods", archive(ODS)),
        ("behov.xlsx", archive(ODS)),
        ("behov.docx", archive(DOCX)),
        ("behov.xlsb", archive(XLSB)),
        ("behov.pdf", b"%PDF-1.7 \n"),
        ("behov.csv", b"%PDF-1.7 \n"),
        ("behov.ods", CSV.encode()),
        ("behov", CSV.encode()),
        ("behov.csv", b"\n <html><table><tr><td>Nr</td></tr></table></html>"),
    ],
)
def test_other_kinds_of_files_are_to_be_saved_as_xlsx_or_csv(name: str, data: bytes) -> None:
    sentence = refusal(name, data)

    assert f"”{name}” är varken" in sentence
    assert "spara den som .xlsx eller .csv" in sentence


def test_content_decides_between_xlsx_and_csv_whatever_the_name() -> None:
    assert read_csv(CSV, name="Behov.XLSX").rows
    assert read_xlsx(workbook(HEADER, ["47030"]), name="behov.csv").rows


def locked_zip() -> bytes:
    """A workbook whose parts say that they are encrypted."""
    data = bytearray(workbook(HEADER, ["1"]))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), bytes(data)):
            struct.pack_into("<H", data, found.start() + flags, 1)
    return bytes(data)


@pytest.mark.parametrize("data", [OLE + "EncryptedPackage".encode("utf-16-le"), locked_zip()])
def test_a_password_is_to_be_taken_off(data: bytes) -> None:
    assert "utan lösenord" in refusal("behov.xlsx", data)


GOOD = workbook(HEADER, ["47030", "Brunnar", 276000])


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + bytes(100),
        GOOD[:-30],
        GOOD[: len(GOOD) // 2],
        repacked(GOOD, {"xl/workbook.xml": b"<broken"}),
        repacked(GOOD, {"xl/workbook.xml": b"\xff\xfe\x00"}),
        repacked(GOOD, {"xl/styles.xml": b"<a/>" * 2}),
        archive({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}),
        repacked(archive(DOCX), {"xl/x.xml": b"<a/>"}),
        archive({"[Content_Types].xml": b"<a/>", "xl/a.xml": b"<a/>"}, zipfile.ZIP_LZMA),
    ],
)
def test_a_broken_workbook_is_told_so(data: bytes) -> None:
    assert "skadad" in refusal("behov.xlsx", data)


def test_a_text_whose_letters_cannot_be_told_is_to_be_saved_as_utf_8() -> None:
    for data in (b"Nr;Behov\n1;\0\n", "Nr;Behov\n".encode("utf-16-le"), b"Nr;\x81\n", b"\xff\xfea"):
        assert "CSV UTF-8" in refusal("behov.csv", data)


# XLSX


def test_values_are_written_as_a_person_sees_them() -> None:
    values: list[tuple[object, str]] = [
        ("00123", "00123"),
        (47030.0, "47030"),
        (276000.5, "276000.5"),
        (0.1 + 0.2, "0.3"),
        (1234.5600000000001, "1234.56"),
        (-5, "-5"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.datetime(2026, 1, 31, 9, 5), "2026-01-31 09:05"),  # noqa: DTZ001 (Excel has no zones)
        (dt.time(9, 5), "09:05"),
        (True, "SANT"),
        (f"{NBSP} Brunnar\r\ni Åre ", "Brunnar\ni Åre"),
        ("", ""),
        (10**15, "1000000000000000"),
        (1e300, "1e+300"),
    ]
    sheet = read_xlsx(workbook(HEADER, *[["x", value] for value, _ in values]))

    assert [row["title"] for row in sheet.rows] == [text for _, text in values]


@pytest.mark.parametrize(
    ("stored", "text"),
    [("1234.5600000000001", "1234.56"), ("47030.0", "47030"), ("4.703E4", "47030")],
)
def test_a_number_is_shown_with_the_digits_that_excel_shows(stored: str, text: str) -> None:
    cell = f'<row r="2"><c r="A2"><v>{stored}</v></c></row></sheetData>'
    data = inline("A1=Nr B1=Behov").replace("</sheetData>", cell)

    assert read_xlsx(with_sheet_xml(data)).rows[0]["number"] == text


def test_texts_that_excel_keeps_in_a_list_are_read() -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'
    rows += '<row r="4"><c r="A4" t="s"><v>2</v></c><c r="C4"><v>276000</v></c></row>'
    data = with_shared_strings(["Nr", "Behov", "00123_x000D_\n"], f"<sheetData>{rows}</sheetData>")
    assert table(read_xlsx(data)) == [(4, "00123", "", "276000")]


def test_title_rows_stand_above_the_headings_and_unknown_columns_are_told() -> None:
    rows: list[list[object]] = [
        ["Behov för 2027"],
        [],
        ["Sammanställt av", "Nr"],
        ["Ansvarig", "NR.", "Behov (kr)", None, "Ort"],
        ["Kim", "47030", 276000],
        [None, None, None],
        ["Lo", "47031", None, None, "Åre"],
    ]
    sheet = read_xlsx(workbook(*rows))

    assert sheet.headers == {"number": "NR.", "need": "Behov (kr)"}
    assert sheet.unused == ("Ansvarig", "Ort")
    assert table(sheet) == [(5, "47030", "", "276000"), (7, "47031", "", "")]
    assert sheet.rows[0].place("need") == "rad 5, kolumn C (”Behov (kr)”)"
    assert sheet.rows[0].place("title") == sheet.rows[0].place() == "rad 5"


def test_the_first_visible_sheet_with_content_is_read() -> None:
    def change(book: openpyxl.Workbook) -> None:
        book.worksheets[0].sheet_state = "hidden"
        book.create_sheet("Tomt")
        book.create_chartsheet("Diagram")
        for title in ("Behov", "Annat"):
            sheet = book.create_sheet(title)
            sheet.append(["Nr", "Behov"])
            sheet.append([title, 5])
        book.active = 1

    sheet = read_xlsx(workbook(HEADER, ["dolt"], change=change))

    assert (sheet.title, table(sheet)) == ("Behov", [(2, "Behov", "", "5")])


def test_a_workbook_with_nothing_in_it_is_empty() -> None:
    assert "Filen är tom" in refusal("behov.xlsx", workbook())


def test_text_that_looks_like_a_formula_stays_text() -> None:
    def change(book: openpyxl.Workbook) -> None:
        cell = book.worksheets[0]["B2"]
        cell.value = '=HYPERLINK("http://example.org")'
        cell.data_type = "s"

    sheet = read_xlsx(workbook(HEADER, ["1"], change=change))

    assert sheet.rows[0]["title"] == '=HYPERLINK("http://example.org")'


def test_formulas_that_were_never_computed_are_told_by_cell() -> None:
    rows = [["47030", f"=A{row}", f"=1+{row}"] for row in range(2, 9)]
    sentence = refusal("behov.xlsx", workbook(HEADER, *rows))

    assert "rad 2, kolumn B (”Projekt”); rad 2, kolumn C (”Behov”); rad 3" in sentence
    assert "och 9 till" in sentence


def test_formulas_in_columns_that_are_not_used_hinder_nobody() -> None:
    assert read_xlsx(workbook([*HEADER, "Egen uträkning"], ["1", "A", 5, "=C2*2"])).rows


def test_computed_formulas_give_their_values_and_computed_nothing_is_nothing() -> None:
    data = inline("A1=Nr B1=Behov").replace(
        "</sheetData>",
        '<row r="2"><c r="A2" t="str"><f>B9</f><v>47030</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3"><v>1</v></c><c r="B3" t="str"><f>IF(1,"")</f><v></v></c></row>'
        "</sheetData>",
    )
    assert table(read_xlsx(with_sheet_xml(data))) == [(2, "47030", "", "2"), (3, "1", "", "")]


def test_excels_error_values_are_told_by_cell() -> None:
    assert "rad 3, kolumn C (”Behov”)" in refusal(
        "behov.xlsx", workbook(HEADER, ["1", "A", 5], ["2", "B", "#DIV/0!"])
    )


# Limits


def many(rows: int) -> str:
    return "Nr;Behov\n" + "47030;5\n" * rows


def test_ten_thousand_rows_are_read_and_not_one_more() -> None:
    assert len(read_csv(many(MAX_ROWS)).rows) == MAX_ROWS
    assert "högst 10 000 rader" in refusal("a.csv", many(MAX_ROWS + 1).encode())
    assert "högst 10 000 rader" in refusal("a.csv", many(5 * MAX_ROWS).encode())


def test_ten_thousand_rows_of_a_workbook_are_read_in_bounded_time() -> None:
    data = workbook(HEADER, *[[f"{row:05}", f"Projekt {row}", row] for row in range(MAX_ROWS)])
    with bounded(seconds=10):
        sheet = read_xlsx(data)
    assert table(sheet)[-1] == (MAX_ROWS + 1, "09999", "Projekt 9999", "9999")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_hundred_columns_are_read_and_a_cell_beyond_them_is_named(kind: str) -> None:
    def sheet_with(columns: int) -> bytes:
        rows = [["Nr", "Behov"], ["1", *[""] * (columns - 2), "x"]]
        if kind == "xlsx":
            return workbook(*[list(row) for row in rows])
        return "\n".join(";".join(row) for row in rows).encode()

    assert read(f"a.{kind}", sheet_with(MAX_COLUMNS), HEADINGS).rows
    assert "cell CW2" in refusal(f"a.{kind}", sheet_with(MAX_COLUMNS + 1))
    assert "cell DA2" in refusal(f"a.{kind}", sheet_with(MAX_COLUMNS + 5))


def grown(name: str, size: int) -> bytes:
    """An archive that says nothing false: a part of this many equal bytes."""
    return repacked(GOOD, {name: b"<a>" + b" " * size + b"</a>"})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(grown("xl/media/a.bin", 150_000_000), id="150 MB in 150 kB"),
        pytest.param(grown("xl/worksheets/sheet1.xml", 5_000_000), id="a thousand to one"),
        pytest.param(b"PK" + bytes(10_000_000), id="more than 10 MB"),
        pytest.param(archive({f"{i}.xml": b"<a/>" for i in range(1001)}), id="many parts"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(data: bytes) -> None:
    with bounded(seconds=2, megabytes=5):
        assert "för stor" in refusal("behov.xlsx", data)


def test_fifty_megabytes_are_too_much_however_little_they_are_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("donations.sheets.MAX_RATIO", 2000)
    assert "för stor" in refusal("behov.xlsx", grown("xl/media/a.bin", 50_000_000))
    assert read_xlsx(grown("xl/media/a.bin", 49_900_000)).rows


def test_an_archive_that_lies_about_its_sizes_is_broken() -> None:
    data = bytearray(grown("xl/worksheets/sheet1.xml", 30_000_000))
    real = struct.pack("<I", 30_000_007)
    assert data.count(real) == 2
    lying = bytes(data).replace(real, struct.pack("<I", 500))
    with bounded(seconds=3, megabytes=5):
        assert "skadad" in refusal("behov.xlsx", lying)


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "haha">' + f'<!ENTITY b "{"&a;" * 50}"><!ENTITY c "{"&b;" * 50}">]>'
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_sheet_xml("<a>" * 200_000 + "</a>" * 200_000), id="deep"),
        pytest.param(with_sheet_xml("", before=LAUGHS), id="entities"),
        pytest.param(with_sheet_xml('<sheetData><row r="999999999999"/></sheetData>'), id="row"),
        pytest.param(with_sheet_xml('<sheetData><row r="1e9"/></sheetData>'), id="row as a float"),
        pytest.param(with_sheet_xml(inline("A2=Nr", "A1=Behov")), id="rows out of order"),
        pytest.param(with_sheet_xml(inline("A1=Nr", "A1=Behov")), id="a row twice"),
        pytest.param(with_sheet_xml(inline("B1=Nr A1=Behov")), id="cells out of order"),
        pytest.param(with_sheet_xml(inline("XFE1=Nr")), id="a column beyond the last"),
        pytest.param(
            with_sheet_xml('<sheetData><row><row r="999999999"/></row></sheetData>'),
            id="a row in a row",
        ),
    ],
)
def test_xml_that_no_spreadsheet_program_writes_is_broken(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("donations.sheets.MAX_RATIO", 2000)
    with bounded(seconds=5, megabytes=20):
        assert "skadad" in refusal("behov.xlsx", data)


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("<sheetData/>" + '<a b=""/>' * 101_000, id="loose"),
        pytest.param(
            "<sheetData><row><c>" + "<x/>" * 101_000 + "</c></row></sheetData>", id="in one row"
        ),
        pytest.param(
            "<sheetData>" + '<row><c r="XFD1"/></row>' * 2_000 + "</sheetData>", id="wide"
        ),
        pytest.param(
            "<sheetData>" + '<row><z r="XFD1"/></row>' * 2_000 + "</sheetData>",
            id="wide by another name",
        ),
    ],
)
def test_more_than_a_sheet_needs_is_too_large(xml: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("donations.sheets.MAX_RATIO", 2000)
    with bounded(seconds=10, megabytes=20):
        assert "för stor" in refusal("behov.xlsx", with_sheet_xml(xml))


def test_a_sheet_that_says_it_has_a_million_rows_is_read_for_what_it_holds() -> None:
    xml = '<dimension ref="A1:XFD1048576"/>' + inline(
        "A1=Nr B1=Behov", "A2=47030 B2=5", "A1048576=47031"
    )
    with bounded(seconds=5):
        sheet = read_xlsx(with_sheet_xml(xml))
    assert table(sheet) == [(2, "47030", "", "5"), (1048576, "47031", "", "")]


def test_blank_rows_below_the_last_cost_little() -> None:
    blank = "".join(f'<row r="{row}"/>' for row in range(3, 60_000))
    xml = inline("A1=Nr B1=Behov", "A2=47030 B2=5").replace("</sheetData>", blank + "</sheetData>")
    with bounded(seconds=5):
        assert len(read_xlsx(with_sheet_xml(xml)).rows) == 1


def test_a_long_text_that_every_cell_points_at_is_too_large() -> None:
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 5000)
    )
    data = with_shared_strings(["ö" * 32_000], f"<sheetData>{cells}</sheetData>")
    with bounded(seconds=5):
        assert "för stor" in refusal("behov.xlsx", data)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(GOOD)), st.sampled_from(["a.csv", "a.xlsx"]))
@example(b"", 0, "a.csv")
def test_nothing_but_a_sentence_comes_of_damaged_bytes(junk: bytes, at: int, name: str) -> None:
    for data in (junk, GOOD[:at] + junk + GOOD[at + len(junk) :], CSV.encode()[: at % 60] + junk):
        with suppress(SheetError):  # a sentence; anything else fails
            assert read(name, data, HEADINGS).rows


# Amounts


@pytest.mark.parametrize(
    ("text", "ore"),
    [
        ("276 000", 276_000_00),
        ("276 000,00 kr", 276_000_00),
        (f"276{NBSP}000{NBSP}kr", 276_000_00),
        ("276000", 276_000_00),
        ("276000.00", 276_000_00),
        ("276000.5", 276_000_50),
        ("276 000.05 kr", 276_000_05),
        ("0", 0),
    ],
)
def test_amounts_as_people_and_excel_write_them(text: str, ore: int) -> None:
    assert kronor(text) == ore


@pytest.mark.parametrize(
    "text", ["276.000", "276,000.00", "1.2.3", "-5", "-5.5", "1e+300", "", "x", ".5"]
)
def test_what_could_mean_two_things_is_no_amount(text: str) -> None:
    with pytest.raises(AmountError):
        kronor(text)


def test_a_wrong_amount_is_told_with_its_column_and_what_stands_there() -> None:
    row = read_csv("Nr;Behov\n1;5\n2;omkring fem tusen\n").rows[1]

    with pytest.raises(SheetError) as error:
        row.kronor("need")
    assert str(error.value).startswith(
        "I kolumn B (”Behov”) står ”omkring fem tusen”, som inte är ett belopp. Skriv beloppet i kronor"
    )


def test_an_amount_in_a_workbook_is_exact_to_the_ore() -> None:
    rows = [["1", "A", ore / 100] for ore in (1, 10, 29, 110, 27600005, 9_999_999_999_99)]
    sheet = read_xlsx(workbook(HEADER, *rows))

    assert [row.kronor("need") for row in sheet.rows] == [
        1,
        10,
        29,
        110,
        27600005,
        9_999_999_999_99,
    ]


# Templates


def test_an_empty_sheet_to_fill_in_is_read_back_with_its_headings() -> None:
    headings = ["Insamlingsnummer", "Projekt", "Behov"]
    rows = [("00123", "=HYPERLINK(1)", "-5"), ("47031", "Å\x0b Ä", "+1 @x")]

    made = write_template(headings, rows)

    sheet = openpyxl.load_workbook(io.BytesIO(made)).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert sheet["A1"].font.bold
    assert table(read_xlsx(made)) == [
        (2, "00123", "=HYPERLINK(1)", "-5"),
        (3, "47031", "Å  Ä", "+1 @x"),
    ]
    assert "inget under rubrikerna på rad 1" in refusal("a.xlsx", write_template(headings))
