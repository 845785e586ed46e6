"""The permission matrix: who is let in where. Read off the URL resolver and the code, never written by hand.

`manage.py write_permissions` puts it into docs/permissions.md; tests/test_permissions.py sends every
request in it, as everybody in it.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import Model
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from staff.access import Door, Rule, model_admin_of, model_allows, model_page, rule_of
from staff.models import Event, User
from staff.roles import PERMISSIONS, PURPOSE, Role

METHODS = ("GET", "POST")

VISITOR = "Besökare"
HALF_WAY = "Bara lösenord"
NO_ROLE = "Utan roll"
EVERYBODY = [VISITOR, HALF_WAY, NO_ROLE, *(role.value for role in Role)]


class Answer(StrEnum):
    """What somebody gets from an address."""

    YES = "ja"
    SOMETIMES = "ibland"  # it hangs on the thing that the page is about
    NO = "nej"
    SIGN_IN = "logga in"
    SECOND_FACTOR = "andra steget"
    NOT_A_METHOD = "–"


@dataclass(frozen=True)
class Row:
    """One address and one method, with everybody's answer."""

    match: ResolverMatch
    method: str
    answers: dict[str, Answer]

    @property
    def address(self) -> str:
        return f"/{self.match.route}"


def matrix() -> list[Row]:
    """Every address that the resolver knows, in its order, with GET and POST.

    Raises `ImproperlyConfigured` for one that nobody has written a rule for.
    """
    return [
        Row(match, method, {who: _answer(match, rule, method, who) for who in EVERYBODY})
        for match, rule in _ruled()
        for method in METHODS
    ]


def without_rule() -> list[str]:
    """The addresses that nobody has written a rule for, and so nobody reaches."""
    return [f"/{match.route}" for match in addresses() if rule_of(match) is None]


def addresses() -> Iterator[ResolverMatch]:
    """Every address as the resolver would find it, its arguments still open."""
    yield from _walk(get_resolver(), "", [])


def _ruled() -> Iterator[tuple[ResolverMatch, Rule]]:
    if missing := without_rule():
        raise ImproperlyConfigured(f"Nobody has said who may reach {', '.join(missing)}.")
    for match in addresses():
        rule = rule_of(match)
        assert rule
        yield match, rule


def _walk(
    resolver: URLResolver, before: str, namespaces: list[str | None]
) -> Iterator[ResolverMatch]:
    for pattern in resolver.url_patterns:
        route = before + _readable(pattern)
        if isinstance(pattern, URLResolver):
            inside = [pattern.namespace] if pattern.namespace else []
            yield from _walk(pattern, route, [*namespaces, *inside])
        else:
            yield ResolverMatch(
                pattern.callback, (), {}, pattern.name, namespaces=namespaces, route=route
            )


_GROUP = re.compile(r"\((\?P<(?P<name>\w+)>)?[^()]*\)")


def _readable(pattern: URLPattern | URLResolver) -> str:
    if isinstance(pattern.pattern, RegexPattern):
        named = _GROUP.sub(lambda group: f"<{group['name'] or 'text'}>", str(pattern.pattern))
        return named.strip("^$").replace("/?", "/")
    return str(pattern.pattern)


# Answers


def _answer(match: ResolverMatch, rule: Rule, method: str, who: str) -> Answer:
    if method not in rule.methods:
        return Answer.NOT_A_METHOD
    if rule.door is Door.OPEN:
        return Answer.YES
    if who == VISITOR:
        return Answer.SIGN_IN
    if rule.door is Door.HALF:
        return Answer.YES
    if who == HALF_WAY:
        return Answer.SECOND_FACTOR
    request = RequestFactory().get("/")
    request.user = stand_in(PERMISSIONS[Role(who)] if who != NO_ROLE else set())
    if match.view_name in _HANG_ON_WHAT_IS_ASKED:
        return Answer.SOMETIMES
    if rule.permission and not request.user.has_perm(rule.permission):
        return Answer.NO
    if do := rule.asked(method):
        model_admin = model_admin_of(match)
        assert model_admin
        return _allowed(model_admin, do, request, of_a_thing="<" in match.route)
    return Answer.YES


