"""What cannot be is refused in Swedish, and whatever is sent by hand never makes a 500."""

import datetime
import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone
from django.utils.encoding import repercent_broken_unicode

from donations.models import Fund, Need, Transfer
from projects.models import Page, Project, Publication, Version
from tests import cast

pytestmark = pytest.mark.django_db

# As they stand in an address or a form's body.
HOSTILE = {
    "NUL": "%00",
    "a lone surrogate": "%ED%A0%80",
    "not UTF-8": "%FF%FE",
    "10 000 characters": "a" * 10_000,
    "10 000 digits": "9" * 10_000,
    "SQL": quote("1' OR '1'='1'; DROP TABLE donations_transfer; --"),
    "a way up": "..%2F..%2F..%2Fetc%2Fpasswd",
    "dots": "../../etc/passwd",
    "negative": "-1",
    "other digits": quote("٣٣٣٣٣"),
    "letters": "abc",
    "beyond 64 bits": "99999999999999999999",
    "a fraction": "1e309",
    "markup": quote("<script>alert(1)</script>{{ 7|add:7 }}{% now %}"),
    "brackets": "%5B%5D",
    "nothing": "",
}
# What addresses are asked with: by pages, by the admin's lists, by forms for something new.
ASKED = ["version", "nummer", "q", "sida", "omrade", "land", "behov", "page", "next"]
LISTED = ["p", "q", "o", "e", "all", "_to_field", "_popup", "_changelist_filters", "title"]
LISTED += ["id__exact", "kind__exact", "booked_on__gte", "booked_on__year", "focus_area__id__exact"]
FIRST = ["nummer", "image", "contact", "project", "focus_area", "consent", "successor", "countries"]


@pytest.fixture
def books() -> Transfer:
    """A published project, network and focus area, and a gift, so that there is something to ask for."""
    area = cast.area("vatten")
    project = cast.project("brunnar", area)
    cast.story(project, consent=cast.consent())
    fund = cast.fund("47030", project)
    cast.fund_year(fund, 1_000_00, timezone.localdate())
    for page in (area, project, cast.organisation("dobato")):
        cast.publish(page)
    return cast.gift(fund, 250_00, timezone.localdate())


@pytest.fixture
def staff(client: Client) -> Client:
    """Ester, who may do everything."""
    cast.sign_in(client, cast.ester())
    return client


