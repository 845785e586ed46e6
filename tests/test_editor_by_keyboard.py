"""An editor who cannot use a mouse writes a whole page, with photos from a phone, and schedules it."""

import datetime
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from PIL import Image as Pillow

from staff.models import User
from staff.roles import Role
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page, Route

pytestmark = [
    pytest.mark.browser,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
]

EDITOR = "#id_body"
PREVIEW = ".field-body .markdownx-preview"

# The corners of a picture held upright: no two are alike, so that each way of turning it shows.
CORNERS = {"red": (220, 30, 30), "green": (30, 160, 40), "blue": (30, 40, 210), "white": (245,) * 3}
UPRIGHT = list(CORNERS)  # top left, top right, bottom left, bottom right

# What a phone writes into its files, in the order of the file.
CAMERA, COMMENT, PLACE, TRAILER = "Telefon-7", "anteckning från resan", "Pokhara", "VIDEODELEN"
MAKE, ORIENTATION, GPS_IFD = 0x010F, 0x0112, 0x8825
GPS = {1: "N", 2: (28.0, 12.0, 31.0), 3: "E", 4: (83.0, 59.0, 8.0), 28: PLACE}


def phone_photo() -> bytes:
    """A portrait as a phone saves it: lying down, with a note in EXIF of how to turn it, and more."""
    upright = Pillow.effect_noise((600, 800), 40).convert("RGB")
    for place, colour in enumerate(CORNERS.values()):
        x, y = 400 * (place % 2), 600 * (place // 2)
        upright.paste(colour, (x, y, x + 200, y + 200))
    exif = Pillow.Exif()
    exif[MAKE], exif[ORIENTATION] = CAMERA, 6
    exif.get_ifd(GPS_IFD).update(GPS)
    file = io.BytesIO()
    lying = upright.transpose(Pillow.Transpose.ROTATE_90)
    lying.save(file, "JPEG", exif=exif, comment=COMMENT.encode(), quality=90)
    return file.getvalue() + TRAILER.encode() * 20


def corners(picture: Pillow.Image) -> list[str]:
    """The names of the colours in the picture's four corners."""
    right, bottom = picture.width - 20, picture.height - 20
    places = [(20, 20), (right, 20), (20, bottom), (right, bottom)]
    rgb = picture.convert("RGB")
    return [nearest(rgb.getpixel(place)) for place in places]


def nearest(pixel: Any) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(pixel, CORNERS[name], strict=False))

    return min(CORNERS, key=distance)


def assert_bare(content: bytes, original: bytes) -> None:
    """The file is an upright WebP of pixels alone: nothing that the phone wrote is in it."""
    for told in (CAMERA, COMMENT, PLACE, TRAILER, "Exif", "EXIF", "XMP ", "ICCP"):
        assert told.encode() not in content, told
    assert not any(original[at : at + 24] in content for at in range(0, len(original) - 23, 24))
    with Pillow.open(io.BytesIO(content)) as picture:
        assert picture.format == "WEBP"
        assert dict(picture.getexif()) == {}
        assert picture.height > picture.width
        assert corners(picture) == UPRIGHT


