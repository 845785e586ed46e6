"""The roles: what each may do. Kept in the database's groups by `sync`, after every migrate."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import models


class Role(models.TextChoices):
    """A role's name is its group's name."""

    EDITOR = "Redaktör"
    FINANCE = "Ekonomi"
    APPROVER = "Attestant"
    READER = "Läsare"
    ADMINISTRATOR = "Administratör"


# What a role is for, in a sentence for those who hand it out.
PURPOSE = {
    Role.EDITOR: "skriver och publicerar sidor, bilder och samtycken",
    Role.FINANCE: "registrerar gåvor, rättar och föreslår",
    Role.APPROVER: "godkänner det andra har föreslagit, också nya roller",
    Role.READER: "ser pengarna men ändrar ingenting",
    Role.ADMINISTRATOR: "bjuder in medarbetare och sköter inställningar, men flyttar inga pengar",
}

# Each is confirmed by another person whenever it is given: they reach money, donors or people.
CONFIRMED = {Role.FINANCE, Role.APPROVER, Role.ADMINISTRATOR}

# Who hands out roles neither moves money nor approves that others do.
_APART = [{Role.ADMINISTRATOR, Role.FINANCE}, {Role.ADMINISTRATOR, Role.APPROVER}]


def apart_from(role: Role) -> set[Role]:
    """The roles that nobody has together with `role`."""
    return {other for pair in _APART if role in pair for other in pair if other != role}


def _all(app: str, *models: str) -> set[str]:
    return {f"{app}.{do}_{model}" for model in models for do in ("view", "add", "change", "delete")}


_PAGES = {"projects.view_project", "projects.view_focusarea"}
_BOOKS = {
    f"donations.view_{model}"
    for model in (
        "account",
        "accountnumber",
        "asiderule",
        "bankfile",
        "collectionyear",
        "columnmapping",
        "donoranswer",
        "fund",
        "giftsource",
        "leftsurplus",
        "need",
        "periodlock",
        "proposal",
        "signoff",
        "sieexport",
        "siemapping",
        "sieoverride",
        "surplusclause",
        "transfer",
        "yearclosing",
    )
}

PERMISSIONS: dict[Role, set[str]] = {
    Role.EDITOR: {
        *_all("projects", "project", "focusarea", "organisation", "image", "consent", "contact"),
        *_all("projects", "achievement", "plan", "story", "keyfigure", "section", "update"),
        "staff.view_event",
    },
    Role.FINANCE: {
        *_PAGES,
        *_BOOKS,
        *_all("donations", "collectionyear"),
        # What files from banks are read by.
        *_all("donations", "accountnumber", "giftsource", "asiderule", "columnmapping"),
        # What goes to the general ledger, and to which accounts there.
        *_all("donations", "sieoverride"),
        *("donations.change_siemapping", "donations.add_sieexport"),
        *(f"donations.{do}_boundpayer" for do in ("view", "add", "delete")),
        "donations.view_payment",
        *(
            f"donations.add_{model}"
            for model in (
                *("bankfile", "transfer", "need", "donoranswer", "proposal"),
                *("leftsurplus", "periodlock", "signoff", "yearclosing"),
            )
        ),
        *(
            f"donations.{do}_{model}"
            for do in ("add", "change")
            for model in ("account", "fund", "surplusclause")
        ),
        "staff.view_event",
    },
    Role.APPROVER: {
        *_PAGES,
        *_BOOKS,
        "donations.decide_proposal",
        "staff.view_user",
        "staff.decide_rolechange",
        "staff.view_event",
    },
    Role.READER: {*_PAGES, *_BOOKS, "staff.view_event"},
    Role.ADMINISTRATOR: {
        "staff.view_user",
        "staff.add_user",
        "staff.change_user",
        "staff.view_event",
        "staff.view_origin",
        "projects.view_sitesettings",
        "projects.add_sitesettings",
        "projects.change_sitesettings",
    },
}


def differences() -> list[str]:
    """One English line for each permission that a group lacks or has beyond its role."""
    found = []
    for role in Role:
        group = Group.objects.filter(name=role).first()
        there = _names(group.permissions.all()) if group else set()
        wanted = PERMISSIONS[role]
        found += [f"{role} lacks {name}" for name in sorted(wanted - there)]
        found += [f"{role} has {name} beyond its role" for name in sorted(there - wanted)]
    return found


def sync() -> list[str]:
    """Make every role's group as written here; return the differences that were mended.

    Half-way through migrations not every permission exists yet: then the role gets those that do.
    """
    found = differences()
    if found:
        known = {
            f"{p.content_type.app_label}.{p.codename}": p
            for p in Permission.objects.select_related("content_type")
        }
        for role in Role:
            group, _ = Group.objects.get_or_create(name=role)
            group.permissions.set([known[name] for name in PERMISSIONS[role] if name in known])
    left = set(differences()) if found else set()
    return [line for line in found if line not in left]


def _names(permissions: Iterable[Permission]) -> set[str]:
    return {f"{p.content_type.app_label}.{p.codename}" for p in permissions}
