import datetime
import random
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.utils import timezone

from donations import operations
from donations.models import Account, Fund, SurplusClause, Transfer
from donations.operations import GiftIn
from projects.models import FocusArea, Project
from staff.models import User

# Gifts posted in one call; a larger number only takes more memory.
BATCH = 50_000
FUNDS_PER_AREA = 20


class Command(BaseCommand):
    help = "Make books of any size, for development and benches: invented gifts spread over funds and years."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--gifts", type=_positive, required=True)
        parser.add_argument("--funds", type=_positive, default=100)
        parser.add_argument("--years", type=_positive, default=3, help="the last one holds today")

    def handle(self, *args: Any, gifts: int, funds: int, years: int, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("make_load invents gifts: never in production.")
        today = timezone.localdate()
        author = User.objects.get_or_create(
            email="load@example.org", defaults={"is_active": False}
        )[0]
        bank = Account.objects.get_or_create(kind=Account.Kind.BANK, name="Belastningsprov")[0]
        made = self._funds(funds, years, today, author)
        dice = random.Random(gifts)  # noqa: S311 - no secret
        for batch in _batches(gifts):
            operations.post_gifts(
                list(_gifts(dice, made, batch, years, today)), bank=bank, by=author
            )
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        self.stdout.write(f"{Transfer.objects.count()} transfers in {Fund.objects.count()} funds.")

    @transaction.atomic
    def _funds(self, count: int, years: int, today: datetime.date, author: User) -> list[Fund]:
        """Draft projects with funds, needs for every year and a clause that covers all their gifts."""
        first_year = today.year - years + 1
        taken = set(Fund.objects.values_list("collection_number", flat=True))
        digits = settings.COLLECTION_NUMBER_DIGITS
        numbers = (
            n for n in (str(i) for i in range(10 ** (digits - 1), 10**digits)) if n not in taken
        )
        made: list[Fund] = []
        areas = [_area(datetime.date(first_year, 1, 1)) for _ in range(-(-count // FUNDS_PER_AREA))]
        for place in range(count):
            area = areas[place // FUNDS_PER_AREA]
            number = next(numbers)
            project = Project.objects.create(
                title=f"Belastningsprov {number}", slug=f"belastningsprov-{number}", focus_area=area
            )
            fund = Fund.objects.create(
                collection_number=number, project=project, opened_on=datetime.date(first_year, 1, 1)
            )
            for year in range(first_year, today.year + 1):
                fund_year = operations.fund_year(fund, datetime.date(year, 1, 1), author)
                need = 100_000_00 + place * 1_000_00
                operations.set_need(
                    fund_year,
                    need,
                    decided_on=fund_year.year.starts_on,
                    reason="Belastningsprov",
                    by=author,
                )
            made.append(fund)
        return made


def _area(first_day: datetime.date) -> FocusArea:
    number = FocusArea.objects.count() + 1
    area = FocusArea.objects.create(
        title=f"Belastningsprov, område {number}", slug=f"belastningsprov-omrade-{number}"
    )
    SurplusClause.objects.create(
        focus_area=area, text="Överskott får flyttas inom området.", valid_from=first_day
    )
    return area


def _gifts(
    dice: random.Random, funds: list[Fund], count: int, years: int, today: datetime.date
) -> Iterator[GiftIn]:
    first_day = datetime.date(today.year - years + 1, 1, 1)
    days = (today - first_day).days
    for _ in range(count):
        yield GiftIn(
            fund=dice.choice(funds),
            amount_ore=dice.randint(20, 2000) * 100,
            bank_date=first_day + datetime.timedelta(days=dice.randint(0, days)),
            channel=Fund.Channel.BANKGIRO,
            payer_name="Påhittad Givare",
        )


def _batches(count: int) -> Iterator[int]:
    while count:
        yield min(count, BATCH)
        count -= min(count, BATCH)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
