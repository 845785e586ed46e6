"""What a camt file says of its own sums, and whether that is so.

An entry's payments come to the entry; entries come to `TxsSummry`, and in a statement from the
opening to the closing balance. Sums are signed whole öre (hundredths in other currencies), each
currency by itself. Where something differs the file is refused with both figures.
"""

import datetime
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from donations.bankfiles.records import Number, Reference, Refused, Way
from donations.bankfiles.xml_walk import Values
from donations.money import LIMIT_ORE, format_amount

AGAIN = "Hämta filen från banken på nytt."

_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]{0,20}))?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)


# Texts to figures


def to_ore(text: str, where: str) -> int:
    """The whole öre of a decimal as XML writes it: "8625.000" → 862500; "0.005" is refused."""
    try:
        return _ore(text)
    except ValueError as error:
        raise Refused(str(error), where, text) from None


@lru_cache(maxsize=4096)
def _ore(text: str) -> int:
    found = _DECIMAL.fullmatch(text)
    if not found:
        raise ValueError(
            "Beloppet ska vara siffror med decimalpunkt och utan minustecken, till exempel 1500.00."
        )
    decimals = (found[2] or "").rstrip("0")
    if len(decimals) > 2:
        raise ValueError("Beloppet har fler än två decimaler.")
    ore = int(found[1]) * 100 + int(decimals.ljust(2, "0"))
    if ore >= LIMIT_ORE:
        raise ValueError("Beloppet är orimligt stort.")
    return ore


def to_count(text: str, where: str) -> int:
    """A number of entries or payments."""
    if not _COUNT.fullmatch(text):
        raise Refused("Antalet ska skrivas med siffror.", where, text)
    return int(text)


def to_way(text: str, where: str) -> Way:
    """`CdtDbtInd`."""
    if text not in ("CRDT", "DBIT"):
        raise Refused(
            "CdtDbtInd ska vara CRDT för pengar in eller DBIT för pengar ut.", where, text
        )
    return Way.IN if text == "CRDT" else Way.OUT


def signed(ore: int, way: Way) -> int:
    """Above zero for money in, below for money out."""
    return ore if way is Way.IN else -ore


def amount_in(ore: int, currency: str) -> str:
    """ "200 000 SEK"."""
    return f"{format_amount(ore)} {currency}"


# What has been counted


@dataclass(slots=True)
class Entry:
    """What an entry (`Ntry`) says before its details, and what these have come to."""

    where: str
    account: Number
    values: Values
    ore: int
    currency: str
    way: Way
    booked_on: datetime.date
    is_booked: bool
    is_reversal: bool
    aside: str
    # Our bankgiro, when the entry is a deposit to it.
    giro: Number | None
    deposit: str
    # What every payment in it says alike, for `Line.row`.
    row: str
    # How many texts it had when its details began; 0 for one without details.
    size: int = 0
    transactions: int = 0
    lines: Counter[Way] = field(default_factory=Counter)
    # Signed öre by currency.
    sums: Counter[str] = field(default_factory=Counter)
    # The last TxDtls and its `Strd`: whether it is the only one is known when the next comes, or none.
    waiting: tuple[Values, tuple[Reference, ...]] | None = None
    # The TxDtls before that one.
    before: Values = field(default_factory=dict)
    # How many payments it says that it holds, how many details have been counted for that, and
    # what is wrong with it.
    told: int = 0
    counted: int = 0
    complaint: str = ""

    @property
    def is_told_as_one(self) -> bool:
        """Whether one TxDtls stands for several payments."""
        return self.transactions == 1 and self.told > 1

    def check(self) -> None:
        """Refuse an entry whose payments do not come to it."""
        whole = signed(self.ore, self.way)
        if self.sums != Counter({self.currency: whole}):
            parts = " och ".join(amount_in(ore, of) for of, ore in self.sums.items())
            raise Refused(
                f"Posten är på {amount_in(whole, self.currency)}, men betalningarna i den blir "
                f"tillsammans {parts}. Fråga banken, eller hämta filen på nytt.",
                self.where,
            )
        if self.complaint and not self.is_told_as_one:
            raise Refused(self.complaint, self.where)


