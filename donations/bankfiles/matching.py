"""Which fund a payment is for, by what the payer wrote and what finance has said before.

In this order: a collection number in one of its OCR forms, or as the whole of a reference, or
standing alone in what was written (references first, then messages); then the payer's number in
Autogiro, or a payer that finance has bound to a fund. A fund's own extra words, and what a person
decided before for the same payer and text, only ever suggest.

A payment is placed when all that was found says one fund that takes money on the payment's day. Two
funds, wherever they stand, are for a person to choose between: the order is that of the suggestions.
With part amounts that come to the whole, the payment is split.

Everything told is a Swedish sentence for finance. It may hold a number that the payer wrote, and
never a name or other words of the payer's.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from donations.bankfiles.identity import plain
from donations.bankfiles.numbers import ocr_forms, standing_alone
from donations.bankfiles.records import Ground, Line, Reference
from donations.money import format_kronor

__all__ = [
    "Collection",
    "Decision",
    "How",
    "Match",
    "Part",
    "Register",
    "Suggestion",
    "match",
    "memory_keys",
    "payer_keys",
]

# What is known beforehand


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection number: its fund, the last day it takes money, the number that replaces it, extra words."""

    number: str
    fund: int
    closed_on: datetime.date | None = None
    successor: str = ""
    words: tuple[str, ...] = ()

    def is_closed(self, day: datetime.date) -> bool:
        """Whether it takes no more money on `day`."""
        return self.closed_on is not None and self.closed_on < day


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided for an earlier payment of the same payer and text: the funds, and the day."""

    funds: tuple[int, ...]
    day: datetime.date


@dataclass
class Register:
    """All that matching goes by; what fills it is the database. Not changed while it is in use.

    `autogiro` holds payer numbers in Autogiro → fund; `payers` what `payer_keys` gives → fund; and
    `decisions` what `memory_keys` gives → the latest decision. Every fund named has a collection.
    """

    collections: Sequence[Collection]
    autogiro: Mapping[str, int] = field(default_factory=dict)
    payers: Mapping[str, int] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_number = {one.number: one for one in self.collections}
        self.by_fund = {one.fund: one for one in self.collections}
        self.lengths = sorted({len(one.number) for one in self.collections})
        self.by_ocr: dict[str, list[Collection]] = {}
        for one in self.collections:
            for form in sorted(ocr_forms(one.number)):
                self.by_ocr.setdefault(form, []).append(one)
        # Digits with none beside them, of as many as a number has: most texts have none, and are passed by.
        lengths = "|".join(f"[0-9]{{{length}}}" for length in self.lengths) or "(?!)"
        self.run = re.compile(f"(?<![0-9])(?:{lengths})(?![0-9])")
        self.autogiro = {
            bare: fund for number, fund in self.autogiro.items() if (bare := number.lstrip("0"))
        }
        self.words = [
            (f" {canonical}", word, one)
            for one in self.collections
            for word in one.words
            if (canonical := plain(word))
        ]

    def heir(self, closed: Collection, day: datetime.date) -> Collection | None:
        """The number, open on `day`, that has replaced it, through as many as it takes; None without one."""
        seen = {closed.number}
        heir = self.by_number.get(closed.successor)
        while heir and heir.is_closed(day) and heir.number not in seen:
            seen.add(heir.number)
            heir = self.by_number.get(heir.successor)
        return heir if heir and heir.number not in seen else None


def payer_keys(line: Line) -> list[str]:
    """What a payer can be bound by, the surest first: account, identity, and name with text.

    A name alone is others' too. They hold what identifies a person, and go when payer details go.
    """
    text = _text(line)
    return [*_who(line), *(_named(line, text) if text else ())]


def memory_keys(line: Line) -> list[str]:
    """What a decision is remembered by: the payer, known in one way or another, and the text."""
    text = _text(line)
    return [*(f"{who}\n{text}" for who in _who(line)), *_named(line, text)]


def _who(line: Line) -> Iterator[str]:
    for name, text in (("account", line.payer.account), ("identity", line.payer.identity)):
        if number := "".join(filter(str.isalnum, text)).upper().lstrip("0"):
            yield f"{name} {number}"


def _named(line: Line, text: str) -> Iterator[str]:
    if name := plain(line.payer.name):
        yield f"name {name}\n{text}"


def _text(line: Line) -> str:
    return plain(" ".join(reference.text for reference in line.references))


# What comes of it


class How(StrEnum):
    """What decided; the last three place nothing."""

    OCR = "ocr"
    NUMBER = "number"
    ALONE = "alone"
    AUTOGIRO = "autogiro"
    PAYER = "payer"
    SPLIT = "split"
    SEVERAL = "several"
    CLOSED = "closed"
    NONE = "none"


@dataclass(unsafe_hash=True, slots=True)
class Part:
    """An amount for a fund."""

    fund: int
    amount_ore: int


@dataclass(unsafe_hash=True, slots=True)
class Suggestion:
    """A fund that it may be for, and why; its part where the payment tells one."""

    fund: int
    why: str
    amount_ore: int | None = None


@dataclass(unsafe_hash=True, slots=True)
class Match:
    """Where a payment goes: `parts` come to its whole amount, and are none when a person has to place it.

    `why` says what decided, or why nothing did. Suggestions, the likeliest first, name a fund once.
    `meant_for` is the closed fund whose number the payment bears, and no other.
    """

    how: How
    why: str
    parts: tuple[Part, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    meant_for: int | None = None


@dataclass(unsafe_hash=True, slots=True)
class _Hit:
    """A collection that the payment names, in `part` if in any; `says` is a main clause about where."""

    collection: Collection
    how: How
    says: str
    part: Reference | None = None


_PLACES = {
    Ground.OCR: ("OCR-numret", "OCR-fältet"),
    Ground.REFERENCE: ("Referensen", "referensen"),
    Ground.MESSAGE: ("Meddelandet", "meddelandet"),
    Ground.AUTOGIRO: ("Betalarnumret", "betalarnumret"),
}


def match(line: Line, register: Register) -> Match:
    """The fund or funds of a payment, or suggestions. The same line and register always give the same."""
    hits = _numbers(line, register)
    if hits:
        if any(reference.amount_ore for reference in line.references):
            return _parted(line, register, hits)
        return _decided(line, register, hits)
    return _decided(line, register, _bound(line, register))


def _decided(line: Line, register: Register, hits: list[_Hit]) -> Match:
    """One fund for all of it, or none."""
    if not hits:
        return _unplaced(How.NONE, _nothing(line, register), line, register, hits)
    first = hits[0]
    if any(hit.collection is not first.collection for hit in hits):
        return _unplaced(How.SEVERAL, _SEVERAL, line, register, hits)
    if first.collection.is_closed(line.booked_on):
        why = _sentence(first, register, line.booked_on)
        waits = _unplaced(How.CLOSED, why, line, register, hits)
        return replace(waits, meant_for=first.collection.fund)
    return Match(first.how, f"{first.says}.", (Part(first.collection.fund, line.amount_ore),))


def _parted(line: Line, register: Register, hits: list[_Hit]) -> Match:
    """A payment with part amounts: each part to its fund, if every part and the sum allow it."""
    parts = [reference for reference in line.references if reference.amount_ore]
    amounts: dict[int, int] = {}
    for part in parts:
        funds = {hit.collection.fund for hit in hits if hit.part is part}
        if len(funds) == 1:
            fund = funds.pop()
            amounts[fund] = amounts.get(fund, 0) + (part.amount_ore or 0)
    fault = _fault(line, register, hits, parts, amounts)
    if fault:
        return _unplaced(*fault, line, register, hits, amounts)
    if len(amounts) == 1:
        return Match(hits[0].how, f"{hits[0].says}.", (Part(*amounts.popitem()),))
    told = " och ".join(
        f"{format_kronor(ore)} på {register.by_fund[fund].number}" for fund, ore in amounts.items()
    )
    return Match(
        How.SPLIT, f"Betalningen har delbelopp: {told}.", tuple(map(_part, amounts.items()))
    )


def _part(amount: tuple[int, int]) -> Part:
    return Part(*amount)


def _fault(
    line: Line,
    register: Register,
    hits: list[_Hit],
    parts: list[Reference],
    amounts: Mapping[int, int],
) -> tuple[How, str] | None:
    """Why a payment with part amounts is not split as it says, if it is not."""
    stated = sum(part.amount_ore or 0 for part in parts)
    for hit in hits:
        if hit.collection.is_closed(line.booked_on):
            return How.CLOSED, _sentence(hit, register, line.booked_on)
    if any(hit.collection.fund not in amounts for hit in hits) or any(
        len({hit.collection.fund for hit in hits if hit.part is part}) > 1 for part in parts
    ):
        return How.SEVERAL, _SEVERAL
    if not all(any(hit.part is part for hit in hits) for part in parts):
        return How.SEVERAL, "Betalningen har ett delbelopp utan insamlingsnummer."
    if stated != line.amount_ore:
        return (
            How.SEVERAL,
            f"Delbeloppen är {format_kronor(stated)} tillsammans, men betalningen är på "
            f"{format_kronor(line.amount_ore)}.",
        )
    if any(ore <= 0 for ore in amounts.values()):
        return How.SEVERAL, "Betalningen har avdrag som är större än sitt delbelopp."
    return None


# Numbers


def _numbers(line: Line, register: Register) -> list[_Hit]:
    """The collection numbers in what was written, the surest first."""
    found: list[tuple[int, _Hit]] = []
    for reference in line.references:
        if reference.ground is Ground.AUTOGIRO or _is_autogiro(line, reference, register):
            continue
        found += _written(reference, register)
    if len(found) > 1:
        found.sort(key=lambda hit: hit[0])
    return [hit for _stage, hit in found]


def _written(reference: Reference, register: Register) -> Iterator[tuple[int, _Hit]]:
    """The collection numbers in one reference, each with its place in the order that is gone by."""
    whole = reference.text.strip()
    if one := register.by_number.get(whole):
        what = _PLACES[reference.ground][0]
        yield 1, _Hit(one, How.NUMBER, f"{what} är {one.number}", reference)
        return
    bare = "".join(whole.split())
    if forms := register.by_ocr.get(bare):
        for one in forms:
            says = f"{_PLACES[reference.ground][0]} {bare} hör till {one.number}"
            yield 0, _Hit(one, How.OCR, says, reference)
        return
    for number in _alone(whole, register):
        if one := register.by_number.get(number):
            says = f"Numret {number} står i {_PLACES[reference.ground][1]}"
            stage = 3 if reference.ground is Ground.MESSAGE else 2
            yield stage, _Hit(one, How.ALONE, says, reference)


def _alone(text: str, register: Register) -> list[str]:
    """The numbers as long as a collection number that stand alone in a text, known or not."""
    if not register.run.search(text):
        return []
    return [number for length in register.lengths for number in standing_alone(text, length)]


# What finance has bound


def _is_autogiro(line: Line, reference: Reference, register: Register) -> bool:
    """Whether it is a payer's number that finance has bound, however the bank marked it."""
    if reference.ground is not Ground.AUTOGIRO and line.channel != "autogiro":
        return False
    return reference.text.strip().lstrip("0") in register.autogiro


