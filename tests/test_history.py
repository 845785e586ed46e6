"""A page's history: what differs between two versions, told in Swedish, and an old one brought back."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from projects import comparing, copying, snapshots
from projects.comparing import ADDED, CHANGED, MOVED, REMOVED, Differences, Part
from projects.models import (
    Achievement,
    Contact,
    FocusArea,
    KeyFigure,
    Plan,
    Project,
    Section,
    Update,
    Version,
)
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.test_permissions import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    return cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))


def url(name: str, page: Any) -> str:
    return reverse(f"admin:projects_project_{name}", args=[page.pk])


def save(page: Any) -> Version:
    page.save()
    return snapshots.freeze(page, cast.ester())


def between(old: Version, new: Version) -> Differences:
    return comparing.differences(snapshots.from_version(old), snapshots.from_version(new))


def rows_of(found: Differences) -> dict[str, list[tuple[str, str]]]:
    return {kind.label: [(row.what, row.name) for row in kind.rows] for kind in found.rows}


def old_text(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if part.what != "ins")


def new_text(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if part.what != "del")


# Words


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        ("Vi borrar en brunn.", "Vi borrar två brunnar.", ["en brunn"], ["två brunnar"]),
        ("", "Ny text", [], ["Ny text"]),
        ("Borta", "", ["Borta"], []),
        ("Ett\n\nTvå\n", "Ett\n\nTvå\n\nTre\n", [], ["\nTre\n"]),
        ("”Ja”, sa hon", "”Nej”, sa hon", ["Ja"], ["Nej"]),
    ],
)
def test_a_text_is_compared_word_by_word(
    old: str, new: str, gone: list[str], come: list[str]
) -> None:
    parts = comparing.words(old, new)
    assert [part.text for part in parts if part.what == "del"] == gone
    assert [part.text for part in parts if part.what == "ins"] == come
    assert (old_text(parts), new_text(parts)) == (old, new)


def test_a_long_text_that_stays_is_shortened_around_what_changed() -> None:
    long = "ord " * 500
    parts = comparing.words(f"{long}förr {long}", f"{long}nu {long}")
    assert [part.text for part in parts if part.what != "same"] == ["förr", "nu"]
    assert sum(part.is_cut for part in parts) == 2
    assert sum(len(part.text) for part in parts) < 500


def test_two_long_texts_with_nothing_in_common_are_compared_in_good_time() -> None:
    begin = datetime.datetime.now(datetime.UTC)
    comparing.words("".join(f"a{n} " for n in range(7000)), "".join(f"b{n} " for n in range(7000)))
    assert datetime.datetime.now(datetime.UTC) - begin < datetime.timedelta(seconds=2)


# Pages


def test_every_field_of_a_page_is_compared_by_its_swedish_name() -> None:
    sea, river = cast.area("hav", title="Hav"), cast.area("alv", title="Älv")
    page = cast.project(focus_area=sea)
    first = save(page)
    page.title, page.summary, page.body = "Ny rubrik", "Ny ingress", "Ny text"
    page.image = picture()
    page.contact = Contact.objects.create(name="Lo Berg")
    page.focus_area, page.achievements_intro = river, "Under åren:"
    page.countries = ["NP", "KH"]  # type: ignore[assignment]
    page.qualifies_for_tax_reduction = True
    page.partners.set([cast.organisation("dobato", title="Dobato")])
    page.similar.set([cast.project("pumpar", sea)])
    found = between(first, save(page))
    assert {change.label: new_text(change.parts) for change in found.fields} == {
        "Rubrik": "Ny rubrik",
        "Ingress": "Ny ingress",
        "Bild": "En brunn",
        "Brödtext": "Ny text",
        "Inledning till resultaten": "Under åren:",
        "Kontaktperson": "Lo Berg",
        "Fokusområde": "Älv",
        "Länder": "Kambodja, Nepal",
        "Partnerorganisationer": "Dobato",
        "Liknande projekt": "Pumpar",
        "Gåvor kan ge skattereduktion": "ja",
    }


def test_a_focus_area_and_an_organisation_are_compared_by_what_they_alone_have() -> None:
    area, partner = cast.area(), cast.organisation()
    first, other = save(area), save(partner)
    area.hue, partner.website = FocusArea.Hue.SUN, "https://example.org"
    partner.organisation_kind = partner.OrganisationKind.NETWORK
    assert [change.label for change in between(first, save(area)).fields] == ["Färg"]
    assert [change.label for change in between(other, save(partner)).fields] == [
        "Slag",
        "Webbplats",
    ]


def test_rows_are_told_to_be_new_gone_changed_or_moved() -> None:
    page = cast.project()
    for text in ("Ett", "Två", "Tre", "Fyra"):
        Plan.objects.create(page=page, heading=text, text=f"Planen {text}")
    first = save(page)
    Plan.objects.filter(heading="Ett").update(position=9)
    Plan.objects.filter(heading="Två").update(text="Planen är en annan")
    Plan.objects.filter(heading="Tre").delete()
    Section.objects.create(page=page, heading="Nytt avsnitt", text="x")
    assert rows_of(between(first, save(page))) == {
        "Planer": [(CHANGED, "Två"), (MOVED, "Ett"), (REMOVED, "Tre")],
        "Avsnitt": [(ADDED, "Nytt avsnitt")],
    }


def test_a_row_that_is_written_over_is_the_same_row_changed() -> None:
    page = cast.project()
    row = Achievement.objects.create(page=page, number="34", text="brunnar borrade i bergen")
    first = save(page)
    row.number = "36"
    row.save()
    [kind] = between(first, save(page)).rows
    [change] = kind.rows
    assert change.what == CHANGED
    assert [(field.label, new_text(field.parts)) for field in change.fields] == [("Antal", "36")]


def test_versions_that_say_the_same_do_not_differ() -> None:
    page = cast.project()
    KeyFigure.objects.create(page=page, value="5", label="byar")
    version = save(page)
    assert not between(version, version)


@pytest.mark.parametrize(("withdrawn", "is_told"), [(False, True), (True, False)])
def test_a_story_whose_consent_is_withdrawn_is_named_and_not_told(
    desk: Client, withdrawn: bool, is_told: bool
) -> None:
    page = cast.project()
    save(page)
    consent = cast.consent(withdrawn_at=timezone.now() if withdrawn else None)
    cast.story(page, consent=consent, text="Hemliga ord")
    save(page)
    html = desk.get(url("compare", page), {"fran": "1", "till": "2"}).content.decode()
    assert "Nai frågade vidare" in html
    assert ("Hemliga ord" in html) is is_told


def test_the_comparison_says_in_words_what_went_and_what_came(desk: Client) -> None:
    page = cast.project(summary="Vi borrar brunnar")
    cast.publish(page)
    page.summary = "Vi gräver brunnar"
    save(page)
    html = desk.get(url("compare", page)).content.decode()
    assert '<del><span class="visually-hidden"> [borttaget: </span>borrar' in html
    assert '<ins><span class="visually-hidden"> [tillagt: </span>gräver' in html


@pytest.mark.parametrize("asked", ["fran=9&till=1", "fran=x&till=1", "fran=1&till=²"])
def test_a_version_that_is_not_there_is_not_found(desk: Client, asked: str) -> None:
    page = cast.project()
    save(page)
    assert desk.get(f"{url('compare', page)}?{asked}").status_code == 404


# Bringing one back


def full() -> Project:
    """A project with something of everything."""
    page = cast.project(summary="Som det var", body="Text", countries=["NP"], image=picture())
    page.partners.set([cast.organisation()])
    Achievement.objects.create(page=page, number="34", text="brunnar")
    Plan.objects.create(page=page, text="Fler brunnar")
    cast.story(page, consent=cast.consent(), picture=page.image)
    KeyFigure.objects.create(page=page, value="5", label="byar")
    Section.objects.create(page=page, heading="Avsnitt", text="x")
    day = datetime.date(2026, 3, 1)
    Update.objects.create(page=page, published_on=day, heading="Nyhet", text="x")
    return page


def said(version: Version) -> dict[str, Any]:
    """What a version says, its address and number aside."""
    return vars(snapshots.from_version(version))


def test_an_old_version_comes_back_into_the_form_whole_and_nothing_is_published(
    desk: Client,
) -> None:
    page = full()
    cast.publish(page)
    first = page.versions.get()
    live = Client().get("/projekt/brunnar/").content
    for rows in (page.plans, page.storys, page.keyfigures, page.updates, page.partners):
        rows.all().delete()
    page.summary, page.image = "Något annat", None
    page.slug = "pumpar"
    save(page)

    answer = desk.post(url("versions", page), {"bring_back": "1"}, follow=True)

    page = Project.objects.get()
    assert answer.redirect_chain[-1][0] == url("change", page)
    assert page.slug == "pumpar"
    newest = page.versions.first()
    assert newest
    assert newest.number == 3
    assert {**said(newest), "partner_ids": ()} == {**said(first), "partner_ids": ()}
    assert page.publications.count() == 1
    assert b"Som det var" in live
    assert Event.objects.filter(text__contains="Tog fram version 1").exists()


def test_what_was_being_written_is_kept_as_a_version_before_an_old_one_comes_back() -> None:
    page = cast.project(summary="Ett")
    first = save(page)
    page.summary = "Aldrig fryst"
    page.save()
    copying.bring_back(first, by=cast.ester())
    assert [version.summary for version in page.versions.all()] == ["Ett", "Aldrig fryst", "Ett"]


def test_a_story_whose_consent_is_withdrawn_does_not_come_back() -> None:
    page, consent = cast.project(), cast.consent()
    cast.story(page, consent=consent)
    first = save(page)
    page.storys.all().delete()
    save(page)
    consent.withdrawn_at = timezone.now()
    consent.save()
    assert copying.bring_back(first, by=cast.ester()).left_out == ["Nai frågade vidare"]
    assert not page.storys.exists()


def test_a_story_whose_consent_has_been_deleted_comes_back_without_one() -> None:
    page, consent = cast.project(), cast.consent()
    cast.story(page, consent=consent)
    first = save(page)
    page.storys.all().delete()
    consent.delete()
    copying.bring_back(first, by=cast.ester())
    assert page.storys.get().consent is None


@pytest.mark.parametrize("name", ["versions", "compare", "preview_link", "copy", "new_year"])
def test_who_may_not_change_pages_sees_nothing_of_their_history(name: str) -> None:
    page = cast.project()
    reader = cast.sign_in(Client(), cast.member("Lars", Role.READER))
    assert reader.get(url(name, page)).status_code == 403
    assert Client().get(url(name, page)).status_code == 302


def test_a_page_saved_again_by_the_form_with_nothing_changed_is_no_new_version() -> None:
    page = cast.project(body="Ett\n\nTvå", summary="Tre\nFyra")
    plan = Plan.objects.create(page=page, text="Fem\n\nSex")
    first = save(page)
    page.body, page.summary = "Ett\r\n\r\nTvå", "Tre\r\nFyra"
    plan.text = "Fem\r\n\r\nSex"
    plan.save()
    assert save(page) == first
