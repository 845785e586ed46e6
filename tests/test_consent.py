"""A consent lets what it covers be shown, and its end, in whichever way, takes it away."""

import datetime
import io
import json
import random
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image as Pillow

from projects import consents, library, remains
from projects.admin.pages import PageAdmin
from projects.models import (
    Consent,
    Contact,
    Image,
    Page,
    Plan,
    Publication,
    Section,
    SiteSettings,
    Story,
    Update,
    Version,
)
from projects.pictures import reencode
from projects.snapshots import freeze
from staff import audit
from staff.models import Event
from tests import cast

pytestmark = pytest.mark.django_db

HEADING = "Vattenbärerskan Sokhunthea"
WORDS = (
    "Förr gick hon fyra kilometer till floden varje morgon innan solen hade gått upp över fälten."
)
LATER = "Förr gick hon fyra kilometer till floden varje morgon. Nu finns pumpen tvärs över gården."
WHO = "Sokhunthea, 43 år"
ALT = "Sokhunthea vid pumpen"


def picture(consent: Consent, alt: str = ALT) -> Image:
    data = io.BytesIO()
    # Of its own, so that its bytes are found nowhere else.
    noise = Pillow.effect_noise((900, 600), random.randrange(20, 200))
    noise.convert("RGB").save(data, "PNG")
    image = Image(alt=alt, credit="Mikael Sandbäck", consent=consent)
    image.store(reencode(data.getvalue()))
    image.save()
    return image


class Told:
    """A page with one person's story and picture in every place they can stand, and another's beside them."""

    def __init__(self) -> None:
        self.consent = cast.consent(subject="Intervju med Sokhunthea", method="på khmer")
        self.other = cast.consent(subject="Dara")
        self.page = cast.project(title="Brunnar i Takeo")
        self.story = cast.story(self.page, heading=HEADING, text=WORDS, who=WHO)
        freeze(self.page, cast.ester())  # saved before anybody had written the consent down
        Story.objects.filter(pk=self.story.pk).update(consent=self.other)
        freeze(self.page, cast.ester())  # and once with another person's by mistake
        self.story.refresh_from_db()
        self.image = picture(self.consent)
        self.story.consent, self.story.picture = self.consent, self.image
        self.story.save()
        markdown = f'Före.\n\n![{ALT}]({self.image.url(480)} "Sokhunthea")\n\nEfter.'
        Page.objects.filter(pk=self.page.pk).update(image=self.image, body=markdown)
        self.page.refresh_from_db()
        Section.objects.create(page=self.page, heading="Så går det", text=markdown)
        Plan.objects.create(page=self.page, text=markdown)
        day = timezone.localdate()
        Update.objects.create(page=self.page, heading="Nytt", text=markdown, published_on=day)
        for text in (markdown, "Inga bilder", f"{markdown} Så är det."):
            SiteSettings(name="Långväga", about_control=text).save()
        cast.story(
            self.page, heading="Dara lagar pumpen", consent=self.other, text="Han har egna verktyg."
        )
        self.contact = Contact.objects.create(name="Lena Ek", image=self.image)
        cast.publish(self.page)
        Story.objects.filter(pk=self.story.pk).update(text=LATER)
        cast.publish(self.page)
        self.url = self.page.get_absolute_url()

    @property
    def words(self) -> list[str]:
        return [
            *HEADING.split(),
            *WORDS[:60].split(" till"),
            "pumpen tvärs",
            WHO,
            ALT,
            self.image.key,
            "Mikael Sandbäck",
            "på khmer",
        ]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def editor(client: Client) -> Client:
    return cast.sign_in(client, cast.ester())


