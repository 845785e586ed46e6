"""docs/permissions.md tells the truth: every request in its tables is sent, as everybody in them."""

import datetime
import io
import re
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, resolve, reverse
from django.utils import timezone
from fido2.cose import CoseKey
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)
from PIL import Image as Pillow

from config import urls
from donations import operations
from donations.models import (
    AccountNumber,
    AsideRule,
    BankFile,
    BoundPayer,
    CollectionYear,
    ColumnMapping,
    Fund,
    SieMapping,
    SieOverride,
    SurplusClause,
    Transfer,
)
from donations.operations import GiftIn, LineIn
from projects import previews
from projects.models import (
    Achievement,
    Consent,
    Contact,
    Image,
    Plan,
    PreviewLink,
    Project,
    SiteSettings,
    Version,
)
from projects.pictures import Picture
from staff import access, audit, checks, people, permissions
from staff.backends import StaffBackend
from staff.models import Event, Origin, RoleChange, User
from staff.people import PeopleError
from staff.permissions import EVERYBODY, HALF_WAY, NO_ROLE, VISITOR, Answer, Row
from staff.roles import PERMISSIONS, Role
from tests import cast
from tests.test_mapped import CSV, MAPPING

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parent.parent / "docs" / "permissions.md"
STOPPED = {Answer.NO, Answer.SIGN_IN, Answer.SECOND_FACTOR, Answer.NOT_A_METHOD}

# Open pages with nothing to do for a visitor, who is sent to the sign-in by the page itself.
SENT_ON = {"account_logout", "mfa_authenticate", "admin:login"}
# What a passkey that does not fit gets, from allauth itself.
SENT_BACK = {"mfa_reauthenticate_webauthn"}


# The table


def test_the_document_is_what_the_command_writes() -> None:
    assert DOCUMENT.read_text() == permissions.document(), "Run manage.py write_permissions."


def test_every_address_has_a_rule() -> None:
    assert permissions.without_rule() == []


# Who is let in is decided by the same code on any database. What the views then ask it is tried on
# both, by those who between them are let into every one.
LET_IN = (Role.EDITOR, Role.FINANCE, Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    "who",
    [pytest.param(who, marks=[] if who in LET_IN else pytest.mark.once) for who in EVERYBODY],
)
def test_everybody_gets_from_every_address_what_the_table_says(who: str) -> None:
    assert Walk(who).differences() == []


