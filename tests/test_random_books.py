"""Random books with every kind of movement: the product's figures are what plain SQL says."""

import datetime
import os
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from django.db import IntegrityError, transaction

from donations import operations, queries, totals
from donations.models import Account, Fund, FundYear, Payment, Transfer
from donations.operations import Entry
from projects.models import FocusArea
from tests import cast
from tests.plain_figures import PlainFigures, balances, plain_figures

pytestmark = pytest.mark.django_db
Kind = Transfer.Kind
# The soak draws more books, and others, than every other run.
BOOKS, CHUNKS = int(os.environ.get("KOLLEKT_BOOKS", "80")), 4
FIRST_SEED = int(os.environ.get("KOLLEKT_SEED", "0"))
MOVEMENTS = 45
DAY = datetime.timedelta(days=1)
YEARS = (2022, 2023, 2024)
FIRST_DAY, LAST_DAY = datetime.date(YEARS[0], 1, 1), datetime.date(YEARS[-1], 12, 31)
# What every chunk must have seen go through, and refused, of each kind at least.
AT_LEAST = 5


@dataclass
class Book:
    """A book that fills up: time goes on, but now and then something is booked on an earlier day."""

    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    today: datetime.date = FIRST_DAY
    written: list[Transfer] = field(default_factory=list)
    waiting: list[Transfer] = field(default_factory=list)  # gifts in suspense

    def __post_init__(self) -> None:
        self.by, self.bank = cast.ester(), cast.bank()
        self.suspense = operations.single_account(Account.Kind.SUSPENSE)
        self.partners = operations.single_account(Account.Kind.PARTNERS)
        self.start = operations.single_account(Account.Kind.START)
        self.first_clause: dict[int, datetime.date | None] = {}
        self.funds: list[Fund] = []
        for slug in ("vatten", "skola"):
            begins = self.dice.choice([None, FIRST_DAY, FIRST_DAY, self.any_day()])
            area = cast.area(slug, clause_from=begins)
            self.first_clause[area.pk] = begins
            for number in range(self.dice.randint(2, 3)):
                self.add_fund(area, cast.project(f"{slug}-{number}", area))
            if self.dice.random() < 0.5:
                self.add_fund(area, area)
        self.years: dict[tuple[int, int], FundYear] = {}
        self.accounts: dict[int, Account] = {}
        for year in YEARS:
            first = datetime.date(year, 1, 1)
            for fund in self.funds:
                made = operations.fund_year(fund, first, self.by)
                self.years[fund.pk, year] = made
                self.accounts[made.pk] = operations.account(made)
                if fund.project_id and self.dice.random() < 0.85:
                    self.decide(made, first)

    def add_fund(self, area: FocusArea, page: FocusArea | cast.Project) -> None:
        self.funds.append(cast.fund(str(47000 + 10 * len(self.funds)), page))

    def any_day(self) -> datetime.date:
        return FIRST_DAY + self.dice.randint(0, (LAST_DAY - FIRST_DAY).days) * DAY

    def amount(self) -> int:
        return self.dice.choice([1, 2, self.dice.randint(1, 100), self.dice.randint(1, 100_000)])

    def decide(self, fund_year: FundYear, day: datetime.date) -> None:
        ore = self.dice.choice([0, 1, self.dice.randint(0, 200), self.dice.randint(0, 50_000)])
        if fund_year.fund.focus_area_id:
            ore = 0
        operations.set_need(fund_year, ore, decided_on=day, reason="Beslut", by=self.by)

    def day(self) -> datetime.date:
        """A day for a fact from the bank: most often today, sometimes one that is drawn or an edge."""
        year = self.today.year
        return self.dice.choice(
            [
                *[self.today] * 6,
                min(self.today, self.any_day()),
                min(self.today, datetime.date(year, 12, 31)),
                datetime.date(year, 1, 1),
            ]
        )

    def year_of(self, fund: Fund, day: datetime.date) -> FundYear:
        return self.years[fund.pk, day.year]

    def pick(self) -> FundYear:
        fund, year = self.dice.choice(self.funds), self.today.year
        return self.years[fund.pk, self.dice.choice([year, year, max(YEARS[0], year - 1)])]

    def covered(self, fund_year: FundYear, bank_date: datetime.date, ore: int) -> int:
        begins = self.first_clause[fund_year.focus_area_id]
        return ore if begins and begins <= bank_date else 0

    def payment(self, day: datetime.date) -> int:
        return Payment.objects.create(bank_date=day, channel=Fund.Channel.SWISH).pk

    def post(self, name: str, *entries: Entry) -> bool:
        """Post the entries if the guards let them through, and count what came of it."""
        try:
            with transaction.atomic():
                ids = operations.post(entries, by=self.by)
        except IntegrityError:
            self.done[f"{name} refused"] += 1
            return False
        self.written += [Transfer.objects.get(pk=pk) for pk in ids]
        self.done[name] += 1
        return True

    def entry(
        self, kind: Kind, debit: Account, credit: Account, ore: int, **fields: object
    ) -> Entry:
        given = {"booked_on": self.today, **fields}
        if kind is Kind.REALLOCATION:
            given["line_id"] = cast.agreed(debit, credit, ore)
        return Entry(kind, debit.pk, credit.pk, ore, **given)  # type: ignore[arg-type]

    # What can happen

    def opening(self) -> None:
        fund_year = self.pick()
        day = min(self.today, fund_year.year.ends_on)
        to = self.accounts[fund_year.pk]
        self.post("opening", self.entry(Kind.OPENING, self.start, to, self.amount(), booked_on=day))

    def gift(self) -> None:
        entries = []
        for _ in range(self.dice.choice([1, 1, 1, 2, 5])):
            bank_date, ore = self.day(), self.amount()
            fund_year = self.year_of(self.dice.choice(self.funds), bank_date)
            # Booked later than the bank's date when the period was locked.
            last_day = min(self.today, fund_year.year.ends_on)
            booked_on = self.dice.choice([bank_date, bank_date, bank_date, last_day])
            entries.append(
                self.entry(
                    Kind.GIFT,
                    self.bank,
                    self.accounts[fund_year.pk],
                    ore,
                    booked_on=max(bank_date, booked_on),
                    covered_ore=self.covered(fund_year, bank_date, ore),
                    payment_id=self.payment(bank_date),
                )
            )
        self.post("gift", *entries)

    def gift_to_suspense(self) -> None:
        day = self.day()
        entry = self.entry(
            Kind.GIFT,
            self.bank,
            self.suspense,
            self.amount(),
            booked_on=day,
            payment_id=self.payment(day),
        )
        if self.post("gift to suspense", entry):
            self.waiting.append(self.written[-1])

    def placement(self) -> None:
        if not self.waiting:
            return self.gift_to_suspense()
        gift = self.waiting.pop(self.dice.randrange(len(self.waiting)))
        payment = gift.payment
        assert payment is not None
        parts = [gift.amount_ore]
        if gift.amount_ore > 2:  # a split gift: several placements, perhaps with something left
            first = self.dice.randint(1, gift.amount_ore - 1)
            parts = self.dice.choice([parts, [first], [first, gift.amount_ore - first]])
        entries = []
        for ore in parts:
            fund_year = self.year_of(self.dice.choice(self.funds), self.today)
            entries.append(
                self.entry(
                    Kind.PLACEMENT,
                    self.suspense,
                    self.accounts[fund_year.pk],
                    ore,
                    covered_ore=self.covered(fund_year, payment.bank_date, ore),
                    payment_id=payment.pk,
                )
            )
        self.post("placement", *entries)

    def refund(self) -> None:
        source = self.suspense
        if self.dice.random() < 0.8:
            source = self.accounts[self.year_of(self.dice.choice(self.funds), self.today).pk]
        payment = self.payment(self.today)
        ore = self.amount() // 2 + 1
        self.post("refund", self.entry(Kind.REFUND, source, self.bank, ore, payment_id=payment))

    def disbursement(self) -> None:
        source = self.accounts[self.pick().pk]
        self.post(
            "disbursement", self.entry(Kind.DISBURSEMENT, source, self.partners, self.amount())
        )

    def reallocation(self) -> None:
        source = self.richest("movable")
        neighbours = [
            other
            for other in self.years.values()
            if other.year_id == source.year_id and other.pk != source.pk
        ]
        similar = [other for other in neighbours if other.focus_area_id == source.focus_area_id]
        to = self.dice.choice(similar if self.dice.random() < 0.9 else neighbours)
        most = self.everything()[source.pk].movable
        ore = self.near(most)
        debit, credit = self.accounts[source.pk], self.accounts[to.pk]
        stands = self.post("reallocation", self.entry(Kind.REALLOCATION, debit, credit, ore))
        expected = source.focus_area_id == to.focus_area_id and ore <= most
        assert stands == (expected and self.is_newest(source)), (ore, most)

    def carry_over(self) -> None:
        if self.today.year == YEARS[0]:
            return None
        source = self.richest("surplus", self.today.year - 1)
        to = self.years[source.fund_id, self.today.year]
        figures = self.everything()[source.pk]
        most = max(0, min(figures.surplus or 0, figures.cash))
        ore = self.near(most)
        covered = min(ore, max(0, figures.covered + self.dice.choice([0, 0, 0, 1])))
        entry = self.entry(
            Kind.CARRY_OVER,
            self.accounts[source.pk],
            self.accounts[to.pk],
            ore,
            covered_ore=covered,
        )
        stands = self.post("carry_over", entry)
        expected = ore <= most and covered <= max(0, figures.covered)
        assert stands == (expected and self.is_newest(source)), (ore, covered, figures)

    def reversal(self) -> None:
        if not self.written:
            return
        # Of a kind that is drawn first, since some are rare; now and then one that is reversed already.
        kinds = sorted({transfer.kind for transfer in self.written})
        kind = self.dice.choice(kinds + [kind for kind in kinds if kind == Kind.CARRY_OVER])
        of = self.dice.choice([transfer for transfer in self.written if transfer.kind == kind])
        if of.reverses_id and self.dice.random() < 0.8:
            return
        entry = Entry(
            kind=Kind(of.kind),
            debit_id=of.credit_id,
            credit_id=of.debit_id,
            amount_ore=of.amount_ore,
            covered_ore=of.covered_ore,
            booked_on=self.dice.choice([self.today, max(self.today, of.booked_on)]),
            payment_id=of.payment_id,
            reverses_id=of.pk,
        )
        if self.post(f"reversal of {of.kind}", entry):
            self.waiting = [gift for gift in self.waiting if gift.pk != of.pk]

    # Where the limits are

    def everything(self) -> dict[int, PlainFigures]:
        return plain_figures(LAST_DAY)

    def richest(self, name: str, year: int | None = None) -> FundYear:
        """A fund year, most often one that has something left of the figure `name`."""
        figures = self.everything()
        years = [
            fund_year
            for (_, its_year), fund_year in self.years.items()
            if its_year == (year or self.today.year)
        ]
        rich = [fund_year for fund_year in years if getattr(figures[fund_year.pk], name)]
        return self.dice.choice(rich if rich and self.dice.random() < 0.9 else years)

    def near(self, most: int) -> int:
        """An amount at the limit or on either side of it, or anywhere."""
        ore = self.dice.choice([most - 1, most, most, most + 1, self.dice.randint(0, most), 1])
        return max(1, ore)

    def is_newest(self, source: FundYear) -> bool:
        account = self.accounts[source.pk].pk
        rows = Transfer.objects.filter(debit=account) | Transfer.objects.filter(credit=account)
        return not rows.filter(booked_on__gt=self.today).exists()

    def fill(self) -> None:
        happenings = [self.opening, self.gift_to_suspense, self.refund, self.disbursement]
        happenings += [self.placement] * 2 + [self.reversal] * 6
        happenings += [self.gift] * 6 + [self.reallocation] * 6 + [self.carry_over] * 3
        for step in range(MOVEMENTS):
            if self.dice.random() < 0.06:
                self.decide(self.pick(), self.today)
            self.dice.choice(happenings)()
            latest = FIRST_DAY + (LAST_DAY - FIRST_DAY) * (step + 1) // MOVEMENTS
            self.today = max(self.today, latest - self.dice.randint(0, 20) * DAY)

    def some_days(self) -> list[datetime.date]:
        edges = [FIRST_DAY - DAY, LAST_DAY, datetime.date(2024, 2, 29)]
        edges += [datetime.date(year, 12, 31) for year in YEARS]
        return sorted({*edges, *(self.any_day() for _ in range(3)), datetime.date(2030, 1, 1)})


