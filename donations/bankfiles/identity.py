"""What makes two lines the same payment: surely, in conflict, or perhaps.

**Surely.** A line's key is our account and the bank's own id for it; what goes back may bear the id of
what it takes back, and has another key. Where there is no id it is our
account, the line's content (`Line.row`, which holds its day) and its ordinal among the lines of the
file with that same content. So a file that is handed in twice, renamed, in other letters or with
other line breaks gives the same keys, and so do the days that two files share, as long as each file
has the whole of a day or its beginning. Two equal gifts on one day are the first and the second of
their content: two keys, whichever file they are in. Nothing is assumed of the order of the lines.

The first bit of a key tells which of the two it is (`FIRST_BY_ID`): a bank that begins to give ids
tells its old payments anew under other keys, in the same format.

**In conflict.** The same key with other contents. What the books take (account, day, way, amount,
currency) must be the same whatever the format; the rest of the content only within one format,
since a notification and a statement of one payment do not tell equally much.

**Perhaps.** Another format may give the same gift another id, or none: `alike` says how alike two
lines are by account, amount, day, and payer or reference. Nothing there is sure, so a person decides.
Names are compared without what formats do to them: case, blanks, å, ä and ö lost, folded or
mangled, the order of the words, and BgMax's end after 35 characters.

True twins stay two because lines are paired off one to one (`pair`), the most alike first: five
equal gifts in one file and four in the other are four pairs, and one that is new. Compare only with
lines of another format, or of the same with the other kind of key, that are not already paired with
a line of the new one's format: within a format two ids, or two ordinals, are two gifts.
"""

import datetime
import re
import unicodedata
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from hashlib import blake2b

from donations.bankfiles.records import Kind, Line, Number, Payer, Reference, Way
from donations.bankfiles.text import clean

__all__ = [
    "FIRST_BY_ID",
    "LATE",
    "Counter",
    "Identity",
    "Keys",
    "Likeness",
    "Pair",
    "Strength",
    "alike",
    "conflict",
    "likeness",
    "likeness_of",
    "pair",
    "plain",
]

# How many days later another file may say that the same payment was booked: over Easter, and less
# than a week, after which somebody may have given again.
LATE = 5

# Keys by a bank's id are from this on, the others below.
FIRST_BY_ID = "8".ljust(32, "0")

_BETWEEN = "\x1f"  # no text from a parser has it


# Surely, and in conflict


@dataclass(unsafe_hash=True, slots=True)
class Identity:
    """A line's key, the same in every file that has it, and digests of what it says; hexadecimal.

    `money` is of what the books take, `content` of all that the file says.
    """

    key: str
    money: str
    content: str

    @property
    def is_by_id(self) -> bool:
        """Whether the key is the bank's own id, and not the row's content."""
        return self.key >= FIRST_BY_ID


class Keys:
    """Gives the lines of one file their identities, in one pass in the file's order.

    `accounts` gives each number that an account of ours is known by (IBAN, giro …) the account's own
    lasting name. Of lines without an id of the bank's, eight to thirty-two bytes each are kept.
    """

    def __init__(self, accounts: Mapping[Number, str]) -> None:
        self._accounts = accounts
        self._seen = Counter()

    def identity(self, line: Line) -> Identity:
        """The line's identity. Ask once for each line: equal lines are told apart by their order."""
        account = account_name(line.account, self._accounts)
        if line.bank_id:
            what = "return" if line.kind is Kind.RETURN else "id"
            key = _digest(account, what, line.bank_id)
            key = f"{int(key[0], 16) | 8:x}{key[1:]}"
        else:
            content = _digest(account, "row", str(line.booked_on), line.row)
            key = _digest(content, str(self._seen.count(int(content[:16], 16))))
            key = f"{int(key[0], 16) & 7}{key[1:]}"
        money = _money(account, line.booked_on, str(line.way), line.amount_ore, line.currency)
        return Identity(key, money, _digest(line.row)[:16])