@pytest.mark.once
def test_no_other_method_is_let_in_anywhere() -> None:
    walk = Walk(Role.EDITOR)
    methods = cycle(["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    rows = [row for row in permissions.matrix() if row.method == "GET"]
    assert [row.address for row in rows if walk.answer(row, next(methods)) not in STOPPED] == []


class Walk:
    """One person's walk to every address, with an object for each that needs one.

    Each request leaves the world as it was, so that signing out or shutting somebody out spoils
    nothing for the next.
    """

    def __init__(self, who: str) -> None:
        self.who = who
        self.client, self.user = enter(who)
        # A key of their own would be the second factor of somebody who is to have none.
        self.world = world(self.user if who != HALF_WAY else None)

    def differences(self, under: str = "/") -> list[str]:
        """A line for each answer that is not the table's, among the addresses that begin so."""
        found = []
        for row in permissions.matrix():
            if not row.address.startswith(under):
                continue
            said, got = row.answers[self.who], self.answer(row)
            if said == Answer.SOMETIMES and got in (Answer.YES, Answer.NO):
                continue  # these have tests of their own, both ways
            if said == Answer.NOT_A_METHOD and got in STOPPED:
                continue
            if said != got:
                found.append(f"{row.method} {row.address}: the table says {said}, but got {got}")
        return found

    def answer(self, row: Row, method: str = "") -> Answer:
        """What a real request gets."""
        address = self.address(row)
        assert resolve(address).func is row.match.func, f"{address} leads elsewhere"
        client = Client()
        client.cookies.update(self.client.cookies)
        with transaction.atomic():
            response: Any = client.generic(method or row.method, address)
            if response.streaming:
                response.getvalue()  # so that its file is closed
            transaction.set_rollback(True)
        return self._class_of(row, response)

    def _class_of(self, row: Row, response: Any) -> Answer:
        if response.status_code in (403, 405):
            return Answer.NO if response.status_code == 403 else Answer.NOT_A_METHOD
        leads_to = response.get("Location", "").partition("?")[0]
        by_itself = SENT_ON if self.user is None else SENT_ON | SENT_BACK
        if leads_to == reverse("account_login") and row.match.view_name not in by_itself:
            return Answer.SIGN_IN
        if leads_to == reverse("second_factor"):
            return Answer.SECOND_FACTOR
        return Answer.YES

    def address(self, row: Row) -> str:
        """The row's address with its open parts filled in."""
        owner = access.model_admin_of(row.match)
        values = dict(self.world)
        if owner is not None:
            thing = self.world[owner.opts.label]
            values |= {"object_id": thing.pk, "page_id": thing.pk}
        elif row.match.url_name in ("project", "focus_area", "organisation", "finance_report"):
            values |= {"slug": self.world[f"slug of {row.match.url_name}"]}
        if row.match.view_name.endswith("_simple_history") and owner is not None:
            former = owner.model.history.filter(id=values["object_id"]).first()
            texts = iter([values["object_id"], former.pk])
            return re.sub("<text>", lambda part: str(next(texts)), row.address)
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(values[part[1]]), row.address)


def enter(who: str) -> tuple[Client, User | None]:
    """Somebody of the table at the door, and who they are."""
    client = Client()
    if who == VISITOR:
        return client, None
    if who == HALF_WAY:
        invited = people.invite("halvvags@example.org", "Hanna", "", [], by=None)
        invited.set_password(cast.PASSWORD)
        invited.save()
        client.force_login(invited)
        return client, invited
    user = cast.member(f"jag-{who}", *([] if who == NO_ROLE else [Role(who)]))
    return sure(cast.sign_in(client, user)), user


def sure(client: Client) -> Client:
    """The client of somebody who has just given the password once more, as delicate pages demand."""
    session = client.session
    again = {"method": "password", "at": time.time(), "reauthenticated": True}
    session["account_authentication_methods"] += [again]
    session.save()
    return client


def world(me: User | None) -> dict[str, Any]:
    """Something of every kind, by its model's label, and a value for every open part of an address."""
    area, organisation = cast.area(), cast.organisation()
    project = cast.project("brunnar", area)
    fund = cast.fund("47030", project)
    gift = cast.gift(fund, 100_00)
    other = cast.member("Olle")
    year = cast.fund_year(fund)
    receiver = cast.fund_year(cast.fund("47031", cast.project("skola", area)))
    draft = operations.draft([LineIn(year, receiver, 100_00)], reason="Mest kvar", by=other)
    asked = people.give(cast.member("Rut"), Role.APPROVER, by=cast.astrid())
    things: list[Model] = [
        *(area, organisation, project, fund, gift, other, cast.bank()),
        *(picture(), cast.consent(), Contact.objects.create(name="Lo"), area.surplus_clauses.get()),
        *(SiteSettings.objects.create(), gift_year(), Event.objects.latest("id")),
    ]
    sheet, *bank_things = read_from_banks(fund, other)
    things += bank_things
    SieMapping.current().save()
    things += [SieMapping.current(), SieOverride.objects.create(fund=fund, project_code="7")]
    operations.export_sie(cast.NEW_YEAR, cast.MIDSUMMER, by=other)
    shown = picture()
    return {
        **{thing._meta.label: thing for thing in things},
        "file_id": sheet.pk,
        "mapping_id": sheet.mapping_id,
        "fund_id": fund.pk,
        "export_id": 1,
        "transfer_id": gift.pk,
        "fund_year_id": year.pk,
        "proposal_id": draft.pk,
        "account_id": cast.bank().pk,
        "day": cast.MIDSUMMER,
        "user_id": other.pk,
        "change_id": asked.pk,
        "consent_id": cast.consent().pk,
        "number": fund.collection_number,
        "slug of project": project.slug,
        "slug of focus_area": area.slug,
        "slug of organisation": organisation.slug,
        "area": area.slug,
        "year": str(cast.YEAR),
        "slug of finance_report": "kvar-att-samla-in",
        "app_label": "projects",
        "content_type_id": ContentType.objects.get_for_model(Project).pk,
        "object_id": project.pk,
        "url": "finns-inte",
        "path": shown.name(shown.widths[0]),
        "name": "redaktor",
        "token": "ett-gammalt",
        "uidb36": "1",
        "key": "en-gammal",
        "held_id": 1,
        "fate": "placerade",
        "sheet_key": "00000000-0000-4000-8000-000000000000",
        "year_id": fund.years.get().year_id,
        "pk": passkey(me or other).pk,
    }


def read_from_banks(fund: Fund, by: User) -> list[Any]:
    """A sheet that is read by a column mapping, and something of each kind that files are read by."""
    mapping = ColumnMapping.objects.create(
        name="Mall", mapping=MAPPING.to_json(), created_at=timezone.now(), by=by
    )
    sheet = BankFile(name="x.csv", digest="0", size=1, received_at=timezone.now(), by=by)
    sheet.mapping = mapping
    sheet.file.save("x", ContentFile(CSV.encode()))
    return [
        sheet,
        AccountNumber.objects.create(account=cast.bank(), scheme="swish", digits="1230000000"),
        AsideRule.objects.create(name="Avgift", is_a="fee", text="avgift"),
        BoundPayer.objects.create(
            key="0",
            number="1",
            fund=fund,
            by=by,
            created_at=timezone.now(),
            used_on=cast.MIDSUMMER,
        ),
    ]


def passkey(user: User) -> Authenticator:
    """A passkey of the user's, as one that has been registered."""
    credential = AttestedCredentialData.create(
        b"\0" * 16,
        b"nyckeln",
        CoseKey.for_alg(-7)({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32}),
    )
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    response = RegistrationResponse(
        raw_id=b"nyckeln",
        response=AuthenticatorAttestationResponse(
            client_data=CollectedClientData.create("webauthn.create", b"", "http://testserver"),
            attestation_object=AttestationObject.create(
                "none", AuthenticatorData.create(b"\0" * 32, flags, 0, credential), {}
            ),
        ),
    )
    return WebAuthn.add(user, "Nyckeln", dict(response)).instance


def picture(**consent: Any) -> Image:
    """A picture whose file is there."""
    image = Image(alt="En brunn", consent=cast.consent(**consent))
    image.store(Picture(480, 320, {480: b"webp"}))
    image.save()
    return image


def gift_year() -> CollectionYear:
    return CollectionYear.objects.get(starts_on=cast.NEW_YEAR)


# A table that is not true is found out


@pytest.fixture
def planted(settings: Any) -> Iterator[Any]:
    """Plant an address beside the site's own: `planted(view)`."""
    module = ModuleType("tests.planted_urls")

    def plant(view: Any) -> str:
        module.urlpatterns = [path("planterad/", view, name="planted"), *urls.urlpatterns]  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
        settings.ROOT_URLCONF = module.__name__
        return module.__name__

    yield plant
    sys.modules.pop(module.__name__, None)


def hello(request: HttpRequest) -> HttpResponse:
    """Says hello."""
    return HttpResponse("hej")


def test_an_address_without_a_rule_fails_the_build_and_lets_nobody_in(planted: Any) -> None:
    planted(lambda request: hello(request))
    assert permissions.without_rule() == ["/planterad/"]
    with pytest.raises(ImproperlyConfigured):
        permissions.document()
    for who in EVERYBODY:
        with pytest.raises(ImproperlyConfigured):
            enter(who)[0].get("/planterad/")


def test_a_new_address_has_to_be_written_into_the_document(planted: Any) -> None:
    planted(access.public(lambda request: hello(request)))
    with pytest.raises(LookupError):
        permissions.document()
    planted(access.staff("donations.view_transfer")(hello))
    assert permissions.document() != DOCUMENT.read_text()


def test_a_role_that_may_more_than_before_changes_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = PERMISSIONS[Role.READER] | {"donations.add_transfer"}
    monkeypatch.setitem(PERMISSIONS, Role.READER, more)
    assert permissions.document() != DOCUMENT.read_text()


def test_a_group_that_may_more_than_its_role_is_found_by_walking() -> None:
    group = cast.member("Lars", Role.READER).groups.get()
    group.permissions.add(*permission_rows("donations.add_transfer"))
    found = Walk(Role.READER).differences("/admin/donations/transfer/")
    assert any("/ratta/: the table says nej, but got ja" in line for line in found)


def test_a_guard_that_is_gone_is_found_by_walking(settings: Any) -> None:
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "AccessMiddleware" not in m]
    assert Walk(HALF_WAY).differences("/mitt-konto/") != []


