"""How many gifts there were, by way, year and size, is kept by triggers, exactly."""

import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Sum

from donations import operations, totals
from donations.models import Account, Fund, FundYear, GiftTotal, Payment, Transfer
from donations.operations import GiftIn, Part
from tests import cast
from triggers import registry

pytestmark = pytest.mark.django_db
SWISH, BANKGIRO = Fund.Channel.SWISH, Fund.Channel.BANKGIRO
LATER = cast.MIDSUMMER + datetime.timedelta(days=1)
HOW: dict[str, Any] = {"reason": "Givaren ringde"}

# Kind, channel, the year it was given, the least of its size, how many, öre.
Kept = tuple[str, str, int, int, int, int]


@pytest.fixture
def fund() -> Fund:
    return cast.fund_year(cast.fund()).fund


def kept(day: datetime.date = cast.MIDSUMMER, of: Fund | None = None) -> list[Kept]:
    """What is kept for a day, of a fund or of suspense; all of it as the transfers give."""
    assert totals.differences() == []
    account = {"account__fund_year__fund": of} if of else {"account__kind": Account.Kind.SUSPENSE}
    found = GiftTotal.objects.filter(booked_on=day, **account)
    key = ("kind", "channel", "given_year", "from_ore")
    return list(found.values_list(*key).annotate(Sum("count"), Sum("ore")).order_by(*key))


def give(
    fund: Fund | None, *ore: int, channel: str = SWISH, day: datetime.date = cast.MIDSUMMER
) -> list[Transfer]:
    gifts = [GiftIn(fund, amount, day, channel) for amount in ore]
    ids = operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())
    return list(Transfer.objects.filter(pk__in=ids).order_by("pk"))


def undo(transfer: Transfer, day: datetime.date = LATER) -> None:
    operations.reverse(transfer, booked_on=day, by=cast.ester(), **HOW)


def place(gift: Transfer, *parts: tuple[Fund, int], day: datetime.date = LATER) -> list[Transfer]:
    return operations.place(
        gift, [Part(fund, ore) for fund, ore in parts], booked_on=day, by=cast.ester(), **HOW
    )


class TestWhatIsKept:
    def test_gifts_are_counted_by_way_and_by_size_to_the_ore(self, fund: Fund) -> None:
        give(fund, 199_99, 200_00, 200_01, 1_999_99, 2_000_00, 50_000_00)
        give(fund, 200_00, channel=BANKGIRO)
        assert kept(of=fund) == [
            ("gift", "bankgiro", 2024, 200_00, 1, 200_00),
            ("gift", "swish", 2024, 0, 1, 199_99),
            ("gift", "swish", 2024, 200_00, 3, 2_400_00),
            ("gift", "swish", 2024, 2_000_00, 2, 52_000_00),
        ]

    def test_a_reversed_gift_is_counted_away_on_its_day(self, fund: Fund) -> None:
        wrong, _right = give(fund, 300_00, 500_00)
        undo(wrong)
        assert kept(of=fund) == [("gift", "swish", 2024, 200_00, 2, 800_00)]
        assert kept(LATER, of=fund) == [("gift", "swish", 2024, 200_00, -1, -300_00)]

    def test_a_placement_has_the_way_and_the_size_of_the_whole_gift(self, fund: Fund) -> None:
        other = cast.fund("47031", cast.project("pumpar"))
        [gift] = give(None, 250_00, channel=BANKGIRO)
        first, _second = place(gift, (fund, 100_00), (other, 150_00))
        assert kept() == [("gift", "bankgiro", 2024, 200_00, 1, 250_00)]
        assert kept(LATER, of=fund) == [("placement", "bankgiro", 2024, 200_00, 1, 100_00)]
        assert kept(LATER, of=other) == [("placement", "bankgiro", 2024, 200_00, 1, 150_00)]
        undo(first)
        assert kept(LATER, of=fund) == [("placement", "bankgiro", 2024, 200_00, 0, 0)]

    def test_a_refund_has_the_way_the_year_and_the_size_of_the_gift(self, fund: Fund) -> None:
        [gift] = give(fund, 500_00, channel=BANKGIRO)
        next_year = datetime.date(cast.YEAR + 1, 1, 7)
        back = operations.refund(gift, 50_00, booked_on=next_year, by=cast.ester(), **HOW)
        assert kept(next_year, of=fund) == [("refund", "bankgiro", 2024, 200_00, 1, 50_00)]
        undo(back, next_year)
        assert kept(next_year, of=fund) == [("refund", "bankgiro", 2024, 200_00, 0, 0)]

    def test_a_refund_from_suspense_is_counted_there(self, fund: Fund) -> None:
        [gift] = give(None, 2_000_00)
        operations.refund(gift, 1_00, booked_on=LATER, by=cast.ester(), **HOW)
        assert kept(LATER) == [("refund", "swish", 2024, 2_000_00, 1, 1_00)]

    def test_the_year_is_that_of_the_banks_day_also_over_new_year(self, fund: Fund) -> None:
        new_years_eve, day_after = datetime.date(2024, 12, 31), datetime.date(2025, 1, 1)
        [gift] = give(None, 200_00, day=new_years_eve)
        place(gift, (fund, 200_00), day=day_after)
        operations.lock_period(new_years_eve, by=cast.ester())
        give(fund, 300_00, day=new_years_eve)  # booked on the first open day
        give(fund, 400_00, day=day_after)
        assert kept(day_after, of=fund) == [
            ("gift", "swish", 2024, 200_00, 1, 300_00),
            ("gift", "swish", 2025, 200_00, 1, 400_00),
            ("placement", "swish", 2024, 200_00, 1, 200_00),
        ]

    def test_a_gift_and_its_placements_may_come_in_one_statement(self, fund: Fund) -> None:
        to = operations.account(FundYear.objects.get(fund=fund)).pk
        suspense = operations.single_account(Account.Kind.SUSPENSE).pk
        payment = Payment.objects.create(bank_date=cast.MIDSUMMER, channel=BANKGIRO).pk
        kind = Transfer.Kind
        entries = [
            operations.Entry(
                kind.GIFT, cast.bank().pk, suspense, 2_000_00, cast.MIDSUMMER, payment_id=payment
            ),
            *(
                operations.Entry(
                    *(kind.PLACEMENT, suspense, to, 1_000_00, cast.MIDSUMMER, 1_000_00),
                    payment_id=payment,
                )
                for _ in range(2)
            ),
        ]
        operations.post(entries, by=cast.ester())
        assert kept(of=fund) == [("placement", "bankgiro", 2024, 2_000_00, 2, 2_000_00)]

    def test_what_is_no_gift_is_not_counted(self, fund: Fund) -> None:
        give(fund, 500_00)
        year = FundYear.objects.get(fund=fund)
        operations.disburse(year, 100_00, booked_on=LATER, by=cast.ester(), **HOW)
        assert kept(LATER, of=fund) == []

    def test_a_refused_statement_counts_nothing(self, fund: Fund) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            operations.post(
                [
                    operations.Entry(
                        Transfer.Kind.GIFT,
                        cast.bank().pk,
                        operations.account(FundYear.objects.get(fund=fund)).pk,
                        1_00,
                        datetime.date(2023, 12, 31),
                    )
                ],
                by=cast.ester(),
            )
        assert not GiftTotal.objects.exists()

    def test_the_way_of_a_payment_in_the_books_does_not_change(self, fund: Fund) -> None:
        give(fund, 1_00)
        Payment.objects.update(channel=SWISH, note="Ringde")
        with pytest.raises(DatabaseError, match="the way it was given"), transaction.atomic():
            Payment.objects.update(channel=BANKGIRO)


