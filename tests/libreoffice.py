"""`python -m tests.libreoffice`: every report, opened in LibreOffice as XLSX and as CSV, says the same.

By hand: it wants LibreOffice Calc (apt install libreoffice-calc-nogui). The books are two hundred funds whose
names look like formulas. Prints what differs, and exits with 1 if anything does.
"""

import csv
import datetime
import io
import math
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Any

# Semicolons, quotation marks, UTF-8, every column as Calc takes it, Swedish, text in quotes may be a number.
AS_SWEDISH_CSV = "59,34,76,1,,1053,false,true"
CHOICES: dict[str, dict[str, Any]] = {
    "kvar-att-samla-in": {"ar": "2024", "dag": "2024-10-31"},
    "forandring": {"fran": "2023-01-01", "till": "2023-12-31"},
    "gavor": {"fran": "2024-01-01", "till": "2024-12-31", "delat": "projekt-manad-satt"},
    "omfordelningar": {"fran": "2022-01-01", "till": "2024-12-31"},
    "skattereduktion": {"ar": "2024"},
    "handelser": {"fran": "2024-01-01", "till": "2024-12-31"},
}
Rows = list[list[Any]]


def main() -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        sys.exit("No LibreOffice: apt install libreoffice-calc-nogui")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {"KOLLEKT_VAR": text, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        files = write(folder)
        of_csv, of_xlsx = folder / "of-csv", folder / "of-xlsx"
        convert(office, [*folder.glob("*.csv")], of_csv, f"--infilter=CSV:{AS_SWEDISH_CSV}")
        convert(office, [*folder.glob("*.xlsx")], of_xlsx)
        wrong = []
        for slug in files:
            as_text = [[number(cell) for cell in row] for row in read_csv(folder / f"{slug}.csv")]
            name = f"{slug}.xlsx"
            wrong += compare(f"{slug}.csv", as_text, read_xlsx(of_csv / name))
            wrong += compare(name, read_xlsx(folder / name), read_xlsx(of_xlsx / name))
    for line in wrong:
        print(line)
    print(f"{len(files)} reports compared, {len(wrong)} differences")
    sys.exit(bool(wrong))


def write(folder: Path) -> list[str]:
    """Fetch every report in both forms from a site with books; give their names."""
    import django

    django.setup()
    import time_machine
    from django.core.management import call_command
    from django.test import Client
    from django.test.utils import override_settings
    from django.urls import reverse

    from staff.roles import Role
    from tests import cast, many_funds

    call_command("migrate", verbosity=0)
    with time_machine.travel(many_funds.noon(many_funds.TODAY), tick=False):
        many_funds.write()
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        eskil = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
        for slug, chosen in CHOICES.items():
            for som in ("xlsx", "csv"):
                address = reverse("finance_report", args=[slug])
                answer = eskil.get(address, {**chosen, "som": som})
                (folder / f"{slug}.{som}").write_bytes(answer.getvalue())
    return list(CHOICES)


def convert(office: str, files: list[Path], into: Path, *more: str) -> None:
    """Open the files in LibreOffice and let it write them anew, as workbooks."""
    command = [office, "--headless", *more, "--convert-to", "xlsx", "--outdir", str(into)]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=300)


def compare(name: str, ours: Rows, theirs: Rows) -> list[str]:
    """What is not in LibreOffice as it is in our file: text is text, numbers and days are what they were."""
    told = []
    if len(ours) != len(theirs):
        told.append(f"{name}: {len(ours)} rows became {len(theirs)}")
    for place, (before, after) in enumerate(zip(ours, theirs, strict=False), 1):
        told += [
            f"{name}, row {place}: {one!r} became {other!r}"
            for one, other in zip_longest(before, after)
            if not is_same(one, other)
        ]
    return told


def read_csv(path: Path) -> Rows:
    text = path.read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def read_xlsx(path: Path) -> Rows:
    import openpyxl

    [sheet] = openpyxl.load_workbook(path).worksheets
    found = []
    for row in sheet.iter_rows():
        assert not [cell for cell in row if cell.data_type == "f"], path
        found.append([cell.value for cell in row])
    return found


def number(text: str) -> Any:
    """A cell of our CSV as a sheet has to take it."""
    whole = text.replace("-", "", 1)
    if whole.replace(",", "", 1).isdecimal():
        return float(text.replace(",", "."))
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return text


def is_same(ours: Any, theirs: Any) -> bool:
    """Whether a cell is what it was. To a Swedish sheet "december 2024" is a date, as it should be."""
    from django.utils.formats import date_format

    if isinstance(theirs, datetime.datetime) and isinstance(ours, str):
        return date_format(theirs, "F Y") == ours
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, abs_tol=1e-6)
    return (ours or None) == (theirs or None)


if __name__ == "__main__":
    main()
