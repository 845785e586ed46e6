"""The transfers on a fund's page: balances, pages, search, who sees payers, and what a page costs."""

import datetime
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations
from donations.finance import fund_transfers
from donations.models import Account, BankFile, Fund, FundYear, Payment, Transfer
from donations.operations import GiftIn, LineIn, Part
from donations.reports import collected, transfers
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.plain_figures import plain_figures
from tests.test_finance_pages import address, row_of, text_of
from tests.test_random_books import LAST_DAY, Book

pytestmark = pytest.mark.django_db
# A page's frame (session, member, permissions, settings) and all that stands on it.
MOST_QUERIES = 15
WINDOW = """
    SELECT id, SUM(CASE WHEN credit_id = %(account)s THEN amount_ore ELSE -amount_ore END)
               OVER (ORDER BY booked_on, id)
      FROM donations_transfer
     WHERE %(account)s IN (debit_id, credit_id) AND booked_on BETWEEN %(first)s AND %(last)s
     ORDER BY booked_on DESC, id DESC
"""


@pytest.fixture
def eskil() -> Client:
    """Eskil does the finances."""
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


@pytest.fixture
def few_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three, for which seven are looked through."""
    monkeypatch.setattr(transfers, "ON_A_PAGE", 3)
    monkeypatch.setattr(transfers, "LOOKED_THROUGH", 7)


def walk(
    user: User, fund_year: FundYear, day: datetime.date, **asked: Any
) -> list[tuple[Transfer, int | None]]:
    """Everything that the list gives, page by page as its links lead, each with its balance."""
    found: list[tuple[Transfer, int | None]] = []
    account, days = operations.account(fund_year), collected.days([fund_year])[fund_year.pk]
    fore = ""
    while True:
        request = RequestFactory().get("/", {**asked, "fore": fore})
        request.user = user
        page = fund_transfers.listed(request, account, day, days)
        assert not page.told
        assert len(page.rows) <= transfers.ON_A_PAGE
        found += [(row.transfer, balance) for row, balance in page.rows]
        if not (fore := page.older):
            return found


def windowed(
    account: Account, last: datetime.date, first: datetime.date = datetime.date.min
) -> dict[int, int]:
    """What stands on the account after each transfer, newest first, told by plain SQL."""
    with connection.cursor() as cursor:
        cursor.execute(WINDOW, {"account": account.pk, "first": first, "last": last})
        return {pk: int(ore) for pk, ore in cursor.fetchall()}


# Balances, and what is looked for


@pytest.mark.usefixtures("few_on_a_page")
def test_the_balances_of_random_books_are_what_a_window_function_gives() -> None:
    seen = set()
    for seed in (0, 1, 4):
        with transaction.atomic():
            book = Book(random.Random(seed))
            book.fill()
            for day in (LAST_DAY, book.any_day()):
                plain = plain_figures(day)
                for fund_year in book.years.values():
                    rows = walk(book.by, fund_year, day)
                    expected = windowed(book.accounts[fund_year.pk], day)
                    assert [(one.pk, balance) for one, balance in rows] == list(expected.items())
                    assert not rows or rows[0][1] == plain[fund_year.pk].cash
                    seen |= {(one.kind, one.reverses_id is None) for one, _balance in rows}
            transaction.set_rollback(True)
    assert len(seen) >= 2 * len(Transfer.Kind.values) - 1, seen


@pytest.mark.usefixtures("few_on_a_page")
def test_what_is_looked_for_is_found_once_however_many_pages_it_takes() -> None:
    with transaction.atomic():
        book = Book(random.Random(5))
        book.fill()
        account_of = book.accounts
        fund_year = max(
            book.years.values(), key=lambda year: len(windowed(account_of[year.pk], LAST_DAY))
        )
        account = account_of[fund_year.pk]
        everything = [one for one, _balance in walk(book.by, fund_year, LAST_DAY)]
        amounts = sorted(one.amount_ore for one in everything)
        low, high = amounts[len(amounts) // 4], amounts[-len(amounts) // 4]
        first, last = everything[-2].booked_on, everything[1].booked_on
        asked: list[dict[str, Any]] = [
            *({"slag": kind} for kind in Transfer.Kind.values),
            *({"vag": way} for way in ("in", "ut")),
            {"slag": "gift", "vag": "ut"},
            {"minst": str(low / 100).replace(".", ","), "mest": str(high / 100).replace(".", ",")},
            {"slag": "reallocation", "minst": "0,02"},
            {"fran": first.isoformat(), "till": last.isoformat()},
            {"slag": "gift", "fran": last.isoformat(), "till": last.isoformat()},
        ]
        for one in asked:
            rows = walk(book.by, fund_year, LAST_DAY, **one)
            is_right = _asks(account, one)
            assert [t.pk for t, _b in rows] == [t.pk for t in everything if is_right(t)], one
            if set(one) == {"fran", "till"}:
                balances = windowed(account, last)
                assert all(balance == balances[t.pk] for t, balance in rows)
            else:
                assert {balance for _t, balance in rows} <= {None}
        transaction.set_rollback(True)


def _asks(account: Account, asked: dict[str, str]) -> Any:
    def ore(name: str, default: int) -> int:
        return round(float(asked[name].replace(",", ".")) * 100) if name in asked else default

    def is_right(one: Transfer) -> bool:
        return (
            asked.get("slag", one.kind) == one.kind
            and asked.get("vag", "") in ("", "in" if one.credit_id == account.pk else "ut")
            and ore("minst", 0) <= one.amount_ore <= ore("mest", 10**13)
            and asked.get("fran", "") <= one.booked_on.isoformat() <= asked.get("till", "9")
        )

    return is_right


@pytest.mark.usefixtures("few_on_a_page")
def test_a_page_says_how_far_it_has_looked_and_leads_on(eskil: Client) -> None:
    fund = cast.fund()
    wanted = cast.gift(fund, 999_00, cast.NEW_YEAR)
    for day in range(2, 12):
        cast.gift(fund, 5_00, cast.NEW_YEAR + datetime.timedelta(days=day))
    path = f"{address('finance_fund')}&minst=500"
    page = eskil.get(path)
    assert "Inget stämmer bland de 7 nyaste transaktionerna, ner till den 6 januari" in text_of(
        page
    )
    assert "Saldo" not in text_of(page).split("Transaktioner")[-1]
    older = page.context["transfers"].older
    page = eskil.get(f"{path}&fore={older}")
    assert [row.transfer for row, _balance in page.context["transfers"].rows] == [wanted]
    assert not page.context["transfers"].older


def test_a_search_that_stops_on_one_side_leaves_nothing_out_and_shows_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More goes out in a few days than comes in over many: the sides stop at different days."""
    monkeypatch.setattr(transfers, "LOOKED_THROUGH", 3)
    fund = cast.fund()
    fund_year, by = cast.fund_year(fund), cast.ester()
    for week in range(7):
        cast.gift(fund, 100_00, cast.MIDSUMMER - datetime.timedelta(weeks=week))
        operations.disburse(
            fund_year,
            10_00,
            booked_on=cast.MIDSUMMER - datetime.timedelta(days=week),
            reason="x",
            by=by,
        )
    account = operations.account(fund_year)
    found = [one.pk for one, _balance in walk(by, fund_year, timezone.localdate(), minst="1")]
    assert found == list(windowed(account, timezone.localdate()))


