from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from projects.models import SiteSettings
from staff.modeladmin import HistoryAdmin
from staff.models import Event


@admin.register(SiteSettings)
class SiteSettingsAdmin(HistoryAdmin):
    area = Event.Area.SETTINGS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SiteSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
