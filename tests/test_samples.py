"""The banks' published samples, imported by the command; they lie beside the repository, where they lie at all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from donations.models import AccountNumber, Transfer
from tests import cast
from tests.bankfiles import other_bgmax, other_camt, other_swish
from tests.test_import import told

SAMPLES = Path(__file__).parents[2] / "shared/reference/samples"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the banks' samples are not in the repository"),
]

# The numbers that each file's gifts come to, and how many gifts there are.
FILES = {
    "bgmax-no-options-lf.txt": ({"bankgiro": "9912346"}, 5),
    "bgmax-no-options-unbroken.txt": ({"bankgiro": "9912346"}, 5),
    "bgmax-ocr-extended-unbroken.txt": ({"bankgiro": "9912346"}, 7),
    "camt053-v02-seb-bankgiro.xml": ({"bban": "54401060156"}, 6),
    "camt054-v02-seb-bankgiro.xml": ({"bban": "54401060156"}, 2),
    "swish-handelsbanken-comma.csv": ({"swish": "1235524400"}, 2),
    "swish-handelsbanken-semicolon.csv": ({"bban": "123456789"}, 2),
    "swish-swedbank.csv": ({"bban": "543211029384756"}, 10),
}
READERS: dict[str, Callable[[bytes], dict[str, int]]] = {
    "bgmax": other_bgmax.read,
    "camt0": other_camt.read,
    "swish": other_swish.read,
}


@pytest.mark.parametrize("name", FILES)
def test_a_sample_is_imported_with_the_totals_it_states(name: str) -> None:
    numbers, count = FILES[name]
    for scheme, digits in numbers.items():
        AccountNumber.objects.create(account=cast.bank(), scheme=scheme, digits=digits)
    [one], status = told(SAMPLES / name)
    another_reader = READERS[name[:5]]((SAMPLES / name).read_bytes())
    assert (one["refused"], status) == (None, 0)
    assert one["payments"] == one["matched"] + one["unplaced"] == count
    assert (one["payments"], one["amount_ore"]) == (
        another_reader["credits"],
        another_reader["credit_ore"],
    )
    assert one["outgoing"] == another_reader["debits"]
    booked = Transfer.objects.filter(kind="gift").values_list("amount_ore", flat=True)
    assert sum(booked) == one["amount_ore"]


def test_the_sample_in_two_currencies_is_refused_with_that_reason() -> None:
    [one], status = told(SAMPLES / "camt054-v08-synthetic.xml")
    assert status == 1
    assert one["refused"]["where"] == "Ntry 1"
    assert "9,50 CHF" in one["refused"]["reason"]
    assert Transfer.objects.count() == 0
