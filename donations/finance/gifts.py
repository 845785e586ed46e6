"""Gifts by hand, gifts that wait to be placed, and what donors answer about a surplus."""

import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.days import long_date
from donations.finance import unplaced, years
from donations.finance.forms import AnswerForm, GiftForm, PlaceForm
from donations.finance.operation import operate, sent
from donations.models import Account, Fund, FundYear, Transfer
from donations.money import format_kronor
from donations.operations import GiftIn
from staff import access
from staff.requests import member


@access.staff("donations.add_transfer")
def register(request: HttpRequest) -> HttpResponse:
    """Register a gift that did not come in a bank file, whole or split over several funds."""
    booked: list[Transfer] = []

    def run(data: dict[str, Any]) -> str:
        gift = _gift(data)
        if data["parts"]:
            placed = operations.split_gift(
                gift,
                data["parts"],
                bank=data["bank"],
                reason=_("Gåvan var till flera insamlingar."),
                by=member(request),
            )
            booked.extend(one for one in placed if _is_to(one, data["collection_number"]))
            told = _("%(amount)s är bokförda, fördelade på %(count)s insamlingar.") % {
                "amount": format_kronor(gift.amount_ore),
                "count": len(placed),
            }
        else:
            booked.append(operations.register_gift(gift, bank=data["bank"], by=member(request)))
            told = _told(gift)
        return told + _moved_on(gift, booked[0])

    return operate(
        request,
        GiftForm(sent(request), initial={"collection_number": request.GET.get("nummer", "")}),
        run,
        back=reverse("finance_start"),
        after=lambda: _page_of(booked),
        template="ekonomi/gift.html",
        title=_("Registrera gåva"),
        intro=_("För gåvor som inte kommer i en fil från banken, till exempel en kollekt."),
        consequence=_(
            "Gåvan syns på webbplatsen genast. Det som är bokfört kan inte ändras eller tas"
            " bort, bara rättas med en ny transaktion."
        ),
        button=_("Bokför gåvan"),
    )


def _gift(data: dict[str, Any]) -> GiftIn:
    return GiftIn(
        fund=data["collection_number"],
        amount_ore=data["amount"],
        bank_date=data["bank_date"],
        channel=data["channel"],
        payer_name=data["payer_name"],
        message=data["message"],
    )


def _told(gift: GiftIn) -> str:
    """What has become of a gift to one fund; one to a closed fund waits to be placed."""
    fund, amount = gift.fund, format_kronor(gift.amount_ore)
    assert fund is not None  # the form asks for one
    if gift.open_fund:
        return _("%(amount)s är bokförda på %(fund)s.") % {"amount": amount, "fund": fund}
    assert fund.closed_on is not None
    told = _(
        "%(amount)s är bokförda bland oplacerade gåvor: insamling %(number)s stängde den %(day)s."
    ) % {
        "amount": amount,
        "number": fund.collection_number,
        "day": long_date(fund.closed_on),
    }
    heir = queries.heir(fund, timezone.localdate())
    return f"{told} {_('Den ersätts av %s.') % heir}" if heir else told


def _is_to(transfer: Transfer, fund: Fund) -> bool:
    fund_year = transfer.credit.fund_year
    return fund_year is not None and fund_year.fund_id == fund.pk


def _moved_on(gift: GiftIn, booked: Transfer) -> str:
    """What to add when a gift's own day was locked, so that it counts on another day."""
    if booked.booked_on == gift.bank_date:
        return ""
    told = _("Den %(bank_date)s är låst, så gåvan är bokförd den %(booked_on)s.") % {
        "bank_date": long_date(gift.bank_date),
        "booked_on": long_date(booked.booked_on),
    }
    return f" {told}"


def _page_of(booked: list[Transfer]) -> str:
    """Where to look at what was just booked; with nothing booked a second time, where all funds stand."""
    if not booked:
        return reverse("finance_start")
    fund_year = booked[0].credit.fund_year
    if fund_year is None:
        return reverse("finance_place", args=[booked[0].pk])
    return fund_address(fund_year)


def fund_address(fund_year: FundYear) -> str:
    """The page of a fund's year."""
    page = reverse("finance_fund", args=[fund_year.fund.collection_number])
    return page + years.query(fund_year.year)


