from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from donations import once
from donations.forms import OperationForm
from staff.modeladmin import ModelAdmin
from staff.models import Event


class OperationAdmin(ModelAdmin):
    """An admin whose money moves through `operations`, one form for each movement."""

    area = Event.Area.MONEY

    def operate(
        self,
        request: HttpRequest,
        form_class: type[OperationForm],
        run: Callable[[dict[str, Any]], str],
        *,
        title: str,
        button: str,
        back: str,
        intro: str = "",
        consequence: str = "",
        initial: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show the form, and carry out `run` with its data once; `run` tells in Swedish what was done.

        A refusal is shown with everything that was typed.
        """
        form = form_class(request.POST) if request.method == "POST" else form_class(initial=initial)
        if once.carried_out(request, form, run):
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "button": button,
            "back": back,
            "intro": intro,
            "consequence": consequence,
        }
        return render(request, "admin/donations/operation.html", context)
