"""Reconciliation: statement against books, day by day, and a person's word about each day."""

import datetime
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations, totals
from donations.finance import start
from donations.models import (
    Account,
    AccountNumber,
    AsideRule,
    BankDay,
    BankFile,
    Fund,
    GiftSource,
    HeldLine,
    Payment,
    SignOff,
    StatedDay,
    StatementDay,
    Transfer,
)
from donations.operations import GiftIn, OperationError, bank_files, reconciliation
from donations.reports import remaining
from donations.reports.reconciliation import Day, State, day_of, days
from donations.reports.reconciliation_day import How, detail
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.bankfiles import flat, month, statements
from tests.bankfiles.statements import Entry, statement
from tests.test_finance_pages import row_of, text_of

pytestmark = pytest.mark.django_db

DAY = datetime.date(2026, 3, 3)
NEXT = DAY + datetime.timedelta(days=1)
ONE_DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def ours() -> Account:
    """Our account, known by the numbers that files have, and another of ours."""
    account = cast.bank()
    for scheme, digits in (
        ("iban", statements.IBAN),
        ("bban", month.ACCOUNT),
        ("bankgiro", month.BANKGIRO),
        ("swish", month.SWISH),
    ):
        AccountNumber.objects.create(account=account, scheme=scheme, digits=digits)
    other = Account.objects.create(kind=Account.Kind.BANK, name="Sparkonto")
    AccountNumber.objects.create(account=other, scheme="iban", digits=month.OTHER_IBAN)
    return account


@pytest.fixture
def brunnar() -> Fund:
    return cast.fund("47030")


@pytest.fixture
def elsewhere() -> None:
    """Gifts come in camt.054: statements serve reconciliation alone."""
    for number in AccountNumber.objects.filter(account=cast.bank()):
        GiftSource.objects.create(number=number, format="camt.054", from_day=cast.NEW_YEAR)


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def booked(data: bytes, name: str = "utdrag.xml") -> BankFile:
    file = bank_files.receive(name, io.BytesIO(data), by=cast.ester())
    bank_files.confirm(file, by=cast.ester())
    file.refresh_from_db()
    return file


def gift_line(ore: int = 100_00, id: str = "A1", day: datetime.date = DAY, **told: Any) -> Entry:
    return Entry(day, ore, id, **{"name": "Åsa Lindström", "text": "47030", **told})


def given(
    ore: int = 100_00, day: datetime.date = DAY, fund: Fund | None = None, **told: Any
) -> Transfer:
    """A gift that was registered by hand."""
    gift = GiftIn(fund, ore, day, Fund.Channel.BANKGIRO, **told)
    return operations.register_gift(gift, bank=cast.bank(), by=cast.ester())


def of(day: datetime.date = DAY, account: Account | None = None) -> Day:
    return day_of(account or cast.bank(), day, timezone.localdate())


def sums(day: datetime.date = DAY) -> tuple[State, int, int, int]:
    """State, what the statement has in gifts, the books' gifts, and what differs."""
    one = of(day)
    return one.state, one.given_ore, one.books_ore, one.difference_ore


def sign(day: datetime.date = DAY, **how: Any) -> SignOff:
    return reconciliation.sign_off(cast.bank(), day, by=cast.ester(), **how)


def address(day: datetime.date = DAY, name: str = "day") -> str:
    return reverse(f"finance_reconciliation_{name}", args=[cast.bank().pk, day])


# What the books hold, by the bank's own day


def bank_days() -> dict[datetime.date, tuple[int, ...]]:
    """What is kept of our account, with nothing in it left out: gifts, in, refunds, out."""
    kept: dict[datetime.date, tuple[int, ...]] = {}
    for one in BankDay.objects.filter(account=cast.bank()):
        now = (one.gifts, one.in_ore, one.refunds, one.out_ore)
        before = kept.get(one.bank_date, (0, 0, 0, 0))
        kept[one.bank_date] = tuple(a + b for a, b in zip(before, now, strict=True))
    assert totals.differences() == []
    return {day: told for day, told in kept.items() if any(told)}


def test_a_gift_counts_on_the_banks_day_whichever_day_it_is_booked_on(brunnar: Fund) -> None:
    operations.lock_period(datetime.date(2026, 3, 31), by=cast.ester())
    late = given(100_01, DAY, brunnar)
    assert late.booked_on == datetime.date(2026, 4, 1)
    given(50_00, datetime.date(2026, 4, 1))
    assert bank_days() == {DAY: (1, 100_01, 0, 0), datetime.date(2026, 4, 1): (1, 50_00, 0, 0)}


def test_a_reversal_takes_away_from_the_day_of_the_gift_and_a_refund_has_its_own(
    brunnar: Fund,
) -> None:
    gift, wrong = given(100_00, fund=brunnar), given(7_00)
    today = timezone.localdate()
    operations.reverse(wrong, booked_on=today, reason="Dubbel", by=cast.ester())
    refund = operations.refund(gift, 30_00, booked_on=NEXT, reason="Bad om det", by=cast.ester())
    assert bank_days() == {DAY: (1, 100_00, 0, 0), NEXT: (0, 0, 1, 30_00)}
    operations.reverse(refund, booked_on=today, reason="Kom tillbaka", by=cast.ester())
    assert bank_days() == {DAY: (1, 100_00, 0, 0)}


