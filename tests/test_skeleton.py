"""What stands before there is a page: settings, the two commands, the lock files, the browser."""

import ast
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.db import connection
from django.utils import timezone
from PIL import Image as Pillow

from config import local, serve
from projects.models import Image
from projects.pictures import reencode
from tests import cast, chromium, postgres
from tests import run as test_run

ROOT = Path(__file__).resolve().parent.parent
SETTING = "from config import settings; print(getattr(settings, '{}'))"


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh process that knows nothing of this one's settings."""
    names = ("PATH", "HOME", "LANG")
    clean = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """An environment in which production starts."""
    return {
        "KOLLEKT_ENV": "production",
        "KOLLEKT_VAR": str(tmp_path),
        "SECRET_KEY": "s" * 50,
        "ALLOWED_HOSTS": "gava.example.org",
    }


class TestSettings:
    @pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS"])
    def test_production_says_what_to_set(self, production: dict[str, str], missing: str) -> None:
        del production[missing]
        done = python("import config.settings", **production)
        assert done.returncode != 0
        assert f"ImproperlyConfigured: {missing} is not set. Set it to" in done.stderr

    def test_an_unknown_environment_is_not_taken_for_development(self, tmp_path: Path) -> None:
        done = python("import config.settings", KOLLEKT_ENV="prod", KOLLEKT_VAR=str(tmp_path))
        assert "ImproperlyConfigured: KOLLEKT_ENV is 'prod'" in done.stderr

    def test_an_unknown_database_is_refused(self, tmp_path: Path) -> None:
        done = python(
            "import config.settings",
            DATABASE_URL="mysql://me@localhost/kollekt",
            KOLLEKT_VAR=str(tmp_path),
        )
        assert "DATABASE_URL must begin with postgres://" in done.stderr

    def test_production_passes_djangos_own_deployment_check(
        self, production: dict[str, str]
    ) -> None:
        production["SECRET_KEY"] = "".join(chr(33 + number) for number in range(60))
        done = python(
            "from django.core.management import execute_from_command_line as run;"
            "run(['manage.py', 'check', '--deploy', '--tag', 'security'])",
            DJANGO_SETTINGS_MODULE="config.settings",
            **production,
        )
        # Subdomains and preload lists are the organisation's to promise, not ours.
        warned = set(re.findall(r"security\.[EW]\d+", done.stdout + done.stderr))
        assert warned == {"security.W005", "security.W021"}

    def test_debug_is_off_until_asked_for(self, tmp_path: Path) -> None:
        var = str(tmp_path)
        assert python(SETTING.format("DEBUG"), KOLLEKT_VAR=var).stdout == "False\n"
        asked = python(SETTING.format("DEBUG"), KOLLEKT_VAR=var, KOLLEKT_DEBUG="1")
        assert asked.stdout == "True\n"

    def test_postgresql_connections_come_from_a_pool(self, tmp_path: Path) -> None:
        code = "from config import settings; print(settings.DATABASE.get('OPTIONS', {}))"
        environment = {
            "KOLLEKT_VAR": str(tmp_path),
            "DATABASE_URL": "postgres://me:p%23w@localhost/kollekt",
        }
        assert "'max_size': 8" in python(code, **environment).stdout
        assert python(code, KOLLEKT_DB_POOL_SIZE="0", **environment).stdout == "{}\n"

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
    @pytest.mark.django_db
    def test_sqlite_is_set_up_to_keep_what_it_was_given(self) -> None:
        with connection.cursor() as cursor:
            found = {}
            for name in (
                "journal_mode",
                "recursive_triggers",
                "secure_delete",
                "busy_timeout",
            ):
                cursor.execute(f"PRAGMA {name}")
                found[name] = cursor.fetchone()[0]
        assert found == {
            "journal_mode": "wal",
            "recursive_triggers": 1,
            "secure_delete": 1,
            "busy_timeout": 20_000,
        }
        # This test is inside a transaction that has written nothing; the write lock is taken.
        other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    @pytest.mark.once
    def test_sqlite_waits_for_the_disk_where_it_is_deployed(self, tmp_path: Path) -> None:
        done = python(
            "import django; django.setup()\n"
            "from django.db import connection\n"
            "print(connection.cursor().execute('PRAGMA synchronous').fetchone()[0])",
            DJANGO_SETTINGS_MODULE="config.settings",
            KOLLEKT_VAR=str(tmp_path),
        )
        assert done.stdout == "2\n", done.stderr  # FULL

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
    @pytest.mark.django_db
    def test_a_pooled_connection_answers(self, tmp_path: Path) -> None:
        done = python(
            "import django; django.setup()\n"
            "from django.db import connection\n"
            "connection.cursor().execute('SELECT 1')\n"
            "print(connection.pool.max_size)\n"
            "connection.close(); connection.close_pool()",
            DJANGO_SETTINGS_MODULE="config.settings",
            KOLLEKT_VAR=str(tmp_path),
            DATABASE_URL=os.environ["DATABASE_URL"],
        )
        assert done.stdout == "8\n", done.stderr


