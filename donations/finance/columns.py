"""The wizard for sheets: which column of a bank's report is what, shown as it will be read before it is kept."""

from collections.abc import Mapping as Typed
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from donations.bankfiles import columns, mapped, numbers
from donations.bankfiles.mapped import COLUMNS, DAY_FORMATS, Look, Mapping, Previewed, Sign
from donations.bankfiles.recognise import KINDS
from donations.bankfiles.records import Refused, Scheme
from donations.finance.operation import sent
from donations.intake import opened
from donations.models import AccountNumber, BankFile, ColumnMapping, Fund, GiftSource
from staff import access, audit
from staff.models import User
from staff.requests import member

FIRST_ROWS = 8
HEADING_SHOWN = 40  # characters
CELL_SHOWN = 25
ROW_SHOWN = 400

_SIGNS = {
    Sign.OUT: "pengar ut",
    Sign.IN: "pengar in (rapporten är skriven från betalarens håll)",
    Sign.NEVER: "att något är fel: alla belopp är pengar in",
}


class ColumnField(forms.TypedChoiceField):
    """One of the sheet's columns, from 0, or none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, required=False, **kwargs)


class ColumnsForm(forms.Form):
    """What `Mapping` asks. Its own faults, which are about columns together, stand with the rows they lead to."""

    header_row = forms.IntegerField(
        label="rubrikerna står på rad",
        min_value=0,
        max_value=mapped.LOOKED_AT,
        help_text="Skriv 0 om filen inte har några rubriker.",
    )
    date = ColumnField(label="datum", help_text="Helst den dag då banken bokförde pengarna.")
    day_format = forms.ChoiceField(
        label="datum skrivs", choices=[(one, one) for one in DAY_FORMATS], required=False
    )
    amount = ColumnField(label="belopp", help_text="Om pengar in och ut står i samma kolumn.")
    money_in = ColumnField(label="belopp in", help_text="Om pengar in har en egen kolumn.")
    money_out = ColumnField(label="belopp ut")
    minus = forms.ChoiceField(
        label="ett minustecken betyder", choices=list(_SIGNS.items()), required=False
    )
    decimal = forms.ChoiceField(
        label="decimaltecken", choices=[(",", "komma (500,00)"), (".", "punkt (500.00)")]
    )
    account = forms.ChoiceField(label="konto", required=False)
    account_column = ColumnField(label="kontonumrets kolumn")
    scheme = forms.ChoiceField(
        label="slag av nummer i den", choices=AccountNumber.Scheme.choices, required=False
    )
    reference = ColumnField(label="referens eller OCR")
    message = ColumnField(label="meddelande")
    payer_name = ColumnField(label="betalarens namn")
    payer_identity = ColumnField(
        label="betalarens nummer", help_text="Telefonnummer, konto eller liknande."
    )
    bank_id = ColumnField(
        label="betalningens id",
        help_text="Bara om banken ger varje betalning ett nummer som ingen annan har.",
    )
    channel = forms.ChoiceField(label="sätt att ge", choices=Fund.Channel)

    PARTS = (
        (
            "Datum och belopp",
            ("header_row", "date", "day_format", "amount", "money_in", "money_out"),
            ("minus", "decimal"),
        ),
        ("Kontot", ("account", "account_column", "scheme"), ("channel",)),
        ("Betalningen", ("reference", "message", "payer_name", "payer_identity"), ("bank_id",)),
    )

    def __init__(self, data: Any, *, seen: Look) -> None:
        super().__init__(data)
        self.seen = seen
        self.mapping: Mapping | None = None
        choices = [("", "–"), *_choices(seen)]
        for name in COLUMNS:
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        self.fields["account"].choices = [  # type: ignore[attr-defined]
            ("", "står i en kolumn"),
            *_accounts(self["account"].value() or ""),
        ]

    @property
    def parts(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields in groups, each with its heading."""
        return [
            (heading, [self[name] for group in names for name in group])
            for heading, *names in self.PARTS
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            raise forms.ValidationError(_("Rätta det som är markerat, så visas raderna här."))
        if data["header_row"] != self.seen.header_row:
            raise forms.ValidationError(
                _("Rad %d är tom eller finns inte. Rubrikerna måste stå på en annan rad.")
                % data["header_row"]
            )
        if data["date"] is None:
            raise forms.ValidationError(_("Välj kolumnen med datum, så visas raderna här."))
        told: dict[str, Any] = {name: data[name] for name in COLUMNS}
        told |= {name: data[name] for name in ("day_format", "decimal", "minus", "channel")}
        told["minus"] = Sign(told["minus"] or Sign.OUT)
        told |= self._account(data)
        try:
            mapping = mapped.with_headings(Mapping(**told), self.seen)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        self._refuse_a_payment_as_headings(mapping)
        self.mapping = mapping
        return data

    def _account(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["account"] and data["account_column"] is not None:
            raise forms.ValidationError(
                _("Välj antingen ett konto eller kolumnen med kontots nummer, inte båda.")
            )
        if data["account"]:
            scheme, _colon, digits = data["account"].partition(":")
            return {"scheme": Scheme(scheme), "account": digits}
        if data["account_column"] is None:
            raise forms.ValidationError(
                _("Välj kontot som pengarna kom till, eller kolumnen med kontots nummer.")
            )
        return {"scheme": Scheme(data["scheme"] or Scheme.BBAN)}

    def _refuse_a_payment_as_headings(self, mapping: Mapping) -> None:
        """Headings are kept for ever, and a payment names a payer."""
        row = next((row for row in self.seen.rows if row.number == mapping.header_row), None)
        if row and mapped.is_payment(row, mapping):
            raise forms.ValidationError(
                _("Rad %d är en betalning. Skriv 0 om filen inte har några rubriker.") % row.number
            )


class NameForm(forms.ModelForm):
    """What a mapping is called."""

    class Meta:
        model = ColumnMapping
        fields = ["name"]
        error_messages = {
            "name": {"unique": "Det finns redan en kolumnmall med det namnet. Välj ett annat."}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("mallens namn")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.casefold() in {text.casefold() for pair in KINDS.items() for text in pair}:
            raise forms.ValidationError(_("Så heter redan ett filformat. Välj ett annat namn."))
        return name


def _choices(seen: Look) -> list[tuple[str, str]]:
    """Every column: its letter, its heading and the first thing that stands in it."""
    rows = [row.cells for row in seen.rows if row.number > seen.header_row]
    width = max([len(seen.headings), *map(len, rows)])
    found = []
    for at in range(width):
        heading = seen.headings[at] if at < len(seen.headings) else ""
        cell = next((cells[at] for cells in rows if at < len(cells) and cells[at].strip("\0")), "")
        named = (
            f"{mapped.letter(at)}: {_cut(heading, HEADING_SHOWN)}" if heading else mapped.letter(at)
        )
        found.append((str(at), f"{named} ({_cut(cell, CELL_SHOWN)})" if cell else f"{named} (tom)"))
    return found


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _accounts(chosen: str) -> list[tuple[str, str]]:
    """Every number of ours, and the one that has been chosen even when it is no longer ours."""
    ours = AccountNumber.objects.select_related("account")
    found = {f"{one.scheme}:{one.digits}": f"{one.account}: {one}" for one in ours}
    scheme, _colon, digits = chosen.partition(":")
    if chosen and chosen not in found and scheme in set(Scheme):
        try:
            number = numbers.parse(Scheme(scheme), digits)
        except ValueError:
            return list(found.items())
        found[chosen] = _("%s, inte längre ett av era") % numbers.printed(number)
    return list(found.items())


# The wizard


@access.staff("donations.add_columnmapping")
def choose(request: HttpRequest, file_id: int) -> HttpResponse:
    """Choose what each column of a sheet is, see its first rows as they will be read, and keep the choice."""
    bank_file = get_object_or_404(BankFile.objects.select_related("mapping"), pk=file_id)
    is_sheet = bank_file.mapping_id is not None or not bank_file.format
    if not (is_sheet and bank_file.file and bank_file.confirmed_at is None):
        messages.info(request, _("Filens kolumner går inte att välja."))
        return redirect("finance_bank_file", bank_file.pk)
    try:
        with opened(bank_file) as stream:
            return _chosen(request, bank_file, stream)
    except Refused as refused:
        why = str(refused)
    return render(request, "ekonomi/columns.html", {"bank_file": bank_file, "why": why})


def _chosen(request: HttpRequest, bank_file: BankFile, stream: BinaryIO) -> HttpResponse:
    seen, typed = _begun(request, bank_file, stream)
    ready = _ready(stream, seen)
    used = next((one for one in ready if str(one.pk) == request.POST.get("use")), None)
    if used and _read_by(bank_file, used):
        return redirect("finance_bank_file", bank_file.pk)
    form = ColumnsForm(typed, seen=seen)
    rows = _rows(stream, form)
    is_saved = "save" in request.POST
    named = _named(request.POST if is_saved else None, bank_file)
    if is_saved and _is_saved(request, bank_file, form, rows, named):
        return redirect("finance_bank_file", bank_file.pk)
    context = {
        "bank_file": bank_file,
        "columns": form,
        "rows": [(row, numbers.printed(row.line.account) if row.line else "") for row in rows],
        "faults": sum(bool(row.fault) for row in rows),
        "named": named,
        # What the page's title tells of: nothing is wrong before somebody wants to keep it.
        "form": {"errors": is_saved},
        "ready": ready,
        "has_numbers": AccountNumber.objects.exists(),
        "first_rows": [(row.number, _spoken(row.cells)) for row in seen.rows[:FIRST_ROWS]],
    }
    return render(request, "ekonomi/columns.html", context)


def _spoken(cells: Sequence[str]) -> str:
    """A row's cells with their columns' letters."""
    filled = [f"{mapped.letter(at)}: {cell}" for at, cell in enumerate(cells) if cell.strip("\0")]
    return _cut(" | ".join(filled), ROW_SHOWN)


def _begun(
    request: HttpRequest, bank_file: BankFile, stream: BinaryIO
) -> tuple[Look, Typed[str, Any]]:
    """How the file is written, and what is in the form: typed, or the file's own mapping, or suggested."""
    if typed := sent(request):
        row = typed.get("header_row", "")
        is_row = row.isascii() and row.isdigit() and len(row) < 4
        return mapped.look(stream, int(row) if is_row else None), typed
    if bank_file.mapping:
        mapping = bank_file.mapping.columns
        seen = mapped.look(stream, mapping.header_row)
        told = {field: getattr(mapping, field) for field in mapping.__slots__}
    else:
        seen = mapped.look(stream)
        ours = [one.number for one in AccountNumber.objects.all()]
        told = {"decimal": ",", "minus": Sign.OUT} | columns.suggest(seen, ours)
    told["header_row"] = seen.header_row
    if told.get("account"):
        told["account"] = f"{told['scheme']}:{told['account']}"
    return seen, {name: str(value) for name, value in told.items() if value is not None}


def _rows(stream: BinaryIO, form: ColumnsForm) -> list[Previewed]:
    """The first rows as they will be read; none, and the form says why, when they can't be."""
    if not form.is_valid() or form.mapping is None:
        return []
    try:
        rows = mapped.preview(stream, form.mapping)
    except Refused as refused:
        form.add_error(None, str(refused))
        return []
    if not rows:
        form.add_error(None, _("Det finns inga rader under rubrikerna."))
    return rows


def _named(typed: Any, bank_file: BankFile) -> NameForm:
    """The name that the mapping gets. Under its own name the file's mapping is changed, else one is made."""
    own = bank_file.mapping
    is_own = typed and own is not None and own.name == typed.get("name", "").strip()
    told = {"name": own.name} if own else {}
    form = NameForm(typed, instance=own if is_own else None, initial=told)
    form.fields["name"].widget.attrs["form"] = "kolumner"  # it stands outside, below the rows
    return form


def _is_saved(
    request: HttpRequest,
    bank_file: BankFile,
    form: ColumnsForm,
    rows: list[Previewed],
    named: NameForm,
) -> bool:
    """Keep the mapping and read the file by it, once both are right; otherwise the forms say what is not."""
    if any(row.fault for row in rows):
        form.add_error(
            None, _("Alla rader här måste gå att läsa innan mallen sparas. Felen står vid raderna.")
        )
    if named.instance.pk and _is_booked_by(named.instance):
        named.add_error(
            "name",
            _("Bokförda filer är lästa med den mallen. Ge den ändrade mallen ett eget namn."),
        )
    if not (named.is_valid() and form.is_valid() and form.mapping):
        return False
    try:
        is_saved = _save(bank_file, form.mapping, named.save(commit=False), member(request))
    except IntegrityError:
        named.add_error("name", NameForm.Meta.error_messages["name"]["unique"])
        return False
    if is_saved:
        messages.success(request, _("Kolumnmallen ”%s” är sparad.") % named.instance)
    return is_saved


@transaction.atomic
def _save(bank_file: BankFile, mapping: Mapping, written: ColumnMapping, by: User) -> bool:
    """Write the mapping and read the file by it; tell whether the file is still there and not booked."""
    done = _("Ändrade %s") if written.pk else _("Lade till %s")
    written.mapping, written.by, written.created_at = mapping.to_json(), by, timezone.now()
    written.save()
    if not _read_by(bank_file, written):
        transaction.set_rollback(True)
        return False
    audit.record(audit.Area.MONEY, done % audit.name_of(written), by=by, about=written)
    return True


def _read_by(bank_file: BankFile, mapping: ColumnMapping) -> bool:
    """Have the file, and others that are not booked, read anew by the mapping; false when it is booked or gone."""
    waiting = BankFile.objects.filter(confirmed_at=None)
    found = waiting.filter(pk=bank_file.pk).update(mapping=mapping)
    waiting.filter(mapping=mapping).update(
        format=mapping.name, read_at=None, outcome={}, refusal=None
    )
    return bool(found)


def _ready(stream: BinaryIO, seen: Look) -> list[ColumnMapping]:
    """Saved mappings without headings that read the first rows: others are found by their headings."""
    found = []
    for one in ColumnMapping.objects.all():
        mapping = one.columns
        if not mapping.header_row and mapping.delimiter == seen.delimiter:
            rows = mapped.preview(stream, replace(mapping, encoding=seen.encoding))
            if rows and not any(row.fault for row in rows):
                found.append(one)
    return found


def _is_booked_by(mapping: ColumnMapping) -> bool:
    return BankFile.objects.filter(mapping=mapping, confirmed_at__isnull=False).exists()


# Those that are kept


@access.staff("donations.view_columnmapping", methods=access.READ)
def mappings(request: HttpRequest) -> HttpResponse:
    """Every saved column mapping, with what it reads."""
    found = ColumnMapping.objects.select_related("by")
    rows = [(one, _told(one.columns)) for one in found]
    return render(request, "ekonomi/column_mappings.html", {"rows": rows})


@access.staff("donations.change_columnmapping")
def rename(request: HttpRequest, mapping_id: int) -> HttpResponse:
    """Give a column mapping another name, which the numbers whose gifts come by it follow."""
    mapping = get_object_or_404(ColumnMapping, pk=mapping_id)
    former = mapping.name
    form = NameForm(sent(request), instance=mapping)
    if form.is_valid():
        with transaction.atomic():
            form.save()
            for source in GiftSource.objects.filter(format=former):
                source.format = mapping.name
                source.save()  # one by one: each is a line of history
            BankFile.objects.filter(mapping=mapping).update(format=mapping.name)
            done = _("Bytte namn på kolumnmallen ”%(former)s” till ”%(name)s”")
            told = done % {"former": former, "name": mapping.name}
            audit.record(audit.Area.MONEY, told, by=member(request), about=mapping)
        messages.success(request, _("Mallen heter nu ”%s”.") % mapping)
        return redirect("finance_column_mappings")
    context = {
        "form": form,
        "former": former,
        "mapping": mapping,
        "told": _told(mapping.columns),
        "why_kept": _why_kept(mapping, former),
        "open_file": _open_file(mapping),
    }
    return render(request, "ekonomi/column_mapping.html", context)


@access.staff("donations.delete_columnmapping", methods=("POST",))
def delete(request: HttpRequest, mapping_id: int) -> HttpResponse:
    """Take away a column mapping that no file and no number goes by."""
    mapping = ColumnMapping.objects.filter(pk=mapping_id).first()
    if mapping is None:
        messages.info(request, _("Mallen är redan borttagen."))
        return redirect("finance_column_mappings")
    if why := _why_kept(mapping, mapping.name):
        messages.error(request, why)
        return redirect("finance_column_mapping", mapping.pk)
    with transaction.atomic():
        done = _("Tog bort %s") % audit.name_of(mapping)
        audit.record(audit.Area.MONEY, done, by=member(request), about=mapping)
        mapping.delete()
    messages.success(request, _("Kolumnmallen ”%s” är borttagen.") % mapping)
    return redirect("finance_column_mappings")


def _why_kept(mapping: ColumnMapping, name: str) -> str:
    """Why the mapping can't be taken away; "" when it can."""
    if files := BankFile.objects.filter(mapping=mapping).count():
        return (
            ngettext(
                "%d fil är läst med mallen, som därför finns kvar.",
                "%d filer är lästa med mallen, som därför finns kvar.",
                files,
            )
            % files
        )
    if source := GiftSource.objects.filter(format=name).select_related("number").first():
        told = _("Gåvorna till %s läses in med mallen. Välj ett annat filformat för numret först.")
        return told % source.number
    return ""


def _open_file(mapping: ColumnMapping) -> BankFile | None:
    """The newest file that the mapping's columns can be chosen anew on."""
    kept = BankFile.objects.filter(mapping=mapping, confirmed_at=None).exclude(file="")
    return kept.first()


_MEANINGS = {name: str(ColumnsForm.base_fields[name].label) for name in COLUMNS}


def _told(mapping: Mapping) -> dict[str, Any]:
    """What a mapping reads, in words."""
    read = [
        (meaning, mapped.letter(at), mapping.headings[at] if at < len(mapping.headings) else "")
        for name, meaning in _MEANINGS.items()
        if (at := getattr(mapping, name)) is not None
    ]
    account = numbers.parse(mapping.scheme, mapping.account) if mapping.account else None
    return {
        "kind": "CSV" if mapping.delimiter else "XLSX",
        "header_row": mapping.header_row,
        "day_format": mapping.day_format,
        "columns": read,
        "account": f"{AccountNumber.Scheme(account.scheme).label} {numbers.printed(account)}"
        if account
        else "",
    }
