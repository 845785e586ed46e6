"""Exports to the general ledger: what is in the books goes there, each transfer once."""

import datetime
import random
import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from donations import bulk, operations
from donations.finance.sie import preview
from donations.models import (
    CollectionYear,
    Fund,
    SieExport,
    SieMapping,
    SieOverride,
    SieSum,
    Transfer,
)
from donations.models.sie import ACCOUNT_FIELDS, period
from donations.operations import OperationError, Part
from donations.reports import sie_due
from projects.models import SiteSettings
from staff.models import Event
from tests import cast
from tests.sie_reader import Sie, read
from tests.test_random_books import YEARS, Book

pytestmark = pytest.mark.django_db
Kind = Transfer.Kind
JUNE = (datetime.date(cast.YEAR, 6, 1), datetime.date(cast.YEAR, 6, 30))
YEAR = (cast.NEW_YEAR, datetime.date(cast.YEAR, 12, 31))
DAY = datetime.timedelta(days=1)

# An account of its own for every field of the mapping: nothing can be mixed up unseen.
NUMBERS = {name: str(1001 + place) for place, name in enumerate(ACCOUNT_FIELDS)}
# Where each kind's debit and credit stand, told anew from what the fields are for.
SIDES = {
    ("gift", "bank"): ("clearing", "gifts"),
    ("gift", "bank", "suspense"): ("clearing", "suspense"),
    ("placement", "suspense"): ("suspense", "gifts"),
    ("refund", "fund"): ("refunds", "clearing"),
    ("refund", "suspense"): ("suspense", "clearing"),
    ("reallocation", "fund"): ("moved_out", "moved_in"),
    ("carry_over", "fund"): ("carried_out", "carried_in"),
    ("disbursement", "fund"): ("disbursed", "disbursed_against"),
    ("opening", "start"): ("opened_against", "opened"),
}
EVERY_TRANSFER = """
    SELECT transfer.id, transfer.kind, transfer.booked_on, transfer.amount_ore,
           transfer.reverses_id IS NOT NULL, debit.kind, credit.kind,
           debit_fund.collection_number, credit_fund.collection_number
      FROM donations_transfer transfer
      JOIN donations_account debit ON debit.id = transfer.debit_id
      JOIN donations_account credit ON credit.id = transfer.credit_id
      LEFT JOIN donations_fundyear debit_year ON debit_year.id = debit.fund_year_id
      LEFT JOIN donations_fund debit_fund ON debit_fund.id = debit_year.fund_id
      LEFT JOIN donations_fundyear credit_year ON credit_year.id = credit.fund_year_id
      LEFT JOIN donations_fund credit_fund ON credit_fund.id = credit_year.fund_id
     WHERE transfer.booked_on BETWEEN %s AND %s
"""
# (account, project) → öre
Sums = dict[tuple[str, str], int]


def mapped(**other: Any) -> SieMapping:
    """The mapping with an account of its own for each field, and every kind exported."""
    accounts = {name: f"{number} {name}" for name, number in NUMBERS.items()}
    mapping = SieMapping(**{**accounts, "kinds": list(Kind.values), **other})
    mapping.save()
    return mapping


def ledger(first: datetime.date, last: datetime.date) -> Sums:
    """What the general ledger should hold of the days, from the rows themselves."""
    sums: Sums = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(EVERY_TRANSFER, [first, last])
        rows = cursor.fetchall()
    for _id, kind, _day, ore, is_reversal, debit, credit, debit_number, credit_number in rows:
        if is_reversal:
            debit, credit = credit, debit
            debit_number, credit_number = credit_number, debit_number
        which = SIDES.get((kind, debit, credit)) or SIDES[kind, debit]
        sign = -1 if is_reversal else 1
        sums[NUMBERS[which[0]], debit_number or ""] += sign * ore
        sums[NUMBERS[which[1]], credit_number or ""] -= sign * ore
    return {key: ore for key, ore in sums.items() if ore}


def told(*files: Sie) -> Sums:
    """What the files' vouchers come to together."""
    sums: Sums = defaultdict(int)
    for file in files:
        for row in file.rows:
            sums[row.account, row.objects.get(6, "")] += row.ore
    return {key: ore for key, ore in sums.items() if ore}


def export(days: tuple[datetime.date, datetime.date] = YEAR) -> SieExport:
    return operations.export_sie(*days, by=cast.ester())


