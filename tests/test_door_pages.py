"""The pages where staff sign in and keep their account, and those that say no, as people meet them."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client, RequestFactory
from django.test.utils import override_settings
from django.urls import reverse
from playwright.sync_api import expect

from config import errors
from donations.demo.loading import make_sign_ins
from staff import people
from staff.models import User
from staff.roles import Role
from staff.templatetags.door import demo_sign_ins, device, in_fours
from tests import cast
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db

# Words of allauth's and Django's own pages that no Swedish sentence holds.
ENGLISH = re.compile(
    r"\b(the|your?|password|sign|log|code|codes|key|keys|account|email|please|enter|this|authenticator"
    r"|recovery|session|sessions|browser|security|activate|deactivate|remove|generate|with|and"
    r"|has|been|not|you|change|forgot|confirm|name|submit|page)\b",
    re.IGNORECASE,
)
# What is English by right: products' names, and what stands in addresses.
ALLOWED = re.compile(r"(Google|Microsoft) Authenticator|\S+@\S+|langvaga-demo")

OUTSIDE = {
    "sign in": "/logga-in/",
    "forgotten password": "/glomt-losenord/",
    "forgotten password, sent": "/glomt-losenord/skickat/",
    "forgotten password, link over": "/glomt-losenord/1-abc/",
    "forgotten password, done": "/glomt-losenord/klart/",
    "account closed": "/avstangt-konto/",
    "invitation over": "/inbjudan/nej/",
}
INSIDE = {
    "own account": "/mitt-konto/",
    "change password": "/mitt-konto/losenord/",
    "sessions": "/mitt-konto/inloggningar/",
    "second factor": "/mitt-konto/andra-steget/",
    "keys": "/mitt-konto/andra-steget/nycklar/",
    "confirm by password": "/mitt-konto/bekrafta/",
    "confirm by code": "/mitt-konto/andra-steget/bekrafta/",
    "sign out": "/logga-ut/",
}
# Asked for the password first.
BEHIND_A_PASSWORD = {
    "recovery codes": "/mitt-konto/andra-steget/reservkoder/",
    "new recovery codes": "/mitt-konto/andra-steget/reservkoder/nya/",
    "remove the app": "/mitt-konto/andra-steget/app/ta-bort/",
    "add a key": "/mitt-konto/andra-steget/nycklar/ny/",
}

Check = Callable[["Page"], None]


@pytest.fixture
def in_order(axe: Callable[["Page"], list[str]]) -> Check:
    """Fails unless the page is in Swedish, whole, and clean narrow and wide, in light and dark."""

    def check(page: "Page") -> None:
        said = ALLOWED.sub("", page.locator("body").inner_text() + page.title())
        assert ENGLISH.findall(said) == []
        assert page.locator("h1").count() == 1
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            for light in ("light", "dark"):
                page.emulate_media(color_scheme=light)
                assert axe(page) == [], (width, light)

    return check


def walk_in(page: "Page", user: User) -> None:
    """Sign in by hand, with password and code."""
    page.goto("/logga-in/")
    page.get_by_label("E-postadress").fill(user.email)
    page.get_by_label("Lösenord", exact=True).fill(cast.PASSWORD)
    page.get_by_role("button", name="Fortsätt").click()
    page.get_by_label("Kod", exact=True).fill(cast.code())
    page.get_by_role("button", name="Logga in").click()
    expect(page).to_have_url(re.compile("/admin/"))


def code_of(secret: str) -> str:
    """The code that an app with this secret shows now."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))


def confirm(page: "Page") -> None:
    page.get_by_label("Ditt lösenord").fill(cast.PASSWORD)
    page.get_by_role("button", name="Bekräfta").click()


def add_virtual_key(page: "Page") -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def described(page: "Page", label: str) -> str:
    """All that a screen reader says of a field besides its label."""
    ids = page.get_by_label(label, exact=True).get_attribute("aria-describedby") or ""
    return " ".join(page.locator(f"#{one}").inner_text() for one in ids.split())


