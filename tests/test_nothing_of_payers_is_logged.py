"""Whatever fails, the log tells where, and nothing of whose gift it was."""

import io
import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from donations.bankfiles.records import Refused
from donations.finance import unplaced
from donations.intake import Intake, opened
from donations.models import AccountNumber, Payment
from donations.operations import bank_files
from staff.models import Event
from tests import cast
from tests.test_skeleton import python

pytestmark = pytest.mark.django_db
NAME = "Ambjörn Åkerhielm"
BGMAX = Path(__file__).parent / "bankfiles/flat/bgmax-gifts.txt"
QUIET = "(its words are not logged)"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged from now on, as the server's own handler writes it."""
    root = logging.getLogger()
    [server] = [one for one in root.handlers if one.name == "stderr"]
    written = logging.StreamHandler(io.StringIO())
    written.setFormatter(server.formatter)
    written.setLevel(logging.DEBUG)
    root.addHandler(written)
    yield written.stream
    root.removeHandler(written)


def fail(*args: Any, **kwargs: Any) -> NoReturn:
    raise ValueError(f"cannot place what {NAME} gave")


def refused_by_the_database(*args: Any, **kwargs: Any) -> None:
    # PostgreSQL tells the whole row that it refuses.
    Payment.objects.create(
        bank_date=cast.MIDSUMMER, channel="swish", payer_name=NAME, key=uuid.uuid4()
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [(fail, "ValueError"), (refused_by_the_database, "django.db.utils.IntegrityError")],
)
def test_an_error_where_money_is_handled_is_logged_by_its_kind_and_place(
    client: Client, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, error: Any, kind: str
) -> None:
    cast.sign_in(client, cast.ester())
    client.raise_request_exception = False
    monkeypatch.setattr(unplaced.queries, "unplaced", error)

    response = client.get(reverse("finance_unplaced"))

    assert response.status_code == 500
    assert NAME not in response.content.decode()
    text = log.getvalue()
    assert "Internal Server Error: /ekonomi/oplacerade/" in text
    assert "donations/finance/unplaced.py" in text
    assert f"{kind}: {QUIET}" in text
    assert "Ambjörn" not in text
    assert "Failing row" not in text


def test_what_such_an_error_led_to_is_told_no_louder(log: io.StringIO) -> None:
    try:
        try:
            bank_files.receive(NAME, io.BytesIO(b""), by=cast.ester())
        except Refused as refused:
            raise KeyError(NAME) from refused
    except KeyError:
        logging.getLogger("elsewhere").exception("Something failed")

    text = log.getvalue()
    assert "Something failed" in text
    assert f"records.Refused: {QUIET}" in text
    assert f"KeyError: {QUIET}" in text
    assert NAME not in text


def test_other_errors_are_told_in_full(log: io.StringIO) -> None:
    try:
        int("no number")
    except ValueError:
        logging.getLogger("elsewhere").exception("Something failed")

    assert "no number" in log.getvalue()


def test_a_file_that_is_refused_leaves_nothing_of_its_payers(log: io.StringIO) -> None:
    AccountNumber.objects.create(account=cast.bank(), scheme="bankgiro", digits="9912346")
    # The name is where the amount should be, so that the reason tells of it.
    content = BGMAX.read_bytes().replace(b"000000000000050000", b"AMBJ\xd6RN \xc5KERHIELM 0")
    before = set(Event.objects.values_list("pk", flat=True))

    file = bank_files.read(bank_files.receive("fil.txt", io.BytesIO(content), by=cast.ester()))

    assert file.refusal
    assert "AMBJÖRN" in file.refusal["why"]
    with opened(file) as stream:
        try:
            list(Intake(file, stream).lines())
        except Refused:
            logging.getLogger("donations").exception("The file was not taken")
    assert f"donations.bankfiles.records.Refused: {QUIET}" in log.getvalue()
    assert "AMBJ" not in log.getvalue()
    texts = Event.objects.exclude(pk__in=before).values_list("text", flat=True)
    assert not any("AMBJ" in text for text in texts)


def test_no_letter_is_sent_about_an_error() -> None:
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    assert not [
        handler
        for one in loggers
        for handler in one.handlers
        if isinstance(handler, AdminEmailHandler)
    ]


def test_a_command_that_fails_in_production_tells_no_more(tmp_path: Path) -> None:
    command = (
        "import runpy, sys; sys.argv = ['manage.py', 'forget_payers', '--skip-checks'];"
        " runpy.run_path('manage.py', run_name='__main__')"
    )
    production = {"KOLLEKT_ENV": "production", "SECRET_KEY": "s" * 50, "ALLOWED_HOSTS": "a.se"}

    ran = python(command, KOLLEKT_VAR=str(tmp_path), **production)

    assert ran.returncode == 1
    assert "donations/forgetting.py" in ran.stderr
    assert f"OperationalError: {QUIET}" in ran.stderr
    assert "no such table" not in ran.stderr


def test_production_shows_nobody_what_the_server_had_in_hand(tmp_path: Path) -> None:
    production = {"KOLLEKT_ENV": "production", "SECRET_KEY": "s" * 50, "ALLOWED_HOSTS": "a.se"}

    ran = python(
        "import config.settings", KOLLEKT_VAR=str(tmp_path), KOLLEKT_DEBUG="1", **production
    )

    assert "KOLLEKT_DEBUG is set" in ran.stderr