def everything_stored() -> str:
    """Every column of every table, as text, however it is escaped there."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                found += [f"{table}: {_plain(value)}" for value in row if value is not None]
    return "\n".join(found)


def _plain(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode(errors="replace")
    text = str(value)
    try:
        return json.dumps(json.loads(text), ensure_ascii=False) if "\\u" in text else text
    except ValueError:
        return text


def files() -> dict[str, bytes]:
    root = Path(settings.MEDIA_ROOT)
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def html(url: str) -> str:
    answer = Client().get(url)
    assert answer.status_code == 200
    return answer.content.decode().replace("\N{SOFT HYPHEN}", "")


# Withdrawal


def test_withdrawal_hides_the_story_and_its_pictures_at_once_everywhere(told: Told) -> None:
    before = html(told.url)
    assert HEADING in before
    assert f"{told.image.key}-" in before
    Consent.objects.filter(pk=told.consent.pk).update(withdrawn_at=timezone.now())
    for url in [told.url, "/", "/projekt/"]:
        shown = html(url)
        assert HEADING not in shown
        assert f'src="{told.image.src}"' not in shown
    assert Client().get(told.image.src).status_code == 404
    assert "Dara lagar pumpen" in html(told.url)


def test_withdrawal_without_erasure_can_be_undone(told: Told) -> None:
    Consent.objects.filter(pk=told.consent.pk).update(withdrawn_at=timezone.now())
    Consent.objects.filter(pk=told.consent.pk).update(withdrawn_at=None)
    assert HEADING in html(told.url)


# Erasure


def test_after_erasure_nothing_of_the_story_or_the_picture_is_stored_anywhere(told: Told) -> None:
    stored, media = everything_stored(), files()
    assert [word for word in told.words if word not in stored] == []
    bytes_of = {data for name, data in media.items() if told.image.key in name}
    assert len(bytes_of) == 3

    consents.erase(told.consent, by=cast.ester())

    stored, media = everything_stored(), files()
    assert [word for word in told.words if word in stored] == []
    assert not bytes_of & set(media.values())
    assert not any(told.image.key in name for name in media)


def test_after_erasure_the_public_pages_still_stand(told: Told) -> None:
    consents.erase(told.consent, by=cast.ester())
    shown = html(told.url)
    assert "Före." in shown
    assert "Efter." in shown
    assert "Dara lagar pumpen" in shown
    for url in ["/", "/projekt/", "/kontakt/"]:
        assert Client().get(url).status_code in (200, 404)


def test_erasure_leaves_the_rest_of_the_versions_as_they_were(told: Told) -> None:
    before = {v.pk: v for v in Version.objects.all()}
    published = list(Publication.objects.values())
    consents.erase(told.consent, by=cast.ester())
    after = {v.pk: v for v in Version.objects.all()}
    assert after.keys() == before.keys()
    for pk, version in after.items():
        was = before[pk]
        for name in (
            "number",
            "by_id",
            "created_at",
            "format",
            "title",
            "summary",
            "focus_area_id",
        ):
            assert getattr(version, name) == getattr(was, name)
        same = {name for name, value in was.content.items() if version.content[name] == value}
        assert set(was.content) - same <= {
            *("stories", "image", "body", "sections", "plans", "updates")
        }
        others = [s for s in was.content["stories"] if s["heading"] != HEADING]
        assert version.content["stories"] == others
    assert list(Publication.objects.values()) == published


def test_after_erasure_the_page_counts_as_unchanged_since_it_was_published(told: Told) -> None:
    newest = told.page.versions.first()
    consents.erase(told.consent, by=cast.ester())
    assert freeze(Page.objects.get(pk=told.page.pk), cast.ester()) == newest


def test_a_story_of_another_person_under_the_same_heading_stays(told: Told) -> None:
    kept = cast.story(told.page, heading=HEADING, text="Hon odlar pumpor.", consent=told.other)
    freeze(told.page, cast.ester())
    consents.erase(told.consent, by=cast.ester())
    assert Story.objects.filter(pk=kept.pk).exists()
    newest = told.page.versions.first()
    assert newest
    assert "Hon odlar pumpor." in [story["text"] for story in newest.content["stories"]]


def test_a_copy_of_the_story_on_another_page_goes_with_it(told: Told) -> None:
    copy = cast.project("kopia")
    cast.story(copy, heading="Kopierad", text=WORDS, who=WHO)
    freeze(copy, cast.ester())
    consents.erase(told.consent, by=cast.ester())
    assert not Story.objects.filter(page=copy).exists()
    assert WORDS[:30] not in everything_stored()


def test_erasure_leaves_the_bare_fact_in_the_audit_list(told: Told) -> None:
    consents.erase(told.consent, by=cast.ester())
    event = Event.objects.first()
    assert event
    assert event.text == f"Raderade allt som samtycke nr {told.consent.pk} gällde"
    assert event.by == cast.ester()
    assert not Consent.objects.filter(pk=told.consent.pk).exists()


def test_a_file_that_could_not_be_taken_away_is_told_of_sent_to_nobody_and_taken_the_same_day(
    editor: Client, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = picture(told.other)

    def refuse(name: str) -> None:
        raise OSError(f"{name}: no answer")

    with monkeypatch.context() as storage:
        storage.setattr(default_storage, "delete", refuse)
        url = f"/admin/projects/consent/{told.consent.pk}/radera/"
        answer = editor.post(url, {"understood": "on"}, follow=True)
    assert "rester finns kvar på servern" in answer.content.decode()
    assert told.image.key not in everything_stored()
    assert Client().get(told.image.src).status_code == 404
    assert is_stored(told.image)

    # A file may belong to a picture that is being uploaded: it is left alone for an hour.
    assert told.image.names()[0] not in remains.files_without_rows(timezone.now())
    later = timezone.now() + datetime.timedelta(hours=1, seconds=1)
    assert remains.remove_files(remains.files_without_rows(later))
    assert not is_stored(told.image)
    assert is_stored(kept)


def test_what_could_not_be_finished_is_finished_by_the_daily_command(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = told.image.names()
    monkeypatch.setattr(remains, "files_without_rows", lambda at: names)
    monkeypatch.setattr(remains, "empty_log", lambda: True)
    out = io.StringIO()
    call_command("finish_erasures", stdout=out)
    assert "Removed 3 files" in out.getvalue()
    assert not is_stored(told.image)
    monkeypatch.setattr(remains, "empty_log", lambda: False)
    with pytest.raises(CommandError):
        call_command("finish_erasures", stdout=out)


def test_an_erasure_that_fails_leaves_everything_as_it_was(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("no answer")

    monkeypatch.setattr(audit, "record", fail)
    before, media = everything_stored(), files()
    with pytest.raises(OSError, match="no answer"):
        consents.erase(told.consent, by=cast.ester())
    assert everything_stored() == before
    assert files() == media


def test_what_has_been_erased_already_is_not_erased_again(told: Told) -> None:
    consents.erase(told.consent, by=cast.ester())
    consents.erase(told.consent, by=cast.ester())
    assert Event.objects.filter(text__startswith="Raderade allt").count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's files")
@pytest.mark.django_db(transaction=True)
def test_after_erasure_nothing_of_it_is_left_in_the_bytes_of_the_database() -> None:
    told = Told()
    words = [told.image.key, WORDS[18:60], "pumpen tv", "Vattenb", "Mikael Sandb"]
    assert [word for word in words if word not in bytes_on_disk()] == []
    assert consents.erase(told.consent, by=cast.ester())
    assert [word for word in words if word in bytes_on_disk()] == []
    assert "Dara lagar pumpen" in bytes_on_disk()


def bytes_on_disk() -> str:
    """The database's file and its log, as SQLite wrote them."""
    name = str(connection.settings_dict["NAME"])
    return "".join(
        path.read_bytes().decode("latin-1")
        for suffix in ("", "-wal")
        if (path := Path(name + suffix)).exists()
    )