@dataclass(slots=True)
class Tally:
    """How many entries there are each way, their sum in öre, and how many lines they came to."""

    number: Counter[Way] = field(default_factory=Counter)
    ore: Counter[Way] = field(default_factory=Counter)
    lines: Counter[Way] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        self.number[entry.way] += 1
        self.ore[entry.way] += entry.ore
        self.lines.update(entry.lines)


@dataclass(slots=True)
class Container:
    """A notification (`Ntfctn`) or a statement (`Stmt`): one account over some days."""

    where: str
    # Known from the first balance or entry on.
    account: Number | None = None
    # How many texts stood before the first entry.
    size: int = 0
    entries: int = 0
    every: Tally = field(default_factory=Tally)
    booked: Tally = field(default_factory=Tally)
    # Signed öre by currency, of what is booked.
    change: Counter[str] = field(default_factory=Counter)
    # Kind (OPBD, CLBD …), currency, day, signed öre.
    balances: list[tuple[str, str, datetime.date, int]] = field(default_factory=list)

    def count(self, entry: Entry) -> None:
        self.every.add(entry)
        if entry.is_booked:
            self.booked.add(entry)
            self.change[entry.currency] += signed(entry.ore, entry.way)

    def check(self, values: Values) -> Tally:
        """Compare with the balances and `TxsSummry`; the tally that the latter is about comes back.

        Some banks count every entry there, others those that are booked.
        """
        for currency in {balance[1] for balance in self.balances}:
            self._check_balances(currency)
        complaint = _complaint(self.every, values, self.where)
        if not complaint:
            return self.every
        if _complaint(self.booked, values, self.where):
            raise Refused(f"{complaint} {AGAIN}", self.where)
        return self.booked

    def _check_balances(self, currency: str) -> None:
        """ITBD stands on the pages of a statement that has several; PRCD is what the day before closed with."""
        days: dict[str, list[tuple[datetime.date, int]]] = {}
        for kind, of, day, ore in self.balances:
            if of == currency:
                days.setdefault(kind, []).append((day, ore))
        between = days.get("ITBD", [])
        opening = min(days.get("OPBD") or between[:1] or days.get("PRCD", []), default=None)
        closing = max(days.get("CLBD") or between[-1:], default=None)
        if opening is None or closing is None or opening is closing:
            return
        ours = opening[1] + self.change[currency]
        if ours != closing[1]:
            raise Refused(
                f"Utgående saldo är {amount_in(closing[1], currency)}, men ingående saldo och "
                f"posterna blir {amount_in(ours, currency)}. {AGAIN}",
                self.where,
            )


def _complaint(tally: Tally, values: Values, where: str) -> str:
    """What `TxsSummry` says that is not so, as a Swedish sentence; "" when all is."""
    for name, what, ways in (
        ("TtlCdtNtries", "insättningar", (Way.IN,)),
        ("TtlDbtNtries", "uttag", (Way.OUT,)),
        ("TtlNtries", "poster", (Way.IN, Way.OUT)),
    ):
        number = sum(tally.number[way] for way in ways)
        told = values.get(f"{name}.NbOfNtries")
        if told is not None and to_count(told, where) != number:
            return f"Filen uppger {told} {what} ({name}), men innehåller {number}."
        ore, text = sum(tally.ore[way] for way in ways), values.get(f"{name}.Sum")
        if text is not None and to_ore(text, where) != ore:
            return _differs(f"{what} på sammanlagt", name, to_ore(text, where), ore)
    return _net_complaint(tally.ore[Way.IN] - tally.ore[Way.OUT], values, where)


def _net_complaint(net: int, values: Values, where: str) -> str:
    text, way = values.get("TtlNtries.Net"), values.get("TtlNtries.Way")
    if text is None:
        return ""
    stated = to_ore(text, where)
    if way is None:  # whichever way, then
        net = abs(net)
    else:
        stated = signed(stated, to_way(way, where))
    return "" if stated == net else _differs("ett netto på", "TtlNtries", stated, net)


def _differs(what: str, name: str, stated: int, ours: int) -> str:
    return (
        f"Filen uppger {what} {format_amount(stated)} ({name}), "
        f"men posterna i den blir {format_amount(ours)}."
    )
