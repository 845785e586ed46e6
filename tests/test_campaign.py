"""16 people at once do everything to the same books, and no rule of money is broken.

Few operations in `make test`; in the soak KOLLEKT_OPERATIONS=10000, with another KOLLEKT_SEED each
time. `python -m tests.planted` sees that it fails when the locks are taken out.
"""

import datetime
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.db.models import Count, Sum
from django.utils import timezone

from donations import operations, queries, totals
from donations.models import (
    Account,
    DonorAnswer,
    Fund,
    FundYear,
    Need,
    PeriodLock,
    Proposal,
    ProposalLine,
    Transfer,
)
from donations.operations import GiftIn, LineIn, OperationError, Part
from staff import audit
from tests import cast
from tests.plain_figures import PlainFigures, balances, plain_figures
from tests.test_books_machine import BROKEN, DAY

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]
Kind = Transfer.Kind
PEOPLE = 16
COUNT = int(os.environ.get("KOLLEKT_OPERATIONS", "320"))
SEED = int(os.environ.get("KOLLEKT_SEED", "0"))
# How often each is tried, of about a hundred; and the least, per cent of all, that each has to be
# carried out in a long run.
OFTEN = {
    "gifts": 6,
    "split": 4,
    "place": 6,
    "refund": 7,
    "reverse": 6,
    "pay": 5,
    "need": 8,
    "carry_over": 5,
    "answer": 5,
    "propose": 20,
    "approve": 13,
    "reject": 7,
    "withdraw": 7,
    "lock": 4,
}
LEAST = 1.5
LONG = 2000


class Log:
    """What one person has been told: how many of each were carried out, and what was booked."""

    def __init__(self, aloud: Callable[[list[Any]], None] = lambda rows: None) -> None:
        self.aloud = aloud
        self.done: Counter[str] = Counter()
        self.told: dict[tuple[str, int], str] = {}
        self.sealed: dict[datetime.date, dict[str, int]] = {}
        self.odd: list[str] = []

    def tell(self, what: str, rows: dict[int, Any]) -> None:
        self.told |= {(what, pk): str(value) for pk, value in rows.items()}
        self.aloud([[what, pk, str(value)] for pk, value in rows.items()])

    def booked(self, *transfers: Transfer) -> None:
        self.tell("transfer", {transfer.pk: transfer.amount_ore for transfer in transfers})


class Nothing(Exception):
    """There was nothing to do it to."""


