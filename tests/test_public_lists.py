"""What a visitor finds: the list of projects with its filters and search, and the pages beside it."""

import datetime
import html
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from projects.models import Contact, Project, SiteSettings, Update
from projects.templatetags.typography import soft_hyphens
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Page


def make_site() -> None:
    """Two focus areas, four projects, and one project that nobody may see yet."""
    today = timezone.localdate()
    SiteSettings(name="Långväga", email="info@example.org", about_gift="Den kommer fram.").save()
    water, school = cast.area("vatten", hue="hav"), cast.area("skola", hue="sol")
    cast.publish(water)
    cast.publish(school)
    for slug, title, area, country, number, need, given, summary in (
        ("bat", "Räddningsbåt", water, "BD", "47112", 900, 90, "Stöds av en grupp i Åkersberga."),
        ("brunnar", "Brunnar", water, "KH", "47110", 400, 300, "Pumpen håller."),
        ("buss", "Bokbussen", school, "KH", "47212", 100, 150, "Den kör varannan vecka."),
        ("skolan", "Skolan i bergen", school, "NP", "47210", None, 20, "Byn byggde den."),
        ("hemlig", "Båt till Båstad", water, "BD", "47999", 100, 0, "Inte ute än."),
    ):
        page = cast.project(slug, area, title=title, countries=[country], summary=summary)
        fund = cast.fund(number, page)
        cast.fund_year(fund, None if need is None else need * 100, today)
        if given:
            cast.gift(fund, given * 100, today)
        if slug == "bat":
            page.contact = Contact.objects.create(
                name="Gunvor Aspelund", email="gunvor@example.org"
            )
            page.save()
            cast.story(page, text="Tyfonen kom om natten.", consent=cast.consent())
            for days, heading in ((3, "Skrovet är klart"), (400, "Båten är beställd")):
                Update.objects.create(
                    page=page,
                    published_on=today - datetime.timedelta(days=days),
                    heading=heading,
                    text="Det gick *bra*.",
                )
        if slug != "hemlig":
            cast.publish(page)


@pytest.fixture
def site(db: None) -> None:
    make_site()


def get(query: str = "", path: str = "/projekt/") -> str:
    response = Client().get(f"{path}?{query}")
    assert response.status_code == 200
    return response.content.decode()


def found(query: str = "") -> list[str]:
    """The slugs of the projects that the list shows, in its order, which are as many as it says."""
    page = get(query)
    slugs = re.findall(r'class="cover" href="/projekt/([^/"]+)/"', page)
    count = re.search(r'<h2 id="antal">(\d+) projekt</h2>', page)
    assert count
    assert int(count[1]) == len(slugs)
    return slugs


def links(page: str) -> list[QueryDict]:
    """What the links of the page that stay on the list ask for."""
    return [
        QueryDict(html.unescape(asked).removeprefix("?"))
        for asked in re.findall(r'<a [^>]*href="(\?[^"]*)"', page)
    ]


