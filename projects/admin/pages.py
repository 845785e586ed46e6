import datetime
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db.models import Field, QuerySet, URLField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from projects import attention, publishing, snapshots
from projects.admin.carrying import CarryingPages
from projects.admin.filters import LackFilter, StateFilter
from projects.admin.meanwhile import rows_again
from projects.admin.rows import (
    AchievementInline,
    KeyFigureInline,
    PlanInline,
    SectionInline,
    StoryInline,
    UpdateInline,
)
from projects.attention import Lack
from projects.forms import PageForm
from projects.markdown_editor import MarkdownMixin
from projects.models import Consent, FocusArea, Organisation, Page, Project, Story
from projects.picked import PickedMixin
from staff.requests import member


class PageAdmin(MarkdownMixin, PickedMixin, CarryingPages):
    """One form for a page with all its content. Every save is a version; publishing is a choice of its own."""

    form = PageForm
    change_form_template = "admin/projects/page_form.html"
    prepopulated_fields = {"slug": ["title"]}
    markdown_fields = {"body": 2}
    autocomplete_fields = ["image", "contact"]
    list_display = ["title", "status", "missing", "changed_at"]
    list_filter = [StateFilter, LackFilter]
    inlines = [
        AchievementInline,
        PlanInline,
        StoryInline,
        KeyFigureInline,
        SectionInline,
        UpdateInline,
    ]
    save_on_top = False

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list, with where its pages stand and what they lack: as many queries however many pages."""
        listing = super().get_changelist_instance(request)
        pages, now = list(listing.result_list), timezone.now()
        statuses = publishing.statuses([page.pk for page in pages], now)
        found = attention.lacks(pages, now)
        for page in pages:
            page.status_now = statuses[page.pk]
            url = self.page_url("change", page)
            page.lacks_now = linked(found.get(page.pk, []), request, url)
        listing.result_list = pages
        return listing

    @admin.display(description="läge")
    def status(self, page: Any) -> str:
        return render_to_string(
            "admin/projects/status.html", {"status": page.status_now, "page": page}
        )

    @admin.display(description="saknas")
    def missing(self, page: Any) -> str:
        kinds = {lack.kind: lack for lack in reversed(page.lacks_now)}
        rows = [(attention.KINDS[kind], lack) for kind, lack in reversed(kinds.items())]
        return render_to_string("admin/projects/missing.html", {"rows": rows, "page": page})

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        """Rows that somebody else has deleted meanwhile are sent as new ones: nothing written is lost.

        But no story without a consent: it may have been erased, and would be brought back by saving.
        """
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if kwargs.get("data") and obj and obj.pk:
            rows = inline.model._default_manager.filter(page_id=obj.pk)
            there = {str(pk) for pk in rows.values_list("pk", flat=True)}
            is_kept = _has_consent if inline.model is Story else None
            kwargs["data"], again, left_out = rows_again(kwargs["data"], prefix, there, is_kept)
            if left_out:
                messages.warning(request, _LEFT_OUT)
            if again:
                self._tell_rows_again(request, inline)
        return kwargs

    def _tell_rows_again(self, request: HttpRequest, inline: Any) -> None:
        text = _(
            "Under %s har någon annan tagit bort en rad som du har öppen. Den finns kvar i formuläret"
            " och läggs till igen när du sparar. Kryssa i ”Ta bort” om den ska vara borta."
        )
        messages.warning(request, text % str(inline.opts.verbose_name_plural))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        page, user = form.instance, member(request)
        version = snapshots.freeze(page, user)
        from_at = form.cleaned_data["publish_from"]
        when = moment_text(from_at) if from_at else ""
        if "_publish" in request.POST:
            publishing.publish(version, by=user, from_at=from_at)
            self.tell_published(
                request,
                _("Sidan publiceras %s.") % when if when else _("Sidan är publicerad."),
                page,
            )
            self._warn_of_lacks(request, page, from_at or timezone.now())
            self._warn_of_waiting(request, page)
        elif "_call_off" in request.POST:
            publishing.call_off(page, by=user)
            self.message_user(
                request, _("Det som var planerat är avbrutet. Det som visas nu är kvar.")
            )
        elif "_unpublish" in request.POST:
            publishing.unpublish(page, by=user, from_at=from_at)
            self.tell_published(
                request,
                _("Sidan avpubliceras %s.") % when if when else _("Sidan är avpublicerad."),
                page,
            )
        elif "_reviewed" in request.POST:
            publishing.look_through(page, by=user)
            self.message_user(request, _("Sidan är sedd över. Om ett år påminns ni igen."))

    def message_user(
        self,
        request: HttpRequest,
        message: Any,
        level: int | str = messages.SUCCESS,
        extra_tags: str = "",
        fail_silently: bool = False,
    ) -> None:
        """Mark what tells of a save with the draft that it saved, so that the browser can forget it."""
        token = request.POST.get("_draft", "")
        if re.fullmatch("[a-z0-9]{8,40}", token):
            extra_tags = f"draft-{token} {extra_tags}".strip()
        super().message_user(request, message, level, extra_tags, fail_silently)

    def tell_published(self, request: HttpRequest, text: str, page: Page) -> None:
        if page.versions.published(timezone.now()).exists():
            shown = _("Visa på webbplatsen")
            text = format_html('{} <a href="{}">{}</a>', text, page.get_absolute_url(), shown)
        self.message_user(request, text)

    def _warn_of_lacks(self, request: HttpRequest, page: Page, at: datetime.datetime) -> None:
        """Say what will be missing at the moment `at`. It is published all the same."""
        for lack in attention.lacks([page], at).get(page.pk, []):
            if lack.kind != "stale":
                messages.warning(request, lack.text)

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
            return HttpResponseRedirect(self.page_url("change", obj))
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Page) -> HttpResponse:
        if _is_publishing(request):
            return HttpResponseRedirect(self.page_url("change", obj))
        return super().response_change(request, obj)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        page, now = kwargs.get("obj"), timezone.now()
        context["draft_token"] = request.POST.get("_draft", "")
        if page:
            status = publishing.status(page, now)
            found = attention.lacks([page], now).get(page.pk, [])
            context |= {
                "status": status,
                "status_text": status_text(status),
                "lacks": [lack for lack in linked(found, request, "") if lack.kind != "stale"],
                "stale": next((lack for lack in found if lack.kind == "stale"), None),
            }
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


def linked(lacks: Iterable[Lack], request: HttpRequest, form_url: str) -> list[Lack]:
    """The lacks with whole addresses to where each is mended, for those that this person may mend.

    `form_url` is the page's form ("" on the form itself).
    """
    user = member(request)
    return [
        replace(
            lack,
            where=f"{form_url}{lack.where}"
            if lack.is_in_form
            else lack.where
            if not lack.permission or user.has_perm(lack.permission)
            else "",
        )
        for lack in lacks
    ]


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


_LEFT_OUT = (
    "Någon har tagit bort en berättelse som du har öppen, och den har inget samtycke som finns. Den har"
    " inte sparats igen."
)


def _has_consent(row: dict[str, str]) -> bool:
    """Whether a story, as it was sent, leans on a consent that is there."""
    pk = row.get("consent", "")
    return pk.isdecimal() and len(pk) < 19 and Consent.objects.filter(pk=pk).exists()


def _is_publishing(request: HttpRequest) -> bool:
    return bool({"_publish", "_unpublish", "_call_off", "_reviewed"} & set(request.POST))


_TEXTS = ["title", "slug", "summary", "image", "body"]


@admin.register(Project)
class ProjectAdmin(PageAdmin):
    list_display = ["title", "focus_area", "status", "missing", "changed_at"]
    list_filter = [StateFilter, LackFilter, "focus_area"]
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
    list_display = ["title", "organisation_kind", "status", "missing", "changed_at"]
    list_filter = [StateFilter, LackFilter, "organisation_kind"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    fieldsets = [
        (
            None,
            {"fields": [*_TEXTS, "organisation_kind", "website", "achievements_intro", "contact"]},
        ),
    ]
