"""One day of an account in detail: the statement's lines beside the books' gifts, paired as far as can be.

The statement's files are walked; of the books, what bears the bank's day is read. In turn: by the bank's
own id, by what people have decided, lumps by their deposit or their sum, and what is alike. What is
left on either side is what differs.
"""

import datetime
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from django.db.models import Q, QuerySet

from donations import recall
from donations.bankfiles import identity
from donations.bankfiles.aside import SHOWN, Class
from donations.bankfiles.identity import Likeness
from donations.bankfiles.records import Line, Way
from donations.intake import lines_of_days
from donations.models import Account, BankFile, HeldLine, StatementDay, Transfer

# How far from a lump sum's day its details may be dated.
AROUND = datetime.timedelta(days=7)


class How(StrEnum):
    """What says that a line and a gift are the same."""

    ID = "id"
    DECIDED = "decided"
    WAITING = "waiting"
    ALIKE = "alike"


@dataclass(eq=False)
class Entry:
    """A statement's line, in the file that told of it first; `held` where it waits for a person."""

    line: Line
    file: BankFile
    key: str
    is_a: str
    held: HeldLine | None = None

    @property
    def is_gift(self) -> bool:
        """Whether it has to be in the books."""
        return self.line.way is Way.IN and self.is_a in ("", Class.LUMP.value)

    @property
    def text(self) -> str:
        """What was written with it."""
        return "\n".join(reference.text for reference in self.line.references)

    @property
    def shown_class(self) -> str:
        """What it is, in Swedish; "" for what may be a gift."""
        return SHOWN[Class(self.is_a)] if self.is_a else ""


@dataclass(frozen=True)
class Pair:
    """A line and the gift that it is, and what says so."""

    entry: Entry
    gift: Transfer
    how: How


@dataclass(frozen=True)
class Lump:
    """A lump sum and the gifts that it is the sum of, as far as they have come."""

    entry: Entry
    gifts: list[Transfer]

    @property
    def ore(self) -> int:
        return sum(gift.amount_ore for gift in self.gifts)

    @property
    def short_ore(self) -> int:
        """What is missing of the lump; below zero when its gifts are more."""
        return self.entry.line.amount_ore - self.ore

    @property
    def files(self) -> list[BankFile]:
        """The files that the gifts came in."""
        payments = (gift.payment for gift in self.gifts)
        return list(dict.fromkeys(one.file for one in payments if one and one.file))

    @property
    def other_days(self) -> list[datetime.date]:
        """The days other than its own that its gifts are dated."""
        payments = (gift.payment for gift in self.gifts)
        days = {one.bank_date for one in payments if one}
        return sorted(days - {self.entry.line.booked_on})


@dataclass
class Detail:
    """What the day holds. `lost` are files whose lines are kept no longer, or cannot be read."""

    pairs: list[Pair] = field(default_factory=list)
    lumps: list[Lump] = field(default_factory=list)
    lines: list[Entry] = field(default_factory=list)
    gifts: list[Transfer] = field(default_factory=list)
    aside: list[Entry] = field(default_factory=list)
    out: list[Entry] = field(default_factory=list)
    # Each refund with the line that it went out by, if that is found.
    refunds: list[tuple[Transfer, Entry | None]] = field(default_factory=list)
    reversed: list[Transfer] = field(default_factory=list)
    held: list[HeldLine] = field(default_factory=list)
    files: list[BankFile] = field(default_factory=list)
    lost: list[BankFile] = field(default_factory=list)
    # What came in by the lines, and what of it may be gifts, to be held against what was counted.
    in_ore: int = 0
    given_ore: int = 0

    @property
    def lines_ore(self) -> int:
        return sum(one.line.amount_ore for one in self.lines)

    @property
    def gifts_ore(self) -> int:
        return sum(gift.amount_ore for gift in self.gifts)


