"""Payers are forgotten when the books need them no longer, and the books do not notice."""

import datetime
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError

from donations import forgetting, operations, queries, recall
from donations.days import past_through
from donations.models import (
    AccountNumber,
    BankFile,
    BoundPayer,
    CollectionYear,
    Fund,
    HeldLine,
    LumpSum,
    Payment,
    RememberedPlacement,
    Transfer,
)
from donations.models.bank import private
from donations.operations import bank_files
from projects import remains
from staff import audit
from staff.models import Event
from tests import cast

pytestmark = pytest.mark.django_db
STOCKHOLM = ZoneInfo("Europe/Stockholm")
DAY = datetime.date(2018, 5, 3)
# The last moment of the seventh year after 2018, and the first moment after it.
STILL = datetime.datetime(2025, 12, 31, 23, 59, 59, tzinfo=STOCKHOLM)
GONE = datetime.datetime(2026, 1, 1, tzinfo=STOCKHOLM)
TOLD = {
    "payer_name": "Ambjörn Åkerhielm",
    "payer_account": "8327-9,123",
    "payer_identity": "+46700000001",
    "message": "Till minne av Ambrosia",
    "note": "Ambjörn ringde",
}
NOTHING = {**dict.fromkeys(TOLD, ""), "references": None}


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the storage; and SQLite's log, which a test's transaction holds, need not be."""
    monkeypatch.setattr(remains, "empty_log", lambda: True)
    for name in _stored():
        private().delete(name)


@pytest.fixture
def fund() -> Fund:
    return cast.fund()


def _stored() -> set[str]:
    root = Path(private().path(""))
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def forget(at: datetime.datetime = GONE, **options: Any) -> str:
    out = io.StringIO()
    with time_machine.travel(at, tick=False):
        call_command("forget_payers", stdout=out, **options)
    return out.getvalue()


def told(gift: Transfer, **more: Any) -> Payment:
    """The gift's payment, with all that a bank and a person can have said of it."""
    assert gift.payment
    said = {**TOLD, "references": [["message", TOLD["message"], None]], **more}
    Payment.objects.filter(pk=gift.payment.pk).update(**said)
    return gift.payment


def details(payment: Payment) -> dict[str, Any]:
    return Payment.objects.values(*NOTHING).get(pk=payment.pk)


def bank_file(received: datetime.date = DAY, *, is_booked: bool = True, **more: Any) -> BankFile:
    at = datetime.datetime.combine(received, datetime.time(12), tzinfo=STOCKHOLM)
    if is_booked:
        more = {"confirmed_at": at, "confirmed_by": cast.ester(), **more}
    number = BankFile.objects.count()
    made_ = BankFile(
        **{"name": f"Ambjörn {number}.txt", "digest": f"{number:064}", "size": 5, **more},
        received_at=at,
        by=cast.ester(),
    )
    made_.file.save(f"{number:016}", ContentFile(b"bytes"))
    return made_


def in_file(gift: Transfer, file: BankFile, key: str | None = None) -> Payment:
    key = key or f"{gift.pk:032x}"
    return told(gift, file=file, account=cast.bank(), key=key)


def events() -> list[str]:
    kept = Event.objects.filter(by=None, area=audit.Area.MONEY).order_by("pk")
    texts = kept.values_list("text", flat=True)
    return [text for text in texts if "Lade upp insamlingsåret" not in text]


# The day


@pytest.mark.parametrize(
    ("today", "end"),
    [
        (datetime.date(2025, 12, 31), datetime.date(2017, 12, 31)),
        (datetime.date(2026, 1, 1), datetime.date(2018, 12, 31)),
        (datetime.date(2026, 12, 31), datetime.date(2018, 12, 31)),
        (datetime.date(2028, 2, 29), datetime.date(2020, 12, 31)),
    ],
)
def test_records_are_kept_through_the_seventh_year_after_the_one_that_the_year_ended_in(
    today: datetime.date, end: datetime.date
) -> None:
    assert past_through(today) == end


