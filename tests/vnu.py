"""`python -m tests.vnu FOLDER`: what the Nu HTML checker says of every kind of public page.

By hand: the checker wants Java and `npm install vnu-jar` in FOLDER. Serves the
same pages as the screenshots, and prints nothing but findings.
"""

import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tests.screenshots import PAGES, demo_site


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    jar = next(Path(sys.argv[1]).glob("node_modules/vnu-jar/**/vnu.jar"), None)
    if jar is None:
        sys.exit(f"No checker in {sys.argv[1]}: npm install --prefix {sys.argv[1]} vnu-jar")
    with demo_site("--edges") as home, tempfile.TemporaryDirectory() as folder:
        sys.exit(check(home, jar, Path(folder)))


def check(home: str, jar: Path, folder: Path) -> int:
    """Fetch every page into the folder and check them all; give the checker's exit code."""
    files = []
    for name, path in PAGES.items():
        file = folder / f"{name}.html"
        file.write_bytes(fetch(home + path))
        files.append(str(file))
    return subprocess.run(["java", "-Xss4m", "-jar", jar, "--stdout", *files]).returncode


def fetch(url: str) -> bytes:
    """The page's bytes, also of one that says that something is wrong."""
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own server
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()


if __name__ == "__main__":
    main()
