"""What waits on suspense is kept by triggers, exactly; and what a payment is known by does not change."""

import datetime
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from donations import operations, queries, totals
from donations.models import Account, BankFile, Fund, FundYear, Payment, Transfer, UnplacedGift
from donations.operations import Entry, Part
from tests import cast
from triggers import registry

pytestmark = pytest.mark.django_db
ABOUT_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
LATER = cast.MIDSUMMER + datetime.timedelta(days=1)
HOW: dict[str, Any] = {"booked_on": LATER, "reason": "Givaren ringde"}


@pytest.fixture
def fund() -> Fund:
    return cast.fund_year(cast.fund()).fund


def kept() -> dict[int, int]:
    """What is kept of each gift that waits; the same as the transfers give."""
    assert totals.differences() == []
    return dict(UnplacedGift.objects.values_list("transfer_id", "left_ore"))


def place(gift: Transfer, fund: Fund, ore: int) -> Transfer:
    [placed] = operations.place(gift, [Part(fund, ore)], by=cast.ester(), **HOW)
    return placed


def refund(gift: Transfer, ore: int) -> Transfer:
    return operations.refund(gift, ore, by=cast.ester(), **HOW)


def undo(transfer: Transfer) -> None:
    operations.reverse(transfer, by=cast.ester(), **HOW)


def unguarded(*statements: str) -> None:
    """Write to the table as its owner can, with what guards it lifted meanwhile."""
    connection.check_constraints()
    guards = [t for t in registry.installed(connection).values() if "unplaced" in t.table]
    with connection.cursor() as cursor:
        registry.drop(connection, guards)
        for sql in statements:
            cursor.execute(sql)
        registry.create(connection, guards)


class TestWhatIsKept:
    def test_a_gift_to_a_fund_never_waits(self, fund: Fund) -> None:
        cast.gift(fund, 100_00)
        assert kept() == {}

    def test_a_gift_waits_until_nothing_of_it_is_left(self, fund: Fund) -> None:
        gift, other = cast.gift(None, 100_00), cast.gift(None, 7_00)
        assert kept() == {gift.pk: 100_00, other.pk: 7_00}
        place(gift, fund, 60_00)
        assert kept() == {gift.pk: 40_00, other.pk: 7_00}
        refund(gift, 39_99)
        assert kept() == {gift.pk: 1, other.pk: 7_00}
        place(gift, fund, 1)
        assert kept() == {other.pk: 7_00}
        assert queries.suspense_balance() == 7_00

    def test_it_comes_back_when_a_placement_or_a_refund_is_reversed(self, fund: Fund) -> None:
        gift = cast.gift(None, 100_00)
        placed, back = place(gift, fund, 60_00), refund(gift, 40_00)
        assert kept() == {}
        undo(placed)
        assert kept() == {gift.pk: 60_00}
        undo(back)
        assert kept() == {gift.pk: 100_00}
        undo(gift)
        assert kept() == {}

    def test_one_gift_is_not_taken_for_another(self, fund: Fund) -> None:
        gifts = [cast.gift(None, ore) for ore in (1_00, 2_00, 3_00)]
        placed = place(gifts[1], fund, 2_00)
        refund(cast.gift(fund, 50_00), 10_00)  # of a gift that never waited
        assert kept() == {gifts[0].pk: 1_00, gifts[2].pk: 3_00}
        undo(gifts[0])
        undo(placed)
        assert kept() == {gifts[1].pk: 2_00, gifts[2].pk: 3_00}

    def test_a_gift_and_its_placements_may_come_in_one_statement(self, fund: Fund) -> None:
        bank, suspense = cast.bank(), operations.single_account(Account.Kind.SUSPENSE)
        to = operations.account(FundYear.objects.get(fund=fund))
        whole, partly = (Payment.objects.create(bank_date=LATER, channel="swish") for _ in range(2))

        def gift(payment: Payment) -> Entry:
            kind = Transfer.Kind.GIFT
            return Entry(kind, bank.pk, suspense.pk, 5_00, LATER, payment_id=payment.pk)

        def part(payment: Payment, ore: int) -> Entry:
            kind = Transfer.Kind.PLACEMENT
            return Entry(kind, suspense.pk, to.pk, ore, LATER, ore, payment_id=payment.pk)

        entries = [gift(whole), part(whole, 2_00), gift(partly), part(whole, 3_00)]
        ids = operations.post([*entries, part(partly, 1_00)], by=cast.ester())
        assert kept() == {ids[2]: 4_00}
        reversals = [
            Entry(
                one.kind,
                one.credit_id,
                one.debit_id,
                one.amount_ore,
                LATER,
                one.covered_ore,
                payment_id=one.payment_id,
                reverses_id=pk,
            )
            for pk, one in zip(ids, [*entries, part(partly, 1_00)], strict=True)
        ]
        with transaction.atomic():
            point = transaction.savepoint()
            operations.post([reversals[1], reversals[3]], by=cast.ester())
            assert kept() == {ids[0]: 5_00, ids[2]: 4_00}
            transaction.savepoint_rollback(point)
        assert kept() == {ids[2]: 4_00}
        operations.post([*reversals[1::2], reversals[4], *reversals[:3:2]], by=cast.ester())
        assert kept() == {}

    def test_what_is_refused_changes_nothing(self, fund: Fund) -> None:
        gift = cast.gift(None, 100_00)
        entry = Entry(
            Transfer.Kind.PLACEMENT,
            gift.credit_id,
            operations.account(FundYear.objects.get(fund=fund)).pk,
            100_01,
            LATER,
            100_01,
            payment_id=gift.payment_id,
        )
        with pytest.raises(DatabaseError, match="more is placed"), transaction.atomic():
            operations.post([entry], by=cast.ester())
        assert kept() == {gift.pk: 100_00}


