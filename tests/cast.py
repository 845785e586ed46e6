"""The cast of the tests: an organisation in miniature, made through the product's own operations."""

import datetime
import time
from typing import Any

from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.utils import timezone

from donations import operations
from donations.models import (
    Account,
    Fund,
    FundYear,
    Proposal,
    ProposalLine,
    SurplusClause,
    Transfer,
)
from donations.operations import GiftIn
from projects import publishing
from projects.models import Consent, FocusArea, Organisation, Page, Project, Publication, Story
from projects.snapshots import freeze
from staff import people
from staff.models import User
from staff.roles import Role

# A year that is over, so that no date in it can lie in the future.
YEAR = 2024
NEW_YEAR = datetime.date(YEAR, 1, 1)
MIDSUMMER = datetime.date(YEAR, 6, 21)
CLAUSE = "Får projektet mer än årets behov kan pengarna användas i ett liknande projekt."


PASSWORD = "sju sorters kakor"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def member(name: str, *roles: Role) -> User:
    """A member of staff with the roles, who has a password and an app for codes."""
    email = f"{name.lower()}@example.org"
    user = User.objects.filter(email=email).first()
    if user is None:
        user = people.invite(email, name, "", roles, by=None)
        user.set_password(PASSWORD)
        user.save()
        TOTP.activate(user, SECRET)
    return user


def ester() -> User:
    """Ester does the finances, and everything else that needs a person; but she hands out no roles."""
    return member("Ester", Role.EDITOR, Role.FINANCE, Role.APPROVER)


def astrid() -> User:
    """Astrid invites people and keeps the settings."""
    return member("Astrid", Role.ADMINISTRATOR)


def sign_in(client: Client, user: User) -> Client:
    """Let the client in as if the user had just given password and code."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def code() -> str:
    """The code that everybody's app shows now."""
    return totp.format_hotp_value(totp.hotp_value(SECRET, int(time.time()) // 30))


def bank() -> Account:
    return Account.objects.get_or_create(kind=Account.Kind.BANK, name="Gåvokonto")[0]


def area(
    slug: str = "vatten", *, clause_from: datetime.date | None = NEW_YEAR, **fields: Any
) -> FocusArea:
    """A focus area whose surplus clause is in force from `clause_from` (None: it has none)."""
    made = FocusArea.objects.create(slug=slug, **{"title": slug.capitalize(), **fields})
    if clause_from:
        SurplusClause.objects.create(focus_area=made, text=CLAUSE, valid_from=clause_from)
    return made


def project(slug: str = "brunnar", focus_area: FocusArea | None = None, **fields: Any) -> Project:
    focus_area = focus_area or FocusArea.objects.first() or area()
    return Project.objects.create(
        slug=slug, focus_area=focus_area, **{"title": slug.capitalize(), **fields}
    )


def organisation(slug: str = "dobato", **fields: Any) -> Organisation:
    return Organisation.objects.create(slug=slug, **{"title": slug.capitalize(), **fields})


def fund(number: str = "47030", page: Page | None = None) -> Fund:
    """An open fund for a project (a new one when none is given), or for a whole focus area."""
    page = page or project()
    whose = {"focus_area": page} if isinstance(page, FocusArea) else {"project": page}
    return Fund.objects.create(collection_number=number, opened_on=NEW_YEAR, **whose)


def fund_year(of: Fund, need_ore: int | None = None, day: datetime.date = NEW_YEAR) -> FundYear:
    """The fund's year that holds `day`, with its need decided on the year's first day when one is given."""
    year = operations.fund_year(of, day, ester())
    if need_ore is not None:
        operations.set_need(
            year, need_ore, decided_on=year.year.starts_on, reason="Styrelsens beslut", by=ester()
        )
    return year


def gift(to: Fund | None, amount_ore: int, day: datetime.date = MIDSUMMER) -> Transfer:
    """A gift that came in on `day`; to suspense when no fund is given."""
    given = GiftIn(fund=to, amount_ore=amount_ore, bank_date=day, channel=Fund.Channel.SWISH)
    return operations.register_gift(given, bank=bank(), by=ester())


def colleague() -> User:
    """Kajsa approves what Ester proposes."""
    return member("Kajsa", Role.APPROVER)


def agreed(
    source: Account | FundYear,
    receiver: Account | FundYear,
    ore: int,
    corrects: Transfer | None = None,
) -> int | None:
    """An approved line, by its id: what a reallocation written straight into the books leans on.

    None between accounts that nobody could propose.
    """
    there, here = (
        side if isinstance(side, FundYear) else side.fund_year for side in (source, receiver)
    )
    if not there or not here or there == here:
        return None
    now = timezone.now()
    proposal = Proposal.objects.create(
        focus_area_id=there.focus_area_id,
        year_id=there.year_id,
        by=ester(),
        created_at=now,
        changed_at=now,
    )
    line = ProposalLine.objects.create(
        proposal=proposal, source=there, receiver=here, amount_ore=ore, corrects=corrects
    )
    proposal.submitted_at = now
    proposal.save()
    line.approved_ore = ore
    line.save()
    proposal.decision, proposal.decided_by, proposal.decided_at = "approved", colleague(), now
    proposal.save()
    return line.pk


def publish(page: Page, from_at: datetime.datetime | None = None) -> Publication:
    """Save the page's working copy as a version and publish it."""
    return publishing.publish(freeze(page, ester()), by=ester(), from_at=from_at)


def consent(**fields: Any) -> Consent:
    """A consent that holds for a long time, unless `fields` say otherwise."""
    given = {
        "subject": "Nai, intervju",
        "asked_by": "Ester",
        "method": "muntligt",
        "given_on": NEW_YEAR,
        "valid_until": datetime.date(2099, 12, 31),
    }
    return Consent.objects.create(**{**given, **fields})


def story(page: Page, **fields: Any) -> Story:
    told = {"heading": "Nai frågade vidare", "text": "Hon bad dem hålla uppsikt.", "who": "Nai"}
    return Story.objects.create(page=page, **{**told, **fields})
