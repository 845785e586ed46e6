"""A fund's year: its figures, where they come from, and what may be done with it."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.days import long_date
from donations.finance import years
from donations.finance.forms import DisbursementForm, MovementForm
from donations.finance.operation import operate, sent
from donations.models import (
    Account,
    CollectionYear,
    Fund,
    FundYear,
    PeriodLock,
    Proposal,
    SurplusClause,
    Transfer,
    YearClosing,
)
from donations.money import format_kronor
from donations.queries import Figures
from staff import access
from staff.requests import member

# How many transfers a page of a fund's year shows.
ON_A_PAGE = 50


@dataclass(frozen=True)
class Line:
    """One figure as it is shown: what it is called, its öre (None: unknown), and what it means."""

    label: str
    ore: int | None
    note: str = ""
    is_minor: bool = False
    is_sum: bool = False


@access.staff("donations.view_fund", methods=access.READ)
def fund(request: HttpRequest, number: str) -> HttpResponse:
    """One fund in one year: every figure, and everything that they lean on."""
    found, year = _fund(number), years.chosen(request)
    fund_year = FundYear.objects.filter(fund=found, year=year).select_related("focus_area").first()
    today = timezone.localdate()
    area = fund_year.focus_area if fund_year else found.area_now
    shown = _figures(found, fund_year, today)
    context = {
        "fund": found,
        "year": year,
        "year_query": years.query(year),
        "years": CollectionYear.objects.filter(
            Q(fund_years__fund=found) | Q(pk=year.pk) | Q(starts_on__lte=today, ends_on__gte=today)
        )
        .distinct()
        .order_by("-starts_on"),
        "area": area,
        "fund_year": fund_year,
        "figures": shown,
        "blocks": _blocks(shown),
        "today": today,
        "is_closed_year": YearClosing.objects.filter(year=year).exists(),
        "is_closed": found.is_closed(today),
        "heir": queries.heir(found, today),
        "locked_through": PeriodLock.objects.values_list("through", flat=True).first(),
        "needs": fund_year.needs.select_related("by") if fund_year else [],
        "clauses": _clauses(area.pk, year),
        "proposals": _proposals(fund_year) if fund_year else [],
        **_transfers(request, fund_year),
    }
    return render(request, "ekonomi/fund.html", context)


def _fund(number: str) -> Fund:
    if not (number.isascii() and number.isdecimal()):
        raise Http404
    funds = Fund.objects.select_related("project__focus_area", "focus_area", "successor")
    return get_object_or_404(funds, collection_number=number)


def _figures(found: Fund, fund_year: FundYear | None, day: datetime.date) -> Figures:
    """The fund year's figures today; without a year yet nothing has come, and the need is unknown."""
    if fund_year is None:
        return Figures(day, need=0 if found.focus_area_id else None)
    return queries.figures_today([fund_year], day)[fund_year.pk]


def _blocks(shown: Figures) -> list[tuple[str, list[Line]]]:
    """The figures in the order in which they follow from each other, with headings."""
    decided = shown.need_decided_on
    return [
        (
            _("Insamlat"),
            [
                Line(_("Ingående belopp"), shown.opening, is_minor=True),
                Line(_("Gåvor"), shown.gifts, is_minor=True),
                Line(_("Gåvor som har placerats här"), shown.placements, is_minor=True),
                Line(_("Återbetalat till givare"), -shown.refunds, is_minor=True),
                Line(_("Insamlat"), shown.collected, is_sum=True),
            ],
        ),
        (
            _("Kvar att samla in"),
            [
                Line(_("Insamlat"), shown.collected, is_minor=True),
                Line(_("Överfört från förra året"), shown.carried_in, is_minor=True),
                Line(_("Överfört till nästa år"), -shown.carried_out, is_minor=True),
                Line(_("Flyttat hit från andra insamlingar"), shown.moved_in, is_minor=True),
                Line(_("Flyttat härifrån till andra"), -shown.moved_out, is_minor=True),
                Line(_("Tillgängligt för årets behov"), shown.available),
                Line(
                    _("Årets behov"),
                    shown.need,
                    _("Beslutat den %s.") % long_date(decided) if decided else "",
                ),
                Line(_("Kvar att samla in"), shown.remaining, is_sum=True),
                Line(_("Överskott"), shown.surplus, is_sum=True),
            ],
        ),
        (
            _("Kassa"),
            [
                Line(_("Tillgängligt för årets behov"), shown.available, is_minor=True),
                Line(_("Utbetalt till partner"), -shown.disbursed, is_minor=True),
                Line(_("I kassan"), shown.cash, is_sum=True),
            ],
        ),
        (
            _("Går att flytta i dag"),
            [
                Line(_("Överskott"), shown.surplus, is_minor=True),
                Line(_("I kassan"), shown.cash, is_minor=True),
                Line(
                    _("Omfattas av villkor eller givarens ja"),
                    shown.covered,
                    _("Bara det får lämna insamlingen. Det minsta av de tre avgör."),
                    is_minor=True,
                ),
                Line(_("Väntar på beslut i förslag"), -shown.pending, is_minor=True),
                Line(_("Går att flytta i dag"), shown.movable, is_sum=True),
            ],
        ),
    ]