def test_a_placement_changes_no_bank_day(brunnar: Fund) -> None:
    gift = given(100_00)
    before = list(BankDay.objects.values_list("changed_at"))
    parts = [operations.Part(brunnar, 100_00)]
    operations.place(gift, parts, booked_on=DAY, reason="x", by=cast.ester())
    assert list(BankDay.objects.values_list("changed_at")) == before


def test_what_somebody_has_written_among_the_bank_days_is_found(brunnar: Fund) -> None:
    given(100_00)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with pytest.raises(IntegrityError, match="kept by triggers"), transaction.atomic():
                cursor.execute("UPDATE donations_bankday SET in_ore = 1")
            connection.check_constraints()
            cursor.execute("ALTER TABLE donations_bankday DISABLE TRIGGER bank_day_guard")
        cursor.execute("UPDATE donations_bankday SET in_ore = in_ore + 1")
    [found] = totals.differences()
    assert "in_ore is kept as 10001, the transfers give 10000" in found


# What the statement says


def test_a_statement_whose_gifts_are_booked_from_it_agrees_to_the_ore(brunnar: Fund) -> None:
    booked(statement(gift_line(100_01), gift_line(1, "A2"), first=DAY))
    assert sums() == (State.AGREES, 100_02, 100_02, 0)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("ore", "state"), [(9_999, State.DIFFERS), (10_000, State.AGREES)])
def test_one_ore_off_is_a_difference(brunnar: Fund, ore: int, state: State) -> None:
    booked(statement(gift_line(100_00), first=DAY))
    given(ore, fund=brunnar)
    assert sums() == (state, 100_00, ore, 100_00 - ore)


def test_the_month_that_three_kinds_of_files_tell_of_adds_up_day_by_day(
    brunnar: Fund, elsewhere: None
) -> None:
    stated = month.written("camt.053")
    booked(stated.data)
    booked(month.written("camt.054").data, "avi.xml")
    [found] = days([cast.bank()], month._date(1), month._date(31), timezone.localdate()).values()
    differs = {one.day.day: one.difference_ore for one in found if one.difference_ore}
    # The statement booked one gift the bank day after.
    assert differs == {20: -777_00, 23: 777_00}
    assert sum(one.given_ore for one in found) == sum(gift.ore for gift in month.GIFTS)
    aside = {one.day.day: dict(one.aside)["own transfer"].ore for one in found if one.aside}
    assert aside == {16: 5_000_00}
    assert {one.day.day for one in found if one.out} == {11, 26}


def test_two_statements_that_overlap_count_each_line_once(brunnar: Fund) -> None:
    first, second = (month.written("camt.053", *span).data for span in month.HALVES)
    whole = month.written("camt.053").data
    booked(first)
    booked(second)
    told = [of(month._date(day)).cells for day in range(1, 32)]
    StatementDay.objects.all().delete()
    BankFile.objects.update(undone_at=timezone.now())
    booked(whole)
    assert [of(month._date(day)).cells for day in range(1, 32)] == told


@pytest.mark.usefixtures("elsewhere")
def test_a_day_in_two_parts_is_added_and_what_both_have_is_counted_once() -> None:
    morning, noon, evening = (
        gift_line(ore, id) for ore, id in ((1_00, "A"), (2_00, "B"), (4_00, "C"))
    )
    booked(statement(morning, noon, first=DAY))
    late = booked(statement(noon, evening, first=DAY))
    assert of().in_ore == 7_00
    [file] = BankFile.objects.exclude(pk=late.pk)
    bank_files.undo(file, reason="Fel", by=cast.ester())
    assert of().in_ore == 6_00  # the later one is counted anew, whole
    bank_files.undo(late, reason="Fel", by=cast.ester())
    assert not of().has_statement


@pytest.mark.usefixtures("elsewhere")
def test_two_lines_alike_in_one_statement_are_two() -> None:
    twins = [gift_line(5_00, id, name="", text="") for id in ("A", "B")]
    booked(statement(*twins, first=DAY))
    booked(statement(*twins, gift_line(7_00, "C"), first=DAY))
    assert of().in_ore == 17_00


@pytest.mark.usefixtures("elsewhere")
def test_a_day_without_lines_has_a_statement_and_one_outside_has_none() -> None:
    booked(statement(gift_line(day=NEXT), first=DAY, last=NEXT + 2 * ONE_DAY))
    states = [of(DAY + at * ONE_DAY).state for at in range(-1, 5)]
    assert states == [
        State.NOTHING,  # before
        State.NOTHING,  # the opening balance may be the day's or the day before's
        State.DIFFERS,
        *[State.AGREES] * 2,
        State.NOTHING,
    ]
    alone = DAY - 10 * ONE_DAY
    booked(statement(first=alone))
    assert sums(alone) == (State.AGREES, 0, 0, 0)


@pytest.mark.usefixtures("elsewhere")
def test_a_statement_of_centuries_or_of_days_to_come_tells_of_the_days_that_it_has() -> None:
    booked(statement(gift_line(), first=datetime.date(1, 1, 1), last=datetime.date(9999, 12, 31)))
    assert [one.day for one in StatementDay.objects.all()] == [DAY]
    today = timezone.localdate()
    booked(statement(first=today - ONE_DAY, last=today + 9 * ONE_DAY))
    assert [one.day for one in StatementDay.objects.order_by("day")] == [DAY, today]


