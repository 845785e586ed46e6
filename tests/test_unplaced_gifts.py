"""The queue of gifts that nobody could place at once, and how they find their funds."""

import datetime
import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations
from donations.models import Fund, PeriodLock, Transfer
from donations.operations import GiftIn
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import filled, text_of

pytestmark = pytest.mark.django_db
QUEUE = "/ekonomi/oplacerade/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


@pytest.fixture
def funds() -> list[Fund]:
    area = cast.area()
    return [
        cast.fund(number, cast.project(slug, area))
        for number, slug in (("47030", "brunnar"), ("47031", "pumpar"))
    ]


def waiting(ore: int = 1_000_00, day: datetime.date = cast.MIDSUMMER, **said: Any) -> Transfer:
    """A gift that waits to be placed."""
    given = GiftIn(
        **{"fund": None, "amount_ore": ore, "bank_date": day, "channel": "swish", **said}
    )
    return operations.register_gift(given, bank=cast.bank(), by=cast.ester())


def place(eskil: Client, gift: Transfer, **typed: Any) -> Any:
    path = reverse("finance_place", args=[gift.pk])
    return eskil.post(path, filled(eskil, path, **{"reason": "Givaren ringde", **typed}))


def queue(client: Client) -> list[tuple[int, int]]:
    """The gifts of the queue's first page and what is left of each."""
    rows = client.get(QUEUE).context["rows"]
    return [(row.gift.pk, row.gift.left_ore) for row in rows]


def test_the_oldest_stand_first_with_what_is_left_of_them(eskil: Client, funds: list[Fund]) -> None:
    newer, older = waiting(500_00), waiting(day=cast.MIDSUMMER - DAY)
    gone, wrong, back = waiting(300_00), waiting(200_00), waiting(100_00)
    by, booked_on = cast.ester(), cast.MIDSUMMER
    part = operations.Part(funds[0], 400_00)
    [placed] = operations.place(older, [part], booked_on=booked_on, reason="x", by=by)
    operations.refund(older, 100_00, booked_on=booked_on, reason="x", by=by)
    operations.place(
        gone, [operations.Part(funds[0], 300_00)], booked_on=booked_on, reason="x", by=by
    )
    operations.reverse(wrong, booked_on=booked_on, reason="x", by=by)
    operations.refund(back, 100_00, booked_on=booked_on, reason="x", by=by)
    assert queue(eskil) == [(older.pk, 500_00), (newer.pk, 500_00)]
    text = text_of(eskil.get(QUEUE))
    assert "Nu väntar 2 gåvor, tillsammans 1 000 kr" in text
    assert "500 kr av 1 000 kr" in text
    assert "1 000 kr väntar på sin insamling" in text_of(eskil.get(reverse("finance_start")))
    operations.reverse(placed, booked_on=booked_on, reason="x", by=by)
    assert queue(eskil)[0] == (older.pk, 900_00)


def test_sharing_a_gift_opens_the_rows_to_share_it_on(eskil: Client, funds: list[Fund]) -> None:
    place = reverse("finance_place", args=[waiting().pk])
    for looked_at in (QUEUE, f"{QUEUE}?sok=swish"):
        [way] = re.findall(rf'href="({place}[^"]*)"', eskil.get(looked_at).text)
        assert '<details class="split" open>' in eskil.get(html.unescape(way)).text
    assert '<details class="split">' in eskil.get(place).text
    typed = filled(eskil, place) | {"number_1": "47030", "reason": "x"}
    assert "dela" not in eskil.post(f"{place}?dela=ja", typed)["Location"]


