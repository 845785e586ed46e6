"""What becomes of each line of a bank file, told from what the database holds. Nothing is written here.

A line is set aside, or its gifts come in another kind of file (`reconciliation`), or it is known
already, in conflict with what is known, perhaps the same gift as one that another kind of file has
told of (`suspected`), or new: `matched` to funds, or `unplaced`.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import BinaryIO, cast

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import recall
from donations.bankfiles import identity, mapped
from donations.bankfiles.apart import Apart
from donations.bankfiles.aside import Aside, Class, Sorting
from donations.bankfiles.identity import Identity, Keys, Likeness
from donations.bankfiles.matching import match
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import (
    Balance,
    Line,
    Number,
    Reading,
    Refused,
    Scheme,
    Way,
)
from donations.days import long_date
from donations.known import is_told_otherwise, known_by, told_otherwise
from donations.models import (
    BankFile,
    CollectionYear,
    GiftSource,
)
from donations.models.funds import MOST_YEARS_BACK
from donations.models.periods import first_open_day
from donations.money import LIMIT_ORE
from donations.outcome import GIFTS, Fate, Outcome, Told

# Lines that are looked up, and written, together. More of them live longer than Python's collector
# of garbage takes for granted: with ten thousand it took a tenth of the time.
CHUNK = 2_500
# A file whose days are older is asked about before it is booked.
OLD = datetime.timedelta(days=400)


# A file that is kept, and the walk through it

# Told how many bytes have been walked, of how many.
Progress = Callable[[int, int], None]


def opened(bank_file: BankFile) -> BinaryIO:
    """The bytes that are kept of a file; a context. Raises `Refused` when they are gone."""
    try:
        return cast(BinaryIO, bank_file.file.open("rb"))
    except FileNotFoundError as error:
        raise Refused(_("Filens innehåll finns inte kvar. Lämna in den igen.")) from error


def reading_of(stream: BinaryIO, bank_file: BankFile) -> Reading:
    """The reading of a file's bytes. Raises `Refused`."""
    if bank_file.mapping:
        reading = mapped.Mapped(stream, mapped.Mapping.from_json(bank_file.mapping.mapping))
        reading.format = bank_file.mapping.name
        return reading
    return recognise(stream)


def apart_from(bank_file: BankFile) -> Apart | None:
    """The reading of a large file in a process of its own; None for one that is read in this one.

    That is so also for one that is kept elsewhere than on a disk. Raises `Refused`.
    """
    if bank_file.mapping or bank_file.size <= settings.LARGE_BANK_FILE:
        return None
    try:
        return Apart(bank_file.file.path)
    except NotImplementedError:
        return None


