"""The audit list: every deed, in the deed's own transaction, without anybody's secrets."""

import datetime
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations
from donations.models import Fund, Need, Transfer
from donations.operations import GiftIn
from projects import publishing
from projects.models import Contact, Publication, SiteSettings
from projects.snapshots import freeze
from staff import audit
from staff.models import Event, Origin
from staff.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
NBSP = "\N{NO-BREAK SPACE}"


def last() -> Event:
    event = Event.objects.first()
    assert event is not None
    return event


class TestMoney:
    def test_a_gift_is_one_event_that_names_amount_and_fund_but_not_the_giver(self) -> None:
        fund = cast.fund()
        gift = GiftIn(fund, 100_00, TODAY, "swish", payer_name="Greta Givare", message="till Rut")
        transfer = operations.register_gift(gift, bank=cast.bank(), by=cast.ester())
        event = last()
        assert event.text == (
            f"Bokförde en gåva på 100{NBSP}kr från Gåvokonto till 47030 Brunnar {TODAY.year}"
        )
        assert (event.area, event.by, event.model) == ("money", cast.ester(), "donations.transfer")
        assert event.object_id == str(transfer.pk)
        assert "Greta" not in event.search_text

    def test_many_gifts_booked_together_are_one_event(self) -> None:
        fund = cast.fund()
        gifts = [GiftIn(fund, 100_00, TODAY, "swish")] * 3
        cast.ester()
        operations.collection_year(TODAY)
        before = Event.objects.count()
        operations.post_gifts(gifts, bank=cast.bank(), by=cast.ester())
        assert Event.objects.count() == before + 1
        assert last().text == f"Bokförde 3 transaktioner, tillsammans 300{NBSP}kr"

    def test_a_refund_a_reversal_and_a_need_are_events_whose_reasons_stay_in_the_books(
        self,
    ) -> None:
        fund = cast.fund()
        year = cast.fund_year(fund, 1_000_00)
        gift = cast.gift(fund, 100_00)
        why: dict[str, Any] = {
            "reason": "Greta ångrade sig",
            "by": cast.ester(),
            "booked_on": TODAY,
        }
        refund = operations.refund(gift, 40_00, **why)
        assert last().text.startswith(f"Bokförde en återbetalning på 40{NBSP}kr från 47030")
        operations.reverse(refund, **why)
        assert last().text.startswith(f"Rättade en återbetalning på 40{NBSP}kr")
        operations.set_need(year, 2_000_00, decided_on=TODAY, reason="Greta", by=cast.ester())
        assert last().text == f"Bestämde behovet för 47030 Brunnar 2024 till 2{NBSP}000{NBSP}kr"
        assert not Event.objects.filter(search_text__contains="greta").exists()

    def test_a_gift_that_is_refused_leaves_no_event(self) -> None:
        fund = cast.fund()
        cast.ester()
        before = Event.objects.count()
        with pytest.raises(operations.OperationError):
            operations.register_gift(
                GiftIn(fund, 0, TODAY, "swish"), bank=cast.bank(), by=cast.ester()
            )
        assert Event.objects.count() == before

    def test_an_event_that_cannot_be_written_leaves_no_gift_and_no_need(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fund = cast.fund()
        year = cast.fund_year(fund)
        bank, ester = cast.bank(), cast.ester()

        def fails(*args: object, **kwargs: object) -> None:
            raise DatabaseError("no room")

        monkeypatch.setattr(audit, "record", fails)
        deeds: list[Callable[[], object]] = [
            lambda: operations.register_gift(GiftIn(fund, 1, TODAY, "swish"), bank=bank, by=ester),
            lambda: operations.set_need(year, 1, decided_on=TODAY, reason="x", by=ester),
        ]
        for deed in deeds:
            with pytest.raises(DatabaseError), transaction.atomic():
                deed()
        assert not Transfer.objects.exists()
        assert not Need.objects.exists()


class TestContent:
    def test_publishing_planning_and_unpublishing_are_events(self) -> None:
        page, ester = cast.project(), cast.ester()
        friday = datetime.datetime(2099, 1, 2, 7, 0, tzinfo=datetime.UTC)
        version = freeze(page, ester)
        publishing.publish(version, by=ester)
        publishing.publish(version, by=ester, from_at=friday)
        publishing.call_off(page, by=ester)
        publishing.unpublish(page, by=ester)
        texts = Event.objects.filter(area="content").order_by("id").values_list("text", flat=True)
        assert list(texts) == [
            "Publicerade version 1 av projekt ”Brunnar”",
            "Planerade att publicera version 1 av projekt ”Brunnar” den 2 januari 2099 kl. 08.00",
            "Avbröt det som var planerat för projekt ”Brunnar”",
            "Avpublicerade projekt ”Brunnar”",
        ]
        assert last().model == "projects.project"

    def test_a_publication_stands_or_falls_with_its_event(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = freeze(cast.project(), cast.ester())

        def fails(*args: object, **kwargs: object) -> None:
            raise DatabaseError("no room")

        monkeypatch.setattr(audit, "record", fails)
        with pytest.raises(DatabaseError), transaction.atomic():
            publishing.publish(version, by=cast.ester())
        assert not Publication.objects.exists()

    def test_what_is_saved_in_the_admin_is_told_by_field_and_never_by_a_persons_name(
        self, client: Client
    ) -> None:
        cast.sign_in(client, cast.ester())
        contact = {"name": "Kersti Kontakt", "role": "", "email": "", "phone": "", "greeting": ""}
        client.post(reverse("admin:projects_contact_add"), contact)
        event = last()
        assert event.text == f"Lade till kontaktperson nr {event.object_id}"
        address = reverse("admin:projects_contact_change", args=[event.object_id])
        client.post(address, {**contact, "role": "samordnare"})
        assert last().text == f"Ändrade kontaktperson nr {event.object_id}: roll"
        client.post(reverse("admin:projects_contact_delete", args=[event.object_id]), {"post": "1"})
        assert last().text == f"Tog bort kontaktperson nr {event.object_id}"
        assert not Event.objects.filter(search_text__contains="kersti").exists()
        assert not LogEntry.objects.exists()

    def test_several_things_deleted_at_once_are_as_many_events(
        self, client: Client, transactional_db: None
    ) -> None:
        contacts = [Contact.objects.create(name=name) for name in ("Ett", "Två")]
        cast.sign_in(client, cast.ester())
        chosen = {"action": "delete_selected", "_selected_action": [c.pk for c in contacts]}
        client.post(reverse("admin:projects_contact_changelist"), {**chosen, "post": "yes"})
        assert not Contact.objects.exists()
        told = Event.objects.filter(area="content").values_list("text", flat=True)
        assert set(told) == {f"Tog bort kontaktperson nr {c.pk}" for c in contacts}

    def test_settings_are_events_of_their_own_kind(self, client: Client) -> None:
        SiteSettings.current().save()
        cast.sign_in(client, cast.astrid())
        url = reverse("admin:projects_sitesettings_change", args=[1])
        form = client.get(url).context["adminform"].form
        data = {name: form[name].value() or "" for name in form.fields}
        client.post(url, {**data, "name": "Långvåga"})
        assert (last().area, last().text) == (
            "settings",
            "Ändrade webbplatsens uppgifter ”Långvåga”: organisationens namn",
        )


class TestTheList:
    def test_it_is_searched_in_any_letters_by_deed_person_and_day(self, client: Client) -> None:
        asa = cast.member("Åsa", Role.EDITOR)
        publishing.publish(freeze(cast.project("ror", title="Rör och ÅKER"), asa), by=asa)
        cast.sign_in(client, cast.ester())
        url = reverse("admin:staff_event_changelist")
        for query in ("åker", "ÅKER publicerade", "åsa version", timezone.localdate().isoformat()):
            found = client.get(url, {"q": query}).content.decode()
            assert "Publicerade version 1 av projekt ”Rör och ÅKER”" in found, query
        assert "Publicerade" not in client.get(url, {"q": "båt"}).content.decode()

    def test_it_is_narrowed_to_one_thing_from_that_things_history(self, client: Client) -> None:
        one, other = cast.project("ett"), cast.project("annat")
        for page in (one, other):
            cast.publish(page)
        cast.sign_in(client, cast.ester())
        history = client.get(f"/admin/projects/project/{one.pk}/history/", follow=True)
        html = history.content.decode()
        assert "projekt ”Ett”" in html
        assert "projekt ”Annat”" not in html

    def test_nothing_in_it_can_be_added_changed_or_deleted_by_hand(self, client: Client) -> None:
        cast.sign_in(client, cast.astrid())
        event = last()
        for path in ("add/", f"{event.pk}/delete/"):
            assert client.post(f"/admin/staff/event/{path}", {"post": "yes"}).status_code == 403
        client.post(f"/admin/staff/event/{event.pk}/change/", {"text": "x"})
        event.refresh_from_db()
        assert event.text != "x"


class TestPeople:
    def test_a_name_is_changed_under_both_names(self, client: Client) -> None:
        rut = cast.member("Rut", Role.EDITOR)
        cast.sign_in(client, cast.astrid())
        url = reverse("admin:staff_user_change", args=[rut.pk])
        client.post(url, {"first_name": "Rutger", "last_name": ""})
        assert (last().by, last().text) == (cast.astrid(), "Ändrade namnet Rut till Rutger")
        before = Event.objects.count()
        client.post(url, {"first_name": "Rutger", "last_name": ""})
        assert Event.objects.count() == before

    def test_the_list_of_people_is_not_narrowed_by_a_passwords_hash(self, client: Client) -> None:
        cast.sign_in(client, cast.astrid())
        url = reverse("admin:staff_user_changelist")
        for lookup in ("password__startswith", "authenticator__data__contains", "last_login__gt"):
            assert client.get(url, {lookup: "a"}).status_code in (302, 400), lookup


class TestOrigins:
    def test_an_event_remembers_from_where_apart_from_itself(self, client: Client) -> None:
        cast.sign_in(client, cast.astrid())
        client.post(
            reverse("admin:staff_user_add"),
            {
                "first_name": "Rut",
                "last_name": "R",
                "email": "rut@example.org",
                "roles": "Redaktör",
            },
            REMOTE_ADDR="192.0.2.7",
            headers={"user-agent": "Provläsare 1"},
        )
        event = Event.objects.get(text="Bjöd in Rut R")
        assert (event.origin.address, event.origin.client) == ("192.0.2.7", "Provläsare 1")
        assert "192.0.2.7" not in event.search_text

    def test_a_deed_from_the_command_line_comes_from_nowhere(self) -> None:
        call_command("invite_staff", "a@example.org", role=["Läsare"], name="Al", stdout=StringIO())
        assert not Origin.objects.exists()
        assert last().by is None

    def test_origins_past_their_time_are_removed_and_the_events_stay(self, client: Client) -> None:
        start = timezone.now()
        cast.sign_in(client, cast.ester())
        client.post(reverse("account_logout"))
        events = Event.objects.count()
        assert Origin.objects.exists()
        for days, is_left in ((90, True), (91, False)):
            with time_machine.travel(start + datetime.timedelta(days=days, seconds=-1)):
                call_command("forget_origins", stdout=StringIO())
            assert Origin.objects.exists() is is_left
        assert last().text == "Tog bort gamla uppgifter om adresser: 1 stycken"
        assert Event.objects.count() == events + 1

    def test_counts_of_attempts_that_are_over_are_removed_and_the_others_stay(self) -> None:
        cache.set("over", 5, timeout=60)
        cache.set("counting", 5, timeout=900)
        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=5)):
            call_command("forget_origins", stdout=StringIO())
        with connection.cursor() as cursor:
            cursor.execute("SELECT cache_key FROM staff_cache ORDER BY cache_key")
            kept = [key for (key,) in cursor.fetchall()]
        assert [key for key in kept if key.endswith((":over", ":counting"))] == [":1:counting"]

    def test_a_longer_list_asks_the_database_no_more(self, client: Client) -> None:
        cast.sign_in(client, cast.astrid())
        client.get(
            reverse("admin:staff_event_changelist")
        )  # the first click writes the session down
        asked = []
        for _more in range(2):
            for _visit in range(10):
                with audit.origin_of(RequestFactory().get("/")):
                    audit.record(audit.Area.PEOPLE, "Gjorde något", by=cast.astrid())
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("admin:staff_event_changelist"))
            asked.append(len(queries))
        assert asked[0] == asked[1]

    def test_an_origin_is_never_changed(self, client: Client) -> None:
        cast.sign_in(client, cast.ester())
        client.post(reverse("account_logout"))
        with pytest.raises(DatabaseError), transaction.atomic():
            Origin.objects.update(address="192.0.2.1")


@pytest.mark.django_db(transaction=True)
def test_a_deed_outside_a_transaction_is_not_recorded() -> None:
    with pytest.raises(TransactionManagementError):
        audit.record(audit.Area.MONEY, "Gjorde något", by=None)
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_gift_and_its_event_are_seen_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With real transactions, not the test's own."""
    fund, bank, ester = cast.fund(), cast.bank(), cast.ester()
    before = Event.objects.count()

    def fails(*args: object, **kwargs: object) -> None:
        raise DatabaseError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", fails)
        with pytest.raises(DatabaseError):
            operations.register_gift(GiftIn(fund, 1, TODAY, "swish"), bank=bank, by=ester)
    assert not Transfer.objects.exists()
    assert Event.objects.count() == before
    assert Fund.objects.exists()
