import unicodedata

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django_countries import countries

from donations import moves
from donations.boxes import listed, needing_money
from donations.models import CollectionYear, Fund, Proposal
from donations.models.funds import validate_collection_number
from projects import rendering
from projects.models import FocusArea, Page, Version
from projects.models.versions import VersionCountry
from projects.rendering import swedish_order
from projects.snapshots import searchable
from projects.views import sheet
from staff import access

PROJECTS_PER_SHEET = 24
REALLOCATIONS_PER_SHEET = 20


@access.public
def collection_number(request: HttpRequest, number: str) -> HttpResponseBase:
    """Lead from a collection number to its page; an unknown one gets a page that helps."""
    funds = Fund.objects.filter(collection_number=number).select_related("project", "focus_area")
    fund = funds.first()
    if fund and Version.objects.filter(page_id=fund.page.pk).published(timezone.now()).exists():
        return redirect(fund.page)
    try:
        validate_collection_number(number)
        message = ""
    except ValidationError as error:
        message = error.messages[0]
    return render(
        request,
        "donations/unknown_number.html",
        {"number": number, "message": message},
        status=404,
    )


@access.public
def project_list(request: HttpRequest) -> HttpResponse:
    """All published projects, filtered by `omrade`, `land`, `behov` and words in `q`.

    A filter that cannot be is left out; the page says which ones are on.
    """
    now = timezone.now()
    versions = rendering.published().published(now)
    areas = rendering.links(
        versions.filter(page__kind=Page.Kind.FOCUS_AREA).order_by("title", "page_id"), now
    )
    in_use = VersionCountry.objects.filter(version__in=Version.objects.published(now))
    codes = set(in_use.values_list("country", flat=True))
    country_choices = sorted(
        ((code, countries.name(code)) for code in codes), key=lambda c: swedish_order(c[1])
    )

    area = next((a for a in areas if a.slug == request.GET.get("omrade")), None)
    country = next((c for c in country_choices if c[0] == request.GET.get("land")), None)
    words = searchable(request.GET.get("q", "")[:200]).split()
    needs_money = request.GET.get("behov") == "1"

    found = [
        project
        for project in listed()
        if (area is None or project.page.focus_area_id == area.pk)
        and (country is None or country[1] in project.countries)
        and (not needs_money or project.needs_money)
        and project.has(words)
    ]
    if needs_money:
        found = needing_money(found)
    context = {
        "sheet": sheet(found, PROJECTS_PER_SHEET, request),
        "areas": areas,
        "countries": country_choices,
        "area": area,
        "country": country,
        "needs_money": needs_money,
        "query": printable(request.GET.get("q", ""))[:200],
        "is_filtered": bool(area or country or needs_money or words),
    }
    return render(request, "project_list.html", context)


@access.public
def reallocations(request: HttpRequest) -> HttpResponse:
    """Every reallocation with its reason, filtered by `ar` and `omrade`, for anyone to read.

    A filter that cannot be is left out; the page says which ones are on.
    """
    approved = Proposal.objects.filter(decision=Proposal.Decision.APPROVED)
    years = CollectionYear.objects.filter(proposals__in=approved).distinct().order_by("-starts_on")
    areas = FocusArea.objects.filter(proposals__in=approved).distinct().order_by("title", "pk")
    year = next((y for y in years if y.name == request.GET.get("ar")), None)
    area = next((a for a in areas if a.slug == request.GET.get("omrade")), None)
    found = moves.reallocations(year.name if year else "", area.pk if area else None)
    on_sheet = sheet(found, REALLOCATIONS_PER_SHEET, request)
    context = {
        "sheet": on_sheet,
        "reallocations": moves.told(on_sheet),
        "years": years,
        "areas": areas,
        "year": year,
        "area": area,
    }
    return render(request, "donations/reallocations.html", context)


def printable(text: str) -> str:
    """The text without control characters, which no search means and no page should show."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "C")