def opened(made: SieExport) -> Sie:
    """The file as the general ledger reads it; everything that it uses has a name in it."""
    file = read(bytes(made.content))
    assert file.line_end == "\r\n"
    assert {row.account for row in file.rows} == file.accounts.keys()
    assert {pair for row in file.rows for pair in row.objects.items()} == file.objects.keys()
    return file


def refused(days: tuple[datetime.date, datetime.date] = YEAR) -> str:
    """Why the days are not exported."""
    with pytest.raises(OperationError) as error:
        export(days)
    return str(error.value)


def held() -> Counter[int]:
    """How many times each transfer is in an export, told one by one."""
    return Counter(
        transfer.pk for transfer in Transfer.objects.all() if operations.held_in(transfer)
    )


# What is in a file


def test_the_vouchers_of_books_with_every_kind_come_to_what_the_ledger_holds() -> None:
    seen: Counter[str] = Counter()
    for seed in range(6):
        with transaction.atomic():
            mapped()
            book = Book(random.Random(seed))
            book.fill()
            shown = {days: preview(*days) for days in years_of_book() if booked(days)}
            made = [export(days) for days in shown]
            assert sum(one.transfers for one in made) == Transfer.objects.count()
            for one in made:
                file, days = opened(one), (one.first_day, one.last_day)
                assert told(file) == ledger(*days)
                assert file.year == days
                net = Counter({row.number: row.debit - row.credit for row in shown[days].accounts})
                net.subtract(net_of(file))
                assert not any(net.values())
                assert sie_due.by_day(*days) == sie_due.by_account(*days, Kind.values) == {}
                seen.update(
                    voucher.text.split(": ")[1].rpartition(",")[0] for voucher in file.vouchers
                )
            transaction.set_rollback(True)
    names = {"Ingående belopp", "Gåvor", "Placerade gåvor", "Återbetalningar", "Omfördelningar"}
    names |= {"Överföringar till nytt år", "Utbetalningar"}
    undone = {f"Rättelse, {name[0].lower()}{name[1:]}" for name in names}
    assert seen.keys() == names | undone


def net_of(file: Sie) -> dict[str, int]:
    """What each account of the general ledger comes to."""
    net: dict[str, int] = defaultdict(int)
    for row in file.rows:
        net[row.account] += row.ore
    return net


def years_of_book() -> list[tuple[datetime.date, datetime.date]]:
    return [(datetime.date(year, 1, 1), datetime.date(year, 12, 31)) for year in YEARS]


def booked(days: tuple[datetime.date, datetime.date]) -> bool:
    return Transfer.objects.filter(booked_on__range=days).exists()


def test_a_day_is_one_voucher_of_each_kind_with_a_row_for_each_account_and_project() -> None:
    brunnar, pumpar = cast.fund("47030"), cast.fund("47031", cast.project("pumpar"))
    for fund, ore in ((brunnar, 100_00), (brunnar, 200_50), (pumpar, 50_00), (None, 7_00)):
        cast.gift(fund, ore)
    cast.gift(brunnar, 1_00, cast.MIDSUMMER + DAY)
    file = opened(export())
    assert [(voucher.day, voucher.text) for voucher in file.vouchers] == [
        (cast.MIDSUMMER, "Kollekt 1: Gåvor, 4 st"),
        (cast.MIDSUMMER + DAY, "Kollekt 1: Gåvor, 1 st"),
    ]
    assert [(row.account, row.objects, row.ore) for row in file.vouchers[0].rows] == [
        ("1689", {}, 357_50),
        ("2899", {}, -7_00),
        ("3993", {6: "47030"}, -300_50),
        ("3993", {6: "47031"}, -50_00),
    ]
    assert file.accounts["3993"] == "Erhållna donationer och gåvor"
    assert file.objects == {(6, "47030"): "Brunnar", (6, "47031"): "Pumpar"}


def test_a_reversal_has_its_own_voucher_on_its_own_day_with_the_sides_swapped() -> None:
    gift = cast.gift(cast.fund("47030"), 500_00)
    day = cast.MIDSUMMER + 9 * DAY
    operations.reverse(gift, booked_on=day, reason="Fel nummer", by=cast.ester())
    given, undone = opened(export()).vouchers
    assert (given.day, undone.day) == (cast.MIDSUMMER, day)
    assert undone.text == "Kollekt 1: Rättelse, gåvor, 1 st"
    assert [(row.account, row.objects, row.ore) for row in undone.rows] == [
        ("3993", {6: "47030"}, 500_00),
        ("1689", {}, -500_00),
    ]


