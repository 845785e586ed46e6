"""The queue of gifts that wait to be placed: suggestion first, one click or key for each."""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import once, operations, queries, recall
from donations.bankfiles import matching
from donations.bankfiles.matching import Register
from donations.bankfiles.records import Line
from donations.finance.unplaced_forms import NoteForm, PlaceAtOnceForm, SearchForm, UnplaceForm
from donations.forms import OperationForm
from donations.masking import mask
from donations.models import Account, Fund, Transfer, UnplacedGift
from donations.money import format_kronor
from donations.operations import OperationError, Part
from staff import access
from staff.requests import member

# How many gifts a page of the queue shows, and how many suggestions each.
ON_A_PAGE, MOST_CHOICES = 25, 3


@dataclass(frozen=True)
class Choice:
    """Somewhere that a gift may go with one click: funds, each with its öre (None: all that is left), and why."""

    parts: tuple[tuple[Fund, int | None], ...]
    why: str

    @property
    def value(self) -> str:
        """As the button sends it; see `PlaceAtOnceForm.clean_choice`."""
        return "+".join(
            f"{fund.collection_number}:{ore}" if ore else fund.collection_number
            for fund, ore in self.parts
        )

    @property
    def label(self) -> str:
        if len(self.parts) > 1:
            told = (f"{format_kronor(ore or 0)} på {fund}" for fund, ore in self.parts)
            return _("Dela: %s") % _(" och ").join(told)
        [(fund, ore)] = self.parts
        if ore:
            return _("Placera %(amount)s på %(fund)s") % {
                "amount": format_kronor(ore),
                "fund": fund,
            }
        return _("Placera på %s") % fund


@dataclass(frozen=True)
class Row:
    """A gift that waits, as the queue shows it. `known_by` tells how its payer can be remembered, if at all."""

    gift: Any
    heir: Fund | None
    why: str
    choices: Sequence[Choice]
    known_by: str
    once: uuid.UUID
    # What was sent about this gift and refused.
    form: OperationForm | None = None


@access.staff("donations.view_transfer", methods=access.READ)
def queue(request: HttpRequest) -> HttpResponse:
    """Gifts that wait on suspense until somebody can tell which fund they are for, oldest first."""
    return _page(request)