class TestAgainstTheBooks:
    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"count": F("count") + 1}, "count is kept as 3, the transfers give 2"),
            ({"ore": F("ore") - 1}, "ore is kept as 69999, the transfers give 70000"),
        ],
    )
    def test_a_wrong_total_is_named_and_mended(
        self, fund: Fund, wrong: dict[str, Any], told: str
    ) -> None:
        give(fund, 200_00, 500_00)
        account = FundYear.objects.get(fund=fund).account.pk
        GiftTotal.objects.update(**wrong)
        assert totals.differences() == [
            f"account {account}, gift, {cast.MIDSUMMER}, swish of 2024 from 20000: {told}"
        ]
        with pytest.raises(SystemExit):
            call_command("verify_ledger")
        totals.rebuild()
        assert kept(of=fund) == [("gift", "swish", 2024, 200_00, 2, 700_00)]

    @pytest.mark.parametrize(
        "change", [{"channel": BANKGIRO}, {"from_ore": 0}, {"given_year": 2023}]
    )
    def test_one_under_another_way_size_or_year_is_named(
        self, fund: Fund, change: dict[str, Any]
    ) -> None:
        give(fund, 200_00)
        GiftTotal.objects.update(**change)
        assert len(totals.differences()) == 4

    def test_one_that_is_gone_is_named_and_made_anew(self, fund: Fund) -> None:
        give(fund, 200_00)
        GiftTotal.objects.all().delete()
        assert len(totals.differences()) == 2
        totals.rebuild()
        assert len(kept(of=fund)) == 1

    def test_to_migrate_fills_it_for_books_that_were_there_before(self, fund: Fund) -> None:
        other = cast.fund("47031", cast.project("pumpar"))
        first, _second = give(fund, 199_99, 5_000_00)
        [waits] = give(None, 300_00, channel=BANKGIRO)
        undo(place(waits, (fund, 100_00), (other, 200_00))[0])
        back = operations.refund(first, 99_99, booked_on=LATER, by=cast.ester(), **HOW)
        undo(back)
        connection.check_constraints()
        before = [kept(day, of) for day in (cast.MIDSUMMER, LATER) for of in (fund, other, None)]
        GiftTotal.objects.all().delete()
        ours = [t for t in registry.installed(connection).values() if "gift_totals" in t.name]
        registry.drop(connection, ours)
        call_command("migrate", verbosity=0)
        after = [kept(day, of) for day in (cast.MIDSUMMER, LATER) for of in (fund, other, None)]
        zeroes = [[one for one in day if any(one[-2:])] for day in before]
        assert [[one for one in day if any(one[-2:])] for day in after] == zeroes

    def test_the_triggers_and_the_model_know_the_same_sizes(self) -> None:
        written: list[Any] = [
            part for parts in registry._written(connection.vendor) for part in parts
        ]
        name = "gift_totals" if connection.vendor == "postgresql" else "transfer_gift_totals"
        [trigger] = [one.sql for one in written if one.name == name]
        for size in filter(None, GiftTotal.SIZES):
            assert f">= {size} THEN {size}" in trigger
