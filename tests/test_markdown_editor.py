"""The editor for Markdown: what the library let through is stopped, and what it traps is free."""

import datetime
import io
import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from PIL import Image as Pillow

from projects.markdown import picture_code, render
from projects.models import Consent, Image, Plan, Section, SiteSettings, Update
from projects.rendering import page_view
from projects.snapshots import from_page
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db

PREVIEW = "/redaktion/text/visa/"
UPLOAD = "/redaktion/text/bild/"
CHOOSE = "/redaktion/text/bilder/"
SCRIPT = {"X-Requested-With": "XMLHttpRequest"}
ORIENTATION, GPS = 0x0112, 0x8825


def editor() -> Client:
    return cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))


def photo(format: str = "PNG", size: tuple[int, int] = (600, 400), **how: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    picture = Pillow.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    target = io.BytesIO()
    picture.save(target, format, **how)
    return target.getvalue()


def sideways() -> bytes:
    """A photo from a phone held upright: turned by EXIF alone, with its place in it."""
    exif = Pillow.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "N"
    return photo("JPEG", exif=exif, quality=95, comment=b"min kamera")


def file(content: bytes, name: str = "bild.png", kind: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, kind)


def send(client: Client, upload: SimpleUploadedFile | None = None, **fields: Any) -> Any:
    """Send a picture with all that is asked about it, unless `fields` say otherwise."""
    data: dict[str, Any] = {"alt": "En brunn", "not_needed_reason": "Inga människor", **fields}
    return client.post(UPLOAD, data | ({"upload": upload} if upload else {}), headers=SCRIPT)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 400
    return response.json()["errors"]


# Who is let in


@pytest.mark.parametrize("address", [PREVIEW, UPLOAD, CHOOSE])
def test_a_visitors_script_is_told_in_swedish_that_it_is_signed_out(address: str) -> None:
    response = Client().post(address, {"content": "hej"}, headers=SCRIPT)
    assert response.status_code == 401
    assert "Du är inte inloggad längre. Det du har skrivit är kvar här." in response.text
    assert reverse("account_login") in response.text


@pytest.mark.parametrize("address", [PREVIEW, UPLOAD, CHOOSE])
def test_a_visitor_without_a_script_is_sent_to_the_sign_in(address: str) -> None:
    response = Client().post(address, {"content": "hej"})
    assert (response.status_code, response["Location"]) == (302, reverse("account_login"))


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.READER, Role.ADMINISTRATOR])
def test_who_does_not_keep_the_pictures_cannot_upload_any(role: Role) -> None:
    client = cast.sign_in(Client(), cast.member("Lo", role))
    assert send(client, file(photo())).status_code == 403
    assert not Image.objects.exists()


def test_a_request_from_another_website_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    cast.sign_in(client, cast.member("Rut", Role.EDITOR))
    assert client.post(PREVIEW, {"content": "hej"}).status_code == 403
    assert send(client, file(photo())).status_code == 403


def test_the_librarys_own_addresses_are_not_there() -> None:
    for address in ("/markdownx/markdownify/", "/markdownx/upload/"):
        assert editor().post(address, {"content": "hej"}).status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("markdownx_markdownify")
    assert (reverse("markdownx_preview"), reverse("markdownx_upload")) == (PREVIEW, UPLOAD)


# The preview


@pytest.mark.parametrize("level", [2, 3, 4])
def test_the_preview_is_what_the_public_page_shows(level: int) -> None:
    text = '# Rubrik\n\n<script>alert(1)</script> **fet** [ut](https://example.org "t")\n\n|a|\n|-|\n|1|'
    response = editor().post(f"{PREVIEW}?rubrik={level}", {"content": text})
    assert response.text == render(text, top_heading=level)
    assert "<script" not in response.text


@pytest.mark.parametrize("query", ["", "?rubrik=1", "?rubrik=x", "?rubrik=7"])
def test_a_preview_without_its_text_or_with_a_forged_level_is_refused_in_swedish(
    query: str,
) -> None:
    response = editor().post(PREVIEW + query, {"content": "hej"} if query else {})
    assert response.status_code == 400
    assert "Det du har skrivit är kvar i rutan." in response.text


# Pictures


