from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from staff.models import User


@register(Tags.database)
def check_no_demo_sign_ins(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Sign-ins that everybody knows keep a production server from starting (see config.wsgi)."""
    if not settings.PRODUCTION:
        return []
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            demo = list(User.objects.using(alias).filter(is_demo=True).values_list("email"))
        except DatabaseError:
            continue  # no table yet: the first migrate
        if demo:
            found.append(
                Error(
                    f"Database {alias!r} has {len(demo)} sign-ins of the demo, whose password"
                    " everybody knows.",
                    hint="Run manage.py remove_demo with KOLLEKT_ENV unset, or begin with an"
                    " empty database.",
                    id="staff.E001",
                )
            )
    return found
