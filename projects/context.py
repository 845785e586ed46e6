from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from projects.models import SiteSettings


def site(request: HttpRequest) -> dict[str, Any]:
    """The organisation's details and the moment, for every template."""
    return {"site": SiteSettings.current(), "now": timezone.now()}