class Keyboard:
    """An editor's hands: the keys of one browser window, and what has the focus in it.

    Every place that Tab stops at on the way has to be visible, and marked.
    """

    STOP = """() => {
      const element = document.activeElement
      const box = element.getBoundingClientRect()
      const style = getComputedStyle(element)
      const ids = element.getAttribute('aria-labelledby')?.split(' ') ?? []
      const label = element.labels?.[0] ?? element
      const parts = ids.length ? ids.map(id => document.getElementById(id)) : [label]
      const words = parts.map(part => part.textContent).join(' ').trim()
      const icon = label.querySelector('[aria-label], [alt]')
      const other = icon?.ariaLabel || icon?.alt || element.title || element.value || ''
      const isPage = element === document.body
      return {
        name: isPage ? '' : (element.ariaLabel || words || other).trim().replace(/:$/, ''),
        isPage,
        isMarked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
        isSeen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0,
      }
    }"""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.press = page.keyboard.press
        self.tools = page.context.new_cdp_session(page)
        # Who waits for files from the start is not too late for a key that is pressed at once.
        page.on("filechooser", lambda chooser: None)

    def _handle(self) -> Any:
        found = self.tools.send("Runtime.evaluate", {"expression": "document.activeElement"})
        return {"objectId": found["result"]["objectId"]}

    def focused(self) -> str:
        """The accessible name of what has the focus, as a screen reader says it."""
        asked = {**self._handle(), "fetchRelatives": False}
        node = self.tools.send("Accessibility.getPartialAXTree", asked)["nodes"][0]
        return str(node.get("name", {}).get("value", "")).rstrip(":")

    def to(self, name: str, key: str = "Tab") -> None:
        """Press Tab until what is called `name` has the focus."""
        passed = []
        for _turn in range(150):
            self.press(key)
            stop = self.page.evaluate(self.STOP)
            passed.append(stop["name"])
            # From the last control to the first the focus goes by way of the page itself. The
            # parts of a date are marked by the browser.
            if not stop["isPage"] and stop["name"] != "Publicera från":
                assert stop["isSeen"], f"{stop['name']!r} has the focus and is not in sight"
                assert stop["isMarked"], f"{stop['name']!r} has the focus and does not show it"
            if stop["name"] == name:
                assert self.focused() == name
                return
        pytest.fail(f"{key} never comes to {name!r}, only to {passed}")

    def back_to(self, name: str) -> None:
        self.to(name, "Shift+Tab")

    def write(self, **texts: str) -> None:
        """Go from field to field and type; a name's underscores are spaces in its label."""
        for name, text in texts.items():
            self.to(name.replace("_", " "))
            self.type(text)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def enter(self, name: str) -> None:
        """Go to a button or a link and press it."""
        self.to(name)
        self.press("Enter")

    def follow(self, name: str, key: str = "Tab") -> None:
        """Go to what leads to another page, and press it."""
        self.to(name, key)
        with self.page.expect_navigation():
            self.press("Enter")
        refusals = self.page.locator(".errornote, .errorlist li")
        assert refusals.all_inner_texts() == []

    def search(self, name: str, text: str) -> None:
        """Open a field that searches, type, and take the first that is found."""
        self.to(name)
        self.press("Enter")
        self.type(text)
        found = self.page.locator(".select2-results__option--highlighted", has_text=text)
        found.wait_for()
        self.press("Enter")
        assert text in (self.page.evaluate("document.activeElement.textContent") or "")

    @contextmanager
    def window(self, name: str) -> Iterator["Keyboard"]:
        """Press a link that opens a small window; when it is done, the focus is back where it was."""
        self.to(name)
        with self.page.expect_popup() as opened:
            self.press("Enter")
        opened.value.wait_for_load_state()
        with opened.value.expect_event("close"):
            yield Keyboard(opened.value)
        assert self.focused() in (name, name.replace("Lägg till", "Ändra"))

    def choose_file(self, photo: bytes) -> None:
        """Press the file button that has the focus."""
        assert self.focused() == "Bildfil"
        with self.page.expect_file_chooser() as chooser:
            self.press("Enter")
        file: FilePayload = {"name": "IMG_0007.JPG", "mimeType": "image/jpeg", "buffer": photo}
        chooser.value.set_files([file])

    def set_moment(self, moment: datetime.datetime) -> None:
        """Fill in the parts of the date that has the focus, in the order of the browser's language."""
        asked = {**self._handle(), "depth": -1, "pierce": True}
        inside = json.dumps(self.tools.send("DOM.describeNode", asked))
        local = timezone.localtime(moment)
        formats = {"year": "%Y", "month": "%m", "day": "%d", "minute": "%M", "ampm": "%p"}
        formats["hour"] = "%I" if "edit-ampm-field" in inside else "%H"
        for place, part in enumerate(re.findall(r"-webkit-datetime-edit-(\w+)-field", inside)):
            for key in ["ArrowLeft"] * 8 + ["ArrowRight"] * place:
                self.press(key)
            self.type(local.strftime(formats[part]))


DROP = """(area, bytes) => {
  const data = new DataTransfer()
  data.items.add(new File([new Uint8Array(bytes)], 'IMG_0008.JPG', { type: 'image/jpeg' }))
  const how = { bubbles: true, cancelable: true, dataTransfer: data }
  for (const name of ['dragenter', 'dragover', 'drop']) area.dispatchEvent(new DragEvent(name, how))
}"""

