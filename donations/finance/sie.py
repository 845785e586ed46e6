"""Exports to the general ledger: what is left to export, a file made once, and fetched as often as needed."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from donations import operations
from donations.days import period
from donations.exports.sie_vouchers import NAMES
from donations.finance import years
from donations.finance.forms import Tick
from donations.finance.operation import operate, sent
from donations.forms import DayField, OperationForm
from donations.models import CollectionYear, SieExport, SieMapping, SieSum, Transfer
from donations.models.periods import first_open_day, is_final
from donations.models.sie import ACCOUNT_FIELDS, is_month
from donations.reports import sie_due
from donations.reports.sie_chart import Chart
from staff import access
from staff.requests import member

Kind = Transfer.Kind
ON_A_PAGE = 50
DAY = datetime.timedelta(days=1)

_WRONG_DAY = {
    "required": "Välj en dag.",
    "invalid": "Skriv dagen som år-månad-dag, till exempel 2026-06-30.",
}


class PeriodForm(forms.Form):
    """The days to export, asked for in the address."""

    fran = DayField(label="från och med", error_messages=_WRONG_DAY)
    till = DayField(label="till och med", error_messages=_WRONG_DAY)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "fran" in data and "till" in data:
            try:
                operations.year_of(data["fran"], data["till"])
            except operations.OperationError as error:
                self.add_error("till", str(error))
        return data


class AgainForm(OperationForm):
    """Export what has been exported once more."""

    sure = forms.BooleanField(
        label="Jag vet att det som redan är inläst i bokföringen kan bli bokfört två gånger",
        widget=Tick("ja"),
        error_messages={"required": "Kryssa i rutan om du är säker."},
    )


@dataclass
class Days:
    """A month or another period: what of it is left to export, and which exports hold some of it."""

    first: datetime.date
    last: datetime.date
    left_ore: int = 0
    is_booked: bool = False
    is_locked: bool = False
    exports: list[SieExport] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What they are called in a heading: "juni 2026", or the first and the last."""
        if is_month(self.first, self.last):
            return date_format(self.first, "F Y")
        return period(self.first, self.last)

    @property
    def query(self) -> str:
        """The days as the end of an address."""
        return "?" + urlencode({"fran": self.first.isoformat(), "till": self.last.isoformat()})


@dataclass
class KindRow:
    """What there is to export of one kind: on how many days, and from and to which accounts."""

    kind: Kind
    ore: int = 0
    days: int = 0

    @property
    def label(self) -> str:
        return NAMES[self.kind]


@dataclass
class AccountRow:
    """An account of the general ledger: what it will be debited and credited."""

    number: str
    name: str
    debit: int = 0
    credit: int = 0


@dataclass
class Preview:
    """What a file of the days would hold, what it leaves out, and what it lacks."""

    kinds: list[KindRow]
    left_out: list[KindRow]
    accounts: list[AccountRow]
    projects: int
    missing: list[tuple[str, str]]  # the mapping's field, and what it is called

    @property
    def debit(self) -> int:
        """All that is debited, which is what is credited."""
        return sum(row.debit for row in self.accounts)

    @property
    def credit(self) -> int:
        return sum(row.credit for row in self.accounts)


# Pages


@access.staff("donations.view_sieexport", methods=access.READ)
def exports(request: HttpRequest) -> HttpResponse:
    """A year's months with what is left to export of each, and every export there has been."""
    return _list(request, PeriodForm())


@access.staff("donations.add_sieexport")
def new(request: HttpRequest) -> HttpResponse:
    """What a file of the days in the address would hold; sent, it is made, once."""
    chosen = PeriodForm(request.GET)
    if not chosen.is_valid():
        return _list(request, chosen)
    first, last = chosen.cleaned_data["fran"], chosen.cleaned_data["till"]
    made: list[SieExport] = []

    def run(_data: dict[str, Any]) -> str:
        made.append(operations.export_sie(first, last, by=member(request)))
        return _("Filen är skapad. Hämta den och läs in den i bokföringsprogrammet.")

    return operate(
        request,
        OperationForm(sent(request)),
        run,
        back=reverse("finance_sie"),
        after=lambda: _address(made),
        template="ekonomi/sie/new.html",
        consequence=_(
            "Det som är med i filen räknas sedan som exporterat och kommer inte med i någon annan fil."
        ),
        button=_("Skapa filen"),
        days=Days(first, last, is_locked=is_final(last)),
        preview=preview(first, last),
        before=_overlapping(first, last),
    )


@access.staff("donations.view_sieexport", methods=access.READ)
def export(request: HttpRequest, export_id: int) -> HttpResponse:
    """What an export holds, the way to its file, and what has been booked on its days since."""
    one = _export(export_id)
    held = SieSum.objects.filter(export=one.repeats_id or one.number)
    rows = held.values("kind", "is_reversal").annotate(
        vouchers=Count("booked_on", distinct=True), count=Sum("transfers"), ore=Sum("amount_ore")
    )
    order = list(Kind.values)
    left = sie_due.by_day(one.first_day, one.last_day)
    kinds = SieMapping.current().kinds
    context = {
        "export": one,
        "days": Days(one.first_day, one.last_day, is_locked=is_final(one.last_day)),
        "rows": [
            {**row, "label": NAMES[Kind(row["kind"])]}
            for row in sorted(rows, key=lambda row: (order.index(row["kind"]), row["is_reversal"]))
        ],
        "repeated": one.repeated.defer("content"),
        "left": sum(1 for kind, _day in left if kind in kinds),
    }
    return render(request, "ekonomi/sie/export.html", context)


