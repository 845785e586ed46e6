"""What a list of pages can be narrowed down to: where they stand, and what they lack."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from projects import attention, publishing
from projects.publishing import Status

STATES: dict[str, tuple[Any, Callable[[Status], bool]]] = {
    "publicerade": (_("publicerade"), lambda status: status.live is not None),
    "andrade": (_("ändrade sedan publiceringen"), lambda status: status.is_changed),
    "vantar": (_("väntar på sin tid"), lambda status: status.waiting is not None),
    "inte": (_("inte publicerade"), lambda status: status.live is None),
}


class StateFilter(admin.SimpleListFilter):
    title = "läge"
    parameter_name = "lage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(value, name) for value, (name, _is_so) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in STATES:
            return queryset
        _name, is_so = STATES[str(self.value())]
        ids = queryset.order_by().values_list("pk", flat=True)
        statuses = publishing.statuses(ids, timezone.now())
        return queryset.filter(pk__in=[pk for pk, status in statuses.items() if is_so(status)])


class LackFilter(admin.SimpleListFilter):
    title = "saknas"
    parameter_name = "saknas"
    anything = "nagot"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(self.anything, _("något")), *attention.KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kind = self.value()
        if kind != self.anything and kind not in attention.KINDS:
            return queryset
        found = attention.lacks(queryset, timezone.now())
        kinds = {pk: {lack.kind for lack in lacks} for pk, lacks in found.items()}
        return queryset.filter(
            pk__in=[pk for pk, has in kinds.items() if kind == self.anything or kind in has]
        )
