"""The door: no way in but through it, whatever address is asked for and whatever is sent."""

import datetime
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
import time_machine
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

from staff import access, checks, people, second_factor
from staff import demo as demo_sign_ins
from staff.access import Door
from staff.models import Event, User
from staff.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db

NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)
SITE = "http://testserver"
GOOD = "fyra helt vanliga ord"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


# Every address there is

SAMPLES = {"app_label": "staff", "number": "47030", "uidb36": "1", "key": "abc-123", "url": "x"}


def _paths(patterns: Any, before: str = "") -> Iterator[str]:
    for pattern in patterns:
        part = pattern.pattern
        if isinstance(part, RoutePattern):
            found = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: SAMPLES.get(name[1], "1"), str(part))
        else:
            form, names = normalize(part.regex.pattern)[0]
            found = form % {name: SAMPLES.get(name, "1") for name in names}
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, before + found)
        else:
            assert isinstance(pattern, URLPattern)
            yield before + found


def addresses() -> list[str]:
    """One address for every pattern of the resolver."""
    return sorted({"/" + path for path in _paths(get_resolver().url_patterns)})


def door_of(address: str) -> Door:
    rule = access.rule_of(resolve(address))
    assert rule is not None, address
    return rule.door


CLOSED = [address for address in addresses() if door_of(address) is Door.STAFF]
HALF_WAY = [address for address in addresses() if door_of(address) is Door.HALF]


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


# Who has come how far. (Any, since what the test client answers has more to it than its type says.)


def browser(**how: Any) -> Any:
    return Client(**how)


def inside(user: User) -> Any:
    return cast.sign_in(Client(), user)


def visitor() -> Any:
    return browser()


def at_the_code() -> Any:
    """Has given the right password of somebody who has an app, and no code."""
    client = browser()
    cast.ester()
    form = {"login": "ester@example.org", "password": cast.PASSWORD}
    assert client.post(reverse("account_login"), form).url == reverse("mfa_authenticate")
    return client


def let_in_without_a_code() -> Any:
    """Has a session of somebody with an app, by some way that did not ask for it."""
    client = browser()
    client.force_login(cast.ester())
    return client


def with_a_password_alone() -> Any:
    """Has given a password, and has no second factor yet."""
    client = browser()
    newcomer()
    form = {"login": "nina@example.org", "password": cast.PASSWORD}
    assert client.post(reverse("account_login"), form).url == reverse("admin:index")
    return client


def with_recovery_codes_alone() -> Any:
    client = with_a_password_alone()
    RecoveryCodes.activate(newcomer())
    return client


def newcomer() -> User:
    """Nina has chosen a password. She has every role that goes together, and no second factor."""
    user = User.objects.filter(email="nina@example.org").first()
    if user is None:
        roles = [Role.EDITOR, Role.FINANCE, Role.APPROVER, Role.READER]
        user = people.invite("nina@example.org", "Nina", "Nord", roles, by=None)
        user.set_password(cast.PASSWORD)
        user.save()
    return user


def knock(client: Any, address: str) -> Iterator[Any]:
    for ask in (client.get, client.head, client.post):
        yield ask(address)


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


# Passwords


def reset_link(client: Any, email: str = "ester@example.org") -> str:
    client.post(reverse("account_reset_password"), {"email": email})
    return next(word for word in str(mail.outbox[-1].body).split() if "/glomt-losenord/" in word)


def choose(client: Any, link: str, password: str = GOOD) -> Any:
    form = client.get(link).url
    return client.post(form, {"password1": password, "password2": password})


def test_a_new_password_by_mail_signs_nobody_in_and_everybody_out() -> None:
    signed_in = inside(cast.ester())
    client = browser()
    assert choose(client, reset_link(client)).status_code == 302
    assert "_auth_user_id" not in client.session
    assert client.get(reverse("admin:index")).status_code == 302
    assert signed_in.get(reverse("admin:index")).status_code == 302
    form = {"login": "ester@example.org", "password": GOOD}
    assert client.post(reverse("account_login"), form).url == reverse("mfa_authenticate")


