"""What stands around every request of this deployment."""

from collections.abc import Callable

from django.db import DatabaseError, DataError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from triggers import registry

GetResponse = Callable[[HttpRequest], HttpResponseBase]
TEXT = "text/plain; charset=utf-8"


class HealthMiddleware:
    """Answer whoever watches over the process, before anything asks by which name it was called.

    `/healthz`: the process is up. `/readyz`: the database answers and guards itself, else 503 with
    a line for each thing amiss.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return HttpResponse("ok\n", content_type=TEXT)
        if request.path_info == "/readyz":
            amiss = self._amiss()
            lines = "\n".join(amiss or ["ok"]) + "\n"
            return HttpResponse(lines, content_type=TEXT, status=503 if amiss else 200)
        return self.get_response(request)

    def _amiss(self) -> list[str]:
        try:
            return registry.differences(connection)
        except DatabaseError:
            return ["the database does not answer"]


class ImpossibleValueMiddleware:
    """A number in an address or a form that no column can hold names nothing: 404, not 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, OverflowError | DataError):
            raise Http404 from exception
