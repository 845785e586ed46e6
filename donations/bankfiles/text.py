"""What the text files of banks share: their lines, what their bytes spell, and amounts in kronor."""

import re
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

from donations.bankfiles.records import Refused
from donations.money import LIMIT_ORE

BOM = b"\xef\xbb\xbf"
CHUNK = 1 << 16
LONGEST_LINE = 10_000  # bytes
MOST_EMPTY_LINES = 1_000

EMPTY = b" \t\r\n\x1a"  # the last is how DOS ended a file
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_C1 = re.compile(r"[\x80-\x9f]")
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,15})(?:([.,])([0-9]{1,9}))?", re.ASCII)


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream from its beginning, without a byte order mark, whoever reads it in between."""
    at = 0
    while True:
        stream.seek(at)
        chunk = stream.read(CHUNK)
        if not chunk:
            return
        yield chunk if at else chunk.removeprefix(BOM)
        at += len(chunk)


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream from its beginning, some whole lines at a time with their breaks (LF, CRLF, CR).

    What goes on for `CHUNK` bytes without a break is no line, and comes as it is.
    """
    rest = b""
    for chunk in chunks(stream):
        data = rest + chunk
        cut = (data.rfind(b"\n") if b"\n" in data else data.rfind(b"\r", 0, -1)) + 1
        if not cut and len(data) > CHUNK:
            cut = len(data)
        rest = data[cut:]
        if cut:
            yield data[:cut]
    if rest:
        yield rest


def lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The stream's lines that hold anything, from its beginning: number and content, without line break.

    Raises `Refused` for a line too long to be one, and for a file with more empty lines than any has.
    """
    number = empty = 0
    for block in blocks(stream):
        for line in block.splitlines():
            number += 1
            if len(line) > LONGEST_LINE:
                raise Refused(
                    "Raden är längre än någon rad i en fil från banken. Hämta filen från banken på nytt.",
                    f"rad {number}",
                )
            if line.strip(EMPTY):
                yield number, line
                continue
            empty += 1
            if empty > MOST_EMPTY_LINES:
                raise empty_file()


def empty_file() -> Refused:
    return Refused("Filen har över tusen tomma rader och är ingen fil från banken.")


def spelled(raw: bytes) -> str:
    """The text of a line, UTF-8 where the bytes are that, otherwise Latin-1; still to `clean`, field by field."""
    return raw.decode("ascii") if raw.isascii() else mended(raw.decode("latin-1"))


def clean(text: str) -> str:
    """Text whose characters may be single bytes (0–255): mended, without control characters, NFC.

    "Ã¶" is "ö" that was taken for Latin-1 on its way, as many times over as it was.
    """
    if text.isascii() and text.isprintable():
        return text
    text = mended(text)
    # Latin-1 has no text here, Windows has some.
    text = _C1.sub(lambda odd: odd[0].encode("latin-1").decode("cp1252", "replace"), text)
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", text))


def mended(text: str) -> str:
    """What its characters spell as the bytes of UTF-8, as many times over as they do."""
    for _turn in range(3):
        try:
            spelled = text.encode("latin-1").decode()
        except UnicodeError:
            break
        if spelled == text:
            break
        text = spelled
    return text


def ore(text: str, decimal: str = "") -> int:
    """An amount as a bank's report writes it, in öre: "1500.00", "-2300,50", "499".

    `decimal` is the decimal sign, "" for either. More than two decimals are no amount, unless
    they are zeros. Raises `ValueError` with a Swedish sentence.
    """
    found = _AMOUNT.fullmatch(text)
    if not found or (decimal and found[3] and found[3] != decimal):
        raise ValueError(
            f"Beloppet ska vara kronor med siffror, till exempel 1500{decimal or ','}00."
        )
    decimals = (found[4] or "").rstrip("0")
    if len(decimals) > 2:
        raise ValueError("Beloppet har fler än två decimaler.")
    amount = int(found[2]) * 100 + int(decimals.ljust(2, "0"))
    if amount >= LIMIT_ORE:
        raise ValueError("Beloppet är orimligt stort.")
    return -amount if found[1] == "-" else amount
