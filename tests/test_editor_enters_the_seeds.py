"""An editor types in the two documents that the project began with, and a visitor reads them."""

import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone
from PIL import Image as Pillow

from staff.roles import Role
from tests import cast, seeds
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TODAY = timezone.localdate()

# What stands in elements that hold text, each under the last heading before it in its own section,
# or in none. A section goes by its first heading.
OUTLINE = """() => {
  const text = element => {
    const copy = element.cloneNode(true)
    copy.querySelectorAll('br').forEach(line => line.replaceWith(' '))
    return copy.textContent.replace(/\\u00ad/g, '').replace(/\\s+/g, ' ').trim()
  }
  const first = new Map(), last = new Map()
  const found = []
  for (const element of document.querySelectorAll('main :is(h1,h2,h3,h4,h5,h6,p,li,dt,dd,figcaption)')) {
    const section = element.closest('section')
    if (element.matches('h1,h2,h3,h4,h5,h6')) {
      last.set(section, text(element))
      if (!first.has(section)) first.set(section, text(element))
    }
    found.push({
      section: first.get(section) ?? '',
      heading: last.get(section) ?? '',
      tag: element.localName,
      text: text(element),
    })
  }
  return found
}"""


class Outline:
    """What a visitor finds in a page, and under which heading."""

    def __init__(self, page: "Page") -> None:
        rows = page.evaluate(OUTLINE)
        self.rows = [(row["heading"], row["tag"], row["text"]) for row in rows]
        self.section_of = {row["heading"]: row["section"] for row in rows}
        self.words = Counter(words(page.locator("main").inner_text()))

    def under(self, heading: str, tag: str) -> list[str]:
        return [text for where, what, text in self.rows if (where, what) == (heading, tag)]


def texts(found: "Locator") -> list[str]:
    """The texts of what was found, without the marks for where a word may be hyphenated."""
    return [text.replace("\N{SOFT HYPHEN}", "") for text in found.all_text_contents()]


def words(text: str) -> list[str]:
    return re.findall(r"[\w@]+", text.replace("\N{SOFT HYPHEN}", "").casefold())


@dataclass
class Desk:
    """A member of staff at the admin, filling in forms as the browser shows them."""

    page: "Page"

    def open(self, model: str) -> None:
        self.page.goto(f"/admin/{model}/add/")

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            self.page.fill(f"#id_{name}", value)

    def add_row(self, rows: str, **values: str) -> int:
        """Press “Lägg till” below the rows of one kind, fill in the new one, and give its place."""
        button = self.page.locator(f"#{rows}-group .add-row a")
        assert (button.text_content() or "").startswith("Lägg till")
        place = self.page.locator(f"#{rows}-group .dynamic-{rows}").count()
        button.click()
        self.fill(**{f"{rows}-{place}-{name}": value for name, value in values.items()})
        return place

    def choose(self, name: str, text: str) -> None:
        """Search for `text` in a field that searches, and take what is found."""
        box = self.page.locator(f".field-{name.split('-')[-1]}").filter(
            has=self.page.locator(f"#id_{name}")
        )
        box.locator(".select2-selection").click()
        self.page.fill(".select2-search__field", text)
        self.page.locator(".select2-results__option--highlighted", has_text=text).click()

    def pick(self, name: str, texts: list[str]) -> None:
        """Move `texts` from the list of what there is to the list of what is chosen."""
        self.page.select_option(f"#id_{name}_from", label=texts)
        self.page.locator(f".field-{name} .selector-add").click()

    def press(self, button: str) -> str:
        """Press a button, and give what the page then says."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()
        errors = self.page.locator(".errornote, .errorlist, .notice--error").all_text_contents()
        assert errors == []
        said = self.page.locator(".messagelist li, [role=status] > .notice")
        return " ".join(said.all_text_contents())


@pytest.fixture
def sit_down(open_as: Any) -> Any:
    """A member of staff at the desk: `sit_down("Rut", Role.EDITOR)`."""

    def sit_down_as(name: str, *roles: Role) -> Desk:
        return Desk(open_as(cast.member(name, *roles)))

    return sit_down_as


def enter_consent(desk: Desk, subject: str, **why: str) -> None:
    desk.open("projects/consent")
    desk.fill(subject=subject, **why)
    desk.press("Spara")


def enter_contact(desk: Desk, person: seeds.Person) -> None:
    desk.open("projects/contact")
    desk.fill(greeting=person.greeting, name=person.name, role=person.role, email=person.email)
    desk.press("Spara")


def enter_picture(desk: Desk, alt: str, consent: str) -> None:
    file = io.BytesIO()
    Pillow.new("RGB", (640, 400), "seagreen").save(file, "PNG")
    desk.open("projects/image")
    desk.page.set_input_files(
        "#id_upload", {"name": "berg.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    desk.fill(alt=alt, credit="Teckning: Bo Berg")
    desk.choose("consent", consent)
    desk.press("Spara")


def enter_project(desk: Desk, seed: seeds.Project) -> None:
    """The editor's part of the project document: every part in its own type."""
    enter_consent(
        desk,
        "Berättelsen från träningen",
        asked_by="Vår partner på plats",
        method="muntligt vid intervjun",
        given_on=str(TODAY),
        valid_until=str(TODAY.replace(year=TODAY.year + 2, day=1)),
    )
    enter_consent(desk, "Tecknad bild", not_needed_reason="Tecknad bild utan personer")
    enter_picture(desk, "Ett grönt berg i morgonljus.", "Tecknad bild")
    enter_contact(desk, seed.contact)
    desk.open("projects/focusarea")
    desk.fill(title="Mot människohandel")
    assert "publicerad" in desk.press("Spara och publicera")

    desk.open("projects/project")
    desk.fill(title=seed.title, summary=seed.summary, body=seed.body)
    desk.fill(achievements_intro=seed.results_intro)
    desk.page.select_option("#id_focus_area", label="Mot människohandel")
    desk.pick("countries", ["Nepal", "Kambodja", "Bangladesh"])
    desk.choose("image", "Ett grönt berg")
    desk.choose("contact", seed.contact.name)
    for result in seed.results:
        desk.add_row("achievements", number=result.value, text=result.text)
    for text in seed.plan.paragraphs:
        desk.add_row("plans", heading=seed.plan.heading, text=text)
    row = desk.add_row(
        "storys", heading=seed.story.heading, text=seed.story.markdown, who=seed.teller
    )
    desk.choose(f"storys-{row}-consent", "Berättelsen från")
    for figure in seed.figures:
        desk.add_row(
            "keyfigures", value=figure.value, label=figure.text, source="Programmets rapport"
        )
    told = desk.press("Spara och publicera")
    assert "Sidan är publicerad." in told
    assert "visas inte" not in told


