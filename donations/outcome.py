"""What a bank file comes to: what becomes of its lines, and how many and how much of each."""

import datetime
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from donations.bankfiles.aside import Aside, Class, Count
from donations.bankfiles.identity import Identity
from donations.bankfiles.matching import How, Match
from donations.bankfiles.records import (
    Line,
    Way,
)


class Fate(StrEnum):
    """What becomes of a line."""

    MATCHED = "matched"
    UNPLACED = "unplaced"
    DUPLICATE = "duplicates"
    SUSPECTED = "suspected"
    CONFLICT = "conflicts"
    RECONCILIATION = "reconciliation"
    RETURNED = "returned"
    LUMP = "lumps"
    OUTGOING = "outgoing"
    ASIDE = "aside"


# The fates of lines that are gifts, whatever else they are.
GIFTS = (Fate.MATCHED, Fate.UNPLACED, Fate.DUPLICATE, Fate.SUSPECTED, Fate.CONFLICT)


@dataclass(slots=True)
class Told:
    """A line and what becomes of it.

    `account` is our account's id. `aside` tells why a line is no gift; `identity` is that of a line that
    may be one. `twin` is the payment that it may be the same as, or is in conflict with, if that is
    in the books; `match` where a new one goes.
    """

    line: Line
    account: int
    fate: Fate = Fate.ASIDE
    aside: Aside | None = None
    identity: Identity | None = None
    twin: int | None = None
    match: Match | None = None

    @property
    def aside_key(self) -> str:
        """What it is counted under in `Outcome.asides`; "" for what is not set aside."""
        if not self.aside:
            return ""
        rule = self.aside.rule.name if self.aside.rule else ""
        return "\t".join((self.aside.is_a.value, self.line.way.value, rule))


@dataclass
class Outcome:
    """What a file comes to: lines and öre for each fate, and what the file says of itself.

    `questions` are Swedish sentences that a person has to say yes to before the file is booked.
    """

    counts: dict[str, Count] = field(default_factory=dict)
    # Lines set aside, by what they are, which way the money went, and the rule that took them.
    asides: dict[str, Count] = field(default_factory=dict)
    accounts: dict[int, Count] = field(default_factory=dict)
    funds: dict[int, Count] = field(default_factory=dict)
    split: int = 0
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    credits: Count = field(default_factory=Count)
    debits: Count = field(default_factory=Count)
    stated: dict[str, int | None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def add(self, told: Told) -> None:
        """Count one more line."""
        line, ore = told.line, told.line.amount_ore
        _count(self.counts, told.fate.value, ore)
        if told.aside:
            _count(self.asides, told.aside_key, ore)
        if told.match:
            self.split += told.match.how is How.SPLIT
            for part in told.match.parts:
                _count(self.funds, part.fund, part.amount_ore)
        if told.fate in GIFTS:
            _count(self.accounts, told.account, ore)
        if not (told.aside and told.aside.is_a in (Class.OTHER_CURRENCY, Class.NOT_BOOKED)):
            side = self.credits if line.way is Way.IN else self.debits
            side.lines += 1
            side.ore += ore
        if self.first_day is None or line.booked_on < self.first_day:
            self.first_day = line.booked_on
        if self.last_day is None or line.booked_on > self.last_day:
            self.last_day = line.booked_on

    def of(self, *fates: Fate) -> Count:
        """Lines and öre of some fates together."""
        found = [self.counts[fate.value] for fate in fates if fate.value in self.counts]
        return Count(sum(one.lines for one in found), sum(one.ore for one in found))

    def as_json(self) -> dict[str, Any]:
        """For `BankFile.outcome`."""
        told: dict[str, Any] = asdict(self)
        told["first_day"] = self.first_day and self.first_day.isoformat()
        told["last_day"] = self.last_day and self.last_day.isoformat()
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Outcome":
        """As `as_json` gave it."""

        def counts(name: str, key: Callable[[str], Any] = str) -> dict[Any, Count]:
            return {key(at): Count(**one) for at, one in told[name].items()}

        def day(name: str) -> datetime.date | None:
            return datetime.date.fromisoformat(told[name]) if told[name] else None

        return cls(
            counts=counts("counts"),
            asides=counts("asides"),
            accounts=counts("accounts", int),
            funds=counts("funds", int),
            split=told["split"],
            first_day=day("first_day"),
            last_day=day("last_day"),
            credits=Count(**told["credits"]),
            debits=Count(**told["debits"]),
            stated=told["stated"],
            remarks=told["remarks"],
            questions=told["questions"],
        )


def _count(counts: dict[Any, Count], key: Any, ore: int) -> None:
    if key not in counts:
        counts[key] = Count()
    counts[key].lines += 1
    counts[key].ore += ore
