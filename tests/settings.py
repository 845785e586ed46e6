"""The settings under test, changed only where a test run must not leave traces or be slow."""

import atexit
import shutil
import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import DATABASES, STORAGES, VAR_DIR

TEST_DIR = VAR_DIR / "test"
TEST_DIR.mkdir(exist_ok=True)

# A file, not memory: the live server's threads have connections of their own.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test_kollekt.sqlite3")}
    # Nothing in it has to survive a power cut. What is deployed waits for the disk.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    # A test's threads each want a connection of their own, and none left when it ends.
    DATABASES["default"]["OPTIONS"].pop("pool", None)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

MEDIA_ROOT = Path(tempfile.mkdtemp(prefix="media-", dir=TEST_DIR))
atexit.register(shutil.rmtree, MEDIA_ROOT, ignore_errors=True)

BANK_FILES = Path(tempfile.mkdtemp(prefix="bank-files-", dir=TEST_DIR))
STORAGES["bank_files"]["OPTIONS"]["location"] = BANK_FILES
atexit.register(shutil.rmtree, BANK_FILES, ignore_errors=True)

# The live server finds static files where they lie; nothing has been collected.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
