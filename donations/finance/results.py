"""The summary of results: chosen, looked at, and taken out as a PDF to send."""

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.exports import results as export
from donations.forms import DayField
from donations.models import CollectionYear
from donations.reports import results as report
from donations.reports import results_words
from donations.reports.results import Achieved, Chapter, Results
from donations.reports.spans import Belongs
from staff import access
from staff.requests import member

# Editors too: it is they who write what has been achieved. All who see the money have it as well.
PERMISSION = "projects.view_focusarea"


@dataclass(frozen=True)
class Gap:
    """A page that tells nothing of the year, or leaves something out: what, and where it is mended."""

    title: str
    url: str
    is_silent: bool
    unknown: list[Achieved]
    others: list[Achieved]


class DayForm(forms.Form):
    """The day that the figures are shown at the end of."""

    dag = DayField(label="läget den")

    def __init__(self, *args: Any, year: CollectionYear, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._year = year

    def clean_dag(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["dag"]
        if day < self._year.starts_on:
            first = long_date(self._year.starts_on)
            raise forms.ValidationError(
                _("Insamlingsåret %(year)s börjar den %(day)s. Välj den dagen eller en senare.")
                % {"year": self._year, "day": first}
            )
        return day


@access.staff(PERMISSION, methods=access.READ)
def choose(request: HttpRequest) -> HttpResponse:
    """The focus areas and years that there can be a summary of."""
    years = [(one, in_address(one)) for one in report.years() if _has_begun(one)]
    return render(request, "ekonomi/resultat/list.html", {"areas": report.areas(), "years": years})


@access.staff(PERMISSION, methods=access.READ)
def show(request: HttpRequest, area: str, year: str) -> HttpResponse:
    """A focus area's results in a year, beside the money; and what an editor has to see to before it is sent."""
    all_years, chosen = _years(year)
    form = _form(request, chosen)
    found = _results(area, chosen, all_years, form)
    context = {
        "form": form,
        "results": found,
        "told": results_words.told(found),
        "years": [(one, in_address(one)) for one in all_years if _has_begun(one)],
        "year": chosen,
        "area": area,
        "in_address": year,
        "query": _query(found.day),
        "gaps": _gaps(request, found),
    }
    return render(request, "ekonomi/resultat/summary.html", context)


@access.staff(PERMISSION, methods=access.READ)
def pdf(request: HttpRequest, area: str, year: str) -> HttpResponse:
    """The same summary as a PDF: on paper and in the post."""
    all_years, chosen = _years(year)
    form = _form(request, chosen)
    if form.is_bound and not form.is_valid():
        page = reverse("finance_results_of", args=[area, year])
        return redirect(f"{page}?{request.GET.urlencode()}")
    found = _results(area, chosen, all_years, form)
    content = export.pdf(found, home=request.build_absolute_uri("/").rstrip("/"))
    name = f"{slugify(_('Resultat %s') % in_address(chosen))}-{area}.pdf"
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = content_disposition_header(True, name) or ""
    return answer


def in_address(year: CollectionYear) -> str:
    """A year as it stands in an address: 2025/26 is one step there."""
    return year.name.replace("/", "-")


def _years(name: str) -> tuple[list[CollectionYear], CollectionYear]:
    """All years, and the one with the name in the address. Raises `Http404`."""
    years = report.years()
    year = next((one for one in years if in_address(one) == name and _has_begun(one)), None)
    if year is None:
        raise Http404
    return years, year


def _has_begun(year: CollectionYear) -> bool:
    return year.starts_on <= timezone.localdate()


def _form(request: HttpRequest, year: CollectionYear) -> DayForm:
    asked = request.GET if request.GET.get("dag") else None
    return DayForm(asked, year=year, initial={"dag": timezone.localdate()})


def _results(
    slug: str, year: CollectionYear, years: list[CollectionYear], form: DayForm
) -> Results:
    """The area's results on the day asked for, today when none or none that can be. Raises `Http404`."""
    is_asked = form.is_bound and form.is_valid()
    day = form.cleaned_data["dag"] if is_asked else timezone.localdate()
    found = report.results(slug, year, years, day)
    if found is None:
        raise Http404
    return found


def _query(day: datetime.date) -> str:
    """The day as the end of an address, where it is not today."""
    return "" if day == timezone.localdate() else f"?dag={day}"


def _gaps(request: HttpRequest, found: Results) -> list[Gap]:
    """Pages where something of the year may be missing, those that tell nothing first."""
    gaps = [
        _gap(request, chapter, is_silent=chapter in found.lacking)
        for chapter in (found.area, *found.projects, *found.silent)
    ]
    shown = [gap for gap in gaps if gap.is_silent or gap.unknown or gap.others]
    return sorted(shown, key=lambda gap: (not gap.is_silent, not gap.unknown))


def _gap(request: HttpRequest, chapter: Chapter, *, is_silent: bool) -> Gap:
    model = "focusarea" if not chapter.page.focus_area_id else "project"
    may = member(request).has_perm(f"projects.change_{model}")
    address = reverse(f"admin:projects_{model}_change", args=[chapter.page.pk])
    return Gap(
        title=chapter.page.title,
        url=f"{address}#achievements-group" if may else "",
        is_silent=is_silent,
        unknown=[one for one in chapter.left_out if one.belongs is Belongs.UNKNOWN],
        others=[one for one in chapter.left_out if one.belongs is Belongs.OTHER],
    )
