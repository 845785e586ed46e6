"""The desk: what an editor and finance meet in the admin beside the great walks."""

import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import operations
from donations.models import Fund
from donations.operations import GiftIn
from tests import cast

pytestmark = pytest.mark.django_db
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def desk() -> Client:
    client = Client()
    cast.sign_in(client, cast.ester())
    return client


def page_form(desk: Client, url: str) -> dict[str, object]:
    """What the page's form would send if nothing were changed."""
    form = desk.get(url).context["adminform"].form
    forms = desk.get(url).context["inline_admin_formsets"]
    data = {name: form[name].value() for name in form.fields}
    for inline in forms:
        data |= {f"{inline.formset.prefix}-{n}": 0 for n in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return {name: "" if value is None else value for name, value in data.items()}


def test_who_saves_a_page_over_somebody_elses_save_is_told_once_and_loses_nothing(
    desk: Client,
) -> None:
    project = cast.project(summary="Från början")
    cast.publish(project)
    url = reverse("admin:projects_project_change", args=[project.pk])
    mine, theirs = page_form(desk, url), page_form(desk, url)

    desk.post(url, theirs | {"summary": "Deras ingress"})
    answer = desk.post(url, mine | {"body": "Min brödtext"})

    project.refresh_from_db()
    assert (project.summary, project.body) == ("Deras ingress", "")
    html = answer.content.decode()
    assert "sparade sidan kl." in html
    assert "Min brödtext" in html

    form = answer.context["adminform"].form
    again = {name: form[name].value() for name in mine if name in form.fields}
    desk.post(url, mine | {k: "" if v is None else v for k, v in again.items()})
    project.refresh_from_db()
    assert project.body == "Min brödtext"


@pytest.mark.parametrize(
    "words", ["47030", "astrid", "Til brunnen", "1 234,50", "1234,50 kr", "2024-06-21"]
)
def test_finance_finds_a_gift_by_what_it_knows_of_it(desk: Client, words: str) -> None:
    fund = cast.fund("47030")
    gift = GiftIn(fund, 1_234_50, cast.MIDSUMMER, Fund.Channel.CASH, "Astrid Ek", "Til brunnen")
    operations.register_gift(gift, bank=cast.bank(), by=cast.ester())
    cast.gift(None, 7_00, datetime.date(2024, 3, 1))
    found = desk.get(reverse("admin:donations_transfer_changelist"), {"q": words}).context["cl"]
    assert [entry.amount_ore for entry in found.result_list] == [1_234_50]


def test_a_gifts_page_tells_what_has_happened_to_it_since(desk: Client) -> None:
    fund = cast.fund("47030")
    refunded, reversed_ = cast.gift(fund, 700_00), cast.gift(fund, 5_00)
    today = timezone.localdate()
    cast.fund_year(fund, 0, today)
    operations.refund(refunded, 300_00, booked_on=today, reason="Ångrade sig", by=cast.ester())
    operations.reverse(reversed_, booked_on=today, reason="Fel nummer", by=cast.ester())

    def page(gift: object) -> str:
        url = reverse("admin:donations_transfer_change", args=[gift])
        return desk.get(url).content.decode()

    assert "Återbetalning den" in page(refunded.pk)
    assert "Ångrade sig" in page(refunded.pk)
    assert "Rättad den" in page(reversed_.pk)
    assert "Fel nummer" in page(reversed_.pk)
    form = desk.get(reverse("admin:donations_transfer_refund", args=[refunded.pk])).context["form"]
    assert form["amount"].value() == "400"


def test_next_years_need_can_be_decided_before_the_year_begins(desk: Client) -> None:
    fund = cast.fund("47030")
    form = desk.get(reverse("admin:donations_fund_need", args=[fund.pk])).context["form"]
    years = [year.starts_on.year for year in form.fields["year"].queryset]
    assert timezone.localdate().year + 1 in years
    assert form["year"].value() == operations.collection_year(timezone.localdate()).pk