@pytest.mark.parametrize("day", [datetime.date(2026, 3, 29), datetime.date(2025, 10, 26)])
def test_the_days_that_summer_time_begins_and_ends_are_days_like_others(
    brunnar: Fund, day: datetime.date
) -> None:
    booked(statement(gift_line(1_00, day=day), first=day))
    assert sums(day)[0] is State.AGREES
    assert [of(day - ONE_DAY).state, of(day + ONE_DAY).state] == [State.NOTHING] * 2


def test_today_is_not_over_until_midnight_in_stockholm(brunnar: Fund) -> None:
    with time_machine.travel("2026-03-28T22:30:00+00:00", tick=False):  # 23.30 in Stockholm
        booked(
            statement(gift_line(day=datetime.date(2026, 3, 28)), first=datetime.date(2026, 3, 28))
        )
        assert of(datetime.date(2026, 3, 28)).state is State.UNDER_WAY
        with pytest.raises(OperationError, match="inte slut än"):
            sign(datetime.date(2026, 3, 28))
    with time_machine.travel("2026-03-28T23:00:00+00:00", tick=False):
        assert of(datetime.date(2026, 3, 28)).state is State.AGREES


# In detail


@pytest.mark.usefixtures("elsewhere")
def test_each_line_is_paired_with_its_gift_and_what_is_left_differs(brunnar: Fund) -> None:
    lines = (
        gift_line(100_00, "A"),
        gift_line(200_00, "B", name="Per Berg"),
        gift_line(300_00, "C", name="Eva Ek"),
    )
    booked(statement(*lines, first=DAY))
    given(100_00, fund=brunnar, payer_name="Åsa Lindström", message="47030")
    given(200_00, fund=brunnar)  # nobody said who gave
    given(300_01, fund=brunnar, payer_name="Eva Ek")
    told = detail(cast.bank(), DAY)
    assert {pair.gift.amount_ore: pair.how for pair in told.pairs} == {
        100_00: How.ALIKE,
        200_00: How.ALIKE,
    }
    assert [one.line.amount_ore for one in told.lines] == [300_00]
    assert [one.amount_ore for one in told.gifts] == [300_01]


def test_a_gift_booked_from_the_statement_is_paired_by_its_id_also_when_it_was_booked_late(
    brunnar: Fund,
) -> None:
    operations.lock_period(datetime.date(2026, 3, 31), by=cast.ester())
    booked(statement(gift_line(), gift_line(id="B"), first=DAY))
    assert Transfer.objects.filter(booked_on=DAY).count() == 0
    assert sums() == (State.AGREES, 200_00, 200_00, 0)
    assert [pair.how for pair in detail(cast.bank(), DAY).pairs] == [How.ID, How.ID]


def lump_and_details(missing: int = 0) -> None:
    """A deposit of two gifts in the statement, and a BgMax that lists all but the last `missing` of them."""
    for number in AccountNumber.objects.filter(account=cast.bank()):
        GiftSource.objects.create(number=number, format="BgMax", from_day=cast.NEW_YEAR)
    whole = Entry(DAY, 300_00, "L", reference=f"BG{month.BANKGIRO} 00017-0303001")
    booked(statement(whole, first=DAY))
    gifts = [flat.payment(ore, "47030", serial=str(ore)) for ore in (100_00, 200_00)]
    section = flat.Section(gifts[: len(gifts) - missing], day=f"{DAY:%Y%m%d}", serial="00017")
    booked(flat.lines(flat.bgmax(section), "\r\n"), "bgmax.txt")


def test_a_lump_is_explained_by_its_gifts_in_another_file(brunnar: Fund) -> None:
    lump_and_details()
    assert sums() == (State.AGREES, 300_00, 300_00, 0)
    [lump] = detail(cast.bank(), DAY).lumps
    assert (lump.ore, lump.short_ore, len(lump.gifts)) == (300_00, 0, 2)
    assert [file.name for file in lump.files] == ["bgmax.txt"]


def test_a_lump_whose_details_are_partly_missing_tells_how_much(
    brunnar: Fund, eskil: Client
) -> None:
    lump_and_details(missing=1)
    assert sums() == (State.DIFFERS, 300_00, 100_00, 200_00)
    told = detail(cast.bank(), DAY)
    assert told.lumps[0].short_ore == 200_00
    assert (told.lines, told.gifts) == ([], [])
    assert "200 kr fattas" in text_of(eskil.get(address()))


def test_a_lump_with_no_details_at_all_says_that_they_have_not_come(eskil: Client) -> None:
    booked(statement(Entry(DAY, 300_00, "L", reference="BG9912346 00017-0303001"), first=DAY))
    assert sums()[0] is State.DIFFERS
    assert "uppgifterna om gåvorna har inte kommit" in text_of(eskil.get(address()))


