"""Figures come from the daily totals: no page that shows them reads a gift, however many there are.

Left out are pages that rightly list transfers: a fund's own page in finance, and the queue of gifts that
wait.
"""

import datetime
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from donations import boxes, candidates, operations, queries
from donations.models import Fund, FundYear
from donations.operations import LineIn, Part
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Fund:
    """A fund with gifts, one placed in part, a surplus of which a part has been moved, and a neighbour."""
    today, by = timezone.localdate(), cast.ester()
    area = cast.area()
    fund = cast.fund("47030", cast.project("brunnar", area))
    neighbour = cast.fund("47031", cast.project("pumpar", area))
    for page in (area, fund.page, neighbour.page):
        cast.publish(page)
    source = cast.fund_year(fund, 1_000_00, today)
    receiver = cast.fund_year(neighbour, 1_000_00, today)
    cast.gift(fund, 1_500_00, today)
    waited = cast.gift(None, 500_00, today)
    operations.place(waited, [Part(fund, 300_00)], booked_on=today, reason="x", by=by)
    proposal = operations.draft([LineIn(source, receiver, 300_00)], reason="x", by=by)
    operations.approve(operations.submit(proposal, by=by), by=cast.colleague())
    return fund


def ways_to_figures(fund: Fund) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that shows figures, by name."""
    today, fund_years = timezone.localdate(), list(FundYear.objects.all())
    finance, anyone = cast.sign_in(Client(), cast.ester()), Client()
    yield "figures", lambda: queries.figures(fund_years, today)
    yield "figures_today", lambda: queries.figures_today(fund_years, today)
    yield "fund_statuses", lambda: queries.fund_statuses([fund], today)
    yield "area_total", lambda: queries.area_total(fund.area_now.pk, [fund.page.pk], today)
    yield "suspense_balance", queries.suspense_balance
    yield "boxes", lambda: boxes.boxes([fund.page.pk])
    yield "surpluses", lambda: candidates.surpluses(today)
    pages = {
        finance: (
            *("/ekonomi/", "/ekonomi/kvar-att-samla-in/", "/ekonomi/omfordelning/ny/"),
            f"/ekonomi/kvar-att-samla-in/?dag={today - datetime.timedelta(days=1)}&sortera=-kvar",
            f"/ekonomi/resultat/vatten/{today.year}/",
        ),
        anyone: (
            *("/", "/projekt/", "/projekt/?behov=1", "/fokusomrade/vatten/"),
            *("/projekt/brunnar/", "/projekt/pumpar/"),
            *("/api/v1/insamlingar/47030", f"/api/v1/insamlingar/47030?dag={today}"),
        ),
    }
    for client, paths in pages.items():
        for path in paths:
            yield path, partial(_seen, client, path)


def _seen(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200, path


def reads_transfers(sql: str) -> bool:
    """Whether the query reads gifts.

    What has moved is told from the approved lines. Each knows by its one transfer, which a unique
    index finds, on which day: that costs what there are of lines, not of gifts.
    """
    if "donations_payment" in sql:
        return True
    return "donations_transfer" in sql and 'FROM "donations_proposalline"' not in sql


def test_no_page_with_figures_reads_a_gift(books: Fund) -> None:
    found = {}
    for name, look in ways_to_figures(books):
        with CaptureQueriesContext(connection) as asked:
            look()
        assert asked.captured_queries, name
        found[name] = [q["sql"] for q in asked.captured_queries if reads_transfers(q["sql"])]
    assert {name: sql for name, sql in found.items() if sql} == {}


def test_a_query_of_gifts_would_be_seen(books: Fund) -> None:
    with CaptureQueriesContext(connection) as asked:
        cast.sign_in(Client(), cast.ester()).get("/ekonomi/insamling/47030/")
    assert any(reads_transfers(query["sql"]) for query in asked.captured_queries)
