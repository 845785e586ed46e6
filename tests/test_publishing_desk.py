"""Publishing from the desk: what the list and the form tell, the link to a draft, and two who write at once."""

import datetime
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations
from projects import attention, copying, publishing, snapshots
from projects.models import Contact, Plan, PreviewLink, Project, Publication, Section
from staff.models import Event, User
from staff.roles import Role
from tests import cast
from tests.test_permissions import picture

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def desk() -> Client:
    return cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))


def url(name: str, page: Any = None) -> str:
    args = [page.pk] if page else []
    return reverse(f"admin:projects_project_{name}", args=args)


def sent(desk: Client, page: Project) -> dict[str, Any]:
    """What the page's form would send if nothing were changed, its rows with it."""
    context = desk.get(url("change", page)).context
    form = context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for inline in context["inline_admin_formsets"]:
        prefix, rows = inline.formset.prefix, inline.formset.initial_forms
        data |= {f"{prefix}-{n}_FORMS": len(rows) for n in ("TOTAL", "INITIAL")}
        for row in rows:
            data |= {row.add_prefix(name): row[name].value() for name in row.fields}
    return {name: value for name, value in data.items() if not (value is None or value is False)}


def complete(slug: str = "brunnar") -> Project:
    """A project that lacks nothing."""
    page = cast.project(slug, image=picture(), contact=Contact.objects.create(name="Lo"))
    snapshots.freeze(page, cast.ester())
    return page


def kinds(page: Project) -> set[str]:
    return {lack.kind for lack in attention.lacks([page], timezone.now()).get(page.pk, [])}


# What a page lacks


def test_a_complete_page_lacks_nothing() -> None:
    assert kinds(complete()) == set()


def test_a_page_is_told_to_lack_picture_contact_consent_and_words_for_pictures() -> None:
    page = cast.project(body="![](/media/bilder/x.webp)")
    cast.story(page)
    assert kinds(page) == {"picture", "contact", "consent", "alt"}


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_page_whose_pictures_consent_is_withdrawn_lacks_consent(withdrawn: bool) -> None:
    page = complete()
    assert page.image
    page.image.consent.withdrawn_at = timezone.now() - DAY if withdrawn else None
    page.image.consent.save()
    assert kinds(page) == ({"consent"} if withdrawn else set())


def test_a_project_that_is_collected_for_lacks_this_years_need_until_it_is_decided() -> None:
    page, today = complete(), timezone.localdate()
    assert kinds(page) == set()
    fund = cast.fund("47030", page)
    assert kinds(page) == {"need"}
    year = cast.fund_year(fund, day=today)
    assert kinds(page) == {"need"}
    operations.set_need(year, 100_00, decided_on=today, reason="Styrelsen", by=cast.ester())
    assert kinds(page) == set()


def test_a_page_is_to_be_looked_through_when_a_year_has_gone_and_not_before() -> None:
    page = complete()
    last = page.versions.get().created_at
    year = attention.YEAR
    before, after = (attention.lacks([page], last + year + s * DAY).get(page.pk) for s in (-1, 1))
    assert not before
    assert [lack.kind for lack in after or []] == ["stale"]


def test_who_looks_a_page_through_without_changing_it_is_reminded_a_year_later(
    desk: Client,
) -> None:
    with time_machine.travel(timezone.now() - 400 * DAY):
        page = complete()
    assert kinds(page) == {"stale"}
    data = sent(desk, page) | {"_reviewed": "1"}
    assert desk.post(url("change", page), data).status_code == 302
    assert page.versions.count() == 1
    assert kinds(page) == set()
    assert Event.objects.filter(text__startswith="Såg över projekt").exists()


# The list


def test_the_list_of_a_hundred_pages_asks_the_database_as_often_as_that_of_two(
    desk: Client,
) -> None:
    area = cast.area()

    def add(first: int, last: int) -> None:
        for n in range(first, last):
            page = cast.project(f"projekt-{n}", area, body="![](x)")
            cast.story(page)
            cast.fund(f"{10000 + n}", page)
            cast.publish(page, from_at=None if n % 2 else timezone.now() + DAY)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            html = desk.get(url("changelist")).content.decode()
        assert "Årets behov" in html
        return len(asked)

    add(0, 2)
    queries()  # the first reads what is then remembered
    few = queries()
    add(2, 100)
    assert queries() == few
    with CaptureQueriesContext(connection) as asked:
        desk.get(reverse("admin:index"))
    assert len(asked) < 40


