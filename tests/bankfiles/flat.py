"""BgMax and Swish files for the tests, written from the field tables. Every name and number is invented.

`python -m tests.bankfiles.flat` writes tests/bankfiles/flat/ anew: the files alone. The JSON beside
each is what a person has read it to be.
"""

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).with_name("flat")
OURS, ACCOUNT = "9912346", "5440" + "000001234567"


# BgMax


def start(mark: str = "P", version: str = "01") -> str:
    return f"01{'BGMAX':<20}{version}20260304060000123456{mark}"


def opening(bankgiro: str = OURS, plusgiro: str = "", currency: str = "SEK") -> str:
    return f"05{bankgiro:>010}{plusgiro:>10}{currency}"


def payment(
    amount_ore: int,
    reference: str = "",
    *,
    code: str = "3",
    type: str = "20",
    channel: str = "1",
    serial: str = "",
    giro: str = "",
    cut: str = "",
) -> str:
    """Records 20 to 23; a checked OCR number stands to the right in its field."""
    place = f"{reference:>25}" if code in "24" else f"{reference:<25}"
    return f"{type}{giro:>010}{place}{amount_ore:018}{code}{channel}{serial:>12}0{cut}"


def details(
    name: str = "",
    address: str = "",
    postcode: str = "",
    town: str = "",
    identity: str = "",
    country: str = "",
    more: str = "",
) -> list[str]:
    """Records 26 to 29, those that there is something for."""
    land = f"{'':35}{country}" if country else ""
    return [
        *([f"26{name:<35}{more}"] if name else []),
        *([f"27{address:<35}{postcode}"] if address or postcode else []),
        *([f"28{town:<35}{land}"] if town else []),
        *([f"29{identity:>012}"] if identity else []),
    ]


def message(*texts: str) -> list[str]:
    return [f"25{text}" for text in texts]


def deposit(
    amount_ore: int, count: int, serial: str = "00017", day: str = "20260303", currency: str = "SEK"
) -> str:
    sign = " " if amount_ore >= 0 else "D"
    return f"15{ACCOUNT:>035}{day}{serial}{abs(amount_ore):018}{currency}{count:08}{sign}"


def end(payments: int, deductions: int, references: int, deposits: int) -> str:
    return f"70{payments:08}{deductions:08}{references:08}{deposits:08}"


@dataclass
class Section:
    """What stands between records 05 and 15; the sum and the number in 15 are reckoned from it."""

    records: list[str]
    serial: str = "00017"
    day: str = "20260303"
    opening: str = field(default_factory=opening)
    currency: str = "SEK"

    def closed(self) -> list[str]:
        amounts = [
            (1 if record[1] == "0" else -1) * int(record[37:55])
            for record in self.records
            if record[:2] in ("20", "21")
        ]
        last = deposit(sum(amounts), len(amounts), self.serial, self.day, self.currency)
        return [self.opening, *self.records, last]


def bgmax(*sections: Section, mark: str = "P") -> list[str]:
    """A whole file's records, each eighty characters."""
    body = [record for section in sections for record in section.closed()]
    kinds = [record[:2] for record in body]
    extra = kinds.count("22") + kinds.count("23")
    last = end(kinds.count("20"), kinds.count("21"), extra, kinds.count("15"))
    return [f"{record:<80}" for record in (start(mark), *body, last)]


def lines(records: list[str], line_break: str = "\n", encoding: str = "latin-1") -> bytes:
    return "".join(record + line_break for record in records).encode(encoding)


def gifts() -> list[str]:
    """Three gifts: by OCR number, by a message, and one that says nothing; the last has no serial."""
    return bgmax(
        Section(
            [
                payment(50_000, "470302", code="2", serial="000000000101", giro="50501055"),
                *details("Åsa Lindström", "Ängsvägen 3", "90325", "Umeå"),
                payment(25_050, "gåva till brunnar", serial="000000000102"),
                *message("Till projekt 47030, med tack för", "allt ni gör"),
                *details(
                    "Företaget i Örebro AB", town="Örebro", identity="5590000005", more="Kassan"
                ),
                payment(10_000),
            ]
        )
    )


def everything() -> list[str]:
    """Two deposits: extra references with and without part amounts, a deduction, Autogiro, 0 kronor, a plusgiro."""
    part = {"code": "5", "serial": "000000000204"}
    return bgmax(
        Section(
            [
                payment(80_000, serial="000000000201", code="0", channel="2"),
                payment(0, "470302", type="22", code="2", serial="000000000201"),
                payment(0, "471102", type="22", code="2", serial="000000000201"),
                *message("En rad som fyller hela sitt fält och slutar på 470", "30"),
                *details(
                    "Bengt Berg", "Box 1", "12345", "Lund", country="SE", identity="5590000013"
                ),
                payment(20_000, "471102", code="2", serial="000000000202"),
                payment(5_000, "kredit", type="21", serial="000000000203", cut="0"),
                payment(90_000, code="0", serial="000000000204"),
                payment(60_000, "47030", type="22", **part),
                payment(40_000, "47110", type="22", **part),
                payment(10_000, "47030", type="23", **part),
                *details("Cilla Ceder"),
            ],
            serial="00018",
        ),
        Section(
            [
                payment(15_000, "0000000000001234", channel="4", serial="000000000205"),
                *details("David Dal"),
                payment(0, "nollad", serial="000000000206"),
            ],
            serial="00001",
            day="20260304",
            opening=opening("", "9012238"),
        ),
    )


