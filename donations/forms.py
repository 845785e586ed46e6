import datetime
import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from donations import recall
from donations.bankfiles import numbers
from donations.bankfiles.recognise import KINDS
from donations.bankfiles.records import Scheme
from donations.days import long_date
from donations.models import (
    AccountNumber,
    AsideRule,
    BoundPayer,
    CollectionYear,
    ColumnMapping,
    DailyTotal,
    Fund,
    GiftSource,
    SieMapping,
    SieOverride,
    SurplusClause,
    Transfer,
)
from donations.models.sie import ACCOUNT_FIELDS, parted
from donations.money import AmountError, format_amount, parse_kronor


class KronorField(forms.CharField):
    """An amount in kronor as people write it; its value is whole öre."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "I kronor, till exempel 500 eller 276 000,50.")
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text:
            return None
        try:
            return parse_kronor(text)
        except AmountError as error:
            raise ValidationError(str(error), code="amount") from error

    def prepare_value(self, value: Any) -> Any:
        return format_amount(value) if isinstance(value, int) else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return super().widget_attrs(widget) | {
            "inputmode": "decimal",
            "autocomplete": "off",
            "maxlength": 30,
        }


# What a reason says when it is left out.
WHY = {"required": "Skriv varför."}


class DayField(forms.DateField):
    """A day that has been, written or picked."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        kwargs.setdefault(
            "error_messages", {"invalid": "Skriv dagen som år-månad-dag, till exempel 2026-11-21."}
        )
        super().__init__(**kwargs)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and value > timezone.localdate():
            text = self.error_messages.get("future", _("Dagen kan inte ligga i framtiden."))
            raise ValidationError(text, code="future")


class OperationForm(forms.Form):
    """A movement of money. `once` makes a second click, or the back button, do nothing twice."""

    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"once": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "once" in self.errors:
            # It is hidden, and so is what is wrong with it.
            self.add_error(None, _("Sidan kom inte hel fram. Ladda om den och försök igen."))
        return data


