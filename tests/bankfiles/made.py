"""Lines as a parser would make them, with what a test does not care about filled in."""

import datetime
from typing import Any

from donations.bankfiles.records import Ground, Kind, Line, Number, Payer, Reference, Scheme, Way

BANKGIRO = Number(Scheme.BANKGIRO, "9912346")
ACCOUNT = Number(Scheme.BBAN, "54401234567")
DAY = datetime.date(2026, 3, 3)


def ocr(text: str, part: int | None = None) -> Reference:
    return Reference(Ground.OCR, text, part)


def reference(text: str, part: int | None = None) -> Reference:
    return Reference(Ground.REFERENCE, text, part)


def message(text: str) -> Reference:
    return Reference(Ground.MESSAGE, text)


def autogiro(text: str) -> Reference:
    return Reference(Ground.AUTOGIRO, text)


def line(*references: Reference, payer: str | Payer = "", **told: Any) -> Line:
    """A payment of 500 kronor to the bankgiro on 3 March 2026, but for what is told."""
    parts: dict[str, Any] = {
        "where": "rad 1",
        "account": ACCOUNT,
        "to": BANKGIRO,
        "booked_on": DAY,
        "amount_ore": 50_000,
        "way": Way.IN,
        "kind": Kind.PAYMENT,
        "channel": "bankgiro",
        "references": references,
        "payer": Payer(name=payer) if isinstance(payer, str) else payer,
    } | told
    if "row" not in parts:
        parts["row"] = repr(sorted((key, parts[key]) for key in parts if key != "where"))
    return Line(**parts)
