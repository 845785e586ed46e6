"""The forms of the pages that move money in, out and into place."""

import datetime
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.forms import WHY, DayField, KronorField, OperationForm
from donations.models import Account, Fund
from donations.models.funds import validate_collection_number
from donations.money import format_kronor
from donations.operations import Part


class FundField(forms.CharField):
    """A collection number as people write it; its value is the fund."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=10, widget=forms.TextInput(attrs={"inputmode": "numeric"}), **kwargs
        )

    def clean(self, value: Any) -> Any:
        number = super().clean(value).replace(" ", "")
        if not number:
            return None
        validate_collection_number(number)
        funds = Fund.objects.select_related("project__focus_area", "focus_area")
        fund = funds.filter(collection_number=number).first()
        if fund is None:
            raise ValidationError(_("Det finns ingen insamling med numret %s.") % number)
        return fund


class MovementForm(OperationForm):
    """An amount, the day it counts and why."""

    amount = KronorField(label="belopp")
    booked_on = DayField(label="bokföringsdag")
    reason = forms.CharField(label="skäl", max_length=300, error_messages=WHY)


class Tick(forms.CheckboxInput):
    """A box to tick for just the question that is asked: its value comes back, and it is never ticked before."""

    def __init__(self, value: str) -> None:
        super().__init__(attrs={"value": value}, check_test=lambda _value: False)


class DisbursementForm(MovementForm):
    """What has been paid out. More than the fund year holds is to be confirmed, for just that amount."""

    beyond = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, cash_ore: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cash_ore = cash_ore

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        amount: int = data.get("amount") or 0
        beyond = amount - self.cash_ore if amount else 0
        if beyond > 0 and data.get("beyond") != str(beyond):
            field = self.fields["beyond"]
            field.widget = Tick(str(beyond))
            field.label = _("Ja, %s mer än så är utbetalt") % format_kronor(beyond)
            self.add_error(
                "beyond",
                _("På insamlingsåret finns %(cash)s. Är %(amount)s verkligen utbetalt?")
                % {"cash": format_kronor(self.cash_ore), "amount": format_kronor(amount)},
            )
        return data


class PartsForm(OperationForm):
    """A form with rows for the funds that share something, each a collection number and an amount.

    `rows` are the rows' numbers; a row left empty is no part. The parts are `cleaned_data["parts"]`.
    """

    rows: range

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in self.rows:
            self.fields[f"number_{row}"] = FundField(label=_("nummer %s") % row, required=False)
            self.fields[f"amount_{row}"] = KronorField(
                label=_("belopp %s") % row, required=False, help_text=""
            )

    @property
    def part_rows(self) -> list[tuple[BoundField, BoundField]]:
        return [(self[f"number_{row}"], self[f"amount_{row}"]) for row in self.rows]

    @property
    def more_rows(self) -> list[tuple[BoundField, BoundField]]:
        """The rows after the first, which are for what is shared."""
        return [(self[f"number_{row}"], self[f"amount_{row}"]) for row in self.rows if row > 1]

    @property
    def is_shared(self) -> bool:
        """Whether anything is filled in after the first row, so that the rows are not to be folded away."""
        return any(field.value() or field.errors for row in self.more_rows for field in row)

    @property
    def main_fields(self) -> list[BoundField]:
        """What there is to fill in beside the rows."""
        of_rows = {field.name for row in self.part_rows for field in row}
        return [field for field in self.visible_fields() if field.name not in of_rows]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["parts"] = []
        for row in self.rows:
            number, amount = f"number_{row}", f"amount_{row}"
            fund, ore = data.get(number), data.get(amount)
            if number in self.errors or amount in self.errors:
                continue
            if fund and not ore:
                self.add_error(
                    amount, _("Fyll i hur mycket som är till %s.") % fund.collection_number
                )
            elif ore and not fund:
                self.add_error(number, _("Fyll i vilken insamling beloppet är till."))
            elif fund and ore:
                data["parts"].append(Part(fund, ore))
        return data

    def refuse_twice(self, parts: Iterable[Part]) -> None:
        """The same fund in two rows is one part, or a slip of the pen."""
        numbers = [part.fund.collection_number for part in parts]
        for number in sorted({number for number in numbers if numbers.count(number) > 1}):
            self.add_error(
                None, _("Insamling %s står två gånger. Lägg ihop beloppen på en rad.") % number
            )

    def refuse_before_open(self, field: str, funds: Iterable[Fund]) -> None:
        """A day before a fund opened is a slip of the pen."""
        day: datetime.date | None = self.cleaned_data.get(field)
        for fund in funds:
            if day and day < fund.opened_on:
                self.add_error(
                    field,
                    _("Insamling %(number)s öppnade den %(day)s. Kontrollera dagen och årtalet.")
                    % {"number": fund.collection_number, "day": long_date(fund.opened_on)},
                )


class GiftForm(PartsForm):
    """A gift that did not come in a bank file: a church collection, cash, a correction by hand.

    What the rows do not take is for the fund that stands first, which is a part, too, when there are rows.
    """

    rows = range(2, 7)

    collection_number = FundField(label="insamlingsnummer")
    amount = KronorField(label="belopp")
    bank_date = DayField(label="dagen då pengarna kom in")
    channel = forms.ChoiceField(
        label="sätt att ge",
        choices=[(value, capfirst(label)) for value, label in Fund.Channel.choices],
        initial=Fund.Channel.CASH,
    )
    bank = forms.ModelChoiceField(
        label="bankkonto", queryset=Account.objects.filter(kind=Account.Kind.BANK), empty_label=None
    )
    payer_name = forms.CharField(label="givare", max_length=140, required=False)
    message = forms.CharField(label="meddelande", max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"bank_date": timezone.localdate(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        if amount == 0:
            raise ValidationError(_("Beloppet ska vara större än 0 kr."))
        return amount

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        fund, amount, parts = data.get("collection_number"), data.get("amount"), data["parts"]
        self.refuse_before_open(
            "bank_date", [*([fund] if fund else []), *(part.fund for part in parts)]
        )
        if not (parts and fund and amount):
            return data
        shared = sum(part.amount_ore for part in parts)
        if shared >= amount:
            self.add_error(
                "amount",
                _(
                    "Raderna nedan är tillsammans %(shared)s av en gåva på %(amount)s. "
                    "Något måste bli kvar till insamling %(number)s."
                )
                % {
                    "shared": format_kronor(shared),
                    "amount": format_kronor(amount),
                    "number": fund.collection_number,
                },
            )
        data["parts"] = [Part(fund, amount - shared), *parts]
        self.refuse_twice(data["parts"])
        return data


class PlaceForm(PartsForm):
    """Which funds a gift that waits on suspense is for."""

    rows = range(1, 7)

    booked_on = DayField(label="bokföringsdag")
    reason = forms.CharField(
        label="skäl",
        max_length=300,
        help_text="Till exempel ”Givaren ringde och sa vilket projekt”. Skriv inga namn.",
        error_messages=WHY,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        parts: list[Part] = data["parts"]
        if not parts and not self.errors:
            self.add_error(
                "number_1", _("Fyll i minst en insamling och hur mycket av gåvan som är till den.")
            )
        self.refuse_twice(parts)
        self.refuse_before_open("booked_on", [part.fund for part in parts])
        return data


class AnswerForm(OperationForm):
    """What a donor said when asked about a surplus."""

    answer = forms.ChoiceField(
        label="givarens svar",
        choices=[
            ("yes", "Ja, ett överskott får gå till ett liknande projekt"),
            ("no", "Nej, gåvan ska stanna i projektet"),
        ],
        widget=forms.RadioSelect,
    )
    answered_on = DayField(label="dagen då givaren svarade")
    asked_by = forms.CharField(label="vem som frågade", max_length=140)
