"""camt.054 and camt.053: what has happened on an account, as banks send it.

ISO 20022, BankToCustomerDebitCreditNotification and BankToCustomerStatement, written for versions
.02, .04 and .08; elements are known by their local names, whatever the namespace. One `TxDtls` is
one payment. An entry (`Ntry`) without any is one payment itself, or a lump whose payments another
file lists. What the file says of its own sums is compared (see `camt_sums`), and a difference
refuses it.
"""

import datetime
import re
from collections.abc import Iterator, Sized
from functools import lru_cache
from typing import BinaryIO

from donations.bankfiles.camt_sums import (
    AGAIN,
    Container,
    Entry,
    Tally,
    signed,
    to_count,
    to_ore,
    to_way,
)
from donations.bankfiles.numbers import deposit_key
from donations.bankfiles.records import (
    Balance,
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
from donations.bankfiles.xml_walk import BETWEEN, Node, Values, Walk

MAX_HEAD = 1 << 18  # bytes before the message itself
MAX_CONTAINERS = 10_000  # accounts and days in one file
MAX_PARTS = 2_000  # of one kind in one element: references of a payment, balances of an account

# From ISO 20022's external code set for bank transactions: what goes back, fees, interest and tax.
RETURNS = {"RRTN", "RPCR", "UPDD", "PRDD", "RCDD", "ARET", "UPCQ", "UPCT", "CQRV"}
FEES = {"CHRG", "FEES", "COMM", "COME", "COMI", "COMT", "INTR", "TAXE"}
# Payments, and what has no code; the other domains: interest, balancing of own accounts, securities …
PAYMENTS = {"PMNT", "XTND"}
# What a bank can know a payment by, the surest first.
IDS = ("AcctSvcrRef", "AcctSvcrTxId", "TxId", "UETR")
UNKNOWN_IDS = {"", "NOTPROVIDED", "NONREF", "NOREF"}
AFTER_DETAILS = "AddtlNtryInf"  # the one text of an entry that stands after its details

# Codes of a kind of number, in SchmeNm (of an account) or Prxy/Tp (of what stands for one).
SCHEMES = {
    "BGNR": Scheme.BANKGIRO,
    "PGNR": Scheme.PLUSGIRO,
    "SWISH": Scheme.SWISH,
    "SWNR": Scheme.SWISH,
    "BBAN": Scheme.BBAN,
}
CHANNELS = {
    Scheme.BANKGIRO: "bankgiro",
    Scheme.PLUSGIRO: "plusgiro",
    Scheme.SWISH: "swish",
}

# Where a payment's amount stands, the surest first.
AMOUNTS = ("Amt", "TxAmt", "CntrValAmt", "InstdAmt")

_VERSION = re.compile(r"camt\.05[34]\.001\.([0-9]{2})(?![0-9])", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[TZ+-].*)?", re.ASCII)
_BANKGIRO_DEPOSIT = re.compile(r"BG ?0*([0-9]{7,8}) +([0-9]{5})(?:-.*)?", re.ASCII)

# Where the texts stand


def _account(node: Node, path: str, key: str) -> None:
    node.text(f"{path}/Id/IBAN", f"{key}.IBAN")
    node.text(f"{path}/Id/Othr/Id", f"{key}.Id")
    for code in ("Cd", "Prtry"):
        node.text(f"{path}/Id/Othr/SchmeNm/{code}", f"{key}.Scheme")


def _proxy(node: Node, path: str, key: str) -> None:
    """What stands for an account: a telephone number, a Swish number."""
    for code in ("Cd", "Prtry"):
        node.text(f"{path}/Prxy/Tp/{code}", f"{key}.ProxyTp")
    node.text(f"{path}/Prxy/Id", f"{key}.Proxy")


def _party(node: Node, path: str, key: str) -> None:
    for place in (path, f"{path}/Pty"):  # straight in .02 and .04, inside Pty in .08
        node.text(f"{place}/Nm", f"{key}.Nm")
        for part in ("StrtNm", "BldgNb", "PstCd", "TwnNm", "Ctry"):
            node.text(f"{place}/PstlAdr/{part}", f"{key}.{part}")
        node.text(f"{place}/PstlAdr/AdrLine", f"{key}.AdrLine", many=True)
        # Only an organisation's number: a private person's is not wanted here.
        node.text(f"{place}/Id/OrgId/Othr/Id", f"{key}.OrgId", many=True)


def _transaction_code(node: Node) -> None:
    node.text("BkTxCd/Domn/Cd", "Domain")
    node.text("BkTxCd/Domn/Fmly/SubFmlyCd", "SubFamily")
    node.text("BkTxCd/Prtry/Cd", "OwnCode")


def _charges(node: Node) -> None:
    node.text("Chrgs/TtlChrgsAndTaxAmt", "AllChrgs", amount=True, many=True)
    for place in ("Chrgs", "Chrgs/Rcrd"):  # in .02, and later
        node.text(f"{place}/Amt", "Chrgs", amount=True, many=True)


def _summary(node: Node) -> None:
    for total in ("TtlCdtNtries", "TtlDbtNtries", "TtlNtries"):
        node.text(f"TxsSummry/{total}/NbOfNtries", f"{total}.NbOfNtries")
        node.text(f"TxsSummry/{total}/Sum", f"{total}.Sum")
    net = "TxsSummry/TtlNtries"
    node.text(f"{net}/TtlNetNtryAmt", "TtlNtries.Net")  # .02
    node.text(f"{net}/CdtDbtInd", "TtlNtries.Way")
    node.text(f"{net}/TtlNetNtry/Amt", "TtlNtries.Net")  # .04 and later
    node.text(f"{net}/TtlNetNtry/CdtDbtInd", "TtlNtries.Way")


def _container(node: Node) -> None:
    _account(node, "Acct", "Acct")
    _summary(node)
    balance = node.scope("Bal", "_balance_ends")
    balance.text("Tp/CdOrPrtry/Cd", "Tp")
    balance.text("Amt", amount=True)
    balance.text("CdtDbtInd")
    balance.text("Dt/Dt", "Dt")
    balance.text("Dt/DtTm", "Dt")
    _entry(node.scope("Ntry", "_entry_ends", "_entry_begins"))


def _entry(node: Node) -> None:
    node.text("Amt", amount=True)
    for name in ("NtryRef", "CdtDbtInd", "RvslInd", "AcctSvcrRef", AFTER_DETAILS):
        node.text(name)
    node.text("Sts")  # .02 and .04
    node.text("Sts/Cd", "Sts")  # .08
    node.text("Sts/Prtry", "Sts")
    for day in ("BookgDt", "ValDt"):
        node.text(f"{day}/Dt", day)
        node.text(f"{day}/DtTm", day)
    _transaction_code(node)
    _charges(node)
    node.text("AddtlInfInd/MsgNmId")
    node.text("AddtlInfInd/MsgId")
    details = node.scope("NtryDtls", "_details_end", "_details_begin")
    details.text("Btch/NbOfTxs")
    _transaction(details.scope("TxDtls", "_transaction_ends"))


def _transaction(node: Node) -> None:
    for ref in (*IDS, "EndToEndId", "InstrId", "MndtId"):
        node.text(f"Refs/{ref}", ref)
    node.text("Amt", amount=True)
    for name in ("TxAmt", "CntrValAmt", "InstdAmt"):
        node.text(f"AmtDtls/{name}/Amt", name, amount=True)
    node.text("CdtDbtInd")
    _transaction_code(node)
    _charges(node)
    for role in ("Dbtr", "Cdtr"):
        _party(node, f"RltdPties/{role}", role)
        _account(node, f"RltdPties/{role}Acct", f"{role}Acct")
        _proxy(node, f"RltdPties/{role}Acct", f"{role}Acct")
    for place in ("UltmtDbtr", "UltmtDbtr/Pty"):
        node.text(f"RltdPties/{place}/Nm", "UltmtDbtr.Nm")
    node.text("RmtInf/Ustrd", "Ustrd", many=True)
    _structured(node.scope("RmtInf/Strd", "_structured_ends"))
    node.text("RtrInf/Rsn/Cd", "RtrInf")
    node.text("RtrInf/Rsn/Prtry", "RtrInf")
    node.text("RtrInf/AddtlInf", many=True)
    node.text("AddtlTxInf")


def _structured(node: Node) -> None:
    for code in ("Cd", "Prtry"):
        node.text(f"CdtrRefInf/Tp/CdOrPrtry/{code}", "Tp")
    node.text("CdtrRefInf/Ref", "Ref")
    node.text("RfrdDocInf/Nb", "Nb", many=True)
    node.text("RfrdDocAmt/RmtdAmt", "RmtdAmt", amount=True)
    node.text("RfrdDocAmt/CdtNoteAmt", "CdtNoteAmt", amount=True)
    node.text("AddtlRmtInf", many=True)


def _root() -> Node:
    root = Node()
    root.scope("BkToCstmrAcctRpt", "_message_ends", "_report_begins")
    for message, container, enter in (
        ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "_notification_begins"),
        ("BkToCstmrStmt", "Stmt", "_statement_begins"),
    ):
        node = root.scope(message, "_message_ends", enter)
        _container(node.scope(container, "_container_ends", "_container_begins"))
    return root