def test_what_cannot_be_read_is_told_and_kept_and_the_rest_is_looked_for(eskil: Client) -> None:
    fund = cast.fund()
    cast.gift(fund, 5_00)
    kept = cast.gift(fund, 7_00)
    for query, sentence in (
        ("minst=sex&mest=6", "Skriv beloppet i kronor med siffror"),
        ("minst=6&mest=5", "Beloppet ska inte vara mindre än det minsta."),
        ("fran=2024-06-22&till=2024-06-21", "Dagen ska inte ligga före den första dagen."),
        ("till=midsommar", "Skriv dagen som år-månad-dag"),
        ("slag=present", "present"),
    ):
        page = eskil.get(f"{address('finance_fund')}&{query}")
        assert page.status_code == 200
        assert sentence in text_of(page), query
    page = eskil.get(f"{address('finance_fund')}&minst=6&mest=x")
    assert [row.transfer for row, _b in page.context["transfers"].rows] == [kept]
    assert 'value="x"' in page.content.decode()


# Places that no longer hold


@pytest.fixture
def pages(few_on_a_page: None) -> Fund:
    fund = cast.fund()
    for day in range(8):
        cast.gift(fund, 100_00, cast.MIDSUMMER + datetime.timedelta(days=day))
    return fund


def older_of(page: Any) -> str:
    found = re.search(r'rel="next" href="([^"#]+)#', page.content.decode())
    return found[1].replace("&amp;", "&") if found else ""


