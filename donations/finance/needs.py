"""What each fund needs for a year: typed in a table, or from a sheet. Both are shown before they are saved."""

import csv
import datetime
import io
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from donations import needs_sheet, once, operations
from donations.finance import uploading, years
from donations.finance.operation import sent
from donations.finance.uploading import ConfirmForm, SheetForm
from donations.forms import WHY, DayField, KronorField
from donations.models import CollectionYear, UploadedSheet
from donations.money import format_amount
from donations.needs_sheet import Standing
from donations.operations import OperationError
from staff import access
from staff.requests import member

FUNDS_A_PAGE = 100
ROWS_A_PAGE = 200
SHOWN = 50
KIND = UploadedSheet.Kind.NEEDS


class NeedsForm(forms.Form):
    """The needs of the given funds, one field each. An empty one says nothing."""

    def __init__(self, *args: Any, standings: list[Standing], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standings = standings
        for standing in standings:
            self.fields[self._name(standing)] = KronorField(
                label=_("Behov för %s") % standing.fund,
                required=False,
                help_text="",
                initial=standing.need,
            )

    @staticmethod
    def _name(standing: Standing) -> str:
        return f"need_{standing.fund.pk}"

    @property
    def rows(self) -> list[tuple[Standing, forms.BoundField]]:
        return [(standing, self[self._name(standing)]) for standing in self.standings]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not self.changed():
            raise forms.ValidationError(_("Inget behov är ändrat."))
        return data

    def changed(self) -> list[tuple[str, str]]:
        """The number and the amount of each need that is another than it was."""
        typed = [(s, self.cleaned_data.get(self._name(s))) for s in self.standings]
        return [
            (s.fund.collection_number, format_amount(ore))
            for s, ore in typed
            if ore is not None and ore != s.need
        ]


class ConfirmNeedsForm(ConfirmForm):
    """Decide the needs that were shown."""

    decided_on = DayField(
        label="bestämt den",
        help_text="Gäller rader som inte har en egen dag. Behovet gäller från och med den dagen.",
    )
    reason = forms.CharField(
        label="skäl",
        max_length=300,
        help_text="Gäller rader som inte har ett eget skäl. Till exempel ”Styrelsens beslut den 4 december”.",
        error_messages=WHY,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["decided_on"] = timezone.localdate()


@access.staff("donations.add_need")
def needs(request: HttpRequest) -> HttpResponse:
    """Every fund whose need is decided for the year, with a field for it."""
    year, today = years.chosen(request), timezone.localdate()
    found = needs_sheet.standings(year, today).values()
    standings = [standing for standing in found if needs_sheet.expected(year, standing)]
    page = Paginator(standings, FUNDS_A_PAGE).get_page(request.GET.get("sida"))
    form = NeedsForm(sent(request), standings=list(page))
    is_closed = hasattr(year, "closing")
    if not is_closed and form.is_valid():
        name = _("behov som du har skrivit in.csv")
        sheet = uploading.keep(request, KIND, year, name, _as_csv(form.changed()))
        return redirect("finance_needs_preview", sheet.key)
    context = {
        "form": form,
        "sheet": page,
        "year": year,
        "is_closed": is_closed,
        "unknown": sum(standing.need is None for standing in standings),
        "years": CollectionYear.objects.order_by("-starts_on"),
    }
    return render(request, "ekonomi/needs.html", context)


def _as_csv(rows: list[tuple[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow([needs_sheet.HEADINGS["number"][0], needs_sheet.HEADINGS["need"][0]])
    writer.writerows(rows)
    return out.getvalue().encode()


@access.staff("donations.add_collectionyear", methods=("POST",))
def next_year(request: HttpRequest) -> HttpResponse:
    """Make the year that follows the one that goes on, so that its needs can be decided."""
    this = operations.collection_year(timezone.localdate())
    year = operations.collection_year(this.ends_on + datetime.timedelta(days=1), member(request))
    messages.success(request, _("Insamlingsåret %s är öppnat. Nu kan ni bestämma behoven.") % year)
    return HttpResponseRedirect(reverse("finance_needs") + years.query(year))


@access.staff("donations.add_need")
def upload(request: HttpRequest) -> HttpResponse:
    """Upload a sheet of needs. It is only kept: the preview comes first."""
    year = years.chosen(request)
    form = SheetForm(
        sent(request),
        request.FILES or None,
        headings=needs_sheet.HEADINGS,
        required=needs_sheet.REQUIRED,
    )
    if form.is_valid():
        sheet = uploading.keep(request, KIND, year, *form.cleaned_data["file"])
        return redirect("finance_needs_preview", sheet.key)
    context = {
        "form": form,
        "year": year,
        "headings": [names[0] for names in needs_sheet.HEADINGS.values()],
    }
    return render(request, "ekonomi/needs_upload.html", context)


@access.staff("donations.add_need", methods=access.READ)
def template(request: HttpRequest) -> HttpResponse:
    """The sheet to fill in: a row for each fund, with the need that it has."""
    year = years.chosen(request)
    found = needs_sheet.standings(year, timezone.localdate()).values()
    rows = [
        (s.fund.collection_number, "" if s.need is None else format_amount(s.need))
        for s in found
        if needs_sheet.expected(year, s)
    ]
    return uploading.template("behov.xlsx", needs_sheet.HEADINGS, rows)


@access.staff("donations.add_need")
def preview(request: HttpRequest, sheet_key: uuid.UUID) -> HttpResponse:
    """What each row would change. Nothing is decided before the form is sent."""
    sheet = uploading.kept(request, sheet_key, KIND)
    if sheet is None:
        return redirect("finance_needs")
    plan = _plan(sheet)
    form = ConfirmNeedsForm(sent(request), sheet=sheet, seen=plan.fingerprint)

    def run(data: dict[str, Any]) -> str:
        CollectionYear.objects.select_for_update(no_key=True).get(pk=sheet.year_id)
        again = _plan(sheet)
        if again.fingerprint != data["seen"]:
            raise OperationError(_("Något har ändrats medan du läste. Läs igenom raderna igen."))
        decided = needs_sheet.carry_out(
            again, decided_on=data["decided_on"], reason=data["reason"], by=member(request)
        )
        sheet.delete()
        return ngettext("%s behov är bestämt.", "%s behov är bestämda.", decided) % decided

    if once.carried_out(request, form, run):
        return HttpResponseRedirect(reverse("finance_needs") + years.query(sheet.year))
    if form.is_bound:
        plan = _plan(sheet)
        form.shown_anew(plan.fingerprint)
    odd = [line for line in plan.changes if line.warnings]
    context = {
        "form": form,
        "upload": sheet,
        "plan": plan,
        "faulty": plan.faulty[:SHOWN],
        "more_faulty": max(0, len(plan.faulty) - SHOWN),
        "lacking": plan.lacking[:SHOWN],
        "more_lacking": max(0, len(plan.lacking) - SHOWN),
        "odd": odd[:SHOWN],
        "more_odd": max(0, len(odd) - SHOWN),
        "sheet": Paginator(plan.lines, ROWS_A_PAGE).get_page(request.GET.get("sida")),
    }
    return render(request, "ekonomi/needs_preview.html", context)


def _plan(sheet: UploadedSheet) -> needs_sheet.Plan:
    today = timezone.localdate()
    read = uploading.read(sheet, needs_sheet.HEADINGS, needs_sheet.REQUIRED)
    there = needs_sheet.standings(sheet.year, today)
    return needs_sheet.plan(read, sheet.year, there, today)
