"""BgMax: Bankgirot's file of incoming payments; Autogiro's reports of payments use the same layout.

Source: Bankgirot's manual "Bankgiro Inbetalningar", the layout BgMax, version 01. Records of eighty
characters; positions count from 1 in the manual and in the comments here. Amounts are öre without
a sign. The order of the records:

    01, {05, {20|21, 22/23*, 25*, 26?, 27?, 28?, 29?}+, 15}*, 70

Files come with and without line breaks, with the blanks at the ends of lines gone, with TABs in
their stead, in Latin-1, in UTF-8 and in what is left after both. All of these read the same.
"""

import datetime
import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import BinaryIO, NamedTuple

from donations.bankfiles.numbers import deposit_key
from donations.bankfiles.records import (
    Ground,
    Kind,
    Line,
    Number,
    Payer,
    Reference,
    Refused,
    Scheme,
    Totals,
    Way,
)
from donations.bankfiles.text import (
    EMPTY,
    MOST_EMPTY_LINES,
    blocks,
    chunks,
    clean,
    empty_file,
)
from donations.money import LIMIT_ORE, format_kronor

WIDTH = 80
MOST_RECORDS = 1_000  # of one payment: the manual's limit is 90 of information, and some references

_PAYMENTS = frozenset(("20", "21"))
_REFERENCES = frozenset(("22", "23"))
_MORE = frozenset(("22", "23", "25", "26", "27", "28", "29"))  # of the same payment
_ENDS = _PAYMENTS | {"15"}

# What may come after each record. A type that is not here is ignored, as the manual asks.
_NEXT = {
    "": frozenset(("01",)),
    "01": frozenset(("05", "70")),
    "05": _PAYMENTS,
    **dict.fromkeys(("20", "21", "22", "23"), _ENDS | _MORE),
    "25": _ENDS | {"25", "26", "27", "28", "29"},
    "26": _ENDS | {"27", "28", "29"},
    "27": _ENDS | {"28", "29"},
    "28": _ENDS | {"29"},
    "29": _ENDS,
    "15": frozenset(("05", "70")),
    "70": frozenset[str](),
}

_NAMES = {
    "01": "startposten (01)",
    "05": "en öppningspost (05)",
    "15": "en insättningspost (15)",
    "20": "en betalning (20)",
    "21": "ett avdrag (21)",
    "70": "slutposten (70)",
}

_START = re.compile(r"01BGMAX\s+([0-9]{2})([0-9]{14})[0-9 ]{0,6}\s*([TP])\b")
# The reference codes of what Bankgirot has checked; 3 and 5 are the rest.
_CHECKED_OCR = frozenset("24")
_AUTOGIRO = "4"
# Looking them up for each of a million lines takes its time.
_IN, _OUT, _PAYMENT, _RETURN = Way.IN, Way.OUT, Kind.PAYMENT, Kind.RETURN
_FETCH_AGAIN = "Hämta filen från banken på nytt."

# Bytes that make a record more than Latin-1 text in its columns: what goes on a letter of several
# bytes, TABs, and what is no text.
_CONTINUED = bytes(range(0x80, 0xC0))
_ODD = bytes(set(range(0x20)) - set(b"\r\n")) + b"\x7f" + _CONTINUED

# Where the fields with letters begin and end.
_FIELDS = {
    **dict.fromkeys(("20", "21", "22", "23"), (2, 12, 37, WIDTH)),
    "25": (2, 52, WIDTH),
    "26": (2, 37, 72, WIDTH),
    "27": (2, 37, 46, WIDTH),
    "28": (2, 37, 72, WIDTH),
}


class _Deposit(NamedTuple):
    """Record 15: what a section's payments came to, and when and where they were put in."""

    text: str
    account: Number | None
    day: datetime.date
    serial: str
    amount_ore: int
    currency: str
    payments: int


class _Section(NamedTuple):
    """What the payments between records 05 and 15 share."""

    giro: Number
    account: Number
    channel: str
    day: datetime.date
    deposit: str
    currency: str
    aside: str
    id_prefix: str
    row_prefix: str


