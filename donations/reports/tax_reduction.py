"""Gifts that may give their donors tax reduction: totals alone, nobody's name."""

import datetime
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.models import Fund, GiftTotal, Transfer
from donations.money import format_kronor
from donations.reports.table import Column, Group, Kind, Row, Table, Value, finality, summed

TITLE = "Gåvor som kan ge skattereduktion"


@dataclass(frozen=True)
class Rule:
    """What the law asks of a gift: for whom, from and through which day, and how much at each time.

    `a_year_ore` is what the donor must have given in all during the year, which Kollekt can't know.
    """

    who: str
    first: datetime.date
    last: datetime.date | None
    at_least_ore: int
    a_year_ore: int


# Inkomstskattelagen (1999:1229), 67 kap. A new one gets a row here, and what it asks of a gift is one of
# `GiftTotal.SIZES`.
PRIVATE = [Rule("privatpersoner", datetime.date(2019, 7, 1), None, 200_00, 2_000_00)]
COMPANIES = [Rule("företag", datetime.date(2026, 1, 1), None, 2_000_00, 0)]


def rule_of(rules: list[Rule], year: int) -> Rule | None:
    """The rule that holds the whole calendar year, if one does."""
    first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    for rule in rules:
        if rule.first <= first and (rule.last is None or rule.last >= last):
            return rule
    return None


def years(today: datetime.date) -> list[int]:
    """The calendar years that there is a rule for, the newest first."""
    first = min(rule.first.year for rule in PRIVATE)
    return [year for year in range(today.year, first - 1, -1) if rule_of(PRIVATE, year)]


def table(year: int, day: datetime.date) -> Table:
    """The report of what was given in the calendar year, as it is booked at the end of `day`.

    Raises `LookupError` for a year without a rule.
    """
    rule, companies = rule_of(PRIVATE, year), rule_of(COMPANIES, year)
    if rule is None:
        raise LookupError(year)
    columns = _columns(rule, companies)
    found = _sums(year, day, rule, companies)
    funds = Fund.objects.select_related("project").in_bulk(found)
    rows = [
        _row(fund, found[fund.pk], bool(companies))
        for fund in sorted(funds.values(), key=lambda fund: fund.collection_number)
        if any(found[fund.pk].values())
    ]
    total = summed(columns, rows)
    return Table(
        title=TITLE,
        about=[
            ("Gåvor som gavs under", str(year)),
            ("Bokfört till och med", long_date(day)),
            finality(day),
        ],
        columns=columns,
        groups=[Group("", rows)] if rows else [],
        total=total,
        stamp=f"{year}-{day}",
        notes=_notes(year, rule, companies),
        empty=_("Inga gåvor på minst %s kom till ett projekt som kan ge skattereduktion.")
        % format_kronor(rule.at_least_ore),
    )


def _columns(rule: Rule, companies: Rule | None) -> tuple[Column, ...]:
    least = format_kronor(rule.at_least_ore)
    found = [
        Column("Nummer", Kind.IDENTIFIER),
        Column("Projekt", is_heading=True),
        Column(_("Antal gåvor på minst %s") % least, Kind.COUNT),
        Column(_("Gåvor på minst %s") % least, Kind.ORE),
        Column(_("Återbetalt av dem"), Kind.ORE, is_rare=True),
        Column("Netto", Kind.ORE),
    ]
    if companies:
        least = format_kronor(companies.at_least_ore)
        found += [
            Column(_("Varav antal på minst %s") % least, Kind.COUNT),
            Column(_("Varav netto på minst %s") % least, Kind.ORE),
        ]
    return tuple(found)


# What is summed of a fund.
_GIFTS, _GIVEN, _REFUNDED, _LARGE, _LARGE_NET = range(5)


def _sums(
    year: int, day: datetime.date, rule: Rule, companies: Rule | None
) -> dict[int, dict[int, int]]:
    """By the fund's id. Nothing is booked before its bank's day, so that earlier years are left unread."""
    totals = GiftTotal.objects.filter(
        booked_on__gte=datetime.date(year, 1, 1),
        booked_on__lte=day,
        given_year=year,
        from_ore__gte=rule.at_least_ore,
        account__fund_year__fund__project__qualifies_for_tax_reduction=True,
    ).values_list("account__fund_year__fund_id", "kind", "from_ore")
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for fund_id, kind, from_ore, count, ore in totals.annotate(Sum("count"), Sum("ore")):
        its = found[fund_id]
        is_large = companies is not None and from_ore >= companies.at_least_ore
        if kind == Transfer.Kind.REFUND:
            its[_REFUNDED] += ore
            its[_LARGE_NET] -= ore if is_large else 0
        else:
            its[_GIFTS] += count
            its[_GIVEN] += ore
            its[_LARGE] += count if is_large else 0
            its[_LARGE_NET] += ore if is_large else 0
    return found


def _row(fund: Fund, its: dict[int, int], with_companies: bool) -> Row:
    number = fund.collection_number
    values: tuple[Value, ...] = (
        number,
        str(fund.page),
        its[_GIFTS],
        its[_GIVEN],
        -its[_REFUNDED],
        its[_GIVEN] - its[_REFUNDED],
    )
    if with_companies:
        values = (*values, its[_LARGE], its[_LARGE_NET])
    return Row(values, reverse("finance_fund", args=[number]))


def _notes(year: int, rule: Rule, companies: Rule | None) -> list[str]:
    notes = [
        _(
            "Här räknas gåvor till projekt som är märkta så att gåvor till dem kan ge skattereduktion. "
            "Storleken är hela gåvans: en gåva som har delats mellan flera insamlingar räknas efter vad "
            "givaren gav, och räknas en gång för varje del. Året är det då pengarna kom till banken, också "
            "när gåvan placerades året efter. Oplacerade gåvor är inte med. En återbetalning dras av, "
            "men gåvan räknas fortfarande efter sin storlek när den kom."
        ),
        _(
            "Det här är ett underlag, ingen uppgift till Skatteverket. Kollekt vet inte om en givare är en "
            "privatperson eller ett företag, inte vem som ligger bakom flera gåvor, och alltså inte om "
            "en privatperson har gett sammanlagt minst %(a_year)s under %(year)d, som krävs för "
            "skattereduktion. Kollekt håller inga personnummer och lämnar inga kontrolluppgifter: det gör ni på "
            "annat sätt för de givare som ni känner till."
        )
        % {"a_year": format_kronor(rule.a_year_ore), "year": year},
    ]
    if companies:
        notes.append(
            _(
                "Företag kan få skattereduktion för gåvor på minst %s åt gången sedan den 1 januari 2026. "
                "De gåvorna står för sig i de sista kolumnerna, vem som än gav dem."
            )
            % format_kronor(companies.at_least_ore)
        )
    return notes
