"""A wrong total and a trigger that is gone or not what is written are found, named, and mended."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, transaction
from django.db.models import F

from donations import operations, totals
from donations.models import DailyTotal, FundYear, Transfer
from tests import cast
from triggers import registry

pytestmark = pytest.mark.django_db
ABOUT_SQLITE = pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
ABOUT_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
CLEAN = "The totals are what the transfers give, and every trigger stands as written.\n"


def execute(*statements: str) -> None:
    connection.check_constraints()  # PostgreSQL alters no table that has something left to check
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


@pytest.fixture
def brunnar() -> FundYear:
    """Brunnar with two gifts, one of which was wrong."""
    fund_year = cast.fund_year(cast.fund("47030"), need_ore=1_00)
    cast.gift(fund_year.fund, 3_00)
    wrong = cast.gift(fund_year.fund, 30_00)
    operations.reverse(wrong, booked_on=cast.MIDSUMMER, reason="Ett nollfel", by=cast.ester())
    return fund_year


def verify(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Run verify_ledger; return its exit code and the differences that it printed."""
    capsys.readouterr()
    code = 0
    try:
        call_command("verify_ledger")
    except SystemExit as stop:
        code = int(stop.code or 0)
    printed = capsys.readouterr()
    assert printed.out == ("" if code else CLEAN)
    return code, printed.err.splitlines()


def migrate() -> None:
    connection.check_constraints()
    call_command("migrate", verbosity=0)


@contextmanager
def check_complains(of: str) -> Iterator[None]:
    with pytest.raises(SystemCheckError, match=re.escape(of)):
        call_command("check", databases=["default"])
    yield
    call_command("check", databases=["default"])


