"""The audit list: who did what, written in the transaction of the deed itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponseBase

from staff.models import Event, Origin, User
from staff.requests import address

Area = Event.Area
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class AuditMiddleware:
    """Let `record` know from where the request that it works for has come."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with origin_of(request):
            return self.get_response(request)


@contextmanager
def origin_of(request: HttpRequest) -> Iterator[None]:
    """What is recorded meanwhile comes from `request`."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def record(area: Area, text: str, *, by: User | None, about: models.Model | None = None) -> Event:
    """Write down a deed: what was done (a Swedish sentence), by whom (none: the server itself), to what.

    The text names no donor, and nobody by address or telephone: it stays for ever. Raises
    `TransactionManagementError` outside a transaction, since the deed and its record stand or fall
    together.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A deed is recorded in its own transaction.")
    event = Event.objects.create(
        by=by,
        area=area,
        text=text[:500],
        model=about._meta.label_lower if about else "",
        object_id=str(about.pk) if about else "",
        search_text=f"{text} {by or 'servern'}".casefold(),
    )
    request = _request.get()
    if request is not None:
        client = request.headers.get("User-Agent", "")[:300]
        Origin.objects.create(event=event, address=address(request), client=client)
    return event


def name_of(thing: models.Model) -> str:
    """How the audit list names a thing: "projektet" and its title, but never a person by name.

    A model whose rows are named after people outside the staff says `is_personal = True`.
    """
    kind = str(thing._meta.verbose_name)
    if getattr(thing, "is_personal", False):
        return f"{kind} nr {thing.pk}"
    return f"{kind} ”{thing}”"
