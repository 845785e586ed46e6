from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from triggers.registry import differences


@register(Tags.database)
def check_triggers(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """An error for each trigger that is missing or altered, for `check --database`."""
    return [
        Error(
            f"Database {alias!r}: {line}.",
            hint="Find out why, run manage.py migrate, then manage.py verify_ledger.",
            id="triggers.E001",
        )
        for alias in databases or ()
        for line in differences(connections[alias])
    ]