def test_a_view_that_refuses_whom_the_table_lets_in_is_found_by_walking(planted: Any) -> None:
    def shut(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=403)

    planted(access.public_form(shut))
    assert Walk(VISITOR).differences("/planterad/") == [
        "GET /planterad/: the table says ja, but got nej",
        "POST /planterad/: the table says ja, but got nej",
    ]


def permission_rows(*names: str) -> list[Permission]:
    return [
        Permission.objects.get(content_type__app_label=app, codename=codename)
        for app, codename in (name.split(".") for name in names)
    ]


# Object by object: people


@pytest.fixture
def as_(db: None) -> Any:
    """Signed in with a role: `as_(Role.READER)`."""
    return lambda *roles: sure(cast.sign_in(Client(), cast.member("Jag", *roles)))


def me() -> User:
    return User.objects.get(email="jag@example.org")


def deed(client: Client, name: str, user: User, **data: str) -> Any:
    return client.post(reverse(f"admin:staff_user_{name}", args=[user.pk]), data)


@pytest.mark.parametrize("name", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
def test_anothers_passkey_is_not_found(as_: Any, name: str) -> None:
    theirs, client = passkey(cast.member("Olle")), as_(Role.ADMINISTRATOR)
    address = reverse(name, args=[theirs.pk])
    assert [client.get(address).status_code, client.post(address).status_code] == [404, 404]
    assert Authenticator.objects.filter(pk=theirs.pk).exists()
    assert client.get(reverse(name, args=[passkey(me()).pk])).status_code == 200


def test_nobody_changes_their_own_roles_account_or_second_factor_as_an_administrator(
    as_: Any,
) -> None:
    client = as_(Role.ADMINISTRATOR)
    deed(client, "ge_roll", me(), role=Role.EDITOR)
    deed(client, "ta_bort_roll", me(), role=Role.ADMINISTRATOR)
    deed(client, "stang_av", me())
    deed(client, "nollstall_inloggningen", me())
    assert [group.name for group in me().groups.all()] == [Role.ADMINISTRATOR]
    assert not people.waiting(me()).exists()
    assert me().is_active
    assert Authenticator.objects.filter(user=me()).exists()


def test_a_role_is_not_confirmed_by_who_would_get_it(as_: Any) -> None:
    client = as_(Role.APPROVER)
    User.objects.filter(pk=me().pk).update(last_login=timezone.now())
    asked = people.give(me(), Role.FINANCE, by=cast.astrid())
    client.post(reverse("admin:staff_user_decide", args=[asked.pk]), {"confirm": "1"})
    assert not people.has(me(), Role.FINANCE)
    assert people.waiting(me()).exists()


def test_a_role_is_not_confirmed_by_who_asked_for_it_but_by_another_approver(as_: Any) -> None:
    asked = people.give(cast.member("Rut"), Role.APPROVER, by=cast.astrid())
    with pytest.raises(PeopleError):
        people.decide(asked, confirmed=True, by=cast.astrid())
    as_(Role.APPROVER).post(reverse("admin:staff_user_decide", args=[asked.pk]), {"confirm": "1"})
    assert people.has(cast.member("Rut"), Role.APPROVER)


def test_the_database_refuses_a_role_that_somebody_asked_for_themselves() -> None:
    rut = cast.member("Rut")
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleChange.objects.create(
            user=rut,
            role=Group.objects.get(name=Role.FINANCE),
            gives=True,
            needs_confirmation=True,
            asked_by=rut,
        )


def test_an_account_keeps_its_address_whatever_is_sent(as_: Any) -> None:
    rut = cast.member("Rut")
    address = reverse("admin:staff_user_change", args=[rut.pk])
    data = {"first_name": "Ruth", "last_name": "Ek", "email": "annan@example.org"}
    as_(Role.ADMINISTRATOR).post(address, data)
    rut.refresh_from_db()
    assert (rut.first_name, rut.email) == ("Ruth", "rut@example.org")


def test_who_is_shut_out_is_out_at_the_next_click(as_: Any) -> None:
    rut = cast.member("Rut", Role.EDITOR)
    theirs = cast.sign_in(Client(), rut)
    assert theirs.get(reverse("admin:index")).status_code == 200
    deed(as_(Role.ADMINISTRATOR), "stang_av", rut)
    answer = theirs.get(reverse("admin:index"))
    assert answer["Location"].startswith(reverse("account_login"))


def test_sign_ins_of_the_demo_do_not_exist_in_production(settings: Any) -> None:
    demo = cast.member("Demo", Role.EDITOR)
    User.objects.filter(pk=demo.pk).update(is_demo=True)
    demo.refresh_from_db()
    assert StaffBackend().user_can_authenticate(demo)
    assert checks.check_no_demo_sign_ins(databases=["default"]) == []
    settings.PRODUCTION = True
    assert not StaffBackend().user_can_authenticate(demo)
    assert [e.id for e in checks.check_no_demo_sign_ins(databases=["default"])] == ["staff.E001"]


@pytest.mark.parametrize(
    ("field", "let_in"),
    [
        (("projects", "project", "image"), {Role.EDITOR}),
        (("projects", "contact", "image"), {Role.EDITOR}),
        (("donations", "fund", "project"), set(Role) - {Role.ADMINISTRATOR}),
    ],
)
def test_suggestions_come_only_from_what_one_may_look_at(
    as_: Any, field: tuple[str, ...], let_in: set[Role]
) -> None:
    query = dict(zip(("app_label", "model_name", "field_name"), field, strict=True))
    for role in (None, *Role):
        client, _user = enter(role or NO_ROLE)
        answer = client.get(reverse("admin:autocomplete"), query)
        assert answer.status_code == (200 if role in let_in else 403), role


# The audit list


@pytest.fixture
def happened() -> None:
    """One deed in each part of the list, from one address."""
    with transaction.atomic():
        for area in Event.Area:
            event = audit.record(area, f"Gjorde något: {area.label}", by=None)
            Origin.objects.create(event=event, address="203.0.113.7")


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.EDITOR, {"innehåll"}),
        (Role.FINANCE, {"innehåll", "pengar"}),
        (Role.APPROVER, {"innehåll", "pengar", "medarbetare"}),
        (Role.READER, {"innehåll", "pengar"}),
        (Role.ADMINISTRATOR, {"medarbetare", "inställningar"}),
    ],
)
def test_of_what_has_been_done_one_sees_the_parts_that_ones_roles_work_in(
    as_: Any, happened: None, role: Role, seen: set[str]
) -> None:
    html = as_(role).get(reverse("admin:staff_event_changelist")).content.decode()
    assert set(re.findall(r"Gjorde något: (\w+)", html)) == seen


