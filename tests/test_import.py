"""Bank files as they are booked: each gift once, all of a file or nothing of it."""

import datetime
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

from donations import operations, queries, totals
from donations.bankfiles.records import Refused
from donations.models import (
    Account,
    AccountNumber,
    BankFile,
    BoundPayer,
    Fund,
    GiftSource,
    HeldLine,
    Payment,
    Transfer,
)
from donations.operations import GiftIn, OperationError, Part, bank_files
from donations.outcome import Outcome
from tests import cast
from tests.bankfiles import flat, month

pytestmark = pytest.mark.django_db

DAY = datetime.date(2026, 3, 3)
Decision = HeldLine.Decision


@pytest.fixture(autouse=True)
def ours() -> AccountNumber:
    return AccountNumber.objects.create(account=cast.bank(), scheme="bankgiro", digits=flat.OURS)


@pytest.fixture
def brunnar() -> Fund:
    return cast.fund("47030")


@pytest.fixture
def skolor() -> Fund:
    return cast.fund("47040", cast.project("skolor"))


def gift(
    reference: str, ore: int = 10_000, *, serial: str = "", name: str = "", text: str = ""
) -> list[str]:
    """The records of one payment."""
    told = flat.message(text) if text else []
    return [flat.payment(ore, reference, serial=serial), *told, *flat.details(name)]


def written(*gifts: list[str], day: datetime.date = DAY, serial: str = "00017") -> bytes:
    records = [record for one in gifts for record in one]
    section = flat.Section(records, day=f"{day:%Y%m%d}", serial=serial)
    return flat.lines(flat.bgmax(section), "\r\n")


def received(data: bytes, name: str = "fil.txt") -> BankFile:
    return bank_files.receive(name, io.BytesIO(data), by=cast.ester())


def booked(data: bytes, name: str = "fil.txt") -> Outcome:
    return bank_files.confirm(received(data, name), by=cast.ester())


def collected(fund: Fund, day: datetime.date = DAY) -> int:
    year = operations.fund_year(fund, day, cast.ester())
    return queries.figures([year], datetime.date(2026, 12, 31))[year.pk].collected


def on_suspense() -> int:
    return queries.suspense_balance()


def lines(outcome: Outcome) -> dict[str, int]:
    return {fate: count.lines for fate, count in outcome.counts.items()}


# Booked


def test_each_gift_stands_on_its_fund_or_waits_and_the_payer_only_on_the_payment(
    brunnar: Fund,
) -> None:
    outcome = booked(
        written(
            gift("470302", 50_000, serial="101", name="Åsa Lindström"),
            gift("", 25_050, serial="102", text="Tack för allt"),
        )
    )
    assert lines(outcome) == {"matched": 1, "unplaced": 1}
    assert collected(brunnar) == 50_000
    assert on_suspense() == 25_050
    first, second = Transfer.objects.order_by("pk")
    assert (first.booked_on, first.covered_ore, first.debit) == (DAY, 50_000, cast.bank())
    assert first.payment is not None
    assert first.payment.payer_name == "Åsa Lindström"
    assert second.payment is not None
    assert (second.payment.message, second.covered_ore) == ("Tack för allt", 0)
    assert totals.differences() == []


def test_a_payment_with_part_amounts_goes_to_each_of_its_funds(brunnar: Fund, skolor: Fund) -> None:
    part = {"code": "5", "serial": "204"}
    data = written(
        [
            flat.payment(30_000, "", **part),
            flat.payment(10_000, "47030", type="22", **part),
            flat.payment(20_000, "47040", type="22", **part),
        ]
    )
    outcome = booked(data)
    assert (outcome.split, lines(outcome)) == (1, {"matched": 1})
    assert (collected(brunnar), collected(skolor), on_suspense()) == (10_000, 20_000, 0)


def test_a_gift_to_a_closed_number_waits_with_the_fund_named(brunnar: Fund) -> None:
    brunnar.closed_on = datetime.date(2025, 12, 31)
    brunnar.save()
    booked(written(gift("47030")))
    assert Payment.objects.get().meant_for == brunnar
    assert on_suspense() == 10_000


def test_in_a_locked_period_it_counts_on_the_first_open_day_and_keeps_the_banks_date(
    brunnar: Fund,
) -> None:
    operations.lock_period(datetime.date(2026, 3, 31), by=cast.ester())
    booked(written(gift("47030")))
    [transfer] = Transfer.objects.all()
    assert transfer.booked_on == datetime.date(2026, 4, 1)
    assert transfer.payment is not None
    assert transfer.payment.bank_date == DAY


