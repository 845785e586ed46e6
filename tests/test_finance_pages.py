"""The start page of finance, a fund's page, and the forms that move money in and out."""

import datetime
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import operations, queries
from donations.models import Account, Fund, FundYear, SurplusClause, Transfer
from staff.models import Event
from staff.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db
NBSP = "\N{NO-BREAK SPACE}"
AR = {"ar": str(cast.YEAR)}


@pytest.fixture
def eskil() -> Client:
    """Eskil does the finances."""
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def text_of(response: Any) -> str:
    """What a person reads on the page's main part, with plain spaces."""
    html = response.content.decode()
    html = html[html.index("<main") : html.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace(NBSP, " ").split())


def row_of(response: Any, words: str) -> str:
    """The table row that holds the words, as a person reads it."""
    rows = re.findall(r"<tr.*?</tr>", response.content.decode(), re.DOTALL)
    texts = [
        " ".join(unescape(re.sub(r"<[^>]+>", " ", r)).replace(NBSP, " ").split()) for r in rows
    ]
    return next(text for text in texts if words in text)


def send(client: Client, path: str, **typed: Any) -> Any:
    """Fill in the page's form as it comes, change what is given, and send it."""
    return client.post(path, filled(client, path, **typed))


def filled(client: Client, path: str, **typed: Any) -> dict[str, Any]:
    form = client.get(path).context["form"]
    values = {field.name: field.value() for field in form}
    shown = {n: form.fields[n].prepare_value(v) for n, v in values.items() if v is not None}
    return shown | typed


def address(name: str, year: Any = cast.YEAR) -> str:
    return f"{reverse(name, args=['47030'])}?ar={year}"


# What waits


def test_the_desk_tells_of_proposals_and_which_of_them_one_may_decide_about(eskil: Client) -> None:
    area = cast.area()
    source, receiver = (
        cast.fund_year(cast.fund(n, cast.project(s, area)), 100_00)
        for n, s in (("47030", "brunnar"), ("47031", "pumpar"))
    )
    cast.gift(source.fund, 150_00)
    line = operations.LineIn(source, receiver, 20_00, "liknande")
    operations.submit(
        operations.draft([line], reason="Överskott", by=cast.ester()), by=cast.ester()
    )
    assert "att besluta om" not in text_of(eskil.get(reverse("finance_start")))
    kajsa = cast.sign_in(Client(), cast.colleague())
    assert "1 Omfördelningar att besluta om" in text_of(kajsa.get(reverse("finance_start")))


# A fund's page


def test_a_number_that_is_not_there_is_not_found(eskil: Client) -> None:
    cast.fund()
    assert eskil.get("/ekonomi/insamling/47039/").status_code == 404
    assert eskil.get("/ekonomi/insamling/x/").status_code == 404


def test_a_funds_page_shows_every_figure_need_clause_and_transfer(eskil: Client) -> None:
    fund = cast.fund()
    year = cast.fund_year(fund, 276_000_00)
    gift = cast.gift(fund, 332_028_00)
    operations.refund(
        gift, 28_00, booked_on=cast.MIDSUMMER, reason="Givaren ångrade sig", by=cast.ester()
    )
    operations.disburse(
        year, 100_000_00, booked_on=cast.MIDSUMMER, reason="Första hälften", by=cast.ester()
    )
    page = eskil.get(address("finance_fund"))
    text = text_of(page)
    for said in (
        "Gåvor 332 028 kr",
        "Återbetalt till givare −28 kr",
        "Insamlat 332 000 kr",
        "Behov Bestämt den 1 januari 2024. 276 000 kr",
        "Överskott 56 000 kr",
        "Utbetalt till partner −100 000 kr",
        "I kassan 232 000 kr",
        "Går att flytta i dag 56 000 kr",
        f"Från den 1 januari 2024: {cast.CLAUSE}",
        "Styrelsens beslut",
    ):
        assert said in text
    assert row_of(page, "Första hälften") == (
        "21 jun 2024 Utbetalning Till partner Första hälften 100 000 kr 232 000 kr"
    )
    assert [row.transfer.kind for row, _balance in page.context["transfers"].rows] == [
        "disbursement",
        "refund",
        "gift",
    ]


