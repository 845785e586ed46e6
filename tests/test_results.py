"""The summary of results: what the pages tell of a year beside the money, on a page and in a PDF."""

import datetime
import io
import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import pypdf
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image as Pillow

from donations import operations, queries
from donations.exports import results as export
from donations.models import CollectionYear, FundYear
from donations.money import format_amount, format_kronor
from donations.operations import LineIn
from projects import publishing
from projects.models import Achievement, Contact, FocusArea, Image, Page, Project
from projects.pictures import reencode
from staff.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db
ADDRESS = "/ekonomi/resultat/vatten/2024/"
HOSTILE = r'#panic() $x^2$ \u{0} <a@b> `raw` *fet* _kursiv_ = Rubrik // "citat" @ref #{1+1} [x]'


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def plain(text: str) -> str:
    """As a person reads it: every kind of space the same, and words in one."""
    return " ".join(re.sub("[\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}]", "", text).split())


def page_text(client: Client, address: str = ADDRESS, part: str = "article") -> str:
    """What the page's summary says, without what stands about it."""
    answer = client.get(address)
    assert answer.status_code == 200
    found = re.search(rf"<{part}.*?</{part}>", answer.text, re.DOTALL)
    return plain(unescape(re.sub(r"<[^>]+>", " ", found[0]))) if found else ""


