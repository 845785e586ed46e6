from staff.modeladmin import ModelAdmin
from staff.models import Event


class ContentAdmin(ModelAdmin):
    """What editors write."""

    area = Event.Area.CONTENT
