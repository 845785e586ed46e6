"""Personal identity numbers in what people have written, hidden where it is shown."""

import re

from stdnum import luhn

HIDDEN = "••••••-••••"

# Six or eight digits for the day of birth, perhaps a hyphen or a plus sign, and four more; no digit beside.
_LIKE_ONE = re.compile(
    r"(?<![0-9])(?P<century>[0-9]{2})?(?P<day>[0-9]{6})"
    r"(?:(?P<sign>\s?[-+‐‑–−]\s?)|(?P<blank>[ \u00a0]))?(?P<last>[0-9]{4})(?![0-9])"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# What is added to the day of birth in a samordningsnummer.
_COORDINATION = 60


def mask(text: str) -> str:
    """The text with what looks like a personnummer or samordningsnummer shown as "••••••-••••".

    It begins with a day that can be. Ten digits without a sign between them, and any with a blank there,
    need the right check digit, too: a telephone number or an OCR number seldom has both.
    """
    return _LIKE_ONE.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    century, day, last = found["century"], found["day"], found["last"]
    is_one = _is_day(day) and century in (None, "18", "19", "20")
    if found["blank"] or not (century or found["sign"]):
        is_one = is_one and luhn.is_valid(day + last)
    return HIDDEN if is_one else found[0]


def _is_day(text: str) -> bool:
    month, day = int(text[2:4]), int(text[4:])
    day -= _COORDINATION if day > _COORDINATION else 0
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]
