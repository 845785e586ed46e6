"""The worked example, on screen: two people move 47030's surplus, put it back, and move it another way."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone

from donations.models import FundYear
from projects.models import Page as SitePage
from projects.models import Project
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OpenAs = Callable[..., "Page"]

# Available, remaining, surplus and movable of 47030; then what its neighbours lack, and are still
# offered when proposals that wait have sent them theirs.
START = [332_028, 0, 56_028, 56_028], [40_000, 90_000], [40_000, 90_000]
WAITING = [332_028, 0, 56_028, 0], [40_000, 90_000], [0, 73_972]
APPROVED = [276_000, 0, 0, 0], [0, 73_972], [0, 73_972]
IN_PROPORTION = [276_000, 0, 0, 0], [22_761, 51_211], [22_761, 51_211]


@pytest.fixture
def source() -> FundYear:
    """47030 needs 276 000 kr and has 332 028; its neighbours, one of them picked by hand, lack 40 000 and 90 000."""
    today = timezone.localdate()
    area = cast.area(clause_from=today.replace(month=1, day=1))
    cast.publish(area)
    made = []
    for number, title, need, given in (
        ("47030", "Flickor i skolan", 276_000, 332_028),
        ("47031", "Rent vatten", 100_000, 60_000),
        ("47032", "Fler barnmorskor", 100_000, 10_000),
    ):
        project = cast.project(f"p{number}", area, title=title)
        made.append(cast.fund_year(cast.fund(number, project), need * 100, today))
        cast.gift(made[-1].fund, given * 100, today)
    projects = Project.objects.in_bulk(["p47030", "p47031"], field_name="slug")
    projects["p47030"].similar.add(projects["p47031"])
    for page in SitePage.objects.exclude(pk=area.pk):
        cast.publish(page)
    return made[0]


def number(text: str) -> int:
    """An amount on screen: "332 028 kr" → 332028."""
    return int(re.sub(r"[^\d−]", "", text))


def standing(page: "Page") -> tuple[list[int], list[int], list[int]]:
    """What a proposal's page says today of 47030, of its neighbours, and of what they are still offered."""
    rows = [
        [number(cell) for cell in row.locator("td").all_inner_texts()]
        for row in page.locator(".standings tbody tr").all()
    ]
    _need, available, remaining, _offered, surplus, movable = rows[0]
    return (
        [available, remaining, surplus, movable],
        [row[2] for row in rows[1:]],
        [row[3] for row in rows[1:]],
    )


def propose(page: "Page", how: str) -> list[int]:
    """Begin from 47030's surplus and share it; give the parts that were filled in."""
    page.goto("/ekonomi/omfordelning/ny/")
    page.get_by_role("link", name="47030").click()
    page.get_by_label(how, exact=True).check()
    page.get_by_role("button", name="Räkna ut").click()
    parts = page.locator(".receivers input")
    page.get_by_label("Skäl till förslaget").fill("Grannarna behöver det mer")
    return [number(field.input_value()) for field in parts.all()]


def approve(page: "Page") -> None:
    page.goto("/ekonomi/omfordelning/")
    page.get_by_role("row").filter(has_text="väntar på dig").get_by_role("link").click()
    page.get_by_role("button", name="Godkänn och flytta").click()


def words(page: "Page", path: str) -> str:
    """The collection box of a public page, with plain spaces."""
    page.goto(path)
    return re.sub(r"\s+", " ", page.locator(".slip").first.inner_text())


def test_the_worked_example_holds_on_screen(
    open_as: OpenAs, open_page: Visitors, source: FundYear
) -> None:
    ester, kajsa = open_as(cast.ester(), "/ekonomi/"), open_as(cast.colleague(), "/ekonomi/")
    visitor = open_page("/")

    assert propose(ester, "I ordning") == [40_000, 16_028]
    ester.get_by_role("button", name="Spara som utkast").click()
    assert standing(ester) == START
    ester.get_by_role("button", name="Lämna in förslaget").click()
    assert standing(ester) == WAITING
    assert ester.get_by_role("button", name="Godkänn och flytta").count() == 0

    approve(kajsa)
    assert standing(kajsa) == APPROVED
    given = words(visitor, "/projekt/p47030/")
    assert "56 028 kr av överskottet har gått till andra projekt" in given
    assert "40 000 kr till Rent vatten" in given
    assert "16 028 kr till Fler barnmorskor" in given
    assert "varav 40 000 kr från Flickor i skolan" in words(visitor, "/projekt/p47031/")
    assert "varav 16 028 kr från Flickor i skolan" in words(visitor, "/projekt/p47032/")

    proposal = kajsa.url
    for _move in range(2):
        ester.goto(proposal)
        ester.get_by_role("link", name="Rätta flytten till").first.click()
        ester.get_by_label("Skäl").fill("Fel fördelning")
        ester.get_by_role("button", name="Bokför rättelsen").click()
    ester.goto(proposal)
    assert standing(ester) == START
    assert ester.get_by_text("Rättad den").count() == 2
    assert "av överskottet" not in words(visitor, "/projekt/p47030/")

    assert propose(ester, "I förhållande till vad som är kvar") == [17_239, 38_789]
    ester.get_by_role("button", name="Lämna in förslaget").click()
    approve(kajsa)
    assert standing(kajsa) == IN_PROPORTION
    assert "varav 38 789 kr från Flickor i skolan" in words(visitor, "/projekt/p47032/")


def test_the_total_follows_what_is_typed(open_as: OpenAs, source: FundYear) -> None:
    page = open_as(cast.ester(), reverse("finance_propose", args=[source.pk]))
    fields = page.locator(".receivers input")
    fields.nth(0).fill("40 000")
    fields.nth(1).fill("16028,50")
    total = page.locator(".share-total")
    assert re.sub(r"\s+", " ", total.inner_text()).startswith("Tillsammans 56 028,50 kr av 56 028")
    assert "Det är mer än vad som går att flytta." in total.inner_text()
    fields.nth(1).fill("sexton")
    assert "Ett av beloppen går inte att läsa." in total.inner_text()
    fields.nth(0).fill("39 000")
    fields.nth(1).fill("17 028")
    fields.nth(1).press("Enter")
    page.wait_for_load_state()
    assert [number(field.input_value()) for field in fields.all()] == [39_000, 17_028]
    assert "Kvar som överskott: 0 kr." in re.sub(r"\s+", " ", total.inner_text())


@pytest.mark.look
def test_every_page_of_reallocation_can_be_used_by_everybody(
    open_as: OpenAs, source: FundYear, axe: Callable[["Page"], list[str]], width: int
) -> None:
    ester = open_as(cast.ester(), "/ekonomi/", width=width)

    def looked_at(page: "Page") -> None:
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    ester.goto("/ekonomi/omfordelning/ny/")
    looked_at(ester)
    propose(ester, "I ordning")
    looked_at(ester)
    ester.get_by_role("button", name="Spara som utkast").click()
    looked_at(ester)
    ester.get_by_role("button", name="Lämna in förslaget").click()
    looked_at(ester)
    kajsa = open_as(cast.colleague(), ester.url, width=width)
    kajsa.get_by_role("button", name="Avslå förslaget").click()
    looked_at(kajsa)
    kajsa.get_by_role("button", name="Godkänn och flytta").click()
    looked_at(kajsa)
    kajsa.goto("/ekonomi/omfordelning/")
    looked_at(kajsa)
