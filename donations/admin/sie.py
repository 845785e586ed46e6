"""Which accounts in the general ledger the exports go to."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from donations.forms import SieMappingForm, SieOverrideForm
from donations.models import Account, SieMapping, SieOverride
from projects.picked import PickedMixin
from staff.modeladmin import HistoryAdmin
from staff.models import Event


@admin.register(SieMapping)
class SieMappingAdmin(HistoryAdmin):
    """The one mapping: its page shows the accounts that hold until somebody has changed them."""

    area = Event.Area.MONEY
    form = SieMappingForm
    change_form_template = "admin/donations/sie_mapping.html"
    fieldsets = (
        (None, {"fields": ("kinds", "series")}),
        ("Pengar in", {"fields": ("clearing", "suspense", "gifts", "refunds")}),
        ("Omfördelning", {"fields": ("moved_out", "moved_in")}),
        ("Utbetalning", {"fields": ("disbursed", "disbursed_against")}),
        (
            "Ingående belopp och nytt år",
            {"fields": ("opened", "opened_against", "carried_out", "carried_in")},
        ),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        return SieMapping.current() if object_id == "1" else None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one."""
        return redirect(reverse("admin:donations_siemapping_change", args=[1]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SieOverride)
class SieOverrideAdmin(PickedMixin, HistoryAdmin):
    """What is not as the mapping says."""

    area = Event.Area.MONEY
    form = SieOverrideForm
    list_display = ["__str__", "account", "project_code"]
    list_select_related = ["focus_area", "fund__project", "fund__focus_area", "bank"]
    autocomplete_fields = ["focus_area", "fund"]
    fields = ["focus_area", "fund", "bank", "account", "project_code"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "bank":
            kwargs["queryset"] = Account.objects.filter(kind=Account.Kind.BANK)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
