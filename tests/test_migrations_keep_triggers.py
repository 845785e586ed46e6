"""After any migration, forwards, backwards or failed, the books are guarded and counted as before.

Each test has a database of its own, migrated by processes of their own: `in_own_process` runs one
of this module's functions there.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

ROOT = Path(__file__).resolve().parent.parent
OUR_APPS = ("staff", "projects", "donations")


# What is run in the process of its own


def is_whole() -> None:
    """Every trigger stands as written; nothing is changed, everything is counted, guards guard."""
    from donations import operations, totals
    from donations.models import Transfer
    from projects.models import FocusArea, Project
    from tests import cast
    from triggers import registry

    assert registry.differences(connection) == []
    assert totals.differences() == []

    vatten = FocusArea.objects.first() or cast.area()
    project = Project.objects.first() or cast.project(focus_area=vatten)
    cast.publish(project)
    fund = project.funds.first() or cast.fund(page=project)
    brunnar = cast.fund_year(fund, need_ore=1_00)
    count = Transfer.objects.count()
    gift = cast.gift(fund, 3_00)
    cast.gift(fund, 3_00)
    operations.reverse(gift, booked_on=gift.booked_on, reason="Prov", by=cast.ester())
    assert Transfer.objects.count() == count + 3
    assert totals.differences() == []

    tables = ("donations_transfer", "donations_need", "projects_publication")
    changes = [f"UPDATE {table} SET by_id = by_id" for table in tables]
    changes += [f"DELETE FROM {table}" for table in tables]
    if connection.vendor == "sqlite":
        changes += [f"REPLACE INTO {table} SELECT * FROM {table}" for table in tables]
    else:
        changes += [f"TRUNCATE {table} CASCADE" for table in tables]
    for sql in changes:
        with (
            pytest.raises(IntegrityError, match=r"append-only|in place of another"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)

    wrong = operations.Entry(
        Transfer.Kind.GIFT, brunnar.account.pk, cast.bank().pk, 1, cast.MIDSUMMER
    )
    with pytest.raises(IntegrityError, match="do not fit the kind"), transaction.atomic():
        operations.post([wrong], by=cast.ester())
    assert Transfer.objects.count() == count + 3


def migrate(*arguments: str) -> None:
    call_command("migrate", *arguments, verbosity=0, interactive=False)


def our_steps() -> list[tuple[str, str]]:
    """Every migration of our own apps, in the order in which an empty database runs them."""
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    plan = executor.migration_plan(leaves, clean_start=True)
    return [(m.app_label, m.name) for m, _ in plan if m.app_label in OUR_APPS]


def step_by_step() -> None:
    from triggers import registry

    steps = our_steps()
    assert {app for app, _ in steps} == set(OUR_APPS)
    for app, name in steps:
        migrate(app, name)
        wanted = registry.expected(connection)
        assert registry.differences(connection, wanted) == [], (app, name)
    migrate()
    is_whole()


def backwards_and_forwards() -> None:
    from triggers import registry

    steps = our_steps()
    # Back over each of our apps' migrations in turn, with books in the database, and forwards again.
    for place in range(len(steps) - 1, 0, -1):
        app, name = steps[place]
        earlier = [its_name for its_app, its_name in steps[:place] if its_app == app]
        migrate(app, earlier[-1] if earlier else "zero")
        wanted = registry.expected(connection)
        assert registry.differences(connection, wanted) == [], (app, name)
    for app in ("donations", "projects"):
        migrate(app, "zero")
        wanted = registry.expected(connection)
        assert registry.differences(connection, wanted) == [], app
    migrate()
    is_whole()


def begin_books() -> None:
    migrate()
    is_whole()


def rebuilt_and_back() -> None:
    migrate()
    assert ("donations", "later_1") in MigrationRecorder(connection).applied_migrations()
    is_whole()
    migrate("donations", leaf())
    is_whole()


def is_whole_by_the_check() -> None:
    call_command("check", databases=["default"])
    is_whole()


def is_whole_by_the_ledger() -> None:
    call_command("verify_ledger")
    is_whole()


def leaf() -> str:
    """The newest of donations' real migrations."""
    names = sorted(path.stem for path in (ROOT / "donations" / "migrations").glob("0*.py"))
    return names[-1]


