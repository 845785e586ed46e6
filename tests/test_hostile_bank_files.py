"""Files that mean harm or have come to it: each is refused with a clear sentence, soon and in little memory."""

from pathlib import Path
from typing import Any

import pytest

from donations.bankfiles.records import Refused
from donations.models import AccountNumber, BankFile, Transfer
from donations.operations import bank_files
from tests import cast
from tests.bankfiles import hostile
from tests.bankfiles.hostile import FILES
from tests.bankfiles.memory import apart
from tests.test_import import told

SECONDS, MB = 2, 300
REFUSED = sorted(name for name, file in FILES.items() if file.says)
READ = sorted(set(FILES) - set(REFUSED))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    hostile.write_all(made)
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, dict[str, Any]]:
    """What a process of its own made of each."""
    made: dict[str, dict[str, Any]] = apart("tests.bankfiles.hostile", folder)
    return made


@pytest.mark.once
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_its_reason(name: str, found: dict[str, dict[str, Any]]) -> None:
    told = found[name]
    assert FILES[name].says in told["why"]
    assert told["why"].endswith(".")
    assert told["where"] or "Filen" in told["why"] or "Arket" in told["why"]


@pytest.mark.once
@pytest.mark.parametrize("name", READ)
def test_what_only_an_import_can_judge_is_read(name: str, found: dict[str, dict[str, Any]]) -> None:
    assert (found[name]["lines"], found[name]["why"]) == (1, "")


@pytest.mark.once
def test_all_of_it_is_told_soon_and_in_little_memory(found: dict[str, dict[str, Any]]) -> None:
    assert max(told["seconds"] for told in found.values()) < SECONDS
    assert max(told["mb"] for told in found.values()) < MB


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in REFUSED if name.endswith(".xlsx")])
def test_a_workbook_that_is_handed_in_is_refused_for_what_it_is(name: str, folder: Path) -> None:
    with (
        (folder / name).open("rb") as stream,
        pytest.raises(Refused, match=FILES[name].says),
    ):
        bank_files.receive(name, stream, by=cast.ester())


@pytest.mark.django_db
def test_the_command_refuses_each_of_them_and_keeps_nothing(folder: Path) -> None:
    AccountNumber.objects.create(account=cast.bank(), scheme="bban", digits="54401234567")
    found, status = told(*(folder / name for name in REFUSED))
    assert [one["file"] for one in found if one["refused"] is None] == []
    assert status == 1
    assert (BankFile.objects.count(), Transfer.objects.count()) == (0, 0)
