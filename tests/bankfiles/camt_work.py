"""A camt.054 of any size in the shapes that banks send, and the plain walk that its reading is measured by.

`make bench ARGS=bankfiles` measures with these. The same arguments always give the same file.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

from lxml import etree
from stdnum import luhn

from donations.bankfiles.camt import ROOT
from donations.bankfiles.recognise import recognise

PER_ENTRY = 100
DAY = datetime.date(2026, 3, 3)
# Collection numbers that the gifts are for, by turns.
NUMBERS = tuple(str(47000 + place) for place in range(100))
FIRST_NAMES = "Åsa Per Eva Ali Karin Nils Maja Örjan Siv Leo Tove Ängla".split()  # noqa: SIM905
LAST_NAMES = "Lindström Berg Holm Ek Sjögren Åkerlund Demir Öberg Moberg Falk Ås".split()  # noqa: SIM905


@dataclass(frozen=True)
class Shape:
    """How a version of the message writes an entry and a payment."""

    version: str
    entry: str
    payment: str

    @property
    def namespace(self) -> str:
        return f"urn:iso:std:iso:20022:tech:xsd:camt.054.001.{self.version}"


HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{namespace}"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>1</MsgId><CreDtTm>2026-03-04T06:00:00</CreDtTm></GrpHdr>
<Ntfctn><Id>1</Id><CreDtTm>2026-03-04T06:00:00</CreDtTm>
<Acct><Id><Othr><Id>54401234567</Id><SchmeNm><Cd>BBAN</Cd></SchmeNm></Othr></Id></Acct>
"""
ENTRY = """      <Ntry>
        <NtryRef>BG9912346 {serial:05}-{day:%m%d}001</NtryRef>
        <Amt Ccy="SEK">{sum}.00</Amt>
        <CdtDbtInd>CRDT</CdtDbtInd>
        <Sts>{status}</Sts>
        <BookgDt>
          <Dt>{day}</Dt>
        </BookgDt>
        <ValDt>
          <Dt>{day}</Dt>
        </ValDt>
        <AcctSvcrRef>ENTRY{serial}</AcctSvcrRef>
        <BkTxCd>
          <Domn>
            <Cd>PMNT</Cd>
            <Fmly>
              <Cd>RCDT</Cd>
              <SubFmlyCd>ATXN</SubFmlyCd>
            </Fmly>
          </Domn>
          <Prtry>
            <Cd>TRF</Cd>
            <Issr>SWIFT</Issr>
          </Prtry>
        </BkTxCd>
        <NtryDtls>
          <Btch>
            <NbOfTxs>{number}</NbOfTxs>
          </Btch>
"""
# Indented, with parties and agents that are of no use here, as banks send them.
PARTIES = """            <RltdPties>
              <Dbtr>
                {party}<Nm>{name}</Nm>
                <PstlAdr>
                  <StrtNm>Storgatan</StrtNm>
                  <BldgNb>1</BldgNb>
                  <PstCd>111 11</PstCd>
                  <TwnNm>Exempelstad</TwnNm>
                  <Ctry>SE</Ctry>
                </PstlAdr>{end}
              </Dbtr>
              <DbtrAcct>
                <Id>
                  <Othr>
                    <Id>50501055</Id>
                    <SchmeNm>
                      <Prtry>BGNR</Prtry>
                    </SchmeNm>
                  </Othr>
                </Id>
              </DbtrAcct>
              <Cdtr>
                {party}<Nm>Exempelhjälpen</Nm>{end}
              </Cdtr>
              <CdtrAcct>
                <Id>
                  <Othr>
                    <Id>9912346</Id>
                    <SchmeNm>
                      <Prtry>BGNR</Prtry>
                    </SchmeNm>
                  </Othr>
                </Id>
              </CdtrAcct>
            </RltdPties>
            <RltdAgts>
              <DbtrAgt>
                <FinInstnId>
                  <{bic}>EXAMSESS</{bic}>
                </FinInstnId>
              </DbtrAgt>
            </RltdAgts>
            <RmtInf>
{remittance}
            </RmtInf>
          </TxDtls>
"""
OLD = """          <TxDtls>
            <Refs>
              <AcctSvcrRef>TX{serial:010}</AcctSvcrRef>
              <InstrId>DOC NO:{serial:08}</InstrId>
            </Refs>
            <AmtDtls>
              <TxAmt>
                <Amt Ccy="SEK">{kronor}.00</Amt>
              </TxAmt>
            </AmtDtls>
"""
NEW = """          <TxDtls>
            <Refs>
              <AcctSvcrRef>TX{serial:010}</AcctSvcrRef>
              <EndToEndId>NOTPROVIDED</EndToEndId>
            </Refs>
            <Amt Ccy="SEK">{kronor}.00</Amt>
            <CdtDbtInd>CRDT</CdtDbtInd>
"""
SHAPES = {
    "02": Shape(
        "02",
        ENTRY.replace("{status}", "BOOK"),
        OLD + PARTIES.replace("{party}", "").replace("{end}", "").replace("{bic}", "BIC"),
    ),
    "08": Shape(
        "08",
        ENTRY.replace("{status}", "<Cd>BOOK</Cd>"),
        NEW
        + PARTIES.replace("{party}", "<Pty>").replace("{end}", "</Pty>").replace("{bic}", "BICFI"),
    ),
}
# Three of five by OCR number; one with a text where a document's number stands; one with a message.
STRUCTURED = """              <Strd>
                <CdtrRefInf>
                  <Tp>
                    <CdOrPrtry>
                      <Cd>SCOR</Cd>
                    </CdOrPrtry>
                  </Tp>
                  <Ref>{}</Ref>
                </CdtrRefInf>
              </Strd>"""
