"""What a report is as a file, whatever stands in it; and its pages where there is nothing, or much."""

import csv
import datetime
import io
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from openpyxl.worksheet.worksheet import Worksheet

from donations.exports import csv as as_csv
from donations.exports import xlsx as as_xlsx
from donations.reports.table import Column, Group, Kind, Row, Table, Value, summed
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import text_of

COLUMNS = (
    Column("Namn", is_heading=True),
    Column("Nummer", Kind.IDENTIFIER),
    Column("Belopp", Kind.ORE),
    Column("Antal", Kind.COUNT),
    Column("Andel", Kind.PERCENT),
    Column("Dag", Kind.DAY),
    Column("När", Kind.MOMENT),
)
LEAP_DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 12, 31, 23, 30, 59, tzinfo=datetime.UTC)


def values(name: str = "Brunnar", ore: int = 0, number: str = "04703") -> tuple[Value, ...]:
    return (name, number, ore, 1_204, 87, LEAP_DAY, MOMENT)


def table(*rows: tuple[Value, ...], title: str = "Gåvor", **more: Any) -> Table:
    made = [Row(one) for one in rows]
    told: dict[str, Any] = {
        "title": title,
        "about": [("Period", "hela året")],
        "columns": COLUMNS,
        "groups": [Group("Vatten", made, summed(COLUMNS, made))],
        "total": summed(COLUMNS, made),
        "stamp": "2024",
    }
    return Table(**told | more)


def sheet_of(report: Table) -> Worksheet:
    out = io.BytesIO()
    as_xlsx.write(report, out)
    [sheet] = openpyxl.load_workbook(out).worksheets
    return sheet


def cells_of(report: Table, row: int = 6) -> list[Any]:
    """The cells of a row in the workbook: the first of the table stands below four of what it is about."""
    return list(sheet_of(report)[row])


def lines_of(report: Table) -> list[str]:
    out = io.BytesIO()
    as_csv.write(report, out)
    return out.getvalue().decode("utf-8-sig").split("\r\n")


@pytest.mark.once
class TestWorkbook:
    def test_amounts_counts_and_days_are_numbers_and_days(self) -> None:
        _name, number, ore, count, percent, day, moment = cells_of(table(values(ore=-27_600_050)))
        assert (number.value, number.data_type, number.number_format) == ("04703", "s", "@")
        assert (ore.value, ore.number_format) == (-276_000.5, '#,##0.00\\ "kr"')
        assert (count.value, count.number_format) == (1_204, "#,##0")
        assert (percent.value, percent.number_format) == (0.87, "0%")
        assert (day.value.date(), day.number_format) == (LEAP_DAY, "yyyy-mm-dd")
        assert str(moment.value) == "2025-01-01 00:30:59"  # in Stockholm

    @pytest.mark.parametrize("ore", [-1, 0, 1, 99, 100, 10**13 - 1, 10**15 + 1])
    def test_not_one_ore_is_lost(self, ore: int) -> None:
        assert round(cells_of(table(values(ore=ore)))[2].value * 100) == ore

    @pytest.mark.parametrize(
        "name", ['=HYPERLINK("http://x")', "=1+1", "+46", "-1", "@SUM(A1)", "\t=1", "'x", "å=ö"]
    )
    def test_text_stays_text(self, name: str) -> None:
        cell = cells_of(table(values(name)))[0]
        assert (cell.value, cell.data_type) == (name, "s")

    def test_what_no_file_can_hold_is_left_out(self) -> None:
        name = "a\x00b\x07c\x1bd\ufffee\x7f"
        assert cells_of(table(values(name)))[0].value == "abcde"
        assert len(cells_of(table(values("x" * 40_000)))[0].value) == 32_767

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("Förändring av ändamålsbestämda medel", "Förändring av ändamålsbestämda"),
            ("Gåvor [2024]: in/ut?*\\", "Gåvor 2024 in ut"),
            ("'Gåvor'", "Gåvor"),
            ("x" * 31, "x" * 31),
            ("x" * 32, "x" * 31),
            ("[]", "Rapport"),
        ],
    )
    def test_a_sheet_has_a_name_that_excel_takes(self, title: str, name: str) -> None:
        assert sheet_of(table(values(), title=title)).title == name

    def test_it_is_ready_to_print_on_a4(self) -> None:
        sheet = sheet_of(table(values()))
        assert sheet.page_setup.orientation == "landscape"
        assert str(sheet.page_setup.paperSize) == Worksheet.PAPERSIZE_A4
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert (sheet.freeze_panes, sheet.print_title_rows) == ("A6", "$5:$5")
        assert sheet.column_dimensions["A"].width >= 30

    def test_no_line_is_wider_than_its_table_on_paper(self) -> None:
        sheet = sheet_of(table(values(), notes=["Det här är sagt. " * 40]))
        assert max(len(str(cell.value or "")) for cell in sheet["A"]) <= 100

    def test_groups_have_their_sums_and_all_have_one(self) -> None:
        rows = [Row(values(ore=1)), Row(values(ore=2))]
        groups = [
            Group(name, [row], summed(COLUMNS, [row])) for name, row in zip("ab", rows, strict=True)
        ]
        sheet = sheet_of(table(groups=groups, total=summed(COLUMNS, rows), grouped_by="Område"))
        told = [
            (row[0], row[3]) for row in sheet.iter_rows(min_row=6, max_row=10, values_only=True)
        ]
        assert told == [
            ("a", 0.01),
            ("Summa a", 0.01),
            ("b", 0.02),
            ("Summa b", 0.02),
            ("Summa", 0.03),
        ]


