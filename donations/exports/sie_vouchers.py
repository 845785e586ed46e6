"""A SIE file's vouchers: a day and a kind each, with a sum for every account and project."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from stdnum.se import orgnr

from donations.exports import sie
from donations.models import CollectionYear, SieExport, SieMapping, Transfer
from donations.models.sie import ACCOUNT_FIELDS
from donations.reports.sie_chart import Chart, Post
from projects.models import SiteSettings

Kind = Transfer.Kind
# What each kind is called, many at a time.
NAMES = {
    Kind.OPENING: "Ingående belopp",
    Kind.GIFT: "Gåvor",
    Kind.PLACEMENT: "Placerade gåvor",
    Kind.REFUND: "Återbetalningar",
    Kind.REALLOCATION: "Omfördelningar",
    Kind.CARRY_OVER: "Överföringar till nytt år",
    Kind.DISBURSEMENT: "Utbetalningar",
}
_ORDER: dict[str, int] = {kind: place for place, kind in enumerate(Kind)}


class Group(NamedTuple):
    """Transfers of one kind on one day from one account to another, added up; see `SieSum`."""

    booked_on: datetime.date
    kind: str
    is_reversal: bool
    debit_id: int
    credit_id: int
    transfers: int
    amount_ore: int


class MissingAccounts(ValueError):
    """Nobody has said which accounts some movements go to; `fields` are the mapping's, in its order."""

    def __init__(self, fields: set[str]) -> None:
        super().__init__(", ".join(sorted(fields)))
        self.fields = [name for name in ACCOUNT_FIELDS if name in fields]


def content(
    export: SieExport, groups: Iterable[Group], year: CollectionYear, made_on: datetime.date
) -> bytes:
    """The bytes of an export's file: its groups, by the mapping as it stands. Raises `MissingAccounts`."""
    held = sorted(groups, key=_voucher_of)
    ids = {side for one in held for side in (one.debit_id, one.credit_id)}
    chart = Chart(SieMapping.current(), ids)
    posts = [_posts(chart, one) for one in held]
    if missing := {post.field for pair in posts for post in pair if not post.number}:
        raise MissingAccounts(missing)
    vouchers = [
        sie.Voucher(
            series=chart.mapping.series,
            day=some[0][0].booked_on,
            text=_text(export, [one for one, _pair in some]),
            rows=_rows(some),
        )
        for some in (
            list(of_one)
            for _key, of_one in groupby(
                zip(held, posts, strict=True), key=lambda pair: _voucher_of(pair[0])
            )
        )
    ]
    site = SiteSettings.current()
    used = [row for voucher in vouchers for row in voucher.rows]
    return sie.write(
        sie.SieFile(
            organisation=site.name,
            organisation_number=right_number(site.organisation_number),
            made_on=made_on,
            year=(year.starts_on, year.ends_on),
            accounts={row.account: chart.accounts[row.account] for row in used},
            projects={row.project: chart.projects[row.project] for row in used if row.project},
            vouchers=vouchers,
        )
    )


def _voucher_of(one: Group) -> tuple[datetime.date, int, bool]:
    """Which voucher the group is in, and where that stands among the others."""
    return one.booked_on, _ORDER[one.kind], one.is_reversal


def _posts(chart: Chart, one: Group) -> tuple[Post, Post]:
    """Where the group's debit and credit stand. A reversal gives back what had left, and takes what had come."""
    return (
        chart.post(one.kind, one.debit_id, leaves=not one.is_reversal),
        chart.post(one.kind, one.credit_id, leaves=one.is_reversal),
    )


def _rows(some: Iterable[tuple[Group, tuple[Post, Post]]]) -> list[sie.Row]:
    """A voucher's rows: first what is debited, then what is credited, each account and project once."""
    debits: dict[tuple[str, str], int] = defaultdict(int)
    credits: dict[tuple[str, str], int] = defaultdict(int)
    for one, (debit, credit) in some:
        debits[debit.number, debit.project] += one.amount_ore
        credits[credit.number, credit.project] += one.amount_ore
    rows = [sie.Row(*key, ore) for key, ore in sorted(debits.items())]
    return rows + [sie.Row(*key, -ore) for key, ore in sorted(credits.items())]


def _text(export: SieExport, held: list[Group]) -> str:
    """ "Kollekt 12: Gåvor, 37 st"; of a repeat, "Kollekt 15 (IGEN av 12): Gåvor, 37 st"."""
    again = f" (IGEN av {export.repeats_id})" if export.repeats_id else ""
    name = NAMES[Kind(held[0].kind)]
    if held[0].is_reversal:
        name = f"Rättelse, {name[0].lower()}{name[1:]}"
    return f"Kollekt {export.number}{again}: {name}, {sum(one.transfers for one in held)} st"


def right_number(number: str) -> str:
    """An organisation's number as the format has it, "" for one that is not right."""
    return orgnr.format(number) if orgnr.is_valid(number) else ""
