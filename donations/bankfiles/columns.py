"""Which column of a sheet is probably what, from its headings and its cells: a suggestion for a person.

A heading is known by words that Swedish banks and services use; what stands under it must be such
as it says, or it is passed over. Without headings the cells alone tell the day, the sum and the text.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from donations.bankfiles import numbers
from donations.bankfiles.identity import plain
from donations.bankfiles.mapped import DAY_FORMATS, Look, parse_amount, parse_day
from donations.bankfiles.records import Number, Scheme

__all__ = ["suggest"]

Column = Sequence[str]

# The headings of each meaning, as `plain` has them, the surest first.
HEADINGS = {
    "date": (
        *(
            "bokforingsdag",
            "bokforingsdatum",
            "bokfdag",
            "bokford",
            "bokfort",
            "reskontradatum",
            "booking date",
            "transaktionsdag",
        ),
        *("transaktionsdatum", "transdag", "betalningsdatum", "betaldatum", "betalningsdag"),
        *("datum", "dag", "date", "skapad", "tidpunkt", "created", "valutadag", "valutadatum"),
    ),
    "amount": (
        *("belopp", "belopp sek", "belopp i sek", "belopp kr", "bruttobelopp", "summa"),
        *("transaktionsbelopp", "gavobelopp", "amount", "gava"),
    ),
    "money_in": (
        *("insattning", "insattningar", "insatt", "insatt belopp", "belopp in", "inbetalning"),
        *("inbetalt", "kredit", "in", "credit"),
    ),
    "money_out": (
        *("uttag", "uttaget", "belopp ut", "utbetalning", "utbetalt", "debet", "ut", "debit"),
    ),
    "account_column": (
        *("mottagarnr", "mottagarnummer", "mottagarens nummer", "mottagarens swishnummer"),
        *("vart swishnummer", "swishnummer", "bankgironummer", "bankgironr", "bankgiro"),
        *("plusgironummer", "plusgiro", "iban", "kontonummer", "kontonr", "till konto", "konto"),
        *("mottagarkonto", "mottagare"),
    ),
    "bank_id": (
        *("transaktions id", "transaktionsid", "transaktionsreferens", "betalningsreferens"),
        *("betalnings id", "betalningsid", "arkivreferens", "bankreferens", "transaction id", "id"),
    ),
    "payer_identity": (
        *("avsandarnr", "avsandarnummer", "avsandarens nummer", "avsandarens telefonnummer"),
        *("mobilnummer", "mobilnr", "mobil", "telefonnummer", "telefon", "fran konto"),
        *("avsandarkonto", "betalarens konto", "betalarnummer"),
    ),
    "payer_name": (
        *("avsandarnamn", "avsandarens namn", "betalarens namn", "givarens namn", "avsandare"),
        *("betalare", "inbetalare", "givare", "givarnamn", "namn", "fran", "payer", "name"),
    ),
    "reference": (
        *("ocr referens", "ocr nummer", "ocrnummer", "ocr", "referensnummer", "referens", "ref"),
        *("reference",),
    ),
    "message": (
        *("meddelande", "meddelande till mottagare", "message", "text", "transaktionstext"),
        *("beskrivning", "rubrik", "specifikation", "kommentar", "halsning", "notering", "andamal"),
        *("text mottagare", "description"),
    ),
}

_LETTERS_OF_A_TEXT = 4  # on average, in a column without a heading that is taken for the message


def suggest(seen: Look, ours: Collection[Number] = ()) -> dict[str, Any]:
    """What a person would choose: fields of `Mapping` by name, those that can be told and no others.

    `ours` are our accounts' numbers: a column that holds nothing else is the account's.
    """
    return _Sheet(seen, ours).suggested()


class _Sheet:
    """The columns of the rows below the headings, and which of them have been given a meaning."""

    def __init__(self, seen: Look, ours: Collection[Number]) -> None:
        self.seen, self.ours = seen, ours
        rows = [row.cells for row in seen.rows if row.number > seen.header_row]
        width = max(map(len, rows), default=0)
        self.columns = [[c[at] for c in rows if at < len(c) and c[at]] for at in range(width)]
        self.headings = [plain(heading) for heading in seen.headings]
        self.of: dict[str, Any] = {}

    def suggested(self) -> dict[str, Any]:
        self._days()
        self._account_that_is_ours()
        self._amounts()
        if "account_column" not in self.of:
            self._account_by_heading()
        self._take("bank_id", _differs_in_every_row)
        for meaning in ("payer_identity", "payer_name", "reference", "message"):
            self._take(meaning)
        if "date" in self.of and not self.headings:
            self._text()
        self._account_of_ours()
        self.of["channel"] = self._channel()
        return self.of

    # Columns by their headings

    def _take(self, meaning: str, fits: Callable[[Column], object] = lambda cells: True) -> bool:
        """Give the meaning to the column whose heading says it best and whose cells fit."""
        ranked = [(self._says(at, meaning), -at) for at in self._free()]
        for worth, place in sorted(ranked, reverse=True):
            if worth and fits(self.columns[-place]):
                self.of[meaning] = -place
                return True
        return False

    def _free(self) -> list[int]:
        """The columns that hold something and mean nothing yet."""
        taken = {value for name, value in self.of.items() if name in HEADINGS}
        return [at for at, cells in enumerate(self.columns) if cells and at not in taken]

    def _says(self, at: int, meaning: str) -> int:
        """How well the column's heading says the meaning; 0 when it does not."""
        heading = self.headings[at] if at < len(self.headings) else ""
        known = HEADINGS[meaning]
        for place, words in enumerate(known):
            if heading == words:
                return 2 * len(known) - place
        for place, words in enumerate(known):
            # "Belopp (SEK) exkl. avgift" begins with one.
            if heading.startswith(f"{words} "):
                return len(known) - place
        return 0

    # Days and sums

    def _days(self) -> None:
        if self._take("date", _day_format) or self._first("date", _day_format):
            self.of["day_format"] = _day_format(self.columns[self.of["date"]])

    def _amounts(self) -> None:
        if not self._take("amount", _decimal):
            sides = [self._take("money_in", _decimal), self._take("money_out", _decimal)]
            if not any(sides):
                self._first("amount", _has_decimals) or self._first("amount", _decimal)
        told = [self.of[name] for name in ("amount", "money_in", "money_out") if name in self.of]
        if told:
            self.of["decimal"] = _decimal([cell for at in told for cell in self.columns[at]]) or ","

    def _first(self, meaning: str, fits: Callable[[Column], object]) -> bool:
        """Where there are no headings: the first column whose cells fit."""
        free = [] if self.headings else self._free()
        found = next((at for at in free if fits(self.columns[at])), None)
        if found is not None:
            self.of[meaning] = found
        return found is not None

    def _text(self) -> None:
        """Without headings: the free column with the most letters is the message."""
        letters = {
            at: sum(c.isalpha() for cell in self.columns[at] for c in cell) / len(self.columns[at])
            for at in self._free()
        }
        most = max(letters, key=letters.__getitem__, default=None)
        if most is not None and letters[most] >= _LETTERS_OF_A_TEXT:
            self.of["message"] = most

    # The account

    def _account_that_is_ours(self) -> None:
        for at in self._free():
            for scheme in Scheme:
                if _all_parse(self.columns[at], scheme, self.ours):
                    self.of |= {"account_column": at, "scheme": scheme}
                    return

    def _account_by_heading(self) -> None:
        """A column that says it is the account's; but where our numbers are known, it would have been found.

        Nor is half a number one, with its clearing number in a column of its own.
        """
        is_half = any(heading.startswith(("clearing", "clnr")) for heading in self.headings)
        if self.ours or is_half or not self._take("account_column", _scheme):
            return
        self.of["scheme"] = _scheme(self.columns[self.of["account_column"]])

    def _account_of_ours(self) -> None:
        """Else the account is the one that can be: our only number, or our only one in Swish."""
        if "account_column" in self.of:
            return
        swish = [n for n in self.ours if n.scheme is Scheme.SWISH and self._is_swish()]
        for found in (swish, list(self.ours)):
            if len(found) == 1:
                self.of |= {"account": found[0].digits, "scheme": found[0].scheme}
                return

    def _channel(self) -> str:
        scheme = self.of.get("scheme")
        if self._is_swish() or scheme is Scheme.SWISH:
            return "swish"
        return str(scheme) if scheme in (Scheme.BANKGIRO, Scheme.PLUSGIRO) else "other"

    def _is_swish(self) -> bool:
        """Whether the headings, or a title above them, say so."""
        above = [
            cell
            for row in self.seen.rows
            if row.number < self.seen.header_row
            for cell in row.cells
        ]
        return any("swish" in plain(cell) for cell in (*above, *self.seen.headings))


