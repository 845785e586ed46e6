"""A sheet on its way from the upload to the deed: kept here between the two, never in the browser."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import sheets
from donations.forms import OperationForm
from donations.models import CollectionYear, Submission, UploadedSheet
from donations.models.uploads import KEPT
from staff.requests import member

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SheetForm(forms.Form):
    """A sheet to read: its name and bytes are `cleaned_data["file"]`, and it can be read."""

    file = forms.FileField(
        label="ark",
        help_text="En .xlsx- eller .csv-fil på högst 10 MB, med rubriker på en rad.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
        error_messages={
            "required": "Välj en fil.",
            "empty": "Filen är tom. Den ska ha en rad med rubriker och minst en rad till.",
        },
    )

    def __init__(
        self,
        *args: Any,
        headings: Mapping[str, Sequence[str]],
        required: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.headings, self.required = headings, required

    def clean_file(self) -> tuple[str, bytes]:
        file = self.cleaned_data["file"]
        data = file.read(sheets.MAX_BYTES + 1)
        try:
            sheets.read(file.name, data, self.headings, self.required)
        except sheets.SheetError as error:
            raise ValidationError(str(error)) from error
        return file.name, data


class ConfirmForm(OperationForm):
    """Carry out a sheet as it was shown. Each sheet is carried out once, whatever the form says."""

    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, sheet: UploadedSheet, seen: str, **kwargs: Any) -> None:
        self.sheet = sheet
        if data is not None:
            data = data.dict()
        super().__init__(data, initial={"once": sheet.key, "seen": seen}, **kwargs)

    def clean_once(self) -> uuid.UUID:
        return self.sheet.key

    def shown_anew(self, seen: str) -> None:
        """The page will show the sheet as it stands now: that is what the next click says yes to."""
        self.data = {**self.data, "seen": seen}


def keep(
    request: HttpRequest, kind: UploadedSheet.Kind, year: CollectionYear, name: str, data: bytes
) -> UploadedSheet:
    """Keep a sheet until it is carried out, and forget those that nobody has carried out in time."""
    UploadedSheet.objects.forget()
    return UploadedSheet.objects.create(
        kind=kind,
        name=name[:255],
        data=data,
        year=year,
        by=member(request),
        created_at=timezone.now(),
    )


def kept(request: HttpRequest, key: uuid.UUID, kind: UploadedSheet.Kind) -> UploadedSheet | None:
    """The sheet that this person has uploaded; None, and a message that tells why, when it is gone."""
    mine = UploadedSheet.objects.filter(key=key, kind=kind, by=member(request))
    found = mine.filter(created_at__gte=timezone.now() - KEPT).select_related("year__closing")
    if sheet := found.first():
        return sheet
    if Submission.objects.filter(key=key).exists():
        messages.info(request, _("Det var redan gjort. Ingenting har bokförts en gång till."))
    else:
        messages.warning(request, _("Arket finns inte kvar. Lämna in det igen."))
    return None


def read(
    sheet: UploadedSheet, headings: Mapping[str, Sequence[str]], required: Sequence[str]
) -> sheets.Sheet:
    """The rows of a sheet that is kept: it could be read when it came."""
    return sheets.read(sheet.name, bytes(sheet.data), headings, required)


def template(name: str, headings: Mapping[str, Sequence[str]], rows: Any) -> HttpResponse:
    """A sheet to fill in, with the first heading of each meaning."""
    answer = HttpResponse(
        sheets.write_template([names[0] for names in headings.values()], rows), content_type=XLSX
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