def detail(account: Account, day: datetime.date) -> Detail:
    """The day in detail. Ten queries, and a walk through each statement that tells of the day."""
    told = Detail()
    entries = _entries(account, day, told)
    told.in_ore = sum(one.line.amount_ore for one in entries if one.line.way is Way.IN)
    told.given_ore = sum(one.line.amount_ore for one in entries if one.is_gift)
    told.out = [one for one in entries if one.line.way is Way.OUT]
    told.aside = [one for one in entries if one.line.way is Way.IN and not one.is_gift]
    lumps = [one for one in entries if one.is_gift and one.is_a]
    gifts, told.reversed, refunds = _booked(account, day)
    told.lines, told.gifts = [one for one in entries if one.is_gift and not one.is_a], gifts
    _pair_by_id(told)
    _pair_by_decision(told)
    told.lumps = [_lump(account, one, lumps, told) for one in lumps]
    _pair_alike(account, told)
    told.refunds = _refunds(refunds, told.out)
    told.held = _held(account, day, told)
    # The largest first: there what differs is found soonest.
    told.lines.sort(key=lambda one: -one.line.amount_ore)
    told.gifts.sort(key=lambda gift: -gift.amount_ore)
    told.pairs.sort(key=lambda pair: -pair.entry.line.amount_ore)
    return told


# What there is


def _entries(account: Account, day: datetime.date, told: Detail) -> list[Entry]:
    """The statements' lines of the day, each once, as `operations.statements` counts them."""
    rows = StatementDay.objects.filter(account=account, day=day)
    files = BankFile.objects.filter(pk__in=rows.values("file")).order_by("confirmed_at", "pk")
    found: list[Entry] = []
    before: Counter[str] = Counter()
    for bank_file in files:
        seen: Counter[str] = Counter()
        told.files.append(bank_file)
        try:
            for one in lines_of_days(bank_file, {(account.pk, day)}):
                is_a = one.aside.is_a if one.aside else None
                assert one.identity
                key = one.identity.key
                seen[key] += 1
                if seen[key] > before[key] and is_a not in (
                    Class.NOT_BOOKED,
                    Class.OTHER_CURRENCY,
                ):
                    found.append(Entry(one.line, bank_file, key, is_a.value if is_a else ""))
        except ValueError:  # also `Refused`: its bytes are gone
            told.lost.append(bank_file)
        before |= seen
    return found


def _of_day(account: Account, day: datetime.date) -> QuerySet[Transfer]:
    """What bears the bank's day. A refund's payment names no account: its transfer does."""
    transfers = Transfer.objects.filter(
        Q(payment__account=account) | Q(payment__account=None), payment__bank_date=day
    )
    return transfers.select_related(
        "payment__file", "reversal", "credit__fund_year__fund", "debit__fund_year__fund"
    ).order_by("pk")


def _booked(
    account: Account, day: datetime.date
) -> tuple[list[Transfer], list[Transfer], list[Transfer]]:
    """The day's gifts that stand, those that have been reversed, and the refunds that stand."""
    kinds = (Transfer.Kind.GIFT, Transfer.Kind.REFUND)
    stand: dict[str, list[Transfer]] = {kind: [] for kind in kinds}
    gone: list[Transfer] = []
    for one in _of_day(account, day).filter(kind__in=kinds):
        is_gift = one.kind == Transfer.Kind.GIFT
        if one.reverses_id or account.pk != (one.debit_id if is_gift else one.credit_id):
            continue
        if hasattr(one, "reversal"):
            gone.append(one)
        else:
            stand[one.kind].append(one)
    return stand[Transfer.Kind.GIFT], gone, stand[Transfer.Kind.REFUND]


# Paired


def _take(told: Detail, pairs: list[Pair]) -> None:
    """Take what is paired off both lists, in one go: a day may have thousands."""
    told.pairs += pairs
    entries = {id(one.entry) for one in pairs}
    told.lines = [one for one in told.lines if id(one) not in entries]
    _take_gifts(told, [one.gift for one in pairs])


def _take_gifts(told: Detail, gifts: Iterable[Transfer]) -> None:
    taken = {gift.pk for gift in gifts}
    told.gifts = [gift for gift in told.gifts if gift.pk not in taken]


def _pair_by_id(told: Detail) -> None:
    by_key = {
        gift.payment.key.hex: gift for gift in told.gifts if gift.payment and gift.payment.key
    }
    _take(
        told,
        [Pair(one, by_key.pop(one.key), How.ID) for one in told.lines if one.key in by_key],
    )