@pytest.mark.parametrize(
    ("years", "newest"),
    [
        ([], (2018, 12, 31)),
        ([((2018, 1, 1), (2018, 12, 31))], (2018, 12, 31)),
        ([((2018, 7, 1), (2019, 6, 30))], (2018, 6, 30)),
        # A longer first year, and a shorter one that puts them right.
        ([((2017, 7, 1), (2018, 12, 31))], (2018, 12, 31)),
        ([((2018, 7, 1), (2019, 12, 31))], (2018, 6, 30)),
        ([((2017, 7, 1), (2018, 6, 30)), ((2018, 7, 1), (2018, 12, 31))], (2018, 12, 31)),
        # Days before the first year and after the last are in years like them.
        ([((2024, 7, 1), (2025, 6, 30))], (2018, 6, 30)),
        ([((2024, 1, 1), (2024, 12, 31))], (2018, 12, 31)),
        ([((2012, 9, 1), (2013, 8, 31))], (2018, 8, 31)),
    ],
)
def test_a_broken_financial_year_counts_from_the_calendar_year_that_it_ended_in(
    years: list[tuple[tuple[int, int, int], tuple[int, int, int]]], newest: tuple[int, int, int]
) -> None:
    for first, last in years:
        CollectionYear.objects.create(
            name=str(first), starts_on=datetime.date(*first), ends_on=datetime.date(*last)
        )

    assert forgetting.newest_past_day(GONE.date()) == datetime.date(*newest)


# Payments


def test_a_payer_is_known_to_the_end_of_the_seventh_year_and_forgotten_the_day_after(
    fund: Fund,
) -> None:
    payment = told(cast.gift(fund, 100_00, datetime.date(2018, 12, 31)))
    kept = told(cast.gift(fund, 100_00, datetime.date(2019, 1, 1)))

    forget(STILL)
    assert details(payment)["payer_name"] == TOLD["payer_name"]
    assert events() == []

    assert "the payers of 1 payments" in forget(GONE)
    assert details(payment) == NOTHING
    assert details(kept)["message"] == TOLD["message"]
    assert events() == [
        "Tog bort givares uppgifter ur betalningar till och med den 31 december 2018: 1 stycken"
    ]

    assert "the payers of 0 payments" in forget(GONE)
    assert len(events()) == 1


@pytest.mark.parametrize("field", [*TOLD, "references"])
def test_every_detail_by_itself_is_found_and_forgotten(fund: Fund, field: str) -> None:
    gift = cast.gift(fund, 100_00, DAY)
    value = TOLD.get(field, [["message", "47030", None]])
    payment = told(gift, **(NOTHING | {field: value}))

    forget()

    assert details(payment) == NOTHING


def test_what_was_done_with_a_gift_later_keeps_its_payer_as_long(fund: Fund) -> None:
    later, by = DAY.replace(year=2019), cast.ester()
    cast.fund_year(fund, day=later)
    placed, wrong, back = (cast.gift(None, 100_00, DAY) for _one in range(3))
    operations.place(placed, [operations.Part(fund, 100_00)], booked_on=later, reason="x", by=by)
    operations.reverse(wrong, booked_on=later, reason="x", by=by)
    payments = [told(gift) for gift in (placed, wrong, back)]
    refund = told(operations.refund(back, 100_00, booked_on=later, reason="x", by=by))

    forget(GONE)
    # A refund is a payment of its own, with its own payer.
    names = [details(one)["payer_name"] for one in (*payments, refund)]
    assert [bool(name) for name in names] == [True, True, False, True]

    forget(GONE.replace(year=2027))
    assert [details(one) for one in (*payments, refund)] == [NOTHING] * 4


def test_a_payment_without_transfers_goes_by_the_banks_date_withdrawn_or_not() -> None:
    payments = [
        Payment.objects.create(bank_date=day, channel="swish", withdrawn_at=withdrawn, **TOLD)
        for day in (DAY, DAY.replace(year=2019))
        for withdrawn in (None, STILL)
    ]

    forget()

    assert [bool(details(one)["payer_name"]) for one in payments] == [False, False, True, True]


def test_the_books_do_not_notice(fund: Fund) -> None:
    year = cast.fund_year(fund, 500_00, DAY)
    file = bank_file()
    for ore in (123_45, 67_89):
        in_file(cast.gift(fund, ore, DAY), file)
    in_file(cast.gift(None, 10_00, DAY), file)

    def books() -> object:
        transfers = list(Transfer.objects.order_by("pk").values())
        kept = list(
            Payment.objects.order_by("pk").values("bank_date", "channel", "file", "key", "account")
        )
        return queries.figures([year], GONE.date()), transfers, kept

    before = books()
    forget()

    assert books() == before
    assert not Payment.objects.exclude(payer_name="").exists()
    call_command("verify_ledger", stdout=io.StringIO())


