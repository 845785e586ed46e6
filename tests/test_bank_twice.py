"""The same gifts told again by a file of the same kind that tells them otherwise."""

import io
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from donations import operations
from donations.bankfiles.records import Refused
from donations.models import AccountNumber, BankFile, HeldLine, Payment, Transfer
from donations.operations import OperationError, bank_files
from tests import cast

pytestmark = pytest.mark.django_db
WITH_IDS = (Path(__file__).parent / "bankfiles/camt/054-04-free-text.xml").read_text()
WITHOUT = re.sub(r"<(TxId|AcctSvcrRef|InstrId|UETR)>[^<]*</\1>", "", WITH_IDS)


@pytest.fixture(autouse=True)
def _ours() -> None:
    cast.fund()
    AccountNumber.objects.create(
        account=cast.bank(), scheme="iban", digits="SE6699900000001234567890"
    )


def booked(content: str) -> dict[str, int]:
    stream = io.BytesIO(content.encode())
    file = bank_files.read(bank_files.receive("fil.xml", stream, by=cast.ester()))
    bank_files.confirm(file, by=cast.ester())
    counts = BankFile.objects.get(pk=file.pk).outcome["counts"]
    return {fate: one["lines"] for fate, one in counts.items()}


@pytest.mark.parametrize("order", [(WITH_IDS, WITHOUT), (WITHOUT, WITH_IDS)])
def test_a_bank_that_begins_or_ceases_to_give_ids_is_asked_about(order: tuple[str, str]) -> None:
    first, then = order
    assert booked(first) == {"matched": 2, "unplaced": 1}

    assert booked(then) == {"suspected": 3}

    assert Payment.objects.count() == 3
    # and each kind is known as itself from then on
    assert booked(first.replace("KOLLEKT-1", "KOLLEKT-2")) == {"duplicates": 3}
    assert booked(then.replace("KOLLEKT-1", "KOLLEKT-2")) == {"duplicates": 3}


def test_another_id_of_the_same_kind_of_file_is_another_gift() -> None:
    booked(WITH_IDS)

    assert booked(WITH_IDS.replace("TX-77", "TX-78")) == {"duplicates": 2, "matched": 1}


def test_an_id_that_stands_twice_with_the_same_new_contents_is_one_conflict() -> None:
    booked(WITH_IDS)
    found = re.search(r"<Ntry>.*?</Ntry>", WITH_IDS, re.DOTALL)
    assert found
    changed = found[0].replace("Fredrik Fors", "Fredrik Forss")
    twice = WITH_IDS.replace(found[0], changed + changed).replace("325.25", "425.25")

    assert booked(twice) == {"conflicts": 1, "duplicates": 3}

    assert HeldLine.objects.count() == 1


# Many at once, and one after another


def received(content: str) -> BankFile:
    return bank_files.receive("fil.xml", io.BytesIO(content.encode()), by=cast.ester())


def test_a_file_that_is_booked_while_it_is_read_is_told_as_it_was_booked() -> None:
    file = received(WITH_IDS)

    def book_meanwhile(_done: int, _of: int) -> None:
        if not BankFile.objects.filter(confirmed_at__isnull=False).exists():
            bank_files.confirm(BankFile.objects.get(pk=file.pk), by=cast.ester())

    read = bank_files.read(file, progress=book_meanwhile)

    counts = BankFile.objects.get(pk=file.pk).outcome["counts"]
    assert {fate: one["lines"] for fate, one in counts.items()} == {"matched": 2, "unplaced": 1}
    assert read.confirmed_at


def test_a_file_that_is_thrown_away_while_it_is_read_stays_away() -> None:
    file = received(WITH_IDS)

    bank_files.read(file, progress=lambda _done, _of: bank_files.discard(file))

    assert not BankFile.objects.exists()


def test_a_file_whose_bytes_are_gone_is_told_so_whoever_asks() -> None:
    file = received(WITH_IDS)
    file.file.storage.delete(str(file.file.name))

    bank_files.read(file)

    assert "finns inte kvar" in str(BankFile.objects.get().refusal)
    with pytest.raises(Refused, match="finns inte kvar"):
        bank_files.confirm(file, by=cast.ester())


def test_a_line_that_waits_meets_its_gift_again_when_the_undone_file_comes_back() -> None:
    booked(WITH_IDS)
    first = BankFile.objects.get()
    booked(WITHOUT)
    bank_files.undo(first, reason="Fel fil", by=cast.ester())
    assert set(HeldLine.objects.values_list("twin", flat=True)) == {None}

    booked(WITH_IDS)

    twins = set(HeldLine.objects.values_list("twin", flat=True))
    assert twins == set(Payment.objects.filter(withdrawn_at=None).values_list("pk", flat=True))
    assert len(twins) == 3


def test_a_line_that_has_been_decided_about_is_left_with_its_decision_when_the_file_comes_back() -> (
    None
):
    booked(WITH_IDS)
    first = BankFile.objects.get()
    booked(WITHOUT)
    second = BankFile.objects.latest("pk")
    bank_files.undo(first, reason="Fel fil", by=cast.ester())
    bank_files.decide(second, HeldLine.Decision.ANOTHER, by=cast.ester())

    assert booked(WITH_IDS) == {"suspected": 3}

    assert set(second.held.values_list("decision", "twin")) == {("another", None)}
    assert Payment.objects.filter(withdrawn_at=None).count() == 3


def test_two_contents_of_one_id_in_a_file_are_shown_side_by_side() -> None:
    found = re.search(r"<Ntry>.*?</Ntry>", WITH_IDS, re.DOTALL)
    assert found
    changed = found[0].replace("Fredrik Fors", "Fredrik Forss")

    twice = WITH_IDS.replace(found[0], found[0] + changed).replace("325.25", "425.25")
    assert booked(twice)["conflicts"] == 1

    held = HeldLine.objects.get()
    assert held.twin == Payment.objects.get(key=held.key)


@pytest.mark.django_db(transaction=True)
def test_nobody_pays_back_a_gift_while_its_file_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    booked(WITH_IDS)
    gift = Transfer.objects.filter(credit__kind="fund").earliest("pk")
    ester, told = cast.ester(), list[str]()

    def refund() -> None:
        try:
            operations.refund(gift, 1, booked_on=gift.booked_on, reason="Bad om det", by=ester)
        except OperationError as error:
            told.append(str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=refund)
    reversals = bank_files._reversals

    def meanwhile(*args: Any) -> Any:
        if thread.ident is None:
            thread.start()
            thread.join(timeout=0.5)
        return reversals(*args)

    monkeypatch.setattr(bank_files, "_reversals", meanwhile)
    bank_files.undo(BankFile.objects.get(), reason="Fel fil", by=ester)
    thread.join(timeout=20)

    assert told == ["Bara en gåva som inte är rättad kan återbetalas."]
    assert not Transfer.objects.filter(kind="refund").exists()
