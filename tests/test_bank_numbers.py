"""Account numbers, OCR numbers, and a collection number in what a person wrote."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from donations.bankfiles.numbers import (
    collection_numbers,
    deposit_key,
    is_ocr,
    ocr_forms,
    parse,
    printed,
    standing_alone,
)
from donations.bankfiles.records import Number, Scheme

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("number", "forms"),
    [("123", {"1230", "12351"}), ("47030", {"470302", "4703070"}), ("10234", {"102343"})],
)
def test_a_number_has_its_ocr_forms_and_they_lead_back(number: str, forms: set[str]) -> None:
    assert forms <= ocr_forms(number)
    for form in ocr_forms(number):
        assert is_ocr(form)
        assert number in collection_numbers(form)


@given(st.from_regex(r"[1-9][0-9]{4}", fullmatch=True), st.integers(0, 9))
def test_another_check_digit_leads_nowhere(number: str, digit: int) -> None:
    for form in ocr_forms(number):
        changed = form[:-1] + str(digit)
        assert (number in collection_numbers(changed)) == (changed == form)


@pytest.mark.parametrize("text", ["47030", "", "0", "x70302", "٤٧٠٣٠٢", "4" * 26])
def test_what_is_no_ocr_number_leads_nowhere(text: str) -> None:
    assert not is_ocr(text)
    assert collection_numbers(text) == set()


def test_a_wrong_length_digit_is_no_length_digit() -> None:
    with_length = next(form for form in ocr_forms("47030") if len(form) == 7)
    assert collection_numbers(with_length) == {with_length[:6], "47030"}
    assert "47030" not in collection_numbers("4703062")


@pytest.mark.parametrize(
    ("scheme", "written", "digits", "shown"),
    [
        (Scheme.BANKGIRO, "991-2346", "9912346", "991-2346"),
        (Scheme.BANKGIRO, "902-0033", "9020033", "902-0033"),
        (Scheme.BANKGIRO, "BG 900-1223", "9001223", "900-1223"),
        (Scheme.BANKGIRO, "bankgironr: 5402 9681", "54029681", "5402-9681"),
        (Scheme.BANKGIRO, "0009912346", "9912346", "991-2346"),
        (Scheme.PLUSGIRO, "pg 90 12 23-8", "9012238", "90 12 23-8"),
        (Scheme.PLUSGIRO, "18", "18", "1-8"),
        (Scheme.SWISH, "123 000 00 00", "1230000000", "123 000 00 00"),
        (Scheme.SWISH, "Swish: 1230000000", "1230000000", "123 000 00 00"),
        (
            Scheme.IBAN,
            "se35 5000 0000 0549 1000 0003",
            "SE3550000000054910000003",
            "SE35 5000 0000 0549 1000 0003",
        ),
        (Scheme.BBAN, "5440-123 45 67", "54401234567", "54401234567"),
        (Scheme.BBAN, "8105-9, 123 456 789-0", "810591234567890", "810591234567890"),
    ],
)
def test_a_number_is_read_as_people_write_it_and_shown_as_banks_do(
    scheme: Scheme, written: str, digits: str, shown: str
) -> None:
    number = parse(scheme, written)

    assert number == Number(scheme, digits)
    assert printed(number) == shown
    assert parse(scheme, shown) == number


@pytest.mark.parametrize(
    ("scheme", "written"),
    [
        (Scheme.BANKGIRO, "991-2347"),
        (Scheme.BANKGIRO, "12-3456"),
        (Scheme.BANKGIRO, "123-456-789"),
        (Scheme.BANKGIRO, ""),
        (Scheme.PLUSGIRO, "90 12 23-4"),
        (Scheme.PLUSGIRO, "1"),
        (Scheme.SWISH, "0701234567"),
        (Scheme.SWISH, "123000000"),
        (Scheme.IBAN, "SE3550000000054910000004"),
        (Scheme.IBAN, "hej"),
        (Scheme.BBAN, "konto"),
        (Scheme.BBAN, "1" * 21),
    ],
)
def test_what_is_wrong_is_told(scheme: Scheme, written: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse(scheme, written)


@given(st.sampled_from(Scheme), st.text(max_size=200))
def test_no_text_is_too_odd(scheme: Scheme, written: str) -> None:
    try:
        number = parse(scheme, written)
    except ValueError:
        return
    assert parse(scheme, printed(number)) == number


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("47030", ["47030"]),
        ("Brunnar 47030!", ["47030"]),
        ("nr47030.", ["47030"]),
        ("47030, 47110 och 47030", ["47030", "47110"]),
        ("47030/47110", ["47030", "47110"]),
        ("47030,47110", ["47030", "47110"]),
        ("år 2026 47030 100 kr", ["47030"]),
        ("47030 500,00", ["47030"]),
        ("2026-03-03 47030", ["47030"]),
        ("Ring 070-123 45 67 om 47030", ["47030"]),
        ("0701234567 47030", ["47030"]),
        ("47030 0701234567", ["47030"]),
        ("+46 (0)70 123 45 67 47030", ["47030"]),
        ("900-1223 47030", ["47030"]),
        # No digit on either side
        ("147030", []),
        ("470301", []),
        ("4703070", []),
        ("0047030", []),
        # Telephone numbers
        ("0470-47030", []),
        ("0470 47030", []),
        ("(0470) 47030", []),
        ("0470/47030", []),
        ("+46 470 47030", []),
        ("0046 470 47030", []),
        ("070-47030 12", []),
        ("0470 47030 47110", ["47110"]),
        # Personnummer, accounts, giros
        ("470301-1234", []),
        ("19470301-1234", []),
        ("5440-47030", []),
        ("47030-1234", []),
        ("8105-9,47030-1", []),
        # Amounts
        ("47030 kr", []),
        ("47030,50", []),
        ("47030:-", []),
        ("47030.00 47110", ["47110"]),
        ("SEK 47 030", []),
        ("", []),
    ],
)
def test_a_collection_number_is_found_only_where_it_stands_alone(
    written: str, found: list[str]
) -> None:
    assert standing_alone(written) == found


@given(st.text(alphabet="0123456789 -,.+/()kr", max_size=60))
def test_what_is_found_has_no_digit_beside_it(written: str) -> None:
    for number in standing_alone(written):
        assert f" {number} " in f" {''.join(c if c.isdigit() else ' ' for c in written)} "


def test_a_long_text_is_searched_at_once() -> None:
    for text in ("0" * 100_000, "0 " * 50_000, "1-" * 50_000, "+46" * 30_000):
        assert standing_alone(text) == []


def test_a_deposit_has_one_name_in_all_files() -> None:
    day = datetime.date(2026, 3, 3)

    assert deposit_key(Number(Scheme.BANKGIRO, "9912346"), "17", day) == "BG9912346 00017 2026"
    assert deposit_key(Number(Scheme.PLUSGIRO, "9012238"), "00017", day) == "PG9012238 00017 2026"