@pytest.mark.browser
@pytest.mark.look
class TestPages:
    @pytest.mark.parametrize("path", OUTSIDE.values(), ids=OUTSIDE.keys())
    def test_those_before_the_door(self, open_page: Visitors, in_order: Check, path: str) -> None:
        in_order(open_page(path))

    def test_those_behind_it(
        self, transactional_db: None, open_page: Visitors, in_order: Check
    ) -> None:
        user = cast.member("Karl-Gustaf", Role.EDITOR, Role.FINANCE)
        User.objects.filter(pk=user.pk).update(last_name="Wallensteen-Hammarskjöld-Oxenstierna")
        RecoveryCodes.activate(user)
        page = open_page("/logga-in/")
        walk_in(page, user)
        for path in INSIDE.values():
            page.goto(path)
            assert urlsplit(page.url).path == path
            in_order(page)
        page.goto(BEHIND_A_PASSWORD["recovery codes"])
        confirm(page)
        for path in BEHIND_A_PASSWORD.values():
            page.goto(path)
            assert urlsplit(page.url).path == path
            in_order(page)

    def test_from_invitation_to_recovery_codes(
        self, transactional_db: None, open_page: Visitors, in_order: Check
    ) -> None:
        user = people.invite("greta@example.org", "Greta", "Gran", [Role.EDITOR], by=None)
        page = open_page(people.invitation_link(user, ""))
        in_order(page)
        page.get_by_label("Välj ett lösenord").fill("kort")
        page.get_by_label("Skriv lösenordet en gång till").fill("kort")
        page.get_by_role("button", name="Fortsätt").click()
        in_order(page)
        page.get_by_label("Välj ett lösenord").fill(cast.PASSWORD)
        page.get_by_label("Skriv lösenordet en gång till").fill(cast.PASSWORD)
        page.get_by_role("button", name="Fortsätt").click()
        expect(page.locator("h1")).to_have_text("Välj ditt andra steg")
        in_order(page)
        page.get_by_role("link", name="Välj appen").click()
        in_order(page)
        page.get_by_label("Koden från appen").fill("000000")
        page.get_by_role("button", name="Lägg till appen").click()
        in_order(page)
        secret = page.locator(".secret").inner_text().replace(" ", "")
        page.get_by_label("Koden från appen").fill(code_of(secret))
        page.get_by_role("button", name="Lägg till appen").click()
        expect(page.locator(".codes li")).to_have_count(10)
        in_order(page)
        page.get_by_role("link", name="Vidare till skrivbordet").click()
        expect(page).to_have_url(re.compile("/admin/"))

    def test_a_key_from_adding_to_removing(
        self, transactional_db: None, open_page: Visitors, in_order: Check
    ) -> None:
        page = open_page("/logga-in/")
        walk_in(page, cast.ester())
        add_virtual_key(page)
        page.goto("/mitt-konto/andra-steget/nycklar/ny/")
        confirm(page)
        name = "Min telefon, den blå med det spruckna glaset"
        page.get_by_label("Nyckelns namn").fill(name)
        # Enter does what the button does.
        page.get_by_label("Nyckelns namn").press("Enter")
        expect(page.get_by_text("Nyckeln är tillagd.")).to_be_visible()
        page.get_by_role("button", name="Logga ut").click()

        page.get_by_label("E-postadress").fill("ester@example.org")
        page.get_by_label("Lösenord", exact=True).fill(cast.PASSWORD)
        page.get_by_role("button", name="Fortsätt").click()
        in_order(page)
        page.get_by_role("button", name="Använd nyckeln").click()
        expect(page).to_have_url(re.compile("/admin/"))

        page.goto("/mitt-konto/andra-steget/nycklar/bekrafta/?next=/mitt-konto/andra-steget/")
        in_order(page)
        page.get_by_role("button", name="Använd nyckeln").click()
        expect(page).to_have_url(re.compile("/mitt-konto/andra-steget/$"))
        page.get_by_role("link", name="Visa nycklarna").click()
        in_order(page)
        page.get_by_role("link", name="Byt namn").click()
        in_order(page)
        page.get_by_label("Nyckelns namn").fill("Stickan")
        page.get_by_role("button", name="Spara").click()
        page.get_by_role("link", name="Ta bort Stickan").click()
        in_order(page)
        page.get_by_role("button", name="Ta bort nyckeln").click()
        expect(page.get_by_text("Du har inte lagt till någon nyckel.")).to_be_visible()

    def test_a_new_password_by_mail(
        self, transactional_db: None, open_page: Visitors, in_order: Check
    ) -> None:
        cast.ester()
        page = open_page("/glomt-losenord/")
        page.get_by_label("E-postadress").fill("ester@example.org")
        page.get_by_role("button", name="Skicka länken").click()
        expect(page.locator("h1")).to_have_text("Titta i din e-post")
        link = re.search(r"https?://\S+", str(mail.outbox[-1].body))
        assert link
        page.goto(urlsplit(link[0]).path)
        in_order(page)
        page.get_by_label("Nytt lösenord").fill("fem fula fåglar")
        page.get_by_label("Skriv det en gång till").fill("fem fula fåglar")
        page.get_by_role("button", name="Spara lösenordet").click()
        expect(page.locator("h1")).to_have_text("Logga in med ditt nya lösenord")
        in_order(page)


