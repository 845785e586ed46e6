"""A form that moves money is carried out once, however often it is sent."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.forms import Form
from django.http import HttpRequest
from django.utils.translation import gettext as _

from donations.models import Submission
from donations.operations import OperationError, tried_again


def carried_out(request: HttpRequest, form: Form, run: Callable[[dict[str, Any]], str]) -> bool:
    """Call `run` with the data of a form that was sent and is valid; tell whether it is done, now or before.

    The form's hidden `once` makes a second click, or the back button, do nothing twice. `run` gives the
    Swedish sentence that tells what was done. A refusal is put on the form, which keeps what was typed.
    """
    if not form.is_valid():
        return False
    try:
        told = _told(form, run)
    except OperationError as error:
        form.add_error(None, str(error))
        return False
    except IntegrityError:
        form.add_error(None, _("Bokföringen tillåter inte det här. Ingenting har ändrats."))
        return False
    if told:
        messages.success(request, told)
    else:
        messages.info(request, _("Det var redan gjort. Ingenting har bokförts en gång till."))
    return True


@tried_again
def _told(form: Form, run: Callable[[dict[str, Any]], str]) -> str:
    """What `run` tells, or nothing when the form has been carried out before."""
    is_new = Submission.objects.get_or_create(key=form.cleaned_data["once"])[1]
    return run(form.cleaned_data) if is_new else ""
