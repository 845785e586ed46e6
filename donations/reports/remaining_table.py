"""What is left to collect, as a report: every fund of a year at the end of a day."""

import datetime
from itertools import groupby

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.models import CollectionYear
from donations.reports import remaining
from donations.reports.table import Column, Group, Kind, Row, Table, Value, finality, summed

TITLE = "Kvar att samla in"
COLUMNS = (
    Column("Nummer", Kind.IDENTIFIER),
    Column("Insamling", is_heading=True),
    Column("Behov", Kind.ORE),
    Column("Insamlat", Kind.ORE),
    Column("Överfört mellan år", Kind.ORE, is_rare=True),
    Column("Omfördelat hit", Kind.ORE, is_rare=True),
    Column("Omfördelat härifrån", Kind.ORE, is_rare=True),
    Column("Tillgängligt", Kind.ORE),
    Column("Kvar att samla in", Kind.ORE),
    Column("Överskott", Kind.ORE, is_rare=True),
    Column("Procent av behovet", Kind.PERCENT),
)


def table(year: CollectionYear, day: datetime.date) -> Table:
    """The report for a year, at the end of `day` (today, if it is before the year begins)."""
    rows = remaining.rows(year, day)
    groups = [
        Group(area.title, [_row(row, year) for row in of_area], _total(of_area), area.hue)
        for area, of_area in (
            (area, list(found)) for area, found in groupby(rows, lambda row: row.area)
        )
    ]
    unknown = sum(row.figures.need is None for row in rows)
    notes = [
        _(
            "Tillgängligt är det som är insamlat, med det som är överfört och omfördelat hit, och utan det "
            "som är överfört och omfördelat härifrån. Kvar att samla in är vad som fattas till behovet, och "
            "överskott vad som finns utöver det."
        ),
        _(
            "Procent av behovet är hur mycket av behovet som är täckt. I summorna räknas inget överskott med, för "
            "det täcker ingen annans behov."
        ),
    ]
    if unknown:
        notes.append(
            _(
                "Insamlingar utan bestämt behov: %d. För dem går det inte att säga vad som är kvar, och de "
                "räknas inte in i summan av det."
            )
            % unknown
        )
    return Table(
        title=TITLE,
        about=[
            ("Insamlingsår", year.name),
            ("Läget den", long_date(day)),
            finality(day),
        ],
        columns=COLUMNS,
        groups=groups,
        total=_total(rows),
        stamp=str(day) if year.starts_on <= day <= year.ends_on else f"{year.name}-{day}",
        grouped_by="Fokusområde",
        notes=notes,
        empty=_("Det finns inga insamlingar för %s.") % year.name,
    )


def _row(row: remaining.Row, year: CollectionYear) -> Row:
    its = row.figures
    values = (
        row.fund.collection_number,
        str(row.fund.page),
        its.need,
        its.collected,
        its.carried_in - its.carried_out,
        its.moved_in,
        -its.moved_out,
        its.available,
        its.remaining,
        its.surplus,
        its.percent,
    )
    page = reverse("finance_fund", args=[row.fund.collection_number])
    return Row(values, f"{page}?{urlencode({'ar': year.name})}")


def _total(rows: list[remaining.Row]) -> tuple[Value, ...]:
    """The sums as `remaining` adds them up, and what it has no sum for from the rows as shown."""
    total = remaining.total(rows).total
    shown = summed(COLUMNS, (_row(row, CollectionYear()) for row in rows))
    found = [*shown[:2], total.need, total.collected, *shown[4:7], total.available]
    return (*found, total.remaining, total.surplus, total.percent)