def test_the_link_for_a_new_password_works_once_and_for_a_day() -> None:
    cast.ester()
    with time_machine.travel(NOON, tick=False) as clock:
        old, used = reset_link(browser()), reset_link(browser())
        assert choose(browser(), used).status_code == 302
        assert "url" not in vars(browser().get(used))
        assert "url" not in vars(browser().get(old))
        late = reset_link(browser())
        clock.shift(datetime.timedelta(hours=24, seconds=1))
        assert "url" not in vars(browser().get(late))


def test_a_password_is_changed_by_who_has_come_in_and_ends_their_other_sessions() -> None:
    here, there = (inside(cast.ester()) for _ in range(2))
    form = {"oldpassword": cast.PASSWORD, "password1": GOOD, "password2": GOOD}
    assert here.post(reverse("account_change_password"), form).status_code == 302
    assert here.get(reverse("admin:index")).status_code == 200
    assert there.get(reverse("admin:index")).status_code == 302


def test_half_way_no_password_is_changed() -> None:
    client = with_a_password_alone()
    form = {"oldpassword": cast.PASSWORD, "password1": GOOD, "password2": GOOD}
    assert client.post(reverse("account_change_password"), form).url == reverse("second_factor")
    assert newcomer().check_password(cast.PASSWORD)


# The second factor


def sign_in(client: Any, user: User, code: str) -> Any:
    client.post(reverse("account_login"), {"login": user.email, "password": cast.PASSWORD})
    return client.post(reverse("mfa_authenticate"), {"code": code})


@pytest.mark.parametrize("later", [0, 1, 29, 31, 45, 59])
@pytest.mark.parametrize("written", ["{}", "{:.3} {tail}", " {} ", "{:.3}-{tail}"])
def test_a_used_code_is_refused_however_it_is_written(later: int, written: str) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        code = cast.code()
        assert sign_in(browser(), cast.ester(), code).status_code == 302
        clock.shift(later)
        secret_says = totp.validate_totp_code(cast.SECRET, code)
        assert secret_says, "the clock's tolerance would take it"
        again = written.format(code, tail=code[3:])
        assert sign_in(browser(), cast.ester(), again).status_code == 200


def test_a_code_written_in_two_groups_is_the_code() -> None:
    code = cast.code()
    assert sign_in(browser(), cast.ester(), f"{code[:3]} {code[3:]}").status_code == 302


def test_a_code_of_yesterday_is_no_code() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        code = cast.code()
        clock.shift(91)
        assert sign_in(browser(), cast.ester(), code).status_code == 200


def test_a_code_used_at_the_door_does_not_confirm_anything_inside() -> None:
    client, code = browser(), cast.code()
    sign_in(client, cast.ester(), code)
    assert client.post(reverse("mfa_reauthenticate"), {"code": code}).status_code == 200


def test_a_recovery_code_lets_in_once() -> None:
    code = RecoveryCodes.activate(cast.ester()).get_unused_codes()[0]
    assert sign_in(browser(), cast.ester(), code).status_code == 302
    cache.clear()  # it is the account that remembers, not the cache
    assert sign_in(browser(), cast.ester(), code).status_code == 200


def confirmed(client: Any) -> Any:
    """Has just given the password once more, as what follows demands."""
    answer = client.post(reverse("account_reauthenticate"), {"password": cast.PASSWORD})
    assert answer.status_code == 302
    return client


def test_the_last_factor_is_not_removed() -> None:
    client = confirmed(inside(cast.ester()))
    RecoveryCodes.activate(cast.ester())
    answer = client.post(reverse("mfa_deactivate_totp"))
    assert "ditt enda andra steg" in answer.content.decode()
    assert second_factor.is_set_up(cast.ester())


