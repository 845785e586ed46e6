"""Which fund a payment is for, and what is suggested when nobody can tell."""

import datetime
import random
import time
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.bankfiles.matching import (
    Collection,
    Decision,
    How,
    Match,
    Part,
    Register,
    Suggestion,
    match,
    memory_keys,
    payer_keys,
)
from donations.bankfiles.records import Payer, Reference
from tests.bankfiles.made import DAY, autogiro, line, message, ocr, reference

pytestmark = pytest.mark.once

YESTERDAY = DAY - datetime.timedelta(days=1)
WELLS, SCHOOLS, OLD, GONE, LATEST = 1, 2, 3, 4, 5
COLLECTIONS = (
    Collection("47030", WELLS, words=("trafficking", "Nepal")),
    Collection("47110", SCHOOLS, words=("skolor", "nepal")),
    Collection("47031", OLD, closed_on=YESTERDAY, successor="47032"),
    Collection("47032", GONE, closed_on=YESTERDAY, successor="47033"),
    Collection("47033", LATEST),
    Collection("47040", 6, closed_on=YESTERDAY),
)
REGISTER = Register(COLLECTIONS)


def matched(*references: Reference, register: Register = REGISTER) -> Match:
    return match(line(*references), register)


def funds(found: Match) -> list[int]:
    return [part.fund for part in found.parts]


def suggested(found: Match) -> dict[int, str]:
    assert not found.parts
    return {one.fund: one.why for one in found.suggestions}


# Numbers


@pytest.mark.parametrize(
    ("written", "how", "why"),
    [
        (ocr("470302"), How.OCR, "OCR-numret 470302 hör till 47030."),
        (ocr("4703070"), How.OCR, "OCR-numret 4703070 hör till 47030."),
        (reference("4703070"), How.OCR, "Referensen 4703070 hör till 47030."),
        (message("470302"), How.OCR, "Meddelandet 470302 hör till 47030."),
        (reference(" 4703 02 "), How.OCR, "Referensen 470302 hör till 47030."),
        (reference("47030"), How.NUMBER, "Referensen är 47030."),
        (message("47030 "), How.NUMBER, "Meddelandet är 47030."),
        (reference("Brunnar 47030"), How.ALONE, "Numret 47030 står i referensen."),
        (message("Till 47030, tel 0470-47110"), How.ALONE, "Numret 47030 står i meddelandet."),
    ],
)
def test_a_number_places_the_gift_and_says_how(written: Reference, how: How, why: str) -> None:
    assert matched(written) == Match(how, why, (Part(WELLS, 50_000),))


@pytest.mark.parametrize(
    "text",
    [
        "0470 47030",
        "0470-47030",
        "070-47030 12",
        "+46 470 47030",
        "147030",
        "470301",
        "4703071",
        "0047030",
        "47030-1234",
        "47030 kr",
        "47030,-",
        "47030:-",
        "kr 47030",
        "SEK 47030",
        "Mejla anna.47030@example.org",
        "47030,50",
        "470301-1234",
        "470 30",
        "",
    ],
)
def test_inside_something_else_it_is_no_number(text: str) -> None:
    found = matched(message(text), reference(text))

    assert (found.how, found.parts, found.suggestions) == (How.NONE, (), ())


def test_numbers_written_together_are_only_suggested() -> None:
    found = matched(message("47030-47110"))

    assert found.how is How.NONE
    assert suggested(found) == {
        WELLS: "Numret 47030 står i meddelandet, ihop med andra nummer.",
        SCHOOLS: "Numret 47110 står i meddelandet, ihop med andra nummer.",
    }
    assert suggested(matched(message("47030-47031"))) == {
        WELLS: "Numret 47030 står i meddelandet, ihop med andra nummer.",
        LATEST: "Numret 47031 står i meddelandet, ihop med andra nummer, men insamlingen är stängd. "
        "Den ersätts av 47033.",
    }
    assert not matched(message("47030-99999")).suggestions


def test_an_ocr_form_among_words_may_be_a_day_of_birth_and_is_only_suggested() -> None:
    assert suggested(matched(message("Född 470302"))) == {
        WELLS: "470302 står i meddelandet, och är OCR-numret till 47030."
    }


