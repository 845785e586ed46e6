"""docs/ledger.md tells the truth: its example is carried out as it stands there."""

import re
from pathlib import Path

import pytest
from django.utils import timezone

from donations import operations, queries
from donations.models import FundYear, Proposal, Transfer
from donations.operations import LineIn
from tests import cast

LEDGER = Path(__file__).parent.parent / "docs" / "ledger.md"


def example() -> list[list[str]]:
    """The rows of the table under "An example", cell by cell."""
    text = LEDGER.read_text().split("## An example")[1]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def numbers(text: str) -> list[int]:
    """Amounts in kronor: "40 000 / 90 000" → [40000, 90000]."""
    return [int(found.replace(" ", "")) for found in re.findall(r"\d[\d ]*\d|\d", text)]


@pytest.mark.django_db
def test_the_example_in_the_documentation_is_what_the_books_give() -> None:
    today = timezone.localdate()
    area = cast.area(clause_from=today.replace(month=1, day=1))
    years: list[FundYear] = []
    for number, need, given in (
        ("47030", 276_000, 332_028),
        ("47031", 100_000, 60_000),
        ("47032", 100_000, 10_000),
    ):
        fund = cast.fund(number, cast.project(f"p{number}", area))
        years.append(cast.fund_year(fund, need * 100, today))
        cast.gift(fund, given * 100, today)

    steps = example()
    names = ["start", "proposed", "approved", "reversed", "moved"]
    assert [step.split()[0] for step, *_ in steps] == names
    for step, available, remaining, surplus, movable, neighbours in steps:
        if step.startswith(("proposed", "moved")):
            parts = zip(years[1:], numbers(step), strict=True)
            lines = [LineIn(years[0], receiver, kronor * 100) for receiver, kronor in parts]
            draft = operations.draft(lines, reason="Exempel", by=cast.ester())
            operations.submit(draft, by=cast.ester())
        if step.startswith(("approved", "moved")):
            operations.approve(Proposal.objects.pending().get(), by=cast.colleague())
        if step == "reversed":
            for moved in Transfer.objects.filter(kind=Transfer.Kind.REALLOCATION, reverses=None):
                operations.reverse(moved, booked_on=today, reason="Exempel", by=cast.ester())
        figures = queries.figures_today(years, today)
        source = figures[years[0].pk]
        assert [source.available, source.remaining, source.surplus, source.movable] == [
            kronor * 100
            for cell in (available, remaining, surplus, movable)
            for kronor in numbers(cell)
        ]
        assert [figures[year.pk].remaining for year in years[1:]] == [
            kronor * 100 for kronor in numbers(neighbours)
        ]
