"""Period locks: days on which nothing more is booked."""

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.days import long_date
from donations.finance import reconciliation
from donations.finance.forms import Tick
from donations.finance.operation import operate, sent
from donations.forms import DayField, OperationForm
from donations.models import PeriodLock, Proposal
from donations.reports.reconciliation import Day
from staff import access
from staff.requests import member

LOCKS_A_PAGE = 50


class DayForm(forms.Form):
    """The last day to lock, asked for in the address."""

    till = DayField(
        label="lås till och med",
        error_messages={
            "required": "Välj den sista dagen som ska låsas.",
            "invalid": "Skriv dagen som år-månad-dag, till exempel 2026-06-30.",
            "future": "Bara dagar som har varit kan låsas, som längst till och med i går.",
        },
    )


class LockForm(OperationForm):
    """Lock through the day that the page is about, for good."""

    sure = forms.BooleanField(
        label="Jag vet att låsningen inte kan tas bort",
        widget=Tick("ja"),
        error_messages={"required": "Kryssa i rutan om du är säker."},
    )


@dataclass(frozen=True)
class Waiting:
    """What is not finished on the days that would be locked."""

    gifts: int
    gifts_ore: int
    proposals: int
    # That somebody has not signed off.
    days: list[Day]

    @property
    def is_anything(self) -> bool:
        return bool(self.gifts or self.proposals or self.days)


@access.staff("donations.view_periodlock", methods=access.READ)
def periods(request: HttpRequest) -> HttpResponse:
    """What is locked, by whom and when; and the choice of a day to lock through."""
    return _list(request, DayForm(initial={"till": _suggested()}))


@access.staff("donations.add_periodlock")
def lock(request: HttpRequest) -> HttpResponse:
    """What locking through a day means and what is not finished by then; sent, it is locked."""
    chosen = DayForm(request.GET)
    if not chosen.is_valid():
        return _list(request, chosen)
    through = chosen.cleaned_data["till"]
    if request.method != "POST" and (complaint := operations.what_stops_lock(through)):
        chosen.add_error("till", complaint)
        return _list(request, chosen)

    def run(_data: dict[str, Any]) -> str:
        operations.lock_period(through, by=member(request))
        return _("Perioden är låst till och med den %s.") % long_date(through)

    return operate(
        request,
        LockForm(sent(request)),
        run,
        back=reverse("finance_periods"),
        template="ekonomi/lock_period.html",
        consequence=_(
            "På de låsta dagarna bokförs inget mer och siffrorna blir slutgiltiga. Låsningen gäller "
            "för alltid."
        ),
        button=_("Lås perioden"),
        through=through,
        last_locked=PeriodLock.objects.first(),
        waiting=waiting(through),
    )


def _list(request: HttpRequest, form: DayForm) -> HttpResponse:
    locks = PeriodLock.objects.select_related("by")
    context = {
        "form": form,
        "sheet": Paginator(locks, LOCKS_A_PAGE).get_page(request.GET.get("sida")),
        "newest": locks.first(),
        "can_lock": not operations.what_stops_lock(_yesterday()),
    }
    return render(request, "ekonomi/periods.html", context)


def _yesterday() -> datetime.date:
    return timezone.localdate() - datetime.timedelta(days=1)


def _suggested() -> datetime.date:
    """The last month's end, or yesterday where that is locked already."""
    month_end = timezone.localdate().replace(day=1) - datetime.timedelta(days=1)
    return _yesterday() if operations.what_stops_lock(month_end) else month_end


def waiting(through: datetime.date) -> Waiting:
    """What is not finished on the days up to and with `through`."""
    gifts = queries.unplaced().filter(payment__bank_date__lte=through)
    left = gifts.aggregate(gifts=Count("pk"), ore=Sum("left_ore"))
    waits = Proposal.objects.pending().filter(year__starts_on__lte=through)
    days = reconciliation.waiting_days(timezone.localdate(), operations.first_open_day())
    unsigned = [one for one in days if one.day <= through]
    return Waiting(left["gifts"], left["ore"] or 0, waits.count(), unsigned)