def pdf(client: Client, address: str = ADDRESS) -> pypdf.PdfReader:
    path, _mark, query = address.partition("?")
    answer = client.get(f"{path}pdf/?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return pypdf.PdfReader(io.BytesIO(answer.content))


def pdf_text(client: Client, address: str = ADDRESS) -> str:
    return plain(" ".join(page.extract_text() for page in pdf(client, address).pages))


def both(client: Client, address: str = ADDRESS) -> tuple[str, str]:
    return page_text(client, address), pdf_text(client, address)


def project(number: str, slug: str, area: FocusArea, need: int | None, given: int) -> FundYear:
    """A published project with a fund, its need and what was given to it, in kronor."""
    fund = cast.fund(number, cast.project(slug, area))
    year = cast.fund_year(fund, None if need is None else need * 100)
    if given:
        cast.gift(fund, given * 100)
    cast.publish(fund.page)
    return year


def achieve(of: Page, text: str, number: str = "", period: str = "2024") -> None:
    Achievement.objects.create(page=of, number=number, text=text, period=period)
    cast.publish(of)


def water(**fields: Any) -> FocusArea:
    area = cast.area("vatten", title="Vatten och hälsa", hue="skog", **fields)
    cast.publish(area)
    return area


@pytest.fixture
def books() -> dict[str, FundYear]:
    """An area with a surplus that was moved, a need that is unknown, a project unpublished, and its own fund."""
    area = water()
    found = {
        "brunnar": project("47030", "brunnar", area, 276_000, 332_028),
        "pumpar": project("47031", "pumpar", area, 100_000, 60_000),
        "filter": project("47032", "filter", area, None, 1_234),
        "hemligt": project("47033", "hemligt", area, 50_000, 7_000),
    }
    publishing.unpublish(found["hemligt"].fund.page, by=cast.ester())
    found["vatten"] = cast.fund_year(cast.fund("47100", area))
    cast.gift(found["vatten"].fund, 5_000_00)
    achieve(found["brunnar"].fund.page, "nya brunnar", "11")
    move(found["brunnar"], found["pumpar"], 30_000)
    move(found["brunnar"], found["hemligt"], 20_000)
    operations.disburse(
        found["brunnar"], 200_000_00, booked_on=cast.MIDSUMMER, reason="x", by=cast.ester()
    )
    return found


def move(source: FundYear, receiver: FundYear, kronor: int) -> None:
    line = LineIn(source, receiver, kronor * 100)
    proposal = operations.draft([line], reason="Överskott", by=cast.ester())
    operations.approve(operations.submit(proposal, by=cast.ester()), by=cast.colleague())


# Figures


def test_page_and_pdf_hold_the_figures_of_the_queries(
    eskil: Client, books: dict[str, FundYear]
) -> None:
    figures = queries.figures(books.values(), timezone.localdate())
    total = queries.total(figures.values())
    named = {"brunnar": "Brunnar", "pumpar": "Pumpar", "filter": "Filter"}
    named |= {"hemligt": "Projekt utan publicerad sida", "vatten": "Hela fokusområdet"}
    columns = [
        [
            *(one.need, one.collected, one.moved_in, one.moved_out, one.remaining),
            *(one.surplus, one.disbursed),
        ]
        for one in (figures[books[slug].pk] for slug in named)
    ]
    rows = {
        f"{name} {books[slug].fund.collection_number}": amounts
        for (slug, name), amounts in zip(named.items(), columns, strict=True)
    }
    rows["Summa"] = [sum(one or 0 for one in column) for column in zip(*columns, strict=True)]
    assert (rows["Summa"][1], rows["Summa"][4]) == (total.collected, total.remaining)
    for text in both(eskil):
        for name, amounts in rows.items():
            shown = ["–" if ore is None else plain(format_amount(ore)) for ore in amounts]
            assert " ".join([name, *shown]) in text
        for ore in (total.collected, total.need, total.remaining, total.surplus, 200_000_00):
            assert plain(format_kronor(ore)) in text.partition("Siffrorna visar läget")[0]
        assert "Insamlat 332 028 kr Omfördelat härifrån −50 000 kr" in text
        assert "Tillgängligt 282 028 kr Behov 276 000 kr Kvar att samla in 0 kr" in text


def test_where_money_has_gone_and_come_from_is_told_by_name_and_by_number_alone_when_unpublished(
    eskil: Client, books: dict[str, FundYear]
) -> None:
    for text in both(eskil):
        assert "30 000 kr av överskottet gick till Pumpar (47031)." in text
        assert "30 000 kr kom från Brunnar (47030)." in text
        assert "20 000 kr av överskottet gick till insamling 47033." in text
        assert "Hemligt" not in text
        assert "Insamling 47033 hör till projekt som inte har någon publicerad sida." in text
        assert "Behovet är inte bestämt för insamling 47032" in text


def test_figures_are_those_of_the_day_asked_for_and_final_when_it_is_locked(
    eskil: Client, books: dict[str, FundYear]
) -> None:
    cast.gift(books["pumpar"].fund, 1_00, datetime.date(2024, 12, 30))
    operations.lock_period(datetime.date(2024, 12, 30), by=cast.ester())
    for day, collected, is_final in (
        ("2024-12-29", "60 000 kr", True),
        ("2024-12-30", "60 001 kr", True),
        ("2024-12-31", "60 001 kr", False),
    ):
        for text in both(eskil, f"{ADDRESS}?dag={day}"):
            pumps = text[text.rindex("Pengarna insamling 47031") :]
            assert pumps.startswith(f"Pengarna insamling 47031 Insamlat {collected}")
            assert ("De är slutgiltiga" in text) == is_final
            assert ("De är preliminära" in text) != is_final


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("igår", "Skriv dagen som år-månad-dag, till exempel 2026-11-21."),
        ("2023-12-31", "Insamlingsåret 2024 börjar den 1 januari 2024."),
        ("2099-01-01", "Dagen kan inte ligga i framtiden."),
    ],
)
def test_a_day_that_cannot_be_is_told_and_kept(
    eskil: Client, books: dict[str, FundYear], day: str, said: str
) -> None:
    page = eskil.get(ADDRESS, {"dag": day})
    assert said in page.text
    assert f'value="{day}"' in page.text
    answer = eskil.get(f"{ADDRESS}pdf/", {"dag": day}, follow=True)
    assert said in answer.text


def test_the_first_day_of_the_year_is_a_day_and_so_is_today(
    eskil: Client, books: dict[str, FundYear]
) -> None:
    for day in (cast.NEW_YEAR, timezone.localdate()):
        assert "errorlist" not in eskil.get(ADDRESS, {"dag": str(day)}).text


def test_a_year_that_goes_on_says_so(eskil: Client) -> None:
    fund = cast.fund("47030", cast.project("brunnar", water()))
    today = timezone.localdate()
    cast.fund_year(fund, 100_00, today)
    cast.gift(fund, 40_00, today)
    cast.publish(fund.page)
    for text in both(eskil, f"/ekonomi/resultat/vatten/{today.year}/"):
        told = f"Hittills under {today.year} har 40 kr samlats in till ett projekt."
        assert f"{told} Behovet är 100 kr. Av det är 60 kr kvar" in text


