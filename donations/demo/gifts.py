"""Invented gifts: the same every time for a fund and a year, adding up to the krona."""

import datetime
import random
from collections.abc import Sequence

from donations.models import Fund
from donations.operations import GiftIn

# What people give, in kronor, as often as they stand here.
USUAL = (
    50,
    100,
    100,
    100,
    150,
    200,
    200,
    200,
    250,
    300,
    300,
    400,
    500,
    500,
    500,
    1000,
    1000,
    2000,
    5000,
)
FIRST_NAMES = (
    "Alva",
    "Birger",
    "Cajsa",
    "Dag",
    "Ester",
    "Folke",
    "Greta",
    "Hjalmar",
    "Ingrid",
    "Jonna",
    "Ture",
    "Åsa",
)
LAST_NAMES = (
    "Almkvist",
    "Bäckvall",
    "Dalhem",
    "Ekeby",
    "Forsåker",
    "Grönlid",
    "Hagestrand",
    "Ängskog",
    "Östmark",
)
LEAST = 20


def gifts_of_year(
    fund: Fund, kronor: int, count: int, first_day: datetime.date, last_day: datetime.date
) -> list[GiftIn]:
    """`count` gifts to `fund` that sum to `kronor`, on days from `first_day` to `last_day`, by day."""
    if not count:
        return []
    dice = random.Random(f"{fund.collection_number} {kronor} {count}")  # noqa: S311 - no secret
    amounts = _amounts(dice, kronor, count)
    days = sorted(_day(dice, first_day, last_day) for _ in amounts)
    channels: Sequence[str] = fund.channels or ["bankgiro"]
    return [
        GiftIn(
            fund=fund,
            amount_ore=amount * 100,
            bank_date=day,
            channel=dice.choice(channels),
            payer_name=f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}",
            message=fund.collection_number,
        )
        for amount, day in zip(amounts, days, strict=True)
    ]


def _amounts(dice: random.Random, kronor: int, count: int) -> list[int]:
    """Usual amounts scaled to the sum, in tens of kronor, the last crowns on the largest."""
    to_share = kronor - LEAST * count
    if to_share < 0:
        raise ValueError(f"{count} gifts of at least {LEAST} kr do not fit in {kronor} kr")
    drawn = [dice.choice(USUAL) for _ in range(count)]
    amounts = [LEAST + amount * to_share // sum(drawn) // 10 * 10 for amount in drawn]
    amounts[amounts.index(max(amounts))] += kronor - sum(amounts)
    return amounts


def _day(dice: random.Random, first_day: datetime.date, last_day: datetime.date) -> datetime.date:
    """Any day, one in six of them drawn from the last tenth: people give before Christmas."""
    days = (last_day - first_day).days
    from_day = days * 9 // 10 if dice.random() < 1 / 6 else 0
    return first_day + datetime.timedelta(days=dice.randint(from_day, days))
