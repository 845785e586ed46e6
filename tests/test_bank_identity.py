"""When two lines are one payment: surely, in conflict, perhaps; and that twins stay two."""

import datetime
import io
import random
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.bankfiles import identity
from donations.bankfiles.identity import (
    LATE,
    Identity,
    Keys,
    Likeness,
    Strength,
    alike,
    conflict,
    likeness,
    pair,
    plain,
)
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Line, Payer, Way
from tests.bankfiles import flat
from tests.bankfiles.made import ACCOUNT, BANKGIRO, DAY, line, message, ocr, reference

pytestmark = pytest.mark.once

ACCOUNTS = {ACCOUNT: "konto 1", BANKGIRO: "konto 1"}
LONG = "Stiftelsen Åkerströms minnesfond för unga kvinnors utbildning"


def identities(lines: Sequence[Line]) -> list[Identity]:
    keys = Keys(ACCOUNTS)
    return [keys.identity(one) for one in lines]


def keys(lines: Sequence[Line]) -> list[str]:
    return [one.key for one in identities(lines)]


def days_after(days: int) -> datetime.date:
    return DAY + datetime.timedelta(days=days)


# Surely


def test_the_banks_own_id_is_the_key_whatever_else_the_line_says() -> None:
    one = line(message("47030"), bank_id="A1")
    other = line(message("annat"), bank_id="A1", amount_ore=1, account=BANKGIRO)

    assert keys([one]) == keys([other])
    assert keys([one]) != keys([replace(one, bank_id="A2")])
    elsewhere = replace(one, account=replace(ACCOUNT, digits="99"))
    assert keys([one]) != keys([elsewhere])


def test_two_equal_gifts_without_id_are_two_and_the_same_two_next_time() -> None:
    gift, other = line(message("47030")), line(message("47110"))
    first = keys([gift, other, gift])
    again = keys([other, gift, gift, gift])

    assert len(set(first)) == 3
    assert set(first) < set(again)
    assert len(set(again)) == 4


def test_days_that_two_files_share_have_the_same_keys_in_any_order_of_days() -> None:
    lines = [
        line(message(text), booked_on=days_after(day))
        for day in range(6)
        for text in ("a", "b", "a", "a")
    ]
    early, late = lines[:16], lines[8:]
    backwards = sorted(lines, key=lambda one: one.booked_on, reverse=True)

    assert len(set(keys(early)) & set(keys(late))) == 8
    assert set(keys(early)) | set(keys(late)) == set(keys(lines)) == set(keys(backwards))
    shuffled = random.Random(2).sample(lines, len(lines))
    assert set(keys(shuffled)) == set(keys(lines))


def test_an_id_is_never_taken_for_a_row() -> None:
    assert len(set(keys([line(row="A1"), line(bank_id="A1"), line(row="A1", bank_id="A1 1")]))) == 3


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("bgmax", [flat.lines(flat.gifts(), mark, code) for mark in ("\n", "\r\n", "")
                   for code in ("latin-1", "utf-8")]),
        ("swedbank", [flat.swedbank_gifts(), flat.swedbank_gifts().decode("cp1252").encode(),
                      b"\xef\xbb\xbf" + flat.swedbank_gifts().decode("cp1252").encode(),
                      flat.swedbank_gifts().replace(b"\r\n", b"\n")]),
    ],
)  # fmt: skip
def test_a_file_saved_anew_has_the_same_keys_and_contents(name: str, written: list[bytes]) -> None:
    told = [identities(list(recognise(io.BytesIO(data)).lines())) for data in written]

    assert len(told[0]) == len({one.key for one in told[0]}) > 1
    assert all(other == told[0] for other in told)


@given(st.lists(st.integers(0, 50), max_size=400), st.randoms(use_true_random=False))
def test_every_line_has_a_key_of_its_own(rows: list[int], draw: random.Random) -> None:
    lines = [line(row=str(row)) for row in rows]
    found = keys(lines)

    assert len(set(found)) == len(rows)
    draw.shuffle(lines)
    assert set(keys(lines)) == set(found)


def test_a_million_rows_without_ids_would_fit_in_thirty_megabytes() -> None:
    counter = identity.Counter()
    draw = random.Random(3)
    tracemalloc.start()
    times = Counter(counter.count(draw.getrandbits(64)) for _row in range(60_000))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert times == {1: 60_000}
    again = random.Random(3)
    assert {counter.count(again.getrandbits(64)) for _row in range(60_000)} == {2}
    assert peak < 32 * 60_000
    assert [counter.count(number) for number in (7, 7, 0, 7, 0)] == [1, 2, 1, 3, 2]


# In conflict


