import re
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.flush import Command as Flush
from django.db import connections

from triggers import registry


class Command(Flush):
    """Django's `flush`, only for a test database: books cannot be emptied."""

    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        name = str(connection.settings_dict["NAME"])
        if not re.match(r"test[_.]", Path(name).name):
            raise CommandError(
                "flush is refused: this is not a test database, and books are never emptied."
            )
        there = registry.installed(connection)
        registry.drop(connection, there.values())
        try:
            super().handle(**options)
        finally:
            registry.create(connection, there.values())
