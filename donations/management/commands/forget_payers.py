from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from donations import forgetting
from projects import remains


class Command(BaseCommand):
    help = (
        "Forget what is known of payers when the books need it no longer: their details, files as they"
        " came from banks, what is remembered of their texts. The books stay. Run it every day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell what would go, and stop")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        found = forgetting.due(now) if dry_run else forgetting.forget(now)
        day = forgetting.newest_past_day(timezone.localdate(now))
        self.stdout.write(
            f"{'Would forget' if dry_run else 'Forgot'}, through {day}:"
            f" the payers of {found.payments} payments and {found.lines} held lines,"
            f" {found.placements} remembered placements, {found.bindings} bound payers,"
            f" the bytes of {found.files} files; {found.unbooked} files that were never booked;"
            f" {found.stray} that belong to none."
        )
        if dry_run:
            return
        if not remains.empty_log() or found.failed:
            raise CommandError("Something could not be taken away: see above, and run it again.")
