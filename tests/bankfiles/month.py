"""One month of one organisation's gifts, as camt.054, camt.053 and BgMax tell of it. All of it is invented.

`GIFTS` is what happened in March 2026. Each format tells of it in its own way:

- camt.054 (version 08) has all of it, with ids, whole names and whole messages;
- camt.053 (version 02) has no ids of single payments or others than camt.054's, writes names in capitals
  that have lost å, ä and ö in one way or another, cuts messages, books one gift the bank day after, and
  has one day's deposit to the bankgiro as a lump without details;
- BgMax has what came to the bankgiro alone, cuts names after 35 characters, and leaves some serials out.

Each has a day's gifts in an order of its own.

The camt files also have a fee, money from our other account, and a gift that was sent back.
`written` gives a format's file for some of the days, with the truth about each of its lines.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from stdnum import luhn

from donations.bankfiles.records import Number, Scheme
from tests.bankfiles import flat

YEAR, MONTH = 2026, 3
FIRST, LAST = 1, 31
# The month as two files that overlap.
HALVES = ((1, 20), (10, 31))
BANK_DAYS = [day for day in range(1, 32) if datetime.date(YEAR, MONTH, day).weekday() < 5]

# Our numbers. The statement knows the account by its IBAN, the others by clearing and number.
BANKGIRO, SWISH, ACCOUNT = "9912346", "1230000000", "54401234567"
IBAN, OTHER_IBAN = "SE7050000000054401234567", "SE6699900000001234567890"
OURS = {
    Number(Scheme.BBAN, ACCOUNT): "gåvor",
    Number(Scheme.IBAN, IBAN): "gåvor",
    Number(Scheme.BANKGIRO, BANKGIRO): "gåvor",
    Number(Scheme.SWISH, SWISH): "gåvor",
    Number(Scheme.IBAN, OTHER_IBAN): "sparande",
}
NUMBERS = ("47030", "47110", "47210")

FORMATS = ("camt.054", "camt.053", "BgMax")
LUMP_DAY = 17  # of which camt.053 only has the sum of what came to the bankgiro
OPENING_ORE = 1_000_00

# What a line is that is no gift, where it is not a gift's own number.
FEE, OWN_TRANSFER, RETURN, LUMP = "fee", "own transfer", "return", "lump"


# What happened


@dataclass(frozen=True)
class Gift:
    """A gift as it was given: the day it was booked, who gave, what was written, and how it came.

    `text` is a message, or an OCR number where `is_ocr`. `late` is the day on which camt.053 booked it.
    """

    id: int
    day: int
    ore: int
    name: str
    text: str
    is_ocr: bool = False
    is_swish: bool = False
    late: int = 0
    has_serial: bool = True

    @property
    def twins(self) -> tuple[object, ...]:
        """What true twins share."""
        return self.day, self.ore, self.name, self.text, self.is_swish


NAMES = (
    "Åsa Lindström",
    "Per Berg",
    "Stiftelsen Åkerströms minnesfond för unga kvinnors utbildning",
    "Örjan Öberg",
    "Eva Ek",
    "Föreningen Änglarna i Övre Ådalens församlingshem",
    "Siv Sjögren",
    "Ali Demir",
    "Märta Hägglöf-Åkesson",
    "Leo Falk",
    "Tove Nyström",
)


def ocr(number: str, *, has_length: bool = False) -> str:
    """A collection number's OCR form: with a check digit, or with a digit for its length before that."""
    body = number + str((len(number) + 2) % 10) if has_length else number
    return body + str(luhn.calc_check_digit(body))