@access.staff("donations.add_transfer", methods=("POST",))
def place_at_once(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Place all that is left of a gift by a suggestion or a number, and go on to the next gift."""
    gift, form = _gift(transfer_id), PlaceAtOnceForm(request.POST)
    placed: list[Transfer] = []

    def run(data: dict[str, Any]) -> str:
        left = operations.left_of(gift)
        if not left:
            raise OperationError(_("Ingenting av gåvan väntar längre."))
        parts = [Part(fund, left if ore is None else ore) for fund, ore in data["parts"]]
        days = (gift.booked_on, operations.first_open_day(), *(p.fund.opened_on for p in parts))
        reason = data["reason"] or _reason(gift, parts)
        placed.extend(
            operations.place(gift, parts, booked_on=max(days), reason=reason, by=member(request))
        )
        if data["bind"]:
            _bind(request, gift, parts)
        return _told(gift, parts, is_bound=data["bind"])

    if once.carried_out(request, form, run):
        return HttpResponseRedirect(_onward(request, gift, placed))
    return _page(request, form, gift)


@access.staff("donations.add_transfer", methods=("POST",))
def note(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Write a note about a gift."""
    gift, form = _gift(transfer_id), NoteForm(request.POST)

    def run(data: dict[str, Any]) -> str:
        operations.write_note(gift, data["note"], by=member(request))
        return _("Anteckningen är sparad.") if data["note"] else _("Anteckningen är borttagen.")

    if once.carried_out(request, form, run):
        return HttpResponseRedirect(address(request, gift))
    return _page(request, form, gift)


@access.staff("donations.add_transfer", methods=("POST",))
def unplace(request: HttpRequest) -> HttpResponse:
    """Undo what has just been placed, and go back to the gift."""
    form = UnplaceForm(request.POST)
    back: list[Transfer] = []

    def run(data: dict[str, Any]) -> str:
        placements = _placements(data["placed"])
        if not placements:
            raise OperationError(_("Placeringen är redan ångrad."))
        for one in placements:
            day = max(one.booked_on, operations.first_open_day())
            reason = _("Placeringen ångrades i kön.")
            operations.reverse(one, booked_on=day, reason=reason, by=member(request))
        back.extend(Transfer.objects.filter(kind="gift", payment=placements[0].payment_id))
        return _("Placeringen är ångrad. Gåvan väntar igen.")

    if once.carried_out(request, form, run):
        return HttpResponseRedirect(address(request, back[0] if back else None))
    return _page(request, form)


def address(request: HttpRequest, gift: Transfer | None, **added: str) -> str:
    """The queue as it was last looked at, at a gift."""
    kept = request.GET.copy()
    for passing in ("placerad", "dela"):
        kept.pop(passing, None)
    kept.update(added)
    query = f"?{kept.urlencode()}" if kept else ""
    return f"{reverse('finance_unplaced')}{query}#{f'gava-{gift.pk}' if gift else 'innehall'}"


def next_gift(request: HttpRequest, gift: Transfer) -> Transfer | None:
    """The gift to go on to when one has been dealt with: itself while something of it waits."""
    waiting = _search(request)[1]
    if found := waiting.filter(pk=gift.pk).first():
        return found
    day = gift.payment.bank_date if gift.payment else gift.booked_on
    after = Q(payment__bank_date__gt=day) | Q(payment__bank_date=day, pk__gt=gift.pk)
    return waiting.filter(after).first() or waiting.last()


def _onward(request: HttpRequest, gift: Transfer, placed: Sequence[Transfer]) -> str:
    ids = ".".join(str(one.pk) for one in placed)
    return address(request, next_gift(request, gift), **({"placerad": ids} if ids else {}))


def _gift(transfer_id: int) -> Transfer:
    """A gift that came in on suspense and has not been reversed; what has been placed of it will be told."""
    gifts = Transfer.objects.select_related("payment__meant_for")
    return get_object_or_404(
        gifts,
        pk=transfer_id,
        kind=Transfer.Kind.GIFT,
        credit__kind=Account.Kind.SUSPENSE,
        reverses=None,
        reversal=None,
    )


def _placements(told: str) -> list[Transfer]:
    """The placements that still stand, of those whose ids are told."""
    ids = [int(one) for one in told.split(".") if one.isascii() and one.isdigit()]
    few = [pk for pk in ids if pk < 2**63][:10]
    return operations.standing(Transfer.objects.filter(pk__in=few, kind=Transfer.Kind.PLACEMENT))


def _reason(gift: Transfer, parts: Iterable[Part]) -> str:
    """Why it goes there, as the suggestion says it."""
    [row] = _rows([gift], timezone.localdate())
    funds = {part.fund.pk for part in parts}
    for choice in row.choices:
        if {fund.pk for fund, _ore in choice.parts} == funds:
            return mask(choice.why)[:300]
    return _("Vald för hand bland oplacerade gåvor.")


def _bind(request: HttpRequest, gift: Transfer, parts: Sequence[Part]) -> None:
    if len(parts) > 1:
        raise OperationError(
            _("En betalare kan knytas till en insamling, inte till flera. Ta bort krysset.")
        )
    operations.bind_payer(gift, parts[0].fund, by=member(request))


def _told(gift: Transfer, parts: Iterable[Part], *, is_bound: bool) -> str:
    told = _("%s.") % _(" och ").join(
        _("%(amount)s är placerade på %(fund)s")
        % {"amount": format_kronor(part.amount_ore), "fund": part.fund}
        for part in parts
    )
    if rest := operations.left_of(gift):
        told += " " + _("%s av gåvan väntar ännu.") % format_kronor(rest)
    if is_bound:
        told += " " + _("Betalaren är ihågkommen.")
    return told


# The page


def _page(
    request: HttpRequest, refused: OperationForm | None = None, about: Transfer | None = None
) -> HttpResponse:
    """The queue, with what was sent about a gift and refused, if anything was."""
    form, gifts = _search(request)
    sheet = Paginator(gifts, ON_A_PAGE).get_page(request.GET.get("sida"))
    is_helped = _may(request, "add_transfer") and _may(request, "view_payment")
    rows = _rows(sheet, timezone.localdate(), is_helped, refused, about)
    placed = request.GET.get("placerad", "")
    context = {
        "search": form,
        "is_searched": any(form.cleaned_data.values()) or bool(form.errors),
        "sheet": sheet,
        "rows": rows,
        "balance": queries.suspense_balance(),
        "form": refused,
        # What has been placed meanwhile, in another tab, has no row to lead to.
        "about": next((row.gift for row in rows if about and row.gift.pk == about.pk), None),
        "funds": _open_funds(timezone.localdate()) if rows and is_helped else [],
        "kept": address(request, None).removeprefix(reverse("finance_unplaced")).partition("#")[0],
        "undo": UnplaceForm(initial={"placed": placed})
        if placed and _may(request, "add_transfer") and _placements(placed)
        else None,
    }
    return render(request, "ekonomi/unplaced.html", context)


def _may(request: HttpRequest, deed: str) -> bool:
    return member(request).has_perm(f"donations.{deed}")


def _search(request: HttpRequest) -> tuple[SearchForm, QuerySet[Any]]:
    """The search as it was filled in, and the gifts that it finds."""
    files = UnplacedGift.objects.exclude(transfer__payment__file=None).order_by()
    form = SearchForm(
        request.GET,
        files=list(files.values_list("transfer__payment__file", flat=True).distinct()),
        sees_payers=_may(request, "view_payment"),
    )
    gifts = queries.unplaced().select_related(
        "payment__meant_for__project__focus_area",
        "payment__meant_for__focus_area",
        "payment__file",
    )
    form.is_valid()  # what cannot be read is told, and the rest is looked for
    said = form.cleaned_data
    if text := said.get("q"):
        gifts = gifts.filter(
            Q(payment__payer_name__icontains=text)
            | Q(payment__message__icontains=text)
            | Q(payment__note__icontains=text)
        )
    if said.get("belopp") is not None:
        gifts = gifts.filter(Q(amount_ore=said["belopp"]) | Q(left_ore=said["belopp"]))
    if said.get("dag"):
        gifts = gifts.filter(payment__bank_date=said["dag"])
    if said.get("fil"):
        gifts = gifts.filter(payment__file=said["fil"])
    return form, gifts


def _rows(
    gifts: Iterable[Any],
    today: datetime.date,
    is_helped: bool = True,
    refused: OperationForm | None = None,
    about: Transfer | None = None,
) -> list[Row]:
    """The gifts with their suggestions, at the cost of one gift's."""
    gifts = list(gifts)
    heirs = queries.heirs(filter(None, map(_meant_for, gifts)), today)
    lines = {gift.pk: recall.line_of(gift) for gift in gifts if gift.payment} if is_helped else {}
    register = recall.register(lines.values()) if lines else None
    funds = _funds() if lines else {}
    found = []
    for gift in gifts:
        meant_for, line = _meant_for(gift), lines.get(gift.pk)
        heir = heirs.get(meant_for.pk) if meant_for else None
        choices, why = _choices(gift, line, register, funds, heir) if line else ((), "")
        found.append(
            Row(
                gift,
                heir,
                mask(why),
                choices,
                known_by=_known_by(line) if line else "",
                once=uuid.uuid4(),
                form=refused if about and about.pk == gift.pk else None,
            )
        )
    return found


def _meant_for(gift: Transfer) -> Fund | None:
    """The closed fund whose number stood on the gift."""
    return gift.payment.meant_for if gift.payment else None


def _funds() -> dict[int, Fund]:
    return {f.pk: f for f in Fund.objects.select_related("project__focus_area", "focus_area")}


def _open_funds(day: datetime.date) -> list[Fund]:
    return [fund for fund in _funds().values() if fund.is_open(day)]


def _choices(
    gift: Any, line: Line, register: Register | None, funds: dict[int, Fund], heir: Fund | None
) -> tuple[list[Choice], str]:
    """Where the gift may go, the likeliest first, and why it could not be told at once."""
    assert register is not None  # made for every line
    match = matching.match(line, register)
    left = getattr(gift, "left_ore", None) or operations.left_of(gift)
    found: list[Choice] = []
    if len(match.parts) == 1:
        # What finance has said since it came: a new number, a payer that is bound.
        found.append(Choice(((funds[match.parts[0].fund], None),), match.why))
    elif match.parts and left == gift.amount_ore:
        parts = tuple((funds[part.fund], part.amount_ore) for part in match.parts)
        found.append(Choice(parts, match.why))
    meant_for = _meant_for(gift)
    if heir and meant_for:
        why = _("Insamling %(old)s är stängd och ersätts av %(new)s.") % {
            "old": meant_for.collection_number,
            "new": heir.collection_number,
        }
        found.append(Choice(((heir, None),), why))
    for one in match.suggestions:
        ore = one.amount_ore if one.amount_ore and 0 < one.amount_ore < left else None
        found.append(Choice(((funds[one.fund], ore),), mask(one.why)))
    once_each = {tuple(fund.pk for fund, _ore in one.parts): one for one in reversed(found)}
    return list(reversed(once_each.values()))[:MOST_CHOICES], match.why


def _known_by(line: Line) -> str:
    """What a payer would be remembered by: "payer", "text" (the name together with the text), or ""."""
    keys = matching.payer_keys(line)
    if not keys:
        return ""
    return "text" if keys[0].startswith("name ") else "payer"
