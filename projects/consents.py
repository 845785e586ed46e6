"""Withdrawal with erasure: what a consent covers is taken out of everything that is stored.

Only withdrawing it hides the same things at once (`ConsentQuerySet.valid`) and can be undone.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from projects import remains, snapshots, turns
from projects.library import TEXTS
from projects.markdown import without_pictures
from projects.models import Consent, Contact, Image, Page, SiteSettings, Story, Version
from projects.models.versions import VersionImage
from projects.words import searchable
from staff import audit
from staff.models import User

# Every text that can name a picture: the site's own have no pictures, but may have had, as their history
# may.
_TEXTS = (
    *TEXTS,
    *(
        (model, field.name)
        for model in (SiteSettings, SiteSettings.history.model)
        for field in SiteSettings._meta.get_fields()
        if isinstance(field, models.TextField)
    ),
)

# So many words in the same order are the same story, told in another version of it.
_SAME_WORDS = 8


@dataclass
class Erasure:
    """Exactly what an erasure takes away, before it is done."""

    consent: Consent
    images: list[Image]
    stories: list[Story]
    # Versions as they will be: their content without it.
    versions: list[Version] = field(default_factory=list)

    @property
    def by_page(self) -> list[tuple[Page, list[int]]]:
        """The pages whose versions are rewritten, with the numbers of those versions."""
        pages: dict[int, tuple[Page, list[int]]] = {}
        for version in self.versions:
            pages.setdefault(version.page_id, (version.page, []))[1].append(version.number)
        return [(page, sorted(numbers)) for page, numbers in pages.values()]


def erasure_of(consent: Consent) -> Erasure:
    """What erasing everything that leans on `consent` takes away. Changes nothing.

    A story is followed through the versions by its words, too: before it had this consent it may
    have been saved with none, or by mistake with another one.
    """
    images = list(consent.images.order_by("pk"))
    stories = list(consent.stories.select_related("page").order_by("page_id", "position", "pk"))
    erasure = Erasure(consent, images, stories)
    told = _Told(consent.pk)
    for story in stories:
        told.learn(_row(story), story.page_id)
    saved = list(Version.objects.values_list("pk", "page_id", "content__stories"))
    # A story that was rewritten bit by bit is found by way of the versions between.
    while sum(told.learn(row, page_id) for _pk, page_id, rows in saved for row in rows):
        pass
    erasure.stories += [
        story
        for story in Story.objects.exclude(consent=consent).select_related("page")
        if told.knows(_row(story), story.page_id)
    ]
    touched = {
        pk for pk, page_id, rows in saved if any(told.knows(row, page_id) for row in rows)
    } | set(VersionImage.objects.filter(image__in=images).values_list("version_id", flat=True))
    versions = Version.objects.filter(pk__in=touched).select_related("page")
    for version in versions.order_by("page_id", "number"):
        version.content = _without(version.content, told, version.page_id, images)
        version.search_text = snapshots.search_text(version.title, version.summary, version.content)
        erasure.versions.append(version)
    return erasure


def erase(consent: Consent, by: User) -> bool:
    """Take what leans on `consent` out of the working copy, every version and the media storage; then the
    consent itself. The audit list keeps that it was done, and nothing of what it was about.

    False when remains of it could not be taken away at once: `manage.py finish_erasures` does.
    """
    with transaction.atomic(durable=True):
        # Whoever writes content has finished: nobody stores a copy while we look for them.
        turns.take()
        found = Consent.objects.filter(pk=consent.pk).first()
        names = _erase_rows(found, by) if found else []
    return remains.remove(names)


def _erase_rows(consent: Consent, by: User) -> list[str]:
    """Everything but the files, whose names it gives."""
    erasure = erasure_of(consent)
    names = [name for image in erasure.images for name in image.names()]
    for version in erasure.versions:
        version.save(update_fields=["content", "search_text"])
    Story.objects.filter(pk__in=[story.pk for story in erasure.stories]).delete()
    _erase_images(erasure.images)
    audit.record(
        audit.Area.CONTENT,
        _("Raderade allt som samtycke nr %s gällde") % consent.pk,
        by=by,
        about=consent,
    )
    consent.delete()
    return names


def _erase_images(images: list[Image]) -> None:
    Page.objects.filter(image__in=images).update(image=None)
    Contact.objects.filter(image__in=images).update(image=None)
    Story.objects.filter(picture__in=images).update(picture=None)
    VersionImage.objects.filter(image__in=images).delete()
    if images:
        for model, name in _TEXTS:
            _clear_texts(model, name, images)
    for image in images:
        image.delete()


def _clear_texts(model: Any, name: str, images: list[Image]) -> None:
    for row in model._default_manager.filter(**{f"{name}__contains": "/media/bilder/"}):
        text = getattr(row, name)
        cleared = without_these(text, images)
        if cleared != text:
            model._default_manager.filter(pk=row.pk).update(**{name: cleared})


def without_these(text: str, images: Iterable[Image]) -> str:
    """The Markdown text without the pictures, what they are said to show included."""
    keys = {image.key for image in images}
    text = without_pictures(text, keys)
    # However else they were written: at least the address goes.
    return re.sub(
        r"/media/bilder/([0-9a-f]{32})-[^\s)\"'<>]*",
        lambda found: "" if found[1] in keys else found[0],
        text,
    )


def _without(
    content: dict[str, Any], told: "_Told", page_id: int, images: list[Image]
) -> dict[str, Any]:
    """A version's content without the stories and the pictures."""
    gone = {image.pk for image in images}
    found = copy.deepcopy(content)
    found["stories"] = [row for row in found["stories"] if not told.knows(row, page_id)]
    for holder, name in [(found, "image"), *((row, "picture") for row in found["stories"])]:
        if holder[name] and holder[name]["id"] in gone:
            holder[name] = None
    return _each_text(found, images) if images else found