@pytest.mark.parametrize("role", Role)
def test_where_it_was_done_from_is_seen_by_administrators_alone(
    as_: Any, happened: None, role: Role
) -> None:
    html = as_(role).get(reverse("admin:staff_event_changelist")).content.decode()
    assert ("203.0.113.7" in html) == (role == Role.ADMINISTRATOR)


def test_the_history_of_a_thing_is_the_same_list_and_hides_the_same(
    as_: Any, happened: None
) -> None:
    rut = cast.member("Rut")
    with transaction.atomic():
        audit.record(Event.Area.PEOPLE, "Gjorde något hemligt", by=None, about=rut)
    asked = {"model": "staff.user", "object_id": rut.pk}
    html = as_(Role.READER).get(reverse("admin:staff_event_changelist"), asked).content.decode()
    assert "hemligt" not in html


# Pages, previews and files


@pytest.mark.parametrize("page", ["preview", "versions", "compare", "preview_link"])
@pytest.mark.parametrize("is_published", [False, True])
def test_a_preview_is_for_who_may_change_the_page(page: str, is_published: bool) -> None:
    project = cast.project("hemligt")
    if is_published:
        cast.publish(project)
    address = reverse(f"admin:projects_project_{page}", args=[project.pk])
    for who in EVERYBODY:
        status = enter(who)[0].get(address).status_code
        assert (status == 200) == (who == Role.EDITOR), who


