from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from projects.models import Image, Version
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

    # The version that stood when the form was opened: who saves over a later one is told.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self._newest()
        self.fields["seen"].initial = newest.number if newest else None

    def _newest(self) -> Version | None:
        return self.instance.versions.select_related("by").first() if self.instance.pk else None

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        newest, seen = self._newest(), self.cleaned_data.get("seen")
        if newest and seen and seen < newest.number:
            # Shown again with this number: saving once more is then a choice.
            data_again = cast(QueryDict, self.data).copy()
            data_again["seen"] = str(newest.number)
            self.data = data_again
            raise ValidationError(
                _(
                    "%(who)s sparade sidan kl. %(time)s, efter att du öppnade den. Ingenting av ditt är "
                    "borta: jämför med sidan i en annan flik. Sparar du en gång till ersätter du det som "
                    "%(who)s skrev."
                )
                % {
                    "who": newest.by,
                    "time": date_format(timezone.localtime(newest.created_at), "H.i"),
                }
            )
        return data

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
