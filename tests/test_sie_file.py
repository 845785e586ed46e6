"""The bytes of a SIE file, read back by a reader that knows the rules alone."""

import dataclasses
import datetime
import re
from pathlib import Path

import pytest

from donations.exports.sie import Row, SieFile, Voucher, as_cp437, write
from tests.sie_reader import FORBIDDEN, MANDATORY, SieError, read

pytestmark = pytest.mark.once
SAMPLE = Path(__file__).parents[2] / "shared/reference/samples/sie4i-example.SI"
DAY = datetime.date(2026, 11, 20)
GIFTS = Voucher("K", DAY, "Gåvor, 2 st", [Row("1689", "", 500_00), Row("3993", "47030", -500_00)])
FILE = SieFile(
    organisation="Långväga",
    organisation_number="802000-1233",
    made_on=datetime.date(2026, 12, 1),
    year=(datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)),
    accounts={"3993": "Gåvor", "1689": "Avräkning"},
    projects={"47030": "Mot människohandel"},
    vouchers=[GIFTS],
)


def file(**other: object) -> SieFile:
    return dataclasses.replace(FILE, **other)  # type: ignore[arg-type]


def test_a_file_is_to_the_letter_what_the_format_shows() -> None:
    assert write(FILE).decode("cp437").split("\r\n") == [
        "#FLAGGA 0",
        '#PROGRAM "Kollekt" "1.0"',
        "#FORMAT PC8",
        "#GEN 20261201",
        "#SIETYP 4",
        '#ORGNR "802000-1233"',
        '#FNAMN "Långväga"',
        "#RAR 0 20260101 20261231",
        '#KONTO 1689 "Avräkning"',
        '#KONTO 3993 "Gåvor"',
        '#OBJEKT 6 "47030" "Mot människohandel"',
        '#VER "K" "" 20261120 "Gåvor, 2 st"',
        "{",
        "#TRANS 1689 {} 500.00",
        '#TRANS 3993 {6 "47030"} -500.00',
        "}",
        "",
    ]


def test_the_strict_reader_reads_it_back() -> None:
    told = read(write(FILE))
    assert list(told.tags) == [*MANDATORY[:5], "#ORGNR", "#FNAMN", "#RAR"]
    assert (told.line_end, told.year) == ("\r\n", FILE.year)
    assert told.accounts == FILE.accounts
    assert told.objects == {(6, "47030"): "Mot människohandel"}
    [voucher] = told.vouchers
    assert (voucher.series, voucher.number, voucher.day) == ("K", "", DAY)
    assert [(row.account, row.objects, row.ore) for row in voucher.rows] == [
        ("1689", {}, 500_00),
        ("3993", {6: "47030"}, -500_00),
    ]


def test_without_an_organisation_number_there_is_no_line_for_it() -> None:
    assert "#ORGNR" not in read(write(file(organisation_number=""))).tags


@pytest.mark.parametrize(
    ("ore", "shown"),
    [(1, "0.01"), (99, "0.99"), (100, "1.00"), (276_000_05, "276000.05")],
)
def test_an_amount_has_a_decimal_point_and_no_spaces(ore: int, shown: str) -> None:
    rows = [Row("1689", "", ore), Row("3993", "", -ore)]
    lines = write(file(vouchers=[dataclasses.replace(GIFTS, rows=rows)])).decode("cp437")
    assert f"#TRANS 1689 {{}} {shown}\r\n" in lines
    assert f"#TRANS 3993 {{}} -{shown}\r\n" in lines


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [Row("1689", "", 500_00), Row("3993", "47030", -499_99)],
        [Row("1689", "", 500_00), Row("3994", "47030", -500_00)],
        [Row("1689", "", 500_00), Row("3993", "47031", -500_00)],
    ],
)
def test_what_no_general_ledger_could_take_in_is_not_written(rows: list[Row]) -> None:
    with pytest.raises(ValueError, match=r"sum to zero|Nobody has named"):
        write(file(vouchers=[dataclasses.replace(GIFTS, rows=rows)]))


@pytest.mark.parametrize("day", [datetime.date(2025, 12, 31), datetime.date(2027, 1, 1)])
def test_a_voucher_of_another_year_is_not_written(day: datetime.date) -> None:
    with pytest.raises(ValueError, match="another year"):
        write(file(vouchers=[dataclasses.replace(GIFTS, day=day)]))


def test_an_account_with_letters_is_not_written() -> None:
    with pytest.raises(ValueError, match="is a number"):
        write(file(accounts={**FILE.accounts, "39A3": "Gåvor"}))


# Letters

EVERY_BYTE = "".join(
    char for char in bytes(range(32, 256)).decode("cp437") if char not in "\x7f\\\u00a0"
)


def named(text: str) -> str:
    """What a project so named is called when the file has been read."""
    return read(write(file(projects={"47030": text}))).objects[6, "47030"]


def test_all_that_cp437_has_comes_back_as_it_was() -> None:
    greek = "αΓπΣσµτΦΘΩδφε"
    kept = "".join(char for char in EVERY_BYTE if char not in greek or char == "µ")
    assert named(f"å{kept}ö") == " ".join(f"å{kept}ö".split())


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Mot människohandel på Åland, Ö", "Mot människohandel på Åland, Ö"),
        ('Kallad "Nai"', 'Kallad "Nai"'),
        ("”Hej”, sa hon – och ’log’…", "\"Hej\", sa hon - och 'log'..."),
        ("C:\\gåvor\\", "C:/gåvor/"),
        ('a\\"', 'a/"'),
        ('{6 "47031"} #VER', '{6 "47031"} #VER'),
        ("5 €\u00a0i månaden", "5 EUR i månaden"),
        ("Škoda, Łódź, Tromsø, Győr, Đà Nẵng", "Skoda, Lódz, Tromsö, Györ, Dà Nang"),
        ("Александра Щукина", "Aleksandra Sjtjukina"),
        ("Αθήνα", "Athina"),
        ("A\u030angermanland", "Ångermanland"),
        ("rad ett\r\nrad\ttvå\x00\x07", "rad ett rad två"),
        ("\u200bVatten 💧 åt alla", "Vatten åt alla"),
        ("Är det så? Ja", "Är det så? Ja"),
        ("x" * 500, "x" * 500),
        ("清水", "47030"),
        ("مياه 2026", "47030 2026"),
        ("2026", "2026"),
        ("", "47030"),
    ],
)
def test_a_name_is_written_in_letters_that_the_format_has(typed: str, shown: str) -> None:
    assert named(typed) == shown


