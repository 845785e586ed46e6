"""What can be chosen for each report, in the address."""

import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import operations
from donations.forms import DayField
from donations.models import CollectionYear
from donations.reports import gifts, tax_reduction
from staff.models import Event, User

_INVALID = "Skriv dagen som år-månad-dag, till exempel 2026-10-31."


def _year_of(day: datetime.date) -> CollectionYear:
    """The collection year that holds the day; only one that is not there yet is made."""
    return CollectionYear.objects.holding(day).first() or operations.collection_year(day)


class ChoicesForm(forms.Form):
    """Choices that have defaults: what the address leaves out is as it comes."""

    def __init__(self, typed: QueryDict, reader: User) -> None:
        self.reader = reader
        data = typed.copy()
        for name, value in self.defaults().items():
            if name not in data:
                data[name] = str(value)
        super().__init__(data)

    def defaults(self) -> dict[str, Any]:
        """What each choice is, if nothing is said."""
        return {}


class PeriodForm(ChoicesForm):
    """From one day to another, both included."""

    fran = DayField(
        label="från och med",
        error_messages={
            "required": "Välj den första dagen.",
            "invalid": _INVALID,
            "future": "Perioden kan inte börja i framtiden.",
        },
    )
    till = DayField(
        label="till och med",
        error_messages={
            "required": "Välj den sista dagen.",
            "invalid": _INVALID,
            "future": "Perioden kan som längst gå till och med i dag.",
        },
    )

    def defaults(self) -> dict[str, Any]:
        today = timezone.localdate()
        return {"fran": today.replace(day=1), "till": today}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("fran"), data.get("till")
        if first and last and first > last:
            self.add_error("till", _("Perioden slutar innan den börjar. Välj en senare sista dag."))
        return data

    @property
    def days(self) -> dict[str, datetime.date]:
        """The first and the last day of a valid choice, as reports ask for them."""
        return {"first": self.cleaned_data["fran"], "last": self.cleaned_data["till"]}


class YearToDateForm(PeriodForm):
    """A period that is the collection year so far, if nothing else is said."""

    def defaults(self) -> dict[str, Any]:
        today = timezone.localdate()
        return {"fran": _year_of(today).starts_on, "till": today}


class GiftsForm(PeriodForm):
    """A period, and what the gifts are divided by."""

    delat = forms.ChoiceField(
        label="uppdelat på",
        choices=[(key, division.name) for key, division in gifts.DIVISIONS.items()],
        error_messages={"invalid_choice": "Välj något av det som finns i listan."},
    )

    def defaults(self) -> dict[str, Any]:
        return super().defaults() | {"delat": "projekt-manad-satt"}


class EventsForm(PeriodForm):
    """A period, and one area or all that the reader may see."""

    omrade = forms.ChoiceField(
        label="område",
        required=False,
        error_messages={"invalid_choice": "Välj ett område i listan."},
    )

    def __init__(self, typed: QueryDict, reader: User) -> None:
        super().__init__(typed, reader)
        seen = Event.areas_seen_by(reader)
        self.fields["omrade"].choices = [  # type: ignore[attr-defined]
            ("", _("alla områden")),
            *((area.value, area.label) for area in Event.Area if area in seen),
        ]


class YearForm(ChoicesForm):
    """A collection year, and the day that the figures are of."""

    ar = forms.ChoiceField(
        label="insamlingsår", error_messages={"invalid_choice": "Välj ett år i listan."}
    )
    dag = DayField(
        label="läget den",
        error_messages={
            "required": "Välj vilken dag siffrorna ska gälla.",
            "invalid": _INVALID,
            "future": "Dagen kan inte ligga i framtiden: då vet ingen hur det ser ut.",
        },
    )

    def __init__(self, typed: QueryDict, reader: User) -> None:
        super().__init__(typed, reader)
        self._years = {year.name: year for year in CollectionYear.objects.order_by("-starts_on")}
        self.fields["ar"].choices = [(name, name) for name in self._years]  # type: ignore[attr-defined]

    def defaults(self) -> dict[str, Any]:
        today = timezone.localdate()
        return {"ar": _year_of(today).name, "dag": today}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        year, day = self._years.get(data.get("ar", "")), data.get("dag")
        # Today is right for any year, as on the page that leads here.
        if year and day and day < min(year.starts_on, timezone.localdate()):
            self.add_error("dag", _("Dagen ligger före insamlingsåret. Välj en senare dag."))
        return data

    @property
    def year(self) -> CollectionYear:
        """The year of a valid choice."""
        return self._years[self.cleaned_data["ar"]]


class TaxYearForm(ChoicesForm):
    """A calendar year, and the day through which what is booked is counted."""

    ar = forms.TypedChoiceField(
        label="gåvor som gavs under",
        coerce=int,
        error_messages={"invalid_choice": "Välj ett år i listan."},
    )
    dag = DayField(
        label="bokfört till och med",
        error_messages={
            "required": "Välj vilken dag siffrorna ska gälla.",
            "invalid": _INVALID,
            "future": "Dagen kan inte ligga i framtiden: då vet ingen hur det ser ut.",
        },
    )

    def __init__(self, typed: QueryDict, reader: User) -> None:
        super().__init__(typed, reader)
        years = tax_reduction.years(timezone.localdate())
        self.fields["ar"].choices = [(year, str(year)) for year in years]  # type: ignore[attr-defined]

    def defaults(self) -> dict[str, Any]:
        today = timezone.localdate()
        return {"ar": today.year, "dag": today}