class TestAgainstTheBooks:
    @pytest.mark.parametrize(
        ("forged", "ore"),
        [
            ("UPDATE donations_unplacedgift SET left_ore = 900", 900),
            ("DELETE FROM donations_unplacedgift", 0),
        ],
    )
    def test_a_wrong_row_and_a_missing_one_are_named_and_mended(
        self, fund: Fund, forged: str, ore: int
    ) -> None:
        gift = cast.gift(None, 100_00)
        unguarded(forged)
        told = f"unplaced gift {gift.pk}: left_ore is kept as {ore}, the transfers give 10000"
        assert totals.differences()[0] == told
        totals.rebuild()
        assert kept() == {gift.pk: 100_00}

    def test_a_row_too_many_is_named_even_when_it_says_nothing_is_left(self, fund: Fund) -> None:
        gift = cast.gift(fund, 100_00)
        unguarded(f"INSERT INTO donations_unplacedgift VALUES ({gift.pk}, 0)")
        assert len(totals.differences()) == 1
        totals.rebuild()
        assert kept() == {}

    def test_to_migrate_fills_it_for_books_that_were_there_before(self, fund: Fund) -> None:
        waits, gone, partly = (cast.gift(None, ore) for ore in (1_00, 2_00, 3_00))
        place(gone, fund, 2_00)
        refund(partly, 2_99)
        undo(place(waits, fund, 1_00))
        unguarded("DELETE FROM donations_unplacedgift")
        ours = [t for t in registry.installed(connection).values() if "unplaced" in t.name]
        registry.drop(connection, ours)
        call_command("migrate", verbosity=0)
        assert kept() == {waits.pk: 1_00, partly.pk: 1}

    @ABOUT_POSTGRESQL
    @pytest.mark.parametrize(
        "sql",
        [
            "INSERT INTO donations_unplacedgift VALUES ({gift}, 5)",
            "UPDATE donations_unplacedgift SET left_ore = 5",
            "DELETE FROM donations_unplacedgift",
            "TRUNCATE donations_unplacedgift",
        ],
    )
    def test_nobody_writes_there_by_hand(self, fund: Fund, sql: str) -> None:
        cast.gift(None, 100_00)
        gift = cast.gift(fund, 100_00)
        connection.check_constraints()
        with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
            connection.cursor().execute(sql.format(gift=gift.pk))
        assert list(kept().values()) == [100_00]


def test_the_queue_is_found_without_walking_what_was_placed_long_ago(fund: Fund) -> None:
    gifts = [operations.GiftIn(None, 1_00, cast.MIDSUMMER, "swish")] * 800
    ids = operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())
    came = Transfer.objects.filter(pk__in=ids[1:])
    to = operations.account(FundYear.objects.get(fund=fund)).pk
    kind = Transfer.Kind.PLACEMENT
    operations.post(
        [
            Entry(kind, one.credit_id, to, 1_00, LATER, 1_00, payment_id=one.payment_id)
            for one in came
        ],
        by=cast.ester(),
    )
    connection.check_constraints()
    connection.cursor().execute("ANALYZE")
    assert [gift.pk for gift in queries.unplaced()] == ids[:1]
    plan = queries.unplaced()[:50].explain()
    for walk in ("Seq Scan on donations_transfer", "SCAN donations_transfer"):
        assert walk not in plan
    for walk in ("Seq Scan on donations_payment", "SCAN donations_payment"):
        assert walk not in plan


# What a payment is known by


@pytest.fixture
def payment(fund: Fund) -> Payment:
    """A payment from a bank file, whose gift stands."""
    file = BankFile.objects.create(
        name="fil.xml", digest="d", size=1, received_at=timezone.now(), by=cast.ester()
    )
    gift = cast.gift(fund, 100_00)
    assert gift.payment_id is not None
    Payment.objects.filter(pk=gift.payment_id).update(
        account=cast.bank(), file=file, key=uuid.uuid4(), money_digest="m", content_digest="c"
    )
    return Payment.objects.get(pk=gift.payment_id)


def withdraw(payment: Payment) -> None:
    with transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(withdrawn_at=timezone.now())


@pytest.mark.parametrize(
    "changes",
    [
        {"key": uuid.uuid4()},
        {"key": None, "file": None},
        {"account": lambda: Account.objects.create(kind="bank", name="Ett annat").pk},
        {"money_digest": "n"},
        {"money_digest": ""},
        {"content_digest": "d"},
    ],
)
def test_what_tells_a_payment_from_others_does_not_change(
    payment: Payment, changes: dict[str, Any | Callable[[], Any]]
) -> None:
    given = {name: value() if callable(value) else value for name, value in changes.items()}
    with pytest.raises(DatabaseError, match="known by"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**given)


def test_who_gave_can_be_forgotten_and_a_note_written(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(
        payer_name="", message="", references=None, note="Ringde"
    )
    payment.refresh_from_db()
    assert payment.note == "Ringde"


def test_a_payment_is_withdrawn_once_and_only_when_nothing_of_it_stands(payment: Payment) -> None:
    gift = Transfer.objects.get(payment=payment)
    back = refund(gift, 40_00)
    assert back.payment is not None
    for one in (payment, back.payment):
        with pytest.raises(DatabaseError, match="not withdrawn while"):
            withdraw(one)
    undo(back)
    with pytest.raises(DatabaseError, match="not withdrawn while"):
        withdraw(payment)
    undo(gift)
    withdraw(payment)
    withdraw(back.payment)
    with pytest.raises(DatabaseError, match="once and for all"):
        withdraw(payment)
    with pytest.raises(DatabaseError, match="once and for all"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(withdrawn_at=None)
