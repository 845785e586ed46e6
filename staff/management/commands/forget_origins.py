import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from staff import audit
from staff.models import Origin


class Command(BaseCommand):
    help = (
        "Remove the addresses and browsers behind events and sign-ins that are past their time."
        " The events themselves stay. Run it every day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=settings.ORIGIN_DAYS)

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        before = timezone.now() - datetime.timedelta(days=days)
        with transaction.atomic():
            origins = Origin.objects.filter(event__at__lt=before).delete()[0]
            if origins:
                text = _("Tog bort gamla uppgifter om adresser: %s stycken") % origins
                audit.record(audit.Area.PEOPLE, text, by=None)
        sessions = UserSession.objects.filter(last_seen_at__lt=before).delete()[0]
        _forget_what_has_run_out()
        self.stdout.write(
            f"Removed {origins} origins and {sessions} sessions over {days} days old."
        )


def _forget_what_has_run_out() -> None:
    """Sessions, and counts of attempts, that are over: neither goes by itself."""
    call_command("clearsessions")
    table = settings.CACHES["default"]["LOCATION"]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [_cache_time()])  # noqa: S608


def _cache_time() -> str | datetime.datetime | None:
    """Now, as Django's cache table has it."""
    now = timezone.now().astimezone(datetime.UTC).replace(microsecond=0)
    return connection.ops.adapt_datetimefield_value(now)