@pytest.fixture
def desk_deeds() -> dict[str, tuple[str, dict[str, Any]]]:
    """What an editor sends to do each thing beside a page's form, with the address it is sent to."""
    project, consent = cast.project("hemligt"), picture().consent
    plan = Plan.objects.create(page=project, heading="P", text="Vi borrar en brunn")
    result = {f"plan-{plan.pk}-use": "on", f"plan-{plan.pk}-text": "Vi borrade en brunn"}
    result |= {"seen": "0"}
    file = SimpleUploadedFile("bild.png", _png(), "image/png")
    about = {"upload": file, "alt": "En brunn", "not_needed_reason": "Tecknad"}

    def of(page: str) -> str:
        return reverse(f"admin:projects_project_{page}", args=[project.pk])

    return {
        "copy": (of("copy"), {"title": "Kopia", "slug": "kopia"}),
        "new year": (of("new_year"), result),
        "make a link": (of("preview_link"), {"make": "1"}),
        "erase": (reverse("admin:projects_consent_erase", args=[consent.pk]), {"understood": "on"}),
        "upload": (reverse("markdownx_upload"), about),
    }


def _png() -> bytes:
    target = io.BytesIO()
    Pillow.new("RGB", (480, 320)).save(target, "PNG")
    return target.getvalue()


