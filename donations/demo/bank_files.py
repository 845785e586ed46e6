"""The demo's files from its bank for a day: to try the way from a file to gifts with."""

import datetime
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone
from stdnum import luhn

from donations.models import Transfer

IBAN, BANKGIRO = "SE4550000000058398257466", "9912346"
# How the bank names its files: what each of them is.
NAMES = ("camt.054", "camt.053")
FEE_ORE = 195_00


@dataclass(frozen=True)
class Gift:
    """A payment to the bankgiro: by an OCR number, or with a message."""

    payer: str
    ore: int
    ocr: str = ""
    message: str = ""

    @property
    def amount(self) -> str:
        """The amount as banks write it: "500.00"."""
        return _amount(self.ore)


def _ocr(number: str) -> str:
    return number + luhn.calc_check_digit(number)


# Five that tell their fund, and three that a person has to place.
GIFTS = (
    Gift("Åsa Lindström", 500_00, ocr=_ocr("47030")),
    Gift("Per Ek", 1_000_00, ocr=_ocr("47110")),
    Gift("Karin Sjögren", 300_00, message="Till 47210 från oss på Ängsvägen"),
    Gift("Nils Åkerlund", 250_00, ocr=_ocr("47112")),
    Gift("Syföreningen Flitens lampa", 2_450_00, message="47030, behållning av höstauktionen"),
    Gift("Maja Öberg", 400_00, message="Till båten på Brahmaputra"),
    Gift("Siv Demir", 600_00, message="hälften till 47031 och hälften till 47032"),
    Gift("Kalle Moberg", 750_00, message="Mormors 80-årskalas"),
)


def last_bank_day(today: datetime.date) -> datetime.date:
    """The weekday before `today`: what a bank's newest files are about."""
    return today - datetime.timedelta(days={0: 3, 6: 2}.get(today.weekday(), 1))


def write(name: str, day: datetime.date) -> bytes:
    """The bank's file of that name (one of `NAMES`) for a day, as XML.

    camt.054 has each payment to the bankgiro; camt.053 is the account's statement of the day, with those
    payments as one sum, what else the demo's books have of the day, and the bank's fee. As long as the
    books have the same of the day, the bytes are the same.
    """
    ore, others = sum(gift.ore for gift in GIFTS), _others(day)
    credited = ore + sum(gift.ore for gift in others)
    # What stands on the account differs from day to day, and is the same for a day.
    opening = 100_000_00 + day.toordinal() % 1_000 * 100
    context = {
        "day": f"{day:%Y-%m-%d}",
        "made": timezone.make_aware(
            datetime.datetime.combine(day, datetime.time(22, 15))
        ).isoformat(),
        "iban": IBAN,
        "bankgiro": BANKGIRO,
        "serial": f"{day:%m%d}001",
        "gifts": GIFTS,
        "others": others,
        "sum": _amount(ore),
        "fee": _amount(FEE_ORE),
        "opening": _amount(opening),
        "closing": _amount(opening + credited - FEE_ORE),
    }
    return render_to_string(f"demo/{name}.xml", context).encode()


def _others(day: datetime.date) -> list[Gift]:
    """The day's gifts that came in no file: in the demo all that were there from the beginning."""
    came = Transfer.objects.originals().filter(
        kind=Transfer.Kind.GIFT, reversal=None, payment__bank_date=day, payment__file=None
    )
    return [
        Gift(payment.payer_name or "Utan namn", one.amount_ore, message=payment.message or "Gåva")
        for one in came.select_related("payment").order_by("pk")
        if (payment := one.payment)
    ]


def _amount(ore: int) -> str:
    return f"{ore // 100}.{ore % 100:02}"