ROOT = _root()


# The reader


class NotCamt(Refused):
    """XML of some other kind."""


class Camt:
    """A camt.054 or camt.053 from `stream`, whose beginning is read at once. Raises `Refused` if it is no such file."""

    is_test = False  # camt has no mark for that

    def __init__(self, stream: BinaryIO) -> None:
        self.format = self.version = ""
        self.totals = Totals()
        self._found: list[Line] = []
        self._structured: list[Reference] = []
        self._containers = 0
        self._container: Container | None = None
        self._entry: Entry | None = None
        self._is_in_entry = False
        self._stated: dict[Way, list[int | None]] = {Way.IN: [], Way.OUT: []}
        self._counted: dict[Way, list[int | None]] = {Way.IN: [], Way.OUT: []}
        self._walk = Walk(stream, ROOT, self)
        while not self.format:
            if not self._walk.on() or self._walk.bytes > MAX_HEAD:
                raise NotCamt("Filen är XML, men varken camt.053 eller camt.054.")

    def lines(self) -> Iterator[Line]:
        """The file's payments in their order, once. Raises `Refused`, also after the last of them."""
        is_more = True
        while is_more:
            yield from self._found
            self._found.clear()
            is_more = self._walk.on()
        if not self._containers:
            raise Refused("Filen innehåller inget konto.")
        stated, counted = self._stated, self._counted
        self.totals.credit_ore, self.totals.debit_ore = _all(stated[Way.IN]), _all(stated[Way.OUT])
        self.totals.credits, self.totals.debits = _all(counted[Way.IN]), _all(counted[Way.OUT])

    def place(self) -> str:
        """Where the walk is: "Ntry 3, TxDtls 2"."""
        if self._entry:
            return f"{self._entry.where}, TxDtls {self._entry.transactions + 1}"
        if self._is_in_entry:
            return self._entry_place()
        return self._container.where if self._container else self._walk.line

    def _entry_place(self) -> str:
        assert self._container
        place = f"Ntry {self._container.entries}"
        return place if self._containers == 1 else f"{self._container.where}, {place}"

    # What the walk calls

    def _notification_begins(self, _outside: Values) -> None:
        self._message_begins("camt.054")

    def _statement_begins(self, _outside: Values) -> None:
        self._message_begins("camt.053")

    def _message_begins(self, name: str) -> None:
        if self.format not in ("", name):
            raise Refused("Filen blandar camt.053 och camt.054.", self._walk.line)
        versions = (_VERSION.search(uri) for uri in self._walk.namespaces)
        self.format, self.version = name, next((one[1] for one in versions if one), "")

    def _message_ends(self, _values: Values, _outside: Values) -> None:
        """Its containers have been taken one by one."""

    def _report_begins(self, _outside: Values) -> None:
        raise Refused(
            "Filen är camt.052, en rapport under dagen som inte är slutlig. "
            "Be banken om camt.054 eller camt.053."
        )

    def _container_begins(self, _outside: Values) -> None:
        self._containers += 1
        if self._containers > MAX_CONTAINERS:
            raise Refused("Filen har orimligt många kontoutdrag.", self._walk.line)
        name = "Stmt" if self.format == "camt.053" else "Ntfctn"
        self._container = Container(f"{name} {self._containers}")

    def _known(self, values: Values) -> Container:
        """The container, once it is known which account it is about."""
        container = self._container
        assert container
        if container.account is None:
            container.account = _number(values, "Acct")
        if container.account is None:
            raise Refused(
                "Kontot saknas. Det ska stå i Acct/Id före saldon och poster.", container.where
            )
        return container

    def _balance_ends(self, values: Values, outside: Values) -> None:
        container = self._known(outside)
        where, kind = f"{container.where}, Bal", values.get("Tp")
        if kind not in ("OPBD", "PRCD", "ITBD", "CLBD"):
            return  # available, expected: not what is booked
        text, currency = _told(_must(values, "Amt", where))
        ore = signed(to_ore(text, where), to_way(_must(values, "CdtDbtInd", where), where))
        day = _day(_must(values, "Dt", where), where)
        container.balances.append((kind, currency, day, ore))
        _at_most(container.balances, where)

    def _entry_begins(self, outside: Values) -> None:
        container = self._known(outside)
        if not container.entries:
            container.size = len(outside)
        container.entries += 1
        self._is_in_entry = True

    def _details_begin(self, outside: Values) -> None:
        if self._entry is None:
            self._entry = self._begun_entry(outside)
            self._entry.size = len(outside)

    def _begun_entry(self, values: Values) -> Entry:
        """What stands in an entry before its details."""
        where, container = self._entry_place(), self._container
        assert container and container.account  # noqa: PT018
        text, currency = _told(_must(values, "Amt", where))
        status, way = _must(values, "Sts", where), to_way(_must(values, "CdtDbtInd", where), where)
        booked_on, aside = _booked_on(values, where), _aside(status, currency)
        giro, deposit = _deposit(values, booked_on)
        row = (container.account.digits, booked_on.isoformat(), currency, aside, deposit)
        return Entry(
            where=where,
            account=container.account,
            values=values,
            ore=to_ore(text, where),
            currency=currency,
            way=way,
            booked_on=booked_on,
            is_booked=status == "BOOK",
            is_reversal=_truth(values.get("RvslInd", ""), where),
            aside=aside,
            giro=giro,
            deposit=deposit,
            row=BETWEEN.join(row),
        )

    def _structured_ends(self, values: Values, _outside: Values) -> None:
        """One `Strd`: its references, the first with the part of the sum that is for it, if it is for one alone."""
        assert self._entry
        found = self._structured
        numbered = values["Nb"].split(BETWEEN) if "Nb" in values else []
        part = self._part(values) if "Ref" in values or len(numbered) == 1 else None
        if text := values.get("Ref"):
            ground = Ground.OCR if values.get("Tp") in ("SCOR", "OCR") else Ground.REFERENCE
            found.append(Reference(ground, text, part))
            part = None
        for text in numbered:
            found.append(Reference(Ground.REFERENCE, text, part))
        if more := values.get("AddtlRmtInf"):
            found.append(Reference(Ground.MESSAGE, more.replace(BETWEEN, " ")))
        _at_most(found, self._entry.where)

    def _part(self, values: Values) -> int | None:
        """The part in öre, below zero for a credit note; None where none is told in the entry's currency."""
        assert self._entry
        for key, way in (("RmtdAmt", Way.IN), ("CdtNoteAmt", Way.OUT)):
            if key in values:
                text, currency = _told(values[key])
                if currency == self._entry.currency:
                    return signed(to_ore(text, self.place()), way)
        return None

    def _transaction_ends(self, values: Values, _outside: Values) -> None:
        entry = self._entry
        assert entry
        if entry.waiting:
            self._take(entry, *entry.waiting, after=values)
        entry.waiting, self._structured = (values, tuple(self._structured)), []
        entry.transactions += 1

    def _take(
        self,
        entry: Entry,
        values: Values,
        structured: tuple[Reference, ...],
        *,
        after: Values | None = None,
    ) -> None:
        """Make a line of a TxDtls; `after` is the next one in the entry."""
        is_alone = entry.transactions == 1 and after is None
        where, told = f"{entry.where}, TxDtls {entry.transactions}", values.get("CdtDbtInd")
        way = to_way(told, where) if told else entry.way
        ore = _amount(entry, values, way, where, is_alone)
        if ore is not None:
            entry.sums[entry.currency] += signed(ore, way)
            references = _references(entry, values, structured, is_alone)
            bank_id = _bank_id(entry, values, is_alone, (entry.before, after or {}))
            self._add(entry, values, way, ore, where, references, bank_id)
        entry.before = values

    def _details_end(self, values: Values, _outside: Values) -> None:
        """Compare with `Btch`, which can state how many payments these are, and need not list them."""
        entry = self._entry
        assert entry
        listed, entry.counted = entry.transactions - entry.counted, entry.transactions
        if (text := values.get("Btch/NbOfTxs")) is None:
            return
        told = to_count(text, entry.where)
        entry.told += told
        if listed and listed != told:
            entry.complaint = (
                f"Posten uppger {told} betalningar (NbOfTxs), men {listed} står i den (TxDtls). "
                + AGAIN
            )

    def _entry_ends(self, values: Values, _outside: Values) -> None:
        container, entry = self._container, self._entry or self._begun_entry(values)
        assert container
        if entry.size and len(values) - (AFTER_DETAILS in values) != entry.size:
            raise Refused("Elementen i posten står i fel ordning.", entry.where)
        if entry.waiting:
            self._take(entry, *entry.waiting)
            entry.check()
        else:
            references = _references(entry, values, (), True)
            bank_id = _bank_id(entry, values, True, ())
            self._add(entry, values, entry.way, entry.ore, entry.where, references, bank_id)
        container.count(entry)
        self._entry, self._is_in_entry = None, False

    def _add(
        self,
        entry: Entry,
        values: Values,
        way: Way,
        ore: int,
        where: str,
        references: tuple[Reference, ...],
        bank_id: str,
    ) -> None:
        """A line of a TxDtls, or of an entry without any. Nothing for 0 kronor, which is no money."""
        if not ore:
            return
        entry.lines[way] += 1
        # In a reversal the parties are those of the payment that is taken back.
        is_ours_creditor = (way is Way.IN) != entry.is_reversal
        ours, theirs = ("CdtrAcct", "Dbtr") if is_ours_creditor else ("DbtrAcct", "Cdtr")
        to, code = _giro(values, ours) or entry.giro or entry.account, _code(entry, values)
        kind = _kind(entry, values, code)
        self._found.append(
            Line(
                where=where,
                account=entry.account,
                to=to,
                booked_on=entry.booked_on,
                amount_ore=ore,
                way=way,
                kind=kind,
                channel=_channel(to, references),
                row=_row(entry, values, way, ore, references),
                bank_id="" if kind is Kind.LUMP else bank_id,
                deposit=entry.deposit,
                currency=entry.currency,
                references=references,
                payer=_payer(values, theirs),
                aside=entry.aside,
                code=" ".join(filter(None, code)),
            )
        )

    def _container_ends(self, values: Values, _outside: Values) -> None:
        container = self._known(values)
        if container.entries and len(values) != container.size:
            raise Refused(
                "Konto, saldon och summor ska stå före posterna, men gör inte det.",
                container.where,
            )
        self._remember(container, container.check(values), values)
        self._container = None

    def _remember(self, container: Container, tally: Tally, values: Values) -> None:
        """What the file states, for `totals`: entries are stated, and the lines that they came to are counted."""
        assert container.account
        for way, name in ((Way.IN, "TtlCdtNtries"), (Way.OUT, "TtlDbtNtries")):
            lines = tally.lines[way]
            number, text = values.get(f"{name}.NbOfNtries"), values.get(f"{name}.Sum")
            if lines or number:
                self._counted[way].append(lines if number else None)
            if lines or text:
                self._stated[way].append(to_ore(text, container.where) if text else None)
        for kind, currency, day, ore in container.balances:
            if currency == "SEK" and kind in ("OPBD", "CLBD"):
                balance = Balance(container.account, day, ore, is_opening=kind == "OPBD")
                self.totals.balances.append(balance)
        _at_most(self.totals.balances, container.where, 2 * MAX_CONTAINERS)


