"""Imports that are killed with `kill -9`, or run sixteen at a time: nothing partial, nothing double.

A few in `make test`; KOLLEKT_KILLS=200 in the soak. `python -m tests.test_import_killed` is what is killed:
for each file that it reads the name of, it forks a process that imports it into the test's database.
"""

import datetime
import io
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection

KILLS = int(os.environ.get("KOLLEKT_KILLS", "3"))
SEED = int(os.environ.get("KOLLEKT_SEED", "0"))
# Of a hundred, at least so many in the middle of a transaction.
INSIDE = 0.8
GIFTS = 300


def is_writing(backend: int) -> bool:
    """Whether the process has written what does not stand yet. It stands still."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT backend_xid IS NOT NULL AND (state = 'idle in transaction'"
                " OR wait_event = 'ClientRead') FROM pg_stat_activity WHERE pid = %s",
                [backend],
            )
            found = cursor.fetchone()
            return bool(found and found[0])
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        other.execute("ROLLBACK")
        return False


def is_busy(backend: int) -> bool:
    """Whether PostgreSQL is at work for the process, or has not seen yet that it is gone."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
            " AND wait_event IS DISTINCT FROM 'ClientRead'",
            [backend],
        )
        return bool(cursor.fetchone()[0])


def kill_one(file: Path, dice: random.Random, victims: subprocess.Popen[str]) -> bool:
    """Let a process import a file for a while, and kill it; whether that was inside its transaction."""
    assert victims.stdin
    assert victims.stdout
    print(file, file=victims.stdin, flush=True)
    process, backend = map(int, victims.stdout.readline().split())
    end = time.monotonic() + 30
    inside = False
    try:
        while not inside and time.monotonic() < end:
            time.sleep(dice.random() / 20)
            os.kill(process, signal.SIGSTOP)
            while is_busy(backend):
                time.sleep(0.001)
            inside = is_writing(backend)
            if not inside:
                os.kill(process, signal.SIGCONT)
                if dice.random() < 0.02:
                    break
    finally:
        os.kill(process, signal.SIGKILL)
    assert victims.stdout.readline().strip()
    while is_busy(backend):
        time.sleep(0.001)
    return inside