def test_the_last_key_is_not_removed_and_one_of_two_is() -> None:
    user = cast.ester()
    client = confirmed(inside(user))
    RecoveryCodes.activate(user)
    app = Authenticator.objects.get(user=user, type="totp")
    keys = [
        Authenticator.objects.create(user=user, type="webauthn", data={"name": name})
        for name in ("Min telefon", "Min dator")
    ]
    app.delete()
    first, second = (reverse("mfa_remove_webauthn", args=[key.pk]) for key in keys)
    assert client.post(first).status_code == 302
    assert not Authenticator.objects.filter(pk=keys[0].pk).exists()
    assert "ditt enda andra steg" in client.post(second).content.decode()
    assert second_factor.is_set_up(user)


def test_a_factor_is_neither_seen_nor_changed_without_the_password_once_more() -> None:
    client = inside(cast.ester())
    RecoveryCodes.activate(cast.ester())
    for name in (
        "mfa_add_webauthn",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
    ):
        for answer in (client.get(reverse(name)), client.post(reverse(name))):
            path = urlsplit(answer.headers.get("Location", "")).path
            assert answer.status_code == 405 or path == reverse("account_reauthenticate"), name


@pytest.mark.django_db(transaction=True)
def test_who_has_just_chosen_a_password_sets_an_app_up_without_giving_it_again() -> None:
    user = people.invite("nina@example.org", "Nina", "Nord", [Role.EDITOR], by=None)
    link = people.invitation_link(user, SITE)
    client = browser()
    assert client.post(link, {"password": GOOD, "again": GOOD}).url == reverse("admin:index")
    client.get(reverse("mfa_activate_totp"))
    secret = client.session[totp.SECRET_SESSION_KEY]
    code = totp.format_hotp_value(totp.hotp_value(secret, next(_counters())))
    answer = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert answer.url == reverse("mfa_view_recovery_codes")
    assert client.get(answer.url).status_code == 200
    assert client.get(reverse("admin:index")).status_code == 200


def test_but_a_session_left_half_way_is_asked_again() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = with_a_password_alone()
        clock.shift(15 * 60 + 1)
        answer = client.get(reverse("mfa_activate_totp"))
        assert urlsplit(answer["Location"]).path == reverse("account_reauthenticate")


def _counters() -> Iterator[int]:
    return totp.yield_hotp_counters_from_time()


def test_when_an_administrator_resets_a_factor_every_session_ends() -> None:
    client = browser()
    assert sign_in(client, cast.ester(), cast.code()).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200
    people.reset_sign_in(cast.ester(), site="https://x.example/", by=cast.astrid())
    assert urlsplit(client.get(reverse("admin:index")).url).path == reverse("account_login")
    assert mail.outbox[-1].to == ["ester@example.org"]


def test_a_session_that_was_missed_then_is_worth_a_password_alone() -> None:
    client = browser()
    sign_in(client, cast.ester(), cast.code())
    Authenticator.objects.filter(user=cast.ester()).delete()
    assert client.get(reverse("admin:index")).url == reverse("second_factor")


# Sessions


def test_who_is_shut_out_is_out_at_the_next_click() -> None:
    client = inside(cast.ester())
    people.close(cast.ester(), by=cast.astrid())
    assert urlsplit(client.get(reverse("admin:index")).url).path == reverse("account_login")
    answer = sign_in(client, cast.ester(), cast.code())
    assert urlsplit(answer.url).path == reverse("account_login")


def test_who_is_shut_out_while_at_the_code_does_not_come_in() -> None:
    client = at_the_code()
    people.close(cast.ester(), by=cast.astrid())
    client.post(reverse("mfa_authenticate"), {"code": cast.code()})
    assert client.get(reverse("admin:index")).status_code == 302


