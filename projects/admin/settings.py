from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from projects.markdown_editor import MarkdownMixin
from projects.models import SiteSettings
from staff.modeladmin import HistoryAdmin
from staff.models import Event

ABOUT_GIVING = ("about_gift", "about_surplus", "about_control", "about_administration")


@admin.register(SiteSettings)
class SiteSettingsAdmin(MarkdownMixin, HistoryAdmin):
    area = Event.Area.SETTINGS
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