def compare(book: Book) -> None:
    names = list(PlainFigures.__annotations__)
    for day in book.some_days():
        kept = queries.figures(book.years.values(), day)
        plain = plain_figures(day)
        for pk, figures in kept.items():
            assert {name: getattr(figures, name) for name in names} == vars(plain[pk]), day
        on_accounts = balances(day)
        assert sum(on_accounts.values()) == 0
        inside = sum(on_accounts[account.pk] for account in book.accounts.values())
        outside = (book.bank, book.start, book.partners, book.suspense)
        assert inside == -sum(on_accounts[account.pk] for account in outside)
        assert inside == sum(figures.cash for figures in kept.values())


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_figures_of_random_books_are_what_plain_sql_says(chunk: int) -> None:
    done: Counter[str] = Counter()
    for number in range(chunk, BOOKS, CHUNKS):
        with transaction.atomic():
            book = Book(random.Random(FIRST_SEED + number))
            book.fill()
            compare(book)
            assert totals.differences() == []
            done += book.done
            transaction.set_rollback(True)

    wanted = ["gift to suspense", *(kind.value for kind in Kind)]
    wanted += [f"reversal of {kind}" for kind in Kind]
    wanted += ["reallocation refused", "carry_over refused", "reversal of gift refused"]
    assert {name: done[name] for name in wanted if done[name] < AT_LEAST} == {}, done
