from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from donations.models import Fund
from donations.models.funds import validate_collection_number
from projects.models import Version


@require_safe
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
        request, "donations/unknown_number.html", {"number": number, "message": message}, status=404
    )
