"""What the database itself enforces: triggers, kept as SQL beside the app they belong to.

An app writes its triggers in `sql/sqlite.sql` and `sql/postgresql.sql`, one
`CREATE FUNCTION` or `CREATE TRIGGER` statement after another, each starting at
the beginning of a line. On PostgreSQL the statements are written as
`pg_get_triggerdef(oid, true)` prints them, so that what is installed can be
compared with what is written here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal

# Sent with `connection` when triggers had to be made anew: whatever they keep may be stale.
triggers_restored = Signal()

_STATEMENT = re.compile(r"(?m)^(?=CREATE (?:OR REPLACE FUNCTION|TRIGGER) )")
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\(\).*?\$\$(.*)\$\$", re.DOTALL)
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)\b.*?\bON (\w+)", re.DOTALL)


@dataclass(frozen=True)
class Trigger:
    """One trigger as written in an app's SQL file."""

    name: str
    table: str
    sql: str


@dataclass(frozen=True)
class Function:
    """One PostgreSQL function that triggers call."""

    name: str
    body: str
    sql: str


@cache
def _written(vendor: str) -> tuple[tuple[Function, ...], tuple[Trigger, ...]]:
    functions: list[Function] = []
    triggers: list[Trigger] = []
    for app in apps.get_app_configs():
        path = Path(app.path) / "sql" / f"{vendor}.sql"
        if not path.exists():
            continue
        for statement in _STATEMENT.split(_without_comments(path.read_text())):
            if found := _FUNCTION.match(statement):
                functions.append(Function(found[1], found[2].strip(), statement.strip()))
            elif found := _TRIGGER.match(statement):
                triggers.append(Trigger(found[1], found[2], statement.strip().rstrip(";")))
    return tuple(functions), tuple(triggers)


def _without_comments(sql: str) -> str:
    return re.sub(r"(?m)^--.*\n", "", sql)


def _one_line(sql: str) -> str:
    return " ".join(sql.split()).rstrip(" ;")


def written(connection: BaseDatabaseWrapper) -> dict[str, Trigger]:
    """The triggers this code wants, by name."""
    return {t.name: t for t in _written(connection.vendor)[1]}


def expected(connection: BaseDatabaseWrapper) -> dict[str, Trigger]:
    """Those of them whose tables exist in the database: half-way through migrations, not all do."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    return {name: t for name, t in written(connection).items() if t.table in tables}


def installed(connection: BaseDatabaseWrapper) -> dict[str, Trigger]:
    """Every trigger that is there now, whoever made it.

    A PostgreSQL trigger counts only while it is enabled always, so that
    `session_replication_role` cannot lift it.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT tgname, tgrelid::regclass::text, pg_get_triggerdef(oid, true)"
                " FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'"
                " AND tgrelid IN (SELECT oid FROM pg_class"
                "                 WHERE relnamespace = current_schema()::regnamespace)"
            )
        return {name: Trigger(name, table, sql) for name, table, sql in cursor.fetchall()}


def _altered_functions(connection: BaseDatabaseWrapper) -> list[Function]:
    functions = _written(connection.vendor)[0]
    if not functions:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
        )
        there = dict(cursor.fetchall())
    return [f for f in functions if there.get(f.name, "").strip() != f.body]


def differences(
    connection: BaseDatabaseWrapper, wanted: dict[str, Trigger] | None = None
) -> list[str]:
    """One English line for each trigger or function that is missing, altered, or not ours.

    Half-way through migrations, `wanted` is `expected(connection)`; otherwise
    every trigger that is written, so that a database without tables is not whole.
    """
    wanted = written(connection) if wanted is None else wanted
    there = installed(connection)
    found = [
        f"trigger {name} on {trigger.table} is not one of ours"
        for name, trigger in there.items()
        if name not in wanted
    ]
    for name, trigger in wanted.items():
        if name not in there:
            found.append(f"trigger {name} on {trigger.table} is missing")
        elif _one_line(there[name].sql) != _one_line(trigger.sql):
            found.append(f"trigger {name} on {trigger.table} is not as written")
    if wanted:
        found += [
            f"function {f.name} is missing or not as written"
            for f in _altered_functions(connection)
        ]
    return found


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Make every trigger as written; return the differences that were mended.

    `triggers_restored` is sent, in the same transaction, when there were any.
    """
    with transaction.atomic(using=connection.alias):
        mended = differences(connection, expected(connection))
        if mended:
            drop(connection, installed(connection).values())
            with connection.cursor() as cursor:
                for function in _written(connection.vendor)[0]:
                    cursor.execute(function.sql)
            create(connection, expected(connection).values())
            triggers_restored.send(sender=None, connection=connection)
    return mended


def create(connection: BaseDatabaseWrapper, triggers: Iterable[Trigger]) -> None:
    """Create the given triggers, on PostgreSQL enabled always."""
    with connection.cursor() as cursor:
        _check_constraints_now(connection)
        for trigger in triggers:
            if connection.vendor == "sqlite":
                cursor.execute(trigger.sql)
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON {trigger.table}")
                cursor.execute(trigger.sql)
                cursor.execute(f"ALTER TABLE {trigger.table} ENABLE ALWAYS TRIGGER {trigger.name}")


def drop(connection: BaseDatabaseWrapper, triggers: Iterable[Trigger]) -> None:
    """Drop the given triggers. Only the owner of the tables can."""
    with connection.cursor() as cursor:
        _check_constraints_now(connection)
        for trigger in triggers:
            on = "" if connection.vendor == "sqlite" else f" ON {trigger.table}"
            cursor.execute(f"DROP TRIGGER {trigger.name}{on}")


def _check_constraints_now(connection: BaseDatabaseWrapper) -> None:
    """PostgreSQL alters no table while foreign keys of its rows wait for the end of the transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
