"""What the database knows that a payment is matched by, as `bankfiles` takes it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, TypeVar

from django.utils.crypto import salted_hmac

from donations.bankfiles import mapped
from donations.bankfiles.aside import Rule
from donations.bankfiles.matching import (
    Collection,
    Decision,
    Register,
    memory_keys,
    payer_keys,
)
from donations.bankfiles.records import (
    Ground,
    Kind,
    Line,
    Number,
    Payer,
    Reference,
    Refused,
    Scheme,
    Way,
)
from donations.models import (
    AccountNumber,
    AsideRule,
    BoundPayer,
    ColumnMapping,
    Fund,
    Payment,
    RememberedPlacement,
    Transfer,
)

T = TypeVar("T")


def digest(key: str) -> str:
    """What a payer's key is kept as: keyed, so that nobody can try out whom it stands for; 64 digits."""
    return salted_hmac("donations.recall", key, algorithm="sha256").hexdigest()


class _Digested(Mapping[str, T]):
    """Looked up by keys in clear, kept by their digests."""

    def __init__(self, kept: dict[str, T]) -> None:
        self._kept = kept

    def __getitem__(self, key: str) -> T:
        return self._kept[digest(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def our_numbers() -> dict[Number, int]:
    """Every number that is ours → its account's id."""
    return {one.number: one.account_id for one in AccountNumber.objects.all()}


def register(lines: Iterable[Line] | None = None) -> Register:
    """What matching goes by today: every fund, who is bound to one, and what was decided before.

    For a few lines alone, of payers and decisions only what those lines can meet.
    """
    funds = Fund.objects.select_related("successor")
    payers, decisions = BoundPayer.objects.filter(number=""), RememberedPlacement.objects.all()
    if lines is not None:
        few = list(lines)
        payers = payers.filter(key__in={digest(key) for one in few for key in payer_keys(one)})
        decisions = decisions.filter(
            key__in={digest(key) for one in few for key in memory_keys(one)}
        )
    bound = dict(payers.values_list("key", "fund_id"))
    autogiro = BoundPayer.objects.exclude(number="").values_list("number", "fund_id")
    # The newest of a key comes last, and is the one that is kept.
    placed = {
        one.key: Decision(tuple(one.funds), one.decided_on) for one in decisions.order_by("pk")
    }
    return Register(
        [
            Collection(
                fund.collection_number,
                fund.pk,
                fund.closed_on,
                fund.successor.collection_number if fund.successor else "",
                fund.words,
            )
            for fund in funds
        ],
        autogiro=dict(autogiro),
        payers=_Digested(bound),
        decisions=_Digested(placed),
    )


def rules() -> list[Rule]:
    """Finance's own rules for what is no gift, in their order."""
    return [one.rule for one in AsideRule.objects.all()]


def is_sheet(stream: BinaryIO) -> bool:
    """Whether a file can be read as rows and columns. Raises `Refused` for a workbook that cannot."""
    try:
        seen = mapped.look(stream)
    except Refused:
        if mapped.is_workbook(stream):
            raise
        return False
    return any(len(row.cells) > 1 for row in seen.rows)


def fitting_mapping(stream: BinaryIO) -> ColumnMapping | None:
    """The saved mapping whose headings stand where it says in the file, the newest if there are several.

    A mapping without headings fits no file by itself. What is no sheet has none.
    """
    try:
        seen = mapped.look(stream)
    except Refused:
        return None
    for one in ColumnMapping.objects.order_by("-created_at", "-id"):
        if _fits(one.columns, seen):
            return one
    return None


def _fits(mapping: mapped.Mapping, seen: mapped.Look) -> bool:
    return mapping.delimiter == seen.delimiter and any(
        row.number == mapping.header_row and tuple(row.cells) == mapping.headings
        for row in seen.rows
    )


def line_of(gift: Transfer) -> Line:
    """A gift that waits on suspense as the line it came from, for `matching.match` and its keys."""
    payment = gift.payment
    assert payment is not None  # what waits on suspense can be placed
    nobody = Number(Scheme.BBAN, "")
    return Line(
        where="",
        account=nobody,
        to=nobody,
        booked_on=payment.bank_date,
        amount_ore=gift.amount_ore,
        way=Way.IN,
        kind=Kind.PAYMENT,
        channel=payment.channel,
        row="",
        references=references_of(payment),
        payer=payer_of(payment),
    )


def references_of(payment: Payment) -> tuple[Reference, ...]:
    """What was written: as the parser told it, where that is kept, else each line as a message."""
    if payment.references is not None:
        return tuple(Reference(Ground(g), text, ore) for g, text, ore in payment.references)
    lines = payment.message.split("\n") if payment.message else ()
    return tuple(Reference(Ground.MESSAGE, text) for text in lines)


def payer_of(payment: Payment) -> Payer:
    """Who paid, as far as is kept."""
    return Payer(
        name=payment.payer_name,
        account=payment.payer_account,
        identity=payment.payer_identity,
    )
