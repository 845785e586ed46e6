"""Which collection year a page is about."""

from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.http import urlencode

from donations import operations
from donations.models import CollectionYear


def chosen(request: HttpRequest) -> CollectionYear:
    """The year that the address names (?ar=2026), or the one that holds today. Raises `Http404`."""
    if not (name := request.GET.get("ar")):
        return operations.collection_year(timezone.localdate())
    year = next((one for one in CollectionYear.objects.all() if one.name == name), None)
    if year is None:
        raise Http404
    return year


def query(year: CollectionYear) -> str:
    """The year as the end of an address."""
    return "?" + urlencode({"ar": year.name})
