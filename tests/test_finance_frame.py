"""The pages of finance in a browser: whole, accessible, within the screen, and usable without a script."""

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone

from donations import operations
from donations.models import Fund, Transfer
from donations.operations import GiftIn
from staff.roles import Role
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.look, pytest.mark.django_db(transaction=True)]
LONG = "Grundvattenövervakningsstationernas långtidsunderhåll i Kanchenjungaområdets bergsbyar"


@pytest.fixture
def books() -> list[str]:
    """Addresses of every page, with long names, large amounts, a closed fund and gifts that wait."""
    area = cast.area(title="Vatten och hälsa")
    fund = cast.fund("47030", cast.project("brunnar", area, title=LONG))
    cast.fund("47031", cast.project("pumpar", area))
    year = cast.fund_year(fund, 98_765_432_101)
    gift = cast.gift(fund, 99_999_999_999)
    operations.disburse(year, 123_45, booked_on=cast.MIDSUMMER, reason="ord " * 60, by=cast.ester())
    before_clause = cast.gift(fund, 100_00, cast.NEW_YEAR - datetime.timedelta(days=1))
    operations.record_answer(
        before_clause, True, asked_by="Eskil", answered_on=cast.MIDSUMMER, by=cast.ester()
    )
    fund.closed_on, fund.successor = cast.MIDSUMMER, Fund.objects.get(collection_number="47031")
    fund.save()
    given = GiftIn(fund, 1_000_50, timezone.localdate(), "swish", "Å" * 140, "lång " * 60)
    waiting = operations.register_gift(given, bank=cast.bank(), by=cast.ester())
    assert gift.kind == Transfer.Kind.GIFT
    return [
        "/ekonomi/?ar=2024",
        "/ekonomi/insamling/47030/?ar=2024",
        "/ekonomi/insamling/47030/utbetalning/?ar=2024",
        "/ekonomi/insamling/47031/ingaende-belopp/",
        "/ekonomi/registrera-gava/",
        "/ekonomi/oplacerade/",
        reverse("finance_place", args=[waiting.pk]),
        reverse("finance_answer", args=[before_clause.pk]),
        "/ekonomi/insamling/47030/?ar=2024&dag=2024-06-31&slag=gift&minst=x&till=2024-06-30",
    ]


def test_every_page_is_whole_and_accessible(
    open_page: Visitors,
    open_as: Callable[..., "Page"],
    axe: Callable[["Page"], list[str]],
    books: list[str],
    width: int,
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), books[0], width=width)
    for path in books:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_refused_form_is_accessible_too_and_asks_before_more_than_there_is_is_paid_out(
    open_as: Callable[..., "Page"], axe: Callable[["Page"], list[str]], books: list[str], width: int
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), books[2], width=width, javascript=True)
    page.fill("#id_amount", "2 000 000 000")
    page.fill("#id_reason", "Till partnern")
    page.get_by_role("button", name="Bokför utbetalningen").click()
    page.wait_for_load_state()
    assert page.title().startswith("Fel: ")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("mer än så är utbetalt").check()
    page.get_by_role("button", name="Bokför utbetalningen").click()
    assert "är bokförda som utbetalda" in page.get_by_role("status").inner_text()
