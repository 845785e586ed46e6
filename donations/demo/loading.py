"""Load the demo: pages from TOML, three years of gifts posted like any others, and surplus that has moved."""

import datetime
import tomllib
from pathlib import Path
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP
from django.db import transaction

from donations import operations
from donations.bankfiles import numbers
from donations.bankfiles.records import Scheme
from donations.demo.gifts import gifts_of_year
from donations.models import (
    Account,
    AccountNumber,
    AsideRule,
    Fund,
    FundYear,
    GiftSource,
    SurplusClause,
)
from donations.operations import LineIn
from donations.operations.reconciliation import sign_off, state_day
from donations.reports import reconciliation
from projects import publishing
from projects.models import (
    Achievement,
    Consent,
    Contact,
    FocusArea,
    Image,
    KeyFigure,
    Organisation,
    Page,
    Plan,
    Project,
    Section,
    SiteSettings,
    Story,
    Update,
)
from projects.pictures import reencode
from projects.snapshots import freeze
from staff import demo, people, second_factor
from staff.models import User
from staff.roles import Role

FOLDER = Path(__file__).parent

# Whose doing everything in the demo is: by this name it is known again when it is removed.
AUTHOR = "demo@example.org"
BANK = "Gåvokonto"
# How far back days are reconciled.
DAYS_STATED = datetime.timedelta(days=28)

# Sign-ins: e-mail address, first and last name, roles.
SIGN_INS = {
    "redaktor@example.org": ("Rut", "Rönn", [Role.EDITOR]),
    "ekonomi@example.org": ("Eskil", "Ek", [Role.FINANCE]),
    "attestant@example.org": ("Alva", "Asp", [Role.APPROVER]),
    "lasare@example.org": ("Lage", "Lind", [Role.READER]),
    "admin@example.org": ("Ada", "Alm", [Role.ADMINISTRATOR]),
}

Row = dict[str, Any]


@transaction.atomic
def load(today: datetime.date) -> None:
    """Fill an empty database with the demo, its last year the one that holds `today`."""
    Loader(today).load()


