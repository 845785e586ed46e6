"""Large bank files are read by a process of their own: the same lines and refusals, and no process stays."""

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from donations.bankfiles import apart
from donations.bankfiles.apart import Apart
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Reading, Refused
from donations.models import AccountNumber, Payment
from donations.operations import bank_files
from tests import cast
from tests.bankfiles import camt_work, flat

CAMT = "".join(camt_work.pieces(250)).encode()
CUT = CAMT[: len(CAMT) // 2]


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Those that were started; none of them outlives its test."""
    started: list[Any] = []

    class Kept(subprocess.Popen):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(apart.subprocess, "Popen", Kept)
    yield started
    assert started
    assert all(one.returncode is not None for one in started)


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("name", ["camt", "bgmax"])
def test_it_tells_what_reading_here_tells(tmp_path: Path, name: str) -> None:
    data = CAMT if name == "camt" else (flat.FOLDER / "bgmax-everything.txt").read_bytes()
    here: Reading = recognise(io.BytesIO(data))
    there = Apart(written(tmp_path / "fil", data))
    assert list(there.lines()) == list(here.lines())
    assert (there.format, there.version, there.is_test) == (here.format, here.version, here.is_test)
    assert there.totals == here.totals
    assert there.walked == len(data)


def test_it_reads_also_where_the_system_lets_less_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.fcntl", refuse)
    there = Apart(written(tmp_path / "fil", CAMT))
    assert len(list(there.lines())) == len(list(recognise(io.BytesIO(CAMT)).lines()))


def refuse(*_args: object) -> None:
    raise PermissionError


@pytest.mark.parametrize("data", [b"", b"<html>", CUT, CAMT.replace(b"100.00", b"100.01", 1)])
def test_what_is_refused_here_is_refused_there_in_the_same_words(
    tmp_path: Path, data: bytes
) -> None:
    def refusal(reading: Any) -> tuple[type, str, str, str]:
        with pytest.raises(Refused) as refused:
            list(reading().lines())
        found = refused.value
        return type(found), found.why, found.where, found.content

    path = written(tmp_path / "fil", data)
    assert refusal(lambda: Apart(path)) == refusal(lambda: recognise(io.BytesIO(data)))


def test_it_ends_with_the_block_that_it_is_read_in(tmp_path: Path) -> None:
    with Apart(written(tmp_path / "fil", CAMT)) as there:
        next(there.lines())
    # The fixture looks whether it has.


def test_one_that_dies_is_no_end_of_the_file(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    many = "".join(camt_work.pieces(5_000)).encode()  # more than can wait to be taken
    there = Apart(written(tmp_path / "fil", many))
    lines = there.lines()
    next(lines)
    os.kill(processes[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="died"):
        list(lines)


# A file that is imported


@pytest.fixture
def large(settings: LazySettings) -> None:
    """Every file is a large one."""
    settings.LARGE_BANK_FILE = 0
    AccountNumber.objects.create(account=cast.bank(), scheme="bban", digits="54401234567")
    cast.fund("47000")


def received(data: bytes) -> Any:
    return bank_files.receive("fil.xml", io.BytesIO(data), by=cast.ester())


@pytest.mark.django_db
@pytest.mark.usefixtures("large")
def test_a_large_file_is_booked_as_any_other(processes: list[subprocess.Popen[bytes]]) -> None:
    seen: list[tuple[int, int]] = []
    outcome = bank_files.confirm(
        received(CAMT), by=cast.ester(), progress=lambda *far: seen.append(far)
    )
    assert outcome.counts["matched"].lines + outcome.counts["unplaced"].lines == 250
    assert Payment.objects.count() == 250
    assert len(processes) == 1
    assert seen[-1] == (len(CAMT), len(CAMT))


@pytest.mark.django_db
@pytest.mark.usefixtures("large")
def test_a_large_file_that_is_refused_at_its_end_leaves_nothing() -> None:
    bank_file = received(CUT)
    with pytest.raises(Refused):
        bank_files.confirm(bank_file, by=cast.ester())
    assert not Payment.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("fault", ["donations.bulk.insert", "donations.intake.Sorting.sort"])
def test_the_other_process_ends_when_booking_fails(
    monkeypatch: pytest.MonkeyPatch, fault: str, processes: list[subprocess.Popen[bytes]]
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No room is left")

    bank_file = received("".join(camt_work.pieces(5_000)).encode())
    monkeypatch.setattr("donations.intake.Intake._first_is_by_id", lambda _: True)
    monkeypatch.setattr(fault, fail)
    with pytest.raises(OSError, match="No room") as held:  # and all that its traceback holds
        bank_files.confirm(bank_file, by=cast.ester())
    assert held.type is OSError
    assert [one.returncode for one in processes] == [-signal.SIGKILL]
    assert not Payment.objects.exists()