def account_name(number: Number, accounts: Mapping[Number, str]) -> str:
    """The account's own name; for one that is not ours, its number."""
    return accounts.get(number) or f"{number.scheme.value}:{number.digits}"


def conflict(known: Identity, new: Identity, *, is_same_format: bool) -> bool:
    """Whether two lines with one key say different things, so that a person must decide."""
    assert known.key == new.key
    return known.money != new.money or (is_same_format and known.content != new.content)


@lru_cache(maxsize=4096)
def _money(account: str, day: datetime.date, way: str, ore: int, currency: str) -> str:
    """The digest of what the books take: most gifts are of a few amounts."""
    return _digest(account, str(day), way, str(ore), currency)[:16]


def _digest(*parts: str) -> str:
    """128 bits, as 32 hexadecimal digits."""
    return blake2b(_BETWEEN.join(parts).encode(errors="replace"), digest_size=16).hexdigest()


class Counter:
    """How often each number of 64 bits has come: a table of eight bytes a place, at most half full.

    A dict of a million would take five times the memory. Two different rows of a million have the
    same number once in thirty million files; the second is then counted as the second of its kind.
    """

    def __init__(self) -> None:
        self._table = array("Q", [0]) * 1024
        self._used = 0
        self._more: dict[int, int] = {}

    def count(self, number: int) -> int:
        """1 the first time, 2 the second …"""
        number = number or 1  # 0 is an empty place
        if self._is_new(number):
            self._used += 1
            if 2 * self._used > len(self._table):
                self._grow()
            return 1
        times = self._more[number] = self._more.get(number, 1) + 1
        return times

    def _is_new(self, number: int) -> bool:
        table, mask = self._table, len(self._table) - 1
        at = number & mask
        while held := table[at]:
            if held == number:
                return False
            at = (at + 1) & mask
        table[at] = number
        return True

    def _grow(self) -> None:
        old, self._table = self._table, array("Q", [0]) * (2 * len(self._table))
        for number in old:
            if number:
                self._is_new(number)


# Texts as they are compared

_WORDS = re.compile(r"[^\W_]+")
_LOST = re.compile(r"(?<=[^\W\d_])[?\ufffd]|[?\ufffd](?=[^\W\d_])")
_MANGLED = re.compile("Ã(.?)")
_NUMBER = re.compile("[0-9]{5,}")
# What å, ä, ö, é and ü become when a format cannot write them: a, o, e, u, "oe", nothing.
_VOWELS = str.maketrans("", "", "aeou")
# A name whose bare letters are fewer has not been cut off.
_CUT = 14
# A text is known by as many of its bare letters: BgMax's references end after 25 characters, other
# formats' messages after 35 or 50, and few of 25 characters have fewer.
_BEGINNING = 8


def plain(text: str) -> str:
    """The words of a text in lower case without accents or signs: "ÅSA  Lindström!" → "asa lindstrom"."""
    if not text.isascii():
        text = _MANGLED.sub(_unmangled, clean(text))
        text = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(_WORDS.findall(_LOST.sub("", text).lower()))


def _unmangled(pair: re.Match[str]) -> str:
    """ "Ã…" and "Ã¥" → "Å" and "å": UTF-8 that was taken for Windows' letters; cut in two, nothing."""
    try:
        return b"".join((b"\xc3", pair[1].encode("cp1252"))).decode()
    except UnicodeError:
        return pair[0] if pair[1] and pair[1].isascii() else ""


def _bare(text: str) -> str:
    """A word without the letters that get lost or folded: "lindström", "lindstrm" → "lindstrm"."""
    return text.translate(_VOWELS).encode("ascii", "ignore").decode()


@lru_cache(maxsize=4096)
def _name(text: str) -> str:
    """A name as it is compared: its bare words without blanks, in order of the alphabet unless long."""
    words = plain(text)
    bare = [_bare(word) for word in words.split()]
    whole = "".join(bare)
    if not whole:
        return words
    return whole if len(whole) >= _CUT else "".join(sorted(bare))