class TestSecret:
    def test_it_is_made_once_and_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "var" / "secret_key"
        first = local.secret_key(path)
        assert len(first) > 50
        assert local.secret_key(path) == first
        assert path.stat().st_mode & 0o777 == 0o600

    def test_all_who_start_at_once_get_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "secret_key"
        start = threading.Barrier(8)
        got: list[str] = []

        def ask() -> None:
            start.wait()
            got.append(local.secret_key(path))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 8
        assert len(set(got)) == 1
        assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


class TestAnswers:
    def test_healthz_answers_without_a_database(self, client) -> None:
        response = client.get("/healthz")
        assert response.status_code == 200
        assert response.content == b"ok\n"

    @pytest.mark.django_db
    def test_every_page_carries_the_strict_headers_and_no_cookie(self, client) -> None:
        response = client.get("/")
        assert not response.cookies
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert "camera=()" in response.headers["Permissions-Policy"]

    def test_production_sends_a_visitor_to_https(self, client, settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        # The middleware reads its settings when it is made, so this asks a new one.
        from django.test import Client

        fresh = Client()
        assert fresh.get("/admin/").headers["Location"] == "https://testserver/admin/"
        assert fresh.get("/healthz").status_code == 200

    def test_health_is_told_by_whatever_name_it_is_asked(self, client) -> None:
        assert client.get("/healthz", headers={"host": "10.0.0.7"}).status_code == 200

    @pytest.mark.django_db
    def test_uploads_cannot_be_climbed_out_of(self, client) -> None:
        secret = Path(settings.MEDIA_ROOT).parent / "kollekt-secret"
        secret.write_text("hemligt")
        try:
            for path in (
                "../kollekt-secret",
                "%2e%2e/kollekt-secret",
                "/etc/passwd",
                "",
                "x" * 5000,
            ):
                assert client.get(f"/media/{path}").status_code in (400, 404), path
        finally:
            secret.unlink()

    @pytest.mark.django_db
    def test_a_picture_is_served_while_its_consent_holds(self, client) -> None:
        data = BytesIO()
        Pillow.new("RGB", (900, 600), "#184a66").save(data, "PNG")
        image = Image(alt="Vatten", consent=cast.consent())
        image.store(reencode(data.getvalue()))
        image.save()
        assert b"".join(client.get(image.src).streaming_content).startswith(b"RIFF")
        image.consent.withdrawn_at = timezone.now()
        image.consent.save()
        assert client.get(image.src).status_code == 404


class TestMakeRun:
    @pytest.mark.parametrize("text", ["", "0", "65536", "80a", "-1", "８０８０", "1e3"])
    def test_a_port_that_cannot_be_is_explained(self, text: str) -> None:
        with pytest.raises(serve.CannotServe, match="mellan 1 och 65535"):
            serve.parse_port(text)

    @pytest.mark.parametrize("text", ["1", "65535"])
    def test_the_outermost_ports_can_be(self, text: str) -> None:
        assert serve.parse_port(text) == int(text)

    def test_a_taken_port_is_explained(self) -> None:
        with socket.socket() as taken:
            taken.bind((serve.HOST, 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(serve.CannotServe, match=f"Port {port} är upptagen"):
                serve.require_free(port)
        serve.require_free(port)

    def test_it_is_not_for_production(self, production: dict[str, str]) -> None:
        done = python(
            "from config import serve; serve.main()", PORT=str(postgres.free_port()), **production
        )
        assert done.returncode == 1
        assert "inte till för skarp drift" in done.stderr

    def test_static_files_are_collected_only_when_one_has_changed(
        self, settings, monkeypatch, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.mkdir()
        style = source / "style.css"
        style.write_text("a { color: red }")
        settings.STATIC_ROOT = tmp_path / "collected"
        settings.STATICFILES_DIRS = [source]
        settings.STORAGES = settings.STORAGES | {
            "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
        }
        for user in ("finders", "management.commands.collectstatic"):
            monkeypatch.setattr(
                f"django.contrib.staticfiles.{user}.get_finders", lambda: [FileSystemFinder()]
            )
        stamp = tmp_path / "stamp"

        assert serve.collect_static(stamp)
        assert not serve.collect_static(stamp)
        style.write_text("a { color: blue }")
        assert serve.collect_static(stamp)
        (settings.STATIC_ROOT / "staticfiles.json").unlink()
        assert serve.collect_static(stamp)


class TestMakefile:
    def test_an_old_python_is_refused_by_name(self, tmp_path: Path) -> None:
        old = tmp_path / "python3.10"
        old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.13\nexit 1\n')
        old.chmod(0o755)
        done = make("runtime", f"PYTHON={old}", f"VENV={tmp_path}/venv")
        assert done.returncode != 0
        assert "needs Python 3.11 or newer, and this is Python 3.10.13." in done.stdout

    def test_no_python_is_explained(self, tmp_path: Path) -> None:
        done = make("runtime", "PYTHON=python9", f"VENV={tmp_path}/venv")
        assert done.returncode != 0
        assert "python9 was not found: apt install python3 python3-venv" in done.stdout

    def test_a_python_without_venv_is_explained(self, tmp_path: Path) -> None:
        bare = tmp_path / "python3.11"
        bare.write_text(
            '#!/bin/sh\n[ "$1" = -m ] && { echo ensurepip is not available; exit 1; }\nexit 0\n'
        )
        bare.chmod(0o755)
        done = make("runtime", f"PYTHON={bare}", f"VENV={tmp_path}/venv")
        assert done.returncode != 0
        assert "ensurepip is not available" in done.stdout
        assert "apt install python3-venv" in done.stdout
        assert not (tmp_path / "venv").exists()

    def test_an_environment_that_is_up_to_date_installs_nothing(self, tmp_path: Path) -> None:
        """Its python has only to answer that pip is there; asked for more, it fails."""
        binaries = tmp_path / "venv" / "bin"
        binaries.mkdir(parents=True)
        fake = binaries / "python"
        fake.write_text('#!/bin/sh\n[ "$*" = "-m pip --version" ]\n')
        fake.chmod(0o755)
        lock = (ROOT / "requirements.txt").read_text()
        (tmp_path / "venv" / "installed.txt").write_text(lock)
        assert make("runtime", f"VENV={tmp_path}/venv").returncode == 0
        (tmp_path / "venv" / "installed.txt").write_text(lock + "# another version")
        assert make("runtime", f"VENV={tmp_path}/venv").returncode != 0


class TestLockFiles:
    def pins(self, name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))

    @pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
    def test_every_version_has_its_hashes_and_no_address(self, name: str) -> None:
        text = (ROOT / name).read_text(encoding="utf-8")
        for requirement in re.split(r"\n(?=[a-z0-9])", text)[1:]:
            assert "--hash=sha256:" in requirement, requirement
        assert "://" not in text
        assert "index-url" not in text

    def test_the_tests_run_on_what_is_deployed(self) -> None:
        deployed = self.pins("requirements.txt")
        assert deployed.items() <= self.pins("requirements-dev.txt").items()
        assert deployed["django"].startswith("5.2.")


class TestRooms:
    """What import-linter cannot say: which parts of Django a module may know."""

    def imports(self, path: Path) -> set[str]:
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} has a relative import"
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return found

    def arithmetic(self) -> list[Path]:
        donations = ROOT / "donations"
        modules = [donations / "money.py", donations / "allocation.py"]
        return [path for path in modules if path.exists()] + [*donations.glob("bankfiles/**/*.py")]

    def test_arithmetic_and_parsers_know_no_database(self) -> None:
        assert self.arithmetic()
        for path in self.arithmetic():
            for name in self.imports(path):
                assert not re.match(r"django\.(db|contrib|forms)\b", name), f"{path}: {name}"
                assert not re.match(r"(config|projects|staff|triggers)\b", name), f"{path}: {name}"
                assert path.name == "money.py" or not name.startswith("django"), f"{path}: {name}"


class TestMakeTest:
    def test_the_newest_server_programs_are_found_outside_path(self, monkeypatch) -> None:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        for found in [postgres.find_programs()]:
            if found:
                assert (found[0] / "initdb").exists()
                assert int(found[1].split(".")[0]) >= postgres.OLDEST

    @pytest.mark.parametrize(("require_all", "code"), [("", 0), ("1", 1)])
    def test_what_is_missing_is_counted_and_can_be_forbidden(
        self, monkeypatch, capsys, require_all: str, code: int
    ) -> None:
        def run_pytest(name: str, arguments: list[str], url: str = "") -> dict:
            counts = {"passed": 40, "failed": 0, "skipped": 3, "without_chromium": 2}
            return counts | {"name": name, "code": 0}

        monkeypatch.setenv("REQUIRE_ALL", require_all)
        monkeypatch.setattr(test_run, "install_missing", lambda: None)
        monkeypatch.setattr(test_run, "run_pytest", run_pytest)
        monkeypatch.setattr(postgres, "find_programs", lambda: None)
        monkeypatch.setattr(chromium, "missing_packages", lambda: ["chromium", "libatomic1"])
        monkeypatch.setattr("signal.signal", lambda number, handler: None)
        assert test_run.main([]) == code
        printed = capsys.readouterr().out
        assert "SQLite: 40 passed, 0 failed, 3 skipped" in printed
        assert "all 40 tests on PostgreSQL 15 or newer: apt install postgresql" in printed
        assert "2 browser tests: apt install chromium libatomic1" in printed


@pytest.mark.browser
@pytest.mark.once
class TestBrowser:
    def test_the_sign_in_page_keeps_to_its_own_host_and_policy(self, open_page, width) -> None:
        page = open_page("/logga-in/", width=width)
        assert page.get_by_label("Lösenord").is_visible()
        assert page.evaluate("innerWidth") == width

    def test_axe_runs_under_the_policy_and_finds_what_is_wrong(self, open_page, axe) -> None:
        page = open_page("/logga-in/")
        page.evaluate("document.querySelector('main, #main').append(new Image())")
        assert any(line.startswith("image-alt:") for line in axe(page))

    def test_a_visitor_may_have_javascript_off(self, open_page) -> None:
        page = open_page("/logga-in/", javascript=False)
        assert page.get_by_label("Lösenord").is_visible()

    def test_a_breach_is_noticed(self, open_page) -> None:
        """The guard that every browser test leans on, seen to bite."""
        page = open_page("/healthz")
        assert open_page.complaints == []
        page.goto("/logga-in/")
        page.evaluate("document.body.setAttribute('style', 'color: red')")
        assert "Content Security Policy" in open_page.complaints.pop()
        with page.expect_event("requestfailed"):
            page.evaluate("location.href = 'http://elsewhere.example/'")
        assert open_page.complaints == ["asked another host: http://elsewhere.example/"]
        open_page.complaints.clear()
