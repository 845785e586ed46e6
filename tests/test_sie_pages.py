"""The pages of the export to the general ledger, and the mapping in the admin."""

import datetime
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from donations import operations
from donations.models import Fund, SieExport, SieMapping, SieOverride, Transfer
from projects.models import SiteSettings
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.sie_reader import read
from tests.test_figures_never_read_transfers import reads_transfers
from tests.test_finance_pages import row_of, send, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db
LIST = "/ekonomi/sie/"
JUNE = "/ekonomi/sie/ny/?fran=2024-06-01&till=2024-06-30"
MAPPING = "/admin/donations/siemapping/1/change/"
OTHER = "/admin/donations/sieoverride/add/"
DAY = datetime.timedelta(days=1)
AR = {"ar": str(cast.YEAR)}


@pytest.fixture
def eskil() -> Client:
    """Eskil does the finances."""
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


@pytest.fixture
def fund() -> Fund:
    """A fund with two gifts in June, one of them reversed in July, a third unplaced, and an opening amount."""
    fund = cast.fund()
    operations.open_with(
        cast.fund_year(fund), 9_00, booked_on=cast.MIDSUMMER, reason="Förra året", by=cast.ester()
    )
    cast.gift(fund, 1_000_00)
    wrong = cast.gift(fund, 250_50, cast.MIDSUMMER + DAY)
    cast.gift(None, 77_00)
    operations.reverse(
        wrong, booked_on=datetime.date(2024, 7, 1), reason="Fel nummer", by=cast.ester()
    )
    return fund


def made(client: Client, path: str = JUNE) -> SieExport:
    """The export that is made by the page's form."""
    answer = send(client, path)
    assert answer.status_code == 302, text_of(answer)
    return SieExport.objects.latest("number")


# The list


def test_the_list_tells_of_each_month_what_is_left_and_where_the_rest_is(
    eskil: Client, fund: Fund
) -> None:
    assert row_of(eskil.get(LIST, AR), "Juni 2024") == "Juni 2024 1 327,50 kr öppen"
    assert row_of(eskil.get(LIST, AR), "Juli 2024") == "Juli 2024 −250,50 kr öppen"
    assert row_of(eskil.get(LIST, AR), "Maj 2024") == "Maj 2024 ingenting öppen"
    made(eskil)
    operations.lock_period(datetime.date(2024, 6, 30), by=cast.ester())
    page = eskil.get(LIST, AR)
    assert row_of(page, "Juni 2024") == "Juni 2024 ingenting mer nr 1 låst"
    made(eskil, JUNE.replace("06", "07"))
    assert row_of(page, "Juli 2024") == "Juli 2024 −250,50 kr öppen"
    assert row_of(eskil.get(LIST, AR), "Juli 2024") == "Juli 2024 ingenting mer nr 2 öppen"
    assert "Export 1 1–30 juni 2024 3 1 327,50 kr" in text_of(page)


def test_a_month_is_a_way_to_its_export_and_one_that_has_not_begun_is_not_there(
    eskil: Client,
) -> None:
    with time_machine.travel("2026-03-15 12:00:00+00:00", tick=False):
        client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
        cast.gift(cast.fund(), 1_00, datetime.date(2026, 2, 28))
        page = client.get(LIST)
        assert [month.first.month for month in page.context["months"]] == [3, 2, 1]
        assert "/ekonomi/sie/ny/?fran=2026-02-01&amp;till=2026-02-28" in page.content.decode()