def enter_collection(desk: Desk, seed: seeds.Project) -> None:
    """What finance enters: the rule for a surplus, the fund, its need and what has been given."""
    desk.open("donations/surplusclause")
    desk.page.select_option("#id_focus_area", label="Mot människohandel")
    desk.fill(text=seed.clause, valid_from=f"{TODAY.year}-01-01")
    desk.press("Spara")
    desk.open("donations/account")
    desk.fill(name="Gåvokonto")
    desk.press("Spara")
    desk.open("donations/fund")
    desk.fill(collection_number=seed.number, opened_on=f"{TODAY.year}-01-01")
    desk.choose("project", seed.title)
    desk.press("Spara och fortsätt redigera")
    desk.page.get_by_role("link", name="Bestäm behov").click()
    desk.fill(amount=seed.need, reason="Styrelsens beslut")
    assert "276 000 kr" in desk.press("Spara behovet").replace("\N{NO-BREAK SPACE}", " ")
    desk.page.get_by_role("link", name="Registrera gåva").click()
    assert desk.page.input_value("#id_collection_number") == seed.number
    desk.fill(amount=seed.collected)
    assert "är bokförda på 47030" in desk.press("Bokför gåvan")


@pytest.mark.browser
def test_a_project_with_its_collection_is_entered_and_found_whole(
    open_page: Visitors, sit_down: Any
) -> None:
    seed = seeds.project()
    enter_project(sit_down("Rut", Role.EDITOR), seed)
    enter_collection(sit_down("Eskil", Role.FINANCE), seed)

    visitor = open_page(f"/{seed.number}")
    page = Outline(visitor)

    assert texts(visitor.locator("h1")) == [seed.title]
    assert (seed.title, "p", seed.summary) in page.rows
    assert (seed.title, "p", seed.body) in page.rows
    picture = visitor.get_by_alt_text("Ett grönt berg i morgonljus.")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    assert (seed.title, "figcaption", "Teckning: Bo Berg") in page.rows

    assert set(page.under(seed.title, "li")) >= {"Nepal", "Kambodja", "Bangladesh"}

    results = "Det här har vi uppnått"
    assert (results, "p", seed.results_intro) in page.rows
    for result in seed.results:
        assert (results, "li", f"{result.value} {result.text}".strip()) in page.rows
    large = texts(visitor.locator(".results strong"))
    assert large == [result.value for result in seed.results if result.value]

    assert page.section_of[seed.plan.heading] == "Det här planerar vi"
    assert page.under(seed.plan.heading, "p") == seed.plan.paragraphs
    assert page.section_of[seed.story.heading] == seed.story.heading
    assert page.under(seed.story.heading, "p") == [*seed.story.paragraphs, seed.teller]

    figures = visitor.locator(".figures > div").all()
    assert [texts(figure.locator("dt"))[0] for figure in figures] == [
        figure.text for figure in seed.figures
    ]
    assert [texts(figure.locator("dd")) for figure in figures] == [
        [figure.value, "Källa: Programmets rapport"] for figure in seed.figures
    ]

    contact = visitor.locator("section[aria-labelledby=kontakt]")
    assert seed.contact.greeting in texts(contact.locator("p"))
    assert seed.contact.name in texts(contact.locator("strong"))
    assert seed.contact.role in texts(contact)[0]
    link = contact.get_by_role("link", name=seed.contact.email)
    assert link.get_attribute("href") == f"mailto:{seed.contact.email}"

    box = f"Insamling {TODAY.year}"
    assert f"Insamlingsnummer {seed.number}" in page.under(box, "p")
    sums = visitor.locator("#insamling .sums > div").all()
    shown = {
        texts(row.locator("dt"))[0]: texts(row.locator("dd"))[0].replace("\N{NO-BREAK SPACE}", " ")
        for row in sums
    }
    assert shown == {
        "Insamlingsbehov": f"{seed.need} kr",
        "Insamlat": f"{seed.collected} kr",
        "Kvar att samla in": f"{seed.remaining} kr",
        "Överskott": "56 028 kr",
    }
    assert seed.clause in page.under("Om det kommer in mer än behovet", "p")

    nothing_lost(seed.text, page, seed.results_heading, seed.contact_heading, seed.box_heading)


