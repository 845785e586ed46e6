"""What is left to collect: the figures of any day, the rows chosen, their order, their sums and their pace."""

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations, queries
from donations.finance.remaining import COLUMNS
from donations.models import Account, Fund, FundYear, Transfer
from donations.operations import Entry, Part
from donations.queries import Figures
from donations.reports import remaining as report
from staff.roles import Role
from tests import cast
from tests.plain_figures import plain_figures, plain_pending
from tests.test_finance_pages import row_of, text_of

pytestmark = pytest.mark.django_db
AR = {"ar": str(cast.YEAR)}
PAGE = "/ekonomi/kvar-att-samla-in/"


def day_of(month: int, day: int, year: int = cast.YEAR) -> datetime.date:
    return datetime.date(year, month, day)


@pytest.fixture
def eskil() -> Client:
    """Eskil does the finances."""
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def made(
    number: str, title: str, need: int | None, given: int, area: Any = None, **fields: Any
) -> FundYear:
    """A fund's year with its need and one gift at midsummer, in öre."""
    project = cast.project(number, area, title=title, **fields)
    year = cast.fund_year(cast.fund(number, project), need)
    if given:
        cast.gift(year.fund, given)
    return year


def look(client: Client, **asked: str) -> Any:
    answer = client.get(PAGE, AR | asked)
    assert answer.status_code == 200
    return answer


def numbers(page: Any) -> list[str]:
    """The collection numbers shown, from the top."""
    return re.findall(r'class="is-nummer">([0-9]+)<', page.content.decode())


def total(page: Any) -> str:
    """The last row, as a person reads it."""
    return row_of(page, "Summa av") if "Urval:" in text_of(page) else _rows(page)[-1]


def _rows(page: Any) -> list[str]:
    found = re.findall(r"<tr[ >].*?</tr>", page.content.decode(), re.DOTALL)
    picture = r'<title>.*?</title>|<span class="hidden-visually">.*?</span>|<[^>]+>'
    plain = [re.sub(picture, " ", row) for row in found]
    return [" ".join(row.replace("\N{NO-BREAK SPACE}", " ").split()) for row in plain]


def shown(page: Any, words: str) -> str:
    """The row with the words, without what the picture says."""
    return next(row for row in _rows(page) if words in row)


# Figures and sums


def test_a_years_funds_stand_by_area_with_subtotals_and_a_total(eskil: Client) -> None:
    water, school = cast.area("vatten"), cast.area("skola")
    made("47030", "Brunnar", 276_000_00, 332_028_00, water)
    made("47031", "Pumpar", 100_000_00, 60_000_00, water)
    made("47032", "Bokbuss", 50_000_00, 50_000_01, school)
    page = look(eskil)
    assert numbers(page) == ["47032", "47030", "47031"]
    assert shown(page, "Brunnar") == (
        "47030 Brunnar 276 000 332 028 0 0 0 56 028 går att flytta 56 028 120 % 21 jun +56 028 –"
    )
    assert shown(page, "Summa Vatten") == (
        "Summa Vatten 376 000 392 028 0 0 40 000 56 028 går att flytta 56 028 89 % +16 028 –"
    )
    assert shown(page, "Summa Skola").startswith(
        "Summa Skola 50 000 50 000,01 0 0 0 0,01 går att flytta 0,01 100 %"
    )
    assert total(page).startswith("Summa 426 000 442 028,01 0 0 40 000 56 028,01")
    assert "Summa av 3 insamlingar." in text_of(page)


