"""A second reader of Swish reports, for what a file is worth and nothing else. Written from the banks' tables.

Only to be asked about files that the parser has accepted.
"""

import csv
from decimal import Decimal

IN, OUT = ("SWH", "SWT", "SWZ"), ("SWR", "SWU")


def read(data: bytes) -> dict[str, int]:
    """The payments in and out, and their sums in öre."""
    rows = [
        line
        for line in _text(data).replace("\r", "\n").split("\n")
        if line.strip(" ,;\t\0\x1a\x85")
    ]
    movements = _handelsbanken(rows) if rows[0].lstrip('" ').startswith("01") else _swedbank(rows)
    found = {"credits": 0, "credit_ore": 0, "debits": 0, "debit_ore": 0}
    for amount in movements:
        side = "credit" if amount > 0 else "debit"
        found[side + "s"] += 1
        found[side + "_ore"] += int(abs(amount) * 100)
    return found


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _fields(row: str, mark: str) -> list[str]:
    if row.count('"') % 2:  # a quote of the payer's own
        return row.split(mark)
    return next(csv.reader([row], delimiter=mark))


def _decimal(field: str) -> Decimal:
    return Decimal("".join(c for c in field if c in "0123456789,.+-").replace(",", "."))


def _letters(field: str) -> str:
    return "".join(c for c in field if c.isascii() and c.isalpha())


def _handelsbanken(rows: list[str]) -> list[Decimal]:
    mark = max(",;\t", key=rows[0].count)
    amounts = []
    for row in rows:
        fields = [field.strip() for field in _fields(row, mark)]
        if fields[0][:2] != "02":
            continue
        amount = abs(_decimal(fields[7]))
        kind = _letters(fields[6])
        assert kind in IN + OUT
        amounts.append(amount if kind in IN else -amount)
    return amounts


def _swedbank(rows: list[str]) -> list[Decimal]:
    start = next(at for at, row in enumerate(rows) if "Belopp" in _letters(row))
    mark = max(",;\t", key=rows[start].count)
    heads = [_letters(head) for head in _fields(rows[start], mark)]
    from_the_right = heads.index("Belopp") - len(heads)
    return [_decimal(_fields(row, mark)[from_the_right]) for row in rows[start + 1 :]]