def test_only_the_clauses_that_were_in_force_some_day_of_the_year_are_shown(eskil: Client) -> None:
    area = cast.area(clause_from=None)
    cast.fund_year(cast.fund("47030", cast.project("brunnar", area)))
    for day, text in (
        (datetime.date(2022, 1, 1), "Allra först"),
        (datetime.date(2023, 6, 1), "Gällde vid nyår"),
        (datetime.date(2024, 12, 31), "Sista dagen"),
        (datetime.date(2025, 1, 1), "För sent"),
    ):
        SurplusClause.objects.create(focus_area=area, text=text, valid_from=day)
    shown = [clause.text for clause in eskil.get(address("finance_fund")).context["clauses"]]
    assert shown == ["Sista dagen", "Gällde vid nyår"]


def test_a_closed_fund_and_a_closed_year_say_so_and_offer_less(eskil: Client) -> None:
    area = cast.area()
    fund = cast.fund("47030", cast.project("brunnar", area))
    year = cast.fund_year(fund, 100_00)
    assert "Registrera gåva" in text_of(eskil.get(address("finance_fund")))
    fund.closed_on = datetime.date(2024, 12, 31)
    fund.successor = cast.fund("47031", cast.project("pumpar", area))
    fund.save()
    operations.lock_period(fund.closed_on, by=cast.ester())
    operations.close_year(year.year, by=cast.ester())
    text = text_of(eskil.get(address("finance_fund")))
    assert "Insamlingen stängde den 31 december 2024. Den ersätts av 47031 Pumpar" in text
    assert "Insamlingsåret 2024 är stängt." in text
    assert "Registrera gåva" not in text
    assert "Bestäm behov" not in text
    assert "Bokför utbetalning" in text


def test_who_only_reads_finds_no_button_and_may_send_nothing() -> None:
    cast.fund_year(cast.fund(), 100_00)
    reader = cast.sign_in(Client(), cast.member("Lars", Role.READER))
    text = text_of(reader.get(address("finance_fund")))
    assert "Bokför" not in text
    assert "Registrera" not in text
    for name in ("finance_opening", "finance_disbursement"):
        assert reader.post(address(name)).status_code == 403
    assert reader.post(reverse("finance_gift")).status_code == 403


# Money in and out by hand


def test_an_opening_amount_is_booked_once_however_often_it_is_sent(eskil: Client) -> None:
    fund = cast.fund()
    operations.collection_year(cast.MIDSUMMER)
    path = address("finance_opening")
    typed = filled(eskil, path, amount="12 000,50", booked_on="2024-01-01", reason="Från bokslutet")
    answer = eskil.post(path, typed)
    assert answer["Location"] == address("finance_fund")
    assert "12 000,50 kr är bokförda som ingående belopp" in text_of(eskil.get(answer["Location"]))
    again = eskil.post(path, typed, follow=True)
    assert "Det var redan gjort." in text_of(again)
    [opening] = Transfer.objects.all()
    assert (opening.kind, opening.amount_ore, opening.covered_ore) == ("opening", 12_000_50, 0)
    assert opening.credit.fund_year == FundYear.objects.get(fund=fund)
    assert Event.objects.filter(text__startswith="Bokförde ett ingående belopp").count() == 1


@pytest.mark.parametrize(
    ("day", "is_right"),
    [("2023-12-31", False), ("2024-01-01", True), ("2024-12-31", True), ("2025-01-01", False)],
)
def test_an_opening_amount_lies_within_its_year(eskil: Client, day: str, is_right: bool) -> None:
    cast.fund()
    cast.fund_year(Fund.objects.get())
    page = send(
        eskil, address("finance_opening"), amount="100", booked_on=day, reason="Från bokslutet"
    )
    assert Transfer.objects.exists() == is_right
    if not is_right:
        assert "Dagen ska ligga i insamlingsåret 2024." in text_of(page)
        assert page.context["form"]["booked_on"].value() == day


