"""Every figure of a fund year in plain SQL over the transfers, for the tests to compare with.

Written from the definitions of the figures alone: it knows nothing of the kept totals, nor of the
queries that read them, and runs as it stands on both databases.
"""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db import connection

# A reversal has the kind of what it reverses with the sides swapped, and counts as negative on
# the original's sides: `giver` and `receiver` are the original's, `sign` is −1.
MOVEMENTS = """
    SELECT written.kind,
           CASE WHEN original.id IS NULL THEN 1 ELSE -1 END AS sign,
           COALESCE(original.debit_id, written.debit_id) AS giver,
           COALESCE(original.credit_id, written.credit_id) AS receiver,
           written.amount_ore,
           COALESCE(original.covered_ore, written.covered_ore) AS covered_ore,
           COALESCE(original.payment_id, written.payment_id) AS payment_id
      FROM donations_transfer written
      LEFT JOIN donations_transfer original ON original.id = written.reverses_id
     WHERE written.booked_on <= %(day)s
"""

# Every movement once for each fund year that it touches, with what it means there.
SIDES = f"""
    WITH movement AS ({MOVEMENTS}),
    promise AS (
        SELECT focus_area_id, MIN(valid_from) AS first_day
          FROM donations_surplusclause GROUP BY focus_area_id
    ),
    side AS (
        SELECT account.fund_year_id, movement.kind, 'in' AS way,
               movement.sign * movement.amount_ore AS ore,
               CASE WHEN movement.kind = 'carry_over'
                    THEN movement.sign * movement.covered_ore
                    WHEN movement.kind IN ('gift', 'placement')
                     AND payment.bank_date >= promise.first_day
                    THEN movement.sign * movement.amount_ore
                    ELSE 0 END AS covered
          FROM movement
          JOIN donations_account account ON account.id = movement.receiver
          JOIN donations_fundyear fund_year ON fund_year.id = account.fund_year_id
          LEFT JOIN promise ON promise.focus_area_id = fund_year.focus_area_id
          LEFT JOIN donations_payment payment ON payment.id = movement.payment_id
        UNION ALL
        SELECT account.fund_year_id, movement.kind, 'out' AS way,
               movement.sign * movement.amount_ore AS ore,
               CASE WHEN movement.kind = 'carry_over'
                    THEN movement.sign * movement.covered_ore
                    WHEN movement.kind IN ('refund', 'reallocation')
                    THEN movement.sign * movement.amount_ore
                    ELSE 0 END AS covered
          FROM movement
          JOIN donations_account account ON account.id = movement.giver
         WHERE account.fund_year_id IS NOT NULL
    )
"""

FIGURES = f"""
    {SIDES}
    SELECT fund_year.id,
           SUM(CASE WHEN kind = 'opening' AND way = 'in' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'gift' AND way = 'in' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'placement' AND way = 'in' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'refund' AND way = 'out' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'carry_over' AND way = 'in' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'carry_over' AND way = 'out' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'reallocation' AND way = 'in' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'reallocation' AND way = 'out' THEN ore ELSE 0 END),
           SUM(CASE WHEN kind = 'disbursement' AND way = 'out' THEN ore ELSE 0 END),
           SUM(CASE WHEN way = 'in' THEN covered ELSE -covered END)
      FROM donations_fundyear fund_year
      LEFT JOIN side ON side.fund_year_id = fund_year.id
     GROUP BY fund_year.id
"""

# What stands on the account, told from the sides as they were written, reversals and all.
BALANCES = """
    SELECT account.id, account.fund_year_id,
           COALESCE((SELECT SUM(amount_ore) FROM donations_transfer
                      WHERE credit_id = account.id AND booked_on <= %(day)s), 0)
         - COALESCE((SELECT SUM(amount_ore) FROM donations_transfer
                      WHERE debit_id = account.id AND booked_on <= %(day)s), 0)
      FROM donations_account account
"""

# Nothing newer has been decided by the day; of two from one day the later written is in force.
NEEDS = """
    SELECT need.fund_year_id, need.amount_ore, need.decided_on
      FROM donations_need need
     WHERE need.decided_on <= %(day)s
       AND NOT EXISTS (
           SELECT 1 FROM donations_need newer
            WHERE newer.fund_year_id = need.fund_year_id
              AND newer.decided_on <= %(day)s
              AND (newer.decided_on > need.decided_on
                   OR (newer.decided_on = need.decided_on AND newer.id > need.id)))
"""


@dataclass(frozen=True)
class PlainFigures:
    """A fund year at the end of a day. `need`, `remaining` and `surplus` are None when unknown."""

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


def plain_figures(day: datetime.date) -> dict[int, PlainFigures]:
    """Return the figures of every fund year at the end of `day`, by the fund year's id."""
    needs = {year: (ore, _day(decided)) for year, ore, decided in _rows(NEEDS, day)}
    cash = {year: int(ore) for _, year, ore in _rows(BALANCES, day) if year is not None}
    made = {}
    for year, *sums in _rows(FIGURES, day):
        (
            opening,
            gifts,
            placements,
            refunds,
            carried_in,
            carried_out,
            moved_in,
            moved_out,
            disbursed,
            covered,
        ) = (int(ore or 0) for ore in sums)
        collected = opening + gifts + placements - refunds
        available = collected + carried_in - carried_out + moved_in - moved_out
        need, decided_on = needs.get(year, (None, None))
        surplus = None if need is None else max(0, available - need)
        made[year] = PlainFigures(
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
            cash=cash.get(year, 0),
            covered=covered,
            movable=0 if surplus is None else max(0, min(surplus, cash.get(year, 0), covered)),
        )
    return made


def balances(day: datetime.date) -> dict[int, int]:
    """Return what stands on every account at the end of `day`, by the account's id."""
    return {account: int(ore) for account, _, ore in _rows(BALANCES, day)}


def _rows(sql: str, day: datetime.date) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"day": day})
        return cursor.fetchall()


def _day(value: Any) -> datetime.date:
    """A date as the database gives it to plain SQL: SQLite gives its text."""
    return datetime.date.fromisoformat(value) if isinstance(value, str) else value
