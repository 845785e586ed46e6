"""The transfers of an account a page at a time, newest first, with what stood on it after each.

A page costs the same however many transfers there are: it begins below a place in the account's own
index, and a balance is the one above it less one transfer. Where something is looked for that no index
tells, so many transfers are looked through for a page and no more.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import (
    DateField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.lookups import LessThan

from donations.models import Account, Transfer

# How many transfers a page shows, and how many a page looks through to find them.
ON_A_PAGE, LOOKED_THROUGH = 50, 20_000
_NEWEST_FIRST = ("-booked_on", "-pk")
_SIDES = {"credit": True, "debit": False}


@dataclass(frozen=True)
class Sought:
    """Which transfers to show: of a kind, booked from `first` to `last`, of so many öre, that came in or went out."""

    kind: str = ""
    first: datetime.date | None = None
    last: datetime.date | None = None
    least_ore: int | None = None
    most_ore: int | None = None
    is_in: bool | None = None

    @property
    def leaves_out(self) -> bool:
        """Whether there may be transfers between those shown, so that no balance runs through them."""
        amounts = (self.least_ore, self.most_ore, self.is_in)
        return bool(self.kind) or any(one is not None for one in amounts)


@dataclass(frozen=True)
class Place:
    """Where a page begins: below the transfer with this day and id."""

    day: datetime.date
    pk: int


@dataclass(frozen=True)
class Row:
    """A transfer as one of its accounts sees it: whether it came in, and the account on the other side."""

    transfer: Any
    is_in: bool

    @property
    def other(self) -> Account:
        return self.transfer.debit if self.is_in else self.transfer.credit

    @property
    def change_ore(self) -> int:
        """What the transfer did to the account, in öre."""
        return self.transfer.amount_ore if self.is_in else -self.transfer.amount_ore


@dataclass(frozen=True)
class Page:
    """Rows, newest first; the place where older ones go on, if there are any; and whether they are all found.

    `is_cut` when as many were looked through as one page may, and more may be found from `older` on.
    """

    rows: list[Row]
    older: Place | None = None
    is_cut: bool = False


def page(
    account: Account,
    through: datetime.date,
    sought: Sought,
    after: Place | None = None,
    *,
    with_payments: bool = False,
) -> Page:
    """A page of the account's transfers booked by the end of `through`, in two queries.

    With their counterparts, proposals and what they reverse, with what has reversed them (`reversal_id`,
    `reversed_on`), and with the payments behind them if asked for.
    """
    found = _found(account, through, sought, after)
    shown = [pk for _day, pk, is_whole in found if is_whole][: ON_A_PAGE + 1]
    ends = [(day, pk) for day, pk, is_whole in found if not is_whole]
    transfers = _whole(shown[:ON_A_PAGE], with_payments)
    rows = [Row(one, one.credit_id == account.pk) for one in transfers]
    if len(shown) > ON_A_PAGE:
        return Page(rows, Place(rows[-1].transfer.booked_on, rows[-1].transfer.pk))
    if ends:
        # Both sides have been looked through down to the newer of their ends.
        day, pk = max(ends)
        return Page(rows, Place(datetime.date.fromisoformat(day), pk), is_cut=True)
    return Page(rows)


def _found(
    account: Account, through: datetime.date, sought: Sought, after: Place | None
) -> list[tuple[str, int, bool]]:
    """Day, id and True for what is sought, newest first; False for the last that was looked at on a side."""
    asked = []
    for side, is_in in _SIDES.items():
        if sought.is_in in (None, is_in):
            within = _within(side, account, through, sought, after)
            if not _is_looked_for(sought):
                asked.append(_part(within[: ON_A_PAGE + 1]))
                continue
            asked.append(_part(within[:LOOKED_THROUGH], sought))
            asked.append(_part(within[LOOKED_THROUGH - 1 : LOOKED_THROUGH], is_end=True))
    rows = _together(asked)
    ends = [(day, pk) for day, pk, is_whole in rows if not is_whole]
    return [row for row in rows if not row[2] or not ends or row[:2] >= max(ends)]


def _within(
    side: str, account: Account, through: datetime.date, sought: Sought, after: Place | None
) -> QuerySet[Any]:
    """What an index tells apart, newest first, of the transfers that have the account on `side`."""
    last = min(through, sought.last or through)
    found = Transfer.objects.filter(**{side: account}, booked_on__lte=last)
    if sought.first:
        found = found.filter(booked_on__gte=sought.first)
    if sought.kind not in ("", Transfer.Kind.GIFT):
        # Said as the index says it, or SQLite does not see that it serves.
        found = found.filter(~Q(kind=Transfer.Kind.GIFT), kind=sought.kind)
    if after:
        found = found.filter(_below(after))
    return found.order_by(*_NEWEST_FIRST)


def _has_index(kind: str) -> bool:
    return kind not in ("", Transfer.Kind.GIFT)


def _is_looked_for(sought: Sought) -> bool:
    """Whether something is asked that no index tells, so that transfers are looked through one by one."""
    is_amount = sought.least_ore is not None or sought.most_ore is not None
    return is_amount or sought.kind == Transfer.Kind.GIFT


def _below(place: Place) -> LessThan:
    """(day, id) < (day, id), as one comparison: an index then begins at the place, also within a day."""

    def both(*parts: Any) -> Func:
        return Func(*parts, template="(%(expressions)s)", output_field=IntegerField())

    return LessThan(
        both(F("booked_on"), F("pk")), both(Value(place.day, DateField()), Value(place.pk))
    )


def _part(
    within: QuerySet[Any], sought: Sought | None = None, *, is_end: bool = False
) -> tuple[str, list[Any]]:
    """SQL for day and id of transfers that were cut to so many, those of them alone that are sought."""
    columns = within.values_list("booked_on", "id", "kind", "amount_ore")
    sql, values = columns.query.sql_with_params()
    asked = (
        {
            "kind = %s": sought.kind or None,
            "amount_ore >= %s": sought.least_ore,
            "amount_ore <= %s": sought.most_ore,
        }
        if sought
        else {}
    )
    asked = {condition: value for condition, value in asked.items() if value is not None}
    where = f"WHERE {' AND '.join(asked)}" if asked else ""
    return (
        f"SELECT * FROM (SELECT booked_on, id, {int(not is_end)} FROM ({sql}) AS seen {where}"  # noqa: S608
        f" ORDER BY booked_on DESC, id DESC LIMIT {ON_A_PAGE + 1}) AS part",
        [*values, *asked.values()],
    )


def _together(parts: Sequence[tuple[str, list[Any]]]) -> list[tuple[str, int, bool]]:
    """What the parts give, newest first, in one query: Django's union takes no part with a limit on SQLite."""
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(sql for sql, _values in parts),
            [value for _sql, values in parts for value in values],
        )
        rows = cursor.fetchall()
    return sorted(((str(day), pk, bool(mark)) for day, pk, mark in rows), reverse=True)


def _whole(ids: Iterable[int], with_payments: bool) -> list[Any]:
    """The transfers with everything that a page tells of them, newest first."""
    names = [
        *("reverses", "line__proposal__by", "line__proposal__decided_by"),
        *(
            f"{side}__fund_year__{of}"
            for side in _SIDES
            for of in ("year", "fund__project", "fund__focus_area")
        ),
        *(["payment__file"] if with_payments else []),
    ]
    # Joined, SQLite would read every transfer for each: nearly all reverse nothing.
    undone = Transfer.objects.order_by().filter(reverses=OuterRef("pk"))
    return list(
        Transfer.objects.filter(pk__in=list(ids))
        .select_related(*names)
        .annotate(
            reversal_id=Subquery(undone.values("pk")),
            reversed_on=Subquery(undone.values("booked_on")),
        )
        .order_by(*_NEWEST_FIRST)
    )
