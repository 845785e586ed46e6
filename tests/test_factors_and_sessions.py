"""Passwords, second factors and sessions: what each opens, once, and when it ends."""

import datetime
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from staff import people, second_factor
from staff.models import User
from staff.roles import Role
from tests import cast
from tests.doors import (
    GOOD,
    NOON,
    SITE,
    at_the_code,
    browser,
    choose,
    confirmed,
    inside,
    newcomer,
    reset_link,
    sign_in,
    with_a_password_alone,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_counted")]


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


def test_a_mail_server_that_is_down_keeps_nobody_from_a_new_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fails)
    client = inside(cast.ester())
    form = {"oldpassword": cast.PASSWORD, "password1": GOOD, "password2": GOOD}
    assert client.post(reverse("account_change_password"), form).status_code == 302
    assert User.objects.get(pk=cast.ester().pk).check_password(GOOD)
    assert client.post(reverse("account_reset_password"), {"email": "x@x.se"}).status_code == 302


def test_half_way_no_password_is_changed() -> None:
    client = with_a_password_alone()
    form = {"oldpassword": cast.PASSWORD, "password1": GOOD, "password2": GOOD}
    assert client.post(reverse("account_change_password"), form).url == reverse("second_factor")
    assert newcomer().check_password(cast.PASSWORD)


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
