"""Many rows into one table in as few statements as the database takes."""

import datetime
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Model

# Rows that SQLite is given at a time: Django keeps as many in memory.
AT_A_TIME = 10_000


def next_ids(model: type[Model], count: int) -> list[int]:
    """Primary keys for `count` new rows of `model`, never given to anybody else.

    On SQLite the caller's transaction, which holds the only write lock, keeps them.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The sequence is looked up once, not for each row.
            cursor.execute(
                "SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass))"
                " FROM generate_series(1, %s)",
                [table, count],
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
    first = (row[0] if row else 0) + 1
    return list(range(first, first + count))


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of column values: by COPY on PostgreSQL, by one prepared statement on SQLite."""
    table, names = model._meta.db_table, ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Django wraps the errors of `execute`, not those of `copy`.
            with (
                connection.wrap_database_errors,
                cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            values = ([_as_sqlite(value) for value in row] for row in rows)
            while some := list(islice(values, AT_A_TIME)):
                cursor.executemany(statement, some)


def as_json(value: Any) -> str:
    """A value for a JSON column, on either database."""
    return json.dumps(value, ensure_ascii=False)


def _as_sqlite(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value