def test_what_was_placed_in_another_tab_is_told_without_a_way_to_nothing(
    eskil: Client, funds: list[Fund]
) -> None:
    gift, other = waiting(), waiting()
    sent = {"number": "47030", "once": "5f0f6f8c-6d3a-4b57-9a64-5b1e2b7a9f10"}
    path = reverse("finance_place_at_once", args=[gift.pk])
    wrong = eskil.post(path, sent | {"number": "47099"})
    assert f'href="#gava-{gift.pk}"' in wrong.text
    eskil.post(path, sent)
    late = eskil.post(path, sent | {"once": "0d1b6a3e-7f0e-4a53-8f0e-1f8a5a4b8c22"})
    assert "Ingenting av gåvan väntar längre." in text_of(late)
    assert f"#gava-{gift.pk}" not in late.text
    assert f"gava-{other.pk}" in late.text


def test_an_empty_queue_says_so(eskil: Client) -> None:
    assert "Inga gåvor väntar. Allt är placerat." in text_of(eskil.get(QUEUE))


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.READER])
def test_who_gave_is_seen_by_those_alone_who_may_see_payments(role: Role) -> None:
    waiting(payer_name="Greta Givare", message="Till brunnen")
    text = text_of(cast.sign_in(Client(), cast.member("Maj", role)).get(QUEUE))
    sees = role == Role.FINANCE
    assert ("Greta Givare" in text, "Till brunnen" in text) == (sees, sees)
    assert "1 000 kr" in text
    assert ("Placera" in text) == sees


def test_the_whole_rest_is_prefilled_on_the_gifts_own_day(eskil: Client, funds: list[Fund]) -> None:
    gift = waiting()
    typed = filled(eskil, reverse("finance_place", args=[gift.pk]))
    assert (typed["amount_1"].replace("\N{NO-BREAK SPACE}", " "), typed["booked_on"]) == (
        "1 000",
        cast.MIDSUMMER,
    )
    answer = place(eskil, gift, number_1="47030")
    assert answer["Location"] == f"{QUEUE}#innehall"
    assert "Nu är hela gåvan på plats." in text_of(eskil.get(QUEUE))
    [placed] = Transfer.objects.filter(kind="placement")
    assert (placed.amount_ore, placed.booked_on) == (1_000_00, cast.MIDSUMMER)
    assert placed.credit.fund_year is not None
    assert placed.credit.fund_year.fund == funds[0]


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_on_a_locked_day_the_first_open_one_is_prefilled(eskil: Client, days: int) -> None:
    gift = waiting()
    locked = cast.MIDSUMMER + days * DAY
    PeriodLock.objects.create(through=locked, by=cast.ester(), created_at=timezone.now())
    form = eskil.get(reverse("finance_place", args=[gift.pk])).context["form"]
    assert form["booked_on"].value() == max(cast.MIDSUMMER, locked + DAY)


@pytest.mark.parametrize(("second", "left"), [("599,99", 1), ("600", 0), ("600,01", None)])
def test_a_gift_is_split_up_to_all_of_it_and_no_further(
    eskil: Client, funds: list[Fund], second: str, left: int | None
) -> None:
    gift = waiting()
    rows = {"number_1": "47030", "amount_1": "400", "number_2": "47031", "amount_2": second}
    path = reverse("finance_place", args=[gift.pk])
    typed = filled(eskil, path, reason="Givaren ringde", **rows)
    page = eskil.post(path, typed)
    if left is None:
        assert "finns 1 000 kr kvar att placera; du försökte placera 1 000,01 kr." in text_of(page)
        assert page.context["form"]["amount_2"].value() == second
        assert not Transfer.objects.filter(kind="placement").exists()
        return
    assert operations.left_of(gift) == left
    assert eskil.post(path, typed).status_code == 302
    assert Transfer.objects.filter(kind="placement").count() == 2
    assert operations.left_of(gift) == left
    if left:
        assert "0,01 kr av gåvan väntar ännu." in text_of(eskil.get(QUEUE))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount_1": ""}, "Fyll i minst en insamling"),
        ({"number_1": "47030", "reason": ""}, "Skriv varför."),
        (
            {"number_1": "47030", "booked_on": "2024-06-20"},
            "Placeringen kan inte ligga före gåvan.",
        ),
        ({"number_1": "47031"}, "Insamling 47031 öppnade den 22 juni 2024."),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    eskil: Client, funds: list[Fund], typed: dict[str, str], sentence: str
) -> None:
    funds[1].opened_on = cast.MIDSUMMER + DAY
    funds[1].save()
    page = place(eskil, waiting(), **typed)
    assert sentence in text_of(page)
    assert {name: page.context["form"][name].value() for name in typed} == typed
    assert not Transfer.objects.filter(kind="placement").exists()


