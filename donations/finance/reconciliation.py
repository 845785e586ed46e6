"""Reconciliation: a month's days, account by account, and several days that agree signed off at once."""

import calendar
import datetime
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from donations import once
from donations.forms import OperationForm
from donations.models import Account, CollectionYear
from donations.operations import OperationError, first_open_day, reconciliation
from donations.reports import reconciliation as report
from donations.reports.reconciliation import ONE_DAY, Day, State
from staff import access
from staff.requests import member

# How far back days that wait are counted: the rest are found by their month.
SPAN = datetime.timedelta(days=92)
AT_ONCE = 400

# How each state is shown: a mark beside the word, so that neither stands alone.
SHOWN = {
    State.CHANGED: ("!", "Ändrad efteråt"),
    State.DIFFERS: ("≠", "Skiljer"),
    State.NO_STATEMENT: ("?", "Inget kontoutdrag"),
    State.AGREES: ("=", "Stämmer, inte avstämd"),
    State.SIGNED: ("✓", "Avstämd"),
    State.UNDER_WAY: ("…", "Dagen är inte slut"),
    State.NOTHING: ("", "Inget att stämma av"),
}


@dataclass(frozen=True)
class Shown:
    """A day as the pages show it."""

    day: Day

    @property
    def mark(self) -> str:
        return SHOWN[self.day.state][0]

    @property
    def word(self) -> str:
        return SHOWN[self.day.state][1]

    @property
    def can_sign(self) -> bool:
        """Whether it is signed off with others: only what comes out even, and has not been signed before."""
        return self.day.state is State.AGREES


@dataclass(frozen=True)
class AccountMonth:
    """An account's days in a month, with their sums."""

    account: Account
    days: list[Shown]

    @property
    def is_empty(self) -> bool:
        return all(one.day.state is State.NOTHING for one in self.days)

    @property
    def in_ore(self) -> int:
        return sum(one.day.in_ore for one in self.days)

    @property
    def aside_ore(self) -> int:
        return sum(one.day.aside_ore for one in self.days)

    @property
    def books_ore(self) -> int:
        return sum(one.day.books_ore for one in self.days)

    @property
    def unstated_ore(self) -> int:
        """What of the books is on days without a statement, and so no part of the difference."""
        return sum(one.day.books_ore for one in self.days if not one.day.has_statement)

    @property
    def difference_ore(self) -> int:
        """Of the days that have a statement."""
        return sum(one.day.difference_ore for one in self.days if one.day.has_statement)


def accounts() -> list[Account]:
    """Our bank accounts."""
    return list(Account.objects.filter(kind=Account.Kind.BANK).order_by("name", "pk"))


def waiting_days(today: datetime.date, first_open: datetime.date) -> list[Day]:
    """The days that somebody has to see to, a quarter back at most: those that are not locked, and what has
    changed since it was signed.

    A locked day changes too: a gift that the bank dates to it is booked on the first day that is open.
    """
    found = report.days(accounts(), today - SPAN, today - ONE_DAY, today)
    return _waiting(found, max(first_open, today - SPAN))


def _waiting(found: dict[int, list[Day]], from_day: datetime.date) -> list[Day]:
    """Those of the days that wait, from a day on, the first one first.

    An account's days before its first statement are not missed, once there is one.
    """
    waits: list[Day] = []
    for days in found.values():
        told = [one.day for one in days if one.has_statement and one.day >= from_day]
        first = min(told, default=from_day)
        waits += [one for one in days if one.waits and (one.day >= first or one.is_changed)]
    return sorted(waits, key=lambda one: one.day)


@access.staff("donations.view_signoff", methods=access.READ)
def month(request: HttpRequest) -> HttpResponse:
    """A month's days, account by account: statement, books, what differs, and who has signed."""
    today, every = timezone.localdate(), accounts()
    first = _month(request.GET.get("manad"), today)
    chosen = _account(request.GET.get("konto"), every)
    last, waiting_from = min(_last_of(first), today), max(first_open_day(), today - SPAN)
    # Together with the days that wait, unless it is a month far back.
    is_near = last >= today - SPAN
    span = (min(first, today - SPAN), today) if is_near else (first, last)
    found = report.days(every, *span, today)
    shown = [
        AccountMonth(one, [Shown(day) for day in found[one.pk] if first <= day.day <= last])
        for one in ([chosen] if chosen else every)
    ]
    days = [one for of in shown for one in of.days]
    context = {
        "first": first,
        "previous": (first - ONE_DAY).replace(day=1),
        "next": _last_of(first) + ONE_DAY if last < today else None,
        "months": _months(today),
        "accounts": every,
        "chosen": chosen,
        "shown": [one for one in shown if not one.is_empty],
        "quiet": [one.account for one in shown if one.is_empty],
        "told": _told(days),
        "agreeing": sum(one.can_sign for one in days),
        "elsewhere": _elsewhere(found, first, waiting_from),
        "once": OperationForm()["once"],
    }
    return render(request, "ekonomi/avstamning/month.html", context)


