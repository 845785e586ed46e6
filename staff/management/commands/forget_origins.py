import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

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
        origins, _ = Origin.objects.filter(event__at__lt=before).delete()
        sessions, _ = UserSession.objects.filter(last_seen_at__lt=before).delete()
        self.stdout.write(
            f"Removed {origins} origins and {sessions} sessions over {days} days old."
        )
