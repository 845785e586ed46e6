"""Days and years that are finished: period locks, surpluses that stay, closing."""

import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from donations import queries
from donations.days import long_date
from donations.models import (
    CollectionYear,
    FundYear,
    LeftSurplus,
    PeriodLock,
    Proposal,
    YearClosing,
)
from donations.money import format_kronor
from donations.operations.ledger import (
    OperationError,
    first_open_day,
    lock,
    refuse_missing_reason,
    retried,
    retried_alone,
)
from donations.operations.years import refuse_closed
from staff import audit
from staff.models import User


@retried_alone
def lock_period(through: datetime.date, *, by: User) -> PeriodLock:
    """Book nothing more on the days up to and with `through`. It cannot be undone. Raises `OperationError`."""
    if complaint := what_stops_lock(through):
        raise OperationError(complaint)
    period = PeriodLock.objects.create(through=through, by=by, created_at=timezone.now())
    text = _("Låste perioden till och med den %s") % long_date(through)
    audit.record(audit.Area.MONEY, text, by=by, about=period)
    return period


def what_stops_lock(through: datetime.date) -> str:
    """A Swedish sentence: why the days up to and with `through` cannot be locked; "" when they can."""
    if through >= timezone.localdate():
        return _("Bara dagar som har varit kan låsas, som längst till och med i går.")
    if through < first_open_day():
        locked = long_date(first_open_day() - datetime.timedelta(days=1))
        return _("Perioden är redan låst till och med den %s.") % locked
    return ""


@retried
def leave_surplus(fund_year: FundYear, *, reason: str, by: User) -> LeftSurplus:
    """Decide that a surplus stays in its fund year when the year is closed. Raises `OperationError`."""
    refuse_missing_reason(reason)
    lock([fund_year.pk])
    refuse_closed([fund_year.pk])
    surplus = queries.figures([fund_year], timezone.localdate())[fund_year.pk].surplus or 0
    if not surplus:
        raise OperationError(_("Insamlingen har inget överskott att lämna kvar."))
    left = LeftSurplus.objects.create(
        fund_year=fund_year, amount_ore=surplus, reason=reason, by=by, created_at=timezone.now()
    )
    text = _("Lät överskottet %(amount)s stå kvar i %(fund_year)s") % {
        "amount": format_kronor(surplus),
        "fund_year": fund_year,
    }
    audit.record(audit.Area.MONEY, text, by=by, about=fund_year.fund)
    return left


@retried_alone
def close_year(year: CollectionYear, *, by: User) -> YearClosing:
    """Close a collection year, and lock its days. It cannot be undone. Raises `OperationError`.

    No proposal may wait in it, the years before it are closed, and every surplus is decided: moved,
    carried over, or left with a reason.
    """
    for complaint in what_keeps_open(year):
        raise OperationError(complaint)
    if first_open_day() <= year.ends_on:
        lock_period(year.ends_on, by=by)
    closing = YearClosing.objects.create(year=year, by=by, created_at=timezone.now())
    audit.record(audit.Area.MONEY, _("Stängde insamlingsåret %s") % year, by=by, about=year)
    return closing


def what_keeps_open(year: CollectionYear) -> list[str]:
    """Swedish sentences: why the year cannot be closed today."""
    if YearClosing.objects.filter(year=year).exists():
        return [_("Insamlingsåret %s är redan stängt.") % year]
    found = []
    if year.ends_on >= timezone.localdate():
        found.append(_("Insamlingsåret %s är inte slut.") % year)
    before = CollectionYear.objects.filter(
        ends_on__lt=year.starts_on, closing=None, fund_years__isnull=False
    ).first()
    if before:
        found.append(_("Insamlingsåret %s är inte stängt. Stäng det först.") % before)
    waiting = Proposal.objects.pending().filter(year=year).count()
    if waiting:
        found.append(_("Förslag som väntar på beslut: %s. Besluta om dem först.") % waiting)
    undecided = undecided_surpluses(year)
    if undecided:
        found.append(
            _("Överskott som inte är beslutade: %(count)s, tillsammans %(amount)s.")
            % {"count": len(undecided), "amount": format_kronor(sum(undecided.values()))}
        )
    return found


def undecided_surpluses(year: CollectionYear) -> dict[int, int]:
    """The öre of each surplus in the year that nobody has decided to leave, by the fund year's id."""
    fund_years = list(FundYear.objects.filter(year=year))
    figures = queries.figures(fund_years, timezone.localdate())
    left: dict[int, int] = {}
    for row in LeftSurplus.objects.filter(fund_year__in=fund_years).order_by("id"):
        left[row.fund_year_id] = row.amount_ore
    return {
        pk: surplus
        for pk, found in figures.items()
        if (surplus := found.surplus or 0) and left.get(pk) != surplus
    }
