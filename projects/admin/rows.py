from django.contrib import admin
from django.db.models import TextField
from django.forms import Textarea

from projects.markdown_editor import MarkdownMixin
from projects.models import Achievement, KeyFigure, Plan, Section, Story, Update
from projects.picked import PickedMixin


class RowInline(MarkdownMixin, PickedMixin, admin.StackedInline):
    """Ordered content of a page."""

    extra = 0
    fk_name = "page"
    formfield_overrides = {TextField: {"widget": Textarea(attrs={"rows": 4, "cols": 80})}}


class AchievementInline(RowInline):
    model = Achievement
    fields = ["position", "number", "period", "text"]


class PlanInline(RowInline):
    model = Plan
    markdown_fields = {"text": 4}
    fields = ["position", "heading", "text"]


class StoryInline(RowInline):
    model = Story
    markdown_fields = {"text": 3}
    fields = ["position", "heading", "text", "who", "is_pseudonym", "picture", "consent"]
    autocomplete_fields = ["picture", "consent"]


class KeyFigureInline(RowInline):
    model = KeyFigure
    fields = ["position", "value", "label", "source"]


class SectionInline(RowInline):
    model = Section
    markdown_fields = {"text": 3}
    fields = ["position", "heading", "text"]


class UpdateInline(RowInline):
    model = Update
    markdown_fields = {"text": 4}
    fields = ["published_on", "heading", "text"]
