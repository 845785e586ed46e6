"""A collection number as payers write it in the OCR field."""

from stdnum import luhn


def ocr_forms(collection_number: str) -> set[str]:
    """The OCR numbers of a collection number: with check digit, and with length and check digit.

    "47030" → {"470302", "4703070"} (Luhn, modulus 10; the length digit counts
    itself and the check digit, modulo 10).
    """
    with_length = f"{collection_number}{(len(collection_number) + 2) % 10}"
    return {
        collection_number + luhn.calc_check_digit(collection_number),
        with_length + luhn.calc_check_digit(with_length),
    }