class Campaign:
    """Books with surpluses this year and last, and what anybody may do to them at any moment."""

    def __init__(self) -> None:
        """Find the books that `begin` has made."""
        self.today = timezone.localdate()
        self.new_year = datetime.date(self.today.year - 1, 1, 1)  # of the year before this one
        self.people = [cast.ester(), cast.colleague()]
        self.bank = cast.bank()
        self.funds = list(Fund.objects.order_by("pk"))
        years = FundYear.objects.select_related("year", "fund").order_by("pk")
        self.years = list(years.filter(year__ends_on__gte=self.today))
        self.old = list(years.filter(year__ends_on__lt=self.today))

    @classmethod
    def begin(cls) -> "Campaign":
        """Make the books. A clause covers the gifts of today alone: of earlier ones donors are asked."""
        today = timezone.localdate()
        area = cast.area(clause_from=today)
        for n in range(1, 9):
            cast.fund(f"470{n}0", cast.project(f"p{n}", area))
        for kind in (Account.Kind.SUSPENSE, Account.Kind.PARTNERS, Account.Kind.START):
            operations.single_account(kind)
        books, log = cls(), Log()
        for fund, need in zip(books.funds, [200] * 4 + [600] * 4, strict=True):
            for day in (today, books.new_year):
                books.decide(operations.fund_year(fund, day, books.people[0]), need, log)
                books.give([(fund, 360)], day, log)
        operations.lock_period(books.new_year - DAY, by=books.people[0])
        return cls()

    def something(self, dice: random.Random, log: Log) -> None:
        """One operation, drawn. What is refused is no failure; what dies in a deadlock is."""
        [name] = dice.choices(list(OFTEN), list(OFTEN.values()))
        try:
            getattr(self, name)(dice, log)
        except Nothing:
            name += " (nothing there)"
        except OperationError:
            name += " refused"
        except IntegrityError as error:
            # Two at once can get past what Python looks at; what stops them is a rule of the books.
            name += " stopped"
            if not any(word in str(error) for word in ("movable surplus", "locked period")):
                log.odd.append(str(error))
        log.done[name] += 1

    def give(self, gifts: list[tuple[Fund | None, int]], day: datetime.date, log: Log) -> list[int]:
        given = [GiftIn(fund, ore, day, Fund.Channel.SWISH) for fund, ore in gifts]
        ids = operations.post_gifts(given, bank=self.bank, by=self.people[0])
        ores = (gift.amount_ore for gift in given)
        log.tell("transfer", dict(zip(ids, ores, strict=True)))
        return ids

    def decide(self, year: FundYear, ore: int, log: Log) -> None:
        need = operations.set_need(
            year, ore, decided_on=self.today, reason="Beslut", by=self.people[0]
        )
        log.tell("need", {need.pk: ore})

    def day(self, dice: random.Random) -> datetime.date:
        """Today, or the day that somebody is about to lock."""
        return dice.choice([self.today, operations.first_open_day()])

    def pick(self, dice: random.Random, rows: Any, most: int = 20) -> Any:
        """One of the last rows."""
        if found := list(rows.order_by("-pk")[:most]):
            return dice.choice(found)
        raise Nothing

    def gifts(self, dice: random.Random, log: Log) -> None:
        gifts = [(dice.choice(self.funds), dice.randint(1, 60)) for _ in range(dice.randint(2, 6))]
        self.give([*gifts], self.day(dice), log)

    def split(self, dice: random.Random, log: Log) -> None:
        parts = [Part(fund, dice.randint(1, 9)) for fund in dice.sample(self.funds, 2)]
        ore = sum(part.amount_ore for part in parts)
        given = GiftIn(None, ore, self.day(dice), Fund.Channel.SWISH, message="Delad")
        placed = operations.split_gift(
            given, parts, bank=self.bank, reason="Delad", by=self.people[0]
        )
        log.booked(*placed)
        log.booked(
            Transfer.objects.get(payment=placed[0].payment_id, kind=Kind.GIFT, reverses=None)
        )

    def place(self, dice: random.Random, log: Log) -> None:
        self.give([(None, 9)], self.today, log)
        unplaced = Transfer.objects.filter(
            kind=Kind.GIFT, reverses=None, reversal=None, credit__kind=Account.Kind.SUSPENSE
        )
        parts = [Part(dice.choice(self.funds), dice.randint(1, 9))]
        log.booked(
            *operations.place(
                self.pick(dice, unplaced, 4),
                parts,
                booked_on=self.today,
                reason="Rätt",
                by=self.people[0],
            )
        )

    def refund(self, dice: random.Random, log: Log) -> None:
        on = Account.Kind.FUND if dice.random() < 0.9 else Account.Kind.SUSPENSE
        gifts = Transfer.objects.filter(kind=Kind.GIFT, reverses=None, credit__kind=on)
        gift = self.pick(dice, gifts)
        ore = dice.randint(1, gift.amount_ore)
        log.booked(
            operations.refund(gift, ore, booked_on=self.today, reason="Ånger", by=self.people[0])
        )

    def reverse(self, dice: random.Random, log: Log) -> None:
        rows = Transfer.objects.filter(reverses=None, kind=dice.choice(list(Kind)))
        log.booked(
            operations.reverse(
                self.pick(dice, rows), booked_on=self.today, reason="Fel", by=self.people[0]
            )
        )

    def pay(self, dice: random.Random, log: Log) -> None:
        day = self.day(dice)
        years = self.years if day == self.today else self.old
        log.booked(
            operations.disburse(
                dice.choice(years),
                dice.randint(1, 9),
                booked_on=day,
                reason="Till partnern",
                by=self.people[0],
            )
        )

    def need(self, dice: random.Random, log: Log) -> None:
        """What has come in and some more, or less: so that there is surplus, and somewhere to move it."""
        year = dice.choice(self.years + self.old)
        available = queries.figures([year], self.today)[year.pk].available
        lacking = year in self.years[4:]
        by = dice.randint(-9, 300) if lacking else dice.randint(-300, 9)
        self.decide(year, max(0, available + by), log)

    def carry_over(self, dice: random.Random, log: Log) -> None:
        found = queries.figures_today(self.old, self.today)
        year = max(self.old, key=lambda y: operations.may_carry_over(found[y.pk]) + dice.random())
        most = operations.may_carry_over(found[year.pk])
        ore = max(1, min(most, dice.choice([most, most, 5])))
        log.booked(
            operations.carry_over(
                year, ore, booked_on=self.today, reason="Nytt år", by=self.people[0]
            )
        )

    def answer(self, dice: random.Random, log: Log) -> None:
        uncovered = Transfer.objects.filter(
            kind__in=[Kind.GIFT, Kind.PLACEMENT], covered_ore=0, reverses=None, reversal=None
        ).filter(credit__kind=Account.Kind.FUND)
        answer = operations.record_answer(
            self.pick(dice, uncovered),
            dice.random() < 0.8,
            asked_by="E",
            answered_on=self.today,
            by=self.people[0],
        )
        log.tell("answer", {answer.pk: answer.covered_ore})

    def propose(self, dice: random.Random, log: Log) -> None:
        found = queries.figures_today(self.years, self.today)
        held = queries.pending(year.pk for year in self.years)
        lacks = {y: (found[y.pk].remaining or 0) - held[y.pk].into for y in self.years}
        spare = {y: found[y.pk].movable for y in self.years}
        source = dice.choice([y for y in self.years if spare[y] > 0] or self.years)
        others = [y for y in self.years if y != source]
        receiver = dice.choice([y for y in others if lacks[y] > 0] or others)
        most = min(spare[source], lacks[receiver])
        line = LineIn(source, receiver, max(1, min(most, dice.choice([most, most, 5]))))
        by = dice.choice(self.people)
        proposal = operations.submit(operations.draft([line], reason="Behövs", by=by), by=by)
        log.tell("proposal", {proposal.pk: line.amount_ore})

    def waiting(self, dice: random.Random) -> Proposal:
        if found := list(Proposal.objects.pending().order_by("pk")[:12]):
            return dice.choice(found)
        raise Nothing

    def other(self, dice: random.Random, proposal: Proposal) -> Any:
        """Somebody else than the proposer, as a rule."""
        others = [person for person in self.people if person != proposal.by]
        return dice.choice([*others * 9, proposal.by])

    def approve(self, dice: random.Random, log: Log) -> None:
        proposal = self.waiting(dice)
        amounts: dict[int, int] | None = operations.approvable(proposal)
        if amounts and not any(amounts.values()):
            # Nothing is left of it: what is approved is another one, if it is this one's turn.
            proposal = self.waiting(dice)
            amounts = operations.approvable(proposal)
        if dice.random() < 0.2:
            amounts = None
        by = self.other(dice, proposal)
        log.booked(*operations.approve(proposal, by=by, amounts=amounts))
        log.tell("decision", {proposal.pk: "approved"})

    def reject(self, dice: random.Random, log: Log) -> None:
        proposal = self.waiting(dice)
        operations.reject(proposal, reason="Nej", by=self.other(dice, proposal))
        log.tell("decision", {proposal.pk: "rejected"})

    def withdraw(self, dice: random.Random, log: Log) -> None:
        proposal = self.waiting(dice)
        operations.withdraw(proposal, by=proposal.by)
        log.tell("decision", {proposal.pk: "withdrawn"})

    def lock(self, dice: random.Random, log: Log) -> None:
        through = operations.first_open_day()
        lock = operations.lock_period(through, by=self.people[0])
        log.tell("lock", {lock.pk: through})
        log.sealed[through] = locked_rows(through)


