"""What is left to collect in a browser: whole at both widths, by keys alone, without a script, and on paper."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from donations import operations
from projects.templatetags.typography import soft_hyphens
from staff.roles import Role
from tests import cast
from tests.test_finance_frame import LONG
from tests.test_remaining import PAGE, made

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.look, pytest.mark.django_db(transaction=True)]
FOCUSED = "document.activeElement.textContent"


@pytest.fixture
def books() -> None:
    """Funds with long names and large sums, one closed, one that waits for a need, and a proposal."""
    area, school = cast.area(title="Vatten och hälsa"), cast.area("skola")
    first = made("47030", LONG, 98_765_432_101, 99_999_999_999, area, countries=["NP"])
    second = made("47031", "Ängar", 900_00, 300_00, area)
    made("47032", "Filter", None, 200_00, school)
    cast.fund_year(cast.fund("47033", area))
    cast.fund_year(first.fund, 98_765_432_101, cast.NEW_YEAR.replace(year=2025))
    line = operations.LineIn(first, second, 100_00, "liknande")
    operations.submit(operations.draft([line], reason="x", by=cast.ester()), by=cast.ester())


def eskil(open_as: Callable[..., "Page"], query: str = "?ar=2024", **how: object) -> "Page":
    return open_as(cast.member("Eskil", Role.FINANCE), PAGE + query, **how)


def test_the_page_is_whole_and_accessible(
    open_as: Callable[..., "Page"], axe: Callable[["Page"], list[str]], books: None, width: int
) -> None:
    page = eskil(open_as, width=width)
    for query in (
        "?ar=2024",
        "?ar=2025&sortera=-kvar&visa=kvar",
        "?ar=2024&dag=2025-01-01",
        "?ar=2024&sok=ingen",
    ):
        page.goto(PAGE + query)
        assert axe(page) == [], query
        assert page.evaluate("document.documentElement.scrollWidth") <= width, query


def test_arrows_go_from_fund_to_fund_and_enter_opens_one(
    open_as: Callable[..., "Page"], books: None
) -> None:
    page = eskil(open_as)
    page.keyboard.press("ArrowDown")  # nothing has the focus yet: the page is the browser's own
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "sok"
    page.keyboard.type("/")  # where something is written it is what is written
    assert page.input_value("#id_sok") == "/"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "Filter"
    page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUSED) == "Filter"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "Ängar"
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "Vatten och hälsa"
    page.keyboard.press("Home")
    page.keyboard.press("Tab")  # no trap: the next link is the next fund's
    assert page.evaluate(FOCUSED) == soft_hyphens(LONG)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "Filter"
    with page.expect_navigation():
        page.keyboard.press("Enter")
        page.wait_for_load_state()
    assert page.url.endswith("/ekonomi/insamling/47032/?ar=2024")
    page.go_back()
    assert page.url.endswith("?ar=2024")


def test_the_focus_is_never_under_the_head_that_follows(
    open_as: Callable[..., "Page"], books: None
) -> None:
    area = cast.area("hav")
    for number in range(47100, 47130):
        cast.fund(str(number), cast.project(str(number), area))
    page = eskil(open_as)
    page.locator("[data-fund]").last.focus()
    for _ in range(25):
        page.keyboard.press("ArrowUp")
    head = page.locator(".funds-table thead th").first.bounding_box()
    row = page.locator("[data-fund]:focus").bounding_box()
    assert head is not None
    assert row is not None
    assert head["y"] == 0
    assert row["y"] >= head["y"] + head["height"]


def test_the_slash_can_be_turned_off_and_stays_off(
    open_as: Callable[..., "Page"], books: None
) -> None:
    page = eskil(open_as)
    page.get_by_text("Tangenter", exact=True).click()
    page.get_by_role("button", name="Tangenten / är på").click()
    page.reload()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_text("Tangenter", exact=True).click()
    page.get_by_role("button", name="Tangenten / är av").click()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "sok"


def test_without_a_script_all_of_it_but_the_keys_works_and_the_back_button_goes_back(
    open_as: Callable[..., "Page"], books: None, width: int
) -> None:
    page = eskil(open_as, width=width, javascript=False)
    assert not page.get_by_text("Tangenter", exact=True).is_visible()
    page.select_option("#id_omrade", "vatten")
    page.fill("#id_sok", "angar")
    page.get_by_role("button", name="Visa").click()
    page.wait_for_load_state()
    assert page.locator("[data-fund]").all_inner_texts() == ["Ängar"]
    assert "Summa av 1 av 4 insamlingar" in page.locator("tfoot").inner_text()
    page.fill("#id_sok", "")
    page.get_by_role("button", name="Visa").click()
    if width == 360:
        page.get_by_text("Ordna på ett annat sätt").click()
        page.get_by_role("link", name="Nummer", exact=True).click()
    else:
        page.locator("thead").get_by_role("link", name="Nummer").click()
        page.wait_for_load_state()
    names = [soft_hyphens(LONG), "Ängar", "Vatten och hälsa"]
    assert page.locator("[data-fund]").all_inner_texts() == names
    page.go_back()
    page.go_back()
    assert page.input_value("#id_sok") == "angar"
    assert page.input_value("#id_omrade") == "vatten"


def test_on_paper_the_head_is_on_every_sheet_and_no_row_is_cut(
    open_as: Callable[..., "Page"], books: None
) -> None:
    page = eskil(open_as)
    page.emulate_media(media="print")
    style = "(name) => getComputedStyle(document.querySelector(name))"
    assert page.evaluate(f"({style})('.funds-table thead').display") == "table-header-group"
    assert page.evaluate(f"({style})('.funds-table tfoot').display") == "table-row-group"
    assert page.evaluate(f"({style})('.funds-table tbody tr').breakInside") == "avoid"
    assert not page.locator(".ask").is_visible()
    paper = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", paper)
    assert boxes
    assert {(round(float(w)), round(float(h))) for w, h in boxes} <= {(842, 595), (842, 596)}
    # Nothing is wider than the sheet between its margins: 277 mm.
    page.set_viewport_size({"width": 1047, "height": 718})
    assert page.evaluate("document.documentElement.scrollWidth") <= 1047
