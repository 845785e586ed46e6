"""The frame of the staff's desk: its header, its sections, and every page of the admin in it."""

import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import ResolverMatch, resolve, reverse
from django.utils import timezone

from donations.models import (
    Account,
    AccountNumber,
    CollectionYear,
    GiftSource,
    SieMapping,
    SieOverride,
    SurplusClause,
)
from projects.models import Contact, Image, Page, Plan, SiteSettings
from projects.pictures import Picture
from projects.snapshots import freeze
from staff import access, audit, people, permissions
from staff.models import Event, User
from staff.roles import Role
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.django_db

SECTIONS = {
    "Redaktion": "/admin/projects/",
    "Ekonomi": "/admin/donations/",
    "Insamlingar i dag": "/ekonomi/",
    "Resultat": "/ekonomi/resultat/",
}
PEOPLE = {
    "Medarbetare": "/admin/staff/user/",
    "Händelser": "/admin/staff/event/",
}
# What each role finds in the header beside the website, its own account and the way out.
WAYS = {
    Role.EDITOR: {"Redaktion", "Resultat", "Händelser"},
    Role.FINANCE: {"Redaktion", "Ekonomi", "Insamlingar i dag", "Resultat", "Händelser"},
    Role.APPROVER: {
        "Redaktion",
        "Ekonomi",
        "Insamlingar i dag",
        "Resultat",
        "Medarbetare",
        "Händelser",
    },
    Role.READER: {"Redaktion", "Ekonomi", "Insamlingar i dag", "Resultat", "Händelser"},
    Role.ADMINISTRATOR: {"Medarbetare", "Händelser"},
}
# Words of Django's or a library's English that would show a translation missing.
ENGLISH = re.compile(
    r"\b(the|and|or|to|with|you|your|this|that|add|added|change|changed|delete|deleted|save|"
    r"view|close|remove|search|history|none|all|yes|home|today|now|choose|chosen|available|show|"
    r"select|selected|filter by|object|user|group|editor|finance|approver|reader|error|please|"
    r"clear|currently|true|false)\b",
    re.IGNORECASE,
)


def signed_in(user: User) -> Client:
    return cast.sign_in(Client(), user)


def header_links(client: Client, path: str) -> dict[str, str]:
    """The header's links: their texts (without what only a screen reader says) and addresses."""
    html = client.get(path).content.decode()
    header = html[html.index("<header") : html.index("</header>")]
    header = re.sub(r'<span class="(?:visually-hidden|desk__place)">.*?</span>', "", header)
    found = re.findall(r'<a[^>]*?href="([^"]+)"[^>]*>(.*?)</a>', header)
    return {re.sub(r"<[^>]+>", "", text).strip(): address for address, text in found}


# The header


@pytest.mark.parametrize("role", Role)
def test_the_header_leads_each_role_to_what_it_may_open_and_nowhere_else(role: Role) -> None:
    client = signed_in(cast.member("Maj", role))
    links = header_links(client, reverse("admin:index"))
    ways = SECTIONS | PEOPLE
    assert links.keys() & ways.keys() == WAYS[role]
    assert all(links[name] == ways[name] for name in WAYS[role])
    assert (links["Webbplats"], links["Maj"]) == ("/", "/mitt-konto/")
    assert {client.get(address).status_code for address in links.values()} == {200}
    for name in ways.keys() - WAYS[role]:
        assert client.get(ways[name]).status_code in (403, 404), name


@pytest.mark.parametrize("role", Role)
def test_every_task_on_the_desk_opens_for_whom_it_is_shown_to(role: Role) -> None:
    cast.fund()
    client = signed_in(cast.member("Maj", role))
    page = client.get(reverse("admin:index"))
    for section in page.context["app_list"]:
        assert client.get(section["app_url"]).status_code == 200
        for task in section["models"]:
            for address in filter(None, (task["admin_url"], task["add_url"])):
                assert client.get(address, follow=True).status_code == 200, address
                assert address in page.content.decode()


def test_logging_out_is_a_form_that_ends_the_session() -> None:
    client = signed_in(cast.ester())
    html = client.get(reverse("admin:index")).content.decode()
    assert f'method="post" action="{reverse("account_logout")}"' in html
    client.post(reverse("account_logout"))
    assert client.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/admin/projects/", "Redaktion"),
        ("/admin/projects/project/", "Redaktion"),
        ("/admin/donations/transfer/", "Ekonomi"),
        ("/admin/staff/user/roller/", "Medarbetare"),
        ("/admin/staff/event/", "Händelser"),
    ],
)
def test_the_header_marks_where_one_is(path: str, marked: str) -> None:
    html = signed_in(cast.ester()).get(path).content.decode()
    header = html[html.index("<header") : html.index("</header>")]
    assert re.findall(r"aria-current=[^>]*>([^<]+)", header) == [marked]


