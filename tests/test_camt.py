"""camt.054 and camt.053 as different banks send them, and what is no such file."""

import dataclasses
import io
import json
import re
import tracemalloc
from pathlib import Path

import pytest

from donations.bankfiles import xml_walk
from donations.bankfiles.camt import Camt
from donations.bankfiles.records import Kind, Line, Refused, Way
from tests.bankfiles import camt_work
from tests.bankfiles.golden import told

pytestmark = pytest.mark.once

FILES = sorted((Path(__file__).parent / "bankfiles/camt").glob("*.xml"))
SAMPLES = Path(__file__).parents[2] / "shared/reference/samples"
NAMES = [path.stem for path in FILES]
IN_LATIN_1 = "054-08-autogiro-and-not-booked"

# ISO's schema is not at hand for .04, nor for camt.053 of version .02.
WITHOUT_SCHEMA = {"053-02-plusgiro-and-returns", "053-04-two-statements", "054-04-free-text"}


def file(name: str) -> bytes:
    return (Path(__file__).parent / f"bankfiles/camt/{name}.xml").read_bytes()


def lines(data: bytes) -> list[Line]:
    return list(Camt(io.BytesIO(data)).lines())


def refused(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        lines(data)
    return caught.value


def changed(name: str, *changes: tuple[str, str]) -> bytes:
    """A file with some of its text changed, each in the one place where it stands, or the first."""
    encoding = "latin-1" if name == IN_LATIN_1 else "utf-8"
    text = file(name).decode(encoding)
    for old, new in changes:
        found = re.search(old, text, re.DOTALL)
        assert found, old
        text = text[: found.start()] + new + text[found.end() :]
    return text.encode(encoding)


# As banks send them


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_reads_as_the_person_who_wrote_it_meant(path: Path) -> None:
    with path.open("rb") as stream:
        assert told(Camt(stream)) == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("name", sorted(set(NAMES) - WITHOUT_SCHEMA))
def test_a_file_is_as_the_standard_says(name: str) -> None:
    kind, version, _ = name.split("-", 2)
    schema = SAMPLES / f"camt.{kind}.001.{version}.xsd"
    if not schema.exists():
        pytest.skip(f"no {schema}")
    from lxml import etree

    document = etree.fromstring(file(name))
    etree.XMLSchema(etree.parse(schema)).assertValid(document)


@pytest.mark.parametrize(
    ("sample", "number", "ore"),
    [("camt054-v02-seb-bankgiro", 2, 200_00), ("camt053-v02-seb-bankgiro", 6, 91_838_00)],
)
def test_a_banks_own_sample_reads_with_the_totals_that_it_states(
    sample: str, number: int, ore: int
) -> None:
    reading = Camt(io.BytesIO(sample_file(sample)))
    assert sum(line.amount_ore for line in reading.lines()) == ore == reading.totals.credit_ore
    assert reading.totals.credits == number


def test_the_sample_whose_details_are_another_sum_is_refused_for_that() -> None:
    refusal = refused(sample_file("camt054-v08-synthetic"))
    assert refusal.where == "Ntry 1"
    assert "−200\N{NO-BREAK SPACE}000 SEK" in refusal.why
    assert "9,50 CHF" in refusal.why


def sample_file(name: str) -> bytes:
    path = SAMPLES / f"{name}.xml"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path.read_bytes()


def test_the_lump_and_its_details_carry_the_same_deposit() -> None:
    lump = lines(file("053-08-lumps-and-fees"))[0]
    details = lines(file("054-08-details-of-the-lump"))
    assert lump.kind is Kind.LUMP
    assert {lump.deposit} == {line.deposit for line in details}
    assert lump.amount_ore == sum(line.amount_ore for line in details)
    assert lump.bank_id not in {line.bank_id for line in details if line.bank_id}


def test_an_id_that_the_bank_repeats_is_nobodys() -> None:
    """The entry's id in each of its payments, and the payer's own ids, which are alike in many."""
    assert [line.bank_id for line in lines(file("054-08-details-of-the-lump"))][1] == ""
    assert {line.bank_id for line in lines(file("054-08-autogiro-and-not-booked"))} == {""}


def test_twins_have_the_same_row_and_others_have_not() -> None:
    first, second, third, fourth = (line.row for line in lines(file("054-08-swish")))
    assert first == second
    assert len({first, third, fourth}) == 3


HANNA = "<UltmtDbtr><Pty><Nm>Hanna Holm</Nm></Pty></UltmtDbtr>"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("054-08-swish", "2026-03-03", "2026-03-04"),
        ("054-08-swish", ">Hanna Holm<", ">Hanna Holmberg<"),
        ("054-08-swish", "<Dbtr>.*?</Dbtr>", HANNA),
        ("054-08-swish", "47030 grattis", "47110 grattis"),
        ("054-08-swish", r"\+46700000001", "+46700000009"),
        ("054-08-swish", ">TELE<", ">SWISH<"),
        ("054-02-ocr", ">470302<", ">471102<"),
        ("054-02-document-numbers", ">8625.000<", ">8600.000<"),
        ("054-08-autogiro-and-not-booked", "E2E-1", "E2E-2"),
    ],
)
def test_a_row_holds_all_that_a_line_says(name: str, old: str, new: str) -> None:
    assert lines(file(name))[0].row != lines(changed(name, (old, new)))[0].row


