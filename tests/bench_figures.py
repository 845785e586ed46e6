"""`make bench ARGS=figures`: that figures cost the same however many gifts they come from.

Two books over the same funds, days and kinds, so with equally many daily totals and the same figures
to the öre: one of 10 000 transfers, one of 3 000 000. Everything measured is done in both by turns, in
one process.
"""

import datetime
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from donations import operations, queries
from donations.models import (
    Account,
    CollectionYear,
    DailyTotal,
    Fund,
    FundYear,
    Transfer,
)
from donations.operations import Entry, GiftIn, LineIn
from projects.models import Project
from tests import cast
from tests.test_sie_export import mapped

# How many times the small book's transfers the large one has.
SCALES = {"small": 1, "large": 300}
# On each of thirteen days of a year: a gift to each fund and many more to the first, and one that nobody
# could place at once and that then was placed on the first. 10 000 transfers, times the scale; the first
# fund has a third of them.
DAYS = 13
DAYS_BETWEEN = 24
FUNDS = 500
MORE_TO_THE_FIRST = 267
DAY_ORE = 300_00
AREAS = 4
TURNS = 60
# Seconds that a turn in one book takes at least.
SHORTEST = 0.05
LIMIT = 1.2


@dataclass
class Book:
    """A database with one of the two books, and a signed-in visitor of its pages."""

    name: str
    client: Client
    first: Fund
    fund_year: FundYear
    fund_years: list[FundYear]
    project: Project
    deep_page: str


def measure() -> int:
    """Write both books and compare; give 1 when a limit is not kept."""
    call_command("collectstatic", "--noinput", verbosity=0)
    for name, settings in _places().items():
        connections.settings[name] = settings
    books = []
    for name, scale in SCALES.items():
        with _using(name):
            call_command("migrate", verbosity=0)
            started = time.perf_counter()
            write(scale)
            took = time.perf_counter() - started
            print(f"  {Transfer.objects.count()} transfers written in {took:.0f} s", flush=True)
            call_command("verify_ledger", verbosity=0)
            books.append(open_book(name))
    return compare_all(*books)


