"""Five failures from one address, for one account: who is stopped by them, and who is not."""

import datetime
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from allauth.core.internal import ratelimit
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client, RequestFactory
from django.urls import reverse

from staff import attempts
from staff.models import User
from staff.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = "203.0.113.9", "198.51.100.7"
ESTER, ASTRID = "ester@example.org", "astrid@example.org"
BAD = "fel lösenord"
LET_ON, WRONG, LOCKED = "let on", "wrong", "locked"
NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """The cache is no model, so that a test with real transactions would leave its counts behind."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def staff() -> None:
    cast.ester()
    cast.astrid()


def browser(address: str = HERE, **headers: str) -> Client:
    """A new browser at an address, which is what the server sees of it."""
    return Client(REMOTE_ADDR=address, headers=headers)


def outcome(answer: Any) -> str:
    """What a form said, as the person reads it."""
    if answer.status_code == 302:
        return LET_ON
    text = answer.content.decode()
    if "För många försök har misslyckats" in text:
        return LOCKED
    assert "stämmer inte" in text
    return WRONG


def give_password(at: Client | str = HERE, email: str = ESTER, password: str = BAD) -> str:
    client = at if isinstance(at, Client) else browser(at)
    form = {"login": email, "password": password}
    return outcome(client.post(reverse("account_login"), form))


def give_right_password(at: Client | str = HERE, email: str = ESTER) -> str:
    return give_password(at, email, cast.PASSWORD)


def give_code(client: Client, code: str = "000000") -> str:
    return outcome(client.post(reverse("mfa_authenticate"), {"code": code}))


def lock(at: str = HERE, email: str = ESTER) -> None:
    """Fail five times."""
    assert [give_password(at, email) for _ in range(5)] == [WRONG] * 5


# Who is stopped


def test_after_five_wrong_passwords_the_right_one_is_refused_as_well() -> None:
    lock()
    assert give_password() == LOCKED
    assert give_right_password() == LOCKED


def test_four_wrong_passwords_stop_nobody() -> None:
    assert [give_password() for _ in range(4)] == [WRONG] * 4
    assert give_right_password() == LET_ON


def test_the_person_whose_name_was_tried_gets_in_from_where_they_are() -> None:
    lock(HERE, ESTER)
    assert give_right_password(ELSEWHERE, ESTER) == LET_ON


def test_others_at_the_same_address_get_in() -> None:
    lock(HERE, ESTER)
    assert give_right_password(HERE, ASTRID) == LET_ON


def test_who_has_an_account_of_their_own_does_not_clear_what_they_tried_with_anothers() -> None:
    assert [give_password() for _ in range(4)] == [WRONG] * 4
    mine = browser()
    give_right_password(mine, ASTRID)
    assert give_code(mine, cast.code()) == LET_ON
    assert give_password() == WRONG
    assert give_right_password() == LOCKED


def test_an_account_that_does_not_exist_is_locked_in_the_same_words() -> None:
    lock(HERE, "ingen@example.org")
    assert give_password(HERE, "ingen@example.org") == LOCKED


# Disguises: the number of the attempt → who it says it is

Disguise = Callable[[int], dict[str, Any]]


def header(name: str, value: str = "198.51.100.{n}") -> Disguise:
    return lambda n: {"headers": {name: value.format(n=n)}}


CASES = ["ester@example.org", "ESTER@example.org", "Ester@Example.Org", "eSTER@EXAMPLE.ORG"]
SPACES = ["{} ", " {}", "\t{}", "{}\N{NO-BREAK SPACE}", "{}\N{IDEOGRAPHIC SPACE}", "\n{}\n"]
DISGUISES: dict[str, Disguise] = {
    "X-Forwarded-For": header("X-Forwarded-For"),
    "X-Forwarded-For with a chain": header("X-Forwarded-For", "198.51.100.{n}, 127.0.0.1"),
    "Forwarded": header("Forwarded", "for=198.51.100.{n};proto=https"),
    "Client-IP": header("Client-IP"),
    "X-Client-IP": header("X-Client-IP"),
    "True-Client-IP": header("True-Client-IP"),
    "CF-Connecting-IP": header("CF-Connecting-IP"),
    "X-Cluster-Client-IP": header("X-Cluster-Client-IP"),
    "X-Remote-Addr": header("X-Remote-Addr"),
    "user agent": header("User-Agent", "Mozilla/{n}.0"),
    "language": header("Accept-Language", "sv;q=0.{n}"),
    "cookies": header("Cookie", "sessionid=abc{n}; csrftoken=def{n}"),
    "host": header("Host", "localhost:{n}000"),
    "letters of the e-mail": lambda n: {"email": CASES[n % len(CASES)]},
    "letters that are lowered to ours": lambda n: {"email": ["anki@x.se", "an\u212ai@x.se"][n % 2]},
    "spaces round the e-mail": lambda n: {"email": SPACES[n % len(SPACES)].format(ESTER)},
    "IPv6 addresses of one /64": lambda n: {"address": f"2001:db8:1:2:{n}::{n}"},
    "ways to write an IPv6 address": lambda n: {
        "address": ["2001:db8::1", "2001:DB8:0::01"][n % 2]
    },
    "IPv4 on an IPv6 socket": lambda n: {"address": [HERE, f"::ffff:{HERE}"][n % 2]},
}
WITHOUT_PROXY = DISGUISES | {"X-Real-IP": header("X-Real-IP")}


def try_in_disguise(disguise: Disguise, n: int, **always: str) -> str:
    said = disguise(n)
    client = browser(said.get("address", HERE), **{**always, **said.get("headers", {})})
    return give_password(client, said.get("email", ESTER))


@pytest.mark.parametrize("name", WITHOUT_PROXY)
def test_nobody_escapes_by(name: str) -> None:
    tries = [try_in_disguise(WITHOUT_PROXY[name], n) for n in range(1, 8)]
    assert tries == [WRONG] * 5 + [LOCKED] * 2


@pytest.mark.parametrize("name", [name for name in DISGUISES if "IPv" not in name])
def test_nobody_escapes_behind_a_proxy_by(name: str, settings: Any) -> None:
    settings.BEHIND_PROXY = True
    tries = [try_in_disguise(DISGUISES[name], n, **{"X-Real-IP": ELSEWHERE}) for n in range(1, 8)]
    assert tries == [WRONG] * 5 + [LOCKED] * 2


def test_behind_a_proxy_its_visitors_are_told_apart_by_what_it_says(
    settings: Any,
) -> None:
    settings.BEHIND_PROXY = True
    attacker = [browser("127.0.0.1", **{"X-Real-IP": HERE}) for _ in range(6)]
    assert [give_password(client) for client in attacker] == [WRONG] * 5 + [LOCKED]
    assert give_right_password(browser("127.0.0.1", **{"X-Real-IP": ELSEWHERE})) == LET_ON


def test_neighbours_on_ipv6_and_on_a_socket_for_both_do_not_lock_each_other() -> None:
    lock("2001:db8:1:2::1")
    assert give_right_password("2001:db8:1:3::1") == LET_ON
    lock(f"::ffff:{HERE}")
    assert give_right_password(f"::ffff:{ELSEWHERE}") == LET_ON


def test_a_thousand_other_names_do_not_lift_a_lock() -> None:
    """Nor twenty: a cache that is full forgets by the letters of its keys, some and not others."""
    request = RequestFactory(REMOTE_ADDR=HERE).post(reverse("account_login"))
    locked = [f"fast{n}@example.org" for n in range(20)]
    for name in locked * 5:
        assert attempts.begin(request, name)
    for n in range(1000):
        assert attempts.begin(request, f"namn{n}@example.org")
    assert [name for name in locked if attempts.begin(request, name)] == []


# How long


def test_the_lock_ends_after_a_quarter_of_an_hour_and_no_attempt_makes_it_longer() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        lock()
        clock.shift(14 * 60)
        assert give_password() == LOCKED
        clock.shift(59)
        assert give_right_password() == LOCKED
        clock.shift(2)
        assert give_right_password() == LET_ON


def test_attempts_end_one_by_one_a_quarter_of_an_hour_after_each() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(5):
            assert give_password() == WRONG
            clock.shift(3 * 60)
        assert [give_password(), give_password()] == [WRONG, LOCKED]


def test_signing_in_clears_the_slips_before_it() -> None:
    assert [give_password() for _ in range(4)] == [WRONG] * 4
    client = browser()
    give_right_password(client)
    assert give_code(client, cast.code()) == LET_ON
    assert [give_password() for _ in range(4)] == [WRONG] * 4
    assert give_right_password() == LET_ON


def test_a_right_password_alone_clears_nothing_and_counts_for_nothing() -> None:
    assert [give_password() for _ in range(4)] == [WRONG] * 4
    assert [give_right_password() for _ in range(6)] == [LET_ON] * 6
    assert [give_password(), give_password()] == [WRONG, LOCKED]


def test_who_is_locked_out_can_choose_a_new_password_instead_of_waiting() -> None:
    lock()
    client = browser()
    client.post(reverse("account_reset_password"), {"email": ESTER})
    link = next(word for word in str(mail.outbox[-1].body).split() if "/glomt-losenord/" in word)
    form = client.get(link, follow=True)
    new = "fyra helt nya ord"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert give_password(client, ESTER, new) == LET_ON
    assert give_password(ELSEWHERE, ESTER, new) == LET_ON


# Codes


def at_the_code(address: str = HERE, email: str = ESTER) -> Client:
    client = browser(address)
    assert give_right_password(client, email) == LET_ON
    return client


def test_five_wrong_codes_and_the_right_one_is_refused_as_well() -> None:
    client = at_the_code()
    assert [give_code(client) for _ in range(5)] == [WRONG] * 5
    assert give_code(client, cast.code()) == LOCKED
    assert client.get(reverse("admin:index")).status_code == 302


def test_the_code_and_the_password_share_the_five() -> None:
    assert [give_password() for _ in range(3)] == [WRONG] * 3
    client = at_the_code()
    assert [give_code(client) for _ in range(2)] == [WRONG] * 2
    assert give_code(client, cast.code()) == LOCKED
    assert give_right_password() == LOCKED


def test_beginning_again_with_the_right_password_gives_no_new_codes() -> None:
    for _ in range(5):
        assert give_code(at_the_code()) == WRONG
    assert give_right_password() == LOCKED


def test_fifty_wrong_codes_from_many_addresses_stop_the_code_and_not_the_password() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for n in range(10):
            client = at_the_code(f"198.51.100.{n}")
            assert [give_code(client) for _ in range(5)] == [WRONG] * 5
        assert give_code(at_the_code(HERE), cast.code()) == LOCKED
        assert give_code(at_the_code(HERE, ASTRID), cast.code()) == LET_ON
        clock.shift(61 * 60)
        assert give_code(at_the_code(ELSEWHERE), cast.code()) == LET_ON


def test_fifty_wrong_passwords_from_many_addresses_stop_nobody_elsewhere() -> None:
    for n in range(10):
        lock(f"198.51.100.{n}")
    assert give_code(at_the_code(HERE), cast.code()) == LET_ON


@pytest.mark.parametrize(
    ("page", "field"), [("account_reauthenticate", "password"), ("mfa_reauthenticate", "code")]
)
def test_who_has_found_an_open_session_guesses_no_better_there(page: str, field: str) -> None:
    client = cast.sign_in(browser(), cast.ester())
    tries = [client.post(reverse(page), {field: "000000"}) for _ in range(6)]
    right = {"password": cast.PASSWORD, "code": cast.code()}[field]
    last = client.post(reverse(page), {field: right})
    assert last.status_code == 200
    assert "För många försök har misslyckats" in tries[-1].content.decode()
    assert "För många försök har misslyckats" in last.content.decode()


# At once


@pytest.fixture
def slow_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough between reading a count and writing it for the others to read it too."""
    count = ratelimit.apply_rate

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.02)
        return count(*args, **kwargs)

    monkeypatch.setattr(ratelimit, "apply_rate", slowly)


