"""`make bench ARGS=bankfiles`: what reading and importing bank files cost, beside work that does less.

Files of a million invented gifts (`KOLLEKT_GIFTS` for fewer) are read by turns with plain walks over the
same bytes, `KOLLEKT_ROUNDS` times, three by default. On PostgreSQL the same gifts are imported by the
command, copied into tables with the same keys and indexes, and created through the ORM. Each piece of
work has a process of its own, so that its memory can be told (without that of the second process that
reads for an import, some 30 MB for a file of any size); every limit is the median of the rounds'
ratios of gifts a second.
"""

import datetime
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.bankfiles import bare_bgmax, camt_work
from tests.bankfiles.memory import apart, peak_mb

if TYPE_CHECKING:
    from donations.bankfiles.records import Line

GIFTS = int(os.environ.get("KOLLEKT_GIFTS", "1000000"))
ROUNDS = int(os.environ.get("KOLLEKT_ROUNDS", "3"))
# Spread over the days of a month.
DAYS = 28
BATCH = 5_000
# The least that ours may come to of the other's pace.
CAMT, BGMAX, COPY, BULK_CREATE = 0.5, 0.25, 0.5, 3.0
# How much more memory ten times the gifts may take, and the most that may be taken.
FLAT, MEMORY_MB = 1.1, 200
PIECE = 1 << 20
ALONE = 20_000  # lines that are matched and told apart by themselves

# What a piece of work came to: gifts a second, and the most memory in MB.
Told = dict[str, float]


def measure() -> int:
    """Read on SQLite's turn, import on PostgreSQL's; give 1 when a limit is not kept."""
    from django.db import connection

    kept = importing() if connection.vendor == "postgresql" else reading()
    return 0 if kept else 1


# Reading