DRAWN = """image => {
  const canvas = document.createElement('canvas')
  const [width, height] = [image.naturalWidth, image.naturalHeight]
  canvas.width = width
  canvas.height = height
  const pen = canvas.getContext('2d')
  pen.drawImage(image, 0, 0)
  const pixel = (x, y) => [...pen.getImageData(x, y, 1, 1).data.slice(0, 3)]
  const [right, bottom] = [width - 20, height - 20]
  return [pixel(20, 20), pixel(right, 20), pixel(20, bottom), pixel(right, bottom)]
}"""


def shown_upright(page: "Page", place: str) -> list[str]:
    """The alternative texts of the pictures at `place`, each of them drawn and upright."""
    for image in (images := page.locator(f"{place} img").all()):
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
        assert image.evaluate("image => image.naturalHeight > image.naturalWidth")
        assert [nearest(pixel) for pixel in image.evaluate(DRAWN)] == UPRIGHT
    return [image.get_attribute("alt") or "" for image in images]


def describe_picture(keys: Keyboard, alt: str) -> None:
    """Answer what the dialog asks about a picture that has been chosen, and send it."""
    keys.write(Alternativtext=alt, **{"Fotograf eller tecknare": "Rut Ek"})
    keys.to("… eller varför ingen behöver tillfrågas")
    keys.type("Inga människor i bilden")
    keys.enter("Lägg in bilden")
    keys.page.locator("dialog").wait_for(state="detached")
    assert keys.focused() == "Brödtext"


def put_in_pictures(keys: Keyboard, photo: bytes) -> None:
    """From the text: one picture by the button, and one dropped on the text."""
    keys.back_to("Bild")
    keys.press("Enter")
    keys.page.locator("dialog[open]").wait_for()
    assert keys.focused() == "Bildfil"
    keys.choose_file(photo)
    describe_picture(keys, "Brunnen")
    keys.page.locator(EDITOR).evaluate(DROP, list(photo))
    keys.page.locator("dialog[open]").wait_for()
    assert keys.focused() == "Alternativtext"
    keys.press("Shift+Tab")
    describe_picture(keys, "Pumpen")
    keys.page.locator(f"{PREVIEW} img").nth(1).wait_for()


@pytest.fixture
def desk(open_as: Callable[..., "Page"]) -> Keyboard:
    """An editor's keyboard, at the desk."""
    rut: User = cast.member("Rut", Role.EDITOR)
    cast.area(title="Vatten")
    return Keyboard(open_as(rut))


def write_text(keys: Keyboard) -> None:
    """A heading, bold words, a link and a list, by the buttons above the text."""
    keys.to("Brödtext")
    for button, text in (
        ("Rubrik", "Vatten i varje by"),
        ("Fet", "Rent vatten"),
        ("Länk", "mer hos partnern"),
        ("Lista", "en pump"),
    ):
        keys.back_to(button)
        keys.press("Enter")
        assert keys.focused() == "Brödtext"
        keys.type(text)
        if button == "Länk":
            for _step in "](https://":
                keys.press("ArrowRight")
            keys.type("example.org")
        keys.press("Control+End")
        keys.type("\n\n")
    assert keys.page.input_value(EDITOR).strip() == (
        "# Vatten i varje by\n\n**Rent vatten**\n\n"
        "[mer hos partnern](https://example.org)\n\n- en pump"
    )


def add_main_picture(keys: Keyboard, photo: bytes) -> None:
    """A picture for the top of the page, in a window of its own, and its consent in another."""
    with keys.window("Lägg till bild") as picture:
        picture.back_to("Bildfil")
        picture.choose_file(photo)
        picture.write(Alternativtext="Nai vid brunnen")
        with picture.window("Lägg till samtycke") as consent:
            consent.write(
                **{"Vem eller vad det gäller": "Nai, intervju", "Vem som frågade": "Rut"},
                Hur="Muntligt",
            )
            consent.enter("I dag: Gavs den")
            consent.write(**{"Gäller till och med": "2099-12-31"})
            consent.enter("Spara")
        picture.enter("Spara")