@pytest.mark.parametrize("order", [*permutations((reference("47030"), message("Hej 47030")))])
def test_one_fund_said_twice_is_one_fund(order: tuple[Reference, ...]) -> None:
    assert match(line(*order), REGISTER) == Match(
        How.NUMBER, "Referensen är 47030.", (Part(WELLS, 50_000),)
    )


@pytest.mark.parametrize(
    ("several", "first"),
    [
        ((message("47030 och 47110"),), WELLS),
        ((message("47110 och 47030"),), SCHOOLS),
        ((message("x 47030"), reference("y 47110")), SCHOOLS),
        ((reference("y 47110"), message("47030")), WELLS),
        ((reference("47110"), ocr("470302")), WELLS),
    ],
)
def test_several_numbers_are_for_a_person_the_surest_first(
    several: tuple[Reference, ...], first: int
) -> None:
    found = match(line(*several), REGISTER)
    assert found.how is How.SEVERAL
    assert found.why == "Betalningen nämner flera insamlingar."
    assert list(suggested(found)) == [first, WELLS + SCHOOLS - first]
    assert all(one.amount_ore is None for one in found.suggestions)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (message("till 47999"), "Numret 47999 står i meddelandet, men ingen insamling har det."),
        (ocr("479998"), "OCR-numret 479998 hör inte till någon insamling."),
        (message("Grattis!"), "Inget insamlingsnummer står i betalningen."),
    ],
)
def test_none_says_what_was_there(written: Reference, why: str) -> None:
    assert matched(written) == Match(How.NONE, why)


# Closed


def test_a_fund_takes_money_on_its_last_day_and_not_the_day_after() -> None:
    last_day = match(line(reference("47031"), booked_on=YESTERDAY), REGISTER)
    day_after = match(line(message("till 47031")), REGISTER)

    assert funds(last_day) == [OLD]
    why = "Numret 47031 står i meddelandet, men insamlingen är stängd. Den ersätts av 47033."
    assert day_after == Match(How.CLOSED, why, (), (Suggestion(LATEST, why),), meant_for=OLD)


def test_a_closed_fund_that_nothing_replaces_suggests_nothing() -> None:
    assert matched(reference("47040")) == Match(
        How.CLOSED, "Referensen är 47040, men insamlingen är stängd.", meant_for=6
    )


def test_funds_that_replace_each_other_end_nowhere() -> None:
    ring = Register(
        [
            Collection("47030", 1, closed_on=YESTERDAY, successor="47031"),
            Collection("47031", 2, closed_on=YESTERDAY, successor="47030"),
        ]
    )

    assert matched(reference("47030"), register=ring).suggestions == ()


def test_a_closed_and_an_open_number_are_for_a_person() -> None:
    found = matched(message("47040 eller 47030"))

    assert (found.how, list(suggested(found))) == (How.SEVERAL, [WELLS])


# Part amounts


def test_part_amounts_that_come_to_the_whole_split_it() -> None:
    found = matched(ocr("470302", 30_000), ocr("471102", 15_000), reference("47030", 5_000))

    assert found.how is How.SPLIT
    assert found.parts == (Part(WELLS, 35_000), Part(SCHOOLS, 15_000))
    assert found.why == (
        "Betalningen har delbelopp: 350\N{NO-BREAK SPACE}kr på 47030 och "
        "150\N{NO-BREAK SPACE}kr på 47110."
    )


@pytest.mark.parametrize("off", [-1, 1])
def test_part_amounts_one_ore_off_are_for_a_person(off: int) -> None:
    found = matched(reference("47030", 30_000), reference("47110", 20_000 + off))

    assert found.how is How.SEVERAL
    assert "tillsammans, men betalningen är på 500" in found.why
    assert [(one.fund, one.amount_ore) for one in found.suggestions] == [
        (WELLS, 30_000),
        (SCHOOLS, 20_000 + off),
    ]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (
            (reference("47030", 30_000), reference("medlemsavgift", 20_000)),
            "Betalningen har ett delbelopp utan insamlingsnummer.",
        ),
        ((reference("47030", 50_000), reference("47110")), "Betalningen nämner flera insamlingar."),
        (
            (reference("47030", 50_000), message("hellre 47110")),
            "Betalningen nämner flera insamlingar.",
        ),
        (
            (
                reference("47030 47110", 30_000),
                reference("47030", 10_000),
                reference("47110", 10_000),
            ),
            "Betalningen nämner flera insamlingar.",
        ),
        (
            (reference("47030", 60_000), reference("47110", -10_000)),
            "Betalningen har avdrag som är större än sitt delbelopp.",
        ),
        (
            (reference("47030", 30_000), reference("47040", 20_000)),
            "Referensen är 47040, men insamlingen är stängd.",
        ),
    ],
)
def test_parts_that_do_not_say_everything_are_for_a_person(
    parts: tuple[Reference, ...], why: str
) -> None:
    found = match(line(*parts), REGISTER)

    assert (found.parts, found.why) == ((), why)
    assert WELLS in suggested(found)


