"""What statements tell of each day, counted while they are booked, so that a month of days is quick to show.

Days that several statements tell of are counted line by line: the earlier file tells, a later one adds
what the earlier did not have. Lines are the same when their keys are (`identity.Keys`).
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from django.db import connection
from django.db.models import F
from django.utils import timezone

from donations.bankfiles.aside import Class, Count
from donations.bankfiles.records import Balance, Way
from donations.intake import AccountDay, lines_of_days
from donations.models import BankFile, StatementDay
from donations.outcome import Told

# The format that says all that has happened on an account. Others tell of gifts alone.
FORMAT = "camt.053"
# Not on the account yet, or not in kronor.
_UNCOUNTED = (Class.NOT_BOOKED, Class.OTHER_CURRENCY)
_ONE_DAY = datetime.timedelta(days=1)
# A statement that says it is of more has a day written wrong: then the days with lines are enough.
_LONGEST = datetime.timedelta(days=400)

# Account, day, class ("" for what may be a gift) and way.
Cell = tuple[int, datetime.date, str, str]


def wait_for_other_files() -> None:
    """One file at a time: what is known then stays known, and nobody dies of waiting crosswise."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(4703001)")


class Counts:
    """Lines and öre of each class, way and day."""

    def __init__(self) -> None:
        self.cells: dict[Cell, Count] = defaultdict(Count)

    def add(self, told: Told) -> None:
        """Count a line, unless it is none of the account's money in kronor."""
        is_a = told.aside.is_a if told.aside else None
        if is_a in _UNCOUNTED:
            return
        line = told.line
        count = self.cells[told.account, line.booked_on, is_a.value if is_a else "", line.way.value]
        count.lines += 1
        count.ore += line.amount_ore

    def span(self, days: Iterable[AccountDay]) -> None:
        """Let the days have a row each, whether anything happened on them or not."""
        for account, day in days:
            self.cells.setdefault((account, day, "", Way.IN.value), Count())

    def write(self, bank_file: BankFile) -> None:
        """Keep them as the file's."""
        StatementDay.objects.bulk_create(
            [
                StatementDay(
                    file=bank_file,
                    account_id=account,
                    day=day,
                    is_a=is_a,
                    way=way,
                    lines=count.lines,
                    ore=count.ore,
                )
                for (account, day, is_a, way), count in self.cells.items()
            ],
            batch_size=500,
        )


class Statement:
    """Counts a file while it is booked; nothing of one that is no statement."""

    def __init__(self, bank_file: BankFile) -> None:
        self._file, self._counts = bank_file, Counts()
        self._is_statement = bank_file.format == FORMAT

    def take(self, chunk: Iterable[Told]) -> None:
        """Count some more lines."""
        if self._is_statement:
            for told in chunk:
                self._counts.add(told)

    def keep(self, balances: Iterable[tuple[int, Balance]]) -> None:
        """Write what has been counted. What others have told of too is counted anew, once."""
        if not self._is_statement:
            return
        cells = self._counts.cells
        days = {(account, day) for account, day, _is_a, _way in cells} | spanned(balances)
        self._counts.span(days)
        self._counts.write(self._file)
        if shared := _of_others(self._file, days):
            count_anew(shared)


def spanned(balances: Iterable[tuple[int, Balance]]) -> set[AccountDay]:
    """The days that a statement has the whole of, from its opening balance to its closing one.

    The opening balance is dated on the first day by some banks and on the day before by others: unless
    the statement is of that day alone, the day is left out. Nor has anybody the whole of a day to come.
    """
    today = timezone.localdate()
    days: set[AccountDay] = set()
    opened: dict[int, datetime.date] = {}
    for account, balance in balances:
        if balance.is_opening:
            opened[account] = balance.day
        elif (first := opened.pop(account, None)) and balance.day - first <= _LONGEST:
            day = min(balance.day, today)
            while day > first or day == balance.day == first:
                days.add((account, day))
                day -= _ONE_DAY
    return days


def forget_statement(bank_file: BankFile) -> None:
    """Take away what an undone file has told of, and count what others tell of the same days."""
    rows = StatementDay.objects.filter(file=bank_file)
    days = set(rows.values_list("account_id", "day"))
    shared = _of_others(bank_file, days)
    rows.delete()
    if shared:
        count_anew(shared)


def _of_others(bank_file: BankFile, days: Collection[AccountDay]) -> set[AccountDay]:
    """Those of the days that other statements tell of."""
    if not days:
        return set()
    dates = [day for _account, day in days]
    others = StatementDay.objects.filter(day__range=(min(dates), max(dates))).exclude(
        file=bank_file
    )
    return set(others.values_list("account_id", "day").distinct()) & set(days)


def count_anew(days: Collection[AccountDay]) -> None:
    """Count what statements tell of some days once more, by today's rules.

    A file whose lines are gone, past the time they are kept, keeps what was counted, and so do later
    files on its days. The caller holds a transaction, and `wait_for_other_files`.
    """
    accounts, dates = {account for account, _day in days}, {day for _account, day in days}
    rows = StatementDay.objects.filter(account__in=accounts, day__in=dates)
    told: Counter[str] = Counter()
    files = BankFile.objects.filter(pk__in=rows.values("file"))
    # One that is being booked comes last.
    for bank_file in files.order_by(F("confirmed_at").asc(nulls_last=True), "pk"):
        own = [row for row in rows.filter(file=bank_file) if (row.account_id, row.day) in days]
        counts, seen = Counts(), Counter[str]()
        try:
            for one in lines_of_days(bank_file, days):
                assert one.identity
                seen[one.identity.key] += 1
                if seen[one.identity.key] > told[one.identity.key]:
                    counts.add(one)
        except ValueError:  # also `Refused`: its bytes are gone
            # What others have in common with it is no longer known: on its days they keep theirs as well.
            days = set(days) - {(row.account_id, row.day) for row in own}
            continue
        told |= seen
        counts.span({(row.account_id, row.day) for row in own})
        StatementDay.objects.filter(pk__in=[row.pk for row in own]).delete()
        counts.write(bank_file)
