"""One month that three kinds of files tell of, imported in any order: every gift stands once, twins twice."""

import io
import random
from collections import Counter
from collections.abc import Hashable
from itertools import permutations

import pytest

from donations import queries, totals
from donations.intake import Intake, opened
from donations.models import Account, AccountNumber, BankFile, HeldLine, Transfer
from donations.operations import bank_files
from donations.outcome import Fate
from tests import cast
from tests.bankfiles import month
from tests.bankfiles.month import FORMATS, GIFTS, HALVES, Written, written

pytestmark = pytest.mark.django_db

Decision = HeldLine.Decision
WHOLE = [(month.FIRST, month.LAST)]
TRUTH = Counter(gift.twins for gift in GIFTS)
ORDERS = {
    **{" ".join(order): [(one, span) for one in order for span in WHOLE]
       for order in list(permutations(FORMATS))[::2]},
    **{f"halves, order {seed}": random.Random(seed).sample(
        [(one, span) for one in FORMATS for span in HALVES], 6) for seed in range(2)},
}  # fmt: skip


class Finance:
    """Imports files and knows what happened: which gifts of those that are alike stand in the books."""

    def __init__(self) -> None:
        self.standing: Counter[Hashable] = Counter()
        self._told: dict[str, Counter[Hashable]] = {one: Counter() for one in FORMATS}
        names = {"gåvor": cast.bank()}
        names["sparande"] = Account.objects.create(kind="bank", name="Sparande")
        for number, account in month.OURS.items():
            AccountNumber.objects.create(
                account=names[account], scheme=number.scheme.value, digits=number.digits
            )
        for at, collection_number in enumerate(month.NUMBERS):
            cast.fund(collection_number, cast.project(f"p-{at}"))

    def imports(self, file: Written) -> BankFile:
        bank_file = bank_files.receive("fil", io.BytesIO(file.data), by=cast.ester())
        with opened(bank_file) as stream:
            fates = [told for chunk in Intake(bank_file, stream).lines() for told in chunk]
        assert len(fates) == len(file.lines)
        bank_files.confirm(bank_file, by=cast.ester())
        held = {one.key.hex: one for one in bank_file.held.all()}
        self.waiting: list[tuple[HeldLine, Hashable, int]] = []
        for what, told in zip(file.lines, fates, strict=True):
            if not isinstance(what, int):
                assert told.fate not in (Fate.MATCHED, Fate.UNPLACED, Fate.SUSPECTED), what
                continue
            alike = GIFTS[what].twins
            if told.fate is Fate.DUPLICATE:
                continue
            self._told[file.format][alike] += 1
            if told.fate is Fate.SUSPECTED:
                assert told.identity
                rank = self._told[file.format][alike]
                self.waiting.append((held[told.identity.key], alike, rank))
            else:
                assert told.fate in (Fate.MATCHED, Fate.UNPLACED)
                self.standing[alike] += 1
        return bank_file

    def decides(self) -> None:
        """Say of each line that waits what it is."""
        for held, alike, rank in self.waiting:
            is_same = self.standing[alike] >= rank
            decision = Decision.SAME if is_same else Decision.ANOTHER
            self.standing[alike] += not is_same
            assert bank_files.decide(held.file, decision, by=cast.ester(), lines=[held.pk]) == 1

    def books(self) -> tuple[int, int]:
        """How many gifts stand, and their öre."""
        amounts = Transfer.objects.filter(kind="gift").values_list("amount_ore", flat=True)
        assert totals.differences() == []
        return len(amounts), sum(amounts)


def worth(gifts: Counter[Hashable]) -> tuple[int, int]:
    """How many they are, and their öre."""
    ore: dict[Hashable, int] = {gift.twins: gift.ore for gift in GIFTS}
    return gifts.total(), sum(count * ore[alike] for alike, count in gifts.items())


@pytest.mark.parametrize("order", ORDERS)
def test_after_a_persons_decisions_every_gift_stands_once_and_twins_twice(order: str) -> None:
    finance = Finance()
    for format_, span in ORDERS[order]:
        finance.imports(written(format_, *span))
        finance.decides()
        assert finance.books() == worth(finance.standing)
    assert finance.standing == TRUTH
    assert not HeldLine.objects.filter(decision="").exists()
    assert max(TRUTH.values()) > 1


@pytest.mark.parametrize("order", list(ORDERS)[::2])
def test_with_no_decision_nothing_stands_twice(order: str) -> None:
    finance = Finance()
    for format_, span in ORDERS[order]:
        finance.imports(written(format_, *span))
    assert finance.books() == worth(finance.standing)
    assert finance.standing <= TRUTH
    assert HeldLine.objects.filter(decision="").exists()


def test_one_decision_covers_a_whole_file() -> None:
    finance = Finance()
    finance.imports(written("camt.054"))
    before = finance.books()
    file = finance.imports(written("BgMax"))
    assert bank_files.decide(file, Decision.SAME, by=cast.ester()) == len(finance.waiting) > 20
    assert finance.books() == before
    assert queries.suspense_balance() >= 0