def test_the_figures_of_any_day_are_those_of_plain_sql(eskil: Client) -> None:
    area, by = cast.area(), cast.ester()
    source = made("47030", "Brunnar", 1_000_00, 1_500_00, area)
    receiver = made("47031", "Pumpar", 2_000_00, 300_01, area)
    unknown = made("47032", "Filter", None, 70_00, area)
    operations.set_need(source, 900_00, decided_on=day_of(11, 1), reason="Mindre", by=by)
    cast.gift(receiver.fund, 5_00, day_of(10, 31))
    cast.gift(receiver.fund, 7_00, day_of(11, 1))
    operations.refund(
        cast.gift(unknown.fund, 40_00, day_of(7, 1)),
        39_00,
        booked_on=day_of(8, 1),
        reason="Ångrat",
        by=by,
    )
    line = operations.LineIn(source, receiver, 250_00, "liknande")
    proposal = operations.draft([line], reason="Överskott", by=by)
    operations.approve(operations.submit(proposal, by=by), by=cast.colleague())

    today = timezone.localdate()
    for day in (day_of(1, 1), day_of(6, 20), day_of(6, 21), day_of(10, 31), day_of(12, 31), today):
        plain = plain_figures(day)
        page = look(eskil, dag=day.isoformat())
        rows = [line.row for group in page.context["groups"] for line in group.lines]
        assert len(rows) == 3
        for row in rows:
            year = FundYear.objects.get(fund=row.fund)
            its = plain[year.pk]
            for name in ("need", "collected", "available", "remaining", "surplus"):
                assert getattr(row.figures, name) == getattr(its, name), (name, day)
            assert row.carried == its.carried_in - its.carried_out
            assert row.moved == its.moved_in - its.moved_out
            waits = plain_pending(today)[year.pk]
            assert (row.movable, row.pending) == (
                (waits.movable, waits.out) if day == today else (0, 0)
            )
        assert page.context["sum"].total.remaining == sum(i.remaining or 0 for i in plain.values())
        assert page.context["sum"].total.collected == sum(i.collected for i in plain.values())
        assert page.context["sum"].moved == 0
        assert ("går att flytta" in page.content.decode()) == (day == today)
    assert look(eskil, dag="2024-10-31").context["sum"].total.unknown_needs == 1


def test_what_a_waiting_proposal_holds_is_shown_and_not_movable(eskil: Client) -> None:
    area = cast.area()
    source = made("47030", "Brunnar", 100_00, 150_00, area)
    receiver = made("47031", "Pumpar", 100_00, 0, area)
    line = operations.LineIn(source, receiver, 20_00, "liknande")
    operations.submit(
        operations.draft([line], reason="Överskott", by=cast.ester()), by=cast.ester()
    )
    assert "50 går att flytta 30 väntar på beslut 20 150 %" in shown(look(eskil), "Brunnar")
    assert "50 går att flytta 30 väntar på beslut 20" in total(look(eskil))
    past = look(eskil, dag="2024-12-31")
    assert "100 150 0 0 0 50 150 %" in shown(past, "Brunnar")


def test_money_from_other_years_and_funds_is_net_with_both_ways_beside(eskil: Client) -> None:
    area, by = cast.area(), cast.ester()
    before = cast.fund_year(cast.fund("47030", cast.project("brunnar", area)), 0, day_of(6, 1))
    cast.gift(before.fund, 100_00)
    after = cast.fund_year(before.fund, 500_00, day_of(1, 1, 2025))
    operations.carry_over(
        before, 60_00, booked_on=day_of(1, 2, 2025), reason="Till nästa år", by=by
    )
    old, new = look(eskil), eskil.get(PAGE, {"ar": "2025"})
    assert "0 100 −60 0" in shown(old, "Brunnar")
    assert "500 0 60 0 440 0 12 %" in shown(new, "Brunnar")
    assert after.year.name == "2025"
    # At the end of its own year nothing had gone yet.
    assert "0 100 0 0" in shown(look(eskil, dag="2024-12-31"), "Brunnar")