def _is_same_name(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return short == long or (len(short) >= _CUT and long.startswith(short))


@lru_cache(maxsize=4096)
def _marks(text: str) -> frozenset[str]:
    """What a reference is known by: itself, and the longer numbers in it."""
    words = plain(text)
    whole = words.replace(" ", "")
    found = {number.lstrip("0") for number in _NUMBER.findall(words)}
    if whole.isdigit():
        found.add(whole.lstrip("0"))
    elif whole:
        found.add(_bare(whole)[:_BEGINNING] or whole)
    return frozenset(found - {""})


def _payer_number(text: str) -> str:
    """An account or a telephone number by its last digits: "+46 70-000 00 01", "0700000001"."""
    digits = "".join(filter(str.isdigit, text)).lstrip("0")
    return digits[-9:] if len(digits) >= 7 else ""


# Perhaps


@dataclass(unsafe_hash=True)
class Likeness:
    """What is compared of a line: account by its own name, öre, and the rest in canonical form.

    `name` is "" where the payer's name is not told; `numbers` are the payer's account and identity.
    """

    account: str
    way: Way
    amount_ore: int
    day: datetime.date
    name: str
    numbers: frozenset[str]
    references: frozenset[str]

    @property
    def bucket(self) -> tuple[str, Way, int]:
        """Only lines with the same are alike. They are also at most `LATE` days apart."""
        return self.account, self.way, self.amount_ore

    @cached_property
    def is_told(self) -> tuple[bool, bool]:
        """Whether the payer's name, and whether any reference, is told."""
        return bool(self.name), bool(self.references)


class Strength(IntEnum):
    """How alike two lines are, the most alike first."""

    # The same day, payer and reference.
    BOTH = 1
    # The same day and payer.
    PAYER = 2
    # The same day and reference, whoever the payer is.
    REFERENCE = 3
    # The same day; one does not tell the payer, and one does not tell the reference.
    UNTOLD = 4
    # Another day, and nothing that says that it is another gift.
    LATE = 5


def likeness(line: Line, accounts: Mapping[Number, str]) -> Likeness:
    """What is compared of a line; `accounts` as for `Keys`."""
    return likeness_of(
        account_name(line.account, accounts),
        line.way,
        line.amount_ore,
        line.booked_on,
        line.payer,
        line.references,
    )


def likeness_of(
    account: str,
    way: Way,
    amount_ore: int,
    day: datetime.date,
    payer: Payer,
    references: Iterable[Reference],
) -> Likeness:
    """What is compared of a payment, wherever it is told; `account` by its own name."""
    return Likeness(
        account,
        way,
        amount_ore,
        day,
        _name(payer.name),
        frozenset(map(_payer_number, (payer.account, payer.identity))) - {""},
        frozenset().union(*(_marks(reference.text) for reference in references)),
    )


def alike(a: Likeness, b: Likeness) -> Strength | None:
    """How alike two lines are; None when they are two gifts. The same whichever comes first."""
    if a.bucket != b.bucket:
        return None
    apart = abs((a.day - b.day).days)
    if apart > LATE:
        return None
    is_reference = not a.references.isdisjoint(b.references)
    is_other_reference = bool(a.references and b.references) and not is_reference
    is_payer = not a.numbers.isdisjoint(b.numbers)
    is_other_payer = False
    if not is_payer and a.name and b.name:
        is_payer = _is_same_name(a.name, b.name)
        is_other_payer = not is_payer
    if apart:
        return None if is_other_payer or is_other_reference else Strength.LATE
    if is_payer:
        return Strength.BOTH if is_reference else Strength.PAYER
    if is_reference:
        return Strength.REFERENCE
    return None if is_other_payer or is_other_reference else Strength.UNTOLD


# One to one


@dataclass(frozen=True, slots=True)
class Pair:
    """A new line and a known one, by their places in what was given, that may be one gift."""

    new: int
    known: int
    strength: Strength


def pair(new: Sequence[Likeness], known: Sequence[Likeness]) -> list[Pair]:
    """Pair off new lines with known ones that they are alike, each at most once, in the order of the new.

    The most alike first, then the earliest; as many pairs as there can be. The new lines that are in
    no pair are new gifts. Where so many are alike that the last of them cannot all be tried, a
    known line may be in more pairs than one: a gift is rather asked about than counted twice.
    """
    groups: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for at, one in enumerate(known):
        groups[one.bucket][1].append(at)
    for at, one in enumerate(new):
        if one.bucket in groups:
            groups[one.bucket][0].append(at)
    found: list[Pair] = []
    for some, others in groups.values():
        if some:
            found += _Pairing(new, known, some, others).pairs()
    return sorted(found, key=lambda one: one.new)


Marks = Callable[[Likeness], Iterable[Hashable]]


def _by_payer(one: Likeness) -> Iterable[Hashable]:
    return (one.name[:_CUT], *one.numbers) if one.name else one.numbers


def _by_whole_name(one: Likeness) -> Iterable[Hashable]:
    return (one.name,) if one.name else ()


def _by_both(one: Likeness) -> Iterable[Hashable]:
    return [(mark, reference) for mark in _by_payer(one) for reference in one.references]


def _by_whole_both(one: Likeness) -> Iterable[Hashable]:
    return [(one.name, reference) for reference in one.references] if one.name else ()


def _by_reference(one: Likeness) -> Iterable[Hashable]:
    return one.references


def _by_name_and_reference(one: Likeness) -> Iterable[Hashable]:
    return [(bool(one.name), reference) for reference in one.references]


def _by_other_name_and_reference(one: Likeness) -> Iterable[Hashable]:
    """Those that do not both tell a name."""
    names = (False,) if one.name else (False, True)
    return [(name, reference) for name in names for reference in one.references]


def _by_told(one: Likeness) -> Iterable[Hashable]:
    return (one.is_told,)


def _by_other_told(one: Likeness) -> Iterable[Hashable]:
    """Those with which it does not share what can be compared."""
    name, reference = one.is_told
    return [
        (other_name, other_reference)
        for other_name in (False, True)
        for other_reference in (False, True)
        if not (name and other_name) and not (reference and other_reference)
    ]


# What the new ones are looked up by and what the known ones are found by, in turn.
_SAME_DAY: tuple[tuple[Strength, Marks, Marks], ...] = (
    (Strength.BOTH, _by_whole_both, _by_whole_both),
    (Strength.BOTH, _by_both, _by_both),
    (Strength.PAYER, _by_whole_name, _by_whole_name),
    (Strength.PAYER, _by_payer, _by_payer),
    (Strength.REFERENCE, _by_reference, _by_reference),
    (Strength.UNTOLD, _by_other_told, _by_told),
)
_ANOTHER_DAY: tuple[tuple[Strength, Marks, Marks], ...] = (
    (Strength.LATE, _by_whole_both, _by_whole_both),
    (Strength.LATE, _by_payer, _by_payer),
    (Strength.LATE, _by_other_name_and_reference, _by_name_and_reference),
    (Strength.LATE, _by_other_told, _by_told),
)
_TRIED = 100  # lines under one mark that turn out to be less alike
# Looks at known lines, when pairs are broken up to find one line its partner: at first, and when all
# the lines of a bucket have had so many.
_LOOKS, _FEW_LOOKS, _ALL_LOOKS = 2_000, 50, 1_000_000
# The turns that between them find every line that another is alike.
_LINKS = [(False, step) for step in _SAME_DAY[3:]] + [(True, step) for step in _ANOTHER_DAY[1:]]


class _Pairing:
    """The pairing of the lines of one bucket; places in `new` and `known`."""

    def __init__(
        self,
        new: Sequence[Likeness],
        known: Sequence[Likeness],
        some: list[int],
        others: list[int],
    ) -> None:
        self._new, self._known = new, known
        self._some, self._others = some, others
        self._partner: dict[int, int] = {}  # of a new one
        self._taken: dict[int, int] = {}  # by which new one
        self._doubtful: dict[int, int] = {}
        self._looks = 0

    def pairs(self) -> list[Pair]:
        for step in _SAME_DAY:
            self._step(0, *step)
        for apart in range(1, LATE + 1):
            for step in _ANOTHER_DAY:
                self._step(apart, *step)
        self._try_again()
        return [
            Pair(at, other, strength)
            for at, other in (self._partner | self._doubtful).items()
            if (strength := alike(self._new[at], self._known[other]))
        ]

    def _is_done(self) -> bool:
        return len(self._taken) == len(self._others) or len(self._partner) == len(self._some)

    def _step(self, apart: int, wanted: Strength, marks: Marks, known_marks: Marks) -> None:
        if self._is_done():
            return
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for other in self._others:
            if other not in self._taken:
                one = self._known[other]
                for mark in known_marks(one):
                    waiting[one.day.toordinal(), mark].append(other)
        for at in self._some:
            if at not in self._partner:
                one = self._new[at]
                day = one.day.toordinal()
                days = (day - apart, day + apart) if apart else (day,)
                places = ((day, mark) for day in days for mark in marks(one))
                self._take_first(at, wanted, [waiting[p] for p in places if p in waiting])

    def _take_first(self, at: int, wanted: Strength, queues: list[deque[int]]) -> None:
        for queue in queues:
            while queue and queue[0] in self._taken:
                queue.popleft()
            tried = 0
            for other in queue:
                if other in self._taken:
                    continue
                if alike(self._new[at], self._known[other]) == wanted:
                    self._join(at, other)
                    return
                tried += 1
                if tried == _TRIED:
                    break

    def _join(self, at: int, other: int) -> None:
        self._partner[at], self._taken[other] = other, at

    def _try_again(self) -> None:
        """Give those left a partner by giving others another one (augmenting paths), where that can be."""
        if self._is_done():
            return
        links = self._links()
        for at in self._some:
            if at not in self._partner and not self._is_done():
                self._find(at, links)

    def _links(self) -> dict[Hashable, list[int]]:
        """Every known line under all that it can be found by, free or not."""
        links: dict[Hashable, list[int]] = defaultdict(list)
        for other in self._others:
            one = self._known[other]
            for apart, (_strength, _marks, known_marks) in _LINKS:
                for mark in known_marks(one):
                    links[apart, known_marks, one.day.toordinal(), mark].append(other)
        return links

    def _find(self, start: int, links: dict[Hashable, list[int]]) -> None:
        """Search breadth first for a known line that is free; then every line on the way moves on."""
        came_from: dict[int, int] = {}  # which new one led to a known one
        line, looks = deque([start]), 0
        most = _LOOKS if self._looks < _ALL_LOOKS else _FEW_LOOKS
        while line:
            at = line.popleft()
            for other in self._near(at, links):
                looks += 1
                self._looks += 1
                if looks > most:
                    if came_from:
                        self._doubtful[start] = next(iter(came_from))
                    return
                if other in came_from or not alike(self._new[at], self._known[other]):
                    continue
                came_from[other] = at
                if other not in self._taken:
                    self._move(start, other, came_from)
                    return
                line.append(self._taken[other])

    def _near(self, at: int, links: dict[Hashable, list[int]]) -> Iterable[int]:
        one = self._new[at]
        for apart, (_strength, marks, known_marks) in _LINKS:
            days = range(-LATE, LATE + 1) if apart else (0,)
            for day in days:
                for mark in marks(one):
                    yield from links.get((apart, known_marks, one.day.toordinal() + day, mark), ())

    def _move(self, start: int, other: int, came_from: dict[int, int]) -> None:
        while True:
            at = came_from[other]
            before = self._partner.get(at)
            self._join(at, other)
            if at == start:
                return
            assert before is not None
            other = before
