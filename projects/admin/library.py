"""What pages share: pictures, consents, contacts."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from projects.admin.content import ContentAdmin
from projects.forms import ImageForm
from projects.models import Consent, Contact, Image
from projects.picked import PickedMixin


@admin.register(Image)
class ImageAdmin(PickedMixin, ContentAdmin):
    form = ImageForm
    readonly_fields = ["picture"]
    list_display = ["alt", "picture", "credit"]
    search_fields = ["alt", "credit"]
    autocomplete_fields = ["consent"]

    def get_fields(self, request: HttpRequest, obj: Image | None = None) -> list[Any]:
        return ["picture" if obj else "upload", "alt", "credit", "consent"]

    @admin.display(description="bilden")
    def picture(self, image: Image) -> str:
        return format_html('<img src="{}" alt="" width="240">', image.url(image.widths[0]))


@admin.register(Consent)
class ConsentAdmin(ContentAdmin):
    list_display = ["subject", "given_on", "valid_until", "withdrawn_at"]
    search_fields = ["subject"]


@admin.register(Contact)
class ContactAdmin(PickedMixin, ContentAdmin):
    list_display = ["name", "role", "email"]
    search_fields = ["name", "role"]
    autocomplete_fields = ["image"]
