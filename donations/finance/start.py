"""Today's desk: what waits for whoever looks, what hurts most first, each with its count and a way in."""

import datetime
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.finance import bank_files, reconciliation
from donations.models import (
    BankFile,
    CollectionYear,
    DailyTotal,
    Fund,
    FundYear,
    HeldLine,
    Need,
    PeriodLock,
    Proposal,
    SignOff,
    UnplacedGift,
)
from donations.money import format_amount, format_kronor
from donations.reports.reconciliation import ONE_DAY, Day, State
from staff import access
from staff.models import User
from staff.requests import member


@dataclass(frozen=True)
class Task:
    """One kind of work: how much of it waits (0: nothing), what it is, and where it is done."""

    count: int
    title: str
    told: str
    url: str

    @property
    def number(self) -> str:
        return format_amount(self.count * 100)


@dataclass(frozen=True)
class Counted:
    """How many wait, and their öre."""

    lines: int = 0
    ore: int = 0


@access.staff("donations.view_fund", methods=access.READ)
def start(request: HttpRequest) -> HttpResponse:
    """What there is to do today for whoever looks, and what was done last."""
    today, user = timezone.localdate(), member(request)
    last_lock = PeriodLock.objects.select_related("by").first()
    first_open = last_lock.through + ONE_DAY if last_lock else datetime.date.min
    tasks = list(_tasks(user, today, first_open))
    context = {
        "today": today,
        "tasks": tasks,
        "waiting": sum(task.count > 0 for task in tasks),
        "last_file": BankFile.objects.filter(confirmed_at__isnull=False, undone_at=None)
        .select_related("confirmed_by")
        .order_by("-confirmed_at")
        .first(),
        "last_word": SignOff.objects.filter(is_signed=True).select_related("account", "by").first(),
        "last_lock": last_lock,
    }
    return render(request, "ekonomi/start.html", context)


def _tasks(user: User, today: datetime.date, first_open: datetime.date) -> list[Task]:
    """What hurts most comes first; only what the person can do something about."""
    told = _counted(user, today)
    days = []
    if user.has_perm("donations.add_signoff"):
        days = reconciliation.waiting_days(today, first_open)
    files, proposals = reverse("finance_bank_files"), reverse("finance_proposals")
    every = [
        (
            "donations.add_bankfile",
            Task(
                told["files"].lines,
                _("Bankfiler att bokföra"),
                _("Gåvorna i dem syns ingenstans förrän de är bokförda."),
                f"{files}?visa=obokforda",
            ),
        ),
        (
            "donations.add_bankfile",
            Task(
                told[HeldLine.Why.CONFLICT].lines,
                _("Betalningar med samma id men annat innehåll"),
                _("De bokförs inte förrän någon har beslutat."),
                f"{files}?visa=beslut",
            ),
        ),
        (
            "donations.add_bankfile",
            Task(
                told[HeldLine.Why.ALIKE].lines,
                _("Betalningar som liknar bokförda gåvor"),
                _("Samma gåva eller en till? De väntar på beslut."),
                f"{files}?visa=beslut",
            ),
        ),
        (
            "donations.add_transfer",
            Task(
                told["unplaced"].lines,
                _("Oplacerade gåvor"),
                _("%s väntar på sin insamling.") % format_kronor(told["unplaced"].ore),
                reverse("finance_unplaced"),
            ),
        ),
        (
            "donations.add_signoff",
            Task(len(days), _("Dagar att stämma av"), _told_of_days(days), _first_month(days)),
        ),
        (
            "donations.decide_proposal",
            Task(
                told["to_decide"].lines,
                _("Omfördelningar att besluta om"),
                _("Någon annan har föreslagit, och du kan besluta."),
                proposals,
            ),
        ),
        (
            "donations.add_need",
            Task(
                told["lacking"].lines,
                _("Insamlingar utan behov för året"),
                _("Utan behov syns inte vad som är kvar, och inget överskott kan flyttas."),
                f"{reverse('finance_remaining')}?visa=utan-behov",
            ),
        ),
        (
            "donations.add_proposal",
            Task(
                told["drafts"].lines,
                _("Egna utkast till omfördelning"),
                _("Du har skrivit dem men inte lämnat in dem."),
                proposals,
            ),
        ),
    ]
    return [task for may, task in every if user.has_perm(may)]


def _first_month(days: list[Day]) -> str:
    """The month of the first day that waits."""
    url = reverse("finance_reconciliation")
    return f"{url}?manad={days[0].day:%Y-%m}" if days else url


def _told_of_days(days: list[Day]) -> str:
    """ "2 skiljer, 1 saknar kontoutdrag, 12 stämmer."."""
    counts = Counter(one.state for one in days)
    words = {
        State.CHANGED: _("%s har ändrats efteråt"),
        State.DIFFERS: _("%s skiljer"),
        State.NO_STATEMENT: _("%s saknar kontoutdrag"),
        State.AGREES: _("%s stämmer"),
    }
    told = ", ".join(word % counts[state] for state, word in words.items() if counts[state])
    return f"{told}." if told else ""


# What there is of each kind


def _counted(user: User, today: datetime.date) -> dict[str, Counted]:
    """How many wait of each kind, and how much, in one query."""
    pending, drafts = Proposal.objects.pending(), Proposal.objects.filter(submitted_at=None)
    kinds = [
        _of("files", BankFile.objects.filter(bank_files.unbooked())),
        _of("unplaced", UnplacedGift.objects.all(), Sum("left_ore")),
        _of("to_decide", pending.exclude(by=user)),
        _of("drafts", drafts.filter(by=user, decision="")),
        _of("lacking", lacking(today)),
    ]
    held = bank_files.undecided().order_by().annotate(what=F("why")).values("what")
    every = held.annotate(lines=Count("pk"), ore=_NO_ORE).values_list("what", "lines", "ore")
    found = {
        what: Counted(lines, int(ore or 0)) for what, lines, ore in every.union(*kinds, all=True)
    }
    return defaultdict(Counted, found)


_NO_ORE = Value(0, output_field=BigIntegerField())


def _of(what: str, waiting: QuerySet[Any], ore: Any = _NO_ORE) -> Any:
    """A row of its kind, its number and its öre."""
    kind = waiting.order_by().annotate(what=Value(what, output_field=CharField())).values("what")
    return kind.annotate(lines=Count("pk"), ore=ore).values_list("what", "lines", "ore")


def lacking(day: datetime.date) -> QuerySet[Fund]:
    """The funds that have no need by `day` for the year that holds it: as `reports.remaining` has them."""
    year = CollectionYear.objects.holding(day)
    of_year = FundYear.objects.filter(fund=OuterRef("pk"), year__in=year)
    money = DailyTotal.objects.filter(
        account__fund_year__fund=OuterRef("pk"),
        account__fund_year__year__in=year,
        booked_on__lte=day,
    )
    decided = Need.objects.filter(
        fund_year__fund=OuterRef("pk"), fund_year__year__in=year, decided_on__lte=day
    )
    is_open = Q(closed_on=None) | Q(closed_on__gte=day)
    is_known = Q(opened_on__lte=day) | Q(Exists(money))
    is_of_year = Q(Exists(of_year)) | (is_open & Q(focus_area=None))
    return Fund.objects.filter(is_known, is_of_year).filter(~Exists(decided))