def test_bytes_do_not_matter_texts_do() -> None:
    """Line breaks, indents, marks, letters, prefixes and envelopes change nothing in any line."""
    data = file("054-02-ocr")
    text = data.decode().partition("?>")[2]
    bare = re.sub(r">\s+<", "><", text)
    prefixed = re.sub(r"<(/?)(\w)", r"<\1a:\2", text).replace("xmlns=", "xmlns:a=")
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?>' + text
    old_windows = "<?xml version='1.0' encoding='windows-1252'?>" + text
    for other in (
        data.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + data,
        b"\r\n \n" + data,
        data + b"\n\n",
        bare.encode(),
        text.encode(),
        prefixed.encode(),
        latin.encode("latin-1"),
        old_windows.encode("cp1252"),
        re.sub(' xmlns="[^"]*"', "", text).encode(),
        f"<Envelope><AppHdr><To>x</To></AppHdr>{text}</Envelope>".encode(),
        text.replace("<Ntry>", "<!-- <Ntry> --><Ntry>").encode(),
    ):
        assert lines(other) == lines(data)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_where_the_file_is_cut_into_chunks_does_not_matter(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [lines(path.read_bytes()) for path in FILES]
    monkeypatch.setattr(xml_walk, "CHUNK", size)
    assert [lines(path.read_bytes()) for path in FILES] == whole


def test_letters_that_lost_their_encoding_on_the_way_are_mended() -> None:
    data = changed("054-02-ocr", ("Bo Åberg", "Bo Ã¥berg"))
    assert lines(data)[1].payer.name == "Bo åberg"


def test_the_version_is_what_the_file_calls_itself() -> None:
    for stated, version in (("camt.054.001.13", "13"), ("nothing.known", "")):
        data = changed("054-02-ocr", ("camt.054.001.02", stated))
        reading = Camt(io.BytesIO(data))
        assert (reading.format, reading.version) == ("camt.054", version)
        assert len(list(reading.lines())) == 3


def test_nothing_more_than_the_beginning_is_read_to_recognise_a_file() -> None:
    stream = io.BytesIO("".join(camt_work.pieces(1_000)).encode())
    Camt(stream)
    assert stream.tell() <= xml_walk.CHUNK


# Who, whom, which way


def test_in_a_reversal_the_payer_is_still_the_payer() -> None:
    line = lines(file("053-02-plusgiro-and-returns"))[2]
    assert (line.way, line.kind) == (Way.OUT, Kind.RETURN)
    assert (line.payer.name, line.channel) == ("Maja Moberg", "plusgiro")


def test_money_out_names_whom_it_went_to() -> None:
    data = changed(
        "054-02-ocr",
        ("CRDT", "DBIT"),
        ("<TtlCdtNtries>.*</TtlCdtNtries>", ""),
        ("<Dbtr>(.*?)</Dbtr>", "<Cdtr><Nm>Mottagaren</Nm></Cdtr>"),
    )
    line = lines(data)[0]
    assert (line.way, line.payer.name, line.to) == (Way.OUT, "Mottagaren", line.to)
    assert line.kind is Kind.PAYMENT


def test_the_account_is_itself_and_not_what_stands_for_it() -> None:
    data = changed("054-08-swish", ("</Ccy>", "</Ccy><Prxy><Id>1230000000</Id></Prxy>"))
    assert lines(data)[0].account == lines(file("054-08-swish"))[0].account


def test_a_private_persons_number_is_not_read() -> None:
    private = "<Id><PrvtId><Othr><Id>191212121212</Id></Othr></PrvtId></Id></Dbtr>"
    data = changed("054-02-ocr", ("</Dbtr>", private))
    assert b"191212121212" in data
    assert "191212121212" not in str(dataclasses.asdict(lines(data)[0]))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (("PMNT", "RCDT", "ATXN"), Kind.PAYMENT),
        (("PMNT", "RCDT", "RRTN"), Kind.RETURN),
        (("PMNT", "MDOP", "CHRG"), Kind.OTHER),
        (("ACMT", "MCOP", "INTR"), Kind.OTHER),
        (("CAMT", "ACCB", "ZABA"), Kind.OTHER),
    ],
)
def test_a_banks_code_says_what_kind_a_payment_is(code: tuple[str, str, str], kind: Kind) -> None:
    domain, family, sub = code
    words = (
        f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd>"
        f"<SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    )
    data = changed("054-04-free-text", ("<BkTxCd>.*?</BkTxCd>", words))
    assert lines(data)[0].kind is kind


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        ("", Kind.PAYMENT),
        ("<NtryDtls><Btch><NbOfTxs>1</NbOfTxs></Btch></NtryDtls>", Kind.PAYMENT),
        ("<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>", Kind.LUMP),
        ("<AddtlInfInd><MsgNmId>camt.054.001.04</MsgNmId></AddtlInfInd>", Kind.LUMP),
    ],
)
def test_an_entry_without_details_is_one_payment_or_a_lump(details: str, kind: Kind) -> None:
    data = changed("054-04-free-text", ("<AddtlNtryInf>", details + "<AddtlNtryInf>"))
    assert lines(data)[2].kind is kind