def test_sums_are_those_of_the_rows_shown_and_unknown_needs_are_counted_beside(
    eskil: Client,
) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    made("47031", "Pumpar", 100_00, 130_00)
    made("47032", "Filter", None, 7_00)
    page = look(eskil)
    assert total(page).startswith("Summa 200 1 inte bestämt 177 0 0 60 30")
    assert "1 insamling har inget behov bestämt och räknas inte in" in text_of(page)
    left = look(eskil, visa="kvar")
    assert numbers(left) == ["47030"]
    assert total(left).startswith("Summa av 1 av 3 insamlingar 100 40 0 0 60 0")
    assert "Summa av 1 av 3 insamlingar." in text_of(left)
    assert "Urval: bara med något kvar." in text_of(left)
    unknown = look(eskil, visa="utan-behov")
    assert total(unknown).startswith("Summa av 1 av 3 insamlingar 0 1 inte bestämt 7 0 0 0 0 –")
    assert total(look(eskil, visa="overskott")).startswith(
        "Summa av 1 av 3 insamlingar 100 130 0 0 0 30"
    )


def test_a_fund_for_a_whole_area_needs_nothing_and_one_without_a_year_has_no_need(
    eskil: Client,
) -> None:
    area = cast.area()
    cast.fund_year(cast.fund("47032", area))
    cast.fund("47031", cast.project("pumpar", area))
    page = look(eskil)
    assert "47032 Vatten hela fokusområdet 0 0 0 0 0 0 100 % – – –" in _rows(page)
    assert "47031 Pumpar inte bestämt 0 0 0 – – – – – –" in _rows(page)
    assert numbers(look(eskil, visa="utan-behov")) == ["47031"]


# Which day


def test_without_a_year_in_the_address_it_is_the_one_that_holds_the_day_or_today() -> None:
    cast.fund_year(cast.fund(), 100_00)
    found = []
    for today in ("2025-12-31 22:59", "2025-12-31 23:01"):  # an hour before midnight in Stockholm
        with time_machine.travel(f"{today}:00+00:00", tick=False):
            client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
            found.append(client.get(PAGE).context["year"].name)
    client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    found.append(client.get(PAGE, {"dag": "2024-10-31"}).context["year"].name)
    assert found == ["2025", "2026", "2024"]


def test_a_year_that_is_not_there_is_not_found(eskil: Client) -> None:
    cast.fund()
    assert eskil.get(PAGE, {"ar": "1789"}).status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2023-12-31", "Den 31 december 2023 ligger inte i insamlingsåret 2024."),
        ("2025-01-01", "till och med den 31 december 2024, eller dagens datum."),
        ("2999-01-01", "Dagen kan inte ligga i framtiden."),
        ("2024-02-30", "Skriv dagen som år-månad-dag, till exempel 2026-11-21."),
        ("den 31 oktober", "Skriv dagen som år-månad-dag, till exempel 2026-11-21."),
        ("0001-01-01", "ligger inte i insamlingsåret 2024."),
    ],
)
def test_a_day_that_cannot_be_shown_is_answered_in_words_and_stays(
    eskil: Client, typed: str, said: str
) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    page = look(eskil, dag=typed, visa="kvar")
    assert said in text_of(page)
    assert f'value="{typed}"' in page.content.decode()
    assert numbers(page) == []
    assert page.context["form"]["visa"].value() == "kvar"
    is_a_date = typed[:4].isdigit() and typed != "2024-02-30"
    assert ('type="date"' in page.content.decode()) == is_a_date


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("2025-02-28", "dag=2024-02-28"), ("2025-10-31", "ar=2025&amp;dag=2025-10-31")],
)
def test_a_day_of_another_year_leads_to_that_date_in_this_year_and_to_that_year(
    eskil: Client, typed: str, offered: str
) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    operations.collection_year(day_of(1, 1, 2025))
    assert offered in look(eskil, dag=typed).content.decode()