def is_stored(image: Image) -> bool:
    return any(image.key in name for name in files())


def test_every_text_of_a_page_that_may_have_pictures_is_looked_through() -> None:
    texts: set[tuple[Any, str]] = set()
    for model_admin in site._registry.values():
        for part in [model_admin, *getattr(model_admin, "inlines", [])]:
            if getattr(part, "markdown_has_pictures", False):
                of_page = isinstance(part, PageAdmin)
                texts |= {(Page if of_page else part.model, name) for name in part.markdown_fields}
    assert texts == set(library.TEXTS)


@pytest.mark.parametrize(
    "written",
    [
        "![Hon]({})",
        '![Hon]({} "Nai")',
        "![Hon [vid] pumpen](<{}>)",
        "[![Hon]({})]({})",
        "[Hon]: {}",
        "[se bilden](https://example.org{})",
    ],
)
def test_a_picture_goes_from_a_text_however_it_was_written_there(written: str) -> None:
    image = picture(cast.consent())
    text = f"Före {written.replace('{}', image.url(800))} efter ![Kvar](/media/bilder/{'0' * 32}-480.webp)"
    left = consents.without_these(text, [image])
    assert image.key not in left
    assert left.startswith("Före ")
    assert left.endswith(f"efter ![Kvar](/media/bilder/{'0' * 32}-480.webp)")