def test_the_list_says_what_is_live_waits_has_changed_or_is_not_published(desk: Client) -> None:
    live, waits, changed, _draft = (cast.project(slug) for slug in ("ett", "två-", "tre", "fyra"))
    cast.publish(live)
    cast.publish(waits, from_at=timezone.now() + DAY)
    cast.publish(changed)
    changed.summary = "Nytt"
    changed.save()
    snapshots.freeze(changed, cast.ester())

    def found(state: str) -> set[str]:
        listing = desk.get(url("changelist"), {"lage": state}).context["cl"].result_list
        return {page.slug for page in listing}

    assert found("publicerade") == {"ett", "tre"}
    assert found("andrade") == {"tre"}
    assert found("vantar") == {"två-"}
    assert found("inte") == {"två-", "fyra"}
    html = desk.get(url("changelist")).content.decode()
    assert "Publicerad, ändrad sedan dess" in html
    assert html.count("Visa på webbplatsen") == 2


def test_the_list_is_narrowed_down_to_what_lacks_something(desk: Client) -> None:
    complete("hel")
    cast.project("tom")
    listing = desk.get(url("changelist"), {"saknas": "picture"}).context["cl"].result_list
    assert [page.slug for page in listing] == ["tom"]


# Before publishing


def test_what_is_missing_is_said_on_the_form_and_again_when_it_is_published_all_the_same(
    desk: Client,
) -> None:
    page = cast.project()
    snapshots.freeze(page, cast.ester())
    assert "Sidan har ingen bild." in desk.get(url("change", page)).content.decode()
    answer = desk.post(url("change", page), sent(desk, page) | {"_publish": "1"}, follow=True)
    said = [str(message) for message in answer.context["messages"]]
    assert "Sidan har ingen bild." in said
    assert Publication.objects.filter(page=page).exists()


# The link to a draft


def link(desk: Client, page: Project) -> str:
    desk.post(url("preview_link", page))
    address: str = desk.get(url("preview_link", page)).context["address"]
    return address.removeprefix("http://testserver")


def test_who_has_the_link_reads_the_draft_and_nobody_keeps_it(desk: Client) -> None:
    page = cast.project(summary="Bara ett utkast")
    cast.story(page, heading="Utan samtycke")
    answer = Client().get(link(desk, page))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Bara ett utkast" in html
    assert "Detta är ett utkast" in html
    assert "Utan samtycke" not in html
    assert '<meta name="robots" content="noindex">' in html
    assert "no-store" in answer["Cache-Control"]
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["Referrer-Policy"] == "no-referrer"
    assert Client().get("/projekt/brunnar/").status_code == 404


@pytest.mark.parametrize(("days", "status"), [(13.99, 200), (14, 410)])
def test_the_link_works_for_fourteen_days(desk: Client, days: float, status: int) -> None:
    address = link(desk, cast.project())
    made = PreviewLink.objects.get().created_at
    with time_machine.travel(made + days * DAY, tick=False):
        assert Client().get(address).status_code == status


def test_a_new_link_ends_the_old_one_and_a_link_can_be_ended(desk: Client) -> None:
    page = cast.project()
    old = link(desk, page)
    new = link(desk, page)
    assert (Client().get(old).status_code, Client().get(new).status_code) == (410, 200)
    desk.post(url("preview_link", page), {"end": "1"})
    assert Client().get(new).status_code == 410


def test_a_link_ends_with_the_account_of_whoever_made_it(desk: Client) -> None:
    address = link(desk, cast.project())
    User.objects.filter(first_name="Rut").update(is_active=False)
    assert Client().get(address).status_code == 410


def test_a_link_that_somebody_has_made_up_opens_nothing(desk: Client) -> None:
    address = link(desk, cast.project())
    assert Client().get(address[:-3] + "x/").status_code == 404
    assert Client().get("/utkast/1/").status_code == 404


# Two who write at once


def test_what_was_written_in_a_row_that_somebody_else_deleted_is_saved_as_a_new_row(
    desk: Client,
) -> None:
    page = cast.project()
    first, second = (Plan.objects.create(page=page, heading=h, text=h) for h in ("Ett", "Två"))
    snapshots.freeze(page, cast.ester())
    mine = sent(desk, page) | {"plans-0-text": "Det jag skrev"}
    theirs = sent(desk, page) | {"plans-0-DELETE": "on"}
    assert desk.post(url("change", page), theirs).status_code == 302

    answer = desk.post(url("change", page), mine)
    html = answer.content.decode()
    assert "sparade sidan kl." in html
    assert "tagit bort en rad" in html
    assert "Det jag skrev" in html
    again = answer.context["inline_admin_formsets"][1].formset.data
    seen = answer.context["adminform"].form["seen"].value()
    kept = {name: value for name, value in again.items() if name.startswith("plans-")}
    mine = {name: value for name, value in mine.items() if not name.startswith("plans-")}
    assert desk.post(url("change", page), mine | kept | {"seen": seen}).status_code == 302
    assert set(page.plans.values_list("text", flat=True)) == {"Det jag skrev", "Två"}
    assert not Plan.objects.filter(pk=first.pk).exists()
    assert Plan.objects.filter(pk=second.pk).exists()


