"""What was moved in a year since closed is moved back in the open one: by a proposal that names it."""

import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client

from donations import operations, queries
from donations.models import FundYear, Proposal, Transfer
from donations.operations import Entry, LineIn, OperationError
from tests import cast

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime.date(cast.YEAR + 1, 3, 1)


@pytest.fixture(autouse=True)
def a_year_later() -> Iterator[None]:
    noon = datetime.datetime.combine(NEXT_YEAR, datetime.time(12), datetime.UTC)
    with time_machine.travel(noon, tick=False):
        yield


@dataclass
class Books:
    """600 kr went from the wells to the pumps. This year the pumps have 700 kr too much, the wells lack 500."""

    moved: Transfer
    wells: FundYear
    pumps: FundYear
    last_year: FundYear

    def close(self) -> None:
        operations.close_year(self.last_year.year, by=cast.ester())

    def draft(self, ore: int) -> Proposal:
        line = LineIn(self.pumps, self.wells, ore, corrects=self.moved)
        return operations.draft([line], reason="Fel mottagare", by=cast.ester())

    def move(self, proposal: Proposal) -> Transfer:
        operations.submit(proposal, by=cast.ester())
        [back] = operations.approve(proposal, by=cast.colleague())
        return back

    def available(self) -> list[int]:
        found = queries.figures([self.wells, self.pumps], NEXT_YEAR)
        return [found[year.pk].available for year in (self.wells, self.pumps)]


@pytest.fixture
def books() -> Books:
    area = cast.area("vatten")
    wells = cast.fund("47030", cast.project("brunnar", area))
    pumps = cast.fund("47040", cast.project("pumpar", area))
    before = [cast.fund_year(wells, 0), cast.fund_year(pumps, 1_000_00)]
    cast.gift(wells, 600_00)
    draft = operations.draft([LineIn(before[0], before[1], 600_00)], reason="Prov", by=cast.ester())
    operations.submit(draft, by=cast.ester())
    [moved] = operations.approve(draft, by=cast.colleague())
    wells_now = cast.fund_year(wells, 500_00, NEXT_YEAR)
    pumps_now = cast.fund_year(pumps, 100_00, NEXT_YEAR)
    cast.gift(pumps, 800_00, NEXT_YEAR)
    return Books(moved, wells_now, pumps_now, before[0])


def test_as_much_as_can_be_goes_back_and_names_what_it_puts_right(books: Books) -> None:
    books.close()
    draft = operations.draft_back(books.moved, by=cast.ester())
    assert draft.lines.get().amount_ore == 500_00
    operations.draft(
        [LineIn(books.pumps, books.wells, 500_00, corrects=books.moved)],
        reason="Fel mottagare",
        by=cast.ester(),
        proposal=draft,
    )
    back = books.move(draft)
    assert (back.corrects, back.booked_on) == (books.moved, NEXT_YEAR)
    read = Client().get("/omfordelningar/").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "<strong>Flyttat tillbaka:</strong> 500 kr den 1 mars" in read
    assert "Flyttar tillbaka pengar från omfördelningen den 1 mars" in read
    assert books.available() == [500_00, 300_00]


def test_nothing_goes_back_when_it_is_not_needed_or_cannot_be_spared(books: Books) -> None:
    books.close()
    books.move(books.draft(500_00))
    with pytest.raises(OperationError) as refused:
        operations.draft_back(books.moved, by=cast.ester())
    told = str(refused.value).replace("\N{NO-BREAK SPACE}", " ")
    assert "går 200 kr att flytta" in told
    assert "behöver 0 kr till" in told
    assert "100 kr kvar att flytta tillbaka" in told


def test_while_the_year_is_open_it_is_reversed_instead(books: Books) -> None:
    with pytest.raises(OperationError, match="Rätta omfördelningen i stället"):
        operations.draft_back(books.moved, by=cast.ester())
    books.close()
    with pytest.raises(OperationError, match="är stängt"):
        operations.reverse(books.moved, booked_on=NEXT_YEAR, reason="Fel", by=cast.ester())


@pytest.mark.parametrize("beside", [-1, 0, 1])
def test_no_more_goes_back_than_was_moved(books: Books, beside: int) -> None:
    books.close()
    cast.gift(books.pumps.fund, 1_000_00, NEXT_YEAR)
    operations.set_need(books.wells, 900_00, decided_on=NEXT_YEAR, reason="Mer", by=cast.ester())
    books.move(books.draft(200_00))
    if beside > 0:
        with pytest.raises(OperationError, match="kvar att flytta tillbaka"):
            books.draft(400_00 + beside)
        with pytest.raises(IntegrityError, match="moved back by this"), transaction.atomic():
            by_hand(books, books.pumps, books.wells, 400_00 + beside)
    else:
        books.move(books.draft(400_00 + beside))


