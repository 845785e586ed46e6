"""Files that were changed at random: taken with the sums another reader finds, or refused whole with a reason.

`KOLLEKT_MUTATIONS=20000` makes as many of each format; there are 300 otherwise. `KOLLEKT_SEED` makes others.
"""

import io
import os
import random
import resource
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from donations.bankfiles import mapped
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Line, Reading, Refused, Scheme, Way
from tests.bankfiles import flat, other_bgmax, other_sheet, other_swish

pytestmark = pytest.mark.once

MUTATIONS = int(os.environ.get("KOLLEKT_MUTATIONS", "300"))
SEED = int(os.environ.get("KOLLEKT_SEED", "0")) * 100_000
SECONDS, KILOBYTES = 2, 300_000

Change = Callable[[random.Random, bytes], bytes]


# Changes that a file may well survive


def other_line_breaks(draw: random.Random, data: bytes) -> bytes:
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    return draw.choice([b"\r\n", b"\n", b"\r", b"\n\n"]).join(lines)


def no_line_breaks(_draw: random.Random, data: bytes) -> bytes:
    return data.replace(b"\r", b"").replace(b"\n", b"")


def stripped(_draw: random.Random, data: bytes) -> bytes:
    return b"\n".join(line.rstrip() for line in data.split(b"\n"))


def other_letters(draw: random.Random, data: bytes) -> bytes:
    text = data.decode("latin-1")
    return text.encode(draw.choice(["utf-8", "utf-8-sig", "latin-1"]), "replace")


def other_name(draw: random.Random, data: bytes) -> bytes:
    letters = [at for at, byte in enumerate(data) if chr(byte) in "abcdefghijklmnoprstuvy"]
    changed = bytearray(data)
    for _turn in range(draw.randrange(1, 20)):
        if letters:
            changed[draw.choice(letters)] = draw.choice(b"abcde\xe5\xe4\xf6\t ")
    return bytes(changed)


def nothing_after_blanks(draw: random.Random, data: bytes) -> bytes:
    return data + draw.choice([b"\n", b"\r\n\r\n", b"\x1a", b" \n"])


def unknown_record(draw: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    lines.insert(draw.randrange(1, len(lines) + 1), draw.choice([b"99 okand", b"31", b"", b"  "]))
    return b"\n".join(lines)


# Changes that it may not


def other_byte(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def other_digit(draw: random.Random, data: bytes) -> bytes:
    digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
    if not digits:
        return data
    at = draw.choice(digits)
    return data[:at] + draw.choice(b"0123456789").to_bytes() + data[at + 1 :]


def lost_line(draw: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    del lines[draw.randrange(len(lines))]
    return b"\n".join(lines)


def line_twice(draw: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return b"\n".join(lines)


def lines_swapped(draw: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def cut_short(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data))]


def lost_piece(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.randrange(1, 100) :]


def inserted(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    piece = draw.choice([b"\0", b"\n", b'"', b",", b";", b"\xc3", b"\xe2\x80\xa8", b"-", b"\x85"])
    return data[:at] + piece * draw.choice([1, 1, 1, 2, 50]) + data[at:]


GENTLE: list[Change] = [
    other_line_breaks,
    stripped,
    other_letters,
    other_name,
    nothing_after_blanks,
]
HARD: list[Change] = [
    other_byte,
    other_digit,
    lost_line,
    line_twice,
    lines_swapped,
    cut_short,
    lost_piece,
    inserted,
]


class Format(NamedTuple):
    """A format's whole files, its reader and the other reader, and changes of its own."""

    files: list[bytes]
    read: Callable[[io.BytesIO], Reading]
    other: Callable[[bytes], dict[str, int]]
    changes: list[Change]


def long_bgmax() -> bytes:
    records = [
        record
        for n in range(60)
        for record in (
            flat.payment(1_000 + n, "470302", code="2", serial=f"{n + 1:012}"),
            *flat.message(f"Gåva {n}"),
            *flat.details("Åsa Ek", "Väg 1", "12345", "Umeå"),
        )
    ]
    return flat.lines(flat.bgmax(flat.Section(records[:100]), flat.Section(records[100:], "00019")))


def sheet() -> bytes:
    rows = [f"2026-03-0{n % 9 + 1};{n + 1} 0{n:02},50;4703{n % 10};Åsa Ek" for n in range(40)]
    return "\r\n".join(["Datum;Belopp;Meddelande;Namn", *rows, ""]).encode("cp1252")


MAPPING = mapped.Mapping(
    date=0,
    day_format="ÅÅÅÅ-MM-DD",
    scheme=Scheme.SWISH,
    account=flat.SWISH,
    amount=1,
    message=2,
    payer_name=3,
    delimiter=";",
    encoding="cp1252",
    header_row=1,
    headings=("Datum", "Belopp", "Meddelande", "Namn"),
)


def read_sheet(stream: io.BytesIO) -> Reading:
    encoding = mapped.look(stream).encoding
    return mapped.Mapped(stream, mapped.replace(MAPPING, encoding=encoding))


FORMATS = {
    "bgmax": Format(
        [flat.lines(flat.gifts()), flat.lines(flat.everything()), long_bgmax()],
        recognise,
        other_bgmax.read,
        [no_line_breaks, unknown_record],
    ),
    "swish": Format(
        [flat.FILES[name]() for name in flat.FILES if name.startswith("swish")],
        recognise,
        other_swish.read,
        [],
    ),
    "sheet": Format([sheet()], read_sheet, lambda data: other_sheet.read(data, ";", 1, 1), []),
}


def mutated(draw: random.Random, kind: Format) -> bytes:
    """One of the format's files with one to three changes, half of them gentle."""
    data = draw.choice(kind.files)
    for _turn in range(draw.choice([1, 1, 2, 3])):
        changes = draw.choice([GENTLE + kind.changes, HARD])
        data = draw.choice(changes)(draw, data) or b" "
    return data


def worth(found: list[Line]) -> dict[str, int]:
    came = [line.amount_ore for line in found if line.way is Way.IN]
    went = [line.amount_ore for line in found if line.way is Way.OUT]
    return {
        "credits": len(came),
        "credit_ore": sum(came),
        "debits": len(went),
        "debit_ore": sum(went),
    }


def one(kind: Format, data: bytes) -> dict[str, int] | None:
    """What the file is worth, or None when it is refused as a file should be."""
    try:
        return worth(list(kind.read(io.BytesIO(data)).lines()))
    except Refused as error:
        refused = error
    assert refused.why.endswith("."), refused.why
    assert refused.where or "ilen" in refused.why, refused.why
    return None


@pytest.mark.parametrize("name", FORMATS)
def test_mutated_files_are_taken_with_the_right_sums_or_refused_whole(name: str) -> None:
    kind, accepted, told = FORMATS[name], 0, 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(SEED, SEED + MUTATIONS):
        data = mutated(random.Random(seed), kind)
        began = time.process_time()
        found = one(kind, data)
        assert time.process_time() - began < SECONDS, seed
        told += 1
        if found is not None:
            accepted += 1
            assert found == kind.other(data), seed
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"\n{name}: {accepted} of {told} taken, {grown // 1024} MB more at most")

    assert accepted * 5 >= told
    assert accepted < told
    assert grown < KILOBYTES


@pytest.mark.parametrize("name", FORMATS)
def test_the_whole_files_are_worth_what_the_other_reader_finds(name: str) -> None:
    kind = FORMATS[name]
    for data in kind.files:
        assert one(kind, data) == kind.other(data)