def test_a_file_that_is_handed_in_again_is_still_known(fund: Fund) -> None:
    source = Path(__file__).parent / "bankfiles/flat/bgmax-gifts.txt"
    AccountNumber.objects.create(account=cast.bank(), scheme="bankgiro", digits="9912346")

    def handed_in(content: bytes) -> BankFile:
        stream = io.BytesIO(content)
        return bank_files.read(bank_files.receive("BgMax.txt", stream, by=cast.ester()))

    def counted(file: BankFile) -> dict[str, int]:
        return {fate: one["lines"] for fate, one in file.outcome["counts"].items()}

    first = handed_in(source.read_bytes())
    bank_files.confirm(first, by=cast.ester())
    keys = list(Payment.objects.order_by("pk").values_list("key", flat=True))
    assert "the bytes of 1 files" in forget(GONE.replace(year=2034))

    assert not Payment.objects.exclude(payer_name="", message="").exists()
    assert list(Payment.objects.order_by("pk").values_list("key", flat=True)) == keys
    with pytest.raises(operations.OperationError, match="redan bokförd"):
        bank_files.confirm(handed_in(source.read_bytes()), by=cast.ester())
    again = handed_in(source.read_bytes().replace(b"\r\n", b"\n") + b"\n")
    assert counted(again) == {"duplicates": len(keys)}
    bank_files.confirm(again, by=cast.ester())
    assert Payment.objects.count() == len(keys)


