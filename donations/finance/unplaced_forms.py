"""The forms of the queue of gifts that wait to be placed."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from donations.finance.forms import FundField
from donations.forms import DayField, KronorField, OperationForm
from donations.models import BankFile, Fund

_CHOICE = re.compile(r"[0-9]{1,10}(?::[0-9]{1,13})?(?:\+[0-9]{1,10}:[0-9]{1,13})*")


class SearchForm(forms.Form):
    """What to look for in the queue. Who gave, and what was written, by those alone who may see it."""

    q = forms.CharField(label="givare, meddelande eller anteckning", max_length=100, required=False)
    belopp = KronorField(label="belopp", required=False, help_text="")
    dag = DayField(label="bankens datum", required=False)
    fil = forms.ModelChoiceField(
        label="bankfil", queryset=BankFile.objects.none(), required=False, empty_label="Alla"
    )

    def __init__(self, *args: Any, files: Sequence[int], sees_payers: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fil"].queryset = BankFile.objects.filter(pk__in=files)  # type: ignore[attr-defined]
        if not files:
            del self.fields["fil"]
        if not sees_payers:
            del self.fields["q"]


class PlaceAtOnceForm(OperationForm):
    """One of the suggestions, as its button says it, or another number.

    `cleaned_data["parts"]` are funds, each with its öre, or None for all that is left.
    """

    choice = forms.CharField(required=False, widget=forms.HiddenInput)
    number = FundField(label="insamlingsnummer", required=False)
    reason = forms.CharField(label="skäl", max_length=300, required=False)
    bind = forms.BooleanField(required=False)

    def clean_choice(self) -> list[tuple[Fund, int | None]]:
        """The funds of "47030", all of it, or of "47030:40000+47031:60000", so many öre each."""
        text = self.cleaned_data["choice"]
        if not text:
            return []
        told = [part.partition(":") for part in text.split("+")] if _CHOICE.fullmatch(text) else []
        funds = Fund.objects.select_related("project__focus_area", "focus_area").in_bulk(
            [number for number, _colon, _ore in told], field_name="collection_number"
        )
        if not told or any(number not in funds for number, _colon, _ore in told):
            raise ValidationError(_("Sidan kom inte hel fram. Ladda om den och försök igen."))
        return [(funds[number], int(ore) if ore else None) for number, _colon, ore in told]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "choice" in self.errors:
            # It is hidden, and so is what is wrong with it.
            self.add_error(None, self.errors["choice"].as_data()[0])
        fund = data.get("number")
        data["parts"] = data.get("choice") or ([(fund, None)] if fund else [])
        if not data["parts"] and not self.errors:
            self.add_error("number", _("Skriv insamlingens nummer, till exempel 47030."))
        return data


class NoteForm(OperationForm):
    """What finance wants to keep about a gift."""

    note = forms.CharField(label="anteckning", max_length=2000, required=False)


class UnplaceForm(OperationForm):
    """Undo what has just been placed: the placements' ids."""

    placed = forms.RegexField(r"^[0-9]{1,18}(?:\.[0-9]{1,18}){0,9}$", widget=forms.HiddenInput)