def reading() -> bool:
    """Read each kind of file, by turns with a walk that makes nothing of it."""
    kept, path = [], folder() / "gifts"
    for name, shape, theirs, limit in (
        ("camt.054 version 02", "02", "lxml iterparse", CAMT),
        ("camt.054 version 08", "08", "lxml iterparse", CAMT),
        ("BgMax", "bgmax", "a bare loop", BGMAX),
    ):
        write(path, GIFTS // 10, shape)
        few = work("read", path)
        if shape == "08":
            alone = work("match", path)
            print(
                f"  a million lines: {alone['match']:.1f} s to match, {alone['keys']:.1f} s of keys"
            )
        write(path, GIFTS, shape)
        print(f"  {name}, {GIFTS} gifts, {path.stat().st_size >> 20} MB", flush=True)
        rounds = [(work("read", path), work("plain", path, shape)) for _ in range(ROUNDS)]
        kept += [
            told("reading", theirs, limit, rounds),
            flat(few, [ours for ours, _ in rounds]),
        ]
    path.unlink()
    return all(kept)


def write(
    path: Path, gifts: int, shape: str, *, day: datetime.date = camt_work.DAY, days: int = 1
) -> None:
    if shape == "bgmax":
        with path.open("wb") as stream:
            bare_bgmax.write_gifts(gifts, stream, day=day, days=days)
    else:
        camt_work.write(path, gifts, shape, day=day, days=days)


def read(path: Path) -> Told:
    # Of the processor's time: reading waits for nothing, and other work on the machine is left out.
    return paced(lambda: camt_work.reading(path), time.process_time)


def plain(path: Path, shape: str) -> Told:
    """The walk that makes nothing of the file."""
    if shape != "bgmax":
        return paced(lambda: camt_work.plain_walk(path, shape), time.process_time)
    with path.open("rb") as stream:
        return paced(lambda: bare_bgmax.bare_loop(stream), time.process_time)


def match(path: Path) -> Told:
    """Seconds that a million lines would take to be matched, and to be told from all others."""
    from donations.bankfiles.identity import Keys
    from donations.bankfiles.matching import Collection, Register
    from donations.bankfiles.matching import match as fund_of

    register = Register([Collection(number, at) for at, number in enumerate(camt_work.NUMBERS)])
    lines, keys = some_lines(path, ALONE), Keys({})
    assert all(fund_of(line, register).parts for line in lines)

    def matched() -> int:
        return len([fund_of(line, register) for line in lines])

    def told_apart() -> int:
        return len({keys.identity(line).key for line in lines})

    took = {
        "match": paced(matched, time.process_time),
        "keys": paced(told_apart, time.process_time),
    }
    return {name: 1e6 / one["pace"] for name, one in took.items()}


def some_lines(path: Path, count: int) -> "list[Line]":
    from donations.bankfiles.recognise import recognise

    with path.open("rb") as stream:
        return list(islice(recognise(stream).lines(), count))


def told(ours: str, theirs: str, limit: float, rounds: list[tuple[Told, Told]]) -> bool:
    """Print a row of paces; whether the limit is kept."""
    ratios = [mine["pace"] / other["pace"] for mine, other in rounds]
    mine, other = (
        statistics.median(one["pace"] for one in side) for side in zip(*rounds, strict=True)
    )
    ratio = statistics.median(ratios)
    print(
        f"    {ours} {mine:,.0f}/s, {theirs} {other:,.0f}/s: ratio {ratio:.2f}"
        f" (rounds {', '.join(f'{one:.2f}' for one in ratios)}); limit {limit}:"
        f" {'kept' if ratio >= limit else 'NOT KEPT'}",
        flush=True,
    )
    return ratio >= limit


def flat(few: Told, many: list[Told]) -> bool:
    """Print the memory that a tenth and the whole took; whether it stays."""
    most = max(one["mb"] for one in many)
    kept = most <= few["mb"] * FLAT and most < MEMORY_MB
    print(
        f"    at most {few['mb']} MB for {GIFTS // 10} gifts, {most} MB for {GIFTS};"
        f" limit {FLAT} times and {MEMORY_MB} MB: {'kept' if kept else 'NOT KEPT'}",
        flush=True,
    )
    return kept


# Importing


def importing() -> bool:
    """Import into fresh copies of one database, by turns with COPY and `bulk_create` of the same rows."""
    fresh("base", template="template0")
    work("prepare", database="base")
    return all([import_a("camt.054 version 08", "08"), import_a("BgMax", "bgmax")])


def import_a(name: str, shape: str) -> bool:
    path = folder() / "gifts"
    write(path, GIFTS // 10, shape, day=first_day(), days=DAYS)
    few = import_anew(path, "ours")
    write(path, GIFTS, shape, day=first_day(), days=DAYS)
    import_anew(path, "filled")
    work("dump", database="filled")
    ours, copied, created = [], [], []
    for _ in range(ROUNDS):
        ours.append(import_anew(path, "ours"))
        drop("ours")
        copied.append(work("copy", database="filled"))
        fresh("theirs")
        created.append(work("bulk_create", path, database="theirs"))
        drop("theirs")
    print(f"  {name}, {GIFTS} gifts, {path.stat().st_size >> 20} MB", flush=True)
    path.unlink()
    return all(
        [
            told("import", "COPY", COPY, list(zip(ours, copied, strict=True))),
            told("import", "bulk_create", BULK_CREATE, list(zip(ours, created, strict=True))),
            flat(few, ours),
        ]
    )


def import_anew(path: Path, database: str) -> Told:
    fresh(database)
    return work("import", path, database=database)


def first_day() -> datetime.date:
    """The first of the month before this one."""
    today = datetime.datetime.now().astimezone().date()
    return (today.replace(day=1) - datetime.timedelta(days=1)).replace(day=1)


def fresh(name: str, template: str = "base") -> None:
    """Make the database anew, as the template is."""
    from django.db import connection

    drop(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


def drop(name: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")


def prepare() -> Told:
    """An account of ours, a hundred funds, and their years."""
    from django.core.management import call_command

    from donations import operations
    from donations.models import AccountNumber
    from tests import cast

    call_command("migrate", verbosity=0)
    area, bank = cast.area(), cast.bank()
    for scheme, digits in (("bban", "54401234567"), ("bankgiro", "9912346")):
        AccountNumber.objects.create(account=bank, scheme=scheme, digits=digits)
    for number in camt_work.NUMBERS:
        fund = cast.fund(number, cast.project(f"p{number}", area))
        operations.account(cast.fund_year(fund, day=first_day()))
    return {}


def import_(path: Path) -> Told:
    """The product's own command, from the file on disk to books that are closed."""
    from django.core.management import call_command

    from donations.models import BankFile

    out = io.StringIO()

    def run() -> int:
        call_command("import_bank_file", str(path), json=True, stdout=out)
        return int(json.loads(out.getvalue())["matched"])

    took = paced(run)
    for one in BankFile.objects.all():
        one.file.delete(save=False)
    return took


def dump() -> Told:
    """Write the rows of an import to files, as COPY reads them."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in TABLES:
            with (
                (folder() / table).open("wb") as file,
                cursor.copy(f"COPY {table} TO STDOUT") as rows,
            ):
                for piece in rows:
                    file.write(piece)
        cursor.execute("VACUUM ANALYZE")
    return {}


TABLES = ("donations_payment", "donations_transfer")


def copy() -> Told:
    """COPY of the same rows into empty tables with the same columns, keys, indexes and foreign keys."""
    from django.db import connection, transaction

    def run() -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            for table in TABLES:
                with (
                    (folder() / table).open("rb") as file,
                    cursor.copy(f"COPY copy_{table} FROM STDIN") as rows,
                ):
                    while piece := file.read(PIECE):
                        rows.write(piece)
            return int(cursor.rowcount)

    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS copy_{table} CASCADE")
        for table in TABLES:
            cursor.execute(f"CREATE TABLE copy_{table} (LIKE {table} INCLUDING ALL)")
        for table in TABLES:
            cursor.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE contype = 'f' AND conrelid = %s::regclass",
                [table],
            )
            for (told,) in cursor.fetchall():
                for referred in TABLES:
                    told = told.replace(f"REFERENCES {referred}(", f"REFERENCES copy_{referred}(")
                cursor.execute(f"ALTER TABLE copy_{table} ADD {told}")
    return paced(run)


def bulk_create(path: Path) -> Told:
    """The ORM's way into the real tables, with their triggers, for a tenth of the gifts: values to rows.

    The values are there beforehand; the objects that hold them are what the ORM asks for.
    """
    from django.db import transaction

    from donations.models import Payment, Transfer

    values = list(prepared(path))

    def run() -> int:
        payments = [Payment(**payment) for payment, _transfer in values]
        transfers = [
            Transfer(payment=payment, **transfer)
            for payment, (_payment, transfer) in zip(payments, values, strict=True)
        ]
        with transaction.atomic():
            Payment.objects.bulk_create(payments, batch_size=BATCH)
            Transfer.objects.bulk_create(transfers, batch_size=BATCH)
        return len(transfers)

    return paced(run)


def prepared(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What an import would write: the values of each payment, and of its transfer."""
    from django.utils import timezone

    from donations import operations, recall
    from donations.bankfiles.identity import Keys
    from donations.bankfiles.matching import match as fund_of
    from donations.models import BankFile, FundYear
    from tests import cast

    now, author, bank, register = timezone.now(), cast.ester(), cast.bank(), recall.register()
    bank_file = BankFile.objects.create(
        name="gifts", digest="0" * 64, size=1, received_at=now, confirmed_at=now, by=author
    )
    accounts = {year.fund_id: operations.account(year) for year in FundYear.objects.all()}
    keys = Keys({})
    for line in some_lines(path, GIFTS // 10):
        told = keys.identity(line)
        payment = {
            "bank_date": line.booked_on,
            "channel": line.channel,
            "payer_name": line.payer.name,
            "payer_account": line.payer.account,
            "payer_identity": line.payer.identity,
            "message": "\n".join(one.text for one in line.references),
            "account": bank,
            "file": bank_file,
            "key": told.key,
            "money_digest": told.money,
            "content_digest": told.content,
            "deposit": line.deposit,
        }
        transfer = {
            "kind": "gift",
            "debit": bank,
            "credit": accounts[fund_of(line, register).parts[0].fund],
            "amount_ore": line.amount_ore,
            "covered_ore": line.amount_ore,
            "booked_on": line.booked_on,
            "by": author,
            "created_at": now,
        }
        yield payment, transfer


# A process for each piece of work


def paced(run: Callable[[], int], clock: Callable[[], float] = time.perf_counter) -> Told:
    """Do the work, which gives the number of gifts: their pace, and the process's memory."""
    started = clock()
    gifts = run()
    return {"pace": gifts / (clock() - started), "mb": peak_mb()}


def folder() -> Path:
    """Where files are written: as large as a million gifts are."""
    return Path(os.environ["KOLLEKT_VAR"])


def work(name: str, *arguments: object, database: str = "") -> Told:
    """Do a piece of work in a process and, where one is named, on a database of its own."""
    environment = {}
    if database:
        environment["DATABASE_URL"] = (
            urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()
        )
    told: Told = apart("tests.bench_bank_files", name, *arguments, **environment)
    return told


WORKS: dict[str, Callable[..., Told]] = {
    "read": read,
    "plain": plain,
    "match": match,
    "prepare": prepare,
    "import": import_,
    "dump": dump,
    "copy": copy,
    "bulk_create": bulk_create,
}


def main(name: str, *arguments: str) -> None:
    if name not in ("read", "plain", "match"):
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        django.setup()
    paths = [Path(one) if os.sep in one else one for one in arguments]
    print(json.dumps(WORKS[name](*paths)))


if __name__ == "__main__":
    main(*sys.argv[1:])