def test_a_deposit_to_a_bankgiro_without_details_is_a_lump() -> None:
    data = changed("053-08-lumps-and-fees", ("<NtryDtls>.*?</NtryDtls>", ""))
    lump = lines(data)[0]
    assert (lump.kind, lump.deposit) == (Kind.LUMP, "BG9912346 00017 2026")


def test_a_payment_out_can_stand_among_those_in_of_one_entry() -> None:
    """The entry is what is left: 1 250,50 = 1 450,50 in − 200 out."""
    data = changed(
        "054-08-details-of-the-lump",
        (">250.50<", ">200.00<"),
        (r"(200.00</Amt>\s*<CdtDbtInd>)CRDT", r"200.00</Amt><CdtDbtInd>DBIT"),
        (">1000.00<", ">1450.50<"),
    )
    assert [(line.way, line.amount_ore) for line in lines(data)] == [
        (Way.OUT, 200_00),
        (Way.IN, 1_450_50),
    ]


ONE_PART = "<RfrdDocAmt><RmtdAmt Ccy='SEK'>50.00</RmtdAmt></RfrdDocAmt>"
NUMBERS = "<RfrdDocInf><Nb>47030</Nb></RfrdDocInf><RfrdDocInf><Nb>47110</Nb></RfrdDocInf>"
OCR = "<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>470302</Ref></CdtrRefInf>"


@pytest.mark.parametrize(
    ("structured", "parts"),
    [
        (NUMBERS + ONE_PART, [None, None]),
        (ONE_PART + OCR, [50_00]),
        (NUMBERS + ONE_PART + OCR, [50_00, None, None]),
        (ONE_PART.replace("SEK", "EUR") + OCR, [None]),
        (ONE_PART, []),
    ],
)
def test_a_part_of_the_sum_is_for_one_reference_alone(
    structured: str, parts: list[int | None]
) -> None:
    data = changed("054-02-ocr", ("<Strd>.*?</Strd>", f"<Strd>{structured}</Strd>"))
    assert [reference.amount_ore for reference in lines(data)[0].references] == parts


