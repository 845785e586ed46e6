"""What Swedish banks other than the samples' put in camt files, entry by entry."""

import io

import pytest

from donations.bankfiles.aside import Class, Sorting
from donations.bankfiles.camt import Camt
from donations.bankfiles.identity import Keys
from donations.bankfiles.records import Kind, Line, Refused, Way

pytestmark = pytest.mark.once

ACCOUNT = "<Acct><Id><Othr><Id>54401234567</Id></Othr></Id></Acct>"
DOMAIN = "<Domn><Cd>{}</Cd><Fmly><Cd>{}</Cd><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn>"
RECEIVED = DOMAIN.format("PMNT", "RCDT", "ATXN")


def message(*entries: str, summary: str = "") -> bytes:
    """A notification for one account."""
    return (
        "<Document><BkToCstmrDbtCdtNtfctn><Ntfctn>"
        f"{ACCOUNT}{summary}{''.join(entries)}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def statements(*bodies: str) -> bytes:
    """A statement file with a `Stmt` for each body."""
    inside = "".join(f"<Stmt>{ACCOUNT}{body}</Stmt>" for body in bodies)
    return f"<Document><BkToCstmrStmt>{inside}</BkToCstmrStmt></Document>".encode()


def entry(
    kronor: str = "100.00",
    *details: str,
    ref: str = "",
    number: str = "",
    code: str = RECEIVED,
    way: str = "CRDT",
    reversal: str = "",
    batch: str = "",
    after: str = "",
    status: str = "BOOK",
) -> str:
    """An `Ntry` booked on 3 March 2026; `details` are what stands in each TxDtls."""
    inside = "".join(f"<TxDtls>{one}</TxDtls>" for one in details)
    return (
        "<Ntry>"
        + (f"<NtryRef>{number}</NtryRef>" if number else "")
        + f'<Amt Ccy="SEK">{kronor}</Amt><CdtDbtInd>{way}</CdtDbtInd>'
        + (f"<RvslInd>{reversal}</RvslInd>" if reversal else "")
        + f"<Sts>{status}</Sts><BookgDt><Dt>2026-03-03</Dt></BookgDt>"
        + (f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else "")
        + f"<BkTxCd>{code}</BkTxCd>"
        + (f"<NtryDtls>{batch}{inside}</NtryDtls>" if inside or batch else "")
        + (f"<AddtlNtryInf>{after}</AddtlNtryInf>" if after else "")
        + "</Ntry>"
    )


def details(kronor: str = "100.00", *, refs: str = "", name: str = "Eva Ek", more: str = "") -> str:
    """What stands in a `TxDtls`."""
    told = f"<Refs>{refs}</Refs>" if refs else ""
    amount = f'<AmtDtls><TxAmt><Amt Ccy="SEK">{kronor}</Amt></TxAmt></AmtDtls>' if kronor else ""
    return f"{told}{amount}<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr></RltdPties>{more}"


def own(reference: str) -> str:
    return f"<AcctSvcrRef>{reference}</AcctSvcrRef>"


def lines(data: bytes) -> list[Line]:
    return list(Camt(io.BytesIO(data)).lines())


def keys(data: bytes) -> list[str]:
    identities = Keys({})
    return [identities.identity(line).key for line in lines(data)]


# Ids


def test_an_id_that_all_payments_of_an_entry_share_is_none_of_theirs() -> None:
    """The batch's number in each, though the entry itself has another or none."""
    twins = [details(refs=own("BATCH7")) for _twin in range(3)]
    data = message(entry("300.00", *twins))

    assert [line.bank_id for line in lines(data)] == ["", "", ""]
    assert len(set(keys(data))) == 3


def test_an_id_that_two_payments_of_several_share_is_none_of_theirs() -> None:
    data = message(
        entry("400.00", *(details(refs=own(text)) for text in ("A", "B", "B", "C")), ref="E")
    )

    assert [line.bank_id for line in lines(data)] == ["A", "", "", "C"]


def test_the_next_id_counts_where_the_first_is_the_batchs() -> None:
    data = message(
        entry(
            "200.00",
            details(refs=own("BATCH7") + "<TxId>T1</TxId>"),
            details(refs=own("BATCH7") + "<TxId>T2</TxId>"),
        )
    )

    assert [line.bank_id for line in lines(data)] == ["T1", "T2"]


def test_the_entrys_number_is_no_payments_id() -> None:
    data = message(
        entry("200.00", details(refs=own("2026-0007")), details(refs=own("B")), number="2026-0007")
    )

    assert [line.bank_id for line in lines(data)] == ["", "B"]


@pytest.mark.parametrize(
    "taken_back",
    [
        entry(way="DBIT", reversal="true", ref="A1"),
        entry("100.00", details(refs=own("A1")), way="DBIT", code=DOMAIN.format("PMNT", "RCDT", "RRTN")),
        entry("100.00", details(refs="<UETR>A1</UETR>", more="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"), way="DBIT"),
    ],
)  # fmt: skip
def test_what_takes_a_payment_back_may_bear_the_payments_own_id(taken_back: str) -> None:
    data = message(entry("100.00", details(refs=own("A1"))), taken_back)
    gift, back = lines(data)

    assert (gift.kind, back.kind) == (Kind.PAYMENT, Kind.RETURN)
    assert len(set(keys(data))) == 2


# Amounts


def test_an_amount_that_is_told_only_as_the_payer_ordered_it_is_read() -> None:
    ordered = '<AmtDtls><InstdAmt><Amt Ccy="SEK">{}</Amt></InstdAmt></AmtDtls>'
    data = message(
        entry("300.00", ordered.format("100.00"), ordered.format("200.00")),
    )

    assert [line.amount_ore for line in lines(data)] == [100_00, 200_00]


def test_what_was_ordered_is_not_what_came_when_both_are_told() -> None:
    both = (
        '<AmtDtls><InstdAmt><Amt Ccy="SEK">105.00</Amt></InstdAmt>'
        '<TxAmt><Amt Ccy="SEK">100.00</Amt></TxAmt></AmtDtls>'
    )
    assert [line.amount_ore for line in lines(message(entry("100.00", both)))] == [100_00]


@pytest.mark.parametrize(
    "charges",
    [
        '<Chrgs><Amt Ccy="SEK">2.00</Amt></Chrgs><Chrgs><Amt Ccy="SEK">3.00</Amt></Chrgs>',
        '<Chrgs><Rcrd><Amt Ccy="SEK">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>',
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="SEK">5.00</TtlChrgsAndTaxAmt></Chrgs>',
    ],
)
def test_a_payment_alone_is_what_came_after_the_charges_that_are_told(charges: str) -> None:
    paid = details("105.00").replace("<RltdPties>", charges + "<RltdPties>")

    assert [line.amount_ore for line in lines(message(entry("100.00", paid)))] == [100_00]
    outside = entry("100.00", details("105.00")).replace("<NtryDtls>", charges + "<NtryDtls>")
    assert [line.amount_ore for line in lines(message(outside))] == [100_00]


def test_a_difference_that_the_charges_do_not_make_refuses_the_file() -> None:
    charges = '<Chrgs><Amt Ccy="SEK">4.00</Amt></Chrgs>'
    paid = details("105.00").replace("<RltdPties>", charges + "<RltdPties>")
    with pytest.raises(Refused, match="Posten är på 100"):
        lines(message(entry("100.00", paid)))


def test_charges_beside_a_payment_that_is_whole_change_nothing() -> None:
    charges = '<Chrgs><Amt Ccy="SEK">4.00</Amt></Chrgs>'
    paid = details("100.00").replace("<RltdPties>", charges + "<RltdPties>")
    assert [line.amount_ore for line in lines(message(entry("100.00", paid)))] == [100_00]


# What it is


def test_a_batch_told_as_one_is_a_lump_and_no_gift() -> None:
    """One TxDtls with the sum and what the payments share, and how many they are."""
    batch = "<Btch><NbOfTxs>12</NbOfTxs></Btch>"
    one = entry("1200.00", details("1200.00", refs="<PmtInfId>P1</PmtInfId>"), batch=batch, ref="A")
    [line] = lines(message(one))

    assert (line.kind, line.amount_ore, line.deposit, line.bank_id) == (
        Kind.LUMP,
        1200_00,
        "A",
        "",
    )


def test_a_batch_that_lists_some_of_its_payments_is_refused() -> None:
    batch = "<Btch><NbOfTxs>12</NbOfTxs></Btch>"
    some = entry("200.00", details(), details(), batch=batch)
    with pytest.raises(Refused, match="12 betalningar"):
        lines(message(some))


def test_an_entry_of_several_batches_each_told_as_one_is_refused() -> None:
    """Which of them are lumps could only be guessed."""
    batch = "<Btch><NbOfTxs>5</NbOfTxs></Btch>"
    two = entry("200.00", details(), details(), batch=batch)
    apart = two.replace("</TxDtls><TxDtls>", f"</TxDtls></NtryDtls><NtryDtls>{batch}<TxDtls>")
    with pytest.raises(Refused, match="5 betalningar"):
        lines(message(apart))


def test_a_bank_without_codes_gives_payments() -> None:
    """XTND and NTAV: the standard has no code, or the bank does not tell."""
    codes = DOMAIN.format("XTND", "NTAV", "NTAV")
    own_code = "<Prtry><Cd>BG INBET</Cd><Issr>BANKEN</Issr></Prtry>"
    kinds = [line.kind for code in (codes, own_code) for line in lines(message(entry(code=code)))]

    assert kinds == [Kind.PAYMENT, Kind.PAYMENT]


def test_the_banks_own_code_is_told_for_finances_rules() -> None:
    own_code = "<Prtry><Cd>PRIS 12</Cd></Prtry>"
    assert [line.code for line in lines(message(entry(code=own_code)))] == ["PRIS 12"]
    both = RECEIVED + own_code
    assert [line.code for line in lines(message(entry(code=both)))] == ["PMNT ATXN PRIS 12"]


@pytest.mark.parametrize("code", ["RCDD", "UPCQ", "UPCT", "CQRV"])
def test_unpaid_and_recalled_payments_are_returns(code: str) -> None:
    [line] = lines(message(entry(code=DOMAIN.format("PMNT", "RDDT", code))))
    assert line.kind is Kind.RETURN


def test_a_booked_entry_without_day_is_refused() -> None:
    with pytest.raises(Refused, match="bokföringsdag"):
        lines(message(entry().replace("<BookgDt><Dt>2026-03-03</Dt></BookgDt>", "")))


def test_money_between_our_own_accounts_is_set_aside_by_its_account() -> None:
    ours = "<DbtrAcct><Id><IBAN>SE6699900000001234567890</IBAN></Id></DbtrAcct>"
    [line] = lines(message(entry("100.00", details().replace("</Dbtr>", f"</Dbtr>{ours}"))))
    [other] = lines(
        message().replace(
            b"<Othr><Id>54401234567</Id></Othr>", b"<IBAN>SE6699900000001234567890</IBAN>"
        ).replace(b"</Ntfctn>", entry().encode() + b"</Ntfctn>")
    )  # fmt: skip
    found = Sorting([line.account, other.account]).sort(line)

    assert found
    assert found.is_a is Class.OWN_TRANSFER


# Several statements, empty ones, and nothing


BALANCES = (
    "<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy='SEK'>{}</Amt>"
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-0{}</Dt></Dt></Bal>"
)


def balances(opening: str, closing: str, day: int = 3) -> str:
    return BALANCES.format("OPBD", opening, day) + BALANCES.format("CLBD", closing, day)


def test_a_day_on_which_nothing_happened_is_an_empty_statement() -> None:
    none = "<TxsSummry><TtlNtries><NbOfNtries>0</NbOfNtries><Sum>0</Sum></TtlNtries></TxsSummry>"
    data = statements(
        balances("10.00", "10.00"),
        balances("10.00", "10.00", 4) + none,
        balances("10.00", "110.00", 5) + entry(),
    )

    assert [line.amount_ore for line in lines(data)] == [100_00]


def test_an_empty_statement_whose_balances_differ_is_refused() -> None:
    with pytest.raises(Refused, match="Stmt 1: Utgående saldo"):
        lines(statements(balances("10.00", "110.00")))


def test_a_statement_that_only_tells_available_balances_is_read() -> None:
    available = BALANCES.format("OPAV", "1.00", 3) + BALANCES.format("CLAV", "999.00", 3)
    assert len(lines(statements(available + entry()))) == 1


def test_a_statement_over_several_days_may_tell_the_balances_of_each() -> None:
    both = balances("10.00", "60.00", 3) + balances("60.00", "210.00", 4)
    assert len(lines(statements(both + entry("50.00") + entry("150.00")))) == 2


def test_entries_of_0_kronor_are_counted_by_the_bank_and_are_no_gifts() -> None:
    two = "<TxsSummry><TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>100</Sum></TtlCdtNtries></TxsSummry>"
    data = message(entry(), entry("0.00", details("0.00"), details("0")), summary=two)

    assert [line.amount_ore for line in lines(data)] == [100_00]
    assert all(line.way is Way.IN for line in lines(data))
