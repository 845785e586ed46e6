"""A second reader of a CSV report by columns, for what it is worth and nothing else.

Only to be asked about files that the mapping has accepted.
"""

import csv
import io
from decimal import Decimal


def read(data: bytes, mark: str, column: int, skip: int) -> dict[str, int]:
    """The amounts in a column below `skip` rows, in and out, and their sums in öre; decimal comma."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    found = {"credits": 0, "credit_ore": 0, "debits": 0, "debit_ore": 0}
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    for row in rows[skip:]:
        if not any(cell.strip("\0\x1a \t\r\n") for cell in row):
            continue
        plain = "".join(c for c in row[column] if c in "0123456789,-−–")
        plain = plain.replace(",", ".").replace("−", "-").replace("–", "-")
        amount = -Decimal(plain[:-1]) if plain.endswith("-") else Decimal(plain)
        side = "credit" if amount > 0 else "debit"
        found[side + "s"] += 1
        found[side + "_ore"] += int(abs(amount) * 100)
    return found
