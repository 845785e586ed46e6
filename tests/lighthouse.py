"""`python -m tests.lighthouse FOLDER`: Lighthouse's four marks, the median of three runs, and weights.

By hand: wants Node, Chromium and `npm install lighthouse@12` in FOLDER. Serves
the demo on its own. Lighthouse plays a slow phone on a slow network.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import chromium
from tests.screenshots import PAGES, demo_site

RUNS = 3
TRIES = 3
AT_LEAST = 98
SHOWN = ["start", "fokusomrade", "projekt", "projektlista"]
CATEGORIES = ["performance", "accessibility", "best-practices", "seo"]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = Path(sys.argv[1], "node_modules", ".bin", "lighthouse")
    if not program.exists():
        sys.exit(
            f"No Lighthouse in {sys.argv[1]}: npm install --prefix {sys.argv[1]} lighthouse@12"
        )
    with demo_site() as home:
        sys.exit(measure(home, program))


def measure(home: str, program: Path) -> int:
    """Print marks, weights and what is short of full marks; give 1 when a median is below AT_LEAST."""
    short = False
    for name in SHOWN:
        runs = [run(home + PAGES[name], program) for _ in range(RUNS)]
        marks = {
            category: statistics.median(
                round(100 * (found["categories"][category]["score"] or 0)) for found in runs
            )
            for category in CATEGORIES
        }
        short |= min(marks.values()) < AT_LEAST
        print(name, marks, weights(runs[-1]), flush=True)
        for line in remarks(runs[-1]):
            print("   ", line)
    return int(short)


def run(url: str, program: Path) -> dict[str, Any]:
    flags = "--headless --no-sandbox " + " ".join(
        flag for flag in chromium.FLAGS if " " not in flag
    )
    command = [
        *(str(program), url, "--output=json", "--quiet", f"--chrome-flags={flags}"),
        f"--only-categories={','.join(CATEGORIES)}",
    ]
    environment = os.environ | {"CHROME_PATH": str(chromium.find())}
    for _ in range(TRIES):  # now and then it loses its own recording, and asks to be run again
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE)
        if done.returncode == 0:
            return json.loads(done.stdout)
    sys.exit(f"Lighthouse could not measure {url}")


def weights(found: dict[str, Any]) -> dict[str, int]:
    """Bytes over the network by kind, and the layout shift."""
    items = found["audits"]["network-requests"]["details"]["items"]
    kinds: dict[str, int] = {}
    for item in items:
        kind = item.get("resourceType", "Other")
        kinds[kind] = kinds.get(kind, 0) + item["transferSize"]
    return kinds | {"shift": found["audits"]["cumulative-layout-shift"]["numericValue"]}


def remarks(found: dict[str, Any]) -> list[str]:
    """Audits short of full marks, with what they say."""
    return [
        f"{audit['id']}: {audit['score']} {audit.get('displayValue', '')}"
        for audit in found["audits"].values()
        if audit["score"] is not None and audit["score"] < 1
    ]


if __name__ == "__main__":
    main()
