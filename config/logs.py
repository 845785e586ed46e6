"""What is written to the log when something fails: where, and nothing of whose gift it was."""

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

_MONEY = str(Path(__file__).resolve().parent.parent / "donations") + "/"


class LineFormatter(logging.Formatter):
    """As Python's, but an error that has passed through `donations` is told by its kind and place alone.

    Its own words may name a payer: a bank file's line that could not be read, or a row that
    PostgreSQL refused, which it tells whole.
    """

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # what another formatter has made of the error may say more
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - its name there
        error = ei[1]
        chain = list(_chain(error)) if error else []
        if not any(map(_has_handled_money, chain)):
            return super().formatException(ei)
        return "\n".join(map(_without_words, reversed(chain)))


def excepthook(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """For a command that nobody may be watching: its output may end up in a log or a letter."""
    sys.stderr.write(LineFormatter().formatException((kind, error, trace)) + "\n")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came from, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _has_handled_money(error: BaseException) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_filename.startswith(_MONEY) for frame, _line in frames)


def _without_words(error: BaseException) -> str:
    kind = type(error)
    places = "".join(traceback.format_tb(error.__traceback__))
    return f"{places}{kind.__module__}.{kind.__qualname__}: (its words are not logged)"