# The editor's pages


def test_the_page_before_an_erasure_says_exactly_what_will_go(editor: Client, told: Told) -> None:
    page = editor.get(f"/admin/projects/consent/{told.consent.pk}/radera/").content.decode()
    assert f"”{HEADING}” på sidan Brunnar i Takeo" in page
    assert ALT in page
    assert "Brunnar i Takeo: version 1, 2, 3, 4" in page
    assert "Det går inte att ångra." in page
    assert Story.objects.filter(pk=told.story.pk).exists()


def test_nothing_is_erased_until_the_box_is_ticked(editor: Client, told: Told) -> None:
    url = f"/admin/projects/consent/{told.consent.pk}/radera/"
    refused = editor.post(url, {})
    assert "Kryssa i rutan" in refused.content.decode()
    assert Consent.objects.filter(pk=told.consent.pk).exists()
    done = editor.post(url, {"understood": "on"}, follow=True)
    assert f"Allt som samtycke nr {told.consent.pk} gällde är raderat." in done.content.decode()
    assert not Consent.objects.filter(pk=told.consent.pk).exists()


def test_a_form_that_was_open_during_the_erasure_does_not_bring_the_story_back(
    editor: Client, told: Told
) -> None:
    url = f"/admin/projects/project/{told.page.pk}/change/"
    form = form_of(editor, url)
    consents.erase(told.consent, by=cast.ester())
    answer = editor.post(url, form)
    assert answer.status_code == 200
    assert not Story.objects.filter(heading=HEADING).exists()
    assert WORDS[:30] not in everything_stored()


def test_nor_does_one_that_was_opened_before_somebody_else_saved(
    editor: Client, told: Told
) -> None:
    url = f"/admin/projects/project/{told.page.pk}/change/"
    Page.objects.filter(pk=told.page.pk).update(image=None, body="")
    for part in (Plan, Section, Update):
        part.objects.filter(page=told.page).update(text="Ingen bild")
    form = form_of(editor, url) | {"stories-0-consent": "", "stories-0-picture": ""}
    Page.objects.filter(pk=told.page.pk).update(summary="Det andra skrev")
    newest = freeze(told.page, cast.ester())
    consents.erase(told.consent, by=cast.ester())
    assert editor.post(url, form).status_code == 200
    assert editor.post(url, form | {"seen": newest.number}).status_code == 302
    assert WORDS[:30] not in everything_stored()


def test_a_story_of_another_person_that_begins_in_the_same_words_stays(told: Told) -> None:
    page = cast.project("filter")
    text = (
        f"{WORDS[:60]} Men filtret gick sönder, och han fick laga det själv med vad han hade hemma."
    )
    cast.story(page, heading="Dara", text=text, consent=told.other)
    freeze(page, cast.ester())
    consents.erase(told.consent, by=cast.ester())
    assert Story.objects.get(page=page).text == text
    assert page.versions.get().content["stories"]