def test_an_upload_becomes_a_picture_of_ours_and_gives_its_markdown() -> None:
    response = send(editor(), file(photo()), alt="Byns *nya* brunn [2026]", credit="Rut Ek")
    image = Image.objects.get()
    code = response.json()["image_code"]
    assert code == rf"![Byns \*nya\* brunn \[2026\]](/media/bilder/{image.key}-600.webp)"
    html = render(code, top_heading=2)
    assert 'alt="Byns *nya* brunn [2026]"' in html
    assert 'width="600" height="400"' in html
    assert "<figcaption>Rut Ek</figcaption>" in html


def test_an_upload_is_written_to_the_audit_list_without_what_the_picture_shows() -> None:
    send(editor(), file(photo()), alt="Nai vid brunnen")
    event = Event.objects.latest("id")
    assert event.text == f"Lade till bild nr {Image.objects.get().pk}"
    assert (event.area, event.by.first_name if event.by else "") == (Event.Area.CONTENT, "Rut")


def test_a_phones_photo_is_turned_upright_and_loses_all_it_tells() -> None:
    send(editor(), file(sideways(), "IMG_1.JPG", "image/jpeg"))
    image = Image.objects.get()
    assert (image.width, image.height) == (400, 600)
    with default_storage.open(image.name(400)) as stored:
        content = stored.read()
    assert b"Exif" not in content
    assert b"kamera" not in content
    with Pillow.open(io.BytesIO(content)) as picture:
        assert picture.format == "WEBP"
        top, bottom = (
            picture.convert("RGB").getpixel((200, 20)),
            picture.convert("RGB").getpixel((200, 580)),
        )
    assert top[0] > 200 > 60 > top[2], "what was left is up"  # type: ignore[index]
    assert bottom[2] > 200 > 60 > bottom[0]  # type: ignore[index]


def test_a_wide_picture_is_not_shrunk_to_a_stamp() -> None:
    send(editor(), file(photo(size=(2000, 1000))))
    assert Image.objects.get().widths == [480, 800, 1200, 1600]