def test_new_years_eve_and_new_years_day_are_two_years(brunnar: Fund) -> None:
    eve, day = datetime.date(2025, 12, 31), datetime.date(2026, 1, 1)
    booked(written(gift("47030", 1), day=eve, serial="00001"))
    booked(written(gift("47030", 2), day=day, serial="00002"))
    assert (collected(brunnar, eve), collected(brunnar, day)) == (1, 2)


def test_a_fault_at_the_last_moment_leaves_nothing(
    brunnar: Fund, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **told: Any) -> None:
        raise RuntimeError("the power went")

    file = received(written(gift("47030"), gift("")))
    monkeypatch.setattr("donations.operations.bank_files.audit.record", fail)
    with pytest.raises(RuntimeError):
        bank_files.confirm(file, by=cast.ester())
    file.refresh_from_db()
    assert file.confirmed_at is None
    assert (Payment.objects.count(), Transfer.objects.count(), on_suspense()) == (0, 0, 0)


# Refused, or asked about


def refused(data: bytes) -> str:
    file = bank_files.read(received(data))
    assert file.refusal is not None
    with pytest.raises(Refused):
        bank_files.confirm(file, by=cast.ester())
    assert Transfer.objects.count() == 0
    return f"{file.refusal['where']}: {file.refusal['why']}"


def test_another_organisations_account_refuses_the_file(ours: AccountNumber) -> None:
    ours.delete()
    assert "Bankgiro 9912346 hör inte till något av era konton" in refused(written(gift("47030")))


def test_a_day_to_come_refuses_the_file(brunnar: Fund) -> None:
    told = refused(written(gift("47030"), day=datetime.date(2099, 3, 3)))
    assert "den 3 mars 2099, som inte har varit än" in told


def test_a_file_of_a_year_long_past_is_asked_about(brunnar: Fund) -> None:
    file = bank_files.read(received(written(gift(""), day=datetime.date(2019, 3, 3))))
    [question] = Outcome.from_json(file.outcome).questions
    assert question == "Filen har betalningar från den 3 mars 2019. Är det rätt fil?"


def test_a_gift_to_a_fund_long_before_its_first_year_refuses_the_file(brunnar: Fund) -> None:
    cast.fund_year(brunnar)
    refusal = refused(written(gift("47030"), day=datetime.date(2013, 12, 31)))
    assert "den 31 december 2013, långt före ert första insamlingsår" in refusal
    assert lines(booked(written(gift("47030"), day=datetime.date(2014, 1, 1)))) == {"matched": 1}


def test_a_test_file_is_refused_outside_the_demo(settings: LazySettings, brunnar: Fund) -> None:
    data = flat.lines(flat.bgmax(flat.Section(gift("47030")), mark="T"))
    assert bank_files.read(received(data)).refusal is None
    settings.PRODUCTION = True
    assert "märkt filen som ett test" in refused(data)