def _all(stated: list[int | None]) -> int | None:
    """The sum; None where nothing was stated, or not everything."""
    known = [one for one in stated if one is not None]
    return sum(known) if stated and len(known) == len(stated) else None


def _must(values: Values, key: str, where: str) -> str:
    """A text that has to be there."""
    if key not in values:
        raise Refused(f"{key} saknas, eller står efter det som det hör till.", where)
    return values[key]


def _told(text: str) -> tuple[str, str]:
    """An amount's figures and its currency."""
    figures, _, currency = text.rpartition(" ")
    return figures, currency


def _at_most(several: Sized, where: str, most: int = MAX_PARTS) -> None:
    """Refuse what is repeated more often than in any file from a bank."""
    if len(several) > most:
        raise Refused("Samma element upprepas orimligt många gånger.", where)


# What a payment is


def _day(text: str, where: str) -> datetime.date:
    """A day, or a moment as the bank's clock shows it."""
    found = _DAY.fullmatch(text)
    try:
        if found:
            return datetime.date.fromisoformat(found[1])
    except ValueError:
        pass
    raise Refused("Dagen ska skrivas som 2026-03-31.", where, text)


def _truth(text: str, where: str) -> bool:
    if text not in ("", "true", "false", "1", "0"):
        raise Refused("RvslInd ska vara true eller false.", where, text)
    return text in ("true", "1")