def _bound(line: Line, register: Register) -> list[_Hit]:
    """The funds that finance has bound the payer to."""
    found: list[tuple[int, How, str]] = []
    for reference in line.references:
        if _is_autogiro(line, reference, register):
            fund = register.autogiro[reference.text.strip().lstrip("0")]
            found.append((fund, How.AUTOGIRO, "Betalarnumret i Autogiro är knutet till"))
    for key in payer_keys(line) if register.payers else ():
        if (bound := register.payers.get(key)) is not None:
            both = key.startswith("name ")
            says = "Betalaren och texten är knutna till" if both else "Betalaren är knuten till"
            found.append((bound, How.PAYER, says))
    return [
        _Hit(register.by_fund[fund], how, f"{says} {register.by_fund[fund].number}")
        for fund, how, says in found
    ]


# For a person


_SEVERAL = "Betalningen nämner flera insamlingar."
_MONTHS = (
    *("januari", "februari", "mars", "april", "maj", "juni"),
    *("juli", "augusti", "september", "oktober", "november", "december"),
)
_LONG = re.compile("[0-9]{3}")
# Numbers written together: a range, or two with a hyphen or a slash between them.
_JOINED = re.compile(r"(?<![0-9])[0-9]+(?:\s?[-‐‑–/+&]\s?[0-9]+)+(?![0-9])")


