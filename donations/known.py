"""What the database knows already of the gifts in a bank file."""

import datetime
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Max, Min, OuterRef, Q, QuerySet, Subquery

from donations import recall
from donations.bankfiles import identity
from donations.bankfiles.identity import Identity, Likeness
from donations.bankfiles.kept import from_json
from donations.bankfiles.records import (
    Way,
)
from donations.models import (
    BankFile,
    HeldLine,
    Payment,
    Transfer,
)


@dataclass(frozen=True, slots=True)
class Known:
    """A payment in the books, or a line that waits or has been decided about: what tells it, and where."""

    identity: Identity
    format: str
    payment: int | None


_KNOWN = """
    SELECT p.key, p.money_digest, p.content_digest, f.format, p.id
    FROM donations_payment p JOIN donations_bankfile f ON f.id = p.file_id
    WHERE p.withdrawn_at IS NULL AND p.key {among} {before}
    UNION ALL
    SELECT h.key, h.money_digest, h.content_digest, f.format, coalesce(h.payment_id, h.twin_id)
    FROM donations_heldline h JOIN donations_bankfile f ON f.id = h.file_id
    WHERE f.undone_at IS NULL AND h.key {among} {before}
"""


def known_by(keys: list[str], before: datetime.datetime | None = None) -> dict[str, list[Known]]:
    """What the database holds under each of the keys, from files booked before a moment or from all."""
    if not keys:
        return {}
    if connection.vendor == "postgresql":
        among, values = "= ANY(%s::uuid[])", f"{{{','.join(keys)}}}"
    else:
        quoted = ",".join(f'"{key}"' for key in keys)
        among, values = "IN (SELECT value FROM json_each(%s))", f"[{quoted}]"
    found: dict[str, list[Known]] = {}
    moment = [connection.ops.adapt_datetimefield_value(before)] if before else []
    sql = _KNOWN.format(among=among, before="AND f.confirmed_at < %s" if before else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, [values, *moment, values, *moment])
        for key, money, content, format_, payment in cursor.fetchall():
            text = str(key).replace("-", "")
            one = Known(Identity(text, money, content), format_, payment)
            found.setdefault(text, []).append(one)
    return found


def is_told_otherwise(bank_file: BankFile, is_by_id: bool | None) -> bool:
    """Whether anything in the books may be known under other keys.

    It came in another kind of file, or in one of this kind with other keys than the file begins with, or
    was registered by hand.
    """
    others = BankFile.objects.filter(confirmed_at__isnull=False, undone_at=None)
    return (
        others.exclude(format=bank_file.format).exists()
        or Payment.objects.filter(file=None, account__isnull=False).exists()
        or (is_by_id is not None and _with_other_keys(bank_file, is_by_id).exists())
    )


def _with_other_keys(bank_file: BankFile, is_by_id: bool) -> QuerySet[Payment]:
    """What files of the same kind have told of under keys of the other kind."""
    return Payment.objects.filter(
        _other_keys(is_by_id), file__format=bank_file.format, withdrawn_at=None
    )


def _other_keys(is_by_id: bool) -> Q:
    first = uuid.UUID(identity.FIRST_BY_ID)
    return Q(key__lt=first) if is_by_id else Q(key__gte=first)


def told_otherwise(
    bank_file: BankFile,
    accounts: Iterable[int],
    first: datetime.date,
    last: datetime.date,
    is_by_id: bool,
) -> list[tuple[int, Likeness]]:
    """The standing gifts of the days that no file of this kind has told of by such keys, by their payments' ids."""
    late = datetime.timedelta(days=identity.LATE)
    # What was booked after the file has nothing to do with what it was told to be.
    before = {"file__confirmed_at__lt": bank_file.confirmed_at} if bank_file.confirmed_at else {}
    paired = HeldLine.objects.filter(
        file__format=bank_file.format, file__undone_at=None, twin__isnull=False, **before
    ).exclude(decision=HeldLine.Decision.ANOTHER)
    unlike = ~Q(file__format=bank_file.format) | _other_keys(is_by_id)
    otherwise = Q(file=None) | Q(unlike, **before)
    payments = (
        Payment.objects.filter(
            account__in=accounts, bank_date__range=(first - late, last + late), withdrawn_at=None
        )
        .filter(otherwise)
        .exclude(pk__in=paired.values("twin"))
        .order_by("pk")
    )
    return [_likeness(found) for found in _with_gifts(payments)]


def _with_gifts(payments: Any) -> Iterator[tuple[Payment, int]]:
    """Payments with the öre of their gifts; those whose gift has been reversed are left out."""
    batch: list[Payment] = []
    for payment in payments.iterator(chunk_size=2_000):
        batch.append(payment)
        if len(batch) == 2_000:
            yield from _gifts_of(batch)
            batch = []
    yield from _gifts_of(batch)


def _gifts_of(batch: list[Payment]) -> Iterator[tuple[Payment, int]]:
    gifts = Transfer.objects.originals().filter(payment__in=batch, kind=Transfer.Kind.GIFT)
    gifts = gifts.select_related("reversal")
    amounts = {gift.payment_id: gift.amount_ore for gift in gifts if not hasattr(gift, "reversal")}
    return ((payment, amounts[payment.pk]) for payment in batch if payment.pk in amounts)


def _likeness(found: tuple[Payment, int]) -> tuple[int, Likeness]:
    payment, amount_ore = found
    return payment.pk, identity.likeness_of(
        account=str(payment.account_id),
        way=Way.IN,
        amount_ore=amount_ore,
        day=payment.bank_date,
        payer=recall.payer_of(payment),
        references=recall.references_of(payment),
    )


def late_twins(bank_file: BankFile) -> Iterator[tuple[int, int]]:
    """Lines that wait without a twin, and the gifts of a booked file that they may be the same as.

    By their ids. The twins that lines were held for go when their file is undone, and may come again in
    any file; and of an id with two contents in one file, the first is booked with the file.
    """
    waiting = HeldLine.objects.filter(decision="", twin=None, file__undone_at=None)
    same_id = Payment.objects.filter(file=bank_file, key=OuterRef("key"), withdrawn_at=None)
    conflicts = waiting.filter(why=HeldLine.Why.CONFLICT).annotate(
        found=Subquery(same_id.values("pk")[:1])
    )
    yield from conflicts.filter(found__isnull=False).values_list("pk", "found")
    alike = waiting.filter(why=HeldLine.Why.ALIKE, line__isnull=False).exclude(file=bank_file)
    days = alike.aggregate(first=Min("bank_date"), last=Max("bank_date"))
    if days["first"] is None:
        return
    late = datetime.timedelta(days=identity.LATE)
    payments = bank_file.payments.filter(
        bank_date__range=(days["first"] - late, days["last"] + late)
    ).order_by("pk")
    known = [_likeness(one) for one in _with_gifts(payments)]
    for _file, some in groupby(alike.order_by("file", "pk"), key=attrgetter("file_id")):
        held = list(some)
        for pair in identity.pair([_likeness_held(one) for one in held], [k for _pk, k in known]):
            yield held[pair.new].pk, known[pair.known][0]


def _likeness_held(held: HeldLine) -> Likeness:
    assert held.line is not None  # the others are not asked for
    line = from_json(held.line)
    return identity.likeness_of(
        account=str(held.account_id),
        way=line.way,
        amount_ore=line.amount_ore,
        day=line.booked_on,
        payer=line.payer,
        references=line.references,
    )
