"""Uploaded files, where no proxy answers for them."""

import re

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.static import serve

from projects.models import Consent, Image
from staff import access

_PICTURE = re.compile(r"bilder/(?P<key>[0-9a-f]{32})-[0-9]{1,5}\.webp")


@access.public
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """A picture's file, while the consent that it leans on holds. Its name never means another file."""
    found = _PICTURE.fullmatch(path)
    shown = Image.objects.filter(consent__in=Consent.objects.valid(timezone.now()))
    if not found or not shown.filter(key=found["key"]).exists():
        raise Http404
    response: HttpResponseBase
    if settings.S3_BUCKET:
        try:
            file = default_storage.open(path)
        except FileNotFoundError as error:
            raise Http404 from error
        response = FileResponse(file, content_type="image/webp")
    else:
        response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    # A minute, then it is asked for again: a consent can be withdrawn.
    response["Cache-Control"] = "public, max-age=60"
    return response
