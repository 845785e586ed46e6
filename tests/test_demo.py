"""The demo can be loaded into an empty database, is right to the krona, and leaves nothing behind."""

import datetime
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from donations import operations, queries, recall, totals
from donations.demo import loading
from donations.demo.gifts import gifts_of_year
from donations.models import (
    Account,
    AccountNumber,
    BankFile,
    BoundPayer,
    CollectionYear,
    ColumnMapping,
    Fund,
    FundYear,
    Proposal,
    SieOverride,
    Transfer,
)
from donations.operations import GiftIn
from donations.operations.periods import undecided_surpluses
from projects.models import Contact, FocusArea, Image, Project, SiteSettings
from staff import demo
from staff.models import User
from tests import cast
from triggers import registry

pytestmark = pytest.mark.django_db
NBSP = "\N{NO-BREAK SPACE}"


def rows() -> dict[str, int]:
    """How many rows each of our tables holds."""
    return {
        model._meta.db_table: model._default_manager.count()
        for label in ("donations", "projects", "staff")
        for model in apps.get_app_config(label).get_models()
    }


def files(folder: str = "bilder") -> list[str]:
    return default_storage.listdir(folder)[1] if default_storage.exists(folder) else []


def test_the_demo_is_the_first_seed_to_the_krona_and_goes_without_a_trace(
    django_capture_on_commit_callbacks: Any,
) -> None:
    before, pictures = rows(), files()
    call_command("load_demo", stdout=StringIO())

    fund = Fund.objects.get(collection_number="47030")
    year = fund.years.get(year__starts_on__year=timezone.localdate().year)
    figures = queries.figures([year], timezone.localdate())[year.pk]
    assert (figures.need, figures.collected, figures.remaining, figures.surplus) == (
        276_000_00,
        332_028_00,
        0,
        56_028_00,
    )
    assert Transfer.objects.count() > 5000
    assert fund.years.count() == 3
    response = Client().get("/47030", follow=True)
    html = response.content.decode()
    assert response.redirect_chain[0][1] == 302
    for text in ("47030", f"276{NBSP}000{NBSP}kr", f"332{NBSP}028{NBSP}kr", "Kvar att samla in"):
        assert text in html
    assert f"<dt>Kvar att samla in</dt><dd>0{NBSP}kr</dd>" in html
    assert User.objects.get(email="redaktor@example.org").check_password(demo.PASSWORD)
    assert totals.differences() == []
    [waiting] = Proposal.objects.pending()
    assert {line.source.fund for line in waiting.lines.all()} == {fund}
    assert waiting.by.email == "ekonomi@example.org"
    moved = Proposal.objects.filter(decision="approved", decided_by__email="attestant@example.org")
    assert moved.count() == 2
    html = Client().get("/47112", follow=True).content.decode()
    assert f"varav 20{NBSP}000{NBSP}kr från <a" in html
    tried = User.objects.get(email="ekonomi@example.org")
    close_the_first_year(tried)
    put_right_and_move_back(tried)
    sheet = set_up_and_hand_in(tried)
    SieOverride.objects.create(fund=fund, project_code="7")
    today = timezone.localdate()
    export = operations.export_sie(today.replace(month=1, day=1), today, by=tried)
    operations.export_sie_again(export, by=tried)

    with django_capture_on_commit_callbacks(execute=True):
        call_command("remove_demo", stdout=StringIO())

    assert rows() == before
    assert files() == pictures
    assert not sheet.file.storage.exists(sheet.file.name or "")
    assert registry.differences(connection) == []


def set_up_and_hand_in(by: User) -> BankFile:
    """The same: a sheet read by columns that somebody chose, another number, a bound payer."""
    bank = Account.objects.get(name=loading.BANK)
    assert {str(one) for one in bank.numbers.all()} == {
        "bankgiro 991-2346",
        "plusgiro 9 99 99 99-7",
        "Swish 123 000 00 00",
        "IBAN SE45 5000 0000 0583 9825 7466",
    }
    giro = bank.numbers.get(scheme="bankgiro")
    assert [source.kind for source in giro.sources.all()] == ["camt.054 (inbetalningar)", "BgMax"]
    assert [rule.name for rule in recall.rules()] == ["Bankens månadspris", "Föreningens sparkonto"]
    assert "Nepal" in Fund.objects.get(collection_number="47031").words
    now = timezone.now()
    AccountNumber.objects.create(account=bank, scheme="bban", digits="99602601234567")
    mapping = ColumnMapping.objects.create(name="Mall", mapping="{}", created_at=now, by=by)
    sheet = BankFile(name="mars.csv", digest="0", size=1, received_at=now, by=by, mapping=mapping)
    sheet.file.save("arket", ContentFile(b"x"))
    fund = Fund.objects.get(collection_number="47031")
    BoundPayer.objects.create(
        key="0", number="1", fund=fund, by=by, created_at=now, used_on=now.date()
    )
    return sheet