def test_a_large_files_beginning_is_read_before_it_is_kept(
    brunnar: Fund, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = written(*(gift("47030", serial=str(at)) for at in range(1, 30)))
    monkeypatch.setattr(bank_files, "LARGE", 1_000)
    with pytest.raises(Refused, match="rad 3"):
        received(whole.replace(b"0000000000010000", b"00000000000X0000", 1))
    assert lines(booked(whole)) == {"matched": 29}
    AccountNumber.objects.create(account=cast.bank(), scheme="bban", digits=month.ACCOUNT)
    camt = month.written("camt.054")
    assert booked(camt.data).credits.lines >= len(camt.gifts)


# Once


def test_the_same_file_is_booked_once(brunnar: Fund) -> None:
    data = written(gift("47030"))
    booked(data)
    with pytest.raises(OperationError, match="redan bokförd"):
        booked(data, "annat-namn.txt")
    assert collected(brunnar) == 10_000


@pytest.mark.parametrize(
    "again",
    [
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: data.replace(b"\r\n", b""),
        lambda data: data.decode("latin-1").encode(),
        lambda data: b"\xef\xbb\xbf" + data.decode("latin-1").encode(),
        lambda data: b"\r\n".join(line.rstrip() for line in data.split(b"\r\n")),
    ],
    ids=["LF", "no line breaks", "UTF-8", "BOM", "blanks lost"],
)
def test_the_same_payments_in_other_bytes_are_known(brunnar: Fund, again: Any) -> None:
    data = written(gift("47030", name="Åsa Öberg"), gift("", 5, text="Hälsningar från Åsa"))
    booked(data)
    assert lines(booked(again(data))) == {"duplicates": 2}
    assert (collected(brunnar), Transfer.objects.count()) == (10_000, 2)


def test_true_twins_are_two_and_in_an_overlapping_file_still_two(brunnar: Fund) -> None:
    twin = gift("47030", name="Åsa Öberg")
    assert lines(booked(written(twin, twin))) == {"matched": 2}
    assert lines(booked(written(twin, twin, twin))) == {"matched": 1, "duplicates": 2}
    assert collected(brunnar) == 30_000


def test_what_has_changed_since_it_was_shown_is_not_booked(brunnar: Fund) -> None:
    file = bank_files.read(received(written(gift("47030", serial="1"), gift("", serial="2"))))
    seen = Outcome.from_json(file.outcome)
    booked(written(gift("47030", serial="1")))
    with pytest.raises(bank_files.Changed):
        bank_files.confirm(file, by=cast.ester(), seen=seen)
    assert (collected(brunnar), on_suspense()) == (10_000, 0)
    now = Outcome.from_json(BankFile.objects.get(pk=file.pk).outcome)
    assert lines(now) == {"duplicates": 1, "unplaced": 1}
    assert lines(bank_files.confirm(file, by=cast.ester(), seen=now)) == lines(now)


def test_gifts_that_come_in_another_kind_of_file_serve_reconciliation(
    ours: AccountNumber, brunnar: Fund
) -> None:
    GiftSource.objects.create(number=ours, format="BgMax", from_day=datetime.date(2020, 1, 1))
    GiftSource.objects.create(number=ours, format="camt.054", from_day=DAY)
    before = DAY - datetime.timedelta(days=1)
    assert lines(booked(written(gift("47030")))) == {"reconciliation": 1}
    assert lines(booked(written(gift("47030"), day=before))) == {"matched": 1}


def test_a_number_stays_with_the_account_that_its_gifts_came_to(
    ours: AccountNumber, brunnar: Fund
) -> None:
    other = Account.objects.create(kind="bank", name="Sparkonto")
    told = {"scheme": ours.scheme, "digits": ours.digits}
    ours.delete()
    AccountNumber(account=other, **told).full_clean()
    AccountNumber.objects.create(account=cast.bank(), **told)
    booked(written(gift("47030")))
    AccountNumber.objects.all().delete()
    with pytest.raises(ValidationError, match="har hört till Gåvokonto"):
        AccountNumber(account=other, **told).full_clean()
    AccountNumber(account=cast.bank(), **told).full_clean()


# Held


def test_the_same_id_with_other_contents_waits_for_a_person(brunnar: Fund) -> None:
    booked(written(gift("47030", 10_000, serial="7")))
    outcome = booked(written(gift("47030", 10_001, serial="7")))
    assert lines(outcome) == {"conflicts": 1}
    [held] = HeldLine.objects.all()
    assert (held.why, held.twin, held.amount_ore) == ("conflict", Payment.objects.get(), 10_001)
    assert collected(brunnar) == 10_000


@pytest.mark.parametrize(("decision", "ore"), [(Decision.SAME, 10_000), (Decision.ANOTHER, 20_001)])
def test_a_conflict_is_kept_out_or_booked_as_a_person_decides(
    brunnar: Fund, decision: HeldLine.Decision, ore: int
) -> None:
    booked(written(gift("47030", 10_000, serial="7")))
    data = written(gift("47030", 10_001, serial="7"))
    booked(data)
    file = BankFile.objects.latest("pk")
    assert bank_files.decide(file, decision, by=cast.ester()) == 1
    assert bank_files.decide(file, decision, by=cast.ester()) == 0
    assert collected(brunnar) == ore
    # What has been decided about is known when it comes again.
    assert lines(booked(data.replace(b"\r\n", b"\n"))) == {"duplicates": 1}


def test_a_gift_registered_by_hand_is_not_counted_again_before_somebody_has_looked(
    brunnar: Fund,
) -> None:
    operations.register_gift(
        GiftIn(brunnar, 10_000, DAY, Fund.Channel.BANKGIRO, payer_name="Åsa Öberg"),
        bank=cast.bank(),
        by=cast.ester(),
    )
    outcome = booked(written(gift("47030", name="ÅSA ÖBERG"), gift("47030", name="Bo Ek")))
    assert lines(outcome) == {"suspected": 1, "matched": 1}
    assert collected(brunnar) == 20_000
    bank_files.decide(BankFile.objects.get(), Decision.SAME, by=cast.ester())
    assert collected(brunnar) == 20_000


def test_one_gift_is_decided_about_without_the_others(brunnar: Fund) -> None:
    for _ in range(2):
        operations.register_gift(
            GiftIn(brunnar, 10_000, DAY, Fund.Channel.BANKGIRO), bank=cast.bank(), by=cast.ester()
        )
    booked(written(gift("47030"), gift("47030")))
    first, second = HeldLine.objects.all()
    bank_files.decide(first.file, Decision.ANOTHER, by=cast.ester(), lines=[first.pk])
    second.refresh_from_db()
    assert (collected(brunnar), second.decision) == (30_000, "")


# Undone


def test_an_undone_file_is_as_if_it_never_was_and_can_come_again(brunnar: Fund) -> None:
    data = written(gift("47030"), gift("", 5))
    booked(data)
    file = BankFile.objects.get()
    assert bank_files.undo(file, reason="Fel fil", by=cast.ester()) == 2
    assert (collected(brunnar), on_suspense()) == (0, 0)
    assert totals.differences() == []
    with pytest.raises(OperationError, match="redan ångrad"):
        bank_files.undo(file, reason="Fel fil", by=cast.ester())
    assert lines(booked(data)) == {"matched": 1, "unplaced": 1}
    assert (collected(brunnar), on_suspense()) == (10_000, 5)


def test_undoing_takes_back_what_has_been_placed(brunnar: Fund) -> None:
    booked(written(gift("", 10_000)))
    waiting = Transfer.objects.get()
    operations.place(
        waiting, [Part(brunnar, 4_000)], booked_on=DAY, reason="Ringde", by=cast.ester()
    )
    bank_files.undo(BankFile.objects.get(), reason="Fel fil", by=cast.ester())
    assert (collected(brunnar), on_suspense()) == (0, 0)


def test_a_file_with_a_gift_paid_back_is_not_undone(brunnar: Fund) -> None:
    booked(written(gift("47030")))
    operations.refund(
        Transfer.objects.get(), 1, booked_on=DAY, reason="Bad om det", by=cast.ester()
    )
    with pytest.raises(OperationError, match="återbetalda: 1"):
        bank_files.undo(BankFile.objects.get(), reason="Fel fil", by=cast.ester())
    assert collected(brunnar) == 9_999


def test_what_was_the_same_as_an_undone_gift_waits_again(brunnar: Fund) -> None:
    booked(written(gift("47030", 10_000, serial="7")))
    booked(written(gift("47030", 10_001, serial="7")))
    first, second = BankFile.objects.order_by("pk")
    bank_files.decide(second, Decision.SAME, by=cast.ester())
    bank_files.undo(first, reason="Fel fil", by=cast.ester())
    [held] = HeldLine.objects.all()
    assert (held.decision, held.twin) == ("", None)


# The command


def told(*paths: Path, dry_run: bool = False) -> tuple[list[dict[str, Any]], int]:
    out, status = io.StringIO(), 0
    try:
        call_command("import_bank_file", *map(str, paths), json=True, dry_run=dry_run, stdout=out)
    except SystemExit as end:
        status = int(str(end.code))
    return [json.loads(line) for line in out.getvalue().splitlines()], status


def test_the_command_tells_of_each_file_and_fails_when_one_is_refused(
    tmp_path: Path, brunnar: Fund
) -> None:
    good, bad = tmp_path / "bra.txt", tmp_path / "dålig.txt"
    good.write_bytes(written(gift("47030"), gift("", 5)))
    bad.write_bytes(b"hej")
    [first], status = told(good, dry_run=True)
    assert (status, Transfer.objects.count(), BankFile.objects.count()) == (0, 0, 0)
    [second, refusal], status = told(good, bad)
    assert (first, status) == (second, 1)
    assert second == {
        "file": str(good),
        "format": "BgMax",
        "version": "1",
        "payments": 2,
        "amount_ore": 10_005,
        "matched": 1,
        "unplaced": 1,
        "duplicates": 0,
        "suspected_duplicates": 0,
        "conflicts": 0,
        "outgoing": 0,
        "set_aside": 0,
        "refused": None,
    }
    assert "känns inte igen" in refusal["refused"]["reason"]
    [again], status = told(good)
    assert (again["duplicates"], again["matched"], status) == (2, 0, 0)
    assert (collected(brunnar), Account.objects.filter(kind="suspense").count()) == (10_000, 1)


# Who is bound


@pytest.mark.parametrize(
    "day", [DAY - datetime.timedelta(days=1), DAY + datetime.timedelta(days=9)]
)
def test_a_bound_payer_is_known_by_the_newest_gift_that_went_by_the_binding(
    brunnar: Fund, day: datetime.date
) -> None:
    booked(written(gift("", text="Tack för allt", name="Åsa Lindström")))
    operations.bind_payer(Transfer.objects.get(), brunnar, by=cast.ester())
    autogiro = BoundPayer.objects.create(
        **{"key": "0", "number": "4711", "fund": brunnar, "by": cast.ester()},
        **{"created_at": timezone.now(), "used_on": DAY},
    )

    booked(
        written(
            gift("", text="Tack för allt", name="Åsa Lindström", serial="8"),
            [flat.payment(100, "0000000000004711", channel="4", serial="9")],
            day=day,
            serial="00018",
        )
    )

    assert BoundPayer.objects.get(number="").used_on == max(DAY, day)
    autogiro.refresh_from_db()
    assert autogiro.used_on == max(DAY, day)
