"""What the page of a gift says of the surplus clause, and what its donor has answered."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import operations, queries
from donations.models import DonorAnswer, FundYear, SurplusClause, Transfer
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import filled, text_of

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


@pytest.fixture
def uncovered() -> Transfer:
    """A gift of 100 kr that no clause covers, to a fund that needs 40 kr."""
    fund = cast.fund("47030", cast.project(focus_area=cast.area(clause_from=None)))
    cast.fund_year(fund, 40_00)
    return cast.gift(fund, 100_00)


def page_of(gift: Transfer) -> str:
    return reverse("admin:donations_transfer_change", args=[gift.pk])


def answer(eskil: Client, gift: Transfer, **typed: Any) -> Any:
    path = reverse("finance_answer", args=[gift.pk])
    return eskil.post(path, filled(eskil, path, **typed))


def movable() -> int:
    year = FundYear.objects.get()
    return queries.figures_today([year], timezone.localdate())[year.pk].movable


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-1, "Inget villkor gällde den 31 december 2023."),
        (0, f"”{cast.CLAUSE}” Gäller från den 1 januari 2024."),
        (170, f"”{cast.CLAUSE}” Gäller från den 1 januari 2024."),
        (171, "”Ett nytt” Gäller från den 20 juni 2024."),
    ],
)
def test_a_gifts_page_tells_which_clause_its_donor_could_read(
    eskil: Client, days: int, said: str
) -> None:
    fund = cast.fund()
    SurplusClause.objects.create(
        focus_area=fund.area_now, text="Ett nytt", valid_from=cast.NEW_YEAR + 171 * DAY
    )
    gift = cast.gift(fund, 100_00, cast.NEW_YEAR + days * DAY)
    assert said in text_of(eskil.get(page_of(gift)))


def test_the_clause_of_the_banks_day_holds_for_a_gift_that_is_placed_later(
    eskil: Client,
) -> None:
    fund = cast.fund("47030", cast.project(focus_area=cast.area(clause_from=cast.MIDSUMMER)))
    gift = cast.gift(None, 100_00, cast.MIDSUMMER - DAY)
    [placed] = operations.place(
        gift,
        [operations.Part(fund, 100_00)],
        booked_on=cast.MIDSUMMER,
        reason="x",
        by=cast.ester(),
    )
    assert "Inget villkor gällde den 20 juni 2024." in text_of(eskil.get(page_of(placed)))
    assert "villkor" not in text_of(eskil.get(page_of(gift)))


def test_the_newest_answer_holds_and_every_answer_stands(
    eskil: Client, uncovered: Transfer
) -> None:
    link = reverse("finance_answer", args=[uncovered.pk])
    assert link in eskil.get(page_of(uncovered)).content.decode()
    assert movable() == 0
    sent = answer(eskil, uncovered, answer="yes", answered_on="2024-07-01", asked_by="Kassören")
    assert sent["Location"] == page_of(uncovered)
    assert movable() == 60_00
    answer(eskil, uncovered, answer="no", answered_on="2024-07-02", asked_by="Eskil")
    assert movable() == 0
    for path in (page_of(uncovered), link):
        text = text_of(eskil.get(path))
        newer, older = text.index("Nej den 2 juli 2024"), text.index("Ja den 1 juli 2024")
        assert newer < older
        assert "Kassören frågade, Eskil antecknade." in text


def test_an_answer_sent_twice_is_written_down_once(eskil: Client, uncovered: Transfer) -> None:
    path = reverse("finance_answer", args=[uncovered.pk])
    typed = filled(eskil, path, answer="yes")
    for _time in range(2):
        assert eskil.post(path, typed).status_code == 302
    assert DonorAnswer.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"answer": ""}, "måste fyllas i"),
        ({"answer": "yes", "asked_by": " "}, "måste fyllas i"),
        ({"answer": "yes", "answered_on": "{tomorrow}"}, "Dagen kan inte ligga i framtiden."),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(
    eskil: Client, uncovered: Transfer, typed: dict[str, str], sentence: str
) -> None:
    tomorrow = str(timezone.localdate() + DAY)
    typed = {name: value.format(tomorrow=tomorrow) for name, value in typed.items()}
    page = answer(eskil, uncovered, **typed)
    assert sentence in text_of(page)
    assert {name: page.context["form"][name].value() for name in typed} == typed
    assert not DonorAnswer.objects.exists()


def test_nobody_is_asked_about_a_gift_that_a_clause_covers(eskil: Client) -> None:
    gift = cast.gift(cast.fund(), 100_00)
    assert "Anteckna givarens svar" not in text_of(eskil.get(page_of(gift)))
    page = answer(eskil, gift, answer="yes")
    assert "Gåvan omfattas av ett överskottsvillkor." in text_of(page)
    assert not DonorAnswer.objects.exists()


def test_who_only_reads_sees_the_answers_and_writes_none(
    eskil: Client, uncovered: Transfer
) -> None:
    answer(eskil, uncovered, answer="yes")
    reader = cast.sign_in(Client(), cast.member("Lars", Role.READER))
    text = text_of(reader.get(page_of(uncovered)))
    assert "Eskil antecknade." in text
    assert "Anteckna givarens svar" not in text
    path = reverse("finance_answer", args=[uncovered.pk])
    assert reader.post(path, {"answer": "no"}).status_code == 403
