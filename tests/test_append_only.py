"""Transfers, needs and publications are added, never changed, whoever asks the database and how."""

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from django.db import (
    DatabaseError,
    IntegrityError,
    NotSupportedError,
    connection,
    models,
    transaction,
)
from django.utils import timezone

from donations import operations, totals
from donations.models import (
    Account,
    DonorAnswer,
    FundYear,
    LeftSurplus,
    Need,
    PeriodLock,
    SurplusClause,
    Transfer,
    YearClosing,
)
from projects import publishing
from projects.models import CallOff, Publication
from tests import cast

ABOUT_SQLITE = pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
ABOUT_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
TABLES: list[type[models.Model]] = [Transfer, Need, DonorAnswer, LeftSurplus]
TABLES += [PeriodLock, YearClosing, Publication, CallOff]
# What already stands is refused by the guard against new rows, where it comes first.
REFUSED = r"append-only|in place of another|not for this gift|only forward|something waits"
EACH_TABLE = pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
DAY = datetime.timedelta(days=1)


def rows(model: type[models.Model]) -> list[tuple[Any, ...]]:
    return list(model._default_manager.order_by("pk").values_list())


def execute(sql: str, parameters: list[Any] | None = None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def fill() -> None:
    """Books with gifts, one of them reversed, a need and a page that is published."""
    brunnar = cast.fund_year(cast.fund("47030"), need_ore=100_00)
    cast.gift(brunnar.fund, 150_00)
    before = SurplusClause.objects.get().valid_from - DAY
    early = cast.gift(brunnar.fund, 5_00, before)
    operations.record_answer(
        early, False, asked_by="Ester", answered_on=timezone.localdate(), by=cast.ester()
    )
    wrong = cast.gift(brunnar.fund, 15_00)
    operations.reverse(wrong, booked_on=cast.MIDSUMMER, reason="Ett nollfel", by=cast.ester())
    project = brunnar.fund.project
    assert project is not None
    cast.publish(project, from_at=timezone.now() + DAY)
    publishing.call_off(project, by=cast.ester())
    cast.publish(project)
    operations.leave_surplus(brunnar, reason="Betalas ut i mars", by=cast.ester())
    operations.close_year(early.credit.fund_year.year, by=cast.ester())  # type: ignore[union-attr]


@pytest.fixture
def books(db: None) -> None:
    fill()


@pytest.mark.usefixtures("books")
class TestPlainSql:
    @EACH_TABLE
    @pytest.mark.parametrize("where", ["", " WHERE id = (SELECT max(id) FROM {table})"])
    def test_an_update_and_a_delete_are_refused(
        self, model: type[models.Model], where: str
    ) -> None:
        before, table = rows(model), model._meta.db_table
        for sql in (
            f"UPDATE {table} SET by_id = by_id",
            f"UPDATE {table} SET id = id + 1000",
            f"DELETE FROM {table}",
        ):
            with pytest.raises(IntegrityError, match="append-only"):
                execute(sql + where.format(table=table))
        assert rows(model) == before

    @EACH_TABLE
    def test_djangos_own_ways_are_refused(self, model: type[models.Model]) -> None:
        before, objects = rows(model), model._default_manager
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            objects.update(by=cast.ester())
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            objects.latest("pk").save()
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            # Past the foreign keys that Django looks after itself.
            objects.order_by("-pk")[:1].get().delete()
        assert rows(model) == before

    @EACH_TABLE
    def test_what_changes_when_two_collide_is_refused(self, model: type[models.Model]) -> None:
        before, table = rows(model), model._meta.db_table
        names = ", ".join(str(field.column) for field in model._meta.concrete_fields)
        with pytest.raises(IntegrityError, match=REFUSED):
            execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE true"
                " ON CONFLICT (id) DO UPDATE SET by_id = EXCLUDED.by_id"
            )
        assert rows(model) == before

    def test_a_transfer_that_is_refused_leaves_the_totals_right(self) -> None:
        with pytest.raises(IntegrityError):
            execute("UPDATE donations_transfer SET amount_ore = amount_ore + 1")
        assert totals.differences() == []


