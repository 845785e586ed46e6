"""`make test`: every test, on SQLite and on PostgreSQL, and an account of what could not be run.

A missing Chromium or PostgreSQL is installed where that takes no asking (root on Debian or
Ubuntu). Elsewhere what needs it is left out, and the last lines say what, how much, and which
command installs it. With REQUIRE_ALL=1 anything left out is a failure. Arguments go to pytest.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

from tests import chromium, postgres

WORKERS = "2"


def is_debian() -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return re.search(r"^ID(_LIKE)?=.*\b(debian|ubuntu)\b", release, re.MULTILINE) is not None


def install_missing() -> None:
    """Install with apt what the tests would otherwise have to leave out, or take much longer with."""
    browser = list(chromium.missing_packages())
    if chromium.SHELL not in browser and not shutil.which(chromium.SHELL):
        browser.append(chromium.SHELL)
    server = [] if postgres.find_programs() else ["postgresql"]
    missing = [packages for packages in (browser, server) if packages]
    if not missing or os.geteuid() != 0 or not is_debian() or not shutil.which("apt-get"):
        return
    print("Installing", *browser, *server, "…", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # One by one, for not every system that is like Debian has them all.
    for command in (
        ["apt-get", "update", "-q"],
        *(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]
            for packages in missing
        ),
    ):
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            print(done.stdout, f"{' '.join(command)} failed; going on without.", sep="\n")
    chromium.find.cache_clear()
    chromium.missing_packages.cache_clear()


def run_pytest(name: str, arguments: list[str], database_url: str = "") -> dict:
    """Run the tests on one database; return the exit code and what tests/conftest.py counted."""
    print(f"\n=== {name} ===", flush=True)
    environment = dict(os.environ)
    environment.pop("DATABASE_URL", None)
    if database_url:
        environment["DATABASE_URL"] = database_url
    with tempfile.TemporaryDirectory(prefix="kollekt-tests-") as folder:
        counts = Path(folder, "counts.json")
        environment["KOLLEKT_TEST_COUNTS"] = str(counts)
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", WORKERS, *arguments], env=environment
        ).returncode
        result = {"passed": 0, "failed": 0, "skipped": 0, "without_chromium": 0}
        if counts.exists():
            result |= json.loads(counts.read_text())
    return result | {"name": name, "code": code}


def stop(number: int, frame: types.FrameType | None) -> None:
    """Leave by way of every `finally`, so that no server stays behind."""
    sys.exit(128 + number)


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, stop)
    install_missing()

    left_out = []
    results = [run_pytest("SQLite", arguments)]
    if programs := postgres.find_programs():
        folder, version = programs
        with postgres.server(folder) as url:
            # What is the same on any database has been seen once.
            rest = ["-m", "not look and not once", *arguments]
            results.append(run_pytest(f"PostgreSQL {version}", rest, url))
    else:
        left_out.append(
            f"all {results[0]['passed']} tests on PostgreSQL {postgres.OLDEST} or newer:"
            " apt install postgresql"
        )
    if count := sum(result["without_chromium"] for result in results):
        packages = " ".join(chromium.missing_packages())
        left_out.append(f"{count} browser tests: apt install {packages}")

    print()
    for result in results:
        print(
            f"{result['name'].split()[0]}: {result['passed']} passed,"
            f" {result['failed']} failed, {result['skipped']} skipped"
        )
    for line in left_out:
        print("Not run:", line)
    failed = any(result["code"] for result in results)
    if left_out and os.environ.get("REQUIRE_ALL") == "1":
        print("REQUIRE_ALL=1 makes that a failure.")
        failed = True
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