def test_webp_is_taken() -> None:
    assert send(editor(), file(photo("WEBP"), "bild.webp", "image/webp")).status_code == 200


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"<html><script>alert(1)</script></html>", "bild.html", "image/gif"),
        (b"<html><script>alert(1)</script></html>", "bild.png", "image/png"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "b.svg", "image/svg+xml"),
        (photo()[:200], "trasig.png", "image/png"),
        (photo("GIF"), "bild.gif", "image/gif"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "bild.png", "image/png"),
        (b"GIF89a/*<svg/onload=alert(1)>*/=1", "bild.jpg", "image/jpeg"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason_and_not_kept(
    content: bytes, name: str, kind: str
) -> None:
    said = errors(send(editor(), file(content, name, kind)))
    assert list(said) == ["upload"]
    assert "Ladda upp en JPEG-, PNG- eller WebP-fil." in said["upload"][0]
    assert not Image.objects.exists()


def test_nothing_sent_at_all_is_answered_with_what_is_missing() -> None:
    said = errors(editor().post(UPLOAD, {}, headers=SCRIPT))
    assert set(said) == {"upload", "alt", "consent"}


def test_a_picture_needs_words_for_those_who_do_not_see_it() -> None:
    assert list(errors(send(editor(), file(photo()), alt="  "))) == ["alt"]


def test_a_picture_needs_a_consent_or_a_reason_why_none_is_needed() -> None:
    said = errors(send(editor(), file(photo()), not_needed_reason=""))
    assert said == {"consent": ["Välj ett samtycke, eller skriv varför inget behövs."]}
    said = errors(send(editor(), file(photo()), consent=cast.consent().pk))
    assert said == {"consent": ["Välj ett samtycke eller skriv en orsak, inte båda."]}
    assert not Image.objects.exists()


def test_only_a_consent_that_is_valid_can_be_chosen() -> None:
    ended = cast.consent(valid_until=cast.MIDSUMMER, subject="Det som gick ut")
    valid = cast.consent(subject="Det som gäller")
    asked = editor().get(UPLOAD).text
    assert "Det som gäller" in asked
    assert "Det som gick ut" not in asked
    assert "consent" in errors(
        send(editor(), file(photo()), not_needed_reason="", consent=ended.pk)
    )
    send(editor(), file(photo()), not_needed_reason="", consent=valid.pk)
    assert Image.objects.get().consent == valid


def test_a_reason_that_none_is_needed_is_kept_as_a_consent_of_its_own() -> None:
    send(editor(), file(photo()), not_needed_reason="Tecknad bild")
    assert Image.objects.get().consent == Consent.objects.get(not_needed_reason="Tecknad bild")


# Choosing among the pictures that are there


def pictures(*alts: str, consent: Consent | None = None) -> list[Image]:
    """Pictures in the library that say so, in the order they came."""
    consent = consent or cast.consent()
    return Image.objects.bulk_create(
        Image(
            alt=alt, consent=consent, width=480, height=320, widths=[480], search_text=alt.lower()
        )
        for alt in alts
    )


def offered(response: Any) -> list[str]:
    """What the offered pictures show, in their order."""
    assert response.status_code == 200
    return [unescape(alt) for alt in re.findall(r"<span>(.*?)</span>", response.text)]


def test_a_picture_is_found_by_all_its_words_whatever_their_capitals_the_newest_first() -> None:
    pictures("Ån vid byn", "Byns brunn vid ån", "Byns brunn")
    client = editor()
    assert offered(client.get(CHOOSE)) == ["Byns brunn", "Byns brunn vid ån", "Ån vid byn"]
    assert offered(client.get(CHOOSE, {"q": "ÅN  byn"})) == ["Byns brunn vid ån", "Ån vid byn"]
    assert offered(client.get(CHOOSE, {"q": "ån brunn"})) == ["Byns brunn vid ån"]
    none = client.get(CHOOSE, {"q": "snöskoter"})
    assert offered(none) == []
    assert "Ingen bild hittades. Pröva ett annat eller kortare ord" in none.text


def test_only_pictures_that_may_be_shown_are_offered() -> None:
    pictures("Den som gick ut", consent=cast.consent(valid_until=cast.MIDSUMMER))
    pictures("Den som togs tillbaka", consent=cast.consent(withdrawn_at=timezone.now()))
    pictures("Den som gäller")
    assert offered(editor().get(CHOOSE)) == ["Den som gäller"]


def test_what_an_offered_picture_puts_into_the_text_is_what_an_upload_of_it_would() -> None:
    [image] = pictures('Byns *nya* "brunn" [2026]')
    code = re.findall(r'data-code="(.*?)"', editor().get(CHOOSE).text)
    assert [unescape(found) for found in code] == [picture_code(image)]


def test_each_picture_is_offered_once_however_many_there_are(
    django_assert_max_num_queries: Any,
) -> None:
    pictures(*(f"Brunn {number}" for number in range(5_000)))
    client, found, older_than = editor(), [], ""
    for _ in range(4):
        with django_assert_max_num_queries(13):
            answer = client.get(CHOOSE, {"q": "brunn", "older_than": older_than})
        found += offered(answer)
        older_than = re.findall(r'data-more="(\d+)"', answer.text)[0]
        pictures("En brunn som kommer till medan man letar")
    assert found == [f"Brunn {number}" for number in range(4_999, 4_999 - 4 * 24, -1)]


def test_the_last_pictures_offer_no_more() -> None:
    pictures(*(f"Brunn {number}" for number in range(24)))
    assert "Visa fler" not in editor().get(CHOOSE).text
    pictures("En till")
    assert "Visa fler" in editor().get(CHOOSE).text


@pytest.mark.parametrize(
    "query", [{"q": "å" * 201}, {"q": "a\0b"}, {"older_than": "x"}, {"older_than": "-1"}]
)
def test_a_search_that_nobody_could_write_there_is_refused_in_swedish(
    query: dict[str, str],
) -> None:
    answer = editor().get(CHOOSE, query)
    assert answer.status_code == 400
    assert "Det går inte att söka på det." in answer.text


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.READER, Role.ADMINISTRATOR])
def test_who_does_not_keep_the_pictures_is_offered_none(role: Role) -> None:
    pictures("En brunn")
    answer = cast.sign_in(Client(), cast.member("Lo", role)).get(CHOOSE, headers=SCRIPT)
    assert answer.status_code == 403
    assert "brunn" not in answer.text


# The settings' texts, which are no pages