def _unplaced(
    how: How,
    why: str,
    line: Line,
    register: Register,
    hits: list[_Hit],
    amounts: Mapping[int, int] | None = None,
) -> Match:
    """No fund, with suggestions: what was found, what looks like it, what was decided before, words."""
    found: dict[int, Suggestion] = {}
    for hit in (
        *hits,
        *_nearly(line, register),
        *_decided_before(line, register),
        *_worded(line, register),
    ):
        one: Collection | None = hit.collection
        if hit.collection.is_closed(line.booked_on):
            one = register.heir(hit.collection, line.booked_on)
        if one and one.fund not in found:
            amount_ore = (amounts or {}).get(hit.collection.fund)
            says = _sentence(hit, register, line.booked_on)
            found[one.fund] = Suggestion(one.fund, says, amount_ore)
    return Match(how, why, (), tuple(found.values()))


def _sentence(hit: _Hit, register: Register, day: datetime.date) -> str:
    if not hit.collection.is_closed(day):
        return f"{hit.says}."
    heir = register.heir(hit.collection, day)
    replaced = f" Den ersätts av {heir.number}." if heir else ""
    return f"{hit.says}, men insamlingen är stängd.{replaced}"


def _nothing(line: Line, register: Register) -> str:
    """Why there is no hit at all."""
    for reference in line.references:
        for number in _alone(reference.text, register):
            where = _PLACES[reference.ground][1]
            return f"Numret {number} står i {where}, men ingen insamling har det."
    for reference in line.references:
        if reference.ground is Ground.OCR:
            return f"OCR-numret {reference.text} hör inte till någon insamling."
    return "Inget insamlingsnummer står i betalningen."


