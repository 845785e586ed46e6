"""What pages and files say of a fund's figures: read from them, and what plain SQL wants them to say."""

import csv
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pypdf
from django.test import Client
from django.urls import reverse

from donations.money import format_amount, format_kronor
from tests.plain_figures import PlainFigures


def plain_blanks(text: str) -> str:
    """The text with ordinary blanks, as `text_of` gives a page."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def amount(ore: int | None, unknown: str = "–") -> str:
    """An amount as tables have it, without its unit."""
    return unknown if ore is None else plain_blanks(format_amount(ore))


def public_words(its: PlainFigures) -> list[str]:
    """What a project's page and the lists have to say of a figure, as they write it."""
    words = [f"Insamlat {format_kronor(its.collected)}"]
    if its.need:
        words += [f"Insamlingsbehov {format_kronor(its.need)}"]
        words += [f"Kvar att samla in {format_kronor(its.remaining or 0)}"]
    if its.need and its.surplus:
        words.append(f"Överskott {format_kronor(its.surplus)}")
    if into := its.moved_in + its.carried_in:
        words.append(f"Flyttat hit {format_kronor(into)}")
    if out := its.moved_out + its.carried_out:
        words.append(f"Flyttat härifrån −{format_kronor(out)}")
    return [plain_blanks(word) for word in words]


# As a fund's page calls them, in the table of its years.
ACCOUNT = {
    "Ingående belopp": ("opening", 1),
    "Gåvor": ("gifts", 1),
    "Gåvor som har placerats här": ("placements", 1),
    "Återbetalt till givare": ("refunds", -1),
    "Insamlat": ("collected", 1),
    "Överfört från förra året": ("carried_in", 1),
    "Överfört till nästa år": ("carried_out", -1),
    "Omfördelat hit": ("moved_in", 1),
    "Omfördelat härifrån": ("moved_out", -1),
    "Tillgängligt": ("available", 1),
    "Behov": ("need", 1),
    "Kvar att samla in": ("remaining", 1),
    "Överskott": ("surplus", 1),
    "Utbetalt till partner": ("disbursed", -1),
    "I kassan": ("cash", 1),
}


def account_of(its: PlainFigures) -> dict[str, str]:
    """What a fund's page has to say of each figure, by what it calls it."""
    amounts = {label: (getattr(its, name), sign) for label, (name, sign) in ACCOUNT.items()}
    return {
        label: plain_blanks(format_kronor(sign * ore))
        if ore is not None
        else ("inte bestämt" if label == "Behov" else "okänt")
        for label, (ore, sign) in amounts.items()
    }


# Tables on pages


@dataclass
class Cells(HTMLParser):
    """The rows of a page's tables, each with the text of its cells by what they are labelled."""

    rows: list[dict[str, str]] = field(default_factory=list)
    label: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append({})
        if tag in ("td", "th"):
            self.label = dict(attrs).get("data-label") or "row"
            if self.rows:
                self.rows[-1].setdefault(self.label, "")
        elif tag == "span" and ("class", "of") in attrs:
            self.label = None  # what stands beside the figure
        elif tag == "svg":
            self.label = None

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.label = None

    def handle_data(self, data: str) -> None:
        if self.label and self.rows:
            self.rows[-1][self.label] += data


def rows_of(response: Any) -> list[dict[str, str]]:
    """Every row of the page's tables, by the labels of its cells; its heading is "row"."""
    found = Cells()
    found.feed(response.content.decode())
    return [{name: " ".join(text.split()) for name, text in row.items()} for row in found.rows]


# Files

# Columns with text, or that nothing of money stands in.
TEXTS = {"Nummer", "Insamling", "Projekt", "År", "Från", "Till", "Fokusområde"}
Sheet = list[dict[str, Any]]


def sheets(client: Client, slug: str, **chosen: Any) -> tuple[Sheet, Sheet]:
    """A report's rows by their headings, as the workbook and as the CSV have them; amounts in öre."""
    fetched = [_fetched(client, slug, som, chosen) for som in ("xlsx", "csv")]
    [sheet] = openpyxl.load_workbook(io.BytesIO(fetched[0]), read_only=True).worksheets
    of_workbook = [list(row) for row in sheet.iter_rows(values_only=True)]
    # Above the table stands what it is about, and below its sum what is to be known.
    heading = next(at for at, row in enumerate(of_workbook) if "Nummer" in row or "Belopp" in row)
    text = io.StringIO(fetched[1].decode("utf-8-sig"), newline="")
    return _sheet(of_workbook[heading:]), _sheet(
        [list(row) for row in csv.reader(text, delimiter=";")]
    )


def _fetched(client: Client, slug: str, som: str, chosen: dict[str, Any]) -> bytes:
    answer = client.get(reverse("finance_report", args=[slug]), {**chosen, "som": som})
    assert answer.status_code == 200
    return answer.getvalue()


def _sheet(lines: list[list[Any]]) -> Sheet:
    names, *rows = lines
    end = next((at for at, row in enumerate(rows) if row[0] == "Summa"), len(rows))
    return [
        {name: cell if name in TEXTS else ore(cell) for name, cell in zip(names, row, strict=False)}
        for row in rows[: end + 1]
        # The sum of a group stands in the workbook alone.
        if not str(row[0]).startswith("Summa ")
    ]


def ore(cell: Any) -> Any:
    """An amount in öre; None when there is none. What is no amount stays as it is."""
    if cell in (None, ""):
        return None
    if isinstance(cell, str) and "," in cell and cell.lstrip("-").replace(",", "").isdecimal():
        return int(cell.replace(",", ""))
    return round(cell * 100) if isinstance(cell, int | float) else cell


def text_of_pdf(content: bytes) -> str:
    """What stands on the pages, as a person reads it."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    text = " ".join(page.extract_text() for page in pages)
    return " ".join(text.replace("\N{SOFT HYPHEN}", "").replace("\N{ZERO WIDTH SPACE}", "").split())