def _ordinary() -> Iterator[dict[str, Any]]:
    """Two on each bank day, a few of which came by Swish."""
    for place in range(2 * len(BANK_DAYS)):
        number = NUMBERS[place % 3]
        text, is_ocr, is_swish = (
            (ocr(number), True, False),
            (f"{number} grattis på födelsedagen mormor", False, True),
            (ocr(number, has_length=True), True, False),
            (f"Till {number} från oss alla på Ängsvägen 3, med varma hälsningar", False, False),
            (number, False, False),
        )[place % 5]
        yield {
            "day": BANK_DAYS[place // 2],
            "ore": (100 + 50 * (place * 7 % 9)) * 100 + (50 if place % 6 == 0 else 0),
            "name": NAMES[place % len(NAMES)],
            "text": text,
            "is_ocr": is_ocr,
            "is_swish": is_swish,
            "has_serial": place % 4 != 3,
        }


HANNA = {"name": "Hanna Hölm", "ore": 100_00, "text": "47030 grattis mormor"}
SPECIAL: tuple[dict[str, Any], ...] = (
    # True twins: by bankgiro early and in the days that both halves have, by Swish, and three of a kind.
    {**HANNA, "day": 5, "has_serial": False},
    {**HANNA, "day": 5, "has_serial": False},
    {**HANNA, "day": 12},
    {**HANNA, "day": 12},
    *[{"day": 13, "ore": 200_00, "name": "Ivar Ing", "text": "47110", "is_swish": True}] * 2,
    *[{"day": 24, "ore": 50_00, "name": "Jörgen Ås", "text": ocr("47210"), "is_ocr": True}] * 3,
    # Alike but for one thing.
    {**HANNA, "day": 12, "text": "47110 grattis mormor"},
    {**HANNA, "day": 12, "name": "Hanna Hölmgren"},
    # Alike but for who gave.
    *[
        {"day": 9, "ore": 250_00, "name": name, "text": ocr("47030"), "is_ocr": True}
        for name in (
            "Föreningen Änglarna i Övre Ådalens församlingshem",
            "Jörgen Ås",
            "Föreningen Ängsblomman i Nedre Ådalens gamla skola",
            "Göran Ås",
            "Siv Sjö",
        )
    ],
    # Two nobodies that gave as much, with nothing said.
    *[{"day": 19, "ore": 300_00, "name": "", "text": "", "has_serial": False}] * 2,
    # On a Friday, and in the statement on the Monday.
    {"day": 20, "ore": 777_00, "name": "Karin Åhs", "text": "47030 för Nepal", "late": 23},
    # In the lump.
    {"day": LUMP_DAY, "ore": 1_234_50, "name": "Nils Nyå", "text": "Brunnar 47030"},
    {"day": LUMP_DAY, "ore": 65_00, "name": "Maja Moberg", "text": "Tack för allt ni gör"},
    # As much as in the lump, the same day or the day after, by others, and never in BgMax.
    {"day": LUMP_DAY, "ore": 1_234_50, "name": "Ove Olsson", "text": "47210", "is_swish": True},
    {"day": LUMP_DAY + 1, "ore": 65_00, "name": "Pia Palm", "text": "47110 Pia", "is_swish": True},
)
GIFTS: tuple[Gift, ...] = tuple(
    Gift(id, **told)
    for id, told in enumerate(sorted((*_ordinary(), *SPECIAL), key=lambda told: str(told["day"]).zfill(2)))
)  # fmt: skip


# What a format tells of it


@dataclass(frozen=True)
class Written:
    """A file, and what each of its lines is in the file's order: a gift's id, or one of the words above."""

    format: str
    data: bytes
    lines: tuple[int | str, ...]

    @property
    def gifts(self) -> list[int]:
        """The ids of the gifts that it tells of one by one."""
        return [one for one in self.lines if isinstance(one, int)]


def written(format: str, first: int = FIRST, last: int = LAST) -> Written:
    """The days from `first` through `last` as the format tells of them."""
    return {"camt.054": _notification, "camt.053": _statement, "BgMax": _bgmax}[format](first, last)


def by_id(ids: Sequence[int]) -> list[Gift]:
    return [GIFTS[id] for id in ids]


def _days(first: int, last: int, *, is_statement: bool = False) -> Iterator[tuple[int, list[Gift]]]:
    def booked(gift: Gift) -> int:
        return gift.late if is_statement and gift.late else gift.day

    for day, gifts in groupby(sorted(GIFTS, key=booked), key=booked):
        if first <= day <= last:
            yield day, list(gifts)


def _date(day: int) -> datetime.date:
    return datetime.date(YEAR, MONTH, day)


# camt


def _tag(name: str, *inside: str, **attributes: str) -> str:
    """An element around what is inside; nothing around nothing."""
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{told}>{''.join(inside)}</{name}>\n" if any(inside) else ""


def _path(path: str, *inside: str) -> str:
    """Elements within each other: "Id/Othr"."""
    outer, _, rest = path.partition("/")
    return _tag(outer, _path(rest, *inside)) if rest else _tag(outer, *inside)


def _kronor(ore: int) -> str:
    return f"{ore // 100}.{ore % 100:02}"


def _amount(ore: int) -> str:
    return _tag("Amt", _kronor(ore), Ccy="SEK")


def _other_account(digits: str, scheme: str) -> str:
    return _path("Id/Othr", _tag("Id", digits), _path("SchmeNm/Prtry", scheme))


def _entry(
    version: str,
    day: int,
    ore: int,
    id: str,
    *details: str,
    number: str = "",
    is_out: bool = False,
    is_reversal: bool = False,
    code: str = "PMNT RCDT ATXN",
    said: str = "",
) -> str:
    domain, family, sub = code.split()
    status = "BOOK" if version == "02" else _tag("Cd", "BOOK")
    batch = _path("Btch/NbOfTxs", str(len(details))) if len(details) > 1 else ""
    return _tag(
        "Ntry",
        _tag("NtryRef", number),
        _amount(ore),
        _tag("CdtDbtInd", "DBIT" if is_out else "CRDT"),
        _tag("RvslInd", "true" if is_reversal else ""),
        _tag("Sts", status),
        _path("BookgDt/Dt", _date(day).isoformat()),
        _path("ValDt/Dt", _date(day).isoformat()),
        _tag("AcctSvcrRef", id),
        _path("BkTxCd/Domn", _tag("Cd", domain), _tag("Fmly", _tag("Cd", family), _tag("SubFmlyCd", sub))),
        _tag("NtryDtls", batch, *details),
        _tag("AddtlNtryInf", said),
    )  # fmt: skip


def _message(name: str, version: str, container: str, *inside: str) -> bytes:
    space = f"urn:iso:std:iso:20022:tech:xsd:{name}.001.{version}"
    head = _tag("GrpHdr", _tag("MsgId", "MARS"), _tag("CreDtTm", "2026-04-01T06:00:00"))
    outer, inner = container.split()
    body = _tag(outer, head, _tag(inner, *inside))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_tag("Document", body, xmlns=space)}'.encode()


