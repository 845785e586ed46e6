"""Every figure of MONEY.md for fund years at the end of a day, read from the daily totals alone."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.db.models.functions import RowNumber

from donations.models import (
    Account,
    CollectionYear,
    DailyTotal,
    Fund,
    FundYear,
    Need,
    Proposal,
    ProposalLine,
    SurplusClause,
    Transfer,
    UnplacedGift,
    YearClosing,
)

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
    # What proposals that wait hold, and whether the year is closed, where it has been asked for
    # (`figures_today`).
    pending: int = 0
    is_closed: bool = False

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
    def may_leave(self) -> int:
        """What of the surplus may go to another fund, proposals that wait not taken off."""
        return max(0, min(self.surplus or 0, self.cash, self.covered))

    @property
    def movable(self) -> int:
        """What finance may propose to move today."""
        return 0 if self.is_closed else max(0, self.may_leave - self.pending)

    @property
    def percent(self) -> int | None:
        """Whole per cent of the need that is available, rounded down; may exceed 100."""
        if self.need is None:
            return None
        return 100 if self.need == 0 else max(0, self.available * 100 // self.need)


def figures(
    fund_years: Iterable[FundYear],
    day: datetime.date,
    needs: Mapping[int, Need] | None = None,
) -> dict[int, Figures]:
    """The figures of each fund year, by its id, at the end of `day` (Stockholm), in two queries.

    In one where the `needs` in force that day are known, by the fund year's id.
    """
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
    in_force = needs_in_force(ids, day) if needs is None else needs
    return {pk: _figures(day, sums[pk], in_force.get(pk), newest.get(pk)) for pk in ids}


def collected(fund_years: QuerySet[FundYear], day: datetime.date) -> dict[int, int]:
    """What each fund year had collected at the end of `day`, by the fund's id, in one query. Öre.

    The fund years are of one collection year, so that each fund has one of them.
    """
    totals, by_day = "account__daily_totals", Q(account__daily_totals__booked_on__lte=day)
    rows = fund_years.order_by().values_list("fund_id", f"{totals}__kind")
    sums: dict[int, dict[str, Sums]] = defaultdict(dict)
    for fund_id, kind, into, out in rows.annotate(
        into=Sum(f"{totals}__in_ore", filter=by_day, default=0),
        out=Sum(f"{totals}__out_ore", filter=by_day, default=0),
    ):
        sums[fund_id][kind] = Sums(into, out)
    return {fund_id: _figures(day, its, None, None).collected for fund_id, its in sums.items()}


def last_gifts(year: CollectionYear, day: datetime.date) -> dict[int, datetime.date]:
    """The newest day through `day` when a gift came to, or was placed on, a fund in `year`, by the fund's id.

    A day on which no more came than was taken back the same day is none. One query, which looks from
    the newest day back and stops at the first.
    """

    def newest(kind: str) -> Subquery:
        came = (
            DailyTotal.objects.filter(account=OuterRef("pk"), kind=kind, booked_on__lte=day)
            .values("booked_on")
            .annotate(into=Sum("in_ore"))
            .filter(into__gt=0)
        )
        return Subquery(came.order_by("-booked_on").values("booked_on")[:1])

    accounts = Account.objects.filter(fund_year__year=year).order_by()
    found = accounts.values_list("fund_year__fund_id", newest(Kind.GIFT), newest(Kind.PLACEMENT))
    return {fund_id: max(filter(None, days)) for fund_id, *days in found if any(days)}


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


@dataclass(frozen=True)
class Pending:
    """What proposals that wait would take from a fund year, and bring to it, in öre."""

    out: int = 0
    into: int = 0


def pending(fund_year_ids: Iterable[int], before: Proposal | None = None) -> dict[int, Pending]:
    """What proposals that wait hold of each fund year, by its id; of those submitted before one, if given."""
    ids = list(fund_year_ids)
    lines = ProposalLine.objects.filter(
        Q(source__in=ids) | Q(receiver__in=ids), proposal__in=submitted_before(before)
    )
    out: dict[int, int] = defaultdict(int)
    into: dict[int, int] = defaultdict(int)
    sums = lines.order_by().values_list("source", "receiver").annotate(Sum("amount_ore"))
    for source, receiver, ore in sums:
        out[source] += ore
        into[receiver] += ore
    return {pk: Pending(out[pk], into[pk]) for pk in ids}


def submitted_before(proposal: Proposal | None) -> QuerySet[Proposal]:
    """The proposals that wait: those submitted before `proposal`, all of them when it is a draft or None."""
    waiting = Proposal.objects.pending()
    if proposal is None or not proposal.submitted_at:
        return waiting
    return waiting.filter(
        Q(submitted_at__lt=proposal.submitted_at)
        | Q(submitted_at=proposal.submitted_at, pk__lt=proposal.pk)
    )


def figures_today(fund_years: Iterable[FundYear], day: datetime.date) -> dict[int, Figures]:
    """As `figures`, with what proposals that wait hold taken off what is movable: for today alone."""
    fund_years = list(fund_years)
    years = YearClosing.objects.filter(year__in={fund_year.year_id for fund_year in fund_years})
    closed = set(years.values_list("year", flat=True))
    return held_back(
        figures(fund_years, day), {one.pk for one in fund_years if one.year_id in closed}
    )


def held_back(found: Mapping[int, Figures], closed: Collection[int]) -> dict[int, Figures]:
    """Today's figures with what proposals that wait hold, and which fund years are in a closed year."""
    held = pending(found)
    return {
        pk: replace(its, pending=held[pk].out, is_closed=pk in closed) for pk, its in found.items()
    }


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


