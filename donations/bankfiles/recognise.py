"""Which kind of file it is, by the first bytes of it and never by its name.

A new format is a module of its own with a class that satisfies `Reading`, and a row in `FORMATS`.
"""

import re
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from donations.bankfiles.bgmax import BgMax
from donations.bankfiles.camt import Camt, NotCamt
from donations.bankfiles.records import Reading, Refused
from donations.bankfiles.swish import TITLE_LINES, Handelsbanken, Swedbank

HEAD = 1 << 16  # bytes; more blanks than these begin no file

_WEB_PAGE = re.compile(rb"<(?:!doctype )?html\b", re.IGNORECASE)
_BLANKS = b" \t\r\n\x00\x1a"
_BOM = b"\xef\xbb\xbf"


class Unrecognised(Refused):
    """A file of no kind that is read by itself; a sheet can still be read through a saved column mapping."""


def _is_swedbank(beginning: bytes) -> bool:
    """A title of its own, and headings of which the first is the row's number."""
    if re.match(rb'"?\* ?Swish-rapport', beginning, re.IGNORECASE):
        return True
    lines = beginning[:4096].splitlines()[:TITLE_LINES]
    return any(re.match(rb'"?Radnr"?[,;\t]', line, re.IGNORECASE) for line in lines)


class Format(NamedTuple):
    """A kind of file: what people call it, whether it begins so, and what reads it."""

    name: str
    fits: Callable[[bytes], object]
    read: Callable[[BinaryIO], Reading]


FORMATS = (
    Format("camt.054 och camt.053 (XML)", re.compile(rb"<").match, Camt),
    Format("BgMax", re.compile(rb"01BGMAX").match, BgMax),
    Format(
        "Swishrapport från Handelsbanken",
        re.compile(rb'"?01"?[ ]*[,;\t][ ]*"?[0-9]{4}-?[0-9]{2}-?[0-9]{2}').match,
        Handelsbanken,
    ),
    Format("Swishrapport från Swedbank", _is_swedbank, Swedbank),
)

# What a reading calls its format → what people call that kind of file.
KINDS = {
    "camt.054": "camt.054 (inbetalningar)",
    "camt.053": "camt.053 (kontoutdrag)",
    BgMax.format: "BgMax",
    Handelsbanken.format: "Swishrapport från Handelsbanken",
    Swedbank.format: "Swishrapport från Swedbank",
}

# What other files begin with, and what would be right instead.
_OTHERS = (
    (b"PK\x03\x04", "Filen är en Excelfil eller ett ziparkiv."),
    (b"\x1f\x8b", "Filen är packad (gzip). Packa upp den först."),
    (b"%PDF", "Filen är en pdf, som bara är till för att läsas av människor."),
)


def recognise(stream: BinaryIO) -> Reading:
    """The reading of a file, from its beginning. Raises `Refused`, and `Unrecognised` where no format fits.

    `stream` can be sought in. Only its first bytes are read here, and what the format's own
    class reads when it is made.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    _refuse_what_is_no_text(head)
    beginning = head.removeprefix(_BOM).lstrip()
    for kind in FORMATS:
        if kind.fits(beginning):
            stream.seek(0)
            try:
                return kind.read(stream)
            except NotCamt as error:
                raise Unrecognised(f"{error.why} {_readable()}") from None
    about = next((why for mark, why in _OTHERS if head.startswith(mark)), "Filen känns inte igen.")
    raise Unrecognised(f"{about} {_readable()}")


def _refuse_what_is_no_text(head: bytes) -> None:
    if not head:
        raise Refused("Filen är tom. Hämta den från banken på nytt.")
    if not head.removeprefix(_BOM).strip(_BLANKS):
        raise Refused(
            "Filen börjar med tomrum och innehåller inget. Hämta den från banken på nytt."
        )
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_every_other_zero(head[:64]):
        raise Refused(
            "Filen är sparad som UTF-16. Hämta den från banken på nytt, "
            "eller öppna den i en textredigerare och spara den som UTF-8."
        )

    if _WEB_PAGE.match(head.removeprefix(_BOM).lstrip()):
        raise Refused(
            "Filen är en webbsida, troligen internetbankens inloggning. "
            "Logga in där och hämta filen på nytt."
        )


def _is_every_other_zero(head: bytes) -> bool:
    """As UTF-16 and UTF-32 write letters without accents, a byte order mark or none."""
    return any(len(half) > 1 and not half.strip(b"\x00") for half in (head[::2], head[1::2]))


def _readable() -> str:
    names = [kind.name for kind in FORMATS]
    return (
        f"Det som kan läsas är {', '.join(names[:-1])} och {names[-1]}; annan CSV och Excel "
        "läses genom en kolumnmall."
    )