@pytest.mark.django_db(transaction=True)
def test_twenty_attempts_at_once_are_five_attempts(slow_count: None) -> None:
    def attempt(n: int) -> str:
        try:
            return give_password()
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(20) as threads:
        said = list(threads.map(attempt, range(20)))
    assert said.count(LET_ON) == 0
    assert 1 <= said.count(WRONG) <= 5
    # What was refused because another held the count was not counted: the rest of the five is left.
    left = [give_password() for _ in range(6 - said.count(WRONG))]
    assert left == [WRONG] * (5 - said.count(WRONG)) + [LOCKED]


@pytest.mark.django_db(transaction=True)
def test_twenty_threads_with_the_same_code_let_one_in() -> None:
    clients = [at_the_code(f"198.51.100.{n}") for n in range(8)]
    code = cast.code()

    def attempt(client: Client) -> str:
        try:
            return give_code(client, code)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(attempt, clients))
    assert said.count(LET_ON) == 1


def test_the_counts_are_in_the_database_where_every_process_finds_them() -> None:
    lock()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM staff_cache")
        assert cursor.fetchone()[0] >= 1


def test_names_that_are_lowered_alike_are_one_account() -> None:
    """The disguise above tries an account that does not exist; this one does."""
    cast.member("Anki", Role.READER)
    assert User.objects.filter(email="anki@example.org").exists()
    tries = [give_password(HERE, f"an{k}i@example.org") for k in "kK\u212akK\u212a"]
    assert tries == [WRONG] * 5 + [LOCKED]
