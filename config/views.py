"""Answers about the process itself, for whatever watches over it."""

from django.http import HttpRequest, HttpResponse


def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up and answers. Says nothing about the database."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")
