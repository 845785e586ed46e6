"""A month that three kinds of files tell of: each reads to what happened, and pairing finds the same gifts."""

import io
import random
from collections import Counter
from itertools import groupby, permutations
from pathlib import Path

import pytest

from donations.bankfiles.aside import Sorting
from donations.bankfiles.identity import Keys, Likeness, likeness, pair
from donations.bankfiles.matching import Collection, Register, match
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Kind, Line, Way
from tests.bankfiles import month
from tests.bankfiles.month import FORMATS, GIFTS, HALVES, OURS, Written, by_id, written

pytestmark = pytest.mark.once

SAMPLES = Path(__file__).parents[2] / "shared/reference/samples"
SPANS = [(month.FIRST, month.LAST), *HALVES]


def lines(file: Written) -> list[Line]:
    reading = recognise(io.BytesIO(file.data))
    assert reading.format == file.format
    return list(reading.lines())


def gift_lines(file: Written) -> list[tuple[int, Line]]:
    """The file's gifts by their ids, as the truth has them."""
    return [(what, line) for what, line in zip(file.lines, lines(file), strict=True)
            if isinstance(what, int)]  # fmt: skip


# Each file alone


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_holds_just_what_happened_in_its_days(format: str, span: tuple[int, int]) -> None:
    file = written(format, *span)
    found = lines(file)

    assert len(found) == len(file.lines) > 20
    for what, line in zip(file.lines, found, strict=True):
        if isinstance(what, int):
            gift = GIFTS[what]
            day = gift.late if format == "camt.053" and gift.late else gift.day
            assert (line.amount_ore, line.booked_on.day) == (gift.ore, day)
            assert line.channel == ("swish" if gift.is_swish else "bankgiro")
            assert (line.way, line.kind) == (Way.IN, Kind.PAYMENT)
    assert sum(gift.ore for gift in by_id(file.gifts)) == sum(
        line.amount_ore for _id, line in gift_lines(file)
    )


def test_the_month_is_what_it_says_that_it_is() -> None:
    assert len(GIFTS) > 55
    twins = Counter(gift.twins for gift in GIFTS)
    assert sorted(twins.values())[-5:] == [2, 2, 2, 2, 3]
    assert any(len(gift.name) > 35 for gift in GIFTS)
    notified, stated, bankgiro = (written(format) for format in FORMATS)
    assert set(notified.gifts) == {gift.id for gift in GIFTS}
    assert set(bankgiro.gifts) == {gift.id for gift in GIFTS if not gift.is_swish}
    lump = {g.id for g in GIFTS if g.day == month.LUMP_DAY and not g.is_swish}
    assert set(stated.gifts) == set(notified.gifts) - lump
    assert len(lump) > 2
    for file, others in (
        (notified, {month.FEE, month.OWN_TRANSFER, month.RETURN}),
        (stated, {month.FEE, month.OWN_TRANSFER, month.RETURN, month.LUMP}),
        (bankgiro, set()),
    ):
        assert {what for what in file.lines if isinstance(what, str)} == others


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_no_gift_is_set_aside_and_nothing_else_is(format: str) -> None:
    file, sorting = written(format), Sorting(OURS)
    for what, line in zip(file.lines, lines(file), strict=True):
        found = sorting.sort(line)
        assert (found.is_a.value if found else None) == (what if isinstance(what, str) else None)


def test_the_lump_is_the_sum_of_what_the_others_list_and_bears_their_deposit() -> None:
    stated = written("camt.053")
    [lump] = [
        line for what, line in zip(stated.lines, lines(stated), strict=True) if what == month.LUMP
    ]
    for format in ("camt.054", "BgMax"):
        found = [line for _id, line in gift_lines(written(format)) if line.deposit == lump.deposit]
        assert sum(line.amount_ore for line in found) == lump.amount_ore  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_matching_places_each_gift_on_the_number_that_was_written(format: str) -> None:
    register = Register([Collection(number, at) for at, number in enumerate(month.NUMBERS)])
    funds = Counter[int]()
    for id, line in gift_lines(written(format)):
        parts, gift = match(line, register).parts, GIFTS[id]
        meant = [at for at, number in enumerate(month.NUMBERS) if number in gift.text]
        assert [part.fund for part in parts] == meant
        funds.update(part.fund for part in parts)
    assert all(funds[at] > 5 for at in range(3))


@pytest.mark.parametrize("span", SPANS)
def test_the_notification_is_as_the_standard_says(span: tuple[int, int]) -> None:
    valid(written("camt.054", *span).data, "camt.054.001.08")


