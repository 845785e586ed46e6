"""A file's lines, read by a process of its own beside the one that books them.

Reading XML takes about as long as all else that an import does, and Python does one thing at a time.
The other process is this module run by itself, without Django. It writes what it reads to its output,
and waits when so much of that has not been taken yet.
"""

import copyreg
import fcntl
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import fields
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Line, Number, Payer, Reference, Refused, Totals

SOME = 100  # lines that are handed over together
WAITING = 1 << 20  # bytes that may wait to be taken, where the system allows: 2 000 lines of camt


class Apart:
    """A reading of the file at `path`, as `recognise` gives it; a context, which the process ends with.

    `walked` is how many bytes it has read. Raises `Refused`, and `RuntimeError` when it has died.
    """

    def __init__(self, path: str) -> None:
        self.totals, self.walked = Totals(), 0
        self._told = _told(path)
        self.format, self.version, self.is_test = next(self._told)

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *error: object) -> None:
        self._told.close()

    def lines(self) -> Iterator[Line]:
        """The file's lines in their order, once. Raises `Refused`, also after the last of them."""
        for lines, walked in self._told:
            self.walked = walked
            yield from lines
            if not lines:
                break
        self.totals = next(self._told)


def _told(path: str) -> Generator[Any]:
    """What the other process tells; what it refuses is raised."""
    command = [sys.executable, "-m", "donations.bankfiles.apart", os.path.abspath(path)]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout
        try:
            _widen(process.stdout.fileno())
            while True:
                told = pickle.load(process.stdout)  # noqa: S301 - our own process wrote it
                if isinstance(told, Refused):
                    raise told
                yield told
        except (EOFError, pickle.UnpicklingError):
            raise RuntimeError("The process that read the file has died.") from None
        finally:
            process.kill()


def _widen(pipe: int) -> None:
    """Let as much wait in a pipe as is useful; where the system allows less, it is as it was."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, WAITING)


# The other process


def _tell(path: str) -> Iterator[Any]:
    """The kind of file, then lines with the bytes walked till there are none, then the totals."""
    try:
        with open(path, "rb") as stream:
            reading = recognise(stream)
            yield reading.format, reading.version, reading.is_test
            lines = reading.lines()
            while some := list(islice(lines, SOME)):
                yield some, stream.tell()
            yield [], stream.tell()
            yield reading.totals
    except Refused as refused:
        yield refused


def _as_made(kind: type) -> Callable[[Any], tuple[type, tuple[Any, ...]]]:
    """How something is told: as the values that it is made of, which is thrice as fast as by their names."""
    values = attrgetter(*(one.name for one in fields(kind)))
    return lambda one: (kind, values(one))


def main(path: str) -> None:
    """Write what a file holds, until it ends or nobody takes it."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who takes it ends it
    for kind in (Line, Number, Payer, Reference):
        copyreg.pickle(kind, _as_made(kind))
    for told in _tell(path):
        pickle.dump(told, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
