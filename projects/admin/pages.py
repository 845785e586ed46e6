import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import PermissionDenied
from django.db.models import Field, QuerySet, URLField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from projects import publishing, rendering, snapshots
from projects.admin.content import ContentAdmin
from projects.admin.rows import (
    AchievementInline,
    KeyFigureInline,
    PlanInline,
    SectionInline,
    StoryInline,
    UpdateInline,
)
from projects.forms import PageForm
from projects.models import Consent, FocusArea, Organisation, Page, Project, Story
from projects.picked import PickedMixin
from projects.views import page_context
from staff import access
from staff.requests import member


class PageAdmin(PickedMixin, ContentAdmin):
    """One form for a page with all its content. Every save is a version; publishing is a choice of its own."""

    form = PageForm
    change_form_template = "admin/projects/page_form.html"
    prepopulated_fields = {"slug": ["title"]}
    search_fields = ["title", "slug"]
    autocomplete_fields = ["image", "contact"]
    list_display = ["title", "status", "changed_at"]
    inlines = [
        AchievementInline,
        PlanInline,
        StoryInline,
        KeyFigureInline,
        SectionInline,
        UpdateInline,
    ]
    save_on_top = False

    @admin.display(description="läge")
    def status(self, page: Page) -> str:
        return status_text(publishing.status(page, timezone.now()))

    def get_urls(self) -> list[URLPattern]:
        name = self.opts.model_name
        own = [
            path(
                "<int:page_id>/versioner/",
                self._view(self.versions),
                name=f"projects_{name}_versions",
            ),
            path(
                "<int:page_id>/forhandsvisa/",
                self._view(self.preview),
                name=f"projects_{name}_preview",
            ),
        ]
        return own + super().get_urls()

    def _view(self, view: Any) -> Any:
        return self.admin_site.admin_view(view)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        page, user = form.instance, member(request)
        version = snapshots.freeze(page, user)
        from_at = form.cleaned_data["publish_from"]
        when = moment_text(from_at) if from_at else ""
        if "_publish" in request.POST:
            publishing.publish(version, by=user, from_at=from_at)
            self._tell(
                request,
                _("Sidan publiceras %s.") % when if when else _("Sidan är publicerad."),
                page,
            )
            self._warn_of_hidden_stories(request, page)
            self._warn_of_waiting(request, page)
        elif "_call_off" in request.POST:
            publishing.call_off(page, by=user)
            messages.success(
                request, _("Det som var planerat är avbrutet. Det som visas nu är kvar.")
            )
        elif "_unpublish" in request.POST:
            publishing.unpublish(page, by=user, from_at=from_at)
            self._tell(
                request,
                _("Sidan avpubliceras %s.") % when if when else _("Sidan är avpublicerad."),
                page,
            )

    def _tell(self, request: HttpRequest, text: str, page: Page) -> None:
        if not page.versions.published(timezone.now()).exists():
            messages.success(request, text)
            return
        link = format_html('<a href="{}">{}</a>', page.get_absolute_url(), _("Visa på webbplatsen"))
        messages.success(request, format_html("{} {}", text, link))

    def _warn_of_hidden_stories(self, request: HttpRequest, page: Page) -> None:
        shown = Consent.objects.valid(timezone.now())
        for story in Story.objects.filter(page_id=page.pk).exclude(consent__in=shown):
            messages.warning(
                request,
                _("Berättelsen ”%(heading)s” visas inte: den saknar ett samtycke som gäller.")
                % {"heading": story.heading},
            )

    def _warn_of_waiting(self, request: HttpRequest, page: Page) -> None:
        waiting = publishing.status(page, timezone.now()).waiting
        if waiting and waiting.version is None:
            messages.warning(
                request, _("Sidan är planerad att avpubliceras %s.") % moment_text(waiting.from_at)
            )
        elif waiting and waiting.version != page.versions.first():
            messages.warning(
                request,
                _("Version %(number)s är planerad och ersätter den här %(moment)s.")
                % {
                    "number": waiting.version.number if waiting.version else "",
                    "moment": moment_text(waiting.from_at),
                },
            )

    def response_add(
        self, request: HttpRequest, obj: Page, post_url_continue: str | None = None
    ) -> HttpResponse:
        if _is_publishing(request):
            return HttpResponseRedirect(self._change_url(obj))
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Page) -> HttpResponse:
        if _is_publishing(request):
            return HttpResponseRedirect(self._change_url(obj))
        return super().response_change(request, obj)

    def _change_url(self, page: Page) -> str:
        return reverse(f"admin:projects_{self.opts.model_name}_change", args=[page.pk])

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        page = kwargs.get("obj")
        if page:
            status = publishing.status(page, timezone.now())
            context |= {"status": status, "status_text": status_text(status)}
        return super().render_change_form(request, context, *args, **kwargs)

    def view_on_site(self, page: Page) -> str:
        return page.get_absolute_url()

    def has_delete_permission(self, request: HttpRequest, obj: Page | None = None) -> bool:
        """A page that has been published is taken away by unpublishing; what was said stays on record."""
        if obj is not None and obj.publications.exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    @access.staff(methods=access.READ, as_="change")
    def preview(self, request: HttpRequest, page_id: int) -> HttpResponse:
        """The working copy, or the version asked for by number, as visitors would see it."""
        page = self._page_or_403(request, page_id)
        number = request.GET.get("version", "")
        if number:
            snapshot = snapshots.from_version(
                get_object_or_404(page.versions, number=_number(number))
            )
        else:
            snapshot = snapshots.from_page(page)
        view = rendering.page_view(page, snapshot, timezone.now(), is_preview=True)
        return render(request, f"{page.kind}.html", page_context(page, view))

    @access.staff(as_="change")
    def versions(self, request: HttpRequest, page_id: int) -> HttpResponseBase:
        """All versions of a page, and a button that brings one back."""
        page = self._page_or_403(request, page_id)
        if request.method == "POST":
            version = get_object_or_404(
                page.versions, number=_number(request.POST.get("version", ""))
            )
            publishing.publish(version, by=member(request))
            self._tell(request, _("Version %s är publicerad.") % version.number, page)
            return redirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Versioner av ”%s”") % page.title,
            "opts": self.opts,
            "page": page,
            "versions": page.versions.select_related("by"),
            "status": publishing.status(page, timezone.now()),
            "change_url": self._change_url(page),
        }
        return render(request, "admin/projects/versions.html", context)

    def _page_or_403(self, request: HttpRequest, page_id: int) -> Page:
        page = get_object_or_404(self.model, pk=page_id)
        if not self.has_change_permission(request, page):
            raise PermissionDenied
        return page


