"""The needs of a year, from a sheet or typed in a table: shown first, all or nothing."""

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from donations import operations, queries
from donations.models import CollectionYear, Fund, FundYear, Need, UploadedSheet
from staff.models import Event
from staff.roles import Role
from tests import cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db

YEAR = cast.YEAR
HEADER = "Insamlingsnummer;Behov;Skäl;Beslutat den\n"
DECISION = {"decided_on": "2024-02-01", "reason": "Styrelsens beslut"}


@pytest.fixture
def ekonomi(client: Client) -> Client:
    return cast.sign_in(client, cast.member("Eko", Role.FINANCE))


@pytest.fixture
def funds(db: None) -> list[Fund]:
    """Two projects with needs of 100 kr for the year, and one whose need is unknown."""
    made = [cast.fund(f"4703{n}", cast.project(f"projekt-{n}")) for n in range(3)]
    for fund in made[:2]:
        cast.fund_year(fund, 100_00)
    cast.fund_year(made[2])
    return made


def upload(client: Client, rows: str, year: object = YEAR) -> str:
    file = SimpleUploadedFile("behov.csv", (HEADER + rows).encode())
    answer = client.post(f"/ekonomi/behov/ark/?ar={year}", {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def confirm(client: Client, address: str, **instead: str) -> Any:
    form = client.get(address).context["form"]
    hidden = {name: form[name].value() for name in ("once", "seen")}
    return client.post(address, {**hidden, **DECISION, **instead})


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def need_of(fund: Fund, year: object = YEAR) -> int | None:
    fund_year = fund.years.get(year__name=str(year))
    return queries.figures([fund_year], timezone.localdate())[fund_year.pk].need


def test_each_row_decides_a_need_and_says_why(funds: list[Fund], ekonomi: Client) -> None:
    address = upload(ekonomi, "47030;276 000,50;;\n47032;0;Vilar i år;2024-03-01\n")
    assert need_of(funds[0]) == 100_00
    confirm(ekonomi, address)
    assert [need_of(fund) for fund in funds] == [276_000_50, 100_00, 0]
    first, third = Need.objects.order_by("-id")[:2][::-1]
    assert (first.reason, first.decided_on) == ("Styrelsens beslut", datetime.date(2024, 2, 1))
    assert (third.reason, third.decided_on) == ("Vilar i år", datetime.date(2024, 3, 1))


def test_the_needs_of_a_year_that_has_no_fund_years_yet_are_held_against_the_year_before(
    funds: list[Fund], ekonomi: Client
) -> None:
    operations.collection_year(datetime.date(2025, 1, 1))
    address = upload(ekonomi, "47030;150;;\n47031;150,01;;\n47032;50;;\n", 2025)
    shown = ekonomi.get(address)
    within, beyond, unknown = shown.context["plan"].lines
    assert (within.warnings, unknown.warnings) == ((), ())
    assert "Ändras med mer än hälften: förra årets behov var 100 kr" in text_of(shown)
    assert len(beyond.warnings) == 1
    confirm(ekonomi, address, decided_on="2024-12-04")
    assert [need_of(fund, 2025) for fund in funds] == [150_00, 150_01, 50_00]
    assert need_of(funds[0]) == 100_00


@pytest.mark.parametrize(("amount", "is_odd"), [("50", False), ("49,99", True), ("0", True)])
def test_a_need_that_falls_by_more_than_half_is_pointed_out(
    funds: list[Fund], ekonomi: Client, amount: str, is_odd: bool
) -> None:
    shown = ekonomi.get(upload(ekonomi, f"47030;{amount};;\n"))
    assert bool(shown.context["odd"]) is is_odd


def test_open_funds_without_a_row_are_listed(funds: list[Fund], ekonomi: Client) -> None:
    area_fund = cast.fund("47040", cast.area("skog"))
    Fund.objects.filter(pk=funds[1].pk).update(
        closed_on=datetime.date(2023, 12, 31), opened_on=datetime.date(2023, 1, 1)
    )
    shown = ekonomi.get(upload(ekonomi, "47030;200;;\n"))
    lacking = [standing.fund for standing in shown.context["plan"].lacking]
    assert lacking == [funds[2]]
    assert area_fund not in lacking
    assert "47032 Projekt-2: behovet är inte bestämt" in text_of(shown)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("99999;1;;", "Det finns ingen insamling med numret 99999"),
        (";1;;", "Insamlingsnumret saknas"),
        ("47031;;;", "Behovet saknas"),
        ("47031;många;;", "står ”många”, som inte är ett belopp"),
        ("47031;-1;;", "kan inte vara negativt"),
        ("47030;2;;", "Samma nummer som på rad 2"),
        ("47031;2;;2099-01-01", "Dagen 1 januari 2099 ligger i framtiden"),
        ("47031;2;;i går", "”i går” är ingen dag"),
        ("47031;2;;2023-12-31", "ett behov som är bestämt den 1 januari 2024"),
        ("47039;2;;", "stängdes den 31 december 2023, före insamlingsåret"),
        ("47040;2;;", "Dess behov är alltid 0 kr"),
        (f"47031;2;{'x' * 301};", "Skälet är för långt"),
    ],
)
def test_a_fault_is_told_with_its_row_and_stops_the_whole_sheet(
    funds: list[Fund], ekonomi: Client, row: str, complaint: str
) -> None:
    cast.fund("47040", cast.area("skog"))
    closed = cast.fund("47039", cast.project("gammalt"))
    closed.opened_on, closed.closed_on = datetime.date(2023, 1, 1), datetime.date(2023, 12, 31)
    closed.save()
    before = Need.objects.count()
    address = upload(ekonomi, f"47030;120;;\n{row}\n")
    [faulty] = ekonomi.get(address).context["plan"].faulty
    assert faulty.row == 3
    assert complaint in " ".join(faulty.problems).replace("\N{NO-BREAK SPACE}", " ")
    assert "Arket har fel som behöver rättas först" in text_of(confirm(ekonomi, address))
    assert Need.objects.count() == before


