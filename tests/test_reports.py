"""The reports: the same sums on the page, in Excel, as CSV and by plain SQL; text that stays text."""

import csv
import datetime
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from donations import operations
from donations.finance import reports
from donations.models import Account, CollectionYear, Fund, GiftTotal, Transfer
from donations.money import format_kronor
from donations.operations import GiftIn, LineIn, Part
from donations.reports import changes, tax_reduction
from donations.reports.table import Kind, Row, Table
from projects.models import FocusArea, Project
from staff import audit
from staff.roles import Role
from tests import cast
from tests.plain_figures import balances, plain_figures
from tests.test_finance_pages import text_of

pytestmark = pytest.mark.django_db
Day = datetime.date
SWISH, BANKGIRO, CASH = Fund.Channel.SWISH, Fund.Channel.BANKGIRO, Fund.Channel.CASH
HOSTILE = ['=HYPERLINK("http://x.example";"vinst")', "+46 70 pumpar", '@skolan; "åäö"', "-minus"]
TODAY = Day(2025, 3, 14)
MONTHS = ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti"]
MONTHS += ["september", "oktober", "november", "december"]


@dataclass
class Books:
    """Two years of everything that can happen, each thing written on its day."""

    clock: time_machine.Traveller

    def on(self, day: Day) -> None:
        noon = datetime.datetime.combine(day, datetime.time(12), ZoneInfo("Europe/Stockholm"))
        self.clock.move_to(noon)
        self.how: dict[str, Any] = {"booked_on": day, "reason": "Så blev det", "by": cast.ester()}

    def give(self, fund: Fund | None, *kronor: float, on: Day, by: str = SWISH) -> Transfer:
        gifts = [GiftIn(fund, round(amount * 100), on, by) for amount in kronor]
        ids = operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())
        return Transfer.objects.get(pk=ids[-1])

    def move(self, source: Fund, receiver: Fund, ore: int, day: Day) -> Transfer:
        there, here = cast.fund_year(source, day=day), cast.fund_year(receiver, day=day)
        line = LineIn(there, here, ore, "Brunnarna var klara")
        proposal = operations.draft([line], reason="Överskott", by=cast.ester())
        operations.submit(proposal, by=cast.ester())
        operations.approve(proposal, by=cast.colleague())
        return Transfer.objects.latest("pk")


