from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from stdnum.se import orgnr

from projects.markdown_editor import MarkdownMixin
from projects.models import SiteSettings
from staff.modeladmin import HistoryAdmin
from staff.models import Event

ABOUT_GIVING = ("about_gift", "about_surplus", "about_control", "about_administration")


class SiteSettingsForm(forms.ModelForm):
    """The settings; an organisation number that is written anew has to be a right one."""

    class Meta:
        model = SiteSettings
        fields = "__all__"  # noqa: DJ007 - the admin says which

    def clean_organisation_number(self) -> Any:
        number = self.cleaned_data["organisation_number"]
        if not number or "organisation_number" not in self.changed_data:
            return number
        if not orgnr.is_valid(number):
            raise ValidationError(
                _("Numret är inte ett organisationsnummer. Skriv tio siffror, som 802000-1239.")
            )
        return orgnr.format(number)


@admin.register(SiteSettings)
class SiteSettingsAdmin(MarkdownMixin, HistoryAdmin):
    area = Event.Area.SETTINGS
    form = SiteSettingsForm
    markdown_fields = dict.fromkeys(ABOUT_GIVING, 3)
    markdown_has_pictures = False
    fieldsets = (
        ("Organisationen", {"fields": ("name", "tagline", "description", "organisation_number")}),
        ("Kontakt", {"fields": ("address", "email", "phone")}),
        ("Swish och bankgiro", {"fields": ("swish", "bankgiro")}),
        ("Texterna på sidan Om gåvor", {"fields": ABOUT_GIVING}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SiteSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
