"""Take the demo away again, while nothing but the demo leans on its books."""

from functools import partial

from django.db import connection, transaction
from django.db.models import Model, ProtectedError, Q, QuerySet

from donations.demo import loading
from donations.models import (
    Account,
    AccountNumber,
    AsideRule,
    BankDay,
    BankFile,
    BoundPayer,
    CollectionYear,
    ColumnMapping,
    DailyTotal,
    DonorAnswer,
    Fund,
    FundYear,
    GiftSource,
    GiftTotal,
    HeldLine,
    LeftSurplus,
    LumpSum,
    Need,
    Payment,
    PeriodLock,
    Proposal,
    ProposalLine,
    RememberedPlacement,
    SieExport,
    SieOverride,
    SieSum,
    SignOff,
    StatedDay,
    StatementDay,
    SurplusClause,
    Transfer,
    UnplacedGift,
    YearClosing,
)
from projects.models import (
    CallOff,
    Consent,
    Contact,
    FocusArea,
    Image,
    Organisation,
    Project,
    Publication,
    SiteSettings,
    Version,
)
from staff.models import Event, Origin, RoleChange, RoleDecision, User
from triggers import registry

# What stands in the books with somebody's name on it, and what messages call it.
BOOKED: list[tuple[type[Model], str]] = [
    (Transfer, "transfers"),
    (Need, "needs"),
    (Proposal, "proposals"),
    (DonorAnswer, "donors' answers"),
    (LeftSurplus, "surpluses left"),
    (PeriodLock, "period locks"),
    (YearClosing, "closed years"),
    (SignOff, "reconciled days"),
    (StatedDay, "sums of statements"),
    (SieExport, "exports"),
]


class CannotRemove(Exception):
    """Why the demo stays; the message says what leans on it."""


def remove() -> None:
    """Delete what the demo made, with the triggers lifted meanwhile and put back.

    What people have added beside it stays: own contacts, pictures, consents,
    accounts, and the site's details once they have been changed. Raises
    `CannotRemove`, with nothing removed, when the books hold anything that was
    done by others than the demo's people, or when something else leans on it.
    """
    author = User.objects.filter(email=loading.AUTHOR).first()
    if author is None:
        raise CannotRemove("There is no demo in this database.")
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "LOCK TABLE donations_transfer, projects_publication IN ACCESS EXCLUSIVE MODE"
                )
        _refuse_what_others_booked(author)
        there = registry.installed(connection)
        registry.drop(connection, there.values())
        try:
            _delete_books(author)
            _delete_pages(author)
            _delete_sign_ins(author)
        except ProtectedError as error:
            leaning = ", ".join(sorted({str(thing) for thing in error.protected_objects})[:5])
            raise CannotRemove(f"Something of your own leans on the demo: {leaning}.") from error
        registry.create(connection, there.values())


def _delete_sign_ins(author: User) -> None:
    """The demo's people, and what only they have done."""
    people = _people(author)
    events = Event.objects.filter(
        Q(by__in=people)
        | Q(model="staff.user", object_id__in=_keys(people))
        | Q(model="donations.collectionyear", by=None)
    )
    Origin.objects.filter(event__in=events).delete()
    events.delete()
    RoleDecision.objects.filter(change__user__in=people).delete()
    RoleChange.objects.filter(user__in=people).delete()
    people.delete()


def _people(author: User) -> QuerySet[User]:
    """The demo's own: who has loaded it, and its sign-ins, whose passwords everybody knows."""
    return User.objects.filter(Q(is_demo=True) | Q(pk=author.pk))


def _keys(people: QuerySet[User]) -> list[str]:
    return [str(pk) for pk in people.values_list("pk", flat=True)]


def _refuse_what_others_booked(author: User) -> None:
    people = list(_people(author))
    for model, name in BOOKED:
        others = model._default_manager.exclude(by__in=people).count()
        if others:
            raise CannotRemove(
                f"{others} {name} in the books are not the demo's own. They stay, and so does it."
            )


def _page_ids(author: User) -> list[int]:
    """The demo's pages: it made their first version. Later changes to them go with them."""
    versions = Version.objects.filter(number=1, by=author)
    return list(versions.values_list("page_id", flat=True))


