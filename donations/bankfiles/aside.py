"""Lines that are no gifts: what recognises them, what they are, and how many they were.

What is certain comes first (not booked, another currency, a lump, a return, money between our own
accounts), then the rules that finance has added, in their order, then what the bank's codes and
common words say, and last that money which went from us is no gift. What none of these takes is
a payment in, for matching.

A rule that takes money in must say something of the payment's text, code or other party, so that no
rule by its sum alone takes a gift. Nothing set aside is lost: it is counted, and told with the rule.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from donations.bankfiles.identity import plain
from donations.bankfiles.records import Kind, Line, Number, Scheme, Way

__all__ = ["BUILT_IN", "Aside", "Class", "Count", "Rule", "Sorting"]

SHORTEST_TEXT = 3
# A text as short as this is a word of its own: "lön" is not in "Salonen".
LONGEST_WORD = 3

# The codes that gifts have, too: a rule that says no more takes them all.
_OF_GIFTS = frozenset({"PMNT", "RCDT", "SWH"})


class Class(StrEnum):
    """What a line that is set aside is."""

    FEE = "fee"
    INTEREST = "interest"
    OWN_TRANSFER = "own transfer"
    OUTGOING = "outgoing"
    RETURN = "return"
    LUMP = "lump"
    OTHER_CURRENCY = "other currency"
    NOT_BOOKED = "not booked"
    ZERO = "zero"
    OTHER = "other"


SHOWN = {
    Class.FEE: "avgift",
    Class.INTEREST: "ränta eller skatt",
    Class.OWN_TRANSFER: "egen överföring",
    Class.OUTGOING: "utbetalning",
    Class.RETURN: "återbetalning",
    Class.LUMP: "klumpsumma",
    Class.OTHER_CURRENCY: "annan valuta",
    Class.NOT_BOOKED: "inte bokförd",
    Class.ZERO: "noll kronor",
    Class.OTHER: "annat",
}


# Numbers as they are compared


_NO_LETTER_OR_DIGIT = re.compile("[^0-9A-Za-z]")


def _numbers(line: Line) -> set[str]:
    told = (line.payer.account, line.payer.identity)
    return {form for text in told if text for form in _forms(text) if form}


def _forms(text: str) -> list[str]:
    """A number as it is compared: a Swedish IBAN also as the account in it (its last 17 digits)."""
    if text.isdigit():
        return [text.lstrip("0")]
    bare = _bare(text)
    if len(bare) == 24 and bare.startswith("SE"):
        return [bare, bare[-17:].lstrip("0")]
    return [bare]


def _bare(text: str) -> str:
    if not (text.isascii() and text.isalnum()):
        text = _NO_LETTER_OR_DIGIT.sub("", text)
    return text.upper().lstrip("0")


# Rules


@dataclass(frozen=True, slots=True)
class Rule:
    """What a line must be to be set aside as `is_a`: all that is said here, "" and None being nothing.

    `name` is what finance calls the rule. `text` is a part of the payer's name or of something that was
    written, whatever its case and accents; one of three letters is a word of it. `account` is the
    other party's number, and `is_ours` asks that it is one of our own. `code` is the bank's, or some
    of its words: "CHRG" is in "PMNT CHRG". The amounts, in öre, are the least and the most.

    Raises `ValueError`, a Swedish sentence, for a rule that would take every gift.
    """

    name: str
    is_a: Class
    text: str = ""
    account: str = ""
    is_ours: bool = False
    code: str = ""
    way: Way | None = None
    least_ore: int | None = None
    most_ore: int | None = None
    words: str = field(init=False, repr=False)
    codes: frozenset[str] = field(init=False, repr=False)
    digits: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", plain(self.text))
        object.__setattr__(self, "codes", frozenset(self.code.upper().split()))
        object.__setattr__(self, "digits", _bare(self.account))
        if self.text and len(self.words) < SHORTEST_TEXT:
            raise ValueError(
                f"Texten i regeln ska ha minst {SHORTEST_TEXT} bokstäver eller siffror."
            )
        if self.account and not self.digits:
            raise ValueError("Kontot i regeln ska vara ett nummer.")
        says_what = self.words or self.codes - _OF_GIFTS or self.digits or self.is_ours
        if not says_what and self.way is not Way.OUT:
            raise ValueError(
                "Regeln skulle ta undan gåvor. Ange en text, en bankkod eller ett konto, "
                "eller låt den bara gälla pengar ut."
            )
        if None not in (self.least_ore, self.most_ore) and self.least_ore > self.most_ore:  # type: ignore[operator]
            raise ValueError("Det minsta beloppet är större än det största.")

    def takes(self, line: Line, written: str, *, is_ours: bool) -> bool:
        """Whether the line is all that the rule says. `written` is its text, as `_written` gives it."""
        return (
            (self.way is None or line.way is self.way)
            and (self.least_ore is None or line.amount_ore >= self.least_ore)
            and (self.most_ore is None or line.amount_ore <= self.most_ore)
            and (not self.is_ours or is_ours)
            and (not self.codes or self.codes <= set(line.code.upper().split()))
            and (not self.digits or self.digits in _numbers(line))
            and (not self.words or self._is_in(written))
        )

    def _is_in(self, written: str) -> bool:
        if len(self.words) > LONGEST_WORD:
            return self.words in written
        return any(f" {self.words} " in f" {text} " for text in written.split("\n"))


def _out(name: str, is_a: Class, *, text: str) -> Rule:
    return Rule(name, is_a, text=text, way=Way.OUT)


# The domains and subfamilies are those of ISO 20022's external code set for bank transactions.
BUILT_IN = (
    *(
        Rule("Bankens kod för avgifter", Class.FEE, code=code)
        for code in ("CHRG", "FEES", "COMM", "COME", "COMI", "COMT")
    ),
    *(
        Rule("Bankens kod för ränta och skatt", Class.INTEREST, code=code)
        for code in ("INTR", "TAXE")
    ),
    Rule("Bankens kod för överföring mellan egna konton", Class.OWN_TRANSFER, code="CAMT"),
    # Formats without codes. Only money out: a gift's message may say "avgift".
    _out("Texten är en avgift", Class.FEE, text="avgift"),
    _out("Texten är en avgift", Class.FEE, text="prisspec"),
    _out("Texten är ränta eller skatt", Class.INTEREST, text="ränta"),
    _out("Texten är ränta eller skatt", Class.INTEREST, text="preliminärskatt"),
    _out("Texten är en egen överföring", Class.OWN_TRANSFER, text="eget konto"),
    _out("Texten är en egen överföring", Class.OWN_TRANSFER, text="egen överföring"),
)


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a line is set aside: what it is, a Swedish sentence, and the rule where one decided."""

    is_a: Class
    why: str
    rule: Rule | None = None


