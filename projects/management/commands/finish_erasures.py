from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from projects import remains


class Command(BaseCommand):
    help = (
        "Take away what erasures and broken uploads have left behind: pictures' files that belong to"
        " no picture and, on SQLite, what still stands in its log. Run it every day."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        names = remains.files_without_rows(timezone.now())
        if not remains.remove(names):
            raise CommandError("Something could not be taken away: see above, and run it again.")
        self.stdout.write(f"Removed {len(names)} files without a picture.")