def test_the_month_that_goes_on_is_offered_to_the_day_it_is(fund: Fund) -> None:
    with time_machine.travel("2026-03-15 12:00:00+00:00", tick=False):
        client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
        cast.gift(fund, 1_00, datetime.date(2026, 3, 15))
        months = client.get(LIST).context["months"]
        assert months[0].query == "?fran=2026-03-01&till=2026-03-15"
        assert "Skapa filen" in text_of(client.get(f"/ekonomi/sie/ny/{months[0].query}"))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Välj en dag."),
        ("?fran=igår&till=2024-06-30", "Skriv dagen som år-månad-dag"),
        ("?fran=2024-06-30&till=2024-06-01", "ska inte ligga före"),
        ("?fran=2024-06-01&till=2999-01-01", "framtiden"),
        ("?fran=2024-12-01&till=2025-01-31", "2024 slutar den 31 december 2024"),
        ("?fran=1999-01-01&till=1999-01-31", "inget insamlingsår"),
    ],
)
def test_days_that_cannot_be_exported_are_told_why_and_kept(
    eskil: Client, fund: Fund, query: str, says: str
) -> None:
    page = eskil.get(f"/ekonomi/sie/ny/{query}")
    assert page.status_code == 200
    assert says in text_of(page)
    if query.endswith("06-30"):
        assert 'value="2024-06-30"' in page.content.decode()


# What the file would hold


def test_the_preview_tells_what_comes_with_what_does_not_and_is_what_the_file_says(
    eskil: Client, fund: Fund
) -> None:
    page = eskil.get(JUNE)
    assert row_of(page, "Gåvor") == "Gåvor 2 1 327,50 kr"
    assert row_of(page, "1689") == "1689 Avräkning insamling 1 327,50 kr 0 kr"
    assert row_of(page, "2899") == "2899 Oplacerade gåvor 0 kr 77 kr"
    assert row_of(page, "3993") == "3993 Erhållna donationer och gåvor 0 kr 1 250,50 kr"
    text = text_of(page)
    assert "Ingående belopp, 9 kr : beloppen står redan i bokföringen" in text
    assert "Perioden är inte låst" in text
    assert "Organisationsnumret saknas" in text
    file = read(bytes(made(eskil).content))
    for account in page.context["preview"].accounts:
        rows = [row.ore for row in file.rows if row.account == account.number]
        assert sum(ore for ore in rows if ore > 0) == account.debit
        assert -sum(ore for ore in rows if ore < 0) == account.credit


def test_a_locked_period_and_a_right_number_are_no_matter_for_a_word(
    eskil: Client, fund: Fund
) -> None:
    operations.lock_period(datetime.date(2024, 6, 30), by=cast.ester())
    SiteSettings(organisation_number="802000-1239").save()
    text = text_of(eskil.get(JUNE))
    assert "inte låst" not in text
    assert "Organisationsnumret" not in text


def test_what_was_exported_before_is_told_and_not_exported_again(eskil: Client, fund: Fund) -> None:
    made(eskil)
    cast.gift(fund, 5_00)
    page = eskil.get(JUNE)
    assert row_of(page, "Gåvor") == "Gåvor 1 5 kr"
    assert "Export 1 , 1–30 juni 2024: 3 transaktioner" in text_of(page)
    assert "Det finns mer att exportera" in text_of(eskil.get("/ekonomi/sie/1/"))
    assert made(eskil).transfers == 1
    page = eskil.get(JUNE)
    assert "Allt som är bokfört på de här dagarna är redan exporterat." in text_of(page)
    assert "<form" not in page.content.decode().partition("<main")[2]
    assert "Det finns mer" not in text_of(eskil.get("/ekonomi/sie/2/"))


def test_a_gift_moved_to_another_fund_on_an_exported_day_is_left_to_export(
    eskil: Client, fund: Fund
) -> None:
    gift = cast.gift(fund, 40_00)
    made(eskil)
    operations.reverse(gift, booked_on=gift.booked_on, reason="Fel nummer", by=cast.ester())
    cast.gift(cast.fund("47031", cast.project("pumpar")), 40_00)
    # The day's sum is what it was; whose the money is, is not.
    assert JUNE.partition("?")[2] in eskil.get(LIST, AR).content.decode().replace("&amp;", "&")
    assert "Det finns mer att exportera" in text_of(eskil.get("/ekonomi/sie/1/"))
    assert row_of(eskil.get(JUNE), "Gåvor") == "Gåvor 1 0 kr"
    assert made(eskil).transfers == 2
    assert "Allt som är bokfört på de här dagarna är redan exporterat." in text_of(eskil.get(JUNE))


