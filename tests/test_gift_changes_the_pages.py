"""One krona through the admin: every page that shows it moves by one krona, and back again."""

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from donations import queries
from donations.models import Fund, FundYear, Transfer
from projects.models import FocusArea, Project
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

KRONA = 100


@pytest.fixture
def vatten(transactional_db: None) -> FocusArea:
    """A focus area with one project that needs 750 kr more, and one that has got 50 kr too much."""
    today = timezone.localdate()
    area = cast.area("vatten")
    cast.publish(area)
    for number, slug, need, given in (
        ("47030", "brunnar", 1_000_00, 250_00),
        ("47031", "pumpar", 100_00, 150_00),
    ):
        project = cast.project(slug, area)
        fund = cast.fund(number, project)
        cast.fund_year(fund, need, today)
        cast.gift(fund, given, today)
        cast.publish(project)
    return area


@pytest.fixture
def eskil(vatten: FocusArea, open_as: "Callable[..., Page]") -> "Page":
    """Eskil, who does the finances and nothing else, is at his desk."""
    return open_as(cast.member("Eskil", Role.FINANCE))


def press(page: "Page", button: str) -> str:
    """Press a button, and give what the page then says."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()
    return said(page)


def said(page: "Page") -> str:
    return " ".join(page.locator(".messagelist li, [role=status] .notice").all_text_contents())


def fill_in_gift(eskil: "Page", number: str, amount: str) -> None:
    eskil.goto("/ekonomi/registrera-gava/")
    eskil.fill("#id_collection_number", number)
    eskil.fill("#id_amount", amount)


def fill_in_reversal(eskil: "Page") -> None:
    """From the ledger's list to the form that undoes its newest transfer."""
    eskil.goto("/admin/donations/transfer/")
    eskil.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    eskil.get_by_role("link", name="Rätta", exact=True).click()
    eskil.fill("#id_reason", "Gåvan hörde till ett annat nummer")


def shown(visitor: "Page") -> dict[str, int]:
    """Every amount on start page, focus area page and both project pages, in öre, by what it is."""
    amounts = {}
    for path in ("/projekt/brunnar/", "/projekt/pumpar/", "/fokusomrade/vatten/"):
        visitor.goto(path)
        for row in visitor.locator(".sums > div").all():
            name = row.locator("dt").inner_text().replace("\N{SOFT HYPHEN}", "")
            amounts[f"{path} {name}"] = ore(row.locator("dd").inner_text())
    for project in visitor.locator(".rows > li").all():
        name = project.get_by_role("heading").inner_text()
        amounts[f"area's list: {name}"] = ore(
            project.locator(".standing .money").first.inner_text()
        )
    visitor.goto("/")
    collected, remaining = visitor.locator(".area__money .money").all_inner_texts()
    amounts |= {"start: collected": ore(collected), "start: remaining": ore(remaining)}
    for card in visitor.locator(".card").all():
        name = card.get_by_role("heading").inner_text()
        amounts[f"start: {name}"] = ore(card.locator(".standing .money").first.inner_text())
    return amounts


def ore(text: str) -> int:
    """ "1 250,50 kr" is 125050."""
    kronor, decimals = re.fullmatch(r"([\d\s]+)(?:,(\d\d))?\s+kr", text).groups()  # type: ignore[union-attr]
    return int(re.sub(r"\s", "", kronor)) * 100 + int(decimals or 0)