def test_a_model_without_a_task_on_the_desk_would_be_lost() -> None:
    from staff.site import SECTION_OF

    assert {model._meta.label_lower for model in admin.site._registry} == SECTION_OF.keys()


# What waits


def test_an_approver_is_told_how_many_roles_wait_for_the_answer_of_just_that_person() -> None:
    approver = cast.member("Alva", Role.APPROVER)
    for name in ("Nils", "Nora"):
        people.give(cast.member(name), Role.APPROVER, by=cast.astrid())
    people.give(cast.member("Olle"), Role.APPROVER, by=approver)
    html = signed_in(approver).get(reverse("admin:index")).content.decode()
    assert "2 roller att bekräfta" in html
    assert 'desk__count" href="/admin/staff/user/roller/">2<' in html


def test_somebody_whose_role_waits_is_told_so_and_whom_to_ask() -> None:
    newcomer = cast.member("Nils")
    people.give(newcomer, Role.APPROVER, by=cast.astrid())
    html = signed_in(newcomer).get(reverse("admin:index")).content.decode()
    assert "Din roll väntar på att bekräftas" in html
    assert "Astrid har begärt rollen Attestant" in html


def test_somebody_without_a_role_is_told_so() -> None:
    html = signed_in(cast.member("Nils")).get(reverse("admin:index")).content.decode()
    assert "Du har ingen roll just nu" in html


# People


def test_a_members_page_offers_only_the_roles_that_go_together_with_those_held() -> None:
    member = cast.member("Eskil", Role.FINANCE)
    page = signed_in(cast.astrid()).get(reverse("admin:staff_user_change", args=[member.pk]))
    assert [role["name"] for role in page.context["free"]] == ["Redaktör", "Attestant", "Läsare"]


def test_a_members_page_shows_no_deed_to_who_may_not_do_it() -> None:
    astrid, alva = cast.astrid(), cast.member("Alva", Role.APPROVER)
    forms = re.compile(r'action="(/admin/staff/user/[^"]+)"')

    def deeds(viewer: User, viewed: User) -> list[str]:
        page = signed_in(viewer).get(reverse("admin:staff_user_change", args=[viewed.pk]))
        return forms.findall(page.content.decode())

    assert deeds(alva, astrid) == []
    assert deeds(astrid, astrid) == []
    assert [path.split("/")[-2] for path in deeds(astrid, alva)] == [
        "ta-bort-roll",
        "ge-roll",
        "nollstall-inloggningen",
        "stang-av",
    ]
    people.close(alva, by=astrid)
    assert [path.split("/")[-2] for path in deeds(astrid, alva)] == ["ta-bort-roll", "oppna"]


def test_who_has_asked_for_a_role_is_given_no_button_to_confirm_it() -> None:
    alva = cast.member("Alva", Role.APPROVER)
    people.give(cast.member("Nils"), Role.APPROVER, by=cast.astrid())
    path = reverse("admin:staff_user_roles")
    assert 'name="confirm"' in signed_in(alva).get(path).content.decode()
    assert 'name="confirm"' not in signed_in(cast.astrid()).get(path).content.decode()
    people.give(cast.member("Olle"), Role.APPROVER, by=alva)
    html = signed_in(alva).get(path).content.decode()
    assert html.count('name="confirm"') == 1
    assert "Du har själv begärt rollen" in html


def test_an_invitation_is_sent_from_the_desk(mailoutbox: list[Any]) -> None:
    client = signed_in(cast.astrid())
    sent = {"first_name": "Nora", "last_name": "Nord", "email": "nora@example.org"}
    refused = client.post(reverse("admin:staff_user_add"), sent).content.decode()
    assert "Välj minst en roll." in refused
    assert 'value="Nora"' in refused
    answer = client.post(reverse("admin:staff_user_add"), sent | {"roles": ["Redaktör"]})
    nora = User.objects.get(email="nora@example.org")
    assert answer["Location"] == reverse("admin:staff_user_change", args=[nora.pk])
    assert [mail.to for mail in mailoutbox] == [["nora@example.org"]]


# The audit list


def test_the_audit_list_says_when_it_is_narrowed_to_one_thing_and_offers_the_whole() -> None:
    project = cast.project(title="Brunnar i byn")
    with transaction.atomic():
        audit.record(Event.Area.CONTENT, "Ändrade projektet", by=cast.ester(), about=project)
        audit.record(Event.Area.CONTENT, "Ändrade något annat", by=cast.ester())
    client, path = signed_in(cast.ester()), reverse("admin:staff_event_changelist")
    query: dict[str, Any] = {"model": "projects.project", "object_id": project.pk}
    html = client.get(path, query).content.decode()
    assert "Listan visar bara vad som har hänt med projekt ”Brunnar i byn”" in html
    assert "Ändrade något annat" not in html
    assert "Visa alla händelser" in html
    assert "Listan visar bara" not in client.get(path).content.decode()


