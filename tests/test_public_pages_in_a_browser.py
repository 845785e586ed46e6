"""Every public page of the demo, as visitors meet it: any width, any light, keyboard, no script."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django import DjangoDbBlocker

# django_db: so that there is a database. What these tests show is committed by `demo`.
pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db]

SEED = "/projekt/hjalp-manniskor-ur-sexhandel-och-tvangsarbete/"
NETWORK = "/organisation/plattformen-civila-sverige-mot-manniskohandel/"
PAGES = {
    "start": "/",
    "focus area": "/fokusomrade/mot-manniskohandel/",
    "project, over-funded": SEED,
    "project with everything": "/projekt/raddningsbat-till-brahmaputra/",
    "project with next to nothing": "/projekt/larlingsplatser-for-unga-hantverkare/",
    "project, need unknown": "/projekt/getter-och-mejeri-i-dolakha/",
    "project, fully funded": "/projekt/skyddat-boende-och-stod-i-sverige/",
    "network": NETWORK,
    "partner": "/organisation/dobato-kendra/",
    "reallocations": "/omfordelningar/",
    "not found": "/projekt/finns-inte/",
    "unknown number": "/12345",
    "not a number": "/123",
}
STATUS = {"not found": 404, "unknown number": 404, "not a number": 404}


@pytest.fixture(scope="module")
def demo(
    django_db_setup: None, django_db_blocker: "DjangoDbBlocker", chromium: "Browser"
) -> Iterator[str]:
    """The address of a server that shows the demo; these tests only read it."""
    from donations.demo import loading

    with django_db_blocker.unblock():
        loading.load(timezone.localdate())
        server = LiveServer("localhost")
        yield server.url
        server.stop()
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def visit(demo: str, chromium: "Browser") -> Iterator[Visitors]:
    """Open pages of the demo, as `open_page` does."""
    with Visitors(chromium, demo) as visitors:
        yield visitors
    assert visitors.complaints == []


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.look
def test_axe_finds_nothing_narrow_or_wide_in_light_or_dark(
    name: str, visit: Visitors, axe: Callable[["Page"], list[str]]
) -> None:
    page = visit(PAGES[name])
    found = {}
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if wrong := axe(page):
                found[width, scheme] = wrong
    assert found == {}


def test_light_and_dark_are_two_colours(visit: Visitors) -> None:
    """What the test above leans on: the page does turn dark."""
    page = visit("/")
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_nothing_is_wider_than_the_narrowest_phone(name: str, visit: Visitors) -> None:
    page = visit(PAGES[name], width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.evaluate("scrollTo(1000, 0)")
    assert page.evaluate("scrollX") == 0


def test_all_of_it_can_be_read_without_javascript(name: str, visit: Visitors) -> None:
    with_script, without = visit(PAGES[name]), visit(PAGES[name], javascript=False)
    text = without.locator("body").inner_text()
    assert len(text) > 100
    assert text == with_script.locator("body").inner_text()
    assert hidden_links(without) == hidden_links(with_script)


def hidden_links(page: "Page") -> list[str]:
    links = page.locator("main a").all()
    return [link.get_attribute("href") or "" for link in links if not link.is_visible()]


def test_the_keyboard_reaches_every_link_in_order_and_shows_where_it_is(
    name: str, visit: Visitors
) -> None:
    page = visit(PAGES[name])
    page.emulate_media(reduced_motion="reduce")
    links = page.evaluate("""() => [...document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, iframe')].filter(
            e => e.checkVisibility()).map(e => e.outerHTML)""")
    # What each looks like without focus, to compare with.
    page.evaluate("""() => { window.look = e => [null, '::before', '::after'].map(part => {
        const s = getComputedStyle(e, part); return [
        s.outlineStyle === 'none' ? 0 : s.outlineWidth, s.outlineColor, s.boxShadow,
        s.backgroundColor, s.textDecorationLine, s.textDecorationThickness] }).join();
        window.still = new Map([...document.querySelectorAll('a[href], button')].map(
            e => [e, look(e)])) }""")

    reached, unseen = [], []
    for _ in links:
        page.keyboard.press("Tab")
        at = page.evaluate("""() => { const e = document.activeElement, b = e.getBoundingClientRect();
            const point = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
            return {html: e.outerHTML, marked: look(e) !== still.get(e), inside: b.width > 0
                && b.height > 0 && b.bottom > 0 && b.top < innerHeight && b.right > 0
                && b.left < innerWidth && point !== null}}""")
        reached.append(at["html"])
        if not (at["marked"] and at["inside"]):
            unseen.append(at["html"])
    assert reached == links
    assert unseen == []


def test_the_skip_link_comes_first_and_leads_past_the_menu(name: str, visit: Visitors) -> None:
    page = visit(PAGES[name])
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Hoppa till innehållet"
    box = skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_visitor_gets_one_page_of_swedish_and_no_cookie(name: str, visit: Visitors) -> None:
    """Nothing inline, nothing from elsewhere, a strict policy, and not a word in the console."""
    page = visit("about:blank")
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    missing: list[str] = []
    page.on("response", lambda r: missing.append(r.url) if r.status >= 400 else None)
    response = page.goto(PAGES[name])
    assert response is not None
    page.wait_for_load_state("networkidle")

    assert response.status == STATUS.get(name, 200)
    assert page.context.cookies() == []
    assert "set-cookie" not in response.headers
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert {url.split("/")[2] for url in asked} == {visit.home.split("/")[2]}
    if response.status == 200:  # of a page that is missing, the browser itself has something to say
        assert missing == []
        assert told == []

    policy = {
        words[0]: words[1:]
        for rule in response.headers["content-security-policy"].split(";")
        if (words := rule.split())
    }
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == ["'self'"]
    for rule in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[rule] == ["'none'"]
    assert not re.search("unsafe|https?:|data:|[*]", response.headers["content-security-policy"])

    source = response.text()
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", source, re.I)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source, re.I)

    assert page.locator("html").get_attribute("lang") == "sv"
    assert page.locator("h1").count() == 1
    assert page.locator("h1").inner_text().strip()
    assert page.title().strip()
    assert page.locator("main").count() == 1
    assert heading_jumps(page) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert sorted(ids) == sorted(set(ids))


def heading_jumps(page: "Page") -> list[str]:
    """Headings that are more than one level below the one before them."""
    found = page.evaluate("""[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(
        e => [Number(e.localName[1]), e.textContent])""")
    pairs = zip([[0, ""], *found], found, strict=False)
    return [after[1] for before, after in pairs if after[0] > before[0] + 1]


def test_every_link_between_pages_leads_somewhere(visit: Visitors) -> None:
    page = visit("/")
    waiting, seen, broken = ["/"], {"/"}, []
    while waiting:
        address = waiting.pop()
        response = page.request.get(address)
        if response.status != 200:
            broken.append(address)
        for link in re.findall(r'(?:href|src)="(/[^"#]*)', response.text()):
            if link not in seen:
                seen.add(link)
                if re.search(r"/$|[^.]{6}$", link):
                    waiting.append(link)
    assert broken == []
    assert set(PAGES.values()) - {"/projekt/finns-inte/", "/12345", "/123"} <= seen


def test_47030_leads_to_the_page_with_its_figures(visit: Visitors) -> None:
    page = visit("about:blank")
    response = page.goto("/47030")
    assert response is not None
    came_from = response.request.redirected_from
    assert came_from is not None
    assert came_from.url.endswith("/47030")
    assert response.status == 200
    assert page.url.endswith(SEED)

    box = page.locator("#insamling")
    assert box.locator(".number").inner_text() == "47030"
    assert sums(box) == {
        "Insamlingsbehov": "276 000 kr",
        "Insamlat": "332 028 kr",
        "Kvar att samla in": "0 kr",
        "Överskott": "56 028 kr",
    }
    assert "Hela årets behov är täckt." in box.inner_text()
    assert box.get_by_role("progressbar").get_attribute("value") == "100"
    assert "I de fall" not in box.inner_text()  # the demo has words of its own
    assert box.get_by_role("heading", name="Om det kommer in mer än behovet").count() == 1


def test_a_need_that_is_not_set_says_so(visit: Visitors) -> None:
    box = visit(PAGES["project, need unknown"]).locator("#insamling")
    assert sums(box) == {"Insamlat": "84 300 kr"}
    assert "är inte bestämt än" in box.inner_text()
    assert box.get_by_role("progressbar").count() == 0


def sums(box: Any) -> dict[str, str]:
    return {
        row.locator("dt").inner_text().replace("\N{SOFT HYPHEN}", ""): (
            row.locator("dd").inner_text().replace("\N{NO-BREAK SPACE}", " ")
        )
        for row in box.locator(".sums > div").all()
    }
