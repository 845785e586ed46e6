from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from donations.forms import CollectionYearForm, SurplusClauseForm
from donations.models import Account, CollectionYear, SurplusClause
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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """Our bank accounts. The other accounts are made by what happens."""

    area = Event.Area.MONEY
    fields = ["name"]
    list_display = ["name"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(kind=Account.Kind.BANK)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        obj.kind = Account.Kind.BANK
        super().save_model(request, obj, form, change)