@pytest.mark.parametrize("span", SPANS)
def test_the_statements_entries_are_as_the_standard_says(span: tuple[int, int]) -> None:
    """The schema of camt.053 version 02 is not at hand; that of camt.054 has the same entries."""
    text = written("camt.053", *span).data.decode().replace("camt.053", "camt.054")
    text = text.replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>")
    while "<Bal>" in text:
        before, _, rest = text.partition("<Bal>")
        text = before + rest.partition("</Bal>")[2]
    valid(text.encode(), "camt.054.001.02")


def valid(data: bytes, name: str) -> None:
    schema = SAMPLES / f"{name}.xsd"
    if not schema.exists():
        pytest.skip(f"no {schema}")
    from lxml import etree

    etree.XMLSchema(etree.parse(schema)).assertValid(etree.fromstring(data))


# The same days again, in the same format


@pytest.mark.parametrize("format", FORMATS)
def test_two_halves_that_overlap_have_the_keys_of_the_month(format: str) -> None:
    def keys(first: int, last: int) -> dict[str, int]:
        told = Keys(OURS)
        found = {
            told.identity(line).key: id for id, line in gift_lines(written(format, first, last))
        }
        assert len(found) == len(written(format, first, last).gifts)
        return found

    whole, (early, late) = keys(*SPANS[0]), (keys(*half) for half in HALVES)
    assert set(early) | set(late) == set(whole)
    assert len(set(early) & set(late)) == sum(
        10 <= (GIFTS[id].late if format == "camt.053" and GIFTS[id].late else GIFTS[id].day) <= 20
        for id in written(format).gifts
    )


# The same gifts in another format


class Books:
    """What stands, by the formats that have told of it; a person says of each pair that it is one gift."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str], int] = {}
        self.standing: list[tuple[Likeness, set[str]]] = []
        # Which gift each is in truth.
        self.truth: list[int] = []
        self.wrong: list[tuple[int, int]] = []

    def take(self, file: Written) -> int:
        """Take a file's gifts that are not known by their keys; how many were paired with others."""
        told, new = Keys(OURS), []
        for id, line in gift_lines(file):
            key = file.format, told.identity(line).key
            if key not in self.keys:
                self.keys[key] = id
                new.append((id, likeness(line, OURS)))
        known = [
            at for at, (_one, formats) in enumerate(self.standing) if file.format not in formats
        ]
        pairs = pair([one for _id, one in new], [self.standing[at][0] for at in known])
        paired = {one.new for one in pairs}
        assert len(paired) == len(pairs) == len({one.known for one in pairs})
        for found in pairs:
            self.standing[known[found.known]][1].add(file.format)
            mine, theirs = new[found.new][0], self.truth[known[found.known]]
            if GIFTS[mine].twins != GIFTS[theirs].twins:
                self.wrong.append((mine, theirs))
        for place, (id, one) in enumerate(new):
            if place not in paired:
                self.standing.append((one, {file.format}))
                self.truth.append(id)
        return len(pairs)


@pytest.mark.parametrize("order", list(permutations(FORMATS)), ids=" ".join)
def test_pairing_finds_the_same_gifts_in_whatever_order_the_files_come(
    order: tuple[str, ...],
) -> None:
    books, seen = Books(), set[int]()
    for format in order:
        file = written(format)
        assert books.take(file) == len(seen & set(file.gifts))
        seen |= set(file.gifts)

    assert books.wrong == []
    once_each(books)


HALF_FILES = [(format, *half) for format in FORMATS for half in HALVES]


@pytest.mark.parametrize("turn", range(12))
def test_pairing_finds_them_also_by_overlapping_halves_in_any_order(turn: int) -> None:
    books, files = Books(), random.Random(turn).sample(HALF_FILES, len(HALF_FILES))
    for format, first, last in files:
        books.take(written(format, first, last))

    assert books.wrong == []
    once_each(books)


def once_each(books: Books) -> None:
    """Every gift stands once, and true twins as many times as they were given."""
    assert Counter(GIFTS[id].twins for id in books.truth) == Counter(g.twins for g in GIFTS)


def test_the_truth_is_not_trivial() -> None:
    """Many gifts are alike in day and amount with another payer, so that amounts alone would not do."""
    alike = [
        list(some)
        for _what, some in groupby(
            sorted(GIFTS, key=lambda gift: (gift.ore, gift.day)), key=lambda gift: gift.ore
        )
    ]
    assert sum(len({gift.name for gift in some}) > 1 for some in alike) >= 5
