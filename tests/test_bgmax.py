"""BgMax reads the same however its bytes were handled on the way, and is refused when its sums are wrong."""

import io
import json
import tempfile
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from donations.bankfiles.bgmax import BgMax
from donations.bankfiles.records import Ground, Kind, Line, Refused, Scheme, Way
from tests.bankfiles import flat
from tests.bankfiles.bare_bgmax import write_gifts
from tests.bankfiles.flat import Section, bgmax, details, message, opening, payment
from tests.bankfiles.golden import told

pytestmark = pytest.mark.once

SAMPLES = Path(__file__).parents[2] / "shared" / "reference" / "samples"


def read(data: bytes) -> list[Line]:
    return list(BgMax(io.BytesIO(data)).lines())


def without_place(found: list[Line]) -> list[tuple[object, ...]]:
    return [
        (line.row, line.bank_id, line.amount_ore, line.references, line.payer) for line in found
    ]


def refused(records: list[str] | bytes) -> Refused:
    data = records if isinstance(records, bytes) else flat.lines(records)
    with pytest.raises(Refused) as caught:
        read(data)
    return caught.value


def one(*records: str, **about: str) -> list[str]:
    return bgmax(Section(list(records), **about))


@pytest.mark.parametrize(
    "path", sorted(flat.FOLDER.glob("bgmax-*.txt")), ids=lambda path: path.stem
)
def test_a_file_reads_as_a_person_has_read_it(path: Path) -> None:
    reading = BgMax(io.BytesIO(path.read_bytes()))

    assert told(reading) == json.loads(path.with_suffix(".json").read_text())
    assert path.read_bytes() == flat.FILES[path.name]()


@pytest.mark.parametrize(
    ("name", "credits", "ore"),
    [
        ("bgmax-no-options-lf", 5, 85_000),
        ("bgmax-no-options-unbroken", 5, 85_000),
        ("bgmax-ocr-extended-unbroken", 7, 860_000),
    ],
)
def test_bankgirots_own_examples_come_to_what_they_state(name: str, credits: int, ore: int) -> None:
    path = SAMPLES / f"{name}.txt"
    if not path.exists():
        pytest.skip("the samples are not here")
    with path.open("rb") as stream:
        reading = BgMax(stream)
        found = list(reading.lines())

    assert (len(found), sum(line.amount_ore for line in found)) == (credits, ore)
    assert (reading.totals.credits, reading.totals.credit_ore) == (credits, ore)
    assert reading.totals.remarks == []


# However the bytes were handled


def stripped(records: list[str]) -> list[str]:
    return [record.rstrip() for record in records]


def with_tabs(records: list[str]) -> list[str]:
    """One TAB for one blank, as some programs leave them in records 01 and 22."""
    return [
        record[:46] + "\t" + record[47:]
        if record[:2] in ("01", "22") and record[46] == " "
        else record
        for record in records
    ]


def tabbed(records: list[str]) -> list[str]:
    """TABs that take the place of several blanks, up to each eighth column."""

    def squeezed(record: str) -> str:
        eights = [record[at : at + 8] for at in range(0, 80, 8)]
        return "".join(eight.rstrip() + "\t" if eight.endswith("  ") else eight for eight in eights)

    return [squeezed(record) if record[:2] in ("01", "22") else record for record in records]


def in_bytes(records: list[str]) -> bytes:
    """UTF-8 that keeps to eighty bytes, so that letters with dots take two columns each."""
    wide = []
    for record in records:
        edges = {"26": (2, 37, 72, 80), "27": (2, 37, 46, 80), "28": (2, 37, 72, 80)}.get(
            record[:2], (2, 12, 37, 80)
        )
        fields = [record[: edges[0]].encode()]
        for begin, end in pairwise(edges):
            fields.append(record[begin:end].rstrip().encode().ljust(end - begin))
        wide.append(b"".join(fields)[:80])
    return b"\n".join(wide) + b"\n"


