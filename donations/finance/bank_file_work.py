"""Long work on a bank file: in a thread that outlives its request, and told of where every process can read.

The books rest on nothing here. Work that is begun twice, or told to have died while it lives, meets itself
in the database, which lets a file be booked once.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.utils.translation import gettext as _

from donations.bankfiles.records import Refused
from donations.intake import Progress
from donations.models import BankFile
from donations.operations import OperationError

BEAT = 1  # seconds between one sign of life and the next
SILENT = 20  # seconds without any, after which the work is dead
KEPT = 24 * 60 * 60  # seconds that it is told how it ended

READ, BOOK, UNDO = "read", "book", "undo"

_logger = logging.getLogger(__name__)
# A process does one piece at a time: a few large files at once would crowd out everybody else.
_turn = threading.Lock()


@dataclass
class Work:
    """What is done to a file (`READ`, `BOOK` or `UNDO`), how far it has come, in bytes, and how it ended."""

    doing: str
    beat: float
    done: int = 0
    of: int = 0
    is_over: bool = False
    # Why it came to nothing, in Swedish.
    failed: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether it is being done now."""
        return not self.is_over and time.time() - self.beat < SILENT

    @property
    def has_died(self) -> bool:
        """Whether it was broken off, for example because the server was started anew."""
        return not self.is_over and not self.is_alive

    @property
    def percent(self) -> int:
        """How much of the file has been walked."""
        return min(100, self.done * 100 // self.of) if self.of else 0

    @property
    def is_walked(self) -> bool:
        """Whether all has been read, and it remains to write."""
        return bool(self.of) and self.done >= self.of


def is_large(bank_file: BankFile) -> bool:
    """Whether work on the file is too long for a request."""
    return bank_file.size > settings.LARGE_BANK_FILE


def of(bank_file: BankFile) -> Work | None:
    """The newest work on a file: what is under way, or how it ended, for a day."""
    told = caches["work"].get(_key(bank_file))
    return Work(**told) if told else None


def of_each(bank_files: Iterable[BankFile]) -> dict[int, Work]:
    """The newest work on each of the files, by the file's id, as `of` tells it."""
    keys = {_key(one): one.pk for one in bank_files}
    return {keys[key]: Work(**told) for key, told in caches["work"].get_many(keys).items()}


def begin(bank_file: BankFile, doing: str, run: Callable[[Progress], Any]) -> bool:
    """Do some work on a file beside the request; False when some is under way already.

    What `run` raises as `OperationError` or `Refused` is told to who asks for the work.
    """
    key, cache, work = _key(bank_file), caches["work"], Work(doing, time.time())
    there = of(bank_file)
    if there and not there.is_alive:
        cache.delete(key)
    if not cache.add(key, asdict(work), KEPT):
        return False
    # The copy knows from which request the deed comes, for the audit list.
    context = contextvars.copy_context()
    threading.Thread(
        target=context.run, args=(_carry_out, key, work, run), name=key, daemon=True
    ).start()
    return True


def _key(bank_file: BankFile) -> str:
    return f"bank-file-{bank_file.pk}-{bank_file.received_at.timestamp()}"


def _carry_out(key: str, work: Work, run: Callable[[Progress], Any]) -> None:
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(key, work, ended), daemon=True)
    beating.start()

    def progress(done: int, of: int) -> None:
        work.done, work.of = done, of

    try:
        with _turn:
            run(progress)
    except (OperationError, Refused) as error:
        work.failed = str(error)
    except Exception:
        _logger.exception("Work on a bank file failed: %s.", work.doing)
        work.failed = _("Något gick fel på servern, och ingenting är gjort. Försök igen.")
    finally:
        work.is_over = True
        ended.set()
        beating.join()
        connections.close_all()


def _beat(key: str, work: Work, ended: threading.Event) -> None:
    """Tell of the work until it ends, and how it ended; on a connection that is in no transaction."""
    try:
        while True:
            is_last = ended.wait(BEAT)
            work.beat = time.time()
            caches["work"].set(key, asdict(work), KEPT)
            if is_last:
                return
    finally:
        connections.close_all()
