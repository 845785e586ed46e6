"""Queries that SQLite would answer by walking nearly every transfer: no test may ask one.

An index on what a transfer reverses has one row for each reversal, and one value for all the others.
Without statistics SQLite takes it for the best there is whenever a query says that nothing is reversed.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

NOTHING_REVERSED = re.compile(r'(?:"?(\w+)"?\.)?"?reverses_id"? IS NULL')
TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
_looked_at: set[str] = set()


def refuse(connection: BaseDatabaseWrapper) -> None:
    """Refuse such queries on this connection and on every one that is opened from now on, if on SQLite."""
    _watch(connection)
    connection_created.connect(_watch, dispatch_uid="walks")


def _watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "sqlite" and _refuse_walks not in connection.execute_wrappers:
        connection.execute_wrappers.append(_refuse_walks)


def _refuse_walks(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    found = NOTHING_REVERSED.findall(sql) if sql.lstrip().startswith("SELECT") else []
    if found and sql not in _looked_at and _is_the_products():
        _looked_at.add(sql)
        plan = _plan(context["connection"], sql, params)
        for alias in found:
            walk = rf"SEARCH {alias or 'donations_transfer'} USING [\w ]+ \(reverses_id=\?\)"
            assert not re.search(walk, plan), f"{plan}\n{sql}"
    return execute(sql, params, many, context)


def _is_the_products() -> bool:
    """Whether the product asks, and not a test itself, whose books are small."""
    frame = inspect.currentframe()
    while frame := frame and frame.f_back:
        path = frame.f_code.co_filename
        if path.startswith(str(ROOT)) and path != __file__ and ".venv" not in path:
            return not path.startswith(str(TESTS))
    return False


def _plan(connection: BaseDatabaseWrapper, sql: str, params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