@pytest.mark.parametrize(
    ("given_ore", "lead", "bar"),
    [
        (0, "samlades ingenting in", "Ingenting är insamlat."),
        (1, "samlades 0,01 kr in", "Mindre än 1 % av behovet är täckt."),
        (99, "samlades 0,99 kr in", "Mindre än 1 % av behovet är täckt."),
        (1_00, "samlades 1 kr in", "1 % av behovet är täckt."),
        (99_99, "samlades 99,99 kr in", "99 % av behovet är täckt."),
        (100_00, "samlades 100 kr in", "Hela behovet är täckt."),
    ],
)
def test_how_much_of_the_need_is_met_is_told_down_to_nothing(
    eskil: Client, given_ore: int, lead: str, bar: str
) -> None:
    year = project("47030", "brunnar", water(), 100, 0)
    if given_ore:
        cast.gift(year.fund, given_ore)
    text = page_text(eskil)
    assert f"Under 2024 {lead} till ett projekt." in text
    assert text.count(f" {bar}") == 2  # of the area, and of the project
    assert ("Mindre än" in text) == ("Mindre än" in bar)


@pytest.mark.parametrize(
    ("given_ore", "bar"),
    [
        (0, "Ännu är inget av behovet täckt."),
        (1, "Mindre än 1 % av behovet är täckt."),
        (1_00, "1 % av behovet är täckt."),
    ],
)
def test_a_donor_reads_the_same_on_the_area_and_on_the_project(given_ore: int, bar: str) -> None:
    today = timezone.localdate()
    fund = cast.fund("47030", cast.project("brunnar", water()))
    cast.fund_year(fund, 100_00, today)
    cast.publish(fund.page)
    if given_ore:
        cast.gift(fund, given_ore, today)
    for address in ("/fokusomrade/vatten/", "/projekt/brunnar/"):
        assert f" {bar}" in page_text(Client(), address)


def test_what_is_carried_from_year_to_year_is_told_in_both(eskil: Client) -> None:
    year = project("47030", "brunnar", water(), 100, 150)
    operations.carry_over(
        year, 50_00, booked_on=datetime.date(2025, 1, 10), reason="x", by=cast.ester()
    )
    for text in both(eskil):
        assert "50 kr är överförda till 2025." in text
        assert "Insamlat 150 kr Överfört till 2025 −50 kr Tillgängligt 100" in text
        assert "Brunnar 47030 100 150 0 50 0 0 0" in text
    for text in both(eskil, "/ekonomi/resultat/vatten/2025/"):
        assert "50 kr är överförda från 2024." in text
        assert "Överfört från 2024 50 kr" in text
        assert "50 kr kom från insamlingen för 2024." in text


def test_a_closed_fund_and_the_one_that_took_over_both_stand_with_the_project(
    eskil: Client,
) -> None:
    year = project("47030", "brunnar", water(), 100, 150)
    year.fund.closed_on = cast.MIDSUMMER
    year.fund.save()
    cast.gift(cast.fund("47031", year.fund.page), 20_00, cast.MIDSUMMER)
    for text in both(eskil):
        assert "samlades 170 kr in till ett projekt." in text
        assert text.count("Pengarna insamling 4703") == 2


def test_a_year_that_is_closed_says_what_may_still_change(eskil: Client) -> None:
    year = project("47030", "brunnar", water(), 100, 50)
    operations.close_year(year.year, by=cast.ester())
    for text in both(eskil):
        assert "Insamlingsåret är stängt, så behov och omfördelningar ändras inte mer." in text
        assert "preliminära" not in text
    for text in both(eskil, f"{ADDRESS}?dag=2024-12-31"):
        assert "De är slutgiltiga: perioden är låst till och med den dagen." in text