@pytest.mark.usefixtures("elsewhere")
def test_an_unplaced_gift_counts_and_a_fee_an_own_transfer_and_a_refund_are_told_apart(
    brunnar: Fund, eskil: Client
) -> None:
    gift = given(100_00)
    refund = Entry(DAY, 40_00, "R", name="Åsa Lindström", is_out=True, code="ICDT", sub_code="OTHR")
    fee = Entry(DAY, 2_50, "F", is_out=True, code="MDOP", sub_code="CHRG")
    own = Entry(DAY, 900_00, "O", code="RCDT", sub_code="BOOK", name="Oss")
    booked(statement(gift_line(), refund, fee, own, first=DAY))
    AsideRule.objects.create(name="Oss själva", is_a="own transfer", text="Oss")
    reconciliation.count_day_anew(cast.bank(), DAY, by=cast.ester())
    operations.refund(gift, 40_00, booked_on=DAY, reason="Fel konto", by=cast.ester())
    operations.refund(gift, 10_00, booked_on=DAY, reason="Mer", by=cast.ester())
    assert sums() == (State.AGREES, 100_00, 100_00, 0)
    assert of().aside_ore == 900_00
    page = text_of(eskil.get(address()))
    assert "Egen överföring, ingen gåva (1 rad) −900 kr" in page
    assert "40 kr : finns på kontoutdraget" in page
    assert "10 kr : hittas inte på kontoutdraget" in page


@pytest.mark.usefixtures("elsewhere")
def test_a_rule_that_has_changed_is_told_and_the_day_counted_anew(
    brunnar: Fund, eskil: Client
) -> None:
    booked(
        statement(
            gift_line(), gift_line(12_00, "R", name="Banken", text="Insättningsränta"), first=DAY
        )
    )
    given(100_00, fund=brunnar)
    assert sums()[0] is State.DIFFERS
    AsideRule.objects.create(name="Ränta", is_a="interest", text="insättningsränta")
    assert "Reglerna för vad som är en gåva har ändrats" in text_of(eskil.get(address()))
    eskil.post(address(name="count"))
    assert sums() == (State.AGREES, 100_00, 100_00, 0)
    assert "Reglerna" not in text_of(eskil.get(address()))


def test_a_line_that_waits_for_a_decision_is_beside_its_twin_with_the_way_to_decide(
    brunnar: Fund, eskil: Client
) -> None:
    given(100_00, fund=brunnar, payer_name="Åsa Lindström", message="47030")
    file = booked(statement(gift_line(), first=DAY))
    held = HeldLine.objects.get()
    assert sums() == (State.AGREES, 100_00, 100_00, 0)
    [pair] = detail(cast.bank(), DAY).pairs
    assert (pair.how, pair.entry.held) == (How.WAITING, held)
    assert (
        f"{reverse('finance_held', args=[file.pk])}#rad-{held.pk}"
        in eskil.get(address()).content.decode()
    )
    bank_files.decide(file, HeldLine.Decision.ANOTHER, by=cast.ester())
    # Now there are two gifts in the books, and the statement has one of them.
    assert sums() == (State.DIFFERS, 100_00, 200_00, -100_00)
    told = detail(cast.bank(), DAY)
    assert [pair.how for pair in told.pairs] == [How.ID]
    assert len(told.gifts) == 1


@pytest.mark.usefixtures("elsewhere")
def test_when_the_files_lines_are_gone_what_was_counted_stands(eskil: Client) -> None:
    file = booked(statement(gift_line(), first=DAY))
    file.file.delete()
    assert sums()[1] == 100_00
    reconciliation.count_day_anew(cast.bank(), DAY, by=cast.ester())
    assert sums()[1] == 100_00
    assert "finns inte kvar" in text_of(eskil.get(address()))


@pytest.mark.usefixtures("elsewhere")
def test_lines_shared_with_a_file_whose_lines_are_gone_are_not_counted_twice() -> None:
    morning, noon, evening = (
        gift_line(ore, id) for ore, id in ((1_00, "A"), (2_00, "B"), (4_00, "C"))
    )
    first = booked(statement(morning, noon, first=DAY))
    booked(statement(noon, evening, first=DAY))
    first.file.delete()
    reconciliation.count_day_anew(cast.bank(), DAY, by=cast.ester())
    assert of().in_ore == 7_00


def test_a_payers_name_is_for_who_may_see_payments(brunnar: Fund, eskil: Client) -> None:
    booked(statement(gift_line(), gift_line(7_00, "B", name="Per Berg"), first=DAY))
    Payment.objects.filter(payer_name="Per Berg").get()
    given(9_00, fund=brunnar, payer_name="Eva Ek")
    assert {"Åsa Lindström", "Eva Ek"} <= set(
        re.findall("Åsa Lindström|Eva Ek", text_of(eskil.get(address())))
    )
    for role in (Role.APPROVER, Role.READER):
        client = cast.sign_in(Client(), cast.member(role.name, role))
        page = text_of(client.get(address()))
        assert "9 kr" in page
        assert not re.search("Åsa|Per Berg|Eva Ek|Stäm av dagen för", page)
        assert "Den som har rollen Ekonomi stämmer av" in page
        assert client.post(address(name="sign")).status_code == 403


# Signed


@pytest.fixture
def even(brunnar: Fund) -> BankFile:
    """A day that comes out even."""
    return booked(statement(gift_line(), first=DAY))


