"""What reading BgMax is measured by: a bare loop that slices the fields, and as many gifts as one asks for.

`make bench ARGS=bankfiles` measures with these.
"""

import datetime
from collections.abc import Iterator
from typing import BinaryIO

from tests.bankfiles import flat
from tests.bankfiles.camt_work import DAY, NUMBERS, ocr

NAMES = ["Åsa Lindström", "Per Berg", "Eva Holm"]


def write_gifts(
    count: int,
    stream: BinaryIO,
    per_deposit: int = 1_000,
    *,
    day: datetime.date = DAY,
    days: int = 1,
) -> None:
    """`count` gifts with names and addresses, every fourth with a message, every other from a company.

    The deposits are spread over some days from `day` on.
    """
    records = flat.start().ljust(80) + "\n"
    stream.write(records.encode())
    deposits = 0
    for first in range(0, count, per_deposit):
        gifts = [
            record for n in range(first, min(first + per_deposit, count)) for record in _gift(n)
        ]
        on = day + datetime.timedelta(days=first * days // count)
        deposits += 1
        section = flat.Section(gifts, serial=f"{deposits % 100_000:05}", day=f"{on:%Y%m%d}")
        stream.write(flat.lines([f"{record:<80}" for record in section.closed()]))
    stream.write(flat.lines([f"{flat.end(count, 0, 0, deposits):<80}"]))


def _gift(n: int) -> Iterator[str]:
    number = NUMBERS[n % len(NUMBERS)]
    yield flat.payment(
        5_000 + n % 90_000, ocr(number), code="2", serial=f"{n + 1:012}", giro="50501055"
    )
    if n % 4 == 0:
        yield from flat.message(f"Gåva till brunnar {number}")
    identity = "5590000005" if n % 2 else ""
    yield from flat.details(NAMES[n % 3], "Storgatan 2", "90325", "Umeå", identity)


def bare_loop(stream: BinaryIO) -> int:
    """Read each record and slice its fields, making nothing of them. How many payments there were."""
    payments = 0
    for raw in stream:
        text = raw.decode("latin-1")
        code = text[:2]
        if code == "20":
            payments += 1
            _ = text[2:12].lstrip("0"), text[12:37].strip(), int(text[37:55]), text[55]
            _ = text[56], text[57:69], text[69]
        elif code == "26":
            _ = text[2:37].strip(), text[37:72].strip()
        elif code == "27":
            _ = text[2:37].strip(), text[37:46].strip()
        elif code == "28":
            _ = text[2:37].strip(), text[37:72].strip(), text[72:74]
        elif code == "29":
            _ = text[2:14].lstrip("0")
        elif code == "25":
            _ = text[2:52].strip()
        elif code == "15":
            _ = text[2:37], text[37:45], text[45:50], int(text[50:68]), int(text[71:79])
    return payments