def _delete_books(author: User) -> None:
    pages = _page_ids(author)
    funds = Fund.objects.filter(Q(project_id__in=pages) | Q(focus_area_id__in=pages))
    fund_ids = list(funds.values_list("pk", flat=True))
    fund_years = FundYear.objects.filter(fund__in=fund_ids)
    years = list(fund_years.values_list("year_id", flat=True).distinct())
    payments = list(Transfer.objects.values_list("payment_id", flat=True))
    clauses = SurplusClause.objects.filter(focus_area__in=pages)
    clause_ids = list(clauses.values_list("pk", flat=True))
    overrides = SieOverride.objects.filter(
        Q(fund__in=fund_ids) | Q(focus_area__in=pages) | Q(bank__name=loading.BANK)
    )
    override_ids = list(overrides.values_list("pk", flat=True))

    HeldLine.objects.filter(file__by__in=_people(author)).delete()
    BoundPayer.objects.filter(by__in=_people(author)).delete()
    RememberedPlacement.objects.all().delete()
    UnplacedGift.objects.all().delete()
    SieSum.objects.all().delete()
    SieExport.objects.exclude(repeats=None).delete()
    SieExport.objects.all().delete()
    # Reversals, then what puts right, and only then what they name.
    ProposalLine.objects.update(corrects=None)
    Transfer.objects.exclude(reverses=None).delete()
    Transfer.objects.exclude(corrects=None).delete()
    # What hangs on another first. None of it is anybody else's: that has been looked at.
    done = (YearClosing, PeriodLock, SignOff, StatedDay, LeftSurplus, DonorAnswer)
    for model in (*done, Transfer, Proposal):
        model._default_manager.all().delete()
    Payment.objects.filter(pk__in=payments).delete()
    DailyTotal.objects.all().delete()
    GiftTotal.objects.all().delete()
    BankDay.objects.all().delete()
    _delete_bank_files(author)
    overrides.delete()
    Account.objects.filter(fund_year__fund__in=fund_ids).delete()
    Account.objects.filter(kind=Account.Kind.BANK, name=loading.BANK).delete()
    Account.objects.exclude(kind__in=[Account.Kind.BANK, Account.Kind.FUND]).delete()
    Need.objects.filter(fund_year__fund__in=fund_ids).delete()
    fund_years.delete()
    funds.delete()
    clauses.delete()
    CollectionYear.objects.filter(pk__in=years, fund_years=None).delete()
    # Last: what is deleted writes a line of its own there.
    SieOverride.history.filter(id__in=override_ids).delete()
    Fund.history.filter(id__in=fund_ids).delete()
    SurplusClause.history.filter(id__in=clause_ids).delete()


def _delete_bank_files(author: User) -> None:
    """What the demo's people have handed in, and what was set up for reading it."""
    people = _people(author)
    LumpSum.objects.filter(file__by__in=people).delete()
    StatementDay.objects.filter(file__by__in=people).delete()
    for bank_file in BankFile.objects.filter(by__in=people):
        storage, name = bank_file.file.storage, bank_file.file.name
        if name:
            transaction.on_commit(partial(storage.delete, name), robust=True)
        bank_file.delete()
    ColumnMapping.objects.filter(by__in=people).delete()
    numbers = AccountNumber.objects.filter(account__name=loading.BANK)
    number_ids = list(numbers.values_list("pk", flat=True))
    names = [rule["name"] for rule in loading.read("bank.toml")["rules"]]
    rules = AsideRule.objects.filter(name__in=names)
    rule_ids = list(rules.values_list("pk", flat=True))
    numbers.delete()
    rules.delete()
    GiftSource.history.filter(number_id__in=number_ids).delete()
    AccountNumber.history.filter(id__in=number_ids).delete()
    AsideRule.history.filter(id__in=rule_ids).delete()


def _delete_pages(author: User) -> None:
    pages = _page_ids(author)
    CallOff.objects.filter(publication__page__in=pages).delete()
    Publication.objects.filter(page__in=pages).delete()
    Version.objects.filter(page__in=pages).delete()
    for model in (Project, Organisation, FocusArea):
        model.objects.filter(pk__in=pages).delete()
    site = loading.read("site.toml")
    emails = [contact["email"] for contact in site["contacts"]]
    Contact.objects.filter(email__in=emails, pages=None).delete()
    alts = [picture["alt"] for picture in site["pictures"]]
    Image.objects.filter(
        alt__in=alts, pages=None, stories=None, contacts=None, versions=None
    ).delete()
    subjects = [consent["subject"] for consent in site["consents"]]
    Consent.objects.filter(subject__in=subjects, images=None, stories=None).delete()
    if SiteSettings.objects.filter(**site["site"]).exists():
        SiteSettings.objects.all().delete()
        SiteSettings.history.all().delete()