def test_the_session_is_new_at_the_password_and_again_at_the_code() -> None:
    client, user = browser(), cast.ester()
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = planted.session_key
    keys = [planted.session_key]
    client.post(reverse("account_login"), {"login": user.email, "password": cast.PASSWORD})
    keys.append(client.session.session_key)
    client.post(reverse("mfa_authenticate"), {"code": cast.code()})
    keys.append(client.session.session_key)
    assert len(set(keys)) == 3
    for key in keys[:2]:
        thief = browser()
        thief.cookies[django_settings.SESSION_COOKIE_NAME] = key
        assert thief.get(reverse("mfa_authenticate")).url == reverse("account_login")
        assert thief.get(reverse("admin:index")).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


def test_who_signs_out_is_out_even_with_the_old_cookie() -> None:
    client = inside(cast.ester())
    key = client.session.session_key
    client.post(reverse("account_logout"))
    client.cookies[django_settings.SESSION_COOKIE_NAME] = key
    assert client.get(reverse("admin:index")).status_code == 302


def test_the_list_shows_every_browser_and_ends_the_others() -> None:
    here, there = (inside(cast.ester()) for _ in range(2))
    for client in (here, there):
        assert client.get(reverse("admin:index")).status_code == 200
    assert UserSession.objects.filter(user=cast.ester()).count() == 2
    answer = here.get(reverse("usersessions_list"))
    assert len(answer.context["sessions"]) == 2
    here.post(reverse("usersessions_list"))
    assert there.get(reverse("admin:index")).status_code == 302
    assert here.get(reverse("admin:index")).status_code == 200


def test_one_session_is_ended_by_its_owner_and_by_nobody_else() -> None:
    here, there, other = inside(cast.ester()), inside(cast.ester()), inside(cast.astrid())
    for client in (here, there, other):
        client.get(reverse("admin:index"))
    key = there.session.session_key
    address = reverse("end_session", args=[UserSession.objects.get(session_key=key).pk])
    assert other.post(address).status_code == 404
    assert there.get(reverse("admin:index")).status_code == 200
    assert here.post(address).status_code == 302
    assert there.get(reverse("admin:index")).status_code == 302
    assert here.get(reverse("admin:index")).status_code == 200


def test_a_session_lasts_a_working_day() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = browser()
        sign_in(client, cast.ester(), cast.code())
        clock.shift(datetime.timedelta(hours=11, minutes=59))
        assert client.get(reverse("admin:index")).status_code == 200
        clock.shift(datetime.timedelta(hours=12, minutes=1))
        assert client.get(reverse("admin:index")).status_code == 302


# Invitations


@pytest.fixture
def invited() -> User:
    return people.invite("nina@example.org", "Nina", "Nord", [Role.EDITOR], by=None)


def answer_invitation(link: str, password: str = GOOD, again: str = "") -> Any:
    return browser().post(link, {"password": password, "again": again or password})


def test_an_invitation_works_once(invited: User) -> None:
    link = people.invitation_link(invited, SITE)
    assert browser().get(link).status_code == 200
    assert answer_invitation(link).status_code == 302
    assert browser().get(link).status_code == 410
    assert answer_invitation(link, "fyra helt andra ord").status_code == 410
    invited.refresh_from_db()
    assert invited.check_password(GOOD)


