from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from projects.models import Image
from projects.pictures import Picture, PictureError, reencode


class PageForm(forms.ModelForm):
    """A page with its texts, and when to publish what is being saved."""

    publish_from = forms.DateTimeField(
        label="Publicera från",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Lämna tomt för att publicera eller avpublicera genast.",
        error_messages={"invalid": "Skriv datum och klockslag, till exempel 2026-12-24 08.00."},
    )

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
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    class Meta:
        model = Image
        fields = ["alt", "credit", "consent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # Pages that are live show this file. Another one is another picture.
            del self.fields["upload"]

    def clean_upload(self) -> Picture:
        try:
            return reencode(self.cleaned_data["upload"].read())
        except PictureError as error:
            raise ValidationError(str(error)) from error

    def save(self, commit: bool = True) -> Image:
        if "upload" in self.cleaned_data:
            self.instance.store(self.cleaned_data["upload"])
        return super().save(commit)
