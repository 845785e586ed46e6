"""Where pictures and what consents cover are used."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.urls import reverse

from projects.models import Consent, Contact, Image, Page, Plan, Section, Story, Update
from projects.models.pictures import keys_in
from projects.models.searched import Searched
from projects.models.versions import VersionImage
from projects.words import searchable

Row = TypeVar("Row", bound=Searched)

# Every Markdown text of the working copy that can hold a picture: the model, its field.
TEXTS = ((Page, "body"), (Plan, "text"), (Story, "text"), (Section, "text"), (Update, "text"))


@dataclass
class Use:
    """A page or a contact that something stands on: now, in stored versions, or both."""

    name: str
    url: str
    is_now: bool = False
    versions: set[int] = field(default_factory=set)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the versions, in their order."""
        return sorted(self.versions)


class _Uses:
    """Uses of several things, gathered by thing and then by page or contact."""

    def __init__(self) -> None:
        self._found: dict[int, dict[tuple[str, int], Use]] = defaultdict(dict)

    def on_page(self, thing: int, page: Page, version: int | None = None) -> None:
        use = self._found[thing].setdefault(
            ("page", page.pk),
            Use(page.title, reverse(f"admin:projects_{_model(page)}_change", args=[page.pk])),
        )
        if version is None:
            use.is_now = True
        else:
            use.versions.add(version)

    def on_contact(self, thing: int, contact: Contact) -> None:
        url = reverse("admin:projects_contact_change", args=[contact.pk])
        self._found[thing][("contact", contact.pk)] = Use(contact.name, url, is_now=True)

    def lists(self) -> dict[int, list[Use]]:
        return {thing: list(uses.values()) for thing, uses in self._found.items()}


def uses_of_images(images: Iterable[Image]) -> dict[int, list[Use]]:
    """Where each picture is used, by its primary key; one that is used nowhere is not among them."""
    images = list(images)
    found = _uses_now(images)
    kept = VersionImage.objects.filter(image__in=images).select_related("version__page")
    for row in kept.defer("version__content", "version__search_text"):
        found.on_page(row.image_id, row.version.page, row.version.number)
    return found.lists()


def _uses_now(images: Iterable[Image]) -> _Uses:
    ids = {image.key: image.pk for image in images}
    found = _Uses()
    for page in Page.objects.filter(image__in=ids.values()):
        assert page.image_id
        found.on_page(page.image_id, page)
    for story in Story.objects.filter(picture__in=ids.values()).select_related("page"):
        assert story.picture_id
        found.on_page(story.picture_id, story.page)
    for page, text in _texts_with_pictures():
        for key in keys_in(text) & set(ids):
            found.on_page(ids[key], page)
    for contact in Contact.objects.filter(image__in=ids.values()):
        assert contact.image_id
        found.on_contact(contact.image_id, contact)
    return found


def uses_of_consents(consents: Iterable[Consent]) -> dict[int, list[Use]]:
    """On which pages and contacts something leans on each consent now, by the consent's primary key."""
    ids = [consent.pk for consent in consents]
    found = _Uses()
    for story in Story.objects.filter(consent__in=ids).select_related("page"):
        assert story.consent_id
        found.on_page(story.consent_id, story.page)
    images = {image.pk: image for image in Image.objects.filter(consent__in=ids)}
    merged = found.lists()
    for image_id, uses in _uses_now(images.values()).lists().items():
        there = merged.setdefault(images[image_id].consent_id, [])
        names = {use.url for use in there}
        there += [use for use in uses if use.url not in names]
    return merged


def with_words(rows: QuerySet[Row], words: str) -> QuerySet[Row]:
    """Those whose text has every word, in capitals or not, å, ä and ö too."""
    for word in searchable(words).split():
        rows = rows.filter(search_text__contains=word)
    return rows


def _texts_with_pictures() -> Iterator[tuple[Page, str]]:
    for model, name in TEXTS:
        rows: Any = model._default_manager.filter(**{f"{name}__contains": "/media/bilder/"})
        for row in rows if model is Page else rows.select_related("page"):
            yield (row if model is Page else row.page), getattr(row, name)


def _model(page: Page) -> str:
    return page.kind.replace("_", "")
