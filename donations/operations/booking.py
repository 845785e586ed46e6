"""How the gifts of a bank file are written: payments as they come, their transfers at the end."""

import datetime
import struct
import tempfile
from collections.abc import Iterator, Sequence

from django.db import connection

from donations import bulk, recall
from donations.bankfiles import kept
from donations.bankfiles.identity import Identity
from donations.bankfiles.matching import How, Match, payer_keys
from donations.bankfiles.records import Line
from donations.models import Account, BankFile, BoundPayer, Fund, HeldLine, LumpSum, Payment
from donations.operations.gifts import first_clauses
from donations.operations.ledger import Entry, Kind, first_open_day, lock_accounts, write
from donations.operations.years import account, collection_year, fund_year, single_account
from donations.outcome import Fate, Told
from staff.models import User

PIECE = 1 << 20  # bytes buffered at a time


# A line that is a gift, its identity, our account's id, and where it goes.
Gift = tuple[Line, Identity | None, int, Match | None]


class Booking:
    """Writes payments as they come, and the transfers they make in one statement at the end.

    To be used within a transaction, and as a context, which its temporary file goes with.
    """

    def __init__(self, bank_file: BankFile, by: User) -> None:
        self._file, self._by = bank_file, by
        self._first_day = first_open_day()
        self._suspense = single_account(Account.Kind.SUSPENSE).pk
        self._places = Places(by)
        self._spool = Spool()
        self._uses = Uses()

    def __enter__(self) -> "Booking":
        return self

    def __exit__(self, *error: object) -> None:
        self._spool.__exit__(*error)

    def take(self, chunk: list[Told]) -> None:
        """Write what is new in some lines, and hold what waits."""
        new = [told for told in chunk if told.fate in (Fate.MATCHED, Fate.UNPLACED)]
        self.add([(told.line, told.identity, told.account, told.match) for told in new])
        HeldLine.objects.bulk_create(
            [
                held_line(self._file, told)
                for told in chunk
                if told.fate in (Fate.SUSPECTED, Fate.CONFLICT)
            ],
            batch_size=1_000,
        )
        LumpSum.objects.bulk_create(
            [
                LumpSum(
                    file=self._file,
                    account_id=told.account,
                    bank_date=told.line.booked_on,
                    amount_ore=told.line.amount_ore,
                    deposit=told.line.deposit[:80],
                )
                for told in chunk
                if told.fate is Fate.LUMP
            ],
            batch_size=1_000,
        )

    def add(self, gifts: Sequence[Gift]) -> list[int]:
        """Write payments, and keep their transfers for `finish`; give the payments' ids in order."""
        ids = bulk.next_ids(Payment, len(gifts))
        bulk.insert(
            Payment,
            _COLUMNS,
            ((pk, *_payment(self._file.pk, *gift)) for pk, gift in zip(ids, gifts, strict=True)),
        )
        if connection.vendor == "postgresql":
            # Now, while others read on, and not at the commit, when everybody waits.
            connection.check_constraints()
        for pk, (line, _identity, bank, match) in zip(ids, gifts, strict=True):
            self._book(pk, line, bank, match)
            self._uses.add(line, match)
        return ids

    def _book(self, payment: int, line: Line, bank: int, match: Match | None) -> None:
        """One gift to its fund; else one on suspense, and what is placed of it at once."""
        parts = match.parts if match else ()
        day = max(line.booked_on, self._first_day)
        if len(parts) == 1:
            credit, is_covered = self._places.of(parts[0].fund, day, line.booked_on)
        else:
            credit, is_covered = self._suspense, False
        self._add(Kind.GIFT, bank, credit, line.amount_ore, is_covered, day, payment)
        for part in parts if len(parts) > 1 else ():
            credit, is_covered = self._places.of(part.fund, day, line.booked_on)
            ore = part.amount_ore
            self._add(Kind.PLACEMENT, self._suspense, credit, ore, is_covered, day, payment)

    def _add(
        self,
        kind: Kind,
        debit: int,
        credit: int,
        ore: int,
        is_covered: bool,
        day: datetime.date,
        payment: int,
    ) -> None:
        covered = ore if is_covered else 0
        self._spool.add(Entry(kind, debit, credit, ore, day, covered, payment))

    def finish(self) -> None:
        """Write the transfers, and when bound payers last gave."""
        self._uses.write()
        lock_accounts(self._spool.accounts)
        write(self._spool.entries(), by=self._by)


_COLUMNS = [
    *("id", "bank_date", "channel", "payer_name", "payer_account", "payer_identity", "message"),
    *("references", "note", "meant_for_id", "account_id", "file_id", "key", "money_digest"),
    *("content_digest", "deposit"),
]