def test_29_february_in_a_year_without_one_leads_to_the_28th(eskil: Client) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    operations.collection_year(day_of(1, 1, 2025))
    page = eskil.get(PAGE, {"ar": "2025", "dag": "2024-02-29"})
    assert "dag=2025-02-28" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("omrade", "Ingen insamling passar in på urvalet."),
        ("land", "Ingen insamling passar in på urvalet."),
        ("visa", "påhitt finns inte. Välj i listan."),
        ("stangda", "påhitt finns inte. Välj i listan."),
    ],
)
def test_a_choice_that_is_none_shows_no_figures_that_could_be_taken_for_it(
    eskil: Client, name: str, said: str
) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    page = look(eskil, **{name: "påhitt"})
    assert said in text_of(page)
    assert numbers(page) == []
    if name in ("omrade", "land"):
        assert '<option value="påhitt" selected>' in page.content.decode()


def test_too_long_a_search_and_one_that_cannot_be_are_answered_in_words(eskil: Client) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    assert "Skriv högst 100 tecken" in text_of(look(eskil, sok="x" * 101))
    for words in ("\x00", "47030\x00", "<b>", "'; --"):
        assert numbers(look(eskil, sok=words)) == []


def test_the_days_that_are_asked_for_are_one_click_away(eskil: Client) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    for year in (2025, 2026):
        operations.collection_year(day_of(12, 1, year))
    with time_machine.travel("2026-11-22 12:00:00+00:00", tick=False):
        client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
        operations.lock_period(day_of(9, 30, 2026), by=cast.ester())
        now = client.get(PAGE)
        past = client.get(PAGE, {"ar": "2025", "dag": "2025-12-31"})
    assert [(day.label, day.ar, day.dag) for day in now.context["quick_days"]] == [
        ("I dag", "2026", None),
        ("Senaste månadsskiftet, 31 okt 2026", "2026", "2026-10-31"),
        ("Senast låsta dagen, 30 sep 2026", "2026", "2026-09-30"),
        ("Förra årets slut, 31 dec 2025", "2025", "2025-12-31"),
    ]
    assert [(day.label, day.is_shown) for day in past.context["quick_days"]] == [
        ("I dag", False),
        ("Årets slut, 31 dec 2025", True),
        ("Förra årets slut, 31 dec 2024", False),
    ]


def test_the_page_says_whether_the_figures_are_final(eskil: Client) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    assert "Siffrorna är preliminära: ingen period är låst." in text_of(look(eskil))
    operations.lock_period(day_of(10, 31), by=cast.ester())
    for day, said in (
        ("2024-10-31", "Siffrorna är slutgiltiga: perioden är låst till och med den 31 oktober"),
        (
            "2024-11-01",
            "Siffrorna är preliminära: perioden är låst bara till och med den 31 oktober",
        ),
    ):
        assert said in text_of(look(eskil, dag=day))


def test_a_fund_that_had_not_opened_is_not_there_yet(eskil: Client) -> None:
    made("47030", "Brunnar", 100_00, 40_00)
    late = cast.fund("47031", cast.project("pumpar"))
    Fund.objects.filter(pk=late.pk).update(opened_on=day_of(11, 1))
    assert numbers(look(eskil, dag="2024-10-31")) == ["47030"]
    assert numbers(look(eskil, dag="2024-11-01")) == ["47030", "47031"]


# Which funds


