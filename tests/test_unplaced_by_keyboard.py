"""The queue of unplaced gifts in a browser: by keys alone, and without a script."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from donations.models import Fund, Transfer, UnplacedGift
from staff.roles import Role
from tests import cast
from tests.test_unplaced_queue import QUEUE, waiting

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.look, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def gifts() -> list[Transfer]:
    """Gifts that wait: two alike, one with two numbers, one that says nothing, one with a long text."""
    area = cast.area()
    for number, slug in (("47030", "brunnar"), ("47031", "pumpar")):
        cast.fund(number, cast.project(slug, area))
    Fund.objects.filter(collection_number="47030").update(extra_words="brunn")
    long_words = {"payer_name": "Grundvattenövervakningsstationernas" * 3, "note": "ord " * 60}
    return [
        waiting("Till brunnen", payer_account="1234"),
        waiting("brunn igen", 200_00, days=1),
        waiting("47030/47031", 300_00, days=2),
        waiting("", 400_00, days=3),
        waiting("brunn " + "långtidsunderhåll" * 12, 500_00, days=4, **long_words),
    ]


def focused(page: "Page") -> str:
    return page.evaluate("document.activeElement.id")


def press(page: "Page", key: str) -> str:
    """Press a key that sends a form; where it leads to."""
    with page.expect_navigation():
        page.keyboard.press(key)
    return page.url.partition("#")[2]


def where(gift: Transfer) -> str:
    return f"gava-{gift.pk}"


def left() -> list[int]:
    return list(UnplacedGift.objects.order_by("pk").values_list("left_ore", flat=True))


def test_gift_after_gift_is_placed_by_keys_alone(
    open_as: Callable[..., "Page"], gifts: list[Transfer]
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), QUEUE, width=1280, javascript=True)
    page.keyboard.press("1")
    assert left() == [1_000_00, 200_00, 300_00, 400_00, 500_00]  # no gift has the focus yet
    page.get_by_text("Tangenter", exact=True).click()
    page.get_by_role("button", name="börja med den första").click()
    assert focused(page) == where(gifts[0])
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert focused(page) == where(gifts[1])

    assert press(page, "Enter") == where(gifts[2])
    assert focused(page) == where(gifts[2])
    told = page.locator(".notice--ok").inner_text().replace("\N{NO-BREAK SPACE}", " ")
    assert told == "200 kr är placerade på 47030 Brunnar."
    assert press(page, "z") == where(gifts[1])
    assert left() == [1_000_00, 200_00, 300_00, 400_00, 500_00]
    assert press(page, "1") == where(gifts[2])
    assert press(page, "2") == where(gifts[3])
    placed = Transfer.objects.filter(kind="placement", amount_ore=300_00).get()
    assert str(placed.credit.fund_year).startswith("47031")

    page.keyboard.press("n")
    page.keyboard.type("47031")
    assert page.locator("output:visible").inner_text() == "47031 Pumpar"
    page.keyboard.press("1")  # in a field a key is what is written
    assert "Ingen öppen insamling" in page.locator("output:visible").inner_text()
    page.keyboard.press("Backspace")
    assert press(page, "Enter") == where(gifts[4])
    page.keyboard.press("m")
    assert focused(page) == f"anteckning-{gifts[4].pk}"
    page.keyboard.press("Escape")
    assert focused(page) == where(gifts[4])
    assert left() == [1_000_00, 500_00]

    page.keyboard.press("Control+1")
    page.keyboard.press("9")
    with page.expect_navigation():
        page.keyboard.press("d")
    assert page.url.endswith(reverse("finance_place", args=[gifts[4].pk]) + "?dela=ja")
    assert page.get_by_label("Belopp 2").is_visible()
    page.go_back()
    page.locator(f"#{where(gifts[4])} h2").click()
    with page.expect_navigation():
        page.keyboard.press("a")
    assert "/aterbetala/?ko" in page.url
    assert left() == [1_000_00, 500_00]


def test_without_a_script_tab_and_enter_do_the_same(
    open_as: Callable[..., "Page"], gifts: list[Transfer]
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), QUEUE, width=360, javascript=False)
    assert not page.get_by_text("Tangenter", exact=True).is_visible()
    page.get_by_role("button", name="Placera på 47030 Brunnar").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # remember the payer
    page.keyboard.press("Shift+Tab")
    assert press(page, "Enter") == where(gifts[1])
    # From the next gift on: its link, and then its first suggestion.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert press(page, "Enter") == where(gifts[2])
    assert left() == [300_00, 400_00, 500_00]
    page.get_by_role("button", name="Ångra placeringen").press("Enter")
    page.wait_for_url(re.compile("gava-"))
    assert left() == [200_00, 300_00, 400_00, 500_00]


def test_the_queue_is_accessible_when_it_refuses_and_when_it_is_done(
    open_as: Callable[..., "Page"],
    axe: Callable[["Page"], list[str]],
    gifts: list[Transfer],
    width: int,
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), QUEUE, width=width, javascript=True)

    def is_whole() -> bool:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert axe(page) == []
        return bool(page.evaluate("document.documentElement.scrollWidth") <= width)

    gift = page.locator(f"#{where(gifts[0])}")
    gift.get_by_text("Annat nummer").click()
    gift.get_by_label("Insamlingsnummer").fill("47039")
    press(page, "Enter")
    page.wait_for_load_state()
    assert page.title().startswith("Fel: ")
    assert "Det finns ingen insamling med numret 47039." in page.get_by_role("alert").inner_text()
    assert gift.get_by_label("Insamlingsnummer").input_value() == "47039"
    assert focused(page) == f"nummer-{gifts[0].pk}"
    assert is_whole()
    gift.get_by_label("Insamlingsnummer").fill("47030")
    press(page, "Enter")
    assert is_whole()


def test_where_the_next_gift_is_what_was_done_is_in_sight_too(
    open_as: Callable[..., "Page"], gifts: list[Transfer]
) -> None:
    page = open_as(cast.member("Eskil", Role.FINANCE), QUEUE, width=360, javascript=True)
    page.locator(f"#{where(gifts[2])} h2").click()
    assert press(page, "1") == where(gifts[3])
    heading = page.locator(f"#{where(gifts[3])} h2")
    page.wait_for_function(
        "(id) => document.getElementById(id).getBoundingClientRect().top < innerHeight",
        arg=where(gifts[3]),
    )
    done = page.get_by_role("button", name="Ångra placeringen").bounding_box()
    gift = heading.bounding_box()
    assert done
    assert gift
    assert 0 <= done["y"] < done["y"] + done["height"] <= gift["y"]