def test_what_the_bank_says_of_an_entry_is_said_of_one_payment_not_of_several() -> None:
    words = ("</NtryDtls>", "</NtryDtls><AddtlNtryInf>Bg 47030</AddtlNtryInf>")
    nameless = ("<RmtInf>.*?</RmtInf>", "")
    several = lines(changed("054-02-ocr", words, nameless, nameless))
    assert [line.references for line in several[:2]] == [(), ()]
    one = lines(changed("054-04-free-text", words, nameless))[0]
    assert [reference.text for reference in one.references] == ["Bg 47030"]


def test_an_account_is_one_however_it_is_written() -> None:
    data = changed("054-02-ocr", ("54401234567", "0005440-12 345 67"))
    assert lines(data)[0].account == lines(file("054-02-ocr"))[0].account
    data = changed(
        "054-04-free-text", ("SE6699900000001234567890", "se66 9990 0000 0012 3456 7890")
    )
    assert lines(data)[0].account == lines(file("054-04-free-text"))[0].account


def test_the_payer_behind_the_payer_is_named_where_the_payer_is_not() -> None:
    behind = "<UltmtDbtr><Nm>Den som gav</Nm></UltmtDbtr>"
    assert lines(changed("054-02-ocr", ("<Dbtr>.*?</Dbtr>", behind)))[0].payer.name == "Den som gav"


def test_nothing_is_a_gift_of_0_kronor() -> None:
    data = changed("054-04-free-text", ("25.00", "0.00"), ("325.25", "300.25"))
    assert [line.amount_ore for line in lines(data)] == [100_00, 200_25]


# What the file says of itself


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "says"),
    [
        ("054-02-ocr", ">250.50<", ">250.51<", "Ntry 1", "1\xa0250,51 SEK"),
        ("054-02-ocr", ">1250.50<", ">1250.49<", "Ntry 1", "1\xa0250,49 SEK"),
        ("054-02-ocr", ">250.50<", ">250.505<", "Ntry 1, TxDtls 1", "två decimaler"),
        ("054-02-ocr", ">2</NbOfNtries>", ">3</NbOfNtries>", "Ntfctn 1", "3 insättningar"),
        ("054-02-ocr", "1750.5<", "1750.6<", "Ntfctn 1", "1\xa0750,60"),
        ("054-02-ocr", "<NbOfTxs>2", "<NbOfTxs>3", "Ntry 1", "3 betalningar (NbOfTxs), men 2"),
        ("054-04-free-text", "325.25", "325.24", "Ntfctn 1", "325,24"),
        ("053-08-lumps-and-fees", "3245.50", "3245.51", "Stmt 1", "3\xa0245,51 SEK"),
        ("053-08-lumps-and-fees", ">1000.00<", ">1000.01<", "Stmt 1", "3\xa0245,51 SEK"),
        ("053-08-lumps-and-fees", ">6</NbOf", ">5</NbOf", "Stmt 1", "5 poster"),
        ("053-08-lumps-and-fees", ">2754.50<", ">2754.51<", "Stmt 1", "2\xa0754,51"),
        ("053-08-lumps-and-fees", ">2245.50<", ">2245.51<", "Stmt 1", "2\xa0245,51"),
        ("053-08-lumps-and-fees", ">254.50<", ">254.51<", "Stmt 1", "254,51"),
        ("053-02-plusgiro-and-returns", ">DBIT<", ">CRDT<", "Stmt 1", "475 SEK"),
        ("053-04-two-statements", ">10.00<", ">9.00<", "Stmt 2", "9 SEK"),
        ("054-02-other-currency", ">560.00<", ">560.01<", "Ntry 2", "570,01 SEK"),
        ("054-08-autogiro-and-not-booked", ">2</", ">3</", "Ntfctn 1", "3 insättningar"),
    ],
)
def test_a_sum_that_is_not_so_refuses_the_file_with_both(
    name: str, old: str, new: str, where: str, says: str
) -> None:
    refusal = refused(changed(name, (old, new)))
    assert refusal.where == where
    assert says in refusal.why