DOCUMENT = """              <Strd>
                <RfrdDocInf>
                  <Tp>
                    <CdOrPrtry>
                      <Cd>CINV</Cd>
                    </CdOrPrtry>
                  </Tp>
                  <Nb>{}</Nb>
                </RfrdDocInf>
              </Strd>"""
MESSAGE = "              <Ustrd>Till {} från oss i Överkalix</Ustrd>"
TAIL = "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>\n"


@cache
def ocr(number: str) -> str:
    """The number with its check digit."""
    return number + luhn.calc_check_digit(number)


@cache
def _remittances() -> list[str]:
    """What the payments say, by turns: longer than the numbers, so that each number comes in every form."""
    return [
        STRUCTURED.format(ocr(number)) if turn < 3 else (DOCUMENT, MESSAGE)[turn - 3].format(number)
        for number, turn in zip(NUMBERS * 5, cycle((0, 1, 3, 2, 4, 0, 3)), strict=False)
    ]


def pieces(
    payments: int, version: str = "08", *, day: datetime.date = DAY, days: int = 1
) -> Iterator[str]:
    """The text of a file with so many payments of 100 to 199 kronor, an entry for each hundred.

    The entries are spread over some days from `day` on.
    """
    shape, said = SHAPES[version], _remittances()
    yield HEAD.format(namespace=shape.namespace)
    for entry, first in enumerate(range(0, payments, PER_ENTRY)):
        batch = range(first, min(first + PER_ENTRY, payments))
        amounts = [100 + ordinal % 100 for ordinal in batch]
        yield shape.entry.format(
            serial=entry % 10**5,
            day=day + datetime.timedelta(days=entry * days * PER_ENTRY // payments),
            sum=sum(amounts),
            number=len(batch),
        )
        for ordinal, kronor in zip(batch, amounts, strict=True):
            first_name = FIRST_NAMES[ordinal % len(FIRST_NAMES)]
            yield shape.payment.format(
                serial=ordinal,
                kronor=kronor,
                name=f"{first_name} {LAST_NAMES[ordinal % len(LAST_NAMES)]} {ordinal}",
                remittance=said[ordinal % len(said)],
            )
        yield "        </NtryDtls>\n      </Ntry>\n"
    yield TAIL


def write(
    path: Path, payments: int, version: str = "08", *, day: datetime.date = DAY, days: int = 1
) -> None:
    """Write such a file, in little memory."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(pieces(payments, version, day=day, days=days))


def wanted() -> list[str]:
    """The tags whose texts the reading takes from a notification, and those that end a payment and an entry."""
    names = {"TxDtls", "Ntry"}

    def gather(node: object) -> None:
        assert isinstance(node, dict)
        for name, child in node.items():
            if child.key:
                names.add(name)
            gather(child)

    gather(ROOT["BkToCstmrDbtCdtNtfctn"])
    return sorted(names)


def plain_walk(path: Path, version: str = "08") -> int:
    """An lxml `iterparse` over the same tags that reads the same texts, and keeps no tree either."""
    payments = 0
    space = SHAPES[version].namespace
    tags = [f"{{{space}}}{name}" for name in wanted()]
    payment, entry, amount = (f"{{{space}}}{name}" for name in ("TxDtls", "Ntry", "Amt"))
    with path.open("rb") as file:
        for _, element in etree.iterparse(file, tag=tags, resolve_entities=False):
            _text, tag = element.text, element.tag
            if tag == amount:
                _currency = element.get("Ccy")
            elif tag == payment:
                payments += 1
                element.clear()
            elif tag == entry:
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    return payments


def reading(path: Path) -> int:
    """Recognise and read a file of any kind; how many lines it has."""
    with path.open("rb") as file:
        return sum(1 for _ in recognise(file).lines())
