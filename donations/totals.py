"""What triggers keep against the transfers it is made of: recomputed, and compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection as default_connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from donations.models import (
    BankDay,
    DailyTotal,
    DonorAnswer,
    GiftTotal,
    Payment,
    Transfer,
    UnplacedGift,
)
from triggers import registry


@dataclass(frozen=True)
class Kept:
    """A table that triggers keep, and the same said once more as one query over all transfers.

    `key` is what there is one sum for, told in words by `named`; `figures` are what is compared,
    `rest` what is kept beside them. `in_table` is what a column of the query is in the table, where it is
    not one of the same name. `is_guarded`: its rows can only be written while its triggers are away.
    """

    model: type[Model]
    key: tuple[str, ...]
    named: str
    figures: tuple[str, ...]
    computed: str
    rest: tuple[str, ...] = ()
    in_table: tuple[tuple[str, str], ...] = ()
    is_guarded: bool = False

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def differences(self) -> str:
        """A query for the sums that differ: the key, then each figure as kept and as computed."""
        key, figures = ", ".join(self.key), self.figures
        of_table = dict(self.in_table)
        return f"""
    SELECT {key}, {", ".join(f"sum(kept_{f}), sum(computed_{f})" for f in figures)}
    FROM (
        SELECT {key}, {", ".join(f"{of_table.get(f, f)} AS kept_{f}, 0 AS computed_{f}" for f in figures)}
        FROM {self.table}
        UNION ALL
        SELECT {key}, {", ".join(f"0, {f}" for f in figures)}
        FROM ({self.computed}) AS computed
    ) AS both_sides
    GROUP BY {key}
    HAVING {" OR ".join(f"sum(kept_{f}) <> sum(computed_{f})" for f in figures)}
    ORDER BY {key}
"""  # noqa: S608 - nothing from outside

    def told(self, row: tuple[Any, ...]) -> Iterator[str]:
        """A row of `differences` in words, a line for each figure that differs."""
        name = self.named.format(**dict(zip(self.key, row, strict=False)))
        sums = row[len(self.key) :]
        for figure, kept, computed in zip(self.figures, sums[::2], sums[1::2], strict=True):
            if kept != computed:
                yield f"{name}: {figure} is kept as {kept}, the transfers give {computed}"

    def rebuild(self) -> str:
        """Fill the table, which is empty, from the transfers."""
        columns = ", ".join(
            [*self.key, *(c for c in (*self.figures, *self.rest) if c not in dict(self.in_table))]
        )
        slot = any(field.column == "slot" for field in self.model._meta.concrete_fields)
        into, values = (f"{columns}, slot", f"{columns}, 0") if slot else (columns, columns)
        return (
            f"INSERT INTO {self.table} ({into})"  # noqa: S608 - nothing from outside
            f" SELECT {values} FROM ({self.computed}) AS computed"
        )


_DAILY_TOTALS = Kept(
    DailyTotal,
    key=("account_id", "kind", "booked_on"),
    named="account {account_id}, {kind}, {booked_on}",
    figures=("in_ore", "out_ore", "covered_in_ore", "covered_out_ore"),
    rest=("changed_at",),
    computed="""
    SELECT account_id, kind, booked_on, sum(in_ore) AS in_ore, sum(out_ore) AS out_ore,
           sum(covered_in_ore) AS covered_in_ore, sum(covered_out_ore) AS covered_out_ore,
           max(created_at) AS changed_at
    FROM (
        SELECT CASE WHEN reverses_id IS NULL THEN credit_id ELSE debit_id END AS account_id, kind, booked_on,
               CASE WHEN reverses_id IS NULL THEN amount_ore ELSE -amount_ore END AS in_ore, 0 AS out_ore,
               CASE WHEN reverses_id IS NULL THEN covered_ore ELSE -covered_ore END AS covered_in_ore,
               0 AS covered_out_ore, created_at
        FROM donations_transfer
        UNION ALL
        SELECT CASE WHEN reverses_id IS NULL THEN debit_id ELSE credit_id END, kind, booked_on,
               0, CASE WHEN reverses_id IS NULL THEN amount_ore ELSE -amount_ore END,
               0, CASE WHEN reverses_id IS NULL THEN covered_ore ELSE -covered_ore END, created_at
        FROM donations_transfer
        UNION ALL
        SELECT t.credit_id, t.kind, a.booked_on, 0, 0, a.covered_ore, 0, a.created_at
        FROM donations_donoranswer a JOIN donations_transfer t ON t.id = a.transfer_id
    ) AS side
    GROUP BY account_id, kind, booked_on