def settings_form(**fields: str) -> Any:
    client = cast.sign_in(Client(), cast.astrid())
    SiteSettings.objects.get_or_create(pk=1)
    return client.post("/admin/projects/sitesettings/1/change/", {"name": "Långväga", **fields})


def test_the_texts_about_giving_have_the_editor_with_the_headings_of_their_page() -> None:
    settings_form(about_gift="# Först\n\n**fet**", about_control="# Sist")
    html = cast.sign_in(Client(), cast.astrid()).get("/admin/projects/sitesettings/1/change/").text
    levels = re.findall(r'name="(about_\w+)"[^>]*data-markdownx-urls-path="[^"]*rubrik=(\d)', html)
    names = ("about_gift", "about_surplus", "about_control", "about_administration")
    assert levels == [(name, "3") for name in names]
    assert html.count('data-markdown="bold"') == 4
    assert 'data-markdown="picture"' not in html
    shown = Client().get("/om-gavor/").text
    for text in ("# Först\n\n**fet**", "# Sist"):
        assert render(text, top_heading=3) in shown


@pytest.mark.parametrize("name", ["about_gift", "about_administration"])
def test_a_picture_in_them_is_refused_since_no_erasure_would_reach_it(name: str) -> None:
    [image] = pictures("En brunn")
    answer = settings_form(**{name: f"Se här: {picture_code(image)}"})
    assert answer.status_code == 200, "shown again"
    assert "Den här texten kan inte ha bilder." in answer.text
    assert getattr(SiteSettings.current(), name) == ""


def test_every_text_is_previewed_with_the_headings_its_page_gives_it() -> None:
    """A text of one heading in each field of a page: what the editor shows is what the page shows."""
    project = cast.project(body="# Rubrik i brödtext")
    consent = cast.consent()
    Plan.objects.create(page=project, heading="P", text="# Rubrik i plan")
    cast.story(project, text="# Rubrik i berättelse", consent=consent)
    Section.objects.create(page=project, heading="A", text="# Rubrik i avsnitt")
    Update.objects.create(
        page=project, heading="N", text="# Rubrik i nyhet", published_on=cast.MIDSUMMER
    )
    cast.publish(project)
    client = editor()
    form = client.get(f"/admin/projects/project/{project.pk}/change/").text
    public = Client().get(project.get_absolute_url()).text
    fields = re.findall(
        r'<textarea[^>]*data-markdownx-urls-path="([^"]+)"[^>]*>\s*(# Rubrik[^<]*)<', form
    )
    assert len(fields) == 5
    for address, text in fields:
        shown = client.post(unescape(address), {"content": text}).text
        assert shown.startswith("<h")
        assert shown.strip() in public, text


def test_the_pictures_of_every_text_are_those_of_the_day_that_the_page_is_rendered_for() -> None:
    [image] = pictures("En brunn", consent=cast.consent(valid_until=datetime.date(2098, 12, 31)))
    code = picture_code(image)
    project = cast.project(body=code)
    Plan.objects.create(page=project, heading="P", text=code)
    cast.story(project, text=code, consent=cast.consent())
    Section.objects.create(page=project, heading="A", text=code)
    Update.objects.create(page=project, heading="N", text=code, published_on=cast.MIDSUMMER)
    for year, shown in ((2098, 5), (2099, 0)):
        at = datetime.datetime(year, 6, 1, tzinfo=datetime.UTC)
        view: Any = page_view(project, from_page(project), at)
        texts = [row.text for row in (*view.plans, *view.stories, *view.sections, *view.updates)]
        assert [text.count("<img") for text in (view.body, *texts)].count(1) == shown


# The form


