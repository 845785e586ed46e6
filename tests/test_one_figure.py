"""One figure, one value: wherever a fund's figure is shown, it is what plain SQL says it is.

Of two hundred generated funds over three years, at five dates.
"""

import datetime
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from donations import operations, queries
from donations.models import Transfer
from donations.money import format_kronor
from projects.models import Project
from staff.roles import Role
from tests import cast, many_funds, sie_reader
from tests.many_funds import DAYS, FIRST_DAY, FUNDS, TODAY, YEARS, Books, noon
from tests.plain_figures import MOVEMENT, PlainFigures, plain_figures
from tests.test_finance_pages import text_of
from tests.test_sie_export import mapped
from tests.told import account_of, amount, plain_blanks, public_words, rows_of, sheets, text_of_pdf

pytestmark = pytest.mark.django_db
# The soak looks at every page at every date.
IS_WHOLE = os.environ.get("KOLLEKT_WHOLE") == "1"


@pytest.fixture(scope="module")
def books(django_db_setup: None, django_db_blocker: object) -> Iterator[Books]:
    """The books, written once for all tests here and gone back from."""
    today = time_machine.travel(noon(TODAY), tick=False)
    with django_db_blocker.unblock(), today, transaction.atomic():  # type: ignore[attr-defined]
        books = many_funds.write(int(os.environ.get("KOLLEKT_SEED", "0")))
        if connection.vendor == "postgresql":
            # As autovacuum does in time: what is not committed it never sees, and plans are guesses.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        yield books
        transaction.set_rollback(True)


def figures_of(books: Books, year: int, day: datetime.date) -> dict[str, PlainFigures]:
    """What plain SQL says of a year at the end of `day`, by collection number."""
    plain = plain_figures(day)
    return {fund.collection_number: plain[books.years[fund.pk, year].pk] for fund in books.funds}


def views() -> Iterator[tuple[int, datetime.date]]:
    """Each year that has begun, at each date."""
    for day in DAYS:
        yield from ((year, day) for year in YEARS if year <= day.year)


def test_the_books_hold_every_kind_of_movement_and_reversals(books: Books) -> None:
    assert set(Transfer.objects.values_list("kind", flat=True)) == set(Transfer.Kind)
    assert Transfer.objects.exclude(reverses=None).count() > 30
    plain = [one for year, day in views() for one in figures_of(books, year, day).values()]
    assert len(plain) == FUNDS * 12
    for name in PlainFigures.__annotations__:
        assert sum(bool(getattr(one, name)) for one in plain) > 5, name
    assert any(one.need is None for one in plain)


def test_the_queries_say_what_plain_sql_says(books: Books) -> None:
    for year, day in views():
        years = [books.years[fund.pk, year] for fund in books.funds]
        found = queries.figures(years, day)
        plain = figures_of(books, year, day)
        for fund_year in years:
            its = plain[fund_year.fund.collection_number]
            assert {name: getattr(found[fund_year.pk], name) for name in vars(its)} == vars(its)


def some_of(numbers: Iterable[str], day: datetime.date, step: int = len(DAYS)) -> list[str]:
    """All of them in the soak; else a part at each date: a fifth, so that each is looked at on one."""
    return list(numbers) if IS_WHOLE else list(numbers)[DAYS.index(day) :: step]


def test_the_api_says_what_plain_sql_says(books: Books) -> None:
    shown = ("need", "collected", "carried_in", "carried_out", "moved_in", "moved_out")
    for day in DAYS:
        plain = figures_of(books, day.year, day)
        for number in some_of(plain, day):
            told = Client().get(f"/api/v1/insamlingar/{number}", {"dag": day.isoformat()}).json()
            names = (*shown, "remaining", "surplus")
            assert {name: told[f"{name}_ore"] for name in names} == {
                name: getattr(plain[number], name) for name in names
            }, (number, day)