@pytest.mark.parametrize(("amount", "is_asked"), [("999,99", 0), ("1 000", 0), ("1 000,01", 1)])
def test_paying_out_more_than_there_is_is_asked_about_first(
    eskil: Client, amount: str, is_asked: int
) -> None:
    fund = cast.fund()
    cast.gift(fund, 1_000_00)
    page = send(eskil, address("finance_disbursement"), amount=amount, reason="Till partnern")
    assert Transfer.objects.filter(kind="disbursement").count() == 1 - is_asked
    if is_asked:
        assert "finns 1 000 kr. Är 1 000,01 kr verkligen utbetalt?" in text_of(page)
        assert "Ja, 0,01 kr mer än så är utbetalt" in text_of(page)


def test_the_answer_counts_for_just_the_amount_that_was_asked_about(eskil: Client) -> None:
    fund = cast.fund()
    cast.gift(fund, 1_000_00)
    path = address("finance_disbursement")
    typed = filled(eskil, path, amount="1 200", reason="Till partnern", beyond="20000")
    page = eskil.post(path, typed | {"amount": "12 000"})
    assert not Transfer.objects.filter(kind="disbursement").exists()
    assert "Ja, 11 000 kr mer än så är utbetalt" in text_of(page)
    assert eskil.post(path, typed).status_code == 302
    year = FundYear.objects.get()
    assert queries.figures([year], timezone.localdate())[year.pk].cash == -200_00


# Gifts by hand


@pytest.fixture
def three_funds() -> list[Fund]:
    cast.bank()
    area = cast.area()
    return [
        cast.fund(number, cast.project(slug, area))
        for number, slug in (("47030", "brunnar"), ("47031", "pumpar"), ("47032", "filter"))
    ]


def gift_form(eskil: Client, **typed: Any) -> dict[str, Any]:
    begun = filled(eskil, reverse("finance_gift"), bank=Account.objects.get(kind="bank").pk)
    return begun | {"collection_number": "47030", "bank_date": "2024-06-21"} | typed


@pytest.mark.parametrize(
    ("last_part", "rest_ore"), [("599,99", 1), ("600", None), ("600,01", None)]
)
def test_a_gift_is_split_over_funds_and_something_is_left_for_the_first(
    eskil: Client, three_funds: list[Fund], last_part: str, rest_ore: int | None
) -> None:
    typed = gift_form(
        eskil,
        **{"amount": "1 000", "number_2": "47031", "amount_2": "400"},
        **{"number_3": "47032", "amount_3": last_part, "message": "Kollekt"},
    )
    page = eskil.post(reverse("finance_gift"), typed)
    placed = Transfer.objects.filter(kind="placement").order_by("credit__fund_year__fund")
    if rest_ore is None:
        assert not Transfer.objects.exists()
        assert "Något måste bli kvar till insamling 47030." in text_of(page)
        assert page.context["form"]["amount_3"].value() == last_part
        assert page.context["form"].is_shared
        return
    assert [one.amount_ore for one in placed] == [rest_ore, 400_00, 599_99]
    assert {one.booked_on for one in placed} == {cast.MIDSUMMER}
    assert Transfer.objects.get(kind="gift").amount_ore == 1_000_00
    eskil.post(reverse("finance_gift"), typed)
    assert Transfer.objects.count() == 4


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"number_2": "47031"}, "Fyll i hur mycket som är till 47031."),
        ({"number_2": "47031", "amount_2": "0"}, "Fyll i hur mycket som är till 47031."),
        ({"amount_2": "10"}, "Fyll i vilken insamling beloppet är till."),
        ({"number_2": "47030", "amount_2": "10"}, "Insamling 47030 står två gånger."),
        ({"number_2": "47039", "amount_2": "10"}, "Det finns ingen insamling med numret 47039."),
        ({"number_2": "47031", "amount_2": "tio"}, "Skriv beloppet i kronor med siffror"),
    ],
)
def test_a_row_that_is_not_whole_is_refused_in_words(
    eskil: Client, three_funds: list[Fund], row: dict[str, str], sentence: str
) -> None:
    typed = gift_form(eskil, amount="1 000", **row)
    page = eskil.post(reverse("finance_gift"), typed)
    assert sentence in text_of(page)
    assert {name: page.context["form"][name].value() for name in row} == row
    assert not Transfer.objects.exists()


