"""Reconciliation in a browser: a day with a difference is signed, and every page can be used by everybody."""

import datetime
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from donations import operations
from donations.models import AccountNumber, Fund, GiftSource, SignOff
from donations.operations import GiftIn, bank_files, reconciliation
from staff.roles import Role
from tests import cast
from tests.bankfiles import statements
from tests.bankfiles.statements import Entry, statement

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = datetime.date(2026, 3, 3)
LONG = "Grundvattenövervakningsstationernas långtidsunderhåll i Kanchenjungaområdets bergsbyar"


@pytest.fixture
def books() -> str:
    """A month with days of every state; gives the address of one that differs."""
    bank, fund = cast.bank(), cast.fund("47030")
    number = AccountNumber.objects.create(account=bank, scheme="iban", digits=statements.IBAN)
    GiftSource.objects.create(number=number, format="camt.054", from_day=cast.NEW_YEAR)
    lines = (
        Entry(DAY, 98_765_432_100, "A", name=LONG, text=f"{LONG} 47030"),
        Entry(DAY, 100_00, "B", name="Åsa Lindström"),
        Entry(DAY, 55_00, "C", name="Bara på banken"),
        Entry(DAY, 2_50, "F", name="Pris", is_out=True, code="MDOP", sub_code="CHRG"),
        Entry(DAY, 300_00, "L", reference="BG9912346 00017-0303001"),
    )
    last = DAY + datetime.timedelta(days=4)
    data = statement(*lines, first=DAY, last=last)
    file = bank_files.receive(f"{LONG}.xml", io.BytesIO(data), by=cast.ester())
    bank_files.confirm(file, by=cast.ester())
    for ore, after, name in (
        (98_765_432_100, 0, LONG),
        (100_00, 0, "Åsa Lindström"),
        (77_00, 0, LONG),
        (1_00, 9, "Eva Ek"),
    ):
        day = DAY + datetime.timedelta(days=after)
        gift = GiftIn(fund, ore, day, Fund.Channel.BANKGIRO, name, "ord " * 40)
        operations.register_gift(gift, bank=bank, by=cast.ester())
    reconciliation.sign_off(bank, last, by=cast.ester())
    return f"/ekonomi/avstamning/{bank.pk}/{DAY}/"


@pytest.mark.look
def test_every_page_is_whole_and_accessible(
    open_as: Callable[..., "Page"], axe: Callable[["Page"], list[str]], books: str, width: int
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), "/ekonomi/", width=width)
    month = "/ekonomi/avstamning/?manad=2026-03"
    signed = f"/ekonomi/avstamning/{cast.bank().pk}/{DAY + datetime.timedelta(days=4)}/ta-tillbaka/"
    for path in ("/ekonomi/", month, books, f"{books}skriv-in/", f"{books}stryk/", signed):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_day_that_differs_is_signed_by_keyboard_without_a_script(
    open_as: Callable[..., "Page"], books: str
) -> None:
    page = open_as(
        cast.member("Eskil", Role.FINANCE),
        "/ekonomi/avstamning/?manad=2026-03",
        width=360,
        javascript=False,
    )
    page.get_by_role("link", name="tis 3 mar").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="i skillnad").click()
    page.wait_for_load_state()
    assert page.title().startswith("Fel: ")
    reason = page.get_by_label("Varför det skiljer")
    assert reason.get_attribute("aria-invalid") == "true"
    reason.fill("Kollekten sattes in dagen efter")
    reason.press("Enter")
    assert "är avstämt den 3 mars 2026" in page.get_by_role("status").inner_text()
    assert "med skillnad" in page.locator(".day-sums .state").inner_text()
    word = SignOff.objects.filter(day=DAY).get()
    assert (word.difference_ore, word.reason) == (278_00, "Kollekten sattes in dagen efter")


@pytest.mark.look
def test_the_ways_of_the_year_are_opened_on_a_phone_and_stand_in_a_row_on_a_desk(
    open_as: Callable[..., "Page"], width: int
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), "/ekonomi/", width=width, javascript=False)
    periods = page.get_by_role("link", name="Perioder")
    if width < 768:
        assert periods.count() == 0
        page.get_by_text("Mer").click()
    assert periods.count() == 1
    periods.click()
    assert page.get_by_role("link", name="Perioder").get_attribute("aria-current") == "page"
