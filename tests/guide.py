"""`make guide`: the pictures of the guides (docs/redaktor.md, docs/ekonomi.md), from the running demo.

Serves a demo of its own for each, signs in by the front door as whom the guide is for, does what it
tells of, and photographs each step: for editors here, for finance in guide_finance.py. They are told
apart by name alone: taken again, they replace each other. `make guide ARGS=ekonomi` takes one guide's.
"""

import datetime
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from PIL import Image as Pillow

from tests import chromium
from tests.screenshots import ROOT, demo_site

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, FloatRect, Locator, Page, Playwright

FOLDER = ROOT / "static" / "handbok"
AT_MOST_BYTES = 60_000
# The window, in the page's own pixels, and the width of what is kept: sharp on most screens.
WINDOW = {"width": 1040, "height": 940}
WIDTH = 1120
MARGIN = 8
QUALITIES = (82, 72, 62, 50, 40, 32)

TITLE = "Brunnen vid skolan i Kalmakanda"
SUMMARY = (
    "Skolans 214 elever hämtar vatten ur floden. I höst borrar byn en brunn på skolgården, "
    "och två av lärarna lär sig att sköta den."
)
BODY = """Brunnen borras **sextio meter ner**, förbi det grunda vattnet där det finns arsenik.

# Byn bestämmer

- Föräldrarna väljer platsen.
- Lärarna provar vattnet varje månad.
- [Vattenprovernas siffror](https://example.org/vatten) sätts upp på skolans vägg.
"""


@dataclass
class Camera:
    """Takes pictures of parts of one person's pages, for the guide of that name."""

    page: "Page"
    guide: str

    def take(self, name: str, first: str, last: str = "", within: int = 700) -> None:
        """Keep the window's width from the top of `first` to the bottom of `last` (of `first` without it).

        No taller than `within`, in the page's own pixels.
        """
        top, bottom = self._box(first)["y"], self._bottom(last or first)
        self._keep(name, 0, top, WINDOW["width"], min(bottom - top, within))

    def take_alone(self, name: str, of: str, to: str = "") -> None:
        """Keep one thing without what stands beside it, down to the bottom of `to`."""
        box = self._box(of)
        self._keep(name, box["x"], box["y"], box["width"], self._bottom(to or of) - box["y"])

    def _keep(self, name: str, x: float, y: float, width: float, height: float) -> None:
        clip: FloatRect = {
            "x": x,
            "y": max(0, y - MARGIN),
            "width": width,
            "height": height + 2 * MARGIN,
        }
        keep(FOLDER / self.guide / f"{name}.webp", self.page.screenshot(clip=clip, full_page=True))

    def _bottom(self, of: str) -> float:
        box = self._box(of)
        return box["y"] + box["height"]

    def _box(self, of: str) -> "FloatRect":
        """Where something is in the whole page, when it is there and nothing has the focus."""
        found = self.page.locator(of).first
        found.wait_for()
        self.page.evaluate("document.activeElement?.blur()")
        box: FloatRect = found.evaluate(
            "e => { const r = e.getBoundingClientRect();"
            " return {x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height} }"
        )
        return box


