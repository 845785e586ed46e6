"""Bank files: received, read, booked in one transaction or not at all, and undone as a batch."""

import datetime
import hashlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from io import SEEK_END
from itertools import islice
from pathlib import PurePath
from typing import Any, BinaryIO

from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from donations import known, recall
from donations.bankfiles import kept
from donations.bankfiles.identity import Identity
from donations.bankfiles.matching import match
from donations.bankfiles.recognise import Unrecognised, recognise
from donations.bankfiles.records import Refused
from donations.intake import Intake, Progress, opened
from donations.models import BankFile, ColumnMapping, DonorAnswer, FundYear, HeldLine, Transfer
from donations.money import format_kronor
from donations.operations.booking import Booking, Spool
from donations.operations.ledger import (
    Entry,
    Kind,
    OperationError,
    first_open_day,
    lock,
    lock_accounts,
    refuse_missing_reason,
    retried,
    standing,
    write,
)
from donations.operations.statements import Statement, forget_statement, wait_for_other_files
from donations.outcome import Fate, Outcome
from staff import audit
from staff.models import User

PIECE = 1 << 20  # bytes copied at a time
AT_A_TIME = 5_000  # payments
LARGE = 50 << 20  # bytes
BEGINNING = 1_000  # lines that are read before any of a large file is kept

ANOTHER = HeldLine.Decision.ANOTHER


class Changed(OperationError):
    """What a file comes to is no longer what was shown; the file's outcome tells what it is now."""


# In


def receive(
    name: str, stream: BinaryIO, *, by: User, mapping: ColumnMapping | None = None
) -> BankFile:
    """Keep a file's bytes as they came. Raises `Refused` for one that no format and no mapping reads.

    So does a large one that goes wrong at its beginning: it may be gigabytes of nothing, and is not
    copied first.

    One that may be a sheet is kept also when no saved mapping fits: its `format` is then "".
    """
    bank_file = BankFile(name=PurePath(name).name[:255], by=by, received_at=timezone.now())
    is_large = stream.seek(0, SEEK_END) > LARGE
    try:
        reading = recognise(stream)
        bank_file.format, bank_file.version = reading.format, reading.version
        for _line in islice(reading.lines(), BEGINNING if is_large else 0):
            pass
    except Unrecognised:
        mapping = mapping or recall.fitting_mapping(stream)
        if mapping:
            bank_file.mapping, bank_file.format = mapping, mapping.name
        elif not recall.is_sheet(stream):
            raise
    stream.seek(0)
    digest = hashlib.sha256()
    while piece := stream.read(PIECE):
        digest.update(piece)
        bank_file.size = (bank_file.size or 0) + len(piece)
    bank_file.digest = digest.hexdigest()
    stream.seek(0)
    # The name on disk says nothing: the one it came with may.
    bank_file.file.save(bank_file.digest[:16], File(stream), save=False)
    bank_file.save()
    return bank_file


def already_booked(bank_file: BankFile) -> BankFile | None:
    """The file with the same bytes that has been booked and not undone, if there is one."""
    return BankFile.objects.filter(
        digest=bank_file.digest, confirmed_at__isnull=False, undone_at=None
    ).first()


def read(bank_file: BankFile, *, progress: Progress | None = None) -> BankFile:
    """Read a file through, and write down what it comes to, or why it is refused. Books nothing.

    A file that has been booked or thrown away meanwhile is left as it is.
    """
    outcome: dict[str, Any] = {}
    refusal = None
    try:
        outcome = _walk(bank_file, progress).as_json()
    except Refused as refused:
        refusal = _refusal(refused)
    now = timezone.now()
    unbooked = BankFile.objects.filter(pk=bank_file.pk, confirmed_at=None)
    unbooked.update(outcome=outcome, refusal=refusal, read_at=now)
    with suppress(BankFile.DoesNotExist):
        bank_file.refresh_from_db()
    return bank_file


def _walk(bank_file: BankFile, progress: Progress | None) -> Outcome:
    with opened(bank_file) as stream:
        intaken = Intake(bank_file, stream, progress)
        for _chunk in intaken.lines():
            pass
        return intaken.outcome