def moment_text(moment: datetime.datetime) -> str:
    """A moment to come: "den 24 december 2026 kl. 08.00"."""
    return _("den %s") % date_format(timezone.localtime(moment), "j F Y \\k\\l. H.i")


def status_text(status: publishing.Status) -> str:
    """A page's status in a few words."""
    if status.live:
        text = _("Publicerad, ändrad sedan dess") if status.is_changed else _("Publicerad")
    else:
        text = _("Inte publicerad")
    if status.waiting:
        moment = moment_text(status.waiting.from_at)
        what = _("publiceras") if status.waiting.version else _("avpubliceras")
        text = f"{text}, {what} {moment}"
    return text


def _number(text: str) -> int:
    """A version number from the outside."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Http404
    return int(text)


def _is_publishing(request: HttpRequest) -> bool:
    return bool({"_publish", "_unpublish", "_call_off"} & set(request.POST))


_TEXTS = ["title", "slug", "summary", "image", "body"]


@admin.register(Project)
class ProjectAdmin(PageAdmin):
    list_display = ["title", "focus_area", "status", "changed_at"]
    list_filter = ["focus_area"]
    filter_horizontal = ["partners", "similar"]
    fieldsets = [
        (None, {"fields": [*_TEXTS, "achievements_intro", "contact"]}),
        (
            "Projektet",
            {
                "fields": [
                    "focus_area",
                    "countries",
                    "partners",
                    "similar",
                    "qualifies_for_tax_reduction",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("focus_area")

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "countries":
            kwargs["widget"] = FilteredSelectMultiple("länder", is_stacked=False)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(FocusArea)
class FocusAreaAdmin(PageAdmin):
    fieldsets = [(None, {"fields": [*_TEXTS, "hue", "achievements_intro", "contact"]})]


@admin.register(Organisation)
class OrganisationAdmin(PageAdmin):
    list_display = ["title", "organisation_kind", "status", "changed_at"]
    list_filter = ["organisation_kind"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    fieldsets = [
        (
            None,
            {"fields": [*_TEXTS, "organisation_kind", "website", "achievements_intro", "contact"]},
        ),
    ]