def test_the_audit_list_names_nothing_that_one_may_not_see() -> None:
    fund = cast.fund("47030", cast.project(title="Brunnar i byn"))
    editor = signed_in(cast.member("Rut", Role.EDITOR))
    query: dict[str, Any] = {"model": "donations.fund", "object_id": fund.pk}
    html = editor.get(reverse("admin:staff_event_changelist"), query).content.decode()
    assert "hänt med en sak" in html
    assert "47030" not in html


def test_an_empty_answer_says_so_and_leads_back_to_the_whole_list() -> None:
    client, path = signed_in(cast.ester()), reverse("admin:staff_event_changelist")
    html = client.get(path, {"q": "finnsinte"}).content.decode()
    assert "Ingenting stämmer med det du söker" in html
    html = client.get(reverse("admin:projects_contact_changelist")).content.decode()
    assert "Här finns ingenting än" in html


# Earlier versions of a row


def test_a_former_state_is_shown_field_by_field_and_cannot_be_sent() -> None:
    fund = cast.fund()
    fund.closed_on = timezone.localdate()
    fund.save()
    client = signed_in(cast.ester())
    html = client.get(reverse("admin:donations_fund_history", args=[fund.pk])).content.decode()
    assert "<dt>Stängd</dt>" in html
    assert "<del>tomt</del>" in html
    assert f"<ins>{fund.closed_on}</ins>" in html
    first = fund.history.earliest()
    old = client.get(reverse("admin:donations_fund_simple_history", args=[fund.pk, first.pk]))
    html = old.content.decode()
    assert "disabled" in html[html.index("as-it-was") :][:40]
    assert not re.search(r'type="submit"', html[html.index("<main") :])


# Every page, in a browser

# What a page is answered with, and one that says what it cannot do.
PAGES = (200, 409)


def everything() -> list[str]:
    """The addresses of the admin's pages: lists, forms for new and old, histories and people."""
    project = cast.project(title="Brunnar i byn", summary="En ingress")
    cast.publish(project)
    Plan.objects.create(page=project, heading="Brunnen", text="Vi borrar")
    cast.story(project, consent=cast.consent())
    project.body = "Ändrat sedan sidan publicerades"
    project.save()
    freeze(project, cast.ester())
    fund = cast.fund("47030", project)
    cast.fund_year(fund, 276_000_00)
    gift = cast.gift(fund, 500_00)
    used = _picture("En brunn som används")
    organisation = cast.organisation(image=used)
    contact = Contact.objects.create(name="Nai Sok", role="samordnare")
    settings_row = SiteSettings.objects.create(name="Långväga")
    newcomer = cast.member("Nils")
    people.give(newcomer, Role.APPROVER, by=cast.astrid())
    image = _picture("En brunn")
    ends_soon = timezone.localdate() + datetime.timedelta(days=30)
    number = AccountNumber.objects.create(account=cast.bank(), scheme="swish", digits="1230000000")
    GiftSource.objects.create(number=number, format="BgMax", from_day=cast.NEW_YEAR)
    rows: dict[str, Any] = {
        "projects_image": image,
        "projects_project": project,
        "projects_focusarea": project.focus_area,
        "projects_organisation": organisation,
        "projects_consent": cast.consent(valid_until=ends_soon),
        "projects_contact": contact,
        "projects_sitesettings": settings_row,
        "donations_fund": fund,
        "donations_transfer": gift,
        "donations_surplusclause": SurplusClause.objects.get(),
        "donations_collectionyear": CollectionYear.objects.latest("starts_on"),
        "donations_account": Account.objects.get(kind=Account.Kind.BANK),
        "donations_accountnumber": number,
        "donations_siemapping": SieMapping.current(),
        "donations_sieoverride": SieOverride.objects.create(fund=fund, account="3011 Gåvor"),
        "staff_user": newcomer,
    }
    named: list[tuple[Any, ...]] = [(f"admin:{name}_change", row.pk) for name, row in rows.items()]
    for name in ("projects_sitesettings", "donations_fund", "donations_surplusclause"):
        row = rows[name]
        named += [(f"admin:{name}_history", row.pk)]
        named += [(f"admin:{name}_simple_history", row.pk, row.history.earliest().pk)]
    named += [
        *(
            (f"admin:projects_project_{page}", project.pk)
            for page in ("versions", "compare", "preview_link", "copy", "new_year")
        ),
        *((f"admin:{name}_delete", rows[name].pk) for name in _DELETED),
        ("admin:projects_image_delete", used.pk),  # says that it cannot, and why
        ("admin:projects_consent_erase", used.consent_id),
        ("admin:donations_fund_need", fund.pk),
        ("admin:donations_transfer_reverse", gift.pk),
        ("admin:donations_transfer_refund", gift.pk),
        ("admin:staff_user_roles",),
        ("admin:index",),
        *(("admin:app_list", label) for label in ("projects", "donations", "staff")),
        *((f"admin:{_name(model)}_changelist",) for model in admin.site._registry),
        *((f"admin:{_name(model)}_add",) for model in admin.site._registry),
    ]
    paths = {reverse(name, args=args) for name, *args in named}
    return sorted(paths | {"/admin/projects/consent/?samtycke=snart"})


