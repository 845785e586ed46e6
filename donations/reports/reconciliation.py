"""Each day of a bank account: what the statement says, what the books hold, and whether somebody has looked.

Read from what triggers and the booking of files keep; no gift is read. By the bank's own day.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from django.db.models import Max, Sum

from donations.bankfiles.aside import Class, Count
from donations.bankfiles.records import Way
from donations.models import Account, BankDay, SignOff, StatedDay, StatementDay

ONE_DAY = datetime.timedelta(days=1)


class State(StrEnum):
    """How a day stands, in the words that an address has."""

    SIGNED = "avstamd"
    CHANGED = "andrad"
    DIFFERS = "skiljer"
    NO_STATEMENT = "utan-kontoutdrag"
    AGREES = "stammer"
    UNDER_WAY = "pagar"
    NOTHING = "ingenting"


# Days that somebody has to see to.
WAITING = (State.CHANGED, State.DIFFERS, State.NO_STATEMENT, State.AGREES)


@dataclass
class Day:
    """One day of one account. Öre and numbers of lines.

    `cells` are a statement's lines by class ("" for what may be a gift) and way, where files tell of the
    day; else `stated` is what somebody has read off a statement.
    """

    account: Account
    day: datetime.date
    today: datetime.date
    cells: dict[tuple[str, str], Count] = field(default_factory=dict)
    has_file: bool = False
    stated: StatedDay | None = None
    gifts: int = 0
    books_ore: int = 0
    refunds: int = 0
    refunded_ore: int = 0
    changed_at: datetime.datetime | None = None
    sign_off: SignOff | None = None

    @property
    def has_statement(self) -> bool:
        """Whether anything tells what came in."""
        return self.has_file or self.stated is not None

    @property
    def in_ore(self) -> int:
        """All that came in on the account, by the statement."""
        if self.has_file:
            return sum(one.ore for (_is_a, way), one in self.cells.items() if way == Way.IN)
        return (self.stated.in_ore or 0) if self.stated else 0

    @property
    def aside_ore(self) -> int:
        """What of that is set aside, as no gift."""
        if self.has_file:
            return sum(one.ore for _is_a, one in self.aside)
        return self.stated.aside_ore if self.stated else 0

    @property
    def aside(self) -> list[tuple[str, Count]]:
        """What came in and is set aside, by class."""
        gifts = ("", Class.LUMP.value)
        return [
            (is_a, one)
            for (is_a, way), one in sorted(self.cells.items())
            if way == Way.IN and is_a not in gifts
        ]

    @property
    def out(self) -> list[tuple[str, Count]]:
        """What went out, by class."""
        return [(is_a, one) for (is_a, way), one in sorted(self.cells.items()) if way == Way.OUT]

    @property
    def given_ore(self) -> int:
        """What came in and has to be in the books."""
        return self.in_ore - self.aside_ore

    @property
    def difference_ore(self) -> int:
        """What the statement has beyond the books, below zero when it has less."""
        return self.given_ore - self.books_ore

    @property
    def is_signed(self) -> bool:
        """Whether somebody's word stands, whatever has happened since."""
        return self.sign_off is not None and self.sign_off.is_signed

    @property
    def is_changed(self) -> bool:
        """Whether statement or books are no longer what somebody signed, or gifts have come and gone since."""
        word = self.sign_off
        if word is None or not word.is_signed:
            return False
        now = (self.in_ore, self.aside_ore, self.books_ore)
        is_later = self.changed_at is not None and self.changed_at > word.created_at
        return is_later or now != (word.statement_ore, word.aside_ore, word.books_ore)

    @property
    def state(self) -> State:
        if self.is_signed:
            return State.CHANGED if self.is_changed else State.SIGNED
        is_empty = not (self.gifts or self.books_ore)
        if self.day >= self.today:
            return State.NOTHING if is_empty and not self.has_statement else State.UNDER_WAY
        if not self.has_statement:
            return State.NOTHING if is_empty else State.NO_STATEMENT
        return State.DIFFERS if self.difference_ore else State.AGREES

    @property
    def waits(self) -> bool:
        """Whether somebody has to see to it."""
        return self.state in WAITING

    @property
    def seen(self) -> str:
        """What tells whether the sums that were shown are those of now."""
        sums = (self.in_ore, self.aside_ore, self.books_ore)
        return ":".join(map(str, (self.account.pk, self.day, *sums)))


def days(
    accounts: Iterable[Account],
    first: datetime.date,
    last: datetime.date,
    today: datetime.date,
) -> dict[int, list[Day]]:
    """Every day of each account, by its id, from `first` through `last`. Four queries."""
    of = {account.pk: account for account in accounts}
    dates = list(_dates(first, last))
    made = {(pk, day): Day(account, day, today) for pk, account in of.items() for day in dates}
    if made:
        _fill(made, of.keys(), first, last)
    return {pk: [made[pk, day] for day in dates] for pk in of}


def day_of(account: Account, day: datetime.date, today: datetime.date) -> Day:
    """One day of one account."""
    return days([account], day, day, today)[account.pk][0]


def _dates(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    while first <= last:
        yield first
        first += ONE_DAY


def _fill(
    made: dict[tuple[int, datetime.date], Day],
    accounts: Collection[int],
    first: datetime.date,
    last: datetime.date,
) -> None:
    kept = BankDay.objects.filter(account__in=accounts, bank_date__range=(first, last)).order_by()
    sums = (Sum("gifts"), Sum("in_ore"), Sum("refunds"), Sum("out_ore"), Max("changed_at"))
    for account, date, *told in kept.values_list("account_id", "bank_date").annotate(*sums):
        one = made[account, date]
        one.gifts, one.books_ore, one.refunds, one.refunded_ore, one.changed_at = told
    between = {"account__in": accounts, "day__range": (first, last)}
    cells: dict[tuple[int, datetime.date], dict[tuple[str, str], Count]] = defaultdict(dict)
    by_cell = StatementDay.objects.filter(**between).order_by()
    for account, date, is_a, way, lines, ore in by_cell.values_list(
        "account_id", "day", "is_a", "way"
    ).annotate(Sum("lines"), Sum("ore")):
        cells[account, date][is_a, way] = Count(lines, ore)
    for at, of_day in cells.items():
        made[at].cells, made[at].has_file = of_day, True
    # The newest of a day comes last, and holds.
    for stated in StatedDay.objects.filter(**between).select_related("by").order_by("pk"):
        is_struck = stated.in_ore is None
        made[stated.account_id, stated.day].stated = None if is_struck else stated
    for word in SignOff.objects.filter(**between).select_related("by").order_by("pk"):
        made[word.account_id, word.day].sign_off = word
