import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from donations import totals
from triggers import registry


class Command(BaseCommand):
    help = (
        "Compare the kept daily totals, gift totals, bank days and unplaced gifts with what the transfers give, and "
        "the triggers with what is written. "
        "Prints each difference and exits with 1 when there is any."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = registry.differences(connection) + totals.differences()
        for line in found:
            self.stderr.write(line)
        if found:
            sys.exit(1)
        self.stdout.write(
            "The totals are what the transfers give, and every trigger stands as written."
        )