def _notification(first: int, last: int) -> Written:
    entries: list[str] = []
    lines: list[int | str] = []
    for day, gifts in _days(first, last):
        for is_swish, some in _by_channel(gifts):
            details = [_told_in_054(gift) for gift in some]
            number = "" if is_swish else f"BG{BANKGIRO} {day:05}-03{day:02}001"
            whole = sum(gift.ore for gift in some)
            id = f"N03{day:02}{'S' if is_swish else 'B'}"
            entries.append(_entry("08", day, whole, id, *details, number=number))
            lines += [gift.id for gift in some]
        for what, entry in _others("08", day):
            entries.append(entry)
            lines.append(what)
    account = _path("Acct/Id/Othr", _tag("Id", ACCOUNT), _path("SchmeNm/Cd", "BBAN"))
    data = _message(
        "camt.054",
        "08",
        "BkToCstmrDbtCdtNtfctn Ntfctn",
        _tag("Id", "N"),
        _tag("CreDtTm", "2026-04-01T06:00:00"),
        account,
        *entries,
    )
    return Written("camt.054", data, tuple(lines))


def _by_channel(gifts: list[Gift]) -> Iterator[tuple[bool, list[Gift]]]:
    for is_swish in (False, True):
        if some := [gift for gift in gifts if gift.is_swish is is_swish]:
            yield is_swish, some


def _told_in_054(gift: Gift) -> str:
    """A `TxDtls` of version 08, with all that there is to tell."""
    reference = (
        _path("Strd/CdtrRefInf", _path("Tp/CdOrPrtry/Cd", "SCOR"), _tag("Ref", gift.text))
        if gift.is_ocr
        else _tag("Ustrd", escape(gift.text))
    )
    to = (SWISH, "SWISH") if gift.is_swish else (BANKGIRO, "BGNR")
    return _tag(
        "TxDtls",
        _path("Refs/AcctSvcrRef", f"NTX{gift.id:06}"),
        _amount(gift.ore),
        _tag("CdtDbtInd", "CRDT"),
        _tag(
            "RltdPties",
            _path("Dbtr/Pty/Nm", escape(gift.name)),
            _tag("CdtrAcct", _other_account(*to)),
        ),
        _tag("RmtInf", reference),
    )


def _statement(first: int, last: int) -> Written:
    entries: list[str] = []
    lines: list[int | str] = []
    for day, gifts in _days(first, last, is_statement=True):
        for is_swish, some in _by_channel(gifts):
            whole, id = sum(gift.ore for gift in some), f"S{day:02}{int(is_swish)}"
            some.sort(key=lambda gift: (gift.name[::-1], -gift.id))
            if day == LUMP_DAY and not is_swish:
                number = f"BG{BANKGIRO} {day:05}-03{day:02}001"
                entries.append(_entry("02", day, whole, id, number=number))
                lines.append(LUMP)
            else:
                entries.append(_entry("02", day, whole, id, *map(_told_in_053, some)))
                lines += [gift.id for gift in some]
        for what, entry in _others("02", day):
            entries.append(entry)
            lines.append(what)
    opening = OPENING_ORE + sum(_change(day) for day in range(FIRST, first))
    closing = opening + sum(_change(day) for day in range(first, last + 1))
    data = _message(
        "camt.053",
        "02",
        "BkToCstmrStmt Stmt",
        _tag("Id", "S"),
        _tag("CreDtTm", "2026-04-01T06:00:00"),
        _path("Acct/Id/IBAN", IBAN),
        _balance("OPBD", opening, first),
        _balance("CLBD", closing, last),
        *entries,
    )
    return Written("camt.053", data, tuple(lines))


