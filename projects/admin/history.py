"""A page's versions: looked at, compared, brought back, published again; and the link to its draft."""

from itertools import pairwise
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from projects import comparing, copying, previews, publishing, rendering, snapshots
from projects.admin.content import ContentAdmin
from projects.models import Page, Version
from projects.turns import in_turn
from projects.views import page_context
from staff import access
from staff.requests import member

WORKING_COPY = "nu"


class HistoryPages(ContentAdmin):
    """The pages of a page's history, beside its form."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_path("versioner/", self.versions, "versions"),
            self.page_path("jamfor/", self.compare, "compare"),
            self.page_path("forhandsvisa/", self.preview, "preview"),
            self.page_path("lank/", self.preview_link, "preview_link"),
            *super().get_urls(),
        ]

    def page_path(self, address: str, view: Any, name: str) -> URLPattern:
        """An address of our own below a page's."""
        return path(
            f"<int:page_id>/{address}",
            self.admin_site.admin_view(view),
            name=f"projects_{self.opts.model_name}_{name}",
        )

    def page_url(self, name: str, page: Page) -> str:
        return reverse(f"admin:projects_{self.opts.model_name}_{name}", args=[page.pk])

    def page_or_403(self, request: HttpRequest, page_id: int) -> Page:
        page = get_object_or_404(self.model, pk=page_id)
        if not self.has_change_permission(request, page):
            raise PermissionDenied
        return page

    def around(self, request: HttpRequest, page: Page, title: str) -> dict[str, Any]:
        """What every page beside the form is given."""
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "page": page,
            "change_url": self.page_url("change", page),
        }

    @access.staff(methods=access.READ, as_="change")
    def preview(self, request: HttpRequest, page_id: int) -> HttpResponse:
        """The working copy, or the version asked for by number, as visitors would see it."""
        page = self.page_or_403(request, page_id)
        number = request.GET.get("version", "")
        snapshot = _snapshot(page, number or WORKING_COPY)
        view = rendering.page_view(page, snapshot, timezone.now(), is_preview=True)
        context = page_context(page, view) | {"back_url": self.page_url("change", page)}
        return render(request, f"{page.kind}.html", context)

    @access.staff(as_="change")
    @in_turn
    def versions(self, request: HttpRequest, page_id: int) -> HttpResponseBase:
        """All versions of a page, with a button that publishes one and one that brings it back."""
        page = self.page_or_403(request, page_id)
        if request.method == "POST":
            if "bring_back" in request.POST:
                return self._bring_back(request, page)
            version = _version(page, request.POST.get("version", ""))
            publishing.publish(version, by=member(request))
            self.tell_published(request, _("Version %s är publicerad.") % version.number, page)
            return redirect(request.path)
        status = publishing.status(page, timezone.now())
        context = self.around(request, page, _("Versioner av ”%s”") % page.title) | {
            "versions": _with_previous(page),
            "status": status,
            "compare_url": self.page_url("compare", page),
            "working_copy": WORKING_COPY,
            "old": str(status.live.number) if status.live else "",
            "new": WORKING_COPY,
        }
        return render(request, "admin/projects/versions.html", context)

    def _bring_back(self, request: HttpRequest, page: Page) -> HttpResponse:
        version = _version(page, request.POST.get("bring_back", ""))
        brought = copying.bring_back(version, by=member(request))
        text = _(
            "Innehållet i version %(old)s ligger nu i formuläret, som version %(new)s. Ingenting är "
            "publicerat. Det som stod här förut finns kvar bland versionerna."
        )
        messages.success(request, text % {"old": version.number, "new": brought.version.number})
        self.tell_left_out(request, brought.left_out)
        return redirect(self.page_url("change", page))

    def tell_left_out(self, request: HttpRequest, headings: list[str]) -> None:
        for heading in headings:
            text = _("Berättelsen ”%s” följde inte med: samtycket till den är återkallat.")
            messages.warning(request, text % heading)

    def tell_published(self, request: HttpRequest, text: str, page: Page) -> None:
        """Say that something was published, with the way there when it can be seen."""
        raise NotImplementedError

    @access.staff(methods=access.READ, as_="change")
    def compare(self, request: HttpRequest, page_id: int) -> HttpResponse:
        """What differs between two versions of a page, or between one and its working copy."""
        page = self.page_or_403(request, page_id)
        status = publishing.status(page, timezone.now())
        old, new = self._asked(request, status)
        context = self.around(request, page, _("Jämför versioner av ”%s”") % page.title) | {
            "versions": _with_previous(page),
            "status": status,
            "old": old,
            "new": new,
            "working_copy": WORKING_COPY,
            "versions_url": self.page_url("versions", page),
        }
        if old and new:
            context["differences"] = comparing.differences(
                _snapshot(page, old), _snapshot(page, new)
            )
        return render(request, "admin/projects/compare.html", context)

    def _asked(self, request: HttpRequest, status: publishing.Status) -> tuple[str, str]:
        """Which two to compare; what is live against the working copy when nobody says."""
        live = status.live or status.newest
        old = request.GET.get("fran") or (str(live.number) if live else "")
        return old, request.GET.get("till") or WORKING_COPY

    @access.staff(as_="change")
    def preview_link(self, request: HttpRequest, page_id: int) -> HttpResponseBase:
        """The link by which somebody without an account reads the draft: make one, or end it."""
        page, now = self.page_or_403(request, page_id), timezone.now()
        if request.method == "POST":
            if "end" in request.POST:
                previews.end(page, by=member(request))
                messages.success(request, _("Länken är stängd. Ingen kan läsa utkastet med den."))
            else:
                previews.make(page, by=member(request), at=now)
                messages.success(request, _("Länken är klar. Kopiera den och skicka den."))
            return redirect(request.path)
        link = previews.current(page, now)
        context = self.around(request, page, _("Dela utkastet av ”%s”") % page.title) | {
            "link": link,
            "address": request.build_absolute_uri(previews.address(link)) if link else "",
        }
        return render(request, "admin/projects/preview_link.html", context)


def _with_previous(page: Page) -> list[Any]:
    """The page's versions, the newest first, each with the number of the one before it."""
    versions: list[Any] = list(page.versions.select_related("by").defer("content", "search_text"))
    for version, previous in pairwise(versions):
        version.previous = previous.number
    return versions


def _snapshot(page: Page, which: str) -> snapshots.Snapshot:
    """The working copy, or the version with that number. Raises `Http404` for anything else."""
    if which == WORKING_COPY:
        return snapshots.from_page(page)
    return snapshots.from_version(_version(page, which))


def _version(page: Page, number: str) -> Version:
    """A version by its number, as it comes from the outside."""
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Http404
    return get_object_or_404(page.versions, number=int(number))
