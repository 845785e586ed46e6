"""Every figure of MONEY.md for fund years at the end of a day, read from the daily totals alone."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import F, Max, Q, Sum, Window
from django.db.models.functions import RowNumber

from donations.models import DailyTotal, Fund, FundYear, Need, SurplusClause, Transfer

Kind = Transfer.Kind


@dataclass(frozen=True)
class Sums:
    """What an account took in and gave out of one kind, in öre."""

    into: int = 0
    out: int = 0
    covered_in: int = 0
    covered_out: int = 0


@dataclass(frozen=True)
class Figures:
    """A fund year at the end of a day. Öre; an unknown need makes what leans on it None."""

    day: datetime.date
    need: int | None = None
    need_decided_on: datetime.date | None = None
    opening: int = 0
    gifts: int = 0
    placements: int = 0
    refunds: int = 0
    carried_in: int = 0
    carried_out: int = 0
    moved_in: int = 0
    moved_out: int = 0
    disbursed: int = 0
    covered: int = 0
    changed_at: datetime.datetime | None = None
    newest_day: datetime.date | None = None

    @property
    def collected(self) -> int:
        return self.opening + self.gifts + self.placements - self.refunds

    @property
    def available(self) -> int:
        return self.collected + self.carried_in - self.carried_out + self.moved_in - self.moved_out

    @property
    def remaining(self) -> int | None:
        return None if self.need is None else max(0, self.need - self.available)

    @property
    def surplus(self) -> int | None:
        return None if self.need is None else max(0, self.available - self.need)

    @property
    def cash(self) -> int:
        return self.available - self.disbursed

    @property
    def movable(self) -> int:
        """What finance may move today; proposals that wait are not taken off here."""
        return max(0, min(self.surplus or 0, self.cash, self.covered))

    @property
    def percent(self) -> int | None:
        """Whole per cent of the need that is available, rounded down; may exceed 100."""
        if self.need is None:
            return None
        return 100 if self.need == 0 else max(0, self.available * 100 // self.need)


def figures(fund_years: Iterable[FundYear], day: datetime.date) -> dict[int, Figures]:
    """The figures of each fund year, by its id, at the end of `day` (Stockholm), in two queries."""
    ids = [fund_year.pk for fund_year in fund_years]
    sums: dict[int, dict[str, Sums]] = defaultdict(dict)
    newest: dict[int, tuple[datetime.datetime, datetime.date]] = {}
    totals = (
        DailyTotal.objects.filter(account__fund_year_id__in=ids, booked_on__lte=day)
        .values_list("account__fund_year_id", "kind")
        .annotate(
            Sum("in_ore"),
            Sum("out_ore"),
            Sum("covered_in_ore"),
            Sum("covered_out_ore"),
            Max("changed_at"),
            Max("booked_on"),
        )
    )
    for fund_year_id, kind, into, out, covered_in, covered_out, changed_at, booked_on in totals:
        sums[fund_year_id][kind] = Sums(into, out, covered_in, covered_out)
        known = newest.get(fund_year_id, (changed_at, booked_on))
        newest[fund_year_id] = (max(changed_at, known[0]), max(booked_on, known[1]))
    needs = needs_in_force(ids, day)
    return {pk: _figures(day, sums[pk], needs.get(pk), newest.get(pk)) for pk in ids}


def _figures(
    day: datetime.date,
    sums: dict[str, Sums],
    need: Need | None,
    newest: tuple[datetime.datetime, datetime.date] | None,
) -> Figures:
    def of(kind: str) -> Sums:
        return sums.get(kind, Sums())

    gift, placement, carried = of(Kind.GIFT), of(Kind.PLACEMENT), of(Kind.CARRY_OVER)
    refund, moved = of(Kind.REFUND), of(Kind.REALLOCATION)
    return Figures(
        day=day,
        need=need.amount_ore if need else None,
        need_decided_on=need.decided_on if need else None,
        opening=of(Kind.OPENING).into,
        gifts=gift.into,
        placements=placement.into,
        refunds=refund.out,
        carried_in=carried.into,
        carried_out=carried.out,
        moved_in=moved.into,
        moved_out=moved.out,
        disbursed=of(Kind.DISBURSEMENT).out,
        covered=gift.covered_in
        + placement.covered_in
        + carried.covered_in
        - refund.out
        - moved.out
        - carried.covered_out,
        changed_at=newest[0] if newest else None,
        newest_day=newest[1] if newest else None,
    )


def needs_in_force(fund_year_ids: Iterable[int], day: datetime.date) -> dict[int, Need]:
    """The need in force at the end of `day` for each fund year that has one, by the fund year's id."""
    newest_first = Window(
        RowNumber(), partition_by="fund_year_id", order_by=[F("decided_on").desc(), F("id").desc()]
    )
    needs = (
        Need.objects.filter(fund_year_id__in=list(fund_year_ids), decided_on__lte=day)
        .annotate(place=newest_first)
        .filter(place=1)
    )
    return {need.fund_year_id: need for need in needs}


