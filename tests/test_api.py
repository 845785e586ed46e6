"""The JSON answer for a collection number: what docs/api.md promises, and the same figures as the page."""

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from donations import boxes, operations
from donations.models import Fund
from donations.operations import LineIn
from projects import publishing
from tests import cast

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parent.parent / "docs" / "api.md"


def ask(number: str = "47030", query: str = "", status: int = 200) -> dict[str, Any]:
    response = Client().get(f"/api/v1/insamlingar/{number}{query}")
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Content-Type"] == "application/json"
    answer: dict[str, Any] = response.json()
    return answer


def collected(
    number: str, need_kronor: int | None, given_kronor: int, *, title: str = "", slug: str = ""
) -> Fund:
    """A published project's fund, with need and gifts of today."""
    page = cast.project(slug or f"p{number}", title=title or f"Projekt {number}")
    fund = cast.fund(number, page)
    cast.fund_year(fund, None if need_kronor is None else need_kronor * 100, timezone.localdate())
    if given_kronor:
        cast.gift(fund, given_kronor * 100, timezone.localdate())
    cast.publish(page)
    return fund


def move(source: Fund, *parts: tuple[Fund, int]) -> None:
    day = timezone.localdate()

    def year(fund: Fund) -> Any:
        return operations.fund_year(fund, day, cast.ester())

    lines = [LineIn(year(source), year(fund), kronor * 100) for fund, kronor in parts]
    proposal = operations.draft(lines, reason="Behovet är täckt", by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    operations.approve(proposal, by=cast.colleague())


def test_the_example_in_the_documentation_is_what_is_answered() -> None:
    text = DOCUMENT.read_text()
    [(host, path)] = re.findall(r"curl 'http://([^/]+)(/[^']+)'", text)
    promised = json.loads(text.split("```json")[1].split("```")[0])
    with time_machine.travel(datetime.datetime(2024, 10, 1, 10, tzinfo=datetime.UTC), tick=False):
        area = cast.area("vatten-och-halsa", title="Vatten och hälsa")
        cast.publish(area)
        rich = collected("47030", 276_000, 332_028, title="Rent vatten", slug="rent-vatten")
        west = collected("47031", 40_000, 0, title="Brunnar i väst", slug="brunnar-i-vast")
        east = collected("47032", 90_000, 0, title="Brunnar i öst")
        assert east.project
        publishing.unpublish(east.project, by=cast.ester())
        move(rich, (west, 40_000), (east, 16_028))

    response = Client().get(path, headers={"host": host})

    assert response.json() == promised
    assert list(response.json()) == list(promised)
    day_before = ask(query="?dag=2024-09-30")
    assert (day_before["moved_out_ore"], day_before["moved_out_to"]) == (0, [])
    told = set(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    explained = {name for cell in told for name in re.findall(r"`(\w+)`", cell)}
    assert set(promised) - {"number", "day", "currency", "opened_on"} <= explained


def test_the_answer_the_page_and_the_books_have_the_same_figures() -> None:
    cast.area(clause_from=cast.NEW_YEAR)
    rich, poor = collected("47030", 100, 175), collected("47031", 300, 20)
    move(rich, (poor, 60))
    for fund, into, out, left, over, percent in (
        (rich, 0, 60, 0, 15, 115),
        (poor, 60, 0, 220, 0, 26),
    ):
        answer = ask(fund.collection_number)
        assert answer["moved_in_ore"] == into * 100
        assert answer["moved_out_ore"] == out * 100
        assert answer["remaining_ore"] == left * 100
        assert answer["surplus_ore"] == over * 100
        assert answer["percent"] == percent
        assert fund.project
        shown = boxes.boxes([fund.project.pk])[fund.project.pk]
        for name in ("need", "collected", "carried_in", "moved_out", "remaining", "surplus"):
            assert answer[f"{name}_ore"] == getattr(shown.figures, name)
        html = Client().get(f"/projekt/p{fund.collection_number}/").content.decode()
        assert f"<dt>Kvar att samla in</dt><dd>{left}\N{NO-BREAK SPACE}kr</dd>" in html


def test_any_day_can_be_asked_for_and_gives_the_year_that_holds_it() -> None:
    cast.area()
    fund = cast.fund("47030", page := cast.project("brunnar"))
    cast.publish(page)
    cast.fund_year(fund, 100_00)
    cast.gift(fund, 30_00, datetime.date(2024, 5, 1))
    cast.gift(fund, 1, datetime.date(2024, 12, 31))
    cast.gift(fund, 7_00, datetime.date(2025, 1, 1))
    for day, year, collected_ore, need_ore in (
        ("2024-04-30", "2024", 0, 100_00),
        ("2024-05-01", "2024", 30_00, 100_00),
        ("2024-12-31", "2024", 30_01, 100_00),
        ("2025-01-01", "2025", 7_00, None),
        ("2019-01-01", "2019", 0, None),
    ):
        answer = ask(query=f"?dag={day}")
        assert (answer["day"], answer["year"]["name"]) == (day, year)
        assert (answer["collected_ore"], answer["need_ore"]) == (collected_ore, need_ore)
    assert ask(query="?dag=2019-01-01")["year"]["first_day"] is None
    assert ask()["day"] == timezone.localdate().isoformat()


def test_an_unknown_need_makes_what_leans_on_it_null() -> None:
    collected("47030", None, 50)
    answer = ask()
    unknown = ["need_ore", "need_decided_on", "remaining_ore", "surplus_ore", "percent"]
    assert [answer[name] for name in unknown] == [None] * 5
    assert answer["collected_ore"] == 50_00
    assert answer["focus_area"] is None  # not published


def test_a_day_in_a_locked_period_is_final_and_the_next_is_not() -> None:
    collected("47030", 100, 50)
    operations.lock_period(datetime.date(2024, 6, 30), by=cast.ester())
    assert ask(query="?dag=2024-06-30")["final"] is True
    assert ask(query="?dag=2024-07-01")["final"] is False


def test_a_closed_number_names_its_successor_and_an_areas_own_fund_has_no_project() -> None:
    old = collected("47030", 100, 50)
    old.closed_on = timezone.localdate()
    old.save()
    old.successor = Fund.objects.create(
        collection_number="47031",
        project=old.project,
        opened_on=timezone.localdate() + datetime.timedelta(days=1),
    )
    old.save()
    answer = ask()
    assert (answer["closed_on"], answer["successor"]) == (old.closed_on.isoformat(), "47031")
    assert answer["collected_ore"] == 50_00

    area = cast.area("skola", title="Skola")
    cast.fund("47200", area)
    cast.publish(area)
    answer = ask("47200")
    assert answer["project"] is None
    assert answer["focus_area"] == {
        "title": "Skola",
        "url": "http://testserver/fokusomrade/skola/",
    }
    assert answer["need_ore"] == 0


@pytest.mark.parametrize(
    "day", ["", "x", "2024-02-30", "20241031", "2024-10-31T12", "٢٠٢٤-10-31", "2024-1-1", "%00"]
)
def test_a_day_that_cannot_be_read_is_refused_in_swedish(day: str) -> None:
    collected("47030", 100, 50)
    assert ask(query=f"?dag={day}", status=400) == {
        "error": "Skriv dagen med år, månad och dag, till exempel dag=2026-10-31."
    }


def test_tomorrow_has_no_figures() -> None:
    collected("47030", 100, 50)
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    error = ask(query=f"?dag={tomorrow}", status=400)["error"]
    assert error.startswith("Dagen ligger i framtiden.")


@pytest.mark.parametrize("number", ["99999", "4703", "abc", "47030x", "%00", "9" * 300])
def test_an_unknown_number_is_not_found(number: str) -> None:
    collected("47030", 100, 50)
    assert ask(number, status=404)["error"].startswith("Det finns ingen öppet redovisad insamling")


def test_what_is_not_published_is_not_told() -> None:
    fund = collected("47030", 100, 50)
    assert ask()["number"] == "47030"
    assert fund.project
    publishing.unpublish(fund.project, by=cast.ester())
    ask(status=404)


def test_an_answer_may_be_kept_for_a_second_and_is_not_sent_twice() -> None:
    fund = collected("47030", 100, 50)
    first = Client().get("/api/v1/insamlingar/47030")
    assert first.headers["Cache-Control"] == "public, max-age=1"
    assert "Cookie" not in first.headers.get("Vary", "")
    known = {"if-none-match": first.headers["ETag"]}
    assert Client().get("/api/v1/insamlingar/47030", headers=known).status_code == 304
    cast.gift(fund, 1, timezone.localdate())
    assert Client().get("/api/v1/insamlingar/47030", headers=known).status_code == 200
    assert Client().post("/api/v1/insamlingar/47030").status_code == 405


def test_an_answer_costs_as_many_queries_however_many_funds_money_went_to() -> None:
    cast.area(clause_from=cast.NEW_YEAR)
    rich = collected("47030", 100, 900)
    poor = [collected(f"4704{n}", 300, 0) for n in range(4)]
    move(rich, (poor[0], 1))
    with CaptureQueriesContext(connection) as for_one:
        ask()
    move(rich, *((fund, 2) for fund in poor))
    with CaptureQueriesContext(connection) as for_many:
        assert len(ask()["moved_out_to"]) == 4
    assert len(for_many) == len(for_one)
