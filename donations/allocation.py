"""Who may be offered a surplus, and how it is shared: arithmetic alone, without Django or a database.

MONEY.md's rules of sharing stand here. Every amount is whole öre; receivers get whole kronor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

KRONA = 100  # öre


class How(StrEnum):
    """How an amount is shared between several receivers."""

    IN_ORDER = "in_order"
    IN_PROPORTION = "in_proportion"


class Candidate(Protocol):
    """What `share` must know of a receiver: its collection number, and the öre it still needs (≥ 0).

    What waiting proposals already send it is taken off before it comes here.
    """

    @property
    def key(self) -> str: ...
    @property
    def remaining_ore(self) -> int: ...


@dataclass(frozen=True)
class Part:
    """What one candidate gets, in öre: whole kronor, and 0 where nothing was left for it."""

    key: str
    amount_ore: int


@dataclass(frozen=True)
class Shares:
    """A shared amount: a part for every candidate, in their order, and the öre nobody could take."""

    parts: tuple[Part, ...]
    leftover_ore: int


def share(amount_ore: int, candidates: Sequence[Candidate], how: How) -> Shares:
    """Share an amount (öre, ≥ 0) between candidates that stand in ranking order.

    The parts and the leftover sum to the amount; no part is above what its
    candidate needs. The same input always gives the same answer. Raises
    `ValueError` for a negative amount and for a key that comes twice.
    """
    if amount_ore < 0 or any(candidate.remaining_ore < 0 for candidate in candidates):
        raise ValueError("An amount to share and what remains to collect cannot be negative.")
    if len({candidate.key for candidate in candidates}) < len(candidates):
        raise ValueError("A candidate stands twice.")
    rooms = [candidate.remaining_ore // KRONA for candidate in candidates]
    divide = _in_order if how == How.IN_ORDER else _in_proportion
    parts = tuple(
        Part(candidate.key, kronor * KRONA)
        for candidate, kronor in zip(candidates, divide(amount_ore // KRONA, rooms), strict=True)
    )
    return Shares(parts, amount_ore - sum(part.amount_ore for part in parts))


def _in_order(kronor: int, rooms: Sequence[int]) -> list[int]:
    """Fill each room in turn, as far as the kronor go."""
    parts = []
    for room in rooms:
        parts.append(min(kronor, room))
        kronor -= parts[-1]
    return parts


def _in_proportion(kronor: int, rooms: Sequence[int]) -> list[int]:
    """Share by the size of the rooms; the last kronor go to the largest remainders, then by order.

    A share rounded up still fits, for a room is a whole number and no smaller than its exact share.
    """
    whole = sum(rooms)
    if whole <= kronor:
        return list(rooms)
    parts = [kronor * room // whole for room in rooms]
    by_remainder = sorted(range(len(rooms)), key=lambda place: -(kronor * rooms[place] % whole))
    for place in by_remainder[: kronor - sum(parts)]:
        parts[place] += 1
    return parts


@dataclass(frozen=True)
class Source:
    """The fund with the surplus: what its project's page says.

    `similar` holds the collection numbers picked by hand, in their order;
    `countries` country codes; `partners` the partner organisations' primary keys.
    """

    key: str
    similar: tuple[str, ...] = ()
    countries: frozenset[str] = frozenset()
    partners: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Neighbour:
    """A fund of the same focus area and year, with the öre it still needs; None when its need is unknown."""

    key: str
    remaining_ore: int | None
    countries: frozenset[str] = frozenset()
    partners: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Reason:
    """Why a candidate stands where it does: picked by hand, what it shares with the source, its öre."""

    picked: bool
    countries: tuple[str, ...]
    partners: tuple[int, ...]
    remaining_ore: int


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place, ready for `share`."""

    key: str
    reason: Reason

    @property
    def remaining_ore(self) -> int:
        return self.reason.remaining_ore


def rank(source: Source, neighbours: Iterable[Neighbour]) -> list[Ranked]:
    """The neighbours that can receive, best first, each with its reason.

    First those picked by hand, in their order; then those that share most
    countries and partners; then those with most left to collect; then by
    collection number. The source itself is left out, and so is whoever needs
    nothing or whose need is unknown.
    """
    ranked = [
        Ranked(neighbour.key, _reason(source, neighbour, neighbour.remaining_ore))
        for neighbour in neighbours
        if neighbour.key != source.key
        and neighbour.remaining_ore is not None
        and neighbour.remaining_ore > 0
    ]
    return sorted(ranked, key=lambda one: _place(source, one))


def _reason(source: Source, neighbour: Neighbour, remaining_ore: int) -> Reason:
    return Reason(
        picked=neighbour.key in source.similar,
        countries=tuple(sorted(source.countries & neighbour.countries)),
        partners=tuple(sorted(source.partners & neighbour.partners)),
        remaining_ore=remaining_ore,
    )


def _place(source: Source, ranked: Ranked) -> tuple[int, int, int, str]:
    reason = ranked.reason
    order = source.similar.index(ranked.key) if reason.picked else len(source.similar)
    shared = len(reason.countries) + len(reason.partners)
    return order, -shared, -reason.remaining_ore, ranked.key