def test_a_gift_and_its_reversal_on_one_day_are_both_seen() -> None:
    gift = cast.gift(cast.fund("47030"), 500_00)
    operations.reverse(gift, booked_on=cast.MIDSUMMER, reason="Fel nummer", by=cast.ester())
    assert [voucher.text for voucher in opened(export()).vouchers] == [
        "Kollekt 1: Gåvor, 1 st",
        "Kollekt 1: Rättelse, gåvor, 1 st",
    ]


def test_the_file_names_the_organisation_and_its_number_when_that_is_right() -> None:
    cast.gift(cast.fund("47030"), 500_00)
    SiteSettings(name="Långväga ”bistånd” – Łódź", organisation_number="8020001239").save()
    first = opened(export())
    assert first.tags["#FNAMN"] == ['Långväga "bistånd" - Lódz']
    assert first.tags["#ORGNR"] == ["802000-1239"]
    assert first.tags["#GEN"] == [f"{timezone.localdate():%Y%m%d}"]
    SiteSettings(name="Långväga", organisation_number="802000-1234").save()
    again = operations.export_sie_again(SieExport.objects.get(), by=cast.ester())
    assert "#ORGNR" not in opened(again).tags


def test_an_area_a_fund_and_a_bank_account_can_have_accounts_of_their_own() -> None:
    water, school = cast.area("vatten"), cast.area("skola")
    numbers = ("47030", water), ("47031", water), ("47032", school)
    funds = [cast.fund(number, cast.project(f"p{number}", area)) for number, area in numbers]
    for fund in funds:
        cast.gift(fund, 100_00)
    SieOverride.objects.create(focus_area=water, account="3011 Gåvor vatten")
    SieOverride.objects.create(fund=funds[1], account="3012 Gåvor pumpar", project_code="P-7å")
    SieOverride.objects.create(bank=cast.bank(), account="1690 Avräkning Swish")
    [voucher] = opened(export()).vouchers
    assert [(row.account, row.objects.get(6)) for row in voucher.rows] == [
        ("1690", None),
        ("3011", "47030"),
        ("3012", "P-7å"),
        ("3993", "47032"),
    ]


def test_two_funds_with_one_project_code_are_one_project() -> None:
    for number in ("47030", "47031"):
        fund = cast.fund(number, cast.project(f"p{number}"))
        cast.gift(fund, 100_00)
        SieOverride.objects.create(fund=fund, project_code="7")
    file = opened(export())
    assert file.objects == {(6, "7"): "P47030"}
    assert [row.ore for row in file.rows] == [200_00, -200_00]


# Never twice, never left out


def test_overlapping_periods_hold_each_transfer_once_and_rows_booked_between_go_in_the_next() -> (
    None
):
    mapped()
    fund = cast.fund("47030")
    cast.gift(fund, 1_00, JUNE[0] - DAY)
    cast.gift(fund, 10_00, JUNE[0])
    cast.gift(fund, 100_00, JUNE[1])
    cast.gift(fund, 1_000_00, JUNE[1] + DAY)
    june = export(JUNE)
    assert (june.transfers, june.amount_ore) == (2, 110_00)
    cast.gift(fund, 5_00, JUNE[1])  # on an exported day, to the same fund
    year = export(YEAR)
    assert (year.transfers, year.amount_ore) == (3, 1_006_00)
    assert refused(YEAR) == refused(JUNE)
    assert told(opened(june), opened(year)) == ledger(*YEAR)
    assert set(held().values()) == {1}
    numbers = [operations.held_in(one).number for one in Transfer.objects.order_by("pk")]  # type: ignore[union-attr]
    assert numbers == [2, 1, 1, 2, 2]


def test_exports_of_random_books_that_go_on_between_them_hold_each_transfer_once() -> None:
    mapped()
    book = Book(random.Random(7))
    files = []
    for _ in range(4):
        book.fill()
        for year in YEARS:
            first = datetime.date(year, 1, 1) + book.dice.randint(0, 200) * DAY
            days = first, min(first + book.dice.randint(0, 300) * DAY, datetime.date(year, 12, 31))
            try:
                files.append(opened(export(days)))
            except OperationError:
                continue
    assert len(files) > 6
    files += [opened(export(days)) for days in years_of_book()]
    assert told(*files) == ledger(datetime.date(YEARS[0], 1, 1), datetime.date(YEARS[-1], 12, 31))
    assert sum(one.transfers for one in SieExport.objects.all()) == Transfer.objects.count()
    assert len(held()) == Transfer.objects.count()


