"""Django's ModelAdmin, with what people do in it written to the audit list instead of to Django's log."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin

from staff import access, audit
from staff.models import Event
from staff.requests import member


class ModelAdmin(admin.ModelAdmin):
    """The base of every page in the admin.

    `area` is the part of the audit list that its deeds belong to.
    """

    area: Event.Area

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look at the form once more if somebody wrote the same just before: then it is told as a fault."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            for _name, files in request.FILES.lists():
                for file in files:
                    file.seek(0)
            return super().changeform_view(request, *args, **kwargs)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, obj, _("Lade till %s"))

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        if message:
            self._record(request, obj, _("Ändrade %s") + f": {', '.join(map(_part, message))}")

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record(request, obj, _("Tog bort %s"))

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any
    ) -> HttpResponse | None:
        """What is done to several rows at once is done to all of them, with its record, or to none."""
        with transaction.atomic():
            return super().response_action(request, queryset, *args)

    def _record(self, request: HttpRequest, obj: Model, text: str) -> None:
        done = text.replace("%s", audit.name_of(obj), 1)
        audit.record(self.area, done, by=member(request), about=obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What has happened to one thing: the audit list, narrowed down to it."""
        query = urlencode({"model": self.opts.label_lower, "object_id": object_id})
        return redirect(f"{reverse('admin:staff_event_changelist')}?{query}")


def _part(change: dict[str, Any]) -> str:
    """One of the changes that Django has found in a form: a field, or a row that belongs to the thing.

    Rows are named by their kind alone: their texts may be about people who want them gone one day.
    """
    [(what, where)] = change.items()
    fields = ", ".join(field[:1].lower() + field[1:] for field in where.get("fields", []))
    if "name" not in where:
        return fields
    if what == "added":
        return _("ny %s") % where["name"]
    if what == "deleted":
        return _("%s borttagen") % where["name"]
    return f"{where['name']} ({fields})"


class HistoryAdmin(SimpleHistoryAdmin, ModelAdmin):
    """A model whose rows' every former state is kept, and shown field by field."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        self._known_or_404(request, object_id)
        return SimpleHistoryAdmin.history_view(self, request, object_id, extra_context)

    @access.staff(methods=access.READ, as_="view")
    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        self._known_or_404(request, object_id)
        if not version_id.isdecimal():
            raise Http404
        return super().history_form_view(request, object_id, version_id, extra_context)

    def _known_or_404(self, request: HttpRequest, object_id: str) -> None:
        """The library asks the database for whatever stands in the address."""
        if self.get_object(request, unquote(object_id)) is None:
            raise Http404