def test_a_person_signs_a_day_with_the_sums_that_were_seen(even: BankFile) -> None:
    word = sign()
    assert (word.statement_ore, word.aside_ore, word.books_ore) == (100_00, 0, 100_00)
    assert (word.difference_ore, word.reason, word.by) == (0, "", cast.ester())
    assert of().state is State.SIGNED
    assert "Stämde av Gåvokonto den 3 mars 2026" in Event.objects.latest("pk").text


@pytest.mark.usefixtures("even")
def test_a_day_is_signed_once_and_with_the_sums_that_stand_now() -> None:
    seen = of().seen
    given(1)
    with pytest.raises(OperationError, match="har ändrats sedan sidan visades"):
        sign(seen=seen)
    sign(reason="En slant i kassan")
    with pytest.raises(OperationError, match="redan avstämd av"):
        sign(reason="Igen")


@pytest.mark.usefixtures("even")
@pytest.mark.parametrize("reason", ["", "   "])
def test_a_difference_takes_a_reason(reason: str) -> None:
    given(1)
    with pytest.raises(OperationError, match=r"skiljer 0,01.kr\. Skriv varför"):
        sign(reason=reason)
    word = sign(reason=" Kollekten sattes in dagen efter ")
    assert (word.difference_ore, word.reason) == (-1, "Kollekten sattes in dagen efter")


def test_a_day_without_a_statement_is_not_signed(brunnar: Fund) -> None:
    given()
    assert sums() == (State.NO_STATEMENT, 0, 100_00, -100_00)
    with pytest.raises(OperationError, match="inget kontoutdrag"):
        sign(reason="Det stämmer nog")


@pytest.mark.usefixtures("even")
def test_a_sign_off_is_taken_back_with_a_reason_and_all_of_it_stays() -> None:
    by = cast.ester()
    with pytest.raises(OperationError, match="inte avstämd"):
        reconciliation.take_back(cast.bank(), DAY, reason="x", by=by)
    sign()
    with pytest.raises(OperationError, match="Skriv varför"):
        reconciliation.take_back(cast.bank(), DAY, reason=" ", by=by)
    reconciliation.take_back(cast.bank(), DAY, reason="En gåva saknas", by=by)
    assert of().state is State.AGREES
    sign()
    assert of().state is State.SIGNED
    assert SignOff.objects.count() == 3


def test_what_changes_afterwards_shows_and_says_what(even: BankFile, eskil: Client) -> None:
    sign()
    late = given(5_00, fund=Fund.objects.get())
    assert of().state is State.CHANGED
    page = text_of(eskil.get(address()))
    assert "Ändrat sedan Ester stämde av" in page
    assert "5 kr kom till den" in page
    operations.reverse(late, booked_on=timezone.localdate(), reason="Fel", by=cast.ester())
    # The sums are the same again, and yet the books have been touched.
    assert (of().state, of().difference_ore) == (State.CHANGED, 0)
    eskil.post(address(name="sign"), filled(eskil))
    assert of().state is State.SIGNED


def test_a_refund_afterwards_shows_too(even: BankFile, eskil: Client) -> None:
    sign()
    gift = Transfer.objects.get(kind="gift")
    operations.refund(gift, 7_00, booked_on=DAY, reason="Ångrad", by=cast.ester())
    assert of().state is State.CHANGED
    assert "7 kr betalades tillbaka den" in text_of(eskil.get(address()))


def test_an_undone_file_changes_the_day_that_was_signed(even: BankFile) -> None:
    sign()
    bank_files.undo(even, reason="Fel månad", by=cast.ester())
    assert (of().state, of().has_statement, of().books_ore) == (State.CHANGED, False, 0)
    booked(statement(gift_line(), first=DAY))
    assert of().state is State.CHANGED  # other gifts than those that were signed
    sign()
    assert of().state is State.SIGNED


# Typed in


def typed(in_ore: int | None, aside_ore: int = 0) -> StatedDay:
    by = cast.ester()
    return reconciliation.state_day(cast.bank(), DAY, in_ore, aside_ore=aside_ore, by=by)


def test_a_sum_that_is_typed_in_serves_where_there_is_no_file_and_can_be_corrected(
    brunnar: Fund,
) -> None:
    given(100_00)
    typed(105_00)
    assert sums() == (State.DIFFERS, 105_00, 100_00, 5_00)
    typed(105_00, 5_00)
    assert sums() == (State.AGREES, 100_00, 100_00, 0)
    sign()
    typed(104_00, 5_00)
    assert of().state is State.CHANGED
    typed(None)
    assert not of().has_statement
    assert StatedDay.objects.count() == 4


def test_a_file_goes_before_what_was_typed_in_which_counts_again_when_it_is_undone(
    brunnar: Fund,
) -> None:
    typed(1_00)
    file = booked(statement(gift_line(), first=DAY))
    assert of().in_ore == 100_00
    with pytest.raises(OperationError, match="finns ett kontoutdrag i fil"):
        typed(2_00)
    bank_files.undo(file, reason="Fel", by=cast.ester())
    assert of().in_ore == 1_00


@pytest.mark.parametrize(("in_ore", "aside_ore"), [(1_00, 1_01), (-1, 0), (10**13, 0), (None, 1)])
def test_a_sum_that_cannot_be_is_refused(in_ore: int | None, aside_ore: int) -> None:
    with pytest.raises(OperationError):
        typed(in_ore, aside_ore)