def locked_rows(through: datetime.date) -> dict[str, int]:
    """How many rows stand on the days up to and with `through`, and their öre."""
    found = Transfer.objects.filter(booked_on__lte=through)
    return found.aggregate(rows=Count("pk"), ore=Sum("amount_ore", default=0))


def standing() -> dict[tuple[str, int], str]:
    """Everything that can be told of, as it stands: what is told and does not stand is lost."""
    rows = {
        "transfer": Transfer.objects.values_list("pk", "amount_ore"),
        "need": Need.objects.values_list("pk", "amount_ore"),
        "answer": DonorAnswer.objects.values_list("pk", "covered_ore"),
        "lock": PeriodLock.objects.values_list("pk", "through"),
        "proposal": ProposalLine.objects.exclude(proposal__submitted_at=None).values_list(
            "proposal_id", "amount_ore"
        ),
        "decision": Proposal.objects.exclude(decision="").values_list("pk", "decision"),
    }
    return {(what, pk): str(value) for what, of in rows.items() for pk, value in of}


def breaches() -> list[str]:
    """Every rule that the books as they stand break, and where, replayed as they were written."""
    with connection.cursor() as cursor:
        found = [f"totals: {line}" for line in totals.differences()]
        for name, sql in BROKEN.items():
            cursor.execute(sql)
            found += [f"{name}: {row}" for row in cursor.fetchall()]
    today = timezone.localdate()
    plain, years = plain_figures(today), list(FundYear.objects.all())
    for pk, figures in queries.figures(years, today).items():
        for name in PlainFigures.__annotations__:
            ours, theirs = getattr(figures, name), getattr(plain[pk], name)
            if ours != theirs:
                found.append(f"figures: {name} of {pk} is {ours}, plain SQL says {theirs}")
    if sum(balances(today).values()):
        found.append("conservation: the accounts do not sum to 0")
    return found + Replay().breaches()