def add_contact(keys: Keyboard) -> None:
    with keys.window("Lägg till kontaktperson") as contact:
        contact.back_to("Namn")
        contact.type("Lo Ek")
        contact.write(**{"E-post": "lo@example.org"})
        contact.enter("Spara")


def write_rows(keys: Keyboard) -> None:
    """A row of each kind that a page has."""
    keys.enter("Lägg till: Resultat")
    keys.write(Antal="34", Text="nya pumpar")
    keys.enter("Lägg till: Plan")
    keys.write(Rubrik="Fler pumpar", Text="Vi borrar i **Pokhara**.")
    keys.enter("Lägg till: Berättelse")
    keys.write(Rubrik="Nai bar vatten", Text="Hon gick en mil.", Vem="Nai, 49 år")
    keys.search("Samtycke", "Nai, intervju")
    keys.enter("Lägg till: Nyckeltal")
    keys.write(Värde="600", **{"Vad det är": "hushåll"}, Källa="Partnerns rapport")
    keys.enter("Lägg till: Avsnitt")
    keys.write(Rubrik="Så går det till", Text="Byn äger sin brunn.")
    keys.enter("Lägg till: Nyhet")
    keys.enter("I dag: Datum")
    keys.write(Rubrik="Första pumpen klar", Text="Den ger vatten nu.")


# What `write_page` writes, as a reader meets it.
READ = (
    *("Brunnar i Nepal", "Vatten nära hemmet.", "Vatten i varje by", "Rent vatten", "en pump"),
    *("mer hos partnern", "Lo Ek", "lo@example.org", "Nepal", "34", "nya pumpar", "Fler pumpar"),
    *("Vi borrar i Pokhara.", "Nai bar vatten", "Hon gick en mil.", "Nai, 49 år", "600"),
    *("hushåll", "Partnerns rapport", "Så går det till", "Byn äger sin brunn."),
    *("Första pumpen klar", "Den ger vatten nu."),
)


def write_page(keys: Keyboard, photo: bytes) -> None:
    """From the desk: a new project with every kind of content, and three pictures."""
    keys.follow("Nytt projekt")
    keys.type("Brunnar i Nepal")
    keys.write(Ingress="Vatten nära hemmet.")
    add_main_picture(keys, photo)
    write_text(keys)
    put_in_pictures(keys, photo)
    assert shown_upright(keys.page, PREVIEW) == ["Brunnen", "Pumpen"]
    add_contact(keys)
    keys.to("Fokusområde")
    keys.type("Vatten")
    keys.to("Skriv för att korta listan med länder.")
    keys.type("Nepal")
    keys.press("Enter")
    write_rows(keys)


def assert_reads_whole(page: "Page") -> None:
    text = page.locator("main").inner_text().replace("\N{SOFT HYPHEN}", "")
    assert [words for words in READ if words.casefold() not in text.casefold()] == []
    assert shown_upright(page, "main") == ["Nai vid brunnen", "Brunnen", "Pumpen"]


def schedule(keys: Keyboard, moment: datetime.datetime) -> list[str]:
    """Save the page to be published at the moment, and give what the admin then says."""
    keys.back_to("Lägg till: Nyhet")
    keys.to("Publicera från")
    keys.set_moment(moment)
    keys.follow("Spara och publicera")
    return keys.page.locator(".messagelist li").all_inner_texts()


def files() -> set[Path]:
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def served(page: "Page") -> list[bytes]:
    """Every file of every picture that the page offers its reader."""
    addresses = page.locator("main img").evaluate_all(
        "images => images.flatMap(image => [image.currentSrc,"
        " ...image.srcset.split(',').map(one => one.trim().split(' ')[0])])"
    )
    return [page.request.get(address).body() for address in sorted({*addresses} - {""})]


def status_of(page: "Page", address: str) -> int | None:
    answer = page.goto(address)
    return answer.status if answer else None


