"""What looks like a personnummer is hidden, and other numbers are left to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.masking import HIDDEN, mask

# Made with the right check digit; nobody's.
TEN, TWELVE = "8112289874", "198112289874"


@pytest.mark.parametrize(
    "number",
    [
        TEN,
        "811228-9874",
        "811228+9874",
        "811228 - 9874",
        "811228–9874",
        "811228 9874",
        TWELVE,
        "19811228-9874",
        "19811228+9874",
        "20240229-1234",
        "811288-9874",  # a samordningsnummer: the day and 60
        "19811291-1234",
        "811228-0000",  # with a sign the check digit is not asked for: people write it wrong
        "198112280000",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "hälsar Eva {}.", "pnr{}!", "({})", "a\n{}\nb", "47030, {}"]
)
def test_a_personnummer_is_hidden_wherever_it_stands(number: str, around: str) -> None:
    assert mask(around.format(number)) == around.format(HIDDEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "47030",
        "470302",
        "8112289875",  # ten digits, and the check digit is another
        "811228 9875",
        "19811228 9875",
        "0701234567",
        "070-123 45 67",
        "08-123 456 78",
        "811328-9874",  # no such month
        "810028-9874",
        "811200-9874",
        "811232-9874",
        "810230-9874",
        "811260-9874",  # no day, nor one and 60
        "811292-9874",
        "556016-0680",  # an organisation's number
        "17811228-9874",  # nobody lives who was born then
        "21811228-9874",
        f"1{TEN}",
        f"{TEN}1",
        f"{TWELVE}1",
        "1811228-98741",
        "811228--9874",
        "5000-1234 811 228 98 74",
        "BG 900-1223",
        "1 250,50 kr den 3 november 2026",
    ],
)
def test_other_numbers_can_be_read(text: str) -> None:
    assert mask(text) == text


def test_each_of_several_is_hidden() -> None:
    assert mask(f"{TEN}, 811228-9874 och 47030") == f"{HIDDEN}, {HIDDEN} och 47030"


@given(st.text())
def test_what_is_hidden_once_is_not_hidden_again(text: str) -> None:
    assert mask(mask(text)) == mask(text)
