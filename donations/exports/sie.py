"""SIE 4I: vouchers for a general ledger, as bytes. Without Django; the rules are those of the SIE format, type 4I.

The text is CP437, whatever the letters were (see `as_cp437`); every text stands in quotation marks, with
those inside it escaped; lines end with CRLF. Amounts are whole öre here and kronor with a decimal point in
the file, debit positive.
"""

import datetime
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

PROGRAM, VERSION = "Kollekt", "1.0"
# The dimension that the format reserves for projects; it needs no #DIM.
PROJECT = 6


@dataclass(frozen=True)
class Row:
    """One side of a voucher: an account, the project it is for ("" for none), öre with debit positive."""

    account: str
    project: str
    ore: int


@dataclass(frozen=True)
class Voucher:
    """A day's voucher. Its rows sum to zero. The general ledger gives it its number in the series."""

    series: str
    day: datetime.date
    text: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class SieFile:
    """A file: who it is about, the financial year, the names of what its vouchers use, and the vouchers."""

    organisation: str
    organisation_number: str  # "802000-0000", or "" for none
    made_on: datetime.date
    year: tuple[datetime.date, datetime.date]
    accounts: Mapping[str, str]
    projects: Mapping[str, str]
    vouchers: Sequence[Voucher] = field(default_factory=tuple)


def write(file: SieFile) -> bytes:
    """The file's bytes. Raises `ValueError` for what no general ledger could take in."""
    return "".join(f"{line}\r\n" for line in _lines(file)).encode("cp437")


def _lines(file: SieFile) -> Iterator[str]:
    yield "#FLAGGA 0"
    yield f"#PROGRAM {_quoted(PROGRAM)} {_quoted(VERSION)}"
    yield "#FORMAT PC8"
    yield f"#GEN {_day(file.made_on)}"
    yield "#SIETYP 4"
    if file.organisation_number:
        yield f"#ORGNR {_quoted(file.organisation_number)}"
    yield f"#FNAMN {_quoted(file.organisation, or_else=PROGRAM)}"
    yield f"#RAR 0 {_day(file.year[0])} {_day(file.year[1])}"
    for number, name in sorted(file.accounts.items()):
        yield f"#KONTO {_account(number)} {_quoted(name, or_else=number)}"
    for code, name in sorted(file.projects.items()):
        yield f"#OBJEKT {PROJECT} {_quoted(code)} {_quoted(name, or_else=code)}"
    for voucher in file.vouchers:
        yield from _voucher(file, voucher)


def _voucher(file: SieFile, voucher: Voucher) -> Iterator[str]:
    if sum(row.ore for row in voucher.rows) or not voucher.rows:
        raise ValueError(f"The voucher {voucher.text!r} of {voucher.day} does not sum to zero.")
    if not file.year[0] <= voucher.day <= file.year[1]:
        raise ValueError(f"The voucher {voucher.text!r} of {voucher.day} is of another year.")
    yield f'#VER {_quoted(voucher.series)} "" {_day(voucher.day)} {_quoted(voucher.text)}'
    yield "{"
    for row in voucher.rows:
        if row.account not in file.accounts or (row.project and row.project not in file.projects):
            raise ValueError(f"Nobody has named what {row} is about.")
        objects = f"{PROJECT} {_quoted(row.project)}" if row.project else ""
        yield f"#TRANS {row.account} {{{objects}}} {_kronor(row.ore)}"
    yield "}"


def _account(number: str) -> str:
    if not (number.isascii() and number.isdigit()):
        raise ValueError(f"An account is a number, not {number!r}.")
    return number


def _day(day: datetime.date) -> str:
    return f"{day:%Y%m%d}"


def _kronor(ore: int) -> str:
    kronor, rest = divmod(abs(ore), 100)
    return f"{'-' if ore < 0 else ''}{kronor}.{rest:02}"


def _quoted(text: str, or_else: str = "") -> str:
    """The text as a field; with `or_else` before it where CP437 has none of its letters."""
    shown = as_cp437(text)
    if (or_else and not shown) or (_has_letters(text) and not _has_letters(shown)):
        shown = f"{or_else} {shown}".strip()
    return '"' + shown.replace('"', '\\"') + '"'


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


# Letters

# What CP437 lacks and no decomposition gives, by what a Swedish reader would write instead. The backslash
# is in CP437, but stands for nothing in a field except before a quotation mark.
_INSTEAD = {
    **dict.fromkeys("–—―‐‑‒−", "-"),
    **dict.fromkeys("’‘‚‛′ʼ´", "'"),
    **dict.fromkeys("”“„‟″", '"'),
    **dict.fromkeys("›", ">"),
    **dict.fromkeys("‹", "<"),
    **dict.fromkeys("•‣●▪", "·"),
    **{"\\": "/", "⁄": "/", "€": "EUR", "§": "par. ", "¶": "", "…": "...", "×": "x"},
    **{"©": "(c)", "®": "(r)", "™": "TM", "¹": "1", "³": "3", "¤": "", "№": "nr"},
    **{"ø": "ö", "Ø": "Ö", "ő": "ö", "Ő": "Ö", "ű": "ü", "Ű": "Ü"},
    **{"œ": "oe", "Œ": "OE", "ẞ": "SS", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D"},
    **{
        "þ": "th",
        "Þ": "Th",
        "ı": "i",
        "ŋ": "ng",
        "Ŋ": "Ng",
        "ħ": "h",
        "Ħ": "H",
        "ŧ": "t",
        "Ŧ": "T",
    },
    **{"ə": "e", "Ə": "E", "ĸ": "k", "ſ": "s", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ɔ": "o", "ɛ": "e"},
}
# Greek and Cyrillic, letter by letter: CP437 has eight Greek ones, of which no name can be written.
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψω"
_GREEK_AS = "a v g d e z i th i k l m n x o p r s s t y f ch ps o"
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщыэюяіїєґђјљњћџ"
_CYRILLIC_AS = (
    "a b v g d e jo zj z i j k l m n o p r s t u f ch ts tj sj sjtj y e ju ja"
    " i ji je g dj j lj nj tj dzj"
)
_IN_LATIN = {
    **dict(zip(_GREEK, _GREEK_AS.split(), strict=True)),
    **dict(zip(_CYRILLIC, _CYRILLIC_AS.split(), strict=True)),
    **{"ъ": "", "ь": ""},
}


def as_cp437(text: str) -> str:
    """The text in letters that CP437 has, on one line: ”Łódź – 5 €” becomes "Lodz - 5 EUR".

    å, ä, ö and all else that CP437 has stay as they are. Other Latin letters lose what is put on them,
    Greek and Cyrillic are written in Latin ones, and what has no letters of ours (Arabic, Chinese, emoji)
    is left out. Never a question mark where there was none.
    """
    return " ".join("".join(map(_letter, unicodedata.normalize("NFC", text))).split())


@cache
def _letter(char: str) -> str:
    if char in _INSTEAD:
        return _INSTEAD[char]
    if char.isspace() or unicodedata.category(char) == "Cc":
        return " "
    latin = _IN_LATIN.get(char.lower(), _IN_LATIN.get(_bare(char.lower())))
    if latin is not None:
        return latin.capitalize() if char != char.lower() else latin
    if _is_cp437(char):
        return char
    parts = unicodedata.normalize("NFKD", char)
    return "".join(map(_letter, parts)) if parts != char else ""


def _bare(char: str) -> str:
    """The letter without what is put on it."""
    return unicodedata.normalize("NFD", char)[0]


def _is_cp437(char: str) -> bool:
    try:
        char.encode("cp437")
    except UnicodeEncodeError:
        return False
    return True
