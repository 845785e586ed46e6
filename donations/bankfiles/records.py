"""What every parser makes of a file from a bank: lines of money, whatever the format. Free of Django.

Amounts are whole öre, above zero; which way the money went is `Line.way`. Days are the bank's own.
A parser reads as it goes: `Reading.lines()` yields lines while it walks the file, and what the file
says of itself as a whole (`Reading.totals`) is known, and has been compared, when they have ended.
A file that cannot be read to its end, or whose sums are not what it states, is refused whole.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Refused(ValueError):
    """A file that is not taken. `where` is a line ("rad 12") or an element ("Ntry 3, TxDtls 2"), or "".

    `why` is a Swedish sentence for the person who handed it in; `content` is the beginning of what
    stands at the place, if that helps: it may name a payer, and is never logged.
    """

    def __init__(self, why: str, where: str = "", content: str = "") -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.why, self.where, self.content = why, where, content[:80]


# A reference, a payer and a line are made once and never changed. They are not frozen, because
# freezing makes each take six times as long to make, and there may be a million in a file.


class Scheme(StrEnum):
    """What kind of number an account is known by."""

    IBAN = "iban"
    BBAN = "bban"
    BANKGIRO = "bankgiro"
    PLUSGIRO = "plusgiro"
    SWISH = "swish"


@dataclass(frozen=True, slots=True)
class Number:
    """An account's number: its digits (IBAN: its letters and digits), without blanks, hyphens, leading zeros."""

    scheme: Scheme
    digits: str


class Way(StrEnum):
    """Which way the money went, seen from us."""

    IN = "in"
    OUT = "out"


class Kind(StrEnum):
    """What a line is, as far as the file tells."""

    PAYMENT = "payment"
    # The sum of payments whose details come in another file; never a gift.
    LUMP = "lump"
    # Money that went back to whom it came from, or came back to us.
    RETURN = "return"
    # A fee, interest, an own transfer, as the file's own codes say.
    OTHER = "other"


class Ground(StrEnum):
    """What a reference is, as far as the file tells."""

    # The bank has checked it as an OCR number.
    OCR = "ocr"
    REFERENCE = "reference"
    MESSAGE = "message"
    # The number that identifies the payer in Autogiro.
    AUTOGIRO = "autogiro"


@dataclass(unsafe_hash=True, slots=True)
class Reference:
    """Something that the payer wrote, or chose, to say what the money is for; its part of the sum, if told."""

    ground: Ground
    text: str
    amount_ore: int | None = None


@dataclass(unsafe_hash=True, slots=True)
class Payer:
    """Who paid, as far as the bank tells; each part "" where it does not."""

    name: str = ""
    address: str = ""
    postcode: str = ""
    town: str = ""
    country: str = ""
    account: str = ""
    # An organisation's number, or what Swish calls the sender: a telephone number.
    identity: str = ""


NOBODY = Payer()


@dataclass(unsafe_hash=True, slots=True)
class Line:
    """One movement in the file.

    `where` says at which line or element it stands. `to` is our number as the payer knew it (a giro, a
    Swish number) where the file tells, else the same as `account`, the account that the money is on.
    `bank_id` is the bank's own lasting id for it, "" when there is none; `deposit` ties the payments
    of one lump sum together across files, and to the lump itself. `row` is the line's own content in
    one canonical form: two lines alike in all that they say have the same. `aside` says in Swedish why
    it can be no gift whatever anybody decides (another currency, not booked yet), else "". `code` is
    the bank's own code for what kind of movement it is ("PMNT CHRG" in camt, "SWR" in Swish reports).
    """

    where: str
    account: Number
    to: Number
    booked_on: datetime.date
    amount_ore: int
    way: Way
    kind: Kind
    channel: str
    row: str
    bank_id: str = ""
    deposit: str = ""
    currency: str = "SEK"
    references: tuple[Reference, ...] = ()
    payer: Payer = NOBODY
    aside: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account held at the end of a day, as a statement says: öre, below zero when overdrawn."""

    account: Number
    day: datetime.date
    amount_ore: int
    is_opening: bool


@dataclass(slots=True)
class Totals:
    """What the file says of itself; None where it says nothing. Öre and numbers of lines."""

    credits: int | None = None
    credit_ore: int | None = None
    debits: int | None = None
    debit_ore: int | None = None
    balances: list[Balance] = field(default_factory=list)
    # Swedish sentences about what is not as it should be, though it changes no sum.
    remarks: list[str] = field(default_factory=list)


class Reading(Protocol):
    """A file that has been recognised. `format` and `version` name it: "camt.054" and "08", "BgMax" and "1"."""

    format: str
    version: str
    # Marked by the bank as a test: nothing in it has happened.
    is_test: bool
    # Known when `lines` has been walked to its end.
    totals: Totals

    def lines(self) -> Iterator[Line]:
        """The file's lines in their order, once. Raises `Refused`, also after the last of them."""