def test_funds_are_chosen_by_area_country_and_whether_they_are_closed(eskil: Client) -> None:
    water, school = cast.area("vatten"), cast.area("skola")
    made("47030", "Brunnar", 100_00, 40_00, water, countries=["NP", "IN"])
    made("47031", "Bokbuss", 100_00, 40_00, school, countries=["IN"])
    closed = made("47032", "Filter", 100_00, 40_00, water).fund
    cast.fund_year(cast.fund("47033", water))
    Fund.objects.filter(pk=closed.pk).update(closed_on=day_of(10, 30))
    assert numbers(look(eskil, omrade="vatten")) == ["47030", "47032", "47033"]
    assert numbers(look(eskil, land="NP")) == ["47030"]
    assert numbers(look(eskil, land="IN")) == ["47031", "47030"]
    assert numbers(look(eskil, land="IN", omrade="skola")) == ["47031"]
    assert numbers(look(eskil, stangda="ja", dag="2024-10-31")) == ["47032"]
    assert numbers(look(eskil, stangda="ja", dag="2024-10-30")) == []
    assert numbers(look(eskil, stangda="nej")) == ["47031", "47030", "47033"]
    assert "Filter stängd" in shown(look(eskil), "Filter")
    assert "Ingen insamling passar in på urvalet." in text_of(
        look(eskil, land="NP", omrade="skola")
    )
    told = text_of(look(eskil, land="IN", omrade="vatten", stangda="nej", sok="brunn"))
    assert "Urval: nummer eller namn ”brunn”, fokusområde Vatten, land Indien, bara öppna." in told


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("osterang", ["47031"]),
        ("ÖSTERÄNG", ["47031"]),
        ("österäng", ["47031"]),
        ("A\u030akero\u0308", ["47032"]),  # as a Mac writes it
        ("akero", ["47032"]),
        ("ö", ["47031", "47032"]),
        ("o", ["47030", "47031", "47032"]),
        ("å", ["47032"]),
        ("skola ostera", ["47031"]),
        ("703", ["47030", "47031", "47032"]),
        ("031", ["47031"]),
        ("47032 skola", []),
        ("  ", ["47030", "47031", "47032"]),
        ("%", []),
        ("cafe", ["47030"]),
    ],
)
def test_a_fund_is_found_by_a_part_of_its_number_or_name(
    eskil: Client, words: str, found: list[str]
) -> None:
    made("47030", "Café Solen", 100_00, 0)
    made("47031", "Österängs skola", 100_00, 0)
    made("47032", "Åkerö", 100_00, 0)
    assert numbers(look(eskil, sok=words)) == found


# Order


@pytest.fixture
def three() -> None:
    """Three funds that each column tells apart, one of them with an unknown need."""
    area, school, by = cast.area("vatten"), cast.area("skola"), cast.ester()
    first = made("47030", "Öar", 100_00, 350_00, area)
    second = made("47031", "Ängar", 900_00, 300_00, area)
    made("47032", "Zoner", None, 200_00, school)
    cast.gift(second.fund, 1_00, day_of(7, 1))
    operations.refund(
        cast.gift(second.fund, 1_00, day_of(8, 1)), 1_00, booked_on=day_of(8, 1), reason="x", by=by
    )
    line = operations.LineIn(first, second, 100_00, "liknande")
    proposal = operations.draft([line], reason="Överskott", by=by)
    operations.approve(operations.submit(proposal, by=by), by=cast.colleague())
    later = cast.fund_year(first.fund, 100_00, day_of(1, 1, 2025))
    operations.carry_over(first, 50_00, booked_on=timezone.localdate(), reason="Kvar", by=by)
    cast.gift(later.fund, 10_00, day_of(6, 21, 2025))
    cast.gift(second.fund, 10_00, day_of(6, 21, 2025))


RISING = {
    "nummer": ["47030", "47031", "47032"],
    "namn": ["47032", "47031", "47030"],
    "behov": ["47030", "47031", "47032"],
    "insamlat": ["47032", "47031", "47030"],
    "mellan-ar": ["47030", "47031", "47032"],
    "omfordelat": ["47030", "47032", "47031"],
    "kvar": ["47030", "47031", "47032"],
    "overskott": ["47031", "47030", "47032"],
    "procent": ["47031", "47030", "47032"],
    "senaste": ["47030", "47032", "47031"],
    "takt": ["47031", "47030", "47032"],
    "aret-fore": ["47030", "47031", "47032"],
}
# Where it is not the other way round: equal ones come by number, and the unknown last.
FALLING = {
    "behov": ["47031", "47030", "47032"],
    "kvar": ["47031", "47030", "47032"],
    "overskott": ["47030", "47031", "47032"],
    "procent": ["47030", "47031", "47032"],
    "takt": ["47030", "47031", "47032"],
    "mellan-ar": ["47031", "47032", "47030"],
    "aret-fore": ["47030", "47031", "47032"],
    "senaste": ["47031", "47030", "47032"],
}