def test_a_project_that_has_changed_area_counts_where_its_year_was_begun(eskil: Client) -> None:
    area, other = water(), cast.area("skola")
    year = project("47030", "brunnar", area, 100, 50)
    moved = Project.objects.get(pk=year.fund.page.pk)
    moved.focus_area = other
    moved.save()
    achieve(moved, "nya brunnar", "11")
    cast.publish(other)
    for text in both(eskil):
        assert "11 nya brunnar" in text
        assert "Pengarna insamling 47030 Insamlat 50 kr" in text
    assert "brunnar" not in page_text(eskil, "/ekonomi/resultat/skola/2024/")


# Achievements


def test_what_belongs_to_the_year_is_told_and_what_does_not_is_left_for_the_editor_to_see(
    eskil: Client, books: dict[str, FundYear]
) -> None:
    page = books["pumpar"].fund.page
    achieve(page, "pumpar lagade", "39")
    achieve(page, "kommittéer", "41", "2021–2024")
    achieve(page, "från i fjol", "7", "2023")
    achieve(page, "utan tid", "8", "")
    achieve(page, "sedan länge", "9", "sedan 2019")
    for text in both(eskil):
        assert "39 pumpar lagade 2024 41 kommittéer 2021–2024" in text
        for left in ("från i fjol", "utan tid", "sedan länge"):
            assert left not in text
    around = page_text(eskil, part="main")
    assert "”8 utan tid” är inte med, för det har ingen period" in around
    assert "perioden ”sedan 2019” säger inte vilka år det gäller" in around
    assert "1 resultat från andra år är inte med 7 från i fjol 2023" in around


def test_an_editor_is_told_of_money_without_a_result_and_led_to_where_it_is_written(
    books: dict[str, FundYear],
) -> None:
    rut = cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))
    achieve(books["brunnar"].fund.page, "från i fjol", "7", "2023")
    page = rut.get(ADDRESS)
    text = page_text(rut, part="main")
    assert text.index("Pumpar : inget resultat") < text.index("från i fjol")
    assert "Pumpar : inget resultat för 2024. Skriv vad som har hänt." in text
    pumps = books["pumpar"].fund.page.pk
    assert f'href="/admin/projects/project/{pumps}/change/#achievements-group"' in page.text
    assert "Brunnar : inget resultat" not in text
    assert "Skriv vad som har hänt" not in pdf_text(rut)


def test_only_what_is_published_is_told(eskil: Client, books: dict[str, FundYear]) -> None:
    page = books["pumpar"].fund.page
    Achievement.objects.create(page=page, text="bara ett utkast", period="2024")
    for text in both(eskil):
        assert "bara ett utkast" not in text
    cast.publish(page)
    for text in both(eskil):
        assert "bara ett utkast" in text


def test_achievements_without_money_are_told_too(eskil: Client) -> None:
    area = water()
    achieve(area, "byar med rent vatten", "52")
    achieve(cast.project("brunnar", area), "nya brunnar", "11")
    operations.collection_year(cast.MIDSUMMER)
    for text in both(eskil):
        assert "Det fanns ingen insamling i Vatten och hälsa 2024." in text
        assert text.index("52 byar med rent vatten") < text.index("11 nya brunnar")
        assert "Pengarna" not in text


def test_an_area_without_anything_says_so(eskil: Client) -> None:
    water()
    operations.collection_year(cast.MIDSUMMER)
    for text in both(eskil):
        assert "Det fanns ingen insamling i Vatten och hälsa 2024." in text
        assert "Alla insamlingar" not in text


@pytest.mark.parametrize(
    "text", [HOSTILE, "A" * 400, "😀 ភាសាខ្មែរ বাংলা", "å\x07\x00\x0bö\u202e\ufdd0", "Rad\nny rad"]
)
def test_texts_are_set_as_they_are_written(eskil: Client, text: str) -> None:
    area = water()
    written = text.replace("\x00", "")  # which no database takes
    found = cast.project("brunnar", area, title=written[:140])
    achieve(found, written, written[:20], "2024")
    operations.collection_year(cast.MIDSUMMER)
    page, on_paper = both(eskil)
    if text == HOSTILE:
        assert plain(written) in page
        assert plain(written) in on_paper
    if text.startswith("A"):
        assert "A" * 400 in on_paper.replace(" ", "")
    assert "Fråga oss gärna" in on_paper


