"""Everything a deployment decides, read from the environment.

With no variable set this is a development machine: database and uploads in var/, a secret made on
the first run. KOLLEKT_ENV=production demands what a public server cannot do without.
"""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import local
from config.countries import SWEDISH_NAMES

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

KOLLEKT_ENV = env.str("KOLLEKT_ENV", default="development")
if KOLLEKT_ENV not in ("development", "production"):
    raise ImproperlyConfigured(
        f"KOLLEKT_ENV is {KOLLEKT_ENV!r}. Set it to 'production' on a server,"
        " or to 'development' (or nothing) on your own machine."
    )
PRODUCTION = KOLLEKT_ENV == "production"
DEBUG = env.bool("KOLLEKT_DEBUG", default=False)
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured(
        "KOLLEKT_DEBUG is set. In production it would show anybody who meets an error what the server"
        " had in hand, donors' names too. Take it away, and read the log instead."
    )

# Everything that a running Kollekt writes to disk.
VAR_DIR = Path(env.str("KOLLEKT_VAR", default=str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it to a long random string that you keep to yourself, for"
            " example what this prints:"
            " python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    SECRET_KEY = local.secret_key(VAR_DIR / "secret_key")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if not ALLOWED_HOSTS:
    if PRODUCTION:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS is not set. Set it to the names the site is reached by, with commas"
            " between, for example ALLOWED_HOSTS=gava.example.org,www.gava.example.org"
        )
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


# Database

DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASE: dict[str, Any] = (
    env.db_url("DATABASE_URL")
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "kollekt.sqlite3")}
)
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    DATABASE["OPTIONS"] = {
        # Take the write lock when a transaction begins: one that reads first and then wants to
        # write is refused at once when somebody else has written, however long it would wait.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # synchronous: a gift that was said to be booked survives a power cut.
        # secure_delete: what is deleted is written over; an erased story is not left in free pages.
        # recursive_triggers: INSERT OR REPLACE fires the triggers of the row it deletes.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
            " PRAGMA secure_delete=ON;"
        ),
    }
elif DATABASE["ENGINE"] == "django.db.backends.postgresql":
    DATABASE["CONN_HEALTH_CHECKS"] = True
    # Behind PgBouncer in transaction mode a cursor does not outlive its transaction.
    DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("KOLLEKT_PGBOUNCER", default=False)
    # The most connections one server process keeps open; 0 opens one for each request instead.
    pool_size = env.int("KOLLEKT_DB_POOL_SIZE", default=8)
    if pool_size:
        DATABASE.setdefault("OPTIONS", {})["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": 10,
        }
else:
    raise ImproperlyConfigured(
        "DATABASE_URL must begin with postgres:// (or sqlite:///). A #, @ or / inside the password"
        " is written %23, %40, %2F."
    )
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# Application

INSTALLED_APPS = [
    # First, so that their migrate and flush are the ones that run.
    "triggers",
    "donations",
    "projects",
    "staff",
    "staff.desk.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_countries",
    "markdownx",
    "simple_history",
]

MIDDLEWARE = [
    "config.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "staff.audit.AuditMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "staff.activity.ActivityMiddleware",
    "config.errors.MethodNotAllowedMiddleware",
    "staff.access.AccessMiddleware",
    "config.middleware.ImpossibleValueMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "projects.context.site",
            ],
        },
    },
]

# Forms' templates are found beside all others, ours before the libraries'.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

AUTH_USER_MODEL = "staff.User"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["staff.backends.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
# A working day; the session ends with the browser as well.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

ACCOUNT_ADAPTER = "staff.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
# Attempts to sign in are counted by staff.attempts; allauth's own counts, bound to an address or
# to an account alone, would let one person lock another.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": None,
    "reset_password": "20/m/ip",
}

MFA_ADAPTER = "staff.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Kollekt"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "activate_totp": "staff.forms.ActivateForm",
    "authenticate": "staff.forms.AuthenticateForm",
    "reauthenticate": "staff.forms.ReauthenticateForm",
}
# Chromium and Firefox allow keys on http://localhost as well; a browser allows no other clear text.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION

USERSESSIONS_TRACK_ACTIVITY = True
# How long it is known from which address something was done.
ORIGIN_DAYS = env.int("KOLLEKT_ORIGIN_DAYS", default=90)

