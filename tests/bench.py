"""`make bench`: what the books cost, as ratios to the same work without them.

Each database gets a place of its own (a file, a throw-away server), and every
comparison alternates its two sides in the same run: on a shared machine only
ratios within a run mean anything. `make bench ARGS=posting` measures one part alone.
"""

import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests import postgres

GIFTS = 100_000
ROUNDS = 5
WRITERS = 16
GIFTS_PER_WRITER = 60
LIMITS = {"postgresql": 2.0, "sqlite": 5.0}
# What can be measured; figures and bank files are in files of their own.
PARTS = ("posting", "figures", "bankfiles")


def main() -> None:
    """Measure on SQLite, and on PostgreSQL where its programs are found."""
    if "--measure" in sys.argv:
        sys.exit(measure(sys.argv[-1]))
    parts = sys.argv[1:] or PARTS
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"make bench measures {' and '.join(PARTS)}, not {' or '.join(sorted(unknown))}.")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    print(f"make bench, commit {commit or 'unknown'}, {os.cpu_count()} cores")
    failed = [run_measures("", part) for part in parts]
    programs = postgres.find_programs()
    if programs is None:
        sys.exit("PostgreSQL was not measured: apt install postgresql")
    with postgres.server(programs[0]) as url:
        failed += [run_measures(url, part) for part in parts]
    sys.exit(any(failed))


def run_measures(database_url: str, part: str) -> int:
    with tempfile.TemporaryDirectory(prefix="kollekt-bench-") as folder:
        environment = os.environ | {"KOLLEKT_VAR": folder, "DATABASE_URL": database_url}
        return subprocess.run(
            [sys.executable, "-m", "tests.bench", "--measure", part], env=environment
        ).returncode


def measure(part: str) -> int:
    """Measure a part on the database of the environment; give 1 when a limit is not kept."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()

    from django.core.management import call_command
    from django.db import connection

    print(f"\n{connection.vendor}, {part}", flush=True)
    if part == "figures":
        from tests import bench_figures

        return bench_figures.measure()
    if part == "bankfiles":
        from tests import bench_bank_files

        return bench_bank_files.measure()
    call_command("migrate", verbosity=0)
    kept = posting()
    if connection.vendor == "postgresql":
        writers()
    call_command("verify_ledger")
    return 0 if kept else 1


def posting() -> bool:
    """Post gifts in one call, against inserting the same rows with every trigger dropped."""
    from django.db import connection, transaction

    from donations import bulk, operations, totals
    from donations.models import Payment, Transfer
    from donations.operations import GiftIn
    from tests import cast
    from triggers import registry

    area = cast.area()
    funds = [cast.fund(str(47000 + i), cast.project(f"p{i}", area)) for i in range(100)]
    gifts = [
        GiftIn(
            fund=funds[i % 100],
            amount_ore=100_00 + i,
            bank_date=cast.NEW_YEAR + datetime.timedelta(days=i % 366),
            channel="bankgiro",
            payer_name="Påhittad Givare",
            message=funds[i % 100].collection_number,
        )
        for i in range(GIFTS)
    ]
    author, bank = cast.ester(), cast.bank()
    operations.post_gifts(gifts[:1000], bank=bank, by=author)
    written = list(Transfer.objects.values_list("debit_id", "credit_id", "covered_ore")[:1])
    debit, credit, _ = written[0]

    def post() -> None:
        operations.post_gifts(gifts, bank=bank, by=author)

    def bare() -> None:
        now = datetime.datetime.now(datetime.UTC)
        with transaction.atomic():
            payments = bulk.next_ids(Payment, GIFTS)
            bulk.insert(
                Payment,
                ["id", "bank_date", "channel", "payer_name", "message"],
                [
                    (pk, g.bank_date, g.channel, g.payer_name, g.message)
                    for pk, g in zip(payments, gifts, strict=True)
                ],
            )
            ids = bulk.next_ids(Transfer, GIFTS)
            bulk.insert(
                Transfer,
                [
                    *("id", "kind", "debit_id", "credit_id", "amount_ore", "covered_ore"),
                    *("booked_on", "payment_id", "reason", "by_id", "created_at"),
                ],
                [
                    (
                        pk,
                        "gift",
                        debit,
                        credit,
                        g.amount_ore,
                        0,
                        g.bank_date,
                        payment,
                        "",
                        author.pk,
                        now,
                    )
                    for pk, payment, g in zip(ids, payments, gifts, strict=True)
                ],
            )

    def without_triggers() -> float:
        there = registry.installed(connection)
        registry.drop(connection, there.values())
        took = timed(bare)
        with transaction.atomic():
            totals.rebuild(connection)
            registry.create(connection, there.values())
        return took

    timed(post)
    without_triggers()
    pairs = [(timed(post), without_triggers()) for _ in range(ROUNDS)]
    ratios = [ours / theirs for ours, theirs in pairs]
    ratio, limit = statistics.median(ratios), LIMITS[connection.vendor]
    name = "COPY" if connection.vendor == "postgresql" else "executemany"
    print(
        f"  {GIFTS} gifts in one call: median {statistics.median(p[0] for p in pairs):.2f} s,"
        f" the same {name} without triggers {statistics.median(p[1] for p in pairs):.2f} s"
    )
    print(
        f"  ratio {ratio:.2f} (rounds {', '.join(f'{r:.2f}' for r in ratios)}); limit {limit:.0f}:"
        f" {'kept' if ratio <= limit else 'NOT KEPT'}"
    )
    return ratio <= limit


def writers() -> None:
    """Sixteen threads give to sixteen funds through one bank account on one day."""
    from django.db import connection

    from donations import operations
    from donations.models import Fund
    from donations.operations import GiftIn
    from tests import cast

    funds = list(Fund.objects.all()[:WRITERS])
    author, bank = cast.ester(), cast.bank()
    errors: list[BaseException] = []

    def give(fund: Fund) -> None:
        try:
            for _ in range(GIFTS_PER_WRITER):
                gift = GiftIn(fund=fund, amount_ore=1_00, bank_date=cast.MIDSUMMER, channel="swish")
                operations.post_gifts([gift], bank=bank, by=author)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=[fund]) for fund in funds]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    took = timed(run)
    print(
        f"  {WRITERS} writers on one bank's one day: {WRITERS * GIFTS_PER_WRITER / took:.0f}"
        f" gifts a second, {len(errors)} errors"
    )
    if errors:
        raise errors[0]


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