@pytest.mark.usefixtures("brunnar")
class TestClean:
    def test_books_that_are_whole_pass(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert verify(capsys) == (0, [])
        call_command("check", databases=["default"])

    def test_to_verify_changes_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        before = list(DailyTotal.objects.values_list())
        verify(capsys)
        assert list(DailyTotal.objects.values_list()) == before


def test_empty_books_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert not Transfer.objects.exists()
    assert verify(capsys) == (0, [])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_no_table_is_gone_through_once_for_each_transfer() -> None:
    for kept in totals.kept("sqlite"):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {kept.differences()}")
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        # All that is no reversal has the same there: an index on it finds nearly everything.
        for line in plan.splitlines():
            assert not re.search(r"\(reverses_id=\?\) LEFT-JOIN", line) or " g " not in line, plan


class TestWrongTotals:
    @pytest.mark.parametrize("figure", ["in_ore", "out_ore", "covered_in_ore", "covered_out_ore"])
    @pytest.mark.parametrize("ore", [-1, 1])
    def test_a_total_that_is_wrong_by_one_ore_is_named(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str], figure: str, ore: int
    ) -> None:
        total = DailyTotal.objects.filter(account=brunnar.account, kind="gift")
        right = getattr(total.get(), figure)
        total.update(**{figure: F(figure) + ore})
        line = (
            f"account {brunnar.account.pk}, gift, {cast.MIDSUMMER}: {figure} is kept as"
            f" {right + ore}, the transfers give {right}"
        )
        assert verify(capsys) == (1, [line])
        totals.rebuild()
        assert verify(capsys) == (0, [])

    def test_a_total_that_is_gone_is_named(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        DailyTotal.objects.filter(account=brunnar.account).delete()
        code, lines = verify(capsys)
        assert code == 1
        assert (
            f"account {brunnar.account.pk}, gift, {cast.MIDSUMMER}: in_ore is kept as 0" in lines[0]
        )

    def test_a_total_that_no_transfer_gives_is_named(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        row = DailyTotal.objects.filter(account=brunnar.account).values().get()
        DailyTotal.objects.create(**{**row, "kind": "opening", "in_ore": 7, "covered_in_ore": 0})
        assert verify(capsys) == (
            1,
            [
                f"account {brunnar.account.pk}, opening, {cast.MIDSUMMER}: in_ore is kept as 7,"
                " the transfers give 0"
            ],
        )

    def test_two_wrongs_that_outweigh_each_other_in_the_sum_are_both_named(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pumpar = cast.fund_year(cast.fund("47040", cast.project("pumpar")), need_ore=1_00)
        cast.gift(pumpar.fund, 5_00)
        for fund_year, ore in [(brunnar, 1), (pumpar, -1)]:
            DailyTotal.objects.filter(account=fund_year.account).update(in_ore=F("in_ore") + ore)
        code, lines = verify(capsys)
        assert (code, len(lines)) == (1, 2)


EVERY_TRIGGER = sorted(trigger.name for trigger in registry._written(connection.vendor)[1])


def a_trigger(name: str) -> registry.Trigger:
    return next(t for t in registry._written(connection.vendor)[1] if t.name == name)


def drop(trigger: registry.Trigger) -> str:
    on = f" ON {trigger.table}" if connection.vendor == "postgresql" else ""
    return f"DROP TRIGGER {trigger.name}{on}"


EVERY_FUNCTION = [function.name for function in registry._written(connection.vendor)[0]]


def emptied(name: str) -> str:
    """A statement that makes a function of PostgreSQL's do nothing of what it should."""
    returns, language, body = "trigger", "plpgsql", "BEGIN RETURN NULL; END"
    if name == "stockholm_today":
        returns, language, body = "date", "sql", "SELECT '2999-12-31'::date"
    if name.startswith("book_"):
        returns, language, body = "void", "sql", "SELECT"
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS {returns} LANGUAGE {language} AS $${body}$$"
    )


class TestTriggers:
    def test_each_trigger_that_is_dropped_is_named(self) -> None:
        for name in EVERY_TRIGGER:
            trigger = a_trigger(name)
            with transaction.atomic():
                execute(drop(trigger))
                line = f"trigger {name} on {trigger.table} is missing"
                assert registry.differences(connection) == [line]
                transaction.set_rollback(True)

    def test_a_dropped_trigger_is_mended_and_what_it_missed_is_counted(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        name = "transfer_ledger" if connection.vendor == "sqlite" else "transfer_1_totals"
        execute(drop(a_trigger(name)))
        cast.gift(brunnar.fund, 4_00)
        code, lines = verify(capsys)
        assert code == 1
        assert lines[0] == f"trigger {name} on donations_transfer is missing"
        assert any("in_ore is kept as 300, the transfers give 700" in line for line in lines)
        migrate()
        assert verify(capsys) == (0, [])

    def test_an_altered_trigger_is_named_and_mended(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if connection.vendor == "sqlite":
            name = "transfer_ledger"
            altered = a_trigger(name).sql.replace("in_ore + iif", "in_ore + 1 + iif", 1)
        else:
            name = "transfer_append_only"
            altered = a_trigger(name).sql.replace("DELETE OR UPDATE", "DELETE")
        trigger = a_trigger(name)
        assert altered != trigger.sql
        execute(drop(trigger), altered)
        if connection.vendor == "postgresql":
            execute(f"ALTER TABLE {trigger.table} ENABLE ALWAYS TRIGGER {name}")
        line = f"trigger {name} on {trigger.table} is not as written"
        cast.gift(brunnar.fund, 4_00)
        code, lines = verify(capsys)
        assert (code, lines[0]) == (1, line)
        with check_complains(line):
            migrate()
        assert verify(capsys) == (0, [])

    def test_every_trigger_that_is_dropped_is_mended(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        execute(*(drop(a_trigger(name)) for name in EVERY_TRIGGER))
        Transfer.objects.filter(reverses=None, reversal=None).update(amount_ore=2_00, covered_ore=0)
        assert verify(capsys)[0] == 1
        migrate()
        assert verify(capsys) == (0, [])

    @ABOUT_POSTGRESQL
    @pytest.mark.parametrize("how", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
    def test_a_trigger_that_can_be_slipped_past_counts_as_missing(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str], how: str
    ) -> None:
        for name in ("transfer_1_totals", "transfer_2_guard", "publication_append_only"):
            table = a_trigger(name).table
            execute(f"ALTER TABLE {table} {how} TRIGGER {name}")
            line = f"trigger {name} on {table} is missing"
            cast.gift(brunnar.fund, 1)
            code, lines = verify(capsys)
            assert (code, lines[0]) == (1, line)
            with check_complains(line):
                migrate()
            assert verify(capsys) == (0, [])

    @ABOUT_POSTGRESQL
    def test_each_function_that_is_altered_is_named_and_all_are_mended(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in EVERY_FUNCTION:
            with transaction.atomic():
                execute(emptied(name))
                line = f"function {name} is missing or not as written"
                assert registry.differences(connection) == [line]
                transaction.set_rollback(True)
        execute(*map(emptied, EVERY_FUNCTION))
        line = f"function {EVERY_FUNCTION[0]} is missing or not as written"
        with check_complains(line):
            migrate()
        assert verify(capsys) == (0, [])

    @ABOUT_SQLITE
    def test_a_trigger_in_other_words_is_not_as_written(
        self, brunnar: FundYear, capsys: pytest.CaptureFixture[str]
    ) -> None:
        trigger = a_trigger("transfer_no_update")
        execute(drop(trigger), trigger.sql.replace("UPDATE ON", "UPDATE OF reason ON", 1))
        line = "trigger transfer_no_update on donations_transfer is not as written"
        assert verify(capsys) == (1, [line])