def page_form(page: Any, **fields: Any) -> dict[str, Any]:
    """A page's form as a browser sends it, with one plan."""
    form = {"title": page.title, "slug": page.slug, "body": "", "hue": "hav", "summary": ""}
    for name in ("achievements", "plans", "storys", "keyfigures", "sections", "updates"):
        form |= {f"{name}-TOTAL_FORMS": "0", f"{name}-INITIAL_FORMS": "0"}
    return {**form, **fields}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("![](/media/bilder/{key}-480.webp)", "saknar alternativtext"),
        ("![ ](/media/bilder/{key}-480.webp)", "saknar alternativtext"),
        ("![En brunn](https://example.org/brunn.jpg)", "finns inte bland våra bilder"),
        ("![En brunn](/media/bilder/" + "0" * 32 + "-480.webp)", "finns inte bland våra bilder"),
    ],
)
def test_a_picture_that_would_not_be_shown_is_refused_with_a_reason(
    text: str, sentence: str
) -> None:
    send(editor(), file(photo()))
    area = cast.area()
    text = text.format(key=Image.objects.get().key)
    address = f"/admin/projects/focusarea/{area.pk}/change/"
    response = editor().post(address, page_form(area, body=text))
    assert response.status_code == 200, "shown again"
    assert sentence in response.text
    plan = {"plans-TOTAL_FORMS": "1", "plans-0-heading": "P", "plans-0-text": text}
    assert sentence in editor().post(address, page_form(area, **plan)).text


def test_a_saved_picture_is_among_its_versions_pictures() -> None:
    code = send(editor(), file(photo())).json()["image_code"]
    area = cast.area()
    plan = {"plans-TOTAL_FORMS": "1", "plans-0-heading": "P", "plans-0-text": code}
    editor().post(f"/admin/projects/focusarea/{area.pk}/change/", page_form(area, **plan))
    assert Plan.objects.get().text == code
    assert [*area.versions.get().images.all()] == [Image.objects.get()]


def test_every_long_text_has_the_editor_and_the_short_ones_have_not() -> None:
    html = editor().get("/admin/projects/project/add/").text
    found = [part.split('"')[0] for part in html.split('<textarea name="')[1:]]
    with_editor = [
        part.split('"')[0]
        for part in html.split('<textarea name="')[1:]
        if "markdownx-editor" in part.partition(">")[0]
    ]
    assert set(with_editor) == {
        "body",
        *(f"{rows}-__prefix__-text" for rows in ("plans", "storys", "sections", "updates")),
    }
    assert set(found) - set(with_editor) == {"summary", "achievements-__prefix__-text"}


# In the browser


