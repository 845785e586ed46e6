"""What visitors see is the version in force, wherever they look."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from projects import publishing, snapshots
from projects.models import (
    Achievement,
    Consent,
    KeyFigure,
    Publication,
    Section,
    Update,
    Version,
)
from tests import cast

pytestmark = pytest.mark.django_db
STOCKHOLM = ZoneInfo("Europe/Stockholm")
WEDNESDAY = datetime.datetime(2026, 11, 18, 9, tzinfo=STOCKHOLM)
FRIDAY = datetime.datetime(2026, 11, 20, 8, tzinfo=STOCKHOLM)
MINUTE = datetime.timedelta(minutes=1)


def get(url: str, at: datetime.datetime | None = None) -> tuple[int, str]:
    with time_machine.travel(at or timezone.now(), tick=False):
        response = Client().get(url)
        return response.status_code, response.content.decode()


def test_the_public_sees_version_5_until_version_6_has_its_friday() -> None:
    project = cast.project()
    with time_machine.travel(WEDNESDAY, tick=False):
        for number in range(1, 6):
            project.title = f"Brunnar {number}"
            project.save()
            snapshots.freeze(project, cast.ester())
        cast.publish(project)
        project.title = "Brunnar 6"
        project.save()
        cast.publish(project, from_at=FRIDAY)

    assert "Brunnar 5" in get("/projekt/brunnar/", FRIDAY - MINUTE)[1]
    assert "Brunnar 6" not in get("/projekt/brunnar/", FRIDAY - MINUTE)[1]
    assert "Brunnar 6" in get("/projekt/brunnar/", FRIDAY)[1]


def test_unpublishing_now_calls_off_what_waits() -> None:
    project = cast.project()
    cast.publish(project)
    friday = timezone.now() + datetime.timedelta(days=3)
    cast.publish(project, from_at=friday)
    publishing.unpublish(project, by=cast.ester())
    assert get("/projekt/brunnar/", friday + MINUTE)[0] == 404
    assert publishing.status(project, timezone.now()).waiting is None


def test_what_waits_can_be_called_off_and_what_is_live_stays() -> None:
    project = cast.project()
    cast.publish(project)
    friday = timezone.now() + datetime.timedelta(days=3)
    project.title = "Fredagens"
    project.save()
    cast.publish(project, from_at=friday)
    assert publishing.status(project, timezone.now()).waiting is not None
    publishing.call_off(project, by=cast.ester())
    assert publishing.status(project, timezone.now()).waiting is None
    assert "Fredagens" not in get("/projekt/brunnar/", friday + MINUTE)[1]
    assert get("/projekt/brunnar/", friday + MINUTE)[0] == 200


def test_unpublishing_can_wait_too() -> None:
    project = cast.project()
    cast.publish(project)
    friday = timezone.now() + datetime.timedelta(days=3)
    publishing.unpublish(project, by=cast.ester(), from_at=friday)
    assert get("/projekt/brunnar/", friday - MINUTE)[0] == 200
    assert get("/projekt/brunnar/", friday)[0] == 404


def test_an_earlier_version_brought_back_is_the_same_page_byte_for_byte() -> None:
    project = cast.project(summary="Vatten nära hemmet.", body="Pumpen **håller**.")
    Achievement.objects.create(page=project, number="34", text="brunnar")
    first = cast.publish(project)
    assert first.version is not None
    _, before = get("/projekt/brunnar/")
    project.title, project.body = "Helt annat", "Ny text"
    project.save()
    project.achievements.all().delete()
    KeyFigure.objects.create(page=project, value="7", label="byar")
    cast.publish(project)
    assert get("/projekt/brunnar/")[1] != before

    publishing.publish(first.version, by=cast.ester())

    assert get("/projekt/brunnar/")[1] == before


def test_saving_without_a_change_makes_no_version_and_any_change_makes_one() -> None:
    project = cast.project()
    first = snapshots.freeze(project, cast.ester())
    assert snapshots.freeze(project, cast.ester()) == first
    section = Section.objects.create(page=project, heading="Bakgrund", text="Text")
    second = snapshots.freeze(project, cast.ester())
    assert second.number == 2
    section.position = 9
    section.save()
    assert snapshots.freeze(project, cast.ester()) == second  # alone in its order still
    partner = cast.organisation()
    project.partners.add(partner)
    assert snapshots.freeze(project, cast.ester()).number == 3


@pytest.mark.parametrize("state", ["draft", "waiting", "unpublished"])
def test_what_is_not_published_answers_404_and_stands_in_no_list_or_total(state: str) -> None:
    today = timezone.localdate()
    area = cast.area(clause_from=None)
    cast.publish(area)
    shown, hidden = cast.project("synligt", area), cast.project("hemligt", area)
    for number, page in (("47001", shown), ("47002", hidden)):
        fund = cast.fund(number, page)
        cast.fund_year(fund, 1_000_00, today)
        cast.gift(fund, 250_00, today)
    shown.similar.add(hidden)
    cast.publish(shown)
    if state == "waiting":
        cast.publish(hidden, from_at=timezone.now() + MINUTE)
    elif state == "unpublished":
        cast.publish(hidden)
        publishing.unpublish(hidden, by=cast.ester())

    assert get("/projekt/hemligt/")[0] == 404
    assert get("/47002")[0] == 404
    for url in ("/", "/projekt/synligt/", f"/fokusomrade/{area.slug}/"):
        status, html = get(url)
        assert status == 200
        assert "Hemligt" not in html
    assert "250\N{NO-BREAK SPACE}kr" in get(f"/fokusomrade/{area.slug}/")[1]
    assert "500\N{NO-BREAK SPACE}kr" not in get(f"/fokusomrade/{area.slug}/")[1]


def test_a_story_shows_while_its_consent_holds_and_never_without_one() -> None:
    project = cast.project()
    today = timezone.localdate()
    cases: dict[str, Consent | None] = {
        "Berättelse utan": None,
        "Berättelse sista dagen": cast.consent(valid_until=today),
        "Berättelse utgången": cast.consent(valid_until=today - datetime.timedelta(days=1)),
        "Berättelse återkallad": cast.consent(withdrawn_at=timezone.now() - MINUTE),
        "Berättelse utgången utan behov": Consent.objects.create(
            subject="x",
            not_needed_reason="Ingen syns",
            valid_until=today - datetime.timedelta(days=1),
        ),
        "Berättelse ingen behövs": Consent.objects.create(
            subject="x", not_needed_reason="Ingen syns"
        ),
    }
    for heading, consent in cases.items():
        cast.story(project, heading=heading, consent=consent)
    cast.publish(project)

    html = get("/projekt/brunnar/")[1]

    shown = {heading for heading in cases if heading in html}
    assert shown == {"Berättelse sista dagen", "Berättelse ingen behövs"}


def test_a_consent_withdrawn_later_takes_the_story_out_of_the_page_that_is_live() -> None:
    project = cast.project()
    consent = cast.consent()
    cast.story(project, consent=consent)
    cast.publish(project)
    assert "Nai frågade vidare" in get("/projekt/brunnar/")[1]
    consent.withdrawn_at = timezone.now()
    consent.save()
    assert "Nai frågade vidare" not in get("/projekt/brunnar/")[1]


def test_a_former_address_leads_to_the_new_one_and_is_nobody_elses() -> None:
    project = cast.project("brunnar")
    project.slug = "pumpar"
    project.save()
    cast.publish(project)
    response = Client().get("/projekt/brunnar/")
    assert (response.status_code, response["Location"]) == (301, "/projekt/pumpar/")
    with pytest.raises(IntegrityError), transaction.atomic():
        cast.project("brunnar")


def test_an_address_goes_with_its_kind_of_page() -> None:
    cast.publish(cast.project("brunnar"))
    assert get("/organisation/brunnar/")[0] == 404


REPLACE = (
    "INSERT OR REPLACE INTO projects_publication (id, page_id, version_id, from_at, by_id, created_at)"
    " SELECT id, page_id, NULL, from_at, by_id, created_at FROM projects_publication"
)


def test_a_publication_is_never_changed() -> None:
    cast.publish(cast.project())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Otherwise TRUNCATE is refused already for the foreign keys still to be checked.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for sql in (
            "UPDATE projects_publication SET version_id = NULL",
            "DELETE FROM projects_publication",
            REPLACE if connection.vendor == "sqlite" else "TRUNCATE projects_publication CASCADE",
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                cursor.execute(sql)
    assert Publication.objects.get().version is not None


def test_a_version_that_says_something_else_in_the_database_is_what_is_rendered() -> None:
    """Pages come from the version in force, not from the working copy."""
    project = cast.project(title="Arbetskopian")
    publication = cast.publish(project)
    Version.objects.filter(publications=publication).update(title="Det som publicerades")
    html = get("/projekt/brunnar/")[1]
    assert "Det som publicerades" in html
    assert "Arbetskopian" not in html


def test_a_page_published_again_after_being_unpublished_stays() -> None:
    """What waited before is called off for good, and does not take the page down later."""
    project = cast.project()
    christmas = timezone.now() + datetime.timedelta(days=30)
    cast.publish(project, from_at=christmas)
    publishing.unpublish(project, by=cast.ester())
    cast.publish(project)
    assert publishing.status(project, timezone.now()).waiting is None
    assert get("/projekt/brunnar/", christmas + MINUTE)[0] == 200


def test_news_is_out_on_its_day_and_not_before() -> None:
    project = cast.project()
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    Update.objects.create(page=project, published_on=tomorrow, heading="Pumpen är lagad", text="Ja")
    cast.publish(project)
    day = datetime.timedelta(days=1)
    for url in ("/projekt/brunnar/", "/nyheter/", "/"):
        assert "Pumpen är lagad" not in get(url)[1]
        assert "Pumpen är lagad" in get(url, timezone.now() + day)[1]


def test_countries_have_swedish_names_in_swedish_order() -> None:
    cast.publish(cast.project(countries=["AT", "AX", "IN", "SS", "ZW"]))
    html = get("/projekt/brunnar/")[1]
    places = [html.index(n) for n in ("Indien", "Sydsudan", "Zimbabwe", "Åland", "Österrike")]
    assert places == sorted(places)
