"""A strict reader of SIE 4I, written from the format's rules alone: what no rule allows is refused.

It knows nothing of how our files are written. Amounts come out as whole öre.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

FORBIDDEN = {
    *("#BKOD", "#OMFATTN", "#IB", "#UB", "#OIB", "#OUB", "#RES", "#PSALDO", "#PBUDGET"),
}
MANDATORY = ["#FLAGGA", "#PROGRAM", "#FORMAT", "#GEN", "#SIETYP", "#FNAMN"]
IDENTIFICATION = [*MANDATORY, "#PROSA", "#FTYP", "#FNR", "#ORGNR", "#ADRESS", "#RAR", "#TAXAR"]
IDENTIFICATION += ["#KPTYP", "#VALUTA"]
CHART = ["#KONTO", "#KTYP", "#ENHET", "#SRU", "#DIM", "#UNDERDIM", "#OBJEKT"]
# Dimensions that mean something by the format itself, or are kept for it.
RESERVED = range(1, 20)
AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?")
ONE_FIELD = re.compile(r' *(?:"((?:[^"\\]|\\")*)"|([^" {}\\]+))(?= |\}|$)')


class SieError(ValueError):
    """What breaks a rule, and on which line."""


@dataclass
class Trans:
    account: str
    objects: dict[int, str]
    ore: int


@dataclass
class Ver:
    series: str
    number: str
    day: datetime.date
    text: str
    rows: list[Trans] = field(default_factory=list)


@dataclass
class Sie:
    line_end: str
    tags: dict[str, list[str]] = field(default_factory=dict)
    year: tuple[datetime.date, datetime.date] | None = None
    accounts: dict[str, str] = field(default_factory=dict)
    dimensions: dict[int, str] = field(default_factory=dict)
    objects: dict[tuple[int, str], str] = field(default_factory=dict)
    vouchers: list[Ver] = field(default_factory=list)

    @property
    def rows(self) -> Iterator[Trans]:
        for voucher in self.vouchers:
            yield from voucher.rows


def read(content: bytes) -> Sie:
    """The file's content. Raises `SieError` for anything that the rules do not allow."""
    line_end = "\r\n" if b"\r\n" in content else "\n"
    text = content.decode("cp437")
    if not text.endswith(line_end):
        raise SieError("the last line does not end")
    lines = text[: -len(line_end)].split(line_end)
    reader = _Reader(Sie(line_end))
    for place, line in enumerate(lines, 1):
        try:
            reader.line(line)
        except SieError as error:
            raise SieError(f"line {place}: {error}: {line!r}") from error
    reader.end()
    return reader.sie