def test_a_version_brought_back_meanwhile_does_not_double_the_rows(desk: Client) -> None:
    page = cast.project()
    for text in ("Ett", "Två"):
        Plan.objects.create(page=page, heading=text, text=text)
    version = snapshots.freeze(page, cast.ester())
    Plan.objects.filter(page=page, text="Två").update(text="Tre")
    snapshots.freeze(page, cast.ester())
    mine = sent(desk, page) | {"plans-0-text": "Det jag skrev"}
    copying.bring_back(version, by=cast.ester())
    assert "sparade sidan kl." in desk.post(url("change", page), mine).content.decode()
    assert desk.post(url("change", page), mine | {"seen": "3"}).status_code == 302
    assert list(page.plans.values_list("text", flat=True)) == ["Det jag skrev", "Tre"]


def test_a_consent_that_ends_before_a_page_is_to_be_published_is_warned_of(desk: Client) -> None:
    page = complete()
    now = timezone.localtime()
    consent = cast.consent(valid_until=now.date() + datetime.timedelta(days=2))
    cast.story(page, consent=consent)
    moment = (now + datetime.timedelta(days=10)).strftime("%Y-%m-%dT%H:%M")
    data = sent(desk, page) | {"publish_from": moment, "_publish": "1"}
    answer = desk.post(url("change", page), data, follow=True)
    said = [str(message) for message in answer.context["messages"]]
    assert [text for text in said if "Nai frågade vidare" in text]


@pytest.mark.parametrize("moment", ["2027-03-28T02:30", "2027-10-31T02:30"])
def test_an_hour_that_the_clock_skips_or_tells_twice_is_refused(desk: Client, moment: str) -> None:
    data = sent(desk, page := complete()) | {"publish_from": moment, "_publish": "1"}
    html = desk.post(url("change", page), data).content.decode()
    assert "Klockan ställs om då. Välj en annan tid." in html
    assert moment in html
    assert not page.publications.exists()


def test_a_row_that_somebody_else_has_added_meanwhile_stays(desk: Client) -> None:
    page = cast.project()
    snapshots.freeze(page, cast.ester())
    mine = sent(desk, page) | {"summary": "Min ingress"}
    Section.objects.create(page=page, heading="Deras avsnitt", text="x")
    snapshots.freeze(page, cast.ester())
    answer = desk.post(url("change", page), mine)
    seen = answer.context["adminform"].form["seen"].value()
    assert desk.post(url("change", page), mine | {"seen": seen}).status_code == 302
    assert page.sections.get().heading == "Deras avsnitt"


# The desk


def test_the_desk_shows_my_drafts_what_waits_what_lacks_and_what_is_new(desk: Client) -> None:
    rut = cast.member("Rut", Role.EDITOR)
    mine, theirs, waits = (cast.project(slug) for slug in ("mitt", "deras", "snart"))
    snapshots.freeze(mine, rut)
    snapshots.freeze(theirs, cast.ester())
    publishing.publish(snapshots.freeze(waits, rut), by=rut, from_at=timezone.now() + DAY)
    part = desk.get(reverse("admin:index")).context["parts"][0]
    assert [entry.page.slug for entry in part["drafts"].entries] == ["mitt"]
    assert [entry.page.slug for entry in part["waiting"].entries] == ["snart"]
    assert {e.page.slug for e in part["attention"].entries} == {"mitt", "deras", "snart", "vatten"}
    assert part["changes"][0].version.page_id == waits.pk
    html = desk.get(reverse("admin:index")).content.decode()
    assert f"{url('change', mine)}#id_image" in html


def test_a_desk_with_nothing_on_it_says_so(desk: Client) -> None:
    html = desk.get(reverse("admin:index")).content.decode()
    for words in ("Du har inga utkast", "Ingenting saknas", "Ingenting är planerat"):
        assert words in html


def test_who_may_not_write_pages_gets_no_drafts_on_the_desk() -> None:
    reader = cast.sign_in(Client(), cast.member("Lars", Role.READER))
    html = reader.get(reverse("admin:index")).content.decode()
    assert "Senast ändrat" in html
    assert "Mina utkast" not in html
    keeper = cast.sign_in(Client(), cast.astrid())
    assert "Senast ändrat" not in keeper.get(reverse("admin:index")).content.decode()


# In the browser


def type_a_draft(tab: "Tab") -> None:
    tab.fill("#id_summary", "Skrivet på tåget")
    tab.locator("#plans-group .add-row a").click()
    tab.fill("#id_plans-0-text", "En plan till")
    tab.wait_for_timeout(1000)  # the form is kept when the keys have rested for half a second
    assert tab.evaluate(DRAFTS) == 1


