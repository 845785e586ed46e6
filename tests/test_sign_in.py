"""Signing in as people do it: in a browser, from the letter in their mailbox to the desk."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Error

from staff import people
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.chromium import Visitors
from tests.doors import SITE
from tests.test_forged_requests import FORMS, goes_to

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]

GOOD = "fyra helt vanliga ord"
DESK = "/admin/"


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """The cache is no model: what one test counts there would meet the next."""
    cache.clear()
    yield
    cache.clear()


def path(page: "Page") -> str:
    return urlsplit(page.url).path


def fill(page: "Page", **fields: str) -> None:
    """Fill in a form's fields by name, and send it with Enter from the last."""
    for name, text in fields.items():
        page.locator(f"main [name={name}]:visible").fill(text)
    with page.expect_navigation():
        page.locator(f"main [name={name}]:visible").press("Enter")


def press(page: "Page", button: str) -> None:
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name=re.compile(button, re.I)).click()


def give_password(page: "Page", user: User, password: str = cast.PASSWORD) -> None:
    page.goto(reverse("account_login"))
    fill(page, login=user.email, password=password)


def sign_in(page: "Page", user: User) -> "Page":
    give_password(page, user)
    fill(page, code=cast.code())
    assert path(page) == DESK
    return page


def sign_out(page: "Page") -> None:
    page.goto(reverse("account_logout"))
    with page.expect_navigation():
        page.locator("main form button, main form input[type=submit]").first.click()
    page.goto(DESK)
    assert path(page) == reverse("account_login")


def assert_outside(page: "Page") -> None:
    """Whoever asks for the desk is led to the password, or to the code that they stand before."""
    page.goto(DESK)
    assert path(page) in (reverse("account_login"), reverse("mfa_authenticate"))


def newcomer() -> User:
    """Nina, who has been invited and has not answered."""
    return people.invite("nina@example.org", "Nina", "Nord", [Role.EDITOR], by=None)


def code_for(secret: str) -> str:
    now = sorted(totp.yield_hotp_counters_from_time())[1]
    return totp.format_hotp_value(totp.hotp_value(secret, now))


def test_an_invited_person_chooses_a_password_sets_an_app_up_and_is_at_the_desk(
    open_page: Visitors,
) -> None:
    astrid = sign_in(open_page(), cast.astrid())
    astrid.goto(reverse("admin:staff_user_add"))
    astrid.locator("main [name=first_name]").fill("Nina")
    astrid.locator("main [name=last_name]").fill("Nord")
    astrid.locator("main [name=email]").fill("Nina@Example.org")
    astrid.locator(f"main [name=roles][value={Role.EDITOR}]").check()
    with astrid.expect_navigation():
        astrid.get_by_role("button", name=re.compile("inbjud", re.I)).click()
    assert "nina@example.org" in astrid.locator("main").inner_text().lower()

    letter = mail.outbox[-1]
    assert letter.to == ["nina@example.org"]
    link = next(word for word in str(letter.body).split() if "/inbjudan/" in word)
    nina = open_page(link)
    fill(nina, password=GOOD, again=GOOD)
    assert path(nina) == reverse("second_factor")
    nina.locator(f"main a[href='{reverse('mfa_activate_totp')}']").click()
    secret = re.sub(r"\s", "", nina.locator("main code").first.inner_text())
    fill(nina, code=code_for(secret))
    assert path(nina) == reverse("mfa_view_recovery_codes")
    codes = RecoveryCodes.activate(User.objects.get(email="nina@example.org")).generate_codes()
    assert len(codes) == 10
    text = nina.locator("main").inner_text()
    assert all(code in text for code in codes)
    nina.goto(DESK)
    assert path(nina) == DESK
    assert "Nina" in nina.locator("body").inner_text()

    again = open_page(link)
    assert again.locator("main [name=password]").count() == 0


