"""Which column of a sheet is what is suggested as a person would choose it, on sheets like those that come."""

import io
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from donations.bankfiles.columns import HEADINGS, suggest
from donations.bankfiles.identity import plain
from donations.bankfiles.mapped import COLUMNS, Look, Mapped, Mapping, Sign, look, with_headings
from donations.bankfiles.records import Number, Scheme

pytestmark = pytest.mark.once

OURS = [Number(Scheme.SWISH, "1230000000"), Number(Scheme.BBAN, "99602601234567")]

# Invented sheets with the headings that Swedish banks and services give theirs, and what is right.
SHEETS: dict[str, tuple[str, dict[str, Any]]] = {
    "two days, a balance": (
        "Reskontradatum;Transaktionsdatum;Text;Belopp;Saldo\n"
        "2026-03-03;2026-03-02;Swish från Åsa;500,00;10 500,00\n"
        "2026-03-04;2026-03-04;Avgift;-12,50;10 487,50\n",
        {"date": 0, "day_format": "ÅÅÅÅ-MM-DD", "message": 2, "amount": 3, "decimal": ","},
    ),
    "titles above, an account in two columns": (
        "* Transaktioner Period 2026-03-01 – 2026-03-31\n"
        "Radnummer,Clearingnummer,Kontonummer,Produkt,Valuta,Bokföringsdag,Transaktionsdag,"
        "Referens,Beskrivning,Belopp,Bokfört saldo\n"
        "1,83279,1234567,Företagskonto,SEK,2026-03-03,2026-03-03,47030,Åsa Lind,500.00,1500.00\n"
        "2,83279,1234567,Företagskonto,SEK,2026-03-04,2026-03-04,47031,Bo Öman,250.00,1750.00\n",
        {"date": 5, "reference": 7, "message": 8, "amount": 9, "decimal": "."},
    ),
    "a number that is no id": (
        "Bokföringsdatum;Valutadatum;Verifikationsnummer;Text/mottagare;Belopp;Saldo\n"
        "2026-03-03;2026-03-03;5490990003;Gåva 47030;1.500,00;2.000,00\n"
        "2026-03-03;2026-03-03;5490990003;Gåva 47031;250,00;2.250,00\n",
        {"date": 0, "amount": 4, "message": 3, "decimal": ","},
    ),
    "Swish, each payment with an id": (
        "Swish-rapport;;;;;;\n"
        "Datum;Tid;Mottagarnummer;Avsändare;Avsändarens nummer;Meddelande;Belopp;Betalningsreferens\n"
        "2026-03-03;12:30;123 000 00 00;Åsa Lind;46700000001;47030;500,00;AB12\n"
        "2026-03-03;12:31;123 000 00 00;Bo Öman;46700000002;Till Nepal;100,00;AB13\n",
        {
            **{"date": 0, "account_column": 2, "scheme": Scheme.SWISH, "payer_name": 3},
            **{"payer_identity": 4, "message": 5, "amount": 6, "bank_id": 7, "channel": "swish"},
        },
    ),
    "in and out apart": (
        "Datum\tBeskrivning\tInsättning\tUttag\tSaldo\n"
        "03.03.2026\tGåva 47030\t500,00\t\t1500,00\n"
        "04.03.2026\tAvgift\t\t12,50\t1487,50\n",
        {"date": 0, "day_format": "DD.MM.ÅÅÅÅ", "message": 1, "money_in": 2, "money_out": 3},
    ),
    "a service that collects gifts": (
        "Transaktions-ID,Skapad,Summa (SEK),Namn,Telefon,Kommentar\n"
        "tr_1,2026-03-03 12:30:01,500.00,Åsa Lind,070-174 06 10,47030\n"
        "tr_2,2026-03-03 12:31:44,1500.00,Bo Öman,070-174 06 12,\n",
        {
            **{"bank_id": 0, "date": 1, "amount": 2, "payer_name": 3, "payer_identity": 4},
            **{"message": 5, "decimal": "."},
        },
    ),
    "a bankgiro": (
        "Bankgironummer;Betalningsdatum;Belopp;OCR/Referens;Avsändare\n"
        "991-2346;20260303;500,00;470302;Åsa Lind\n"
        "991-2346;20260304;100,00;470310;Bo Öman\n",
        {
            **{"account_column": 0, "scheme": Scheme.BANKGIRO, "date": 1, "amount": 2},
            **{"day_format": "ÅÅÅÅMMDD", "reference": 3, "payer_name": 4, "channel": "bankgiro"},
        },
    ),
}


