"""Files that were changed at random, imported: booked with the sums another reader finds, or not at all.

`KOLLEKT_MUTATIONS=20000` tries a hundredth as many of each format in the database; 15 otherwise.
"""

import io
import os
import random
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.db.models import Sum

from donations.bankfiles.records import Refused
from donations.models import Account, AccountNumber, ColumnMapping, HeldLine, Payment, Transfer
from donations.operations import OperationError, bank_files
from donations.outcome import Outcome
from tests import cast, test_mutated_camt, test_mutated_flat
from tests.bankfiles import other_camt

pytestmark = pytest.mark.django_db

MUTATIONS = max(15, int(os.environ.get("KOLLEKT_MUTATIONS", "0")) // 100)
SEED = int(os.environ.get("KOLLEKT_SEED", "0"))
SEEDS = range(SEED, SEED + MUTATIONS)


def camt(draw: random.Random) -> bytes:
    data = draw.choice(test_mutated_camt.FILES)
    return draw.choice(test_mutated_camt.MUTATE)(data, draw)


def flat(name: str) -> Callable[[random.Random], bytes]:
    kind = test_mutated_flat.FORMATS[name]
    return lambda draw: test_mutated_flat.mutated(draw, kind)


MAKE = {
    "camt": (camt, other_camt.read),
    **{
        name: (flat(name), kind.other)
        for name, kind in test_mutated_flat.FORMATS.items()
        if name != "sheet"
    },
}


class Taken(Exception):
    pass


def register_all(data: bytes) -> None:
    """Every number that a refusal names is one of ours from now on."""
    while True:
        try:
            file = bank_files.receive("fil", io.BytesIO(data), by=cast.ester())
        except Refused:
            return
        refusal = bank_files.read(file).refusal
        if not refusal or "hör inte till" not in refusal["why"]:
            return
        words = {"IBAN": "iban", "Konto": "bban", "Bankgiro": "bankgiro", "Plusgiro": "plusgiro"}
        for one in refusal["why"].split(" hör inte")[0].split(" / "):
            scheme, digits = one.split(" ")
            AccountNumber.objects.get_or_create(
                scheme=words.get(scheme, "swish"), digits=digits, defaults={"account": cast.bank()}
            )


@pytest.fixture
def tried() -> Iterator[None]:
    cast.fund("47030")
    for data in (
        *test_mutated_camt.FILES,
        *(d for k in test_mutated_flat.FORMATS.values() for d in k.files),
    ):
        register_all(data)
    yield
    assert ColumnMapping.objects.count() == 0


def one(data: bytes, other: Callable[[bytes], dict[str, int]]) -> bool:
    """Import a file and forget it again; whether it was taken."""
    try:
        with transaction.atomic():
            file = bank_files.receive("fil", io.BytesIO(data), by=cast.ester())
            if not file.format:
                return False
            outcome = bank_files.confirm(file, by=cast.ester())
            stands(outcome, other(data))
            raise Taken
    except Taken:
        taken = True
    except (Refused, OperationError) as refused:
        taken, why = False, str(refused)
        assert_is_a_sentence(why)
    assert (Payment.objects.count(), Transfer.objects.count()) == (0, 0)
    return taken


def assert_is_a_sentence(why: str) -> None:
    assert why.endswith(("?", ".")), why


def stands(outcome: Outcome, found: dict[str, int]) -> None:
    """What is in the books is what the outcome says, and that no more than the file holds."""
    gifts = Transfer.objects.filter(kind="gift").aggregate(ore=Sum("amount_ore"))["ore"] or 0
    held = HeldLine.objects.aggregate(ore=Sum("amount_ore"))["ore"] or 0
    counts = outcome.counts
    new = sum(counts[fate].ore for fate in ("matched", "unplaced") if fate in counts)
    assert gifts == new
    assert gifts + held <= found["credit_ore"]
    told = sum(count.ore for count in counts.values())
    assert told == found["credit_ore"] + found["debit_ore"]
    assert not Account.objects.filter(kind="partners").exists()


@pytest.mark.usefixtures("tried")
@pytest.mark.parametrize("name", MAKE)
def test_a_harmed_file_is_booked_rightly_or_not_at_all(name: str) -> None:
    make, other = MAKE[name]
    taken = sum(one(make(random.Random(seed)), other) for seed in SEEDS)
    print(f"{name}: {taken} of {MUTATIONS} taken")
    assert MUTATIONS / 5 <= taken < MUTATIONS
