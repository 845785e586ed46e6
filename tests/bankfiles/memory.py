"""How much memory a process has had, and work done in a process of its own so that it can be told."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def peak_mb() -> int:
    """The most that this process has had.

    Linux lets a process that was started from a large one inherit that one's `ru_maxrss`; what its own
    memory came to stands in /proc.
    """
    status = Path("/proc/self/status")
    if status.exists():
        words = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(words.split()[1]) // 1024
    kilo = 1024 if sys.platform == "darwin" else 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * kilo)


def apart(module: str, *arguments: object, **environment: str) -> Any:
    """Run a module in a process of its own; what it prints last, as JSON. Raises when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    if done.returncode:
        raise RuntimeError(f"{module} {arguments[:1]} failed:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