# Guards


def row(**told: Any) -> SignOff:
    whole = {
        **{"account": cast.bank(), "day": DAY, "is_signed": True, "by": cast.ester()},
        **{"statement_ore": 1, "aside_ore": 0, "books_ore": 1, "created_at": timezone.now()},
    }
    return SignOff.objects.create(**whole | told)


def back(**told: Any) -> SignOff:
    none = {"statement_ore": None, "aside_ore": None, "books_ore": None}
    return row(**{"is_signed": False, "reason": "x", **none, **told})


@pytest.mark.parametrize(
    "told",
    [
        {"books_ore": 2},
        {"aside_ore": 1},
        {"aside_ore": 2, "reason": "x"},
        {"statement_ore": None, "reason": "x"},
        {"is_signed": False, "reason": "x"},
        {"day": "today"},
        {"account": "suspense"},
    ],
)
def test_the_database_refuses_a_sign_off_that_cannot_be(told: dict[str, Any]) -> None:
    if told.get("day"):
        told = {"day": timezone.localdate()}
    if told.get("account"):
        told = {"account": operations.single_account(Account.Kind.SUSPENSE)}
    with pytest.raises(IntegrityError), transaction.atomic():
        row(**told)
    row()
    row(books_ore=2, reason="x")


def test_the_database_takes_back_what_is_signed_and_nothing_else() -> None:
    with pytest.raises(IntegrityError, match="taken back once signed"), transaction.atomic():
        back()
    row()
    with pytest.raises(IntegrityError), transaction.atomic():
        back(reason="")
    back()
    with pytest.raises(IntegrityError, match="taken back once signed"), transaction.atomic():
        back()


@pytest.mark.parametrize("model", [SignOff, StatedDay])
def test_what_has_been_said_stays(model: Any) -> None:
    row()
    typed(1_00)
    table = model._meta.db_table
    for sql in (f"UPDATE {table} SET by_id = by_id", f"DELETE FROM {table}"):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.bulk_create([model.objects.get()])
    assert model.objects.count() == 1


@pytest.mark.parametrize(
    "told",
    [
        {"day": "tomorrow"},
        {"account": "suspense"},
        {"aside_ore": 2},
        {"in_ore": None, "aside_ore": 1},
    ],
)
def test_the_database_refuses_a_typed_sum_that_cannot_be(told: dict[str, Any]) -> None:
    whole = {"account": cast.bank(), "day": DAY, "in_ore": 1, "by": cast.ester()}
    if told.get("day"):
        told = {"day": timezone.localdate() + ONE_DAY}
    if told.get("account"):
        told = {"account": operations.single_account(Account.Kind.SUSPENSE)}
    with pytest.raises(IntegrityError), transaction.atomic():
        StatedDay.objects.create(**whole | told, created_at=timezone.now())
    StatedDay.objects.create(**whole, created_at=timezone.now())


# The pages


def filled(client: Client, name: str = "day", **typed: Any) -> dict[str, Any]:
    """The page's form as it comes, with what is typed."""
    form = client.get(address(name=name)).context["form"]
    values = {field.name: field.value() for field in form}
    return {key: value for key, value in values.items() if value is not None} | typed


MARCH = {"manad": "2026-03"}


def test_the_month_tells_each_days_state_in_words_and_leads_to_it(
    even: BankFile, eskil: Client
) -> None:
    given(3_00, NEXT)
    page = eskil.get(reverse("finance_reconciliation"), MARCH)
    assert row_of(page, "tis 3 mar") == "tis 3 mar = Stämmer, inte avstämd 100 kr 100 kr"
    assert row_of(page, "ons 4 mar") == "ons 4 mar ? Inget kontoutdrag 3 kr"
    assert row_of(page, "tors 5 mar") == "tors 5 mar Inget att stämma av"
    assert "Summa 100 kr 0 kr 103 kr varav utan kontoutdrag 3 kr 0 kr" in text_of(page)
    assert address() in page.content.decode()
    assert "Ingenting i mars 2026: Sparkonto" in text_of(page)


def test_days_that_agree_are_signed_together_and_a_second_click_does_nothing(
    even: BankFile, eskil: Client
) -> None:
    booked(statement(gift_line(5_00, "N", NEXT), first=NEXT))
    form = eskil.get(reverse("finance_reconciliation"), MARCH).content.decode()
    ticked = re.findall(r'name="dag" value="([^"]+)"', form)
    once = re.findall(r'name="once" value="([^"]+)"', form)
    assert len(ticked) == 2
    path = reverse("finance_reconciliation_many") + "?manad=2026-03"
    page = eskil.post(path, {"dag": ticked, "once": once}, follow=True)
    assert "2 dagar är avstämda" in text_of(page)
    assert page.request["QUERY_STRING"] == "manad=2026-03"
    assert "redan gjort" in text_of(eskil.post(path, {"dag": ticked, "once": once}, follow=True))
    assert SignOff.objects.count() == 2
    assert row_of(page, "tis 3 mar").endswith("✓ Avstämd 100 kr 100 kr Eskil")


