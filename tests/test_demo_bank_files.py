"""The demo's own files from a bank: downloaded, handed in again and booked."""

import datetime
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations.bankfiles.recognise import recognise
from donations.demo import bank_files, loading
from donations.models import Account, BankFile, LumpSum, UnplacedGift
from donations.operations.bank_files import confirm
from donations.outcome import Outcome
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def eskil() -> Client:
    loading.load(timezone.localdate())
    return cast.sign_in(Client(), User.objects.get(email="ekonomi@example.org"))


def hand_in(client: Client, name: str) -> BankFile:
    data = client.get(reverse("finance_demo_bank_file", args=[name]))
    assert data.status_code == 200
    chosen = SimpleUploadedFile(f"{name}.xml", data.content)
    client.post(reverse("finance_bank_files_upload"), {"chosen": chosen})
    return BankFile.objects.get(name=f"{name}.xml")


def test_the_demos_day_comes_as_gifts_of_which_three_wait_and_as_a_statement(eskil: Client) -> None:
    page = eskil.get(reverse("finance_bank_files")).content.decode()
    assert all(reverse("finance_demo_bank_file", args=[name]) in page for name in bank_files.NAMES)
    waiting, gifts = UnplacedGift.objects.count(), hand_in(eskil, "camt.054")
    told = Outcome.from_json(gifts.outcome)
    assert (told.counts["matched"].lines, told.counts["unplaced"].lines) == (5, 3)
    assert not told.questions
    confirm(gifts, by=User.objects.get(email="ekonomi@example.org"))
    assert UnplacedGift.objects.count() == waiting + 3
    assert gifts.payments.count() == len(bank_files.GIFTS)
    statement = hand_in(eskil, "camt.053")
    assert statement.refusal is None
    confirm(statement, by=User.objects.get(email="ekonomi@example.org"))
    assert statement.payments.count() == 0
    lump = LumpSum.objects.get(file=statement)
    assert lump.amount_ore == sum(gift.ore for gift in bank_files.GIFTS)
    assert lump.deposit == gifts.payments.values_list("deposit", flat=True).distinct().get()


def test_with_both_files_the_last_bank_day_agrees_to_the_ore(eskil: Client) -> None:
    for name in bank_files.NAMES:
        confirm(hand_in(eskil, name), by=User.objects.get(email="ekonomi@example.org"))
    day = bank_files.last_bank_day(timezone.localdate())
    account = Account.objects.get(name=loading.BANK)
    page = eskil.get(reverse("finance_reconciliation_day", args=[account.pk, day]))
    told = text_of(page)
    assert "Skiljer 0 kr" in told
    assert "Varje rad på kontoutdraget har sin gåva" in told


def test_the_files_are_of_the_weekday_before_and_a_day_gives_the_same_bytes() -> None:
    friday = datetime.date(2026, 11, 20)
    for days in (1, 2, 3):
        assert bank_files.last_bank_day(friday + datetime.timedelta(days=days)) == friday
    assert bank_files.last_bank_day(friday) == friday - datetime.timedelta(days=1)
    for name in bank_files.NAMES:
        assert bank_files.write(name, friday) == bank_files.write(name, friday)
        assert bank_files.write(name, friday) != bank_files.write(name, datetime.date(2026, 11, 19))
        assert recognise(io.BytesIO(bank_files.write(name, friday))).format == name


def test_where_there_is_no_demo_there_are_no_such_files() -> None:
    cast.bank()
    client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    assert client.get(reverse("finance_demo_bank_file", args=["camt.054"])).status_code == 404