def _booked_on(values: Values, where: str) -> datetime.date:
    """The day it was booked; the value day where none is told, as for what is not booked yet."""
    day = values.get("BookgDt") or values.get("ValDt")
    if not day:
        raise Refused("Posten saknar bokföringsdag (BookgDt).", where)
    return _day(day, where)


def _aside(status: str, currency: str) -> str:
    """Why an entry can hold no gift, in Swedish; "" when it can."""
    if status != "BOOK":
        return f"Banken har inte bokfört posten (status {status[:35]})."
    if currency != "SEK":
        return f"Beloppet är i {currency[:3]}, inte i svenska kronor."
    return ""


def _deposit(values: Values, day: datetime.date) -> tuple[Number | None, str]:
    """The bankgiro that an entry is a deposit to, and what the entry is known by in other files."""
    reference, own = values.get("NtryRef", ""), values.get("AcctSvcrRef", "")
    if found := _BANKGIRO_DEPOSIT.fullmatch(reference):
        giro = Number(Scheme.BANKGIRO, found[1])
        return giro, deposit_key(giro, found[2], day)
    if own not in UNKNOWN_IDS:
        return None, own
    # It can be a mere ordinal, so the day has to be there too.
    return None, "" if reference in UNKNOWN_IDS else f"{reference} {day}"


