"""Sharing a surplus and ranking those that could receive it: every krona accounted for, always alike."""

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.allocation import How, Neighbour, Reason, Shares, Source, rank, share

pytestmark = pytest.mark.once

KRONA = 100
# The soak draws other cases than every other run, and more of them.
SEED = int(os.environ.get("KOLLEKT_SEED", "0"))
CASES = int(os.environ.get("KOLLEKT_CASES", "5000"))


@dataclass(frozen=True)
class Need:
    key: str
    remaining_ore: int


def needs(*remaining_ore: int) -> list[Need]:
    return [Need(f"{10000 + place}", ore) for place, ore in enumerate(remaining_ore)]


def amounts(shares: Shares) -> list[int]:
    return [part.amount_ore for part in shares.parts]


def test_the_worked_example_of_the_money_rules() -> None:
    neighbours = needs(40_000_00, 90_000_00)

    in_order = share(56_028_00, neighbours, How.IN_ORDER)
    in_proportion = share(56_028_00, neighbours, How.IN_PROPORTION)

    assert amounts(in_order) == [40_000_00, 16_028_00]
    assert amounts(in_proportion) == [17_239_00, 38_789_00]
    assert in_order.leftover_ore == in_proportion.leftover_ore == 0


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize(
    ("amount", "remaining", "parts", "leftover"),
    [
        (0, [500], [0], 0),
        (99, [500], [0], 99),
        (100, [500], [100], 0),
        (101, [500], [100], 1),
        (1000, [], [], 1000),
        (1000, [0], [0], 1000),
        (1000, [99], [0], 1000),
        (1000, [100], [100], 900),
        (1000, [101], [100], 900),
        (499, [500], [400], 99),
        (500, [500], [500], 0),
        (501, [500], [500], 1),
        (10**13 - 1, [10**13 - 1], [10**13 - 100], 99),
        (10**13 - 1, [10**13 - 1, 10**13 - 1, 0], None, 99),
    ],
)
def test_edges_that_both_ways_share_alike(
    how: How, amount: int, remaining: list[int], parts: list[int] | None, leftover: int
) -> None:
    shares = share(amount, needs(*remaining), how)

    assert shares.leftover_ore == leftover
    assert sum(amounts(shares)) + leftover == amount
    if parts is not None:
        assert amounts(shares) == parts


@pytest.mark.parametrize(
    ("kronor", "parts"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (4, [2, 1, 1])]
)
def test_the_last_krona_of_equal_remainders_goes_to_the_one_ranked_first(
    kronor: int, parts: list[int]
) -> None:
    shares = share(kronor * KRONA, needs(500, 500, 500), How.IN_PROPORTION)

    assert amounts(shares) == [part * KRONA for part in parts]


def test_the_last_krona_goes_to_the_largest_remainder_also_when_it_is_ranked_last() -> None:
    assert amounts(share(10_00, needs(300, 300, 800), How.IN_PROPORTION)) == [200, 200, 600]


@pytest.mark.parametrize("bad", [(-1, [100]), (100, [-1])])
def test_negative_amounts_are_refused(bad: tuple[int, list[int]]) -> None:
    with pytest.raises(ValueError, match="negative"):
        share(bad[0], needs(*bad[1]), How.IN_ORDER)


def test_a_candidate_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        share(100, [Need("47030", 100), Need("47030", 100)], How.IN_PROPORTION)