@contextmanager
def victims_on(bank_files: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that forks those that are killed, on the test's own database and stored files."""
    name = str(connection.settings_dict["NAME"])
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.test_import_killed", str(bank_files)],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def written(number: int) -> bytes:
    """A file of gifts of a day of its own: some to funds, some to none, some of them twins."""
    from tests import cast
    from tests.bankfiles import flat

    dice = random.Random(number)
    records = []
    for place in range(GIFTS):
        reference = dice.choice(["47030", "470404", ""])
        serial = "" if place % 5 == 0 else f"{number:06}{place:06}"
        # Never the same with a serial and without: that would be asked about, as one gift told in two ways.
        ore = dice.randint(1, 18_000) * 5 + 1 if serial else 1_000 + (place // 10) * 5
        records += [flat.payment(ore, reference, serial=serial)]
        records += flat.details(f"Givare {number}")
    day = cast.NEW_YEAR + datetime.timedelta(days=number % 700)
    section = flat.Section(records, serial=f"{number % 100_000:05}", day=f"{day:%Y%m%d}")
    return flat.lines(flat.bgmax(section))


def books() -> dict[str, int]:
    """How much there is of all that an import writes."""
    from donations.models import DailyTotal, HeldLine, Payment, Transfer, UnplacedGift
    from staff.models import Event

    return {
        "payments": Payment.objects.count(),
        "transfers": Transfer.objects.count(),
        "unplaced": UnplacedGift.objects.count(),
        "held": HeldLine.objects.count(),
        "ore": sum(DailyTotal.objects.values_list("in_ore", flat=True)),
        "deeds": Event.objects.filter(text__startswith="Bokförde bankfil").count(),
    }


def prepare() -> None:
    from donations.models import AccountNumber
    from tests import cast
    from tests.bankfiles import flat

    cast.ester()
    AccountNumber.objects.create(account=cast.bank(), scheme="bankgiro", digits=flat.OURS)
    brunnar, skolor = cast.fund("47030"), cast.fund("47040", cast.project("skolor"))
    cast.fund_year(brunnar, 1_000)
    cast.fund_year(skolor, 1_000)


@pytest.mark.django_db(transaction=True)
def test_a_killed_import_leaves_nothing_and_a_plain_retry_completes(tmp_path: Path) -> None:
    from django.conf import settings

    from donations import totals
    from donations.models import BankFile
    from donations.operations import bank_files
    from tests import cast

    prepare()
    inside, dice = 0, random.Random(SEED)
    with victims_on(Path(settings.STORAGES["bank_files"]["OPTIONS"]["location"])) as victims:
        for number in range(KILLS):
            file = tmp_path / f"{number}.txt"
            file.write_bytes(written(SEED * 1000 + number))
            before = books()
            inside += (was_inside := kill_one(file, dice, victims))
            after = books()
            done = BankFile.objects.filter(name=file.name, confirmed_at__isnull=False).exists()
            assert not (was_inside and done), "booked before it had been"
            assert done or after == before, f"kill {number}: {before} became {after}"
            if not done:
                with file.open("rb") as stream:
                    again = bank_files.receive(file.name, stream, by=cast.ester())
                bank_files.confirm(again, by=cast.ester())
            now = books()
            assert now["payments"] == before["payments"] + GIFTS, f"kill {number}"
            assert now["deeds"] == before["deeds"] + 1
    assert totals.differences() == []
    print(f"{inside} of {KILLS} inside a transaction")
    assert inside >= (INSIDE * KILLS if KILLS >= 20 else 1)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_renewed", [False, True], ids=["the same bytes", "other bytes"])
def test_sixteen_imports_of_one_file_at_once_book_it_once(is_renewed: bool) -> None:
    from donations import totals
    from donations.models import Payment
    from donations.operations import OperationError, bank_files
    from tests import cast
    from tests.test_concurrency import together

    prepare()
    data = written(SEED)
    ester = cast.ester()

    def work(number: int) -> int:
        blanks = b" " * number if is_renewed else b""
        file = bank_files.receive("fil.txt", io.BytesIO(data + blanks), by=ester)
        try:
            return bank_files.confirm(file, by=ester).counts["matched"].lines
        except (OperationError, KeyError):
            return 0

    booked = together(work)
    assert len([count for count in booked if count]) == 1
    assert Payment.objects.count() == GIFTS
    assert totals.differences() == []


def operate(file: Path) -> None:
    """Import a file, slowly where it writes, so that there is time to be killed."""
    from donations.operations import bank_files, booking
    from staff.models import User

    by = User.objects.get(email="ester@example.org")
    with connection.cursor() as cursor:
        backend = 0
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
    print(os.getpid(), backend, flush=True)
    plain = booking.Booking._book

    def slowly(*args: object) -> None:
        time.sleep(0.0005)
        plain(*args)  # type: ignore[arg-type]

    booking.Booking._book = slowly  # type: ignore[method-assign,assignment]
    with file.open("rb") as stream:
        bank_files.confirm(bank_files.receive(file.name, stream, by=by), by=by)
    time.sleep(0.05)


def main(stored: Path) -> None:
    """For each file on standard input: a process that imports it, and then how it ended."""
    import django
    from django.conf import settings

    settings.STORAGES["bank_files"]["OPTIONS"]["location"] = stored
    django.setup()
    from django.db import connections

    import donations.operations.bank_files  # noqa: F401 - once for all

    for line in sys.stdin:
        connections.close_all()
        if not (child := os.fork()):
            try:
                operate(Path(line.strip()))
            finally:
                os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