@pytest.mark.usefixtures("site")
class TestFinding:
    def test_all_published_projects_stand_by_title(self) -> None:
        assert found() == ["buss", "brunnar", "bat", "skolan"]

    @pytest.mark.parametrize(
        ("words", "slugs"),
        [
            ("åkersberga", ["bat"]),
            ("ÅKERSBERGA", ["bat"]),
            ("a\N{COMBINING RING ABOVE}kersberga", ["bat"]),  # as a Mac may send it
            ("båt", ["bat"]),
            ("räddnings\N{SOFT HYPHEN}båt", ["bat"]),  # as copied from a heading
            ("47112", ["bat"]),
            ("4711", ["brunnar", "bat"]),
            ("kambodja", ["buss", "brunnar"]),
            ("vatten", ["brunnar", "bat"]),
            ("kambodja pumpen", ["brunnar"]),
            ("   ", ["buss", "brunnar", "bat", "skolan"]),
        ],
    )
    def test_words_are_found_wherever_they_stand(self, words: str, slugs: list[str]) -> None:
        assert found(f"q={quote(words)}") == slugs

    def test_stories_are_never_searched(self) -> None:
        assert "Tyfonen" in get(path="/projekt/bat/")
        assert found("q=tyfonen") == []

    def test_what_is_not_published_is_never_found(self) -> None:
        for query in ("q=b%C3%A5stad", "q=47999", "land=BD", "behov=1", "omrade=vatten"):
            assert "hemlig" not in found(query)

    def test_filters_and_words_combine(self) -> None:
        assert found("omrade=vatten") == ["brunnar", "bat"]
        assert found("land=KH") == ["buss", "brunnar"]
        assert found("omrade=vatten&land=KH") == ["brunnar"]
        assert found("omrade=vatten&land=KH&q=pumpen&behov=1") == ["brunnar"]
        assert found("omrade=skola&land=KH&behov=1") == []

    def test_those_that_need_money_come_with_the_neediest_first(self) -> None:
        """10 per cent and 75; what has enough, and what has no known need, is left out."""
        assert found("behov=1") == ["bat", "brunnar"]

    def test_a_project_is_found_where_it_was_published_to_be(self) -> None:
        project = Project.objects.get(slug="brunnar")
        project.title = "Källor"
        project.save()
        assert found("q=k%C3%A4llor") == []
        cast.publish(project)
        assert found("q=k%C3%A4llor") == ["brunnar"]

    @pytest.mark.parametrize(
        "query",
        [
            "omrade=finns-inte&land=XX&behov=ja&sida=99",
            "omrade[]=vatten&land=%00&q=%00%00&sida=-1",
            "sida=1e9&q=" + "a" * 5000,
            "sida=%F0%9F%92%A9&q=%ED%A0%80%FF",
            "q=%3Cscript%3Ealert(1)%3C/script%3E",
            "q=%25%27%22%5C;DROP&omrade=%27&land=%25&behov=1&behov=0",
            "&".join(f"x{i}=1" for i in range(500)),
        ],
    )
    def test_parameters_made_by_hand_get_an_answer(self, query: str) -> None:
        page = get(query)
        assert "<script" not in page
        assert "\0" not in page


@pytest.mark.usefixtures("site")
class TestState:
    QUERY = "q=b%C3%A5t&omrade=vatten&land=BD&behov=1"

    def test_the_form_shows_what_was_asked(self) -> None:
        page = get(self.QUERY)
        assert 'value="båt"' in page
        assert '<option value="vatten" selected>' in page
        assert '<option value="BD" selected>' in page
        assert re.search(r'name="behov" value="1" checked', page)

    def test_the_form_is_a_plain_get(self) -> None:
        assert 'method="get" action="/projekt/" role="search"' in get()

    def test_each_choice_can_be_taken_away_alone(self) -> None:
        asked = [query.dict() for query in links(get(self.QUERY + "&sida=1"))]
        whole = {"q": "båt", "omrade": "vatten", "land": "BD", "behov": "1"}
        assert asked == [
            {name: value for name, value in whole.items() if name != gone}
            for gone in ("q", "omrade", "land", "behov")
        ]
        assert '<a href="/projekt/">Rensa allt</a>' in get(self.QUERY)

    def test_nothing_chosen_offers_nothing_to_take_away(self) -> None:
        assert "Rensa allt" not in get("omrade=finns-inte&q=+")

    def test_none_found_is_said_kindly_with_a_way_on(self) -> None:
        page = get("q=sn%C3%B6skoter")
        assert "0 projekt" in page
        assert "Vi hittar inget projekt som passar in på allt det du har valt." in page
        assert 'mailto:info@example.org"' in page
        assert "Visa alla projekt" in page

    def test_a_long_list_keeps_the_filters_from_sheet_to_sheet(self) -> None:
        area = Project.objects.get(slug="bat").focus_area
        for place in range(30):
            cast.publish(
                cast.project(f"by-{place:02}", area, countries=["BD"], title=f"By {place:02}")
            )
        first = get("omrade=vatten&land=BD&q=by")
        assert '<h2 id="antal">30 projekt</h2>' in first
        assert "Här visas projekt 1–24." in first
        second = next(query for query in links(first) if query.get("sida") == "2")
        assert second.dict() == {"omrade": "vatten", "land": "BD", "q": "by", "sida": "2"}
        rest = get(second.urlencode())
        assert len(re.findall(r'class="cover" href="/projekt/by-', rest)) == 6
        assert 'aria-current="page" href="?omrade=vatten&amp;land=BD&amp;q=by&amp;sida=2"' in rest
        assert "<title>Projekt, sida 2 – Långväga</title>" in rest