def hold_every_rule(amount: int, candidates: list[Need], newcomer: Need, place: int) -> None:
    """What must be true of any sharing, with and without one candidate more at some place."""
    for how in How:
        shares = share(amount, candidates, how)
        given = amounts(shares)
        rooms = [need.remaining_ore // KRONA * KRONA for need in candidates]
        assert [part.key for part in shares.parts] == [need.key for need in candidates]
        assert sum(given) + shares.leftover_ore == amount
        assert all(part % KRONA == 0 and part >= 0 for part in given)
        assert all(part <= room for part, room in zip(given, rooms, strict=True))
        # Nothing is kept back: what is over is less than a krona, or nobody has room for more.
        assert sum(given) == min(amount // KRONA * KRONA, sum(rooms))
        assert share(amount, list(candidates), how) == shares
        more = share(amount, [*candidates[:place], newcomer, *candidates[place:]], how)
        before = {part.key: part.amount_ore for part in shares.parts}
        rise = 0 if how == How.IN_ORDER else KRONA
        assert all(
            part.amount_ore <= before[part.key] + rise
            for part in more.parts
            if part.key != newcomer.key
        )
        hold_the_rule_of(how, amount // KRONA * KRONA, rooms, given)


def hold_the_rule_of(how: How, amount: int, rooms: list[int], given: list[int]) -> None:
    if how == How.IN_ORDER:
        # Whoever gets something stands after candidates that are full.
        for (room, part), (_, after) in pairwise(zip(rooms, given, strict=True)):
            assert part == room or after == 0
        return
    whole = max(sum(rooms), 1)
    pot = min(amount, sum(rooms))
    # A share is the exact share, rounded to a krona up or down; a larger need never gets less.
    assert all(
        abs(part * whole - pot * room) < KRONA * whole
        for room, part in zip(rooms, given, strict=True)
    )
    by_size = sorted(zip(rooms, given, strict=True))
    assert all(
        small <= large
        for (room, small), (larger_room, large) in pairwise(by_size)
        if room < larger_room
    )


def drawn_case(rng: random.Random) -> tuple[int, list[Need], Need, int]:
    """A case near the edges: around whole kronor, around the sum of what remains, and anywhere."""
    top = rng.choice([3, 10, 1000, 300_000, 10**11 - 1])
    remaining = [
        max(0, rng.randint(0, top) * KRONA + rng.choice([-1, 0, 0, 1, 50]))
        for _ in range(rng.choice([0, 1, 2, 2, 3, 3, 4, 7]))
    ]
    if len(remaining) > 1 and rng.random() < 0.2:
        remaining[1:] = remaining[:1] * (len(remaining) - 1)
    room = sum(ore // KRONA * KRONA for ore in remaining)
    amount = max(
        0,
        rng.choice(
            [
                room + rng.randint(-KRONA - 1, KRONA + 1),
                rng.randint(0, room),
                rng.randint(0, top) * KRONA + rng.randint(-1, 1),
                rng.randint(0, 200),
            ]
        ),
    )
    newcomer = Need("99999", rng.randint(0, top * KRONA))
    return amount, needs(*remaining), newcomer, rng.randint(0, len(remaining))


def test_thousands_of_cases_drawn_around_the_edges_hold_every_rule() -> None:
    rng = random.Random(SEED)
    for _ in range(CASES):
        case = drawn_case(rng)
        try:
            hold_every_rule(*case)
        except AssertionError as broken:
            raise AssertionError(f"broken by {case}") from broken


ORE = st.integers(0, 10**13 - 1) | st.integers(0, 1000)


@given(amount=ORE, remaining=st.lists(ORE, max_size=12), newcomer=ORE, place=st.integers(0, 12))
def test_any_case_holds_every_rule(
    amount: int, remaining: list[int], newcomer: int, place: int
) -> None:
    hold_every_rule(amount, needs(*remaining), Need("99999", newcomer), place)


SOURCE = Source(
    "47030",
    similar=("47033", "47031"),
    countries=frozenset({"IN", "NP"}),
    partners=frozenset({7, 8}),
)


def test_hand_picked_first_then_what_is_shared_then_most_left_to_collect() -> None:
    neighbours = [
        Neighbour("47040", 900_00),
        Neighbour("47039", 500_00, countries=frozenset({"KE"})),
        Neighbour("47038", 500_00, partners=frozenset({9})),
        Neighbour("47037", 100_00, partners=frozenset({7})),
        Neighbour("47036", 200_00, countries=frozenset({"NP", "KE"})),
        Neighbour("47035", 1_00, countries=frozenset({"NP"}), partners=frozenset({8, 9})),
        Neighbour("47031", 5_00, countries=frozenset({"IN"})),
        Neighbour("47033", 1),
    ]

    ranked = rank(SOURCE, neighbours)

    assert [(one.key, one.reason) for one in ranked] == [
        ("47033", Reason(True, (), (), 1)),
        ("47031", Reason(True, ("IN",), (), 5_00)),
        ("47035", Reason(False, ("NP",), (8,), 1_00)),
        ("47036", Reason(False, ("NP",), (), 200_00)),
        ("47037", Reason(False, (), (7,), 100_00)),
        ("47040", Reason(False, (), (), 900_00)),
        ("47038", Reason(False, (), (), 500_00)),
        ("47039", Reason(False, (), (), 500_00)),
    ]


def test_whoever_needs_nothing_or_has_an_unknown_need_is_not_offered_anything() -> None:
    neighbours = [
        Neighbour("47031", None),
        Neighbour("47033", 0),
        Neighbour("47034", -1),
        Neighbour("47030", 100_00),
        Neighbour("47035", 1),
    ]

    assert [one.key for one in rank(SOURCE, neighbours)] == ["47035"]


def test_the_order_in_which_neighbours_are_read_changes_nothing() -> None:
    rng = random.Random(SEED)
    neighbours = [
        Neighbour(
            f"{47031 + place}",
            rng.choice([None, 0, 100, 100, 20000]),
            frozenset(rng.sample(["IN", "NP", "KE"], rng.randint(0, 3))),
            frozenset(rng.sample([7, 8, 9], rng.randint(0, 3))),
        )
        for place in range(40)
    ]
    ranked = rank(SOURCE, neighbours)
    for _ in range(20):
        rng.shuffle(neighbours)
        assert rank(SOURCE, neighbours) == ranked


def test_the_ranked_are_shared_to_in_their_order() -> None:
    ranked = rank(SOURCE, [Neighbour("47099", 90_000_00), Neighbour("47031", 40_000_00)])

    shares = share(56_028_00, ranked, How.IN_ORDER)

    assert [(part.key, part.amount_ore) for part in shares.parts] == [
        ("47031", 40_000_00),
        ("47099", 16_028_00),
    ]


def test_the_arithmetic_stands_without_django() -> None:
    program = "import sys, donations.allocation; print('django' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
