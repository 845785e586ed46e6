"""What is left of erased content when its rows are gone: files in the media storage, SQLite's log.

A file cannot be taken away in the database's transaction. It goes after the commit: before it, a
transaction that fails would leave rows whose pictures are gone. What then fails leaves a file
without a row, which nobody is sent, and which `manage.py finish_erasures` finds and takes away.
"""

import datetime
import logging
from collections.abc import Iterable

from django.core.files.storage import default_storage
from django.db import OperationalError, connection

from projects.models import Image
from projects.models.pictures import FOLDER, remove_files

logger = logging.getLogger(__name__)

# A file is there before the row of its picture is. No upload takes longer.
_ON_ITS_WAY = datetime.timedelta(hours=1)


def remove(names: Iterable[str]) -> bool:
    """Take away the files, and everything deleted out of SQLite's log; tell whether nothing is left."""
    are_gone = remove_files(names)
    return empty_log() and are_gone


def empty_log() -> bool:
    """Let SQLite's log, where deleted rows still stand, be empty. Tell whether it is.

    Whoever is reading can keep it from that; then it has to be tried again.
    """
    if connection.vendor != "sqlite":
        return True
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy = bool(cursor.fetchone()[0])
    except OperationalError:
        is_busy = True
    if is_busy:
        logger.error("SQLite's log could not be emptied: run manage.py finish_erasures")
    return not is_busy


def files_without_rows(at: datetime.datetime) -> list[str]:
    """The names of the pictures' files that belong to no picture, at the moment `at` (aware)."""
    try:
        names = default_storage.listdir(FOLDER)[1]
    except FileNotFoundError:
        return []
    keys = set(Image.objects.values_list("key", flat=True))
    left = [f"{FOLDER}/{name}" for name in names if name.partition("-")[0] not in keys]
    return [name for name in left if default_storage.get_modified_time(name) < at - _ON_ITS_WAY]