@pytest.mark.browser
def test_a_network_is_entered_and_found_whole(open_page: Visitors, sit_down: Any) -> None:
    seed = seeds.network()
    desk = sit_down("Rut", Role.EDITOR)
    enter_contact(desk, seed.contact)
    desk.open("projects/organisation")
    desk.fill(title=seed.title, body=seed.body, website=seed.website)
    desk.page.select_option("#id_organisation_kind", label="nätverk")
    desk.choose("contact", seed.contact.name)
    for section in seed.sections:
        desk.add_row("sections", heading=section.heading, text=section.markdown)
    for figure in seed.figures:
        desk.add_row(
            "keyfigures", value=figure.value, label=figure.text, source=seed.figures_heading
        )
    assert "Sidan är publicerad." in desk.press("Spara och publicera")
    slug = desk.page.input_value("#id_slug")

    visitor = open_page(f"/organisation/{slug}/")
    page = Outline(visitor)

    assert texts(visitor.locator("h1")) == [seed.title]
    assert texts(visitor.locator(".field .kind"))[0] == "Nätverk"
    assert (seed.title, "p", seed.body) in page.rows
    website = visitor.locator(".field").get_by_role("link", name=seed.website.split("//")[1])
    assert website.get_attribute("href") == seed.website
    for section in seed.sections:
        assert page.section_of[section.heading] == section.heading
        assert page.under(section.heading, "p") == section.paragraphs
        assert page.under(section.heading, "li") == section.items
    assert page.section_of["I siffror"] == "I siffror"
    assert [
        (texts(row.locator("dt"))[0], texts(row.locator("dd")))
        for row in visitor.locator(".figures > div").all()
    ] == [
        (figure.text, [figure.value, f"Källa: {seed.figures_heading}"]) for figure in seed.figures
    ]
    contact = visitor.locator("section[aria-labelledby=kontakt]")
    assert texts(contact.locator("p")) == [seed.contact.greeting, seed.contact.name]
    assert texts(contact.get_by_role("link")) == [seed.contact.email]

    nothing_lost(seed.text, page, seed.contact_heading, "eller kontakta")


def nothing_lost(text: str, page: Outline, *said_otherwise: str) -> None:
    """Every word of the document stands in the page, as often, save headings the page has of its own."""
    missing = Counter(words(text)) - page.words - Counter(words(" ".join(said_otherwise)))
    assert missing == Counter()


@pytest.mark.parametrize("text", [seeds.PROJECT, seeds.project().text], ids=["own", "found"])
def test_the_project_document_has_its_parts(text: str) -> None:
    seed = seeds.parse_project(text)
    assert [result.value for result in seed.results] == ["34", "3", "3", "", "5"]
    assert [figure.value for figure in seed.figures] == ["40 miljoner", "Två tredjedelar"]
    assert (seed.number, seed.need, seed.collected) == ("47030", "276 000", "332 028")
    assert seed.remaining == "0"
    assert all([seed.plan.paragraphs, seed.teller, seed.clause, seed.contact.role])
    assert "@" in seed.contact.email


@pytest.mark.parametrize("text", [seeds.NETWORK, seeds.network().text], ids=["own", "found"])
def test_the_network_document_has_its_parts(text: str) -> None:
    seed = seeds.parse_network(text)
    assert [len(section.paragraphs) for section in seed.sections] == [2, 1, 0, 6, 3, 1, 2, 6]
    assert [len(section.items) for section in seed.sections] == [0, 0, 4, 0, 0, 0, 0, 0]
    assert [figure.value for figure in seed.figures] == [
        *("35", "15", "10", "7", "9", "26 av 35", "16", "7 av de 35")
    ]
    assert seed.contact.name
    assert "@" in seed.contact.email