def _amount(entry: Entry, values: Values, way: Way, where: str, is_alone: bool) -> int | None:
    """A payment's öre in the entry's currency.

    Where only another currency is told, one payment alone is the entry's whole amount, and so it is
    after the charges that are told. Of several in another currency the sum is kept, to be told when
    the entry is refused, and there is None.
    """
    told = [_told(values[key]) for key in AMOUNTS if key in values]
    for text, currency in told:
        if currency == entry.currency:
            ore = to_ore(text, where)
            if is_alone and ore - entry.ore in _charged(entry, values, where):
                return entry.ore
            return ore
    if is_alone:
        return entry.ore
    if not told:
        raise Refused("Betalningen saknar belopp, och posten har flera betalningar.", where)
    text, currency = told[0]
    entry.sums[currency[:3]] += signed(to_ore(text, where), way)
    _at_most(entry.sums, where)
    return None


def _charged(entry: Entry, values: Values, where: str) -> list[int]:
    """What the bank may have kept of a payment, in öre of the entry's currency: what it says of each."""
    found = []
    for told in (values, entry.values):
        for key in ("Chrgs", "AllChrgs"):
            several = map(_told, told[key].split(BETWEEN)) if key in told else ()
            charges = [to_ore(text, where) for text, of in several if of == entry.currency]
            found.append(sum(charges))
    return found


