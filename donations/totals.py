"""What triggers keep against the transfers it is made of: recomputed, and compared."""

from typing import Any

from django.db import connection as default_connection
from django.db.backends.base.base import BaseDatabaseWrapper

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

# What the triggers keep, said once more as one query over all transfers.
_COMPUTED = """
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
"""
_FIGURES = ("in_ore", "out_ore", "covered_in_ore", "covered_out_ore")
_DIFFERENCES = f"""
    SELECT account_id, kind, booked_on, {", ".join(f"sum(kept_{f}), sum(computed_{f})" for f in _FIGURES)}
    FROM (
        SELECT account_id, kind, booked_on,
               {", ".join(f"{f} AS kept_{f}, 0 AS computed_{f}" for f in _FIGURES)}
        FROM donations_dailytotal
        UNION ALL
        SELECT account_id, kind, booked_on, {", ".join(f"0, {f}" for f in _FIGURES)}
        FROM ({_COMPUTED}) AS computed
    ) AS both_sides
    GROUP BY account_id, kind, booked_on
    HAVING {" OR ".join(f"sum(kept_{f}) <> sum(computed_{f})" for f in _FIGURES)}
    ORDER BY account_id, kind, booked_on
"""  # noqa: S608 - nothing from outside
_REBUILD = f"""
    INSERT INTO donations_dailytotal
        (account_id, kind, booked_on, slot, in_ore, out_ore, covered_in_ore, covered_out_ore, changed_at)
    SELECT account_id, kind, booked_on, 0, in_ore, out_ore, covered_in_ore, covered_out_ore, changed_at
    FROM ({_COMPUTED}) AS computed
"""  # noqa: S608 - nothing from outside
# The unplaced gifts, in sums over all that was placed and paid back; in the triggers gift by gift.
_LEFT = """
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
    WHERE g.kind = 'gift' AND g.reverses_id IS NULL AND gone.id IS NULL
"""
_UNPLACED = UnplacedGift._meta.db_table
_LEFT_DIFFERENCES = f"""
    SELECT transfer_id, sum(kept), sum(computed) FROM (
        SELECT transfer_id, left_ore AS kept, 0 AS computed, 1 AS is_kept, 0 AS is_computed
        FROM {_UNPLACED}
        UNION ALL
        SELECT transfer_id, 0, left_ore, 0, 1 FROM ({_LEFT}) AS computed WHERE left_ore > 0
    ) AS both_sides
    GROUP BY transfer_id
    HAVING sum(kept) <> sum(computed) OR sum(is_kept) <> sum(is_computed)
    ORDER BY transfer_id
"""  # noqa: S608 - nothing from outside
_LEFT_REBUILD = f"""
    INSERT INTO {_UNPLACED} (transfer_id, left_ore)
    SELECT transfer_id, left_ore FROM ({_LEFT}) AS computed WHERE left_ore > 0
"""  # noqa: S608 - nothing from outside

# The gifts by way, year and size, with each one's whole gift by a join of its own; in the triggers row by row.
_GIFT_KEY = "booked_on, account_id, kind, channel, given_year, from_ore"
_YEAR = {
    "sqlite": "CAST(strftime('%Y', coalesce(paid.bank_date, given.booked_on)) AS integer)",
    "postgresql": "extract(year FROM coalesce(paid.bank_date, given.booked_on))::integer",
}


def _gifts(vendor: str) -> str:
    sizes = "".join(
        f" WHEN given.whole_ore >= {size} THEN {size}" for size in sorted(GiftTotal.SIZES)[::-1]
    )
    return f"""
    SELECT given.booked_on, given.account_id, given.kind, coalesce(paid.channel, 'other') AS channel,
           {_YEAR[vendor]} AS given_year, CASE{sizes} END AS from_ore,
           sum(given.sign) AS count, sum(given.sign * given.amount_ore) AS ore
    FROM (
        SELECT t.booked_on, CASE WHEN t.reverses_id IS NULL THEN t.credit_id ELSE t.debit_id END AS account_id,
               t.kind, t.amount_ore, t.payment_id, CASE WHEN t.reverses_id IS NULL THEN 1 ELSE -1 END AS sign,
               CASE t.kind WHEN 'gift' THEN t.amount_ore ELSE coalesce(g.amount_ore, t.amount_ore) END AS whole_ore
        FROM donations_transfer t
        LEFT JOIN donations_transfer g
               ON g.payment_id = t.payment_id AND g.kind = 'gift' AND g.reverses_id IS NULL
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
"""  # noqa: S608 - nothing from outside


