"""Files that come to harm or mean it, made when they are asked for: none of them is kept.

`FILES` has each by name. What the parsers refuse has a part of the sentence that says why; what they
read, and only an import can refuse or ask about (another's account, another year), has "".

    python -m tests.bankfiles.hostile FOLDER

looks at each file in the folder as an upload would, and prints what came of it as JSON.
"""

import datetime
import json
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from donations.bankfiles import mapped
from donations.bankfiles.recognise import Unrecognised, recognise
from donations.bankfiles.records import Line, Refused
from tests.bankfiles import flat
from tests.bankfiles.memory import peak_mb

NOTHING = 2 << 30  # bytes
LONG, LETTERS = 100_000_000, 4_000_000  # bytes
DEEP = 200_000  # levels


class Hostile(NamedTuple):
    """What writes the file, and what its refusal says."""

    write: Callable[[BinaryIO], object]
    says: str = ""


# Whole files to begin with

ENTRY = (
    '<Ntry><Amt Ccy="SEK">500.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
    "<BookgDt><Dt>{day}</Dt></BookgDt><BkTxCd/><NtryDtls><TxDtls>"
    "<Refs><AcctSvcrRef>A1</AcctSvcrRef></Refs>"
    '<Amt Ccy="SEK">500.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<RltdPties><Dbtr><Pty><Nm>Åsa Lindström</Nm></Pty></Dbtr></RltdPties>"
    "<RmtInf><Ustrd>47030</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>'
    "<GrpHdr><MsgId>1</MsgId></GrpHdr><Ntfctn>"
    "<Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct><TxsSummry><TtlCdtNtries>"
    "<NbOfNtries>1</NbOfNtries><Sum>500.00</Sum></TtlCdtNtries></TxsSummry>"
)
TAIL = "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>\n"


def camt(day: str = "2026-03-03", account: str = "54401234567") -> bytes:
    return (HEAD.format(account=account) + ENTRY.format(day=day) + TAIL).encode()


def bgmax(day: str = "20260303", giro: str = flat.OURS, account: str = flat.ACCOUNT) -> bytes:
    records = [flat.payment(500_00, "470302", code="2", serial="1"), *flat.details("Åsa Lindström")]
    section = flat.Section(records, day=day, opening=flat.opening(giro))
    data = flat.lines(flat.bgmax(section))
    return data.replace(f"{flat.ACCOUNT:>035}".encode(), f"{account:>035}".encode())


CAMT, BGMAX = camt(), bgmax()
HANDELSBANKEN, SWEDBANK = flat.handelsbanken_gifts(), flat.swedbank_gifts()
CSV = b"Datum;Belopp;Meddelande\n2026-03-03;500,00;47030\n"
BEGUN = {"camt": CAMT[:-50], "BgMax": BGMAX[:-81], "Handelsbanken": HANDELSBANKEN, "CSV": CSV}


def just(data: bytes) -> Callable[[BinaryIO], object]:
    return lambda stream: stream.write(data)


# What an XML reader can be led to


