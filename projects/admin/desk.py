"""The editors' part of the desk: their drafts, what waits, what lacks something, what has been done."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from projects import attention, publishing
from projects.admin.pages import linked
from projects.attention import Lack
from projects.models import FocusArea, Organisation, Page, Project, Version
from projects.publishing import Status
from staff import site
from staff.requests import member

SHOWN = 6
_MODELS: tuple[type[Page], ...] = (Project, FocusArea, Organisation)


@dataclass(frozen=True)
class Entry:
    """A page on the desk."""

    page: Page
    url: str
    status: Status
    lacks: list[Lack]


@dataclass(frozen=True)
class Change:
    """A version that somebody has saved, and where to see what it changed."""

    version: Version
    url: str


@dataclass(frozen=True)
class Shortened:
    """The first of some entries, and how many there are."""

    entries: list[Entry]
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.entries)


def _url(page: Page, name: str = "change") -> str:
    model = page.kind.replace("_", "")
    return reverse(f"admin:projects_{model}_{name}", args=[page.pk])


def _kinds(request: HttpRequest) -> list[str]:
    """The kinds of pages that this person may look at."""
    return [
        model.KIND
        for model in _MODELS
        if admin.site.get_model_admin(model).has_view_permission(request)
    ]


def editors_part(request: HttpRequest) -> site.Part | None:
    """What an editor begins the day with; whoever only reads sees what waits and what is new."""
    user = member(request)
    if not user.has_perm("projects.view_project"):
        return None
    now, is_editor = timezone.now(), user.has_perm("projects.change_project")
    pages = list(Page.objects.filter(kind__in=_kinds(request)))
    statuses = publishing.statuses([page.pk for page in pages], now)
    found = attention.lacks(pages, now) if is_editor else {}
    entries = [
        Entry(
            page, url := _url(page), statuses[page.pk], linked(found.get(page.pk, []), request, url)
        )
        for page in pages
    ]
    context: dict[str, Any] = {
        "is_editor": is_editor,
        "waiting": _waiting(entries),
        "changes": _changes(pages, is_editor),
    }
    if is_editor:
        context |= {
            "drafts": _drafts(entries, user.pk),
            "attention": _needing(entries),
            "lists": [
                (kind, reverse(f"admin:projects_{name}_changelist")) for kind, name in _LISTS
            ],
        }
    return "admin/projects/desk.html", context


_LISTS = [
    ("projekt", "project"),
    ("fokusområden", "focusarea"),
    ("organisationer", "organisation"),
]


def _shortened(entries: list[Entry]) -> Shortened:
    return Shortened(entries[:SHOWN], len(entries))


def _drafts(entries: list[Entry], user_id: int) -> Shortened:
    """What this person saved last and visitors do not see, nor will by themselves; the latest first."""

    def is_draft(status: Status) -> bool:
        newest, waiting = status.newest, status.waiting
        return bool(
            newest
            and newest.by_id == user_id
            and (status.live is None or status.is_changed)
            and not (waiting and waiting.version_id == newest.pk)
        )

    mine = [entry for entry in entries if is_draft(entry.status)]
    mine.sort(key=lambda e: e.status.newest.created_at if e.status.newest else 0, reverse=True)
    return _shortened(mine)


def _waiting(entries: list[Entry]) -> Shortened:
    waiting = [(e.status.waiting.from_at, e.page.pk, e) for e in entries if e.status.waiting]
    return _shortened([entry for *_when, entry in sorted(waiting, key=lambda row: row[:2])])


def _needing(entries: list[Entry]) -> Shortened:
    """Pages that lack something: those that visitors see first, and among them those that lack most."""
    needing = [entry for entry in entries if entry.lacks]
    needing.sort(key=lambda entry: (entry.status.live is None, -len(entry.lacks), entry.page.title))
    return _shortened(needing)


def _changes(pages: list[Page], is_editor: bool) -> list[Change]:
    versions = Version.objects.filter(page__in=[page.pk for page in pages])
    latest = versions.select_related("page", "by").defer("content", "search_text", "summary")
    return [
        Change(version, _change_url(version, is_editor))
        for version in latest.order_by("-created_at", "-pk")[:SHOWN]
    ]


def _change_url(version: Version, is_editor: bool) -> str:
    """For an editor, what the version changed; otherwise, and for a first version, the page itself."""
    if not is_editor or version.number == 1:
        return _url(version.page)
    old = version.number - 1
    return f"{_url(version.page, 'compare')}?fran={old}&till={version.number}"


if editors_part not in site.PARTS:
    site.PARTS.append(editors_part)
