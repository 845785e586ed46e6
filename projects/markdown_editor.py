"""The editor for Markdown: django-markdownx, whose own addresses are never mounted.

The library's field, widget, script and two views, with what they let through stopped: visitors,
files that are no pictures, raw HTML, pictures without words. `static/js/markdown.js` does the same
for the library's script, which holds the Tab key and drops files straight into the text.
"""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Field
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render as page
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from markdownx.fields import MarkdownxFormField
from markdownx.views import ImageUploadView, MarkdownifyView
from markdownx.widgets import AdminMarkdownxWidget

from projects import library, turns
from projects.forms import ImageForm
from projects.markdown import complaints, has_pictures, picture_code, render
from projects.models import Consent, Image
from staff import access, audit
from staff.models import Event
from staff.requests import member

HELP = (
    "Markera ord och tryck på en knapp. Tom rad ger nytt stycke. "
    "Du kan klistra in från Word eller en webbsida."
)
# How many pictures to choose among come at a time.
PICTURES_AT_A_TIME = 24


class MarkdownEditor(AdminMarkdownxWidget):
    """A text area with a toolbar and a preview.

    `top_heading` is the level that `#` gets where the text is shown, so that the preview is right.
    Without `has_pictures` there is no button for one.
    """

    template_name = "markdownx/widget.html"

    class Media:
        css = {"all": ["css/markdown-editor.css"]}
        js = [
            "vendor/turndown/turndown.js",
            "vendor/turndown/turndown-plugin-gfm.js",
            "js/markdown.js",
        ]

    def __init__(self, top_heading: int, *, has_pictures: bool = True) -> None:
        super().__init__({"rows": 6})
        self.top_heading = top_heading
        self.has_pictures = has_pictures

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        level = urlencode({"rubrik": self.top_heading})
        context["widget"]["attrs"] |= {
            "data-markdownx-urls-path": f"{reverse('markdownx_preview')}?{level}",
            # Without it, the library puts an address of its own there.
            "data-markdownx-upload-urls-path": reverse("markdownx_upload")
            if self.has_pictures
            else "",
        }
        context["has_pictures"] = self.has_pictures
        if "__prefix__" in name:
            # The row that Django copies when one is added: nothing to show until then.
            context["widget"]["attrs"]["data-markdownx-init"] = ""
        return context


class MarkdownField(MarkdownxFormField):
    """A Markdown text whose pictures are ours and say what they show."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if found := complaints(value or ""):
            raise ValidationError(found)


class MarkdownFieldWithoutPictures(MarkdownField):
    """A Markdown text outside the pages. Where pictures are used is known of pages and contacts
    alone: in such a text one could be deleted, or its consent withdrawn, without the text's knowing."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if has_pictures(value or ""):
            raise ValidationError(_("Den här texten kan inte ha bilder. Ta bort bilden ur texten."))


