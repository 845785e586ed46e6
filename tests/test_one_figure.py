"""One figure, one value: wherever a fund's figure is shown, it is what plain SQL says it is.

Of two hundred generated funds over three years, at five dates.
"""

import datetime
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from donations import queries
from donations.models import Transfer
from donations.money import format_amount, format_kronor
from projects.models import Project
from staff.roles import Role
from tests import cast, many_funds
from tests.many_funds import DAYS, FUNDS, TODAY, YEARS, Books, noon
from tests.plain_figures import PlainFigures, plain_figures
from tests.test_finance_pages import text_of

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


def public_words(its: PlainFigures) -> list[str]:
    """What a project's page and the lists have to say of a figure, as they write it."""
    words = [f"Insamlat {format_kronor(its.collected)}"]
    if its.need:
        words += [f"Insamlingsbehov {format_kronor(its.need)}"]
        words += [f"Kvar att samla in {format_kronor(its.remaining or 0)}"]
    if its.need and its.surplus:
        words.append(f"Överskott {format_kronor(its.surplus)}")
    if into := its.moved_in + its.carried_in:
        words.append(f"Flyttat hit {format_kronor(into)}")
    if out := its.moved_out + its.carried_out:
        words.append(f"Flyttat härifrån −{format_kronor(out)}")
    return [plain_blanks(word) for word in words]


@dataclass
class Cells(HTMLParser):
    """The rows of a page's tables, each with the text of its cells by what they are labelled."""

    rows: list[dict[str, str]] = field(default_factory=list)
    label: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append({})
        if tag in ("td", "th"):
            self.label = dict(attrs).get("data-label") or "row"
            if self.rows:
                self.rows[-1].setdefault(self.label, "")
        elif tag == "span" and ("class", "of") in attrs:
            self.label = None  # what stands beside the figure
        elif tag == "svg":
            self.label = None

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.label = None

    def handle_data(self, data: str) -> None:
        if self.label and self.rows:
            self.rows[-1][self.label] += data


def rows_of(response: Any) -> list[dict[str, str]]:
    found = Cells()
    found.feed(response.content.decode())
    return [{name: " ".join(text.split()) for name, text in row.items()} for row in found.rows]


def amount(ore: int | None, unknown: str = "–") -> str:
    return unknown if ore is None else plain_blanks(format_amount(ore))


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
            assert row["Från andra år"] == amount(its.carried_in - its.carried_out), number
            assert row["Omfördelat"] == amount(its.moved_in - its.moved_out), number
        for name, label in (
            ("need", "Behov"),
            ("collected", "Insamlat"),
            ("remaining", "Kvar att samla in"),
            ("surplus", "Överskott"),
        ):
            total = sum(getattr(its, name) or 0 for its in plain.values())
            assert page[-1][label] == amount(total), (label, day)


# As a fund's page calls them, in the table of its years.
ACCOUNT = {
    "Ingående belopp": ("opening", 1),
    "Gåvor": ("gifts", 1),
    "Gåvor som har placerats här": ("placements", 1),
    "Återbetalat till givare": ("refunds", -1),
    "Insamlat": ("collected", 1),
    "Överfört från förra året": ("carried_in", 1),
    "Överfört till nästa år": ("carried_out", -1),
    "Flyttat hit från andra insamlingar": ("moved_in", 1),
    "Flyttat härifrån till andra": ("moved_out", -1),
    "Tillgängligt för årets behov": ("available", 1),
    "Årets behov": ("need", 1),
    "Kvar att samla in": ("remaining", 1),
    "Överskott": ("surplus", 1),
    "Utbetalt till partner": ("disbursed", -1),
    "I kassan": ("cash", 1),
}


def account_of(its: PlainFigures) -> dict[str, str]:
    """What a fund's page has to say of each figure, by what it calls it."""
    amounts = {label: (getattr(its, name), sign) for label, (name, sign) in ACCOUNT.items()}
    return {
        label: "okänt" if ore is None else plain_blanks(format_kronor(sign * ore))
        for label, (ore, sign) in amounts.items()
    }


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


def plain_blanks(text: str) -> str:
    """The text with ordinary blanks, as `text_of` gives a page."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


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
