"""What kind of file it is can be told from its first bytes, and what is none is refused with what would be right."""

import io
import zipfile
from pathlib import Path

import pytest

from donations.bankfiles.bgmax import BgMax
from donations.bankfiles.camt import Camt
from donations.bankfiles.recognise import FORMATS, Unrecognised, recognise
from donations.bankfiles.records import Refused
from donations.bankfiles.swish import Handelsbanken, Swedbank

pytestmark = pytest.mark.once

CAMT = (Path(__file__).parent / "bankfiles/camt/054-02-ocr.xml").read_bytes()
BGMAX = b"01BGMAX               0120260303173035010331P".ljust(80) + b"\r\n"
HANDELSBANKEN = b"01,2026-03-04,2026-03-03,\r\n03,0\r\n"
SWEDBANK = (
    "* Swish-rapport Avser 2026-03-03 - 2026-03-03 Skapad 2026-03-04 09:45 CET\r\n"
    "Radnr,Clnr,Kontonr,Bokfdag,Transdag,Valutadag,Mottagarnr,Mottagarnamn,Avsändarnr,"
    "Avsändarnamn,Meddelande,Tid,Belopp,Orderreferens\r\n"
).encode("cp1252")
# The same without its title, in tabs, as a spreadsheet saves it.
SWEDBANK_SAVED = SWEDBANK.decode("cp1252").partition("\r\n")[2].replace(",", "\t").encode()

BEGINNINGS: list[tuple[bytes, type]] = [
    (CAMT, Camt),
    (CAMT.partition(b"?>")[2], Camt),
    (BGMAX, BgMax),
    (BGMAX.rstrip(), BgMax),
    (HANDELSBANKEN, Handelsbanken),
    (HANDELSBANKEN.replace(b",", b";"), Handelsbanken),
    (SWEDBANK, Swedbank),
    (SWEDBANK_SAVED, Swedbank),
    (b"Betalningar i mars\r\n" + SWEDBANK_SAVED.upper(), Swedbank),
]


@pytest.mark.parametrize(("data", "reading"), BEGINNINGS)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n\r\n"], ids=["", "BOM", "breaks"])
def test_each_format_is_known_by_its_first_bytes(data: bytes, reading: type, before: bytes) -> None:
    assert type(recognise(io.BytesIO(before + data))) is reading


def test_where_the_stream_stands_does_not_matter() -> None:
    stream = io.BytesIO(CAMT)
    stream.seek(100)
    assert len(list(recognise(stream).lines())) == 3


def sheet() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7 \n", "pdf"),
        (b"\x1f\x8b\x08\x00abcdef", "gzip"),
        (sheet(), "Excel"),
        (b"\x89PNG\r\n\x1a\n", "känns inte igen"),
        (b"Datum;Belopp;Meddelande\n2026-03-03;100;47030\n", "känns inte igen"),
        (b"01 den 3 mars\n", "känns inte igen"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "varken camt.053"),
        (b"\xff" * 100, "känns inte igen"),
    ],
)
def test_what_is_none_of_them_is_told_what_can_be_read(data: bytes, says: str) -> None:
    with pytest.raises(Unrecognised) as caught:
        recognise(io.BytesIO(data))
    assert says in caught.value.why
    for kind in FORMATS:
        assert kind.name in caught.value.why
    assert "kolumnmall" in caught.value.why


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "tom"),
        (b" \r\n\t" * 1_000, "tomrum"),
        (b"\xef\xbb\xbf", "tomrum"),
        (CAMT.decode().encode("utf-16"), "UTF-16"),
        (CAMT.decode().encode("utf-16-le"), "UTF-16"),
        (CAMT.decode().encode("utf-16-be"), "UTF-16"),
        (CAMT.decode().encode("utf-32"), "UTF-16"),
        (BGMAX.decode().encode("utf-16"), "UTF-16"),
        (CAMT.replace(b"<Document", b"<!DOCTYPE a><Document"), "DOCTYPE"),
        (b"<!doctype html>\n<html><body>Logga in</body></html>", "webbsida"),
        (b"\n<HTML lang='sv'><body>Logga in</body></HTML>", "webbsida"),
        (CAMT[:60], "mitt i"),
        (CAMT.replace(b"<GrpHdr>", b"<GrpHdr", 1), "XML"),
    ],
)
def test_a_file_that_came_to_harm_is_refused_for_that(data: bytes, says: str) -> None:
    with pytest.raises(Refused) as caught:
        recognise(io.BytesIO(data))
    assert not isinstance(caught.value, Unrecognised)
    assert says in caught.value.why


class Nothing(io.RawIOBase):
    """Two gigabytes of one byte, that count how many of them are asked for."""

    def __init__(self, byte: bytes) -> None:
        self.byte, self.at, self.read_in_all = byte, 0, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        assert whence == 0
        self.at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= 1 << 20, "never the whole"
        size = min(size, (2 << 30) - self.at)
        self.at += size
        self.read_in_all += size
        return self.byte * size


@pytest.mark.parametrize("byte", [b"\0", b" ", b"\n", b"a", b"0", b"<", b"*", b"\xff"])
def test_two_gigabytes_of_nothing_are_refused_without_being_read(byte: bytes) -> None:
    nothing = Nothing(byte)
    with pytest.raises(Refused):
        recognise(nothing)  # type: ignore[arg-type]
    assert nothing.read_in_all < 4 << 20


@pytest.mark.parametrize("begun", [CAMT[:2_000], CAMT.partition(b"</Ntfctn>")[0]])
def test_nor_is_what_comes_after_a_good_beginning(begun: bytes) -> None:
    class Begun(Nothing):
        def read(self, size: int = -1) -> bytes:
            start = self.at
            return (
                (begun[start:] + super().read(size))[:size]
                if start < len(begun)
                else super().read(size)
            )

    begun_well = Begun(b" ")
    with pytest.raises(Refused):
        list(recognise(begun_well).lines())  # type: ignore[arg-type]
    assert begun_well.read_in_all < 4 << 20