DRAFTS = "Object.keys(localStorage).filter(k => k.startsWith('kollekt-utkast/')).length"


@pytest.mark.browser
@pytest.mark.once
def test_what_was_typed_survives_a_closed_laptop_and_is_forgotten_once_saved(open_as: Any) -> None:
    page = complete()
    tab: Tab = open_as(cast.member("Rut", Role.EDITOR), url("change", page))
    type_a_draft(tab)
    tab.goto("/admin/")
    tab.goto(url("change", page))
    box = tab.get_by_role("region", name="Osparade ändringar")
    assert "Du har ändringar från kl." in box.inner_text()
    assert tab.input_value("#id_summary") == ""
    tab.get_by_role("button", name="Återställ").click()
    assert tab.input_value("#id_summary") == "Skrivet på tåget"
    assert tab.input_value("#id_plans-0-text") == "En plan till"
    assert tab.evaluate(DRAFTS) == 1
    with tab.expect_navigation():
        tab.get_by_role("button", name="Spara", exact=True).click()
    page.refresh_from_db()
    assert page.summary == "Skrivet på tåget"
    assert page.plans.get().text == "En plan till"
    assert tab.evaluate(DRAFTS) == 0


@pytest.mark.browser
@pytest.mark.once
def test_typed_text_is_kept_when_the_save_was_refused_and_gone_after_signing_out(
    open_as: Any,
) -> None:
    page = complete()
    tab: Tab = open_as(cast.member("Rut", Role.EDITOR), url("change", page))
    type_a_draft(tab)
    tab.fill("#id_title", "")
    with tab.expect_navigation():
        tab.get_by_role("button", name="Spara", exact=True).click()
        tab.wait_for_load_state()
    assert tab.evaluate(DRAFTS) == 1
    assert not tab.get_by_role("region", name="Osparade ändringar").is_visible()
    tab.goto(url("change", page))
    tab.get_by_role("button", name="Kasta").click()
    tab.wait_for_load_state()
    assert tab.evaluate(DRAFTS) == 0
    type_a_draft(tab)
    with tab.expect_navigation():
        tab.get_by_role("button", name="Logga ut").click()
        tab.wait_for_load_state()
    assert tab.evaluate(DRAFTS) == 0


@pytest.mark.browser
@pytest.mark.once
def test_what_was_typed_as_markdown_survives_a_closed_tab_and_is_offered_to_nobody_else(
    open_as: Any,
) -> None:
    page = complete()
    rut, lo = (cast.member(name, Role.EDITOR) for name in ("Rut", "Lo"))
    tab: Tab = open_as(rut, url("change", page))
    context = tab.context
    tab.locator("#id_body").press_sequentially("Skrivet på tåget")
    tab.locator("#id_body").select_text()
    tab.locator(".field-body").get_by_role("button", name="Fet").click()
    tab.locator("#sections-group .add-row a").click()
    tab.fill("#id_sections-0-heading", "Ett nytt avsnitt")
    tab.locator("#id_sections-0-text").press_sequentially("- En punkt")
    tab.close(run_before_unload=True)  # at once: the keys have not rested

    lo_is_here = context.new_page()
    sign_in_here(context, lo)
    lo_is_here.goto(url("change", page))
    lo_is_here.wait_for_timeout(300)
    assert lo_is_here.evaluate(DRAFTS) == 1
    assert not lo_is_here.get_by_role("region", name="Osparade ändringar").is_visible()
    assert "Skrivet på tåget" not in lo_is_here.content()

    tab = context.new_page()
    sign_in_here(context, rut)
    tab.goto(url("change", page))
    tab.get_by_role("button", name="Återställ").click()
    assert tab.input_value("#id_body") == "**Skrivet på tåget**"
    assert tab.input_value("#id_sections-0-heading") == "Ett nytt avsnitt"
    tab.locator(".field-body .markdownx-preview strong").wait_for()
    tab.locator("#sections-0 .markdownx-preview li").wait_for()
    with tab.expect_navigation():
        tab.get_by_role("button", name="Spara", exact=True).click()
    page.refresh_from_db()
    assert page.body == "**Skrivet på tåget**"
    assert page.sections.get().text == "- En punkt"
    assert tab.evaluate(DRAFTS) == 0


def sign_in_here(browser: "BrowserContext", user: Any) -> None:
    """Let the next person in, on the same computer, after the one before has only left."""
    name = settings.SESSION_COOKIE_NAME
    [cookie] = [cookie for cookie in browser.cookies() if cookie.get("name") == name]
    cookie["value"] = cast.sign_in(Client(), user).cookies[name].value
    browser.add_cookies([cookie])  # type: ignore[list-item]
