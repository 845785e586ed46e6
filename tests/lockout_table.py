"""`python -m tests.lockout_table`: who is locked out and who is not, tried on running servers.

Starts Kollekt as `make run` does, alone and behind nginx, in a folder of its own with accounts of
its own; tries the door from several addresses of this machine (127.0.0.2, 127.0.0.3, …) and prints
the tables of docs/sign-in.md. Exits with 1 when a row is not what it should be.
"""

import http.client
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

HERE, ELSEWHERE = "127.0.0.2", "127.0.0.3"
LET_ON, WRONG, LOCKED = "let on", "wrong", "locked"
ACCOUNTS = 40
BAD = "fel lösenord"

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
{user}
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


class Missing(Exception):
    """Something that the tables need is not on this machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Servers


@contextmanager
def process(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """A program that listens on the port, ended with everything that it has started."""
    with tempfile.TemporaryFile() as log:
        started = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(port, started)
            yield
        except ConnectionError:
            log.seek(0)
            sys.exit(f"{' '.join(command)}:\n{log.read().decode()}")
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGTERM)
            started.wait(timeout=20)


def wait_for(port: int, started: subprocess.Popen[bytes]) -> None:
    """Return when the program listens. Raises `ConnectionError` when it has ended or takes too long."""
    for _ in range(300):
        with socket.socket() as probe:
            if started.poll() is None and probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise ConnectionRefusedError(port)


@contextmanager
def kollekt(port: int, *, trusts_proxy: bool) -> Iterator[None]:
    command = [sys.executable, "-m", "config.serve"]
    trust = "1" if trusts_proxy else ""
    with process(command, port, PORT=str(port), DEMO="0", KOLLEKT_BEHIND_PROXY=trust):
        yield


def nginx_program() -> str:
    """Where nginx is; installed where that takes no asking. Raises `Missing`."""
    if not shutil.which("nginx") and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-q"], ["install", "-q", "-y", "nginx-light"]):
            subprocess.run(["apt-get", *command], capture_output=True)
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise Missing("nginx is not installed: apt install nginx")
    return program


@contextmanager
def nginx(port: int, behind: int) -> Iterator[None]:
    program = nginx_program()
    with tempfile.TemporaryDirectory(prefix="kollekt-nginx-") as folder:
        user = "user root;" if os.geteuid() == 0 else ""
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(NGINX.format(folder=folder, port=port, behind=behind, user=user))
        with process([program, "-c", str(configuration), "-p", folder], port):
            yield


# Browsers


@dataclass
class Browser:
    """A new browser at one of this machine's addresses."""

    port: int
    address: str = HERE
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        line = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60, source_address=(self.address, 0)
        )
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Host": f"localhost:{self.port}", **self.headers}
        headers["Cookie"] = "; ".join(filter(None, [cookies, self.headers.get("Cookie", "")]))
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line.request(method, path, urlencode(form) if form else None, headers)
        answer = line.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        text = answer.read().decode()
        line.close()
        return answer.status, text

    def send(self, path: str, form: dict[str, str]) -> str:
        """Fill in the page's form and say how it went."""
        self.ask("GET", path)
        form = {**form, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        status, text = self.ask("POST", path, form)
        if status == 302:
            return LET_ON
        assert status == 200, text
        if "För många försök har misslyckats" in text:
            return LOCKED
        assert "stämmer inte" in text, text
        return WRONG

    def give_password(self, email: str, password: str) -> str:
        return self.send("/logga-in/", {"login": email, "password": password})

    def give_code(self, code: str) -> str:
        return self.send("/logga-in/kod/", {"code": code})


# What is tried


@dataclass
class Door:
    """A server's door, and an account for each thing that is tried there."""

    port: int
    restart: Callable[[], None]
    unused: Iterator[str]

    def browser(self, address: str = HERE, **headers: str) -> Browser:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Browser(self.port, address, named)

    def right(self, email: str, address: str = HERE, **headers: str) -> str:
        from tests import cast

        return self.browser(address, **headers).give_password(email, cast.PASSWORD)

    def fail(self, email: str, times: int = 5, **headers: str) -> str:
        """Give wrong passwords; what the last one was answered."""
        said = [self.browser(**headers).give_password(email, BAD) for _ in range(times)]
        return said[-1]


def attacker(door: Door) -> str:
    email = next(door.unused)
    door.fail(email)
    return door.right(email)


def the_person(door: Door) -> str:
    email = next(door.unused)
    door.fail(email)
    return door.right(email, ELSEWHERE)


def a_colleague(door: Door) -> str:
    door.fail(next(door.unused))
    return door.right(next(door.unused))


def rotating(header: str, value: str = "198.51.100.{n}") -> Callable[[Door], str]:
    def attempt(door: Door) -> str:
        email = next(door.unused)
        for n in range(5):
            door.fail(email, 1, **{header: value.format(n=n)})
        return door.right(email, **{header: value.format(n=9)})

    return attempt


def other_letters(door: Door) -> str:
    email = next(door.unused)
    for form in (str.upper, str.title, str.swapcase, str.lower, str.upper):
        door.fail(form(email), 1)
    return door.right(email.title())


def spaces(door: Door) -> str:
    email = next(door.unused)
    for form in ("{} ", " {}", "\t{}", "{}\N{NO-BREAK SPACE}", "  {}  "):
        door.fail(form.format(email), 1)
    return door.right(f" {email}")


def passwords_and_codes(door: Door) -> str:
    from tests import cast

    email = next(door.unused)
    door.fail(email, 3)
    browser = door.browser()
    assert browser.give_password(email, cast.PASSWORD) == LET_ON
    assert [browser.give_code("000000") for _ in range(2)] == [WRONG] * 2
    return browser.give_code(cast.code())


def after_four_slips(door: Door) -> str:
    email = next(door.unused)
    door.fail(email, 4)
    return door.right(email)


def twenty_at_once(door: Door) -> str:
    email = next(door.unused)
    with ThreadPoolExecutor(20) as threads:
        said = list(threads.map(lambda _: door.fail(email, 1), range(20)))
    return f"{said.count(WRONG)} tried"


def after_a_restart(door: Door) -> str:
    email = next(door.unused)
    door.fail(email)
    door.restart()
    return door.right(email)


NOT_MORE = {"1 tried", "2 tried", "3 tried", "4 tried", "5 tried"}
Row = tuple[str, str, Callable[[Door], str], set[str]]
ROWS: list[Row] = [
    ("The attacker at A", "the right password after five wrong ones", attacker, {LOCKED}),
    ("The person, at B", "their right password meanwhile", the_person, {LET_ON}),
    ("A colleague, at A", "their right password meanwhile", a_colleague, {LET_ON}),
    ("The person, at A", "their right password after four slips", after_four_slips, {LET_ON}),
    ("The attacker", "a new `X-Forwarded-For` each time", rotating("X_Forwarded_For"), {LOCKED}),
    ("The attacker", "a new `X-Real-IP` each time", rotating("X_Real_IP"), {LOCKED}),
    ("The attacker", "a new `Forwarded` each time", rotating("Forwarded", "for=198.51.100.{n}"), {LOCKED}),
    ("The attacker", "a new `Client-IP` each time", rotating("Client_IP"), {LOCKED}),
    ("The attacker", "a new `True-Client-IP` each time", rotating("True_Client_IP"), {LOCKED}),
    ("The attacker", "a new `CF-Connecting-IP` each time", rotating("CF_Connecting_IP"), {LOCKED}),
    ("The attacker", "a new browser each time", rotating("User_Agent", "Mozilla/{n}.0"), {LOCKED}),
    ("The attacker", "new cookies each time", rotating("Cookie", "sessionid=abc{n}"), {LOCKED}),
    ("The attacker", "capital and small letters in the address", other_letters, {LOCKED}),
    ("The attacker", "spaces round the address", spaces, {LOCKED}),
    ("The attacker", "three wrong passwords, two wrong codes, the right code", passwords_and_codes, {LOCKED}),
    ("The attacker", "twenty attempts at once, at two processes", twenty_at_once, NOT_MORE),
    ("The attacker", "the right password after the server has been restarted", after_a_restart, {LOCKED}),
]  # fmt: skip
# What the setting is for: both of these are wrong, and a server says neither by itself.
UNTOLD: Row = ("The person, at B", "their right password meanwhile", the_person, {LOCKED})
FOOLED: Row = (
    "The attacker",
    "a new `X-Real-IP` each time",
    rotating("X_Real_IP"),
    {LET_ON},
)


# The tables


class Servers:
    """Kollekt, and nginx in front of it when asked for, with what it takes to start Kollekt again."""

    def __init__(self, *, proxy: bool, trusts_proxy: bool) -> None:
        self.behind = free_port()
        self.port = free_port() if proxy else self.behind
        self.proxy, self.trusts_proxy = proxy, trusts_proxy

    @contextmanager
    def door(self, unused: Iterator[str]) -> Iterator[Door]:
        self.start()
        try:
            if self.proxy:
                with nginx(self.port, self.behind):
                    yield Door(self.port, self.restart, unused)
            else:
                yield Door(self.port, self.restart, unused)
        finally:
            self.stop()

    def start(self) -> None:
        self.running = kollekt(self.behind, trusts_proxy=self.trusts_proxy)
        self.running.__enter__()

    def stop(self) -> None:
        self.running.__exit__(None, None, None)

    def restart(self) -> None:
        self.stop()
        self.start()


def make_accounts() -> list[str]:
    """A database with people who have the cast's password and app."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()

    from django.core.management import call_command
    from django.db import connections

    from staff.roles import Role
    from tests import cast

    call_command("migrate", interactive=False, verbosity=0)
    users = [cast.member(f"Person{n}", Role.READER) for n in range(ACCOUNTS)]
    connections.close_all()
    return [user.email for user in users]


def measure(rows: list[Row], unused: list[str], *, proxy: bool, trusts_proxy: bool) -> list[str]:
    with Servers(proxy=proxy, trusts_proxy=trusts_proxy).door(itertools.cycle(unused)) as door:
        return [row[2](door) for row in rows]


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kollekt-lockout-") as folder:
        os.environ["KOLLEKT_VAR"] = folder
        for name in ("DATABASE_URL", "KOLLEKT_ENV", "KOLLEKT_BEHIND_PROXY", "ALLOWED_HOSTS"):
            os.environ.pop(name, None)
        people = make_accounts()
        half = len(people) // 2
        try:
            nginx_program()
        except Missing as reason:
            print(f"NOT TRIED BEHIND A PROXY: {reason}", file=sys.stderr)
            proxied = ["not tried"] * len(ROWS)
            wrong = [["not tried"], ["not tried"]]
        else:
            proxied = measure(ROWS, people[half:], proxy=True, trusts_proxy=True)
            wrong = [
                measure([UNTOLD], people[-2:], proxy=True, trusts_proxy=False),
                measure([FOOLED], people[-4:-2], proxy=False, trusts_proxy=True),
            ]
        alone = measure(ROWS, people[:half], proxy=False, trusts_proxy=False)
    heads = ["who", "gives", "server alone", "behind nginx"]
    print(table(heads, [[r[0], r[1], a, p] for r, a, p in zip(ROWS, alone, proxied, strict=True)]))
    print()
    misset = [
        ["behind nginx, not set", *UNTOLD[:2], *wrong[0]],
        ["set, with no proxy in front", *FOOLED[:2], *wrong[1]],
    ]
    print(table(["`KOLLEKT_BEHIND_PROXY`", "who", "gives", "answer"], misset))
    said = [*zip(ROWS, alone, strict=True), *zip(ROWS, proxied, strict=True)]
    said += [(UNTOLD, wrong[0][0]), (FOOLED, wrong[1][0])]
    amiss = [f"{row[0]}, {row[1]}: {answer}" for row, answer in said if answer not in row[3]]
    if amiss:
        print("\nNot as it should be:", *amiss, sep="\n- ", file=sys.stderr)
    return int(bool(amiss))


if __name__ == "__main__":
    sys.exit(main())