def _kind(entry: Entry, values: Values, told: tuple[str, str, str]) -> Kind:
    if entry.is_reversal or "RtrInf" in values or "RtrInf/AddtlInf" in values:
        return Kind.RETURN
    domain, code, _own = told
    if code in RETURNS:
        return Kind.RETURN
    if code in FEES or (domain and domain not in PAYMENTS):
        return Kind.OTHER
    return Kind.LUMP if _is_lump(entry) else Kind.PAYMENT


def _code(entry: Entry, values: Values) -> tuple[str, str, str]:
    """Domain and subfamily of ISO's codes for bank transactions, and the bank's own code; "" where untold.

    The payment's own come before the entry's.
    """
    whole = entry.values
    return (
        values.get("Domain") or whole.get("Domain", ""),
        values.get("SubFamily") or whole.get("SubFamily", ""),
        values.get("OwnCode") or whole.get("OwnCode", ""),
    )


def _is_lump(entry: Entry) -> bool:
    """Whether an entry stands for payments that another file lists: without TxDtls, or with one for all."""
    if entry.transactions:
        return entry.is_told_as_one
    named_elsewhere = any(key.startswith("AddtlInfInd") for key in entry.values)
    return entry.told > 1 or named_elsewhere or entry.giro is not None


def _channel(to: Number, references: tuple[Reference, ...]) -> str:
    if references and references[0].ground is Ground.AUTOGIRO:
        return "autogiro"
    return CHANNELS.get(to.scheme, "other")


