"""Money in and out of a fund's year by hand: opening amounts, and what has been paid out."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.finance import funds, years
from donations.finance.forms import DisbursementForm, MovementForm
from donations.finance.operation import operate, sent
from donations.models import FundYear
from donations.money import format_kronor
from staff import access
from staff.requests import member


@access.staff("donations.add_transfer")
def opening(request: HttpRequest, number: str) -> HttpResponse:
    """Book what a fund had collected for a year before it was kept here."""
    found, year = funds.found(number), years.chosen(request)

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
        back=funds.address(found, year),
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
    found, year = funds.found(number), years.chosen(request)
    today = timezone.localdate()
    fund_year = FundYear.objects.filter(fund=found, year=year).first()
    cash = queries.figures([fund_year], today)[fund_year.pk].cash if fund_year else 0

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
        back=funds.address(found, year),
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
