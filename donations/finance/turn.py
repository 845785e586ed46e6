"""The turn of the year: what becomes of each surplus, and closing."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.finance.forms import Tick
from donations.finance.operation import operate, sent
from donations.forms import WHY, DayField, KronorField, OperationForm
from donations.models import Account, CollectionYear, FundYear, LeftSurplus, Transfer
from donations.money import format_kronor
from staff import access
from staff.requests import member

FUNDS_A_PAGE = 50


@dataclass(frozen=True)
class Standing:
    """A fund year with a surplus, or with something decided about one."""

    fund_year: FundYear
    figures: queries.Figures
    undecided_ore: int
    left: list[LeftSurplus] = field(default_factory=list)
    out: list[Transfer] = field(default_factory=list)

    @property
    def may_carry_over_ore(self) -> int:
        return operations.may_carry_over(self.figures)


class CarryOverForm(OperationForm):
    """How much of a surplus the fund's next year gets."""

    amount = KronorField(label="belopp att föra över")
    booked_on = DayField(label="bokföringsdag")
    reason = forms.CharField(label="skäl", max_length=300, error_messages=WHY)


class LeaveForm(OperationForm):
    """Why a surplus stays where it is."""

    reason = forms.CharField(
        label="skäl",
        max_length=300,
        help_text="Till exempel ”Betalas ut till partnern i februari, enligt avtalet”.",
        error_messages=WHY,
    )


class CloseForm(OperationForm):
    """Close a year, for good."""

    sure = forms.BooleanField(
        label="Jag vet att året inte kan öppnas igen",
        widget=Tick("ja"),
        error_messages={"required": "Kryssa i rutan om du är säker."},
    )


@access.staff("donations.view_yearclosing", methods=access.READ)
def years(request: HttpRequest) -> HttpResponse:
    """Every year, with where it stands."""
    found = CollectionYear.objects.order_by("-starts_on").select_related("closing__by")
    context = {
        "years": found.annotate(funds=Count("fund_years")),
        "today": timezone.localdate(),
    }
    return render(request, "ekonomi/turns.html", context)


@access.staff("donations.view_yearclosing", methods=access.READ)
def turn(request: HttpRequest, year_id: int) -> HttpResponse:
    """Each surplus of a year: what it is, what can be done with it, and what has been decided."""
    year = _year(year_id)
    standings = _standings(year)
    is_closed = hasattr(year, "closing")
    context = {
        "year": year,
        "is_closed": is_closed,
        "is_over": year.ends_on < timezone.localdate(),
        "sheet": Paginator(standings, FUNDS_A_PAGE).get_page(request.GET.get("sida")),
        "undecided": [standing for standing in standings if standing.undecided_ore],
        "undecided_ore": sum(standing.undecided_ore for standing in standings),
        "keeps_open": [] if is_closed else operations.what_keeps_open(year),
        "unknown_needs": _unknown_needs(year),
    }
    return render(request, "ekonomi/turn.html", context)


def _year(year_id: int) -> CollectionYear:
    return get_object_or_404(CollectionYear.objects.select_related("closing__by"), pk=year_id)


def _fund_year(fund_year_id: int) -> FundYear:
    found = FundYear.objects.select_related("year__closing", "fund__project", "fund__focus_area")
    return get_object_or_404(found, pk=fund_year_id)


def _standings(year: CollectionYear) -> list[Standing]:
    """The fund years of the year with a surplus or a decision: those to decide first, then by number."""
    fund_years = FundYear.objects.filter(year=year).select_related(
        "year__closing", "focus_area", "fund__project__focus_area", "fund__focus_area"
    )
    figures = queries.figures_today(fund_years, timezone.localdate())
    undecided = {} if hasattr(year, "closing") else operations.undecided_surpluses(year)
    left: dict[int, list[LeftSurplus]] = defaultdict(list)
    for row in LeftSurplus.objects.filter(fund_year__year=year).select_related("by"):
        left[row.fund_year_id].append(row)
    out = _moved_out(year)
    rows = [
        Standing(one, figures[one.pk], undecided.get(one.pk, 0), left[one.pk], out[one.pk])
        for one in fund_years
        if figures[one.pk].surplus or left[one.pk] or out[one.pk]
    ]
    return sorted(
        rows, key=lambda row: (not row.undecided_ore, row.fund_year.fund.collection_number)
    )