def balances_on(page: Any) -> list[int]:
    return [balance for _row, balance in page.context["transfers"].rows]


def test_the_links_lead_to_the_last_page_and_back(eskil: Client, pages: Fund) -> None:
    path = reverse("finance_fund", args=["47030"])
    first = eskil.get(address("finance_fund"))
    second = eskil.get(path + older_of(first))
    third = eskil.get(path + older_of(second))
    assert [balances_on(page) for page in (first, second, third)] == [
        [800_00, 700_00, 600_00],
        [500_00, 400_00, 300_00],
        [200_00, 100_00],
    ]
    assert "De nyaste" not in text_of(first)
    assert "De nyaste" in text_of(third)
    assert not older_of(third)
    assert balances_on(eskil.get(path + older_of(first))) == balances_on(second)


def test_a_gift_today_leaves_older_pages_as_they_are(eskil: Client, pages: Fund) -> None:
    older = reverse("finance_fund", args=["47030"]) + older_of(eskil.get(address("finance_fund")))
    cast.gift(pages, 1, cast.MIDSUMMER + datetime.timedelta(days=20))
    page = eskil.get(older)
    assert balances_on(page) == [500_00, 400_00, 300_00]
    assert not page.context["transfers"].told


@pytest.mark.parametrize("day", [0, 5])
def test_something_booked_further_back_begins_the_list_anew(
    eskil: Client, pages: Fund, day: int
) -> None:
    older = reverse("finance_fund", args=["47030"]) + older_of(eskil.get(address("finance_fund")))
    cast.gift(pages, 1, cast.MIDSUMMER + datetime.timedelta(days=day))
    page = eskil.get(older)
    assert "Något har bokförts längre bak i listan" in text_of(page)
    assert balances_on(page) == [800_01, 700_01, 600_01]


def test_a_place_that_somebody_has_changed_begins_the_list_anew(eskil: Client, pages: Fund) -> None:
    other = cast.fund("47031", cast.project("pumpar"))
    for day in range(4):
        cast.gift(other, 100_00, cast.MIDSUMMER + datetime.timedelta(days=day))
    theirs = eskil.get(f"{reverse('finance_fund', args=['47031'])}?ar=2024")
    own = eskil.get(address("finance_fund")).context["transfers"].older
    for fore in (own[:-1], own[1:], "1", "%00", theirs.context["transfers"].older):
        page = eskil.get(f"{address('finance_fund')}&fore={fore}")
        assert page.status_code == 200
        assert "Adressen gick inte att läsa" in text_of(page)
        assert balances_on(page) == [800_00, 700_00, 600_00]


def test_a_place_does_not_carry_a_balance_past_what_is_left_out(eskil: Client, pages: Fund) -> None:
    own = eskil.get(address("finance_fund")).context["transfers"].older
    day_before = f"{address('finance_fund')}&fore={own}&dag=2024-06-23"
    assert balances_on(eskil.get(day_before)) == [300_00, 200_00, 100_00]
    searched = eskil.get(f"{address('finance_fund')}&vag=in").context["transfers"].older
    page = eskil.get(f"{address('finance_fund')}&fore={searched}")
    assert balances_on(page) == [800_00, 700_00, 600_00]


# What stands in a row


def test_a_reversal_stands_beside_what_it_reverses_and_each_names_the_other(
    eskil: Client,
) -> None:
    fund = cast.fund()
    gift = cast.gift(fund, 500_00)
    after = cast.MIDSUMMER + datetime.timedelta(days=1)
    undone = operations.reverse(gift, booked_on=after, reason="Fel nummer", by=cast.ester())
    page = eskil.get(address("finance_fund"))
    assert row_of(page, "Fel nummer").startswith("22 jun 2024 Gåva rättelse")
    assert "Rättar Gåva den 21 juni 2024, 500 kr" in row_of(page, "Fel nummer")
    assert row_of(page, "Fel nummer").endswith("500 kr 0 kr")
    assert "Rättades den 22 juni 2024" in row_of(page, "Gåva rättad")
    links = re.findall(r'href="(/admin/donations/transfer/\d+/change/)"', page.content.decode())
    both = [reverse("admin:donations_transfer_change", args=[one.pk]) for one in (gift, undone)]
    assert sorted(links) == sorted(both * 2)