def stream(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def workbook(rows: Sequence[Sequence[object]]) -> io.BytesIO:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out


@pytest.mark.parametrize("name", SHEETS)
def test_the_columns_of_common_sheets_are_known(name: str) -> None:
    text, right = SHEETS[name]
    found = suggest(look(stream(text)))
    assert {key: found.get(key) for key in right} == right
    chosen = {key for key in right if key in HEADINGS}
    assert {key for key in found if key in HEADINGS} == chosen  # and nothing else is


@pytest.mark.parametrize("name", SHEETS)
def test_what_is_suggested_reads_the_sheet(name: str) -> None:
    text, _right = SHEETS[name]
    seen = look(stream(text))
    found = suggest(seen)
    if "scheme" not in found:
        found |= {"scheme": Scheme.SWISH, "account": "1230000000"}
    lines = list(Mapped(stream(text), with_headings(Mapping(**found), seen)).lines())
    assert len(lines) == 2
    assert lines[0].amount_ore in (500_00, 1_500_00)
    assert lines[0].way == "in"


def test_a_workbook_is_suggested_as_a_csv_is() -> None:
    rows: list[list[object]] = [["Datum", "Belopp", "Meddelande"], ["2026-03-03", 500.5, "47030"]]
    found = suggest(look(workbook(rows)))
    assert (found["date"], found["amount"], found["message"]) == (0, 1, 2)


def test_a_column_of_our_own_numbers_is_the_accounts_whatever_it_is_called() -> None:
    text = "Datum;Till;Belopp\n2026-03-03;123-000 00 00;500,00\n2026-03-04;1230000000;5,00\n"
    found = suggest(look(stream(text)), OURS)
    assert (found["account_column"], found["scheme"]) == (1, Scheme.SWISH)


def test_a_column_with_a_strangers_number_is_not_the_accounts() -> None:
    text = "Datum;Konto;Belopp\n2026-03-03;1230000000;500,00\n2026-03-04;1239999999;5,00\n"
    assert "account_column" not in suggest(look(stream(text)), OURS)
    assert suggest(look(stream(text)))["account_column"] == 1


def test_without_a_column_the_account_is_the_one_that_it_can_be() -> None:
    plain_sheet = look(stream("Datum;Belopp\n2026-03-03;500,00\n"))
    swish_sheet = look(stream("Swishrapport mars;\nDatum;Belopp\n2026-03-03;500,00\n"))
    assert "account" not in suggest(plain_sheet, OURS)
    assert suggest(plain_sheet, OURS[1:])["account"] == "99602601234567"
    assert suggest(swish_sheet, OURS)["account"] == "1230000000"


def test_without_headings_the_cells_tell_day_sum_and_text() -> None:
    text = (
        "1;20260303;1230000000;070-1740610;500,00;Till brunnen i Nepal\n"
        "2;20260304;1230000000;070-1740612;1 250,00;47030 från farmor\n"
    )
    seen = look(stream(text))
    assert seen.header_row == 0
    found = suggest(seen, OURS)
    assert {key: found[key] for key in ("date", "account_column", "amount", "message")} == {
        **{"date": 1, "account_column": 2, "amount": 4, "message": 5},
    }
    assert "payer_name" not in found


@pytest.mark.parametrize(
    ("cells", "day_format"),
    [
        (["2026-03-03", "2026-12-31 23:59"], "ÅÅÅÅ-MM-DD"),
        (["260303", "261231"], "ÅÅMMDD"),
        (["03/04/2026", "05/06/2026"], "DD/MM/ÅÅÅÅ"),
        (["03/04/2026", "05/13/2026"], "MM/DD/ÅÅÅÅ"),
        (["2026-13-01"], None),
        (["i går"], None),
    ],
)
def test_days_are_known_by_every_cell(cells: list[str], day_format: str | None) -> None:
    rows = "".join(f"{cell};500,00\n" for cell in cells)
    found = suggest(look(stream(f"Datum;Belopp\n{rows}")))
    assert found.get("day_format") == day_format
    assert ("date" in found) == (day_format is not None)


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["500"], ","),
        (["500,00", "1 250,00"], ","),
        (["500.00", "1,250.00"], "."),
        (["1.250,00", "3"], ","),
        (["1.250"], ","),
        (["1,250", "3.50"], "."),
        (["500,00", "3.50"], None),
        (["femhundra"], None),
    ],
)
def test_the_decimal_sign_is_one_that_every_cell_can_be_read_with(
    cells: list[str], decimal: str | None
) -> None:
    rows = "".join(f"2026-03-03\t{cell}\n" for cell in cells)
    assert suggest(look(stream(f"Datum\tBelopp\n{rows}"))).get("decimal") == decimal


