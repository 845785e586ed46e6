from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from staff import roles


class Command(BaseCommand):
    help = "Make every role's permissions what staff/roles.py says (as migrate also does)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only tell what differs; exit with 1 if anything"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        found = roles.differences() if check else roles.sync()
        for line in found:
            self.stdout.write(line)
        if check and found:
            raise CommandError("The roles are not as written. Run manage.py sync_roles.")
        if not found:
            self.stdout.write("Every role is as written.")