def _content() -> dict[str, int]:
    kept = (Project, Version, Achievement, Plan, PreviewLink, Image, Consent)
    return {model.__name__: model._default_manager.count() for model in kept} | {
        "deeds": Event.objects.filter(area=Event.Area.CONTENT).count()
    }


def test_an_editor_does_each_thing_beside_a_pages_form(as_: Any, desk_deeds: Any) -> None:
    client = as_(Role.EDITOR)
    for name, (address, data) in desk_deeds.items():
        before = _content()
        assert client.get(address).status_code == 200, name
        assert client.post(address, data).status_code in (200, 302), name
        # With a picture comes the row that says why nobody had to be asked.
        deeds = 2 if name == "upload" else 1
        assert _content()["deeds"] == before["deeds"] + deeds, name
        assert _content() != before | {"deeds": _content()["deeds"]}, name


@pytest.mark.parametrize("who", [who for who in EVERYBODY if who != Role.EDITOR])
def test_nobody_else_does_any_of_it(who: str, desk_deeds: Any) -> None:
    client, _user = enter(who)
    before = _content()
    for name, (address, data) in desk_deeds.items():
        for answer in (client.get(address), client.post(address, data)):
            assert answer.status_code in (302, 403), name
            assert "hemligt" not in answer.get("Location", "").replace(address, ""), name
            assert b"Vi borrar" not in answer.content, name
    assert _content() == before


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_link_to_a_draft_is_ended_by_editors_alone(who: str) -> None:
    project = cast.project("hemligt")
    previews.make(project, by=cast.ester(), at=timezone.now())
    client, _user = enter(who)
    client.post(reverse("admin:projects_project_preview_link", args=[project.pk]), {"end": "1"})
    assert PreviewLink.objects.exists() == (who != Role.EDITOR)


