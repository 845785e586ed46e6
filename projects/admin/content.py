from typing import Any

from django.http import HttpRequest

from projects.library import with_words
from projects.turns import in_turn
from staff.modeladmin import ModelAdmin
from staff.models import Event


class ContentAdmin(ModelAdmin):
    """What editors write, one at a time, and find by its words."""

    area = Event.Area.CONTENT
    search_fields = ["search_text"]
    changeform_view = in_turn(ModelAdmin.changeform_view)
    delete_view = in_turn(ModelAdmin.delete_view)
    response_action = in_turn(ModelAdmin.response_action)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        return with_words(queryset, search_term), False
