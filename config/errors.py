"""What is answered when something cannot be: in Swedish, with a way on, whoever asks."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.views import defaults

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, or 413 for more than is taken in at once."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return render(request, "413.html", status=413)
    return defaults.bad_request(request, exception)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429: wait a little."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = "60"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was not ours, or was opened too long ago."""
    return render(request, "403_csrf.html", status=403)


class MethodNotAllowedMiddleware:
    """405 with a page: Django answers it with nothing at all."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page
