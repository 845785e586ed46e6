"""camt files that have come to harm: read rightly or refused whole, never anything in between.

`KOLLEKT_MUTATIONS=20000` for the long run; `KOLLEKT_SEED` repeats one.
"""

import io
import os
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Refused, Way
from tests.bankfiles import other_camt

pytestmark = pytest.mark.once

FILES = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("bankfiles/camt/*.xml"))]
MUTATIONS = int(os.environ.get("KOLLEKT_MUTATIONS", "300"))
SEED = int(os.environ.get("KOLLEKT_SEED", "1"))

# An element with what it holds, as long as nothing in it has its name.
ELEMENT = re.compile(rb"<([A-Za-z0-9:]+)( [^<>]*)?>(?:(?!<\1[ >]).)*?</\1>", re.DOTALL)
AMOUNT = re.compile(rb"(?<=>)[0-9]+(?:\.[0-9]+)?(?=<)")
LEAF = re.compile(rb">([^<>]*[^<>\s][^<>]*)<")


def flip_bytes(data: bytes, at: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(at.randint(1, 3)):
        changed[at.randrange(len(changed))] = at.randrange(256)
    return bytes(changed)


def flip_in_a_text(data: bytes, at: random.Random) -> bytes:
    """Most of a file is tags; this is what reaches the texts."""
    found = _any(LEAF, data, at)
    place = at.randrange(found.start(1), found.end(1))
    return (
        data[:place]
        + bytes([at.choice(b"0123456789 .,-ABCaz\n\xe5\xc3\x00<&")])
        + data[place + 1 :]
    )


def drop_an_element(data: bytes, at: random.Random) -> bytes:
    found = _any(ELEMENT, data, at)
    return data[: found.start()] + data[found.end() :]


def double_an_element(data: bytes, at: random.Random) -> bytes:
    found = _any(ELEMENT, data, at)
    return data[: found.end()] + found[0] + data[found.end() :]


def swap_two_elements(data: bytes, at: random.Random) -> bytes:
    first, second = sorted((_any(ELEMENT, data, at), _any(ELEMENT, data, at)), key=re.Match.start)
    if first.end() > second.start():
        return flip_in_a_text(data, at)
    between = data[first.end() : second.start()]
    return data[: first.start()] + second[0] + between + first[0] + data[second.end() :]


def change_an_amount(data: bytes, at: random.Random) -> bytes:
    found = _any(AMOUNT, data, at)
    new = at.choice((b"0", b"0.01", b"1e3", b"-5.00", b"12.345", b"99999999999999", b"", b"7,50"))
    if at.random() < 0.4:  # another way to write the same
        new = b"0" + found[0] + (b"00" if b"." in found[0] else b".000")
    return data[: found.start()] + new + data[found.end() :]


def cut_short(data: bytes, at: random.Random) -> bytes:
    return data[: at.randrange(len(data))]


def change_the_encoding(data: bytes, at: random.Random) -> bytes:
    declared = b"iso-8859-1" if b"ISO-8859-1" in data[:60] else b"utf-8"
    text = data.decode(declared.decode()).partition("?>")[2]
    name = at.choice(
        ("utf-8", "utf-8-sig", "iso-8859-1", "windows-1252", "utf-16", "utf-16-le", "cp437")
    )
    mark = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16"}.get(name, name)
    head = at.choice((f'<?xml version="1.0" encoding="{mark}"?>', '<?xml version="1.0"?>', ""))
    return (head + text).encode(name, "replace")


def change_the_white_space(data: bytes, at: random.Random) -> bytes:
    indent = at.choice((b"", b"\n", b"\r\n", b"\r", b"\n\t\t"))
    return at.choice((b"", b"\n", b"\xef\xbb\xbf")) + re.sub(rb">\s+<", b">" + indent + b"<", data)


MUTATE: list[Callable[[bytes, random.Random], bytes]] = [
    flip_bytes,
    flip_in_a_text,
    flip_in_a_text,
    drop_an_element,
    double_an_element,
    swap_two_elements,
    change_an_amount,
    cut_short,
    change_the_encoding,
    change_the_white_space,
]


def _any(pattern: re.Pattern[bytes], data: bytes, at: random.Random) -> re.Match[bytes]:
    """A match at a place drawn at random; the first one when there is none after it."""
    found = pattern.search(data, at.randrange(len(data))) or pattern.search(data)
    assert found
    return found


def read(data: bytes) -> dict[str, int]:
    """What the parser makes of a file, in the other reader's words."""
    found = Counter({"credits": 0, "credit_ore": 0, "debits": 0, "debit_ore": 0})
    for line in recognise(io.BytesIO(data)).lines():
        assert line.amount_ore > 0
        side = "credit" if line.way is Way.IN else "debit"
        found[side + "s"] += 1
        found[side + "_ore"] += line.amount_ore
    return dict(found)


def test_the_two_readers_agree_about_every_file_as_it_is() -> None:
    for data in FILES:
        assert read(data) == other_camt.read(data)
        assert sum(read(data).values())


def test_a_harmed_file_is_read_rightly_or_refused_whole() -> None:
    at, accepted, refused, slowest = random.Random(SEED), Counter[str](), Counter[str](), 0.0
    before = memory()
    for _ in range(MUTATIONS):
        data, mutate = at.choice(FILES), at.choice(MUTATE)
        mutated = mutate(data, at)
        started = time.perf_counter()
        found = read_or_why(mutated)
        slowest = max(slowest, time.perf_counter() - started)
        if isinstance(found, Refused):
            assert found.why.endswith(".")
            assert found.where or "Filen" in found.why
            refused[mutate.__name__] += 1
        else:
            assert found == other_camt.read(mutated), mutated
            accepted[mutate.__name__] += 1
    print(f"accepted {dict(accepted)}, refused {dict(refused)}, slowest {slowest:.3f} s")
    assert accepted.total() >= MUTATIONS / 5
    assert refused.total() >= MUTATIONS / 5
    assert slowest < 2
    # Tests that ran before in the same process may have taken more.
    assert memory() < max(300_000, before + 50_000)


def test_an_amount_that_changed_is_never_believed() -> None:
    """Where a file states the sum of all its entries, one digit of one amount cannot change unseen."""
    stated = [
        data
        for data in FILES
        if b"PDNG" not in data
        and data.count(b"<TtlCdtNtries>") == data.count(b"<Ntfctn>") + data.count(b"<Stmt>")
    ]
    assert len(stated) > 4
    at, seen = random.Random(SEED), 0
    for data in stated:
        for found in re.finditer(rb'<Amt Ccy="SEK">([1-9])', data):
            if data[: found.start()].rstrip().endswith((b"</Tp>", b"</CdtLine>")):
                continue  # a balance: some are for information
            digit = at.choice([n for n in b"123456789" if n != found[1][0]])
            changed = data[: found.start(1)] + bytes([digit]) + data[found.end(1) :]
            with pytest.raises(Refused, match=r"blir|posterna"):
                read(changed)
            seen += 1
    assert seen > 25


def memory() -> int:
    """The most that this process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read_or_why(data: bytes) -> dict[str, int] | Refused:
    try:
        return read(data)
    except Refused as refusal:
        return refusal