@pytest.mark.browser
@pytest.mark.look
class TestHelp:
    def test_a_failed_key_says_so(self, transactional_db: None, open_page: Visitors) -> None:
        page = open_page("/logga-in/", width=360)
        walk_in(page, cast.ester())
        page.goto("/mitt-konto/andra-steget/nycklar/ny/")
        confirm(page)
        page.evaluate(
            "() => { navigator.credentials.create = () => Promise.reject(new Error('no')); }"
        )
        page.get_by_role("button", name="Lägg till nyckeln").click()
        expect(page.locator("#key-failed")).to_be_visible()
        expect(page.locator("#key-failed")).to_be_focused()

    def test_what_is_wrong_is_tied_to_the_fields(
        self, transactional_db: None, open_page: Visitors
    ) -> None:
        page = open_page("/logga-in/")
        page.get_by_label("E-postadress").fill("nagon@example.org")
        page.get_by_label("Lösenord", exact=True).fill("fel")
        page.get_by_role("button", name="Fortsätt").click()
        assert "stämmer inte" in described(page, "E-postadress")
        assert page.title().startswith("Fel: ")
        walk_in(page, cast.ester())
        page.goto("/mitt-konto/losenord/")
        page.get_by_label("Lösenordet du har nu").fill(cast.PASSWORD)
        page.get_by_label("Nytt lösenord", exact=True).fill("kort")
        page.get_by_label("Skriv det nya en gång till").fill("kort")
        page.get_by_role("button", name="Byt lösenord").click()
        assert "minst 12 tecken" in described(page, "Nytt lösenord")
        expect(page.get_by_label("Nytt lösenord", exact=True)).to_be_focused()

    def test_a_wrong_code_is_not_left_in_the_field(
        self, transactional_db: None, open_page: Visitors
    ) -> None:
        cast.ester()
        page = open_page("/logga-in/", javascript=False)
        page.get_by_label("E-postadress").fill("ester@example.org")
        page.get_by_label("Lösenord", exact=True).fill(cast.PASSWORD)
        page.get_by_role("button", name="Fortsätt").click()
        page.get_by_label("Kod", exact=True).fill("000 000")
        page.get_by_role("button", name="Logga in").click()
        expect(page.get_by_label("Kod", exact=True)).to_have_value("")
        assert "Koden stämmer inte" in described(page, "Kod")

    def test_a_password_can_be_seen_and_is_hidden_again(self, open_page: Visitors) -> None:
        page = open_page("/logga-in/", width=360)
        field = page.get_by_label("Lösenord", exact=True)
        field.fill("kakor")
        page.get_by_role("button", name="Visa lösenordet").click()
        expect(field).to_have_attribute("type", "text")
        page.get_by_role("button", name="Dölj lösenordet").click()
        expect(field).to_have_attribute("type", "password")

    @pytest.mark.parametrize(
        ("path", "name", "hint"),
        [
            ("/logga-in/", "login", "username"),
            ("/logga-in/", "password", "current-password"),
            ("/glomt-losenord/", "email", "username"),
        ],
    )
    def test_password_managers_know_the_fields(
        self, open_page: Visitors, path: str, name: str, hint: str
    ) -> None:
        field = open_page(path).locator(f"form [name={name}]:not([type=hidden])")
        expect(field).to_have_attribute("autocomplete", hint)

    def test_the_codes_are_printed_without_buttons(
        self, transactional_db: None, open_page: Visitors
    ) -> None:
        user = cast.ester()
        RecoveryCodes.activate(user)
        page = open_page("/logga-in/")
        walk_in(page, user)
        page.goto(BEHIND_A_PASSWORD["recovery codes"])
        confirm(page)
        page.emulate_media(media="print")
        expect(page.locator(".codes li").first).to_be_visible()
        expect(page.get_by_text("för ester@example.org")).to_be_visible()
        for button in ("Skriv ut", "Vidare till skrivbordet", "Skapa nya koder", "Logga ut"):
            expect(page.get_by_text(button, exact=True)).to_be_hidden()


class TestDemo:
    def test_one_press_signs_in_as_a_person_of_the_demo(self, client: Client) -> None:
        make_sign_ins()
        page = client.get("/logga-in/").content.decode()
        shown = re.findall(
            r'name="login" value="(.*?)">\s*<input type="hidden" name="password" value="(.*?)"',
            page,
        )
        assert len(shown) == 5
        for login, password in shown:
            client.cookies.clear()
            response = client.post("/logga-in/", {"login": login, "password": password})
            assert response.headers["Location"] == "/logga-in/kod/"
        code = re.search(r">(\d{6})<", client.get("/logga-in/kod/").content.decode())
        assert code
        response = client.post("/logga-in/kod/", {"code": code[1]})
        assert response.headers["Location"] == "/admin/"

    def test_nobody_is_shown_without_the_demo_or_in_production(self, client: Client) -> None:
        user = cast.ester()
        assert b"langvaga" not in client.get("/logga-in/").content
        User.objects.filter(pk=user.pk).update(is_demo=True)
        assert demo_sign_ins()["people"] == [user]
        with override_settings(PRODUCTION=True):
            assert demo_sign_ins()["people"] == []