def test_details_in_another_currency_are_told_with_both_sums() -> None:
    data = changed("054-02-ocr", ('"SEK">250.50', '"EUR">25.00'), ('"SEK">1000', '"EUR">100'))
    refusal = refused(data)
    assert "1\xa0250,50 SEK" in refusal.why
    assert "125 EUR" in refusal.why


def test_sums_of_a_statement_in_several_pages_go_between_its_pages_balances() -> None:
    """ITBD is what a page ends with when another follows, and begins with when one came before."""
    data = changed("053-02-plusgiro-and-returns", (">OPBD<", ">ITBD<"), (">CLBD<", ">ITBD<"))
    assert len(lines(data)) == 6
    assert "475,01" in refused(data.replace(b">475.00<", b">475.01<")).why


# What is not taken


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ("<Acct>.*?</Acct>", "", "Ntfctn 1", "Kontot saknas"),
        ("<Sts>BOOK</Sts>", "", "Ntry 1", "Sts saknas"),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "", "Ntry 1", "CdtDbtInd saknas"),
        ("CRDT", "KREDIT", "Ntry 1", "CRDT för pengar in"),
        ("<BookgDt>.*?</ValDt>", "", "Ntry 1", "bokföringsdag"),
        ("2026-03-03", "2026-02-30", "Ntry 1", "2026-03-31"),
        ("2026-03-03", "20260303", "Ntry 1", "2026-03-31"),
        ("1250.50", "1 250.50", "Ntry 1", "decimalpunkt"),
        ("1250.50", "1250,50", "Ntry 1", "decimalpunkt"),
        ("1250.50", "-1250.50", "Ntry 1", "minustecken"),
        ("1250.50", "1.25E3", "Ntry 1", "decimalpunkt"),
        ("1250.50", "١٢٥", "Ntry 1", "decimalpunkt"),
        ("1250.50", "100000000000.00", "Ntry 1", "orimligt stort"),
        (">1250.50<", "><", "Ntry 1", "beloppet saknas"),
        (' Ccy="SEK">1250.50', ">1250.50", "Ntry 1", "saknar valuta"),
        (' Ccy="SEK">250.50', ' Ccy="">250.50', "Ntry 1, TxDtls 1", "saknar valuta"),
        (">1250.50<", ">1250<b/>.50<", "Ntry 1", "bara innehålla text"),
        (
            '<Amt Ccy="SEK">250.50</Amt>',
            '<Amt Ccy="SEK">250.50</Amt><Amt Ccy="SEK">250.50</Amt>',
            "Ntry 1, TxDtls 1",
            "för många gånger",
        ),
        ("<AmtDtls>.*?</AmtDtls>", "", "Ntry 1, TxDtls 1", "saknar belopp"),
        ("<Ntry>", "<Ntry><Ntry></Ntry>", "rad", "fel plats"),
        ("<Ownr>", "<Ownr><x><Ntry></Ntry></x>", "rad", "fel plats"),
        ("<Ntfctn>", "<Ntfctn><TxDtls/>", "rad", "fel plats"),
        ("<NtryDtls>(.*?)</NtryDtls>", "<NtryDtls/><RvslInd>true</RvslInd>", "Ntry 1", "ordning"),
        ("</Ntfctn>", "<Acct><Id><IBAN>SE</IBAN></Id></Acct></Ntfctn>", "Ntfctn 1", "ska stå före"),
        ("<Ntfctn>.*</Ntfctn>", "", "", "inget konto"),
        ("<Nm>", "<b:Nm>", "rad", "inte förklarat"),
        ("<Nm>", '<Nm b:c="">', "rad", "inte förklarat"),
        ("</Document>", "", "rad", "mitt i"),
        ("</Dbtr>", "</Cdtr>", "rad", "inte att läsa som XML"),
        ("&amp;", "&hej;", "rad", "inte att läsa som XML"),
        ('encoding="UTF-8"', 'encoding="UTF-16"', "rad 1", "UTF-16"),
        ('encoding="UTF-8"', 'encoding="punycode"', "rad 1", "punycode"),
        ("Bo Åberg", "A" * 4_001, "Ntry 1, TxDtls 2", "4000 tecken"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old: str, new: str, where: str, says: str) -> None:
    refusal = refused(changed("054-02-ocr", (old, new)))
    assert refusal.where.rstrip("0123456789 ") == where.rstrip("0123456789 ")
    assert where == "rad" or refusal.where == where
    assert says in refusal.why


