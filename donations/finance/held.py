"""Lines of a bank file that wait for a person: perhaps the gift is in the books already."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from donations import once
from donations.bankfiles import kept
from donations.days import long_date
from donations.finance import bank_file_telling as telling
from donations.finance.operation import sent
from donations.forms import OperationForm
from donations.models import BankFile, HeldLine, Transfer
from donations.money import format_kronor
from donations.operations import OperationError, bank_files
from staff import access
from staff.requests import member

ON_A_PAGE = 20
Decision, Why = HeldLine.Decision, HeldLine.Why

# What the buttons say, by why a line waits.
DEEDS = {
    Why.ALIKE: {Decision.SAME: "Samma gåva", Decision.ANOTHER: "En gåva till"},
    Why.CONFLICT: {Decision.SAME: "Behåll den bokförda", Decision.ANOTHER: "Bokför också denna"},
}
ALL = {
    Why.ALIKE: {Decision.SAME: "Samma gåva, alla %s", Decision.ANOTHER: "Nya gåvor, alla %s"},
    Why.CONFLICT: {
        Decision.SAME: "Behåll de bokförda, alla %s",
        Decision.ANOTHER: "Bokför också alla %s",
    },
}
# What is said when many have been decided about at once.
DONE = {
    Decision.SAME: "%s rader är samma gåvor som redan finns. Ingenting är bokfört.",
    Decision.ANOTHER: "%s rader är bokförda som nya gåvor.",
}


@dataclass(frozen=True)
class Fact:
    """What the line and its twin say of one thing; `is_payer` for what only some may see."""

    label: str
    new: str
    booked: str
    is_payer: bool = False

    @property
    def differs(self) -> bool:
        """Whether they say different things; capitals alone, as some files are written, are no difference."""
        return self.new.casefold().split() != self.booked.casefold().split()


@dataclass(frozen=True)
class Pair:
    """A held line beside what is in the books; `gift` is that gift's transfer, if it still stands."""

    held: HeldLine
    gift: Transfer | None
    facts: list[Fact]
    deeds: list[tuple[str, str]]

    @property
    def is_reversed(self) -> bool:
        """Whether the gift in the books has been reversed since."""
        return self.gift is not None and hasattr(self.gift, "reversal")


def _file(file_id: int) -> BankFile:
    return get_object_or_404(BankFile, pk=file_id, confirmed_at__isnull=False)


@access.staff("donations.add_bankfile")
def held(request: HttpRequest, file_id: int) -> HttpResponse:
    """A file's lines that wait, each beside its twin; sent, a decision about one of them."""
    of = _file(file_id)
    if request.method == "POST":
        return _decided(request, of)
    is_done = request.GET.get("visa") == "beslutade"
    lines = of.held.select_related("twin__file", "twin__account", "payment", "decided_by")
    shown = lines.exclude(decision="") if is_done else lines.filter(decision="")
    sheet = Paginator(shown.order_by("pk"), ON_A_PAGE).get_page(request.GET.get("sida"))
    context = {
        "bank_file": of,
        "is_done": is_done,
        "sheet": sheet,
        "pairs": _pairs(list(sheet)),
        "together": [] if of.undone_at else _together(of),
        "decided": of.held.exclude(decision="").count(),
    }
    return render(request, "ekonomi/bankfiler/held.html", context)


def _decided(request: HttpRequest, of: BankFile) -> HttpResponse:
    """Carry out a decision, and go on to the next line."""
    one = of.held.filter(pk=_number(request.POST.get("rad"))).first()
    decision = request.POST.get("beslut")
    back = reverse("finance_held", args=[of.pk])
    if one is None or decision not in Decision.values:
        messages.warning(request, _("Sidan kom inte hel fram. Försök igen."))
        return HttpResponseRedirect(back)
    try:
        done = bank_files.decide(of, Decision(decision), by=member(request), lines=[one.pk])
    except OperationError as error:
        messages.error(request, str(error))
    else:
        if done:
            told = DEEDS[Why(one.why)][Decision(decision)]
            messages.success(request, f"{one}: {told.lower()}.")
        else:
            messages.info(request, _("Det var redan beslutat om raden."))
    waiting = of.held.filter(decision="").order_by("pk")
    after = waiting.filter(pk__gt=one.pk).first() or waiting.first()
    if after is None:
        messages.info(request, _("Nu är alla rader i filen beslutade."))
        return redirect("finance_bank_file", of.pk)
    before = waiting.filter(pk__lt=after.pk).count()
    return HttpResponseRedirect(f"{back}?sida={before // ON_A_PAGE + 1}#rad-{after.pk}")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _pairs(lines: list[HeldLine]) -> list[Pair]:
    payments = {payment for one in lines for payment in (one.twin_id, one.payment_id)}
    gifts = Transfer.objects.originals()
    gifts = gifts.filter(payment__in=payments - {None}, kind=Transfer.Kind.GIFT).select_related(
        "reversal", "credit__fund_year__fund"
    )
    by_payment = {one.payment_id: one for one in gifts}
    return [
        Pair(
            one,
            by_payment.get(one.payment_id or one.twin_id),
            _facts(one, by_payment.get(one.twin_id)),
            [(choice.value, str(label)) for choice, label in DEEDS[Why(one.why)].items()],
        )
        for one in lines
    ]


