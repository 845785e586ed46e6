"""The reports: what there is, and each of them on screen, on paper and as a file."""

import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import content_disposition_header, urlencode

from donations.exports import csv, xlsx
from donations.finance.report_forms import (
    ChoicesForm,
    EventsForm,
    GiftsForm,
    TaxYearForm,
    YearForm,
    YearToDateForm,
)
from donations.money import format_amount
from donations.reports import (
    changes,
    events,
    gifts,
    reallocations,
    remaining_table,
    tax_reduction,
)
from donations.reports.table import Column, Group, Kind, Row, Table, Value
from staff import access
from staff.requests import member

FILES: dict[str, ModuleType] = {"xlsx": xlsx, "csv": csv}
# What a page shows of a long report; the rest is in the files.
SHOWN = 1_000
IN_MEMORY = 1 << 20  # bytes of a file, beyond which it is made on disk


@dataclass(frozen=True)
class Report:
    """A report: its address and name, what it tells in words, who may see it, and how it is made."""

    slug: str
    title: str
    told: str
    permission: str
    form: type[ChoicesForm]
    table: Callable[[Any], Table]


REPORTS = {
    report.slug: report
    for report in (
        Report(
            "kvar-att-samla-in",
            remaining_table.TITLE,
            "Behov, insamlat, kvar att samla in och överskott för varje insamling, som läget är en viss dag.",
            "donations.view_fund",
            YearForm,
            lambda form: remaining_table.table(form.year, form.cleaned_data["dag"]),
        ),
        Report(
            "forandring",
            changes.TITLE,
            "Från ingående till utgående balans för varje insamling och år under en period, så som "
            "K3 vill ha det i noten till årsredovisningen.",
            "donations.view_transfer",
            YearToDateForm,
            lambda form: changes.table(**form.days),
        ),
        Report(
            "gavor",
            gifts.TITLE,
            "Hur många gåvor som kom och vad de blev, med återbetalningar för sig.",
            "donations.view_transfer",
            GiftsForm,
            lambda form: gifts.table(**form.days, divided=form.cleaned_data["delat"]),
        ),
        Report(
            "omfordelningar",
            reallocations.TITLE,
            "Vad som flyttades mellan insamlingar, varför, med stöd av vilket överskottsvillkor, och vilka "
            "som föreslog och godkände.",
            "donations.view_proposal",
            YearToDateForm,
            lambda form: reallocations.table(**form.days),
        ),
        Report(
            "skattereduktion",
            tax_reduction.TITLE,
            "Gåvor till projekt som kan ge skattereduktion, summor utan namn.",
            "donations.view_transfer",
            TaxYearForm,
            lambda form: tax_reduction.table(form.cleaned_data["ar"], form.cleaned_data["dag"]),
        ),
        Report(
            "handelser",
            events.TITLE,
            "Vem som gjorde vad och när: händelselistan för en period, för revisorn.",
            "staff.view_event",
            EventsForm,
            lambda form: events.table(
                **form.days, reader=form.reader, area=form.cleaned_data["omrade"]
            ),
        ),
    )
}


@access.staff("donations.view_fund", methods=access.READ)
def reports(request: HttpRequest) -> HttpResponse:
    """What reports there are, for who may see them."""
    seen = [one for one in REPORTS.values() if member(request).has_perm(one.permission)]
    return render(request, "ekonomi/reports.html", {"reports": seen})