def test_a_deduction_is_taken_from_its_own_funds_part() -> None:
    parts = (reference("47030", 30_000), reference("47110", 30_000), reference("47110", -10_000))

    assert match(line(*parts), REGISTER).parts == (Part(WELLS, 30_000), Part(SCHOOLS, 20_000))


def test_one_part_that_is_the_whole_is_no_split() -> None:
    assert matched(ocr("470302", 50_000)).how is How.OCR
    assert matched(ocr("470302", 49_999)).parts == ()


NUMBERS = st.sampled_from(["47030", "47110", "47031", "470302", "47999", "0470-47030", "hej", ""])
PARTS = st.none() | st.integers(-60_000, 60_000)


@given(
    st.lists(st.builds(reference, NUMBERS, PARTS), max_size=4),
    st.integers(1, 60_000),
)
def test_what_is_placed_is_the_whole_amount_in_open_funds_and_always_the_same(
    references: list[Reference], amount_ore: int
) -> None:
    payment = line(*references, amount_ore=amount_ore)
    found = match(payment, REGISTER)

    assert found == match(payment, Register(COLLECTIONS))
    assert sum(part.amount_ore for part in found.parts) == (amount_ore if found.parts else 0)
    assert all(part.amount_ore > 0 for part in found.parts)
    assert {*funds(found), *(one.fund for one in found.suggestions)} <= {WELLS, SCHOOLS, LATEST}
    assert len({one.fund for one in found.suggestions}) == len(found.suggestions)
    assert not (found.parts and found.suggestions)


# Payers


ASA = Payer(name="Åsa Lindström", account="5440-000001", identity="+46 70-000 00 01")


def test_a_payers_number_in_autogiro_places_the_gift() -> None:
    register = Register(COLLECTIONS, autogiro={"0000000000012345": WELLS})

    assert matched(autogiro("12345"), register=register) == Match(
        How.AUTOGIRO, "Betalarnumret i Autogiro är knutet till 47030.", (Part(WELLS, 50_000),)
    )
    assert matched(reference("12345"), register=register).how is How.NONE
    paid = line(ocr("12345"), channel="autogiro")
    assert match(paid, register).how is How.AUTOGIRO


def test_a_payers_number_in_autogiro_is_no_collection_number() -> None:
    assert matched(autogiro("47030")).how is How.NONE
    register = Register(COLLECTIONS, autogiro={"470302": SCHOOLS})
    assert funds(match(line(ocr("470302"), channel="autogiro"), register)) == [SCHOOLS]


@pytest.mark.parametrize("key", payer_keys(line(message("till minne"), payer=ASA)))
def test_a_bound_payer_places_the_gift_and_a_number_goes_before(key: str) -> None:
    register = Register(COLLECTIONS, payers={key: SCHOOLS})

    bound = match(line(message("Till  MINNE!"), payer=ASA), register)
    assert (bound.how, funds(bound)) == (How.PAYER, [SCHOOLS])
    numbered = match(line(message("47030"), payer=ASA), register)
    assert (numbered.how, funds(numbered)) == (How.NUMBER, [WELLS])


def test_a_name_is_bound_only_with_its_text() -> None:
    asa = Payer(name="Åsa Lindström")
    [key] = payer_keys(line(message("till minne"), payer=asa))
    register = Register(COLLECTIONS, payers={key: SCHOOLS})

    assert funds(match(line(message("Till minne"), payer=Payer(name="ÅSA LINDSTRÖM")), register))
    assert not funds(match(line(message("något annat"), payer=asa), register))
    assert not funds(match(line(message("till minne"), payer=Payer(name="Bo Ek")), register))