class Intake:
    """One walk, or as many as it takes, through a file; made anew for each time the file is read.

    `lines` gives every line with what becomes of it, in the file's order; `outcome` counts them, and is
    whole when they have ended. Raises `Refused` for a file that is not taken. `progress` is told
    from time to time. Lines of a file that is booked are told as they were before it.
    """

    def __init__(
        self, bank_file: BankFile, stream: BinaryIO, progress: Progress | None = None
    ) -> None:
        self.outcome = Outcome()
        # What the file says that our accounts held, by the account's id; whole when the lines have ended.
        self.balances: list[tuple[int, Balance]] = []
        self._file, self._stream = bank_file, stream
        self._progress, self._before = progress, 0
        self._accounts = recall.our_numbers()
        self._names = {number: str(account) for number, account in self._accounts.items()}
        self._sources = _sources()
        self._register = recall.register()
        self._rules = recall.rules()
        self._today = timezone.localdate()
        self._first_open, self._earliest = first_open_day(), _earliest_year()
        self._twins: dict[int, int] = {}
        self.weight = 3 if is_told_otherwise(bank_file, self._first_is_by_id()) else 1

    def lines(self) -> Iterator[list[Told]]:
        """The lines, some at a time."""
        if self.weight > 1:
            self._twins = self._pairs()
        at = 0
        for chunk, reading in self._walk():
            for told in chunk:
                if told.fate in GIFTS:
                    twin = self._twins.get(at)
                    at += 1
                    if twin is not None and told.fate is Fate.MATCHED:
                        told.fate, told.twin = Fate.SUSPECTED, twin
                    if told.fate is Fate.MATCHED:
                        self._place(told)
                self.outcome.add(told)
            yield chunk
            self._finish(reading)

    def _place(self, told: Told) -> None:
        line = told.line
        told.match = match(line, self._register)
        if not told.match.parts:
            told.fate = Fate.UNPLACED
        elif max(line.booked_on, self._first_open).year < self._earliest:
            raise Refused(
                _(
                    "Betalningen är bokförd den %s, långt före ert första insamlingsår. Så gamla"
                    " gåvor tas inte emot. Hämta en fil för rätt dagar."
                )
                % long_date(line.booked_on),
                line.where,
            )

    def _finish(self, reading: Reading) -> None:
        """What the file as a whole says, and is asked about; known at its end, and told as far as it is."""
        totals, outcome = reading.totals, self.outcome
        outcome.stated = {
            name: getattr(totals, name) for name in ("credits", "credit_ore", "debits", "debit_ore")
        }
        outcome.remarks = list(totals.remarks)
        accounts = ((self._accounts.get(one.account), one) for one in totals.balances)
        self.balances = [(account, one) for account, one in accounts if account is not None]
        outcome.questions = list(self._questions())

    def _questions(self) -> Iterator[str]:
        first = self.outcome.first_day
        if first and first < self._today - OLD:
            yield _("Filen har betalningar från den %s. Är det rätt fil?") % long_date(first)

    # One walk

    def _reading(self, apart: Apart | None = None) -> Reading:
        self._stream.seek(0)
        reading = apart or reading_of(self._stream, self._file)
        if settings.PRODUCTION and reading.is_test:
            raise Refused(
                _(
                    "Banken har märkt filen som ett test. Inget i den har hänt. Hämta den riktiga filen."
                )
            )
        return reading

    def _walk(self) -> Iterator[tuple[list[Told], Reading]]:
        """The lines with what can be told of each alone: gifts not known before are `matched` as yet."""
        keys = Keys(self._names)
        repeated = _Repeated()
        sorting = Sorting(self._accounts, self._rules)
        with apart_from(self._file) or nullcontext() as apart:
            reading = self._reading(apart)
            lines = iter(reading.lines())
            while chunk := [self._look(line, sorting, keys) for line in islice(lines, CHUNK)]:
                self._recognise(chunk, repeated, reading.format)
                yield chunk, reading
                if self._progress:
                    walked = apart.walked if apart else self._stream.tell()
                    self._progress(self._before + walked, self._file.size * self.weight)
            yield [], reading
        self._before += self._file.size

    def _look(self, line: Line, sorting: Sorting, keys: Keys) -> Told:
        account = self._accounts.get(line.account)
        if account is None:
            account = self._accounts.get(line.to)
            if account is None:
                raise _not_ours(line)
            line.account = line.to
        if line.booked_on > self._today and not line.aside:
            raise Refused(
                _("Betalningen är bokförd den %s, som inte har varit än. Är det rätt fil?")
                % long_date(line.booked_on),
                line.where,
            )
        if line.amount_ore >= LIMIT_ORE:
            raise Refused(_("Beloppet är orimligt stort. Hämta filen på nytt."), line.where)
        told = Told(line, account, aside=sorting.sort(line))
        if told.aside:
            told.fate = _fate(told.aside, line)
        elif self._is_told_elsewhere(line):
            told.fate = Fate.RECONCILIATION
        else:
            told.fate, told.identity = Fate.MATCHED, keys.identity(line)
        return told

    def _is_told_elsewhere(self, line: Line) -> bool:
        """Whether the gifts to the number come in another kind of file that day."""
        for number in (line.to, line.account) if self._sources else ():
            for from_day, source in self._sources.get(number, ()):
                if from_day <= line.booked_on:
                    return source != self._file.format
        return False

    def _recognise(self, chunk: list[Told], repeated: "_Repeated", format_: str) -> None:
        """Tell the gifts that are known, or in conflict with what is."""
        gifts = [(told, told.identity) for told in chunk if told.identity]
        known = known_by([one.key for _told, one in gifts], self._file.confirmed_at)
        for told, one in gifts:
            again = repeated.of(one) if told.line.bank_id else None
            if again is not None:
                told.fate = again
            if again is Fate.DUPLICATE:
                continue  # whatever is known of it was said the first time
            for other in known.get(one.key, ()):
                if not identity.conflict(
                    other.identity, one, is_same_format=other.format == format_
                ):
                    told.fate, told.twin = Fate.DUPLICATE, other.payment
                    break
                told.fate, told.twin = Fate.CONFLICT, other.payment

    # Other kinds of files

    def _pairs(self) -> dict[int, int]:
        """Which new gifts, by their place among the file's gifts, may be which payments of other kinds."""
        first, last, kinds = self._span()
        if first is None or last is None:
            return {}
        accounts = set(self._accounts.values())
        known = {kind: told_otherwise(self._file, accounts, first, last, kind) for kind in kinds}
        new = self._new({kind: {one.bucket for _pk, one in known[kind]} for kind in kinds})
        found: dict[int, int] = {}
        for kind in sorted(kinds):
            taken = set(found.values())
            free = [(pk, one) for pk, one in known[kind] if pk not in taken]
            pairs = identity.pair([one for _at, one in new[kind]], [one for _pk, one in free])
            found |= {new[kind][one.new][0]: free[one.known][0] for one in pairs}
        return found

    def _new(self, buckets: dict[bool, set[Hashable]]) -> dict[bool, list[tuple[int, Likeness]]]:
        """By kind of key, the new gifts in some buckets, by their place among the file's gifts."""
        at = 0
        new: dict[bool, list[tuple[int, Likeness]]] = {kind: [] for kind in buckets}
        for chunk, _reading in self._walk():
            for told in chunk:
                if told.fate not in GIFTS:
                    continue
                if told.fate is Fate.MATCHED and told.identity:
                    like = identity.likeness(told.line, self._names)
                    if like.bucket in buckets[told.identity.is_by_id]:
                        new[told.identity.is_by_id].append((at, like))
                at += 1
        return new

    def _span(self) -> tuple[datetime.date | None, datetime.date | None, set[bool]]:
        """The first and the last day of new gifts, and whether they have keys by id, or not, or both."""
        days: set[datetime.date] = set()
        kinds: set[bool] = set()
        for chunk, _reading in self._walk():
            new = [told for told in chunk if told.fate is Fate.MATCHED]
            days |= {told.line.booked_on for told in new}
            kinds |= {told.identity.is_by_id for told in new if told.identity}
        return min(days, default=None), max(days, default=None), kinds

    def _first_is_by_id(self) -> bool | None:
        """Whether the file's first gift has a key by id; None for a file without gifts."""
        keys, sorting = Keys(self._names), Sorting(self._accounts, self._rules)
        for line in self._reading().lines():
            if one := self._look(line, sorting, keys).identity:
                return one.is_by_id
        return None