def test_what_is_left_to_collect_says_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for year, day in views():
        if day.year != year and day != TODAY:
            continue  # an ended year is seen as it stands today, or on a day of its own
        query = {"ar": year} | ({} if day == TODAY else {"dag": day.isoformat()})
        page = rows_of(eskil.get(reverse("finance_remaining"), query))
        shown = {row["Nummer"]: row for row in page if "Nummer" in row}
        plain = figures_of(books, year, day)
        assert set(shown) == set(plain)
        for number, its in plain.items():
            row = shown[number]
            assert (row["Behov"], row["Insamlat"], row["Kvar att samla in"], row["Överskott"]) == (
                amount(its.need, "inte bestämt"),
                amount(its.collected),
                amount(its.remaining),
                amount(its.surplus),
            ), (number, day)
            assert row["Överfört mellan år"] == amount(its.carried_in - its.carried_out), number
            assert row["Omfördelat"] == amount(its.moved_in - its.moved_out), number
        for name, label in (
            ("need", "Behov"),
            ("collected", "Insamlat"),
            ("remaining", "Kvar att samla in"),
            ("surplus", "Överskott"),
        ):
            total = sum(getattr(its, name) or 0 for its in plain.values())
            assert page[-1][label] == amount(total), (label, day)


def test_a_funds_page_says_what_plain_sql_says_of_each_of_its_years(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for day in DAYS:
        plain = {year: figures_of(books, year, day) for year in YEARS if year <= day.year}
        for number in some_of(plain[YEARS[0]], day, step=23):
            query = {"ar": str(day.year), "dag": day.isoformat()}
            page = eskil.get(reverse("finance_fund", args=[number]), query)
            told, read = account_of(plain[day.year][number]), text_of(page)
            assert [words for words in told.items() if " ".join(words) not in read] == [], number
            # In the first year there is nothing to set beside it.
            shown = {row["row"]: row for row in rows_of(page) if str(YEARS[0]) in row}
            for year, figures in plain.items() if len(plain) > 1 else ():
                for label, said in account_of(figures[number]).items():
                    assert shown[label][str(year)] == said, (number, label, year, day)


@pytest.mark.parametrize("day", DAYS)
def test_the_public_pages_say_what_plain_sql_says(books: Books, day: datetime.date) -> None:
    plain = figures_of(books, day.year, day)
    pages = {str(47000 + at): page for at, page in enumerate(Project.objects.order_by("pk"))}
    with time_machine.travel(noon(day), tick=False):
        for number in some_of(pages, day):
            read = text_of(Client().get(pages[number].get_absolute_url()))
            missing = [words for words in public_words(plain[number]) if words not in read]
            assert missing == [], number
        first = Client().get("/projekt/")
        sheets = first.context["sheet"].paginator.page_range
        listed = " ".join(text_of(Client().get("/projekt/", {"sida": sheet})) for sheet in sheets)
    told = {
        number: words
        for words, number in re.findall(r"(\S.{20,120}?) Insamlingsnummer (\d{5})", listed)
    }
    assert set(told) == set(pages)
    for number, its in plain.items():
        words = f"Insamlat {format_kronor(its.collected)}"
        if its.need and its.remaining:
            left, need = format_kronor(its.remaining), format_kronor(its.need)
            words = f"Kvar att samla in {left} av {need}"
        elif its.need:
            words = f"Behovet är täckt {format_kronor(its.need)}"
        elif its.need is None:
            words += " Behovet är inte bestämt än."
        assert told[number].endswith(plain_blanks(words)), number


# In the files


def test_the_files_of_what_is_left_say_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for year, day in views():
        plain = figures_of(books, year, day)
        for sheet in sheets(eskil, "kvar-att-samla-in", ar=year, dag=day):
            *rows, sums = sheet
            shown = {row["Nummer"]: row for row in rows}
            assert set(shown) == set(plain)
            for number, its in plain.items():
                wanted = {
                    "Behov": its.need,
                    "Insamlat": its.collected,
                    "Överfört mellan år": its.carried_in - its.carried_out,
                    "Omfördelat hit": its.moved_in,
                    "Omfördelat härifrån": -its.moved_out,
                    "Tillgängligt": its.available,
                    "Kvar att samla in": its.remaining,
                    "Överskott": its.surplus,
                }
                row = shown[number]
                assert {name: row[name] for name in wanted} == wanted, (number, year, day)
            for name, label in (("need", "Behov"), ("remaining", "Kvar att samla in")):
                total = sum(getattr(its, name) or 0 for its in plain.values())
                assert sums[label] == total, (label, year, day)


def periods() -> Iterator[tuple[datetime.date, datetime.date]]:
    """From one of the dates to the next, never across a year's end."""
    ends = sorted({*DAYS, *(datetime.date(year, 12, 31) for year in YEARS)})
    first = FIRST_DAY
    for last in ends:
        yield first, last
        first = last + datetime.timedelta(days=1)


Grown = dict[tuple[str, int], dict[str, int]]


def grown(books: Books, first: datetime.date, last: datetime.date) -> Grown:
    """How much more there was of each figure of a fund's year after the period than before it."""
    before, after = plain_figures(first - datetime.timedelta(days=1)), plain_figures(last)
    summed = [name for name, kind in PlainFigures.__annotations__.items() if kind is int]
    return {
        (fund.collection_number, year): {
            name: getattr(after[its.pk], name) - getattr(before[its.pk], name) for name in summed
        }
        for fund in books.funds
        for year in YEARS
        for its in [books.years[fund.pk, year]]
    }


def test_the_files_of_what_has_become_of_funds_say_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for first, last in periods():
        balance = plain_figures(last)
        of_period = grown(books, first, last)
        for sheet in sheets(eskil, "forandring", fran=first, till=last):
            rows = {(row["Nummer"], int(row["År"])): row for row in sheet if row["År"]}
            for (number, year), its in of_period.items():
                fund = books.funds[int(number) - int(books.funds[0].collection_number)]
                closing = balance[books.years[fund.pk, year].pk].cash
                wanted = {
                    "Ingående balans": closing - its["cash"],
                    "Gåvor": its["gifts"] + its["placements"],
                    "Återbetalt": -its["refunds"],
                    "Omfördelat hit": its["moved_in"],
                    "Omfördelat härifrån": -its["moved_out"],
                    "Överfört mellan år": its["carried_in"] - its["carried_out"],
                    "Utbetalt": -its["disbursed"],
                    "Utgående balans": closing,
                }
                # What has nothing to tell is left out.
                row = rows.get((number, year)) or dict.fromkeys(wanted, 0)
                assert {name: row[name] for name in wanted} == wanted, (number, year, last)
                assert row.get("Ingående belopp", 0) == its["opening"]


def by_fund(of_period: Grown, *names: str) -> dict[str, int]:
    """The figures added up over a fund's years, for those that have any."""
    sums: dict[str, int] = Counter()
    for (number, _year), its in of_period.items():
        sums[number] += sum(its[name] for name in names)
    return {number: ore for number, ore in sums.items() if ore}


def test_the_files_of_gifts_say_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for first, last in periods():
        of_period = grown(books, first, last)
        for sheet in sheets(eskil, "gavor", fran=first, till=last, delat="projekt"):
            rows = [row for row in sheet if row["Nummer"]]
            given = {row["Nummer"]: row["Gåvor"] for row in rows if row["Gåvor"]}
            assert given == by_fund(of_period, "gifts", "placements"), last
            paid_back = {row["Nummer"]: -row["Återbetalt"] for row in rows if row["Återbetalt"]}
            assert paid_back == by_fund(of_period, "refunds"), last


def test_the_files_of_reallocations_say_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    seen = 0
    for first, last in periods():
        of_period = grown(books, first, last)
        for sheet in sheets(eskil, "omfordelningar", fran=first, till=last):
            for label, name in (("Från", "moved_out"), ("Till", "moved_in")):
                told: dict[str, int] = Counter()
                for row in sheet:
                    told[(row[label] or "")[:5]] += row["Belopp"] if row[label] else 0
                told = {number: ore for number, ore in told.items() if ore}
                assert told == by_fund(of_period, name), (label, last)
                seen += len(told)
    assert seen > 40


# Gifts of 200 kronor and more that were given in the calendar year, to projects that qualify. What is paid
# back has a payment of its own, and goes by the gift's.
QUALIFIED = f"""
    WITH {MOVEMENT}
    SELECT fund.collection_number, SUM(CASE WHEN movement.kind = 'refund' THEN -ore ELSE ore END)
      FROM movement
      JOIN donations_transfer written ON written.id = movement.id
      LEFT JOIN donations_transfer gift ON gift.id = written.corrects_id AND written.kind = 'refund'
      JOIN donations_payment payment
        ON payment.id = COALESCE(gift.payment_id, movement.payment_id)
      JOIN donations_account account
        ON account.id = CASE WHEN movement.kind = 'refund' THEN movement.debit_id
                             ELSE movement.credit_id END
      JOIN donations_fundyear fund_year ON fund_year.id = account.fund_year_id
      JOIN donations_fund fund ON fund.id = fund_year.fund_id
      JOIN projects_project project ON project.page_ptr_id = fund.project_id
     WHERE 20000 <= (SELECT SUM(amount_ore) FROM donations_transfer given
                      WHERE given.payment_id = payment.id AND given.kind = 'gift'
                        AND given.reverses_id IS NULL)
       AND payment.bank_date BETWEEN %(first)s AND %(last)s
       AND project.qualifies_for_tax_reduction
     GROUP BY fund.collection_number
"""


def test_the_files_of_tax_reduction_say_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    for year, day in views():
        first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
        with connection.cursor() as cursor:
            cursor.execute(QUALIFIED, {"day": day, "first": first, "last": last})
            wanted = {number: int(ore) for number, ore in cursor.fetchall() if ore}
        assert len(wanted) > 10
        for sheet in sheets(eskil, "skattereduktion", ar=year, dag=day):
            *rows, sums = sheet
            assert {row["Nummer"]: row["Netto"] for row in rows if row["Netto"]} == wanted
            assert sums["Netto"] == sum(wanted.values())


def test_the_files_for_the_general_ledger_say_what_plain_sql_says(books: Books) -> None:
    mapped()
    for first, last in periods():
        of_period = grown(books, first, last)
        file = sie_reader.read(bytes(operations.export_sie(first, last, by=cast.ester()).content))
        told: dict[str, int] = Counter()
        for row in file.rows:
            told[row.objects.get(6, "")] -= row.ore
        told.pop("", None)  # the bank, partners, and what waits
        assert {number: ore for number, ore in told.items() if ore} == by_fund(of_period, "cash")


def test_the_summaries_of_results_say_what_plain_sql_says(books: Books) -> None:
    eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
    areas = {fund.area_now.slug: fund.area_now for fund in books.funds}
    for day in DAYS:
        plain = figures_of(books, day.year, day)
        for slug in some_of(areas, day):
            funds = [fund for fund in books.funds if fund.area_now == areas[slug]]
            address = reverse("finance_results_of", args=[slug, day.year])
            page = rows_of(eskil.get(address, {"dag": day.isoformat()}))
            pdf = text_of_pdf(eskil.get(f"{address}pdf/", {"dag": day.isoformat()}).content)
            shown = {row["row"]: row for row in page if "Insamlat" in row}
            assert len(shown) == len(funds) + 1
            for fund in funds:
                its = plain[fund.collection_number]
                wanted = {
                    "Behov": amount(its.need),
                    "Insamlat": amount(its.collected),
                    "Flyttat hit": amount(its.moved_in + its.carried_in),
                    "Flyttat härifrån": amount(its.moved_out + its.carried_out),
                    "Kvar att samla in": amount(its.remaining),
                    "Överskott": amount(its.surplus),
                    "Utbetalt": amount(its.disbursed),
                }
                name, number = fund.page.title, fund.collection_number
                assert {label: shown[name][label] for label in wanted} == wanted, (name, day)
                assert " ".join([name, number, *wanted.values()]) in pdf, (name, day)