def test_a_draft_is_shown_to_anybody_with_the_link_and_to_nobody_with_another() -> None:
    project, other = cast.project("hemligt"), cast.project("annat")
    link = previews.make(project, by=cast.ester(), at=timezone.now())
    right = previews.address(link)
    token = right.split("/")[-2]
    wrong = [
        f"/utkast/{told}/"
        for told in (token[:-1], token.swapcase(), str(link.pk), str(project.pk), token + "a")
    ]
    former = previews.address(previews.make(other, by=cast.ester(), at=timezone.now()))
    previews.end(other, by=cast.ester())
    for who in EVERYBODY:
        client, _user = enter(who)
        assert "Hemligt" in client.get(right).text, who
        for address in wrong:
            answer = client.get(address)
            assert (answer.status_code, "Hemligt" in answer.text) == (404, False), (who, address)
        assert client.get(former).status_code == 410, who


def test_the_public_site_shows_neither_a_draft_nor_a_page_that_waits(as_: Any) -> None:
    draft, waiting = cast.project("utkast"), cast.project("vantar")
    cast.publish(waiting, timezone.now() + datetime.timedelta(days=1))
    for client in (Client(), as_(Role.EDITOR)):
        for page in (draft, waiting):
            assert client.get(page.get_absolute_url()).status_code == 404
        assert "Vantar" not in client.get(reverse("project_list")).content.decode()


@pytest.mark.parametrize("kind", ["project", "focusarea", "organisation"])
def test_a_page_that_has_been_published_is_not_deleted_and_another_is(as_: Any, kind: str) -> None:
    make: dict[str, Any] = {
        "project": cast.project,
        "focusarea": cast.area,
        "organisation": cast.organisation,
    }
    area = cast.area("annat", clause_from=None)
    extra: dict[str, Any] = {"clause_from": None} if kind == "focusarea" else {}
    extra |= {"focus_area": area} if kind == "project" else {}
    draft, published = make[kind]("utkast", **extra), make[kind]("visad", **extra)
    cast.publish(published)
    client = as_(Role.EDITOR)

    def delete(page: Model) -> int:
        address = reverse(f"admin:projects_{kind}_delete", args=[page.pk])
        return client.post(address, {"post": "yes"}).status_code

    assert [delete(draft), delete(published)] == [302, 403]
    assert not type(draft).objects.filter(pk=draft.pk).exists()


def test_a_picture_is_sent_to_nobody_once_its_consent_has_ended() -> None:
    shown, ended = picture(), picture(valid_until=datetime.date(2025, 1, 31))
    withdrawn = picture()
    Consent.objects.filter(pk=withdrawn.consent_id).update(withdrawn_at=timezone.now())
    for who in EVERYBODY:
        client, _user = enter(who)
        assert client.get(shown.url(480)).getvalue() == b"webp"
        answers = [client.get(image.url(480)) for image in (ended, withdrawn)]
        assert [answer.status_code for answer in answers] == [404, 404], who


