from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _

from staff import audit, roles


class Command(BaseCommand):
    help = "Make every role's permissions what staff/roles.py says (as migrate also does)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only tell what differs; exit with 1 if anything"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        with transaction.atomic():
            found = roles.differences() if check else roles.sync()
            if found and not check:
                text = _("Rättade vad rollerna får göra: %s ändringar") % len(found)
                audit.record(audit.Area.PEOPLE, text, by=None)
        for line in found:
            self.stdout.write(line)
        if check and found:
            raise CommandError("The roles are not as written. Run manage.py sync_roles.")
        if not found:
            self.stdout.write("Every role is as written.")
