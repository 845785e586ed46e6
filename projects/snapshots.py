"""A page's whole content as one value: taken from the working copy or from a stored version.

`freeze` turns the first into the second. Both are rendered through the same
structure, so a preview is what will be published.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, Model

from projects.markdown import without_pictures
from projects.models import (
    Achievement,
    ContentRow,
    FocusArea,
    Image,
    KeyFigure,
    Organisation,
    Page,
    Plan,
    Project,
    Section,
    Story,
    Update,
    Version,
)
from projects.models.pictures import keys_in
from projects.models.versions import VersionCountry, VersionImage
from projects.words import searchable
from staff.models import User

FORMAT = 1

# The rows of a page and the fields of each that a version keeps.
ROWS: dict[str, tuple[type[ContentRow], tuple[str, ...]]] = {
    "achievements": (Achievement, ("number", "period", "text")),
    "plans": (Plan, ("heading", "text")),
    "stories": (Story, ("heading", "text", "who", "is_pseudonym", "consent_id", "picture")),
    "key_figures": (KeyFigure, ("value", "label", "source")),
    "sections": (Section, ("heading", "text")),
    "updates": (Update, ("published_on", "heading", "text")),
}
_NOT_SEARCHED = {"stories", "image", "hue", "organisation_kind", "website", "published_on"}
_PAGE_TEXTS = ("body", "achievements_intro")


@dataclass(frozen=True)
class Snapshot:
    """What a page says. `content` is JSON: texts, the picture and the ordered rows."""

    title: str
    summary: str
    search_text: str
    focus_area_id: int | None
    contact_id: int | None
    qualifies_for_tax_reduction: bool
    countries: tuple[str, ...]
    partner_ids: tuple[int, ...]
    similar_ids: tuple[int, ...]
    image_ids: tuple[int, ...]
    content: dict[str, Any]


def typed(page: Page) -> FocusArea | Project | Organisation:
    """The page as its own type: `Project`, `FocusArea` or `Organisation`."""
    if isinstance(page, FocusArea | Project | Organisation):
        return page
    models: dict[str, type[FocusArea | Project | Organisation]] = {
        Page.Kind.PROJECT: Project,
        Page.Kind.FOCUS_AREA: FocusArea,
        Page.Kind.ORGANISATION: Organisation,
    }
    return models[page.kind].objects.get(pk=page.pk)


def from_page(page: Page) -> Snapshot:
    """The working copy of `page` as it stands in the database now."""
    page = typed(page)
    content: dict[str, Any] = {name: _plain(getattr(page, name)) for name in _PAGE_TEXTS}
    content["image"] = _picture(page.image)
    content |= {name: list(_rows(page, *shape)) for name, shape in ROWS.items()}
    if isinstance(page, FocusArea):
        content["hue"] = page.hue
    if isinstance(page, Organisation):
        content |= {"organisation_kind": page.organisation_kind, "website": page.website}
    project = page if isinstance(page, Project) else None
    return Snapshot(
        title=page.title,
        summary=_plain(page.summary),
        search_text=search_text(page.title, page.summary, content),
        focus_area_id=project.focus_area_id if project else None,
        contact_id=page.contact_id,
        qualifies_for_tax_reduction=bool(project and project.qualifies_for_tax_reduction),
        countries=tuple(sorted(str(country) for country in project.countries)) if project else (),
        partner_ids=_ids(project.partners.all()) if project else (),
        similar_ids=_ids(project.similar.all()) if project else (),
        image_ids=tuple(sorted(_image_ids(content))),
        content=content,
    )


def search_text(title: str, summary: str, content: dict[str, Any]) -> str:
    """What the search looks through of a page that says this.

    It stands in the page's order, whatever order a database has given the JSON back in.
    """
    searched: list[Any] = [title, summary, *(content[name] for name in _PAGE_TEXTS)]
    for name, (_model, fields) in ROWS.items():
        if name not in _NOT_SEARCHED:
            kept = [field for field in fields if field not in _NOT_SEARCHED]
            searched += [row[field] for row in content[name] for field in kept]
    return searchable(" ".join(_texts(searched)))


def from_version(version: Version) -> Snapshot:
    """The content of a stored version."""
    return Snapshot(
        title=version.title,
        summary=version.summary,
        search_text=version.search_text,
        focus_area_id=version.focus_area_id,
        contact_id=version.contact_id,
        qualifies_for_tax_reduction=version.qualifies_for_tax_reduction,
        countries=tuple(sorted(str(row.country) for row in version.countries.all())),
        partner_ids=_ids(version.partners.all()),
        similar_ids=_ids(version.similar.all()),
        image_ids=_ids(version.images.all()),
        content=version.content,
    )


def freeze(page: Page, user: User) -> Version:
    """Store the working copy as a new version, unless the newest one already says the same."""
    with transaction.atomic():
        # One numbers at a time: two editors who save at once get two versions.
        Page.objects.select_for_update().get(pk=page.pk)
        snapshot = from_page(page)
        newest = page.versions.first()
        if newest and newest.format == FORMAT and from_version(newest) == snapshot:
            return newest
        number = (page.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version = Version.objects.create(
            page_id=page.pk,
            number=number,
            by=user,
            format=FORMAT,
            title=snapshot.title,
            summary=snapshot.summary,
            search_text=snapshot.search_text,
            focus_area_id=snapshot.focus_area_id,
            contact_id=snapshot.contact_id,
            qualifies_for_tax_reduction=snapshot.qualifies_for_tax_reduction,
            content=snapshot.content,
        )
        version.partners.set(snapshot.partner_ids)
        version.similar.set(snapshot.similar_ids)
        VersionCountry.objects.bulk_create(
            VersionCountry(version=version, country=c) for c in snapshot.countries
        )
        VersionImage.objects.bulk_create(
            VersionImage(version=version, image_id=i) for i in snapshot.image_ids
        )
    return version


def _rows(page: Page, model: type[ContentRow], fields: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    for row in model._default_manager.filter(page_id=page.pk):
        yield {field: _plain(getattr(row, field)) for field in fields}


def _plain(value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, Image):
        return _picture(value)
    if isinstance(value, str):
        # A form sends its lines as \r\n. Saved again, a text that nobody has changed stays what it was.
        return value.replace("\r\n", "\n")
    return value.isoformat() if hasattr(value, "isoformat") else value


def _picture(image: Image | None) -> dict[str, Any] | None:
    return {"id": image.pk, "alt": image.alt, "credit": image.credit} if image else None


def _ids(objects: Iterable[Model]) -> tuple[int, ...]:
    return tuple(sorted(o.pk for o in objects))


def _image_ids(content: dict[str, Any]) -> set[int]:
    pictures = [content["image"], *(story["picture"] for story in content["stories"])]
    written = Image.objects.filter(key__in=keys_in(content)).values_list("pk", flat=True)
    return {picture["id"] for picture in pictures if picture} | set(written)


def _texts(value: Any) -> Iterable[str]:
    """Every text in a JSON value that the search may find.

    Stories and pictures are not searched: consent to show one can end at any moment.
    """
    if isinstance(value, str):
        if value:
            yield without_pictures(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _NOT_SEARCHED:
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