def test_a_word_without_end_stays_on_the_sheet(eskil: Client) -> None:
    achieve(cast.project("b" * 100, water(), title="Ö" * 140), "Å" * 400, "9" * 20)
    operations.collection_year(cast.MIDSUMMER)
    lines = [line for sheet in pdf(eskil).pages for line in sheet.extract_text().splitlines()]
    # At most what a line of the smallest type holds.
    assert max(map(len, lines)) < 130


# Consent


def picture(consent: Any) -> Image:
    data = io.BytesIO()
    Pillow.effect_noise((900, 600), 60).convert("RGB").save(data, "PNG")
    image = Image(alt="En brunn i Kalmakanda", credit="Bo Berg", consent=consent)
    image.store(reencode(data.getvalue()))
    image.save()
    return image


def test_a_picture_is_shown_while_its_consent_holds_and_not_a_moment_longer(eskil: Client) -> None:
    consent = cast.consent()
    water(image=picture(consent))
    operations.collection_year(cast.MIDSUMMER)
    assert "Bo Berg" in page_text(eskil)
    assert len(pdf(eskil).pages[0].images) == 1
    consent.withdrawn_at = timezone.now()
    consent.save()
    assert "Bo Berg" not in page_text(eskil)
    assert "Bo Berg" not in pdf_text(eskil)
    assert len(pdf(eskil).pages[0].images) == 0


def test_a_picture_whose_file_is_gone_does_not_stop_the_summary(eskil: Client) -> None:
    image = picture(cast.consent())
    water(image=image)
    operations.collection_year(cast.MIDSUMMER)
    for width in image.widths:
        Path(settings.MEDIA_ROOT, image.name(width)).unlink()
    assert "Fråga oss gärna" in pdf_text(eskil)


# Who and where


@pytest.mark.parametrize(
    ("role", "is_let_in"),
    [
        (Role.EDITOR, True),
        (Role.FINANCE, True),
        (Role.APPROVER, True),
        (Role.READER, True),
        (Role.ADMINISTRATOR, False),
    ],
)
def test_who_writes_results_and_who_sees_money_see_the_summary(role: Role, is_let_in: bool) -> None:
    water()
    operations.collection_year(cast.MIDSUMMER)
    client = cast.sign_in(Client(), cast.member("Någon", role))
    for address in ("/ekonomi/resultat/", ADDRESS, f"{ADDRESS}pdf/"):
        assert client.get(address).status_code == (200 if is_let_in else 403)
        assert Client().get(address).status_code == 302


def test_an_editor_is_shown_no_way_that_is_shut(books: dict[str, FundYear]) -> None:
    rut = cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))
    ways = set(re.findall(r'href="(/ekonomi/[^"]*)"', rut.get(ADDRESS).text))
    assert ways
    assert {way: rut.get(way).status_code for way in ways if rut.get(way).status_code != 200} == {}


def test_a_broken_year_has_an_address_and_a_file_name(eskil: Client) -> None:
    water()
    CollectionYear.objects.create(
        name="2024/25", starts_on="2024-07-01", ends_on=datetime.date(2025, 6, 30)
    )
    assert "/ekonomi/resultat/vatten/2024-25/" in eskil.get("/ekonomi/resultat/").text
    answer = eskil.get("/ekonomi/resultat/vatten/2024-25/pdf/")
    assert answer["Content-Disposition"] == 'attachment; filename="resultat-2024-25-vatten.pdf"'


def test_what_is_not_there_is_not_found(eskil: Client) -> None:
    area = water()
    operations.collection_year(cast.MIDSUMMER)
    operations.collection_year(datetime.date(timezone.localdate().year + 1, 1, 1))
    for address in ("skola/2024", "vatten/1789", f"vatten/{timezone.localdate().year + 1}"):
        assert eskil.get(f"/ekonomi/resultat/{address}/").status_code == 404
        assert eskil.get(f"/ekonomi/resultat/{address}/pdf/").status_code == 404
    publishing.unpublish(area, by=cast.ester())
    assert eskil.get(ADDRESS).status_code == 404
    assert "Inget fokusområde är publicerat än." in eskil.get("/ekonomi/resultat/").text