def in_force(needs: Iterable[Need], day: datetime.date) -> dict[int, Need]:
    """As `needs_in_force`, of all the needs that the fund years have, which have been read."""
    decided = sorted(
        (need for need in needs if need.decided_on <= day),
        key=lambda need: (need.decided_on, need.pk),
    )
    return {need.fund_year_id: need for need in decided}


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
        return max(0, self.need - self.remaining) * 100 // self.need if self.need else None


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


def unplaced() -> QuerySet[Any]:
    """Gifts of which something waits on suspense, oldest first; `left_ore` is how much.

    What is left is what has neither been placed nor paid back. It costs by what waits now, not by
    what has ever waited.
    """
    return (
        Transfer.objects.filter(unplaced__left_ore__gt=0)
        .annotate(left_ore=F("unplaced__left_ore"))
        .select_related("payment__meant_for__project__focus_area", "payment__meant_for__focus_area")
        .order_by("payment__bank_date", "pk")
    )


def suspense_balance() -> int:
    """The öre that wait on suspense."""
    return UnplacedGift.objects.aggregate(ore=Sum("left_ore"))["ore"] or 0


def heirs(funds: Iterable[Fund], day: datetime.date) -> dict[int, Fund]:
    """The fund, open on `day`, that has taken over from each closed one, by the closed one's id.

    Through as many as it takes; where none is open, none. Two queries, however many the funds.
    """
    closed = [fund for fund in funds if fund.successor_id]
    if not closed:
        return {}
    next_of = dict(Fund.objects.exclude(successor=None).values_list("pk", "successor"))
    following = Fund.objects.select_related("project__focus_area", "focus_area").in_bulk(
        set(next_of.values())
    )
    found = {}
    for fund in closed:
        seen = {fund.pk}
        heir = following.get(next_of.get(fund.pk))
        while heir and not heir.is_open(day) and heir.pk not in seen:
            seen.add(heir.pk)
            heir = following.get(next_of.get(heir.pk))
        if heir and heir.pk not in seen:
            found[fund.pk] = heir
    return found


def heir(fund: Fund, day: datetime.date) -> Fund | None:
    """As `heirs`, for one."""
    return heirs([fund], day).get(fund.pk)