def test_rows_are_ordered_by_each_column_both_ways_and_the_unknown_comes_last(
    eskil: Client, three: None
) -> None:
    assert set(RISING) == set(COLUMNS) == set(report.ORDERS)
    by_area = total(look(eskil))
    for column, rising in RISING.items():
        page = look(eskil, sortera=column)
        assert numbers(page) == rising, column
        assert page.content.decode().count('aria-sort="ascending"') == 1
        falling = look(eskil, sortera=f"-{column}")
        expected = FALLING.get(column, rising[::-1])
        assert numbers(falling) == expected, column
        assert falling.content.decode().count('aria-sort="descending"') == 1
        assert total(page) == by_area == total(falling)


def test_an_order_gives_one_list_and_a_second_click_turns_it(eskil: Client, three: None) -> None:
    page = look(eskil, sok="4703", sortera="-kvar")
    assert "Summa Vatten" not in text_of(page)
    assert "Ängar Vatten 900" in shown(page, "Ängar")
    html = page.content.decode()
    assert "?ar=2024&amp;sok=4703&amp;sortera=kvar#insamlingar" in html
    assert "?ar=2024&amp;sok=4703&amp;sortera=-behov#insamlingar" in html
    assert "?ar=2024&amp;sok=4703&amp;sortera=namn#insamlingar" in html
    assert '<input type="hidden" name="sortera" value="-kvar"' in html
    assert numbers(look(eskil, sortera="påhitt")) == ["47032", "47030", "47031"]


def test_more_paid_back_than_given_is_no_per_cent_also_in_the_sums() -> None:
    shown = Figures(cast.MIDSUMMER, need=100_00, refunds=5_00)
    assert (shown.percent, queries.total([shown]).percent) == (0, 0)


# Pace


def pace_of(client: Client, day: datetime.date, number: str = "47030") -> tuple[Any, Any, str]:
    """How much beside the straight line and beside last year, and the words of the picture."""
    page = client.get(PAGE, {"ar": str(day.year), "dag": day.isoformat()})
    [line] = [
        line
        for group in page.context["groups"]
        for line in group.lines
        if line.row.fund.collection_number == number
    ]
    told = line.told.replace("\N{NO-BREAK SPACE}", " ")
    return line.row.line, line.row.last_year, told


def test_pace_is_held_against_a_straight_line_and_the_same_day_last_year(eskil: Client) -> None:
    fund = made("47030", "Brunnar", 0, 0).fund
    for day, ore in ((day_of(2, 28), 10_00), (day_of(2, 29), 5_00), (day_of(12, 31), 2_00)):
        cast.gift(fund, ore, day)
    cast.fund_year(fund, 365_00, day_of(1, 1, 2025))
    cast.gift(fund, 60_00, day_of(2, 28, 2025))
    assert pace_of(eskil, day_of(1, 1, 2025))[:2] == (1_00, 0)
    assert pace_of(eskil, day_of(2, 27, 2025))[:2] == (58_00, 0)
    assert pace_of(eskil, day_of(2, 28, 2025)) == (
        59_00,
        15_00,
        "Tillgängligt 60 kr. I jämn takt 59 kr, alltså 1 kr före. Insamlat 60 kr. Samma dag året"
        " före 15 kr, alltså 45 kr mer nu.",
    )
    assert pace_of(eskil, day_of(3, 1, 2025))[:2] == (60_00, 15_00)
    assert "precis i takt" in pace_of(eskil, day_of(3, 1, 2025))[2]
    assert "1 kr efter" in pace_of(eskil, day_of(3, 2, 2025))[2]
    assert pace_of(eskil, day_of(12, 31, 2025))[:2] == (365_00, 17_00)