def routes(patterns: Any = None, before: str = "/") -> Iterator[str]:
    """Every address there is, as its pattern has it: "/projekt/<slug:slug>/"."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        text = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", str(pattern.pattern)).strip("^$")
        text = before + re.sub(r"[?$^\\]|\(\?:.*\)", "", text)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            yield text


def addresses(values: list[str]) -> list[str]:
    """Every address there is, with each of `values` in the places that vary."""
    parts = [re.split(r"<[^>]+>", route) for route in routes()]
    return sorted({value.join(between) for between in parts for value in values})


def at_every_view(values: list[str], who: str) -> list[str]:
    """Of all those addresses, one for each of `values` and each view that is given it.

    Two that lead to one view, or nowhere, differ in what comes after the value alone.
    """
    found: dict[tuple[str, str], str] = {}
    for route in routes():
        for value in values:
            address = value.join(re.split(r"<[^>]+>", route))
            found.setdefault((view_at(address, who), value), address)
    return sorted(set(found.values()))


def view_at(address: str, who: str) -> str:
    """The pattern of the view at the address; the first part where there is none, or a door is closed."""
    first = address.split("/")[1]
    if who == "visitor" and first in ("admin", "ekonomi"):
        return first
    try:
        return resolve(repercent_broken_unicode(unquote_to_bytes(address)).decode()).route
    except Resolver404:
        return first


def failures(client: Client, requests: Iterator[tuple[str, str, str]]) -> list[str]:
    """Those of the requests (method, address, form body) that are answered with a 500, and why."""
    client.raise_request_exception = False
    failed = []
    for method, address, body in requests:
        response = client.generic(
            method, address, body.encode(), content_type="application/x-www-form-urlencoded"
        )
        if response.status_code >= 500:
            reason = response.exc_info[1] if response.exc_info else ""  # type: ignore[attr-defined]
            failed.append(f"{method} {address[:100]} {body[:60]}: {reason!r:.200}")
    return failed


def test_every_address_is_among_those_tried() -> None:
    found = list(routes())
    assert "/" in found
    assert "/<number>/" in found
    assert "/projekt/<slug:slug>/" in found
    assert "/admin/donations/transfer/<int:transfer_id>/ratta/" in found
    assert len(found) > 80


@pytest.mark.parametrize("who", ["visitor", "staff"])
def test_no_address_made_by_hand_is_a_500(books: Transfer, client: Client, who: str) -> None:
    if who == "staff":
        cast.sign_in(client, cast.ester())
    views = at_every_view(list(HOSTILE.values()), who)
    tried = [address for address in views if "logout" not in address]
    assert len(tried) > (1200 if who == "staff" else 200)
    assert (
        failures(client, ((method, url, "") for url in tried for method in ("GET", "POST"))) == []
    )


def test_no_query_made_by_hand_is_a_500_to_a_visitor(books: Transfer, client: Client) -> None:
    views = at_every_view(["brunnar", "47030"], "visitor")
    pages = [url for url in views if not url.startswith("/admin/")]
    assert {"/", "/47030/", "/projekt/brunnar/", "/fokusomrade/brunnar/"} <= set(pages)
    queries = ["&".join(f"{name}={value}" for name in ASKED) for value in HOSTILE.values()]
    queries += ["a=1&" * 5000, "%00=%00", "=", "&&&", "sida=1&sida=2", "behov[]=1"]
    assert failures(client, (("GET", f"{url}?{q}", "") for url in pages for q in queries)) == []


def test_no_query_made_by_hand_is_a_500_to_staff(books: Transfer, staff: Client) -> None:
    """One name at a time, for the first thing that cannot be hides the rest."""
    known = [str(pk) for pk in Page.objects.values_list("pk", flat=True)]
    asked = {"/add/$": FIRST, "forhandsvisa|versioner": ["version"], r"^/admin/\w+/\w+/$": LISTED}
    values = [HOSTILE[n] for n in ("NUL", "a lone surrogate", "letters", "beyond 64 bits")]
    tried = [
        f"{url}?{name}={value}"
        for url in addresses(known)
        for pattern, names in asked.items()
        if re.match("/admin/(projects|donations|staff)/", url) and re.search(pattern, url)
        for name in names
        for value in (values if name in ("version", "q", "image", "project") else values[2:])
    ]
    assert len(tried) > 500
    assert failures(staff, (("GET", url, "") for url in tried)) == []


@pytest.mark.parametrize(
    "query",
    [
        "app_label=donations&model_name=fund&field_name=project&term={}",
        "app_label={}&model_name=fund&field_name=project&term=a",
        "app_label=donations&model_name={}&field_name=project",
        "app_label=donations&model_name=fund&field_name={}",
        "app_label=donations&model_name=fund&field_name=project&page={}",
    ],
)
def test_no_search_in_a_field_is_a_500(books: Transfer, staff: Client, query: str) -> None:
    tried = (
        ("GET", f"/admin/autocomplete/?{query.format(value)}", "") for value in HOSTILE.values()
    )
    assert failures(staff, tried) == []


def test_no_form_filled_in_by_hand_is_a_500_or_changes_the_books(
    books: Transfer, staff: Client
) -> None:
    """Every form of the admin, with the same impossible thing in all of its fields."""
    pks = {str(pk) for pk in Page.objects.values_list("pk", flat=True)} | {str(books.pk)}
    forms = [url for url in addresses([*pks]) if re.match("/admin/(projects|donations|auth)/", url)]
    kinds = [
        "NUL",
        "a lone surrogate",
        "10 000 characters",
        "beyond 64 bits",
        "negative",
        "nothing",
    ]
    values = [HOSTILE[kind] for kind in kinds]

    def requests() -> Iterator[tuple[str, str, str]]:
        for url in forms:
            response = staff.get(url)
            if response.status_code != 200:
                continue
            names = set(re.findall(r'name="([^"]+)"', response.content.decode()))
            names = {name.replace("__prefix__", "0") for name in names} - {"csrfmiddlewaretoken"}
            if names & {"post"}:
                continue  # "Are you sure?": an honest yes
            for value in values:
                fields = dict.fromkeys(names, value)
                fields |= {name: "1" for name in names if name.endswith("-TOTAL_FORMS")}
                fields |= {name: "0" for name in names if name.endswith("-INITIAL_FORMS")}
                yield "POST", url, "&".join(f"{quote(k)}={v}" for k, v in fields.items())

    before = (Transfer.objects.count(), Need.objects.count())
    assert failures(staff, requests()) == []
    assert (Transfer.objects.count(), Need.objects.count()) == before


class TestANumberInTheAddress:
    SENTENCE = "Insamlingsnumret ska bestå av fem siffror, till exempel 47030."

    @pytest.mark.parametrize("number", ["0", "4703", "470300", "9" * 30, "00047030"])
    def test_that_has_not_five_digits_is_told_what_would_be_right(
        self, client: Client, number: str
    ) -> None:
        response = client.get(f"/{number}")
        assert response.status_code == 404
        assert self.SENTENCE in text_of(response)
        assert f"Inget projekt har numret {number}" in text_of(response)

    def test_that_nobody_has_is_told_so_without_blaming_the_digits(self, client: Client) -> None:
        response = client.get("/12345")
        assert response.status_code == 404
        assert "Inget projekt har numret 12345" in text_of(response)
        assert self.SENTENCE not in text_of(response)
        assert "Numret kan vara felskrivet" in text_of(response)

    @pytest.mark.parametrize("number", ["47O30", "-47030", "٤٧٠٣٠", "47030x", "4.7e4", "9" * 31])
    def test_that_is_no_number_at_all_is_told_how_one_looks(
        self, client: Client, number: str
    ) -> None:
        response = client.get(f"/{quote(number)}")
        assert response.status_code == 404
        assert "/47030" in text_of(response)

    def test_that_is_somebodys_leads_there_whatever_is_asked_after_it(
        self, client: Client, books: Transfer
    ) -> None:
        for address in ("/47030", "/47030/", "/47030?version=abc", "/47030?page=-1"):
            response = client.get(address)
            assert response.status_code == 302
            assert response["Location"] == "/projekt/brunnar/"


class TestAGiftByHand:
    URL = "/ekonomi/registrera-gava/"
    TYPED = {
        "collection_number": "47030",
        "amount": "500",
        "channel": "cash",
        "payer_name": "Församlingen i Åsele",
        "message": "Kollekt på ”Mikaeli”",
        "once": "6f0d8b0e-6a0c-4f7d-9a59-0d5f6e0f4f11",
    }

    def send(self, staff: Client, books: Transfer, **changed: str) -> Any:
        typed = self.TYPED | {"bank": str(books.debit_id), "bank_date": str(timezone.localdate())}
        return staff.post(self.URL, typed | changed)

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("amount", "276.000", "Skriv beloppet i kronor med siffror, till exempel 276 000"),
            ("amount", "fem", "Skriv beloppet i kronor med siffror, till exempel 276 000"),
            ("amount", "1 00", "Skriv beloppet i kronor med siffror, till exempel 276 000"),
            ("amount", "٥٠٠", "Skriv beloppet i kronor med siffror, till exempel 276 000"),
            ("amount", "1,005", "Skriv högst två siffror efter kommatecknet"),
            ("amount", "-5", "Beloppet kan inte vara negativt."),
            ("amount", "−5", "Beloppet kan inte vara negativt."),
            ("amount", "", "måste fyllas i."),
            ("amount", "0", "Beloppet ska vara större än 0 kr."),
            ("amount", "100 000 000 000", "Beloppet är för stort. Det ska vara mindre än"),
            ("amount", "9" * 5_000, "Beloppet är för stort. Det ska vara mindre än"),
            ("collection_number", "12345", "Det finns ingen insamling med numret 12345."),
            ("collection_number", "4703", TestANumberInTheAddress.SENTENCE),
            ("collection_number", "47O30", TestANumberInTheAddress.SENTENCE),
            ("collection_number", "٤٧٠٣٠", TestANumberInTheAddress.SENTENCE),
            ("bank_date", "{tomorrow}", "Dagen kan inte ligga i framtiden."),
            ("bank_date", "2026-02-30", "Skriv dagen som år-månad-dag, till exempel 2026-11-21."),
            ("bank_date", "i går", "Skriv dagen som år-månad-dag, till exempel 2026-11-21."),
        ],
    )
    def test_that_cannot_be_is_refused_in_words_and_what_was_typed_is_kept(
        self, staff: Client, books: Transfer, field: str, typed: str, sentence: str
    ) -> None:
        typed = typed.format(tomorrow=timezone.localdate() + datetime.timedelta(days=1))

        response = self.send(staff, books, **{field: typed})

        assert response.status_code == 200
        assert "Ingenting är sparat än." in text_of(response)
        assert sentence in text_of(response)
        assert Transfer.objects.count() == 1
        kept = fields_of(response)
        for name, value in (self.TYPED | {field: typed}).items():
            assert kept[name] == value

    @pytest.mark.parametrize(
        ("typed", "ore"),
        [
            ("276 000", 27_600_000),
            ("276000,50", 27_600_050),
            ("276 000 kr", 27_600_000),
            ("276\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}kr", 27_600_000),
            ("0,01", 1),
        ],
    )
    def test_is_booked_however_the_amount_is_written(
        self, staff: Client, books: Transfer, typed: str, ore: int
    ) -> None:
        assert self.send(staff, books, amount=typed).status_code == 302
        newest = Transfer.objects.first()
        assert newest is not None
        assert newest.amount_ore == ore

    def test_is_refused_when_the_form_has_no_key_of_its_own(
        self, staff: Client, books: Transfer
    ) -> None:
        for key in ("", "abc", "٣"):
            assert self.send(staff, books, once=key).status_code == 200
        assert Transfer.objects.count() == 1


class TestAFund:
    URL = "/admin/donations/fund/add/"

    def send(self, staff: Client, number: str) -> Any:
        project = cast.project("kulvert")
        typed = {"collection_number": number, "project": str(project.pk)}
        return staff.post(self.URL, typed | {"opened_on": "2026-01-01"})

    @pytest.mark.parametrize("number", ["4703", "470300", "47O30", "٤٧٠٣٠", "47 30", "-4703"])
    def test_has_a_number_of_five_digits(self, staff: Client, books: Transfer, number: str) -> None:
        response = self.send(staff, number)
        assert TestANumberInTheAddress.SENTENCE in text_of(response)
        assert fields_of(response)["collection_number"] == number
        assert Fund.objects.count() == 1

    def test_has_a_number_that_no_other_fund_has(self, staff: Client, books: Transfer) -> None:
        response = self.send(staff, "47030")
        assert re.search("används redan av en annan insamling", text_of(response), re.IGNORECASE)
        assert Fund.objects.count() == 1


class TestAPage:
    URL = "/admin/projects/project/add/"
    ROWS = ("achievements", "plans", "storys", "keyfigures", "sections", "updates")

    def send(self, staff: Client, **changed: str) -> Any:
        typed = {"title": "Latriner", "slug": "latriner", "summary": "Ett hus i taget."}
        typed |= {"focus_area": str(Project.objects.get(title="Brunnar").focus_area_id)}
        typed |= {f"{rows}-TOTAL_FORMS": "0" for rows in self.ROWS}
        typed |= {f"{rows}-INITIAL_FORMS": "0" for rows in self.ROWS}
        return staff.post(self.URL, typed | {"_publish": "1"} | changed)

    def test_is_published_when_all_is_right(self, staff: Client, books: Transfer) -> None:
        assert self.send(staff).status_code == 302
        assert staff.get("/projekt/latriner/").status_code == 200

    @pytest.mark.parametrize(
        ("moment", "sentence"),
        [
            ("2020-01-01T08:00", "Tiden har redan varit. Välj en som kommer"),
            ("0001-01-01T00:00", "Tiden har redan varit. Välj en som kommer"),
            ("i morgon", "Skriv datum och klockslag, till exempel 2026-12-24 08.00."),
            ("2026-02-30T08:00", "Skriv datum och klockslag, till exempel 2026-12-24 08.00."),
        ],
    )
    def test_is_not_published_at_a_time_that_has_been_or_cannot_be(
        self, staff: Client, books: Transfer, moment: str, sentence: str
    ) -> None:
        before = (Version.objects.count(), Publication.objects.count())

        response = self.send(staff, publish_from=moment)

        assert response.status_code == 200
        assert sentence in text_of(response)
        assert (Version.objects.count(), Publication.objects.count()) == before
        kept = fields_of(response)
        assert kept["title"] == "Latriner"
        assert kept["publish_from"] == moment

    @pytest.mark.parametrize("used", ["now", "formerly"])
    def test_has_an_address_that_no_other_page_has_or_has_had(
        self, staff: Client, books: Transfer, used: str
    ) -> None:
        if used == "formerly":
            page = Project.objects.get(slug="brunnar")
            page.slug = "pumpar"
            page.save()

        response = self.send(staff, slug="brunnar")

        assert response.status_code == 200
        told = text_of(response)
        assert "Adressen ”brunnar” hör till sidan ”Brunnar” och kan inte användas igen." in told
        assert not Project.objects.filter(title="Latriner").exists()

    @pytest.mark.parametrize("slug", ["brunnar i byn", "åsele", "../admin", "a/b", "x" * 101])
    def test_has_an_address_of_letters_digits_and_hyphens(
        self, staff: Client, books: Transfer, slug: str
    ) -> None:
        response = self.send(staff, slug=slug)
        assert response.status_code == 200
        [sentence] = response.context["adminform"].form.errors["slug"]
        assert ("100 tecken" if len(slug) > 100 else "bindestreck") in sentence
        assert "slug" not in sentence  # nobody but a programmer says so
        assert fields_of(response)["slug"] == slug
        assert not Project.objects.filter(title="Latriner").exists()


class _Fields(HTMLParser):
    """The values of a page's form fields, as a browser would show them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "option":
            if "selected" in found:
                self.values[self.inside] = found.get("value", "")
            return
        self.inside = found.get("name", "") if tag in ("textarea", "select") else ""
        if tag == "input" and "name" in found:
            self.values[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.inside and data.strip():
            self.values.setdefault(self.inside, data.removeprefix("\n"))


def fields_of(response: Any) -> dict[str, str]:
    return _Fields(response.content.decode()).values


def text_of(response: Any) -> str:
    """What a person reads, on one line, with plain spaces."""
    text = html.unescape(re.sub(r"<[^>]+>", "", response.content.decode()))
    return re.sub(r"\s+", " ", text.replace("\N{SOFT HYPHEN}", ""))