@dataclass(frozen=True)
class Total:
    """The sum of fund years' figures as they are shown, in öre; unknown needs are counted beside."""

    need: int = 0
    collected: int = 0
    available: int = 0
    remaining: int = 0
    surplus: int = 0
    unknown_needs: int = 0

    @property
    def percent(self) -> int | None:
        """Whole per cent of the known needs that is met: what remains counts, not another fund's surplus."""
        return (self.need - self.remaining) * 100 // self.need if self.need else None


def total(shown: Iterable[Figures]) -> Total:
    """Add figures up, each as it is shown on its own."""
    rows = list(shown)
    return Total(
        need=sum(row.need or 0 for row in rows),
        collected=sum(row.collected for row in rows),
        available=sum(row.available for row in rows),
        remaining=sum(row.remaining or 0 for row in rows),
        surplus=sum(row.surplus or 0 for row in rows),
        unknown_needs=sum(row.need is None for row in rows),
    )


@dataclass(frozen=True)
class FundStatus:
    """An open fund with its year that holds a day, and that year's figures."""

    fund: Fund
    year_name: str
    figures: Figures
    clause: SurplusClause | None = field(default=None)


def fund_statuses(funds: Iterable[Fund], day: datetime.date) -> dict[int, FundStatus]:
    """The given funds on `day`, by fund id; one without a fund year then has empty figures and no need."""
    funds = list(funds)
    years = FundYear.objects.filter(
        fund__in=funds, year__starts_on__lte=day, year__ends_on__gte=day
    ).select_related("year")
    by_fund = {fund_year.fund_id: fund_year for fund_year in years}
    found = figures(by_fund.values(), day)
    clauses = clauses_in_force({fund.area_now.pk for fund in funds}, day)
    return {
        fund.pk: FundStatus(
            fund=fund,
            year_name=by_fund[fund.pk].year.name if fund.pk in by_fund else str(day.year),
            figures=found[by_fund[fund.pk].pk]
            if fund.pk in by_fund
            else Figures(day, need=0 if fund.focus_area_id else None),
            clause=clauses.get(
                by_fund[fund.pk].focus_area_id if fund.pk in by_fund else fund.area_now.pk
            ),
        )
        for fund in funds
    }


def clauses_in_force(focus_area_ids: Iterable[int], day: datetime.date) -> dict[int, SurplusClause]:
    """The surplus clause in force on `day` for each focus area that has one, by the area's id."""
    clauses = SurplusClause.objects.filter(
        focus_area_id__in=list(focus_area_ids), valid_from__lte=day
    )
    return {clause.focus_area_id: clause for clause in clauses.order_by("valid_from")}


def open_funds(page_ids: Iterable[int], day: datetime.date) -> list[Fund]:
    """The fund open on `day` of each of the given project and focus area pages that has one."""
    ids = list(page_ids)
    is_open = Q(closed_on=None) | Q(closed_on__gte=day)
    funds = Fund.objects.filter(is_open, opened_on__lte=day).order_by("opened_on", "pk")
    of_pages = funds.filter(Q(project_id__in=ids) | Q(focus_area_id__in=ids))
    # Should two be open, a page shows the newest.
    found = of_pages.select_related("project__focus_area", "focus_area")
    return list({fund.page.pk: fund for fund in found}.values())


def area_total(focus_area_id: int, project_ids: Iterable[int], day: datetime.date) -> Total:
    """A focus area's total on `day`: its own fund years and those of the given (published) projects.

    A fund year counts in the area it was begun in. An open fund without a year
    yet counts among the unknown needs.
    """
    ids = list(project_ids)
    of_area = Q(fund__project_id__in=ids) | Q(fund__focus_area_id=focus_area_id)
    fund_years = FundYear.objects.filter(
        of_area, focus_area_id=focus_area_id, year__starts_on__lte=day, year__ends_on__gte=day
    )
    shown = list(figures(fund_years, day).values())
    begun = set(
        FundYear.objects.filter(year__starts_on__lte=day, year__ends_on__gte=day).values_list(
            "fund_id", flat=True
        )
    )
    without_year = [
        Figures(day)
        for fund in open_funds(ids, day)
        if fund.pk not in begun and fund.area_now.pk == focus_area_id
    ]
    return total([*shown, *without_year])