def _bank_id(entry: Entry, values: Values, is_alone: bool, beside: tuple[Values, ...]) -> str:
    """The bank's own id; "" when there is none that is sure to be one payment's alone.

    Some banks repeat the entry's id in each of its payments, or give all of them one that the entry has
    not; `beside` are the payments before and after. `EndToEndId` and `InstrId` are the payer's own, and
    have been seen alike in many payments; they stand in the row.
    """
    whole: str = entry.values.get("AcctSvcrRef", "")
    for key in IDS:
        text: str = values.get(key, "")
        if text not in UNKNOWN_IDS and (
            is_alone
            or (
                text not in (whole, entry.values.get("NtryRef"))
                and all(one.get(key) != text for one in beside)
            )
        ):
            return text
    return whole if is_alone and whole not in UNKNOWN_IDS else ""


def _references(
    entry: Entry, values: Values, structured: tuple[Reference, ...], is_alone: bool
) -> tuple[Reference, ...]:
    """What a payment says that it is for: numbers first, then what the payer or the bank wrote."""
    found = structured
    if mandate := values.get("MndtId"):
        found = (Reference(Ground.AUTOGIRO, mandate), *found)
    for key in ("Ustrd", "AddtlTxInf"):
        if key in values:
            found += (Reference(Ground.MESSAGE, values[key].replace(BETWEEN, " ")),)
    if is_alone and not found and AFTER_DETAILS in entry.values:
        found = (Reference(Ground.MESSAGE, entry.values[AFTER_DETAILS]),)
    return found