def close_the_first_year(by: User) -> None:
    """What somebody who tries the demo may do."""
    first = CollectionYear.objects.earliest("starts_on")
    for fund_year in FundYear.objects.filter(pk__in=undecided_surpluses(first)):
        operations.leave_surplus(fund_year, reason="Får stå kvar", by=by)
    operations.close_year(first, by=by)


def put_right_and_move_back(by: User) -> None:
    """The same: a gift reversed, another paid back, and a draft that moves a closed year's money back."""
    today = timezone.localdate()
    wrong, regretted = Transfer.objects.filter(
        kind="gift", booked_on=today, credit__kind="fund", reversal=None
    )[:2]
    operations.reverse(wrong, booked_on=today, reason="Fel", by=by)
    operations.refund(regretted, 1_00, booked_on=today, reason="Ångrat", by=by)
    moved = Transfer.objects.filter(kind="reallocation").earliest("pk")
    there, here = moved.credit.fund_year, moved.debit.fund_year
    assert there
    assert here
    line = operations.LineIn(there, here, 1_00, corrects=moved)
    operations.draft([line], reason="Prov", by=by)


def test_the_demo_stays_when_the_books_hold_a_gift_of_somebody_elses() -> None:
    call_command("load_demo", stdout=StringIO())
    cast.gift(Fund.objects.get(collection_number="47030"), 1, timezone.localdate())
    with pytest.raises(CommandError, match="1 transfers in the books are not the demo's own"):
        call_command("remove_demo")
    assert Project.objects.filter(funds__collection_number="47030").exists()
    assert registry.differences(connection) == []


def test_what_people_have_added_beside_the_demo_stays() -> None:
    call_command("load_demo", stdout=StringIO())
    picture = Image.objects.first()
    assert picture is not None
    ours = [
        Contact.objects.create(name="Egen", email="egen@example.org"),
        cast.consent(subject="Eget samtycke"),
        Account.objects.create(kind="bank", name="Eget konto"),
    ]
    SiteSettings.objects.update(name="Vår egen förening")
    area = FocusArea.objects.first()
    page = cast.project("eget", area, image=picture)
    cast.publish(page)
    with pytest.raises(CommandError, match="leans on the demo"):
        call_command("remove_demo")
    assert default_storage.exists(picture.name(picture.widths[0]))

    page.focus_area = cast.area("eget-omrade", clause_from=None)
    page.save()
    page.versions.update(focus_area=page.focus_area)
    call_command("remove_demo", stdout=StringIO())

    assert picture.src in Client().get("/projekt/eget/").content.decode()
    assert SiteSettings.current().name == "Vår egen förening"
    for row in ours:
        row.refresh_from_db()


def test_the_demo_is_only_loaded_into_an_empty_database_and_never_in_production() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "PRODUCTION", True)
        with pytest.raises(CommandError, match="never loaded in production"):
            call_command("load_demo")
    cast.ester()
    with pytest.raises(CommandError, match="in use"):
        call_command("load_demo")
    call_command("load_demo", if_empty=True, stdout=StringIO())
    assert User.objects.count() == 1


@pytest.mark.once
@pytest.mark.parametrize("day", [datetime.date(2024, 1, 1), datetime.date(2024, 2, 29)])
def test_the_demo_can_be_loaded_on_any_day_of_the_year(day: datetime.date) -> None:
    loading.load(day)
    assert not Transfer.objects.filter(booked_on__gt=day).exists()
    fund = Fund.objects.get(collection_number="47030")
    year = operations.fund_year(fund, day, cast.ester())
    assert queries.figures([year], day)[year.pk].collected == 332_028_00


@pytest.mark.parametrize(("kronor", "count"), [(20, 1), (332_028, 312), (1_000, 50)])
def test_invented_gifts_add_up_to_the_krona(kronor: int, count: int) -> None:
    fund = Fund(collection_number="47030", channels=["swish"])
    first, last = datetime.date(2024, 1, 1), datetime.date(2024, 12, 31)
    given: list[GiftIn] = gifts_of_year(fund, kronor, count, first, last)
    assert sum(gift.amount_ore for gift in given) == kronor * 100
    assert len(given) == count
    assert all(first <= gift.bank_date <= last for gift in given)


def test_ready_says_which_trigger_is_missing() -> None:
    assert Client().get("/readyz").status_code == 200
    there = registry.installed(connection)
    lost = there["need_append_only" if connection.vendor == "postgresql" else "need_no_delete"]
    registry.drop(connection, [lost])
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert f"trigger {lost.name} on donations_need is missing" in response.content.decode()