def keep(path: Path, shot: bytes) -> None:
    """Write a picture as WebP, as good as `AT_MOST_BYTES` lets it be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Pillow.open(io.BytesIO(shot)) as picture:
        height = round(picture.height * WIDTH / picture.width)
        small = picture.convert("RGB").resize((WIDTH, height), Pillow.Resampling.LANCZOS)
    weighed = (_webp(small, quality) for quality in QUALITIES)
    light = next((data for data in weighed if len(data) < AT_MOST_BYTES), None)
    assert light, f"{path} is too heavy: keep less of the page."
    path.write_bytes(light)


def _webp(picture: Pillow.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=quality, method=6)
    return file.getvalue()


def main() -> None:
    from tests import guide_finance

    if missing := chromium.missing_packages():
        sys.exit(f"No browser to photograph with: apt install {' '.join(missing)}")
    from playwright.sync_api import sync_playwright

    steps = {"redaktor": STEPS, "ekonomi": guide_finance.STEPS}
    with sync_playwright() as playwright:
        for name in sys.argv[1:] or steps:
            photograph(name, steps[name], playwright)
    print(f"Pictures are in {FOLDER}")


def photograph(
    guide: str, steps: Sequence[Callable[[Camera], None]], playwright: "Playwright"
) -> None:
    """Do a guide's steps in a demo of its own, as the demo's sign-in of the guide's name."""
    with demo_site() as home:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.flags())
        context = browser.new_context(
            base_url=home,
            viewport=WINDOW,  # type: ignore[arg-type]
            device_scale_factor=2,
            locale="sv-SE",
            timezone_id="Europe/Stockholm",
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        camera = Camera(sign_in(context, f"{guide}@example.org"), guide)
        for step in steps:
            step(camera)
        browser.close()


def sign_in(context: "BrowserContext", email: str) -> "Page":
    """One of the demo's people, through the door: password, then the code that the demo shows."""
    page = context.new_page()
    page.goto("/admin/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", "langvaga-demo")
    press(page, "Fortsätt")
    page.fill("[name=code]", page.locator(".notice strong").inner_text())
    press(page, "Logga in")
    return page


def press(page: "Page", button: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def open_page_called(page: "Page", title: str, way: str = "") -> None:
    """Open a project's form, or one of the pages beside it."""
    page.goto(f"/admin/projects/project/?q={title.split()[-1]}")
    page.get_by_role("link", name=title, exact=True).click()
    page.locator("#publishing").wait_for()
    if way:
        page.get_by_role("link", name=way, exact=True).click()


def add_row(page: "Page", rows: str) -> str:
    """Press the button that adds a row, and give how the names of its fields begin."""
    place = page.locator(f"#{rows}-group .dynamic-{rows}").count()
    page.locator(f"#{rows}-group .add-row a").click()
    return f"{rows}-{place}"


def choose(page: "Page", name: str, text: str) -> None:
    """Search in a field that searches, and take what is found."""
    box = page.locator(".form-row, .fieldBox").filter(has=page.locator(f"#id_{name}")).last
    box.locator(".select2-selection").click()
    page.fill(".select2-search__field", text)
    page.locator(".select2-results__option--highlighted", has_text=text).click()


def in_days(days: int) -> datetime.date:
    return datetime.datetime.now(ZoneInfo("Europe/Stockholm")).date() + datetime.timedelta(days)


# A browser that has not got Swedish words, as Debian's has not by itself, says its own in English.
IN_SWEDISH = """() => {
  for (const field of document.querySelectorAll('[type=file]')) {
    const button = document.createElement('button')
    button.textContent = 'Välj fil'
    field.replaceWith(button, ' Ingen fil har valts')
  }
  for (const field of document.querySelectorAll('[type=datetime-local], [type=date]')) {
    const moment = field.value.replace('T', ' ')
    field.type = 'text'
    field.value = moment
  }
}"""


def in_swedish(page: "Page") -> None:
    """Let what the browser writes in the fields say what a Swedish one says. Such a form is not sent."""
    page.evaluate(IN_SWEDISH)


def editor_of(page: "Page", name: str) -> "Locator":
    return page.locator(".markdownx").filter(has=page.locator(f"#id_{name}"))


# What the guide tells of, in an order in which each step finds what the ones before have made ---------


def writing(camera: Camera) -> None:
    """A new page: its first fields, its text, a picture in it."""
    page = camera.page
    page.goto("/admin/projects/project/add/")
    page.locator("#id_title").press_sequentially(TITLE)
    page.fill("#id_summary", SUMMARY)
    page.select_option("#id_focus_area", label="Vatten och hälsa")
    camera.take("ny-sida", ".field-title", ".field-summary")

    page.fill("#id_body", BODY)
    editor_of(page, "body").locator(".markdownx-preview strong").wait_for()
    camera.take("brodtext", ".field-body", within=760)
    editor_of(page, "body").get_by_role("button", name="Bild", exact=True).click()
    page.locator(".markdown-dialog [name=alt]").fill("Två flickor pumpar vatten ur en ny brunn.")
    page.locator(".markdown-dialog [name=credit]").fill("Teckning: Bo Berg")
    page.locator(".markdown-dialog [name=not_needed_reason]").fill("Tecknad bild")
    in_swedish(page)
    camera.take("bild-i-texten", ".markdown-dialog", within=900)
    page.locator(".markdown-dialog [data-close]:visible").click()


def content(camera: Camera) -> None:
    """On the same page: a result, and a story whose consent is there; saved as a draft."""
    page = camera.page
    result = add_row(page, "achievements")
    page.fill(f"#id_{result}-number", "214")
    page.fill(f"#id_{result}-period", "2026")
    page.fill(f"#id_{result}-text", "elever har lärt sig att koka och filtrera sitt vatten.")
    camera.take("resultat", f"#{result}")
    story = add_row(page, "storys")
    page.fill(f"#id_{story}-heading", "Rehana provar vattnet")
    page.fill(f"#id_{story}-text", "”Första gången vågade jag inte titta på provet”, säger Rehana.")
    page.fill(f"#id_{story}-who", "Rehana, 41 år, Kalmakanda")
    choose(page, f"{story}-picture", "handpump")
    choose(page, f"{story}-consent", "Rehana")
    camera.take("berattelse", f"#{story} .field-heading", f"#{story} .field-consent", within=900)
    press(page, "Spara och fortsätt redigera")


def publishing(camera: Camera) -> None:
    """What is missing before publishing; the link to the draft; then it waits for its day."""
    page = camera.page
    page.fill("#id_publish_from", f"{in_days(9)}T12:00")
    in_swedish(page)
    camera.take("publicering", ".publishing", within=900)
    open_page_called(page, TITLE, "Dela utkastet")
    press(page, "Skapa en länk")
    # Where this demo happens to be served teaches nobody anything.
    page.locator("#lank").evaluate(
        "e => { e.value = e.value.replace(location.origin, 'https://langvaga.example.org') }"
    )
    camera.take("dela-utkastet", "#content h1", "form.publishing-ways", within=760)
    open_page_called(page, TITLE)
    page.fill("#id_publish_from", f"{in_days(9)}T12:00")
    press(page, "Spara och publicera")


def two_at_once(camera: Camera) -> None:
    """Saved in another window meanwhile: what the first one is told, and its own saved all the same."""
    page = camera.page
    open_page_called(page, "Bokbussen på den röda vägen")
    other = page.context.new_page()
    other.goto(page.url)
    other.fill("#id_title", "Bokbussen på den röda vägen i Ratanakiri")
    press(other, "Spara")
    other.close()
    page.fill("#id_achievements_intro", "Det här har bussen hunnit med:")
    press(page, "Spara")
    camera.take("tva-samtidigt", "#content .errornote", "#content .errorlist.nonfield")
    press(page, "Spara")


def unsaved(camera: Camera) -> None:
    """Something written and left: offered again."""
    page = camera.page
    open_page_called(page, "Skolan i bergen")
    page.fill("#id_achievements_intro", "Sedan skolan öppnade:")
    page.wait_for_timeout(800)  # kept half a second after the last key
    page.reload()
    page.locator(".draft [data-draft-restore]").wait_for()
    camera.take("osparade", "#content h1", ".field-title", within=420)
    page.locator(".draft [data-draft-discard]").click()


def standing(camera: Camera) -> None:
    """The list with every sign, two versions compared, and the desk."""
    page = camera.page
    open_page_called(page, "Brunnar som byn själv sköter")
    page.fill("#id_publish_from", f"{in_days(40)}T12:00")
    press(page, "Spara och avpublicera")
    page.goto("/admin/projects/project/")
    # Wide enough for all its columns, without the filters beside them.
    page.set_viewport_size({"width": 1280, "height": 940})
    camera.take_alone("lista", "#changelist .results", "#result_list tbody tr:nth-child(4)")
    page.set_viewport_size(WINDOW)  # type: ignore[arg-type]
    open_page_called(page, "Bokbussen på den röda vägen", "Versioner")
    page.get_by_role("link", name="Ändringar").first.click()
    camera.take("jamfor", "#content h1", ".compared", within=760)
    page.goto("/admin/")
    camera.take("skrivbord", ".today", within=940)


def library(camera: Camera) -> None:
    """A picture's focus, a consent being written, and what erasing one takes away."""
    page = camera.page
    page.goto("/admin/projects/image/?q=getter")
    page.locator("#result_list .field-alt a").first.click()
    picture = page.locator(".focus-picture img")
    box = picture.bounding_box()
    assert box
    picture.click(position={"x": box["width"] * 0.35, "y": box["height"] * 0.6})
    camera.take("fokus", ".field-picture", ".field-focus_y", within=900)
    page.goto("/admin/projects/consent/add/")
    page.fill("#id_subject", "Rehana, intervju vid brunnen")
    page.fill("#id_asked_by", "Vår partner Nodikul Samiti")
    page.fill("#id_method", "muntligt vid intervjun, på bengali")
    page.fill("#id_given_on", str(in_days(0)))
    page.fill("#id_valid_until", str(in_days(730)))
    camera.take("samtycke", ".field-subject", ".field-valid_until", within=760)
    page.goto("/admin/projects/consent/?q=Rehana")
    page.locator("#result_list .field-subject a").first.click()
    page.get_by_role("link", name="Visa vad som raderas", exact=True).click()
    camera.take("radera", "#content h1", ".erasure .submit-row", within=1100)


def new_year(camera: Camera) -> None:
    """Last year's plan, being made a result."""
    page = camera.page
    open_page_called(page, "Räddningsbåt till Brahmaputra", "Nytt år")
    plan = page.locator(".plan-row").first
    plan.get_by_label("Planen har blivit ett resultat").check()
    plan.locator("[name$=-number]").fill("14 meter")
    plan.locator("[name$=-text]").fill("lång är båten, med två britsar och syrgas ombord.")
    camera.take("nytt-ar", ".plan-row", within=760)


STEPS: list[Callable[[Camera], None]] = [
    *(writing, content, publishing, two_at_once, unsaved, standing, library, new_year)
]


if __name__ == "__main__":
    main()
