"""Swish reports: Swedbank's and Handelsbanken's, the two that have a layout of their own.

Source: the banks' own descriptions of their reports, and their published examples. Both are text,
one payment a line, in fields with a separator; each also comes saved anew by a spreadsheet, with
another separator, another decimal sign or other letters, and reads the same.
"""

import csv
import datetime
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, NamedTuple

from donations.bankfiles import text
from donations.bankfiles.records import (
    NOBODY,
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

MARKS = ",;\t"
TITLE_LINES = 10
_FETCH_AGAIN = "Hämta filen från banken på nytt."
_OUR_NUMBER = re.compile("123[0-9]{7}")
_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:.*")
_BANK_REFERENCE = re.compile(r"(?=.*[0-9])[0-9A-Za-z\-]{6,64}|")


class Swedbank:
    """Swedbank's report: a title, a row of headings, a row for each payment numbered from 1.

    It states no sums and has no lasting ids. What tells that a row is missing is its number. A
    refund is negative, and stands with payer and payee swapped.
    """

    format = "Swish Swedbank"
    version = ""
    is_test = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.totals = Totals()
        self._rows_begin, self._mark, self._width, self._columns = _headings(stream)

    def lines(self) -> Iterator[Line]:
        """See `records.Reading`."""
        rows = 0
        for number, raw in text.lines(self._stream):
            if number < self._rows_begin:
                continue
            row = _row(number, raw, self._mark)
            if not any(row.fields):
                continue
            rows += 1
            yield self._line(row, rows)

    def _check_width(self, row: "_Row") -> None:
        width = max(self._columns.values()) + 1
        if len(row.fields) < width or any(row.fields[max(width, self._width) :]):
            raise row.refused(f"Raden har {len(row.fields)} fält, men rubrikerna är {self._width}.")

    def _line(self, row: "_Row", ordinal: int) -> Line:
        columns = self._columns
        row = _joined(row, self._mark, columns["meddelande"], columns["tid"], _TIME)
        self._check_width(row)
        told = {name: row.fields[at] for name, at in columns.items()}
        if told["radnr"] != str(ordinal):
            raise row.refused(
                f"Raden ska ha nummer {ordinal}, inte ”{told['radnr']}”: en rad saknas eller är dubbel. "
                f"{_FETCH_AGAIN}"
            )
        amount_ore = _ore(row, told["belopp"])
        ours, theirs, name = told["mottagarnr"], told["avsändarnr"], told["avsändarnamn"]
        if amount_ore < 0:  # payer and payee have changed places
            ours, theirs, name = theirs, ours, told["mottagarnamn"]
        told["belopp"] = str(amount_ore)
        return Line(
            where=row.where,
            account=_account(row, told["clnr"], told["kontonr"]),
            to=_swish(row, ours),
            booked_on=_day(row, told["bokfdag"]),
            amount_ore=abs(amount_ore),
            way=Way.IN if amount_ore > 0 else Way.OUT,
            kind=Kind.PAYMENT if amount_ore > 0 else Kind.RETURN,
            channel="swish",
            # Without the row's number: another report gives the same payment another.
            row="|".join(told[name] for name in _HEADINGS if name != "radnr"),
            references=_references(told["meddelande"], told["orderreferens"]),
            payer=Payer(name=name, identity=theirs) if name or theirs else NOBODY,
        )


class Handelsbanken:
    """Handelsbanken's report: a first row 01, a row 02 for each payment, a last row 03 that counts them.

    Older files end at field 15. The payment's reference, field 12, is the bank's own lasting id.
    """

    format = "Swish Handelsbanken"
    version = ""
    is_test = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.totals = Totals()
        number, raw = next(text.lines(stream), (1, b""))
        first = text.spelled(raw[:200])
        self._mark = max(MARKS, key=first.count)
        row = _row(number, raw, self._mark)
        if row.fields[0] != "01" or len(row.fields) < 3:
            raise row.refused(
                "Filen är ingen Swishrapport från Handelsbanken: den ska börja med 01 och två dagar."
            )
        _day(row, row.fields[1])

    def lines(self) -> Iterator[Line]:
        """See `records.Reading`."""
        previous, count, outgoing = "", 0, 0
        for number, raw in text.lines(self._stream):
            row = _row(number, raw, self._mark)
            if not any(row.fields):
                continue
            kind = row.fields[0]
            if kind not in {"": ("01",), "01": ("02", "03"), "02": ("02", "03")}.get(previous, ()):
                raise row.refused(
                    f"Raden börjar med ”{kind}”. Filen ska ha en rad 01, sedan rader 02 och sist en rad 03."
                )
            previous = kind
            if kind == "02":
                line = self._line(row)
                count += 1
                outgoing += line.way is Way.OUT
                yield line
            elif kind == "03":
                self._end(row, count, outgoing)
        if previous != "03":
            raise Refused(
                f"Filen tar slut innan raden 03 som räknar betalningarna: en del av den saknas. {_FETCH_AGAIN}"
            )

    def _end(self, row: "_Row", count: int, outgoing: int) -> None:
        stated = row.fields[1] if len(row.fields) > 1 else ""
        if not re.fullmatch("[0-9]{1,9}", stated) or int(stated) != count:
            raise row.refused(
                f"Raden räknar {stated or 'inga'} betalningar, men i filen finns {count}. {_FETCH_AGAIN}"
            )
        if not outgoing:  # otherwise only their number together is stated
            self.totals.credits, self.totals.debits = count, 0

    def _line(self, row: "_Row") -> Line:
        row = _joined(row, self._mark, 12, 14, _TIMESTAMP)
        if len(row.fields) < 15 or any(row.fields[18:]):
            raise row.refused(f"Raden har {len(row.fields)} fält, men ska ha 15 eller 18.")
        told = _Payment(*row.fields[1:15])
        if told.type not in _TYPES:
            raise row.refused(
                f"Typen ”{told.type}” är okänd. Kollekt känner {', '.join(_TYPES)}. "
                "Visa raden för den som sköter Kollekt."
            )
        if not _BANK_REFERENCE.fullmatch(told.reference):
            raise row.refused(
                f"”{told.reference[:40]}” är ingen betalningsreferens. Den ska stå i fält 12."
            )
        way, kind = _TYPES[told.type]
        amount_ore = _ore(row, told.amount)
        if amount_ore < 0 and way is Way.IN:
            raise row.refused(f"En betalning av typen {told.type} kan inte vara negativ.")
        day = _day(row, told.day)
        booked = row.fields[15] if len(row.fields) > 15 else ""
        told = told._replace(amount=str(abs(amount_ore)), day=day.isoformat())
        return Line(
            where=row.where,
            account=_account(row, "", told.account),
            to=_swish(row, told.swish),
            booked_on=_day(row, booked) if booked else day,
            amount_ore=abs(amount_ore),
            way=way,
            kind=kind,
            channel="swish",
            row="|".join(told),
            bank_id=told.reference,
            currency=told.currency,
            references=_references(told.message, told.order),
            payer=Payer(name=told.name, identity=told.mobile)
            if told.name or told.mobile
            else NOBODY,
            aside=""
            if told.currency == "SEK"
            else f"Betalningen är i {told.currency}, inte i svenska kronor.",
            code=told.type,
        )


class _Payment(NamedTuple):
    """Fields 2 to 15 of Handelsbanken's row 02."""

    organisation: str
    account: str
    bic: str
    swish: str
    day: str
    type: str
    amount: str
    currency: str
    mobile: str
    name: str
    reference: str
    message: str
    order: str
    timestamp: str


_TYPES = {
    "SWH": (Way.IN, Kind.PAYMENT),
    "SWR": (Way.OUT, Kind.RETURN),  # we paid a payment back
    "SWT": (Way.IN, Kind.RETURN),  # what we paid back came back
    "SWU": (Way.OUT, Kind.PAYMENT),  # we paid somebody
    "SWZ": (Way.IN, Kind.RETURN),  # what we paid somebody came back
}

_HEADINGS = (
    "radnr",
    "clnr",
    "kontonr",
    "bokfdag",
    "transdag",
    "valutadag",
    "mottagarnr",
    "mottagarnamn",
    "avsändarnr",
    "avsändarnamn",
    "meddelande",
    "tid",
    "belopp",
    "orderreferens",
)


# Rows


class _Row(NamedTuple):
    """A row's fields, without the blanks round them."""

    number: int
    content: str
    fields: Sequence[str]

    @property
    def where(self) -> str:
        return f"rad {self.number}"

    def refused(self, why: str) -> Refused:
        return Refused(why, self.where, self.content)


def _row(number: int, raw: bytes, mark: str) -> _Row:
    """A line is a row: a message holds no line break. Where quotes do not pair, they are the payer's own."""
    content = text.spelled(raw)
    try:
        fields = next(csv.reader([content], delimiter=mark, strict=True), []) or [""]
    except csv.Error:
        fields = content.split(mark)
    return _Row(number, content, [text.clean(field).strip() for field in fields])


def _joined(row: _Row, mark: str, message: int, anchor: int, pattern: re.Pattern[str]) -> _Row:
    """The row with its message as one field, where the separator in it has made several of it.

    `anchor` is a field after the message, which looks like `pattern`. It is sought from the right:
    what the bank writes stands there, so that nobody can write another amount in a message.
    """
    for extra in range(len(row.fields) - 1 - anchor, 0, -1):
        if pattern.fullmatch(row.fields[anchor + extra]):
            fields = list(row.fields)
            fields[message : message + extra + 1] = [
                mark.join(fields[message : message + extra + 1])
            ]
            return row._replace(fields=fields)
    return row


def _headings(stream: BinaryIO) -> tuple[int, str, int, dict[str, int]]:
    """The number of the first line after Swedbank's headings, the separator, how many they are, and their places."""
    for number, raw in islice(text.lines(stream), TITLE_LINES):
        for mark in MARKS:
            row = _row(number, raw, mark)
            places = {_plain(field): at for at, field in enumerate(row.fields) if field}
            if all(_plain(name) in places for name in _HEADINGS):
                columns = {name: places[_plain(name)] for name in _HEADINGS}
                return number + 1, mark, len(row.fields), columns
    raise Refused(
        f"Filen är ingen Swishrapport från Swedbank: raden med rubriker saknas ({', '.join(_HEADINGS)})."
    )


def _plain(heading: str) -> str:
    """A heading as it is compared, å, ä and ö left out: some files have lost them."""
    return re.sub("[^a-z]", "", heading.lower())


# Fields


def _ore(row: _Row, field: str) -> int:
    try:
        amount = text.ore(field)
    except ValueError as error:
        raise row.refused(f"”{field[:40]}” är inget belopp. {error}") from None
    if not amount:
        raise row.refused("Beloppet är 0 kronor. Varje rad ska ha ett belopp.")
    return amount


def _day(row: _Row, field: str) -> datetime.date:
    try:
        found = _DAY.fullmatch(field)
        if not found:
            raise ValueError
        return datetime.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise row.refused(f"”{field[:40]}” är ingen dag. Den ska skrivas ÅÅÅÅ-MM-DD.") from None


def _swish(row: _Row, field: str) -> Number:
    digits = field.replace(" ", "")
    if not _OUR_NUMBER.fullmatch(digits):
        raise row.refused(
            f"”{field[:40]}” är inget Swishnummer för organisationer: de har tio siffror och börjar med 123."
        )
    return Number(Scheme.SWISH, digits)


def _account(row: _Row, clearing: str, account: str) -> Number:
    digits = re.sub("[ -]", "", clearing + account)
    if not re.fullmatch("[0-9]{5,20}", digits):
        raise row.refused(f"”{account[:40]}” är inget kontonummer. Det ska vara siffror.")
    return Number(Scheme.BBAN, digits.lstrip("0"))


def _references(message: str, order: str) -> tuple[Reference, ...]:
    found = ((Ground.MESSAGE, message), (Ground.REFERENCE, order))
    return tuple(Reference(ground, words) for ground, words in found if words)