@pytest.mark.django_db
class TestEmpty:
    """A new installation says something kind everywhere."""

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/", "Här finns inga fokusområden än."),
            ("/", "Just nu finns inget projekt som vi vet behöver mer pengar."),
            ("/", "Här finns inga nyheter än."),
            ("/projekt/", "Här finns inga projekt än. Välkommen tillbaka!"),
            ("/nyheter/", "Här finns inga nyheter än."),
            ("/kontakt/", "Ännu står ingen kontaktperson vid något projekt."),
            ("/om-gavor/", "Vi har inte hunnit skriva den här texten än."),
        ],
    )
    def test_a_page_without_content_says_so(self, path: str, words: str) -> None:
        assert words in get(path=path)

    def test_an_area_without_projects_says_so(self) -> None:
        cast.publish(cast.area("vatten"))
        assert "Här finns inga projekt än." in get(path="/fokusomrade/vatten/")


@pytest.mark.usefixtures("site")
class TestOtherLists:
    def test_news_stand_newest_first_under_their_years(self) -> None:
        page = get(path="/nyheter/")
        assert page.index("Skrovet är klart") < page.index("Båten är beställd")
        years = [int(year) for year in re.findall(r'<h2 id="ar-(\d{4})">', page)]
        assert years == sorted(set(years), reverse=True)
        assert len(years) == 2
        assert "Det gick <em>bra</em>." in page

    def test_a_contact_stands_once_with_what_she_answers_for(self) -> None:
        page = get(path="/kontakt/")
        assert page.count("<h3>Gunvor Aspelund</h3>") == 1
        answers = re.search(r'<ul class="answers".*?</ul>', page, re.DOTALL)
        assert answers
        assert re.findall(r'href="([^"]+)"', answers[0]) == ["/projekt/bat/"]

    def test_about_giving_has_the_texts_and_each_area_s_terms(self) -> None:
        page = get(path="/om-gavor/")
        assert "<h2" in page
        assert "Den kommer fram." in page
        assert page.index("/fokusomrade/skola/") < page.index("/fokusomrade/vatten/")

    @pytest.mark.parametrize(
        ("path", "part"),
        [
            ("/projekt/", "Projekt"),
            ("/nyheter/", "Nyheter"),
            ("/om-gavor/", "Om gåvor"),
            ("/kontakt/", "Kontakt"),
        ],
    )
    def test_the_menu_marks_the_page_one_is_on(self, path: str, part: str) -> None:
        assert f'<a href="{path}" aria-current="page">{part}</a>' in get(path=path)


class TestSoftHyphens:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("Räddningsbåt", "Rädd-nings-båt"),
            ("Fokusområde", "Fokusområde"),  # eleven letters
            ("hälsostationen", "hälso-sta-tio-nen"),  # never before a letter that stands alone
            ("Vatten till Brahmaputra", "Vatten till Brahmaputra"),
            ("47112 info@example.org", "47112 info@example.org"),
        ],
    )
    def test_only_long_words_can_be_broken(self, text: str, shown: str) -> None:
        assert soft_hyphens(text).replace("\N{SOFT HYPHEN}", "-") == shown

    @pytest.mark.usefixtures("site")
    def test_titles_and_attributes_are_left_whole(self) -> None:
        for path in ("/projekt/bat/", "/projekt/", "/"):
            page = get(path=path)
            assert "\N{SOFT HYPHEN}" in page
            for plain in re.findall(r'<title>.*?</title>|="[^"]*"', page):
                assert "\N{SOFT HYPHEN}" not in plain