@pytest.mark.once
class TestText:
    def test_it_is_as_a_swedish_excel_writes_it(self) -> None:
        heading, row, total, end = lines_of(table(values("Brunnar; åäö", ore=-27_600_050)))
        assert heading == "Namn;Nummer;Belopp;Antal;Andel;Dag;När"
        assert row == '"Brunnar; åäö";04703;-276000,50;1204;87;2024-02-29;2025-01-01 00:30'
        assert total == "Summa;;-276000,50;1204;;;"
        assert end == ""

    @pytest.mark.parametrize(
        ("ore", "told"), [(-1, "-0,01"), (0, "0,00"), (1, "0,01"), (-100, "-1,00"), (123, "1,23")]
    )
    def test_negative_amounts_stay_numbers(self, ore: int, told: str) -> None:
        assert lines_of(table(values(ore=ore)))[1].split(";")[2] == told

    @pytest.mark.parametrize(
        "name", ["=1+1", "+46", "-1", "@SUM(A1)", "\t=1", "\rx", " =1", "\n=1"]
    )
    def test_a_formula_is_made_harmless(self, name: str) -> None:
        out = io.BytesIO()
        as_csv.write(table(values(name)), out)
        text = out.getvalue().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        assert rows[1][0] == f"'{name}"

    @pytest.mark.parametrize("name", ["Brunnar", "å=ö", "1-2", "'x"])
    def test_other_text_is_as_it_was(self, name: str) -> None:
        assert lines_of(table(values(name)))[1].startswith(f"{name};")

    def test_quotation_marks_and_line_breaks_stay_in_their_cell(self) -> None:
        out = io.BytesIO()
        as_csv.write(table(values('"ja"\nnej')), out)
        text = out.getvalue().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        assert rows[1][0] == '"ja"\nnej'


def test_rows_that_come_one_by_one_are_written_without_being_kept() -> None:
    gone = 0

    def rows() -> Any:
        nonlocal gone
        for at in range(5_000):
            gone += 1
            yield Row(values(f"Nr {at}"))

    report = table(groups=[Group("", rows())], total=None)
    assert len(lines_of(report)) == 5_000 + 2
    assert gone == 5_000


def address(slug: str, **chosen: Any) -> str:
    return f"{reverse('finance_report', args=[slug])}?{urlencode(chosen)}"


@pytest.mark.django_db
def test_without_books_each_report_says_that_there_is_nothing() -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for slug, told in (
        ("kvar-att-samla-in", "Det finns inga insamlingar för"),
        ("forandring", "Det fanns inget på insamlingarna"),
        ("gavor", "Det kom inga gåvor under perioden"),
        ("omfordelningar", "Inget omfördelades under perioden"),
        ("skattereduktion", "Inga gåvor på minst 200 kr"),
    ):
        answer = eskil.get(address(slug))
        assert told in text_of(answer), slug
        for som in ("xlsx", "csv"):
            assert eskil.get(address(slug, som=som)).getvalue()


@pytest.mark.look
@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_have_no_faults_that_axe_sees(open_as: Any, axe: Any, width: int) -> None:
    cast.gift(cast.fund_year(cast.fund(), 500_00).fund, 400_00)
    cast.gift(None, 100_00)
    page = open_as(cast.ester(), reverse("finance_reports"), width=width)
    assert axe(page) == []
    for slug in (
        "kvar-att-samla-in",
        "forandring",
        "gavor",
        "omfordelningar",
        "skattereduktion",
        "handelser",
    ):
        page.goto(address(slug, ar=cast.YEAR, fran="2024-01-01"))
        assert axe(page) == [], slug
        assert page.evaluate("document.documentElement.scrollWidth") <= width
