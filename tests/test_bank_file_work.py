"""A large bank file is read and booked beside the requests, which never wait for it."""

import threading
import time
from dataclasses import asdict
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import caches
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations.bankfiles.records import Refused
from donations.finance import bank_file_work as work
from donations.intake import Progress
from donations.models import AccountNumber, BankFile
from donations.operations import OperationError, bank_files
from staff import activity
from staff.models import Event, Origin
from staff.roles import Role
from tests import cast
from tests.bankfiles import flat
from tests.test_bank_file_pages import ONE, book, gifts, handed_in, shown
from tests.test_finance_pages import text_of
from tests.test_import import received

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    AccountNumber.objects.create(account=cast.bank(), scheme="bankgiro", digits=flat.OURS)
    cast.fund("47030")
    monkeypatch.setattr(work, "BEAT", 0.02)


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def done() -> None:
    """Wait until all work is over."""
    for thread in threading.enumerate():
        if thread.name.startswith("bank-file-"):
            thread.join(timeout=20)
            assert not thread.is_alive()


def until(true: Any) -> None:
    last = time.monotonic() + 10
    while not true():
        assert time.monotonic() < last
        time.sleep(0.01)


def test_a_large_file_is_read_and_booked_by_threads_and_its_page_tells_what_came_of_it(
    eskil: Client, settings: Any
) -> None:
    settings.LARGE_BANK_FILE = 10
    of = handed_in(eskil, ONE)
    done()
    assert "Bokför 1 gåva, 500 kr" in text_of(shown(eskil, of))
    answer = book(eskil, of)
    assert answer["Location"] == reverse("finance_bank_file", args=[of.pk])
    done()
    assert "Bokfört: 1 gåva, 500 kr" in text_of(shown(eskil, of))
    assert gifts() == [50_000]
    event = Event.objects.get(text__startswith="Bokförde bankfil nr")
    assert Origin.objects.filter(event=event).exists(), "it is known from where it was asked for"
    page = reverse("finance_bank_file_undo", args=[of.pk])
    once = str(eskil.get(page).context["form"]["once"].value())
    eskil.post(page, {"once": once, "reason": "Fel fil"})
    done()
    assert "Filen är ångrad" in text_of(shown(eskil, of))
    assert gifts() == []


def test_what_another_file_has_changed_is_told_when_the_thread_has_ended(
    eskil: Client, settings: Any
) -> None:
    first, second = received(ONE), received(ONE + b"\n")
    bank_files.read(first)
    bank_files.read(second)
    bank_files.confirm(first, by=cast.ester())
    settings.LARGE_BANK_FILE = 10
    book(eskil, second)
    done()
    text = text_of(shown(eskil, second))
    assert "Ingenting är bokfört. Något har ändrats sedan du såg filen." in text
    assert "Redan inlästa: 1 (500 kr) i stället för 0." in text
    assert gifts() == [50_000]


def test_no_page_waits_while_a_file_is_being_written(eskil: Client) -> None:
    of = received(ONE)
    eskil.get(reverse("finance_start"))
    go_on = threading.Event()

    def run(progress: Progress) -> None:
        with transaction.atomic():
            bank_files.audit.record(bank_files.audit.Area.MONEY, "Skriver", by=None)
            progress(41, 100)
            go_on.wait(timeout=30)

    assert work.begin(of, work.BOOK, run)
    try:
        until(lambda: (now := work.of(of)) and now.percent)
        began = time.monotonic()
        assert "41 % läst" in text_of(shown(eskil, of))
        for name in ("finance_bank_files", "finance_start"):
            assert eskil.get(reverse(name)).status_code == 200
        assert time.monotonic() - began < 5
        assert not work.begin(of, work.BOOK, run), "a second click begins nothing"
    finally:
        go_on.set()
        done()
    now = work.of(of)
    assert now is not None
    assert now.is_over
    assert work.begin(of, work.READ, lambda _progress: None), "what is over can be begun again"
    done()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationError("Så går det inte."), "Så går det inte."),
        (Refused("Raden är trasig.", "rad 3"), "rad 3: Raden är trasig."),
        (ValueError("Greta Givare"), "Något gick fel på servern, och ingenting är gjort."),
    ],
)
def test_work_that_fails_is_told_and_no_payer_is_logged(
    eskil: Client, caplog: pytest.LogCaptureFixture, error: Exception, told: str
) -> None:
    of = received(ONE)

    def run(_progress: Progress) -> None:
        raise error

    work.begin(of, work.READ, run)
    done()
    assert told in text_of(shown(eskil, of))
    assert "Greta" not in caplog.text
    assert ("ValueError" in caplog.text) == (type(error) is ValueError)


def test_when_a_session_was_used_is_noted_now_and_then_and_at_once_from_a_new_place(
    eskil: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = reverse("finance_start")
    eskil.get(start)
    session = UserSession.objects.get()
    eskil.get(start)
    assert UserSession.objects.get().last_seen_at == session.last_seen_at
    eskil.get(start, REMOTE_ADDR="192.0.2.7")
    assert UserSession.objects.get().ip == "192.0.2.7"
    long_ago = timezone.now() - activity.EVERY
    UserSession.objects.update(last_seen_at=long_ago)
    eskil.get(start, REMOTE_ADDR="192.0.2.7")
    assert UserSession.objects.get().last_seen_at > long_ago


def test_work_that_was_done_but_not_heard_of_is_not_told_as_broken_off(eskil: Client) -> None:
    of = received(ONE)
    bank_files.read(of)
    silent = asdict(work.Work(work.BOOK, time.time() - work.SILENT - 1, done=1, of=2))
    caches["work"].set(work._key(of), silent)
    broken_off = "Arbetet avbröts, ingenting är bokfört."
    assert broken_off in text_of(shown(eskil, of))
    bank_files.confirm(of, by=cast.ester())
    assert broken_off not in text_of(shown(eskil, of))


def test_the_bytes_of_a_file_thrown_away_are_gone(eskil: Client) -> None:
    of = handed_in(eskil, ONE)
    storage, name = of.file.storage, str(of.file.name)
    assert storage.exists(name)
    eskil.post(reverse("finance_bank_file_discard", args=[of.pk]))
    assert not storage.exists(name)
    assert not BankFile.objects.exists()
