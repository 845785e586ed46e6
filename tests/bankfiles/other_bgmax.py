"""A second BgMax reader, for what a file is worth and nothing else. Written from the manual's table alone.

It looks for mistakes in the parser by being another one: the whole file in memory, no order, no
checks. Only to be asked about files that the parser has accepted.
"""

import re

PAYMENT = re.compile(r"(2[01]).{35}([0-9]{18})", re.DOTALL)


def read(data: bytes) -> dict[str, int]:
    """The payments (record 20) and deductions (record 21) above 0 öre, and their sums in öre."""
    found = {"credits": 0, "credit_ore": 0, "debits": 0, "debit_ore": 0}
    for record in _records(data.removeprefix(b"\xef\xbb\xbf")):
        if record[:2] not in (b"20", b"21"):
            continue
        amount = _amount(record)
        side = "credit" if record[:2] == b"20" else "debit"
        found[side + "s"] += amount > 0
        found[side + "_ore"] += amount
    return found


def _records(data: bytes) -> list[bytes]:
    return [
        record for line in re.split(rb"[\r\n]+", data.rstrip(b"\r\n\x1a ")) for record in _cut(line)
    ]


def _cut(line: bytes) -> list[bytes]:
    """A line may hold the whole file."""
    if len(line) < 300:
        return [line]
    records = [line[at : at + 80] for at in range(0, len(line), 80)]
    if all(record[:2].isdigit() for record in records):
        return records
    # Eighty characters to a record, not eighty bytes, and some bytes may be no letters.
    text = line.decode(errors="surrogateescape")
    return [text[at : at + 80].encode(errors="surrogateescape") for at in range(0, len(text), 80)]


def _amount(record: bytes) -> int:
    """Positions 38 to 55. A letter such as å may take one byte or two, and a TAB one place or many."""
    readings = [record.decode("latin-1")]
    try:
        readings.append(record.decode())
        readings.append(record.decode().encode("latin-1").decode())
    except UnicodeError:
        pass
    for text in sorted(readings, key=lambda text: abs(len(text) - 80)):
        for spread in (text, text.expandtabs(8)):
            if found := PAYMENT.match(spread):
                return int(found[2])
    raise AssertionError(f"no amount in {record!r}")
