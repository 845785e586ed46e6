"""A page copied, and last year's plans made into this year's results."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from projects import copying
from projects.admin.history import HistoryPages
from projects.models import Achievement, Plan
from projects.turns import in_turn
from staff import access
from staff.requests import member


class ResultForm(forms.ModelForm):
    """One plan, offered as a result."""

    use = forms.BooleanField(label="Planen har blivit ett resultat", required=False)
    keep_plan = forms.BooleanField(label="Låt planen stå kvar också", required=False)

    class Meta:
        model = Achievement
        fields = ["number", "period", "text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, plan: Plan, year: int, data: Any = None) -> None:
        start = {"period": str(year), "text": copying.suggestion(plan)}
        super().__init__(data, prefix=f"plan-{plan.pk}", initial=start)
        self.plan = plan

    @property
    def is_used(self) -> bool:
        return bool(self["use"].value())

    def result(self) -> copying.Result:
        data = self.cleaned_data
        return copying.Result(
            self.plan, data["number"], data["period"], data["text"], data["keep_plan"]
        )


class CarryingPages(HistoryPages):
    """Copying, and "nytt år"."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_path("kopiera/", self.copy, "copy"),
            self.page_path("nytt-ar/", self.new_year, "new_year"),
            *super().get_urls(),
        ]

    @access.staff(as_="change")
    @in_turn
    def copy(self, request: HttpRequest, page_id: int) -> HttpResponseBase:
        """Make a new page with the same content, under another title and address."""
        page = self.page_or_403(request, page_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked: type[forms.ModelForm] = forms.modelform_factory(
            self.model, fields=["title", "slug"], error_messages=_SLUG_ERRORS
        )
        title = _("%s (kopia)") % Truncator(page.title).chars(130)
        start = {"title": title, "slug": copying.free_slug(page.slug)}
        form = asked(request.POST if request.method == "POST" else None, initial=start)
        if form.is_valid():
            data = form.cleaned_data
            new = copying.copy(page, data["title"], data["slug"], by=member(request))
            messages.success(
                request, _("Kopian är klar. Den är inte publicerad. Skriv om det som är nytt.")
            )
            return redirect(self.page_url("change", new))
        context = self.around(request, page, _("Kopiera ”%s”") % page.title) | {"form": form}
        return render(request, "admin/projects/copy.html", context)

    @access.staff(as_="change")
    @in_turn
    def new_year(self, request: HttpRequest, page_id: int) -> HttpResponseBase:
        """Offer the page's plans as results, to be ticked and written over."""
        page = self.page_or_403(request, page_id)
        year = timezone.localdate().year - 1
        plans = list(Plan.objects.filter(page_id=page.pk))
        data = request.POST if request.method == "POST" else None
        rows = [ResultForm(plan, year, data) for plan in plans]
        used = [row for row in rows if row.is_used]
        newest = page.versions.first()
        seen = str(newest.number if newest else 0)
        if data is not None and (lost := _lost(request, plans)):
            messages.error(request, lost)
        elif data is not None and data.get("seen") != seen:
            messages.error(request, _CHANGED)
        elif data is not None and not used:
            messages.error(request, _("Kryssa för minst en plan som har blivit ett resultat."))
        elif data is not None and not [row for row in used if not row.is_valid()]:
            copying.plans_to_results(page, [row.result() for row in used], by=member(request))
            messages.success(
                request,
                _("Resultaten ligger nu i formuläret. Ingenting är publicerat än."),
            )
            return redirect(f"{self.page_url('change', page)}#achievements-group")
        context = self.around(request, page, _("Nytt år för ”%s”") % page.title)
        context |= {"rows": rows, "year": year, "used": used, "seen": seen}
        return render(request, "admin/projects/new_year.html", context)


_CHANGED = (
    "Sidan har sparats sedan du öppnade den här listan. Se efter att resultaten inte redan är tillagda, och"
    " skicka en gång till om de ska läggas till."
)
_SLUG_ERRORS = {
    "slug": {
        "invalid": "Adressen får bara innehålla bokstäver från a till z, siffror och bindestreck."
    }
}


def _lost(request: HttpRequest, plans: list[Plan]) -> str:
    """What to say when a plan that was ticked has been taken away meanwhile."""
    there = {f"plan-{plan.pk}-use" for plan in plans}
    ticked = {name for name in request.POST if name.startswith("plan-") and name.endswith("-use")}
    gone = [str(request.POST.get(f"{name[:-4]}-text", "")) for name in ticked - there]
    if not gone:
        return ""
    said = "” och ”".join(gone)
    return _("Någon har tagit bort en plan medan du skrev. Det du hade skrivit: ”%s”.") % said