""",
)
# In sums over all that was placed and paid back; in the triggers gift by gift.
_UNPLACED_GIFTS = Kept(
    UnplacedGift,
    key=("transfer_id",),
    named="unplaced gift {transfer_id}",
    figures=("left_ore", "count"),
    in_table=(("count", "1"),),
    is_guarded=True,
    computed="""
    SELECT transfer_id, left_ore, 1 AS count FROM (
    SELECT g.id AS transfer_id, g.amount_ore - coalesce(placed.ore, 0) - coalesce(refunded.ore, 0) AS left_ore
    FROM donations_transfer g
    JOIN donations_account a ON a.id = g.credit_id AND a.kind = 'suspense'
    LEFT JOIN donations_transfer gone ON gone.reverses_id = g.id
    LEFT JOIN (
        SELECT payment_id, sum(CASE WHEN reverses_id IS NULL THEN amount_ore ELSE -amount_ore END) AS ore
        FROM donations_transfer WHERE kind = 'placement' GROUP BY payment_id
    ) AS placed ON placed.payment_id = g.payment_id
    LEFT JOIN (
        SELECT t.corrects_id, t.debit_id, sum(t.amount_ore) AS ore
        FROM donations_transfer t LEFT JOIN donations_transfer x ON x.reverses_id = t.id
        WHERE t.kind = 'refund' AND t.corrects_id IS NOT NULL AND x.id IS NULL
        GROUP BY t.corrects_id, t.debit_id
    ) AS refunded ON refunded.corrects_id = g.id AND refunded.debit_id = g.credit_id
    WHERE g.kind = 'gift' AND +g.reverses_id IS NULL AND gone.id IS NULL
    ) AS gift WHERE left_ore > 0
""",
)
# By the payments' own dates.
_BANK_DAYS = Kept(
    BankDay,
    key=("account_id", "bank_date"),
    named="account {account_id}, bank date {bank_date}",
    figures=("gifts", "in_ore", "refunds", "out_ore"),
    rest=("changed_at",),
    is_guarded=True,
    computed="""
    SELECT account_id, bank_date,
           sum(CASE WHEN kind = 'gift' THEN sign ELSE 0 END) AS gifts,
           sum(CASE WHEN kind = 'gift' THEN sign * amount_ore ELSE 0 END) AS in_ore,
           sum(CASE WHEN kind = 'refund' THEN sign ELSE 0 END) AS refunds,
           sum(CASE WHEN kind = 'refund' THEN sign * amount_ore ELSE 0 END) AS out_ore,
           max(created_at) AS changed_at
    FROM (
        SELECT t.kind, t.amount_ore, t.created_at, CASE WHEN t.reverses_id IS NULL THEN 1 ELSE -1 END AS sign,
               CASE WHEN (t.kind = 'gift') = (t.reverses_id IS NULL) THEN t.debit_id ELSE t.credit_id END AS account_id,
               coalesce(p.bank_date, t.booked_on) AS bank_date
        FROM donations_transfer t LEFT JOIN donations_payment p ON p.id = t.payment_id
        WHERE t.kind IN ('gift', 'refund')
    ) AS side
    GROUP BY account_id, bank_date