def test_a_story_without_a_consent_of_its_own_is_not_brought_back_by_such_a_form_either(
    editor: Client, told: Told
) -> None:
    copy = cast.project("kopia")
    cast.story(copy, heading="Kopierad", text=WORDS, who=WHO)
    freeze(copy, cast.ester())
    url = f"/admin/projects/project/{copy.pk}/change/"
    form = form_of(editor, url) | {"summary": "Det här skrev jag"}
    consents.erase(told.consent, by=cast.ester())
    answer = editor.post(url, form, follow=True)
    assert "har tagit bort en berättelse som du har öppen" in answer.content.decode()
    assert Page.objects.get(pk=copy.pk).summary == "Det här skrev jag"
    assert WORDS[:30] not in everything_stored()


@pytest.mark.parametrize("words", ["åsa", "ÅSA", "Änkan Åsa"])
def test_consents_contacts_and_pages_are_found_in_capitals_or_not(
    editor: Client, words: str
) -> None:
    cast.consent(subject="Åsa, änkan i byn")
    Contact.objects.create(name="Åsa", role="Änkan")
    cast.project(title="Änkan Åsa gräver")
    cast.project("annat")
    for name in ("consent", "contact", "project"):
        answer = editor.get(f"/admin/projects/{name}/", {"q": words})
        assert answer.context["cl"].result_count == 1, name


def test_what_was_there_before_the_search_is_found_too(editor: Client) -> None:
    cast.consent(subject="Åsa")
    cast.project(title="Åsas brunn")
    Contact.objects.create(name="Åsa")
    for model in (Consent, Contact, Page):
        model.objects.update(search_text="")
    migration = import_module("projects.migrations.0005_search_texts")
    migration.fill_search_text(apps, connection.schema_editor())
    for name in ("consent", "contact", "project"):
        found = editor.get(f"/admin/projects/{name}/", {"q": "åsa"}).context["cl"].result_count
        assert found == 1, name


def form_of(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send of the form at `url`, unchanged."""
    context = client.get(url).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    sent: dict[str, Any] = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                sent[field.html_name] = value
    return sent


def test_the_list_of_consents_that_end_soon_holds_those_and_the_first_to_end_first(
    editor: Client,
) -> None:
    today = timezone.localdate()

    def ending(name: str, days: int, **fields: Any) -> None:
        day = today + datetime.timedelta(days=days)
        cast.consent(subject=name, valid_until=day, **fields)

    ending("Om sextio dagar", 60)
    ending("Om sextioen dagar", 61)
    ending("I dag", 0)
    ending("I går", -1)
    ending("Återkallat samtycke", 5, withdrawn_at=timezone.now())
    answer = editor.get("/admin/projects/consent/?samtycke=snart")
    assert [c.subject for c in answer.context["cl"].result_list] == ["I dag", "Om sextio dagar"]
    assert "Upphör snart" in answer.content.decode()


def test_the_list_says_where_each_consent_is_used(editor: Client, told: Told) -> None:
    page = editor.get("/admin/projects/consent/").content.decode()
    assert f'<a href="/admin/projects/project/{told.page.pk}/change/">Brunnar i Takeo</a>' in page
    assert f'<a href="/admin/projects/contact/{told.contact.pk}/change/">Lena Ek</a>' in page


def test_who_may_only_read_cannot_erase(client: Client, told: Told) -> None:
    cast.sign_in(client, cast.astrid())
    url = f"/admin/projects/consent/{told.consent.pk}/radera/"
    assert client.get(url).status_code == 403
    assert client.post(url, {"understood": "on"}).status_code == 403
    assert Consent.objects.filter(pk=told.consent.pk).exists()