def test_a_closed_years_needs_cannot_be_changed(funds: list[Fund], ekonomi: Client) -> None:
    address = upload(ekonomi, "47030;120;;\n")
    operations.close_year(CollectionYear.objects.get(), by=cast.ester())
    assert "Behoven kan inte ändras" in text_of(ekonomi.get(address))
    confirm(ekonomi, address)
    assert need_of(funds[0]) == 100_00
    assert "Nytt behov" not in text_of(ekonomi.get(f"/ekonomi/behov/?ar={YEAR}"))


@pytest.mark.parametrize(
    ("decided_on", "complaint"),
    [
        ("2023-12-31", "bestämt den 1 januari 2024. Välj den dagen eller en senare"),
        ("2099-01-01", "Dagen kan inte ligga i framtiden"),
    ],
)
def test_a_refusal_keeps_what_was_typed_and_decides_nothing(
    funds: list[Fund], ekonomi: Client, decided_on: str, complaint: str
) -> None:
    address = upload(ekonomi, "47032;1;;\n47030;120;;\n")
    before = Need.objects.count()
    refused = confirm(ekonomi, address, decided_on=decided_on, reason="Mitt skäl")
    assert complaint in text_of(refused)
    assert 'value="Mitt skäl"' in text_of(refused)
    assert Need.objects.count() == before
    assert confirm(ekonomi, address).status_code == 302


def test_a_second_click_decides_nothing_twice(funds: list[Fund], ekonomi: Client) -> None:
    address = upload(ekonomi, "47030;120;;\n")
    form = ekonomi.get(address).context["form"]
    sent = {**{name: form[name].value() for name in ("once", "seen")}, **DECISION}
    ekonomi.post(address, sent)
    count = Need.objects.count()
    assert "Det var redan gjort" in text_of(ekonomi.post(address, sent, follow=True))
    assert Need.objects.count() == count