class BgMax:
    """A BgMax file, read as it goes, twice: a payment's day stands after it, in record 15.

    The stream must be one that can be rewound. See `records.Reading`.

    A deposit whose sum or number of payments is not what its record 15 says refuses the file, and
    so does a record 70 that counts another number of deposits. Real files are seen in which
    record 70 miscounts payments whose every deposit is right: then the deposits decide, and
    `totals.remarks` tells.
    """

    format = "BgMax"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.totals = Totals()
        texts = islice(chain.from_iterable(_texts(stream)), MOST_EMPTY_LINES)
        start = next((text for text in texts if text.strip()), "")
        found = _START.match(start)
        if not found:
            raise Refused(
                "Filen är ingen BgMax-fil: den ska börja med 01BGMAX, version, tidpunkt och P eller T.",
                "rad 1",
                start,
            )
        if found[1] != "01":
            raise Refused(
                f"Filen är BgMax version {found[1]}. Kollekt läser version 01.", "rad 1", start
            )
        self.version = str(int(found[1]))
        self.is_test = found[3] == "T"

    def lines(self) -> Iterator[Line]:
        """Every payment and deduction above 0 kronor. Raises `Refused`, also after the last."""
        unit = "rad" if _has_lines(self._stream) else "post"
        deposits = _deposits(self._stream)
        tally = _Tally()
        section: _Section | None = None
        code = ""
        for number, records in _groups(self._stream, unit):
            code, where = records[0][:2], f"{unit} {number}"
            if code in _PAYMENTS:
                assert section is not None
                line = _line(section, records, where)
                tally.add(line.amount_ore, records)
                if line.amount_ore:
                    yield line
            elif code == "05":
                section = _open(where, records[0], deposits, tally)
            elif code == "15":
                tally.close(where)
            elif code == "70":
                _compare(tally, self.totals, where, records[0])
        if code != "70":
            raise Refused(
                f"Filen tar slut innan slutposten (70): en del av den saknas. {_FETCH_AGAIN}"
            )


# Sums


class _Tally:
    """What has been seen so far, in the whole file and in the section that is open."""

    def __init__(self) -> None:
        self.payments = self.debits = self.references = self.deposits = self.zeros = 0
        self.stated_ore = 0
        self.is_mixed = False  # several currencies
        self._deposit: _Deposit | None = None
        self._count = self._net_ore = 0

    def open(self, deposit: _Deposit) -> None:
        if self._deposit and self._deposit.currency != deposit.currency:
            self.is_mixed = True
        self._deposit, self._count, self._net_ore = deposit, 0, 0

    def add(self, amount_ore: int, records: list[str]) -> None:
        self._count += 1
        if records[0][1] == "0":
            self._net_ore += amount_ore
        else:
            self._net_ore -= amount_ore
            self.debits += 1
        if not amount_ore:
            self.zeros += 1
        if len(records) > 1 and records[1][:2] in _REFERENCES:
            self.references += sum(record[:2] in _REFERENCES for record in records)

    def close(self, where: str) -> None:
        """Hold the section against its record 15."""
        deposit = self._deposit
        assert deposit is not None
        self.deposits += 1
        self.payments += self._count
        self.stated_ore += deposit.amount_ore
        if self._net_ore != deposit.amount_ore:
            raise Refused(
                f"Insättningen är på {format_kronor(deposit.amount_ore)}, men dess betalningar är på "
                f"{format_kronor(self._net_ore)} tillsammans. {_FETCH_AGAIN}",
                where,
                deposit.text,
            )
        if self._count != deposit.payments:
            raise Refused(
                f"Insättningen har {deposit.payments} betalningar enligt sin post (15), men i filen finns "
                f"{self._count}. {_FETCH_AGAIN}",
                where,
                deposit.text,
            )


def _compare(tally: _Tally, totals: Totals, where: str, text: str) -> None:
    """Hold what was read against record 70, and keep what that says."""
    stated = [_count(text[at : at + 8], where, text) for at in (2, 10, 18, 26)]
    ours = [tally.payments - tally.debits, tally.debits, tally.references, tally.deposits]
    if stated[3] not in (None, ours[3]):
        raise Refused(
            f"Slutposten (70) räknar {stated[3]} insättningar, men i filen finns {ours[3]}. "
            f"{_FETCH_AGAIN}",
            where,
            text,
        )
    words = ("betalningar", "avdrag", "extra referenser")
    totals.remarks += [
        f"Slutposten (70) räknar {said} {word}, men i filen finns {number}. Varje insättnings summa "
        "och antal stämmer, så filen tas som den är."
        for said, number, word in zip(stated, ours, words, strict=False)
        if said not in (None, number)
    ]
    if tally.zeros:
        totals.remarks.append(
            f"{tally.zeros} av filens betalningar är på 0 kronor och är inte med."
        )
    totals.credits, totals.debits = stated[:2]
    if not tally.debits and not tally.is_mixed:  # otherwise only the difference is stated
        totals.credit_ore, totals.debit_ore = tally.stated_ore, 0