def test_what_is_left_out_by_choice_is_exported_when_it_is_chosen() -> None:
    fund = cast.fund("47030")
    year = cast.fund_year(fund)
    operations.open_with(
        year, 9_00, booked_on=cast.NEW_YEAR, reason="Från förra systemet", by=cast.ester()
    )
    cast.gift(fund, 100_00)
    assert export().transfers == 1
    assert refused()
    mapped()
    late = export()
    assert [voucher.text for voucher in opened(late).vouchers] == [
        "Kollekt 2: Ingående belopp, 1 st"
    ]


def test_a_period_without_anything_makes_no_file_and_says_so() -> None:
    cast.gift(cast.fund("47030"), 100_00)
    assert refused((JUNE[0], JUNE[0])) == (
        "Allt som är bokfört på de här dagarna är redan exporterat."
    )
    assert not SieExport.objects.exists()
    assert not SieSum.objects.exists()


def test_a_file_is_of_days_that_have_been_in_one_collection_year() -> None:
    cast.gift(cast.fund("47030"), 100_00)
    today = timezone.localdate()
    operations.collection_year(today)
    assert "En fil gäller ett räkenskapsår" in refused((YEAR[0], YEAR[1] + DAY))
    assert "ska inte ligga före" in refused((JUNE[1], JUNE[0]))
    assert "framtiden" in refused((today, today + DAY))
    first = CollectionYear.objects.earliest("starts_on").starts_on
    assert "inget insamlingsår" in refused((first - DAY, first - DAY))
    assert export((YEAR[0], YEAR[1])).transfers == 1


def test_nothing_is_exported_while_an_account_is_missing_and_the_answer_says_which() -> None:
    mapped(gifts="", clearing="")
    cast.gift(cast.fund("47030"), 100_00)
    assert refused() == "Det saknas konto för: avräkningskonto, gåvor. Ingenting är exporterat."
    assert not SieSum.objects.exists()
    mapped(suspense="")  # which no gift needs here
    assert export().transfers == 1


def test_an_empty_account_that_leans_on_another_is_that_one() -> None:
    mapped(refunds="", moved_out="", moved_in="", disbursed_against="")
    area = cast.area()
    source, receiver = (
        cast.fund_year(cast.fund(number, cast.project(f"p{number}", area)), need)
        for number, need in (("47030", 0), ("47031", 500_00))
    )
    gift = cast.gift(source.fund, 300_00)
    operations.refund(gift, 50_00, booked_on=JUNE[1], reason="x", by=cast.ester())
    operations.disburse(source, 25_00, booked_on=JUNE[1], reason="x", by=cast.ester())
    line = operations.LineIn(source, receiver, 100_00, "liknande")
    proposal = operations.draft([line], reason="x", by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    operations.approve(proposal, by=cast.colleague())
    today = timezone.localdate()
    files = [opened(export())]
    operations.collection_year(today)
    files.append(opened(export((today, today))))
    gifts, clearing = NUMBERS["gifts"], NUMBERS["clearing"]
    assert told(*files) == {
        (clearing, ""): 300_00 - 50_00 - 25_00,
        (gifts, "47030"): -300_00 + 50_00 + 100_00,
        (gifts, "47031"): -100_00,
        (NUMBERS["disbursed"], "47030"): 25_00,
    }


def test_an_export_is_told_in_the_audit_list_without_amounts_of_anybody() -> None:
    cast.gift(cast.fund("47030"), 100_00)
    made = export(JUNE)
    event = Event.objects.latest("id")
    assert event.text == ("Exporterade 1 transaktion till bokföringen, 1–30 juni 2024, export 1")
    assert (event.area, event.model, event.object_id) == ("money", "donations.sieexport", "1")
    operations.export_sie_again(made, by=cast.ester())
    assert "en gång till" in Event.objects.latest("id").text


# Again, on purpose


def test_a_repeat_holds_the_same_by_the_accounts_of_now_and_says_that_it_is_one() -> None:
    fund = cast.fund("47030")
    gift = cast.gift(fund, 500_00)
    operations.reverse(gift, booked_on=JUNE[1], reason="Fel", by=cast.ester())
    made = export(JUNE)
    before = bytes(made.content)
    mapped()
    cast.gift(fund, 7_00)  # not in the first, and not in its repeat
    again = operations.export_sie_again(made, by=cast.ester())
    made.refresh_from_db()
    assert bytes(made.content) == before
    texts = [voucher.text for voucher in opened(again).vouchers]
    assert texts == [
        "Kollekt 2 (IGEN av 1): Gåvor, 1 st",
        "Kollekt 2 (IGEN av 1): Rättelse, gåvor, 1 st",
    ]
    assert {row.account for row in opened(again).rows} == {NUMBERS["clearing"], NUMBERS["gifts"]}
    assert made.file_name == "kollekt-2024-06-export-1.SI"
    assert again.file_name == "kollekt-2024-06-export-2-IGEN-av-1.SI"
    with pytest.raises(OperationError, match="redan en upprepning"):
        operations.export_sie_again(again, by=cast.ester())
    # What was booked since is still for an export of its own.
    late = export(JUNE)
    assert (late.number, late.transfers, late.amount_ore) == (3, 1, 7_00)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2024-02-01", "2024-02-29", "kollekt-2024-02-export-3.SI"),
        ("2023-02-01", "2023-02-28", "kollekt-2023-02-export-3.SI"),
        ("2024-02-01", "2024-02-28", "kollekt-2024-02-01--2024-02-28-export-3.SI"),
        ("2024-12-01", "2024-12-31", "kollekt-2024-12-export-3.SI"),
        ("2024-01-01", "2024-12-31", "kollekt-2024-01-01--2024-12-31-export-3.SI"),
    ],
)
def test_a_file_is_named_after_its_days(first: str, last: str, name: str) -> None:
    from_day, till = map(datetime.date.fromisoformat, (first, last))
    assert SieExport(3, from_day, till).file_name == name


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2024-02-29", "2024-02-29", "29 februari 2024"),
        ("2024-02-01", "2024-02-29", "1–29 februari 2024"),
        ("2024-02-01", "2024-03-31", "1 februari–31 mars 2024"),
        ("2023-02-01", "2024-02-01", "1 februari 2023–1 februari 2024"),
    ],
)
def test_days_are_told_as_people_tell_them(first: str, last: str, words: str) -> None:
    assert period(*map(datetime.date.fromisoformat, (first, last))) == words