def test_the_content_is_shown_but_not_all_of_it() -> None:
    refusal = refused(changed("054-02-ocr", ("Bo Åberg", "Bo " * 2_000)))
    assert refusal.content.startswith("Bo Bo")
    assert len(refusal.content) <= 80
    assert refused(changed("054-02-ocr", (' Ccy="SEK">1250', ">1250"))).content == "1250.50"


@pytest.mark.parametrize(
    ("message", "says"),
    [("BkToCstmrAcctRpt", "camt.052"), ("CstmrCdtTrfInitn", "varken camt.053 eller camt.054")],
)
def test_another_message_is_refused_by_its_name(message: str, says: str) -> None:
    data = f"<Document><{message}><GrpHdr><MsgId>1</MsgId></GrpHdr></{message}></Document>"
    assert says in refused(data.encode()).why


ENTITIES = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
HEAD = file("054-02-ocr").partition(b"<Ntfctn>")[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ENTITIES + b"<a>&c;</a>", "DOCTYPE"),
        (b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>', "DOCTYPE"),
        (b"<a>" * 200_000 + b"</a>" * 200_000, "utanför"),
        (HEAD + b"<a>" * 200_000 + b"</a>" * 200_000, "64 nivåer"),
        (HEAD + b"<Ntfctn>" * 200_000, "fel plats"),
        (HEAD + b"<Ntfctn><Acct><Id><IBAN>SE1</IBAN></Id></Acct></Ntfctn>" * 10_001, "orimligt"),
        (HEAD + b" " * 3_000_000, "lång bit"),
        (HEAD + b"<!--" + b"-+" * 2_000_000, "lång bit"),
        (HEAD + b"<a " + b"b" * 3_000_000, "lång bit"),
        (HEAD + b"<Ntfctn><Acct><Id><IBAN>" + b"A" * 3_000_000, "lång bit"),
        (HEAD + b"<Ntfctn><Acct><Id><IBAN>" + b"A" * 300_000 + b"</IBAN>", "4000 tecken"),
        (b"<a/>" + b" " * 300_000, "varken camt.053 eller camt.054"),
        (b"<a" + b" b='c'" * 300_000, "varken camt.053 eller camt.054"),
        (
            file("054-02-ocr").replace(
                b"<RmtInf>", b"<RmtInf>" + b"<Ustrd>AAAAAAAA</Ustrd>" * 99_999, 1
            ),
            "för många gånger",
        ),
        (
            file("054-02-ocr").replace(
                b"<Strd>",
                b"<Strd><RfrdDocInf><Nb>1</Nb></RfrdDocInf></Strd>" * 3_000 + b"<Strd>",
                1,
            ),
            "orimligt många",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_file_is_refused_in_little_memory(data: bytes, says: str) -> None:
    stream = io.BytesIO(data)
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=re.escape(says)):
            list(Camt(stream).lines())
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(payments: int) -> int:
        path = tmp_path / "many.xml"
        camt_work.write(path, payments)
        tracemalloc.start()
        with path.open("rb") as stream:
            assert sum(1 for _ in Camt(stream).lines()) == payments
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(300), peak(3_000)
    assert many < few * 1.2 + 300_000


@pytest.mark.parametrize("version", sorted(camt_work.SHAPES))
def test_the_walk_that_it_is_measured_by_sees_the_same_payments(
    version: str, tmp_path: Path
) -> None:
    path = tmp_path / "many.xml"
    camt_work.write(path, 250, version, days=3)
    assert camt_work.plain_walk(path, version) == camt_work.reading(path) == 250


@pytest.mark.parametrize("version", sorted(camt_work.SHAPES))
def test_what_it_is_measured_on_is_as_the_standard_says(version: str) -> None:
    schema = SAMPLES / f"camt.054.001.{version}.xsd"
    if not schema.exists():
        pytest.skip(f"no {schema}")
    from lxml import etree

    document = etree.fromstring("".join(camt_work.pieces(250, version, days=3)).encode())
    etree.XMLSchema(etree.parse(schema)).assertValid(document)
