"""Years, accounts and needs: what money is booked on."""

import datetime
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.models import (
    Account,
    CollectionYear,
    DailyTotal,
    Fund,
    FundYear,
    Need,
    YearClosing,
)
from donations.models.funds import MOST_YEARS_BACK
from donations.money import LIMIT_ORE, format_kronor
from donations.operations.ledger import (
    OperationError,
    first_open_day,
    lock,
    refuse_future,
    refuse_locked,
    refuse_missing_reason,
    retried,
)
from projects.models import Project
from staff import audit
from staff.models import User


def collection_year(day: datetime.date, by: User | None = None) -> CollectionYear:
    """The collection year that holds `day`, made (with those between) when there is none, by `by`.

    The first year is the calendar year; a new one follows or precedes its
    neighbour by twelve months.
    """
    first = CollectionYear.objects.first()
    if first and day.year < first.starts_on.year - MOST_YEARS_BACK:
        raise OperationError(_("Dagen ligger för långt tillbaka. Kontrollera årtalet."))
    while True:
        first, last = CollectionYear.objects.first(), CollectionYear.objects.last()
        if first is None or last is None:
            start = datetime.date(day.year, 1, 1)
        elif day < first.starts_on:
            start = _months(first.starts_on, -12)
        elif day > last.ends_on:
            start = last.ends_on + datetime.timedelta(days=1)
        else:
            return CollectionYear.objects.holding(day).get()
        end = _months(start, 12) - datetime.timedelta(days=1)
        name = str(start.year) if start.year == end.year else f"{start.year}/{end.year % 100:02}"
        with transaction.atomic():
            year, is_new = CollectionYear.objects.get_or_create(
                starts_on=start, defaults={"ends_on": end, "name": name}
            )
            if is_new:
                text = _("Lade upp insamlingsåret %s") % year
                audit.record(audit.Area.MONEY, text, by=by, about=year)


def collection_years(
    days: Iterable[datetime.date], by: User
) -> dict[datetime.date, CollectionYear]:
    """The collection year that holds each of the days, as `collection_year` finds or makes it."""
    years: dict[datetime.date, CollectionYear] = {}
    year = None
    for day in sorted(set(days)):
        if year is None or day > year.ends_on:
            year = collection_year(day, by)
        years[day] = year
    return years


def _months(first: datetime.date, months: int) -> datetime.date:
    """The first day of a month, some months on. Years begin on the first of a month."""
    years, month = divmod(first.month - 1 + months, 12)
    return datetime.date(first.year + years, month + 1, 1)


def fund_year(fund: Fund, day: datetime.date, by: User) -> FundYear:
    """The fund's year that holds `day`, made with its account when there is none.

    Its need is then unknown, save that a fund for a whole focus area needs 0,
    so that all of it may move.
    """
    year = collection_year(day, by)
    found, is_new = FundYear.objects.get_or_create(
        fund=fund, year=year, defaults={"focus_area": fund.area_now}
    )
    if is_new and fund.focus_area_id:
        Need.objects.create(
            fund_year=found,
            amount_ore=0,
            decided_on=max(min(year.starts_on, timezone.localdate()), first_open_day()),
            by=by,
            reason=_("Insamling till hela fokusområdet: allt får omfördelas."),
        )
    account(found)
    return found


def follow_area(project: Project) -> None:
    """Let a project that has changed focus area take those of its years along that nothing leans on yet.

    Those that go on or are to come, and hold no money, nor stand in a proposal.
    """
    with_money = DailyTotal.objects.exclude(account__fund_year=None).values("account__fund_year")
    years = FundYear.objects.filter(fund__project=project, year__ends_on__gte=timezone.localdate())
    free = years.filter(lines_in=None, lines_out=None).exclude(pk__in=with_money)
    free.exclude(focus_area=project.focus_area_id).update(focus_area=project.focus_area_id)


def account(fund_year: FundYear) -> Account:
    """The account of a fund year."""
    return Account.objects.get_or_create(kind=Account.Kind.FUND, fund_year=fund_year)[0]


def single_account(kind: Account.Kind) -> Account:
    """The one account of its kind: suspense, partners or start."""
    return Account.objects.get_or_create(kind=kind)[0]


@retried
def set_need(
    fund_year: FundYear, amount_ore: int, *, decided_on: datetime.date, reason: str, by: User
) -> Need:
    """Decide what a fund year needs from `decided_on` on. Raises `OperationError`."""
    if not 0 <= amount_ore < LIMIT_ORE:
        raise OperationError(
            _("Behovet ska vara minst 0 kr och mindre än %(limit)s.")
            % {"limit": format_kronor(LIMIT_ORE)}
        )
    refuse_future(decided_on)
    refuse_locked(decided_on)
    refuse_missing_reason(reason)
    if fund_year.fund.focus_area_id and amount_ore:
        raise OperationError(
            _("En insamling till hela fokusområdet har behovet 0 kr, så att allt får omfördelas.")
        )
    lock([fund_year.pk])
    refuse_closed([fund_year.pk])
    need = Need.objects.create(
        fund_year=fund_year, amount_ore=amount_ore, decided_on=decided_on, reason=reason, by=by
    )
    text = _("Bestämde behovet för %(fund_year)s till %(amount)s") % {
        "fund_year": fund_year,
        "amount": format_kronor(amount_ore),
    }
    audit.record(audit.Area.MONEY, text, by=by, about=fund_year.fund)
    return need


def refuse_closed(fund_year_ids: Iterable[int]) -> None:
    """Raise `OperationError` when one of the fund years belongs to a closed year."""
    closed = YearClosing.objects.filter(year__fund_years__in=set(fund_year_ids)).first()
    if closed:
        raise OperationError(
            _("Insamlingsåret %s är stängt. Bokför det som ska ändras i ett öppet år.")
            % closed.year
        )
