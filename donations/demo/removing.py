"""Take the demo away again, while nothing but the demo leans on its books."""

from django.db import connection, transaction
from django.db.models import ProtectedError

from donations.demo.loading import AUTHOR, SIGN_INS
from donations.models import (
    Account,
    CollectionYear,
    DailyTotal,
    Fund,
    FundYear,
    Need,
    Payment,
    SurplusClause,
    Transfer,
)
from projects.models import (
    Consent,
    Contact,
    FocusArea,
    Image,
    Organisation,
    Page,
    Project,
    Publication,
    SiteSettings,
    Version,
)
from staff.models import User
from triggers import registry


class CannotRemove(Exception):
    """Why the demo stays; the message says what leans on it."""


def remove() -> None:
    """Delete everything that the demo made, with the triggers lifted meanwhile and put back.

    Raises `CannotRemove` when the books hold a transfer that is not the
    demo's own, or when anything else that people made leans on its content.
    """
    author = User.objects.filter(username=AUTHOR).first()
    if author is None:
        raise CannotRemove("There is no demo in this database.")
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "LOCK TABLE donations_transfer, projects_publication IN ACCESS EXCLUSIVE MODE"
                )
        others = Transfer.objects.exclude(by=author)
        if others.exists():
            raise CannotRemove(
                f"{others.count()} transfers in the books are not the demo's own. They stay, and so does it."
            )
        there = registry.installed(connection)
        registry.drop(connection, there.values())
        try:
            _delete(author)
        except ProtectedError as error:
            leaning = ", ".join(sorted({str(thing) for thing in error.protected_objects})[:5])
            raise CannotRemove(f"Something of your own leans on the demo: {leaning}.") from error
        registry.create(connection, there.values())


def _delete(author: User) -> None:
    # A page is the demo's own when the demo made its first version; so are its later changes.
    pages = list(Version.objects.filter(number=1, by=author).values_list("page_id", flat=True))
    funds = Fund.objects.filter(project_id__in=pages) | Fund.objects.filter(focus_area_id__in=pages)
    numbers = list(funds.values_list("pk", flat=True))
    payments = list(Transfer.objects.values_list("payment_id", flat=True))
    Transfer.objects.all().delete()
    Payment.objects.filter(pk__in=payments).delete()
    DailyTotal.objects.all().delete()
    Account.objects.filter(fund_year__fund__in=numbers).delete()
    Account.objects.filter(debits=None, credits=None, fund_year=None).delete()
    Need.objects.filter(fund_year__fund__in=numbers).delete()
    FundYear.objects.filter(fund__in=numbers).delete()
    Fund.objects.filter(pk__in=numbers).delete()
    SurplusClause.objects.filter(focus_area__in=pages).delete()
    CollectionYear.objects.filter(fund_years=None).delete()
    for history in (Fund.history, SurplusClause.history, SiteSettings.history):
        history.all().delete()
    Publication.objects.filter(page__in=pages).delete()
    Version.objects.filter(page__in=pages).delete()
    for model in (Project, Organisation, FocusArea):
        model.objects.filter(pk__in=pages).delete()
    Contact.objects.filter(pages=None).delete()
    for image in Image.objects.filter(pages=None, stories=None, contacts=None, versions=None):
        image.delete()
    Consent.objects.filter(images=None, stories=None).delete()
    SiteSettings.objects.all().delete()
    User.objects.filter(username__in=SIGN_INS).delete()
    author.delete()
    assert not Page.objects.filter(pk__in=pages).exists()