@dataclass(slots=True)
class Count:
    """Lines and öre."""

    lines: int = 0
    ore: int = 0


class Sorting:
    """Tells gifts from the rest, line by line, and counts what it sets aside.

    `ours` are all the numbers that our accounts are known by; `rules` are finance's own, in order.
    """

    def __init__(self, ours: Iterable[Number], rules: Iterable[Rule] = ()) -> None:
        self.counts: dict[tuple[Class, Way], Count] = {}
        self._rules, self._ours = tuple(rules), _Ours(ours)

    def sort(self, line: Line) -> Aside | None:
        """Why the line is no gift, counted; None for what may be one."""
        found = self._certain(line) or self._by_rule(line)
        if not found and line.way is Way.OUT:
            found = Aside(Class.OUTGOING, "Pengarna har gått ut från kontot.")
        if found:
            count = self.counts.setdefault((found.is_a, line.way), Count())
            count.lines += 1
            count.ore += line.amount_ore
        return found

    def _certain(self, line: Line) -> Aside | None:
        if line.aside or line.currency != "SEK":
            is_other = line.currency != "SEK"
            why = line.aside or f"Beloppet är i {line.currency}, inte i svenska kronor."
            return Aside(Class.OTHER_CURRENCY if is_other else Class.NOT_BOOKED, why)
        if not line.amount_ore:
            return Aside(Class.ZERO, "Beloppet är 0 kronor.")
        if line.kind is Kind.LUMP:
            return Aside(
                Class.LUMP, "Summan av flera betalningar, vars uppgifter kommer i en annan fil."
            )
        if line.kind is Kind.RETURN:
            is_in = line.way is Way.IN
            why = "har kommit tillbaka till oss" if is_in else "har gått tillbaka till betalaren"
            return Aside(Class.RETURN, f"Pengarna {why}, enligt banken.")
        if self._ours.is_other_party(line):
            return Aside(Class.OWN_TRANSFER, "Den andra parten är ett av våra egna konton.")
        return None

    def _by_rule(self, line: Line) -> Aside | None:
        if line.way is Way.IN and line.kind is Kind.PAYMENT and not self._rules:
            return None  # by far the most: the built-in rules take none of them
        written, is_ours = _written(line), self._ours.is_other_party(line)
        built_in = BUILT_IN if line.way is Way.OUT or line.kind is Kind.OTHER else ()
        for rule in (*self._rules, *built_in):
            if rule.takes(line, written, is_ours=is_ours):
                return Aside(rule.is_a, f"Regeln ”{rule.name}” gäller.", rule)
        if line.kind is Kind.OTHER:
            return Aside(Class.OTHER, f"Banken säger att det inte är en betalning ({line.code}).")
        return None


# The other party's account


class _Ours:
    """Our own numbers, to be known again in `Payer`, which does not say what kind of number it has.

    A short number is a giro: one that pays to a bankgiro is a bankgiro itself, so that a payer's
    bankgiro is not taken for a plusgiro of ours. An IBAN is known also by the account in it.
    """

    def __init__(self, numbers: Iterable[Number]) -> None:
        ours = [(number.scheme, form) for number in numbers for form in _forms(number.digits)]
        self._all = {form for _scheme, form in ours} - {""}
        self._bankgiros = {form for scheme, form in ours if scheme is Scheme.BANKGIRO}

    def is_other_party(self, line: Line) -> bool:
        """Whether the line is between accounts of ours."""
        payer = line.payer
        for text in (payer.account, payer.identity):
            for number in _forms(text) if text else ():
                if number in self._all and self._is_so(number, line):
                    return True
        return False

    def _is_so(self, number: str, line: Line) -> bool:
        """Whether a number that is among ours is so also as the kind of number that it must be."""
        is_giro = number.isdigit() and len(number) <= 8
        return not is_giro or line.to.scheme is not Scheme.BANKGIRO or number in self._bankgiros


def _written(line: Line) -> str:
    """The payer's name and all that was written, each on its own line, so that no text spans two."""
    texts = (line.payer.name, *(reference.text for reference in line.references))
    return "\n".join(map(plain, texts))