class Replay:
    """The books written anew, row by row, to see what each left where it came from.

    Whoever lessens a fund year holds it from before its row is numbered and timed until it stands. So
    the rows of one fund year are numbered, and its needs, answers and decisions timed, in the order
    they took effect. Gifts wait for nobody: one numbered earlier may stand later, never the other
    way round, so a replayed figure is at least what the database saw.
    """

    def __init__(self) -> None:
        self.available: Counter[int] = Counter()
        self.cash: Counter[int] = Counter()
        self.covered: Counter[int] = Counter()
        self.needs = list(Need.objects.order_by("decided_on", "pk"))
        self.answers = list(DonorAnswer.objects.select_related("transfer").order_by("pk"))
        self.lines = list(
            ProposalLine.objects.exclude(proposal__submitted_at=None).select_related()
        )
        self.line_of = {line.pk: line for line in self.lines}
        self.year_of = dict(Account.objects.values_list("pk", "fund_year_id"))

    def breaches(self) -> list[str]:
        found = []
        for row in Transfer.objects.order_by("pk"):
            self.write(row)
            if row.kind in (Kind.REALLOCATION, Kind.CARRY_OVER) and not row.reverses_id:
                found += [f"{said}, row {row.pk}" for said in self.left_by(row)]
        return found

    def write(self, row: Transfer) -> None:
        for account, ore in ((row.debit_id, -row.amount_ore), (row.credit_id, row.amount_ore)):
            self.cash[account] += ore
            if row.kind != Kind.DISBURSEMENT:
                self.available[account] += ore
        sign, into, out = 1, row.credit_id, row.debit_id
        if row.reverses_id:
            sign, into, out = -1, out, into
        self.covered[into] += sign * row.covered_ore
        if row.kind == Kind.CARRY_OVER:
            self.covered[out] -= sign * row.covered_ore
        elif row.kind in (Kind.REFUND, Kind.REALLOCATION):
            self.covered[out] -= sign * row.amount_ore

    def left_by(self, row: Transfer) -> list[str]:
        """What a reallocation or carry-over broke at the moment it was written."""
        source, year, when = row.debit_id, self.year_of[row.debit_id], row.created_at
        need = [
            need.amount_ore
            for need in self.needs
            if need.fund_year_id == year and need.created_at < when
        ][-1]
        line = self.line_of[row.line_id] if row.line_id else None
        held = sum(self.held(other, line, when) for other in self.lines if other.source_id == year)
        covered = self.covered[source] + sum(
            answer.covered_ore
            for answer in self.answers
            if answer.transfer.credit_id == source and answer.created_at < when
        )
        available, cash = self.available[source], self.cash[source]
        found = []
        if available < need:
            found.append(f"below need: {available} left of {need}")
        elif available < need + held:
            found.append(f"held: {available} left of {need} and {held} held")
        if cash < 0:
            found.append(f"cash: {cash} left")
        if covered < 0 and (line or row.covered_ore):
            found.append(f"covered: {covered} left")
        if line and line.need_ore != need:
            found.append(f"need: {line.need_ore} was copied, {need} was in force")
        return found

    @staticmethod
    def held(line: ProposalLine, own: ProposalLine | None, when: datetime.datetime) -> int:
        """What a line held at a moment from what is moved by the line `own`, or carried over."""
        proposal = line.proposal
        if own:
            earlier = (proposal.submitted_at, proposal.pk) < (
                own.proposal.submitted_at,
                own.proposal_id,
            )
        else:
            earlier = proposal.submitted_at is not None and proposal.submitted_at < when
        waits = proposal.decided_at is None or proposal.decided_at > when
        return line.amount_ore if earlier and waits else 0