def _clauses(focus_area_id: int, year: CollectionYear) -> list[SurplusClause]:
    """The wordings that were in force some day of the year, newest first."""
    clauses = SurplusClause.objects.filter(focus_area_id=focus_area_id).order_by("-valid_from")
    began = list(clauses.filter(valid_from__lte=year.ends_on))
    first = next((at for at, c in enumerate(began) if c.valid_from <= year.starts_on), None)
    return began if first is None else began[: first + 1]


def _proposals(fund_year: FundYear) -> list[Proposal]:
    """The submitted proposals that name the fund year, newest first."""
    named = Q(lines__source=fund_year) | Q(lines__receiver=fund_year)
    proposals = Proposal.objects.filter(named).exclude(submitted_at=None)
    return list(proposals.distinct().select_related("by", "decided_by").order_by("-pk")[:ON_A_PAGE])


def _transfers(request: HttpRequest, fund_year: FundYear | None) -> dict[str, Any]:
    """A page of the fund year's transfers, newest first, from below the id in the address (?fore=)."""
    if fund_year is None:
        return {"transfers": [], "is_first": True, "older": None}
    account = operations.account(fund_year)
    before = request.GET.get("fore", "")
    is_first = not (before.isascii() and before.isdecimal() and len(before) < 19)
    found = _newest(account, None if is_first else int(before))
    rows = [
        (one, one.credit_id == account.pk, one.debit if one.credit_id == account.pk else one.credit)
        for one in found[:ON_A_PAGE]
    ]
    older = found[ON_A_PAGE - 1].pk if len(found) > ON_A_PAGE else None
    return {"transfers": rows, "is_first": is_first, "older": older}


def _newest(account: Account, before: int | None) -> list[Transfer]:
    """A page of an account's transfers and one more, newest first, of those older than the id `before`."""
    transfers = Transfer.objects.select_related(
        "reversal",
        *(
            f"{side}__fund_year__{of}"
            for side in ("debit", "credit")
            for of in ("year", "fund__project", "fund__focus_area")
        ),
    ).order_by("-pk")
    if before is not None:
        transfers = transfers.filter(pk__lt=before)
    # Each side by its own index: for either side at once a database looks through all there are.
    sides = (transfers.filter(debit=account), transfers.filter(credit=account))
    found = [transfer for side in sides for transfer in side[: ON_A_PAGE + 1]]
    return sorted(found, key=lambda transfer: -transfer.pk)[: ON_A_PAGE + 1]


@access.staff("donations.add_transfer")
def opening(request: HttpRequest, number: str) -> HttpResponse:
    """Book what a fund had collected for a year before it was kept here."""
    found, year = _fund(number), years.chosen(request)

    def run(data: dict[str, Any]) -> str:
        fund_year = operations.fund_year(found, year.starts_on, member(request))
        operations.open_with(fund_year, data["amount"], **_movement(request, data))
        return _("%(amount)s är bokförda som ingående belopp för %(year)s.") % {
            "amount": format_kronor(data["amount"]),
            "year": fund_year,
        }

    first_day = min(timezone.localdate(), year.ends_on)
    return operate(
        request,
        MovementForm(sent(request), initial={"booked_on": first_day}),
        run,
        back=_page(found, year),
        title=_("Ingående belopp"),
        about=f"{found}, {year}",
        intro=_("Det som var insamlat för året innan insamlingen började bokföras här."),
        consequence=_(
            "Beloppet räknas som insamlat och syns på webbplatsen genast. Inget överskottsvillkor"
            " omfattar det, så det stannar i insamlingen. Blir det fel rättar du transaktionen."
        ),
        button=_("Bokför ingående belopp"),
    )


@access.staff("donations.add_transfer")
def disbursement(request: HttpRequest, number: str) -> HttpResponse:
    """Book what has been paid out to the partner from a fund's year."""
    found, year = _fund(number), years.chosen(request)
    today = timezone.localdate()
    fund_year = FundYear.objects.filter(fund=found, year=year).first()
    cash = _figures(found, fund_year, today).cash

    def run(data: dict[str, Any]) -> str:
        from_year = operations.fund_year(found, year.starts_on, member(request))
        operations.disburse(from_year, data["amount"], **_movement(request, data))
        return _("%(amount)s är bokförda som utbetalda från %(year)s.") % {
            "amount": format_kronor(data["amount"]),
            "year": from_year,
        }

    return operate(
        request,
        DisbursementForm(sent(request), initial={"booked_on": today}, cash_ore=cash),
        run,
        back=_page(found, year),
        title=_("Utbetalning till partner"),
        about=f"{found}, {year}",
        intro=_("I kassan för året finns %s. Bokför utbetalningen när pengarna har lämnat banken.")
        % format_kronor(cash),
        consequence=_(
            "Inga pengar lämnar banken härifrån: det gör du där. Betalas mer ut än vad som finns"
            " blir kassan negativ tills det kommer in mer. Blir det fel rättar du transaktionen."
        ),
        button=_("Bokför utbetalningen"),
    )


def _movement(request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
    return {"booked_on": data["booked_on"], "reason": data["reason"], "by": member(request)}


def _page(found: Fund, year: CollectionYear) -> str:
    return reverse("finance_fund", args=[found.collection_number]) + years.query(year)