def test_days_without_anything_make_no_file_and_say_so(eskil: Client, fund: Fund) -> None:
    path = JUNE.replace("06", "05").replace("05-30", "05-31")
    assert "Ingenting är bokfört på de här dagarna. Det blir ingen fil." in text_of(eskil.get(path))
    answer = eskil.post(path, {"once": uuid.uuid4()})
    assert answer.status_code == 200
    assert not SieExport.objects.exists()


def test_a_missing_account_stops_the_export_and_leads_to_where_it_is_chosen(
    eskil: Client, fund: Fund
) -> None:
    SieMapping(suspense="").save()
    page = eskil.get(JUNE)
    assert f'<a href="{MAPPING}#id_suspense">oplacerade gåvor</a>' in page.content.decode()
    assert "Skapa filen" not in text_of(page)
    answer = eskil.post(JUNE, {"once": uuid.uuid4()})
    assert "Det saknas konto för: oplacerade gåvor." in text_of(answer)
    assert not SieExport.objects.exists()


# The file


def test_a_second_click_makes_no_second_file(eskil: Client, fund: Fund) -> None:
    key = {"once": uuid.uuid4()}
    first, second = eskil.post(JUNE, key), eskil.post(JUNE, key)
    assert first["Location"] == "/ekonomi/sie/1/"
    assert second["Location"] == LIST
    assert SieExport.objects.count() == 1
    assert "Ingenting har bokförts en gång till" in text_of(eskil.get(LIST))


def test_the_file_is_the_same_each_time_and_whatever_has_changed_since(
    eskil: Client, fund: Fund
) -> None:
    made(eskil)
    first = eskil.get("/ekonomi/sie/1/fil/")
    assert first["Content-Disposition"] == 'attachment; filename="kollekt-2024-06-export-1.SI"'
    assert first["Content-Type"] == "application/octet-stream"
    SieMapping(gifts="3011 Gåvor").save()
    SiteSettings(name="Ett annat namn").save()
    cast.gift(fund, 5_00)
    assert eskil.get("/ekonomi/sie/1/fil/").content == first.content
    assert {row.account for row in read(first.content).rows} == {"1689", "2899", "3993"}


def test_an_exports_page_tells_what_is_in_it(eskil: Client, fund: Fund) -> None:
    made(eskil, "/ekonomi/sie/ny/?fran=2024-01-01&till=2024-12-31")
    page = eskil.get("/ekonomi/sie/1/")
    assert row_of(page, "Gåvor") == "Gåvor 2 3 1 327,50 kr"
    assert row_of(page, "Rättelse") == "Rättelse, gåvor 1 1 250,50 kr"
    assert "kollekt-2024-01-01--2024-12-31-export-1.SI" in text_of(page)
    assert "4, tillsammans 1 578 kr" in text_of(page)
    for path in ("/ekonomi/sie/2/", "/ekonomi/sie/2/fil/", "/ekonomi/sie/2/igen/"):
        assert eskil.get(path).status_code == 404


def test_exporting_again_is_asked_about_and_marked(eskil: Client, fund: Fund) -> None:
    made(eskil)
    again = "/ekonomi/sie/1/igen/"
    assert "Kryssa i rutan om du är säker." in text_of(send(eskil, again))
    assert SieExport.objects.count() == 1
    assert send(eskil, again, sure="ja")["Location"] == "/ekonomi/sie/2/"
    text = text_of(eskil.get("/ekonomi/sie/2/"))
    assert "samma transaktioner som export 1 en gång till" in text
    assert "kollekt-2024-06-export-2-IGEN-av-1.SI" in text
    assert "Export 2 , skapad" in text_of(eskil.get("/ekonomi/sie/1/"))
    assert "Export 2 igen av 1" in text_of(eskil.get(LIST))
    assert eskil.get("/ekonomi/sie/2/igen/")["Location"] == again
    # It is no reason to think that June has been exported in it as well.
    assert "Exporterat förut" in text_of(eskil.get(JUNE))
    assert "Export 2" not in text_of(eskil.get(JUNE))