def changes(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    assert before.keys() == after.keys()
    return {name: after[name] - before[name] for name in before if after[name] != before[name]}


def in_the_books() -> dict[str, tuple[int, ...]]:
    """Collected and the gross figures of each fund, from the books."""
    found = queries.figures(FundYear.objects.all(), timezone.localdate())
    names = [field.name for field in dataclasses.fields(queries.Figures)]
    amounts = [name for name in names if name not in ("day", "changed_at", "newest_day")]
    return {
        fund_year.fund.collection_number: tuple(
            getattr(found[fund_year.pk], name) for name in [*amounts, "collected", "available"]
        )
        for fund_year in FundYear.objects.select_related("fund")
    }


@pytest.mark.browser
def test_one_krona_changes_every_page_by_one_krona_until_it_is_reversed(
    eskil: "Page", open_page: Visitors
) -> None:
    visitor = open_page("/")
    before, books_before = shown(visitor), in_the_books()
    assert len(before) == 16

    fill_in_gift(eskil, "47030", "1 kr")
    assert "är bokförda på 47030 Brunnar" in press(eskil, "Bokför gåvan")

    assert changes(before, shown(visitor)) == {
        "/projekt/brunnar/ Insamlat": KRONA,
        "/projekt/brunnar/ Kvar att samla in": -KRONA,
        "/fokusomrade/vatten/ Insamlat": KRONA,
        "/fokusomrade/vatten/ Kvar att samla in": -KRONA,
        "area's list: Brunnar": -KRONA,
        "start: collected": KRONA,
        "start: remaining": -KRONA,
        "start: Brunnar": -KRONA,
    }
    assert in_the_books() != books_before

    fill_in_reversal(eskil)
    assert "Transaktionen är rättad." in press(eskil, "Bokför rättelsen")

    assert shown(visitor) == before
    assert in_the_books() == books_before
    assert Transfer.objects.count() == 4  # the gift and its reversal are both on record


@pytest.mark.browser
def test_a_krona_too_many_is_surplus_and_lessens_no_other_need(
    eskil: "Page", open_page: Visitors
) -> None:
    visitor = open_page("/")
    before = shown(visitor)

    fill_in_gift(eskil, "47031", "1")
    press(eskil, "Bokför gåvan")

    assert changes(before, shown(visitor)) == {
        "/projekt/pumpar/ Insamlat": KRONA,
        "/projekt/pumpar/ Överskott": KRONA,
        "/fokusomrade/vatten/ Insamlat": KRONA,
        "/fokusomrade/vatten/ Överskott": KRONA,
        "start: collected": KRONA,
    }


@pytest.mark.browser
def test_a_double_click_books_once(eskil: "Page") -> None:
    fill_in_gift(eskil, "47030", "1")
    from playwright.sync_api import expect

    # The second click ends the first one's navigation: what counts is where it all lands.
    eskil.get_by_role("button", name="Bokför gåvan").dblclick(no_wait_after=True)
    expect(eskil).to_have_url(re.compile(r"/ekonomi/(insamling/47030/.*)?$"))
    assert Transfer.objects.filter(amount_ore=KRONA).count() == 1


def send_twice(page: "Page", button: str) -> str:
    """Press the button, then send the very same form again; give what the second answer says."""
    form = page.locator("main form.form, #content form")
    sent = form.evaluate("form => Object.fromEntries(new FormData(form))")
    address = page.url
    press(page, button)
    return page.request.post(address, form=sent).text()


@pytest.mark.browser
def test_a_form_sent_twice_books_once_and_says_so(eskil: "Page") -> None:
    fill_in_gift(eskil, "47030", "1")
    assert "Det var redan gjort." in send_twice(eskil, "Bokför gåvan")
    assert Transfer.objects.filter(amount_ore=KRONA).count() == 1

    fill_in_reversal(eskil)
    assert "Det var redan gjort." in send_twice(eskil, "Bokför rättelsen")
    assert Transfer.objects.filter(reverses__amount_ore=KRONA).count() == 1

    eskil.reload()
    assert eskil.get_by_role("link", name="Rätta", exact=True).count() == 0


@pytest.mark.browser
def test_pressing_again_after_the_back_button_books_nothing(eskil: "Page") -> None:
    fill_in_gift(eskil, "47030", "1")
    press(eskil, "Bokför gåvan")
    eskil.go_back()
    press(eskil, "Bokför gåvan")
    assert Transfer.objects.filter(amount_ore=KRONA).count() == 1


def test_the_books_are_closed_to_an_editor(client: Any, vatten: FocusArea) -> None:
    cast.sign_in(client, cast.member("Rut", Role.EDITOR))
    gift = Transfer.objects.first()
    assert gift is not None
    for path in ("add/", f"{gift.pk}/ratta/", f"{gift.pk}/aterbetala/", f"{gift.pk}/change/"):
        assert client.get(f"/admin/donations/transfer/{path}").status_code == 403


def test_finance_opens_a_fund_for_a_project_with_the_demos_sign_in(
    client: Any, transactional_db: None
) -> None:
    from donations.demo import loading

    loading.make_sign_ins()
    project = cast.project("latriner")
    cast.sign_in(client, User.objects.get(email="ekonomi@example.org"))

    found = client.get(
        "/admin/autocomplete/?app_label=donations&model_name=fund&field_name=project&term=latr"
    )

    assert found.status_code == 200
    assert [row["id"] for row in found.json()["results"]] == [str(project.pk)]
    assert Project.objects.count() == 1
    assert Fund.objects.count() == 0