def test_no_other_uploaded_file_is_sent(as_: Any) -> None:
    default_storage.save("bankfiler/gavor.xml", ContentFile(b"<Document/>"))
    assert as_(Role.EDITOR).get("/media/bankfiler/gavor.xml").status_code == 404


# Money


@pytest.fixture
def named_gift() -> Transfer:
    gift = GiftIn(
        cast.fund("47030"),
        500_00,
        cast.MIDSUMMER,
        Fund.Channel.SWISH,
        "Agda Givmild",
        "Till mormor",
    )
    operations.register_gift(gift, bank=cast.bank(), by=cast.ester())
    return Transfer.objects.get()


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.READER])
def test_who_gave_is_seen_and_searched_by_finance_alone(
    as_: Any, named_gift: Transfer, role: Role
) -> None:
    client, sees = as_(role), role == Role.FINANCE
    page = client.get(reverse("admin:donations_transfer_change", args=[named_gift.pk]))
    html = page.content.decode()
    assert "500" in html
    assert ("Agda" in html, "mormor" in html) == (sees, sees)
    every = reverse("admin:donations_transfer_changelist")
    assert client.get(every).context["cl"].result_count == 1
    for words in ("Agda", "mormor"):
        assert client.get(every, {"q": words}).context["cl"].result_count == sees
    # Nor by a filter that somebody writes into the address.
    answer = client.get(every, {"payment__payer_name__startswith": "Ag"})
    assert answer.status_code in (302, 400)


def test_a_collection_year_is_deleted_only_when_it_is_unused_and_at_an_end(as_: Any) -> None:
    for year in range(cast.YEAR - 2, cast.YEAR + 2):
        operations.collection_year(datetime.date(year, 1, 1))
    cast.fund_year(cast.fund("47030"))
    client = as_(Role.FINANCE)

    def delete(year: int) -> int:
        found = CollectionYear.objects.get(starts_on__year=year)
        address = reverse("admin:donations_collectionyear_delete", args=[found.pk])
        return client.post(address, {"post": "yes"}).status_code

    assert delete(cast.YEAR - 1) == 403  # neither first nor last
    assert delete(cast.YEAR + 1) == 302
    assert delete(cast.YEAR) == 403  # the last now, but used


def test_the_sites_settings_are_added_once(as_: Any) -> None:
    client, address = as_(Role.ADMINISTRATOR), reverse("admin:projects_sitesettings_add")
    assert client.get(address).status_code == 200
    SiteSettings.objects.create()
    assert client.get(address).status_code == 403


def test_a_surplus_clause_that_gifts_lean_on_is_shown_and_not_changed(as_: Any) -> None:
    client, area = as_(Role.FINANCE), cast.area("vatten")
    address = reverse("admin:donations_surplusclause_change", args=[SurplusClause.objects.get().pk])

    def has_a_form() -> bool:
        return 'name="text"' in client.get(address).content.decode()

    assert has_a_form()
    cast.gift(cast.fund("47030", cast.project("brunnar", area)), 100_00, cast.NEW_YEAR)
    assert not has_a_form()
    client.post(address, {"focus_area": area.pk, "text": "Annat", "valid_from": "2026-01-01"})
    assert SurplusClause.objects.get().text == cast.CLAUSE


def test_every_answer_that_hangs_on_the_thing_has_a_test_of_its_own() -> None:
    rows = [row for row in permissions.matrix() if Answer.SOMETIMES in row.answers.values()]
    assert {row.match.view_name for row in rows} == {
        "admin:autocomplete",
        "admin:projects_project_delete",
        "admin:projects_focusarea_delete",
        "admin:projects_organisation_delete",
        "admin:donations_collectionyear_delete",
        "admin:donations_surplusclause_change",
        "admin:projects_sitesettings_add",
    }
