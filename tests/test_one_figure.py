"""One figure, one value: wherever a fund's figure is shown, it is what plain SQL says it is.

Of two hundred generated funds over three years, at five dates.
"""

import datetime
import os
import re
from collections.abc import Iterable, Iterator

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from donations import queries
from donations.models import Transfer
from donations.money import format_kronor
from projects.models import Project
from tests import many_funds
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
        yield many_funds.write(int(os.environ.get("KOLLEKT_SEED", "0")))
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


def some_of(numbers: Iterable[str], day: datetime.date) -> list[str]:
    """All of them in the soak; else a fifth at each date, so that each is looked at on one."""
    first, step = (0, 1) if IS_WHOLE else (DAYS.index(day), len(DAYS))
    return list(numbers)[first::step]


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
