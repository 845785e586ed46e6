"""A PostgreSQL server of the tests' own: made, started, and thrown away with its folder."""

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLDEST = 15
# Speed instead of safety: nothing in this server is worth keeping.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
}


def find_programs() -> tuple[Path, str] | None:
    """Return the folder of the newest server programs on this machine, and their version.

    Debian and Ubuntu keep them out of PATH.
    """
    folders = {path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")}
    if initdb := shutil.which("initdb"):
        folders.add(Path(initdb).resolve().parent)
    found = []
    for folder in folders:
        if not all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            continue
        printed = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        version = tuple(int(number) for number in re.findall(r"\d+", printed)[:2])
        if version >= (OLDEST,):
            found.append((version, folder))
    if not found:
        return None
    version, folder = max(found)
    return folder, ".".join(map(str, version))


def as_owner() -> list[str]:
    """Return what to put before a server program: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """Run a server for the duration of the block; yield its DATABASE_URL."""
    folder = Path(tempfile.mkdtemp(prefix="kollekt-postgres-"))
    password = secrets.token_hex(16)
    secret = folder / "password"
    secret.write_text(password)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (folder, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    data, log = folder / "data", folder / "log"
    port = free_port()
    settings = SETTINGS | {"port": str(port)}

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_owner(), programs / program, "--pgdata", data, *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(
                f"{program} failed:\n{done.stdout}\n{log.read_text() if log.exists() else ''}"
            )

    try:
        run(
            "initdb",
            "--username=kollekt",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        with open(data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        # pg_ctl leaves the server behind: a log file, not our pipe, takes what it prints.
        run("pg_ctl", "start", "--wait", f"--log={log}")
        yield f"postgres://kollekt:{password}@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "stop", "--mode=immediate")
        shutil.rmtree(folder, ignore_errors=True)