@pytest.mark.parametrize("year", [2024, 2025])
def test_the_funds_page_takes_the_same_day_for_the_same(eskil: Client, year: int) -> None:
    fund = cast.fund()
    Fund.objects.update(opened_on=day_of(1, 1, 2023))
    cast.fund_year(fund, 0, day_of(1, 1, year - 1))
    cast.fund_year(fund, 365_00, day_of(1, 1, year))
    for at in range(4):
        cast.gift(fund, 10**at, day_of(2, 26, year - 1) + datetime.timedelta(at))
    for at in range(4):
        day = day_of(2, 26, year) + datetime.timedelta(at)
        page = eskil.get(reverse("finance_fund", args=["47030"]), {"dag": str(day)})
        assert page.context["curve"].year_before == pace_of(eskil, day)[1]


def test_the_29th_of_february_is_held_against_the_28th(eskil: Client) -> None:
    fund = cast.fund()
    Fund.objects.update(opened_on=day_of(1, 1, 2023))
    cast.fund_year(fund, 0, day_of(1, 1, 2023))
    cast.gift(fund, 10_00, day_of(2, 28, 2023))
    cast.gift(fund, 7_00, day_of(3, 1, 2023))
    cast.fund_year(fund, 366_00)
    cast.gift(fund, 3_00, day_of(2, 29))
    line, last_year, told = pace_of(eskil, day_of(2, 29))
    assert (line, last_year) == (60_00, 10_00)
    assert "7 kr mindre nu" in told
    assert pace_of(eskil, day_of(3, 1))[1] == 17_00


def test_the_line_is_in_whole_kronor_until_the_last_day_which_is_the_need(eskil: Client) -> None:
    made("47030", "Brunnar", 1_000_50, 0)
    assert pace_of(eskil, day_of(1, 1))[0] == 2_00
    assert pace_of(eskil, day_of(12, 30))[0] == 997_00
    assert pace_of(eskil, day_of(12, 31))[0] == 1_000_50
    # As the year stands today, long after its end.
    assert "I jämn takt 1 000,50" in text_of(look(eskil))


def test_where_there_is_nothing_to_hold_the_pace_against_it_says_why(eskil: Client) -> None:
    made("47030", "Brunnar", None, 40_00)
    made("47031", "Pumpar", 0, 0)
    day = day_of(6, 30)
    assert pace_of(eskil, day) == (
        None,
        None,
        "Behovet är inte bestämt, så det finns ingen takt att hålla. Det finns inget år före att"
        " jämföra med.",
    )
    assert "inget eget behov" in pace_of(eskil, day, "47031")[2]
    html = look(eskil, dag=day.isoformat()).content.decode()
    assert '<span class="hidden-visually">Insamlingen har inget eget behov' in html
    assert "<title>Behovet är inte bestämt" in html


def test_a_year_that_has_just_begun_and_one_that_has_not_say_so(eskil: Client) -> None:
    made("47030", "Brunnar", 366_00, 0)
    assert "1 av årets 366 dagar har gått. Så tidigt" in text_of(look(eskil, dag="2024-01-01"))
    assert "14 av årets 366 dagar har gått. Så tidigt" in text_of(look(eskil, dag="2024-01-14"))
    later = text_of(look(eskil, dag="2024-01-15"))
    assert "15 av årets 366 dagar har gått." in later
    assert "Så tidigt" not in later
    coming = day_of(1, 1, timezone.localdate().year + 1)
    year = cast.fund_year(Fund.objects.get(), None, coming)
    operations.set_need(
        year, 500_00, decided_on=timezone.localdate(), reason="Nästa år", by=cast.ester()
    )
    page = eskil.get(PAGE, {"ar": str(coming.year)})
    assert text_of(page).count("Insamlingsåret har inte börjat.") == 2
    for day in (timezone.localdate() - datetime.timedelta(days=1), coming):
        refused = text_of(eskil.get(PAGE, {"ar": str(coming.year), "dag": day.isoformat()}))
        assert ("har inte börjat. Det kan bara visas som det är i dag." in refused) == (
            day < coming
        )
        assert ("Dagen kan inte ligga i framtiden." in refused) == (day == coming)


