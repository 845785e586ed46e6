"""What is known of payers goes when the books need it no longer: details, files, what is remembered.

The books stay, and so do keys and digests: a file that is handed in again is still known. Each batch is
a transaction of its own with its line in the audit list, which tells counts alone. Whatever stops it,
it can be run again, and goes on where it was.
"""

import datetime
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.days import long_date, past_through
from donations.models import (
    BankFile,
    BoundPayer,
    CollectionYear,
    HeldLine,
    LumpSum,
    Payment,
    RememberedPlacement,
    Transfer,
)
from donations.models.bank import private
from staff import audit

logger = logging.getLogger(__name__)
M = TypeVar("M", bound=models.Model)

# A file that nobody books is not of the books.
NOT_BOOKED = datetime.timedelta(days=30)
# Bytes are there before the row of their file is. No upload takes longer.
ON_ITS_WAY = datetime.timedelta(days=1)
BATCH = 10_000
# Each is removed from a storage that may be far away, while the batch's transaction lasts.
FILES = 20


@dataclass
class Forgotten:
    """How many of each have been forgotten; `failed` files could not be removed from their storage."""

    payments: int = 0
    lines: int = 0
    placements: int = 0
    bindings: int = 0
    files: int = 0
    unbooked: int = 0
    stray: int = 0
    failed: int = 0


def newest_past_day(today: datetime.date) -> datetime.date:
    """The newest day whose financial year's records need no longer be kept.

    A day outside all collection years is in one like the nearest, as it would be made.
    """
    end = past_through(today)
    years = CollectionYear.objects.order_by("starts_on")
    year = years.filter(ends_on__gte=end).first() or years.last()
    if year is None or year.ends_on == end:
        return end
    start = year.starts_on
    if not year.starts_on <= end <= year.ends_on:
        start = datetime.date(end.year, start.month, 1)  # years begin on the first of a month
        if start.month == 1:
            return end
    return start - datetime.timedelta(days=1)


def due(now: datetime.datetime) -> Forgotten:
    """What `forget` would take at the moment `now` (aware)."""
    day = newest_past_day(timezone.localdate(now))
    return Forgotten(
        payments=_payments(day).count(),
        lines=_lines(day).count(),
        placements=_placements(day).count(),
        bindings=_bindings(day).count(),
        files=sum(1 for _one in _files(day)),
        unbooked=_unbooked(now).count(),
        stray=sum(1 for _name in _strays(now)),
    )


def forget(now: datetime.datetime) -> Forgotten:
    """Forget everything that is past its time at the moment `now` (aware)."""
    day = newest_past_day(timezone.localdate(now))
    done = Forgotten()
    for ids in _batches(_payments(day), BATCH):
        done.payments += _emptied(
            _payments(day).filter(pk__range=(ids[0], ids[-1])),
            _(
                "Tog bort givares uppgifter ur betalningar till och med den %(day)s: %(count)s stycken"
            ),
            day,
            **dict.fromkeys(_TEXTS, ""),
            references=None,
        )
    for ids in _batches(_lines(day), BATCH):
        done.lines += _emptied(
            _lines(day).filter(pk__range=(ids[0], ids[-1])),
            _(
                "Tog bort innehållet i undanhållna rader till och med den %(day)s: %(count)s stycken"
            ),
            day,
            line=None,
        )
    done.placements = _deleted(
        _placements(day),
        _("Glömde placeringar som beslutades till och med den %(day)s: %(count)s stycken"),
        day,
    )
    done.bindings = _deleted(
        _bindings(day),
        _("Glömde bundna betalare som inte har gett efter den %(day)s: %(count)s stycken"),
        day,
    )
    _forget_files(day, done)
    _forget_unbooked(now, done)
    _forget_strays(now, done)
    return done


# What is past its time


_TEXTS = ("payer_name", "payer_account", "payer_identity", "message", "note")


def _later(day: datetime.date, payment: str) -> Exists:
    """Whether the payment has a transfer on a later day: what corrects it is a record of it, too."""
    return Exists(Transfer.objects.filter(payment=OuterRef(payment), booked_on__gt=day))


def _payments(day: datetime.date) -> QuerySet[Payment]:
    is_empty = Q(references__isnull=True, **dict.fromkeys(_TEXTS, ""))
    return Payment.objects.filter(~is_empty, ~_later(day, "pk"), bank_date__lte=day)


def _lines(day: datetime.date) -> QuerySet[HeldLine]:
    return HeldLine.objects.filter(
        ~_later(day, "payment_id"), line__isnull=False, bank_date__lte=day
    )


def _placements(day: datetime.date) -> QuerySet[RememberedPlacement]:
    return RememberedPlacement.objects.filter(decided_on__lte=day)


def _bindings(day: datetime.date) -> QuerySet[BoundPayer]:
    return BoundPayer.objects.filter(used_on__lte=day)


