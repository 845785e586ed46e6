"""What is set aside as no gift, by which rule, and that a gift never is."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.bankfiles.aside import BUILT_IN, SHOWN, Class, Count, Rule, Sorting
from donations.bankfiles.numbers import parse
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Ground, Kind, Line, Number, Payer, Reference, Scheme, Way
from tests.bankfiles import flat
from tests.bankfiles.made import BANKGIRO, line, message, reference

pytestmark = pytest.mark.once

IBAN = parse(Scheme.IBAN, "SE35 5000 0000 0549 1000 0003")
PLUSGIRO = Number(Scheme.PLUSGIRO, "9012238")
SWISH = Number(Scheme.SWISH, "1230000000")
OURS = (BANKGIRO, IBAN, PLUSGIRO, SWISH)
OUT = {"way": Way.OUT}


def sorted_as(one: Line, *rules: Rule) -> Class | None:
    found = Sorting(OURS, rules).sort(one)
    return found.is_a if found else None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, None),
        ({"aside": "Banken har inte bokfört posten (status PDNG)."}, Class.NOT_BOOKED),
        ({"aside": "Beloppet är i EUR.", "currency": "EUR"}, Class.OTHER_CURRENCY),
        ({"currency": "EUR"}, Class.OTHER_CURRENCY),
        ({"amount_ore": 0}, Class.ZERO),
        ({"kind": Kind.LUMP}, Class.LUMP),
        ({"kind": Kind.RETURN}, Class.RETURN),
        ({"kind": Kind.RETURN} | OUT, Class.RETURN),
        ({"kind": Kind.OTHER, "code": "PMNT CHRG"}, Class.FEE),
        ({"kind": Kind.OTHER, "code": "ACMT INTR"} | OUT, Class.INTEREST),
        ({"kind": Kind.OTHER, "code": "CAMT ACON"}, Class.OWN_TRANSFER),
        ({"kind": Kind.OTHER, "code": "FORX SPOT"}, Class.OTHER),
        (OUT, Class.OUTGOING),
    ],
)
def test_each_kind_of_line_has_its_class(told: dict[str, object], expected: Class | None) -> None:
    assert sorted_as(line(message("47030"), payer="Åsa Lindström", **told)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bankavgift mars", Class.FEE),
        ("MÃ¥nadsavgift", Class.FEE),
        ("Debetränta", Class.INTEREST),
        ("Överföring till eget konto", Class.OWN_TRANSFER),
        ("Hyra", Class.OUTGOING),
    ],
)
def test_money_out_is_known_by_its_words_and_a_gift_with_them_stays_a_gift(
    text: str, expected: Class
) -> None:
    assert sorted_as(line(message(text), **OUT)) is expected
    assert sorted_as(line(message(text))) is None


@pytest.mark.parametrize(
    ("payer", "to", "is_ours"),
    [
        (Payer(account=IBAN.digits), BANKGIRO, True),
        (Payer(account="5491 000 000 3"), BANKGIRO, True),
        (Payer(account="54910000003"), BANKGIRO, True),  # the account that the IBAN holds
        (Payer(account="0009912346"), BANKGIRO, True),
        (Payer(identity="1230000000"), BANKGIRO, True),
        # A payer's bankgiro with the digits of our plusgiro is not ours.
        (Payer(account="9012238"), BANKGIRO, False),
        (Payer(account="90 12 23-8"), PLUSGIRO, True),
        (Payer(account="54910000004", identity="+46700000001"), BANKGIRO, False),
        (Payer(name="Insamlingen"), BANKGIRO, False),
    ],
)
def test_an_own_transfer_is_known_by_the_other_partys_account(
    payer: Payer, to: Number, is_ours: bool
) -> None:
    expected = Class.OWN_TRANSFER if is_ours else None
    assert sorted_as(line(payer=payer, to=to)) is expected


# Finance's own rules

RENT = Rule("Hyran från kaféet", Class.OTHER, text="kafé", least_ore=100_000, most_ore=200_000)


@pytest.mark.parametrize(
    ("text", "payer", "amount_ore", "takes"),
    [
        ("Hyra kaféet", "", 100_000, True),
        ("HYRA KAFEET", "", 200_000, True),
        ("hyra", "Kafé Linné", 150_000, True),
        ("hyra", "Stadskaféet", 150_000, True),
        ("Hyra kaféet", "", 99_999, False),
        ("Hyra kaféet", "", 200_001, False),
        ("fé", "Ka", 150_000, False),
    ],
)
def test_a_rule_takes_what_is_all_that_it_says(
    text: str, payer: str, amount_ore: int, takes: bool
) -> None:
    found = Sorting(OURS, [RENT]).sort(line(message(text), payer=payer, amount_ore=amount_ore))

    assert (found is not None) is takes
    if found:
        assert (found.is_a, found.rule) == (Class.OTHER, RENT)
        assert found.why == "Regeln ”Hyran från kaféet” gäller."


def test_a_text_of_three_letters_is_a_word_of_its_own() -> None:
    wages = Rule("löner", Class.OTHER, text="lön")

    assert sorted_as(line(message("Tack"), payer="Aino Salonen"), wages) is None
    assert sorted_as(line(message("Till minne av Malon")), wages) is None
    assert sorted_as(line(message("Lön, mars")), wages) is Class.OTHER
    assert sorted_as(line(message("mars"), payer="LÖN"), wages) is Class.OTHER


def test_each_part_of_a_rule_counts() -> None:
    payer = Payer(name="Kafé", account="123-4566")
    one = line(payer=payer, code="PMNT ESCT")

    assert sorted_as(one, Rule("", Class.OTHER, account="1234566")) is Class.OTHER
    assert sorted_as(one, Rule("", Class.OTHER, account="1234567")) is None
    assert sorted_as(one, Rule("", Class.OTHER, code="esct")) is Class.OTHER
    assert sorted_as(one, Rule("", Class.OTHER, code="pmnt esct")) is Class.OTHER
    assert sorted_as(one, Rule("", Class.OTHER, code="ESC")) is None
    assert sorted_as(one, Rule("", Class.OTHER, code="PMNT CHRG")) is None
    assert sorted_as(one, Rule("", Class.OTHER, text="kafé", way=Way.OUT)) is None
    assert sorted_as(one, Rule("", Class.OTHER, text="kafé", way=Way.IN)) is Class.OTHER
    assert sorted_as(one, Rule("", Class.OTHER, text="kafé", is_ours=True)) is None


def test_the_first_rule_that_takes_a_line_decides_and_what_is_certain_goes_before() -> None:
    first = Rule("först", Class.FEE, text="kafé")
    then = Rule("sedan", Class.OTHER, text="kafé")

    assert sorted_as(line(message("kafé")), first, then) is Class.FEE
    assert sorted_as(line(message("kafé")), then, first) is Class.OTHER
    assert sorted_as(line(message("kafé"), kind=Kind.RETURN), first) is Class.RETURN
    # and a rule goes before the built-in ones
    assert sorted_as(line(message("kaféavgift"), **OUT), then) is Class.OTHER


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"way": Way.IN},
        {"least_ore": 1},
        {"way": Way.IN, "most_ore": 100},
        {"code": "PMNT"},
        {"code": "pmnt rcdt", "way": Way.IN},
        {"code": "SWH", "least_ore": 1},
        {"text": "ab"},
        {"text": "  !!  "},
        {"account": "--", "text": "abc"},
        {"text": "abc", "least_ore": 2, "most_ore": 1},
    ],
)
def test_a_rule_that_would_take_gifts_or_can_take_nothing_is_refused(
    said: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Rule("regel", Class.OTHER, **said)  # type: ignore[arg-type]


def test_a_rule_for_money_out_needs_nothing_more() -> None:
    assert sorted_as(line(**OUT), Rule("allt ut", Class.OTHER, way=Way.OUT)) is Class.OTHER
    assert sorted_as(line(), Rule("allt ut", Class.OTHER, way=Way.OUT)) is None


# Together


def test_what_is_set_aside_is_counted_by_class_and_way() -> None:
    sorting = Sorting(OURS)
    for one in (
        line(),
        line(kind=Kind.RETURN, amount_ore=100),
        line(kind=Kind.RETURN, amount_ore=20, **OUT),
        line(kind=Kind.RETURN, amount_ore=3, **OUT),
    ):
        sorting.sort(one)

    assert sorting.counts == {
        (Class.RETURN, Way.IN): Count(1, 100),
        (Class.RETURN, Way.OUT): Count(2, 23),
    }
    assert set(SHOWN) == set(Class)


@given(
    st.text(max_size=30),
    st.text(max_size=20),
    st.from_regex(r"[0-9]{8,12}", fullmatch=True),
    st.integers(1, 10**12),
)
def test_no_payment_in_is_set_aside_by_what_is_built_in(
    text: str, name: str, account: str, amount_ore: int
) -> None:
    payer = Payer(name=name, account=f"6{account}")

    assert (
        sorted_as(line(Reference(Ground.MESSAGE, text), payer=payer, amount_ore=amount_ore)) is None
    )
    assert all(rule.way is Way.OUT or rule.codes for rule in BUILT_IN)


def test_the_banks_codes_come_with_the_lines() -> None:
    swish = recognise(io.BytesIO(flat.handelsbanken_all_types()))
    codes = [one.code for one in swish.lines()]
    assert {"SWH", "SWR", "SWU"} <= set(codes)

    [camt] = (flat.FOLDER.parent / "camt").glob("053-08-lumps-and-fees.xml")
    lines = list(recognise(io.BytesIO(camt.read_bytes())).lines())
    assert [(one.code, sorted_as(one)) for one in lines] == [
        ("PMNT ATXN", Class.LUMP),
        ("PMNT DMCT", Class.LUMP),
        ("PMNT OTHR", None),
        ("PMNT CHRG", Class.FEE),
        ("CAMT SWEP", Class.OWN_TRANSFER),
        ("ACMT INTR", Class.INTEREST),
    ]


def test_a_deduction_on_a_giro_is_a_return() -> None:
    one = line(reference("47030"), kind=Kind.RETURN, **OUT)
    found = Sorting(OURS).sort(one)

    assert found
    assert found.why == "Pengarna har gått tillbaka till betalaren, enligt banken."