# The database


@pytest.fixture
def made(db: None) -> SieExport:
    cast.gift(cast.fund("47030"), 100_00)
    return export(JUNE)


def by_hand(**other: Any) -> None:
    """An export written past the operation."""
    newest = Transfer.objects.latest("pk").pk
    given = {
        **{"number": 2, "first_day": JUNE[0], "last_day": JUNE[1], "highest_id": newest},
        **{"transfers": 1, "amount_ore": 100_00, "by": cast.ester()},
        **{"created_at": timezone.now(), "content": b"x"},
    }
    with transaction.atomic():
        SieExport.objects.create(**{**given, **other})


def a_sum(**other: Any) -> None:
    one = SieSum.objects.values().get()
    given = {**one, "id": None, "export_id": 2, **other}
    with transaction.atomic():
        SieSum.objects.create(**given)


def with_its_sum(of_sum: dict[str, Any], of_export: dict[str, Any]) -> None:
    """An export with one sum, both past the operation."""
    with transaction.atomic():
        a_sum(**of_sum)
        by_hand(**of_export)


def refused_by_hand(says: str, of_sum: dict[str, Any], of_export: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=says):
        with_its_sum(of_sum, of_export)


def test_an_export_of_what_is_exported_already_is_refused(made: SieExport) -> None:
    refused_by_hand("not what the totals are", {}, {})


@pytest.mark.parametrize("ore", [-1, 1])
def test_an_export_that_is_not_all_there_is_is_refused(made: SieExport, ore: int) -> None:
    gift = cast.gift(Fund.objects.get(), 10_00)
    both = {"transfers": 1, "amount_ore": gift.amount_ore + ore}
    refused_by_hand("not what the totals are", both, both)
    right = {"transfers": 1, "amount_ore": gift.amount_ore}
    with_its_sum(right, right)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"number": 3}, "numbers follow each other"),
        ({"highest_id": 0}, "up to the newest"),
        ({"transfers": 2}, "not what the totals are"),
        ({"amount_ore": 1}, "not what the totals are"),
        ({"first_day": cast.MIDSUMMER + DAY}, "not what the totals are"),
        ({"last_day": cast.MIDSUMMER - DAY}, "not what the totals are"),
        ({"repeats_id": 1, "transfers": 1, "amount_ore": 100_00}, "a repeat holds"),
    ],
)
def test_an_export_that_its_sums_do_not_bear_out_is_refused(
    made: SieExport, other: dict[str, Any], says: str
) -> None:
    cast.gift(Fund.objects.get(), 10_00)
    right = {"transfers": 1, "amount_ore": 10_00}
    refused_by_hand(says, right | {"export_id": other.get("number", 2)}, right | other)


