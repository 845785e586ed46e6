"""`make soak`: the tests that draw at random, with other seeds and for longer than `make test` can wait.

`make soak ARGS=20` runs twenty rounds of 200 random books, and of everything that runs many threads,
on each database, and shares 100 000 random surpluses in each. Each round draws from seeds that no
earlier one had. The books go through the state machine for longer, bank files are changed at random
20 000 times and imports killed 200 times, and every figure of 200 funds is looked at wherever it is
shown; on PostgreSQL 16 people do 10 000 things at once and 200 processes are killed in each round;
last, every planted mistake has to be found.
"""

import os
import subprocess
import sys
import time
from contextlib import nullcontext

from tests import postgres

TESTS = [
    "tests/test_random_books.py",
    "tests/test_concurrency.py",
    "tests/test_allocation.py",
    "tests/test_books_machine.py",
    "tests/test_campaign.py",
    "tests/test_killed.py",
    "tests/test_import_killed.py",
    "tests/test_import_mutated.py",
    "tests/test_mutated_camt.py",
    "tests/test_mutated_flat.py",
    "tests/test_one_figure.py",
]
# What the longest of them do in each round; see the variables of the same names in the tests.
LONG = {
    "KOLLEKT_BOOKS": "200",
    "KOLLEKT_EXAMPLES": "300",
    "KOLLEKT_STEPS": "80",
    "KOLLEKT_OPERATIONS": "10000",
    "KOLLEKT_KILLS": "200",
    "KOLLEKT_MUTATIONS": "20000",
    "KOLLEKT_WHOLE": "1",
}
SHARINGS = 100_000
ROUNDS = 5


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    programs = postgres.find_programs()
    if programs is None:
        sys.exit("The soak needs PostgreSQL: apt install postgresql")
    failed = 0
    for name, database in (
        ("SQLite", nullcontext("")),
        ("PostgreSQL", postgres.server(programs[0])),
    ):
        with database as url:
            for number in range(1, rounds + 1):
                failed += run_round(name, url, number)
            environment = os.environ | {"DATABASE_URL": url}
            planted = subprocess.run([sys.executable, "-m", "tests.planted"], env=environment)
            failed += planted.returncode
    sys.exit(1 if failed else 0)


def run_round(name: str, database_url: str, number: int) -> int:
    """One round; give 1 when anything failed."""
    environment = (
        os.environ
        | LONG
        | {
            "DATABASE_URL": database_url,
            "KOLLEKT_SEED": str(number * 1000),
            "KOLLEKT_CASES": str(SHARINGS),
        }
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", *TESTS],
        env=environment,
        capture_output=True,
        text=True,
    )
    last = done.stdout.strip().splitlines()[-1]
    print(f"{name}, round {number}: {last} ({time.monotonic() - started:.0f} s)", flush=True)
    if done.returncode:
        print(done.stdout)
    return int(done.returncode != 0)


if __name__ == "__main__":
    main()