def test_an_invitation_works_for_seven_days(invited: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        link = people.invitation_link(invited, SITE)
        clock.shift(datetime.timedelta(days=7, seconds=-1))
        assert browser().get(link).status_code == 200
        clock.shift(2)
        assert browser().get(link).status_code == 410
        assert answer_invitation(link).status_code == 410


def test_a_newer_invitation_ends_the_older(invited: User) -> None:
    older = people.invitation_link(invited, SITE)
    newer = people.invitation_link(invited, SITE)
    assert (browser().get(older).status_code, browser().get(newer).status_code) == (410, 200)


def test_an_invitation_ends_when_the_account_is_closed(invited: User) -> None:
    link = people.invitation_link(invited, SITE)
    people.close(invited, by=cast.astrid())
    assert browser().get(link).status_code == 410
    assert answer_invitation(link).status_code == 410


def test_a_forgotten_password_is_no_way_round_an_invitation_that_is_over(invited: User) -> None:
    browser().post(reverse("account_reset_password"), {"email": invited.email})
    assert mail.outbox == []


def test_a_forged_invitation_is_none(invited: User) -> None:
    link = people.invitation_link(invited, SITE)
    token = link.rstrip("/").rsplit("/", 1)[1]
    data, signature = token.split(":", 1)
    other = people.invitation_link(cast_without_password("maj"), SITE).rstrip("/").rsplit("/", 1)[1]
    for forged in (
        "x",
        "a:b:c",
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        f"{data}x:{signature}",
        f"{other.split(':')[0]}:{signature}",
        token + "=",
        "0" * 5000,
    ):
        answer = browser().get(reverse("accept_invitation", args=[forged]))
        assert answer.status_code == 410, forged
        assert "inbjudan" in answer.content.decode().lower()


def cast_without_password(name: str) -> User:
    return people.invite(f"{name}@example.org", name.capitalize(), "", [Role.READER], by=None)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("elva tecken", "12 tecken"),
        ("password1234", "vanligt"),
        ("739182645193", "numeriskt"),
        ("nina@example.org", "likt"),
        ("nina.example.se", "likt"),
    ],
)
def test_a_bad_password_is_refused_in_swedish_and_kept_nowhere(
    invited: User, password: str, said: str
) -> None:
    link = people.invitation_link(invited, SITE)
    answer = answer_invitation(link, password)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert said in " ".join(answer.context["form"].errors["password"])
    assert said in html
    assert all("value=" not in field for field in re.findall(r'<input type="password"[^>]*>', html))
    invited.refresh_from_db()
    assert not invited.has_usable_password()


def test_two_passwords_that_differ_are_neither(invited: User) -> None:
    link = people.invitation_link(invited, SITE)
    answer = answer_invitation(link, GOOD, GOOD + "!")
    assert "inte lika" in answer.content.decode()
    assert GOOD not in answer.content.decode()


def test_an_invitation_opened_in_anothers_browser_leaves_them_nothing(invited: User) -> None:
    client = inside(cast.ester())
    answer = client.post(people.invitation_link(invited, SITE), {"password": GOOD, "again": GOOD})
    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(invited.pk)
    assert client.get(reverse("admin:index")).url == reverse("second_factor")


# Cross-site requests


def test_every_address_refuses_a_form_that_is_not_ours() -> None:
    client = browser(enforce_csrf_checks=True)
    cast.sign_in(client, cast.ester())
    checked = addresses()
    assert len(checked) > 100
    for address in checked:
        assert client.post(address).status_code == 403, address
    assert client.get(reverse("admin:index")).status_code == 200


def test_the_way_in_refuses_a_form_that_is_not_ours_too() -> None:
    client = browser(enforce_csrf_checks=True)
    for address in addresses():
        assert client.post(address).status_code == 403, address


# Open redirects

FORMS = [
    "https://evil.example",
    "http://evil.example/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,hej",
    "ftp://evil.example",
    "%2f%2fevil.example",
    "/%2f/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x01//evil.example",
    "https://testserver@evil.example",
    "https://testserver:pw@evil.example",
    "https://testserver.evil.example",
    "https://evil.example#testserver",
    "https://evil.example\\@testserver",
    "//evil\u3002example",
    "//\uff45vil.example",
    "//[::1]@evil.example",
    "/..//evil.example",
    "/admin/../..//evil.example",
    ".//evil.example",
]


def goes_to(location: str) -> str:
    """Where a browser would go, as the URL standard reads an address: a host, or a scheme of its own."""
    address = re.sub(r"[\t\r\n]", "", location.strip("".join(map(chr, range(33)))))
    address = re.sub(r"^[^?#]*", lambda path: path[0].replace("\\", "/"), address)
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", address)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return scheme[1].lower()
    slashes, two = (r"^[^:]*:/*", "http://") if scheme else (r"^//+", "//")
    address = re.sub(slashes, two, address)
    return urlsplit(urljoin(SITE + "/", address)).netloc.rpartition("@")[2].lower()


