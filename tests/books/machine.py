"""The machine itself: the begun books, and hypothesis drawing what happens to them."""

from collections.abc import Sequence
from typing import ClassVar

import hypothesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.books.begun import begin
from tests.books.rules import Rules
from tests.books.scenes import Scenes
from tests.books.steps import DRAWN, HAPPENINGS


class Books(Scenes, Rules, RuleBasedStateMachine):
    """The books from their first day on, with whatever happens to them."""

    round: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.is_whole, self.steps = True, 0
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()

    def teardown(self) -> None:
        try:
            if self.is_whole:
                self.every_day_and_row_is_as_it_was()
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)
            self.now.stop()

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        self.is_whole = False
        self.steps += 1
        # Hypothesis prefers what comes first: each time, and in each run, something else does.
        first = (self.round + self.steps) * 37 % len(HAPPENINGS)
        what = data.draw(st.sampled_from(HAPPENINGS[first:] + HAPPENINGS[:first]), label="what")
        getattr(self, what)(**data.draw(st.fixed_dictionaries(DRAWN[what]), label="how"))
        self.every_rule_holds()
        self.is_whole = True


# Later examples of one run are mostly earlier ones with parts of them copied over others: new ones
# come from new runs.
AT_A_TIME = 10


def run(examples: int, steps: int, seed: int = 0, phases: Sequence[Phase] = tuple(Phase)) -> None:
    """Let things happen, `examples` times from the first two years on. Raises what goes wrong.

    With the same seed, the same things happen.
    """
    Books.begun = begin()
    Books().teardown()  # every day of them is right before anything has happened
    for place in range(0, examples, AT_A_TIME):
        Books.round = seed * 1000 + place
        run_state_machine_as_test(
            hypothesis.seed(Books.round)(Books),
            settings=settings(
                max_examples=min(AT_A_TIME, examples - place),
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[phase for phase in phases if phase is not Phase.explain],
                report_multiple_bugs=False,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