def _nearly(line: Line, register: Register) -> Iterator[_Hit]:
    """Numbers that may be meant but may be something else: with others, or an OCR number in a text.

    The OCR form of a number can as well be a day of birth: 470302.
    """
    for reference in line.references:
        if not _LONG.search(reference.text):
            continue
        where = _PLACES[reference.ground][1]
        for joined in _JOINED.findall(reference.text):
            numbers = re.findall("[0-9]+", joined)
            if all(number in register.by_number for number in numbers):
                for number in numbers:
                    says = f"Numret {number} står i {where}, ihop med andra nummer"
                    yield _Hit(register.by_number[number], How.NONE, says)
        for length in sorted({len(form) for form in register.by_ocr}):
            for form in standing_alone(reference.text, length):
                for one in register.by_ocr.get(form, ()):
                    says = f"{form} står i {where}, och är OCR-numret till {one.number}"
                    yield _Hit(one, How.NONE, says)


def _decided_before(line: Line, register: Register) -> Iterator[_Hit]:
    for key in memory_keys(line) if register.decisions else ():
        if decision := register.decisions.get(key):
            day = f"{decision.day.day} {_MONTHS[decision.day.month - 1]} {decision.day.year}"
            for one in map(register.by_fund.__getitem__, decision.funds):
                says = f"Samma betalare och text placerades på {one.number} den {day}"
                yield _Hit(one, How.NONE, says)


def _worded(line: Line, register: Register) -> Iterator[_Hit]:
    text = f" {_text(line)}" if register.words else ""
    for canonical, word, one in register.words:
        if canonical in text:
            yield _Hit(one, How.NONE, f"”{word}” står i texten, och är ett ord för {one.number}")