def test_the_same_id_with_other_contents_is_a_conflict() -> None:
    gift = line(message("47030"), bank_id="A1", row="a")

    def is_conflict(is_same_format: bool = True, **changed: object) -> bool:
        [one], [other] = identities([gift]), identities([replace(gift, **changed)])  # type: ignore[arg-type]
        return conflict(one, other, is_same_format=is_same_format)

    assert not is_conflict()
    for changed in (
        {"amount_ore": 50_001},
        {"way": Way.OUT},
        {"booked_on": days_after(1)},
        {"currency": "EUR"},
    ):
        assert is_conflict(**changed)
        assert is_conflict(is_same_format=False, **changed)
    # What was written may differ between formats, and within one may not.
    assert is_conflict(row="b")
    assert not is_conflict(is_same_format=False, row="b")


# Texts


@pytest.mark.parametrize(
    "written",
    [
        "Åsa Lindström",
        "ÅSA  LINDSTRÖM ",
        "Asa Lindstrom",
        "åsa lindström",
        "Lindström Åsa",
        "Lindström, Åsa",
        "Åsa Lindström".encode().decode("latin-1"),
        "ÅSA LINDSTRÖM".encode().decode("cp1252"),
        "Åsa Lindström".encode().decode("latin-1").encode().decode("latin-1"),
        "?sa Lindstr?m",
        "LINDSTR?M ?SA",
        "LINDSTRÖM ÅSA".encode().decode("cp1252"),
        "\ufffdsa Lindstr\ufffdm",
        "Aasa Lindstroem",
    ],
)
def test_a_name_is_the_same_whatever_a_format_has_done_to_it(written: str) -> None:
    assert strength(line(payer=written), line(payer="Åsa Lindström")) is Strength.PAYER
    assert strength(line(payer=written), line(payer="Eva Lindgren")) is None


@pytest.mark.parametrize("cut", [35, 50, 70])
@pytest.mark.parametrize("change", [str, str.upper, lambda name: name.encode().decode("cp1252")])
def test_a_name_that_is_cut_off_is_the_same(cut: int, change: type[str]) -> None:
    assert strength(line(payer=change(LONG)[:cut]), line(payer=LONG)) is Strength.PAYER


def test_a_short_name_is_not_the_beginning_of_another() -> None:
    assert strength(line(payer="Eva Lind"), line(payer="Eva Lindgren")) is None
    assert strength(line(payer="Lind"), line(payer="Lindgren")) is None


def test_plain_text_is_words_alone() -> None:
    assert plain("  ÅSA  Lindström! (f. 1947)") == "asa lindstrom f 1947"
    assert plain("Varför? Därför.") == "varfor darfor"
    assert plain("LINDSTRÖM, ÅSA".encode().decode("cp1252")) == "lindstrom asa"
    assert plain("Åkerström".encode().decode("cp1252")[:9]) == "akerstr"  # cut in two
    assert plain("JOÃO") == plain("João") == "joao"
    assert plain("?sa Lindstr\ufffdm?") == "sa lindstrm"
    assert plain("") == ""


@given(st.text(max_size=40))
def test_plain_text_stays_plain(text: str) -> None:
    assert " ".join(plain(text).split()) == plain(text)


# Perhaps


def like(one: Line) -> Likeness:
    return likeness(one, ACCOUNTS)


def strength(a: Line, b: Line) -> Strength | None:
    found = alike(like(a), like(b))
    assert alike(like(b), like(a)) == found
    return found


ASA, BO = Payer(name="Åsa Lindström"), Payer(name="Bo Ek")


@pytest.mark.parametrize(
    ("a", "b", "same_day", "late"),
    [
        (line(ocr("470302"), payer=ASA), line(reference("470302"), payer=ASA),
         Strength.BOTH, Strength.LATE),
        (line(message("Till 47030"), payer=ASA), line(reference("47030"), payer=ASA),
         Strength.BOTH, Strength.LATE),
        (line(message("47030"), payer=ASA), line(payer=ASA), Strength.PAYER, Strength.LATE),
        (line(message("47030"), payer=ASA), line(message("47110"), payer=ASA), Strength.PAYER, None),
        (line(message("47030"), payer=ASA), line(message("47030")), Strength.REFERENCE, Strength.LATE),
        (line(message("47030"), payer=ASA), line(message("47030"), payer=BO), Strength.REFERENCE, None),
        (line(payer=ASA), line(), Strength.UNTOLD, Strength.LATE),
        (line(payer=ASA), line(message("47030")), Strength.UNTOLD, Strength.LATE),
        (line(message("47030")), line(message("47110")), None, None),
        (line(payer=ASA), line(payer=BO), None, None),
        (line(message("47030"), payer=ASA), line(message("47110"), payer=BO), None, None),
        (line(payer=Payer(name="Åsa L", identity="+46700000001")),
         line(payer=Payer(name="Lindström", identity="0700000001")), Strength.PAYER, Strength.LATE),
        (line(payer=Payer(account="SE3550000000054910000003")),
         line(payer=Payer(account="5491-0000003")), Strength.PAYER, Strength.LATE),
    ],
)  # fmt: skip
def test_lines_are_alike_by_payer_or_reference(
    a: Line, b: Line, same_day: Strength | None, late: Strength | None
) -> None:
    assert strength(a, b) is same_day
    for days in range(1, LATE + 1):
        assert strength(a, replace(b, booked_on=days_after(days))) is late
        assert strength(a, replace(b, booked_on=days_after(-days))) is late
    assert strength(a, replace(b, booked_on=days_after(LATE + 1))) is None


