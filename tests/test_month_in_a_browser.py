"""The month's routine as the guide for finance tells of it, in the demo, by two people in browsers."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from donations.demo import bank_files, loading
from donations.models import PeriodLock, Proposal, SieExport, SignOff, Transfer, UnplacedGift
from staff.models import User
from tests import sie_reader

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]


def demo(name: str) -> User:
    return User.objects.get(email=f"{name}@example.org")


def press(page: "Page", name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def go(page: "Page", *ways: str) -> None:
    """Follow links, one after the other."""
    for way in ways:
        page.get_by_role("link", name=way).first.click()


def test_a_month_from_the_banks_files_to_the_locked_period(
    open_as: Callable[..., "Page"], tmp_path: Path
) -> None:
    loading.load(timezone.localdate())
    day = bank_files.last_bank_day(timezone.localdate())
    page = open_as(demo("ekonomi"), "/ekonomi/")
    hand_in_both_files(page, tmp_path)
    place_three(page)
    reconcile(page, day)
    proposal = propose(page)
    approve(open_as(demo("attestant"), "/ekonomi/"), proposal)
    export(page, day)
    lock(page, day)


def hand_in_both_files(page: "Page", folder: Path) -> None:
    go(page, "Bankfiler")
    files = []
    for name in ("gåvorna (camt.054)", "kontoutdraget (camt.053)"):
        with page.expect_download() as coming:
            go(page, name)
        files.append(folder / coming.value.suggested_filename)
        coming.value.save_as(files[-1])
    page.set_input_files("input[type=file]", files)
    press(page, "Lämna in och granska")
    press(page, "Bokför de 2 filerna")
    page.get_by_text("är bokförd: 8 gåvor").wait_for()


def place_three(page: "Page") -> None:
    before = UnplacedGift.objects.count()
    go(page, "Oplacerade gåvor")

    def gift(words: str) -> "Locator":
        return page.locator(".waiting-gift", has_text=words)

    gift("Till båten på Brahmaputra").get_by_role("button", name="47112").click()
    page.get_by_role("button", name="Ångra placeringen").wait_for()
    alone = gift("Mormors 80-årskalas")
    alone.get_by_label("Insamlingsnummer").fill("47030")
    alone.get_by_role("button", name="Placera").click()
    gift("Mormors 80-årskalas").wait_for(state="detached")
    gift("hälften till 47031").get_by_role("link", name="Dela gåvan").click()
    for place, number in enumerate(("47031", "47032"), start=1):
        page.get_by_label(f"Nummer {place}").fill(number)
        page.get_by_label(f"Belopp {place}").fill("300")
    page.get_by_label("Skäl").fill("Båda numren stod på gåvan.")
    press(page, "Placera")
    page.get_by_role("heading", name="Oplacerade gåvor").wait_for()
    assert UnplacedGift.objects.count() == before - 3


def reconcile(page: "Page", day: datetime.date) -> None:
    go(page, "Avstämning")
    page.goto(f"/ekonomi/avstamning/?manad={day:%Y-%m}")
    press(page, "Stäm av de ikryssade dagarna")
    page.get_by_role("status").wait_for()
    assert SignOff.objects.filter(day=day, is_signed=True, by=demo("ekonomi")).exists()


def propose(page: "Page") -> Proposal:
    go(page, "Omfördelning", "Nytt förslag")
    go(page, "47000")
    page.get_by_label("Belopp att fördela").fill("10 000")
    press(page, "Räkna ut")
    page.get_by_label("Skäl till förslaget").fill("Allt behövs i år.")
    press(page, "Lämna in förslaget")
    page.get_by_text("Lämnade").first.wait_for()
    return Proposal.objects.latest("pk")


def approve(page: "Page", proposal: Proposal) -> None:
    go(page, "Omfördelningar att besluta om", f"Förslag {proposal.pk}")
    press(page, "Godkänn och flytta")
    page.get_by_role("status").wait_for()
    proposal.refresh_from_db()
    assert proposal.decision == "approved"
    assert sum(line.approved_ore or 0 for line in proposal.lines.all()) == 10_000_00


def export(page: "Page", day: datetime.date) -> None:
    go(page, "Rapporter", "Export till bokföringen")
    page.get_by_role("table").first.get_by_role("link").first.wait_for()
    page.goto(f"/ekonomi/sie/ny/?fran={day.replace(day=1)}&till={day}")
    press(page, "Skapa")
    with page.expect_download() as coming:
        go(page, "Hämta")
    told = sie_reader.read(Path(coming.value.path()).read_bytes())
    debited = sum(row.ore for row in told.rows if row.ore > 0)
    assert debited == SieExport.objects.get().amount_ore


def lock(page: "Page", day: datetime.date) -> None:
    go(page, "Perioder")
    page.get_by_label("Till och med").fill(day.isoformat())
    press(page, "Gå vidare")
    page.get_by_label("Jag vet att låsningen inte kan tas bort").check()
    press(page, "Lås perioden")
    page.get_by_text("Låst till och med").first.wait_for()
    assert PeriodLock.objects.get().through == day
    assert Transfer.objects.filter(booked_on__gt=day).exists()
