"""What a fund's page can be asked for: another day, and some of the transfers."""

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from donations.forms import DayField, KronorField
from donations.models import Transfer
from donations.reports.transfers import Sought

_WAYS = {"in": True, "ut": False}


class AsOfForm(forms.Form):
    """The day at whose end the figures are to stand."""

    dag = DayField(label="dag", required=False)

    @property
    def day(self) -> datetime.date:
        """The day that was asked for, or today when none was or it cannot be."""
        return (self.is_valid() and self.cleaned_data["dag"]) or timezone.localdate()


class TransfersForm(forms.Form):
    """Which transfers to show. What cannot be read is told, and the rest is looked for."""

    slag = forms.ChoiceField(label="slag", required=False)
    vag = forms.ChoiceField(
        label="in eller ut",
        required=False,
        choices=[("", "Båda"), ("in", "In"), ("ut", "Ut")],
    )
    fran = DayField(label="från och med", required=False)
    till = DayField(label="till och med", required=False)
    minst = KronorField(label="minsta belopp", required=False, help_text="")
    mest = KronorField(label="största belopp", required=False, help_text="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(value, capfirst(label)) for value, label in Transfer.Kind.choices]
        self.fields["slag"].choices = [("", _("Alla")), *kinds]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("fran") and said.get("till") and said["fran"] > said["till"]:
            self.add_error(
                "till", ValidationError(_("Dagen ska inte ligga före den första dagen."))
            )
        least, most = said.get("minst"), said.get("mest")
        if least is not None and most is not None and least > most:
            self.add_error(
                "mest", ValidationError(_("Beloppet ska inte vara mindre än det minsta."))
            )
        return said

    @property
    def is_filled_in(self) -> bool:
        return any(self.data.get(name) for name in self.fields)

    def sought(self) -> Sought:
        """What could be read of what was filled in."""
        self.is_valid()
        said = self.cleaned_data
        return Sought(
            kind=said.get("slag") or "",
            first=said.get("fran"),
            last=said.get("till"),
            least_ore=said.get("minst"),
            most_ore=said.get("mest"),
            is_in=_WAYS.get(said.get("vag") or ""),
        )