def _refusal(refused: Refused) -> dict[str, str]:
    return {"where": refused.where, "why": refused.why, "content": refused.content}


@transaction.atomic
def discard(bank_file: BankFile) -> None:
    """Throw away a file that has not been booked, and its bytes."""
    storage, name = bank_file.file.storage, bank_file.file.name
    # Locked first: who books it meanwhile comes before, and it stays.
    files = BankFile.objects.select_for_update(of=("self",))
    found = files.filter(pk=bank_file.pk, confirmed_at=None).first()
    if found:
        found.delete()
        if name:
            transaction.on_commit(lambda: storage.delete(name))


# Booked


def confirm(
    bank_file: BankFile,
    *,
    by: User,
    seen: Outcome | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Book all of a file's new gifts, or none; hold what waits for a person. Gives what it came to.

    `seen` is what the person was shown: where it is no longer so, nothing is booked. Raises `Changed`,
    `Refused`, and `OperationError` when the same bytes have been booked already.
    """
    try:
        outcome = _confirm(bank_file, by, seen, progress)
    except IntegrityError as error:
        if already_booked(bank_file):
            raise OperationError(
                _("Filen är redan bokförd. Ingenting har bokförts en gång till.")
            ) from error
        raise
    except Changed:
        read(bank_file)
        raise
    bank_file.refresh_from_db()
    return outcome


@retried
def _confirm(
    bank_file: BankFile, by: User, seen: Outcome | None, progress: Progress | None
) -> Outcome:
    wait_for_other_files()
    bank_file = _locked(bank_file)
    if bank_file.confirmed_at or already_booked(bank_file):
        raise OperationError(_("Filen är redan bokförd. Ingenting har bokförts en gång till."))
    if not bank_file.file:
        raise OperationError(_("Filen finns inte kvar. Lämna in den igen."))
    with opened(bank_file) as stream, Booking(bank_file, by) as booking:
        intaken, statement = Intake(bank_file, stream, progress), Statement(bank_file)
        for chunk in intaken.lines():
            booking.take(chunk)
            statement.take(chunk)
        outcome = intaken.outcome
        if seen and seen != outcome:
            raise Changed(
                _(
                    "Ingenting är bokfört. Något har ändrats sedan du såg filen. Granska den, och bokför sedan."
                )
            )
        booking.finish()
    _meet_again(bank_file)
    statement.keep(intaken.balances)
    now = timezone.now()
    bank_file.outcome, bank_file.refusal = outcome.as_json(), None
    bank_file.read_at = bank_file.confirmed_at = now
    bank_file.confirmed_by = by
    bank_file.save()
    new = outcome.of(Fate.MATCHED, Fate.UNPLACED)
    text = ngettext(
        "Bokförde bankfil nr %(file)s: %(count)s gåva, %(amount)s",
        "Bokförde bankfil nr %(file)s: %(count)s gåvor, tillsammans %(amount)s",
        new.lines,
    )
    told = {"file": bank_file.pk, "count": new.lines, "amount": format_kronor(new.ore)}
    audit.record(audit.Area.MONEY, text % told, by=by, about=bank_file)
    return outcome


def _meet_again(bank_file: BankFile) -> None:
    """Show lines that wait beside the gifts of the file that they may be the same as."""
    found = (HeldLine(pk=held, twin_id=twin) for held, twin in known.late_twins(bank_file))
    HeldLine.objects.bulk_update(list(found), ["twin"], batch_size=500)


def _locked(bank_file: BankFile) -> BankFile:
    """The file as it stands, and nobody else's meanwhile. Raises `OperationError` when it has been thrown away."""
    files = BankFile.objects.select_for_update(no_key=True, of=("self",))
    found = files.filter(pk=bank_file.pk).first()
    if not found:
        raise OperationError(_("Filen finns inte kvar. Lämna in den igen."))
    return found


# Undone


def undo(bank_file: BankFile, *, reason: str, by: User) -> int:
    """Reverse all that a file has booked, and let go of its payments; give the number of gifts.

    Each reversal is dated on its gift's own day, or on the first open day after it. What persons have
    placed of the gifts is reversed too. Raises `OperationError` when a gift has been paid back.
    """
    refuse_missing_reason(reason)
    return _undo(bank_file, reason, by)


@retried
def _undo(bank_file: BankFile, reason: str, by: User) -> int:
    wait_for_other_files()
    bank_file = _locked(bank_file)
    if not bank_file.confirmed_at:
        raise OperationError(_("Filen är inte bokförd, så det finns inget att ångra."))
    if bank_file.undone_at:
        raise OperationError(_("Filen är redan ångrad."))
    _lock_gifts(bank_file)
    _refuse_refunded(bank_file)
    count, now = 0, timezone.now()
    with Spool() as spool:
        # Placements before gifts: a gift cannot leave suspense from under what is placed of it.
        for kind in (Kind.PLACEMENT, Kind.GIFT):
            for entry in _reversals(bank_file, kind):
                spool.add(entry)
                count += kind is Kind.GIFT
        lock(FundYear.objects.filter(account__in=spool.accounts).values_list("pk", flat=True))
        lock_accounts(spool.accounts)
        write(spool.entries(reason), by=by)
    withdrawn = bank_file.payments.filter(withdrawn_at=None)
    _reopen(HeldLine.objects.filter(twin__in=withdrawn.values("pk")))
    withdrawn.update(withdrawn_at=now)
    bank_file.lumps.all().delete()
    forget_statement(bank_file)
    bank_file.undone_at, bank_file.undone_by = now, by
    bank_file.save(update_fields=["undone_at", "undone_by"])
    text = ngettext(
        "Ångrade bankfil nr %(file)s: %(count)s gåva",
        "Ångrade bankfil nr %(file)s: %(count)s gåvor",
        count,
    )
    told = {"file": bank_file.pk, "count": count}
    audit.record(audit.Area.MONEY, text % told, by=by, about=bank_file)
    return count


def _lock_gifts(bank_file: BankFile) -> None:
    """Wait for others who place the file's gifts or pay them back: what is read of them stays so."""
    gifts = Transfer.objects.filter(payment__file=bank_file, kind=Kind.GIFT).order_by("pk")
    locked = gifts.select_for_update(no_key=True, of=("self",)).values_list("pk")
    for _gift in locked.iterator(chunk_size=AT_A_TIME):
        pass


def _refuse_refunded(bank_file: BankFile) -> None:
    gifts = Transfer.objects.filter(payment__file=bank_file, kind=Kind.GIFT)
    refunded = Transfer.objects.filter(kind=Kind.REFUND, corrects__in=gifts)
    if count := len({one.corrects_id for one in standing(refunded)}):
        raise OperationError(
            _("Gåvor i filen som är återbetalda: %s. Rätta återbetalningarna först.") % count
        )


def _reversals(bank_file: BankFile, kind: Kind) -> Iterator[Entry]:
    """What undoes the file's standing gifts, or placements of them."""
    first_day = first_open_day()
    payments = bank_file.payments.filter(withdrawn_at=None).order_by("pk")
    pks = payments.values_list("pk", flat=True).iterator(chunk_size=AT_A_TIME)
    while some := list(islice(pks, AT_A_TIME)):
        answers = _answers(some)
        transfers = Transfer.objects.filter(payment__in=some, kind=kind)
        for one in standing(transfers.order_by("pk")):
            covered_ore, answered_on = answers.get(one.pk, (0, first_day))
            yield Entry(
                kind=kind,
                debit_id=one.credit_id,
                credit_id=one.debit_id,
                amount_ore=one.amount_ore,
                covered_ore=one.covered_ore + covered_ore,
                booked_on=max(one.booked_on, first_day, answered_on),
                payment_id=one.payment_id,
                reverses_id=one.pk,
            )


def _answers(payments: Collection[int]) -> dict[int, tuple[int, datetime.date]]:
    """What donors' answers cover of the payments' gifts and placements, by these, and the newest day."""
    told = DonorAnswer.objects.filter(transfer__payment__in=payments).order_by()
    sums = told.values_list("transfer").annotate(Sum("covered_ore"), Max("booked_on"))
    return {transfer: (ore, day) for transfer, ore, day in sums}


def _reopen(held: QuerySet[HeldLine]) -> None:
    """Let lines wait again whose twin is no longer in the books."""
    _let_wait(held.filter(decision=HeldLine.Decision.SAME))
    held.update(twin=None)


# Decided


def decide(
    bank_file: BankFile,
    decision: HeldLine.Decision,
    *,
    by: User,
    lines: Collection[int] | None = None,
    why: HeldLine.Why | None = None,
) -> int:
    """Decide about a file's lines that wait: all, those with the ids `lines`, or those that wait for `why`.

    The same gift is not posted; another gift is, where its number says. Lines that somebody else has
    decided about meanwhile are left as they are. Gives how many they were. Raises `OperationError`.
    """
    return _decide(bank_file, decision, by, lines, why)


@retried
def _decide(
    bank_file: BankFile,
    decision: HeldLine.Decision,
    by: User,
    lines: Collection[int] | None,
    why: HeldLine.Why | None,
) -> int:
    wait_for_other_files()
    bank_file = BankFile.objects.get(pk=bank_file.pk)
    if bank_file.undone_at:
        raise OperationError(_("Filen är ångrad, så det finns inget kvar att besluta om."))
    waiting = HeldLine.objects.select_for_update(no_key=True, of=("self",)).filter(
        file=bank_file, decision=""
    )
    if lines is not None:
        waiting = waiting.filter(pk__in=lines)
    if why:
        waiting = waiting.filter(why=why)
    if decision is ANOTHER:
        count = _book_held(bank_file, list(waiting), by)
    else:
        count = waiting.update(decision=decision, decided_at=timezone.now(), decided_by=by)
    if count:
        text = _("Beslutade om rader i bankfil nr %(file)s: %(count)s, %(decision)s") % {
            "file": bank_file.pk,
            "count": count,
            "decision": decision.label,
        }
        audit.record(audit.Area.MONEY, text, by=by, about=bank_file)
    return count


def _book_held(bank_file: BankFile, held: list[HeldLine], by: User) -> int:
    """Book lines as gifts of their own; give how many."""
    register, gifts = recall.register(), []
    for one in held:
        if one.line is None:
            raise OperationError(_("Raden är gallrad och kan inte längre bokföras."))
        line = kept.from_json(one.line)
        gifts.append((line, _identity_of(one), one.account_id, match(line, register)))
    with Booking(bank_file, by) as booking:
        for one, payment in zip(held, booking.add(gifts), strict=True):
            one.payment_id = payment
            one.decision, one.decided_at, one.decided_by = ANOTHER, timezone.now(), by
        booking.finish()
    HeldLine.objects.bulk_update(
        held, ["decision", "decided_at", "decided_by", "payment"], batch_size=500
    )
    return len(held)


@retried
def reopen(held: HeldLine, *, by: User) -> None:
    """Let a line wait again that was decided to be a gift in the books. Raises `OperationError`."""
    wait_for_other_files()
    held = HeldLine.objects.select_for_update(no_key=True, of=("self",)).get(pk=held.pk)
    if held.decision == ANOTHER:
        raise OperationError(_("Raden är bokförd som en gåva. Rätta gåvan i stället."))
    if held.file.undone_at:
        raise OperationError(_("Filen är ångrad, så det finns inget kvar att besluta om."))
    if held.decision:
        _let_wait(HeldLine.objects.filter(pk=held.pk))
        text = _("Ångrade ett beslut om en rad i bankfil nr %s") % held.file_id
        audit.record(audit.Area.MONEY, text, by=by, about=held.file)


def _let_wait(held: QuerySet[HeldLine]) -> None:
    held.update(decision="", decided_at=None, decided_by=None)


def _identity_of(held: HeldLine) -> Identity:
    """The line's own identity; where its key belongs to other contents, a key of its own."""
    key = held.key.hex
    if held.why == HeldLine.Why.CONFLICT:
        digest = hashlib.blake2b(f"{key} {held.content_digest}".encode(), digest_size=16)
        key = key[0] + digest.hexdigest()[1:]  # the same kind of key
    return Identity(key, held.money_digest, held.content_digest)
