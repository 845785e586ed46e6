"""The whole way of two bank files in a browser: handed in, looked at, booked, decided about, undone."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import caches

from donations.finance import bank_file_work as work
from donations.models import AccountNumber, BankFile, Transfer
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.test_bank_file_pages import CAMT
from tests.test_import import gift, received, written

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIST = "/ekonomi/bankfiler/"
BGMAX = written(
    gift("470302", 25_050, serial="1", name="Andersson A"),
    gift("4703070", 100_000, serial="2", name="Bo Åberg"),
    gift("", 7_500, serial="3", text="Tack för ert arbete"),
)


@pytest.fixture
def eskil() -> User:
    for scheme, digits in (("bankgiro", "9912346"), ("iban", "SE6699900000001234567890")):
        AccountNumber.objects.create(account=cast.bank(), scheme=scheme, digits=digits)
    cast.fund("47030", cast.project(title="Brunnar i byn"))
    return cast.member("Eskil", Role.FINANCE)


def file(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def press(page: "Page", name: str) -> None:
    page.get_by_role("button", name=name).first.click()


@pytest.mark.parametrize(("width", "javascript"), [(1280, True), (360, False)])
def test_two_files_from_the_upload_to_the_last_decision_and_back(
    open_as: "Callable[..., Page]",
    axe: "Callable[[Page], list[str]]",
    eskil: User,
    width: int,
    javascript: bool,
) -> None:
    def look(page: "Page") -> None:
        """Nothing is wider than the page, on a phone either, and axe finds nothing."""
        for wide in {width, 360}:
            page.set_viewport_size({"width": wide, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= wide
        assert not javascript or axe(page) == []

    page = open_as(eskil, LIST, width=width, javascript=javascript)
    look(page)
    details = (CAMT / "054-08-details-of-the-lump.xml").read_bytes()
    page.set_input_files(
        "input[type=file]",
        [file("bg-mars.txt", BGMAX), file("camt-mars.xml", details), file("x.pdf", b"%PDF-1.7")],
    )
    press(page, "Lämna in och granska")
    page.get_by_role("heading", name="En fil togs inte emot").wait_for()
    look(page)
    page.get_by_role("link", name="bg-mars.txt").click()
    page.get_by_role("heading", name="Vad filen innehåller").wait_for()
    look(page)
    press(page, "Bokför 3 gåvor")
    page.get_by_text("är bokförd: 3 gåvor").wait_for()
    look(page)
    page.get_by_role("link", name="Till alla bankfiler").click()
    page.get_by_role("link", name="camt-mars.xml").first.click()
    press(page, "Bokför 2 gåvor")
    page.get_by_text("Något har ändrats sedan du såg filen").wait_for()
    press(page, "Ta emot 2 rader för beslut")
    page.get_by_role("link", name="2 rader väntar på beslut").click()
    page.get_by_role("heading", name="Väntar på beslut").wait_for()
    look(page)
    page.keyboard.press("Tab")
    press(page, "Samma gåva")
    page.get_by_text("2026: samma gåva.").wait_for()
    page.get_by_role("button", name="En gåva till").press("Enter")
    page.get_by_text("Nu är alla rader i filen beslutade.").wait_for()
    page.get_by_role("link", name="Ångra hela filen").click()
    page.get_by_role("heading", name="Det här ångras").wait_for()
    look(page)
    page.get_by_label("Skäl").fill("Gåvan var redan bokförd")
    press(page, "Ångra 1 gåva")
    page.get_by_role("heading", name="Filen är ångrad").wait_for()
    look(page)
    standing = Transfer.objects.filter(kind="gift", reverses=None, reversal=None)
    assert sorted(standing.values_list("amount_ore", flat=True)) == [7_500, 25_050, 100_000]


@pytest.mark.parametrize("javascript", [True, False])
def test_progress_is_told_until_the_work_is_over(
    open_as: "Callable[..., Page]",
    axe: "Callable[[Page], list[str]]",
    eskil: User,
    javascript: bool,
) -> None:
    of = received(BGMAX)

    def told(now: work.Work) -> None:
        caches["work"].set(work._key(of), asdict(now))

    told(work.Work(work.READ, time.time() + 60, done=41, of=100))
    page = open_as(eskil, f"{LIST}{of.pk}/", width=360, javascript=javascript)
    page.get_by_text("41 % läst").wait_for()
    assert not javascript or axe(page) == []
    if javascript:
        told(work.Work(work.READ, time.time() + 60, done=63, of=100))
        page.get_by_text("63 % läst").wait_for(timeout=8_000)
    told(work.Work(work.READ, time.time(), is_over=True, failed="Raden är trasig."))
    page.get_by_text("Raden är trasig.").wait_for(timeout=8_000)
    assert BankFile.objects.get().confirmed_at is None