def test_a_gift_of_maundy_thursday_may_be_booked_after_easter_but_one_a_week_later_is_another() -> (
    None
):
    gift = line(message("47030"), payer=ASA, booked_on=datetime.date(2026, 4, 2))

    assert strength(gift, replace(gift, booked_on=datetime.date(2026, 4, 7))) is Strength.LATE
    assert strength(gift, replace(gift, booked_on=datetime.date(2026, 4, 9))) is None


@pytest.mark.parametrize(
    "text",
    [
        "Gåva åt Aouda och Åke Öde för deras resa till Ume å",
        "Till minne av vår älskade mormor Aina",
        "Ju äldre ju äldre är äppel odlare i öde oaser",
    ],
)
def test_a_text_that_a_format_cuts_off_is_the_same_also_where_no_payer_is_told(text: str) -> None:
    whole, cut = line(message(text), payer=ASA), line(reference(text[:25]))

    assert strength(whole, cut) is Strength.REFERENCE
    assert strength(whole, line(reference("Något annat, med tack"))) is None


def test_another_amount_account_or_way_is_another_gift() -> None:
    gift = line(message("47030"), payer=ASA)

    assert strength(gift, replace(gift, amount_ore=50_001)) is None
    assert strength(gift, replace(gift, way=Way.OUT)) is None
    assert strength(gift, replace(gift, account=replace(ACCOUNT, digits="1"))) is None
    assert strength(gift, replace(gift, account=BANKGIRO)) is Strength.BOTH  # the same account


# One to one


def paired(new: Sequence[Line], known: Sequence[Line]) -> list[tuple[int, int]]:
    return [(one.new, one.known) for one in pair([*map(like, new)], [*map(like, known)])]


def test_five_equal_gifts_in_one_file_and_four_in_the_other_are_five() -> None:
    gift = line(message("47030"), payer=ASA)

    assert paired([gift] * 5, [gift] * 4) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert paired([gift] * 4, [gift] * 5) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_the_same_gift_booked_two_days_later_is_found() -> None:
    gift = line(message("47030"), payer=ASA)
    later = replace(gift, booked_on=days_after(2))

    assert paired([later], [gift]) == [(0, 0)]
    assert paired([gift], [later]) == [(0, 0)]
    # the one of the same day first
    assert paired([later, gift], [gift]) == [(1, 0)]
    assert paired([gift], [later, gift]) == [(0, 1)]
    # and then the nearest
    between = replace(gift, booked_on=days_after(1))
    assert paired([later], [gift, between]) == [(0, 1)]


def test_names_that_only_begin_alike_do_not_stand_in_the_way() -> None:
    known = [line(payer="Stiftelsen Åkerströms arkiv"), line(payer=LONG)]

    assert paired([line(payer=LONG[:35])] * 2, known) == [(0, 1)]


def test_the_most_alike_are_paired_first() -> None:
    asa, bo, nobody = (line(message("47030"), payer=payer) for payer in (ASA, BO, Payer()))

    assert paired([bo, asa], [asa, bo]) == [(0, 1), (1, 0)]
    assert paired([nobody, asa], [asa]) == [(1, 0)]
    assert paired([bo, nobody, asa], [asa, asa, asa])[0] == (0, 1)


def test_pairs_give_way_so_that_no_gift_is_left_that_could_have_one() -> None:
    both = line(message("47030"), payer=ASA)
    only_payer = line(message("47110"), payer=ASA)
    only_reference = line(message("47030"), payer=BO)

    # Each new one is alike the first known one; only the first new one is alike the second, too.
    new = [both, only_payer]
    known = [line(message("47030 47110"), payer=ASA), only_reference]
    assert paired(new, known) == [(0, 1), (1, 0)]