# Records


def _groups(stream: BinaryIO, unit: str) -> Iterator[tuple[int, list[str]]]:
    """Each record of a known type, in the right order, with its number and the records that tell more of it.

    Every text is clean, and has its fields in their columns.
    """
    allowed = _NEXT[""]
    group: list[str] = []
    at = number = empty = 0
    for texts in _texts(stream):
        for text in texts:
            number += 1
            code = text[:2]
            if code not in allowed or len(text) > WIDTH:
                if not text.strip():
                    empty += 1
                    if empty > MOST_EMPTY_LINES:
                        raise empty_file()
                    continue
                _check(f"{unit} {number}", text, group[-1] if group else "")
                if code not in _NEXT:
                    continue
            allowed = _NEXT[code]
            if code in _MORE:
                group.append(text)
                if len(group) > MOST_RECORDS:
                    raise Refused("Betalningen har orimligt många poster.", f"{unit} {at}", text)
                continue
            if group:
                yield at, group
            group, at = [text], number
    if group:
        yield at, group


def _check(where: str, text: str, before: str) -> None:
    """Refuse what is no record, or stands where it cannot. A type that nobody knows may stand anywhere."""
    if len(text.rstrip()) > WIDTH:
        raise Refused(f"Raden är längre än en posts 80 tecken. {_FETCH_AGAIN}", where, text)
    code, previous = text[:2], before[:2]
    if not (len(code) == 2 and code.isascii() and code.isdigit()):
        raise Refused("Raden börjar inte med en posts två siffror.", where, text)
    if code in _NEXT and code not in _NEXT[previous]:
        name = _NAMES.get(code, f"posten {code}")
        after = _NAMES.get(previous, f"posten {previous}")
        raise Refused(f"{name[0].upper()}{name[1:]} kan inte komma efter {after}.", where, text)


def _has_lines(stream: BinaryIO) -> bool:
    head = next(chunks(stream), b"")[: 4 * WIDTH]
    return b"\n" in head or b"\r" in head


def _texts(stream: BinaryIO) -> Iterator[list[str]]:
    """The records of all types, some at a time: clean text, each field in its columns."""
    return map(_split, blocks(stream)) if _has_lines(stream) else _cut(stream)


def _split(block: bytes) -> list[str]:
    if _is_odd(block):
        return [_columns(line) for line in block.splitlines()]
    return block.decode("latin-1").splitlines()


def _is_odd(data: bytes) -> bool:
    return len(data.translate(None, _ODD)) != len(data)


def _cut(stream: BinaryIO) -> Iterator[list[str]]:
    """The records of a file without line breaks, by their width alone."""
    rest = b""
    for chunk in chunks(stream):
        texts, rest = _cut_some(rest + chunk, is_last=False)
        yield texts
    if rest.strip(EMPTY):
        yield _cut_some(rest, is_last=True)[0]


def _cut_some(data: bytes, is_last: bool) -> tuple[list[str], bytes]:
    """The records that are whole, and the rest."""
    if not _is_odd(data) and b"\n" not in data and b"\r" not in data:
        end = len(data) if is_last else len(data) // WIDTH * WIDTH
        text = data[:end].decode("latin-1")
        return [text[at : at + WIDTH] for at in range(0, end, WIDTH)], data[end:]
    texts, at = [], 0
    while at < len(data) and (is_last or len(data) - at >= 8 * WIDTH):
        end = _end_of_record(data, at)
        texts.append(_columns(data[at:end]))
        while data[end : end + 1] in (b"\r", b"\n"):
            end += 1
        at = end
    return texts, data[at:]


def _end_of_record(data: bytes, at: int) -> int:
    """Eighty bytes on, or, where letters take two and no record begins there, eighty characters."""
    end = at + WIDTH
    if data[at:end].isascii() or data[end : end + 2].isdigit():
        return end
    wide, short = end, 1
    while short and wide < len(data):
        short = WIDTH - len(data[at:wide].translate(None, _CONTINUED))
        wide += short
    if not (data[wide : wide + 2].isdigit() or wide >= len(data)):
        return end
    try:
        data[at:wide].decode()
    except UnicodeDecodeError:
        return end
    return wide


