"""What every test can ask for, the browser above all."""

import gc
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import chromium as program
from tests.chromium import Visitors

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

    from staff.models import User

THRESHOLDS = (10_000, 10, 10)
WITHOUT_CHROMIUM = "No browser to test with"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last.

    Playwright keeps an event loop running in the thread that started it, and Django then refuses
    that thread the database unless it is told not to (see `chromium`). This way only the browser
    tests are told.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what has been imported, for that stays.

    It went through all of it time and again: a tenth of the whole run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell tests/run.py how it went."""
    if not (path := os.environ.get("KOLLEKT_TEST_COUNTS")):
        return
    reports = terminalreporter.stats
    counts = {
        "passed": len(reports.get("passed", [])),
        "failed": len(reports.get("failed", [])) + len(reports.get("error", [])),
        "skipped": len(reports.get("skipped", [])),
        "without_chromium": sum(
            WITHOUT_CHROMIUM in str(report.longrepr) for report in reports.get("skipped", [])
        ),
    }
    Path(path).write_text(json.dumps(counts))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Watch every connection, and end with the tests what a thread of one may still have open.

    PostgreSQL drops no database in use.
    """
    from django.db import connection

    from tests import walks

    walks.refuse(connection)
    yield

    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """A running Chromium, one for each test process."""
    from playwright.sync_api import sync_playwright

    if missing := program.missing_packages():
        reason = f"{WITHOUT_CHROMIUM}: apt install {' '.join(missing)}"
        if os.environ.get("REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=program.find(), args=program.flags())
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: "Browser", live_server: "LiveServer") -> Iterator[Visitors]:
    """Open pages of the live server: `open_page("/", width=360, javascript=False)`.

    When the test ends, it fails if any page has asked another host for something, broken the
    content security policy or thrown an error.
    """
    with Visitors(chromium, live_server.url) as visitors:
        yield visitors
    assert visitors.complaints == []


@pytest.fixture
def open_as(open_page: Visitors) -> "Callable[..., Page]":
    """Open a page as a member of staff who has signed in: `open_as(cast.ester(), "/admin/", width=360)`."""
    from django.conf import settings
    from django.test import Client

    from tests import cast

    def open_page_as(user: "User", path: str = "/admin/", **how: Any) -> "Page":
        session = cast.sign_in(Client(), user).cookies[settings.SESSION_COOKIE_NAME].value
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": open_page.home}
        return open_page(path, cookies=[cookie], **how)

    return open_page_as


@pytest.fixture
def nothing_counted(db: None) -> None:
    """No attempt to sign in, and no code, is remembered from another test."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(params=[360, 1280])
def width(request: pytest.FixtureRequest) -> int:
    """Run the test on a phone and on a desktop."""
    return request.param


@pytest.fixture(scope="session")
def axe() -> Callable[["Page"], list[str]]:
    """Return what axe finds wrong with a page, a line for each element.

    A page of finance is looked at in the dark as well, where only its colours are others.
    """
    from axe_playwright_python.sync_playwright import Axe

    checker = Axe()

    def check(page: "Page") -> list[str]:
        found = checker.run(page).response["violations"]
        if "/ekonomi/" in page.url:
            page.emulate_media(color_scheme="dark")
            found += page.evaluate("axe.run({ runOnly: ['color-contrast'] })")["violations"]
            page.emulate_media(color_scheme="light")
        return [
            f"{violation['id']}: {violation['help']}: {node['html']}"
            for violation in found
            for node in violation["nodes"]
        ]

    return check
