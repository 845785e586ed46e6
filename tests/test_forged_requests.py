"""What is sent from elsewhere, or leads elsewhere, stops here."""

import re
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from tests import cast
from tests.doors import (
    SITE,
    addresses,
    browser,
    confirmed,
    inside,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.once,
    pytest.mark.usefixtures("nothing_counted"),
]


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