def test_a_repeat_of_a_repeat_or_of_other_sums_is_refused(made: SieExport) -> None:
    again = operations.export_sie_again(made, by=cast.ester())
    same = {"number": 3, "highest_id": made.highest_id}
    with pytest.raises(IntegrityError, match="a repeat holds"):
        by_hand(**same, repeats=again)
    with pytest.raises(IntegrityError, match="a repeat holds"):
        by_hand(**same, repeats=made, amount_ore=100_01)
    by_hand(**same, repeats=made)


@pytest.mark.parametrize("table", ["donations_sieexport", "donations_siesum"])
def test_what_has_been_exported_is_never_changed(made: SieExport, table: str) -> None:
    for sql in (f"UPDATE {table} SET transfers = 2", f"DELETE FROM {table}"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)


def test_nothing_is_added_to_an_export_that_is_made(made: SieExport) -> None:
    with pytest.raises(IntegrityError, match="already made"):
        a_sum(export_id=1, is_reversal=True)


def test_a_transfer_does_not_get_in_below_what_an_export_has_gone_past(made: SieExport) -> None:
    gift = Transfer.objects.get()
    fields = [f.attname for f in Transfer._meta.concrete_fields if f.attname != "payment_id"]
    row = {name: getattr(gift, name) for name in fields}
    with pytest.raises(IntegrityError, match=r"gone past|REPLACE"), transaction.atomic():
        Transfer.objects.create(**{**row, "id": gift.pk - 1})
    Transfer.objects.create(**{**row, "id": gift.pk + 5})


# At the same time


ON_POSTGRESQL = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]


def together(*works: Any) -> list[Any]:
    """What each piece of work gives, all begun at the same moment."""
    start = threading.Barrier(len(works))

    def one(work: Any) -> Any:
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT 1")
            start.wait(timeout=30)
            return work()
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(one, works))


class TestAtOnce:
    pytestmark = ON_POSTGRESQL

    def test_of_two_exports_of_the_same_one_is_made(self) -> None:
        cast.gift(cast.fund("47030"), 100_00)
        by = cast.ester()

        def one() -> str:
            try:
                return str(operations.export_sie(*JUNE, by=by).number)
            except OperationError as error:
                return str(error)

        got = sorted(together(*[one] * 4))
        assert got[0] == "1"
        assert set(got[1:]) == {"Allt som är bokfört på de här dagarna är redan exporterat."}

    def test_what_is_booked_meanwhile_is_in_exactly_one(self) -> None:
        mapped()
        funds = [cast.fund(str(n), cast.project(f"p{n}")) for n in (47030, 47040, 47050)]
        by = cast.ester()
        cast.bank()
        for fund in funds:
            cast.gift(fund, 1_00)

        def book() -> None:
            for place in range(15):
                cast.gift(funds[place % 3], 1_00)
                waits = cast.gift(None, 1_00)
                part = [Part(funds[place % 3], 1_00)]
                operations.place(waits, part, booked_on=JUNE[1], reason="x", by=by)

        def export_on() -> None:
            for _ in range(12):
                try:
                    operations.export_sie(*YEAR, by=by)
                except OperationError:
                    continue

        together(book, book, book, export_on, export_on)
        export_on()
        files = [opened(one) for one in SieExport.objects.all()]
        assert len(files) > 2
        assert told(*files) == ledger(*YEAR)
        assert sum(one.transfers for one in SieExport.objects.all()) == Transfer.objects.count()

    def test_a_row_that_has_its_id_before_an_export_and_comes_after_it_is_refused_not_lost(
        self,
    ) -> None:
        fund, by = cast.fund("47030"), cast.ester()
        cast.gift(fund, 100_00)
        has_id, exported = threading.Event(), threading.Event()
        row = Transfer.objects.values().get() | {"payment_id": None}

        def slow() -> str:
            """Past the operations: these wait before they take an id."""
            [row["id"]] = bulk.next_ids(Transfer, 1)
            has_id.set()
            exported.wait(timeout=30)
            try:
                Transfer.objects.create(**row)
            except IntegrityError as error:
                return str(error)
            return "booked"

        def exporting() -> int:
            has_id.wait(timeout=30)
            cast.gift(fund, 1_00)
            made = operations.export_sie(*JUNE, by=by)
            exported.set()
            return made.transfers

        said, transfers = together(slow, exporting)
        assert "an export has gone past this id" in said
        assert transfers == 2
