"""Mistakes planted in the books on purpose, each a switch, to see that the tests find them.

`python -m tests.planted [name …]` plants one at a time, on the database that DATABASE_URL names. The
state machine of tests/books, or for locks the campaign of tests/test_campaign.py, has to find it, and
by the rule that it breaks: a failure of any other kind does not count, and without a mistake the same
seeds have to pass. Beside it stands that the ordinary tests of the changed function pass with it, and
which test, if any, was written for just that rule and knows it. A rule that Python and the database
both keep is planted in both layers, so that neither hides the other's.

Inside a test run this is a pytest plugin: KOLLEKT_PLANTED says what is planted.
"""

import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

MACHINE, CAMPAIGN = "tests/test_books_machine.py", "tests/test_campaign.py"
OPERATIONS = "tests/test_operations.py"
# What is done with a proposal, and at the turn of the year, when nothing stands in the way.
PROPOSING = tuple(
    f"tests/test_reallocation_pages.py::{test}"
    for test in (
        "test_a_proposal_begins_from_a_fund_whose_surplus_can_be_moved",
        "test_a_draft_holds_nothing_and_can_be_changed_submitted_and_then_not_changed",
        "test_another_person_approves_a_part_and_the_page_tells_it_all",
        "test_a_rejection_needs_a_reason_and_can_be_copied_into_a_new_draft",
        "test_a_moved_amount_leads_to_its_reversal_and_then_tells_of_it",
    )
)
DECIDING = "tests/test_turn_of_the_year.py::TestDeciding::"
CARRYING_OVER = (
    DECIDING + "test_the_surplus_is_filled_in_and_carried_over_to_the_same_funds_next_year",
    DECIDING + "test_a_second_click_carries_nothing_over_twice",
)
TWO_PEOPLE = "tests/test_new_guards.py::TestProposals::test_two_people_decide"
HOW_MUCH = "tests/test_ledger_guards.py::TestHowMuch::"
Change = tuple[str, str]


@dataclass(frozen=True)
class Mistake:
    """Text put in place of other text: in functions ("module:name"), and in each database's triggers.

    `rule` is the name, in what the machine says, of the rule that it breaks ("one or another").
    `ordinary` are the tests of what the changed function is for, `known_to` those of just that rule.
    """

    name: str
    rule: str
    python: tuple[tuple[str, str, str], ...] = ()
    sqlite: tuple[Change, ...] = ()
    postgresql: tuple[Change, ...] = ()
    constraint: str = ""
    ordinary: tuple[str, ...] = (OPERATIONS,)
    known_to: tuple[str, ...] = ()
    found_by: str = MACHINE

    @property
    def layers(self) -> str:
        of_database = self.sqlite or self.postgresql or self.constraint
        return " + ".join(["Python"] * bool(self.python) + ["database"] * bool(of_database))


PROPOSALS = "donations.operations.proposals:"
MAY_CARRY = "donations.operations.movements:may_carry_over"
MAY_LEAVE = "figures[line.source_id].may_leave"


def may_leave(limits: str) -> tuple[str, str, str]:
    """What a proposal's source can spare is the least of these, in the figures f, instead."""
    return (
        PROPOSALS + "_limits",
        MAY_LEAVE,
        f"(lambda f: max(0, min({limits})))(figures[line.source_id])",
    )


LOCKED_ROWS = "r.kind NOT IN ('opening', 'gift', 'placement')\n    ) ORDER BY id FOR NO KEY UPDATE"
# Between what a mistake lets others miss and its standing: so that they do, within a minute.
PAUSE = "__import__('time').sleep(3)"
NET = "iif(NEW.reverses_id IS NULL, NEW.{0}, -NEW.{0})"