# Swish

SWEDBANK = (
    "Radnr,Clnr,Kontonr,Bokfdag,Transdag,Valutadag,Mottagarnr,Mottagarnamn,Avsändarnr,Avsändarnamn,"
    "Meddelande,Tid,Belopp,Orderreferens"
)
SWISH = "1230000000"


def swedbank(rows: list[str], mark: str = ",") -> bytes:
    """Rows from Transdag on, without number, clearing number, account and day of booking."""
    body = [f"{n},81059,1234567890,2026-03-03,{row}" for n, row in enumerate(rows, start=1)]
    text = [
        "* Swish-rapport Avser 2026-03-01 - 2026-03-03 Skapad 2026-03-04 06:00 CET",
        SWEDBANK,
        *body,
    ]
    return "".join(line.replace(",", mark) + "\r\n" for line in text).encode("cp1252")


def swedbank_gifts() -> bytes:
    ours = f"2026-03-03,{SWISH},INSAMLINGEN"
    return swedbank(
        [
            f"2026-03-03,{ours},+46700000001,ÅSA LINDSTRÖM,47030,08:15,500.00,",
            f"2026-03-03,{ours},+46700000002,Bo Öman,Gåva,09:01,100.00,",
            f"2026-03-03,{ours},+46700000002,Bo Öman,Gåva,09:01,100.00,",
            f'2026-03-02,{ours},+46700000003,Cia Ek,"Till Nepal, 47110",23:59,75.50,A17',
            f"2026-03-03,2026-03-03,+46700000002,Bo Öman,{SWISH},INSAMLINGEN,Åter,10:30,-100.00,",
        ]
    )


def handelsbanken(rows: list[list[str]], mark: str = ";", encoding: str = "latin-1") -> bytes:
    """Rows 02 without their first five fields: organisation, account, BIC and our number are the same."""
    ours = ["02", "5590000005", "123456789", "HANDSESS", SWISH]
    text = [
        ["01", "2026-03-04", "2026-03-03", "06:00"],
        *(ours + row for row in rows),
        ["03", str(len(rows))],
    ]
    return "".join(mark.join(row) + "\r\n" for row in text).encode(encoding)


def swish_row(
    type: str,
    amount: str,
    reference: str,
    text: str = "",
    name: str = "Åsa Lindström",
    mobile: str = "+46700000001",
    order: str = "",
    more: tuple[str, ...] = (),
    currency: str = "SEK",
) -> list[str]:
    stamp = "2026-03-03T08:15:22:683413"
    return [
        "2026-03-03",
        type,
        amount,
        currency,
        mobile,
        name,
        reference,
        text,
        order,
        stamp,
        *more,
    ]


def handelsbanken_gifts() -> bytes:
    """An older file, fields to the fifteenth, blanks round some of them."""
    return handelsbanken(
        [
            swish_row("SWH", "500,00", " 4469411476090001", "47030"),
            swish_row(
                "SWH", "75,5", "4469411476090002 ", " Till mormor ", "Bo Öman", "+46700000002"
            ),
        ]
    )


def handelsbanken_all_types() -> bytes:
    more = ("2026-03-04", "INSTR1", "E2E1")
    rows = [
        ("SWH", "2300.50"),
        ("SWR", "-100.00"),
        ("SWT", "100.00"),
        ("SWU", "40.00"),
        ("SWZ", "40.00"),
    ]
    return handelsbanken(
        [
            swish_row(type, amount, f"44694114760910{n:02}", f"nr {n}", order=f"O{n}", more=more)
            for n, (type, amount) in enumerate(rows)
        ],
        mark=",",
        encoding="utf-8",
    )


FILES = {
    "bgmax-gifts.txt": lambda: lines(gifts(), "\r\n"),
    "bgmax-everything.txt": lambda: "".join(everything()).encode("latin-1"),
    "bgmax-test-marked.txt": lambda: lines(
        bgmax(Section([payment(10_000, "470302", code="2", serial="000000000301")]), mark="T")
    ),
    "swish-swedbank.csv": swedbank_gifts,
    "swish-handelsbanken.csv": handelsbanken_gifts,
    "swish-handelsbanken-types.csv": handelsbanken_all_types,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, made in FILES.items():
        (FOLDER / name).write_bytes(made())