WAYS: dict[str, Callable[[list[str]], bytes]] = {
    "crlf": lambda all: flat.lines(all, "\r\n"),
    "cr": lambda all: flat.lines(all, "\r"),
    "unbroken": lambda all: "".join(all).encode("latin-1"),
    "unbroken with a line break last": lambda all: "".join(all).encode("latin-1") + b"\r\n",
    "unbroken utf-8": lambda all: "".join(all).encode(),
    "unbroken utf-8 in 80 bytes": lambda all: in_bytes(all).replace(b"\n", b""),
    "stripped": lambda all: flat.lines(stripped(all)),
    "stripped, no last line break": lambda all: flat.lines(stripped(all)).rstrip(),
    "tabs": lambda all: flat.lines(with_tabs(all)),
    "tabs of many": lambda all: flat.lines(tabbed(all)),
    "bom": lambda all: b"\xef\xbb\xbf" + flat.lines(all, encoding="utf-8"),
    "bom, unbroken": lambda all: b"\xef\xbb\xbf" + "".join(all).encode(),
    "utf-8": lambda all: flat.lines(all, encoding="utf-8"),
    "utf-8, stripped": lambda all: flat.lines(stripped(all), encoding="utf-8"),
    "utf-8 in 80 bytes": in_bytes,
    "mojibake": lambda all: flat.lines(all, encoding="utf-8").decode("latin-1").encode(),
    "blank lines, DOS end": lambda all: flat.lines(all, "\n\n") + b"\x1a",
    "unknown records": lambda all: flat.lines(
        [line for record in all for line in (record, f"{'99 not in the manual':<80}")]
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("file", [flat.gifts, flat.everything])
def test_the_same_file_reads_the_same(file: Callable[[], list[str]], way: str) -> None:
    expected = read(flat.lines(file()))
    found = read(WAYS[way](file()))

    assert without_place(found) == without_place(expected)


def test_long_files_are_read_in_pieces_that_fall_anywhere() -> None:
    """A section longer than what is read at a time, in both shapes, with letters where it is cut."""
    many = [
        record
        for n in range(1_500)
        for record in (
            payment(100 + n, f"gåva nr {n}", serial=f"{n + 1:012}"),
            *details("Åsa " + "ö" * (n % 15), "Ängsvägen 3", "90325", "Umeå"),
        )
    ]
    all = bgmax(Section(many), Section([payment(1)], serial="00018", day="20260305"))
    ways = [
        flat.lines(all),
        "".join(all).encode("latin-1"),
        "".join(all).encode(),
        in_bytes(all),
        in_bytes(all).replace(b"\n", b""),
    ]
    first, *others = [read(data) for data in ways]

    assert len(first) == 1_501
    assert {line.booked_on.day for line in first[:-1]} == {3}
    assert first[-1].booked_on.day == 5
    for other in others:
        assert without_place(other) == without_place(first)


def test_memory_stays_flat_however_long_a_deposit_is() -> None:
    with tempfile.TemporaryFile() as stream:
        write_gifts(8_000, stream, per_deposit=8_000)
        size = stream.tell()
        tracemalloc.start()
        count = sum(1 for _line in BgMax(stream).lines())
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert count == 8_000
    assert size > 2_500_000
    assert peak < 1_500_000


# What the fields mean


def test_a_reference_is_ocr_only_when_bankgirot_has_checked_it() -> None:
    codes = {
        code: read(flat.lines(one(payment(100, "470302", code=code))))[0].references[0].ground
        for code in "0123459"
    }

    assert {code for code, ground in codes.items() if ground is Ground.OCR} == {"2", "4"}
    assert {codes[code] for code in "01359"} == {Ground.REFERENCE}


def test_autogiro_tells_the_payers_number() -> None:
    [line] = read(flat.lines(one(payment(100, "0000000000001234", channel="4"))))
    [words] = read(flat.lines(one(payment(100, "Tack 47030", channel="4"))))

    assert line.channel == "autogiro"
    assert line.references[0].ground is Ground.AUTOGIRO
    assert words.references[0].ground is Ground.REFERENCE


def test_a_deduction_is_money_out_and_the_rest_still_sums() -> None:
    [paid, back] = read(flat.lines(one(payment(500), payment(200, type="21"))))

    assert (paid.way, paid.kind) == (Way.IN, Kind.PAYMENT)
    assert (back.way, back.kind, back.amount_ore) == (Way.OUT, Kind.RETURN, 200)


def test_a_deposit_that_comes_to_less_than_nothing_is_marked_d() -> None:
    [back] = read(flat.lines(one(payment(200, type="21"))))

    assert back.way is Way.OUT


def test_part_amounts_that_do_not_come_to_the_payment_are_not_passed_on() -> None:
    extra = [
        payment(ore, text, type="22", code="5") for ore, text in ((600, "47030"), (300, "47110"))
    ]
    [whole] = read(flat.lines(one(payment(900, code="0"), *extra)))
    [short] = read(flat.lines(one(payment(901, code="0"), *extra)))

    assert [reference.amount_ore for reference in whole.references] == [600, 300]
    assert [reference.amount_ore for reference in short.references] == [None, None]
    assert [reference.text for reference in short.references] == ["47030", "47110"]


def test_without_a_serial_there_is_no_id() -> None:
    for serial in ("", "000000000000"):
        [line] = read(flat.lines(one(payment(100, serial=serial))))
        assert line.bank_id == ""


def test_twins_without_a_serial_have_the_same_row_and_others_do_not() -> None:
    twins = read(
        flat.lines(one(payment(100, "47030"), payment(100, "47030"), payment(101, "47030")))
    )

    assert twins[0].row == twins[1].row != twins[2].row


def test_a_giro_may_be_a_plusgiro_and_the_account_may_be_missing() -> None:
    records = one(payment(100), opening=opening("", "9012238"))
    [line] = read(flat.lines([r[:2] + " " * 35 + r[37:] if r[:2] == "15" else r for r in records]))

    assert line.to.scheme is Scheme.PLUSGIRO
    assert line.account == line.to
    assert line.channel == "plusgiro"


def test_euros_are_set_aside() -> None:
    [line] = read(flat.lines(one(payment(100), opening=opening(currency="EUR"), currency="EUR")))

    assert line.currency == "EUR"
    assert "EUR" in line.aside


def test_a_message_keeps_its_lines_apart_unless_one_is_full() -> None:
    full = "x" * 47 + " 47"
    [apart] = read(flat.lines(one(payment(100), *message("Tack 47", "030"))))
    [together] = read(flat.lines(one(payment(100), *message(full, "030"))))

    assert apart.references[0].text == "Tack 47\n030"
    assert together.references[0].text.endswith(" 47030")


def test_a_file_with_no_payments_has_no_lines() -> None:
    assert read(flat.lines(bgmax())) == []


def test_what_is_marked_as_a_test_says_so() -> None:
    marked = BgMax(io.BytesIO(flat.lines(bgmax(mark="T"))))

    assert marked.is_test
    assert not BgMax(io.BytesIO(flat.lines(bgmax()))).is_test


# Sums


def replaced(records: list[str], code: str, begin: int, text: str) -> list[str]:
    return [
        record[:begin] + text + record[begin + len(text) :] if record[:2] == code else record
        for record in records
    ]


def test_a_deposit_that_differs_by_one_ore_is_refused() -> None:
    for ore in (85_049, 85_051):
        error = refused(replaced(flat.gifts(), "15", 50, f"{ore:018}"))
        assert error.where == "rad 14"
        assert "850,50" in error.why


def test_a_deposit_with_another_number_of_payments_is_refused() -> None:
    assert "4 betalningar" in refused(replaced(flat.gifts(), "15", 71, f"{4:08}")).why


def test_a_changed_amount_is_refused() -> None:
    records = flat.gifts()
    records[2] = records[2].replace("000050000", "000050001")
    assert "850,51" in refused(records).why


def test_a_lost_deposit_is_refused_though_every_sum_holds() -> None:
    records = flat.everything()
    cut = [number for number, record in enumerate(records) if record[:2] == "05"][1]
    error = refused([*records[:cut], records[-1]])

    assert "2 insättningar" in error.why
    assert "finns 1" in error.why


def test_a_last_record_that_miscounts_payments_is_told_and_taken() -> None:
    reading = BgMax(io.BytesIO(flat.lines(replaced(flat.gifts(), "70", 2, f"{4:08}"))))

    assert len(list(reading.lines())) == 3
    assert reading.totals.credits == 4
    [remark] = reading.totals.remarks
    assert "4 betalningar" in remark
    assert "finns 3" in remark


def test_payments_on_nothing_are_counted_and_told() -> None:
    reading = BgMax(io.BytesIO(flat.lines(one(payment(0), payment(100)))))

    assert len(list(reading.lines())) == 1
    assert "0 kronor" in reading.totals.remarks[0]


# Order and form


@pytest.mark.parametrize(
    ("at", "change", "says"),
    [
        (0, lambda all: all[1:], "ingen BgMax-fil"),
        (0, lambda all: [all[0].replace("0120260304", "0220260304"), *all[1:]], "version 02"),
        (0, lambda all: [all[0][:44]], "ingen BgMax-fil"),
        (2, lambda all: [all[0], *all], "kan inte komma efter startposten"),
        (2, lambda all: [all[0], *all[2:]], "kan inte komma efter startposten"),
        (3, lambda all: [*all[:2], *all[-2:]], "kan inte komma efter en öppningspost"),
        (14, lambda all: [r for r in all if r[:2] != "15"], "saknas"),
        (6, lambda all: [*all[:5], all[4], *all[5:]], "kan inte komma efter posten 27"),
        (5, lambda all: [*all[:4], all[3], *all[4:]], "kan inte komma efter posten 26"),
        (16, lambda all: [*all, all[-1]], "kan inte komma efter slutposten"),
        (0, lambda all: all[:-1], "tar slut"),
        (4, lambda all: [*all[:3], "Hej", *all[3:]], "två siffror"),
        (4, lambda all: [*all[:3], all[3] + "x", *all[4:]], "längre än"),
        (3, lambda all: replaced(all, "20", 40, "x"), "18 siffror"),
        (3, lambda all: [r[:50] if r[:2] == "20" else r for r in all], "18 siffror"),
        (3, lambda all: replaced(all, "20", 37, "9" * 18), "orimligt"),
        (2, lambda all: replaced(all, "15", 37, "20260230"), "ingen dag"),
        (2, lambda all: replaced(all, "05", 2, " " * 20), "saknar mottagarens"),
        (2, lambda all: replaced(all, "05", 2, "12x"), "siffror"),
        (2, lambda all: replaced(all, "15", 68, "EUR"), "EUR"),
        (15, lambda all: replaced(all, "70", 2, "x"), "siffror"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    at: int, change: Callable[[list[str]], list[str]], says: str
) -> None:
    error = refused(change(flat.gifts()))

    assert says in error.why
    if at:
        assert error.where in (f"rad {at}", f"insättningsposten (15) efter rad {at}", "rad 2")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n" * 5_000,
        b" " * 5_000,
        b"\x00" * 5_000,
        b"01BGMAX",
        flat.lines(flat.gifts()) + b"\n" * 5_000,
        "".join(flat.gifts()).encode("latin-1") + b" " * 500_000 + b"x",
        flat.lines(flat.gifts())[:200] + b"\x00" * 500_000,
        flat.lines(flat.gifts())[:200] + b"20" * 500_000,
        flat.lines([*flat.gifts()[:3], *["25x"] * 2_000]),
    ],
)
def test_nothing_at_great_length_is_refused(data: bytes) -> None:
    assert refused(data).why


def test_a_name_with_control_characters_is_text() -> None:
    [line] = read(flat.lines(one(payment(100), "26Anna\x00\x07 Ek\x85")))

    assert line.payer.name == "Anna   Ek…"