# Suggestions for any field of any form: each asks the ModelAdmin of what it suggests.
_HANG_ON_WHAT_IS_ASKED = {"admin:autocomplete"}


def stand_in(permissions: set[str]) -> User:
    """Somebody in no database who has exactly these permissions."""
    user = User(first_name="Någon", email="nagon@example.org")
    user.__dict__["_perm_cache"] = permissions
    return user


def _some(model_admin: ModelAdmin) -> Model:
    """A thing of which nothing is known but that it is there."""
    keys = [f.attname for f in model_admin.opts.concrete_fields if f.primary_key]
    return model_admin.model(**dict.fromkeys(keys, 1))


class _AskedTheDatabase(Exception):
    """The answer is not in the code alone."""


def _refuse(*args: Any) -> Any:
    raise _AskedTheDatabase


def _allowed(model_admin: ModelAdmin, do: str, request: HttpRequest, of_a_thing: bool) -> Answer:
    """What the ModelAdmin says of doing so at all, and of a thing of which nothing is known."""
    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(_refuse))
        try:
            if not model_allows(model_admin, do, request):
                return Answer.NO
            if of_a_thing and not model_allows(model_admin, do, request, _some(model_admin)):
                return Answer.SOMETIMES
        except _AskedTheDatabase:
            return Answer.SOMETIMES
    return Answer.YES


# The document

PUBLIC = "The public site"
DOOR = "Signing in, and one's own account"
DESK = "The desk, for all staff"
AREAS: dict[str, str] = {
    Event.Area.CONTENT: "The desk: Redaktion",
    Event.Area.MONEY: "The desk: Ekonomi",
    Event.Area.PEOPLE: "The desk: Medarbetare",
    Event.Area.SETTINGS: "The desk: Inställningar",
}
_APPS = {
    "projects": AREAS[Event.Area.CONTENT],
    "donations": AREAS[Event.Area.MONEY],
    "staff": AREAS[Event.Area.PEOPLE],
}

_MODEL_PAGES = {
    "changelist": "{plural}: the list",
    "add": "{name}: add",
    "change": "{name}: look at or change",
    "delete": "{name}: delete",
    "history": "{name}: what has been done to it",
    "": "{name}: leads to its page",
}

# What pages are for that do not say it themselves.
_PURPOSES = {
    "start": "The first page.",
    "accessibility": "What can be used by whom, and whom to tell when it cannot.",
    "account_login": "Sign in: address and password.",
    "mfa_authenticate": "Sign in: the second factor, for who has just given the password.",
    "account_logout": "Sign out.",
    "account_inactive": "Says that an account is shut.",
    "account_reset_password": "Ask for a link to choose a new password.",
    "account_reset_password_done": "Says that the link is sent.",
    "account_reset_password_from_key": "Choose a new password, by the link.",
    "account_reset_password_from_key_done": "Says that the password is changed.",
    "account_reauthenticate": "Give one's password once more before something delicate.",
    "account_change_password": "Change one's password.",
    "usersessions_list": "Where one is signed in; end those sessions.",
    "mfa_index": "One's second factor.",
    "mfa_reauthenticate": "Show one's second factor once more before something delicate.",
    "mfa_reauthenticate_webauthn": "The same, by a passkey.",
    "mfa_activate_totp": "Set up an app for codes.",
    "mfa_deactivate_totp": "Take the app away.",
    "mfa_view_recovery_codes": "One's recovery codes.",
    "mfa_generate_recovery_codes": "New recovery codes.",
    "mfa_download_recovery_codes": "One's recovery codes as a file.",
    "mfa_list_webauthn": "One's passkeys.",
    "mfa_add_webauthn": "Add a passkey.",
    "mfa_edit_webauthn": "Rename a passkey of one's own.",
    "mfa_remove_webauthn": "Take away a passkey of one's own.",
    "admin:index": "The desk. It shows what one may open.",
    "admin:app_list": "The desk's part for one area. It shows what one may open.",
    "admin:autocomplete": "Suggestions in a form's field, for who may look at what it suggests.",
    "admin:jsi18n": "Swedish words for the forms' scripts.",
    "admin:view_on_site": "Leads from a thing to its public page.",
    "admin:login": "Leads to the sign-in.",
    "admin:logout": "Leads to the sign-out.",
    "admin:password_change": "Leads to the change of password.",
    "admin:password_change_done": "Leads to one's own account.",
    "admin:django.contrib.admin.sites.catch_all_view": "Nothing: says that there is no such page.",
    "admin:staff_user_ge_roll": "Give a role, or ask for it.",
    "admin:staff_user_ta_bort_roll": "Take a role away.",
    "admin:staff_user_bjud_in_igen": "Send an invitation again.",
    "admin:staff_user_stang_av": "Shut somebody out.",
    "admin:staff_user_oppna": "Let somebody in again.",
    "admin:staff_user_nollstall_inloggningen": "Forget how somebody signs in, and invite them anew.",
    "admin:staff_user_decide": "Confirm a role, or refuse it.",
}