def _balance(kind: str, ore: int, day: int) -> str:
    return _tag(
        "Bal",
        _path("Tp/CdOrPrtry/Cd", kind),
        _amount(ore),
        _tag("CdtDbtInd", "CRDT"),
        _path("Dt/Dt", _date(day).isoformat()),
    )


def _change(day: int) -> int:
    """What the statement's balance changes by on a day, in öre."""
    gifts = sum(gift.ore for gift in GIFTS if (gift.late or gift.day) == day)
    return gifts + sum(ore for _what, on, ore in OTHERS if on == day)


# What becomes of letters, by turns.
_LOSSES = tuple(
    str.maketrans(dict(zip("åäöÅÄÖ", into, strict=True))) for into in ("aaoAAO", "??????", [""] * 6)
)


def _told_in_053(gift: Gift) -> str:
    """A `TxDtls` of version 02: every reference as a document's number, and few ids."""
    refs = f"STX{gift.id}" if gift.id % 3 == 0 else ""
    to = (SWISH, "SWISH") if gift.is_swish else (BANKGIRO, "BGNR")
    return _tag(
        "TxDtls",
        _path("Refs/AcctSvcrRef", refs),
        _path("AmtDtls/TxAmt", _amount(gift.ore)),
        _tag(
            "RltdPties",
            _path("Dbtr/Nm", escape(gift.name.translate(_LOSSES[gift.id % 3]).upper())),
            _tag("CdtrAcct", _other_account(*to)),
        ),
        _path(
            "RmtInf/Strd/RfrdDocInf",
            _path("Tp/CdOrPrtry/Cd", "CINV" if gift.text else ""),
            _tag("Nb", escape(gift.text[:35].strip())),
        ),
    )


# What each is, its day, and the öre that the balance changes by.
OTHERS = ((FEE, 11, -54_50), (OWN_TRANSFER, 16, 5_000_00), (RETURN, 26, -150_00))


def _others(version: str, day: int) -> Iterator[tuple[str, str]]:
    """What the account's files have on a day beside gifts."""
    for what, on, change in OTHERS:
        if on != day:
            continue
        ore, is_out = abs(change), change < 0
        id = f"{'N' if version == '08' else 'S'}X{day}"
        if what == FEE:
            code, details, said = "PMNT MDOP CHRG", "", "Prisavgift"
        elif what == OWN_TRANSFER:
            code, details, said = "PMNT RCDT BOOK", _from_our_other_account(version, ore), ""
        else:
            code, details, said = "PMNT RCDT RRTN", "", "Åter: 47030 Per Berg"
        told = (details,) if details else ()
        entry = _entry(version, day, ore, id, *told, is_out=is_out, code=code, said=said)
        yield what, entry


def _from_our_other_account(version: str, ore: int) -> str:
    amount = (
        _path("AmtDtls/TxAmt", _amount(ore))
        if version == "02"
        else _amount(ore) + _tag("CdtDbtInd", "CRDT")
    )
    return _tag("TxDtls", amount, _path("RltdPties/DbtrAcct/Id/IBAN", OTHER_IBAN))


# BgMax


def _bgmax(first: int, last: int) -> Written:
    sections, lines = [], []
    for day, gifts in _days(first, last):
        some = [gift for gift in reversed(gifts) if not gift.is_swish]
        if some:
            records = [record for gift in some for record in _told_in_bgmax(gift)]
            serial, day_text = f"{day:05}", _date(day).strftime("%Y%m%d")
            sections.append(flat.Section(records, serial=serial, day=day_text))
            lines += [gift.id for gift in some]
    return Written("BgMax", flat.lines(flat.bgmax(*sections)), tuple(lines))


def _told_in_bgmax(gift: Gift) -> list[str]:
    serial = f"{700_000 + gift.id:012}" if gift.has_serial else ""
    reference = gift.text if gift.is_ocr else ""
    code = "2" if gift.is_ocr else "3"
    return [
        flat.payment(gift.ore, reference, code=code, serial=serial),
        *(flat.message(*_cut(gift.text)) if gift.text and not gift.is_ocr else ()),
        *flat.details(gift.name[:35]),
    ]


def _cut(text: str) -> list[str]:
    """As long as a record 25 has place for."""
    return [text[at : at + 50] for at in range(0, len(text), 50)]
