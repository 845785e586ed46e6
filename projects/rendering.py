"""From a snapshot to what a template shows, with everything that is looked up live.

Live are: contact, other pages' names and addresses (one that is not published
is left out) and consent. Texts, pictures' descriptions and order come from the
snapshot.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.safestring import SafeString
from django_countries import countries as all_countries

from projects.markdown import render
from projects.models import Consent, Contact, Image, Page, Version
from projects.models.versions import VersionQuerySet
from projects.snapshots import Snapshot, from_version

_LAST_LETTERS = str.maketrans({"å": "{", "ä": "|", "ö": "}"})


@dataclass(frozen=True)
class Picture:
    """A picture that may be shown now."""

    image: Image
    alt: str
    credit: str

    @property
    def src(self) -> str:
        return self.image.src

    @property
    def srcset(self) -> str:
        return self.image.srcset

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    @property
    def focus(self) -> str:
        return self.image.focus


@dataclass(frozen=True)
class PageLink:
    """A published page as other pages name it."""

    pk: int
    slug: str
    title: str
    url: str
    summary: str
    image: Picture | None
    countries: list[str]
    hue: str = ""
    focus_area_id: int | None = None
    search_text: str = ""


@dataclass(frozen=True)
class AchievementView:
    number: str
    period: str
    text: str


@dataclass(frozen=True)
class TextView:
    """A heading with a text: a plan or a free section."""

    heading: str
    text: SafeString


@dataclass(frozen=True)
class StoryView:
    heading: str
    text: SafeString
    who: str
    is_pseudonym: bool
    picture: Picture | None


@dataclass(frozen=True)
class KeyFigureView:
    value: str
    label: str
    source: str


@dataclass(frozen=True)
class UpdateView:
    published_on: datetime.date
    heading: str
    text: SafeString
    page: PageLink | None = None


@dataclass(frozen=True)
class ContactView:
    name: str
    role: str
    email: str
    phone: str
    greeting: str
    picture: Picture | None


@dataclass(frozen=True)
class PageView:
    """Everything a page's template shows, the money aside."""

    pk: int
    kind: str
    title: str
    summary: str
    body: SafeString
    url: str
    image: Picture | None
    focus_area: PageLink | None
    hue: str
    countries: list[str]
    partners: list[PageLink]
    similar: list[PageLink]
    achievements_intro: str
    achievements: list[AchievementView]
    plans: list[TextView]
    stories: list[StoryView]
    key_figures: list[KeyFigureView]
    sections: list[TextView]
    updates: list[UpdateView]
    contact: ContactView | None
    qualifies_for_tax_reduction: bool
    organisation_kind: str
    website: str
    published_at: datetime.datetime | None
    is_preview: bool


class Pictures:
    """The pictures among some contents that may be shown at a moment, fetched at once."""

    def __init__(self, image_ids: Iterable[int], at: datetime.datetime) -> None:
        shown = Image.objects.filter(pk__in=set(image_ids), consent__in=Consent.objects.valid(at))
        self._images = {image.pk: image for image in shown}

    def get(self, picture: dict[str, Any] | None) -> Picture | None:
        image = self._images.get(picture["id"]) if picture else None
        return Picture(image, picture["alt"], picture["credit"]) if image and picture else None


def links(versions: Iterable[Version], at: datetime.datetime) -> list[PageLink]:
    """The given published versions as links, in their order (select_related `page` first)."""
    versions = list(versions)
    pictures = Pictures((v.content["image"]["id"] for v in versions if v.content["image"]), at)
    return [
        PageLink(
            pk=version.page_id,
            slug=version.page.slug,
            title=version.title,
            url=version.page.get_absolute_url(),
            summary=version.summary,
            image=pictures.get(version.content["image"]),
            countries=_country_names(str(row.country) for row in version.countries.all()),
            hue=version.content.get("hue", ""),
            focus_area_id=version.focus_area_id,
            search_text=version.search_text,
        )
        for version in versions
    ]


def published_links(page_ids: Iterable[int], at: datetime.datetime) -> list[PageLink]:
    """Those of the given pages that are published, as links by title."""
    return links(
        published().filter(page_id__in=set(page_ids)).published(at).order_by("title", "page_id"), at
    )


def published() -> VersionQuerySet:
    """Versions with what links are made of."""
    return Version.objects.select_related("page").prefetch_related("countries")


def news(versions: Iterable[Version], at: datetime.datetime) -> list[UpdateView]:
    """All dated news among the given published versions, the newest first."""
    versions = list(versions)
    found = [(u, version) for version in versions for u in _out(version.content["updates"], at)]
    found.sort(key=lambda item: (item[0]["published_on"], item[1].page_id), reverse=True)
    by_page = {link.pk: link for link in links(versions, at)}
    return [_update(update, at, by_page[version.page_id]) for update, version in found]


