"""Numbers as Swedish banks and their customers write them: accounts, OCR numbers, collection numbers in a text.

Bankgiro, plusgiro and OCR numbers end in a check digit (Luhn, modulus 10).
"""

import datetime
import re
from collections.abc import Callable

from stdnum import iban, luhn

from donations.bankfiles.records import Number, Scheme
from donations.ocr import ocr_forms

__all__ = [
    "collection_numbers",
    "deposit_key",
    "is_ocr",
    "ocr_forms",
    "parse",
    "printed",
    "standing_alone",
]

_BLANK_OR_HYPHEN = re.compile(r"[\s\-‐‑–−]+")
_DIGITS = re.compile(r"[0-9]+")


# OCR numbers


def is_ocr(text: str) -> bool:
    """Whether it can be an OCR number: 2 to 25 digits of which the last is the check digit."""
    return 2 <= len(text) <= 25 and bool(_DIGITS.fullmatch(text)) and luhn.is_valid(text)


def collection_numbers(ocr: str) -> set[str]:
    """The collection numbers that have this OCR form: "470302" → {"47030"}, "4703070" → {"470307", "47030"}.

    The reverse of `ocr_forms`: without the check digit, and without length digit too where that
    one tells the length. Empty when it is no OCR number.
    """
    if not is_ocr(ocr):
        return set()
    found = {ocr[:-1]}
    if len(ocr) > 2 and int(ocr[-2]) == len(ocr) % 10:
        found.add(ocr[:-2])
    return found


# Accounts


def parse(scheme: Scheme, text: str) -> Number:
    """An account's number as a person writes it: "BG 900-1223", "pg 90 12 23-8", "123 123 45 67".

    Raises `ValueError` with a Swedish sentence that says what would be right.
    """
    return Number(scheme, _PARSERS[scheme](_bare(scheme, text)))


def printed(number: Number) -> str:
    """The number as it is shown: "5402-9681", "90 12 23-8", "123 123 45 67", IBAN in groups of four."""
    digits = number.digits
    match number.scheme:
        case Scheme.BANKGIRO if len(digits) > 4:
            return f"{digits[:-4]}-{digits[-4:]}"
        case Scheme.PLUSGIRO if len(digits) > 1:
            return f"{_grouped(digits[:-1], (2,))}-{digits[-1]}"
        case Scheme.SWISH:
            return _grouped(digits, (2, 2, 3))
        case Scheme.IBAN:
            return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return digits


def _grouped(digits: str, sizes: tuple[int, ...]) -> str:
    """Groups counted from the right; the last size goes on for the rest."""
    groups: list[str] = []
    while digits:
        size = sizes[min(len(groups), len(sizes) - 1)]
        groups.append(digits[-size:])
        digits = digits[:-size]
    return " ".join(reversed(groups))


_PREFIXES = {
    Scheme.BANKGIRO: r"(?:bankgiro|bg)",
    Scheme.PLUSGIRO: r"(?:plusgiro|postgiro|pg)",
    Scheme.SWISH: r"swish",
    Scheme.IBAN: r"iban",
    Scheme.BBAN: r"(?:konto|kontonummer)",
}


def _bare(scheme: Scheme, text: str) -> str:
    """Without "Bg:" before it, blanks and hyphens."""
    text = re.sub(rf"\A\s*{_PREFIXES[scheme]}(?:nr|nummer)?\b[.:]?", "", text[:100], flags=re.I)
    return _BLANK_OR_HYPHEN.sub("", text)


def _bankgiro(bare: str) -> str:
    digits = bare.lstrip("0")
    if not re.fullmatch("[0-9]{7,8}", digits):
        raise ValueError("Ett bankgironummer har sju eller åtta siffror, till exempel 900-1223.")
    return _checked(digits, "Bankgironumret")


def _plusgiro(bare: str) -> str:
    digits = bare.lstrip("0")
    if not re.fullmatch("[0-9]{2,8}", digits):
        raise ValueError("Ett plusgironummer har två till åtta siffror, till exempel 90 12 23-8.")
    return _checked(digits, "Plusgironumret")