def test_an_id_that_comes_twice_is_none() -> None:
    text = "Datum;Belopp;Transaktions-id\n2026-03-03;5,00;a\n2026-03-03;5,00;{}\n"
    assert suggest(look(stream(text.format("b"))))["bank_id"] == 2
    assert "bank_id" not in suggest(look(stream(text.format("a"))))


def test_of_headings_that_repeat_the_first_that_fits_is_taken_and_empty_columns_are_passed_over() -> (
    None
):
    text = (
        "Datum;Belopp;Belopp;Meddelande;Meddelande\n"
        "2026-03-03;SEK;500,00;;47030\n2026-03-04;SEK;100,00;;47031\n"
    )
    found = suggest(look(stream(text)))
    assert (found["amount"], found["message"]) == (2, 4)


def test_a_heading_that_is_the_word_itself_goes_before_one_that_begins_with_it() -> None:
    text = "Datum;Belopp före avgift;Belopp\n2026-03-03;500,00;498,00\n"
    assert suggest(look(stream(text)))["amount"] == 2


@pytest.mark.parametrize("text", ["a;b\n", "Datum;Belopp\n", ";;x\n", "x"])
def test_where_nothing_can_be_told_nothing_is_suggested(text: str) -> None:
    found = suggest(look(stream(text)), OURS[:1])
    assert not set(found) & set(HEADINGS)


def test_a_hundred_columns_are_looked_through() -> None:
    heading = ["Datum", "Belopp", *(f"Meddelande {word}" for word in "abcdefgh" * 12)][:98]
    text = ";".join(heading) + "\n" + ";".join(["2026-03-03", "500,00", *["x"] * 96]) + "\n"
    found = suggest(look(stream(text)))
    assert (found["date"], found["amount"], found["message"]) == (0, 1, 2)


def test_every_heading_is_written_as_headings_are_compared() -> None:
    assert set(HEADINGS) == set(COLUMNS)
    for words in HEADINGS.values():
        assert [plain(word) for word in words] == list(words)
        assert len(set(words)) == len(words)


def test_a_mapping_stands_whatever_letters_the_next_file_is_written_in() -> None:
    first = "Datum;Belopp;Namn\n2026-03-03;500,00;Bo\n"
    next_one = "Datum;Belopp;Namn\n2026-04-03;500,00;Åsa\n"
    seen = look(stream(first))
    mapping = with_headings(
        Mapping(
            date=0,
            day_format="ÅÅÅÅ-MM-DD",
            amount=1,
            payer_name=2,
            minus=Sign.OUT,
            scheme=Scheme.SWISH,
            account="1230000000",
        ),
        seen,
    )
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        [line] = Mapped(io.BytesIO(next_one.encode(encoding)), mapping).lines()
        assert line.payer.name == "Åsa", encoding


def test_a_person_can_say_where_the_headings_stand() -> None:
    text = "Kontonummer 1;x\nDatum 01;Belopp\n2026-03-03;500,00\n"
    assert look(stream(text), 2).headings == ("Datum 01", "Belopp")
    assert look(stream(text), 0)[2:4] == (0, ())
    found: Look = look(stream(text), 40)
    assert (found.header_row, found.headings) == (0, ())
