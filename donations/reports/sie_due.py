"""What the general ledger has not been told yet: the daily totals less what exports hold. Öre."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q, Sum

from donations.models import DailyTotal, SieSum

Day = tuple[str, datetime.date]


class Moved(NamedTuple):
    """What left and what came to an account of ours, of a kind: reversals count as negative."""

    left: int = 0
    came: int = 0


def by_day(first: datetime.date, last: datetime.date) -> dict[Day, int]:
    """What is left of each kind and day, by those, where there is anything."""
    found: dict[Day, int] = defaultdict(int)
    days = Q(booked_on__range=(first, last))
    booked = DailyTotal.objects.filter(days).values_list("kind", "booked_on")
    for kind, day, ore in booked.annotate(ore=Sum("in_ore")):
        found[kind, day] += ore
    exported = SieSum.objects.filter(days).values_list("kind", "booked_on", "is_reversal")
    for kind, day, is_reversal, ore in exported.annotate(ore=Sum("amount_ore")):
        found[kind, day] += ore if is_reversal else -ore
    return {key: ore for key, ore in found.items() if ore}


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