class Desk:
    """An editor at a focus area's form, in the browser."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.text = page.locator("#id_body")
        self.frame = page.locator(".field-body .markdownx")
        self.preview = self.frame.locator(".markdownx-preview")
        self.notice = self.frame.locator(".markdown-notice")
        self.dialog = page.locator("dialog[open]")

    def press(self, tool: str) -> None:
        self.frame.get_by_role("button", name=tool, exact=True).click()

    def select(self, words: str) -> None:
        self.text.evaluate(
            "(area, words) => { area.focus(); const at = area.value.indexOf(words);"
            " area.setSelectionRange(at, at + words.length) }",
            words,
        )

    def give(self, how: str, html: str = "", plain: str = "", picture: bytes = b"") -> None:
        """Paste or drop something into the text."""
        self.text.focus()
        self.text.evaluate(
            """(area, [name, html, plain, bytes]) => {
              const data = new DataTransfer()
              if (html) data.setData('text/html', html)
              if (plain) data.setData('text/plain', plain)
              if (bytes.length)
                data.items.add(new File([new Uint8Array(bytes)], 'foto.jpg', { type: 'image/jpeg' }))
              const how = { bubbles: true, cancelable: true }
              area.dispatchEvent(
                name === 'paste'
                  ? new ClipboardEvent(name, { ...how, clipboardData: data })
                  : new DragEvent(name, { ...how, dataTransfer: data }))
            }""",
            [how, html, plain, list(picture)],
        )


@pytest.fixture
def desk(open_as: Callable[..., "Page"], transactional_db: None) -> Callable[..., Desk]:
    """Sit down at the form: `desk(width=360)`."""

    def sit_down(width: int = 1280, **fields: Any) -> Desk:
        area = cast.area(**fields)
        address = f"/admin/projects/focusarea/{area.pk}/change/"
        return Desk(open_as(cast.member("Rut", Role.EDITOR), address, width=width))

    return sit_down


@pytest.mark.browser
@pytest.mark.once
def test_the_tab_key_leaves_the_text_and_ctrl_d_is_the_browsers(desk: Callable[..., Desk]) -> None:
    at = desk(body="en rad")
    at.text.focus()
    for key in ("Control+d", "Control+BracketRight", "Tab"):
        at.page.keyboard.press(key)
    assert at.text.input_value() == "en rad"
    assert at.page.evaluate("document.activeElement.localName") == "summary"
    at.page.keyboard.press("Shift+Tab")
    at.page.locator("#id_body:focus").wait_for()
    at.page.keyboard.press("Shift+Tab")
    assert at.page.evaluate("document.activeElement.textContent") == "Bild"


@pytest.mark.browser
@pytest.mark.once
def test_the_preview_follows_the_text_and_is_what_the_page_will_show(
    desk: Callable[..., Desk],
) -> None:
    at = desk()
    at.text.fill("# Vatten\n\n**Rent** vatten. <script>window.hit=1</script>")
    at.preview.locator("h2").wait_for()
    assert at.preview.inner_html() == render(at.text.input_value(), top_heading=2)
    assert at.page.evaluate("window.hit") is None


@pytest.mark.browser
@pytest.mark.once
def test_the_buttons_write_markdown_around_what_is_selected(desk: Callable[..., Desk]) -> None:
    at = desk(body="rent vatten\n\nbrunn\npump\n\nmer hos oss")
    at.select("vatten")
    at.press("Fet")
    at.select("brunn\npump")
    at.press("Lista")
    at.select("oss")
    at.press("Länk")
    at.page.keyboard.type("https://example.org")
    at.select("rent")
    at.press("Rubrik")
    assert at.text.input_value() == (
        "# rent **vatten**\n\n- brunn\n- pump\n\nmer hos [oss](https://example.org)"
    )
    at.select("- brunn\n- pump")
    at.press("Lista")
    at.select("**vatten**")
    at.press("Fet")
    assert at.text.input_value().startswith("# rent vatten\n\nbrunn\npump\n")
    at.text.press("Control+z")
    assert "**vatten**" in at.text.input_value()


@pytest.mark.browser
@pytest.mark.once
def test_the_buttons_are_reached_and_pressed_by_keyboard(desk: Callable[..., Desk]) -> None:
    at = desk()
    at.frame.get_by_role("button", name="Fet").focus()
    at.page.keyboard.press("Enter")
    assert at.text.input_value() == "**fet text**"
    at.page.keyboard.type("mycket")
    assert at.text.input_value() == "**mycket**"


@pytest.mark.browser
@pytest.mark.once
def test_a_row_added_later_has_an_editor_with_a_preview(desk: Callable[..., Desk]) -> None:
    at = desk()
    at.page.locator("#plans-group .add-row a").click()
    row = at.page.locator("#plans-0")
    row.locator("textarea").fill("## En *plan*")
    row.locator(".markdownx-preview h5").wait_for()
    row.get_by_role("button", name="Fet").click()
    assert "**fet text**" in row.locator("textarea").input_value()


@pytest.mark.browser
@pytest.mark.once
@pytest.mark.parametrize("by", ["button", "drop", "paste"])
def test_a_picture_comes_in_by_button_by_drop_and_by_paste_and_needs_words_first(
    desk: Callable[..., Desk], by: str
) -> None:
    at = desk(body="Före.\n\nEfter.")
    at.select("Efter.")
    at.page.keyboard.press("ArrowLeft")
    if by == "button":
        at.press("Bild")
        at.dialog.wait_for()
        foto = {"name": "IMG.JPG", "mimeType": "image/jpeg", "buffer": sideways()}
        at.dialog.locator("[type=file]").set_input_files(foto)  # type: ignore[arg-type]
    else:
        at.give(by, picture=sideways())
        at.dialog.wait_for()
    at.dialog.get_by_role("button", name="Lägg in bilden").click()
    at.dialog.get_by_text("Rätta det som står nedan").wait_for()
    assert at.dialog.locator("[name=alt]").get_attribute("aria-invalid") == "true"
    assert at.text.input_value() == "Före.\n\nEfter."
    at.dialog.get_by_label("Alternativtext").fill("En brunn i byn")
    at.dialog.locator("[name=not_needed_reason]").fill("Inga människor")
    at.page.keyboard.press("Enter")
    at.dialog.wait_for(state="detached")
    image = Image.objects.get()
    code = f"![En brunn i byn](/media/bilder/{image.key}-400.webp)"
    assert at.text.input_value() == f"Före.\n\n{code}\n\nEfter."
    shown = at.preview.locator("img")
    shown.wait_for()
    shown.scroll_into_view_if_needed()
    shown.evaluate("image => image.decode()")
    assert shown.evaluate("i => i.naturalHeight > i.naturalWidth"), "upright"
    at.page.locator("#id_body:focus").wait_for()


@pytest.mark.browser
@pytest.mark.once
def test_the_dialog_closes_with_escape_and_changes_nothing(desk: Callable[..., Desk]) -> None:
    at = desk(body="Hej.")
    at.press("Bild")
    at.dialog.wait_for()
    at.page.keyboard.press("Escape")
    at.dialog.wait_for(state="detached")
    assert at.text.input_value() == "Hej."
    at.page.locator("#id_body:focus").wait_for()


WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p{color:red}</style>
<!--[if gte mso 9]><xml><o:x/></xml><![endif]--></head><body lang=SV><!--StartFragment-->
<h2 style='mso-x:1'>Brunnar<o:p></o:p></h2>
<p class=MsoNormal style='margin:0'>Rent&nbsp;vatten till <b style='mso-bidi:normal'>alla</b> och
<i>envar</i>, ”sa hon”.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7pt'>&nbsp;&nbsp;
</span></span></span><![endif]>en pump<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><span
style='mso-list:Ignore'>·<span>&nbsp; </span></span>en brunn<o:p></o:p></p>
<p class=MsoNormal>Se <a href="https://example.org/a">mer</a>.</p><!--EndFragment--></body></html>"""
WEB = """<meta charset='utf-8'><b style="font-weight:normal" id="docs-internal-guid-1"><p><span
style="font-weight:700">Fet</span><span style="font-weight:400"> och </span><span
style="font-style:italic">kursiv</span></p></b>
<img src="https://example.org/x.jpg" onerror="window.hit=1"><script>window.hit=1</script>
<a href="javascript:window.hit=1">länk</a>
<ol><li>ett</li><li>två</li></ol><table><tr><th>År</th><th>Antal</th></tr><tr><td>2025</td><td>3</td></tr></table>"""