class _Reader:
    def __init__(self, sie: Sie) -> None:
        self.sie = sie
        self.stage = 0
        self.open: Ver | None = None
        self.is_inside = False

    def line(self, line: str) -> None:
        if any(ord(char) < 32 or ord(char) == 127 for char in line):
            raise SieError("a control character")
        stripped = line.strip(" ")
        if stripped in ("{", "}"):
            self.brace(stripped)
            return
        tag, _blank, rest = stripped.partition(" ")
        if tag in FORBIDDEN:
            raise SieError("forbidden in type 4I")
        if tag == "#TRANS":
            self.trans(rest)
        elif self.open is not None:
            raise SieError("inside a voucher")
        elif tag == "#VER":
            self.ver(fields(rest))
        elif tag in IDENTIFICATION:
            self.identification(tag, fields(rest))
        elif tag in CHART:
            self.chart(tag, fields(rest))
        else:
            raise SieError("unknown")

    def identification(self, tag: str, told: list[str]) -> None:
        if self.stage > 0:
            raise SieError("identification comes first")
        if not self.sie.tags and tag != "#FLAGGA":
            raise SieError("#FLAGGA comes first")
        if tag == "#RAR":
            self.rar(told)
        elif tag in self.sie.tags:
            raise SieError("twice")
        self.sie.tags[tag] = told
        right = {"#FLAGGA": ["0"], "#FORMAT": ["PC8"], "#SIETYP": ["4"]}
        if tag in right and told != right[tag]:
            raise SieError("not as it should be")
        if tag == "#GEN":
            if len(told) not in (1, 2):
                raise SieError("a day and perhaps a sign")
            day(told[0])
        if tag == "#PROGRAM" and len(told) != 2:
            raise SieError("a name and a version")
        if tag == "#FNAMN" and (len(told) != 1 or not told[0]):
            raise SieError("a name")
        if tag == "#ORGNR" and not re.fullmatch(r"[0-9]{6}-[0-9]{4}", told[0]):
            raise SieError("a number with a hyphen")

    def rar(self, told: list[str]) -> None:
        # One program leaves the days out; what it means is then nothing.
        if len(told) == 1 and told[0] == "0":
            return
        if len(told) != 3 or not re.fullmatch(r"0|-[0-9]+", told[0]):
            raise SieError("a year's number and its days")
        first, last = day(told[1]), day(told[2])
        if last <= first:
            raise SieError("a year that ends before it begins")
        if told[0] == "0":
            if self.sie.year:
                raise SieError("twice")
            self.sie.year = first, last

    def chart(self, tag: str, told: list[str]) -> None:
        self.in_order(1)
        if tag == "#KONTO":
            if len(told) != 2 or not told[1]:
                raise SieError("a number and a name")
            number(told[0])
            once(self.sie.accounts, told[0], told[1])
        elif tag == "#DIM":
            if len(told) != 2:
                raise SieError("a number and a name")
            once(self.sie.dimensions, int(number(told[0])), told[1])
        elif tag == "#OBJEKT":
            if len(told) != 3 or not told[1] or not told[2]:
                raise SieError("a dimension, a code and a name")
            once(self.sie.objects, (self.dimension(told[0]), told[1]), told[2])

    def dimension(self, text: str) -> int:
        found = int(number(text))
        if found not in RESERVED and found not in self.sie.dimensions:
            raise SieError("a dimension that nobody has named")
        return found

    def ver(self, told: list[str]) -> None:
        self.in_order(2)
        if not 3 <= len(told) <= 6:
            raise SieError("a series, a number, a day and perhaps a text")
        booked = day(told[2])
        year = self.sie.year
        if year and not year[0] <= booked <= year[1]:
            raise SieError("outside the year")
        self.open = Ver(told[0], told[1], booked, told[3] if len(told) > 3 else "")

    def brace(self, brace: str) -> None:
        if self.open is None or self.is_inside == (brace == "{"):
            raise SieError("out of place")
        self.is_inside = brace == "{"
        if brace == "}":
            if not self.open.rows or sum(row.ore for row in self.open.rows) != 0:
                raise SieError("the voucher does not sum to zero")
            self.sie.vouchers.append(self.open)
            self.open = None

    def trans(self, rest: str) -> None:
        if self.open is None or not self.is_inside:
            raise SieError("outside a voucher")
        found = re.fullmatch(r" *([^ {}\"]+) +\{(.*?)\} +(.*)", rest)
        if not found:
            raise SieError("an account, objects in braces, an amount")
        account, objects, told = number(found[1]), fields(found[2]), fields(found[3])
        if self.sie.accounts and account not in self.sie.accounts:
            raise SieError("an account that nobody has named")
        if len(objects) % 2:
            raise SieError("a dimension without its object")
        pairs = [(self.dimension(objects[i]), objects[i + 1]) for i in range(0, len(objects), 2)]
        if len(dict(pairs)) != len(pairs):
            raise SieError("a dimension twice")
        for pair in pairs:
            if self.sie.objects and pair not in self.sie.objects:
                raise SieError("an object that nobody has named")
        if not 1 <= len(told) <= 5 or not AMOUNT.fullmatch(told[0]):
            raise SieError("an amount with a decimal point and at most two decimals")
        if len(told) > 1 and told[1]:
            day(told[1])
        self.open.rows.append(Trans(account, dict(pairs), ore(told[0])))

    def in_order(self, stage: int) -> None:
        if missing := [tag for tag in MANDATORY if tag not in self.sie.tags]:
            raise SieError(f"before {', '.join(missing)}")
        if stage < self.stage:
            raise SieError("the chart comes before the vouchers")
        self.stage = stage

    def end(self) -> None:
        if self.open is not None:
            raise SieError("the last voucher does not end")
        if missing := [tag for tag in MANDATORY if tag not in self.sie.tags]:
            raise SieError(f"without {', '.join(missing)}")


def fields(rest: str) -> list[str]:
    """The fields of a line: parted by blanks, in quotation marks where there are blanks within."""
    found, place = [], 0
    rest = rest.rstrip(" ")
    while place < len(rest):
        match = ONE_FIELD.match(rest, place)
        if not match:
            raise SieError("a field that cannot be read")
        quoted, plain = match.groups()
        found.append(plain if quoted is None else quoted.replace('\\"', '"'))
        place = match.end()
    return found


def day(text: str) -> datetime.date:
    if not re.fullmatch(r"[0-9]{8}", text):
        raise SieError("a day is eight digits")
    try:
        return datetime.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - only a day
    except ValueError as error:
        raise SieError("no such day") from error


def number(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise SieError("only digits")
    return text


def ore(text: str) -> int:
    kronor, _point, decimals = text.lstrip("-").partition(".")
    whole = int(kronor) * 100 + int(decimals.ljust(2, "0"))
    return -whole if text.startswith("-") else whole


def once(there: dict[Any, str], key: Any, value: str) -> None:
    if key in there:
        raise SieError("twice")
    there[key] = value