def test_a_bad_password_is_explained_and_not_repeated(open_page: Visitors) -> None:
    user = newcomer()
    page = open_page(people.invitation_link(user, open_page.home))
    fill(page, password="elva tecken", again="elva tecken")
    assert "12 tecken" in page.locator("main").inner_text()
    assert "elva tecken" not in page.content()
    fill(page, password=GOOD, again=GOOD)
    assert path(page) == reverse("second_factor")


def test_it_works_without_javascript(open_page: Visitors) -> None:
    page = open_page(javascript=False)
    sign_in(page, cast.ester())


# Keys


def with_a_key(page: "Page") -> None:
    """Give the browser a key of its own, whose owner puts a finger on it when asked."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})


def add_key(page: "Page", name: str = "Min telefon") -> None:
    page.locator("main [name=name]").fill(name)
    press(page, "nyckel")


def test_a_key_beside_the_app_is_another_way_in(open_page: Visitors) -> None:
    page = open_page()
    with_a_key(page)
    sign_in(page, cast.ester())
    page.goto(reverse("mfa_add_webauthn"))
    fill(page, password=cast.PASSWORD)  # once more, before a way in is added
    assert path(page) == reverse("mfa_add_webauthn")
    add_key(page)
    page.goto(reverse("mfa_list_webauthn"))
    assert "Min telefon" in page.locator("main").inner_text()
    sign_out(page)
    give_password(page, cast.ester())
    assert path(page) == reverse("mfa_authenticate")
    press(page, "nyckel")
    assert path(page) == DESK


def test_a_key_alone_is_enough_and_cannot_be_removed(open_page: Visitors) -> None:
    user = newcomer()
    page = open_page(people.invitation_link(user, open_page.home))
    with_a_key(page)
    fill(page, password=GOOD, again=GOOD)
    page.locator(f"main a[href='{reverse('mfa_add_webauthn')}']").click()
    add_key(page)
    assert path(page) == reverse("mfa_view_recovery_codes")
    page.goto(DESK)
    assert path(page) == DESK
    sign_out(page)
    give_password(page, user, GOOD)
    press(page, "nyckel")
    assert path(page) == DESK
    key = user.authenticator_set.get(type="webauthn")  # type: ignore[attr-defined]
    page.goto(reverse("mfa_remove_webauthn", args=[key.pk]))
    fill(page, password=GOOD)
    button = page.locator("main").get_by_role("button", name=re.compile("ta bort", re.I))
    if button.count():
        with page.expect_navigation():
            button.click()
    assert user.authenticator_set.filter(pk=key.pk).exists()  # type: ignore[attr-defined]
    page.goto(DESK)
    assert path(page) == DESK


def test_somebody_elses_key_opens_nothing(open_page: Visitors) -> None:
    page = open_page()
    with_a_key(page)
    sign_in(page, cast.ester())
    page.goto(reverse("mfa_add_webauthn"))
    fill(page, password=cast.PASSWORD)
    add_key(page)
    thief = open_page()
    with_a_key(thief)
    give_password(thief, cast.ester())
    thief.locator("main").get_by_role("button", name=re.compile("nyckel", re.I)).click()
    thief.get_by_text("Nyckeln svarade inte").wait_for()
    assert_outside(thief)


# Codes


def test_a_recovery_code_lets_in_once_and_not_twice(open_page: Visitors) -> None:
    code = RecoveryCodes.activate(cast.ester()).get_unused_codes()[0]
    first, second = open_page(), open_page()
    give_password(first, cast.ester())
    fill(first, code=code)
    assert path(first) == DESK
    give_password(second, cast.ester())
    fill(second, code=code)
    assert path(second) == reverse("mfa_authenticate")
    assert "stämmer inte" in second.locator("main").inner_text()


def test_after_five_wrong_codes_one_is_told_to_wait_and_the_right_code_is_refused(
    open_page: Visitors,
) -> None:
    page = open_page()
    give_password(page, cast.ester())
    for _ in range(5):
        fill(page, code="000000")
        assert "stämmer inte" in page.locator("main").inner_text()
    for code in ("000000", cast.code()):
        fill(page, code=code)
        assert "Vänta en kvart" in page.locator("main").inner_text()
    assert_outside(page)


@pytest.mark.parametrize("written", ["{}", "{:.3} {rest}"])
def test_a_used_code_is_refused(written: str, open_page: Visitors) -> None:
    code = cast.code()
    give_password(thief := open_page(), cast.ester())
    give_password(page := open_page(), cast.ester())
    fill(page, code=code)
    assert path(page) == DESK
    fill(thief, code=written.format(code, rest=code[3:]))
    assert path(thief) == reverse("mfa_authenticate")
    assert "användas en gång" in thief.locator("main").inner_text()


# Sessions


def test_who_is_shut_out_is_out_at_the_next_click(open_page: Visitors) -> None:
    page = sign_in(open_page(), cast.ester())
    people.close(cast.ester(), by=cast.astrid())
    page.locator("a[href^='/admin/']:visible, a[href^='/mitt-konto/']:visible").first.click()
    assert path(page) == reverse("account_login")
    fill(page, login=cast.ester().email, password=cast.PASSWORD)
    assert path(page) == reverse("account_inactive")
    assert "avstängt" in page.locator("main").inner_text()


def session_of(page: "Page") -> str:
    found = [c for c in page.context.cookies() if c["name"] == settings.SESSION_COOKIE_NAME]
    assert found, "no session"
    assert found[0]["httpOnly"]
    return found[0]["value"]


def test_a_session_that_was_planted_in_the_browser_is_worth_nothing(open_page: Visitors) -> None:
    planted = SessionStore()
    planted["mine"] = "the thief's"
    planted.save()
    page, thief = open_page(), open_page()
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": str(planted.session_key),
        "url": open_page.home,
    }
    for browser in (page, thief):
        browser.context.add_cookies([cookie])  # type: ignore[list-item]
    give_password(page, cast.ester())
    assert session_of(page) != planted.session_key
    half_way = session_of(page)
    fill(page, code=cast.code())
    assert path(page) == DESK
    assert session_of(page) not in (planted.session_key, half_way)
    thief.goto(DESK)
    assert path(thief) == reverse("account_login")


def test_the_list_shows_another_browser_and_ends_it(open_page: Visitors) -> None:
    here, there = sign_in(open_page(), cast.ester()), open_page()
    cache.clear()  # the app would show another code by then
    sign_in(there, cast.ester())
    here.goto(reverse("usersessions_list"))
    text = here.locator("main").inner_text()
    assert text.count("127.0.0.1") == 2
    press(here, "logga ut alla")
    there.goto(DESK)
    assert path(there) == reverse("account_login")
    here.goto(DESK)
    assert path(here) == DESK


# Open redirects, as a real browser reads an address


def test_a_browser_reads_addresses_as_the_tests_of_the_door_do(open_page: Visitors) -> None:
    """What is sent back for each form is judged in test_forged_requests.py by `goes_to`: that has to be right."""
    page = open_page()
    read = "([form, base]) => { const a = new URL(form, base); return a.host || a.protocol }"
    for form in FORMS:
        try:
            there = page.evaluate(read, [form, SITE])
        except Error:
            continue  # no address at all, to a browser
        assert (there == "testserver") == (goes_to(form) == "testserver"), form


@pytest.mark.parametrize("form", ["/\\evil.example", "/\t/evil.example"])
def test_signing_in_leads_nowhere_else(form: str, open_page: Visitors) -> None:
    page = open_page(f"{reverse('account_login')}?next={quote(form, safe='')}")
    fill(page, login=cast.ester().email, password=cast.PASSWORD)
    fill(page, code=cast.code())
    assert path(page) == DESK
    assert page.url.startswith(open_page.home + "/")