def _columns(raw: bytes) -> str:
    """A record's text with each field in its columns, whatever its letters' bytes."""
    if not _is_odd(raw):
        return raw.decode("latin-1")
    raw = raw.rstrip(EMPTY)
    spread = [
        way
        for text in _spellings(raw)
        for way in (text.replace("\t", " "), text.expandtabs(8))
        if len(text) < 4 * WIDTH
    ]
    text = min(spread, key=_misfit, default=raw.decode("latin-1"))
    if text.isascii() and text.isprintable():
        return text
    edges = _FIELDS.get(text[:2], (2, max(WIDTH, len(text))))
    fields = [clean(text[begin:end]).ljust(end - begin) for begin, end in pairwise(edges)]
    return text[:2] + "".join(fields).rstrip() + text[edges[-1] :]


def _spellings(raw: bytes) -> list[str]:
    """What the bytes may spell, one place for each letter first; Latin-1 takes any bytes."""
    found = [raw.decode("latin-1")]
    for _turn in range(2):
        try:
            found.insert(0, found[0].encode("latin-1").decode())
        except UnicodeError:
            break
    return found


def _misfit(text: str) -> int:
    """0 where the fields stand where they should, as far as one can see; more, the less they do."""
    if "20" <= text[:2] <= "23":
        # The image flag, in 70, is the last but for a deduction's code.
        return 2 * (not text[37:55].isdigit() or len(text) > WIDTH) + (len(text) < 70)
    if "26" <= text[:2] <= "28":
        return int(text[36:37] not in ("", " "))
    return int(len(text) > WIDTH)


# Fields


