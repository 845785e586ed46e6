"""What others have done to a page's rows while somebody has had its form open."""

from collections.abc import Callable, Container
from typing import Any

from django.http import QueryDict


def rows_again(
    data: QueryDict,
    prefix: str,
    there: Container[str],
    is_kept: Callable[[dict[str, str]], bool] | None = None,
) -> tuple[QueryDict, int, int]:
    """What was sent of the rows under `prefix`, with those that are not `there` any more sent as new.

    Somebody else has deleted them. Django would refuse the form for them, over and over, and what was
    written in them could not be saved. Rows that were to be deleted anyway are left out, and those, by
    their fields, that are not `is_kept`. Gives the data, how many rows are new again and how many that
    somebody had open were left out; `data` itself is not changed.
    """
    try:
        total, initial = (int(data.get(f"{prefix}-{n}_FORMS", 0)) for n in ("TOTAL", "INITIAL"))
    except ValueError:
        return data, 0, 0  # the form says what is wrong with it
    if not 0 <= initial <= total <= 5000:
        return data, 0, 0
    gone = [n for n in range(initial) if (pk := data.get(f"{prefix}-{n}-id")) and pk not in there]
    if not gone:
        return data, 0, 0
    wanted = [n for n in gone if not data.get(f"{prefix}-{n}-DELETE")]
    again = [n for n in wanted if is_kept is None or is_kept(_row(data, f"{prefix}-{n}-"))]
    kept = [n for n in range(initial) if n not in gone]
    order = [*kept, *again, *range(initial, total)]
    sent = _renumbered(data, prefix, order, len(kept), set(again))
    return sent, len(again), len(wanted) - len(again)


def _row(data: QueryDict, start: str) -> dict[str, str]:
    return {
        name.removeprefix(start): str(data.get(name)) for name in data if name.startswith(start)
    }


def _renumbered(
    data: QueryDict, prefix: str, order: list[int], initial: int, new: set[int]
) -> QueryDict:
    rows: dict[int, dict[str, list[Any]]] = {n: {} for n in order}
    sent = QueryDict(mutable=True)
    for name, values in data.lists():
        number, _dash, field = name.removeprefix(f"{prefix}-").partition("-")
        if name.startswith(f"{prefix}-") and number.isdecimal() and len(number) < 6:
            if int(number) in rows:
                rows[int(number)][field] = values
        else:
            sent.setlist(name, values)
    for place, n in enumerate(order):
        for field, values in rows[n].items():
            sent.setlist(
                f"{prefix}-{place}-{field}", [""] if field == "id" and n in new else values
            )
    sent[f"{prefix}-TOTAL_FORMS"] = str(len(order))
    sent[f"{prefix}-INITIAL_FORMS"] = str(initial)
    return sent