def test_a_transfers_page_leads_to_the_export_that_holds_it(eskil: Client, fund: Fund) -> None:
    gift = Transfer.objects.filter(kind="gift").earliest("pk")
    path = reverse("admin:donations_transfer_change", args=[gift.pk])
    assert "inte än" in eskil.get(path).content.decode()
    made(eskil)
    assert "<a href='/ekonomi/sie/1/'>export 1</a>" in eskil.get(path).content.decode()


def test_a_reader_sees_and_fetches_what_others_have_made_and_makes_nothing(
    eskil: Client, fund: Fund
) -> None:
    made(eskil)
    lage = cast.sign_in(Client(), cast.member("Lage", Role.READER))
    assert lage.get("/ekonomi/sie/1/fil/").content == eskil.get("/ekonomi/sie/1/fil/").content
    for path in (LIST, "/ekonomi/sie/1/"):
        page = lage.get(path)
        assert page.status_code == 200
        assert "/ny/" not in page.content.decode()
        assert "/igen/" not in page.content.decode()
    assert lage.get(JUNE).status_code == lage.post("/ekonomi/sie/1/igen/").status_code == 403


def test_no_page_reads_a_transfer_or_asks_more_than_fifteen_times(
    eskil: Client, fund: Fund
) -> None:
    made(eskil)
    cast.gift(fund, 5_00)
    for path in (f"{LIST}?ar=2024", JUNE, "/ekonomi/sie/1/", "/ekonomi/sie/1/igen/"):
        with CaptureQueriesContext(connection) as asked:
            assert eskil.get(path).status_code == 200
        assert len(asked) <= 15, path
        assert [query["sql"] for query in asked if reads_transfers(query["sql"])] == [], path


# The mapping


def shown(client: Client, path: str = MAPPING) -> dict[str, Any]:
    """The form of the admin as it comes."""
    form = client.get(path).context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}


def faults(answer: Any) -> dict[str, list[str]]:
    return answer.context["adminform"].form.errors


def test_the_mapping_shows_what_holds_before_anybody_has_changed_it(eskil: Client) -> None:
    assert eskil.get("/admin/donations/siemapping/")["Location"] == MAPPING
    form = shown(eskil)
    assert form["gifts"] == "3993 Erhållna donationer och gåvor"
    assert form["kinds"] == ["gift", "placement", "refund", "reallocation", "disbursement"]
    assert eskil.post(MAPPING, form | {"gifts": "3011  Gåvor"}).status_code == 302
    assert SieMapping.current().gifts == "3011  Gåvor"
    event = Event.objects.latest("id")
    assert (event.area, event.model) == ("money", "donations.siemapping")
    history = text_of(eskil.get("/admin/donations/siemapping/1/history/"))
    assert "Eskil" in history


@pytest.mark.parametrize("typed", ["39", "0993 Gåvor", "3993", "gåvor", "3993Gåvor", "399300000 x"])
def test_an_account_is_a_number_and_a_name(eskil: Client, typed: str) -> None:
    answer = eskil.post(MAPPING, shown(eskil) | {"gifts": typed})
    assert "tre till åtta siffror" in faults(answer)["gifts"][0]


