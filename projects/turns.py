"""Whoever writes content takes turns, so that nobody writes about what somebody else is taking away."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest

# Any number that nobody else asks this database to lock.
_CONTENT = 47_030_001


def take() -> None:
    """Wait for one's turn, and keep it until the transaction ends.

    What a form refers to, its pictures and consents above all, is read after this, and is then still
    there when the form is saved. Row locks would not do: a text names its pictures in Markdown, of
    which the database knows nothing. SQLite's transactions come one at a time as it is.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A turn is taken in a transaction.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CONTENT])


def in_turn(view: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a ModelAdmin that, when it is sent a form, does all it does in one turn."""

    @wraps(view)
    def one_at_a_time(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(self, request, *args, **kwargs)
        with transaction.atomic():
            take()
            return view(self, request, *args, **kwargs)

    return one_at_a_time