def test_of_several_days_none_is_signed_when_one_has_changed(even: BankFile, eskil: Client) -> None:
    booked(statement(gift_line(5_00, "N", NEXT), first=NEXT))
    form = eskil.get(reverse("finance_reconciliation"), MARCH).content.decode()
    sent = {
        "dag": re.findall(r'name="dag" value="([^"]+)"', form),
        "once": re.findall(r'name="once" value="([^"]+)"', form),
    }
    given(1, NEXT)
    path = reverse("finance_reconciliation_many")
    page = eskil.post(path, sent, follow=True)
    assert "Ingenting är avstämt. Summorna för den 4 mars 2026 har ändrats" in text_of(page)
    assert SignOff.objects.count() == 0
    for odd in ([], ["x"], ["1:2:3"], [f"{cast.bank().pk}:2026-02-30:"], ["9999:2026-03-03:"]):
        page = eskil.post(path, sent | {"dag": odd}, follow=True)
        assert page.status_code == 200
    assert SignOff.objects.count() == 0


def test_who_locks_a_period_is_told_of_days_that_nobody_has_signed(
    brunnar: Fund, eskil: Client
) -> None:
    yesterday = timezone.localdate() - ONE_DAY
    given(1_00, yesterday, brunnar)
    path = reverse("finance_lock_period")
    told = "Dagar som inte är avstämda: 1."
    assert told in text_of(eskil.get(path, {"till": str(yesterday)}))
    assert told not in text_of(eskil.get(path, {"till": str(yesterday - ONE_DAY)}))


def test_a_difference_is_signed_on_the_days_page_with_what_was_typed_kept(
    even: BankFile, eskil: Client
) -> None:
    given(1)
    path = address(name="sign")
    page = eskil.post(path, filled(eskil, reason=""))
    assert "Skriv varför det skiljer 0,01 kr, eller rätta det först." in text_of(page)
    sent = filled(eskil, reason="Slant i kassan")
    given(1)
    page = eskil.post(path, sent)
    assert "har ändrats sedan sidan visades" in text_of(page)
    assert "Slant i kassan" in page.content.decode()
    again = {field.name: field.value() for field in page.context["form"]}
    assert eskil.post(path, again).status_code == 302
    assert SignOff.objects.get().difference_ore == -2


def test_a_sum_is_typed_in_and_struck_on_pages_of_their_own(brunnar: Fund, eskil: Client) -> None:
    given(100_00)
    page = eskil.post(address(name="state"), filled(eskil, "state", amount="1 00,5x"))
    assert "Skriv beloppet i kronor" in text_of(page)
    assert "1 00,5x" in page.content.decode()
    page = eskil.post(address(name="state"), filled(eskil, "state", amount="1", aside="2"))
    assert "Kan inte vara mer än allt" in text_of(page)
    eskil.post(address(name="state"), filled(eskil, "state", amount="105", aside="5"))
    assert sums() == (State.AGREES, 100_00, 100_00, 0)
    eskil.post(address(name="strike"), filled(eskil, "strike"))
    assert of().state is State.NO_STATEMENT
    assert "strök den inskrivna summan" in text_of(eskil.get(address()))


@pytest.mark.parametrize(
    "path",
    [
        *("?manad=2026-13", "?manad=2099-01", "?manad=x", "?manad=0000-01", "?konto=x", "?konto=0"),
        *("1/2026-02-30/", "1/20260303/", "1/x/", "99999/2026-03-03/", "1/2099-01-01/"),
    ],
)
def test_what_is_not_there_is_not_found(eskil: Client, path: str) -> None:
    path = path.replace("1/", f"{cast.bank().pk}/", 1) if path[0] == "1" else path
    assert eskil.get(reverse("finance_reconciliation") + path).status_code == 404


def test_no_page_reads_or_adds_up_more_than_its_day(even: BankFile, eskil: Client) -> None:
    sign()
    booked(statement(gift_line(5_00, "N", NEXT), first=NEXT))
    given(7_00, DAY)
    for path, most in (
        (reverse("finance_reconciliation") + "?manad=2026-03", 15),
        (reverse("finance_start"), 15),
        (address(), 20),
    ):
        eskil.get(path)
        with CaptureQueriesContext(connection) as asked:
            assert eskil.get(path).status_code == 200
        sql = [query["sql"] for query in asked.captured_queries]
        assert len(sql) <= most, "\n".join(sql)
        gifts = [one for one in sql if "donations_transfer" in one or "donations_payment" in one]
        assert not [one for one in gifts if re.search(r"\b(SUM|COUNT)\(", one)]
        if path != address():
            assert not gifts


def test_the_gifts_of_a_day_are_found_by_the_index_of_account_and_day(brunnar: Fund) -> None:
    given()
    with CaptureQueriesContext(connection) as asked:
        detail(cast.bank(), DAY)
    [sql] = [q["sql"] for q in asked.captured_queries if 'FROM "donations_transfer"' in q["sql"]]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql)
            plan = "\n".join(str(one) for one in cursor.fetchall())
        assert "payment_account_day" in plan
        assert "SCAN donations_transfer" not in plan


# Today's desk


def tasks(client: Client) -> dict[str, int]:
    """What the desk has to be done, and how much of each."""
    return {one.title: one.count for one in client.get(reverse("finance_start")).context["tasks"]}