@access.staff("donations.view_fund", methods=access.READ)
def report(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A report as chosen in the address: as a page, or as a file (`?som=xlsx`, `?som=csv`)."""
    if (chosen := REPORTS.get(slug)) is None:
        raise Http404
    if not member(request).has_perm(chosen.permission):
        raise PermissionDenied
    form = chosen.form(request.GET, member(request))
    context: dict[str, Any] = {"report": chosen, "form": form}
    if form.is_valid():
        table = chosen.table(form)
        if (kind := request.GET.get("som")) in FILES:
            return _file(table, chosen, kind)
        context |= {"table": table, **_shown(table), "address": _address(form)}
    return render(request, "ekonomi/report.html", context)


def _address(form: ChoicesForm) -> str:
    """The choices as the end of an address, to which the kind of file is added."""
    return urlencode({name: form.data[name] for name in form.fields if name in form.data})


def _file(table: Table, chosen: Report, kind: str) -> FileResponse:
    # Whole before any of it is sent: who asks gets all of it or an error, never a part.
    made = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by the response
    try:
        FILES[kind].write(table, made)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    # A year may be called 2025/26, which would be a folder.
    name = f"{chosen.slug}-{table.stamp}.{kind}".replace("/", "-")
    answer = FileResponse(made, content_type=FILES[kind].CONTENT_TYPE)
    answer["Content-Disposition"] = content_disposition_header(True, name) or ""
    return answer


@dataclass(frozen=True)
class Cell:
    """A value as it is shown: `classes` is how, and `label` says what it is where there are no headings."""

    text: str
    label: str
    classes: str
    is_heading: bool


@dataclass(frozen=True)
class ShownGroup:
    title: str
    hue: str
    rows: list[tuple[list[Cell], str]]
    total: list[Cell] | None


def _shown(table: Table) -> dict[str, Any]:
    """The report as its page shows it: as many rows as a page bears, and every sum."""
    left, groups, is_cut = SHOWN, [], False
    for group in table.groups:
        given = iter(group.rows)
        rows = list(islice(given, left + 1))
        if isinstance(given, Generator):
            given.close()  # what it reads from the database is not left open
        is_cut |= len(rows) > left
        if rows[:left]:
            groups.append(_group(table, group, rows[:left]))
        left -= len(rows[:left])
    columns = _seen(table)
    names = _names(table)
    return {
        "columns": columns,
        "groups": groups,
        "total": _cells(table.columns, table.total)[names:] if table.total else None,
        "names": names,
        "in_kronor": any(column.kind is Kind.ORE for column in columns),
        "shown": SHOWN if is_cut else None,
    }


def _seen(table: Table) -> list[Column]:
    return [column for column in table.columns if not column.is_long]


def _names(table: Table) -> int:
    """How many columns stand before the first with numbers: a row of sums has one cell for them."""
    columns = _seen(table)
    return next((at for at, one in enumerate(columns) if one.kind.is_number), len(columns))


def _group(table: Table, group: Group, rows: Sequence[Row]) -> ShownGroup:
    columns = table.columns
    sums = group.total if table.grouped_by else None
    total = _cells(columns, sums)[_names(table) :] if sums else None
    shown = [(_cells(columns, row.values), row.url) for row in rows]
    return ShownGroup(group.title, group.hue, shown, total)


def _cells(columns: Sequence[Column], values: Sequence[Value]) -> list[Cell]:
    return [
        Cell(said(column.kind, value), column.name, _classes(column, value), column.is_heading)
        for column, value in zip(columns, values, strict=True)
        if not column.is_long
    ]


def _classes(column: Column, value: Value) -> str:
    if column.kind.is_number:
        return "amount" if value else "amount zero spare" if column.is_rare else "amount zero"
    if column.kind is Kind.TEXT:
        return "sentence" if column.is_wide else ""
    return "tight"


def said(kind: Kind, value: Value) -> str:
    """A value as a person reads it on the page; amounts in kronor, without saying so each time."""
    if value is None:
        return "–" if kind.is_number else ""
    if kind is Kind.ORE and isinstance(value, int):
        return format_amount(value)
    if kind is Kind.COUNT and isinstance(value, int):
        return format_amount(value * 100)
    if kind is Kind.PERCENT:
        return f"{value}\N{NO-BREAK SPACE}%"
    if kind is Kind.MOMENT:
        return date_format(timezone.localtime(value), "Y-m-d H.i")  # type: ignore[arg-type]
    return str(value)
