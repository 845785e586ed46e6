"""What the address of "Kvar att samla in" says: which year, which day, which funds, in what order."""

import datetime
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django_countries import countries as all_countries

from donations.days import long_date
from donations.forms import DayField
from donations.models import CollectionYear
from donations.reports import remaining as report
from projects.rendering import swedish_order

LEFT = [
    ("", "alla"),
    ("kvar", "bara med något kvar"),
    ("overskott", "bara med överskott"),
    ("utan-behov", "bara utan behov"),
]
CLOSED = [("", "alla"), ("nej", "bara öppna"), ("ja", "bara stängda")]
FILTERS = ("sok", "omrade", "land", "visa", "stangda")


class RemainingForm(forms.Form):
    """Which figures to show, read from the address. An empty day is `today`."""

    ar = forms.ChoiceField(label="år")
    dag = DayField(label="läget den", required=False)
    sok = forms.CharField(
        label="nummer eller namn",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
        error_messages={
            "max_length": "Skriv högst %(limit_value)d tecken, till exempel ett nummer."
        },
    )
    # What there is to choose of these is told by the rows. What is none of them finds no row.
    omrade = forms.CharField(label="fokusområde", required=False, widget=forms.Select)
    land = forms.CharField(label="land", required=False, widget=forms.Select)
    visa = forms.ChoiceField(label="urval", choices=LEFT, required=False)
    stangda = forms.ChoiceField(label="insamlingar", choices=CLOSED, required=False)
    sortera = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: dict[str, str],
        *,
        year: CollectionYear,
        years: Iterable[CollectionYear],
        today: datetime.date,
    ) -> None:
        super().__init__({"ar": year.name, "dag": today.isoformat()} | data)
        self.year, self.today = year, today
        self.fields["ar"].choices = [(one.name, one.name) for one in years]  # type: ignore[attr-defined]
        for name in ("visa", "stangda"):
            self.fields[name].error_messages["invalid_choice"] = _(
                "%(value)s finns inte. Välj i listan."
            )
        self.offer([])

    def offer(self, rows: Iterable[report.Row]) -> None:
        """Let the areas and countries of the rows be chosen, and what the address already says."""
        areas, codes = {}, set()
        for row in rows:
            areas[row.area.slug] = row.area.title
            codes |= report.countries(row.fund)
        self._choices("omrade", areas)
        self._choices("land", {code: str(all_countries.name(code)) for code in codes})

    def _choices(self, name: str, names: dict[str, str]) -> None:
        if (chosen := self.data.get(name)) and chosen not in names:
            names[chosen] = (name == "land" and str(all_countries.name(chosen))) or chosen
        by_name = sorted(names.items(), key=lambda one: swedish_order(one[1]))
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        widget.choices = [("", "alla"), *by_name]

    def clean_dag(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["dag"] or self.today
        # Today is right for any year: a year that has ended as it stands now, with what came after it.
        if day == self.today or self.year.starts_on <= day <= self.year.ends_on:
            return day
        if self.year.starts_on > self.today:
            raise ValidationError(
                _("Insamlingsåret %s har inte börjat. Det kan bara visas som det är i dag.")
                % self.year,
                code="other_year",
            )
        raise ValidationError(
            _(
                "Den %(day)s ligger inte i insamlingsåret %(year)s. Välj en dag från och med den"
                " %(first)s till och med den %(last)s, eller dagens datum."
            )
            % {
                "day": long_date(day),
                "year": self.year,
                "first": long_date(self.year.starts_on),
                "last": long_date(min(self.year.ends_on, self.today)),
            },
            code="other_year",
        )

    @property
    def is_filtered(self) -> bool:
        """Whether any fund may be left out."""
        return any(self.data.get(name, "").strip() for name in FILTERS)

    @property
    def told(self) -> str:
        """What is left out, in words: "fokusområde Vatten, bara med något kvar"."""
        told = []
        for name in FILTERS:
            if value := self.cleaned_data[name]:
                field = self.fields[name]
                chosen = dict(getattr(field.widget, "choices", [])).get(value)
                is_plain = name in ("visa", "stangda")
                told.append(str(chosen) if is_plain else f"{field.label} {chosen or f'”{value}”'}")
        return ", ".join(told)

    @property
    def choice(self) -> report.Choice:
        """Which rows to show. The form is valid."""
        told = self.cleaned_data
        return report.Choice(
            area=told["omrade"],
            country=told["land"],
            left=told["visa"],
            closed={"ja": True, "nej": False}.get(told["stangda"]),
            words=told["sok"],
        )

    @property
    def order(self) -> tuple[str, bool] | None:
        """By which column the rows are ordered, and whether falling; None when by focus area."""
        text = self.data.get("sortera", "")
        by = text.removeprefix("-")
        return (by, text.startswith("-")) if by in report.ORDERS else None


def typed(data: Any) -> dict[str, str]:
    """What the address says, each thing once."""
    return {name: data[name] for name in (*FILTERS, "ar", "dag", "sortera") if data.get(name)}