def test_a_gift_to_a_fund_leads_on_to_the_funds_page(
    eskil: Client, three_funds: list[Fund]
) -> None:
    page = eskil.post(reverse("finance_gift"), gift_form(eskil, amount="500"), follow=True)
    assert page.request["PATH_INFO"] == reverse("finance_fund", args=["47030"])
    assert "500 kr är bokförda på 47030 Brunnar." in text_of(page)


@pytest.mark.parametrize(
    ("day", "is_late"), [("2024-06-20", False), ("2024-06-21", False), ("2024-06-22", True)]
)
def test_a_gift_to_a_number_that_is_closed_waits_and_its_successor_is_suggested(
    eskil: Client, three_funds: list[Fund], day: str, is_late: bool
) -> None:
    closed, heir, _third = three_funds
    closed.closed_on, closed.successor = cast.MIDSUMMER, heir
    closed.save()
    typed = gift_form(eskil, amount="500", bank_date=day)
    page = eskil.post(reverse("finance_gift"), typed, follow=True)
    gift = Transfer.objects.get()
    assert gift.payment is not None
    assert gift.payment.meant_for == (closed if is_late else None)
    assert (gift.credit.kind == Account.Kind.SUSPENSE) == is_late
    if is_late:
        assert page.request["PATH_INFO"] == reverse("finance_place", args=[gift.pk])
        assert (
            "500 kr är bokförda bland oplacerade gåvor: insamling 47030 stängde den 21 juni 2024."
            " Den ersätts av 47031 Pumpar."
        ) in text_of(page)
        assert page.context["form"]["number_1"].value() == "47031"


# Surplus clauses


def test_a_clause_that_gifts_lean_on_is_succeeded_from_the_first_possible_day(
    eskil: Client,
) -> None:
    fund = cast.fund()
    clause = SurplusClause.objects.get()
    path = reverse("admin:donations_surplusclause_change", args=[clause.pk])
    assert 'name="valid_from"' in eskil.get(path).content.decode()
    cast.gift(fund, 100_00, timezone.localdate())
    html = eskil.get(path).content.decode()
    assert 'name="valid_from"' not in html
    [link] = re.findall(r'href="([^"]+)" class="addlink">Ersätt med ett nytt villkor', html)
    form = eskil.get(unescape(link)).context["adminform"].form
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    assert form["valid_from"].value() == tomorrow.isoformat()
    assert form["text"].value() == clause.text
    typed = {"focus_area": clause.focus_area_id, "text": "En ny lydelse"}
    for day in (timezone.localdate(), tomorrow):
        eskil.post(reverse("admin:donations_surplusclause_add"), typed | {"valid_from": day})
        assert SurplusClause.objects.filter(valid_from=day).exists() == (day == tomorrow)


def test_a_clause_with_old_gifts_alone_may_be_succeeded_from_today(eskil: Client) -> None:
    cast.gift(cast.fund(), 100_00)
    path = reverse("admin:donations_surplusclause_change", args=[SurplusClause.objects.get().pk])
    assert f"valid_from={timezone.localdate()}" in eskil.get(path).context["successor"]


@pytest.mark.parametrize("days", [0, 1])
def test_a_day_to_come_is_marked_where_it_stands(
    eskil: Client, three_funds: list[Fund], days: int
) -> None:
    day = timezone.localdate() + datetime.timedelta(days=days)
    path = reverse("finance_gift")
    answer = eskil.post(path, gift_form(eskil, bank_date=day.isoformat(), amount="100"))
    if days:
        assert answer.context["form"].errors["bank_date"] == ["Dagen kan inte ligga i framtiden."]
    else:
        assert answer.status_code == 302
