"""The door: no way in but through it, whatever address is asked for."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import RequestFactory
from django.urls import resolve, reverse

from staff import checks, people, second_factor
from staff import demo as demo_sign_ins
from staff.access import Door
from staff.models import Event, User
from staff.roles import Role
from tests import cast
from tests.doors import (
    CLOSED,
    HALF_WAY,
    addresses,
    at_the_code,
    browser,
    cast_without_password,
    door_of,
    inside,
    knock,
    let_in_without_a_code,
    newcomer,
    sign_in,
    visitor,
    with_a_password_alone,
    with_recovery_codes_alone,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_counted")]


def test_only_the_way_to_a_second_factor_is_half_way() -> None:
    names = {resolve(address).view_name for address in HALF_WAY}
    assert names == {
        "second_factor",
        "account_reauthenticate",
        "mfa_activate_totp",
        "mfa_add_webauthn",
    }


def test_behind_the_desk_and_the_account_nothing_is_open() -> None:
    """What only leads to the sign-in page and its kin is all that the admin has for visitors."""
    behind = [a for a in addresses() if a.startswith(("/admin/", "/mitt-konto/", "/ekonomi/"))]
    assert len(behind) > 50
    names = {resolve(a).view_name for a in behind if door_of(a) is Door.OPEN}
    assert names <= {
        "admin:login",
        "admin:logout",
        "admin:password_change",
        "admin:password_change_done",
    }


@pytest.mark.parametrize("come", [visitor, at_the_code])
def test_nobody_passes_who_is_not_signed_in(come: Any) -> None:
    client = come()
    for address in CLOSED + HALF_WAY:
        for answer in knock(client, address):
            assert answer.status_code == 302, address
            assert urlsplit(answer.url).path == reverse("account_login"), address


@pytest.mark.parametrize("come", [with_a_password_alone, with_recovery_codes_alone])
def test_a_password_alone_leads_to_setting_up_a_second_factor_and_nowhere_else(come: Any) -> None:
    client = come()
    for address in CLOSED:
        for answer in knock(client, address):
            assert answer.status_code == 302, address
            assert answer.url == reverse("second_factor"), address


def test_who_has_a_second_factor_and_got_in_without_it_is_signed_out() -> None:
    for address in [*CLOSED[::5], *HALF_WAY]:
        client = let_in_without_a_code()
        answer = client.get(address)
        assert (answer.status_code, answer.url) == (302, reverse("account_login")), address
        assert "_auth_user_id" not in client.session


def test_who_has_shown_it_comes_in() -> None:
    client = inside(cast.ester())
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(reverse("own_account")).status_code == 200


def test_the_admins_own_sign_in_page_takes_no_password() -> None:
    cast.ester()
    client = browser()
    form = {"username": "ester@example.org", "password": cast.PASSWORD, "next": "/admin/"}
    assert urlsplit(client.get("/admin/login/").url).path == reverse("account_login")
    assert client.post("/admin/login/", form).status_code == 405
    assert "_auth_user_id" not in client.session
    assert LOGIN_SESSION_KEY not in client.session


def test_a_signed_in_session_of_one_person_shows_nothing_for_another() -> None:
    client = inside(cast.ester())
    session = client.session
    session["_auth_user_id"] = str(newcomer().pk)
    session["_auth_user_hash"] = newcomer().get_session_auth_hash()
    session.save()
    assert client.get(reverse("admin:index")).url == reverse("second_factor")


# Who has an account here


def text_of(answer: Any, email: str) -> str:
    html = answer.content.decode().replace(email, "…")
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", html)


@pytest.mark.parametrize(
    ("page", "form"),
    [("account_login", {"password": "fel lösenord"}), ("account_reset_password", {})],
)
def test_a_page_says_the_same_about_an_account_that_is_there_and_one_that_is_not(
    page: str, form: dict[str, str]
) -> None:
    cast.ester()
    people.close(cast.member("Stina", Role.READER), by=cast.astrid())
    cast_without_password("maj")
    field = {"account_login": "login", "account_reset_password": "email"}[page]
    said = set()
    for name in ("ester", "stina", "maj", "ingen"):
        email = f"{name}@example.org"
        answer = browser().post(reverse(page), {field: email, **form})
        said.add((answer.status_code, answer.get("Location"), text_of(answer, email)))
    assert len(said) == 1


def test_nothing_is_mailed_to_an_address_without_an_account() -> None:
    people.close(cast.member("Stina", Role.READER), by=cast.astrid())
    for name in ("ingen", "stina"):
        browser().post(reverse("account_reset_password"), {"email": f"{name}@example.org"})
    assert mail.outbox == []


def test_nobody_signs_up() -> None:
    names = {resolve(address).view_name for address in addresses()}
    assert not [name for name in names if "signup" in name]


# The demo's sign-ins


@pytest.fixture
def demo() -> User:
    user = cast.member("Demo", Role.EDITOR)
    User.objects.filter(pk=user.pk).update(is_demo=True)
    Authenticator.objects.filter(user=user).delete()
    totp.TOTP.activate(user, demo_sign_ins.SECRET)
    user.refresh_from_db()
    return user


def test_the_demo_signs_in_with_the_code_it_is_shown(demo: User) -> None:
    assert sign_in(browser(), demo, demo_sign_ins.code(demo)).status_code == 302
    assert sign_in(browser(), demo, demo_sign_ins.code(demo)).status_code == 302
    assert demo_sign_ins.code(cast.ester()) == ""


def test_in_production_no_demo_signs_in(demo: User, settings: Any) -> None:
    code = demo_sign_ins.code(demo)
    signed_in = inside(demo)
    settings.PRODUCTION = True
    assert demo_sign_ins.code(demo) == ""
    assert [error.id for error in checks.check_no_demo_sign_ins(["default"])] == ["staff.E001"]
    client = browser()
    answer = client.post(reverse("account_login"), {"login": demo.email, "password": cast.PASSWORD})
    assert answer.status_code == 200
    assert "stämmer inte" in answer.content.decode()
    assert client.post(reverse("mfa_authenticate"), {"code": code}).url == reverse("account_login")
    assert signed_in.get(reverse("admin:index")).status_code == 302


def test_a_demo_that_stood_at_the_code_when_production_began_does_not_come_in(
    demo: User, settings: Any
) -> None:
    client = browser()
    client.post(reverse("account_login"), {"login": demo.email, "password": cast.PASSWORD})
    code = demo_sign_ins.code(demo)
    settings.PRODUCTION = True
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert client.get(reverse("admin:index")).status_code == 302


def test_a_server_without_demo_sign_ins_may_start(settings: Any) -> None:
    cast.ester()
    settings.PRODUCTION = True
    assert checks.check_no_demo_sign_ins(["default"]) == []


# What is written down about the door


def test_the_audit_list_tells_who_came_in_and_who_failed_at_the_code() -> None:
    client, user = browser(), cast.ester()
    sign_in(client, user, "000000")
    client.post(reverse("mfa_authenticate"), {"code": cast.code()})
    client.post(reverse("account_logout"))
    said = [(event.by, event.text) for event in Event.objects.order_by("id")]
    assert said[-3:] == [
        (None, "Fel kod för Ester efter rätt lösenord"),
        (user, "Loggade in"),
        (user, "Loggade ut"),
    ]


def test_the_audit_list_tells_of_a_lock_out_once() -> None:
    for _attempt in range(9):
        browser().post(
            reverse("account_login"), {"login": cast.ester().email, "password": "fel lösenord"}
        )
    said = Event.objects.filter(text__startswith="Fem misslyckade försök")
    assert [(event.by, event.object_id) for event in said] == [(None, str(cast.ester().pk))]


def test_letters_about_a_forgotten_password_do_not_become_a_flood() -> None:
    cast.ester()
    answers = [
        browser().post(reverse("account_reset_password"), {"email": "ester@example.org"})
        for _letter in range(8)
    ]
    assert {answer.status_code for answer in answers} == {302}
    assert len(mail.outbox) == 5


def test_no_request_says_by_itself_that_it_has_shown_a_second_factor() -> None:
    client = browser()
    client.force_login(cast.ester())
    for extra in ({"mfa": "1"}, {"method": "mfa"}, {"second_factor_set_up_by": "1"}):
        assert client.get(reverse("admin:index"), extra).status_code == 302
        client.force_login(cast.ester())
    request = RequestFactory().get("/", headers={"X-Second-Factor": "shown"})
    request.session, request.user = client.session, cast.ester()
    assert not second_factor.is_shown(request)