def test_a_reallocation_names_the_other_fund_the_reason_and_both_people(eskil: Client) -> None:
    area = cast.area()
    source, receiver = (
        cast.fund_year(cast.fund(n, cast.project(s, area)), 100_00)
        for n, s in (("47030", "brunnar"), ("47031", "pumpar"))
    )
    cast.gift(source.fund, 150_00)

    def propose(ore: int) -> Any:
        lines = [LineIn(source, receiver, ore, "Pumparna fattas")]
        draft = operations.draft(lines, reason="Behovet är täckt", by=cast.ester())
        return operations.submit(draft, by=cast.ester())

    approved = propose(20_00)
    operations.approve(approved, by=cast.colleague())
    waiting = propose(5_00)
    page = eskil.get(address("finance_fund"))
    row = row_of(page, "Omfördelning Till")
    assert "Till 47031 Pumpar 2024 Pumparna fattas" in row
    assert f"Förslag {approved.pk} av Ester, godkänt av Kajsa" in row
    html = page.content.decode()
    moves = text_of(page).split("Omfördelning Förslag")[-1]
    assert f"Förslag {waiting.pk} Till 47031 Pumpar Behovet är täckt Pumparna fattas Ester" in moves
    assert "väntar på beslut föreslaget 5 kr" in moves
    assert re.search(r"Godkänt av Kajsa .*, bokfört den .* 20 kr", moves)
    assert f'href="{reverse("finance_fund", args=["47031"])}?ar=2024"' in html
    other = text_of(eskil.get(f"{reverse('finance_fund', args=['47031'])}?ar=2024"))
    assert "Från 47030 Brunnar" in other.split("Omfördelning Förslag")[-1]
    [moved] = Transfer.objects.filter(kind="reallocation")
    operations.reverse(moved, booked_on=timezone.localdate(), reason="Ångrat", by=cast.ester())
    assert "rättad" in text_of(eskil.get(address("finance_fund"))).split("Omfördelning Förslag")[-1]


@pytest.fixture
def from_a_file() -> Fund:
    """A fund with a gift from a file, whose payer has written a personnummer in name and message."""
    fund = cast.fund()
    cast.gift(fund, 500_00)
    file = BankFile.objects.create(
        name="camt-juni.xml",
        digest="d",
        size=1,
        received_at=timezone.now(),
        by=cast.ester(),
    )
    Payment.objects.update(
        payer_name="Åsa Öberg 19121212-1212",
        message="Till brunnar\n121212-1212",
        account=cast.bank(),
        file=file,
        key="6f0d8b0e-6a0c-4f7d-9a59-0d5f6e0f4f11",
    )
    return fund


@pytest.mark.usefixtures("from_a_file")
@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.READER])
def test_who_gave_is_shown_to_those_who_may_see_payments_alone(role: Role) -> None:
    member = cast.member("Vem", role)
    page = cast.sign_in(Client(), member).get(address("finance_fund"))
    html = page.content.decode()
    assert "1212-1212" not in html
    assert "121212" not in html
    if member.has_perm("donations.view_payment"):
        assert "Åsa Öberg ••••••-••••: Till brunnar ••••••-••••" in text_of(page)
        link = reverse("finance_bank_file", args=[BankFile.objects.get().pk])
        assert f'<a href="{link}">camt-juni.xml</a>' in html
    else:
        assert role != Role.FINANCE
        for hidden in ("Åsa", "Till brunnar", "camt-juni.xml"):
            assert hidden not in html
        assert "Från Gåvokonto" in text_of(page)


# What a page costs


