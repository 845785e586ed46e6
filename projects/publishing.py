"""Decisions about what visitors see. Nothing else writes `Publication`."""

import datetime
from dataclasses import dataclass

from django.utils import timezone

from projects.models import Page, Publication, Version
from staff.models import User


def publish(version: Version, by: User, from_at: datetime.datetime | None = None) -> Publication:
    """Let visitors see `version` from `from_at` (aware; now when none is given)."""
    return Publication.objects.create(
        page_id=version.page_id, version=version, from_at=from_at or timezone.now(), by=by
    )


def unpublish(page: Page, by: User, from_at: datetime.datetime | None = None) -> Publication:
    """Take the page away from visitors from `from_at` (aware; now when none is given)."""
    return Publication.objects.create(
        page_id=page.pk, version=None, from_at=from_at or timezone.now(), by=by
    )


@dataclass(frozen=True)
class Status:
    """Where a page stands: the version in force, the next decision, and what was saved last."""

    live: Version | None
    waiting: Publication | None
    newest: Version | None

    @property
    def is_changed(self) -> bool:
        """Whether something saved later than what visitors see waits to be published."""
        return bool(self.live and self.newest and self.newest.pk != self.live.pk)


def status(page: Page, at: datetime.datetime) -> Status:
    """The page's status at the moment `at` (aware), read from its publications."""
    return Status(
        live=page.versions.published(at).first(),
        waiting=page.publications.filter(from_at__gt=at).order_by("from_at", "-id").first(),
        newest=page.versions.first(),
    )