@pytest.mark.browser
@pytest.mark.once
@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        (
            WORD,
            "## Brunnar\n\nRent vatten till **alla** och *envar*, ”sa hon”.\n\n- en pump\n- en brunn"
            "\n\nSe [mer](https://example.org/a).",
        ),
        (
            WEB,
            "**Fet** och *kursiv*\n\nlänk\n\n1. ett\n2. två\n\n| År | Antal |\n| --- | --- |\n| 2025 | 3 |",
        ),
    ],
    ids=["word", "web"],
)
def test_what_is_pasted_from_word_or_the_web_becomes_clean_markdown(
    desk: Callable[..., Desk], html: str, markdown: str
) -> None:
    at = desk()
    at.give("paste", html=html, plain="utan form", picture=b"en teckning av texten")
    assert at.text.input_value() == markdown
    assert at.page.evaluate("window.hit") is None
    assert at.dialog.count() == 0


@pytest.mark.browser
@pytest.mark.once
def test_an_address_pasted_over_words_makes_them_a_link(desk: Callable[..., Desk]) -> None:
    at = desk(body="Läs mer.")
    at.select("mer")
    at.give("paste", plain="https://example.org/a")
    assert at.text.input_value() == "Läs [mer](https://example.org/a)."


@pytest.mark.browser
@pytest.mark.once
def test_a_session_that_ends_says_so_keeps_the_text_and_goes_on_after_a_new_sign_in(
    desk: Callable[..., Desk], live_server: Any
) -> None:
    at = desk(body="Hej.")
    at.preview.get_by_text("Hej.").wait_for()
    at.page.context.clear_cookies(name="sessionid")
    at.text.fill("Hej igen.")
    at.notice.get_by_text("Du är inte inloggad längre. Det du har skrivit är kvar här.").wait_for()
    assert at.text.input_value() == "Hej igen."
    assert at.preview.inner_text() == "Hej.", "no sign-in page, but what was there"
    way_in = at.notice.get_by_role("link")
    assert way_in.get_attribute("target") == "_blank"
    at.press("Bild")
    at.notice.get_by_text("Du är inte inloggad längre").wait_for()
    assert at.dialog.count() == 0
    # In another tab: a new session, and with it a new mark for forms.
    client = cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))
    session = client.cookies["sessionid"].value
    at.page.context.clear_cookies()
    cookie = {"name": "sessionid", "value": session, "url": live_server.url}
    at.page.context.add_cookies([cookie])  # type: ignore[list-item]
    at.page.evaluate("window.dispatchEvent(new Event('focus'))")
    at.preview.get_by_text("Hej igen.").wait_for()
    assert at.notice.inner_text() == ""
    at.page.locator("[name=_save]").click()
    at.page.wait_for_url("**/focusarea/")
    assert "Hej igen." in cast.FocusArea.objects.get().body


