"""Decisions about what visitors see. Nothing else writes `Publication`."""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from projects.models import Page, Publication, Version
from staff.models import User


def publish(version: Version, by: User, from_at: datetime.datetime | None = None) -> Publication:
    """Let visitors see `version` from `from_at` (aware; now when none is given).

    What already waits for a later moment still waits.
    """
    return _decide(version.page_id, version, from_at or timezone.now(), by)


@transaction.atomic
def unpublish(page: Page, by: User, from_at: datetime.datetime | None = None) -> Publication:
    """Take the page away from visitors from `from_at` (aware), or now and for good when none is given.

    Now, what waits is called off as well: the page does not come back by itself.
    """
    if from_at is None:
        _supersede(page, None, by)
    return _decide(page.pk, None, from_at or timezone.now(), by)


@transaction.atomic
def call_off(page: Page, by: User) -> None:
    """Let everything that waits go unpublished: what visitors see now stays."""
    _supersede(page, page.versions.published(timezone.now()).first(), by)


def _supersede(page: Page, version: Version | None, by: User) -> None:
    """Decide anew, later than the old decisions, for every moment that something waits for."""
    moments = page.publications.filter(from_at__gt=timezone.now()).order_by()
    for moment in moments.values_list("from_at", flat=True).distinct():
        _decide(page.pk, version, moment, by)


def _decide(
    page_id: int, version: Version | None, from_at: datetime.datetime, by: User
) -> Publication:
    return Publication.objects.create(page_id=page_id, version=version, from_at=from_at, by=by)


@dataclass(frozen=True)
class Status:
    """Where a page stands: the version in force, the next decision that changes it, the last save."""

    live: Version | None
    waiting: Publication | None
    newest: Version | None

    @property
    def is_changed(self) -> bool:
        """Whether something saved later than what visitors see waits to be published."""
        return bool(self.live and self.newest and self.newest.pk != self.live.pk)


def status(page: Page, at: datetime.datetime) -> Status:
    """The page's status at the moment `at` (aware), read from its publications."""
    live = page.versions.published(at).first()
    decisions = page.publications.filter(from_at__gt=at).order_by("from_at", "-id")
    by_moment: dict[datetime.datetime, Publication] = {}
    for decision in decisions.select_related("version"):
        by_moment.setdefault(decision.from_at, decision)  # the last one decided is in force
    live_id = live.pk if live else None
    waiting = next((d for d in by_moment.values() if d.version_id != live_id), None)
    return Status(live=live, waiting=waiting, newest=page.versions.first())