""",
)
_YEAR = {
    "sqlite": "CAST(strftime('%Y', coalesce(paid.bank_date, given.booked_on)) AS integer)",
    "postgresql": "extract(year FROM coalesce(paid.bank_date, given.booked_on))::integer",
}


def _gift_totals(vendor: str) -> Kept:
    """By way, year and size, with each one's whole gift by a join of its own; in the triggers row by row.

    The plus hides the column from its index: SQLite would go through all that is no reversal, for each.
    """
    sizes = "".join(
        f" WHEN given.whole_ore >= {size} THEN {size}" for size in sorted(GiftTotal.SIZES)[::-1]
    )
    return Kept(
        GiftTotal,
        key=("booked_on", "account_id", "kind", "channel", "given_year", "from_ore"),
        named="account {account_id}, {kind}, {booked_on}, {channel} of {given_year} from {from_ore}",
        figures=("count", "ore"),
        computed=f"""
    SELECT given.booked_on, given.account_id, given.kind, coalesce(paid.channel, 'other') AS channel,
           {_YEAR[vendor]} AS given_year, CASE{sizes} END AS from_ore,
           sum(given.sign) AS count, sum(given.sign * given.amount_ore) AS ore
    FROM (
        SELECT t.booked_on, CASE WHEN t.reverses_id IS NULL THEN t.credit_id ELSE t.debit_id END AS account_id,
               t.kind, t.amount_ore, t.payment_id, CASE WHEN t.reverses_id IS NULL THEN 1 ELSE -1 END AS sign,
               CASE t.kind WHEN 'gift' THEN t.amount_ore ELSE coalesce(g.amount_ore, t.amount_ore) END AS whole_ore
        FROM donations_transfer t
        LEFT JOIN donations_transfer g
               ON g.payment_id = t.payment_id AND g.kind = 'gift' AND +g.reverses_id IS NULL
        WHERE t.kind IN ('gift', 'placement')
        UNION ALL
        SELECT t.booked_on, CASE WHEN t.reverses_id IS NULL THEN t.debit_id ELSE t.credit_id END,
               t.kind, t.amount_ore, coalesce(g.payment_id, t.payment_id),
               CASE WHEN t.reverses_id IS NULL THEN 1 ELSE -1 END, coalesce(g.amount_ore, t.amount_ore)
        FROM donations_transfer t
        LEFT JOIN donations_transfer undone ON undone.id = t.reverses_id
        LEFT JOIN donations_transfer g ON g.id = coalesce(t.corrects_id, undone.corrects_id)
        WHERE t.kind = 'refund'
    ) AS given
    LEFT JOIN donations_payment paid ON paid.id = given.payment_id
    GROUP BY 1, 2, 3, 4, 5, 6
""",  # noqa: S608 - nothing from outside
    )


def kept(vendor: str) -> list[Kept]:
    """Every table that triggers keep of the transfers, on SQLite or PostgreSQL."""
    return [_UNPLACED_GIFTS, _BANK_DAYS, _DAILY_TOTALS, _gift_totals(vendor)]


def differences() -> list[str]:
    """One English line for each thing kept that is not what the transfers give.

    Those are what is left of a gift on suspense, a bank's day, an account's total for a kind and day, and
    how many gifts of a way, a year and a size there were.
    """
    found = []
    with default_connection.cursor() as cursor:
        for table in kept(default_connection.vendor):
            cursor.execute(table.differences())
            found += [line for row in cursor.fetchall() for line in table.told(row)]
    return found


def rebuild(connection: BaseDatabaseWrapper = default_connection) -> None:
    """Make all that is kept anew from the transfers. The caller holds a transaction."""
    tables = kept(connection.vendor)
    guarded = [table.table for table in tables if table.is_guarded]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE donations_transfer IN SHARE ROW EXCLUSIVE MODE")
        guards = [t for t in registry.installed(connection).values() if t.table in guarded]
        registry.drop(connection, guards)
        for table in tables:
            cursor.execute(f"DELETE FROM {table.table}")  # noqa: S608 - nothing from outside
            cursor.execute(table.rebuild())
        registry.create(connection, guards)


def rebuild_after_restore(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """While triggers were away or altered the totals were not kept: make them anew.

    Half-way through the migrations the tables are not yet what the totals are made of.
    """
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for model in (
            Transfer,
            Payment,
            DailyTotal,
            DonorAnswer,
            UnplacedGift,
            BankDay,
            GiftTotal,
        ):
            table = model._meta.db_table
            if table not in tables:
                return
            there = {c.name for c in connection.introspection.get_table_description(cursor, table)}
            if not {f.column for f in model._meta.concrete_fields} <= there:
                return
    rebuild(connection)
