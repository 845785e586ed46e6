"""Swish reports from two banks, in the shapes they come in, and what is refused in them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from donations.bankfiles import text
from donations.bankfiles.recognise import recognise
from donations.bankfiles.records import Ground, Kind, Line, Refused, Way
from donations.bankfiles.swish import Handelsbanken, Swedbank
from tests.bankfiles import flat
from tests.bankfiles.flat import SWISH, handelsbanken, swedbank, swish_row
from tests.bankfiles.golden import told

pytestmark = pytest.mark.once

SAMPLES = Path(__file__).parents[2] / "shared" / "reference" / "samples"
OURS = f"2026-03-03,2026-03-03,{SWISH},INSAMLINGEN"
PAYER = "+46700000001,Åsa Lindström"


def read(data: bytes) -> list[Line]:
    return list(recognise(io.BytesIO(data)).lines())


def refused(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize(
    "path", sorted(flat.FOLDER.glob("swish-*.csv")), ids=lambda path: path.stem
)
def test_a_report_reads_as_a_person_has_read_it(path: Path) -> None:
    assert told(recognise(io.BytesIO(path.read_bytes()))) == json.loads(
        path.with_suffix(".json").read_text()
    )
    assert path.read_bytes() == flat.FILES[path.name]()


@pytest.mark.parametrize(
    ("name", "reader", "count", "ore"),
    [
        ("swish-handelsbanken-comma", Handelsbanken, 2, 380_050),
        ("swish-handelsbanken-semicolon", Handelsbanken, 2, 380_050),
        ("swish-swedbank", Swedbank, 10, 895_140),
    ],
)
def test_the_banks_own_examples(name: str, reader: type, count: int, ore: int) -> None:
    path = SAMPLES / f"{name}.csv"
    if not path.exists():
        pytest.skip("the samples are not here")
    found = list(reader(io.BytesIO(path.read_bytes())).lines())

    assert (len(found), sum(line.amount_ore for line in found)) == (count, ore)


def anew(data: bytes, encoding: str, line_break: str) -> bytes:
    return data.decode("cp1252").replace("\r\n", line_break).encode(encoding)


def mojibake(data: bytes) -> bytes:
    return data.decode("cp1252").encode().decode("latin-1").encode()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "lf": lambda data: anew(data, "cp1252", "\n"),
    "cr": lambda data: anew(data, "cp1252", "\r"),
    "utf-8": lambda data: anew(data, "utf-8", "\r\n"),
    "bom": lambda data: anew(data, "utf-8-sig", "\n"),
    "mojibake": mojibake,
    "no last line break": lambda data: data.rstrip(),
    "blank lines": lambda data: b"\r\n" + data.replace(b"\r\n", b"\r\n\r\n"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("made", [flat.swedbank_gifts, flat.handelsbanken_gifts])
def test_the_same_report_reads_the_same(made: Callable[[], bytes], way: str) -> None:
    expected, found = read(made()), read(WAYS[way](made()))

    assert [line.row for line in found] == [line.row for line in expected]
    assert [line.payer for line in found] == [line.payer for line in expected]


def test_letters_that_were_taken_for_others_several_times_over_are_mended() -> None:
    once = "Åsa Öberg ”47030”"
    thrice = once.encode().decode("latin-1").encode().decode("latin-1").encode().decode("latin-1")

    assert text.clean(once) == once
    assert text.clean(thrice) == once
    assert text.clean("Ann\x93a\x94\0") == "Ann“a” "


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("amount", ["75.50", "75,5", "75.500"])
def test_any_separator_and_either_decimal_sign(mark: str, amount: str) -> None:
    if mark == "," and "," in amount:
        amount = f'"{amount}"'
    rows = [f"{OURS};{PAYER};47030;08:15;{amount};".replace(",", ";")]
    swed = swedbank([]).decode("cp1252").replace(",", mark)
    swed += f"1;81059;1234567890;2026-03-03;{rows[0]}".replace(";", mark) + "\r\n"
    if mark != "," and "," in amount:
        swed = swed.replace("75;5", "75,5").replace("75\t5", "75,5")
    [ours] = read(handelsbanken([swish_row("SWH", amount, "4469411476090001")], mark))

    assert ours.amount_ore == 7_550
    if "," not in amount:
        assert [line.amount_ore for line in read(swed.encode("cp1252"))] == [7_550]


# Swedbank


def test_a_refund_stands_with_payer_and_payee_swapped() -> None:
    paid, back = read(
        swedbank(
            [
                f"{OURS},{PAYER},47030,08:15,100.00,",
                f"2026-03-03,2026-03-03,{PAYER},{SWISH},INSAMLINGEN,Åter,09:00,-100.00,",
            ]
        )
    )

    assert paid.to == back.to
    assert paid.payer == back.payer
    assert (back.way, back.kind, back.amount_ore) == (Way.OUT, Kind.RETURN, 10_000)


def test_the_same_payment_in_two_overlapping_reports_has_the_same_row() -> None:
    first, second = f"{OURS},{PAYER},47030,08:15,100.00,", f"{OURS},{PAYER},47110,08:16,100.00,"

    assert read(swedbank([first, second]))[1].row == read(swedbank([second]))[0].row


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_row_that_is_gone_or_twice_is_noticed_by_its_number(gone: int) -> None:
    rows = swedbank([f"{OURS},{PAYER},nr {n},08:15,100.00," for n in range(4)]).split(b"\r\n")
    assert f"nummer {gone + 1}" in refused(b"\r\n".join(rows[: 2 + gone] + rows[3 + gone :])).why
    assert "dubbel" in refused(b"\r\n".join(rows[: 3 + gone] + rows[2 + gone :])).why


def test_a_message_may_hold_the_separator_and_quotes_that_do_not_pair() -> None:
    [line] = read(swedbank([f'{OURS},{PAYER},"Ja, "nu" 47030, tack,08:15,100.00,A1']))

    assert line.references[0].text == '"Ja,"nu" 47030,tack'
    assert line.references[1].ground is Ground.REFERENCE
    assert line.amount_ore == 10_000


def test_nobody_can_write_an_amount_of_their_own_in_a_message() -> None:
    for forged in ("x,08:15,9999.00,", "x,y,08:15,9999.00,"):
        [line] = read(swedbank([f"{OURS},{PAYER},{forged},08:15,1.00,"]))
        assert line.amount_ore == 100

    stamp = "2026-03-03T08:15:22:683413"
    row = swish_row("SWH", "1.00", "4469411476090001", f"x,,{stamp},2020-01-01")
    [line] = read(handelsbanken([row], mark=","))
    assert (line.amount_ore, line.booked_on.year) == (100, 2026)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (f"{OURS},{PAYER},47030,08:15,100.005,", "fler än två decimaler"),
        (f"{OURS},{PAYER},47030,08:15,0.00,", "0 kronor"),
        (f"{OURS},{PAYER},47030,08:15,,", "inget belopp"),
        (f"{OURS},{PAYER},47030,08:15,1e5,", "inget belopp"),
        (f"{OURS},{PAYER},47030,08:15,100000000000.00,", "stort"),
        (f"{OURS},{PAYER},47030,08:15,100", "fält"),
        (f"{OURS},{PAYER},47030,08:15,-100.00,", "Swishnummer"),
        (f"{OURS},{PAYER},47030,08:15,100.00,A,17", "15 fält"),
        (f"2026-03-03,2026-03-03,0701234567,ANNAN,{PAYER},47030,08:15,100.00,", "Swishnummer"),
    ],
)
def test_a_row_that_cannot_be_read_refuses_the_file(row: str, says: str) -> None:
    error = refused(swedbank([f"{OURS},{PAYER},47030,08:15,1.00,", row]))

    assert says in error.why
    assert error.where == "rad 4"
    assert error.content.startswith("2,81059")


def test_a_day_that_is_none_refuses_the_file() -> None:
    data = swedbank([f"{OURS},{PAYER},47030,08:15,1.00,"]).replace(b"2026-03-03", b"2026-02-30", 4)
    assert "ingen dag" in refused(data).why


def test_headings_that_have_lost_their_letters_are_known() -> None:
    data = swedbank([f"{OURS},{PAYER},47030,08:15,1.00,"])
    assert len(read(data.replace("Avsändar".encode("cp1252"), "Avs\ufffdndar".encode()))) == 1


# Handelsbanken


@pytest.mark.parametrize(
    ("type", "way", "kind"),
    [
        ("SWH", Way.IN, Kind.PAYMENT),
        ("SWR", Way.OUT, Kind.RETURN),
        ("SWT", Way.IN, Kind.RETURN),
        ("SWU", Way.OUT, Kind.PAYMENT),
        ("SWZ", Way.IN, Kind.RETURN),
    ],
)
def test_types_mean_what_the_bank_says(type: str, way: Way, kind: Kind) -> None:
    [line] = read(handelsbanken([swish_row(type, "1,00", "4469411476090001")]))

    assert (line.way, line.kind) == (way, kind)


def test_the_day_of_booking_is_field_16_where_there_is_one() -> None:
    old = swish_row("SWH", "1,00", "4469411476090001")
    new = swish_row("SWH", "1,00", "4469411476090001", more=("2026-03-05", "I", "E"))
    [older], [newer] = read(handelsbanken([old])), read(handelsbanken([new]))

    assert (older.booked_on.day, newer.booked_on.day) == (3, 5)
    assert older.row == newer.row
    assert older.bank_id == newer.bank_id


def test_another_currency_is_set_aside() -> None:
    [line] = read(handelsbanken([swish_row("SWH", "1,00", "4469411476090001", currency="EUR")]))

    assert (line.currency, bool(line.aside)) == ("EUR", True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("03;2", "03;3"), "räknar 3"),
        (lambda text: text.replace("03;2", "03"), "räknar inga"),
        (lambda text: text.replace("03;2\r\n", ""), "tar slut"),
        (lambda text: text + "03;2\r\n", "börjar med ”03”"),
        (lambda text: text.replace("02;", "04;", 1), "börjar med ”04”"),
        (lambda text: text.replace("SWH", "SWX", 1), "Typen ”SWX”"),
        (lambda text: text.replace("500,00", "-500,00"), "kan inte vara negativ"),
        (lambda text: text.replace(" 4469411476090001", "Sven"), "betalningsreferens"),
        (lambda text: text.replace(";+46700000001", ""), "fält"),
        (lambda text: text.replace("123456789", "12345678X", 1), "kontonummer"),
    ],
)
def test_what_is_wrong_in_handelsbankens_is_told(change: Callable[[str], str], says: str) -> None:
    whole = flat.handelsbanken_gifts().decode("latin-1")
    assert change(whole) != whole
    assert says in refused(change(whole).encode("latin-1")).why


@pytest.mark.parametrize(
    "data",
    [
        swedbank([]) + b"\r\n" * 5_000,
        swedbank([]) + b"\x00" * 500_000,
        swedbank([]) + b"1," * 500_000,
        handelsbanken([])[:-5] + b"0" * 500_000,
        handelsbanken([]) + b"\n" * 5_000,
        b"01;2026-03-03",
        b"01",
    ],
)
def test_nothing_at_great_length_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        read(data)


@pytest.mark.parametrize("reader", [Swedbank, Handelsbanken])
@pytest.mark.parametrize("data", [b"", b"hej", flat.swedbank([])[:40], b"\x00" * 99, b"02;1\n03;1"])
def test_what_is_another_file_is_refused_at_once(reader: type, data: bytes) -> None:
    with pytest.raises(Refused):
        reader(io.BytesIO(data))