def _pair_by_decision(told: Detail) -> None:
    """By what somebody has decided about the line, or will have to."""
    by_payment = {gift.payment_id: gift for gift in told.gifts}
    held = HeldLine.objects.filter(
        key__in=[uuid.UUID(one.key) for one in told.lines], file__undone_at=None
    )
    of_key: dict[str, HeldLine] = {one.key.hex: one for one in held.select_related("file")}
    pairs: list[Pair] = []
    for one in told.lines:
        if known := of_key.get(one.key):
            one.held = None if known.decision else known
            how = How.DECIDED if known.decision else How.WAITING
            if gift := by_payment.pop(known.payment_id or known.twin_id, None):
                pairs.append(Pair(one, gift, how))
    _take(told, pairs)


def _lump(account: Account, lump: Entry, lumps: list[Entry], told: Detail) -> Lump:
    """The gifts of a lump: by the bank's deposit number, else those of the day that come to its sum.

    Where one lump and one deposit are left, they belong together and something is amiss.
    """
    if lump.line.deposit and (named := _of_deposit(account, lump.line)):
        _take_gifts(told, named)
        return Lump(lump, named)
    deposits: dict[tuple[int, str], list[Transfer]] = defaultdict(list)
    for gift in told.gifts:
        if gift.payment and gift.payment.file_id and gift.payment.file_id != lump.file.pk:
            deposits[gift.payment.file_id, gift.payment.deposit].append(gift)
    alike = [
        some
        for some in deposits.values()
        if sum(gift.amount_ore for gift in some) == lump.line.amount_ore
    ]
    is_alone = len(lumps) == len(deposits) == 1 and not told.lines
    found = alike[0] if alike else next(iter(deposits.values())) if is_alone else []
    _take_gifts(told, found)
    return Lump(lump, found)


def _of_deposit(account: Account, line: Line) -> list[Transfer]:
    """The standing gifts of a deposit, in the days around."""
    days = (line.booked_on - AROUND, line.booked_on + AROUND)
    gifts = (
        Transfer.objects.originals()
        .filter(
            payment__account=account,
            payment__deposit=line.deposit[:80],
            payment__bank_date__range=days,
            kind=Transfer.Kind.GIFT,
        )
        .select_related("payment__file", "reversal", "credit__fund_year__fund")
    )
    return [gift for gift in gifts.order_by("pk") if not hasattr(gift, "reversal")]


def _pair_alike(account: Account, told: Detail) -> None:
    names = {number: str(pk) for number, pk in recall.our_numbers().items()}
    lines, gifts = list(told.lines), list(told.gifts)
    found = identity.pair(
        [identity.likeness(one.line, names) for one in lines],
        [_likeness(account, gift) for gift in gifts],
    )
    # A known line may be in more pairs than one.
    first = {one.known: one for one in reversed(found)}
    _take(told, [Pair(lines[one.new], gifts[one.known], How.ALIKE) for one in first.values()])


def _likeness(account: Account, gift: Transfer) -> Likeness:
    payment = gift.payment
    assert payment is not None  # it was found by its payment's day
    return identity.likeness_of(
        account=str(account.pk),
        way=Way.IN,
        amount_ore=gift.amount_ore,
        day=payment.bank_date,
        payer=recall.payer_of(payment),
        references=recall.references_of(payment),
    )


def _refunds(
    refunds: Iterable[Transfer], out: Iterable[Entry]
) -> list[tuple[Transfer, Entry | None]]:
    """Each refund with a line of its amount that went out, each line once, returns first."""
    free = sorted(out, key=lambda one: one.is_a != Class.RETURN)
    found: list[tuple[Transfer, Entry | None]] = []
    for refund in refunds:
        line = next((one for one in free if one.line.amount_ore == refund.amount_ore), None)
        if line:
            free.remove(line)
        found.append((refund, line))
    return found


def _held(account: Account, day: datetime.date, told: Detail) -> list[HeldLine]:
    """Lines of other files than the statements that wait for a decision."""
    waiting = HeldLine.objects.filter(
        account=account, bank_date=day, decision="", file__undone_at=None
    )
    return list(waiting.exclude(file__in=told.files).select_related("file", "twin"))