def _row(
    entry: Entry, values: Values, way: Way, ore: int, references: tuple[Reference, ...]
) -> str:
    """All that the payment says, in the standard's own order."""
    parts = [entry.row, way.value, str(ore), *values, *values.values()]
    for reference in references:
        parts.append(reference.text)
        if reference.amount_ore is not None:
            parts.append(str(reference.amount_ore))
    return BETWEEN.join(parts)


# Who, and to whom


def _number(values: Values, key: str) -> Number | None:
    """The account under `key` ("Acct", "CdtrAcct"): a Swish number that stands for it before itself."""
    found = _numbered(values.get(f"{key}.ProxyTp", ""), values.get(f"{key}.Proxy", ""))
    if found and found.scheme in CHANNELS:
        return found
    if iban := values.get(f"{key}.IBAN"):
        return Number(Scheme.IBAN, "".join(filter(str.isalnum, iban)).upper())
    return _numbered(values.get(f"{key}.Scheme", ""), values.get(f"{key}.Id", ""))


@lru_cache(maxsize=1024)
def _numbered(code: str, text: str) -> Number | None:
    """A number by its scheme's code. Without a known code it is Swish's if it looks so, else an account's."""
    digits = re.sub("[^0-9]", "", text).lstrip("0")
    if not digits:
        return None
    # Swish gives organisations ten digits that start with 123.
    likely = Scheme.SWISH if len(digits) == 10 and digits.startswith("123") else Scheme.BBAN
    return Number(SCHEMES.get(code.upper(), likely), digits)


def _giro(values: Values, key: str) -> Number | None:
    """Our giro or Swish number in a payment. Another account number is the entry's own, or a giro's behind it."""
    if f"{key}.Id" not in values and f"{key}.Proxy" not in values:
        return None
    found = _number(values, key)
    return found if found and found.scheme in CHANNELS else None


# The keys of a party's texts, four and four.
_PARTY = """
    .Nm .StrtNm .BldgNb .AdrLine
    .PstCd .TwnNm .Ctry .OrgId
    Acct.IBAN Acct.Id Acct.Proxy Acct.Scheme
"""
_KEYS = {role: [f"{role}{part}" for part in _PARTY.split()] for role in ("Dbtr", "Cdtr")}


def _payer(values: Values, role: str) -> Payer:
    """The party `role` ("Dbtr", "Cdtr") with its account."""
    told = [values.get(key, "") for key in _KEYS[role]]
    name, street, house, lines, *told = told
    postcode, town, country, organisation, *told = told
    iban, other, proxy, scheme = told
    if scheme in ("SWISH", "SWNR", "TELE"):
        proxy, other = other, ""
    if not name and role == "Dbtr":
        name = values.get("UltmtDbtr.Nm", "")
    if house:
        street = f"{street} {house}".lstrip()
    if lines:
        lines = lines.replace(BETWEEN, ", ")
        street = f"{street}, {lines}" if street else lines
    identity = organisation.replace(BETWEEN, " ") or proxy
    return Payer(name, street, postcode, town, country, iban or other, identity)