def contacts(
    versions: Iterable[Version], at: datetime.datetime
) -> list[tuple[ContactView, list[PageLink]]]:
    """Whom a reader can turn to about the given published versions, by name, with the pages of each."""
    pages: dict[int, list[PageLink]] = {}
    versions = list(versions)
    for version, link in zip(versions, links(versions, at), strict=True):
        if version.contact_id:
            pages.setdefault(version.contact_id, []).append(link)
    people = Contact.objects.filter(pk__in=pages).select_related("image")
    pictures = Pictures((person.image_id for person in people if person.image_id), at)
    return [(_contact(person, pictures), pages[person.pk]) for person in people]


def page_view(
    page: Page,
    snapshot: Snapshot,
    at: datetime.datetime,
    *,
    published_at: datetime.datetime | None = None,
    is_preview: bool = False,
) -> PageView:
    """What the template of `page` shows of `snapshot` at the moment `at` (aware)."""
    content = snapshot.content
    pictures = Pictures(snapshot.image_ids, at)
    area_ids = {snapshot.focus_area_id} if snapshot.focus_area_id else set()
    named = {
        link.pk: link
        for link in published_links(
            area_ids | set(snapshot.partner_ids) | set(snapshot.similar_ids), at
        )
    }
    focus_area = named.get(snapshot.focus_area_id) if snapshot.focus_area_id else None
    return PageView(
        pk=page.pk,
        kind=page.kind,
        title=snapshot.title,
        summary=snapshot.summary,
        body=render(content["body"], top_heading=2, at=at),
        url=page.get_absolute_url(),
        image=pictures.get(content["image"]),
        focus_area=focus_area,
        hue=content.get("hue") or (focus_area.hue if focus_area else ""),
        countries=_country_names(snapshot.countries),
        partners=[link for link in named.values() if link.pk in snapshot.partner_ids],
        similar=[link for link in named.values() if link.pk in snapshot.similar_ids],
        achievements_intro=content["achievements_intro"],
        achievements=[AchievementView(**row) for row in content["achievements"]],
        plans=[
            TextView(row["heading"], render(row["text"], top_heading=4, at=at))
            for row in content["plans"]
        ],
        stories=_stories(content["stories"], pictures, at),
        key_figures=[KeyFigureView(**row) for row in content["key_figures"]],
        sections=[
            TextView(row["heading"], render(row["text"], top_heading=3, at=at))
            for row in content["sections"]
        ],
        updates=[_update(row, at) for row in _out(content["updates"], at)],
        contact=_contact_of(snapshot, at),
        qualifies_for_tax_reduction=snapshot.qualifies_for_tax_reduction,
        organisation_kind=content.get("organisation_kind", ""),
        website=content.get("website", ""),
        published_at=published_at,
        is_preview=is_preview,
    )


def version_view(version: Version, at: datetime.datetime) -> PageView:
    """What visitors see of a published version."""
    return page_view(version.page, from_version(version), at, published_at=version.created_at)


def _stories(
    rows: list[dict[str, Any]], pictures: Pictures, at: datetime.datetime
) -> list[StoryView]:
    """The stories whose consent holds; the others are left out."""
    asked = {row["consent_id"] for row in rows}
    valid = (
        set(Consent.objects.filter(pk__in=asked).valid(at).values_list("pk", flat=True))
        if asked
        else set()
    )
    return [
        StoryView(
            heading=row["heading"],
            text=render(row["text"], top_heading=3, at=at),
            who=row["who"],
            is_pseudonym=row["is_pseudonym"],
            picture=pictures.get(row["picture"]),
        )
        for row in rows
        if row["consent_id"] in valid
    ]


def _out(updates: list[dict[str, Any]], at: datetime.datetime) -> list[dict[str, Any]]:
    """The news whose day has come."""
    today = timezone.localdate(at).isoformat()
    return [update for update in updates if update["published_on"] <= today]


def _update(row: dict[str, Any], at: datetime.datetime, page: PageLink | None = None) -> UpdateView:
    day = parse_date(row["published_on"])
    assert day is not None
    return UpdateView(day, row["heading"], render(row["text"], top_heading=4, at=at), page)


def _contact_of(snapshot: Snapshot, at: datetime.datetime) -> ContactView | None:
    if snapshot.contact_id is None:
        return None
    person = Contact.objects.select_related("image").filter(pk=snapshot.contact_id).first()
    return (
        _contact(person, Pictures([person.image_id] if person.image_id else [], at))
        if person
        else None
    )


def _contact(person: Contact, pictures: Pictures) -> ContactView:
    image = person.image
    picture = (
        pictures.get({"id": image.pk, "alt": image.alt, "credit": image.credit}) if image else None
    )
    return ContactView(
        person.name, person.role, person.email, person.phone, person.greeting, picture
    )


def _country_names(codes: Iterable[str]) -> list[str]:
    return sorted((all_countries.name(code) for code in codes), key=swedish_order)


def swedish_order(text: str) -> str:
    """A key that sorts å, ä and ö last, in that order."""
    return text.casefold().translate(_LAST_LETTERS)