def _checked(digits: str, what: str) -> str:
    if not luhn.is_valid(digits):
        raise ValueError(f"{what} är felskrivet: den sista siffran stämmer inte med de andra.")
    return digits


def _swish(bare: str) -> str:
    if not re.fullmatch("123[0-9]{7}", bare):
        raise ValueError(
            "Ett Swishnummer för organisationer har tio siffror och börjar med 123, "
            "till exempel 123 123 45 67."
        )
    return bare


def _iban(bare: str) -> str:
    if not re.fullmatch("[A-Za-z]{2}[0-9]{2}[0-9A-Za-z]{4,30}", bare) or not iban.is_valid(bare):
        raise ValueError(
            "IBAN är felskrivet. Ett svenskt börjar med SE och har 22 siffror efter det."
        )
    return bare.upper()


def _bban(bare: str) -> str:
    digits = bare.replace(",", "").replace(".", "").lstrip("0")
    if not re.fullmatch("[0-9]{5,20}", digits):
        raise ValueError(
            "Ett kontonummer är clearingnummer och kontonummer med siffror, till exempel 9960-2601234567."
        )
    return digits


_PARSERS: dict[Scheme, Callable[[str], str]] = {
    Scheme.BANKGIRO: _bankgiro,
    Scheme.PLUSGIRO: _plusgiro,
    Scheme.SWISH: _swish,
    Scheme.IBAN: _iban,
    Scheme.BBAN: _bban,
}


def deposit_key(giro: Number, serial: str, day: datetime.date) -> str:
    """What ties a bankgiro's deposit together across formats: "BG9001223 00294 2026".

    `serial` is the deposit's number, unique for the giro and the year: BgMax record 15, positions
    46-50, and the five digits after the giro in `NtryRef` of some banks' camt files.
    """
    kind = "PG" if giro.scheme is Scheme.PLUSGIRO else "BG"
    return f"{kind}{giro.digits} {serial.zfill(5)} {day.year}"


# A collection number in what a person wrote

# Numbers that are something else, tried from each place in the text in this order. A telephone
# number ends where its last group of digits does, so that what follows it stands alone.
_SOMETHING_ELSE = re.compile(
    r"""
      (?<!\d)(?:\+|00)[1-9](?:[ \-‐‑–/.]?(?:\(0\))?[0-9]){7,13}(?!\d)      # telephone, with country
    | (?<!\d)\(?0[1-9](?:[ \-‐‑–/.)]{0,2}[0-9]){5,8}(?!\d)                  # telephone
    | (?<!\d)(?:[0-9]{2})?[0-9]{6}[ ]?[-+‐‑–][ ]?[0-9]{4}(?!\d)             # personnummer, orgnr
    | (?<!\d)[0-9]++(?:[-‐‑–][0-9]++)+                                              # a giro, an account, a date
    | (?<!\d)[0-9]++[.,:][0-9]{1,2}(?!\d)                                   # an amount
    | (?<!\d)[0-9]++\s?(?:kr\b|kronor\b|sek\b|[:,.]-)                        # an amount
    | \b(?:kr|sek)[ .:]{0,2}[0-9]++(?!\d)                                    # an amount
    | (?<![\w.+-])[\w.+-]{1,64}@[\w.-]+                                      # an address
    """,
    re.VERBOSE | re.IGNORECASE,
)


def standing_alone(text: str, length: int = 5) -> list[str]:
    """The numbers of `length` digits that stand alone in a text, each once, in the order they stand.

    No digit touches them, and they are no part of a telephone number, a personnummer, an account
    number, an amount or any longer run of digits. "Brunnar 47030, tel 0470-47110" → ["47030"].
    """
    rest = _SOMETHING_ELSE.sub(" # ", text)
    return list(dict.fromkeys(re.findall(rf"(?<!\d)[0-9]{{{length}}}(?!\d)", rest)))