@access.staff("donations.view_sieexport", methods=access.READ)
def download(request: HttpRequest, export_id: int) -> HttpResponse:
    """An export's file: the same bytes each time."""
    one = get_object_or_404(SieExport, pk=export_id)
    # Not as text: nothing on the way is to take its letters for others.
    response = HttpResponse(bytes(one.content), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{one.file_name}"'
    return response


@access.staff("donations.add_sieexport")
def again(request: HttpRequest, export_id: int) -> HttpResponse:
    """What exporting the same once more means; sent, another file of it is made."""
    one = _export(export_id)
    if one.repeats_id:
        return redirect("finance_sie_again", one.repeats_id)
    made: list[SieExport] = []

    def run(_data: dict[str, Any]) -> str:
        made.append(operations.export_sie_again(one, by=member(request)))
        return _("En ny fil med samma transaktioner är skapad. Den är märkt IGEN.")

    return operate(
        request,
        AgainForm(sent(request)),
        run,
        back=reverse("finance_sie_export", args=[one.number]),
        after=lambda: _address(made),
        template="ekonomi/sie/again.html",
        consequence=_(
            "Den nya filen innehåller samma transaktioner en gång till. Läs bara in den om den förra inte "
            "är inläst, eller om ni har tagit bort dess verifikationer."
        ),
        button=_("Exportera igen"),
        export=one,
    )


def _address(made: list[SieExport]) -> str:
    """The page of the export that was made; after a second click, of the list that it stands first in."""
    return reverse("finance_sie_export", args=[made[0].number]) if made else reverse("finance_sie")


def _export(export_id: int) -> SieExport:
    found = SieExport.objects.defer("content").select_related("by")
    return get_object_or_404(found, pk=export_id)


def _list(request: HttpRequest, form: PeriodForm) -> HttpResponse:
    year, mapping = years.chosen(request), SieMapping.current()
    made = SieExport.objects.defer("content").select_related("by")
    context = {
        "form": form,
        "year": year,
        "years": CollectionYear.objects.order_by("-starts_on"),
        "months": months(year, mapping.kinds),
        "sheet": Paginator(made, ON_A_PAGE).get_page(request.GET.get("sida")),
        "clearing": mapping.clearing,
    }
    return render(request, "ekonomi/sie/list.html", context)


# What is left


def months(year: CollectionYear, kinds: list[str]) -> list[Days]:
    """The year's months that have begun, the newest first, with what is left of the kinds.

    The month that is going on ends today: an export of days to come is refused.
    """
    found = {day.first: day for day in _months(year)}
    for (kind, day), ore in sie_due.by_day(year.starts_on, year.ends_on).items():
        if kind in kinds:
            month = found[max(day.replace(day=1), year.starts_on)]
            month.left_ore += ore
            month.is_booked = True
    exported = list(_overlapping(year.starts_on, year.ends_on))
    for month in found.values():
        month.exports = [
            one for one in exported if one.first_day <= month.last and one.last_day >= month.first
        ]
    return list(reversed(found.values()))


def _months(year: CollectionYear) -> Iterator[Days]:
    first, open_from = year.starts_on, first_open_day()
    ends_on = min(year.ends_on, timezone.localdate())
    while first <= ends_on:
        after = (first + 31 * DAY).replace(day=1)
        last = min(after - DAY, ends_on)
        yield Days(first, last, is_locked=last < open_from)
        first = after


def _overlapping(first: datetime.date, last: datetime.date) -> Iterable[SieExport]:
    """The exports of some of the days, not counting those that only repeat others."""
    made = SieExport.objects.defer("content").filter(repeats=None)
    return made.filter(first_day__lte=last, last_day__gte=first).order_by("number")


def preview(first: datetime.date, last: datetime.date) -> Preview:
    """What a file of the days would hold now. Reversals are taken off what they reverse."""
    mapping = SieMapping.current()
    kinds = [kind for kind in Kind if kind in mapping.kinds]
    rows = {kind: KindRow(kind) for kind in Kind}
    for (kind, _day), ore in sie_due.by_day(first, last).items():
        rows[Kind(kind)].ore += ore
        rows[Kind(kind)].days += 1
    moved = sie_due.by_account(first, last, kinds)
    chart = Chart(mapping, (pk for _kind, pk in moved))
    accounts: dict[str, AccountRow] = {}
    missing, projects = set(), set()
    for (kind, pk), one in moved.items():
        for leaves, ore in ((True, one.left), (False, one.came)):
            if not ore:
                continue
            post = chart.post(kind, pk, leaves=leaves)
            if not post.number:
                missing.add(post.field)
                continue
            name = chart.accounts[post.number]
            row = accounts.setdefault(post.number, AccountRow(post.number, name))
            row.debit += ore if leaves else 0
            row.credit += 0 if leaves else ore
            projects.add(post.project)
    return Preview(
        kinds=[row for kind, row in rows.items() if row.days and kind in kinds],
        left_out=[row for kind, row in rows.items() if row.days and kind not in kinds],
        accounts=[accounts[number] for number in sorted(accounts)],
        projects=len(projects - {""}),
        missing=[(name, SieMapping.name_of(name)) for name in ACCOUNT_FIELDS if name in missing],
    )
