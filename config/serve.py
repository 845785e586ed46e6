"""`make run`: everything between an installed environment and a page in the browser.

Migrates, loads the demo content into an empty database, collects static files that have changed,
says where to look, and hands the process over to granian.
"""

import hashlib
import os
import socket
import sys
from pathlib import Path

HOST = "127.0.0.1"
WORKERS = 2
THREADS = 4  # each worker's; a thread waits for the database while another renders


class CannotServe(Exception):
    """Says to the person at the terminal why the server does not start, and what to do."""


def parse_port(text: str) -> int:
    """Return the port that the environment asks for."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise CannotServe(
            f"PORT är ”{text}” men ska vara ett tal mellan 1 och 65535, till exempel PORT=8080.\n"
            f"(PORT must be a number from 1 to 65535.)"
        )
    return int(text)


def require_free(port: int) -> None:
    """Raise unless a server can listen on `port`."""
    with socket.socket() as probe:
        # As the server will: a port whose last connections are only fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise CannotServe(
                f"Port {port} får bara systemets egna tjänster använda. Välj en från 1024 och"
                f" uppåt: make run PORT=8080\n(Port {port} needs special rights.)"
            ) from error
        except OSError as error:
            raise CannotServe(
                f"Port {port} är upptagen av ett annat program. Stäng det, eller välj en annan"
                f" port: make run PORT={port + 1 if port < 65535 else 8080}\n"
                f"(Port {port} is taken by another program.)"
            ) from error


def static_fingerprint() -> str:
    """Tell apart two states of the static files by their names, sizes and times."""
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=[]):
            status = os.stat(storage.path(path))
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect_static(stamp: Path) -> bool:
    """Collect the static files if any has changed since `stamp` was written; tell whether."""
    from django.conf import settings
    from django.core.management import call_command

    fingerprint = static_fingerprint()
    manifest = Path(settings.STATIC_ROOT, "staticfiles.json")
    if manifest.exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(fingerprint)
    return True


def prepare() -> None:
    """Bring the database and the static files to where the code is."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    if settings.PRODUCTION:
        raise CannotServe(
            "make run lägger in demoinnehåll och är inte till för skarp drift. Ta bort"
            " KOLLEKT_ENV=production, eller starta config.wsgi:application med en egen server.\n"
            "(make run loads demo content and is not for production.)"
        )
    call_command("migrate", interactive=False, verbosity=0)
    if os.environ.get("DEMO", "1") != "0":
        call_command("load_demo", if_empty=True)
    collect_static(settings.VAR_DIR / "static.stamp")
    connections.close_all()


def main() -> None:
    try:
        port = parse_port(os.environ.get("PORT") or "8000")
        require_free(port)
        prepare()
    except CannotServe as reason:
        sys.exit(f"\n{reason}\n")

    # By name: a browser lets nobody use a key at a bare address.
    print(f"\nWebbplatsen:    http://localhost:{port}/")
    print(f"Administration: http://localhost:{port}/admin/")
    print("Avsluta med Ctrl+C.\n", flush=True)
    options = {
        "--interface": "wsgi",
        "--host": HOST,
        "--port": str(port),
        "--workers": str(WORKERS),
        "--blocking-threads": str(THREADS),
        # A browser that keeps its connection open holds a worker back: two seconds are enough,
        # and no warning is needed.
        "--workers-kill-timeout": "2",
        "--log-level": "error",
    }
    os.execv(  # noqa: S606 (this process becomes the server, so signals reach it)
        sys.executable,
        [
            sys.executable,
            "-m",
            "granian",
            "--no-ws",
            *(word for option in options.items() for word in option),
            "config.wsgi:application",
        ],
    )


if __name__ == "__main__":
    main()