def laughs() -> bytes:
    """Entities of entities: a kilobyte that would spell out as three gigabytes."""
    lines = ['<!ENTITY a0 "ha ha ha ha ">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    text = CAMT.decode().replace("<Document", f"<!DOCTYPE Document [{''.join(lines)}]>\n<Document")
    return text.replace("Åsa Lindström", "&a9;").encode()


def outside(where: str) -> bytes:
    """An entity whose text another address would give."""
    doctype = f'<!DOCTYPE Document [<!ENTITY x SYSTEM "{where}">]>\n<Document'
    return CAMT.decode().replace("<Document", doctype).replace("Åsa Lindström", "&x;").encode()


def deep(before: str, name: str = "a") -> bytes:
    text = CAMT.decode()
    return text.replace(before, f"<{name}>" * DEEP + f"</{name}>" * DEEP + before, 1).encode()


# Much of nothing


def nothing(after: bytes = b"") -> Callable[[BinaryIO], object]:
    """Two gigabytes of zeros after what is given: a sparse file, which takes no place on a disk."""

    def write(stream: BinaryIO) -> None:
        stream.write(after)
        stream.truncate(NOTHING)

    return write


def long_line(before: bytes, letter: bytes = b"A") -> Callable[[BinaryIO], object]:
    """A line of a hundred megabytes, of which the first are letters and the rest takes no place."""

    def write(stream: BinaryIO) -> None:
        stream.write(before + letter * LETTERS)
        stream.truncate(LONG)

    return write


def hole(data: bytes) -> bytes:
    """Zeros where a piece of the file stood, as after a crash of the disk it was on."""
    middle = len(data) // 2
    return data[:middle] + b"\0" * 100 + data[middle + 100 :]


# Workbooks

WORKBOOK = {
    "[Content_Types].xml": "<Types/>",
    "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="A" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Target="worksheets/a.xml"/></Relationships>',
}
SHEET = "xl/worksheets/a.xml"


def workbook(
    sheet: bytes,
    pieces: int = 1,
    part: str = SHEET,
    tail: bytes = b"",
    packing: int = zipfile.ZIP_DEFLATED,
) -> Callable[[BinaryIO], object]:
    """A workbook one of whose parts is a piece many times over."""

    def write(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w", packing) as book:
            for name, text in WORKBOOK.items():
                book.writestr(name, text)
            with book.open(part, "w", force_zip64=True) as inside:
                for _ in range(pieces):
                    inside.write(sheet)
                inside.write(tail)

    return write


def nested(stream: BinaryIO) -> None:
    """Archives in an archive."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as book:
        for number in range(1_500):
            book.writestr(f"{number}.zip", b"PK\x03\x04" + bytes(100))


def lying(stream: BinaryIO) -> None:
    """A workbook whose directory says that its sheet is small."""
    workbook(b" " * 1_000_000, 40)(stream)
    stream.seek(0)
    data = bytearray(stream.read())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(SHEET.encode()))
    data[at + 24 : at + 28] = (1_000).to_bytes(4, "little")
    stream.seek(0)
    stream.write(data)


FILES: dict[str, Hostile] = {
    # Document types
    "laughs.xml": Hostile(just(laughs()), "DOCTYPE"),
    "a-file-of-ours.xml": Hostile(just(outside("file:///etc/passwd")), "DOCTYPE"),
    "an-address.xml": Hostile(just(outside("http://example.org/x")), "DOCTYPE"),
    "a-dtd.xml": Hostile(
        just(CAMT.replace(b"<Document", b'<!DOCTYPE Document SYSTEM "camt.dtd"><Document', 1)),
        "DOCTYPE",
    ),
    "login-page.xml": Hostile(just(b"<!DOCTYPE html>\n<html><body>Logga in</body></html>"), "webbsida"),
    # Levels
    "deep-outside.xml": Hostile(just(b"<a>" * DEEP + b"</a>" * DEEP), "utanför"),
    "deep.xml": Hostile(just(deep("<Ntry>")), "64 nivåer"),
    "deep-in-a-name.xml": Hostile(just(deep("Åsa")), "bara innehålla text"),
    "deep-entries.xml": Hostile(just(deep("<Ntry>", "Ntry")), "fel plats"),
    "deep.xlsx": Hostile(workbook(b"<a>", DEEP, tail=b"</a>" * DEEP, packing=zipfile.ZIP_STORED), "går inte att läsa"),
    # Bombs
    "bomb.xlsx": Hostile(workbook(b" " * 1_000_000, 200), "för stort"),
    "bomb-of-texts.xlsx": Hostile(
        workbook(b"<t>" + b"a" * 1_000_000 + b"</t>", 200, "xl/sharedStrings.xml"), "för stort"
    ),
    "bomb-of-rows.xlsx": Hostile(
        workbook(b"<row>" + b"<c><v>1</v></c>" * 90 + b"</row>", 8_000), "för stort"
    ),
    "bomb-in-bombs.xlsx": Hostile(nested, "för stort"),
    "bomb-that-lies.xlsx": Hostile(lying, "läsa"),
    # Nothing
    "nothing": Hostile(nothing(), "innehåller inget"),
    "nothing-after.xml": Hostile(nothing(BEGUN["camt"]), "läsa som XML"),
    "nothing-after-bgmax.txt": Hostile(nothing(BEGUN["BgMax"]), "två siffror"),
    "nothing-after-handelsbanken.csv": Hostile(nothing(BEGUN["Handelsbanken"]), "längre än"),
    "nothing-after.csv": Hostile(nothing(BEGUN["CSV"]), "känns inte igen"),
    "nothing-after.xlsx": Hostile(nothing(b"PK\x03\x04"), "läsa"),
    "empty": Hostile(just(b""), "tom"),
    # Long lines
    "long.xml": Hostile(long_line(CAMT.partition(b"Lindstr")[0]), "lång bit"),
    "long-comment.xml": Hostile(long_line(CAMT.partition(b"<Ntry>")[0] + b"<!--"), "lång bit"),
    "long-attribute.xml": Hostile(long_line(CAMT.partition(b"<Ntry>")[0] + b"<a b='"), "lång bit"),
    "long-bgmax.txt": Hostile(long_line(BGMAX[:-81]), "längre än"),
    "long-bgmax-zeros.txt": Hostile(long_line(BGMAX[:-81], b"0"), "längre än"),
    "long-handelsbanken.csv": Hostile(long_line(HANDELSBANKEN[:-4]), "längre än"),
    "long-swedbank.csv": Hostile(long_line(SWEDBANK), "längre än"),
    "long.csv": Hostile(long_line(CSV), "känns inte igen"),
    "long-quoted.csv": Hostile(long_line(CSV + b'"'), "känns inte igen"),
    "long.txt": Hostile(long_line(b""), "känns inte igen"),
    # Harmed on the way
    "utf-16.xml": Hostile(just(CAMT.decode().encode("utf-16")), "UTF-16"),
    "utf-16-unmarked.xml": Hostile(just(CAMT.decode().encode("utf-16-le")), "UTF-16"),
    "utf-16-bgmax.txt": Hostile(just(BGMAX.decode("latin-1").encode("utf-16")), "UTF-16"),
    "a-printout.pdf": Hostile(just(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n" + bytes(9_000)), "pdf"),
    "packed.gz": Hostile(just(b"\x1f\x8b\x08\x00" + bytes(range(256)) * 40), "gzip"),
    "old.xls": Hostile(just(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9_000)), "känns inte igen"),
    "cut-short.xml": Hostile(just(CAMT[: len(CAMT) * 2 // 3]), "mitt i"),
    "cut-short-bgmax.txt": Hostile(just(BGMAX[:-81]), "tar slut"),
    "cut-in-a-record.txt": Hostile(just(BGMAX[: len(BGMAX) // 2]), "saknas"),
    "cut-short-handelsbanken.csv": Hostile(just(HANDELSBANKEN.rpartition(b"03;")[0]), "03"),
    "cut-short.xlsx": Hostile(lambda stream: _cut(stream, workbook(b"<a/>" * 9_000)), "läsa"),
    "hole.xml": Hostile(just(hole(CAMT)), "läsa som XML"),
    "hole-bgmax.txt": Hostile(just(hole(BGMAX)), "saknas"),
    "hole-handelsbanken.csv": Hostile(just(hole(HANDELSBANKEN)), "räknar 2"),
    "nul-in-a-name.xml": Hostile(just(CAMT.replace(b"Lind", b"Li\0nd")), "läsa som XML"),
    "other-sum.xml": Hostile(just(CAMT.replace(b"<Sum>500.00", b"<Sum>500.01")), "500,01"),
    "other-number.xml": Hostile(just(CAMT.replace(b"<NbOfNtries>1", b"<NbOfNtries>2")), "2 insätt"),
    "other-details.xml": Hostile(
        just(CAMT.replace(b'</Refs><Amt Ccy="SEK">500', b'</Refs><Amt Ccy="SEK">499')),
        "betalningarna i den",
    ),
    "other-sum-bgmax.txt": Hostile(
        just(BGMAX.replace(f"{50_000:018}SEK".encode(), f"{50_001:018}SEK".encode())), "500,01"
    ),
    "other-number-handelsbanken.csv": Hostile(just(HANDELSBANKEN.replace(b"03;2", b"03;3")), "3"),
    # Read, and for an import to refuse or ask about
    "anothers-account.xml": Hostile(just(camt(account="99901234567"))),
    "anothers-giro.txt": Hostile(just(bgmax(giro="50501055", account="999000000123456"))),
    "year-2009.xml": Hostile(just(camt(day="2009-03-03"))),
    "year-2009.txt": Hostile(just(bgmax(day="20090303"))),
    "the-future.xml": Hostile(just(camt(day=f"{datetime.datetime.now().astimezone().year + 1}-12-31"))),
}  # fmt: skip


def _cut(stream: BinaryIO, write: Callable[[BinaryIO], object]) -> None:
    write(stream)
    stream.truncate(stream.tell() // 2)


def write_all(folder: Path) -> None:
    for name, file in FILES.items():
        with (folder / name).open("wb+") as stream:
            file.write(stream)


# What an upload does with them


def look(stream: BinaryIO) -> tuple[Refused | None, list[Line]]:
    """Recognise a file and read it through, or look at it as a sheet: why it is refused, or its lines."""
    try:
        return None, list(recognise(stream).lines())
    except Unrecognised as refused:
        try:
            is_sheet = any(len(row.cells) > 1 for row in mapped.look(stream).rows)
        except Refused as of_sheet:
            return of_sheet if mapped.is_workbook(stream) else refused, []
        return None if is_sheet else refused, []
    except Refused as refused:
        return refused, []


def looked_at(folder: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for name in FILES:
        with (folder / name).open("rb") as stream:
            began = time.perf_counter()
            refused, lines = look(stream)
            took = time.perf_counter() - began
        found[name] = {
            "seconds": took,
            "mb": peak_mb(),
            "lines": len(lines),
            "why": refused.why if refused else "",
            "where": refused.where if refused else "",
        }
    return found


if __name__ == "__main__":
    print(json.dumps(looked_at(Path(sys.argv[1]))))