class MarkdownMixin:
    """A ModelAdmin or an inline with an editor for each of `markdown_fields`: name → level of `#`."""

    markdown_fields: dict[str, int] = {}
    markdown_has_pictures = True

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if level := self.markdown_fields.get(db_field.name):
            with_pictures = self.markdown_has_pictures
            kwargs |= {
                "form_class": MarkdownField if with_pictures else MarkdownFieldWithoutPictures,
                "widget": MarkdownEditor(level, has_pictures=with_pictures),
                "help_text": HELP,
            }
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class PreviewView(MarkdownifyView):
    """Show a Markdown text as its page will."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text, level = request.POST.get("content"), request.GET.get("rubrik", "2")
        if text is None or level not in ("2", "3", "4", "5", "6"):
            return _refused(_("Texten kom inte fram. Det du har skrivit är kvar i rutan."))
        return HttpResponse(render(text, top_heading=int(level)))


class UploadForm(ImageForm):
    """A picture for a text, with why it may be shown: a consent, or the reason that none is needed."""

    not_needed_reason = forms.CharField(
        label="… eller varför ingen behöver tillfrågas",
        max_length=200,
        required=False,
        help_text="Till exempel ”Tecknad bild” eller ”Inga människor i bilden”.",
    )

    field_order = ["upload", "alt", "credit", "consent", "not_needed_reason"]

    class Meta(ImageForm.Meta):
        fields = ["alt", "credit", "consent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        consent = self.fields["consent"]
        assert isinstance(consent, forms.ModelChoiceField)
        consent.queryset = Consent.objects.valid(timezone.now())
        consent.required = False
        consent.empty_label = "Välj …"
        consent.help_text = "Vem som har sagt ja till att bilden visas."

    def clean(self) -> dict[str, Any] | None:
        # Not its parent's, which asks for the file again: the dialog still has it.
        data = super(ImageForm, self).clean()
        chosen = [self.cleaned_data.get(name) for name in ("consent", "not_needed_reason")]
        if all(chosen):
            self.add_error("consent", _("Välj ett samtycke eller skriv en orsak, inte båda."))
        elif not any(chosen) and "consent" not in self.errors:
            self.add_error("consent", _("Välj ett samtycke, eller skriv varför inget behövs."))
        return data

    def has_lost_its_consent(self) -> bool:
        """Whether somebody has taken the consent away meanwhile. Says so on the form."""
        consent = self.cleaned_data["consent"]
        is_lost = bool(consent) and not Consent.objects.filter(pk=consent.pk).exists()
        if is_lost:
            self.add_error("consent", _("Samtycket finns inte längre. Välj ett annat."))
        return is_lost

    def save(self, commit: bool = True) -> Image:
        """The picture, and the row that says why nobody had to be asked."""
        if reason := self.cleaned_data["not_needed_reason"]:
            subject = self.cleaned_data["alt"][:200]
            self.instance.consent = Consent.objects.create(
                subject=subject, not_needed_reason=reason
            )
        return super().save(commit)


class UploadView(ImageUploadView):
    """Put a picture into a text: the questions about it, and its file."""

    form_class = UploadForm
    http_method_names = ["get", "post"]

    def get_form_kwargs(self) -> dict[str, Any]:
        # It stands in a page that has forms already.
        return super().get_form_kwargs() | {"auto_id": "markdown_%s"}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return page(request, "markdownx/picture.html", {"form": self.get_form()})

    def form_valid(self, form: UploadForm) -> HttpResponse:
        by = member(self.request)
        with transaction.atomic():
            turns.take()
            if form.has_lost_its_consent():
                return self.form_invalid(form)
            image = form.save()
            made = [image.consent] if form.cleaned_data["not_needed_reason"] else []
            for added in (*made, image):
                done = _("Lade till %s") % audit.name_of(added)
                audit.record(Event.Area.CONTENT, done, by=by, about=added)
        return JsonResponse({"image_code": picture_code(image)})

    def form_invalid(self, form: UploadForm) -> HttpResponse:
        return JsonResponse({"errors": form.errors}, status=400)


class ChoiceForm(forms.Form):
    """What pictures to choose among: those whose text has all the words, older than a picture."""

    q = forms.CharField(max_length=200, required=False)
    older_than = forms.IntegerField(min_value=1, required=False)


@access.staff("projects.view_image", methods=access.READ)
def choose(request: HttpRequest) -> HttpResponse:
    """Pictures for a text, the newest first: those whose consent is valid, found by their words."""
    form = ChoiceForm(request.GET)
    if not form.is_valid():
        return _refused(_("Det går inte att söka på det. Pröva med färre ord."))
    words, older_than = form.cleaned_data["q"], form.cleaned_data["older_than"]
    images = Image.objects.filter(consent__in=Consent.objects.valid(timezone.now()))
    images = library.with_words(images, words).order_by("-pk")
    if older_than:
        # By where the last one ended: as quick far down as at the top, and nothing twice.
        images = images.filter(pk__lt=older_than)
    found = list(images[: PICTURES_AT_A_TIME + 1])
    shown = found[:PICTURES_AT_A_TIME]
    context = {
        "choices": [(image, picture_code(image)) for image in shown],
        "more_than": shown[-1].pk if len(found) > len(shown) else None,
        "words": words,
    }
    return page(request, "markdownx/choices.html", context)


def _refused(text: str) -> HttpResponse:
    """An answer that the editor shows as a message instead of as what it asked for."""
    return HttpResponse(format_html('<p data-refused="">{}</p>', text), status=400)


preview = access.staff(methods=("POST",))(PreviewView.as_view())
upload = access.staff("projects.add_image")(UploadView.as_view())