def _earliest_year() -> int:
    """The first calendar year that a gift to a fund can be dated in."""
    first = CollectionYear.objects.first()
    return first.starts_on.year - MOST_YEARS_BACK if first else datetime.MINYEAR


def lines_of(
    bank_file: BankFile, wants: Callable[[Told], bool], first: int, last: int
) -> list[Told]:
    """Those of a file's lines that are wanted, from the one numbered `first` (from 0) up to `last`.

    Raises `Refused`.
    """
    with opened(bank_file) as stream:
        chunks = Intake(bank_file, stream).lines()
        wanted = (told for chunk in chunks for told in chunk if wants(told))
        return list(islice(wanted, first, last))


# A bank account and a day of it.
AccountDay = tuple[int, datetime.date]


def lines_of_days(bank_file: BankFile, days: Collection[AccountDay]) -> Iterator[Told]:
    """A file's lines of some accounts' days, each with why it is no gift and its identity.

    As `Intake` knows them, save for their fates: nothing but our numbers and rules is looked up. Raises
    `Refused`.
    """
    ours = recall.our_numbers()
    sorting = Sorting(ours, recall.rules())
    keys = Keys({number: str(account) for number, account in ours.items()})
    dates = {day for _account, day in days}
    with opened(bank_file) as stream:
        for line in reading_of(stream, bank_file).lines():
            if line.booked_on not in dates:
                continue
            account = ours.get(line.account)
            if account is None:
                account, line.account = ours.get(line.to), line.to
            if account is not None and (account, line.booked_on) in days:
                told = Told(line, account, aside=sorting.sort(line))
                told.identity = keys.identity(line)
                yield told


def _fate(aside: Aside, line: Line) -> Fate:
    if aside.is_a is Class.RETURN:
        return Fate.RETURNED
    if aside.is_a is Class.LUMP:
        return Fate.LUMP
    return Fate.OUTGOING if line.way is Way.OUT else Fate.ASIDE


def _not_ours(line: Line) -> Refused:
    numbers = dict.fromkeys((line.account, line.to))
    told = " / ".join(_shown(number) for number in numbers)
    return Refused(
        _(
            "%s hör inte till något av era konton. Hämta filen för rätt konto, eller lägg till numret under"
            " Konton."
        )
        % told,
        line.where,
    )


def _shown(number: Number) -> str:
    names = {
        Scheme.IBAN: "IBAN",
        Scheme.BBAN: _("Konto"),
        Scheme.BANKGIRO: _("Bankgiro"),
        Scheme.PLUSGIRO: _("Plusgiro"),
        Scheme.SWISH: _("Swishnummer"),
    }
    return f"{names[number.scheme]} {number.digits}"


def _sources() -> dict[Number, list[tuple[datetime.date, str]]]:
    """For each number with sources, its days and formats, the newest first."""
    found: dict[Number, list[tuple[datetime.date, str]]] = defaultdict(list)
    for source in GiftSource.objects.select_related("number").order_by("-from_day"):
        found[source.number.number].append((source.from_day, source.format))
    return found


class _Repeated:
    """Tells ids that stand in the file more than once, in a few bytes for each."""

    def __init__(self) -> None:
        self._keys, self._contents = identity.Counter(), identity.Counter()

    def of(self, one: Identity) -> Fate | None:
        """What becomes of a line whose id has come before in the file; None the first time."""
        times = self._keys.count(int(one.key[:16], 16))
        same = self._contents.count(int(one.key[:16], 16) ^ int(one.content, 16))
        if times == 1:
            return None
        return Fate.DUPLICATE if same > 1 else Fate.CONFLICT