def _each_text(value: Any, images: list[Image]) -> Any:
    if isinstance(value, str):
        return without_these(value, images)
    if isinstance(value, dict):
        return {key: _each_text(item, images) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, images) for item in value]
    return value


class _Told:
    """How a consent's stories have been told: their words, and their headings by page."""

    def __init__(self, consent_id: int) -> None:
        self._consent_id = consent_id
        self._tellings: dict[str, frozenset[tuple[str, ...]]] = {}
        self._headings: set[tuple[int, str]] = set()

    def learn(self, row: dict[str, Any], page_id: int) -> bool:
        """Take in a story if it is one of these; tell whether it said anything new."""
        heading = (page_id, searchable(row["heading"]))
        if row["text"] in self._tellings and heading in self._headings:
            return False
        if not self.knows(row, page_id):
            return False
        self._tellings[row["text"]] = frozenset(_runs(row["text"]))
        self._headings.add(heading)
        return True

    def knows(self, row: dict[str, Any], page_id: int) -> bool:
        """Whether the story leans on the consent, or is told in its words under another one or under none,
        or, having no consent at all, stands under the same heading on the same page."""
        if row["consent_id"] == self._consent_id:
            return True
        if row["consent_id"] is None and (page_id, searchable(row["heading"])) in self._headings:
            return True
        runs = frozenset(_runs(row["text"]))
        return any(_is_same(runs, telling) for telling in self._tellings.values())


def _is_same(one: frozenset[Any], other: frozenset[Any]) -> bool:
    """Whether at least half of the shorter one's words stand in the other: more than an opening phrase."""
    return bool(one) and 2 * len(one & other) >= min(len(one), len(other)) > 0


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of `_SAME_WORDS` words in the text; a shorter text is one run."""
    words = re.findall(r"\w+", searchable(text))
    if words:
        for start in range(max(1, len(words) - _SAME_WORDS + 1)):
            yield tuple(words[start : start + _SAME_WORDS])


def _row(story: Story) -> dict[str, Any]:
    return {"heading": story.heading, "text": story.text, "consent_id": story.consent_id}