MISTAKES = [
    Mistake(
        "< for <= at the need",
        "no reason",
        (
            (PROPOSALS + "_refuse_too_much", "amount > max(0, spare", "amount >= max(0, spare"),
            (
                "donations.operations.movements:carry_over",
                "if amount_ore > may",
                "if amount_ore >= may",
            ),
        ),
        (("figures.available >= (", "figures.available > ("),),
        (("figures.available < need.amount_ore", "figures.available <= need.amount_ore"),),
        ordinary=PROPOSING,
        known_to=(CARRYING_OVER[0], HOW_MUCH + "test_no_more_than_the_surplus_moves"),
    ),
    Mistake(
        "wrong year",
        "year",
        (
            (
                PROPOSALS + "_refuse_other_area_or_year",
                "if side.year_id != first.year_id",
                "if False",
            ),
        ),
        ((" AND df.year_id = cf.year_id,", ","),),
        ((" OR df.year_id <> cf.year_id))", "))"),),
        ordinary=PROPOSING,
        known_to=(
            "tests/test_ledger_guards.py::TestWhereTo::test_surplus_stays_within_the_collection_year",
        ),
    ),
    Mistake(
        "held amounts ignored",
        "held",
        ((PROPOSALS + "_limits", "- held[line.source_id].out", ""),),
        (
            (
                "SELECT coalesce(sum(l.amount_ore), 0)\n",
                "SELECT 0 * coalesce(sum(l.amount_ore), 0)\n",
            ),
        ),
        (("need.amount_ore + held.ore", "need.amount_ore"),),
        ordinary=PROPOSING,
        known_to=(
            "tests/test_new_guards.py::TestMoving::test_what_an_earlier_proposal_holds_stays",
        ),
    ),
    Mistake(
        "receiver not looked at again",
        "receiver",
        (
            (
                PROPOSALS + "_refuse_too_much",
                "if amount > max(0, needed[receiver.pk])",
                "if not proposal.submitted_at and amount > max(0, needed[receiver.pk])",
            ),
        ),
        ordinary=PROPOSING,
    ),
    Mistake(
        "approver check only in Python",
        "two people",
        constraint="proposal_two_people",
        ordinary=PROPOSING,
        known_to=(TWO_PEOPLE,),
    ),
    Mistake(
        "approver check nowhere",
        "two people",
        ((PROPOSALS + "approve", "if proposal.by_id == by.pk", "if False"),),
        constraint="proposal_two_people",
        ordinary=PROPOSING,
        known_to=(TWO_PEOPLE,),
    ),
    Mistake(
        "reversal of a reversal",
        "reversal",
        (("donations.operations.corrections:reverse", "if transfer.reverses_id:", "if False:"),),
        (("o.id = NEW.reverses_id AND o.reverses_id IS NULL AND", "o.id = NEW.reverses_id AND"),),
        (("o.reverses_id IS NOT NULL OR o.kind", "o.kind"),),
        ordinary=(
            OPERATIONS + "::TestReverse::test_every_gross_figure_then_reads_as_if_it_never_was",
            OPERATIONS + "::TestReverse::test_a_reversal_comes_no_day_before_what_it_reverses",
        ),
        known_to=(
            OPERATIONS
            + "::TestReverse::test_nothing_is_reversed_twice_and_no_reversal_is_reversed",
        ),
    ),
    Mistake(
        "lock off by a day",
        "locked",
        (
            (
                "donations.operations.ledger:first_open_day",
                "locked + datetime.timedelta(days=1)",
                "locked",
            ),
        ),
        (("NEW.booked_on <= (SELECT max(through)", "NEW.booked_on < (SELECT max(through)"),),
        (("FROM new_rows) <= (SELECT max(through)", "FROM new_rows) < (SELECT max(through)"),),
        known_to=(
            "tests/test_new_guards.py::TestFinishedDays::test_nothing_is_booked_through_the_locked_day",
        ),
    ),
    Mistake(
        "double carry-over",
        "need or cash",
        (
            (
                MAY_CARRY,
                "figures.surplus or 0, figures.cash",
                "(figures.surplus or 0) + figures.carried_out, figures.cash + figures.carried_out",
            ),
        ),
        (
            (
                "sum(iif(t.kind <> 'disbursement', t.in_ore - t.out_ore, 0))",
                "sum(iif(t.kind <> 'disbursement', t.in_ore - iif(t.kind = 'carry_over', 0, t.out_ore), 0))",
            ),
            (
                "sum(t.in_ore - t.out_ore) AS cash",
                "sum(t.in_ore - iif(t.kind = 'carry_over', 0, t.out_ore)) AS cash",
            ),
        ),
        (
            (
                "sum(t.in_ore - t.out_ore)",
                "sum(t.in_ore - CASE t.kind WHEN 'carry_over' THEN 0 ELSE t.out_ore END)",
            ),
        ),
        ordinary=CARRYING_OVER,
    ),
    Mistake(
        "disbursed money moved",
        "cash",
        (may_leave("f.surplus or 0, f.covered"), (MAY_CARRY, "figures.cash", "10**13")),
        (("AND figures.cash >= 0", ""),),
        ((" OR figures.cash < 0", ""),),
        ordinary=PROPOSING + CARRYING_OVER,
        known_to=(HOW_MUCH + "test_no_more_than_the_cash_moves",),
    ),
    Mistake(
        "uncovered gifts moved",
        "covered",
        (may_leave("f.surplus or 0, f.cash"),),
        (
            (
                "AND (figures.covered >= 0 OR (NEW.kind = 'carry_over' AND NEW.covered_ore = 0))",
                "",
            ),
        ),
        (("OR (source.takes_covered AND figures.covered < 0)", ""),),
        ordinary=PROPOSING,
        known_to=(HOW_MUCH + "test_no_more_than_what_a_clause_covers_moves",),
    ),
    Mistake(
        "gross instead of net after a reversal",
        "totals",
        (),
        (
            (NET.format("amount_ore"), "NEW.amount_ore"),
            ("iif(NEW.reverses_id IS NULL, NEW.credit_id, NEW.debit_id)", "NEW.credit_id"),
            ("iif(NEW.reverses_id IS NULL, NEW.debit_id, NEW.credit_id)", "NEW.debit_id"),
        ),
        (
            ("CASE WHEN reverses_id IS NULL THEN amount_ore ELSE -amount_ore END", "amount_ore"),
            ("CASE WHEN reverses_id IS NULL THEN credit_id ELSE debit_id END", "credit_id"),
            ("CASE WHEN reverses_id IS NULL THEN debit_id ELSE credit_id END", "debit_id"),
        ),
        ordinary=(
            OPERATIONS + "::TestGifts",
            OPERATIONS + "::TestRefund::test_a_part_and_then_the_rest_are_paid_back",
        ),
        known_to=(
            OPERATIONS + "::TestReverse::test_every_gross_figure_then_reads_as_if_it_never_was",
        ),
    ),
    Mistake(
        "unknown need taken as 0",
        "unknown need",
        (may_leave("f.available - (f.need or 0), f.cash, f.covered"),),
        (
            ("figures.available >= (", "figures.available >= coalesce(("),
            ("n.id DESC LIMIT 1)\n", "n.id DESC LIMIT 1), 0)\n"),
        ),
        (
            (
                "need.amount_ore IS NULL OR figures.available < need.amount_ore +",
                "figures.available < coalesce(need.amount_ore, 0) +",
            ),
        ),
        ordinary=PROPOSING,
        known_to=(
            "tests/test_figures.py::TestNeed::test_nothing_moves_out_of_a_year_whose_need_is_unknown",
        ),
    ),
    Mistake(
        "moved-in money moved on",
        "covered",
        (may_leave("f.surplus or 0, f.cash, f.covered + f.moved_in"),),
        (
            (
                "iif(t.kind IN ('refund', 'reallocation'), t.out_ore, 0)",
                "iif(t.kind IN ('refund', 'reallocation'), t.out_ore, 0)"
                " + iif(t.kind = 'reallocation', t.in_ore, 0)",
            ),
        ),
        (
            (
                "coalesce(sum(t.covered_in_ore - t.covered_out_ore), 0)",
                "coalesce(sum(t.covered_in_ore - t.covered_out_ore"
                " + CASE t.kind WHEN 'reallocation' THEN t.in_ore ELSE 0 END), 0)",
            ),
        ),
        ordinary=PROPOSING,
        known_to=(HOW_MUCH + "test_what_was_moved_in_is_not_moved_on",),
    ),
    Mistake(
        "refund not locking",
        "",
        (
            ("donations.operations.gifts:refund", "lock([from_year.pk])", "pass"),
            (
                "donations.operations.gifts:refund",
                "return Transfer.objects.get(pk=post([entry], by=by)[0])",
                f"ids = post([entry], by=by); {PAUSE}; return Transfer.objects.get(pk=ids[0])",
            ),
            (
                "donations.operations.ledger:post",
                "(Kind.OPENING, Kind.GIFT, Kind.PLACEMENT)",
                "(Kind.OPENING, Kind.GIFT, Kind.PLACEMENT, Kind.REFUND)",
            ),
        ),
        postgresql=((LOCKED_ROWS, LOCKED_ROWS.replace("'placement'", "'placement', 'refund'")),),
        found_by=CAMPAIGN,
    ),
    Mistake(
        "need change not locking",
        "",
        (
            ("donations.operations.years:set_need", "lock([fund_year.pk])", "pass"),
            (
                "donations.operations.years:set_need",
                'text = _("Best',
                f'{PAUSE}; text = _("Best',
            ),
        ),
        postgresql=(
            (
                "PERFORM 1 FROM donations_fundyear WHERE id = NEW.fund_year_id FOR NO KEY UPDATE;",
                "",
            ),
        ),
        found_by=CAMPAIGN,
    ),
    Mistake(
        "all locks taken out",
        "",
        (
            ("donations.operations.ledger:lock", "list(", "False and list("),
            ("donations.operations.ledger:lock_accounts", "list(", "False and list("),
            ("donations.operations.ledger:_retried", "cursor.execute(wait)", "pass"),
        ),
        postgresql=(
            (" FOR NO KEY UPDATE OF f;", ";"),
            (" FOR NO KEY UPDATE;", ";"),
            ("PERFORM book_among_others();", ""),
            ("PERFORM book_alone();", ""),
        ),
        found_by=CAMPAIGN,
    ),
]
BY_NAME = {mistake.name: mistake for mistake in MISTAKES}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The mistake stands for the duration of the block, in this process and in its database."""
    mistake = BY_NAME[name]
    with pytest.MonkeyPatch.context() as patch:
        for place in dict.fromkeys(place for place, _, _ in mistake.python):
            changes = [(old, new) for there, old, new in mistake.python if there == place]
            _change_python(patch, place, changes)
        with _changed_database(mistake):
            yield


def _change_python(patch: pytest.MonkeyPatch, place: str, changes: list[Change]) -> None:
    """Compile the function anew, with other text, wherever it has been imported."""
    module_name, _, name = place.partition(":")
    owner: Any = importlib.import_module(module_name)
    values = vars(owner)
    *classes, name = name.split(".")
    for within in classes:
        owner = getattr(owner, within)
    original = inspect.getattr_static(owner, name)
    source = textwrap.dedent(inspect.getsource(getattr(original, "fget", original)))
    for old, new in changes:
        assert old in source, (place, old)
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(source, values, made)  # noqa: S102 - our own text
    patch.setattr(owner, name, made[name])
    for module in [m for key, m in sys.modules.items() if key.startswith(("donations", "tests"))]:
        if vars(module).get(name) is original:
            patch.setattr(module, name, made[name])


@contextmanager
def _changed_database(mistake: Mistake) -> Iterator[None]:
    from django.db import connection

    from triggers import registry

    changes = mistake.sqlite if connection.vendor == "sqlite" else mistake.postgresql
    functions, triggers = registry._written(connection.vendor)
    altered: list[tuple[Any, str]] = []
    left = set(changes)
    everything: list[Any] = [*functions, *triggers]
    for written in everything:
        sql = written.sql
        for old, new in changes:
            if old in sql:
                sql = sql.replace(old, new)
                left.discard((old, new))
        if sql != written.sql:
            altered.append((written, sql))
    assert not left, left
    with connection.cursor() as cursor:
        if mistake.constraint and connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 1")
        elif mistake.constraint:
            cursor.execute(f"ALTER TABLE donations_proposal DROP CONSTRAINT {mistake.constraint}")
        for written, sql in altered:
            _put(cursor, written, sql)
    yield
    with connection.cursor() as cursor:
        if mistake.constraint and connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = 0")
        if not connection.in_atomic_block or not connection.needs_rollback:
            for written, _ in altered:
                _put(cursor, written, written.sql)


def _put(cursor: Any, written: Any, sql: str) -> None:
    if sql.startswith("CREATE TRIGGER"):
        cursor.execute(f"DROP TRIGGER {written.name}")
    cursor.execute(sql)


@pytest.fixture(autouse=True)
def _planted(request: pytest.FixtureRequest) -> Iterator[None]:
    """What KOLLEKT_PLANTED says stands in every test that has a database."""
    name, fixtures = os.environ.get("KOLLEKT_PLANTED", ""), set(request.fixturenames)
    marked = request.node.get_closest_marker("django_db")
    if not name or not (marked or fixtures & {"db", "transactional_db"}):
        yield
        return
    transactional = marked and marked.kwargs.get("transaction")
    request.getfixturevalue("transactional_db" if transactional else "db")
    with planted(name):
        yield


@dataclass
class Outcome:
    """How a test run went."""

    code: int
    seconds: float
    output: str = field(repr=False)

    @property
    def last_words(self) -> str:
        """What the failing assertion said."""
        for words in (r"RULE .*", r"(?:assert |Failed|\S+Error).*"):
            if found := re.search(rf"(?m)^E +(?:AssertionError: )?({words})", self.output):
                return found[1]
        return ""

    @property
    def count(self) -> str:
        """How many passed."""
        found = re.search(r"(\d+) passed", self.output)
        return f"{found[1] if found else 0} pass"

    def knows(self, tests: Sequence[str]) -> list[str]:
        """The names of those of the tests that failed."""
        failed = re.findall(r"(?m)^(?:FAILED|ERROR) (\S+)", self.output)
        names = [test.rpartition("::")[2] for test in tests]
        return [
            name
            for test, name in zip(tests, names, strict=True)
            if any(at.partition("[")[0] == test for at in failed)
        ]

    def is_about(self, rule: str) -> bool:
        """Whether it failed, and by this rule."""
        said = re.match(r"RULE ([^:]*):", self.last_words)
        named = said[1].split(", ") if said else []
        return self.code == 1 and (not rule or bool({*rule.split(" or ")} & {*named}))


def run(
    tests: Sequence[str],
    name: str = "",
    *,
    fresh: bool = False,
    all_of_them: bool = False,
    seed: int | None = None,
) -> Outcome:
    """Run tests with the mistake planted; without a name, with none. Ends with the first that fails."""
    started = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--reuse-db", "-p", "tests.planted"),
            *("-p", "no:cacheprovider", *["-x"] * (not all_of_them)),
            *(*["--create-db"] * fresh, *tests),
        ],
        env={"KOLLEKT_EXAMPLES": "40", "KOLLEKT_STEPS": "30", "KOLLEKT_OPERATIONS": "1600"}
        | os.environ
        | {"KOLLEKT_PLANTED": name}
        | ({} if seed is None else {"KOLLEKT_SEED": str(seed)}),
        capture_output=True,
        text=True,
    )
    return Outcome(done.returncode, time.monotonic() - started, done.stdout + done.stderr)


def searched(mistake: Mistake) -> Outcome:
    """What looking for the mistake came to, with the time of every attempt.

    Once for the machine, which draws the same each time. Threads meet by chance: for the campaign, up to five
    seeds, as many as it has to pass without a mistake.
    """
    first, seconds = int(os.environ.get("KOLLEKT_SEED", "0")), 0.0
    last = first + (4 if mistake.found_by == CAMPAIGN else 0)
    for seed in range(first, last + 1):
        found = run([mistake.found_by], mistake.name, seed=seed)
        seconds += found.seconds
        if found.is_about(mistake.rule) or seed == last:
            return replace(found, seconds=seconds)
    raise AssertionError("unreachable")


def main(names: list[str]) -> int:
    """Plant each, print what found it; 1 when something stayed hidden, or is found where nothing is."""
    on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
    chosen = [BY_NAME[name] for name in names] if names else MISTAKES
    if not on_postgresql:
        chosen = [mistake for mistake in chosen if mistake.found_by == MACHINE]
    wrong, is_fresh = 0, True
    for tests in dict.fromkeys(mistake.found_by for mistake in chosen):
        nothing = run([tests], fresh=is_fresh)
        wrong, is_fresh = wrong + bool(nothing.code), False
        passed = "passes" if not nothing.code else f"FAILS: {nothing.last_words}"
        print(f"nothing planted: {tests} {passed}, {nothing.seconds:.0f} s", flush=True)
    print("\n| planted | in | found | by | ordinary tests | known to |\n|---|---|---|---|---|---|")
    for mistake in chosen:
        found = searched(mistake)
        ordinary = run(mistake.ordinary, mistake.name)
        is_found = found.is_about(mistake.rule)
        wrong += not is_found
        known = run(mistake.known_to, mistake.name, all_of_them=True) if mistake.known_to else None
        knowing = ", ".join(known.knows(mistake.known_to)) if known else ""
        said = f"after {found.seconds:.0f} s" if is_found else f"NOT (exit {found.code})"
        wrong += bool(ordinary.code)
        passed = f"FAIL: {ordinary.last_words[:60]}" if ordinary.code else ordinary.count
        by = found.last_words[:90].replace("|", "/")
        print(
            f"| {mistake.name} | {mistake.layers} | {said} | {by} | {passed} | {knowing} |",
            flush=True,
        )
        if not is_found:
            print(found.output[-2000:])
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
