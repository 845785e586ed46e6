"""The forms of reallocation: sharing a surplus, and deciding about a proposal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _

from donations import allocation
from donations.allocation import How
from donations.candidates import Candidate
from donations.forms import WHY, KronorField, OperationForm
from donations.models import FundYear, ProposalLine
from donations.money import format_amount
from donations.operations import LineIn

REASON = 300
HOW = {How.IN_ORDER: "i ordning", How.IN_PROPORTION: "i förhållande till vad som är kvar"}


class AmountForm(OperationForm):
    """A form whose fields describe themselves to those who cannot see where their help stands."""

    # Several forms share a page: their fields' ids are told apart by this.
    id_prefix = "id"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.id_prefix}_%s", **kwargs})


@dataclass(frozen=True)
class Row:
    """A candidate in the form, with its two fields."""

    candidate: Candidate
    amount: BoundField
    reason: BoundField


class ShareForm(AmountForm):
    """A surplus shared between candidates: how, an amount and a reason for each, and the reason for it all."""

    amount = KronorField(label="belopp att fördela", required=False)
    how = forms.ChoiceField(
        label="Fördela",
        choices=[(how.value, label) for how, label in HOW.items()],
        widget=forms.RadioSelect,
        initial=How.IN_ORDER.value,
    )
    reason = forms.CharField(
        label="skäl till förslaget",
        max_length=REASON,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Det syns på webbplatsen när förslaget är godkänt. Skriv därför inga namn på givare.",
    )

    def __init__(
        self, *args: Any, candidates: Sequence[Candidate], movable_ore: int, **kwargs: Any
    ) -> None:
        self.candidates, self.movable_ore = candidates, movable_ore
        kwargs["initial"] = {
            "amount": movable_ore,
            **{f"reason_{one.fund_year.pk}": one.reason for one in candidates},
            **(kwargs.get("initial") or {}),
        }
        super().__init__(*args, **kwargs)
        for one in candidates:
            pk = one.fund_year.pk
            self.fields[f"amount_{pk}"] = KronorField(
                label=_("belopp till %s") % one.fund_year.fund, required=False, help_text=""
            )
            self.fields[f"reason_{pk}"] = forms.CharField(
                label=_("skäl för %s") % one.fund_year.fund,
                max_length=REASON,
                required=False,
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=_("Syns på webbplatsen."),
            )

    @property
    def rows(self) -> list[Row]:
        """The candidates in their order, each with its fields."""
        return [
            Row(one, self[f"amount_{one.fund_year.pk}"], self[f"reason_{one.fund_year.pk}"])
            for one in self.candidates
        ]

    @property
    def total_ore(self) -> int:
        """What the amounts that can be read sum to, in öre."""
        if not self.is_bound:
            return sum(
                self.initial.get(f"amount_{one.fund_year.pk}") or 0 for one in self.candidates
            )
        data = getattr(self, "cleaned_data", {})
        return sum(data.get(f"amount_{one.fund_year.pk}") or 0 for one in self.candidates)

    @property
    def left_ore(self) -> int:
        """What is movable and not shared out, in öre; below zero when too much is."""
        return self.movable_ore - self.total_ore

    def shared(self) -> "ShareForm":
        """The same form with its amounts filled in by the rules of sharing."""
        data = self.data.copy()  # type: ignore[attr-defined]
        shares = allocation.share(
            self.cleaned_data.get("amount") or 0, self.candidates, How(self.cleaned_data["how"])
        )
        parts = {part.key: part.amount_ore for part in shares.parts}
        for one in self.candidates:
            part = parts[one.key]
            data[self.add_prefix(f"amount_{one.fund_year.pk}")] = (
                format_amount(part) if part else ""
            )
        return ShareForm(data, candidates=self.candidates, movable_ore=self.movable_ore)

    def lines(self, source: FundYear) -> list[LineIn]:
        """What the valid form asks to move."""
        data = self.cleaned_data
        return [
            LineIn(source, one.fund_year, amount, data[f"reason_{one.fund_year.pk}"])
            for one in self.candidates
            if (amount := data[f"amount_{one.fund_year.pk}"])
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.data.get("do") == "submit" and not (data.get("reason") or "").strip():
            self.add_error("reason", _("Skriv varför överskottet ska flyttas."))
        if self.data.get("do") == "share" and (data.get("amount") or 0) > self.movable_ore:
            most = format_amount(self.movable_ore)
            self.add_error("amount", _("Det går att flytta högst %s kr.") % most)
        return data


class ApproveForm(AmountForm):
    """What is approved of each line, and a word about it."""

    id_prefix = "approve"
    reason = forms.CharField(
        label="kommentar",
        max_length=REASON,
        required=False,
        help_text="Syns inte på webbplatsen.",
    )

    def __init__(
        self,
        *args: Any,
        lines: Iterable[ProposalLine],
        approvable: Mapping[int, int],
        **kwargs: Any,
    ) -> None:
        self.lines = lines = list(lines)
        kwargs["initial"] = {f"amount_{line.pk}": approvable[line.pk] for line in lines}
        super().__init__(*args, **kwargs)
        for line in lines:
            self.fields[f"amount_{line.pk}"] = KronorField(
                label=_("belopp till %s") % line.receiver.fund,
                help_text=_("Föreslaget: %s kr.") % format_amount(line.amount_ore),
                error_messages={
                    "required": _("Skriv ett belopp. Skriv 0 om inget ska flyttas hit.")
                },
            )
        self.order_fields([*(f"amount_{line.pk}" for line in lines), "reason"])

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for line in self.lines:
            if (data.get(f"amount_{line.pk}") or 0) > line.amount_ore:
                most = format_amount(line.amount_ore)
                self.add_error(
                    f"amount_{line.pk}", _("Du kan godkänna högst det föreslagna, %s kr.") % most
                )
        return data

    def amounts(self) -> dict[int, int]:
        """What the valid form approves, in öre by line id."""
        return {
            int(name.removeprefix("amount_")): ore
            for name, ore in self.cleaned_data.items()
            if name.startswith("amount_")
        }


class RejectForm(AmountForm):
    """Say no, and why."""

    id_prefix = "reject"
    reason = forms.CharField(label="skäl", max_length=REASON, error_messages=WHY)


class WithdrawForm(AmountForm):
    """Take back what one has proposed."""

    id_prefix = "withdraw"
    reason = forms.CharField(label="skäl", max_length=REASON, required=False)


class SubmitForm(AmountForm):
    """Submit a draft as it stands."""

    id_prefix = "submit"


class DeleteForm(AmountForm):
    """Throw a draft away."""

    id_prefix = "delete"


class CopyForm(AmountForm):
    """Begin a new draft from what was not approved."""

    id_prefix = "copy"


class MoveBackForm(AmountForm):
    """Begin a draft that moves back what was moved in a year since closed."""

    id_prefix = "back"
