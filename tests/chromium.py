"""Where Chromium is, how the tests start it, and what they watch for in its pages."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import playwright

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        ConsoleMessage,
        Page,
        Request,
        WebError,
    )

HEIGHTS = {360: 740, 768: 1024, 1280: 800}
# The shell first: a full browser without a window spends four times the work on each new page, and
# shows the same.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Chromium's own errands on the net are none of the tests'; and what a page should try to fetch
# from elsewhere is not even looked up.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@functools.cache
def find() -> str | None:
    """Return the path of a Chromium that starts (Ubuntu's package of that name may not)."""
    for name in NAMES:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


@functools.cache
def missing_packages() -> list[str]:
    """Return the Debian packages that the browser tests lack."""
    packages = []
    if not find():
        packages += [SHELL, "fonts-liberation"]
    # Playwright brings its own driver, and the driver wants a library that a bare system lacks.
    driver = Path(playwright.__file__).parent / "driver" / "node"
    if driver.exists() and subprocess.run([driver, "--version"], capture_output=True).returncode:
        packages.append("libatomic1")
    return packages


def flags() -> list[str]:
    # Root has no sandbox to be put in.
    return [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS


class Visitors:
    """Opens pages of one server, each as a visitor without cookies, and notes what is amiss.

    `complaints` gathers requests to another host, breaches of the content security policy, and
    errors thrown by scripts.
    """

    def __init__(self, browser: "Browser", home: str) -> None:
        self.browser = browser
        self.home = home
        self.complaints: list[str] = []
        self.contexts = ExitStack()

    def __enter__(self) -> "Visitors":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.contexts.close()

    def __call__(
        self,
        path: str = "/",
        width: int = 1280,
        javascript: bool = True,
        cookies: Iterable[Any] = (),
    ) -> "Page":
        context = self.browser.new_context(
            base_url=self.home,
            viewport={"width": width, "height": HEIGHTS.get(width, 800)},
            java_script_enabled=javascript,
            locale="sv-SE",
            timezone_id="Europe/Stockholm",
        )
        self.contexts.callback(context.close)
        context.set_default_timeout(10_000)
        context.add_cookies(list(cookies))
        context.on("request", self._note_request)
        context.on("console", self._note_console)
        context.on("weberror", self._note_error)
        page = context.new_page()
        page.goto(path)
        return page

    def _note_request(self, request: "Request") -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != urlsplit(self.home).netloc:
            self.complaints.append(f"asked another host: {request.url}")

    def _note_console(self, message: "ConsoleMessage") -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)

    def _note_error(self, error: "WebError") -> None:
        self.complaints.append(str(error.error))