# Counts of attempts and used codes must be the same for every process, and outlive them all.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "staff_cache",
        # When it is full a third goes, lock-outs too: more than anyone can fill while one lasts.
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}
# How far long work has come: to be written while that work holds the database, and read by every process.
# SQLite lets in one writer at a time; there the machine is one, and its disk will do.
CACHES["work"] = (
    {**CACHES["default"], "KEY_PREFIX": "work"}
    if DATABASE["ENGINE"] == "django.db.backends.postgresql"
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR_DIR / "work",
    }
)

# No larger file is taken in; the first handler stops it while it comes.
MAX_UPLOAD_BYTES = 500 * 2**20
FILE_UPLOAD_HANDLERS = [
    "config.uploads.CapHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# A bank file of more bytes is read and booked beside the request that asks for it.
LARGE_BANK_FILE = env.int("KOLLEKT_LARGE_BANK_FILE", default=2_000_000)

# A long page in the admin is one form: a dozen fields for each of its rows.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000


# Language and time

LANGUAGE_CODE = "sv"
LANGUAGES = [("sv", "svenska")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Stockholm"
USE_I18N = True
COUNTRIES_OVERRIDE = SWEDISH_NAMES
USE_TZ = True
USE_THOUSAND_SEPARATOR = False  # Amounts are printed by donations.money, and years have no space.


# Files

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "media/"
MEDIA_ROOT = VAR_DIR / "media"
# In production the proxy (or the object storage) answers for uploads.
SERVE_MEDIA = env.bool("SERVE_MEDIA", default=not PRODUCTION)
# Uploads in object storage, for more machines than one: a bucket of its own that is not public.
# Its addresses stay /media/…, on our own host: a page asks no other for anything.
S3_BUCKET = env.str("S3_BUCKET", default="")
MEDIA_STORAGE: dict[str, Any] = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
if S3_BUCKET:
    MEDIA_STORAGE = {
        "BACKEND": "config.storage.Bucket",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.str("S3_ENDPOINT_URL", default=None),
            "region_name": env.str("S3_REGION", default=None),
            # The key is read by boto3 itself: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or the machine's role.
            "default_acl": None,
            "file_overwrite": False,
        },
    }
# Files from banks, as they came: they name donors, no address leads to them, and they have a place of
# their own. Without one in S3_BANK_FILES_BUCKET they lie here, also where pictures are in a bucket.
BANK_FILES_STORAGE: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": VAR_DIR / "bank-files",
        "base_url": None,
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
if S3_BANK_FILES_BUCKET := env.str("S3_BANK_FILES_BUCKET", default=""):
    BANK_FILES_STORAGE = {
        "BACKEND": "config.storage.Bucket",
        "OPTIONS": {
            **MEDIA_STORAGE.get("OPTIONS", {}),
            "bucket_name": S3_BANK_FILES_BUCKET,
        },
    }
STORAGES = {
    "default": MEDIA_STORAGE,
    "bank_files": BANK_FILES_STORAGE,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}


# Security

# Off only for a rehearsal of production on one machine: everything then goes in clear text.
HTTPS = env.bool("KOLLEKT_HTTPS", default=PRODUCTION)
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Only behind a proxy that always sets X-Forwarded-Proto and X-Real-IP itself: otherwise any visitor can.
BEHIND_PROXY = env.bool("KOLLEKT_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
    },
}

PERMISSIONS_POLICY: dict[str, list[str]] = {
    "accelerometer": [],
    "autoplay": [],
    "browsing-topics": [],
    "camera": [],
    "display-capture": [],
    "encrypted-media": [],
    "fullscreen": ["self"],
    "geolocation": [],
    "gyroscope": [],
    "magnetometer": [],
    "microphone": [],
    "midi": [],
    "payment": [],
    "usb": [],
}


# Mail and log

# One URL gives all of Django's EMAIL_… settings; without it a development machine prints its mail.
globals().update(
    env.email_url(
        "EMAIL_URL", default="smtp://localhost:25" if PRODUCTION else "consolemail://localhost"
    )
)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Kollekt <kollekt@localhost>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.logs.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        # An address that does not exist is the visitor's mistake, not a warning about the site.
        "django.request": {"level": "ERROR"},
    },
}


# Kollekt

COLLECTION_NUMBER_DIGITS = 5

# The history of a row is there to read; it is mended by a new change.
SIMPLE_HISTORY_REVERT_DISABLED = True