def test_no_letter_at_all_becomes_a_question_mark_or_stops_the_file() -> None:
    for first in range(0, 0x20000, 0x400):
        letters = "".join(
            chr(point) for point in range(first, first + 0x400) if not 0xD800 <= point < 0xE000
        )
        shown = as_cp437(letters)
        asked = sum(letters.count(char) for char in "?？﹖⁇⁈⁉︖")
        assert asked or "?" not in shown
        assert not re.search(r"[\x00-\x1f\x7f\\]", shown)
        shown.encode("cp437")


def test_what_a_project_is_called_never_ends_its_line_or_its_voucher() -> None:
    for name in ('"', '\\"', '" "x', "}\r\n#VER", "\\", '"\\'):
        told = read(write(file(projects={"47030": name}, organisation=f"Org {name}")))
        assert len(told.vouchers) == 1


# The reader itself


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the sample is not in the repository")
def test_the_reader_reads_what_another_program_has_written() -> None:
    told = read(SAMPLE.read_bytes())
    assert told.dimensions == {1: "Kostnadsställe", 2: "Kostnadsbärare", 6: "Projekt"}
    [voucher] = told.vouchers
    assert voucher.text == "Kundfakt 2452 - 2455"
    assert len(voucher.rows) == 10
    assert sum(row.ore for row in voucher.rows if row.ore > 0) == 3313_00 - 250_00 + 250_00


@pytest.mark.parametrize("tag", MANDATORY)
def test_the_reader_refuses_a_file_that_lacks_what_is_mandatory(tag: str) -> None:
    lines = write(FILE).decode("cp437").splitlines(keepends=True)
    with pytest.raises(SieError):
        read("".join(line for line in lines if not line.startswith(tag)).encode("cp437"))


@pytest.mark.parametrize("tag", sorted(FORBIDDEN))
def test_the_reader_refuses_what_is_forbidden_in_4i(tag: str) -> None:
    content = write(FILE).replace(b"#KONTO 1689", f"{tag} 0 1689 0.00\r\n#KONTO 1689".encode())
    with pytest.raises(SieError, match="forbidden"):
        read(content)


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b"#FLAGGA 0", b"#FLAGGA 1"),
        (b"#FLAGGA 0\r\n", b""),
        (b"PC8", b"UTF8"),
        (b"#SIETYP 4", b"#SIETYP 1"),
        (b"#GEN 20261201", b"#GEN 20261301"),
        (b"#GEN 20261201", b"#GEN 2026-12-01"),
        (b"802000-1233", b"8020001233"),
        (b"20260101 20261231", b"20261231 20260101"),
        (b"20260101 20261231", b"20250101 20251231"),
        (b"#KONTO 1689", b"#KONTO 16A9"),
        (b"#KONTO 1689", b"#KONTO 3993"),
        (b"#KONTO 1689", b"#KONTO 1690"),
        (b'#OBJEKT 6 "47030"', b'#OBJEKT 6 "47031"'),
        (b"#OBJEKT 6", b"#OBJEKT 20"),
        (b'{6 "47030"}', b"{6}"),
        (b'{6 "47030"}', b'6 "47030"'),
        (b"500.00\r\n#TRANS", b"500,00\r\n#TRANS"),
        (b"500.00\r\n#TRANS", b"500.000\r\n#TRANS"),
        (b"500.00\r\n#TRANS", b"500.01\r\n#TRANS"),
        (b"500.00\r\n#TRANS", b"5 00.00\r\n#TRANS"),
        (b"20261120", b"20260230"),
        (b"20261120", b"20270101"),
        (b'"K" ""', b'"K"'),
        (b"{\r\n", b""),
        (b"{\r\n#TRANS", b"{ #TRANS"),
        (b"}\r\n", b""),
        (b"}\r\n", b"}"),
        (b"}\r\n", b"}\r\n}\r\n"),
        (b'"G\x86vor"', b'"G\x86vor'),
        (b'"G\x86vor"', b'G\x86vor av "Nai"'),
        (b'"G\x86vor"', b'"G\x86v\\or"'),
        (b'"G\x86vor"', b'"G\x86v\tor"'),
        (b"#RAR", b"#OKD"),
        (b"#TRANS 1689", b"#KONTO 1690 x\r\n#TRANS 1689"),
    ],
)
def test_the_reader_refuses_a_file_that_is_off(was: bytes, is_now: bytes) -> None:
    content = write(FILE)
    assert was in content
    with pytest.raises(SieError):
        read(content.replace(was, is_now, 1))


def test_the_reader_refuses_a_voucher_before_the_chart_and_what_comes_twice() -> None:
    lines = write(FILE).decode("cp437").splitlines(keepends=True)
    chart = [line for line in lines if line.startswith(("#KONTO", "#OBJEKT"))]
    rest = [line for line in lines if line not in chart]
    for wrong in ([*rest, *chart], [*chart, *rest], [lines[0], *lines]):
        with pytest.raises(SieError):
            read("".join(wrong).encode("cp437"))