def test_an_editor_with_only_a_keyboard_writes_a_page_that_goes_live_by_the_clock(
    desk: Keyboard, open_page: Visitors
) -> None:
    photo, before = phone_photo(), files()
    moment = (timezone.localtime() + datetime.timedelta(days=2)).replace(
        hour=8, minute=30, second=0, microsecond=0
    )
    write_page(desk, photo)
    desk.follow("Spara och fortsätt redigera")
    desk.follow("Förhandsvisa", "Shift+Tab")
    assert_reads_whole(desk.page)
    desk.page.go_back()
    [said] = schedule(desk, moment)
    assert said.startswith("Sidan publiceras den")
    assert said.endswith("kl. 08.30.")

    visitor, address = open_page("/"), "/projekt/brunnar-i-nepal/"
    with time_machine.travel(moment - datetime.timedelta(seconds=10)):
        assert status_of(visitor, address) == 404
    with time_machine.travel(moment):
        assert status_of(visitor, address) == 200
        assert_reads_whole(visitor)
        sent = served(visitor)
    stored = [path.read_bytes() for path in files() - before]
    assert len(stored) == 6, "three pictures in two widths, and nothing else"
    assert {*sent} <= {*stored}
    assert len({*sent}) >= 2
    for content in (*stored, *sent):
        assert_bare(content, photo)


def slowly(route: "Route") -> None:
    """A server far away: meanwhile the browser draws the page anew."""
    time.sleep(0.3)
    route.continue_()


def test_the_questions_about_a_picture_hold_the_focus_and_give_it_back(desk: Keyboard) -> None:
    desk.follow("Nytt projekt")
    desk.to("Brödtext")
    desk.type("Före. Efter.")
    for _step in "Efter.":
        desk.press("ArrowLeft")
    desk.back_to("Bild")
    desk.press("Enter")
    dialog = desk.page.locator("dialog[open]")
    dialog.wait_for()
    for _turn in range(25):
        desk.press("Tab")
        assert desk.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        ), desk.focused()
    desk.enter("Lägg in bilden")
    dialog.get_by_text("Rätta det som står nedan").wait_for()
    assert desk.focused() == "Bildfil"
    desk.page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    desk.page.route("**/redaktion/text/bild/", slowly)
    desk.enter("Lägg in bilden")
    dialog.get_by_text("Du är inte inloggad längre").wait_for()
    assert desk.focused() == "Lägg in bilden"
    desk.press("Escape")
    dialog.wait_for(state="detached")
    assert desk.focused() == "Brödtext"
    desk.type("Mitt i. ")
    assert desk.page.input_value(EDITOR) == "Före. Mitt i. Efter."


def test_a_row_takes_the_focus_when_it_comes_and_leaves_it_at_its_button_when_it_goes(
    desk: Keyboard,
) -> None:
    desk.follow("Nytt projekt")
    desk.to("Lägg till: Nyckeltal")
    for key, rows in (("Space", 1), ("Enter", 2)):
        if rows == 2:
            desk.to("Lägg till: Nyckeltal")
        desk.press(key)
        assert desk.page.locator(".dynamic-keyfigures").count() == rows
        assert desk.focused() == "Ordning"
    desk.back_to("Ta bort")
    desk.press("Space")
    assert desk.page.locator(".dynamic-keyfigures").count() == 1
    assert desk.focused() == "Lägg till: Nyckeltal"


def test_who_is_told_that_something_is_missing_has_the_focus_there(desk: Keyboard) -> None:
    desk.follow("Nytt projekt")
    desk.type("Brunnar")
    desk.to("Fokusområde")
    desk.type("Vatten")
    desk.enter("Lägg till: Nyckeltal")
    desk.write(Värde="600")
    desk.to("Spara")
    with desk.page.expect_navigation():
        desk.press("Enter")
    assert desk.focused() == "Vad det är"


def test_a_day_is_picked_from_the_calendar_and_the_focus_comes_back(desk: Keyboard) -> None:
    desk.follow("Nytt projekt")
    desk.to("Lägg till: Nyhet")
    desk.press("Enter")
    for key in ("Escape", "Enter"):
        desk.enter("Välj ett datum: Datum")
        assert desk.focused() == str(timezone.localdate().day)
        desk.press(key)
        assert not desk.page.locator(".calendarbox").first.is_visible()
        assert desk.focused() == ("Välj ett datum: Datum" if key == "Escape" else "Datum")
        desk.press("Shift+Tab")