def test_the_page_of_parts_is_not_in_production(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.urls import NoReverseMatch, reverse\n"
        "try: print(reverse('parts'))\n"
        "except NoReverseMatch: print('none')"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "KOLLEKT_ENV": "production",
        "KOLLEKT_VAR": str(tmp_path),
        "SECRET_KEY": "s" * 50,
        "ALLOWED_HOSTS": "gava.example.org",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "none\n", done.stderr


KINDS = {
    "start": "/",
    "focus area": "/fokusomrade/vatten/",
    "project": "/projekt/bat/",
    "list": "/projekt/?q=b%C3%A5t&behov=1",
    "nothing found": "/projekt/?q=xyz",
    "news": "/nyheter/",
    "contacts": "/kontakt/",
    "about giving": "/om-gavor/",
    "accessibility": "/tillganglighet/",
    "404": "/finns-inte/",
    "unknown number": "/47113",
    "parts": "/_/delar/",
}
TESTED_ELSEWHERE = {"start", "focus area", "project", "404"}
# Everything that Tab should stop at, in the order of the page. A group of radio buttons is one stop
# that the arrow keys move within, so it is counted apart.
NUMBER_STOPS = """() => {
    const stops = [...document.querySelectorAll(
        'a[href], button, input:not([type=radio]), select, textarea, summary, [tabindex="0"]'
    )].filter(e => !e.disabled && e.checkVisibility());
    stops.forEach((e, i) => { e.stop = i; });
    return stops.length;
}"""
FOCUSED = """() => {
    const e = document.activeElement;
    if (e === document.body) return null;
    const box = e.getBoundingClientRect();
    const rings = [getComputedStyle(e), getComputedStyle(e, '::after')];
    return {
        stop: e.stop ?? null,
        name: e.outerHTML.slice(0, 120),
        ring: rings.some(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2),
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""


@pytest.mark.browser
@pytest.mark.once
class TestBrowser:
    @pytest.fixture(autouse=True)
    def site(self, transactional_db: None) -> None:
        make_site()

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_keyboard_reaches_everything_in_order_and_sees_where_it_is(
        self, open_page: Visitors, kind: str, width: int
    ) -> None:
        page = open_page(KINDS[kind], width=width)
        page.emulate_media(reduced_motion="reduce")
        stops = page.evaluate(NUMBER_STOPS)
        reached = []
        for _ in range(stops + 10):
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if focused is None:
                break
            assert focused["ring"], focused["name"]
            assert focused["inside"], focused["name"]
            if focused["stop"] is not None:
                reached.append(focused["stop"])
        assert reached == list(range(stops))

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_first_stop_leads_past_the_menu(self, open_page: Visitors, kind: str) -> None:
        page = open_page(KINDS[kind], width=360)
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Hoppa till innehållet"
        page.keyboard.press("Enter")
        assert page.locator(":focus").get_attribute("id") == "innehall"

    @pytest.mark.look
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in TESTED_ELSEWHERE])
    def test_axe_finds_nothing_in_light_or_dark(
        self, open_page: Visitors, axe: Callable[["Page"], list[str]], kind: str, width: int
    ) -> None:
        page = open_page(KINDS[kind], width=width)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe(page) == [], scheme
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_a_search_is_made_with_the_keyboard_and_without_scripts(
        self, open_page: Visitors
    ) -> None:
        page = open_page("/projekt/", width=320, javascript=False)
        page.get_by_label("Ord, plats eller nummer").fill("båt")
        page.get_by_label("Bara projekt som behöver pengar").check()
        with page.expect_navigation():
            page.get_by_role("button", name="Visa projekt").press("Enter")
            page.wait_for_load_state()
        assert page.get_by_role("heading", name="1 projekt").is_visible()
        assert page.get_by_label("Bara projekt som behöver pengar").is_checked()
        page.get_by_role("link", name="ta bort sökorden").click()
        page.wait_for_load_state()
        assert page.get_by_role("heading", name="2 projekt").is_visible()

    def test_a_bar_is_read_as_a_sentence(self, open_page: Visitors) -> None:
        page = open_page("/projekt/bat/")
        bar = page.get_by_role("progressbar").first
        spoken = bar.get_attribute("aria-label") or ""
        assert spoken.replace("\N{NO-BREAK SPACE}", " ") == (
            "90 kr är insamlat. Behovet är 900 kr och 810 kr är kvar att samla in."
        )