def test_needs_that_are_as_they_were_are_not_decided_again(
    funds: list[Fund], ekonomi: Client
) -> None:
    address = upload(ekonomi, "47030;100;;\n47031;120;;\n")
    assert "oförändrat" in text_of(ekonomi.get(address))
    before = Need.objects.count()
    confirm(ekonomi, address)
    assert Need.objects.count() == before + 1
    again = ekonomi.get(upload(ekonomi, "47030;100;;\n"))
    assert "Det finns ingenting att spara" in text_of(again)


def test_the_sheet_to_fill_in_holds_every_fund_and_its_need(
    funds: list[Fund], ekonomi: Client
) -> None:
    data = ekonomi.get(f"/ekonomi/behov/mall/?ar={YEAR}").content
    file = SimpleUploadedFile("behov.xlsx", data)
    answer = ekonomi.post(f"/ekonomi/behov/ark/?ar={YEAR}", {"file": file})
    plan = ekonomi.get(answer["Location"]).context["plan"]
    assert [(line.number, line.need_ore) for line in plan.lines] == [
        ("47030", 100_00),
        ("47031", 100_00),
        ("47032", None),
    ]


class TestTypedInTheTable:
    """Without a sheet: the same preview, made of what was typed."""

    def test_only_what_is_changed_is_shown_and_decided(
        self, funds: list[Fund], ekonomi: Client
    ) -> None:
        typed = {
            f"need_{funds[0].pk}": "100",
            f"need_{funds[1].pk}": "1 000,50",
            f"need_{funds[2].pk}": "",
        }
        answer = ekonomi.post(f"/ekonomi/behov/?ar={YEAR}", typed)
        shown = ekonomi.get(answer["Location"])
        assert [line.number for line in shown.context["plan"].lines] == ["47031"]
        assert len(shown.context["odd"]) == 1
        confirm(ekonomi, answer["Location"])
        assert [need_of(fund) for fund in funds] == [100_00, 1000_50, None]

    def test_a_slip_is_told_beside_its_field_and_keeps_the_rest(
        self, funds: list[Fund], ekonomi: Client
    ) -> None:
        typed = {f"need_{funds[0].pk}": "femtio", f"need_{funds[1].pk}": "777"}
        refused = ekonomi.post(f"/ekonomi/behov/?ar={YEAR}", typed)
        assert "Skriv beloppet i kronor med siffror" in text_of(refused)
        assert 'value="femtio"' in text_of(refused)
        assert 'value="777"' in text_of(refused)
        assert not UploadedSheet.objects.exists()

    def test_nothing_changed_is_told(self, funds: list[Fund], ekonomi: Client) -> None:
        refused = ekonomi.post(f"/ekonomi/behov/?ar={YEAR}", {f"need_{funds[0].pk}": "100"})
        assert "Inget behov är ändrat" in text_of(refused)

    def test_the_next_year_can_be_opened_to_decide_its_needs(
        self, funds: list[Fund], ekonomi: Client
    ) -> None:
        this = operations.collection_year(timezone.localdate())
        answer = ekonomi.post("/ekonomi/behov/nytt-ar/", follow=True)
        year = answer.context["year"]
        assert year.starts_on == this.ends_on + datetime.timedelta(days=1)
        assert FundYear.objects.filter(year=year).count() == 0
        told = Event.objects.get(text__startswith=f"Lade upp insamlingsåret {year}")
        assert told.by_id, "who opened it is known"


@pytest.mark.look
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_axe_finds_nothing_on_the_way(
    open_as: "Callable[..., Page]", axe: "Callable[[Page], list[str]]", width: int
) -> None:
    cast.fund_year(cast.fund(), 100_00)
    cast.fund_year(cast.fund("47031", cast.project("skola")))
    page = open_as(cast.ester(), f"/ekonomi/behov/?ar={YEAR}", width=width)
    assert axe(page) == []
    page.get_by_label("Behov för 47030 Brunnar").fill("500")
    page.get_by_role("button", name="Granska ändringarna").click()
    page.get_by_role("heading", name="Kontrollera att det här stämmer").wait_for()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