def test_the_fund_that_has_taken_over_is_suggested_through_as_many_as_it_takes(
    eskil: Client, funds: list[Fund]
) -> None:
    closed, middle = funds
    heir = cast.fund("47032", cast.project("filter"))
    closed.closed_on, closed.successor = cast.MIDSUMMER - DAY, middle
    middle.closed_on, middle.successor = cast.MIDSUMMER, heir
    middle.save()
    closed.save()
    gift = waiting(fund=closed)
    assert "47030 (stängd), nu 47032 Filter" in text_of(eskil.get(QUEUE))
    assert place(eskil, gift).status_code == 302
    [placed] = Transfer.objects.filter(kind="placement")
    assert placed.credit.fund_year is not None
    assert placed.credit.fund_year.fund == heir


def test_a_sheet_of_gifts_asks_as_many_questions_as_one_gift(
    eskil: Client, funds: list[Fund]
) -> None:
    first, second = funds
    heir = cast.fund("47032", cast.project("filter"))
    for closed in funds:
        closed.closed_on, closed.successor = cast.MIDSUMMER - DAY, heir
        closed.save()
    waiting(fund=first)
    eskil.get(QUEUE)  # the first page of a session asks more
    with CaptureQueriesContext(connection) as for_one:
        eskil.get(QUEUE)
    for fund in (first, second, second):
        waiting(fund=fund)
    with CaptureQueriesContext(connection) as for_four:
        page = eskil.get(QUEUE)
    assert [row.heir for row in page.context["rows"]] == [heir] * 4
    assert len(for_four) == len(for_one)


def test_a_refund_that_was_wrong_puts_the_gift_back_in_the_queue(eskil: Client) -> None:
    gift = waiting()
    by, booked_on = cast.ester(), cast.MIDSUMMER
    back = operations.refund(gift, 1_000_00, booked_on=booked_on, reason="x", by=by)
    waiting(100_00)
    assert len(queue(eskil)) == 1
    operations.reverse(back, booked_on=booked_on, reason="x", by=by)
    assert (gift.pk, 1_000_00) in queue(eskil)


def test_funds_that_only_lead_to_each_other_suggest_nothing(
    eskil: Client, funds: list[Fund]
) -> None:
    for one, other in (funds, funds[::-1]):
        one.closed_on, one.successor = cast.NEW_YEAR, other
        one.save()
    page = eskil.get(reverse("finance_place", args=[waiting(fund=funds[0]).pk]))
    assert page.context["heir"] is None


def test_a_gift_that_does_not_wait_has_no_such_page(eskil: Client, funds: list[Fund]) -> None:
    wrong = waiting()
    operations.reverse(wrong, booked_on=cast.MIDSUMMER, reason="x", by=cast.ester())
    for gift in (cast.gift(funds[0], 100_00), wrong):
        assert eskil.get(reverse("finance_place", args=[gift.pk])).status_code == 404


def test_a_gift_that_waits_is_placed_or_paid_back_from_its_own_page(eskil: Client) -> None:
    gift = waiting()
    page = reverse("admin:donations_transfer_change", args=[gift.pk])
    ways = re.findall(r'href="([^"]+)"', eskil.get(page).content.decode())
    assert reverse("finance_place", args=[gift.pk]) in ways
    back = reverse("admin:donations_transfer_refund", args=[gift.pk])
    assert back in eskil.get(reverse("finance_place", args=[gift.pk])).content.decode()
    eskil.post(back, filled(eskil, back, reason="Ingen vet vems den är"))
    assert queue(eskil) == []
    assert reverse("finance_place", args=[gift.pk]) not in eskil.get(page).content.decode()