def _moved_out(year: CollectionYear) -> dict[int, list[Transfer]]:
    """What has been reallocated and carried over from the year's funds and not reversed, newest first."""
    # By the accounts' own index: little goes out of a fund, however much comes in.
    accounts = list(Account.objects.filter(fund_year__year=year).values_list("pk", flat=True))
    transfers = Transfer.objects.filter(
        kind__in=[Transfer.Kind.REALLOCATION, Transfer.Kind.CARRY_OVER], debit__in=accounts
    ).select_related(
        "by",
        "debit",
        "line__proposal__by",
        "credit__fund_year__year",
        "credit__fund_year__fund__project",
        "credit__fund_year__fund__focus_area",
    )
    found: dict[int, list[Transfer]] = defaultdict(list)
    for transfer in operations.standing(transfers):
        assert transfer.debit.fund_year_id
        found[transfer.debit.fund_year_id].append(transfer)
    return found


def _unknown_needs(year: CollectionYear) -> int:
    ids = list(year.fund_years.values_list("pk", flat=True))
    return len(ids) - len(queries.needs_in_force(ids, timezone.localdate()))


def _back(year: CollectionYear) -> str:
    return reverse("finance_turn", args=[year.pk])


@access.staff("donations.add_transfer")
def carry_over(request: HttpRequest, fund_year_id: int) -> HttpResponse:
    """Move a surplus, or a part of it, to the same fund's next year."""
    fund_year, today = _fund_year(fund_year_id), timezone.localdate()
    if request.method != "POST" and hasattr(fund_year.year, "closing"):
        return redirect(_back(fund_year.year))
    figures = queries.figures_today([fund_year], today)[fund_year.pk]
    most = operations.may_carry_over(figures)
    form = CarryOverForm(
        sent(request),
        initial={"amount": most or None, "booked_on": today, "reason": ""},
    )

    def run(data: dict[str, Any]) -> str:
        operations.carry_over(
            fund_year,
            data["amount"],
            booked_on=data["booked_on"],
            reason=data["reason"],
            by=member(request),
        )
        return _("%(amount)s är överfört till nästa år för insamling %(fund)s.") % {
            "amount": format_kronor(data["amount"]),
            "fund": fund_year.fund,
        }

    return operate(
        request,
        form,
        run,
        back=_back(fund_year.year),
        template="ekonomi/carry_over.html",
        consequence=_(
            "Pengarna räknas från och med bokföringsdagen till nästa år för samma insamling."
        ),
        button=_("För över"),
        fund_year=fund_year,
        figures=figures,
        most=most,
    )


@access.staff("donations.add_leftsurplus")
def leave(request: HttpRequest, fund_year_id: int) -> HttpResponse:
    """Let a surplus stay where it is, and say why."""
    fund_year = _fund_year(fund_year_id)
    if request.method != "POST" and hasattr(fund_year.year, "closing"):
        return redirect(_back(fund_year.year))
    figures = queries.figures_today([fund_year], timezone.localdate())[fund_year.pk]
    form = LeaveForm(sent(request))

    def run(data: dict[str, Any]) -> str:
        left = operations.leave_surplus(fund_year, reason=data["reason"], by=member(request))
        return _("Överskottet %(amount)s står kvar i insamling %(fund)s.") % {
            "amount": format_kronor(left.amount_ore),
            "fund": fund_year.fund,
        }

    return operate(
        request,
        form,
        run,
        back=_back(fund_year.year),
        template="ekonomi/leave_surplus.html",
        consequence=_(
            "Överskottet stannar i året och kan betalas ut därifrån. När året är stängt kan det "
            "inte flyttas."
        ),
        button=_("Låt stå kvar"),
        fund_year=fund_year,
        figures=figures,
    )


@access.staff("donations.add_yearclosing")
def close(request: HttpRequest, year_id: int) -> HttpResponse:
    """Close the year: says what follows, and asks once more."""
    year = _year(year_id)
    if request.method != "POST" and operations.what_keeps_open(year):
        return redirect(_back(year))  # it says why
    form = CloseForm(sent(request))

    def run(_data: dict[str, Any]) -> str:
        operations.close_year(year, by=member(request))
        return _("Insamlingsåret %s är stängt.") % year

    return operate(
        request,
        form,
        run,
        back=_back(year),
        template="ekonomi/close_year.html",
        consequence=_("Stängningen gäller för alltid. Ingen kan öppna året igen."),
        button=_("Stäng året"),
        year=year,
        unknown_needs=_unknown_needs(year),
        locks_more=operations.first_open_day() <= year.ends_on,
    )
