"""Content carried on: a page copied into a new one, and last year's plans made into this year's results."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from projects import copying, snapshots
from projects.models import Page, Plan, Project, Update
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.test_history import full

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    return cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))


def url(name: str, page: Page) -> str:
    return reverse(f"admin:projects_{page.kind.replace('_', '')}_{name}", args=[page.pk])


def test_a_copy_says_the_same_under_its_own_name_unpublished_without_a_fund(desk: Client) -> None:
    page = full()
    cast.fund("47030", page)
    cast.publish(page)
    answer = desk.post(url("copy", page), {"title": "Pumpar", "slug": "pumpar"})
    new = Project.objects.get(slug="pumpar")
    assert answer["Location"] == url("change", new)
    old, copied = snapshots.from_page(page), snapshots.from_page(new)
    assert copied.title == "Pumpar"
    assert copied.content == {**old.content, "updates": []}
    for name in ("summary", "focus_area_id", "contact_id", "countries", "partner_ids", "image_ids"):
        assert getattr(copied, name) == getattr(old, name)
    assert not new.publications.exists()
    assert not new.funds.exists()
    assert new.versions.count() == 1
    assert page.updates.count() == 1
    assert Event.objects.filter(text="Skapade projekt ”Pumpar” som en kopia av ”Brunnar”").exists()


@pytest.mark.parametrize("make", [cast.area, cast.organisation])
def test_pages_of_every_kind_can_be_copied(desk: Client, make: Any) -> None:
    page = make()
    form = desk.get(url("copy", page)).context["form"]
    data = {"title": form["title"].value(), "slug": form["slug"].value()}
    assert desk.post(url("copy", page), data).status_code == 302
    assert type(page).objects.filter(title=f"{page.title} (kopia)").exists()


def test_a_copy_cannot_take_an_address_that_another_page_has_had(desk: Client) -> None:
    page = cast.project()
    page.slug = "nya-brunnar"
    page.save()
    answer = desk.post(url("copy", page), {"title": "Kopia", "slug": "brunnar"})
    assert "kan inte användas igen" in answer.content.decode()
    assert Project.objects.count() == 1
    assert copying.free_slug("brunnar") == "brunnar-2"


def test_a_story_whose_consent_is_withdrawn_is_not_copied() -> None:
    page = cast.project()
    cast.story(page, consent=cast.consent(withdrawn_at=timezone.now()))
    assert not copying.copy(page, "Ny", "ny", cast.ester()).storys.exists()


# A new year


def plans(page: Page, *texts: str) -> list[Plan]:
    return [Plan.objects.create(page=page, heading=text, text=f"Vi ska {text}") for text in texts]


def test_the_plans_are_offered_in_their_own_words_for_the_year_that_has_gone(desk: Client) -> None:
    page = cast.project()
    plans(page, "borra")
    form = desk.get(url("new_year", page)).context["rows"][0]
    assert form["text"].value() == "Vi ska borra"
    assert form["period"].value() == str(timezone.localdate().year - 1)


def test_ticked_plans_become_results_and_the_others_stay_plans(desk: Client) -> None:
    page = cast.project()
    done, kept, untouched = plans(page, "borra", "gräva", "mura")
    cast.publish(page)
    data = {
        "seen": "1",
        f"plan-{done.pk}-use": "on",
        f"plan-{done.pk}-number": "12",
        f"plan-{done.pk}-period": "2025",
        f"plan-{done.pk}-text": "brunnar borrade",
        f"plan-{kept.pk}-use": "on",
        f"plan-{kept.pk}-text": "diken grävda",
        f"plan-{kept.pk}-keep_plan": "on",
        f"plan-{untouched.pk}-text": "struntar i",
    }
    assert desk.post(url("new_year", page), data).status_code == 302
    assert [(a.number, a.period, a.text) for a in page.achievements.all()] == [
        ("12", "2025", "brunnar borrade"),
        ("", "", "diken grävda"),
    ]
    assert set(page.plans.all()) == {kept, untouched}
    assert page.versions.count() == 2
    assert page.publications.count() == 1
    data = {name: value for name, value in data.items() if f"-{done.pk}-" not in name}
    again = desk.post(url("new_year", page), data | {f"plan-{kept.pk}-text": "en gång till"})
    assert "Sidan har sparats sedan du öppnade" in again.content.decode()
    assert "en gång till" in again.content.decode()
    assert page.achievements.count() == 2


def test_a_result_without_words_is_refused_and_nothing_is_lost(desk: Client) -> None:
    page = cast.project()
    [plan] = plans(page, "borra")
    data = {f"plan-{plan.pk}-use": "on", f"plan-{plan.pk}-number": "12", f"plan-{plan.pk}-text": ""}
    html = desk.post(url("new_year", page), data).content.decode()
    assert 'value="12"' in html
    assert page.plans.exists()
    assert not page.achievements.exists()


def test_what_was_written_for_a_plan_that_somebody_took_away_is_told_back(desk: Client) -> None:
    page = cast.project()
    [plan] = plans(page, "borra")
    data = {f"plan-{plan.pk}-use": "on", f"plan-{plan.pk}-text": "tolv brunnar"}
    plan.delete()
    html = desk.post(url("new_year", page), data).content.decode()
    assert "tolv brunnar" in html
    assert not page.achievements.exists()


def test_a_long_plan_is_offered_cut_to_what_a_result_holds() -> None:
    plan = Plan(heading="Rubrik", text="ord " * 500)
    assert len(copying.suggestion(plan)) <= 400


def test_news_stay_with_the_page_they_are_about() -> None:
    page = cast.project()
    Update.objects.create(
        page=page, published_on=datetime.date(2026, 1, 1), heading="Nyhet", text="x"
    )
    assert not copying.copy(page, "Ny", "ny", cast.ester()).updates.exists()