def _number(text: str, what: str, where: str, record: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused(f"{what} ska bara vara siffror, inte ”{text.strip()}”.", where, record)
    return int(text)


def _amount(record: str, where: str) -> int:
    field = record[37:55]
    if not (len(field) == 18 and field.isdigit() and field.isascii()):
        raise Refused(
            f"Beloppet ska vara 18 siffror, i öre, inte ”{field.strip()}”.", where, record
        )
    amount = int(field)
    if amount >= LIMIT_ORE:
        raise Refused("Beloppet är orimligt stort.", where, record)
    return amount


def _count(text: str, where: str, record: str) -> int | None:
    """A count in record 70; None where the file says nothing."""
    return _number(text, "Antalet", where, record) if text.strip() else None


def _day(text: str, where: str, record: str) -> datetime.date:
    try:
        if not re.fullmatch("[0-9]{8}", text):
            raise ValueError
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise Refused(f"”{text}” är ingen dag. Den ska skrivas ÅÅÅÅMMDD.", where, record) from None


def _deposits(stream: BinaryIO) -> Iterator[str]:
    """The file's records 15 in order, read ahead of the payments that they sum up."""
    some = map(_split, filter(_may_hold_15, blocks(stream))) if _has_lines(stream) else _cut(stream)
    for texts in some:
        for text in texts:
            if text[:2] == "15":
                yield text


def _may_hold_15(block: bytes) -> bool:
    return block.startswith(b"15") or (b"\n15" if b"\n" in block else b"\r15") in block


def _deposit(text: str, where: str) -> _Deposit:
    amount = _number(text[50:68].ljust(18), "Insättningens belopp", where, text)
    return _Deposit(
        text=text,
        account=_account(text[2:37], where, text),
        day=_day(text[37:45], where, text),
        serial=text[45:50].strip(),
        amount_ore=-amount if text[79:80] == "D" else amount,
        currency=text[68:71].strip() or "SEK",
        payments=_number(text[71:79].strip(), "Antalet betalningar", where, text),
    )


def _account(field: str, where: str, record: str) -> Number | None:
    """Positions 22-25 are the clearing number; the account has at least seven digits after it."""
    if not field.strip(" 0"):
        return None
    _number(field.strip(), "Kontonumret", where, record)
    clearing, account = field[19:23].lstrip("0"), field[23:].strip().lstrip("0")
    return Number(Scheme.BBAN, clearing + account.zfill(7) if clearing else account)


def _open(where: str, text: str, deposits: Iterator[str], tally: _Tally) -> _Section:
    """Record 05, with the record 15 that will close the section."""
    if (closing := next(deposits, None)) is None:
        raise Refused(
            f"Insättningsposten (15) saknas för betalningarna efter raden. {_FETCH_AGAIN}",
            where,
            text,
        )
    deposit = _deposit(closing, f"insättningsposten (15) efter {where}")
    tally.open(deposit)
    giro = _giro(text, where)
    currency = text[22:25].strip() or "SEK"
    if currency != deposit.currency:
        raise Refused(
            f"Betalningarna är i {currency}, men insättningen i {deposit.currency}.", where, text
        )
    serial = deposit.serial if deposit.serial.strip("0") else ""
    return _Section(
        giro=giro,
        account=deposit.account or giro,
        channel=giro.scheme.value,
        day=deposit.day,
        deposit=deposit_key(giro, serial, deposit.day) if serial else "",
        currency=currency,
        aside="" if currency == "SEK" else f"Betalningen är i {currency}, inte i svenska kronor.",
        id_prefix=f"{giro.digits} {deposit.day} ",
        row_prefix=f"{giro.digits} {deposit.day} {serial} {currency} ",
    )


def _giro(text: str, where: str) -> Number:
    for scheme, field in ((Scheme.BANKGIRO, text[2:12]), (Scheme.PLUSGIRO, text[12:22])):
        if field.strip(" 0"):
            _number(field.strip(), "Mottagarens gironummer", where, text)
            return Number(scheme, field.strip().lstrip("0"))
    raise Refused(
        "Öppningsposten (05) saknar mottagarens bankgiro- eller plusgironummer.", where, text
    )


# Payments


def _line(section: _Section, records: list[str], where: str) -> Line:
    """One payment with all its records, also one on 0 kronor."""
    records = [record.rstrip() for record in records]
    first = records[0]
    is_credit = first[1] == "0"
    amount_ore = _amount(first, where)
    serial = first[57:69].rstrip()
    references = _reference(first, None)
    payer, message, extra = _details(records)
    if extra:
        references += _extra_references(extra, where, amount_ore)
    if message:
        references += (Reference(Ground.MESSAGE, message),)
    return Line(  # by place: making this is much of what a large file takes
        where,
        section.account,
        section.giro,
        section.day,
        amount_ore,
        _IN if is_credit else _OUT,
        _PAYMENT if is_credit else _RETURN,
        "autogiro" if first[56:57] == _AUTOGIRO else section.channel,
        section.row_prefix + " ".join(records),
        section.id_prefix + serial if serial.strip(" 0") else "",
        section.deposit,
        section.currency,
        references,
        payer,
        section.aside,
    )


def _details(records: list[str]) -> tuple[Payer, str, list[str]]:
    """What the records after the first tell: the payer, a message, and the extra references as they are."""
    name = address = postcode = town = country = identity = message = ""
    extra = []
    for record in records[1:]:
        code = record[:2]
        if code == "26":
            name = record[2:37].strip()
            if len(record) > 37:
                name = f"{name} {record[37:72].strip()}".strip()
        elif code == "27":
            address, postcode = record[2:37].strip(), record[37:46]
        elif code == "28":
            town = record[2:37].strip()
            if len(record) > 37:
                country = record[72:74].strip() or record[37:72].strip()
        elif code == "29":
            identity = record[2:14].strip().lstrip("0")
        elif code == "25":
            # A line that fills its field goes on in the next: a number may be cut in two.
            field = record[2:52]
            message += field if field[49:].strip() else field.strip() + "\n"
        else:
            extra.append(record)
    giro = records[0][2:12].strip().lstrip("0")
    return Payer(name, address, postcode, town, country, giro, identity), message.strip(), extra


def _reference(record: str, amount_ore: int | None) -> tuple[Reference, ...]:
    """Positions 13-37, by the reference code in 56; what an Autogiro payment has is the payer's number."""
    text = record[12:37].strip()
    if not text:
        return ()
    if record[55:56] in _CHECKED_OCR:
        return (Reference(Ground.OCR, text, amount_ore),)
    if record[56:57] == _AUTOGIRO and text.isascii() and text.isdigit():
        return (Reference(Ground.AUTOGIRO, text, amount_ore),)
    return (Reference(Ground.REFERENCE, text, amount_ore),)


def _extra_references(records: list[str], where: str, total_ore: int) -> tuple[Reference, ...]:
    """Records 22 and 23, which under extended registration have part amounts, those of 23 negative.

    The parts are passed on only where they come to the payment's own amount, so that nobody splits
    a gift by half a list.
    """
    parts: list[int | None] = [
        -_amount(record, where) if record[:2] == "23" else _amount(record, where)
        for record in records
    ]
    if sum(part or 0 for part in parts) != total_ore:
        parts = [None] * len(records)
    return tuple(
        reference
        for record, part in zip(records, parts, strict=True)
        for reference in _reference(record, part)
    )
