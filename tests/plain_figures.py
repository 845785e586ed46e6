"""Every figure of a fund year at the end of a day, in plain SQL, for the tests to compare with.

A second implementation, written from the definitions of the money words alone: it reads what was
written and nothing that is kept beside it, and runs as it stands on SQLite and PostgreSQL.
"""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db import connection

# What is left at the end of the day of each movement: a reversal counts as negative on the
# original's sides, and stands in no row of its own.
MOVEMENT = """
    movement AS (
        SELECT entry.id, entry.kind, entry.debit_id, entry.credit_id, entry.payment_id,
               CASE WHEN entry.booked_on <= %(day)s THEN entry.amount_ore ELSE 0 END
             - CASE WHEN undone.booked_on <= %(day)s THEN undone.amount_ore ELSE 0 END AS ore,
               CASE WHEN entry.booked_on <= %(day)s THEN entry.covered_ore ELSE 0 END
             - CASE WHEN undone.booked_on <= %(day)s THEN entry.covered_ore ELSE 0 END AS carried
          FROM donations_transfer entry
          LEFT JOIN donations_transfer undone ON undone.reverses_id = entry.id
         WHERE entry.reverses_id IS NULL
    )
"""

# Of a donor's answers that have been booked by the day, the last one written.
ANSWER = """
    answer AS (
        SELECT transfer_id, is_yes FROM donations_donoranswer
         WHERE id IN (SELECT MAX(id) FROM donations_donoranswer
                       WHERE booked_on <= %(day)s GROUP BY transfer_id)
    )
"""

# What came to a fund year. A gift is covered by the first clause of its area and any after it.
CAME = """
    came AS (
        SELECT fund_year.id AS fund_year_id,
               SUM(CASE WHEN movement.kind = 'opening' THEN ore ELSE 0 END) AS opening,
               SUM(CASE WHEN movement.kind = 'gift' THEN ore ELSE 0 END) AS gifts,
               SUM(CASE WHEN movement.kind = 'placement' THEN ore ELSE 0 END) AS placements,
               SUM(CASE WHEN movement.kind = 'carry_over' THEN ore ELSE 0 END) AS carried_in,
               SUM(CASE WHEN movement.kind = 'reallocation' THEN ore ELSE 0 END) AS moved_in,
               SUM(CASE WHEN movement.kind = 'carry_over' THEN carried
                        WHEN movement.kind NOT IN ('gift', 'placement') THEN 0
                        WHEN answer.is_yes OR EXISTS (
                             SELECT 1 FROM donations_surplusclause clause
                              WHERE clause.focus_area_id = fund_year.focus_area_id
                                AND clause.valid_from <= payment.bank_date) THEN ore
                        ELSE 0 END) AS covered
          FROM donations_fundyear fund_year
          JOIN donations_account account ON account.fund_year_id = fund_year.id
          JOIN movement ON movement.credit_id = account.id
          LEFT JOIN donations_payment payment ON payment.id = movement.payment_id
          LEFT JOIN answer ON answer.transfer_id = movement.id
         GROUP BY fund_year.id
    )
"""

# What left a fund year. What was paid out takes nothing from what is covered.
GONE = """
    gone AS (
        SELECT account.fund_year_id,
               SUM(CASE WHEN movement.kind = 'refund' THEN ore ELSE 0 END) AS refunds,
               SUM(CASE WHEN movement.kind = 'carry_over' THEN ore ELSE 0 END) AS carried_out,
               SUM(CASE WHEN movement.kind = 'reallocation' THEN ore ELSE 0 END) AS moved_out,
               SUM(CASE WHEN movement.kind = 'disbursement' THEN ore ELSE 0 END) AS disbursed,
               SUM(CASE WHEN movement.kind = 'carry_over' THEN carried
                        WHEN movement.kind IN ('refund', 'reallocation') THEN ore
                        ELSE 0 END) AS covered
          FROM donations_account account
          JOIN movement ON movement.debit_id = account.id
         WHERE account.fund_year_id IS NOT NULL
         GROUP BY account.fund_year_id
    )
"""

FIGURES = f"""
    WITH {MOVEMENT}, {ANSWER}, {CAME}, {GONE}
    SELECT fund_year.id, opening, gifts, placements, refunds, carried_in, carried_out,
           moved_in, moved_out, disbursed, COALESCE(came.covered, 0) - COALESCE(gone.covered, 0)
      FROM donations_fundyear fund_year
      LEFT JOIN came ON came.fund_year_id = fund_year.id
      LEFT JOIN gone ON gone.fund_year_id = fund_year.id
     ORDER BY fund_year.id
"""

