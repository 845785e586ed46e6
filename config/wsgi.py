"""What the web server calls."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()


def refuse_what_is_not_safe() -> None:
    """Raise `SystemCheckError` in production when a check finds an error, the database's own included.

    A server that would run with missing triggers or with sign-ins that everybody knows does not start.
    """
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    if settings.PRODUCTION:
        call_command("check", databases=list(connections), verbosity=0)
        connections.close_all()


refuse_what_is_not_safe()
