"""Every reallocation of a period: from where, to where, why, by which promise, and by whom.

What has been put back stands on the day it was, as a row of its own with a minus.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from donations import moves
from donations.days import long_date, period
from donations.models import FundYear, SurplusClause, Transfer
from donations.reports.table import (
    Column,
    Group,
    Kind,
    Row,
    Table,
    Value,
    finality,
    stamp_of,
    summed,
)
from projects.rendering import swedish_order

TITLE = "Omfördelningar"
COLUMNS = (
    Column("Dag", Kind.DAY),
    Column("Från", is_heading=True),
    Column("Till"),
    Column("År", Kind.IDENTIFIER),
    Column("Belopp", Kind.ORE),
    Column("Slag"),
    Column("Skäl", is_wide=True),
    Column("Överskottsvillkor"),
    Column("Villkorets lydelse", is_wide=True, is_long=True),
    Column("Föreslagen av"),
    Column("Godkänd av"),
)


def table(first: datetime.date, last: datetime.date) -> Table:
    """The report from `first` to `last`, both included."""
    days = (first, last)
    posted, put_back = Q(booked_on__range=days), Q(reversed_on__range=days)
    lines = list(
        moves.reallocations()
        .filter(posted | put_back)
        .select_related("proposal__by", "proposal__decided_by")
    )
    reversals = {
        one.reverses.line_id: one
        for one in Transfer.objects.filter(reverses__line__in=lines).select_related(
            "by", "reverses"
        )
        if one.reverses
    }
    clauses = _clauses(lines)
    found = []
    for line in lines:
        area = line.proposal.focus_area
        told = _told(line, clauses[area.pk])
        if first <= line.booked_on <= last:
            found.append((area, line.booked_on, line.pk, _moved(line, told)))
        if line.reversed_on and first <= line.reversed_on <= last:
            row = _put_back(line, reversals[line.pk], told)
            found.append((area, line.reversed_on, line.pk, row))
    found.sort(key=lambda one: (swedish_order(one[0].title), one[0].pk, *one[1:3]))
    groups = []
    for area, members in groupby(found, key=lambda one: one[0]):
        rows = [member[3] for member in members]
        groups.append(Group(area.title, rows, summed(COLUMNS, rows), area.hue))
    return Table(
        title=TITLE,
        about=[("Period", period(first, last)), finality(last)],
        columns=COLUMNS,
        groups=groups,
        total=summed(COLUMNS, (row for group in groups for row in group.rows)),
        stamp=stamp_of(first, last),
        grouped_by="Fokusområde",
        notes=_notes(lines, clauses),
        empty=_("Inget omfördelades under perioden."),
    )


def _clauses(lines: Iterable[Any]) -> dict[int, list[SurplusClause]]:
    """Every surplus clause of the lines' focus areas, oldest first, by the area's id."""
    found = defaultdict(list)
    areas = {line.proposal.focus_area_id for line in lines}
    for clause in SurplusClause.objects.filter(focus_area__in=areas).order_by("valid_from"):
        found[clause.focus_area_id].append(clause)
    return found


def _in_force(line: Any, clauses: list[SurplusClause]) -> list[SurplusClause]:
    return moves.in_force(clauses, line.proposal.year.starts_on, line.booked_on)


def _told(line: Any, clauses: list[SurplusClause]) -> tuple[Value, ...]:
    """The promises that gifts of the year had been given under when it was moved, and their wording."""
    in_force = _in_force(line, clauses)
    since = ", ".join(_("från och med %s") % long_date(clause.valid_from) for clause in in_force)
    return since or _("inget"), "\n".join(clause.text for clause in in_force) or None


def _side(fund_year: FundYear) -> str:
    return str(fund_year.fund)


def _moved(line: Any, clause: tuple[Value, ...]) -> Row:
    proposal = line.proposal
    what = (
        _("Flyttar tillbaka omfördelningen den %s") % long_date(line.corrects.booked_on)
        if line.corrects
        else _("Omfördelning")
    )
    reasons = ". ".join(text.rstrip(". ") for text in (proposal.reason, line.reason) if text)
    return _row(line, line.booked_on, line.approved_ore, what, reasons, clause, proposal.by)


def _put_back(line: Any, reversal: Transfer, clause: tuple[Value, ...]) -> Row:
    what = _("Rättelse av omfördelningen den %s") % long_date(line.booked_on)
    row = _row(
        line, line.reversed_on, -line.approved_ore, what, reversal.reason, clause, reversal.by
    )
    # Nobody else approves that something is put back.
    return Row((*row.values[:-2], _("rättad av %s") % reversal.by, None), row.url)


def _row(
    line: Any,
    day: datetime.date,
    ore: int,
    what: str,
    reason: str,
    clause: tuple[Value, ...],
    by: Any,
) -> Row:
    proposal = line.proposal
    return Row(
        (
            day,
            _side(line.source),
            _side(line.receiver),
            proposal.year.name,
            ore,
            what,
            reason,
            *clause,
            str(by),
            str(proposal.decided_by) if proposal.decided_by else None,
        ),
        reverse("finance_proposal", args=[proposal.pk]),
    )


def _notes(lines: list[Any], clauses: dict[int, list[SurplusClause]]) -> list[str]:
    """Every wording that the lines lean on, said once."""
    seen = {
        clause.pk: clause
        for line in lines
        for clause in _in_force(line, clauses[line.proposal.focus_area_id])
    }
    areas = {line.proposal.focus_area_id: line.proposal.focus_area for line in lines}
    return [
        _("Överskottsvillkor för %(area)s från och med %(day)s: ”%(text)s”")
        % {
            "area": areas[clause.focus_area_id],
            "day": long_date(clause.valid_from),
            "text": clause.text,
        }
        for clause in seen.values()
    ]
