"""Decisions about what visitors see. Nothing else writes `Publication`."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from projects.models import (
    CallOff,
    FocusArea,
    Organisation,
    Page,
    Project,
    Publication,
    Review,
    Version,
)
from staff import audit
from staff.models import User

_MODELS: dict[str, type[Page]] = {m.KIND: m for m in (FocusArea, Project, Organisation)}


@transaction.atomic
def publish(version: Version, by: User, from_at: datetime.datetime | None = None) -> Publication:
    """Let visitors see `version` from `from_at` (aware; now when none is given).

    What already waits for a later moment still waits.
    """
    publication = _decide(version.page_id, version, from_at or timezone.now(), by)
    text = _("Publicerade version %(number)s av %(page)s")
    if from_at:
        text = _("Planerade att publicera version %(number)s av %(page)s %(when)s")
    record(text, version.page, by, from_at, number=version.number)
    return publication


@transaction.atomic
def unpublish(page: Page, by: User, from_at: datetime.datetime | None = None) -> Publication:
    """Take the page away from visitors from `from_at` (aware), or now and for good when none is given.

    Now, what waits is called off as well: the page does not come back by itself.
    """
    if from_at is None:
        call_off(page, by)
    publication = _decide(page.pk, None, from_at or timezone.now(), by)
    text = (
        _("Planerade att avpublicera %(page)s %(when)s") if from_at else _("Avpublicerade %(page)s")
    )
    record(text, page, by, from_at)
    return publication


@transaction.atomic
def call_off(page: Page, by: User) -> int:
    """Call off everything that waits for its moment, and tell how much that was."""
    waiting = page.publications.filter(from_at__gt=timezone.now(), call_off=None)
    called_off = len(CallOff.objects.bulk_create(CallOff(publication=p, by=by) for p in waiting))
    if called_off:
        record(_("Avbröt det som var planerat för %(page)s"), page, by)
    return called_off


def _decide(
    page_id: int, version: Version | None, from_at: datetime.datetime, by: User
) -> Publication:
    return Publication.objects.create(page_id=page_id, version=version, from_at=from_at, by=by)


def record(
    text: str, page: Page, by: User, from_at: datetime.datetime | None = None, **more: object
) -> None:
    """Write a deed with a page to the audit list; `text` has a place for the `page`, and for more."""
    when = (
        _("den %s") % date_format(timezone.localtime(from_at), "j F Y \\k\\l. H.i")
        if from_at
        else ""
    )
    done = text % {"page": f"{page.get_kind_display()} ”{page}”", "when": when, **more}
    audit.record(audit.Area.CONTENT, done, by=by, about=_MODELS[page.kind](pk=page.pk))


@dataclass(frozen=True)
class Status:
    """Where a page stands: the version in force, the next decision, the last save."""

    live: Version | None
    waiting: Publication | None
    newest: Version | None

    @property
    def is_changed(self) -> bool:
        """Whether something saved later than what visitors see waits to be published."""
        return bool(self.live and self.newest and self.newest.pk != self.live.pk)


def status(page: Page, at: datetime.datetime) -> Status:
    """The page's status at the moment `at` (aware), read from its publications."""
    return statuses([page.pk], at)[page.pk]


def statuses(page_ids: Iterable[int], at: datetime.datetime) -> dict[int, Status]:
    """The status of each of the pages at the moment `at` (aware), in three queries.

    The versions come without their texts: they are read from the database when asked for.
    """
    ids = list(page_ids)
    light = Version.objects.filter(page_id__in=ids).select_related("by")
    light = light.defer("content", "search_text", "summary")
    live = {version.page_id: version for version in light.published(at)}
    last = Version.objects.filter(page_id=OuterRef("page_id")).order_by("-number")
    newest = {v.page_id: v for v in light.filter(pk=Subquery(last.values("pk")[:1]))}
    waiting: dict[int, Publication] = {}
    for publication in _waiting(at).filter(page_id__in=ids):
        waiting.setdefault(publication.page_id, publication)
    return {pk: Status(live.get(pk), waiting.get(pk), newest.get(pk)) for pk in ids}


def _waiting(at: datetime.datetime) -> QuerySet[Publication]:
    """What waits for its moment, the next one first."""
    waiting = Publication.objects.filter(from_at__gt=at, call_off=None).order_by("from_at", "-id")
    return waiting.select_related("version", "by")


@transaction.atomic
def look_through(page: Page, by: User) -> Review:
    """Write down that `by` has looked the page through and found that it still holds."""
    record(_("Såg över %(page)s"), page, by)
    return Review.objects.create(page_id=page.pk, by=by, at=timezone.now())