def assert_stays(answer: Any, said: str = "") -> None:
    if location := answer.headers.get("Location"):
        assert goes_to(location) == "testserver", (said, location)


def test_the_reading_of_addresses_here_is_a_browsers() -> None:
    away = [form for form in FORMS if goes_to(form) != "testserver"]
    assert len(away) >= 24
    assert goes_to("/admin/?q=//evil.example") == "testserver"
    assert goes_to("https:evil.example") == "evil.example"


@pytest.fixture
def signed_in() -> Any:
    RecoveryCodes.activate(cast.ester())
    return confirmed(inside(cast.ester()))


@pytest.mark.parametrize("form", FORMS)
def test_signing_in_and_out_leads_nowhere_else(form: str) -> None:
    user = cast.ester()
    for query, body in (({"next": form}, {}), ({}, {"next": form})):
        cache.clear()
        client = browser()
        address = reverse("account_login", query=query)
        assert_stays(client.get(address), form)
        given = {"login": user.email, "password": cast.PASSWORD, **body}
        assert_stays(client.post(address, given), form)
        at_code = reverse("mfa_authenticate", query=query)
        assert_stays(client.get(at_code), form)
        answer = client.post(at_code, {"code": cast.code(), **body})
        assert answer.status_code == 302
        assert_stays(answer, form)
        assert_stays(client.get(address), form)  # signed in already
        assert_stays(client.get(at_code), form)
        assert_stays(client.post(reverse("account_logout", query=query), body), form)
        assert_stays(client.get(reverse("account_logout", query=query)), form)


@pytest.mark.parametrize("form", FORMS)
def test_no_page_of_the_account_leads_anywhere_else(form: str, signed_in: Any) -> None:
    given = {
        "account_reauthenticate": {"password": cast.PASSWORD},
        "mfa_reauthenticate": {"code": cast.code()},
        "account_change_password": {
            "oldpassword": cast.PASSWORD,
            "password1": cast.PASSWORD,
            "password2": cast.PASSWORD,
        },
        "account_reset_password": {"email": "ester@example.org"},
    }
    for name, data in given.items():
        cache.clear()
        answer = signed_in.post(reverse(name, query={"next": form}), {**data, "next": form})
        assert answer.status_code == 302, name
        assert_stays(answer, form)
    key = Authenticator.objects.create(user=cast.ester(), type="webauthn", data={"name": "Nyckel"})
    remove = reverse("mfa_remove_webauthn", args=[key.pk])
    answer = signed_in.post(f"{remove}?{urlencode({'next': form})}", {"next": form})
    assert answer.status_code == 302
    assert_stays(answer, form)


@pytest.mark.parametrize("form", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_no_address_at_all_leads_anywhere_else(form: str, signed_in: Any) -> None:
    said, visitor = {"next": form, "url": form, "return_to": form}, browser()
    for address in addresses():
        for client in (signed_in, visitor):
            assert_stays(client.get(address, said, headers={"Referer": form}), address)
        assert_stays(visitor.post(address, said, headers={"Referer": form}), address)


@pytest.mark.parametrize("path", ["/admin/staff/user/", "/mitt-konto/", "/projekt/?sida=2"])
def test_an_address_of_ours_is_gone_back_to(path: str) -> None:
    client = browser()
    address = reverse("account_login", query={"next": path})
    client.post(address, {"login": cast.ester().email, "password": cast.PASSWORD})
    assert client.post(reverse("mfa_authenticate"), {"code": cast.code()}).url == path


def test_another_host_name_is_answered_by_nothing() -> None:
    cast.ester()
    client = browser(headers={"Host": "evil.example"})
    assert client.get(reverse("account_login")).status_code == 400
    answer = client.post(reverse("account_reset_password"), {"email": "ester@example.org"})
    assert answer.status_code == 400
    assert mail.outbox == []


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