def test_a_name_alone_binds_nobody_and_is_only_remembered() -> None:
    asa = line(payer=Payer(name="Åsa Lindström"))

    assert payer_keys(asa) == []
    [key] = memory_keys(asa)
    register = Register(COLLECTIONS, decisions={key: Decision((SCHOOLS,), DAY)})
    assert list(suggested(match(asa, register))) == [SCHOOLS]


def test_a_number_of_noughts_in_autogiro_binds_nobody() -> None:
    register = Register(COLLECTIONS, autogiro={"000": SCHOOLS})

    for text in ("", "0", "000"):
        assert not match(line(autogiro(text)), register).parts


def test_a_payer_bound_to_two_funds_or_to_a_closed_one_is_for_a_person() -> None:
    account, identity = payer_keys(line(payer=ASA))
    two = Register(COLLECTIONS, payers={account: WELLS, identity: SCHOOLS})
    closed = Register(COLLECTIONS, payers={account: OLD})

    assert list(suggested(match(line(payer=ASA), two))) == [WELLS, SCHOOLS]
    assert suggested(match(line(payer=ASA), closed)) == {
        LATEST: "Betalaren är knuten till 47031, men insamlingen är stängd. Den ersätts av 47033."
    }


# What only suggests


def test_a_funds_own_words_only_suggest() -> None:
    found = matched(message("mot TRAFFICKING i Nepal"))

    assert found.how is How.NONE
    assert suggested(found) == {
        WELLS: "”trafficking” står i texten, och är ett ord för 47030.",
        SCHOOLS: "”nepal” står i texten, och är ett ord för 47110.",
    }
    assert suggested(matched(message("Nepals barn"))).keys() == {WELLS, SCHOOLS}
    assert not matched(message("antinepal")).suggestions
    assert funds(matched(message("47110 trafficking"))) == [SCHOOLS]


@pytest.mark.parametrize(
    "payer",
    [
        ASA,
        Payer(account="5440000001"),
        Payer(identity="+46700000001"),
        Payer(name="ÅSA  LINDSTRÖM"),
    ],
)
def test_what_a_person_decided_is_offered_for_the_same_payer_and_text(payer: Payer) -> None:
    keys = memory_keys(line(message("till minne"), payer=ASA))
    decision = Decision((SCHOOLS, OLD), datetime.date(2026, 1, 9))
    register = Register(COLLECTIONS, decisions=dict.fromkeys(keys, decision))

    found = match(line(message("Till minne."), payer=payer), register)
    assert found.how is How.NONE
    before = "Samma betalare och text placerades på"
    assert suggested(found) == {
        SCHOOLS: f"{before} 47110 den 9 januari 2026.",
        LATEST: f"{before} 47031 den 9 januari 2026, men insamlingen är stängd. Den ersätts av 47033.",
    }
    assert not match(line(message("annat"), payer=payer), register).suggestions


def test_a_number_comes_before_a_decision_and_a_decision_before_a_word() -> None:
    payer, text = Payer(name="Bo Ek"), message("trafficking 47040 47033")
    decision = Decision((SCHOOLS,), DAY)
    register = Register(
        COLLECTIONS, decisions=dict.fromkeys(memory_keys(line(text, payer=payer)), decision)
    )

    assert list(suggested(match(line(text, payer=payer), register))) == [LATEST, SCHOOLS, WELLS]


def test_reasons_never_hold_what_the_payer_wrote_but_numbers() -> None:
    found = match(line(message("Kärlek till Nepal 47030 47110"), payer=ASA), REGISTER)

    for told in (found.why, *suggested(found).values()):
        assert "Kärlek" not in told
        assert "Åsa" not in told


def test_five_thousand_payments_take_a_moment() -> None:
    draw = random.Random(1)
    many = Register(
        [Collection(str(number), number, words=(f"ord{number}",)) for number in range(47000, 47100)]
    )
    texts = ["470302", "47030", "Brunnar 47031", "Grattis på födelsedagen 0701234567", "hej 12345"]
    lines = [
        line(message(draw.choice(texts)), payer=f"Givare {at}", row=str(at)) for at in range(5_000)
    ]
    begun = time.process_time()
    for one in lines:
        match(one, many)

    assert time.process_time() - begun < 1.5
