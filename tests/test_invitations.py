"""Invitations: to one person, once, for a while."""

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from staff import people
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.doors import (
    GOOD,
    NOON,
    SITE,
    browser,
    cast_without_password,
    inside,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_counted")]


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
