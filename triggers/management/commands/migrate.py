from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import connections, transaction

from triggers import registry


class Command(Migrate):
    """Django's `migrate`, with our triggers whole afterwards.

    SQLite rebuilds a table to alter it, which fails or silently loses its
    triggers: there they are dropped before the first migration and made anew
    at the end. PostgreSQL keeps them in place while migrating.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        self.database = connections[options["database"]]
        self.dropped: dict[str, registry.Trigger] = {}
        try:
            super().handle(*args, **options)
        except BaseException:
            self._restore_after_failure()
            raise
        if not (options["plan"] or options["check_unapplied"]):
            for line in registry.install(self.database):
                if options["verbosity"] >= 2:
                    self.stdout.write(f"  Mended: {line}")

    def check(self, *args: Any, **kwargs: Any) -> None:
        # What the database check would complain of is what this command mends.
        kwargs["databases"] = []
        super().check(*args, **kwargs)

    def migration_progress_callback(
        self, action: str, migration: Any = None, fake: bool = False
    ) -> None:
        if action in ("apply_start", "unapply_start") and self.database.vendor == "sqlite":
            there = registry.installed(self.database)
            self.dropped |= there
            registry.drop(self.database, there.values())
        super().migration_progress_callback(action, migration, fake)

    def _restore_after_failure(self) -> None:
        """Put back what was dropped, as it was: the tables may still be the old ones."""
        if self.database.vendor != "sqlite":
            return
        there = registry.installed(self.database)
        with self.database.cursor() as cursor:
            tables = set(self.database.introspection.table_names(cursor))
        wanted = registry.expected(self.database) | self.dropped
        missing = [t for name, t in wanted.items() if name not in there and t.table in tables]
        registry.create(self.database, missing)
        if missing:
            # What the migrations before the one that failed have written was not counted.
            with transaction.atomic(using=self.database.alias):
                registry.triggers_restored.send(sender=None, connection=self.database)