def _places() -> dict[str, dict[str, Any]]:
    """The settings of a database for each book, beside the one of the environment."""
    default = connections.settings[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name in SCALES:
                cursor.execute(f"CREATE DATABASE book_{name}")
        return {name: {**default, "NAME": f"book_{name}"} for name in SCALES}
    return {name: {**default, "NAME": f"{default['NAME']}-{name}"} for name in SCALES}


@contextmanager
def _using(name: str) -> Iterator[None]:
    """Let everything that asks for the database get the book's."""
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections[name]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before


def write(scale: int) -> None:
    """Fill an empty database with a book, through the product's own operations."""
    today = timezone.localdate()
    # The twelve months that end with this one: every day of the book and today are in one year.
    first = datetime.date(today.year - (today.month < 12), today.month % 12 + 1, 1)
    last = first.replace(year=first.year + 1) - datetime.timedelta(days=1)
    CollectionYear.objects.create(name="Provår", starts_on=first, ends_on=last)
    funds = list(_funds())
    years = [cast.fund_year(fund, _need(place), today) for place, fund in enumerate(funds)]
    for day in (today - datetime.timedelta(days=DAYS_BETWEEN * i) for i in reversed(range(DAYS))):
        _day(funds, years[0], day, scale)
    # The next but one of the same area, which lacks something.
    _move(years[0], years[2 * AREAS])
    if connection.vendor == "postgresql":
        # As autovacuum does in time. SQLite has nothing of the kind.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _funds() -> Iterator[Fund]:
    areas = [cast.area(f"omrade-{i}") for i in range(AREAS)]
    for area in areas:
        cast.publish(area)
    for i in range(FUNDS):
        project = cast.project(f"projekt-{i}", areas[i % AREAS])
        cast.publish(project)
        yield cast.fund(str(47000 + i), project)


def _need(place: int) -> int:
    """The first has a surplus; of the others half have, and half lack something."""
    if place == 0:
        return 276_000_00
    return DAY_ORE * DAYS * (50 if place // AREAS % 2 else 150) // 100


def _day(funds: list[Fund], first_year: FundYear, day: datetime.date, scale: int) -> None:
    """One day's gifts, in one call, and the placements of those that had to wait."""
    to: list[Fund | None] = [*funds, *[funds[0]] * MORE_TO_THE_FIRST, None]
    ore, author = DAY_ORE // scale, cast.ester()
    gifts = [
        GiftIn(fund, ore, day, "bankgiro", "Påhittad Givare", "Till projektet")
        for _ in range(scale)
        for fund in to
    ]
    ids = operations.post_gifts(gifts, bank=cast.bank(), by=author)
    waiting = ids[len(to) - 1 :: len(to)]
    payments = Transfer.objects.filter(pk__in=waiting).values_list("payment_id", flat=True)
    suspense = operations.single_account(Account.Kind.SUSPENSE)
    account = operations.account(first_year)
    operations.post(
        [
            Entry(
                kind=Transfer.Kind.PLACEMENT,
                debit_id=suspense.pk,
                credit_id=account.pk,
                amount_ore=ore,
                covered_ore=ore,
                booked_on=day,
                payment_id=payment,
                reason="Givaren ringde",
            )
            for payment in payments
        ],
        by=author,
    )


def _move(source: FundYear, receiver: FundYear) -> None:
    """A part of the first fund's surplus goes to another in its area, so that pages have a move to show."""
    line = LineIn(source=source, receiver=receiver, amount_ore=1_000_00, reason="Likt")
    proposal = operations.draft([line], reason="Överskott", by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    operations.approve(proposal, by=cast.colleague())


def open_book(name: str) -> Book:
    """The book in the database that is used now."""
    first = Fund.objects.select_related("project__focus_area").get(collection_number="47000")
    fund_years = list(FundYear.objects.select_related("year", "fund").order_by("pk"))
    assert first.project
    client = cast.sign_in(Client(), cast.ester())
    return Book(
        name=name,
        client=client,
        first=first,
        fund_year=fund_years[0],
        fund_years=fund_years,
        project=first.project,
        deep_page=_deep_page(client),
    )


def _deep_page(client: Client) -> str:
    """The address that leads on from the middle of the year's transfers in the first fund."""
    today = timezone.localdate()
    middle = today - (today - today.replace(month=1, day=1)) / 2
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        html = client.get(f"/ekonomi/insamling/47000/?till={middle}").content.decode()
    return unescape(html.partition('rel="next" href="')[2].partition("#")[0])


def compare_all(small: Book, large: Book) -> int:
    """Print the ratio of everything that shows figures; 1 when one is above its limit."""
    today = timezone.localdate()
    compared = []
    for book in (small, large):
        with _using(book.name):
            shown = queries.figures_today(book.fund_years, today).values()
            plain = [(f.need, f.collected, f.available, f.covered, f.movable) for f in shown]
            compared.append((plain, DailyTotal.objects.count(), queries.suspense_balance()))
    assert compared[0] == compared[1], "the books are not alike"
    print(
        f"  {len(small.fund_years)} funds, {compared[0][1]} daily totals in each book; medians of"
        f" {TURNS} turns; load {os.getloadavg()[0]:.0f}"
    )

    def page(path: str) -> Callable[[Book], None]:
        def get(book: Book) -> None:
            assert book.client.get(path).status_code == 200, path

        return get

    works: dict[str, Callable[[Book], Any]] = {
        "figures of one fund's year": lambda book: queries.figures([book.fund_year], today),
        "figures of all today": lambda book: queries.figures_today(book.fund_years, today),
        "one fund's status": lambda book: queries.fund_statuses([book.first], today),
        "what waits on suspense": lambda book: queries.suspense_balance(),
        "finance's start page": page("/ekonomi/"),
        "what is left to collect": page("/ekonomi/kvar-att-samla-in/"),
        "what was left to collect a month ago": page(
            f"/ekonomi/kvar-att-samla-in/?dag={today - datetime.timedelta(days=31)}"
        ),
        "the surpluses": page("/ekonomi/omfordelning/ny/"),
        "a project's public page": page(small.project.get_absolute_url()),
        "the API": page("/api/v1/insamlingar/47000"),
        "the largest fund, newest transfers": page("/ekonomi/insamling/47000/"),
        "the largest fund, in the middle": lambda book: page(
            f"/ekonomi/insamling/47000/{book.deep_page}"
        )(book),
        "the largest fund, a kind it has none of": page("/ekonomi/insamling/47000/?slag=refund"),
        "the largest fund, a rare kind": page("/ekonomi/insamling/47000/?slag=reallocation"),
        "the queue of gifts that wait, empty": page("/ekonomi/oplacerade/"),
    }
    # Which gifts wait is found among all that ever did: 101 and 30 001. It is no figure of a fund.
    waiting, queue = "finance's start page while a gift waits", "the queue with that gift"
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        kept = [_compare(name, work, small, large) <= LIMIT for name, work in works.items()]
        for book in (small, large):
            with _using(book.name):
                cast.gift(None, 500_00, today)
        kept.append(_compare(waiting, page("/ekonomi/"), small, large) <= LIMIT)
        _compare(queue, page("/ekonomi/oplacerade/"), small, large, has_limit=False)
    for book in (small, large):
        _export(book)
    return 0 if all(kept) else 1


def _export(book: Book) -> None:
    """Tell what it takes to export the whole year to the general ledger: it walks the year's transfers once."""
    year = book.fund_year.year
    with _using(book.name):
        mapped()
        started = time.perf_counter()
        made = operations.export_sie(year.starts_on, timezone.localdate(), by=cast.ester())
        took = time.perf_counter() - started
    print(f"  {made.transfers} transfers exported in {took:.1f} s; no limit", flush=True)


def _compare(
    name: str, work: Callable[[Book], Any], small: Book, large: Book, *, has_limit: bool = True
) -> float:
    """Do the work in both books by turns; tell and give the median of the turns' ratios."""
    # Short work is done several times in a row: else the machine's other work decides.
    for book in (small, large):
        _took(work, book, 1)
    times = max(1, round(SHORTEST / min(_took(work, small, 1), _took(work, large, 1))))
    pairs = []
    for turn in range(TURNS):
        # Each book comes first every other time.
        in_order = (small, large) if turn % 2 else (large, small)
        took = {book.name: _took(work, book, times) for book in in_order}
        pairs.append((took[small.name], took[large.name]))
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    in_small, in_large = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    verdict = f"limit {LIMIT}: {'kept' if ratio <= LIMIT else 'NOT KEPT'}"
    print(
        f"  {name}: {in_small:.2f} ms and {in_large:.2f} ms, ratio {ratio:.2f};"
        f" {verdict if has_limit else 'no limit'}",
        flush=True,
    )
    return ratio


def _took(work: Callable[[Book], Any], book: Book, times: int) -> float:
    """The seconds that the work takes in a book, on average of so many times in a row."""
    with _using(book.name):
        started = time.perf_counter()
        for _ in range(times):
            work(book)
        return (time.perf_counter() - started) / times