def test_what_waits_to_go_back_is_not_offered_twice_nor_forgotten_in_a_copy(books: Books) -> None:
    books.close()
    cast.gift(books.pumps.fund, 1_000_00, NEXT_YEAR)
    operations.set_need(books.wells, 2_000_00, decided_on=NEXT_YEAR, reason="Mer", by=cast.ester())
    first, second = books.draft(600_00), books.draft(600_00)
    operations.submit(first, by=cast.ester())
    with pytest.raises(OperationError, match=r"0.kr kvar att flytta tillbaka"):
        operations.submit(second, by=cast.ester())
    with pytest.raises(OperationError, match=r"0.kr kvar att flytta"):
        operations.draft_back(books.moved, by=cast.ester())
    operations.reject(first, reason="Nej", by=cast.colleague())
    ester = cast.sign_in(Client(), cast.ester())
    ester.post(f"/ekonomi/omfordelning/{first.pk}/kopiera/", {"once": str(uuid.uuid4())})
    copied = Proposal.objects.latest("pk")
    assert [line.corrects for line in copied.lines.all()] == [books.moved]
    operations.submit(second, by=cast.ester())
    # Approved in part, as much as is left waits again.
    [line] = second.lines.all()
    operations.approve(second, by=cast.colleague(), amounts={line.pk: 250_00})
    assert operations.not_moved_back(books.moved) == 350_00
    page = ester.get(f"/ekonomi/omfordelning/{books.moved.line.proposal_id}/")  # type: ignore[union-attr]
    assert f'enligt <a href="/ekonomi/omfordelning/{second.pk}/"' in page.content.decode()


def test_two_that_wait_for_the_same_money_are_approved_for_what_is_left(books: Books) -> None:
    books.close()
    cast.gift(books.pumps.fund, 1_000_00, NEXT_YEAR)
    operations.set_need(books.wells, 2_000_00, decided_on=NEXT_YEAR, reason="Mer", by=cast.ester())
    first, second = books.draft(400_00), books.draft(200_00)
    first, second = (operations.submit(draft, by=cast.ester()) for draft in (first, second))
    assert list(operations.approvable(first).values()) == [400_00]
    assert list(operations.approvable(second).values()) == [200_00]
    operations.approve(second, by=cast.colleague())
    operations.approve(first, by=cast.colleague())
    assert operations.not_moved_back(books.moved) == 0


def test_an_unknown_need_is_said_to_be_unknown(books: Books) -> None:
    books.close()
    after_that = datetime.datetime(cast.YEAR + 2, 1, 2, 12, tzinfo=datetime.UTC)
    with (
        time_machine.travel(after_that),
        pytest.raises(OperationError, match=f"Behovet för .* {cast.YEAR + 2} är inte bestämt"),
    ):
        operations.draft_back(books.moved, by=cast.ester())


def by_hand(
    books: Books, source: FundYear, receiver: FundYear, ore: int, proposed: bool = True
) -> None:
    """A transfer past the operations that claims to correct what was moved, as its line does, if `proposed`."""
    line_id = cast.agreed(source, receiver, ore, corrects=books.moved if proposed else None)
    entry = Entry(
        Transfer.Kind.REALLOCATION,
        operations.account(source).pk,
        operations.account(receiver).pk,
        ore,
        NEXT_YEAR,
        corrects_id=books.moved.pk,
        line_id=line_id,
    )
    operations.post([entry], by=cast.ester())


def test_the_database_lets_nothing_else_name_it(books: Books) -> None:
    with pytest.raises(IntegrityError, match="moved back by this"), transaction.atomic():
        by_hand(books, books.pumps, books.wells, 1_00)  # its year is open still
    books.close()
    area = books.wells.focus_area
    dams = cast.fund_year(cast.fund("47050", cast.project("dammar", area)), 900_00, NEXT_YEAR)
    with pytest.raises(IntegrityError, match="moved back by this"), transaction.atomic():
        by_hand(books, books.pumps, dams, 1_00)
    with pytest.raises(IntegrityError, match="no approved proposal"), transaction.atomic():
        by_hand(books, books.pumps, books.wells, 1_00, proposed=False)


def test_the_way_begins_on_the_old_proposals_page_and_keeps_what_it_is_about(books: Books) -> None:
    ester = cast.sign_in(Client(), cast.ester())
    page = f"/ekonomi/omfordelning/{books.moved.line.proposal_id}/"  # type: ignore[union-attr]
    way = f"/ekonomi/omfordelning/flytta-tillbaka/{books.moved.pk}/"
    assert way not in ester.get(page).content.decode()
    books.close()
    shown = ester.get(page)
    assert way in shown.content.decode()
    assert f"/{books.moved.pk}/reverse/" not in shown.content.decode()
    [(_line, _transfer, form)] = shown.context["moves_back"]
    once = form["once"].value()
    for _click in range(2):
        answer = ester.post(way, {"once": once})
    draft = Proposal.objects.get(submitted_at=None)
    edit = f"/ekonomi/omfordelning/{draft.pk}/andra/"
    shown = ester.get(edit)
    assert "omfördelningen den 1 mars" in shown.content.decode()
    typed = {
        "once": str(uuid.uuid4()),
        "seen": shown.context["seen"],
        "do": "submit",
        "how": "in_order",
        "reason": "Fel mottagare",
        f"amount_{books.wells.pk}": "300",
    }
    answer = ester.post(edit, typed)
    assert answer.status_code == 302
    line = draft.lines.get()
    assert (line.amount_ore, line.corrects) == (300_00, books.moved)
