from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from donations.forms import (
    CollectionYearForm,
    SurplusClauseForm,
    first_possible_day,
    newest_gift_day,
)
from donations.models import CollectionYear, SurplusClause
from staff import access
from staff.modeladmin import HistoryAdmin, ModelAdmin
from staff.models import Event


@admin.register(CollectionYear)
class CollectionYearAdmin(ModelAdmin):
    area = Event.Area.MONEY
    form = CollectionYearForm
    list_display = ["name", "starts_on", "ends_on"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only an unused year at either end: years have no gaps."""
        allowed = super().has_delete_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        ends = (CollectionYear.objects.first(), CollectionYear.objects.last())
        return obj in ends and not obj.fund_years.exists()


@admin.register(SurplusClause)
class SurplusClauseAdmin(HistoryAdmin):
    area = Event.Area.MONEY
    form = SurplusClauseForm
    list_display = ["focus_area", "valid_from", "text"]
    list_filter = ["focus_area"]
    change_form_template = "admin/donations/clause.html"

    def has_change_permission(self, request: HttpRequest, obj: SurplusClause | None = None) -> bool:
        """One that gifts lean on is shown as it is. What is sent meanwhile is answered by the form."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not (obj and request.method in access.READ and _is_leaned_on(obj))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With the way to a new wording, begun on the first day it may begin."""
        clause = self.get_object(request, unquote(object_id))
        extra = dict(extra_context or {})
        if clause and _is_leaned_on(clause):
            first_day = first_possible_day(clause, timezone.localdate())
            begun = {
                "focus_area": clause.focus_area_id,
                "text": clause.text,
                "valid_from": first_day.isoformat(),
            }
            address = reverse("admin:donations_surplusclause_add")
            extra["successor"] = f"{address}?{urlencode(begun)}"
        return super().change_view(request, object_id, form_url, extra)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _is_leaned_on(clause: SurplusClause) -> bool:
    """Whether gifts have come in since the clause, as it stands in the database, took force."""
    known = SurplusClause.objects.filter(pk=clause.pk).first()
    return bool(known and newest_gift_day(known.focus_area_id, known.valid_from))
