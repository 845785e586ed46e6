"""Kronor in text, öre in code. The one place that parses and prints amounts."""

import re

# An amount in the books is above zero and below this, in öre.
LIMIT_ORE = 10**13

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_SPACES = re.compile("[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}]+")
_AMOUNT = re.compile(
    r"(?P<kronor>[0-9]{1,3}(?: [0-9]{3})*|[0-9]+)(?:,(?P<ore>[0-9]{1,2}))?(?: ?(?:kr|:-))?"
)


class AmountError(ValueError):
    """A text that is no amount; the message is a Swedish sentence that says what would be right."""


def parse_kronor(text: str) -> int:
    """The whole öre of an amount in kronor: "276 000", "276000,50" and "276 000 kr".

    Zero is an amount. Raises `AmountError` for anything else, also for a minus
    sign, a third decimal and what reaches `LIMIT_ORE`.
    """
    plain = _SPACES.sub(" ", text.strip())
    if plain.startswith(("-", "−", "–")):
        raise AmountError(
            "Beloppet kan inte vara negativt. Skriv det utan minustecken, till exempel 276 000."
        )
    if re.search(r",[0-9]{3,}", plain):
        raise AmountError("Skriv högst två siffror efter kommatecknet, till exempel 276 000,50.")
    found = _AMOUNT.fullmatch(plain)
    if not found:
        raise AmountError(
            "Skriv beloppet i kronor med siffror, till exempel 276 000 eller 276 000,50."
        )
    kronor, ore = found["kronor"].replace(" ", "").lstrip("0"), found["ore"] or "0"
    # By its length first: Python refuses to read a number of thousands of digits.
    if len(kronor) > 11:
        raise AmountError(
            f"Beloppet är för stort. Det ska vara mindre än {format_kronor(LIMIT_ORE)}."
        )
    return int(kronor or "0") * 100 + int(ore.ljust(2, "0"))


def format_kronor(ore: int) -> str:
    """ "276 000 kr", with öre only when there are any, with no-break spaces: 27600050 → "276 000,50 kr"."""
    return f"{format_amount(ore)}{_NO_BREAK_SPACE}kr"


def format_amount(ore: int) -> str:
    """The amount without its unit: 27600050 → "276 000,50", −100 → "−1"."""
    kronor, rest = divmod(abs(ore), 100)
    sign = "−" if ore < 0 else ""
    decimals = f",{rest:02}" if rest else ""
    return f"{sign}{kronor:,}".replace(",", _NO_BREAK_SPACE) + decimals
