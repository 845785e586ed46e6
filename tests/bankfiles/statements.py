"""A camt.053 of a few entries, one payment each, for what a test is about. All of it is invented."""

import datetime
from dataclasses import dataclass
from xml.sax.saxutils import escape

IBAN = "SE7050000000054401234567"
OTHER_IBAN = "SE6699900000001234567890"


@dataclass(frozen=True)
class Entry:
    """One entry: what came in, or went out, on a day; `reference` (NtryRef) makes it a bankgiro's deposit."""

    day: datetime.date
    ore: int
    id: str
    name: str = ""
    text: str = ""
    reference: str = ""
    is_out: bool = False
    code: str = "RCDT"
    sub_code: str = "ATXN"

    @property
    def signed(self) -> int:
        return -self.ore if self.is_out else self.ore


def statement(
    *entries: Entry,
    first: datetime.date,
    last: datetime.date | None = None,
    iban: str = IBAN,
    opening_ore: int = 1_000_00,
) -> bytes:
    """A statement from `first` through `last` (the same day when not given), with its balances."""
    closing = opening_ore + sum(one.signed for one in entries)
    parts = [
        f"<Acct><Id><IBAN>{iban}</IBAN></Id></Acct>",
        _balance("OPBD", opening_ore, first),
        _balance("CLBD", closing, last or first),
        *map(_entry, entries),
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>1</MsgId><CreDtTm>2026-04-01T06:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{first}{last}</Id><CreDtTm>2026-04-01T06:00:00</CreDtTm>{''.join(parts)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


def _amount(ore: int) -> str:
    return f'<Amt Ccy="SEK">{abs(ore) // 100}.{abs(ore) % 100:02}</Amt>'


def _balance(kind: str, ore: int, day: datetime.date) -> str:
    way = "CRDT" if ore >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(ore)}"
        f"<CdtDbtInd>{way}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(one: Entry) -> str:
    reference = f"<NtryRef>{one.reference}</NtryRef>" if one.reference else ""
    party = "Cdtr" if one.is_out else "Dbtr"
    details = (
        "<NtryDtls><TxDtls>"
        f"<AmtDtls><TxAmt>{_amount(one.ore)}</TxAmt></AmtDtls>"
        f"<RltdPties><{party}><Nm>{escape(one.name)}</Nm></{party}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf></TxDtls></NtryDtls>"
    )
    return (
        f"<Ntry>{reference}{_amount(one.ore)}<CdtDbtInd>{'DBIT' if one.is_out else 'CRDT'}</CdtDbtInd>"
        f"<Sts>BOOK</Sts><BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.day}</Dt></ValDt>"
        f"<AcctSvcrRef>{one.id}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{one.code}</Cd><SubFmlyCd>{one.sub_code}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"{'' if one.reference else details}</Ntry>"
    )