def document() -> str:
    """docs/permissions.md."""
    rows = matrix()
    parts = [_INTRODUCTION.format(roles=_roles())]
    for area in [PUBLIC, DOOR, DESK, *AREAS.values()]:
        parts.append(f"## {area}\n\n{_table([row for row in rows if area_of(row.match) == area])}")
    parts.append(
        _OBJECT_BY_OBJECT.format(
            events=_event_table(),
            origins=_who_has("staff.view_origin"),
            payers=_who_has("donations.view_payment"),
            deciders=_who_has("staff.decide_rolechange"),
        )
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def area_of(match: ResolverMatch) -> str:
    """Under which heading an address stands."""
    if area := getattr(model_admin_of(match), "area", None):
        return AREAS[area]
    if "admin" in match.namespaces:
        return _APPS.get(match.route.split("/")[1], DESK)
    app = match.func.__module__.partition(".")[0]
    if app in ("allauth", "staff"):
        return DOOR
    rule = rule_of(match)
    return PUBLIC if rule and rule.door is Door.OPEN else _APPS.get(app, DESK)


def purpose_of(match: ResolverMatch) -> str:
    """What an address is for, in a few words. Raises `LookupError` for one that nobody has described."""
    page, model_admin = model_page(match), model_admin_of(match)
    if model_admin is not None and page is None and match.view_name.endswith("_simple_history"):
        return f"{model_admin.opts.verbose_name}: as it once was"
    if model_admin is not None and page is not None:
        names = {
            "name": str(model_admin.opts.verbose_name),
            "plural": str(model_admin.opts.verbose_name_plural),
        }
        return _MODEL_PAGES[page].format(**names)
    said: str = (
        _PURPOSES.get(match.view_name) or (match.func.__doc__ or "").strip().partition("\n")[0]
    )
    if not said:
        raise LookupError(f"What is /{match.route} for? Give its view a docstring.")
    about = f"{model_admin.opts.verbose_name}: " if model_admin is not None else ""
    return about + said.rstrip(".")


def _table(rows: list[Row]) -> str:
    """Addresses in order; methods whose answers are the same share a line."""
    lines = [["Address", "What", "Method", *EVERYBODY]]
    for address, of_address in groupby(sorted(rows, key=_order), key=lambda row: row.address):
        same: dict[tuple[Answer, ...], list[Row]] = {}
        for row in of_address:
            answers = tuple(row.answers[who] for who in EVERYBODY)
            if set(answers) != {Answer.NOT_A_METHOD}:
                same.setdefault(answers, []).append(row)
        for answers, alike in same.items():
            methods = " ".join(row.method for row in alike)
            lines.append([f"`{address}`", purpose_of(alike[0].match), methods, *answers])
    return _markdown(lines)


def _order(row: Row) -> tuple[str, int]:
    return row.address, METHODS.index(row.method)


def _markdown(lines: Iterable[Iterable[str]]) -> str:
    first, *rest = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([first, "|---" * (first.count(" | ") + 1) + "|", *rest])


def _roles() -> str:
    lines = [[role.value, _IN_ENGLISH[role]] for role in Role]
    assert set(_IN_ENGLISH) == set(PURPOSE)
    return _markdown([["Role", "What it is for"], *lines])


def _event_table() -> str:
    lines = [["Part of the list", *(role.value for role in Role)]]
    for area, permission in Event.SEEN_WITH.items():
        yes = ["ja" if permission in PERMISSIONS[role] else "nej" for role in Role]
        lines.append([str(Event.Area(area).label), *yes])
    return _markdown(lines)


def _who_has(permission: str) -> str:
    found = [role.value for role in Role if permission in PERMISSIONS[role]]
    return " and ".join(", ".join(found).rsplit(", ", 1)) or "nobody"


_IN_ENGLISH = {
    Role.EDITOR: "writes and publishes pages, pictures and consents",
    Role.FINANCE: "registers gifts, corrects, and proposes",
    Role.APPROVER: "approves what others have proposed, roles among it",
    Role.READER: "sees the money and changes nothing",
    Role.ADMINISTRATOR: "invites staff and keeps the settings; moves no money, approves nothing",
}

_INTRODUCTION = """
# Who may do what

Every address that Kollekt answers, and what each role gets from it.

This file is written by `manage.py write_permissions` from the URL resolver and the code that guards
the addresses (`staff/access.py`, `staff/roles.py` and each ModelAdmin's own rules). Do not edit it.
`tests/test_permissions.py` fails when it is not what the command writes, when an address has no
rule, and when one single answer here is not what a real request gets.

{roles}

Somebody with several roles may do what any of them may. Administratör goes neither with Ekonomi nor
with Attestant. There is no account above the roles.

How to read the tables:

- **ja**: let in. **nej**: refused (403). **logga in**: sent to the sign-in. **andra steget**: sent to
  set up a second factor first.
- **ibland**: let in, unless the thing itself forbids it; the section "Object by object" says when.
- **Besökare** has not signed in. **Bara lösenord** has given a password and has no second factor yet:
  an invited person on the way in. **Utan roll** has signed in with both and has no role.
- A method that is not listed is let in for nobody. HEAD is as GET.
- `<…>` stands for a part that varies. Where a page is about something that does not exist, who is
  let in gets 404, or a list and a word about it.

Three things are answered before any address is looked up, for everybody and reading only: `/healthz`
(the process is up), `/readyz` (the database is well), and `/static/…` (our styles, scripts and type).
`/media/…` is answered by Kollekt only where `SERVE_MEDIA` is on; elsewhere by the proxy or the object
storage. `/_/delar/…` shows the parts of the design, made up, on development machines alone: in
production it does not exist.
"""

_OBJECT_BY_OBJECT = """
## Object by object

What an address is not enough to decide. Each line has a test, here or by the tables above.

**People**

- The pages under `/mitt-konto/` are about oneself and nobody else; another's passkey is not found.
- Nobody gives themselves a role, takes one from themselves, shuts themselves out, or resets their own
  second factor as an administrator. A role of one's own the database refuses as well.
- A role that has to be confirmed is decided by {deciders}, and neither by who asked for it nor by
  who would get it.
- An account is never deleted: what its owner did stays. Its address cannot be changed.
- Who is shut out is out at the next click, wherever they are signed in.
- Suggestions in a form's field come only from what one may look at.
- Sign-ins of the demo are refused in production, and a production server that has one does not start.

**The audit list**

- Nobody adds to it, changes it or deletes from it by hand. One sees the parts that one's roles work
  in, in the list and in the history of each thing:

{events}

- From which network address something was done is seen by {origins} alone.

**Pages, previews and files**

- A preview, and a page's versions, are for who may change that page, whether it is published or not.
- The public site shows what is published and in force, and nothing else: not a draft, not a page that
  waits for its day.
- A page that has ever been published cannot be deleted. It is unpublished, and stays on record.
- A picture's file is sent only while the consent that it leans on holds, whoever asks, editors among
  them. Nothing else among the uploaded files is sent at all.

**Money**

- A transfer is never changed and never deleted, by anybody: it is corrected by another one.
- Who gave, and what they wrote, is seen and searched by {payers} alone. Everybody else in finance
  sees the gift without them.
- A collection year can be deleted only when it is unused and the first or the last.
- The site's settings are one row: they can be added once, and never deleted.
"""