def _month(text: str | None, today: datetime.date) -> datetime.date:
    """The first day of the month that the address names, or of today's. Raises `Http404`."""
    if not text:
        return today.replace(day=1)
    if re.fullmatch("[0-9]{4}-[0-9]{2}", text, re.ASCII):
        try:
            first = datetime.date.fromisoformat(f"{text}-01")
        except ValueError as error:
            raise Http404 from error
        if datetime.date(1900, 1, 1) <= first <= today:
            return first
    raise Http404


def _account(text: str | None, every: list[Account]) -> Account | None:
    """The account that the address names; none is all of them. Raises `Http404`."""
    if not text:
        return None
    found = next((one for one in every if str(one.pk) == text), None)
    if found is None:
        raise Http404
    return found


def _last_of(first: datetime.date) -> datetime.date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _months(today: datetime.date) -> list[datetime.date]:
    """The first day of each month that there can be anything in, the newest first."""
    year = CollectionYear.objects.first()
    first = min(year.starts_on if year else today, today - SPAN).replace(day=1)
    found, day = [], today.replace(day=1)
    while day >= first:
        found.append(day)
        day = (day - ONE_DAY).replace(day=1)
    return found


def _told(days: list[Shown]) -> list[tuple[str, str, int]]:
    """How many days there are of each state that is worth a word: mark, word and number."""
    counts = Counter(one.day.state for one in days)
    return [(*SHOWN[state], counts[state]) for state in SHOWN if counts[state] and SHOWN[state][0]]


def _elsewhere(
    found: dict[int, list[Day]], first: datetime.date, waiting_from: datetime.date
) -> list[tuple[datetime.date, int]]:
    """Other months than the shown one with days that wait, and how many."""
    counts = Counter(one.day.replace(day=1) for one in _waiting(found, waiting_from))
    return sorted((month, count) for month, count in counts.items() if month != first)


@access.staff("donations.add_signoff", methods=("POST",))
def sign_many(request: HttpRequest) -> HttpResponse:
    """Sign off the ticked days, which all have to come out even."""
    back = _back(request)
    ticked = list(dict.fromkeys(request.POST.getlist("dag")))[:AT_ONCE]
    if not ticked:
        messages.warning(request, _("Kryssa i minst en dag att stämma av."))
        return HttpResponseRedirect(back)
    of = {str(one.pk): one for one in accounts()}
    form = OperationForm(request.POST)

    def run(_data: dict[str, Any]) -> str:
        shown = [_ticked(one, of) for one in ticked]
        done = reconciliation.sign_off_many(shown, by=member(request))
        return (
            _("%s dagar är avstämda.") % len(done)
            if len(done) > 1
            else _("Den %s är avstämd.") % date_format(done[0].day, "j F Y")
        )

    if not once.carried_out(request, form, run):
        for error in form.non_field_errors():
            messages.error(request, _("Ingenting är avstämt. %s") % error)
    return HttpResponseRedirect(back)


def _ticked(seen: str, of: dict[str, Account]) -> tuple[Account, datetime.date, str]:
    """An account and a day as the page wrote them. Raises `OperationError`."""
    account, _sep, rest = seen.partition(":")
    try:
        return of[account], datetime.date.fromisoformat(rest.partition(":")[0]), seen
    except (KeyError, ValueError) as error:
        raise OperationError(_("Sidan kom inte hel fram. Ladda om den och försök igen.")) from error


def _back(request: HttpRequest) -> str:
    """The month as it was looked at."""
    kept = {key: request.GET[key] for key in ("manad", "konto") if request.GET.get(key)}
    return reverse("finance_reconciliation") + (f"?{urlencode(kept)}" if kept else "")
