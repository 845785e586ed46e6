"""Processes that are killed with `kill -9` in the middle of what they do: nothing is done by half.

Three in `make test`; KOLLEKT_KILLS=100 in the soak. `python -m tests.test_killed` is what is killed: for
each seed that it reads it forks a process that does one operation after another on the test's database.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from django.db import connection

KILLS = int(os.environ.get("KOLLEKT_KILLS", "3"))
SEED = int(os.environ.get("KOLLEKT_SEED", "0"))
# Of a hundred, at least so many in the middle of a transaction.
INSIDE = 0.8
# One in so many is killed without a look at what it does.
BLIND = 5


def state(backend: int) -> tuple[str, bool] | None:
    """What a backend is doing, and whether it has written anything that does not stand yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, backend_xid IS NOT NULL FROM pg_stat_activity WHERE pid = %s", [backend]
        )
        return cursor.fetchone()


def stopped_inside(process: int, backend: int) -> bool:
    """Stop a process; whether it now stands still in a transaction that it has written rows in."""
    os.kill(process, signal.SIGSTOP)
    end = time.monotonic() + 10
    while (seen := state(backend)) and seen[0] == "active" and time.monotonic() < end:
        time.sleep(0.001)  # until the statement that it had sent is done, a COMMIT perhaps
    return seen == ("idle in transaction", True)


def kill_one(seed: int, victims: subprocess.Popen[str]) -> bool:
    """Let a process work for a while, and kill it; whether that was inside a transaction."""
    assert victims.stdin
    assert victims.stdout
    print(seed, file=victims.stdin, flush=True)
    process, backend = map(int, victims.stdout.readline().split())
    dice, end = random.Random(seed), time.monotonic() + 30
    time.sleep(dice.random() / 2)
    try:
        inside = stopped_inside(process, backend)
        while not inside and seed % BLIND and time.monotonic() < end:
            os.kill(process, signal.SIGCONT)
            time.sleep(dice.random() / 50)
            inside = stopped_inside(process, backend)
    finally:
        os.kill(process, signal.SIGKILL)
    assert victims.stdout.readline().strip() == "-9"
    while state(backend):
        time.sleep(0.001)  # until PostgreSQL has seen that nobody is there, and taken back
    return inside


@contextmanager
def victims_on(database: str, told: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that forks those that are killed; they write what they are told to a file."""
    url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{database}"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.test_killed", str(told)],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def told_in(file: IO[str]) -> dict[tuple[str, int], str]:
    """What the killed have been told was booked, since the file was last read."""
    return {
        (what, pk): value
        for line in file.read().splitlines()
        if line.endswith("]")
        for what, pk, value in json.loads(line)
    }


def halves() -> list[str]:
    """What stands of an operation without the rest of it."""
    from django.db.models import Count, F, Q, Sum

    from donations.models import DonorAnswer, Need, Payment, PeriodLock, Proposal, Transfer
    from staff.models import Event

    found = [f"payment {p.pk} without its gift" for p in Payment.objects.filter(transfers=None)]
    # One deed for each statement of rows, written at one and the same moment in the books.
    written = Transfer.objects.values("created_at").distinct().count()
    for deed, count in (
        (Q(text__startswith="Bokförde") | Q(text__startswith="Rättade"), written),
        (Q(text__startswith="Bestämde behovet"), Need.objects.count()),
        (Q(text__startswith="Antecknade givarens svar"), DonorAnswer.objects.count()),
        (Q(text__startswith="Låste perioden"), PeriodLock.objects.count()),
    ):
        deeds = Event.objects.filter(deed).count()
        if deeds != count:
            found.append(f"{deed}: {deeds} deeds in the list, {count} in the books")
    splits = Payment.objects.filter(message="Delad").annotate(
        gift=Sum(
            "transfers__amount_ore", filter=Q(transfers__kind="gift", transfers__reverses=None)
        ),
        parts=Sum(
            "transfers__amount_ore",
            filter=Q(
                transfers__kind="placement", transfers__reverses=None, transfers__reason="Delad"
            ),
        ),
    )
    found += [
        f"split {split.pk}: {split.parts} of {split.gift}"
        for split in splits.exclude(gift=F("parts"))
    ]
    proposals = Proposal.objects.annotate(
        count=Count("lines"),
        decided=Count(
            "lines", filter=Q(lines__approved_ore__isnull=False, lines__need_ore__isnull=False)
        ),
        moved=Count("lines__transfers"),
        nonzero=Count("lines", filter=Q(lines__approved_ore__gt=0)),
    )
    said = {
        word: set(Event.objects.filter(text__startswith=text).values_list("object_id", flat=True))
        for word, text in {
            "submitted": "Lämnade in",
            "approved": "Godkände",
            "rejected": "Avslog",
            "withdrawn": "Tog tillbaka",
        }.items()
    }
    for p in proposals:
        approved = p.decision == "approved"
        whole = (p.decided, p.moved) == ((p.count, p.nonzero) if approved else (0, 0))
        listed = {word for word, about in said.items() if str(p.pk) in about}
        expected = {"submitted"} if p.submitted_at else set()
        if not (p.count and whole and listed == expected | ({p.decision} - {""})):
            found.append(
                f"proposal {p.pk}: {p.decision or 'waits'}, {p.moved} moved, {listed} listed"
            )
    return found


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_nothing_is_done_by_half_when_processes_are_killed(tmp_path: Path) -> None:
    from tests.test_campaign import Campaign, breaches, standing

    Campaign.begin()
    told: dict[tuple[str, int], str] = {}
    before, inside, file = standing(), 0, tmp_path / "told"
    file.touch()
    name = str(connection.settings_dict["NAME"])
    with victims_on(name, file) as victims, open(file, encoding="utf-8") as log:
        for number in range(KILLS):
            inside += (was_inside := kill_one(SEED + number, victims))
            told |= told_in(log)
            now = {key: value for key, value in standing().items() if key not in before}
            untold = sorted(f"{what} {pk}" for what, pk in now.keys() - told.keys())
            print(f"kill {number}: {'inside' if was_inside else 'outside'} a transaction", end=", ")
            print(f"{len(told)} told, {len(untold)} stand untold")
            assert halves() == []
            assert told == {key: now.get(key) for key in told}, "told, and lost"
            # Inside its transaction it had not been told of the rest, and the rest does not stand.
            assert not (was_inside and untold), untold
            told = now
    assert breaches() == []
    print(f"{inside} of {KILLS} inside a transaction")
    # Of three, one may be killed without a look, and another on a busy machine a moment too late.
    assert inside >= (INSIDE * KILLS if KILLS >= 20 else 1)


def operate(seed: int, told: Path) -> None:
    """Do one operation after another until killed, and write down what one has been told."""
    from staff import audit
    from tests.test_campaign import Campaign, Log, lingering

    books, dice = Campaign(), random.Random(seed)
    audit.record = lingering(0.02)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        print(os.getpid(), cursor.fetchone()[0], flush=True)
    with open(told, "a", encoding="utf-8") as file:
        log = Log(lambda rows: print(json.dumps(rows), file=file, flush=True))
        while True:
            books.something(dice, log)


def main(told: Path) -> None:
    """For each seed on standard input: a process that works, and then how it ended."""
    import django

    django.setup()
    from django.db import connections

    import tests.test_campaign  # noqa: F401 - once for all

    for line in sys.stdin:
        connections.close_all()
        if not (child := os.fork()):
            try:
                operate(int(line), told)
            finally:
                os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
