"""A sheet of projects becomes drafts with funds, needs and opening amounts: shown first, all or nothing."""

import datetime
import io
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from donations import getting_started, operations, queries, sheets
from donations.models import CollectionYear, Fund, FundYear, Need, Transfer, UploadedSheet
from projects.models import Contact, FocusArea, Project
from staff.models import Event
from staff.roles import Role
from tests import cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db

ADDRESS = f"/ekonomi/kom-igang/?ar={cast.YEAR}"
HEADER = "Insamlingsnummer;Projekt;Fokusområde;Behov;Kontaktperson;Ingående belopp;Dag\n"


@pytest.fixture
def vatten(db: None) -> FocusArea:
    """A focus area in a year that is there already."""
    operations.collection_year(cast.NEW_YEAR)
    return cast.area("vatten")


@pytest.fixture
def ekonomi(client: Client) -> Client:
    return cast.sign_in(client, cast.member("Eko", Role.FINANCE))


def upload(client: Client, rows: str, name: str = "projekt.csv") -> str:
    """Upload a sheet; the address of its preview."""
    file = SimpleUploadedFile(name, (HEADER + rows).encode())
    answer = client.post(ADDRESS, {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def planned(rows: str) -> getting_started.Plan:
    """What the rows would become, without the pages."""
    data, today = (HEADER + rows).encode(), timezone.localdate()
    read = sheets.read("x.csv", data, getting_started.HEADINGS, getting_started.REQUIRED)
    year = operations.collection_year(cast.NEW_YEAR)
    return getting_started.plan(read, year, getting_started.known(today), today)


def confirm(client: Client, address: str) -> Any:
    """Say yes to what the preview shows."""
    form = client.get(address).context["form"]
    return client.post(address, {"once": form["once"].value(), "seen": form["seen"].value()})


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def counts() -> list[int]:
    return [model.objects.count() for model in (Project, FocusArea, Fund, Need, Transfer, Contact)]


class TestCarryingOut:
    """What a sound sheet becomes."""

    def test_each_row_becomes_a_draft_with_fund_need_and_opening_amount(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        address = upload(ekonomi, "47030;Brunnar;VATTEN;276 000;Lo Ek;120 500,50;2024-06-30\n")
        confirm(ekonomi, address)
        fund = Fund.objects.get()
        figures = queries.figures([fund.years.get()], datetime.date(2024, 7, 1))[
            fund.years.get().pk
        ]
        assert (fund.collection_number, fund.page.title) == ("47030", "Brunnar")
        assert (figures.need, figures.opening) == (276_000_00, 120_500_50)
        assert figures.need_decided_on == cast.NEW_YEAR
        project = Project.objects.get()
        assert (project.focus_area, str(project.contact)) == (vatten, "Lo Ek")
        assert project.versions.count() == 1
        assert not project.versions.published(timezone.now()).exists()

    def test_the_opening_amount_is_in_the_figures_from_its_day_on(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        confirm(ekonomi, upload(ekonomi, "47030;Brunnar;Vatten;;;100;2024-06-30\n"))
        year = FundYear.objects.get()
        before, on = (
            queries.figures([year], datetime.date(2024, 6, day))[year.pk].opening
            for day in (29, 30)
        )
        assert (before, on) == (0, 100_00)

    def test_what_is_new_is_made_once_and_what_is_there_is_used(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        there = cast.project("brunnar", vatten)
        Contact.objects.create(name="Lo Ek", email="lo@example.org")
        address = upload(
            ekonomi,
            "47030;brunnar;vatten;1;LO@example.org;;\n"
            "47031;Skola;Skola för alla;2;Ny Person;;\n"
            "47032;Skola två;skola  FÖR alla;3;ny person;;\n",
        )
        shown = ekonomi.get(address).context["plan"]
        assert (shown.new_areas, shown.new_contacts, shown.new_pages) == (
            ["Skola för alla"],
            ["Ny Person"],
            2,
        )
        confirm(ekonomi, address)
        assert Fund.objects.get(collection_number="47030").project == there
        assert counts() == [3, 2, 3, 3, 0, 2]

    def test_the_editor_finds_the_drafts_on_the_desk(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        confirm(ekonomi, upload(ekonomi, "47030;Brunnar på Öland;Vatten;1;;;\n"))
        editor = cast.sign_in(Client(), cast.member("Red", Role.EDITOR))
        assert "Brunnar på Öland" in text_of(editor.get("/admin/"))

    def test_each_deed_is_in_the_audit_list_and_names_no_contact(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        confirm(ekonomi, upload(ekonomi, "47030;Brunnar;Vatten;276 000;Lo Ek;100;2024-06-30\n"))
        told = [event.text for event in Event.objects.filter(by__first_name="Eko")] or [
            event.text for event in Event.objects.all()
        ]
        joined = "\n".join(told).replace("\N{NO-BREAK SPACE}", " ")
        for deed in ("projekt ”Brunnar” från ett ark", "insamlingen 47030", "276 000 kr", "100 kr"):
            assert deed in joined
        assert "Lo Ek" not in joined

    def test_a_second_click_and_the_back_button_do_nothing_twice(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        address = upload(ekonomi, "47030;Brunnar;Vatten;1;;100;2024-06-30\n")
        form = ekonomi.get(address).context["form"]
        sent = {"once": str(uuid.uuid4()), "seen": form["seen"].value()}
        ekonomi.post(address, sent)
        once = counts()
        for other in (sent, {**sent, "once": form["once"].value()}):
            again = ekonomi.post(address, other, follow=True)
            assert "Det var redan gjort" in text_of(again)
        assert counts() == once
        assert not UploadedSheet.objects.exists()

    def test_each_row_costs_as_much_however_many_there_are(
        self, vatten: FocusArea, django_assert_max_num_queries: Any
    ) -> None:
        rows = "".join(
            f"{47000 + n};Projekt {n};Vatten;1000;Person {n};500;2024-06-30\n" for n in range(40)
        )
        with django_assert_max_num_queries(40 * 60):
            assert getting_started.carry_out(planned(rows), by=cast.ester()) == 40
        opened = Transfer.objects.filter(kind=Transfer.Kind.OPENING, amount_ore=500_00)
        assert opened.count() == Fund.objects.count() == 40


class TestPreview:
    """What is wrong is told row by row, and nothing is saved."""

    @pytest.mark.parametrize(
        ("row", "complaint"),
        [
            ("4703;A;Vatten;;;;", "Insamlingsnumret ska bestå av fem siffror"),
            (";A;Vatten;;;;", "Insamlingsnumret ska bestå av fem siffror"),
            ("11111;A;Vatten;;;;", "Numret 11111 används redan av ”Gammalt”"),
            ("47030;;Vatten;;;;", "Projektets rubrik saknas"),
            (f"47030;{'x' * 141};Vatten;;;;", "Rubriken är för långt: 141 tecken, högst 140"),
            ("47030;A;;;;;", "Fokusområdet saknas"),
            ("47030;Gammalt;Vatten;;;;", "har en öppen insamling, 11111"),
            ("47030;Utan insamling;Skog;;;;", "Projektet finns redan, i fokusområdet ”Vatten”"),
            ("47030;A;Vatten;mycket;;;", "står ”mycket”, som inte är ett belopp"),
            ("47030;A;Vatten;-5;;;", "kan inte vara negativt"),
            ("47030;A;Vatten;;;100;", "saknar dag"),
            ("47030;A;Vatten;;;100;2023-12-31", "utanför insamlingsåret 2024"),
            ("47030;A;Vatten;;;100;2025-01-01", "utanför insamlingsåret 2024"),
            ("47030;A;Vatten;;;100;2024-03-31", "ligger i en låst period"),
            ("47030;A;Vatten;;;100;31 juni", "”31 juni” är ingen dag"),
            ("47030;A;Vatten;;;100;2024-06-31", "”2024-06-31” är ingen dag"),
            ("47030;A;Vatten;;Tvilling;;", "flera kontaktpersoner som heter ”Tvilling”"),
            ("47030;A;Vatten;;ny@example.org;;", "Ingen kontaktperson har adressen"),
        ],
    )
    def test_a_fault_is_told_with_its_row_and_stops_the_whole_sheet(
        self, vatten: FocusArea, ekonomi: Client, row: str, complaint: str
    ) -> None:
        cast.fund("11111", cast.project("gammalt", vatten))
        cast.project("utan", vatten, title="Utan insamling")
        for _twin in range(2):
            Contact.objects.create(name="Tvilling")
        operations.lock_period(datetime.date(2024, 3, 31), by=cast.ester())
        before = counts()
        address = upload(ekonomi, f"47099;Felfri;Vatten;1;;;\n{row}\n")
        shown = ekonomi.get(address)
        [faulty] = shown.context["plan"].faulty
        assert faulty.row == 3
        assert complaint in " ".join(faulty.problems).replace("\N{NO-BREAK SPACE}", " ")
        assert "Lägg upp</button>" not in text_of(shown)
        refused = confirm(ekonomi, address)
        assert "Arket har fel som behöver rättas först" in text_of(refused)
        assert counts() == before

    def test_the_first_open_day_is_a_day_for_an_opening_amount(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        operations.lock_period(datetime.date(2024, 3, 31), by=cast.ester())
        address = upload(ekonomi, "47030;A;Vatten;;;100;2024-04-01\n")
        assert ekonomi.get(address).context["plan"].is_sound

    def test_two_rows_with_one_number_or_one_project_are_told(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        address = upload(ekonomi, "47030;A;Vatten;;;;\n470 30;B;Vatten;;;;\n47031; a;Vatten;;;;\n")
        second, third = ekonomi.get(address).context["plan"].faulty
        assert second.problems == ("Samma nummer som på rad 2.",)
        assert third.problems == ("Samma projekt som på rad 2.",)

    def test_a_number_that_is_anothers_ocr_number_is_told(
        self, vatten: FocusArea, ekonomi: Client, settings: Any
    ) -> None:
        cast.fund("47030", cast.project("gammalt", vatten))
        settings.COLLECTION_NUMBER_DIGITS = 6
        address = upload(ekonomi, "470302;A;Vatten;;;;\n470310;B;Vatten;;;;\n")
        [faulty] = ekonomi.get(address).context["plan"].faulty
        assert faulty.number == "470302"
        assert "OCR-numret för insamling 47030" in faulty.problems[0]

    def test_what_is_only_odd_is_a_warning(self, vatten: FocusArea, ekonomi: Client) -> None:
        address = upload(ekonomi, "47030;A;Vatten;;;;2024-06-30\n")
        [line] = ekonomi.get(address).context["plan"].lines
        assert len(line.warnings) == 2
        assert confirm(ekonomi, address).status_code == 302

    def test_what_has_changed_since_it_was_shown_is_shown_again_first(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        address = upload(ekonomi, "47030;Brunnar;Vatten;1;;;\n")
        form = ekonomi.get(address).context["form"]
        sent = {"once": form["once"].value(), "seen": form["seen"].value()}
        cast.project("brunnar", vatten)
        before = counts()
        refused = ekonomi.post(address, sent)
        assert "Något har ändrats medan du läste" in text_of(refused)
        assert counts() == before
        again = ekonomi.post(address, {**sent, "seen": refused.context["form"]["seen"].value()})
        assert again.status_code == 302
        assert Fund.objects.get().project == Project.objects.get()

    def test_a_workbook_with_too_many_rows_is_refused_and_answered_in_time(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        rows = "".join(f"{n};Projekt {n};Vatten;1;;;\n" for n in range(10_000, 19_999))
        begun = time.monotonic()
        address = upload(ekonomi, rows)
        shown = ekonomi.get(address)
        assert time.monotonic() - begun < 10
        assert "Arket har 9999 rader. Lägg upp högst 500 åt gången" in text_of(shown)
        assert len(shown.context["sheet"].object_list) == 200

    def test_the_sheet_to_fill_in_can_be_uploaded_as_it_is(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        data = ekonomi.get("/ekonomi/kom-igang/mall/").content
        assert openpyxl.load_workbook(io.BytesIO(data)).active
        read = sheets.read("projekt.xlsx", data, getting_started.HEADINGS, getting_started.REQUIRED)
        assert read.unused == ()
        year = CollectionYear(
            name="2026", starts_on=datetime.date(2026, 1, 1), ends_on=datetime.date(2026, 12, 31)
        )
        planned = getting_started.plan(
            read, year, getting_started.Known(), datetime.date(2026, 7, 1)
        )
        assert [line.problems for line in planned.lines] == [
            ("Raden är det exempel som stod i arket från början. Ta bort den.",)
        ]


class TestKeeping:
    """Between preview and deed the sheet is kept for the person who uploaded it, for a day."""

    def test_nobody_else_sees_or_carries_out_the_sheet(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        address = upload(ekonomi, "47030;Brunnar;Vatten;1;;;\n")
        other = cast.sign_in(Client(), cast.member("Annan", Role.FINANCE))
        assert other.get(address).status_code == 302
        assert other.post(address, {"once": uuid.uuid4(), "seen": "x"}).status_code == 302
        assert not Fund.objects.exists()

    def test_after_a_day_it_is_gone(self, vatten: FocusArea, ekonomi: Client) -> None:
        address = upload(ekonomi, "47030;Brunnar;Vatten;1;;;\n")
        old = timezone.now() - datetime.timedelta(hours=25)
        UploadedSheet.objects.update(created_at=old)
        assert "Lämna in det igen" in text_of(ekonomi.get(address, follow=True))
        upload(ekonomi, "47031;Skola;Vatten;1;;;\n")
        assert UploadedSheet.objects.count() == 1

    def test_the_daily_command_removes_what_is_older_than_a_day_and_nothing_else(
        self, vatten: FocusArea, ekonomi: Client
    ) -> None:
        upload(ekonomi, "47030;Brunnar;Vatten;1;;;\n")
        UploadedSheet.objects.update(created_at=timezone.now() - datetime.timedelta(hours=23))
        call_command("forget_sheets")
        assert UploadedSheet.objects.exists()
        UploadedSheet.objects.update(created_at=timezone.now() - datetime.timedelta(hours=25))
        call_command("forget_sheets")
        assert not UploadedSheet.objects.exists()

    @pytest.mark.parametrize(
        ("name", "data", "complaint"),
        [
            ("tom.csv", b"", "Filen är tom"),
            ("bild.png", b"\x89PNG\r\n", "varken en .xlsx-fil eller en .csv-fil"),
            ("x.csv", b"Insamlingsnummer;Projekt\n47030;A\n", "saknas en kolumn"),
        ],
    )
    def test_what_cannot_be_read_is_refused_and_not_kept(
        self, vatten: FocusArea, ekonomi: Client, name: str, data: bytes, complaint: str
    ) -> None:
        answer = ekonomi.post(ADDRESS, {"file": SimpleUploadedFile(name, data)})
        assert complaint in text_of(answer)
        assert not UploadedSheet.objects.exists()


@pytest.mark.look
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_axe_finds_nothing_on_the_way(
    open_as: "Callable[..., Page]", axe: "Callable[[Page], list[str]]", width: int
) -> None:
    operations.collection_year(cast.NEW_YEAR)
    page = open_as(cast.ester(), ADDRESS, width=width)
    assert axe(page) == []
    data = HEADER + "47030;Brunnar i Åre;Vatten;276 000;Lo;100;2024-06-30\n4703;;Vatten;x;;;\n"
    file: Any = {"name": "projekt.csv", "mimeType": "text/csv", "buffer": data.encode()}
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Lämna in och granska").click()
    page.get_by_role("heading", name="Det här behöver rättas").wait_for()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
