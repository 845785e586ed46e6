"""When each session was last used."""

import datetime
from collections.abc import Callable
from contextlib import suppress

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

# A session's last use is known to within this.
EVERY = datetime.timedelta(minutes=5)


class ActivityMiddleware:
    """Note that a session is used: at once from a new place, else now and then.

    Not with every page: on SQLite each would wait for whoever is writing, and a large bank file is
    booked in one transaction that may last for minutes. Nor is a page lost for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # The session's key first: who is asked for, where there is none, makes an answer vary by cookie.
        if request.session.session_key and request.user.is_authenticated and not _is_noted(request):
            with suppress(OperationalError):  # the next page notes it
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


def _is_noted(request: HttpRequest) -> bool:
    return UserSession.objects.filter(
        session_key=request.session.session_key,
        user_id=request.user.pk,
        ip=get_adapter().get_client_ip(request),
        user_agent=request.headers.get("User-Agent", "")[
            : UserSession._meta.get_field("user_agent").max_length
        ],
        last_seen_at__gt=timezone.now() - EVERY,
    ).exists()
