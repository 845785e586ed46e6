"""What a reading comes to, as JSON that a person can check against the file beside it.

Parts that are empty or nothing out of the ordinary are left out, and so are `row` and `code`, which
are for the machine alone.
"""

import dataclasses
from typing import Any

from donations.bankfiles.records import Line, Number, Payer, Reading, Reference


def told(reading: Reading) -> dict[str, Any]:
    """The reading from its first line to its totals."""
    lines = [_line(line) for line in reading.lines()]
    totals = dataclasses.asdict(reading.totals)
    totals["balances"] = [
        [
            _number(one.account),
            one.day.isoformat(),
            one.amount_ore,
            "in" if one.is_opening else "ut",
        ]
        for one in reading.totals.balances
    ]
    return {
        "format": reading.format,
        "version": reading.version,
        "totals": {key: value for key, value in totals.items() if value not in (None, [])},
        "lines": lines,
    }


def _line(line: Line) -> dict[str, Any]:
    parts = {field.name: getattr(line, field.name) for field in dataclasses.fields(line)}
    del parts["row"], parts["code"]
    if line.to == line.account:
        del parts["to"]
    if line.currency == "SEK":
        del parts["currency"]
    return {key: _plain(value) for key, value in parts.items() if value not in ("", (), Payer())}


def _plain(value: Any) -> Any:
    match value:
        case Number():
            return _number(value)
        case Payer():
            return {key: text for key, text in dataclasses.asdict(value).items() if text}
        case Reference(ground, text, None):
            return [ground.value, text]
        case Reference(ground, text, part):
            return [ground.value, text, part]
        case tuple():
            return [_plain(one) for one in value]
        case int():
            return value
    return str(value)


def _number(number: Number) -> str:
    return f"{number.scheme} {number.digits}"