def _files(day: datetime.date) -> Iterator[int]:
    """The booked files, by their ids, all of whose days are past: of one without payments, when it came."""
    of_file = {"file": OuterRef("pk")}
    found = BankFile.objects.filter(
        ~Q(file="", name=""),
        ~Exists(Payment.objects.filter(bank_date__gt=day, **of_file)),
        ~Exists(Transfer.objects.filter(booked_on__gt=day, payment__file=OuterRef("pk"))),
        ~Exists(HeldLine.objects.filter(bank_date__gt=day, **of_file)),
        ~Exists(LumpSum.objects.filter(bank_date__gt=day, **of_file)),
        Exists(Payment.objects.filter(**of_file)) | Q(received_at__date__lte=day),
        confirmed_at__isnull=False,
    )
    for pk, outcome in found.order_by("pk").values_list("pk", "outcome"):
        # Lines that were set aside have days, too.
        if (outcome.get("last_day") or "") <= day.isoformat():
            yield pk


def _unbooked(now: datetime.datetime) -> QuerySet[BankFile]:
    return BankFile.objects.filter(confirmed_at=None, received_at__lt=now - NOT_BOOKED)


def _strays(now: datetime.datetime) -> Iterator[str]:
    """The names of files in the storage that are no bank file's: what a broken upload has left."""
    storage = private()
    for year in _folders(""):
        for month in _folders(year):
            folder = f"{year}/{month}/"
            known = BankFile.objects.filter(file__startswith=folder)
            names = set(known.values_list("file", flat=True))
            for name in storage.listdir(folder)[1]:
                whole = folder + name
                if whole not in names and storage.get_modified_time(whole) < now - ON_ITS_WAY:
                    yield whole


def _folders(of: str) -> list[str]:
    try:
        return private().listdir(of)[0]
    except FileNotFoundError:  # nothing has been handed in
        return []


# In batches


def _batches(rows: QuerySet[M], size: int) -> Iterator[list[int]]:
    """The ids of the rows, some at a time; the rows may be changed meanwhile."""
    newest = 0
    while ids := list(
        rows.filter(pk__gt=newest).order_by("pk").values_list("pk", flat=True)[:size]
    ):
        yield ids
        newest = ids[-1]


def _emptied(rows: QuerySet[M], told: str, day: datetime.date, **empty: object) -> int:
    with transaction.atomic():
        return _recorded(rows.update(**empty), told, day)


def _deleted(rows: QuerySet[M], told: str, day: datetime.date) -> int:
    with transaction.atomic():
        return _recorded(rows.delete()[0], told, day)


def _recorded(count: int, told: str, day: datetime.date) -> int:
    if count:
        text = told % {"day": long_date(day), "count": count}
        audit.record(audit.Area.MONEY, text, by=None)
    return count


# Files


def _forget_files(day: datetime.date, done: Forgotten) -> None:
    told = _("Tog bort bankfiler i original till och med den %(day)s: %(count)s stycken")
    ids = list(_files(day))
    for at in range(0, len(ids), FILES):
        with transaction.atomic():
            gone = _without_bytes(BankFile.objects.filter(pk__in=ids[at : at + FILES]), done)
            gone.update(file="", name="")
            done.files += _recorded(len(gone), told, day)


def _forget_unbooked(now: datetime.datetime, done: Forgotten) -> None:
    told = _(
        "Tog bort bankfiler som kom till och med den %(day)s och aldrig bokfördes: %(count)s stycken"
    )
    day = timezone.localdate(now - NOT_BOOKED)
    for ids in _batches(_unbooked(now), FILES):
        with transaction.atomic():
            gone = _without_bytes(_unbooked(now).filter(pk__in=ids), done)
            done.unbooked += _recorded(gone.delete()[0], told, day)


def _forget_strays(now: datetime.datetime, done: Forgotten) -> None:
    told = _(
        "Tog bort bankfiler från före den %(day)s som inte hörde till något: %(count)s stycken"
    )
    day = timezone.localdate(now)
    for name in list(_strays(now)):
        if _is_removed(name):
            done.stray += 1
        else:
            done.failed += 1
    with transaction.atomic():
        _recorded(done.stray, told, day)


def _without_bytes(files: QuerySet[BankFile], done: Forgotten) -> QuerySet[BankFile]:
    """Those of the files whose bytes are gone now; nobody books them meanwhile.

    The bytes go first: a row without bytes is found and emptied the next time, bytes without a row
    would have to be looked for.
    """
    locked = files.select_for_update(no_key=True, of=("self",)).values_list("pk", "file")
    gone = []
    for pk, name in locked:
        if not name or _is_removed(name):
            gone.append(pk)
        else:
            done.failed += 1
    return BankFile.objects.filter(pk__in=gone)


def _is_removed(name: str) -> bool:
    try:
        private().delete(name)
    except Exception:
        # Whatever a storage raises, the others are to go.
        logger.exception("The bank file %s could not be removed: run forget_payers again", name)
        return False
    return True