# What cells are


def _day_format(cells: Column) -> str:
    """How all the cells write days; "" when they do not. Of two ways, the one with the day first."""
    for day_format in DAY_FORMATS:
        with suppress(ValueError):
            for cell in cells:
                parse_day(cell, day_format)
            return day_format
    return ""


def _decimal(cells: Column) -> str:
    """The decimal sign that all the cells can be read with, a comma when both can; "" when they are no sums."""
    for decimal in ",.":
        with suppress(ValueError):
            for cell in cells:
                parse_amount(cell, decimal)
            return decimal
    return ""


def _has_decimals(cells: Column) -> bool:
    """Whether they are sums with öre, as no account or telephone number is."""
    return bool(_decimal(cells)) and any(len(cell) > 3 and cell[-3] in ",." for cell in cells)


def _scheme(cells: Column) -> Scheme | None:
    """What kind of number all the cells are, the most particular first."""
    kinds = (Scheme.SWISH, Scheme.IBAN, Scheme.BANKGIRO, Scheme.BBAN)
    return next((scheme for scheme in kinds if _all_parse(cells, scheme)), None)


def _all_parse(cells: Column, scheme: Scheme, among: Collection[Number] | None = None) -> bool:
    for cell in set(cells):
        try:
            number = numbers.parse(scheme, cell)
        except ValueError:
            return False
        if among is not None and number not in among:
            return False
    return True


def _differs_in_every_row(cells: Column) -> bool:
    return len(set(cells)) == len(cells)
