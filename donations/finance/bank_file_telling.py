"""What finance's pages tell of a bank file: its state, what it comes to, its sums, its lump sums."""

import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count as CountOf
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from donations import operations
from donations.bankfiles.aside import SHOWN, Class, Count
from donations.days import period
from donations.finance import bank_file_work as work
from donations.finance.bank_file_work import Work
from donations.models import Account, BankFile, Fund, HeldLine, LumpSum, Payment, Transfer
from donations.money import format_amount, format_kronor
from donations.outcome import Fate, Outcome

NEW = (Fate.MATCHED, Fate.UNPLACED)
HELD = (Fate.SUSPECTED, Fate.CONFLICT)

# What each fate is called in an address, and on the page.
SLUGS = {
    Fate.MATCHED: "placerade",
    Fate.UNPLACED: "oplacerade",
    Fate.SUSPECTED: "liknande",
    Fate.CONFLICT: "samma-id",
    Fate.DUPLICATE: "redan-inlasta",
    Fate.RECONCILIATION: "avstamning",
    Fate.LUMP: "klumpsummor",
    Fate.RETURNED: "returer",
    Fate.OUTGOING: "pengar-ut",
    Fate.ASIDE: "ovrigt",
}
LABELS = {
    Fate.MATCHED: "Till sin insamling",
    Fate.UNPLACED: "Till oplacerade gåvor",
    Fate.SUSPECTED: "Liknar gåvor som redan är bokförda",
    Fate.CONFLICT: "Samma id som en bokförd gåva, annat innehåll",
    Fate.DUPLICATE: "Redan inlästa",
    Fate.RECONCILIATION: "Gåvor som läses in från en annan sorts fil",
    Fate.LUMP: "Klumpsummor, gåvorna kommer i en annan fil",
    Fate.RETURNED: "Återbetalda betalningar",
    Fate.OUTGOING: "Pengar ut",
    Fate.ASIDE: "Annat som inte är gåvor",
}
# Told also when there are none of them.
ALWAYS = (*NEW, Fate.DUPLICATE)
# How far from a lump sum's day its details may be dated.
AROUND = datetime.timedelta(days=7)


def outcome_of(bank_file: BankFile) -> Outcome | None:
    """What the file comes to; None before it has been read, and when it was refused."""
    return Outcome.from_json(bank_file.outcome) if bank_file.outcome else None