def costs(client: Client, query: str) -> tuple[Any, list[str]]:
    """The page of this year's fund, and the queries that it took."""
    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"{reverse('finance_fund', args=['47030'])}?{query}")
    assert page.status_code == 200
    # SQLite tells them with %s filled in, savepoints and all.
    return page, [one["sql"] for one in asked.captured_queries]


def every_way(client: Client) -> Iterator[tuple[str, list[str]]]:
    """First page, a deep one, searches by kind, amount, way and day, and another day."""
    deep = ""
    for _page in range(3):
        deep = costs(client, deep and f"fore={deep}")[0].context["transfers"].older or deep
    yield "deep", costs(client, f"fore={deep}")[1]
    day = timezone.localdate().isoformat()
    for query in (
        *("", "slag=refund", "slag=disbursement", "slag=gift", "slag=gift&vag=ut", "minst=1999"),
        *("vag=in", "vag=ut", f"till={day}", f"dag={day}", f"minst=3&mest=4&fore={deep}"),
    ):
        yield query, costs(client, query)[1]


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        words = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{words} {sql}")
        return "\n".join(str(row) for row in cursor.fetchall())


def read_whole(sql: str) -> list[str]:
    """Which of the tables that grow with the gifts the query reads from one end to the other."""
    found = plan(sql)
    known = {"donations_transfer", "donations_payment"}
    known |= set(re.findall(r'"donations_(?:transfer|payment)" (T\d+)', sql))
    read = re.findall(r"SCAN (\w+)|Seq Scan on (\w+)(?: (\w+))?", found)
    return [name for names in read for name in names if name in known]


def test_a_page_costs_as_few_questions_with_thousands_as_with_a_few_and_none_reads_them_all(
    eskil: Client,
) -> None:
    today, area = timezone.localdate(), cast.area()
    fund = cast.fund("47030", cast.project("brunnar", area))
    other = cast.fund("47031", cast.project("pumpar", area))
    year = cast.fund_year(fund, 100_00, today)
    cast.fund_year(fund, 100_00, datetime.date(today.year - 1, 1, 1))
    first_day = max(year.year.starts_on, today - datetime.timedelta(days=20))
    refunded = cast.gift(fund, 50_00, first_day)
    how: dict[str, Any] = {"reason": "x", "by": cast.ester()}
    operations.refund(refunded, 1_00, booked_on=first_day, **how)
    operations.disburse(year, 2_00, booked_on=first_day, **how)
    waits = cast.gift(None, 5_00, first_day)
    [placed] = operations.place(waits, [Part(fund, 5_00)], booked_on=first_day, **how)
    operations.reverse(placed, booked_on=today, **how)
    costs(eskil, "")  # the session's first page
    few = {name: len(asked) for name, asked in every_way(eskil)}
    assert max(few.values()) <= MOST_QUERIES, few

    dice = random.Random(1)
    days = [first_day + datetime.timedelta(days=n) for n in range((today - first_day).days + 1)]
    gifts = [
        GiftIn(
            dice.choice([fund, fund, other]),
            dice.randint(1, 2000) * 100,
            dice.choice(days),
            "swish",
        )
        for _ in range(6_000)
    ]
    operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            # Of some thousands it would read all that fit in few blocks; of millions it does not.
            cursor.execute("SET LOCAL random_page_cost = 1")
    for name, asked in every_way(eskil):
        assert len(asked) <= MOST_QUERIES, (name, asked)
        of_transfers = [sql for sql in asked if "donations_transfer" in sql]
        assert len(of_transfers) >= 2, name
        for sql in of_transfers:
            assert read_whole(sql) == [], (name, sql, plan(sql))
            assert "SUM(" not in sql, name
            assert "COUNT(" not in sql, name
            # A bounded search alone asks for the place where it ends.
            assert "OFFSET" not in sql or "slag=gift" in name or "minst" in name, name


def test_a_search_for_a_rare_kind_is_answered_by_its_own_index() -> None:
    fund = cast.fund()
    cast.gift(fund, 5_00)
    account = operations.account(FundYear.objects.get())
    sought = transfers.Sought(kind="refund")
    with CaptureQueriesContext(connection) as asked:
        transfers.page(account, timezone.localdate(), sought)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    found = plan(asked.captured_queries[0]["sql"])
    assert "transfer_debit_kind" in found
    assert "transfer_credit_kind" in found
