"""The door, for the tests that stand before it: every address, and people who have come so far."""

import datetime
import re
from collections.abc import Iterator
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core import mail
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

from staff import access, people
from staff.access import Door
from staff.models import User
from staff.roles import Role
from tests import cast

NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)
SITE = "http://testserver"
GOOD = "fyra helt vanliga ord"


# Every address there is

SAMPLES = {"app_label": "staff", "number": "47030", "uidb36": "1", "key": "abc-123", "url": "x"}
SAMPLES |= {"sheet_key": "6f0d8b0e-6a0c-4f7d-9a59-0d5f6e0f4f11"}


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


def sign_in(client: Any, user: User, code: str) -> Any:
    client.post(reverse("account_login"), {"login": user.email, "password": cast.PASSWORD})
    return client.post(reverse("mfa_authenticate"), {"code": code})


def reset_link(client: Any, email: str = "ester@example.org") -> str:
    client.post(reverse("account_reset_password"), {"email": email})
    return next(word for word in str(mail.outbox[-1].body).split() if "/glomt-losenord/" in word)


def choose(client: Any, link: str, password: str = GOOD) -> Any:
    form = client.get(link).url
    return client.post(form, {"password1": password, "password2": password})


def confirmed(client: Any) -> Any:
    """Has just given the password once more, as what follows demands."""
    answer = client.post(reverse("account_reauthenticate"), {"password": cast.PASSWORD})
    assert answer.status_code == 302
    return client


def cast_without_password(name: str) -> User:
    return people.invite(f"{name}@example.org", name.capitalize(), "", [Role.READER], by=None)