def together(work: Callable[[int], Any]) -> list[Any]:
    start = threading.Barrier(PEOPLE)

    def one(number: int) -> Any:
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT 1")
            start.wait(timeout=60)
            return work(number)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(PEOPLE) as threads:
        return list(threads.map(one, range(PEOPLE)))


def lingering(seconds: float) -> Callable[..., Any]:
    """`audit.record`, and a pause after the rows are written and before they stand.

    So others meet them half-way.
    """
    recorded = audit.record

    def record(*args: Any, **kwargs: Any) -> Any:
        event = recorded(*args, **kwargs)
        if random.random() < 0.3:
            time.sleep(random.random() * seconds)
        return event

    return record


def test_whatever_16_people_do_at_once_no_rule_of_money_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    books = Campaign.begin()
    before, retried = standing(), []

    def see(seconds: float) -> None:
        retried.append(str(sys.exc_info()[1]))
        time.sleep(seconds)

    monkeypatch.setattr(audit, "record", lingering(0.01))
    monkeypatch.setattr("donations.operations.ledger.time", SimpleNamespace(sleep=see))

    def work(number: int) -> Log:
        dice, log = random.Random(SEED * PEOPLE + number), Log()
        for _ in range(COUNT // PEOPLE):
            books.something(dice, log)
        return log

    started = time.monotonic()
    logs = together(work)
    print(f"{COUNT} operations in {time.monotonic() - started:.0f} s")
    done = sum((log.done for log in logs), Counter[str]())
    print(*(f"{name} {count}" for name, count in sorted(done.items())), sep=", ")
    assert done.total() == COUNT // PEOPLE * PEOPLE
    assert breaches() == []
    sealed = {through: rows for log in logs for through, rows in log.sealed.items()}
    late = {day: (rows, locked_rows(day)) for day, rows in sealed.items()}
    assert [day for day, (then, now) in late.items() if then != now] == [], "period lock"
    told = {key: value for log in logs for key, value in log.told.items()}
    assert told == {key: it for key, it in standing().items() if key not in before}, "lost"
    assert [line for log in logs for line in log.odd] == []
    assert retried == [], "deadlocks"
    if COUNT >= LONG:
        assert {name: done[name] for name in OFTEN if done[name] < COUNT * LEAST / 100} == {}
    assert done["approve"]
    assert done["refund"]
