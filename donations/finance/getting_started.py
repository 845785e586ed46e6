"""Getting started: the projects that are collected for, from a sheet."""

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from donations import getting_started, once
from donations.finance import uploading, years
from donations.finance.operation import sent
from donations.finance.uploading import ConfirmForm, SheetForm
from donations.models import CollectionYear, UploadedSheet
from donations.operations import OperationError
from staff import access
from staff.requests import member

ROWS_A_PAGE = 200
FAULTS_SHOWN = 50
KIND = UploadedSheet.Kind.PROJECTS


@access.staff("donations.add_fund")
def begin(request: HttpRequest) -> HttpResponse:
    """Upload a sheet of projects. It is only kept: the preview comes first."""
    year = years.chosen(request)
    form = SheetForm(
        sent(request),
        request.FILES or None,
        headings=getting_started.HEADINGS,
        required=getting_started.REQUIRED,
    )
    if form.is_valid():
        sheet = uploading.keep(request, KIND, year, *form.cleaned_data["file"])
        return redirect("finance_getting_started_preview", sheet.key)
    context = {
        "form": form,
        "year": year,
        "years": CollectionYear.objects.filter(closing=None).order_by("-starts_on"),
        "headings": [names[0] for names in getting_started.HEADINGS.values()],
        "most_rows": getting_started.MOST_ROWS,
    }
    return render(request, "ekonomi/getting_started.html", context)


@access.staff("donations.add_fund", methods=access.READ)
def template(request: HttpRequest) -> HttpResponse:
    """The sheet to fill in, with a row that shows how, and that is refused when it is left there."""
    rows = [getting_started.EXAMPLE]
    return uploading.template("projekt.xlsx", getting_started.HEADINGS, rows)


@access.staff("donations.add_fund")
def preview(request: HttpRequest, sheet_key: uuid.UUID) -> HttpResponse:
    """What each row of the sheet would become. Nothing is made before the form is sent."""
    sheet = uploading.kept(request, sheet_key, KIND)
    if sheet is None:
        return redirect("finance_getting_started")
    plan = _plan(sheet)
    form = ConfirmForm(sent(request), sheet=sheet, seen=plan.fingerprint)

    def run(data: dict[str, Any]) -> str:
        # One at a time, so that two sheets never make the same focus area.
        CollectionYear.objects.select_for_update(no_key=True).get(pk=sheet.year_id)
        again = _plan(sheet)
        if again.fingerprint != data["seen"]:
            raise OperationError(_("Något har ändrats medan du läste. Läs igenom raderna igen."))
        made = getting_started.carry_out(again, by=member(request))
        sheet.delete()
        return (
            ngettext(
                "%s insamling är upplagd. Redaktörerna hittar nya sidor som utkast på sitt skrivbord.",
                "%s insamlingar är upplagda. Redaktörerna hittar nya sidor som utkast på sitt skrivbord.",
                made,
            )
            % made
        )

    if once.carried_out(request, form, run):
        return redirect("finance_getting_started")
    if form.is_bound:
        plan = _plan(sheet)
        form.shown_anew(plan.fingerprint)
    context = {
        "form": form,
        "upload": sheet,
        "plan": plan,
        "faulty": plan.faulty[:FAULTS_SHOWN],
        "more_faulty": max(0, len(plan.faulty) - FAULTS_SHOWN),
        "sheet": Paginator(plan.lines, ROWS_A_PAGE).get_page(request.GET.get("sida")),
    }
    return render(request, "ekonomi/getting_started_preview.html", context)


def _plan(sheet: UploadedSheet) -> getting_started.Plan:
    today = timezone.localdate()
    read = uploading.read(sheet, getting_started.HEADINGS, getting_started.REQUIRED)
    return getting_started.plan(read, sheet.year, getting_started.known(today), today)