@pytest.fixture(scope="module")
def two_years(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What everybody here looks at, written once: each test's own changes are taken back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with time_machine.travel(0, tick=False) as clock:
            _write(Books(clock))
        yield
        transaction.set_rollback(True)


@pytest.fixture
def books(two_years: None, db: None) -> Iterator[Books]:
    with time_machine.travel(0, tick=False) as clock:
        its = Books(clock)
        its.on(TODAY)
        yield its


def _write(its: Books) -> None:
    its.on(Day(2024, 1, 1))
    water, school = cast.area("vatten"), cast.area("skola")
    wells, pumps, pupils = (
        cast.fund(
            number,
            cast.project(f"p{number}", area, title=title, qualifies_for_tax_reduction=tax),
        )
        for number, area, title, tax in (
            ("47030", water, HOSTILE[0], True),
            ("47031", water, HOSTILE[1], True),
            ("47032", school, HOSTILE[2], False),
        )
    )
    cast.fund("47033", cast.project("p47033", school, title=HOSTILE[3]))
    its.on(Day(2024, 2, 29))
    cast.fund_year(wells, 1_000_00)
    cast.fund_year(pumps, 5_000_00)
    operations.open_with(cast.fund_year(pupils), 7_000_01, **its.how)
    its.give(wells, 199.99, 200, 2_000, on=Day(2024, 2, 29))
    some = its.give(wells, 500, on=Day(2024, 2, 29), by=BANKGIRO)
    its.give(pupils, 90_000, on=Day(2024, 2, 29), by=CASH)
    its.on(Day(2024, 3, 31))
    waits = its.give(None, 350, on=Day(2024, 3, 31), by=BANKGIRO)
    its.on(Day(2024, 4, 10))
    operations.place(waits, [Part(wells, 150_00), Part(pupils, 100_00)], **its.how)
    operations.refund(some, 50_00, **its.how)
    its.on(Day(2024, 5, 5))
    wrong = its.give(wells, 1_000.01, on=Day(2024, 5, 5))
    its.on(Day(2024, 6, 3))
    operations.lock_period(Day(2024, 5, 31), by=cast.ester())
    its.give(pumps, 250, on=Day(2024, 5, 20))  # booked on the first open day
    operations.reverse(wrong, **its.how)
    its.on(Day(2024, 6, 10))
    its.move(wells, pumps, 300_00, Day(2024, 6, 10))
    undone = its.move(wells, pumps, 111_11, Day(2024, 6, 10))
    its.on(Day(2024, 7, 1))
    operations.reverse(undone, **its.how)
    operations.disburse(cast.fund_year(wells), 200_00, **its.how)
    its.on(Day(2024, 12, 30))
    late = its.give(None, 400, on=Day(2024, 12, 30))
    its.give(pumps, 40, on=Day(2024, 12, 31) - datetime.timedelta(1))
    its.on(Day(2025, 1, 3))
    [put] = operations.place(late, [Part(wells, 400_00)], **its.how)
    its.give(wells, 3_000, on=Day(2025, 1, 1))
    its.on(Day(2025, 1, 7))
    operations.carry_over(cast.fund_year(wells), 100_00, **its.how)
    operations.reverse(put, **its.how)
    operations.place(late, [Part(pumps, 400_00)], **its.how)


@pytest.fixture
def eskil(books: Books) -> Client:
    """Eskil does the finances."""
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def address(slug: str, **chosen: Any) -> str:
    return f"{reverse('finance_report', args=[slug])}?{urlencode(chosen)}"


def page(client: Client, slug: str, **chosen: Any) -> Table:
    """The report as its page shows it."""
    answer = client.get(address(slug, **chosen))
    assert "table" in answer.context, text_of(answer)
    return answer.context["table"]


def fetched(client: Client, slug: str, som: str, **chosen: Any) -> bytes:
    return client.get(address(slug, som=som, **chosen)).getvalue()


def rows_of(table: Table) -> list[Row]:
    return [row for group in table.groups for row in group.rows]


def column(table: Table, name: str) -> int:
    return [one.name for one in table.columns].index(name)


def total_of(table: Table, name: str) -> Any:
    assert table.total
    return table.total[column(table, name)]


def by_name(table: Table, *key: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Each row's figures by their columns' names, by its values of the columns in `key`."""
    names = [one.name for one in table.columns]
    found = {}
    for row in rows_of(table):
        told = dict(zip(names, row.values, strict=True))
        found[tuple(told[one] for one in key)] = told
    assert len(found) == len(rows_of(table))
    return found


def plain(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


PERIODS = [
    (Day(2024, 1, 1), Day(2024, 2, 28)),
    (Day(2024, 2, 29), Day(2024, 2, 29)),
    (Day(2024, 3, 1), Day(2024, 3, 31)),
    (Day(2024, 4, 1), Day(2024, 5, 31)),
    (Day(2024, 6, 1), Day(2024, 12, 31)),
    (Day(2025, 1, 1), Day(2025, 1, 6)),
    (Day(2025, 1, 7), TODAY),
]


def dates(period: tuple[Day, Day]) -> dict[str, str]:
    return {"fran": str(period[0]), "till": str(period[1])}


# What has become of each fund


class TestChanges:
    def test_each_row_adds_up_and_is_what_plain_sql_says(self, eskil: Client) -> None:
        accounts = {
            (number, year): account
            for account, number, year in plain(
                "SELECT a.id, f.collection_number, y.name FROM donations_account a"
                " LEFT JOIN donations_fundyear fy ON fy.id = a.fund_year_id"
                " LEFT JOIN donations_fund f ON f.id = fy.fund_id"
                " LEFT JOIN donations_collectionyear y ON y.id = fy.year_id"
                " WHERE a.kind IN ('fund', 'suspense')"
            )
        }
        for first, last in PERIODS:
            table = page(eskil, "forandring", **dates((first, last)))
            opening, closing = column(table, "Ingående balans"), column(table, "Utgående balans")
            before, after = balances(first - datetime.timedelta(1)), balances(last)
            shown = set()
            for row in rows_of(table):
                account = accounts[row.values[0], row.values[2]]
                shown.add(account)
                assert row.values[opening] == before[account]
                assert row.values[closing] == after[account]
                assert sum(row.values[opening:closing]) == row.values[closing]  # type: ignore[arg-type]
            for account in set(accounts.values()) - shown:
                assert before[account] == after[account] == 0

    def test_a_period_begins_with_what_the_one_before_ended_with(self, eskil: Client) -> None:
        ended: dict[Any, int] = {}
        for period in PERIODS:
            rows = by_name(page(eskil, "forandring", **dates(period)), "Nummer", "År")
            began = {key: its["Ingående balans"] for key, its in rows.items()}
            assert {k: v for k, v in began.items() if v} == {k: v for k, v in ended.items() if v}
            ended = {key: its["Utgående balans"] for key, its in rows.items()}

    def test_periods_put_together_say_what_they_say_one_by_one(self, eskil: Client) -> None:
        happened = ["Gåvor", "Återbetalt", "Omfördelat hit", "Omfördelat härifrån", "Utbetalt"]
        whole = page(eskil, "forandring", **dates((PERIODS[0][0], TODAY)))
        parts = [page(eskil, "forandring", **dates(period)) for period in PERIODS]
        for name in happened:
            assert total_of(whole, name) == sum(total_of(one, name) or 0 for one in parts), name
        assert total_of(whole, "Omfördelat hit") == 300_00
        assert total_of(whole, "Överfört mellan år") == 0

    def test_gifts_come_to_what_the_bank_accounts_got(self, eskil: Client) -> None:
        for first, last in PERIODS:
            table = page(eskil, "forandring", **dates((first, last)))
            [(gifts, refunds)] = plain(
                "SELECT coalesce(sum(CASE WHEN t.kind <> 'gift' THEN 0"
                " WHEN t.reverses_id IS NULL THEN t.amount_ore ELSE -t.amount_ore END), 0),"
                " coalesce(sum(CASE WHEN t.kind <> 'refund' THEN 0"
                " WHEN t.reverses_id IS NULL THEN t.amount_ore ELSE -t.amount_ore END), 0)"
                " FROM donations_transfer t WHERE t.booked_on BETWEEN %(first)s AND %(last)s",
                first=first,
                last=last,
            )
            assert total_of(table, "Gåvor") == int(gifts)
            assert total_of(table, "Återbetalt") == -int(refunds)
            told = (
                f"fick {format_kronor(int(gifts))} i gåvor under perioden, och därifrån betalades"
            )
            assert f"{told} {format_kronor(int(refunds))} tillbaka" in table.notes[-1]

    def test_what_waits_is_a_row_of_its_own_and_placed_it_moves_to_its_fund(
        self, eskil: Client
    ) -> None:
        march, april = (
            by_name(page(eskil, "forandring", **dates(period)), "Insamling", "År")
            for period in PERIODS[2:4]
        )
        waits = (changes.SUSPENSE, None)
        assert march[waits]["Gåvor"] == march[waits]["Utgående balans"] == 350_00
        assert april[waits]["Gåvor"] == -250_00
        assert april[waits]["Utgående balans"] == 100_00
        assert april[HOSTILE[2], "2024"]["Gåvor"] == 100_00

    def test_a_carry_over_leaves_one_year_and_comes_to_the_next(self, eskil: Client) -> None:
        rows = by_name(page(eskil, "forandring", **dates(PERIODS[-1])), "Nummer", "År")
        assert rows["47030", "2024"]["Överfört mellan år"] == -100_00
        assert rows["47030", "2025"]["Överfört mellan år"] == 100_00

    def test_what_was_taken_over_has_a_column_only_where_there_is_any(self, eskil: Client) -> None:
        before, that_day, after = (
            page(eskil, "forandring", **dates(period)) for period in PERIODS[:3]
        )
        name = "Ingående belopp"
        assert total_of(that_day, name) == 7_000_01
        assert not rows_of(before)
        assert name not in [one.name for one in (*before.columns, *after.columns)]

    @pytest.mark.parametrize(
        ("last", "told"),
        [
            (Day(2024, 5, 31), "slutgiltiga, perioden är låst till och med den 31 maj 2024"),
            (Day(2024, 6, 1), "preliminära, perioden är låst bara till och med den 31 maj 2024"),
        ],
    )
    def test_it_says_whether_the_figures_are_final(
        self, eskil: Client, last: Day, told: str
    ) -> None:
        shown = eskil.get(address("forandring", fran="2024-01-01", till=last))
        assert f"Siffrorna är {told}" in text_of(shown)


# Gifts by project, month and way of giving


def counted(first: Day, last: Day) -> dict[tuple[str | None, str, str], Counter[str]]:
    """By number (None: not placed), month and channel, from the rows as they were written."""
    found: dict[tuple[str | None, str, str], Counter[str]] = defaultdict(Counter)
    sides = {
        pk: (kind, number)
        for pk, kind, number in plain(
            "SELECT a.id, a.kind, f.collection_number FROM donations_account a"
            " LEFT JOIN donations_fundyear fy ON fy.id = a.fund_year_id"
            " LEFT JOIN donations_fund f ON f.id = fy.fund_id"
        )
    }
    for kind, debit, credit, day, ore, channel, reverses in plain(
        "SELECT t.kind, t.debit_id, t.credit_id, t.booked_on, t.amount_ore, p.channel, t.reverses_id"
        " FROM donations_transfer t JOIN donations_payment p ON p.id = t.payment_id"
        " WHERE t.booked_on BETWEEN %(first)s AND %(last)s"
        "   AND t.kind IN ('gift', 'placement', 'refund')",
        first=first,
        last=last,
    ):
        sign = 1 if reverses is None else -1
        gave, took = (debit, credit) if reverses is None else (credit, debit)
        month = str(day)[:7]
        if kind == "refund":
            place = found[sides[gave][1], month, channel]
            place["refunds"] += sign
            place["refunded"] += sign * ore
            continue
        place = found[sides[took][1], month, channel]
        place["given"] += sign * ore
        place["gifts"] += sign if sides[took][1] else 0
        if kind == "placement":
            found[None, month, channel]["given"] -= sign * ore
    return found


class TestGifts:
    @pytest.mark.parametrize("divided", list(reports.gifts.DIVISIONS))
    def test_every_division_sums_to_what_was_written(self, eskil: Client, divided: str) -> None:
        for period in [*PERIODS, (PERIODS[0][0], TODAY)]:
            table = page(eskil, "gavor", delat=divided, **dates(period))
            plainly: Counter[str] = Counter()
            for its in counted(*period).values():
                plainly.update(its)
            assert total_of(table, "Antal gåvor") == plainly["gifts"]
            assert total_of(table, "Gåvor") == plainly["given"]
            assert total_of(table, "Antal återbetalningar") == plainly["refunds"]
            assert total_of(table, "Återbetalt") == -plainly["refunded"]
            assert total_of(table, "Netto") == plainly["given"] - plainly["refunded"]

    def test_a_fund_that_has_changed_focus_area_is_one(self, eskil: Client, books: Books) -> None:
        fund = Fund.objects.get(collection_number="47033")
        FocusArea.objects.filter(slug="skola").update(hue=FocusArea.Hue.SUN)
        books.give(fund, 100, on=Day(2024, 12, 31))
        Project.objects.filter(funds=fund).update(focus_area=FocusArea.objects.get(slug="vatten"))
        fund.refresh_from_db()
        books.give(fund, 100, on=Day(2025, 1, 1))
        chosen = {"delat": "projekt-manad", "fran": "2024-01-01", "till": str(TODAY)}
        groups = page(eskil, "gavor", **chosen).groups
        [its] = [group for group in groups if group.title == f"47033 {fund.page}"]
        assert [row.values[0] for row in its.rows] == ["december 2024", "januari 2025"]

    def test_divided_by_all_each_row_is_what_was_written(self, eskil: Client) -> None:
        period = (PERIODS[0][0], TODAY)
        table = page(eskil, "gavor", delat="projekt-manad-satt", **dates(period))
        months = {
            f"{name} {year}": f"{year}-{number:02}"
            for year in (2024, 2025)
            for number, name in enumerate(MONTHS, start=1)
        }
        channels = {label.capitalize(): value for value, label in Fund.Channel.choices}
        shown = {}
        for group in table.groups:
            number = None if group.title == "Oplacerade gåvor" else group.title.split()[0]
            for row in group.rows:
                month, channel, gifts, given, refunds, refunded, _net = row.values
                shown[number, months[str(month)], channels[str(channel)]] = (
                    gifts or 0,
                    given,
                    refunds,
                    -refunded,  # type: ignore[operator]
                )
        plainly = {
            key: (its["gifts"], its["given"], its["refunds"], its["refunded"])
            for key, its in counted(*period).items()
            if any(its.values())
        }
        assert shown == plainly

    def test_gifts_that_wait_are_not_counted_before_they_are_placed(self, eskil: Client) -> None:
        waits = page(eskil, "gavor", delat="projekt", **dates(PERIODS[2]))
        [row] = rows_of(waits)
        assert row.values == (None, "Oplacerade gåvor", None, 350_00, 0, 0, 350_00)


# Gifts that may give tax reduction


class TestTaxReduction:
    def rows(self, client: Client, year: int, day: Day) -> dict[str, tuple[Any, ...]]:
        table = page(client, "skattereduktion", ar=year, dag=day)
        return {str(row.values[0]): row.values[2:] for row in rows_of(table)}

    def test_gifts_of_200_kronor_and_more_to_projects_that_qualify(self, eskil: Client) -> None:
        found = self.rows(eskil, 2024, Day(2024, 12, 31))
        # Two gifts, 500 with 50 paid back, and the part of 350 that was placed there.
        assert found["47030"] == (4, 2_850_00, -50_00, 2_800_00)
        assert found["47031"] == (1, 250_00, 0, 250_00)
        assert set(found) == {"47030", "47031"}

    def test_a_gift_placed_after_new_year_was_given_the_year_before(self, eskil: Client) -> None:
        assert self.rows(eskil, 2024, Day(2025, 1, 3))["47030"][1] == 3_250_00
        placed_anew = self.rows(eskil, 2024, TODAY)
        assert (placed_anew["47030"][1], placed_anew["47031"][1]) == (2_850_00, 650_00)
        assert self.rows(eskil, 2025, TODAY) == {"47030": (1, 3_000_00, 0, 3_000_00)}

    def test_a_refund_the_year_after_is_taken_from_the_year_of_the_gift(
        self, eskil: Client, books: Books
    ) -> None:
        gift = Transfer.objects.get(amount_ore=2_000_00, kind="gift")
        operations.refund(gift, 1_00, **books.how)
        assert self.rows(eskil, 2024, TODAY)["47030"][2] == -51_00
        assert self.rows(eskil, 2025, TODAY)["47030"][2] == 0

    def test_companies_have_a_sum_of_their_own_from_2026(self, eskil: Client, books: Books) -> None:
        assert len(page(eskil, "skattereduktion", ar=2025).columns) == 6
        books.on(Day(2026, 2, 1))
        eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
        books.give(Fund.objects.get(collection_number="47030"), 1_999.99, 2_000, on=Day(2026, 2, 1))
        rows = self.rows(eskil, 2026, Day(2026, 2, 1))
        assert rows["47030"] == (2, 3_999_99, 0, 3_999_99, 1, 2_000_00)

    def test_it_says_what_kollekt_does_not_know_and_does_not_do(self, eskil: Client) -> None:
        told = text_of(eskil.get(address("skattereduktion")))
        assert "ingen uppgift till Skatteverket" in told
        assert "sammanlagt minst 2 000 kr" in told
        assert "lämnar inga kontrolluppgifter" in told

    def test_a_year_before_the_rule_cannot_be_chosen(self, eskil: Client) -> None:
        assert tax_reduction.years(Day(2021, 1, 1)) == [2021, 2020]
        answer = eskil.get(address("skattereduktion", ar=2019))
        assert "Välj ett år i listan" in text_of(answer)

    def test_every_rule_asks_for_a_size_that_is_kept(self) -> None:
        for rule in (*tax_reduction.PRIVATE, *tax_reduction.COMPANIES):
            assert rule.at_least_ore in GiftTotal.SIZES


# What has been moved


class TestReallocations:
    def test_each_with_its_reasons_clause_and_people_and_what_was_put_back(
        self, eskil: Client
    ) -> None:
        table = page(eskil, "omfordelningar", fran="2024-01-01", till=TODAY)
        names = [one.name for one in table.columns]
        kept, undone, back = (dict(zip(names, row.values, strict=True)) for row in rows_of(table))
        assert (kept["Belopp"], undone["Belopp"], back["Belopp"]) == (300_00, 111_11, -111_11)
        assert kept["Från"] == f"47030 {HOSTILE[0]}"
        assert kept["Till"] == f"47031 {HOSTILE[1]}"
        assert kept["Skäl"] == "Överskott. Brunnarna var klara"
        assert kept["Villkorets lydelse"] == cast.CLAUSE
        assert kept["Överskottsvillkor"] == "från och med 1 januari 2024"
        assert (kept["Föreslagen av"], kept["Godkänd av"]) == ("Ester", "Kajsa")
        assert back["Slag"] == "Rättelse av omfördelningen den 10 juni 2024"
        assert back["Skäl"] == "Så blev det"
        assert back["Dag"] == Day(2024, 7, 1)
        assert total_of(table, "Belopp") == 300_00

    def test_what_is_put_back_in_a_later_period_stands_there(self, eskil: Client) -> None:
        june = page(eskil, "omfordelningar", fran="2024-06-01", till="2024-06-30")
        july = page(eskil, "omfordelningar", fran="2024-07-01", till="2024-07-31")
        assert total_of(june, "Belopp") == 411_11
        assert total_of(july, "Belopp") == -111_11

    def test_the_wording_is_said_once_on_the_page(self, eskil: Client) -> None:
        told = text_of(eskil.get(address("omfordelningar", fran="2024-01-01", till=TODAY)))
        assert told.count(cast.CLAUSE) == 1


# What is left to collect


def test_what_is_left_is_the_plain_figures_of_the_day(eskil: Client) -> None:
    for day in (Day(2024, 2, 29), Day(2024, 5, 31), Day(2024, 6, 10), Day(2024, 12, 31), TODAY):
        shown = by_name(page(eskil, "kvar-att-samla-in", ar="2024", dag=day), "Nummer")
        plainly = plain_figures(day)
        numbers = dict(
            plain(
                "SELECT f.collection_number, fy.id FROM donations_fundyear fy"
                " JOIN donations_fund f ON f.id = fy.fund_id"
                " JOIN donations_collectionyear y ON y.id = fy.year_id WHERE y.name = '2024'"
            )
        )
        for (number,), its in shown.items():
            if number in numbers:
                told = plainly[numbers[number]]
                assert its["Behov"] == told.need
                assert its["Insamlat"] == told.collected
                assert its["Överfört mellan år"] == told.carried_in - told.carried_out
                assert its["Omfördelat hit"] == told.moved_in
                assert its["Omfördelat härifrån"] == -told.moved_out
                assert its["Tillgängligt"] == told.available
                assert its["Kvar att samla in"] == told.remaining
                assert its["Överskott"] == told.surplus


# The audit list


class TestEvents:
    def test_the_days_are_stockholms(self, eskil: Client) -> None:
        for at, text in (
            ("2024-08-31 21:59:59", "i augusti"),
            ("2024-08-31 22:00:00", "i september"),
        ):
            with time_machine.travel(f"{at}+00:00", tick=False):
                audit.record(audit.Area.MONEY, text, by=None)
        august = self.rows(eskil, fran="2024-08-01", till="2024-08-31")
        september = self.rows(eskil, fran="2024-09-01", till="2024-09-30")
        assert august == [Row(("2024-08-31 23:59", "servern", "pengar", "i augusti"))]
        assert september == [Row(("2024-09-01 00:00", "servern", "pengar", "i september"))]

    def rows(self, client: Client, **chosen: str) -> list[Row]:
        content = fetched(client, "handelser", "csv", **chosen).decode("utf-8-sig")
        return [Row(tuple(row)) for row in csv.reader(io.StringIO(content), delimiter=";")][1:]

    def test_nobody_sees_more_of_it_than_in_the_audit_list(self, eskil: Client) -> None:
        kinds = {row.values[2] for row in self.rows(eskil, fran="2024-01-01")}
        assert "pengar" in kinds
        assert "medarbetare" not in kinds
        asked = eskil.get(address("handelser", fran="2024-01-01", omrade=audit.Area.PEOPLE))
        assert "Välj ett område i listan" in text_of(asked)

    def test_who_may_not_see_it_is_not_offered_it(self, eskil: Client) -> None:
        permissions = Group.objects.get(name=Role.FINANCE).permissions
        permissions.remove(permissions.get(codename="view_event"))
        assert "Händelser" not in text_of(eskil.get(reverse("finance_reports")))
        assert eskil.get(address("handelser")).status_code == 403
        assert eskil.get(address("handelser", som="csv")).status_code == 403

    def test_a_page_shows_the_first_of_many_and_the_file_all(
        self, eskil: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reports, "SHOWN", 3)
        answer = eskil.get(address("handelser", fran="2024-01-01"))
        every = self.rows(eskil, fran="2024-01-01")
        assert f"bara de första 3 raderna av {len(every)}" in text_of(answer)
        assert answer.content.decode().count("<tr>") == 1 + 3

    def test_a_cut_page_keeps_the_sums_of_all(
        self, eskil: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = page(eskil, "forandring", fran="2024-01-01").total
        monkeypatch.setattr(reports, "SHOWN", 1)
        answer = eskil.get(address("forandring", fran="2024-01-01"))
        assert answer.context["table"].total == whole
        assert "Summorna gäller alla" in text_of(answer)


# The files

CHOICES: list[tuple[str, dict[str, Any]]] = [
    ("kvar-att-samla-in", {"ar": "2024", "dag": "2024-10-31"}),
    ("forandring", {"fran": "2024-02-01", "till": "2025-01-31"}),
    *(("gavor", {"fran": "2024-01-01", "delat": one}) for one in ("projekt", "projekt-manad-satt")),
    ("gavor", {"fran": "2024-01-01", "delat": "satt"}),
    ("omfordelningar", {"fran": "2024-01-01"}),
    ("skattereduktion", {"ar": "2024"}),
    ("handelser", {"fran": "2024-01-01"}),
]


def in_ore(value: Any) -> int:
    return round(value * 100)


@pytest.mark.parametrize(("slug", "chosen"), CHOICES)
class TestFiles:
    def test_the_workbook_says_what_the_page_says(
        self, eskil: Client, slug: str, chosen: dict[str, Any]
    ) -> None:
        table = page(eskil, slug, **chosen)
        data = fetched(eskil, slug, "xlsx", **chosen)
        book = openpyxl.load_workbook(io.BytesIO(data))
        [sheet] = book.worksheets
        assert book.properties.title == sheet["A1"].value == table.title
        assert len(sheet.title) <= 31
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        names = [one.name for one in table.columns]
        heading = next(row for row in sheet.iter_rows() if names[0] in [cell.value for cell in row])
        top = heading[0].row
        first = 1 if table.grouped_by else 0
        assert [cell.value for cell in heading][first : first + len(names)] == names
        assert sheet.freeze_panes == f"A{top + 1}"
        assert sheet.print_title_rows == f"${top}:${top}"
        rows = [
            row
            for row in sheet.iter_rows(min_row=top + 1)
            if any(cell.value is not None for cell in row[1:])
        ]
        sums = [row for row in rows if str(row[0].value).startswith("Summa")]
        for place, one in enumerate(table.columns):
            if one.kind not in (Kind.ORE, Kind.COUNT) or table.total is None:
                continue
            cells = [row[first + place] for row in rows if row not in sums]
            added = sum(in_ore(cell.value or 0) for cell in cells)
            scale = 1 if one.kind is Kind.ORE else 100
            shown = in_ore(sums[-1][first + place].value or 0)
            assert shown == (table.total[place] or 0) * scale  # type: ignore[operator]
            if one.name not in ("Behov",):
                assert added == shown, one.name
            assert all(isinstance(cell.value, int | float | None) for cell in cells)
        assert len(sums[:-1]) == (len(table.groups) if table.grouped_by else 0)

    def test_the_text_says_what_the_page_says(
        self, eskil: Client, slug: str, chosen: dict[str, Any]
    ) -> None:
        table = page(eskil, slug, **chosen)
        data = fetched(eskil, slug, "csv", **chosen)
        assert data.startswith(b"\xef\xbb\xbf")
        assert b"\r\n" in data
        written = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
        first = 1 if table.grouped_by else 0
        names, *rows = written
        assert names[first:] == [one.name for one in table.columns]
        assert {len(row) for row in rows} == {len(names)}
        if table.total is None:
            return
        *rows, sums = rows
        assert sums[0] == "Summa"
        for place, one in enumerate(table.columns):
            if one.kind is Kind.ORE:
                told = [in_ore(float(row[first + place].replace(",", ".") or 0)) for row in rows]
                assert sum(told) == table.total[place]
                assert re.fullmatch(r"-?\d+,\d\d", sums[first + place])

    def test_its_name_tells_what_it_is_about(
        self, eskil: Client, slug: str, chosen: dict[str, Any]
    ) -> None:
        table = page(eskil, slug, **chosen)
        for som in ("xlsx", "csv"):
            answer = eskil.get(address(slug, som=som, **chosen))
            assert answer.getvalue()
            name = f"{slug}-{table.stamp}.{som}"
            assert name.isascii()
            assert answer["Content-Disposition"] == f'attachment; filename="{name}"'

    def test_it_costs_few_queries_and_no_sum_over_transfers(
        self, eskil: Client, slug: str, chosen: dict[str, Any]
    ) -> None:
        eskil.get(reverse("finance_reports"))  # the first page of a session writes it down
        for som in ("", "xlsx", "csv"):
            with CaptureQueriesContext(connection) as queries:
                eskil.get(address(slug, som=som, **chosen)).getvalue()
            assert len(queries) <= 15
            for query in queries:
                sql = query["sql"].lower()
                if "donations_transfer" in sql or "donations_payment" in sql:
                    assert not re.search(r"\b(sum|count)\(", sql), sql
                    assert slug == "omfordelningar", sql


def test_the_file_is_named_after_the_day(eskil: Client) -> None:
    chosen = {"ar": "2024", "dag": "2024-10-31", "som": "xlsx"}
    answer = eskil.get(address("kvar-att-samla-in", **chosen))
    assert answer.getvalue()
    assert 'filename="kvar-att-samla-in-2024-10-31.xlsx"' in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("year", "name"),
    [
        ("2024/25", 'filename="kvar-att-samla-in-2024-25-2025-03-14.csv"'),
        ("Året 24", "filename*=utf-8''kvar-att-samla-in-%C3%85ret%2024-2025-03-14.csv"),
    ],
)
def test_the_file_of_a_year_that_has_ended_is_named_after_both(
    eskil: Client, year: str, name: str
) -> None:
    CollectionYear.objects.filter(name="2024").update(name=year)
    chosen = {"ar": year, "dag": str(TODAY), "som": "csv"}
    answer = eskil.get(address("kvar-att-samla-in", **chosen))
    assert answer.getvalue()
    assert name in answer["Content-Disposition"]


def test_names_that_look_like_formulas_stay_text(eskil: Client) -> None:
    chosen = {"ar": "2024", "dag": str(TODAY)}
    data = fetched(eskil, "kvar-att-samla-in", "xlsx", **chosen)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    found = {cell.value: cell.data_type for row in sheet.iter_rows() for cell in row}
    for name in HOSTILE:
        assert found[name] == "s"
    text = fetched(eskil, "kvar-att-samla-in", "csv", **chosen).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert {f"'{name}" for name in HOSTILE} <= {row[2] for row in rows}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "\t"))]


# The pages


@pytest.mark.parametrize(
    ("chosen", "told", "kept"),
    [
        ({"fran": "2024-13-01"}, "Skriv dagen som år-månad-dag", "2024-13-01"),
        ({"fran": "i går"}, "Skriv dagen som år-månad-dag", "i går"),
        ({"fran": ""}, "Välj den första dagen", 'name="till" value="2025-03-14"'),
        ({"fran": "2025-02-01", "till": "2025-01-31"}, "slutar innan den börjar", "2025-01-31"),
        ({"till": "2025-03-15"}, "som längst gå till och med i dag", "2025-03-15"),
        ({"delat": "veckodag"}, "Välj något av det som finns i listan", "veckodag"),
    ],
)
def test_a_wrong_choice_is_told_and_what_was_typed_is_kept(
    eskil: Client, chosen: dict[str, str], told: str, kept: str
) -> None:
    for som in ("", "xlsx"):
        answer = eskil.get(address("gavor", som=som, **chosen))
        assert answer.status_code == 200
        assert told in text_of(answer)
        assert kept in answer.content.decode() or kept == "veckodag"
        assert "<title>Fel: " in answer.content.decode()
        assert "table" not in answer.context


@pytest.mark.parametrize("slug", ["kvar-att-samla-in", "forandring", "gavor"])
def test_focus_areas_come_as_in_a_swedish_dictionary(eskil: Client, slug: str) -> None:
    FocusArea.objects.filter(slug="vatten").update(title="Åkrar")
    FocusArea.objects.filter(slug="skola").update(title="Ängar")
    chosen = {"ar": "2024"} if slug == "kvar-att-samla-in" else dates((Day(2024, 1, 1), TODAY))
    table = page(eskil, slug, **chosen, **({"delat": "projekt"} if slug == "gavor" else {}))
    titles = [group.title for group in table.groups]
    assert titles[:2] == ["Åkrar", "Ängar"]


def test_a_year_to_come_is_shown_as_it_is_today(eskil: Client) -> None:
    operations.collection_year(Day(2026, 1, 1))
    for day, is_shown in ((TODAY - datetime.timedelta(1), False), (TODAY, True)):
        answer = eskil.get(address("kvar-att-samla-in", ar="2026", dag=str(day)))
        assert ("table" in answer.context) == is_shown


@pytest.mark.parametrize("slug", ["forandring", "gavor", "omfordelningar", "handelser"])
def test_a_period_may_begin_with_the_first_day_there_is(eskil: Client, slug: str) -> None:
    for last in ("0001-01-01", str(TODAY)):
        assert page(eskil, slug, fran="0001-01-01", till=last).facts


def test_a_day_before_the_year_is_told(eskil: Client) -> None:
    answer = eskil.get(address("kvar-att-samla-in", ar="2025", dag="2024-12-31"))
    assert "Dagen ligger före insamlingsåret" in text_of(answer)


def test_a_file_of_an_unknown_kind_is_the_page(eskil: Client) -> None:
    answer = eskil.get(address("gavor", som="pdf"))
    assert answer["Content-Type"].startswith("text/html")


def test_a_report_that_is_not_there_is_not_found(eskil: Client) -> None:
    assert eskil.get(reverse("finance_report", args=["vinst"])).status_code == 404


def test_what_there_is_is_listed_in_words_each_with_a_way_in(eskil: Client) -> None:
    answer = eskil.get(reverse("finance_reports"))
    for report in reports.REPORTS.values():
        assert report.told in text_of(answer)
        assert f'href="{reverse("finance_report", args=[report.slug])}"' in answer.content.decode()


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.READER, 200), (Role.APPROVER, 200), (Role.EDITOR, 403), (Role.ADMINISTRATOR, 403)],
)
def test_who_sees_the_money_sees_its_reports(books: Books, role: Role, status: int) -> None:
    client = cast.sign_in(Client(), cast.member("Nils", role))
    for slug in reports.REPORTS:
        assert client.get(address(slug)).status_code == status


def test_no_report_names_a_payer(eskil: Client) -> None:
    given = GiftIn(None, 100_00, TODAY, SWISH, payer_name="Greta Givare", message="Hälsningar")
    operations.register_gift(given, bank=cast.bank(), by=cast.ester())
    for slug in reports.REPORTS:
        for som in ("csv", ""):
            answer = eskil.get(address(slug, som=som, fran="2024-01-01"))
            content = answer.getvalue()
            assert b"Greta" not in content
            assert "Hälsningar".encode() not in content


def test_a_bank_account_is_not_a_fund(eskil: Client) -> None:
    table = page(eskil, "forandring", fran="2024-01-01")
    assert not any(str(row.values[1]) == Account.Kind.BANK.label for row in rows_of(table))