class ReverseForm(OperationForm):
    """Undo a transfer."""

    booked_on = DayField(label="bokföringsdag")
    reason = forms.CharField(label="skäl", max_length=300, error_messages=WHY)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"booked_on": timezone.localdate(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class RefundForm(ReverseForm):
    """Pay back a gift, or part of it."""

    amount = KronorField(label="belopp att betala tillbaka")
    field_order = ["once", "amount", "booked_on", "reason"]


class NeedForm(OperationForm):
    """What a fund needs for a year."""

    year = forms.ModelChoiceField(
        label="år", queryset=CollectionYear.objects.order_by("-starts_on"), empty_label=None
    )
    amount = KronorField(label="insamlingsbehov")
    decided_on = DayField(
        label="bestämt den", help_text="Behovet gäller från och med den här dagen."
    )
    reason = forms.CharField(
        label="skäl",
        max_length=300,
        help_text="Till exempel ”Styrelsens beslut den 4 december”.",
        error_messages=WHY,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"decided_on": timezone.localdate(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class FundForm(forms.ModelForm):
    """A fund in the admin."""

    channels = forms.MultipleChoiceField(
        label="Sätt att ge",
        choices=Fund.Channel,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Fund
        fields = [
            "collection_number",
            "project",
            "focus_area",
            "channels",
            "opened_on",
            "closed_on",
            "successor",
            "extra_words",
        ]


class SurplusClauseForm(forms.ModelForm):
    """A wording and the day it begins; the database has the last word."""

    class Meta:
        model = SurplusClause
        fields = ["focus_area", "text", "valid_from"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        area, first_day = data.get("focus_area"), data.get("valid_from")
        if self.instance.pk:
            old = SurplusClause.objects.get(pk=self.instance.pk)
            if newest_gift_day(old.focus_area_id, old.valid_from):
                raise ValidationError(
                    _(
                        "Gåvor har kommit in medan villkoret gällde. Det kan inte ändras, bara ersättas av ett nytt."
                    )
                )
        if area and first_day and (newest := newest_gift_day(area.pk, first_day)):
            self.add_error(
                "valid_from",
                _(
                    "Det finns redan gåvor till och med den %(day)s. "
                    "Ett nytt villkor kan tidigast gälla från den %(next)s."
                )
                % {
                    "day": long_date(newest),
                    "next": long_date(newest + datetime.timedelta(days=1)),
                },
            )
        return data


def first_possible_day(clause: SurplusClause, today: datetime.date) -> datetime.date:
    """The first day from `today` on when another wording may take over from one that gifts lean on."""
    newest = newest_gift_day(clause.focus_area_id, clause.valid_from) or clause.valid_from
    return max(newest + datetime.timedelta(days=1), today)


def newest_gift_day(focus_area_id: int, from_day: datetime.date) -> datetime.date | None:
    """The last day on or after `from_day` that holds a gift to the focus area, if any does."""
    return (
        DailyTotal.objects.filter(
            account__fund_year__focus_area_id=focus_area_id,
            kind__in=[Transfer.Kind.GIFT, Transfer.Kind.PLACEMENT],
            booked_on__gte=from_day,
        )
        .order_by("-booked_on")
        .values_list("booked_on", flat=True)
        .first()
    )


class CollectionYearForm(forms.ModelForm):
    """A collection year: it must follow or precede those that are there."""

    class Meta:
        model = CollectionYear
        fields = ["name", "starts_on", "ends_on"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("starts_on"), data.get("ends_on")
        if not (first and last):
            return data
        if (
            self.instance.pk
            and self.instance.fund_years.exists()
            and {"starts_on", "ends_on"} & set(self.changed_data)
        ):
            raise ValidationError(
                _("Insamlingsåret används redan av insamlingar. Dess dagar kan inte ändras.")
            )
        if first.day != 1:
            self.add_error("starts_on", _("Ett insamlingsår börjar den första i en månad."))
        if (last + datetime.timedelta(days=1)).day != 1:
            self.add_error("ends_on", _("Ett insamlingsår slutar den sista i en månad."))
        if last <= first:
            self.add_error("ends_on", _("Sista dagen ska komma efter den första."))
        others = CollectionYear.objects.exclude(pk=self.instance.pk)
        day = datetime.timedelta(days=1)
        if others.exists() and not (
            others.filter(ends_on=first - day).exists()
            or others.filter(starts_on=last + day).exists()
        ):
            raise ValidationError(
                _(
                    "Insamlingsåren ska följa på varandra dag för dag. "
                    "Låt det börja dagen efter ett annat, eller sluta dagen före."
                )
            )
        if others.filter(starts_on__lte=last, ends_on__gte=first).exists():
            raise ValidationError(_("Insamlingsåret överlappar ett annat."))
        return data


# What finance sets up before files come


class AccountNumberForm(forms.ModelForm):
    """A number of a bank account, typed as people write it and kept as bank files have it."""

    digits = forms.CharField(
        label="Nummer",
        max_length=60,
        help_text="Som det brukar skrivas, till exempel 991-2346 eller SE45 5000 0000 0583 9825 7466.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 40}),
    )

    class Meta:
        model = AccountNumber
        fields = ["account", "scheme", "digits"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["digits"] = self.instance.printed

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        scheme, typed = data.get("scheme"), data.get("digits")
        if scheme and typed:
            try:
                data["digits"] = numbers.parse(Scheme(scheme), typed).digits
            except ValueError as error:
                self.add_error("digits", str(error))
        return data


class GiftSourceForm(forms.ModelForm):
    """From which kind of file a number's gifts come, from a day on."""

    format = forms.ChoiceField(label="Filformat")

    class Meta:
        model = GiftSource
        fields = ["format", "from_day"]
        help_texts = {"from_day": "Den första dag som gåvorna tas därifrån."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(ColumnMapping.objects.values_list("name", flat=True))
        if self.instance.format not in ("", *KINDS, *names):
            names.append(self.instance.format)
        self.fields["format"].choices = [  # type: ignore[attr-defined]
            ("", "Välj filformat"),
            *KINDS.items(),
            *((name, _("kolumnmallen ”%s”") % name) for name in names),
        ]

    def clean_from_day(self) -> datetime.date:
        """The row's number is not among the form's fields, so that the constraint is not asked."""
        day: datetime.date = self.cleaned_data["from_day"]
        same_day = GiftSource.objects.filter(number_id=self.instance.number_id, from_day=day)
        if same_day.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Från den dagen finns redan en källa. Ändra den i stället."))
        return day


class AsideRuleForm(forms.ModelForm):
    """A rule for what is no gift. One that would take every gift is refused."""

    way = forms.ChoiceField(
        label="Gäller pengar",
        required=False,
        choices=[("", "både in och ut"), *AsideRule._meta.get_field("way").flatchoices],
    )
    least_ore = KronorField(label="Minsta belopp", required=False)
    most_ore = KronorField(label="Största belopp", required=False)

    class Meta:
        model = AsideRule
        fields = ["name", "is_a", "text", "account", "code", "way", "least_ore", "most_ore"]
        help_texts = {
            "name": "Syns i förhandsvisningen av filen, till exempel ”Bankens månadsavgift”.",
            "text": "Något som står i betalarens namn eller i meddelandet. Minst tre tecken.",
            "account": "Den andra partens konto, giro eller Swishnummer.",
            "code": "Hela koden eller ett ord ur den, som CHRG i PMNT CHRG.",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            try:
                AsideRule(**data).rule  # noqa: B018 - it is made to see whether it can be
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return data


class BoundPayerForm(forms.ModelForm):
    """A payer in Autogiro whose payments go to a fund."""

    number = forms.RegexField(
        label="Betalarnummer i Autogiro",
        regex=r"\A[0-9]{1,16}\Z",
        help_text="Numret som betalaren har i ert Autogiro: högst 16 siffror.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
        error_messages={"invalid": "Ett betalarnummer är högst 16 siffror, utan streck."},
    )

    class Meta:
        model = BoundPayer
        fields = ["number", "fund"]

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].lstrip("0")
        if not number:
            raise ValidationError(_("Ett betalarnummer är inte bara nollor."))
        self.instance.key = recall.digest(f"autogiro {number}")
        if bound := BoundPayer.objects.filter(key=self.instance.key).first():
            raise ValidationError(
                _("Betalaren är redan bunden till %s. Ta bort den bindningen först.") % bound.fund
            )
        return number


# What goes to the general ledger


class SieMappingForm(forms.ModelForm):
    """Which accounts in the general ledger the movements go to."""

    kinds = forms.MultipleChoiceField(
        label="Det här exporteras",
        choices=[(kind.value, capfirst(kind.label)) for kind in Transfer.Kind],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=(
            "Ingående belopp står oftast redan i bokföringen, och en överföring till nytt år flyttar"
            " inget mellan projekten. Bokför ni utbetalningar på annat håll: ta bort dem här."
        ),
    )

    class Meta:
        model = SieMapping
        fields = ["series", "kinds", *ACCOUNT_FIELDS]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        others = SieOverride.objects.values_list("account", flat=True)
        known = dict(parted(text) for text in others if text)
        for field in ACCOUNT_FIELDS:
            _refuse_other_name(self, field, known)
        return data


class SieOverrideForm(forms.ModelForm):
    """An area's, a fund's or a bank account's own account, or a fund's project code."""

    class Meta:
        model = SieOverride
        fields = ["focus_area", "fund", "bank", "account", "project_code"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        mapping = SieMapping.current()
        others = SieOverride.objects.exclude(pk=self.instance.pk)
        texts = [*others.values_list("account", flat=True)]
        texts += [getattr(mapping, field) for field in ACCOUNT_FIELDS]
        _refuse_other_name(self, "account", dict(parted(text) for text in texts if text))
        return data


def _refuse_other_name(form: forms.ModelForm, field: str, known: dict[str, str]) -> None:
    """An account has one name in the file; `known` are those there are, by number, and learns this one."""
    number, name = parted(form.cleaned_data.get(field, ""))
    if number and known.setdefault(number, name) != name:
        form.add_error(
            field,
            _("Konto %(number)s heter ”%(name)s” på ett annat ställe. Skriv samma namn här.")
            % {"number": number, "name": known[number]},
        )
