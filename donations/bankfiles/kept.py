"""A line as it is kept, to be shown and perhaps booked later: as values that JSON has."""

import datetime
from dataclasses import asdict
from typing import Any

from donations.bankfiles.records import (
    Ground,
    Kind,
    Line,
    Number,
    Payer,
    Reference,
    Scheme,
    Way,
)


def to_json(line: Line) -> dict[str, Any]:
    """For `HeldLine.line`."""
    told = asdict(line)
    told["booked_on"] = line.booked_on.isoformat()
    return told


def from_json(told: dict[str, Any]) -> Line:
    """As `to_json` gave it."""

    def number(value: dict[str, Any]) -> Number:
        return Number(Scheme(value["scheme"]), value["digits"])

    return Line(
        **{
            **told,
            "account": number(told["account"]),
            "to": number(told["to"]),
            "booked_on": datetime.date.fromisoformat(told["booked_on"]),
            "way": Way(told["way"]),
            "kind": Kind(told["kind"]),
            "references": tuple(
                Reference(Ground(one["ground"]), one["text"], one["amount_ore"])
                for one in told["references"]
            ),
            "payer": Payer(**told["payer"]),
        }
    )
