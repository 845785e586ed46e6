"""Kronor in text become whole öre and back, or a sentence that says what would be right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.money import LIMIT_ORE, AmountError, format_kronor, parse_kronor
from donations.ocr import ocr_forms

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("text", "ore"),
    [
        ("276 000", 276_000_00),
        ("276000,50", 276_000_50),
        ("276 000 kr", 276_000_00),
        (f"276{NBSP}000{NBSP}kr", 276_000_00),
        ("276\N{NARROW NO-BREAK SPACE}000", 276_000_00),
        (" 1 ", 1_00),
        ("0", 0),
        ("0,01", 1),
        ("0,1", 10),
        ("12:-", 12_00),
        ("99 999 999 999,99", LIMIT_ORE - 1),
    ],
)
def test_amounts_as_people_write_them(text: str, ore: int) -> None:
    assert parse_kronor(text) == ore


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,005", "högst två siffror"),
        ("-5", "inte vara negativt"),
        ("−5", "inte vara negativt"),
        ("fem", "med siffror"),
        ("5 kr 50", "med siffror"),
        ("276.000", "med siffror"),
        ("27 60 00", "med siffror"),
        ("", "med siffror"),
        (",50", "med siffror"),
        ("٣", "med siffror"),
        ("1e3", "med siffror"),
        ("100 000 000 000", "för stort"),
        ("9" * 5000, "för stort"),
    ],
)
def test_what_is_no_amount_is_refused_with_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(AmountError, match=says):
        parse_kronor(text)


@pytest.mark.parametrize(
    ("ore", "text"),
    [
        (276_000_00, f"276{NBSP}000{NBSP}kr"),
        (276_000_50, f"276{NBSP}000,50{NBSP}kr"),
        (5, f"0,05{NBSP}kr"),
        (0, f"0{NBSP}kr"),
        (-1_234_50, f"−1{NBSP}234,50{NBSP}kr"),
    ],
)
def test_amounts_as_they_are_printed(ore: int, text: str) -> None:
    assert format_kronor(ore) == text


@given(st.integers(min_value=0, max_value=LIMIT_ORE - 1))
def test_what_is_printed_reads_back_as_the_same(ore: int) -> None:
    assert parse_kronor(format_kronor(ore)) == ore


def test_the_ocr_forms_of_47030() -> None:
    assert ocr_forms("47030") == {"470302", "4703070"}


def test_the_ocr_forms_of_known_numbers() -> None:
    assert "1230" in ocr_forms("123")
    assert "12351" in ocr_forms("123")
    assert "102343" in ocr_forms("10234")