@pytest.mark.browser
@pytest.mark.once
def test_a_picture_is_chosen_with_the_keyboard_alone(desk: Callable[..., Desk]) -> None:
    pictures(*(f"Brunn {number}" for number in range(1, 31)), "Båten på floden")
    at = desk(body="Före.")
    keys = at.page.keyboard
    at.text.focus()
    keys.press("Control+End")
    keys.press("Shift+Tab")
    keys.press("Enter")
    at.dialog.wait_for()
    keys.press("Shift+Tab")
    keys.press("ArrowRight")  # from uploading to choosing
    at.dialog.get_by_role("status").get_by_text("Visar 24 bilder. Det finns fler.").wait_for()
    keys.press("Tab")
    keys.press("ArrowDown")
    assert focused(at.page) == "Båten på floden"
    keys.press("ArrowRight")
    assert focused(at.page) == "Brunn 30"
    keys.press("End")
    keys.press("Tab")
    assert focused(at.page) == "Visa fler"
    keys.press("Enter")
    at.dialog.get_by_role("status").get_by_text("Visar 31 bilder.").wait_for()
    assert focused(at.page) == "Brunn 7", "the first of those that came"
    keys.press("Home")
    keys.press("ArrowUp")
    keys.type("BÅT")
    at.dialog.get_by_role("status").get_by_text("Visar 1 bild.").wait_for()
    keys.press("ArrowDown")
    keys.press("Enter")
    image = Image.objects.get(alt="Båten på floden")
    at.notice.get_by_text("Bilden är inlagd.").wait_for()
    assert at.text.input_value().split() == ["Före.", *picture_code(image).split()]
    at.page.locator("#id_body:focus").wait_for()


@pytest.mark.browser
@pytest.mark.once
def test_escape_leaves_the_choice_without_a_picture_and_goes_back_to_the_text(
    desk: Callable[..., Desk],
) -> None:
    at = desk(body="Före.")
    at.press("Bild")
    at.dialog.get_by_label("Välj bland bilderna").check()
    at.dialog.get_by_label("Sök på").fill("snöskoter")
    at.dialog.get_by_role("status").get_by_text("Ingen bild hittades.").wait_for()
    at.page.keyboard.press("Escape")
    at.dialog.wait_for(state="detached")
    assert at.text.input_value() == "Före."
    at.page.locator("#id_body:focus").wait_for()


def focused(page: "Page") -> str:
    return page.evaluate("document.activeElement.textContent")


@pytest.mark.browser
@pytest.mark.look
def test_the_editor_and_its_dialog_have_nothing_for_axe_to_find(
    desk: Callable[..., Desk],
    open_page: Visitors,
    axe: Callable[["Page"], list[str]],
    width: int,
) -> None:
    at = desk(width, body="# Hej\n\n|a|b|\n|-|-|\n|1|2|\n\n[ut](https://example.org)")
    at.preview.locator("table").wait_for()
    assert axe(at.page) == []
    assert at.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    at.press("Bild")
    at.dialog.wait_for()
    at.dialog.get_by_role("button", name="Lägg in bilden").click()
    at.dialog.get_by_text("Rätta det som står nedan").wait_for()
    assert axe(at.page) == []
    pictures("En brunn " * 20, "Båten")
    at.dialog.get_by_label("Välj bland bilderna").check()
    at.dialog.get_by_role("button", name="Båten").wait_for()
    assert axe(at.page) == []
    assert at.dialog.evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
    # To read the stylesheets that Django's own import, axe breaks the policy itself.
    open_page.complaints.clear()
