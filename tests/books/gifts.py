"""What happens to gifts, and to the money that nobody moves: openings, disbursements and needs."""

import datetime

from hypothesis import strategies as st

from donations import operations
from donations.models import Fund, FundYear, Transfer
from donations.operations import GiftIn, Part
from tests.books.begun import DAY, FIRST_DAY, LAST_DAY, Row, noon
from tests.books.forecasts import Kind, why
from tests.books.steps import NEAR, PICK, SMALL, Steps, happens


class Gifts(Steps):
    """Gifts and what becomes of them, and the days that pass."""

    @happens(2, days=st.sampled_from([1, 7, 30, 150, 307]))
    def days_pass(self, days: int) -> None:
        self.today = min(LAST_DAY, self.today + days * DAY)
        self.clock.move_to(noon(self.today))
        self.forget()

    @happens(5, gifts=st.lists(st.tuples(PICK, SMALL, PICK), min_size=1, max_size=3))
    def gifts_come_in(self, gifts: list[tuple[int, int, int]]) -> None:
        given = []
        for pick, ore, back in gifts:
            bank_date = max(FIRST_DAY - 200 * DAY, self.today - (back % 60 - 1) * DAY)
            fund: Fund | None = [*self.funds, self.closed, None][pick % (len(self.funds) + 2)]
            if pick % 3 == 0:
                fund = self.fund_year(pick).fund
            given.append(GiftIn(fund, ore * (1 + pick % 3), bank_date, Fund.Channel.SWISH))
        self.give(given)

    def give(self, given: list[GiftIn]) -> None:
        """Gifts of a day that is locked are booked on the first open one."""
        rows: list[Row] = []
        broken = why(future=any(gift.bank_date > self.today for gift in given))
        for gift in [] if broken else given:
            day, to = max(gift.bank_date, self.first_open), self.suspense
            is_shut = gift.fund == self.closed and gift.bank_date > self.closed.closed_on  # type: ignore[operator]
            if gift.fund and not is_shut:
                to = self.account(self.year_of(gift.fund, day))
            rows.append((Kind.GIFT.value, self.bank.pk, to.pk, gift.amount_ore, day, None))
        with self.step("gifts", broken, *rows):
            operations.post_gifts(given, bank=self.bank, by=self.ester)

    @happens(2, ore=SMALL, share=SMALL, near=NEAR, pick=PICK)
    def a_gift_is_split(self, ore: int, share: int, near: int, pick: int) -> None:
        first = min(ore, share)
        parts = [Part(self.funds[0], first), Part(self.funds[pick % 5], ore - first + near)]
        parts = [part for part in parts if part.amount_ore] or [Part(self.funds[0], ore)]
        day = max(self.today - pick % 5 * DAY, self.first_open)
        gift = GiftIn(None, ore, day, Fund.Channel.BANKGIRO)
        broken = why(
            amount=any(part.amount_ore < 0 for part in parts),
            left_of_gift=sum(part.amount_ore for part in parts) > ore,
        )
        rows: list[Row] = [(Kind.GIFT.value, self.bank.pk, self.suspense.pk, ore, day, None)]
        for part in [] if broken else parts:
            to = self.account(self.year_of(part.fund, day)).pk
            rows.append((Kind.PLACEMENT.value, self.suspense.pk, to, part.amount_ore, day, None))
        with self.step("split", broken, *rows):
            operations.split_gift(gift, parts, bank=self.bank, reason="Delad gåva", by=self.ester)

    @happens(4, pick=PICK, near=NEAR, whole=st.booleans(), day=PICK, to=PICK)
    def a_gift_is_placed(self, pick: int, near: int, whole: bool, day: int, to: int) -> None:
        waiting = Transfer.objects.filter(credit=self.suspense, kind=Kind.GIFT)
        if pick % 4:
            waiting = waiting.filter(reversal=None)
        gift = self.one_of(waiting.order_by("-pk"), pick)
        if gift is None:
            return
        left = gift.amount_ore - sum(self.gone(gift))
        ore = left + near if whole else max(1, left // 2)
        on = self.day(day, gift.booked_on)
        self.place(gift, [*self.funds, self.closed][to % (len(self.funds) + 1)], ore, on)

    def place(self, gift: Transfer, fund: Fund, ore: int, on: datetime.date) -> None:
        left = gift.amount_ore - sum(self.gone(gift))
        broken = self.day_rules(on) + why(
            before_the_gift=on < gift.booked_on,
            reversed_gift=hasattr(gift, "reversal"),
            amount=ore <= 0,
            left_of_gift=ore > left,
            closed_fund=bool(fund.closed_on and on > fund.closed_on),
        )
        rows: list[Row] = []
        if not broken:
            account = self.account(self.year_of(fund, on))
            rows = [(Kind.PLACEMENT.value, self.suspense.pk, account.pk, ore, on, None)]
        with self.step("placement", broken, *rows):
            operations.place(gift, [Part(fund, ore)], booked_on=on, reason="Rätt", by=self.ester)

    @happens(3, pick=PICK, near=NEAR, whole=st.booleans(), day=PICK)
    def a_gift_is_paid_back(self, pick: int, near: int, whole: bool, day: int) -> None:
        found = Transfer.objects.exclude(kind=Kind.OPENING)
        if pick % 4:
            found = found.filter(kind=Kind.GIFT, reverses=None, reversal=None)
        gift = self.one_of(found.order_by("-pk"), pick)
        if gift is None:
            return
        left = gift.amount_ore - sum(self.gone(gift))
        ore = left + near if whole else max(1, left // 2)
        self.pay_back(gift, ore, self.day(day, gift.booked_on))

    def pay_back(self, gift: Transfer, ore: int, sent: datetime.date) -> None:
        left, on = gift.amount_ore - sum(self.gone(gift)), max(sent, self.first_open)
        broken = why(
            future=sent > self.today,
            gift=gift.kind != Kind.GIFT or gift.reverses_id is not None,
            reversed_gift=hasattr(gift, "reversal"),
            before_the_gift=on < gift.booked_on,
            amount=ore <= 0,
            left_of_gift=ore > left,
        )
        rows: list[Row] = []
        if not broken:
            source = gift.credit
            if source.fund_year:
                source = self.account(self.year_of(source.fund_year.fund, on))
            rows = [(Kind.REFUND.value, source.pk, self.bank.pk, ore, on, None)]
        with self.step("refund", broken, *rows):
            operations.refund(gift, ore, booked_on=sent, reason="Ångrade sig", by=self.ester)

    @happens(5, pick=PICK, day=PICK, kind=st.sampled_from([None, *Kind]), again=st.booleans())
    def a_row_is_reversed(self, pick: int, day: int, kind: Kind | None, again: bool) -> None:
        """And now and then the reversal after it."""
        found = Transfer.objects.filter(kind=kind) if kind else Transfer.objects.all()
        if pick % 4 == 0:
            found = Transfer.objects.filter(reverses__isnull=False)
        of = self.one_of(found.order_by("-pk"), pick)
        if of is None:
            return
        self.reverse(of, self.day(day, of.booked_on))
        if again and (reversal := Transfer.objects.filter(reverses=of).first()):
            self.reverse(reversal, self.today)

    def reverse(self, of: Transfer, on: datetime.date) -> None:
        answered = [answer.booked_on for answer in of.answers.all()]
        broken = self.day_rules(on) + why(
            reversal=of.reverses_id is not None,
            reversed_twice=hasattr(of, "reversal"),
            before_the_row=on < of.booked_on,
            before_the_answer=any(on < day for day in answered),
            leaned_on=of.kind == Kind.GIFT and any(self.gone(of)),
        )
        if of.kind in (Kind.REALLOCATION, Kind.CARRY_OVER):
            assert of.debit.fund_year
            assert of.credit.fund_year
            sides = {of.debit.fund_year.year_id, of.credit.fund_year.year_id}
            its = self.figures()[of.credit.fund_year.pk]
            left = its.cash
            if of.covered_ore:
                left = min(left, its.covered + of.amount_ore - of.covered_ore)
            broken += why(closed=bool(sides & self.shut), gone_on=left < of.amount_ore)
        row = (of.kind, of.credit_id, of.debit_id, of.amount_ore, on, of.pk)
        with self.step("reversal", broken, row):
            operations.reverse(of, booked_on=on, reason="Ett nollfel", by=self.ester)

    @happens(2, pick=PICK, ore=SMALL, day=PICK)
    def a_year_is_opened_with(self, pick: int, ore: int, day: int) -> None:
        year = self.fund_year(pick)
        self.open_with(year, ore, self.day(day, year.year.ends_on + DAY, year.year.starts_on))

    def open_with(self, year: FundYear, ore: int, on: datetime.date) -> None:
        broken = self.day_rules(on)
        broken += why(year=not year.year.starts_on <= on <= year.year.ends_on)
        row = (Kind.OPENING.value, self.start.pk, self.account(year).pk, ore, on, None)
        with self.step("opening", broken, row):
            operations.open_with(year, ore, booked_on=on, reason="Från förr", by=self.ester)

    @happens(4, pick=PICK, near=NEAR, share=st.sampled_from([1, 2, 4]), day=PICK)
    def money_is_paid_out(self, pick: int, near: int, share: int, day: int) -> None:
        year = self.fund_year(pick)
        ore = max(0, self.figures()[year.pk].cash) // share + near
        self.pay_out(year, ore, self.day(day, year.year.starts_on))

    def pay_out(self, year: FundYear, ore: int, on: datetime.date) -> None:
        broken = self.day_rules(on) + why(amount=ore <= 0, year=on < year.year.starts_on)
        sides = self.account(year).pk, self.partners.pk
        with self.step("disbursement", broken, (Kind.DISBURSEMENT.value, *sides, ore, on, None)):
            operations.disburse(year, ore, booked_on=on, reason="Till partnern", by=self.ester)

    @happens(4, pick=PICK, near=NEAR, share=st.sampled_from([1, 2, 3, 0]), day=PICK)
    def a_need_is_decided(self, pick: int, near: int, share: int, day: int) -> None:
        year = self.fund_year(pick)
        if share == 1 and (line := self.one_of(self.waiting_lines(), pick)):
            year = self.by_id(line.receiver_id)  # it needs nothing more, or an öre
        available = self.figures()[year.pk].available
        ore = available // share + near if share else max(0, available) + 200
        self.decide_need(year, ore, self.today if day % 3 else self.day(day))

    def decide_need(self, year: FundYear, ore: int, on: datetime.date) -> None:
        broken = self.day_rules(on) + why(
            amount=ore < 0,
            whole_area=year.fund.focus_area_id is not None and ore > 0,
            closed=year.year_id in self.shut,
        )
        with self.step("need", broken):
            operations.set_need(year, ore, decided_on=on, reason="Styrelsens beslut", by=self.ester)

    @happens(3, pick=PICK, is_yes=st.sampled_from([True, True, False]), back=st.integers(-1, 30))
    def a_donor_answers(self, pick: int, is_yes: bool, back: int) -> None:
        given = Transfer.objects.filter(kind__in=[Kind.GIFT, Kind.PLACEMENT]).order_by("-pk")
        if pick % 5:
            given = given.filter(
                reverses=None, reversal=None, credit__fund_year__isnull=False, covered_ore=0
            )
        gift = self.one_of(given, pick)
        if gift is None:
            return
        on = self.today - back * DAY
        begins, paid = None, gift.payment
        if gift.credit.fund_year:
            begins = self.covered_from[gift.credit.fund_year.focus_area_id]
        broken = why(
            future=on > self.today,
            reversal=gift.reverses_id is not None,
            reversed_gift=hasattr(gift, "reversal"),
            on_a_fund=gift.credit.fund_year is None,
            clause=bool(begins and paid and paid.bank_date >= begins),
        )
        before = sum(answer.covered_ore for answer in gift.answers.all())
        if gift.credit.fund_year and not is_yes and before:
            its = self.figures()[gift.credit.fund_year.pk]
            broken += why(relied_upon=its.covered < before)
        with self.step("answer", broken):
            operations.record_answer(gift, is_yes, asked_by="Ester", answered_on=on, by=self.ester)