def test_less_than_nothing_and_nothing_at_all_are_drawn_without_a_fault(eskil: Client) -> None:
    by, new_year = cast.ester(), day_of(1, 1, 2025)
    before = made("47030", "Brunnar", 0, 100_00)
    cast.fund_year(before.fund, 500_00, new_year)
    operations.carry_over(before, 60_00, booked_on=new_year, reason="Kvar", by=by)
    refunded = cast.gift(before.fund, 10_00, day_of(7, 1))
    operations.refund(refunded, 10_00, booked_on=day_of(1, 10, 2025), reason="Ångrat", by=by)
    cast.fund_year(cast.fund("47031", cast.project("pumpar")), None, new_year)
    page = eskil.get(PAGE, {"ar": "2025", "dag": "2025-01-10"})
    first, empty = page.context["groups"][0].lines
    assert (first.row.figures.collected, first.row.figures.available) == (-10_00, 50_00)
    assert (first.picture.collected, first.picture.beyond, first.picture.need) == (0, 10, 100)
    assert empty.picture is None
    # A refund belongs to the year it is made in.
    assert "−10 60 0 450 0 10 % – +37 −10" in shown(page, "Brunnar")


# The last gift


def test_the_last_gift_is_the_newest_day_something_came_that_was_not_taken_back(
    eskil: Client,
) -> None:
    by = cast.ester()
    fund = made("47030", "Brunnar", 100_00, 40_00).fund
    waited = cast.gift(None, 50_00, day_of(7, 1))
    operations.place(waited, [Part(fund, 50_00)], booked_on=day_of(7, 5), reason="x", by=by)
    wrong = cast.gift(fund, 60_00, day_of(8, 1))
    operations.reverse(wrong, booked_on=day_of(8, 1), reason="Fel", by=by)
    last = {
        day: look(eskil, dag=day).context["groups"][0].lines[0].row.last_gift
        for day in ("2024-06-20", "2024-06-21", "2024-07-04", "2024-07-05", "2024-08-01")
    }
    june, july = day_of(6, 21), day_of(7, 5)
    assert list(last.values()) == [None, june, june, july, july]


# Speed


def test_three_funds_and_sixty_cost_the_same_few_queries(eskil: Client) -> None:
    area = cast.area()
    counts = []
    for many in (3, 57):
        first = Fund.objects.count()
        years = [
            made(str(47000 + i), f"Projekt {i}", 100_00, 0, area, countries=["NP"])
            for i in range(first, first + many)
        ]
        for year in years:
            cast.fund_year(year.fund, None, day_of(1, 1, 2025))
        start = Account.objects.get_or_create(kind="start")[0]
        operations.post(
            [
                Entry(
                    kind=Transfer.Kind.OPENING,
                    debit_id=start.pk,
                    credit_id=operations.account(years[0]).pk,
                    amount_ore=100,
                    booked_on=cast.MIDSUMMER,
                )
            ],
            by=cast.ester(),
        )
        eskil.get(PAGE, AR)
        with CaptureQueriesContext(connection) as asked:
            eskil.get(PAGE, {"ar": "2025", "sortera": "-takt", "land": "NP"})
        counts.append(len(asked))
    print(counts)
    assert counts[0] == counts[1] <= 15
    assert len(numbers(look(eskil, land="NP"))) == 60


def test_the_address_is_known_by_its_name() -> None:
    assert reverse("finance_remaining") == PAGE