def _gift_differences(vendor: str) -> str:
    return f"""
    SELECT {_GIFT_KEY}, sum(kept_count), sum(count), sum(kept_ore), sum(ore) FROM (
        SELECT {_GIFT_KEY}, count AS kept_count, ore AS kept_ore, 0 AS count, 0 AS ore FROM donations_gifttotal
        UNION ALL
        SELECT {_GIFT_KEY}, 0, 0, count, ore FROM ({_gifts(vendor)}) AS computed
    ) AS both_sides
    GROUP BY {_GIFT_KEY}
    HAVING sum(kept_count) <> sum(count) OR sum(kept_ore) <> sum(ore)
    ORDER BY {_GIFT_KEY}
"""  # noqa: S608 - nothing from outside


# The bank's days, by the payments' own dates.
_BANK_DAY = BankDay._meta.db_table
_BANK_DAYS = """
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
"""
_OF_BANK_DAY = ("gifts", "in_ore", "refunds", "out_ore")
_BANK_DAY_DIFFERENCES = f"""
    SELECT account_id, bank_date, {", ".join(f"sum(kept_{f}), sum(computed_{f})" for f in _OF_BANK_DAY)}
    FROM (
        SELECT account_id, bank_date,
               {", ".join(f"{f} AS kept_{f}, 0 AS computed_{f}" for f in _OF_BANK_DAY)}
        FROM {_BANK_DAY}
        UNION ALL
        SELECT account_id, bank_date, {", ".join(f"0, {f}" for f in _OF_BANK_DAY)}
        FROM ({_BANK_DAYS}) AS computed
    ) AS both_sides
    GROUP BY account_id, bank_date
    HAVING {" OR ".join(f"sum(kept_{f}) <> sum(computed_{f})" for f in _OF_BANK_DAY)}
    ORDER BY account_id, bank_date
"""  # noqa: S608 - nothing from outside
_BANK_DAY_REBUILD = f"""
    INSERT INTO {_BANK_DAY} (account_id, bank_date, slot, gifts, in_ore, refunds, out_ore, changed_at)
    SELECT account_id, bank_date, 0, gifts, in_ore, refunds, out_ore, changed_at
    FROM ({_BANK_DAYS}) AS computed
"""  # noqa: S608 - nothing from outside


def differences() -> list[str]:
    """One English line for each thing kept that is not what the transfers give.

    Those are an account's total for a kind and day, what is left of a gift on suspense, a bank's day, and
    how many gifts of a way, a year and a size there were.
    """
    with default_connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        rows = cursor.fetchall()
        cursor.execute(_LEFT_DIFFERENCES)
        gifts = cursor.fetchall()
        cursor.execute(_gift_differences(default_connection.vendor))
        sums = cursor.fetchall()
        cursor.execute(_BANK_DAY_DIFFERENCES)
        bank_days = cursor.fetchall()
    unplaced = [
        f"gift {gift}: {kept} is kept as unplaced, the transfers give {computed}"
        for gift, kept, computed in gifts
    ]
    of_banks = [
        f"account {row[0]}, bank date {row[1]}: {figure} is kept as {kept}, the transfers give {computed}"
        for row in bank_days
        for figure, kept, computed in zip(_OF_BANK_DAY, row[2::2], row[3::2], strict=True)
        if kept != computed
    ]
    return (
        unplaced
        + of_banks
        + [
            f"account {row[0]}, {row[1]}, {row[2]}: {figure} is kept as {kept}, the transfers give {computed}"
            for row in rows
            for figure, kept, computed in zip(_FIGURES, row[3::2], row[4::2], strict=True)
            if kept != computed
        ]
        + [
            f"account {row[1]}, {row[2]}, {row[0]}, {row[3]} of {row[4]} from {row[5]}: {row[6]} gifts of {row[8]}"
            f" are kept, the transfers give {row[7]} of {row[9]}"
            for row in sums
        ]
    )


def rebuild(connection: BaseDatabaseWrapper = default_connection) -> None:
    """Make all that is kept anew from the transfers. The caller holds a transaction."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE donations_transfer IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM donations_dailytotal")
        cursor.execute(_REBUILD)
        cursor.execute("DELETE FROM donations_gifttotal")
        cursor.execute(
            f"INSERT INTO donations_gifttotal ({_GIFT_KEY}, slot, count, ore)"  # noqa: S608 - ours
            f" SELECT {_GIFT_KEY}, 0, count, ore FROM ({_gifts(connection.vendor)}) AS computed"
        )
        guarded = (_UNPLACED, _BANK_DAY)
        kept_so = [t for t in registry.installed(connection).values() if t.table in guarded]
        registry.drop(connection, kept_so)
        for table, made in ((_UNPLACED, _LEFT_REBUILD), (_BANK_DAY, _BANK_DAY_REBUILD)):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - nothing from outside
            cursor.execute(made)
        registry.create(connection, kept_so)


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