class TestMail:
    def test_a_changed_password_is_told_in_swedish_with_what_to_do(self, client: Client) -> None:
        cast.sign_in(client, cast.ester())
        new = "fem fula fåglar"
        client.post(
            "/mitt-konto/losenord/",
            {"oldpassword": cast.PASSWORD, "password1": new, "password2": new},
            headers={"user-agent": "Mozilla/5.0 (iPhone) Version/18 Safari/605"},
        )
        letter = mail.outbox[-1]
        assert letter.subject == "Ditt lösenord till Kollekt är bytt"
        assert "Safari på iPhone" in letter.body
        assert "http://testserver/glomt-losenord/" in letter.body
        assert ENGLISH.findall(letter.subject + letter.body.replace("testserver", "")) == []

    def test_a_link_to_a_new_password_is_sent_in_swedish(self, client: Client) -> None:
        cast.ester()
        client.post("/glomt-losenord/", {"email": "ester@example.org"})
        letter = mail.outbox[-1]
        assert letter.subject == "Välj ett nytt lösenord till Kollekt"
        assert ENGLISH.findall(str(letter.body)) == []


class TestErrors:
    @pytest.mark.parametrize(
        ("host", "status", "heading"),
        [
            ("testserver", 404, "Sidan finns inte"),
            ("någon.annan", 400, "Något i adressen är fel"),
        ],
    )
    def test_visitors_are_answered_in_swedish_without_a_cookie(
        self, client: Client, host: str, status: int, heading: str
    ) -> None:
        response = client.get("/finns-inte/", headers={"host": host})
        assert response.status_code == status
        assert heading in response.content.decode()
        assert not response.cookies
        assert "Cookie" not in response.headers.get("Vary", "")

    def test_a_form_from_elsewhere_is_told_what_to_do(self) -> None:
        response = Client(enforce_csrf_checks=True).post("/logga-in/", {"login": "a"})
        assert response.status_code == 403
        assert "det du skrev brukar finnas kvar" in response.content.decode()

    def test_a_role_that_is_not_enough_leads_back_to_the_desk(self, client: Client) -> None:
        cast.sign_in(client, cast.member("Rut", Role.EDITOR))
        response = client.get(reverse("admin:staff_user_changelist"))
        page = response.content.decode()
        assert response.status_code == 403
        assert "Din roll räcker inte" in page
        assert "Till skrivbordet" in page

    def test_a_page_that_is_only_sent_to_says_so(self, client: Client) -> None:
        response = client.delete("/logga-in/")
        assert response.status_code == 405
        assert "går inte att öppna" in response.content.decode()

    def test_too_large_a_form_says_how_large_one_may_be(self, client: Client) -> None:
        response = client.post("/logga-in/", {f"field{number}": "1" for number in range(5001)})
        page = response.content.decode()
        assert response.status_code == 413
        assert "15 MB" in page
        assert "5 000 fält" in page

    def test_too_many_attempts_says_how_long_to_wait(self) -> None:
        request = RequestFactory().get("/glomt-losenord/")
        response = errors.too_many_requests(request)
        assert response.status_code == 429
        assert "Vänta en minut" in response.content.decode()

    @pytest.mark.browser
    @pytest.mark.look
    @pytest.mark.parametrize("status", [400, 403, "403_csrf", 404, 405, 413, 429])
    def test_each_is_in_order(self, open_page: Visitors, in_order: Check, status: object) -> None:
        from django.template.loader import render_to_string

        page = open_page("/finns-inte/")
        request = RequestFactory().get("/finns-inte/")
        with override_settings(STATIC_URL="/static/"):
            page.set_content(render_to_string(f"{status}.html", request=request))
        in_order(page)


class TestWords:
    @pytest.mark.parametrize(
        ("said", "called"),
        [
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/130 Safari/537 Edg/130", "Edge på Windows"),
            ("Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile Safari/537", "Chrome på Android"),
            ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/18 Safari/605", "Safari på iPhone"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Firefox/130", "Firefox på Mac"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
            ("", "Okänd webbläsare"),
        ],
    )
    def test_a_browser_is_called_what_people_call_it(self, said: str, called: str) -> None:
        assert device(said) == called

    def test_a_secret_is_read_in_groups_of_four(self) -> None:
        assert in_fours("JBSWY3DPEHPK3P") == "JBSW Y3DP EHPK 3P"