def seen(bank_file: BankFile) -> str:
    """What tells whether the outcome that was shown is the one that is kept now."""
    told = json.dumps(bank_file.outcome, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def amount_of(count: Count) -> str:
    """ "1 204 gåvor, 348 210 kr"."""
    word = _("gåva") if count.lines == 1 else _("gåvor")
    return f"{number(count.lines)}\N{NO-BREAK SPACE}{word}, {format_kronor(count.ore)}"


def number(many: int) -> str:
    """A number with a space between thousands: "1 204"."""
    return format_amount(many * 100)


# State


@dataclass(frozen=True)
class State:
    """Where a file is on its way, in a word or two; `waits` for a person to do something."""

    word: str
    waits: bool = False


def state(bank_file: BankFile, undecided: int, now: Work | None) -> State:
    """The file's state. `undecided` are its lines that wait."""
    if now and now.is_alive:
        doing = {work.READ: _("läses"), work.BOOK: _("bokförs"), work.UNDO: _("ångras")}
        return State(f"{doing[now.doing]}, {now.percent} %")
    if bank_file.undone_at:
        return State(_("ångrad"))
    if undecided:
        return State(_("väntar på beslut: %s") % number(undecided), waits=True)
    if bank_file.confirmed_at:
        return State(_("bokförd"))
    if bank_file.refusal:
        return State(_("togs inte emot"))
    if not bank_file.format:
        return State(_("kolumner ska väljas"), waits=True)
    if bank_file.outcome:
        return State(_("läst, inte bokförd"), waits=True)
    return State(_("inte läst"), waits=True)


# Outcome


@dataclass(frozen=True)
class Row:
    """Lines of one fate, or a part of them, with what their own page is asked for."""

    label: str
    count: Count
    slug: str
    part: str = ""
    parts: list["Row"] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """Rows that belong together."""

    title: str
    rows: list[Row]


def groups(outcome: Outcome, bank_file: BankFile, undecided: int) -> list[Group]:
    """Every line of the file, by what becomes of it. `undecided` are those that still wait."""
    is_booked = bank_file.confirmed_at is not None
    new = _("Nya gåvor, bokförda") if is_booked else _("Nya gåvor, som bokförs")
    if bank_file.undone_at:
        new = _("Gåvor, bokförda och sedan ångrade")
    waits = _held(outcome, undecided) if is_booked else _("Bokförs först när någon har beslutat")
    not_ = _("Inte bokfört") if is_booked else _("Bokförs inte")
    rest = [fate for fate in SLUGS if fate not in (*NEW, *HELD)]
    made = [
        Group(new, list(_rows(outcome, NEW))),
        Group(waits, list(_rows(outcome, HELD))),
        Group(not_, list(_rows(outcome, rest))),
    ]
    return [group for group in made if group.rows]


def _held(outcome: Outcome, undecided: int) -> str:
    """What lines that were held are called once their file is booked."""
    if not undecided:
        return _("Har väntat på beslut")
    if undecided == (every := outcome.of(*HELD).lines):
        return _("Väntar på beslut")
    return _("Väntar på beslut: %(left)s av %(every)s") % {
        "left": number(undecided),
        "every": number(every),
    }


def decided(bank_file: BankFile) -> list[Count]:
    """What has been decided of a booked file's held lines: those that are the same gift, and new ones."""
    told = bank_file.held.exclude(decision="").values_list("decision")
    found = {
        decision: Count(lines, ore)
        for decision, lines, ore in told.annotate(CountOf("pk"), Sum("amount_ore")).order_by()
    }
    return [found.get(one, Count()) for one in HeldLine.Decision.values]


def _rows(outcome: Outcome, fates: tuple[Fate, ...] | list[Fate]) -> Iterator[Row]:
    for fate in fates:
        count = outcome.of(fate)
        if not count.lines and fate not in ALWAYS:
            continue
        label = str(LABELS[fate])
        if fate is Fate.MATCHED and outcome.split:
            label += _(" (%s delas på flera)") % number(outcome.split)
        yield Row(label, count, SLUGS[fate], parts=_parts(outcome, fate))


def _parts(outcome: Outcome, fate: Fate) -> list[Row]:
    """What was set aside, by what it is and the rule that took it."""
    if fate not in (Fate.OUTGOING, Fate.ASIDE):
        return []
    found = []
    for key, count in outcome.asides.items():
        is_a, way, rule = key.split("\t", 2)
        if is_a in (Class.RETURN, Class.LUMP) or (way == "out") != (fate is Fate.OUTGOING):
            continue
        label = SHOWN[Class(is_a)].capitalize()
        if rule:
            label += _(", enligt regeln ”%s”") % rule
        found.append(Row(label, count, SLUGS[fate], part=key))
    return sorted(found, key=lambda row: -row.count.lines)


@dataclass(frozen=True)
class ControlSum:
    """A sum of the file's own beside ours, both as text; `short` says how they differ, or nothing."""

    label: str
    stated: str
    ours: str
    short: str


def control_sums(outcome: Outcome) -> list[ControlSum]:
    """What the file says of itself as a whole, where it says anything."""
    stated = outcome.stated
    asked = [
        (_("Betalningar in"), stated.get("credits"), outcome.credits.lines, number),
        (_("Summa in"), stated.get("credit_ore"), outcome.credits.ore, format_kronor),
        (_("Betalningar ut"), stated.get("debits"), outcome.debits.lines, number),
        (_("Summa ut"), stated.get("debit_ore"), outcome.debits.ore, format_kronor),
    ]
    return [
        ControlSum(label, show(there), show(ours), "" if there == ours else show(abs(there - ours)))
        for label, there, ours, show in asked
        if there is not None
    ]


def days(outcome: Outcome) -> str:
    """The days that the file spans."""
    first, last = outcome.first_day, outcome.last_day
    return "" if first is None or last is None else period(first, last)


def locked_until(outcome: Outcome) -> datetime.date | None:
    """The first open day, where some of the file's new gifts are of locked days and are booked on it."""
    first_open = operations.first_open_day()
    if outcome.first_day and outcome.first_day < first_open and outcome.of(*NEW).lines:
        return first_open
    return None


def funds(outcome: Outcome) -> list[tuple[Fund, Count]]:
    """What goes to each fund, by its number."""
    found = Fund.objects.select_related("project", "focus_area").in_bulk(list(outcome.funds))
    told = [(found[pk], count) for pk, count in outcome.funds.items() if pk in found]
    return sorted(told, key=lambda one: one[0].collection_number)


def accounts(outcome: Outcome) -> list[tuple[Account, Count]]:
    """What the file tells of gifts to each of our accounts, whether they are new or not."""
    found = Account.objects.in_bulk(list(outcome.accounts))
    return [(found[pk], count) for pk, count in outcome.accounts.items() if pk in found]


def deed(outcome: Outcome) -> str:
    """What the button says."""
    if (new := outcome.of(*NEW)).lines:
        return _("Bokför %s") % amount_of(new)
    if (held := outcome.of(*HELD)).lines:
        word = _("rad") if held.lines == 1 else _("rader")
        return _("Ta emot %s för beslut") % f"{number(held.lines)} {word}"
    return _("Spara filen utan nya gåvor")


def changes(old: Outcome, new: Outcome) -> str:
    """What is not as it was, in a sentence or more; "" when it cannot be told in counts."""
    told = []
    for fate, label in LABELS.items():
        before, now = old.of(fate), new.of(fate)
        if before != now:
            told.append(
                _("%(label)s: %(now)s i stället för %(before)s.")
                % {"label": label, "now": _brief(now), "before": _brief(before)}
            )
    told += [question for question in new.questions if question not in old.questions]
    return " ".join(told)


def _brief(count: Count) -> str:
    return f"{number(count.lines)} ({format_kronor(count.ore)})" if count.lines else "0"


# Lump sums


@dataclass(frozen=True)
class Lump:
    """A lump sum, and the payments that it is the sum of as far as they have come: in which files."""

    lump: LumpSum
    count: int = 0
    ore: int = 0
    files: tuple[BankFile, ...] = ()

    @property
    def short_ore(self) -> int:
        """How much the payments and the sum differ."""
        return abs(self.lump.amount_ore - self.ore)


def lumps(bank_file: BankFile) -> list[Lump]:
    """The file's lump sums with their payments.

    By the bank's own deposit number; else those of the account's deposits of that day that come to the
    sum. Where one lump and one deposit are left, they belong together and something is amiss.
    """
    every = list(bank_file.lumps.select_related("account"))
    taken: dict[int, list[_Deposit]] = {}
    left = {lump.pk: _deposits(lump) for lump in every}

    def take(lump: LumpSum, found: list[_Deposit]) -> None:
        taken[lump.pk] = found
        for some in left.values():
            some[:] = [one for one in some if one not in found]

    for lump in every:
        if lump.deposit and (named := [o for o in left[lump.pk] if o.number == lump.deposit]):
            take(lump, named)
    for lump in every:
        alike = [one for one in left[lump.pk] if one.ore == lump.amount_ore]
        if lump.pk not in taken and alike:
            take(lump, alike[:1])
    for lump in every:
        others = [o for o in every if o.pk not in taken and (o.account, o.bank_date) == _day(lump)]
        if others == [lump] and len(left[lump.pk]) == 1:
            take(lump, list(left[lump.pk]))
    return [_linked(lump, taken.get(lump.pk, [])) for lump in every]


@dataclass(frozen=True)
class _Deposit:
    """The payments of one deposit in one file, or those without any: how many, and their öre."""

    file: int
    number: str
    count: int
    ore: int


def _day(lump: LumpSum) -> tuple[Account, datetime.date]:
    return lump.account, lump.bank_date


def _deposits(lump: LumpSum) -> list[_Deposit]:
    """What the lump may be the sum of: of its number in the days around, or of its day."""
    days = (lump.bank_date - AROUND, lump.bank_date + AROUND)
    which = Q(bank_date=lump.bank_date)
    if lump.deposit:
        which |= Q(deposit=lump.deposit, bank_date__range=days)
    payments = Payment.objects.filter(
        which, account=lump.account, withdrawn_at=None, file__isnull=False
    ).exclude(file=lump.file)
    gifts = Q(transfers__kind=Transfer.Kind.GIFT, transfers__reverses=None)
    told = (
        payments.order_by("file", "deposit")
        .values_list("file", "deposit")
        .annotate(
            count=CountOf("pk", filter=gifts),
            ore=Sum("transfers__amount_ore", filter=gifts, default=0),
        )
    )
    return [_Deposit(*one) for one in told]


def _linked(lump: LumpSum, found: list[_Deposit]) -> Lump:
    files = BankFile.objects.in_bulk({one.file for one in found})
    count, ore = sum(one.count for one in found), sum(one.ore for one in found)
    return Lump(lump, count, ore, tuple(files.values()))


# Undoing


@dataclass(frozen=True)
class Undoing:
    """What undoing a file would do: gifts taken back, with what persons have placed of them.

    `undecided` are the file's own lines that nobody will be asked about any more, `again` lines of other
    files that wait for a decision anew, `leaning` later files that may have counted gifts of this one as
    imported already, and `first_day` the day that reversals are moved to, if any.
    """

    gifts: Count
    placed: Count
    undecided: int
    again: int
    leaning: list[BankFile]
    first_day: datetime.date | None


def undoing(bank_file: BankFile) -> Undoing:
    """What undoing the file would do now."""
    payments = bank_file.payments.filter(withdrawn_at=None)
    held = HeldLine.objects.filter(twin__file=bank_file, decision=HeldLine.Decision.SAME)
    outcome, first_open = outcome_of(bank_file), operations.first_open_day()
    first_day = outcome.first_day if outcome else None
    return Undoing(
        gifts=_standing(bank_file, Q(kind=Transfer.Kind.GIFT)),
        # What a person has placed has a reason; what was split by the file itself has none.
        placed=_standing(bank_file, Q(kind=Transfer.Kind.PLACEMENT) & ~Q(reason="")),
        undecided=bank_file.held.filter(decision="").count(),
        again=held.filter(twin__in=payments, file__undone_at=None).exclude(file=bank_file).count(),
        leaning=list(_leaning(bank_file, outcome)) if outcome else [],
        first_day=first_open if first_day and first_day < first_open else None,
    )


def _leaning(bank_file: BankFile, outcome: Outcome) -> Iterator[BankFile]:
    """Later files of some of the same days and accounts that had lines which were known already."""
    later = BankFile.objects.filter(confirmed_at__gt=bank_file.confirmed_at, undone_at=None)
    for one in later.filter(outcome__counts__duplicates__isnull=False):
        other = Outcome.from_json(one.outcome)
        if _overlap(outcome, other) and outcome.accounts.keys() & other.accounts.keys():
            yield one


def _overlap(a: Outcome, b: Outcome) -> bool:
    """Whether two files have days in common."""
    if not (a.first_day and a.last_day and b.first_day and b.last_day):
        return False
    return a.first_day <= b.last_day and b.first_day <= a.last_day


def _standing(bank_file: BankFile, which: Q) -> Count:
    # Not among the conditions: there SQLite would walk every row that reverses nothing.
    standing = Q(reverses=None, reversal=None)
    transfers = Transfer.objects.filter(which, payment__file=bank_file)
    told = transfers.order_by().aggregate(
        lines=CountOf("pk", filter=standing), ore=Sum("amount_ore", filter=standing)
    )
    return Count(told["lines"], told["ore"] or 0)