def _heir_of(gift: Transfer, day: datetime.date) -> Fund | None:
    """The open fund that has taken over after the closed one that the gift was meant for."""
    meant_for = _meant_for(gift)
    return queries.heir(meant_for, day) if meant_for else None


def _meant_for(gift: Transfer) -> Fund | None:
    """The closed fund whose number stood on the gift."""
    return gift.payment.meant_for if gift.payment else None


@access.staff("donations.add_transfer")
def place(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Place a gift that waits, or parts of it."""
    gift = get_object_or_404(
        Transfer.objects.select_related(
            "payment__meant_for__project", "payment__meant_for__focus_area"
        ),
        pk=transfer_id,
        kind=Transfer.Kind.GIFT,
        credit__kind=Account.Kind.SUSPENSE,
        reverses=None,
        reversal=None,
    )
    left = operations.left_of(gift)
    heir = _heir_of(gift, timezone.localdate())

    def run(data: dict[str, Any]) -> str:
        placed = operations.place(
            gift,
            data["parts"],
            booked_on=data["booked_on"],
            reason=data["reason"],
            by=member(request),
        )
        amount = format_kronor(sum(part.amount_ore for part in placed))
        if rest := operations.left_of(gift):
            return _("%(amount)s är placerade. %(rest)s av gåvan väntar ännu.") % {
                "amount": amount,
                "rest": format_kronor(rest),
            }
        return _("%s är placerade. Nu är hela gåvan på plats.") % amount

    return operate(
        request,
        PlaceForm(sent(request), initial=_first_guess(gift, left, heir)),
        run,
        back=reverse("finance_unplaced"),
        after=lambda: unplaced.address(request, unplaced.next_gift(request, gift)),
        template="ekonomi/place.html",
        gift=gift,
        left=left,
        heir=heir,
        title=_("Placera en gåva"),
        consequence=_(
            "Det som placeras räknas med på webbplatsen genast. Blir det fel rättar du placeringen."
        ),
        button=_("Placera gåvan"),
    )


def _first_guess(gift: Transfer, left: int, heir: Fund | None) -> dict[str, Any]:
    """All that is left, on the gift's own day when that is open, to the fund that has taken over."""
    booked_on = max(gift.booked_on, operations.first_open_day())
    guess: dict[str, Any] = {"amount_1": left, "booked_on": booked_on}
    meant_for = _meant_for(gift)
    if heir and meant_for:
        guess |= {
            "number_1": heir.collection_number,
            "booked_on": max(booked_on, heir.opened_on),
            "reason": _("Insamling %(old)s är stängd och ersätts av %(new)s.")
            % {"old": meant_for.collection_number, "new": heir.collection_number},
        }
    return guess


@access.staff("donations.add_donoranswer")
def answer(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Write down what a donor answered about a surplus, beside what has been answered before."""
    gift = get_object_or_404(
        Transfer.objects.select_related("credit__fund_year__fund", "payment"),
        pk=transfer_id,
        kind__in=[Transfer.Kind.GIFT, Transfer.Kind.PLACEMENT],
    )

    def run(data: dict[str, Any]) -> str:
        is_yes = data["answer"] == "yes"
        operations.record_answer(
            gift,
            is_yes,
            asked_by=data["asked_by"],
            answered_on=data["answered_on"],
            by=member(request),
        )
        if is_yes:
            return _("Svaret är antecknat: ja. Gåvan kan flyttas om det blir ett överskott.")
        return _("Svaret är antecknat: nej. Gåvan stannar i insamlingen.")

    initial = {"answered_on": timezone.localdate(), "asked_by": str(member(request))}
    return operate(
        request,
        AnswerForm(sent(request), initial=initial),
        run,
        back=reverse("admin:donations_transfer_change", args=[gift.pk]),
        template="ekonomi/answer.html",
        gift=gift,
        answers=gift.answers.select_related("by"),
        title=_("Anteckna givarens svar"),
        intro=_(
            "Inget överskottsvillkor gällde när gåvan gavs. Om det blir ett överskott får den gå till"
            " ett liknande projekt bara om givaren säger ja."
        ),
        consequence=_("Ett svar tas inte bort. Ändrar givaren sig antecknar du det nya svaret."),
        button=_("Anteckna svaret"),
    )