# How it is run there


class Database:
    """A database of this test's own, and processes that use it."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self.folder, self.name = folder, name
        names = ("PATH", "HOME", "LANG")
        self.environment = {name: os.environ[name] for name in names if name in os.environ} | {
            "KOLLEKT_VAR": str(folder / "var"),
            "KOLLEKT_DB_POOL_SIZE": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(folder),
        }
        if name:
            self.environment["DATABASE_URL"] = (
                f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"
            )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("manage.py", *arguments)

    def in_own_process(self, function: Callable[[], None]) -> None:
        name = function.__name__
        code = (
            "import django; django.setup();"
            f" from tests.test_migrations_keep_triggers import {name}; {name}()"
        )
        done = self.run("-c", code)
        assert done.returncode == 0, done.stdout + done.stderr

    def add_migrations(self, **bodies: str) -> None:
        """Put migrations after donations' own; each body defines a list of `operations`."""
        package = self.folder / "later_donations"
        package.mkdir()
        real = ROOT / "donations" / "migrations"
        package.joinpath("__init__.py").write_text(f"__path__.append({str(real)!r})\n")
        self.folder.joinpath("later_settings.py").write_text(
            "from config.settings import *\nMIGRATION_MODULES = {'donations': 'later_donations'}\n"
        )
        self.environment["DJANGO_SETTINGS_MODULE"] = "later_settings"
        before = leaf()
        for name, body in bodies.items():
            package.joinpath(f"{name}.py").write_text(
                "from django.db import migrations, models\n"
                f"{body}\n"
                "class Migration(migrations.Migration):\n"
                f"    dependencies = [('donations', {before!r}), ('projects', '__latest__')]\n"
                "    operations = operations\n"
                "    atomic = globals().get('atomic', True)\n"
            )
            before = name


def server() -> Any:
    """A connection to the tests' PostgreSQL server, to make and drop databases with."""
    import psycopg

    settings = connection.settings_dict
    names = [("host", "HOST"), ("port", "PORT"), ("user", "USER"), ("password", "PASSWORD")]
    given = {name: settings[setting] for name, setting in names if settings[setting]}
    return psycopg.connect(dbname="postgres", autocommit=True, **given)


