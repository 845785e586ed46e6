from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.http import HttpRequest


class PickedSelect(AutocompleteSelect):
    """Django's, which answers 500 to a forged value that is no number."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(
            name, [v for v in value if str(v).isdecimal() and len(str(v)) < 19], attr
        )


class PickedMixin:
    """Autocomplete fields that stand any value."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs["widget"] = PickedSelect(db_field, self.admin_site)  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
