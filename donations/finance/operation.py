"""A page of finance with one form that moves money."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from donations import once
from donations.forms import OperationForm


def sent(request: HttpRequest) -> Any:
    """What was typed, for a form that was sent; None for one that is to be filled in."""
    return request.POST if request.method == "POST" else None


def operate(
    request: HttpRequest,
    form: OperationForm,
    run: Callable[[dict[str, Any]], str],
    *,
    back: str,
    after: Callable[[], str] | None = None,
    template: str = "ekonomi/operation.html",
    **shown: Any,
) -> HttpResponse:
    """Show the form, and carry out `run` with its data once; `run` tells in Swedish what was done.

    Then on to what `after` gives, or to `back`, where who regrets is led too. `shown` is what the
    template is given: title, intro, consequence and button. A refusal keeps everything that was typed.
    """
    if once.carried_out(request, form, run):
        return HttpResponseRedirect(after() if after else back)
    return render(request, template, {"form": form, "back": back, **shown})