@contextmanager
def new_database(folder: Path, copied_from: Database | None = None) -> Iterator[Database]:
    """An empty database, or a copy of another, for the duration of the block."""
    if connection.vendor == "sqlite":
        made = Database(folder)
        if copied_from:
            shutil.copytree(copied_from.folder / "var", folder / "var")
        yield made
        return
    made = Database(folder, f"kollekt_{uuid.uuid4().hex[:12]}")
    template = f" TEMPLATE {copied_from.name}" if copied_from else ""
    with server() as admin:
        admin.execute(f"CREATE DATABASE {made.name}{template}")
        try:
            yield made
        finally:
            admin.execute(f"DROP DATABASE {made.name} WITH (FORCE)")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    with new_database(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with new_database(tmp_path_factory.mktemp("begun")) as made:
        made.in_own_process(begin_books)
        yield made


@pytest.fixture
def database(tmp_path: Path, begun: Database) -> Iterator[Database]:
    """A database of the test's own that has books in it."""
    with new_database(tmp_path, copied_from=begun) as made:
        yield made


def test_migrating_step_by_step_leaves_every_trigger_in_place(empty: Database) -> None:
    empty.in_own_process(step_by_step)


def test_migrating_backwards_and_forwards_leaves_every_trigger_in_place(
    database: Database,
) -> None:
    database.in_own_process(backwards_and_forwards)


FIELD = "migrations.AddField('{model}', 'extra', models.CharField(max_length=9, null=True))"
REBUILDS = {
    "a new column and a new rule for transfers": [
        FIELD.format(model="transfer"),
        "migrations.AddConstraint('transfer', models.CheckConstraint("
        "name='transfer_extra', condition=models.Q(amount_ore__gt=0)))",
    ],
    "tables that the triggers mention": [
        "migrations.AddConstraint('account', models.CheckConstraint("
        "name='account_extra', condition=models.Q(id__gt=0)))",
        "migrations.AlterField('fund', 'collection_number', models.CharField(max_length=12, unique=True))",
        "migrations.AlterField('need', 'reason', models.CharField(max_length=400))",
        "migrations.AlterField('payment', 'message', models.CharField(max_length=400, blank=True))",
        "migrations.AddConstraint('fundyear', models.CheckConstraint("
        "name='fund_year_extra', condition=models.Q(id__gt=0)))",
        "migrations.AlterField('collectionyear', 'name', models.CharField(max_length=30, unique=True))",
        "migrations.AddConstraint('surplusclause', models.CheckConstraint("
        "name='surplus_clause_extra', condition=models.Q(id__gt=0)))",
        "migrations.AddConstraint('dailytotal', models.CheckConstraint("
        "name='daily_total_extra', condition=models.Q(slot__gte=0)))",
    ],
}


@pytest.mark.parametrize("operations", REBUILDS.values(), ids=REBUILDS)
def test_a_migration_that_rebuilds_what_triggers_mention_loses_none(
    database: Database, operations: list[str]
) -> None:
    database.add_migrations(later_1=f"operations = [{', '.join(operations)}]")
    database.in_own_process(rebuilt_and_back)


FAILS = """
def fail(apps, schema_editor):
    raise RuntimeError("half-way")

def read(apps, schema_editor):
    assert apps.get_model("donations", "Transfer").objects.exists()
"""


@pytest.mark.parametrize("atomic", [True, False], ids=["rolled back", "left half done"])
def test_after_a_migration_that_failed_half_way_the_books_are_guarded(
    database: Database, atomic: bool
) -> None:
    database.add_migrations(
        later_1=f"operations = [{REBUILDS['a new column and a new rule for transfers'][1]}]",
        later_2=f"{FAILS}\natomic = {atomic}\noperations = [{FIELD.format(model='transfer')},"
        " migrations.RunPython(read), migrations.RunPython(fail)]",
    )
    done = database.manage("migrate")
    assert done.returncode != 0
    assert "RuntimeError: half-way" in done.stderr
    database.in_own_process(is_whole_by_the_check)


WRITES = """
def write(apps, schema_editor):
    # While a table is being rebuilt SQLite's triggers are away: nothing counts what is written.
    columns = "kind, debit_id, credit_id, amount_ore, covered_ore, booked_on, reason, by_id, created_at"
    schema_editor.execute(
        f"INSERT INTO donations_transfer ({columns}) SELECT {columns} FROM donations_transfer"
        " WHERE kind = 'gift' AND reverses_id IS NULL"
    )
"""


@pytest.mark.parametrize("then", ["", "fails"])
def test_what_a_migration_writes_is_counted_also_when_the_next_one_fails(
    database: Database, then: str
) -> None:
    migrations = {"later_1": f"{WRITES}\noperations = [migrations.RunPython(write)]"}
    if then:
        migrations["later_2"] = f"{FAILS}\noperations = [migrations.RunPython(fail)]"
    database.add_migrations(**migrations)
    assert (database.manage("migrate").returncode != 0) == bool(then)
    database.in_own_process(is_whole_by_the_ledger)


def test_a_dropped_trigger_fails_the_commands_until_migrate_has_run(database: Database) -> None:
    name = "transfer_ledger" if connection.vendor == "sqlite" else "transfer_1_totals"
    on = "" if connection.vendor == "sqlite" else " ON donations_transfer"
    code = (
        "import django; django.setup(); from django.db import connection;"
        f" connection.cursor().execute('DROP TRIGGER {name}{on}')"
    )
    assert database.run("-c", code).returncode == 0
    verified = database.manage("verify_ledger")
    assert (verified.returncode, verified.stdout) == (1, "")
    assert f"trigger {name} on donations_transfer is missing" in verified.stderr
    checked = database.manage("check", "--database", "default")
    assert checked.returncode == 1
    assert f"trigger {name} on donations_transfer is missing" in checked.stderr
    mended = database.manage("migrate", "--verbosity", "2")
    assert f"Mended: trigger {name} on donations_transfer is missing" in mended.stdout
    database.in_own_process(is_whole_by_the_ledger)