def _payment(
    bank_file: int, line: Line, identity: Identity | None, account_id: int, match: Match | None
) -> tuple[object, ...]:
    """A payment's columns after its id."""
    assert identity is not None  # every gift in a file has one
    payer = line.payer
    references = None
    if not (match and match.parts):  # it waits
        told = [(r.ground.value, r.text, r.amount_ore) for r in line.references]
        references = bulk.as_json(told)
    return (
        line.booked_on,
        line.channel,
        payer.name[:140],
        payer.account[:40],
        payer.identity[:40],
        "\n".join(reference.text for reference in line.references),
        references,
        "",
        match.meant_for if match else None,
        account_id,
        bank_file,
        identity.key,
        identity.money,
        identity.content,
        line.deposit[:80],
    )


class Places:
    """The accounts that gifts to funds are booked on, and from which day a surplus clause covers them."""

    def __init__(self, by: User) -> None:
        self._by = by
        self._funds = Fund.objects.in_bulk()
        self._years: dict[datetime.date, int] = {}
        self._known: dict[tuple[int, int], tuple[int, datetime.date | None]] = {}

    def of(self, fund: int, booked_on: datetime.date, bank_date: datetime.date) -> tuple[int, bool]:
        """The account's id, and whether a gift of the bank's date is covered."""
        if booked_on not in self._years:
            self._years[booked_on] = collection_year(booked_on, self._by).pk
        place = fund, self._years[booked_on]
        if place not in self._known:
            year = fund_year(self._funds[fund], booked_on, self._by)
            first = first_clauses([year.focus_area_id]).get(year.focus_area_id)
            self._known[place] = account(year).pk, first
        credit, first = self._known[place]
        return credit, first is not None and first <= bank_date


class Uses:
    """The newest gift that went by each binding of a payer: it is forgotten some time after that."""

    def __init__(self) -> None:
        self._newest: dict[str, datetime.date] = {}

    def add(self, line: Line, match: Match | None) -> None:
        """Note a gift, if it went by what finance has bound."""
        if match is None or match.how not in (How.AUTOGIRO, How.PAYER):
            return
        numbers = (reference.text.strip().lstrip("0") for reference in line.references)
        for key in (*numbers, *map(recall.digest, payer_keys(line))):
            self._newest[key] = max(line.booked_on, self._newest.get(key, line.booked_on))

    def write(self) -> None:
        """Write the days that are newer than those known."""
        newer = []
        for bound in BoundPayer.objects.all() if self._newest else ():
            day = self._newest.get(bound.number.lstrip("0") or bound.key)
            if day and day > bound.used_on:
                bound.used_on = day
                newer.append(bound)
        BoundPayer.objects.bulk_update(newer, ["used_on"], batch_size=500)


class Spool:
    """Entries to be written, on disk: a file may hold a million. A context, which its file goes with."""

    _ROW = struct.Struct("<BqqqqIqq")
    _KINDS = (Kind.GIFT, Kind.PLACEMENT)

    def __init__(self) -> None:
        self.accounts: set[int] = set()
        self._file = tempfile.TemporaryFile(buffering=PIECE)  # noqa: SIM115 - closed by `__exit__`

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Keep a gift or a placement, or the reversal of one; not its reason."""
        self.accounts |= {entry.debit_id, entry.credit_id}
        self._file.write(
            self._ROW.pack(
                self._KINDS.index(entry.kind),
                entry.debit_id,
                entry.credit_id,
                entry.amount_ore,
                entry.covered_ore,
                entry.booked_on.toordinal(),
                entry.payment_id or 0,
                entry.reverses_id or 0,
            )
        )

    def entries(self, reason: str = "") -> Iterator[Entry]:
        """All that was added, in order, with a reason."""
        self._file.seek(0)
        while rows := self._file.read(self._ROW.size * 4096):
            for kind, debit, credit, ore, covered, day, *about in self._ROW.iter_unpack(rows):
                payment, reverses = about
                yield Entry(
                    self._KINDS[kind],
                    debit,
                    credit,
                    ore,
                    datetime.date.fromordinal(day),
                    covered,
                    payment or None,
                    reverses or None,
                    reason=reason,
                )


def held_line(bank_file: BankFile, told: Told) -> HeldLine:
    """A line that waits for a person, as it is kept; not yet saved."""
    line, one = told.line, told.identity
    assert one is not None
    is_conflict = told.fate is Fate.CONFLICT
    return HeldLine(
        file=bank_file,
        why=HeldLine.Why.CONFLICT if is_conflict else HeldLine.Why.ALIKE,
        account_id=told.account,
        key=one.key,
        money_digest=one.money,
        content_digest=one.content,
        amount_ore=line.amount_ore,
        bank_date=line.booked_on,
        line=kept.to_json(line),
        twin_id=told.twin,
    )