# Told from the sides as they were written, reversals and all.
BALANCES = """
    SELECT account.id, account.fund_year_id, COALESCE(SUM(side.ore), 0)
      FROM donations_account account
      LEFT JOIN (
           SELECT credit_id AS account_id, amount_ore AS ore
             FROM donations_transfer WHERE booked_on <= %(day)s
           UNION ALL
           SELECT debit_id, -amount_ore FROM donations_transfer WHERE booked_on <= %(day)s
      ) side ON side.account_id = account.id
     GROUP BY account.id, account.fund_year_id
"""

# The newest is in force; of two from one day, the one written last.
NEEDS = """
    SELECT fund_year_id, amount_ore, decided_on FROM (
        SELECT fund_year_id, amount_ore, decided_on,
               ROW_NUMBER() OVER (PARTITION BY fund_year_id
                                  ORDER BY decided_on DESC, id DESC) AS place
          FROM donations_need WHERE decided_on <= %(day)s
    ) decided WHERE place = 1
"""

# What is held from submission until there is a decision: −1 leaves a fund year, 1 comes to it.
PENDING = """
    WITH held AS (
        SELECT line.source_id, line.receiver_id, line.amount_ore
          FROM donations_proposalline line
          JOIN donations_proposal proposal ON proposal.id = line.proposal_id
         WHERE proposal.submitted_at IS NOT NULL AND proposal.decision = ''
    )
    SELECT source_id, -1, SUM(amount_ore) FROM held GROUP BY source_id
    UNION ALL
    SELECT receiver_id, 1, SUM(amount_ore) FROM held GROUP BY receiver_id
"""


@dataclass(frozen=True)
class PlainFigures:
    """A fund year at the end of a day. `need`, `remaining` and `surplus` are None when unknown.

    `movable` is before what waits: for what is left after that, see `PlainPending`.
    """

    need: int | None
    need_decided_on: datetime.date | None
    opening: int
    gifts: int
    placements: int
    refunds: int
    carried_in: int
    carried_out: int
    moved_in: int
    moved_out: int
    disbursed: int
    collected: int
    available: int
    remaining: int | None
    surplus: int | None
    cash: int
    covered: int
    movable: int


@dataclass(frozen=True)
class PlainPending:
    """What waits for a decision from (`out`) and to (`into`) a fund year, and what that leaves.

    `movable` may be proposed from it and `offered` to it; `offered` is None with an unknown need.
    """

    out: int
    into: int
    movable: int
    offered: int | None


def plain_figures(day: datetime.date) -> dict[int, PlainFigures]:
    """Return the figures of every fund year at the end of `day`, by the fund year's id."""
    needs = {pk: (ore, _date(decided_on)) for pk, ore, decided_on in _rows(NEEDS, day)}
    on_account = {pk: int(ore) for _, pk, ore in _rows(BALANCES, day) if pk is not None}
    figures = {}
    for pk, *sums in _rows(FIGURES, day):
        opening, gifts, placements, refunds, *rest = (int(ore or 0) for ore in sums)
        carried_in, carried_out, moved_in, moved_out, disbursed, covered = rest
        need, decided_on = needs.get(pk, (None, None))
        cash = on_account.get(pk, 0)
        collected = opening + gifts + placements - refunds
        available = collected + carried_in - carried_out + moved_in - moved_out
        surplus = None if need is None else max(0, available - need)
        figures[pk] = PlainFigures(
            need=need,
            need_decided_on=decided_on,
            opening=opening,
            gifts=gifts,
            placements=placements,
            refunds=refunds,
            carried_in=carried_in,
            carried_out=carried_out,
            moved_in=moved_in,
            moved_out=moved_out,
            disbursed=disbursed,
            collected=collected,
            available=available,
            remaining=None if need is None else max(0, need - available),
            surplus=surplus,
            cash=cash,
            covered=covered,
            movable=max(0, min(surplus or 0, cash, covered)),
        )
    return figures


def plain_pending(today: datetime.date) -> dict[int, PlainPending]:
    """Return what waits from and to every fund year, by the fund year's id."""
    waits = {(pk, way): int(ore) for pk, way, ore in _rows(PENDING, today)}
    pending = {}
    for pk, its in plain_figures(today).items():
        out, into = waits.get((pk, -1), 0), waits.get((pk, 1), 0)
        pending[pk] = PlainPending(
            out=out,
            into=into,
            movable=max(0, its.movable - out),
            offered=None if its.remaining is None else max(0, its.remaining - into),
        )
    return pending


def balances(day: datetime.date) -> dict[int, int]:
    """Return what stands on every account at the end of `day`, by the account's id."""
    return {account: int(ore) for account, _, ore in _rows(BALANCES, day)}


def _rows(sql: str, day: datetime.date) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"day": day})
        return cursor.fetchall()


def _date(value: Any) -> datetime.date:
    """A day from plain SQL: SQLite gives its text."""
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)