@ABOUT_POSTGRESQL
@pytest.mark.usefixtures("books")
class TestPostgresql:
    @EACH_TABLE
    @pytest.mark.parametrize("how", ["", " CASCADE", " RESTART IDENTITY CASCADE"])
    def test_truncate_is_refused(self, model: type[models.Model], how: str) -> None:
        before = rows(model)
        connection.check_constraints()  # so that nothing else stands in TRUNCATE's way
        # Without CASCADE, what others point to is refused already for their sake.
        says = "append-only: TRUNCATE is refused|referenced in a foreign key"
        with pytest.raises((IntegrityError, NotSupportedError), match=says):
            execute(f"TRUNCATE {model._meta.db_table}{how}")
        assert rows(model) == before

    @pytest.mark.parametrize(
        "table", ["donations_account", "donations_payment", "donations_fundyear", "staff_user"]
    )
    def test_truncate_does_not_come_by_way_of_what_a_transfer_leans_on(self, table: str) -> None:
        before = rows(Transfer)
        connection.check_constraints()
        with pytest.raises(IntegrityError, match="append-only: TRUNCATE is refused"):
            execute(f"TRUNCATE {table} CASCADE")
        assert rows(Transfer) == before

    @EACH_TABLE
    def test_a_superuser_who_says_replica_is_refused_all_the_same(
        self, model: type[models.Model]
    ) -> None:
        before, table = rows(model), model._meta.db_table
        connection.check_constraints()
        execute("SET LOCAL session_replication_role = replica")
        for sql in (
            f"UPDATE {table} SET by_id = by_id",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(IntegrityError, match="append-only"):
                execute(f"{sql}{' CASCADE' if sql.startswith('TRUNCATE') else ''}")
        assert rows(model) == before

    def test_what_a_replica_adds_is_counted_and_guarded(self) -> None:
        execute("SET LOCAL session_replication_role = replica")
        brunnar = FundYear.objects.get(year__name=str(cast.YEAR))
        cast.gift(brunnar.fund, 1_00)
        sides = (operations.account(brunnar).pk, cast.bank().pk)
        wrong = operations.Entry(Transfer.Kind.GIFT, *sides, 1, cast.MIDSUMMER)
        with pytest.raises(IntegrityError, match="do not fit the kind"), transaction.atomic():
            operations.post([wrong], by=cast.ester())
        assert totals.differences() == []

    def test_merge_is_refused(self) -> None:
        before = rows(Transfer)
        for action in ("UPDATE SET amount_ore = 1", "DELETE"):
            with pytest.raises(IntegrityError, match="append-only"):
                execute(
                    "MERGE INTO donations_transfer t USING donations_transfer s ON t.id = s.id"
                    f" WHEN MATCHED THEN {action}"
                )
        assert rows(Transfer) == before


COLUMNS = (
    "kind, debit_id, credit_id, amount_ore, covered_ore, booked_on, payment_id, reverses_id,"
    " corrects_id, reason, by_id, created_at"
)
# A copy of a row whose id is given, with another amount.
COPIED = COLUMNS.replace("amount_ore, covered_ore", "7, 0")


@ABOUT_SQLITE
class TestSqlite:
    """Through our own connection, and through one that anybody opens without our PRAGMAs."""

    @pytest.fixture(params=["our connection", "a raw connection"])
    def database(
        self, request: pytest.FixtureRequest, transactional_db: None
    ) -> Iterator[sqlite3.Connection]:
        fill()
        if request.param == "our connection":
            connection.ensure_connection()
            yield connection.connection
            return
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as raw:
            raw.isolation_level = None
            assert raw.execute("PRAGMA recursive_triggers").fetchone()[0] == 0
            assert raw.execute("PRAGMA foreign_keys").fetchone()[0] == 0
            yield raw

    def refused(self, database: sqlite3.Connection, sql: str) -> None:
        before = {model: rows(model) for model in TABLES}
        with pytest.raises(sqlite3.IntegrityError, match=REFUSED):
            database.execute(sql)
        assert {model: rows(model) for model in TABLES} == before
        assert totals.differences() == []

    def unchanged(self, database: sqlite3.Connection, sql: str) -> None:
        """Refused or done without any effect."""
        before = {model: rows(model) for model in TABLES}
        with suppress(sqlite3.DatabaseError):
            database.execute(sql)
        assert {model: rows(model) for model in TABLES} == before
        assert totals.differences() == []

    @pytest.mark.parametrize("resolution", ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"])
    def test_every_sort_of_update_is_refused(
        self, database: sqlite3.Connection, resolution: str
    ) -> None:
        for model in TABLES:
            table = model._meta.db_table
            self.refused(database, f"UPDATE OR {resolution} {table} SET by_id = by_id")
            self.refused(database, f"UPDATE OR {resolution} {table} SET id = id + 1")
        self.refused(
            database,
            f"UPDATE OR {resolution} donations_transfer SET reverses_id = 1 WHERE reverses_id > 0",
        )

    def test_delete_is_refused(self, database: sqlite3.Connection) -> None:
        for model in TABLES:
            self.refused(database, f"DELETE FROM {model._meta.db_table}")
            self.refused(database, f"DELETE FROM {model._meta.db_table} WHERE rowid > 0")

    @pytest.mark.parametrize("verb", ["REPLACE", "INSERT OR REPLACE"])
    def test_a_row_is_not_put_in_place_of_the_one_with_its_id(
        self, database: sqlite3.Connection, verb: str
    ) -> None:
        for model in TABLES:
            table = model._meta.db_table
            self.refused(database, f"{verb} INTO {table} SELECT * FROM {table}")
        # Alike in nothing but the id: without a payment, reversing nothing.
        alone = COLUMNS.replace("payment_id, reverses_id", "NULL, NULL")
        self.refused(
            database,
            f"{verb} INTO donations_transfer (id, {COLUMNS})"
            f" SELECT id, {alone} FROM donations_transfer WHERE reverses_id IS NULL",
        )
        for as_type in ("text", "real"):
            self.refused(
                database,
                f"{verb} INTO donations_transfer (id, {COLUMNS})"
                f" SELECT cast(id AS {as_type}), {COPIED} FROM donations_transfer",
            )
        self.refused(
            database,
            f"{verb} INTO donations_transfer (rowid, {COLUMNS})"
            f" SELECT id, {COPIED} FROM donations_transfer",
        )

    @pytest.mark.parametrize("verb", ["REPLACE", "INSERT OR REPLACE"])
    def test_a_reversal_is_not_put_in_place_of_another(
        self, database: sqlite3.Connection, verb: str
    ) -> None:
        for columns in (COPIED, COLUMNS):
            self.refused(
                database,
                f"{verb} INTO donations_transfer ({COLUMNS})"
                f" SELECT {columns} FROM donations_transfer WHERE reverses_id IS NOT NULL",
            )

    @pytest.mark.parametrize("verb", ["REPLACE", "INSERT OR REPLACE"])
    def test_a_gift_is_not_put_in_place_of_the_one_with_its_payment(
        self, database: sqlite3.Connection, verb: str
    ) -> None:
        for columns in (COPIED, COLUMNS):
            self.refused(
                database,
                f"{verb} INTO donations_transfer ({COLUMNS})"
                f" SELECT {columns} FROM donations_transfer WHERE reverses_id IS NULL",
            )

    def test_an_upsert_is_refused(self, database: sqlite3.Connection) -> None:
        for target in ("id", "reverses_id"):
            self.refused(
                database,
                "INSERT INTO donations_transfer SELECT * FROM donations_transfer"
                f" WHERE reverses_id IS NOT NULL ON CONFLICT ({target}) DO UPDATE SET amount_ore = 1",
            )

    @pytest.mark.parametrize("resolution", ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"])
    def test_what_the_guards_refuse_does_not_get_in_by_another_word(
        self, database: sqlite3.Connection, resolution: str
    ) -> None:
        verb = f"INSERT OR {resolution} INTO donations_transfer ({COLUMNS})"
        gift = "FROM donations_transfer WHERE kind = 'gift' AND reverses_id IS NULL LIMIT 1"
        columns = COLUMNS.replace("payment_id", "NULL")
        for part, other in [
            ("booked_on", "'2999-01-01'"),
            ("booked_on", "'2023-12-31'"),
            ("debit_id", "credit_id + 100"),
            ("kind", "'disbursement'"),
            ("covered_ore", "0"),
            ("amount_ore", "0"),
            ("amount_ore", "10000000000000"),
            ("amount_ore", "NULL"),
        ]:
            self.unchanged(database, f"{verb} SELECT {columns.replace(part, other, 1)} {gift}")

    @pytest.mark.parametrize("resolution", ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"])
    def test_a_row_that_is_new_and_right_is_counted_whatever_the_word(
        self, database: sqlite3.Connection, resolution: str
    ) -> None:
        count = len(rows(Transfer))
        # Thrice over: with the day's total there already, and on a day that has none.
        for day in ("booked_on", "'2024-02-29'", "'2024-02-29'"):
            database.execute(
                f"INSERT OR {resolution} INTO donations_transfer ({COLUMNS})"
                f" SELECT {COLUMNS.replace('payment_id', 'NULL').replace('booked_on', day)}"
                " FROM donations_transfer WHERE kind = 'gift' AND reverses_id IS NULL LIMIT 1"
            )
        assert len(rows(Transfer)) == count + 3
        assert totals.differences() == []


@ABOUT_SQLITE
class TestWhatTheGuardsLeanOn:
    """A raw connection does not replace what the sums and guards are read from, either."""

    def test_nothing_fixed_is_replaced(self, transactional_db: None) -> None:
        fill()
        operations.single_account(Account.Kind.SUSPENSE)
        leaned_on: list[type[models.Model]] = [Account, FundYear, SurplusClause]
        before = {model: rows(model) for model in leaned_on}
        late = str(cast.MIDSUMMER + DAY)
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as raw:
            raw.isolation_level = None
            for sql in (
                "REPLACE INTO donations_account (id, kind, name)"
                " SELECT id, 'bank', '' FROM donations_account WHERE kind = 'fund'",
                "REPLACE INTO donations_account (kind, name) VALUES ('suspense', '')",
                "REPLACE INTO donations_account (kind, fund_year_id, name)"
                " SELECT 'fund', fund_year_id, '' FROM donations_account WHERE kind = 'fund'",
                "REPLACE INTO donations_fundyear (fund_id, year_id, focus_area_id)"
                " SELECT fund_id, year_id, focus_area_id FROM donations_fundyear",
                "REPLACE INTO donations_surplusclause (id, focus_area_id, text, valid_from)"
                f" SELECT id, focus_area_id, 'Nej', '{late}' FROM donations_surplusclause",
            ):
                with pytest.raises(sqlite3.DatabaseError):
                    raw.execute(sql)
        assert {model: rows(model) for model in leaned_on} == before


@EACH_TABLE
def test_nothing_to_change_is_changed_in_an_empty_database(
    db: None, model: type[models.Model]
) -> None:
    """PostgreSQL refuses the attempt itself; SQLite has no row to refuse."""
    for sql in (
        f"UPDATE {model._meta.db_table} SET by_id = 1",
        f"DELETE FROM {model._meta.db_table}",
    ):
        if connection.vendor == "postgresql":
            with pytest.raises(DatabaseError, match="append-only"):
                execute(sql)
        else:
            execute(sql)
    assert rows(model) == []