PEOPLE = st.sampled_from([ASA, BO, Payer(), Payer(name=LONG), Payer(name=LONG[:35])])
GIFTS = st.lists(
    st.builds(
        lambda payer, text, day, ore: line(
            *([message(text)] if text else []),
            payer=payer,
            booked_on=days_after(day),
            amount_ore=ore,
        ),
        PEOPLE,
        st.sampled_from(["47030", "47110", "till 47030", "hej", ""]),
        st.integers(0, 5),
        st.sampled_from([10_000, 20_000]),
    ),
    max_size=9,
)


def most_pairs(new: list[Likeness], known: list[Likeness]) -> int:
    """The size of a largest pairing, by the textbook: an independent reckoning."""
    taken: dict[int, int] = {}

    def place(at: int, seen: set[int]) -> bool:
        for other in range(len(known)):
            if other not in seen and alike(new[at], known[other]):
                seen.add(other)
                if other not in taken or place(taken[other], seen):
                    taken[other] = at
                    return True
        return False

    return sum(place(at, set()) for at in range(len(new)))


@given(GIFTS, GIFTS)
def test_there_are_as_many_pairs_as_can_be_and_nobody_is_in_two(
    new: list[Line], known: list[Line]
) -> None:
    some, others = [*map(like, new)], [*map(like, known)]
    found = pair(some, others)

    assert len({one.new for one in found}) == len({one.known for one in found}) == len(found)
    assert all(alike(some[one.new], others[one.known]) is one.strength for one in found)
    assert len(found) == most_pairs(some, others)
    assert pair(some, others) == found


@pytest.mark.parametrize("payers", [lambda at: f"Givare {at}", lambda at: "", lambda at: LONG])
def test_many_gifts_of_one_amount_pair_off_in_a_moment(payers: type[str]) -> None:
    some = [line(message("47030"), payer=payers(at), row=str(at)) for at in range(2_000)]
    others = [replace(one, booked_on=days_after(1)) for one in reversed(some)]

    assert len(paired(some, some)) == 2_000
    assert len(paired(some, others)) == 2_000


def test_where_too_many_are_alike_to_try_them_all_a_line_is_held_rather_than_taken() -> None:
    # Nobody can give way to her, but that is not known before the whole crowd has been asked.
    crowd = [line(message("47030"), payer="", row=str(at)) for at in range(3_000)]
    stranger = line(message("47030"), payer="Eva Lindgren")
    free = line(message("47110"), payer="Eva Lindgren", booked_on=days_after(2))
    found = paired([*crowd, stranger], [*crowd, free])
    assert [one for one in found if one[0] == 3_000]


def test_more_gifts_of_one_amount_than_can_be_tried_are_held_in_a_moment() -> None:
    def gifts(text: str, count: int, who: str) -> list[Line]:
        return [
            line(message(text), payer=f"{who} {at}", booked_on=days_after(at % 3))
            for at in range(count)
        ]

    known = gifts("47030", 1_500, "Givare") + gifts("47110", 1_500, "Vän")
    found = paired(gifts("47030", 3_000, "Person"), known)

    assert {other for _one, other in found} == set(range(1_500))
    assert [one for one, _other in found] == [*range(3_000)]


FORMATS = {
    "bgmax": lambda name: name[:35].upper(),
    "mangled": lambda name: name.encode().decode("latin-1")[:50],
    "lost": lambda name: name.encode("ascii", "replace").decode(),
    "untold": lambda name: "",
}


@pytest.mark.parametrize("way", FORMATS)
@given(st.data())
def test_a_month_in_another_format_is_held_whole_and_a_new_gift_is_not(
    way: str, data: st.DataObject
) -> None:
    """With other ids, cut-off names and some booked late, every gift finds its own, twins too."""
    names = ["Åsa Lindström", "Bo Ek", LONG, "Örjan Åhs"]
    month = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(names),
                st.sampled_from(["47030", "470302", "Brunnar 47030", "47110"]),
                st.integers(0, 8),
                st.sampled_from([10_000, 20_000]),
            ),
            min_size=1,
            max_size=20,
        )
    )
    known = [
        line(message(text), payer=name, booked_on=days_after(day), amount_ore=ore)
        for name, text, day, ore in month
    ]
    late = data.draw(st.lists(st.integers(0, LATE), min_size=len(known), max_size=len(known)))
    again = [
        replace(
            one,
            payer=Payer(name=FORMATS[way](one.payer.name)),
            booked_on=one.booked_on + datetime.timedelta(days=days),
        )
        for one, days in zip(known, late, strict=True)
    ]
    fresh = line(message("47030"), payer="Åsa Lindström", amount_ore=30_000)

    assert [one for one, _known in paired([*again, fresh], known)] == list(range(len(again)))
    assert len(paired(known, again)) == len(known)