def test_whom_to_ask_is_the_contact_as_they_are_now(eskil: Client) -> None:
    contact = Contact.objects.create(name="Henrik Vallbro", role="Vatten", email="h@example.org")
    water(contact=contact)
    operations.collection_year(cast.MIDSUMMER)
    contact.role = "Ansvarig"
    contact.save()
    for text in both(eskil):
        assert "Henrik Vallbro Ansvarig h@example.org" in text


# Speed


def test_fifteen_projects_cost_as_many_queries_as_two_and_less_than_a_second(
    eskil: Client,
) -> None:
    asked = Contact.objects.create(name="Henrik Vallbro")
    area = water(image=picture(cast.consent()), contact=asked)
    years = [project(f"{47030 + n}", f"projekt-{n}", area, 100, 150 - 60 * n) for n in range(2)]
    years += [project(f"{47030 + n}", f"projekt-{n}", area, 100, 150) for n in range(2, 15)]
    for year in years:
        for n in range(5):
            Achievement.objects.create(page=year.fund.page, number=n, text="ord " * 30, period=2024)
        achieve(year.fund.page, "resultat", "6")
    move(years[0], years[1], 10)
    eskil.get(ADDRESS)  # who has just come in is written down
    for address in (ADDRESS, f"{ADDRESS}pdf/"):
        with CaptureQueriesContext(connection) as sent:
            eskil.get(address)
        assert len(sent) <= 15, [query["sql"][:120] for query in sent.captured_queries]
        assert not [q["sql"] for q in sent.captured_queries if "donations_payment" in q["sql"]]
    begun = time.process_time()
    eskil.get(f"{ADDRESS}pdf/")
    assert time.process_time() - begun < 1


# The file and the page


@pytest.mark.browser
@pytest.mark.look
@pytest.mark.django_db(transaction=True)
def test_the_pages_are_whole_and_accessible(
    books: dict[str, FundYear], open_as: Any, axe: Any, width: int
) -> None:
    long = "Grundvattenövervakningsstationernas långtidsunderhåll i Kanchenjungaområdets bergsbyar"
    achieve(books["pumpar"].fund.page, long * 3, "drygt 98 765 432 101", "sedan 2019")
    achieve(books["pumpar"].fund.page, long * 3, "drygt 98 765 432 101")
    page = open_as(cast.member("Rut", Role.EDITOR), "/ekonomi/resultat/", width=width)
    for path in ("/ekonomi/resultat/", ADDRESS, f"{ADDRESS}?dag=igår"):
        page.goto(path)
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.once
def test_the_pdf_says_what_it_is_and_can_be_read_aloud(
    eskil: Client, books: dict[str, FundYear]
) -> None:
    reader = pdf(eskil)
    root: Any = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Resultat 2024: Vatten och hälsa"
    assert root["/Lang"] == "sv-SE"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert "Sida 1 av" in reader.pages[0].extract_text()
    sizes = {tuple(round(float(side)) for side in sheet.mediabox[2:]) for sheet in reader.pages}
    assert sizes == {(595, 842)}
    chapters = [item.title for item in reader.outline if not isinstance(item, list)]
    assert {"Brunnar", "Alla insamlingar", "Fråga oss gärna"} <= set(chapters)


@pytest.mark.once
def test_the_inks_on_paper_are_those_of_the_site() -> None:
    tokens = Path(settings.BASE_DIR, "static", "css", "tokens.css").read_text(encoding="utf-8")
    light = tokens.partition("prefers-color-scheme")[0]
    source = Path(export.__file__).with_name("results.typ").read_text(encoding="utf-8")
    for hue in FocusArea.Hue.values:
        parts = [
            re.findall(rf"--{hue}{end}: (#\w+);", light)[0] for end in ("", "-soft", "-ink", "-on")
        ]
        written = re.findall(rf"^  {hue}: \((.*)\),$", source, re.MULTILINE)[0]
        assert re.findall(r"#\w+", written) == parts


@pytest.mark.once
def test_typst_is_given_no_source_but_ours_and_asks_for_no_package() -> None:
    folder = Path(export.__file__).parent
    source = (folder / "results.typ").read_text(encoding="utf-8")
    assert not re.search(r"#?(import|include|eval|read)\b\s*[\"(]", source)
    assert (folder / "fonts" / "OFL.txt").exists()
