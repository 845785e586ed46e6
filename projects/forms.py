from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from projects.models import Image, Version
from projects.pictures import MAX_BYTES, Picture, PictureError, reencode, too_heavy


class MomentField(forms.DateTimeField):
    """A moment by the clock in Stockholm. The hour that is skipped, and the one that comes twice, are refused."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
            raise ValidationError(
                _("Klockan ställs om då. Välj en annan tid."), error.code
            ) from error


class PageForm(forms.ModelForm):
    """A page with its texts, and when to publish what is being saved."""

    publish_from = MomentField(
        label="Publicera från",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Lämna tomt för att publicera eller avpublicera genast.",
        error_messages={"invalid": "Skriv datum och klockslag, till exempel 2026-12-24 08.00."},
    )

    # The version that stood when the form was opened: who saves over a later one is told.
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self._newest()
        self.fields["seen"].initial = newest.number if newest else None

    def _newest(self) -> Version | None:
        return self.instance.versions.select_related("by").first() if self.instance.pk else None

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        # Of two who save at once, the second sees here what the first has saved: see projects.turns.
        newest, seen = self._newest(), self.cleaned_data.get("seen") or 0
        if newest and seen < newest.number:
            # Shown again with this number: saving once more is then a choice.
            data_again = cast(QueryDict, self.data).copy()
            data_again["seen"] = str(newest.number)
            self.data = data_again
            text = _(
                "%(who)s sparade sidan kl. %(time)s, efter att du öppnade den. Ingenting av ditt är "
                "borta: det står kvar här. Sparar du en gång till ersätter du det som %(who)s skrev."
            )
            when = date_format(timezone.localtime(newest.created_at), "H.i")
            said = text % {"who": newest.by, "time": when}
            link = '{} <a href="{}" target="_blank" rel="noopener">{}</a>'
            shown = _("Se vad som ändrades (i en ny flik)")
            raise ValidationError(format_html(link, said, self._compare_url(seen, newest), shown))
        return data

    def _compare_url(self, seen: int, newest: Version) -> str:
        url = reverse(
            f"admin:projects_{self._meta.model._meta.model_name}_compare", args=[self.instance.pk]
        )
        old = seen or self.instance.versions.order_by("number").values_list("number", flat=True)[0]
        return f"{url}?fran={old}&till={newest.number}"

    class Meta:
        error_messages = {
            "slug": {
                "invalid": "Adressen får bara innehålla bokstäver från a till z, siffror, bindestreck och "
                "understreck, till exempel rent-vatten-i-nepal."
            }
        }

    def clean_publish_from(self) -> Any:
        moment = self.cleaned_data["publish_from"]
        if moment and not {"_publish", "_unpublish"} & set(self.data):
            raise ValidationError(
                _(
                    "Tryck på ”Spara och publicera” för att det ska ske då, eller töm fältet och spara."
                )
            )
        if moment and moment < timezone.now():
            raise ValidationError(
                _("Tiden har redan varit. Välj en som kommer, eller lämna fältet tomt.")
            )
        return moment


class ImageForm(forms.ModelForm):
    """A picture's description, and its file on the way in."""

    upload = forms.FileField(
        label="Bildfil",
        help_text="JPEG, PNG eller WebP, högst 15 MB. Plats och kamerauppgifter i filen tas bort.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        error_messages={
            "required": "Välj en bildfil.",
            "empty": "Filen är tom. Välj en annan.",
            "invalid": "Ingen fil kom fram. Välj den igen.",
            "missing": "Ingen fil kom fram. Välj den igen.",
        },
    )

    class Meta:
        model = Image
        fields = ["alt", "credit", "consent", "focus_x", "focus_y"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # Pages that are live show this file. Another one is another picture.
            del self.fields["upload"]
        self.fields["alt"].error_messages["required"] = _("Skriv vad bilden visar.")

    def clean_upload(self) -> Picture:
        picture = read_picture(self.cleaned_data["upload"])
        if isinstance(picture, PictureError):
            raise ValidationError(str(picture))
        return picture

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if self.errors and "upload" in self.cleaned_data:
            self.add_error("upload", _("Bilden är inte sparad än. Välj filen en gång till."))
        return data

    def save(self, commit: bool = True) -> Image:
        if "upload" in self.cleaned_data:
            self.instance.store(self.cleaned_data["upload"])
        return super().save(commit)


def read_picture(upload: Any) -> Picture | PictureError:
    """The uploaded file as a picture of ours, or why it is none; a file that has been read is not read again."""
    if not hasattr(upload, "picture"):
        try:
            if upload.size > MAX_BYTES:
                raise too_heavy()
            upload.picture = reencode(upload.read())
        except PictureError as error:
            upload.picture = error
    return upload.picture


class ErasureForm(forms.Form):
    """The word of whoever erases that it is meant."""

    understood = forms.BooleanField(
        label="Jag förstår att det här raderas för alltid",
        error_messages={
            "required": "Kryssa i rutan om du vill radera. Ingenting är raderat än.",
        },
    )