_DELETED = [f"projects_{name}" for name in ("image", "organisation", "consent", "contact")]


def _picture(alt: str) -> Image:
    image = Image(alt=alt, consent=cast.consent())
    image.store(Picture(480, 320, {480: b"webp"}))
    image.save()
    return image


def _name(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def words(page: "Tab") -> str:
    """What a person reads or hears on the page: texts, names of fields and buttons, titles."""
    return page.evaluate(
        """() => [document.title, document.body.innerText,
            ...[...document.querySelectorAll("[title], [alt], [aria-label], [placeholder]")].flatMap(
                (one) => ["title", "alt", "aria-label", "placeholder"].map(
                    (name) => one.getAttribute(name) || "")),
            ...[...document.querySelectorAll("input[type=submit]")].map((one) => one.value),
        ].join("\\n")"""
    )


@pytest.mark.browser
@pytest.mark.look
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("who", "part"),
    [(cast.astrid, slice(None)), *((cast.ester, slice(n, None, 3)) for n in range(3))],
)
def test_every_page_of_the_desk_is_whole_accessible_and_swedish(
    open_page: Visitors,
    open_as: Callable[..., "Tab"],
    axe: Callable[["Tab"], list[str]],
    who: Callable[[], User],
    part: slice,
) -> None:
    page = open_as(who())
    for path in open_to(who(), everything())[part]:
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if width == 360:
                answer = page.goto(path)
                assert answer is not None
                assert answer.status in PAGES, path
            said = len(open_page.complaints)
            assert axe(page) == [], (path, width)
            # To read the stylesheets that Django's own import, axe breaks the policy itself.
            del open_page.complaints[said:]
            assert open_page.complaints == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert ENGLISH.findall(words(page)) == [], path


def open_to(user: User, paths: list[str]) -> list[str]:
    client = cast.sign_in(Client(), user)
    return [path for path in paths if client.get(path).status_code in PAGES]


@pytest.mark.once
@pytest.mark.django_db
def test_no_page_is_left_out_of_those_looked_at() -> None:
    paths = everything()
    seen = {*open_to(cast.ester(), paths), *open_to(cast.astrid(), paths)}
    assert set(paths) - seen == {
        "/admin/donations/transfer/add/",  # leads on to the page of finance
        "/admin/staff/event/add/",
        "/admin/projects/sitesettings/add/",
        "/admin/donations/siemapping/",  # leads on to the one there is
        "/admin/donations/siemapping/add/",
    }


@pytest.mark.once
@pytest.mark.django_db
def test_no_kind_of_editors_page_is_left_out_of_those_looked_at() -> None:
    looked_at = {kind_of(resolve(urlsplit(path).path)) for path in everything()}
    there = {
        kind_of(row.match)
        for row in permissions.matrix()
        if row.address.startswith("/admin/projects/")
        and (row.method, row.answers[Role.EDITOR]) in {("GET", "ja"), ("GET", "ibland")}
    }
    # The preview is the public page; the others lead on to a page that is looked at.
    elsewhere = {kind for kind in there if kind[1] in ("preview", "history", None)}
    assert ("page", "preview") in elsewhere
    assert there - looked_at - elsewhere == set()


def kind_of(match: ResolverMatch) -> tuple[str, str | None]:
    """What a page of the admin is about, and which of its pages it is; projects, focus areas and
    organisations have theirs in common."""
    owner = access.model_admin_of(match)
    if owner is None:
        return "", match.url_name
    kind = "page" if issubclass(owner.model, Page) else str(owner.opts.model_name)
    name = match.url_name and match.url_name.removeprefix(f"{_name(owner.model)}_")
    return kind, name


@pytest.mark.browser
@pytest.mark.look
@pytest.mark.django_db(transaction=True)
def test_the_header_leads_on_without_javascript(open_as: Callable[..., "Tab"], width: int) -> None:
    page = open_as(cast.ester(), width=width, javascript=False)
    page.get_by_role("navigation").get_by_role("link", name="Ekonomi").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Ekonomi"
    page.get_by_role("link", name="Skrivbord").first.click()
    page.get_by_role("link", name="Registrera gåva").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Registrera gåva"
    page.get_by_role("button", name="Logga ut").click()
    assert "/logga-" in page.url