def _facts(held_line: HeldLine, gift: Transfer | None) -> list[Fact]:
    twin = held_line.twin
    line = kept.from_json(held_line.line) if held_line.line else None
    facts = [
        Fact(
            _("Bankens datum"),
            long_date(held_line.bank_date),
            long_date(twin.bank_date) if twin else "",
        ),
        Fact(
            _("Belopp"),
            format_kronor(held_line.amount_ore),
            format_kronor(gift.amount_ore) if gift else "",
        ),
    ]
    if line:
        text = "\n".join(reference.text for reference in line.references)
        facts += [
            Fact(_("Givare"), line.payer.name, twin.payer_name if twin else "", is_payer=True),
            Fact(
                _("Konto eller telefon"),
                f"{line.payer.account} {line.payer.identity}".strip(),
                f"{twin.payer_account} {twin.payer_identity}".strip() if twin else "",
                is_payer=True,
            ),
            Fact(_("Text"), text, twin.message if twin else "", is_payer=True),
        ]
        if line.bank_id and held_line.why == Why.CONFLICT:
            facts.append(Fact(_("Bankens id"), line.bank_id, line.bank_id))
    return [fact for fact in facts if fact.new or fact.booked]


# Many at once


@dataclass(frozen=True)
class Together:
    """All of a file's waiting lines that wait for the same reason, and what can be decided of them."""

    why: HeldLine.Why
    lines: int
    ore: int
    deeds: list[tuple[str, str]]


def _waiting(of: BankFile, why: str) -> dict[str, int]:
    told = of.held.filter(decision="", why=why).aggregate(lines=Count("pk"), ore=Sum("amount_ore"))
    return {"lines": told["lines"], "ore": told["ore"] or 0}


def _together(of: BankFile) -> list[Together]:
    made = []
    for why, deeds in ALL.items():
        count = _waiting(of, why)
        if count["lines"] > 1:
            many = telling.number(count["lines"])
            told = [(choice.value, str(label) % many) for choice, label in deeds.items()]
            made.append(Together(why, count["lines"], count["ore"], told))
    return made


@access.staff("donations.add_bankfile")
def held_all(request: HttpRequest, file_id: int) -> HttpResponse:
    """One decision for all of a file's lines that wait for the same reason, after telling their sum."""
    of = _file(file_id)
    why, decision = request.GET.get("varfor"), request.GET.get("beslut")
    back = reverse("finance_held", args=[of.pk])
    if why not in Why.values or decision not in Decision.values:
        return HttpResponseRedirect(back)
    count = _waiting(of, why)
    seen = f"{count['lines']} {count['ore']}"

    def run(data: dict[str, Any]) -> str:
        if request.POST.get("seen") != seen:
            told = _("Det har ändrats vad som väntar sedan sidan visades. Så här är det nu.")
            raise OperationError(told)
        done = bank_files.decide(of, Decision(decision), by=member(request), why=Why(why))
        return DONE[Decision(decision)] % telling.number(done)

    form = OperationForm(sent(request))
    if once.carried_out(request, form, run):
        left = of.held.filter(decision="").exists()
        return HttpResponseRedirect(back if left else reverse("finance_bank_file", args=[of.pk]))
    if not count["lines"]:
        messages.info(request, _("Det finns inga rader kvar att besluta om."))
        return HttpResponseRedirect(back)
    is_same = decision == Decision.SAME
    context = {
        "bank_file": of,
        "form": form,
        "seen": seen,
        "back": back,
        "is_same": is_same,
        "count": count,
        "alone": _without_twin(of.held.filter(decision="", why=why)),
        "title": ALL[Why(why)][Decision(decision)] % telling.number(count["lines"]),
        "button": _("Bokför %s rader") % telling.number(count["lines"])
        if not is_same
        else _("Bokför ingen av de %s raderna") % telling.number(count["lines"]),
    }
    return render(request, "ekonomi/bankfiler/held_all.html", context)


def _without_twin(held_lines: QuerySet[HeldLine]) -> int:
    """Lines whose gift in the books has been undone or reversed since: nothing is left of it there."""
    gone = Q(twin=None) | Q(twin__transfers__kind="gift", twin__transfers__reversal__isnull=False)
    return held_lines.filter(gone).distinct().count()


@access.staff("donations.add_bankfile", methods=("POST",))
def reopen(request: HttpRequest, file_id: int, held_id: int) -> HttpResponse:
    """Let a line wait again that was decided to be the same gift."""
    one = get_object_or_404(HeldLine, pk=held_id, file_id=file_id)
    back = reverse("finance_held", args=[file_id])
    try:
        bank_files.reopen(one, by=member(request))
    except OperationError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"{back}?visa=beslutade")
    messages.success(request, _("Beslutet är ångrat. %s väntar igen.") % one)
    return HttpResponseRedirect(f"{back}#rad-{one.pk}")