class Loader:
    """One loading of the demo: what has been made so far, by the content's own keys."""

    def __init__(self, today: datetime.date) -> None:
        self.today = today
        self.author = User.objects.create(email=AUTHOR, first_name="Demo", is_active=False)
        self.consents: dict[str, Consent] = {}
        self.images: dict[str, Image] = {}
        self.contacts: dict[str, Contact] = {}
        # Any: a page's own type is known by the file it came from.
        self.pages: dict[str, Any] = {}

    def load(self) -> None:
        site = read("site.toml")
        areas, organisations = (
            read("areas.toml")["areas"],
            read("organisations.toml")["organisations"],
        )
        projects = [
            read(f"projects/{path.name}") for path in sorted((FOLDER / "projects").glob("*.toml"))
        ]
        make_sign_ins()
        SiteSettings(**site["site"]).save()
        self._shared(site)
        for area in areas:
            self._page(FocusArea(**self._texts(area), hue=area["hue"]), area)
        for organisation in organisations:
            kind = {"organisation_kind": organisation["kind"], "website": organisation["website"]}
            self._page(Organisation(**self._texts(organisation), **kind), organisation)
        for project in projects:
            self._project(project)
        for project in projects:
            self.pages[project["slug"]].similar.set(self.pages[slug] for slug in project["similar"])
        for page in self.pages.values():
            publishing.publish(freeze(page, self.author), by=self.author)
        self._books(areas, projects)

    def _shared(self, site: Row) -> None:
        for row in site["consents"]:
            dates = {
                name: datetime.date.fromisoformat(row[name])
                for name in ("given_on", "valid_until")
                if row.get(name)
            }
            texts = {
                name: row[name]
                for name in ("subject", "asked_by", "method", "not_needed_reason")
                if name in row
            }
            self.consents[row["key"]] = Consent.objects.create(**texts, **dates)
        for row in site["pictures"]:
            image = Image(
                alt=row["alt"], credit=row["credit"], consent=self.consents[row["consent"]]
            )
            image.store(reencode((FOLDER / "pictures" / f"{row['key']}.webp").read_bytes()))
            image.save()
            self.images[row["key"]] = image
        for row in site["contacts"]:
            fields = {name: row[name] for name in ("name", "role", "email", "phone", "greeting")}
            self.contacts[row["key"]] = Contact.objects.create(**fields)

    def _texts(self, row: Row) -> Row:
        """The fields that every kind of page has."""
        return {
            **{name: row[name] for name in ("slug", "title", "summary", "body")},
            "achievements_intro": row.get("achievements_intro", ""),
            "image": self.images.get(row["picture"]),
            "contact": self.contacts.get(row["contact"]),
        }

    def _page(self, page: Page, row: Row) -> None:
        page.save()
        self.pages[page.slug] = page
        for name, model in (
            ("achievements", Achievement),
            ("plans", Plan),
            ("key_figures", KeyFigure),
            ("sections", Section),
        ):
            for content in row.get(name, []):
                model.objects.create(page=page, **content)
        for story in row.get("stories", []):
            links = {
                "picture": self.images.get(story["picture"]),
                "consent": self.consents[story["consent"]],
            }
            Story.objects.create(page=page, **(story | links))
        for update in row.get("updates", []):
            published_on = self.today - datetime.timedelta(days=update["days_ago"])
            texts = {"heading": update["heading"], "text": update["text"]}
            Update.objects.create(page=page, published_on=published_on, **texts)

    def _project(self, row: Row) -> None:
        project = Project(
            **self._texts(row),
            focus_area=self.pages[row["focus_area"]],
            countries=row["countries"],
            qualifies_for_tax_reduction=row["qualifies_for_tax_reduction"],
        )
        self._page(project, row)
        project.partners.set(self.pages[slug] for slug in row["partners"])

    def _books(self, areas: list[Row], projects: list[Row]) -> None:
        first_day = operations.collection_year(self.today).starts_on.replace(
            year=self.today.year - 2
        )
        self.bank = Account.objects.create(kind=Account.Kind.BANK, name=BANK)
        for area in areas:
            page = self.pages[area["slug"]]
            SurplusClause.objects.create(focus_area=page, text=area["clause"], valid_from=first_day)
            fund = Fund.objects.create(
                collection_number=area["collection_number"],
                focus_area=page,
                channels=["swish", "bankgiro"],
                opened_on=first_day,
            )
            counts, kronor = zip(*area["gifts"], strict=True)
            self._years(fund, needs=[-1, -1, -1], collected=kronor, gifts=counts)
        for project in projects:
            row = project["fund"]
            fund = Fund.objects.create(
                collection_number=row["collection_number"],
                project=self.pages[project["slug"]],
                channels=row["channels"],
                opened_on=first_day,
            )
            self._years(fund, needs=row["needs"], collected=row["collected"], gifts=row["gifts"])
        self._bank_files(read("bank.toml"), first_day)
        for proposal in read("proposals.toml")["proposals"]:
            self._proposal(proposal)
        self._reconciliation()

    def _bank_files(self, bank: Row, first_day: datetime.date) -> None:
        """The account's numbers, from which files their gifts come, and what helps to read those."""
        for row in bank["numbers"]:
            found = numbers.parse(Scheme(row["scheme"]), row["number"])
            number = AccountNumber.objects.create(
                account=self.bank, scheme=found.scheme, digits=found.digits
            )
            for source in row["sources"]:
                from_day = first_day.replace(year=self.today.year - source["years_ago"])
                GiftSource.objects.create(number=number, format=source["format"], from_day=from_day)
        for rule in bank["rules"]:
            AsideRule.objects.create(**rule)
        for fund in Fund.objects.filter(collection_number__in=bank["extra_words"]):
            fund.extra_words = "\n".join(bank["extra_words"][fund.collection_number])
            fund.save()

    def _reconciliation(self) -> None:
        """Days of the last weeks: the earlier signed, the later to be, and one that a krona is missing from."""
        finance = User.objects.get(email="ekonomi@example.org")
        start, last = self.today - DAYS_STATED, self.today - reconciliation.ONE_DAY
        [found] = reconciliation.days([self.bank], start, last, self.today).values()
        held = [one for one in found if one.gifts]
        for at, one in enumerate(held[:-1]):  # the newest has no statement yet
            ore = one.books_ore + (100 if at == len(held) // 2 else 0)
            note = "Ur internetbanken"
            state_day(self.bank, one.day, ore, note=note, by=finance)
            if at < len(held) // 2:
                sign_off(self.bank, one.day, by=finance)

    def _proposal(self, row: Row) -> None:
        """Surplus that the demo's finance proposes to move, and the approver has said yes to or not seen yet."""
        finance, approver = (
            User.objects.get(email=email)
            for email in ("ekonomi@example.org", "attestant@example.org")
        )
        day = self.today.replace(year=self.today.year - row["years_ago"], day=1)

        def fund_year(number: str) -> FundYear:
            return FundYear.objects.get(
                fund__collection_number=number, year__starts_on__lte=day, year__ends_on__gte=day
            )

        source = fund_year(row["source"])
        lines = [
            LineIn(source, fund_year(line["receiver"]), line["kronor"] * 100, line["reason"])
            for line in row["lines"]
        ]
        proposal = operations.draft(lines, reason=row["reason"], by=finance)
        operations.submit(proposal, by=finance)
        if row["approved"]:
            operations.approve(proposal, by=approver, booked_on=self.today)

    def _years(self, fund: Fund, needs: Any, collected: Any, gifts: Any) -> None:
        """The fund's two earlier years and the one that holds today: need, then gifts. Kronor; −1 is no need."""
        for ago, need, kronor, count in zip((2, 1, 0), needs, collected, gifts, strict=True):
            day = self.today if ago == 0 else self.today.replace(year=self.today.year - ago, day=1)
            fund_year = operations.fund_year(fund, day, self.author)
            if need >= 0:
                operations.set_need(
                    fund_year,
                    need * 100,
                    decided_on=fund_year.year.starts_on,
                    reason="Styrelsens beslut om årets behov",
                    by=self.author,
                )
            last_day = min(self.today, fund_year.year.ends_on)
            given = gifts_of_year(fund, kronor, count, fund_year.year.starts_on, last_day)
            operations.post_gifts(given, bank=self.bank, by=self.author)


def read(name: str) -> Row:
    """One of the demo's TOML files, its texts as a form would save them."""
    found: Row = _stripped(tomllib.loads((FOLDER / name).read_text()))
    return found


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        return {key: _stripped(item) for key, item in value.items()}
    return [_stripped(item) for item in value] if isinstance(value, list) else value


@transaction.atomic
def make_sign_ins() -> None:
    """The demo's members of staff, where they are missing, each with a role and the same app for codes.

    Their second factor is as known as their password: the page that asks for the code shows it.
    """
    for email, (first_name, last_name, roles) in SIGN_INS.items():
        user = User.objects.filter(email=email).first()
        if user is None:
            user = people.invite(email, first_name, last_name, roles, by=None)
        for role in roles:
            if not people.has(user, role):
                people.give(user, role, by=None)
        user.is_demo = True
        if not user.check_password(demo.PASSWORD):
            user.set_password(demo.PASSWORD)
        user.save()
        if not second_factor.is_set_up(user):
            TOTP.activate(user, demo.SECRET)


def is_empty() -> bool:
    """Whether nobody has begun to use the database: no page, no fund, no member of staff."""
    return not (Page.objects.exists() or Fund.objects.exists() or User.objects.exists())