def test_the_desk_counts_what_waits_and_is_the_same_shape_when_nothing_does(
    brunnar: Fund, eskil: Client
) -> None:
    quiet = tasks(eskil)
    assert {title: count for title, count in quiet.items() if count} == {
        "Insamlingar utan behov för året": 1
    }
    assert "Inget att göra här." in text_of(eskil.get(reverse("finance_start")))
    yesterday = timezone.localdate() - ONE_DAY
    waiting = bank_files.receive(
        "obokförd.xml", io.BytesIO(statement(gift_line(), first=DAY)), by=cast.ester()
    )
    assert waiting.confirmed_at is None
    given(250_50, yesterday)
    given(100_00, yesterday, brunnar, payer_name="Åsa Lindström")
    booked(statement(gift_line(day=yesterday), first=yesterday))  # perhaps the same gift
    found = tasks(eskil)
    assert list(found) == list(quiet)
    assert found == quiet | {
        "Bankfiler att bokföra": 1,
        "Betalningar som liknar bokförda gåvor": 1,
        "Oplacerade gåvor": 1,
        "Dagar att stämma av": 1,
    }
    page = text_of(eskil.get(reverse("finance_start")))
    assert "250,50 kr väntar på sin insamling." in page
    assert "Dagar att stämma av 1 skiljer." in page
    operations.lock_period(yesterday, by=cast.ester())
    assert tasks(eskil)["Dagar att stämma av"] == 0


def test_a_signed_day_that_changes_waits_also_in_a_locked_period(
    brunnar: Fund, eskil: Client
) -> None:
    yesterday = timezone.localdate() - ONE_DAY
    reconciliation.state_day(cast.bank(), yesterday, 0, by=cast.ester())
    sign(yesterday)
    operations.lock_period(yesterday, by=cast.ester())
    assert tasks(eskil)["Dagar att stämma av"] == 0
    given(1_00, yesterday, brunnar)  # booked today, on the bank's day
    assert tasks(eskil)["Dagar att stämma av"] == 1
    month = f"{reverse('finance_reconciliation')}?manad={yesterday:%Y-%m}"
    assert of(yesterday).state is State.CHANGED
    assert eskil.get(month).status_code == 200


def test_a_day_of_a_quarter_ago_still_waits_and_the_day_before_it_is_left_to_its_month(
    eskil: Client,
) -> None:
    first = timezone.localdate() - datetime.timedelta(days=92)
    given(1_00, first - ONE_DAY)
    assert tasks(eskil)["Dagar att stämma av"] == 0
    given(1_00, first)
    assert tasks(eskil)["Dagar att stämma av"] == 1
    assert f"?manad={first:%Y-%m}" in eskil.get(reverse("finance_start")).content.decode()


def test_days_before_an_accounts_first_statement_are_not_missed(
    brunnar: Fund, eskil: Client
) -> None:
    today = timezone.localdate()
    for ago in (10, 5, 3, 2):
        given(1_00, today - ago * ONE_DAY, brunnar)
    assert tasks(eskil)["Dagar att stämma av"] == 4
    for ago in (5, 2):
        reconciliation.state_day(cast.bank(), today - ago * ONE_DAY, 1_00, by=cast.ester())
    page = text_of(eskil.get(reverse("finance_start")))
    assert "3 Dagar att stämma av 1 saknar kontoutdrag, 2 stämmer." in page


def test_each_role_has_on_its_desk_what_it_can_do(eskil: Client) -> None:
    kajsa = cast.sign_in(Client(), cast.colleague())
    reader = cast.sign_in(Client(), cast.member("Rut", Role.READER))
    assert list(tasks(kajsa)) == ["Omfördelningar att besluta om"]
    assert list(tasks(reader)) == []
    assert "har inget att göra" in text_of(reader.get(reverse("finance_start")))
    assert "Omfördelningar att besluta om" not in tasks(eskil)


def test_the_funds_without_a_need_are_those_of_the_page_that_lists_them(brunnar: Fund) -> None:
    today, area = timezone.localdate(), brunnar.area_now
    cast.fund_year(cast.fund("47031", cast.project("a", area)), 1_00, today)
    cast.fund_year(cast.fund("47032", cast.project("b", area)), day=today)
    cast.fund("47033", area)
    for number, closed_on in (("47034", today), ("47035", today - ONE_DAY)):
        closed = cast.fund(number, cast.project(f"p{number}", area))
        closed.closed_on = closed_on
        closed.save()
    later = cast.fund("47036", cast.project("c", area))
    later.opened_on = today + ONE_DAY
    later.save()
    year = operations.collection_year(today)
    rows = remaining.rows(year, today)
    page = {row.fund.collection_number for row in rows if row.figures.need is None}
    assert page == {one.collection_number for one in start.lacking(today)}
    assert page == {"47030", "47032", "47034"}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("elsewhere")
def test_two_who_count_a_day_anew_at_once_wait_for_each_other() -> None:
    booked(statement(gift_line(), first=DAY))
    account, by, both = cast.bank(), cast.ester(), threading.Barrier(2)

    def count() -> None:
        try:
            for _ in range(5):
                both.wait(timeout=5)
                reconciliation.count_day_anew(account, DAY, by=by)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(count), pool.submit(count)]:
            one.result()
    assert of().in_ore == 100_00
