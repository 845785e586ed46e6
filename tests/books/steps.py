"""How a step is drawn and carried out: refused when it breaks a rule, else it writes just what was foreseen."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from django.db import IntegrityError, connection, transaction
from hypothesis import strategies as st

from donations.models import Transfer
from donations.operations import OperationError
from tests.books.begun import DAY, Row
from tests.books.forecasts import Forecasts

T = TypeVar("T")
PICK = st.integers(0, 9999)
NEAR = st.sampled_from([-1, 0, 0, 0, 1])
SMALL = st.integers(1, 60)

# What can happen, as often as its weight says, and what each draws. One rule draws among them:
# hypothesis leaves rules out at random, and most here mean nothing without the others.
HAPPENINGS: list[str] = []
DRAWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {}


def happens(weight: int, **drawn: st.SearchStrategy[Any]) -> Callable[[T], T]:
    def take(method: T) -> T:
        name = method.__name__  # type: ignore[attr-defined]
        HAPPENINGS.extend([name] * weight)
        DRAWN[name] = drawn
        return method

    return take


class Undone(Exception):
    """Takes back what a step wrote by hand."""


EVERYTHING = """
    SELECT (SELECT count(*) FROM donations_transfer), (SELECT count(*) FROM donations_need),
           (SELECT count(*) FROM donations_payment), (SELECT count(*) FROM donations_fundyear),
           (SELECT count(*) FROM donations_collectionyear), (SELECT count(*) FROM donations_donoranswer),
           (SELECT count(*) FROM donations_periodlock), (SELECT count(*) FROM donations_yearclosing),
           (SELECT count(*) FROM donations_leftsurplus), (SELECT count(*) FROM donations_proposal),
           (SELECT count(*) FROM donations_proposal WHERE submitted_at IS NOT NULL),
           (SELECT count(*) FROM donations_proposal WHERE decision <> ''),
           (SELECT sum(amount_ore) FROM donations_proposalline),
           (SELECT sum(approved_ore) FROM donations_proposalline),
           (SELECT sum(in_ore) FROM donations_dailytotal), (SELECT count(*) FROM staff_event)
"""


class Steps(Forecasts):
    """A step with its forecast, and the books compared before and after."""

    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.sealed: dict[int, tuple[int, ...]] = {}  # figures on the last locked day
        self.settled: dict[int, int | None] = {}  # needs of closed years

    @contextmanager
    def step(self, name: str, broken: Sequence[str], *rows: Row) -> Iterator[None]:
        """Run a step that should be refused when it breaks rules, and else write exactly these rows."""
        before, rules = self.everything() if broken else None, ", ".join(broken) or "no reason"
        try:
            yield
        except OperationError as error:
            if not broken:
                raise AssertionError(f"RULE no reason: {name} was refused: {error}") from error
            assert self.everything() == before, f"RULE whole: {name} left something behind"
        except IntegrityError as error:
            raise AssertionError(
                f"RULE {rules}: {name} got as far as the database: {error}"
            ) from error
        else:
            assert not broken, f"RULE {rules}: {name} was let through"
            self.wrote(name, rows)
        finally:
            self.forget()
        self.done[f"{name}{' refused' if broken else ''}"] += 1

    @contextmanager
    def by_hand(self, name: str, broken: Sequence[str]) -> Iterator[None]:
        """Write past the operations; what the database lets through is taken back again."""
        before, error, rules = self.everything(), None, ", ".join(broken) or "no reason"
        try:
            with transaction.atomic():
                yield
                raise Undone
        except IntegrityError as refusal:
            error = refusal
        except Undone:
            pass
        said = error or "let through"
        assert bool(error) == bool(broken), f"RULE {rules}: {name} by hand: {said}"
        assert self.everything() == before
        self.done[f"{name} by hand{' refused' if broken else ''}"] += 1

    def wrote(self, name: str, rows: Sequence[Row]) -> None:
        new = list(
            Transfer.objects.filter(pk__gt=self.last_row)
            .order_by("pk")
            .values_list("pk", "kind", "debit", "credit", "amount_ore", "booked_on", "reverses")
        )
        early = [row for row in new if row[5] < self.first_open]
        assert not early, f"RULE locked: {name} was booked on a locked day: {early}"
        written = [row[1:6] for row in new], {row[6] for row in new}
        expected = [row[:5] for row in rows], {row[5] for row in rows}
        same = sorted(written[0]) == sorted(expected[0]) and written[1] == expected[1]
        assert same, f"RULE rows: {name} wrote {written}, not {expected}"
        self.kept += [tuple(row[1:]) for row in new]  # type: ignore[misc]
        self.last_row = new[-1][0] if new else self.last_row

    @staticmethod
    def everything() -> tuple[Any, ...]:
        with connection.cursor() as cursor:
            cursor.execute(EVERYTHING)
            return cursor.fetchone()

    def seal(self, through: datetime.date) -> None:
        """From now on the figures of the last locked day are final."""
        self.what_is_locked_stays()
        self.first_open = max(self.first_open, through + DAY)
        self.sealed = self.final_figures()

    def final_figures(self) -> dict[int, tuple[int, ...]]:
        """What no longer changes once its day is locked: everything but the needs."""
        return {
            pk: (f.collected, f.available, f.cash, f.covered)
            for pk, f in self.figures_on(self.first_open - DAY).items()
        }

    def what_is_locked_stays(self) -> None:
        if self.sealed:
            now = self.final_figures()
            now = {pk: now[pk] for pk in self.sealed}
            assert now == self.sealed, f"RULE final: {now}, not {self.sealed}"