def test_many_go_in_batches_and_what_was_stopped_goes_on(
    fund: Fund, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [told(cast.gift(fund, 100_00, DAY)) for _one in range(5)]
    monkeypatch.setattr(forgetting, "BATCH", 2)
    record, calls = audit.record, []

    def fail_third(*args: Any, **kwargs: Any) -> Event:
        calls.append(args)
        if len(calls) == 3:
            raise OSError("stopped")
        return record(*args, **kwargs)

    monkeypatch.setattr(audit, "record", fail_third)
    with pytest.raises(OSError, match="stopped"):
        forget()
    assert [details(one) == NOTHING for one in payments] == [True, True, True, True, False]
    assert [text.endswith(": 2 stycken") for text in events()] == [True, True]

    assert "the payers of 1 payments" in forget()
    assert details(payments[-1]) == NOTHING
    assert len(events()) == 3


def test_trying_it_out_tells_the_same_and_takes_nothing(fund: Fund) -> None:
    file = bank_file()
    payment = in_file(cast.gift(fund, 100_00, DAY), file)
    bank_file(is_booked=False)

    would = forget(dry_run=True)
    assert details(payment)["payer_name"]
    assert len(_stored()) == 2
    assert events() == []

    assert would.replace("Would forget", "Forgot") == forget()
    assert "the bytes of 1 files; 1 files that were never booked" in would


# Lines that wait, and what is remembered


def test_a_held_line_goes_with_its_day_decided_or_not(fund: Fund) -> None:
    def held(day: datetime.date, **more: Any) -> HeldLine:
        return HeldLine.objects.create(
            **{"file": bank_file(), "why": "alike", "account": cast.bank(), "amount_ore": 100_00},
            key=f"{HeldLine.objects.count():032x}",
            bank_date=day,
            line={"payer": TOLD["payer_name"]},
            **more,
        )

    later = DAY.replace(year=2019)
    said = {"decided_at": GONE, "decided_by": cast.ester()}
    posted = cast.gift(fund, 100_00, later).payment
    lines = [
        held(DAY),
        held(DAY, decision="same", **said),
        held(DAY, decision="another", payment=posted, **said),
        held(later),
    ]

    forget()

    found = [HeldLine.objects.get(pk=one.pk).line for one in lines]
    assert [line is None for line in found] == [True, True, False, False]
    assert not HeldLine.objects.filter(pk=lines[0].pk, line__isnull=False).exists()


def test_what_is_remembered_of_a_payer_goes_by_when_it_was_last_of_use(fund: Fund) -> None:
    for day in (DAY, DAY.replace(year=2019)):
        RememberedPlacement.objects.create(
            key=recall.digest(f"placed {day}"),
            payment=Payment.objects.create(bank_date=day, channel="swish"),
            funds=[fund.pk],
            decided_on=day,
        )
        BoundPayer.objects.create(
            **{"key": recall.digest(f"bound {day}"), "number": "123", "fund": fund},
            **{"by": cast.ester(), "created_at": GONE, "used_on": day},
        )

    assert "1 remembered placements, 1 bound payers" in forget()

    assert RememberedPlacement.objects.get().decided_on.year == 2019
    assert BoundPayer.objects.get().used_on.year == 2019
    assert events() == [
        "Glömde placeringar som beslutades till och med den 31 december 2018: 1 stycken",
        "Glömde bundna betalare som inte har gett efter den 31 december 2018: 1 stycken",
    ]


# Files


def test_a_files_bytes_and_name_go_when_the_newest_day_in_it_is_past(fund: Fund) -> None:
    later = DAY.replace(year=2019)

    def with_gift(day: datetime.date, **more: Any) -> BankFile:
        file = bank_file(**more)
        in_file(cast.gift(fund, 100_00, DAY), file)
        in_file(cast.gift(fund, 100_00, day), file)
        return file

    past = with_gift(DAY)
    came_late = with_gift(DAY, received=later)
    kept = with_gift(later)
    undone = with_gift(DAY, undone_at=GONE, undone_by=cast.ester())
    for gift in Transfer.objects.filter(payment__file=undone):
        operations.reverse(gift, booked_on=later, reason="x", by=cast.ester())
    set_aside = with_gift(DAY, outcome={"last_day": later.isoformat()})
    lump = with_gift(DAY)
    LumpSum.objects.create(file=lump, account=cast.bank(), bank_date=later, amount_ore=1)
    empty, empty_later = bank_file(), bank_file(later)
    names = {one.pk: one.file.name for one in BankFile.objects.all()}

    assert "the bytes of 3 files" in forget()

    gone = set(BankFile.objects.filter(file="", name="").values_list("pk", flat=True))
    assert gone == {past.pk, came_late.pk, empty.pk}
    stay = {kept.pk, undone.pk, set_aside.pk, lump.pk, empty_later.pk}
    assert _stored() == {names[pk] for pk in stay}
    assert str(BankFile.objects.get(pk=past.pk)) == f"bankfil nr {past.pk}"
    assert "the bytes of 0 files" in forget()


def test_a_file_that_nobody_booked_goes_whole_after_thirty_days() -> None:
    now = datetime.datetime(2025, 3, 1, 12, tzinfo=STOCKHOLM)
    content = {"where": "rad 1", "why": "Fel.", "content": TOLD["payer_name"]}
    for days in (29, 31):
        day = now.date() - datetime.timedelta(days=days)
        bank_file(day, is_booked=False)
        bank_file(day, is_booked=False, refusal=content)
        bank_file(day)

    assert "2 files that were never booked" in forget(now)

    assert BankFile.objects.filter(confirmed_at=None).count() == 2
    assert BankFile.objects.exclude(file="").count() == len(_stored()) == 4
    [text] = events()
    assert text.startswith("Tog bort bankfiler som kom till och med den 30 januari 2025")


def test_bytes_that_belong_to_no_file_go_after_a_day() -> None:
    now = datetime.datetime(2025, 3, 1, 12, tzinfo=STOCKHOLM)
    kept = bank_file(now.date())
    for name, hours in (("old", 25), ("new", 23)):
        stored = private().save(f"2025/03/{name}", ContentFile(b"bytes"))
        at = (now - datetime.timedelta(hours=hours)).timestamp()
        os.utime(private().path(stored), (at, at))

    assert "1 that belong to none" in forget(now)

    assert _stored() == {kept.file.name, "2025/03/new"}


def test_a_storage_that_does_not_answer_is_told_of_and_tried_again(
    fund: Fund, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bank_file(), bank_file()
    unbooked = bank_file(is_booked=False)
    delete: Callable[[str], None] = private().delete

    def fail(name: str) -> None:
        if name in (first.file.name, unbooked.file.name):
            raise OSError("no answer")
        delete(name)

    with monkeypatch.context() as patch:
        patch.setattr(private(), "delete", fail)
        with pytest.raises(CommandError, match="run it again"):
            forget()
    assert set(BankFile.objects.exclude(file="")) == {first, unbooked}
    assert second.file.name not in _stored()

    forget()
    assert list(BankFile.objects.values_list("file", flat=True)) == ["", ""]
    assert _stored() == set()


def test_a_log_that_still_holds_what_was_removed_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remains, "empty_log", lambda: False)
    with pytest.raises(CommandError, match="run it again"):
        forget()


def test_a_file_that_is_gone_already_stops_nothing() -> None:
    bank_file()
    for name in _stored():
        private().delete(name)

    assert "the bytes of 1 files" in forget()
