"""What the general ledger has not been told yet: the daily totals less what exports hold. Öre."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection
from django.db.models import Q, Sum

from donations.models import DailyTotal, SieSum

Day = tuple[str, datetime.date]


class Moved(NamedTuple):
    """What left and what came to an account of ours, of a kind: reversals count as negative."""

    left: int = 0
    came: int = 0


# By account first: where a gift has been moved to another project on a day that is exported, the day's sum is
# what it was, and yet there is something to tell.
_BY_DAY = """
    SELECT kind, booked_on, sum(came) FROM (
        SELECT account_id, kind, booked_on, sum(came) AS came FROM (
            SELECT account_id, kind, booked_on, in_ore AS came, out_ore AS gone FROM donations_dailytotal
            WHERE booked_on BETWEEN %s AND %s
            UNION ALL
            SELECT CASE WHEN is_reversal THEN debit_id ELSE credit_id END, kind, booked_on,
                   CASE WHEN is_reversal THEN amount_ore ELSE -amount_ore END, 0
            FROM donations_siesum WHERE booked_on BETWEEN %s AND %s
            UNION ALL
            SELECT CASE WHEN is_reversal THEN credit_id ELSE debit_id END, kind, booked_on,
                   0, CASE WHEN is_reversal THEN amount_ore ELSE -amount_ore END
            FROM donations_siesum WHERE booked_on BETWEEN %s AND %s
        ) AS side
        GROUP BY account_id, kind, booked_on HAVING sum(came) <> 0 OR sum(gone) <> 0
    ) AS due
    GROUP BY kind, booked_on
"""


def by_day(first: datetime.date, last: datetime.date) -> dict[Day, int]:
    """What is left of each kind and day, by those, where there is anything; 0 where only accounts differ."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, [first, last] * 3)
        rows = cursor.fetchall()
    return {(kind, datetime.date.fromisoformat(str(day))): int(ore) for kind, day, ore in rows}


def by_account(
    first: datetime.date, last: datetime.date, kinds: Iterable[str]
) -> dict[tuple[str, int], Moved]:
    """What is left of each of the kinds and each account of ours, by kind and the account's id."""
    left: dict[tuple[str, int], int] = defaultdict(int)
    came: dict[tuple[str, int], int] = defaultdict(int)
    asked = Q(booked_on__range=(first, last), kind__in=list(kinds))
    booked = DailyTotal.objects.filter(asked).values_list("kind", "account")
    for kind, account, out, into in booked.annotate(out=Sum("out_ore"), into=Sum("in_ore")):
        left[kind, account] += out
        came[kind, account] += into
    exported = SieSum.objects.filter(asked).values_list("kind", "is_reversal", "debit", "credit")
    for kind, is_reversal, debit, credit, ore in exported.annotate(ore=Sum("amount_ore")):
        if is_reversal:
            left[kind, credit] += ore
            came[kind, debit] += ore
        else:
            left[kind, debit] -= ore
            came[kind, credit] -= ore
    moved = {key: Moved(left[key], came[key]) for key in {*left, *came}}
    return {key: one for key, one in moved.items() if any(one)}