def test_an_account_has_one_name_wherever_it_is_written(eskil: Client) -> None:
    answer = eskil.post(MAPPING, shown(eskil) | {"refunds": "3993 Återbetalt"})
    assert faults(answer)["refunds"] == [
        "Konto 3993 heter ”Erhållna donationer och gåvor” på ett annat ställe. Skriv samma namn här."
    ]
    fund = cast.fund()
    answer = eskil.post(OTHER, {"fund": fund.pk, "account": "1689 Annat"})
    assert "heter ”Avräkning insamling”" in faults(answer)["account"][0]
    assert eskil.post(OTHER, {"fund": fund.pk, "account": "3011 Egna"}).status_code == 302
    answer = eskil.post(MAPPING, shown(eskil) | {"refunds": "3011 Andras"})
    assert "heter ”Egna”" in faults(answer)["refunds"][0]


def test_an_exception_is_for_one_thing_and_says_something(eskil: Client) -> None:
    fund, bank = cast.fund(), cast.bank()
    area = fund.area_now
    for typed, says in (
        ({"fund": fund.pk}, "Fyll i ett konto eller en projektkod."),
        ({"account": "3011 Gåvor"}, "bara ett av dem"),
        ({"fund": fund.pk, "bank": bank.pk, "account": "3011 x"}, "bara ett av dem"),
        ({"bank": bank.pk, "project_code": "7"}, "Bara en insamling har en projektkod."),
        ({"fund": fund.pk, "project_code": "7 7"}, "utan mellanslag"),
    ):
        answer = eskil.post(OTHER, typed)
        assert says in str(faults(answer)), typed
    for typed in (
        {"fund": fund.pk, "project_code": "Å-7"},
        {"bank": bank.pk, "account": "1690 Avräkning Swish"},
        {"focus_area": area.pk, "account": "3011 Gåvor vatten"},
    ):
        assert eskil.post(OTHER, typed).status_code == 302
    assert "har redan ett undantag" in str(
        faults(eskil.post(OTHER, {"fund": fund.pk, "project_code": "8"}))
    )
    assert [str(one) for one in SieOverride.objects.all()] == [str(fund), "Gåvokonto", "Vatten"]


def test_a_reader_sees_the_mapping_and_changes_nothing() -> None:
    lage = cast.sign_in(Client(), cast.member("Lage", Role.READER))
    assert "3993" in lage.get(MAPPING).content.decode()
    assert lage.post(MAPPING, {"gifts": "3011 x"}).status_code == 403
    assert lage.get(OTHER).status_code == 403


def test_an_organisation_number_that_is_none_is_refused_and_a_right_one_has_its_hyphen() -> None:
    SiteSettings(name="Långväga", organisation_number="802000-0000").save()
    astrid = cast.sign_in(Client(), cast.astrid())
    path = "/admin/projects/sitesettings/1/change/"
    form = shown(astrid, path)
    # One that stands there since before is in nobody's way.
    assert astrid.post(path, form | {"tagline": "Bistånd"}).status_code == 302
    answer = astrid.post(path, form | {"organisation_number": "802000-1230"})
    assert "inte ett organisationsnummer" in faults(answer)["organisation_number"][0]
    assert astrid.post(path, form | {"organisation_number": "8020001239"}).status_code == 302
    assert SiteSettings.current().organisation_number == "802000-1239"


# In a browser


@pytest.mark.browser
@pytest.mark.look
@pytest.mark.django_db(transaction=True)
def test_every_page_is_whole_and_accessible(
    open_as: Callable[..., "Page"], axe: Callable[["Page"], list[str]], fund: Fund, width: int
) -> None:
    by = cast.ester()
    first = operations.export_sie(datetime.date(2024, 6, 1), datetime.date(2024, 6, 30), by=by)
    operations.export_sie_again(first, by=by)
    late = cast.gift(fund, 99_999_999_999)
    SieMapping(suspense="").save()
    page = open_as(cast.member("Eskil", Role.FINANCE), f"{LIST}?ar=2024", width=width)
    paths = [f"{LIST}?ar=2024", JUNE, JUNE.replace("06-30", "06-20"), "/ekonomi/sie/ny/"]
    paths += ["/ekonomi/sie/1/", "/ekonomi/sie/2/", "/ekonomi/sie/1/igen/"]
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert late.pk
