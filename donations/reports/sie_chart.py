"""Which account and project of the general ledger each side of a movement stands on."""

from collections.abc import Iterable
from typing import NamedTuple

from donations.models import Account, SieMapping, Transfer
from donations.models.sie import ACCOUNT_FIELDS, parted

Kind = Transfer.Kind

# The mapping's field for a fund's side of each kind: where money leaves the fund, and where it comes.
_LEAVES: dict[str, str] = {
    Kind.REFUND: "refunds",
    Kind.REALLOCATION: "moved_out",
    Kind.CARRY_OVER: "carried_out",
    Kind.DISBURSEMENT: "disbursed",
}
_COMES: dict[str, str] = {
    Kind.OPENING: "opened",
    Kind.GIFT: "gifts",
    Kind.PLACEMENT: "gifts",
    Kind.REALLOCATION: "moved_in",
    Kind.CARRY_OVER: "carried_in",
}
# Empty, these are the account for gifts.
_AS_GIFTS = {"gifts", "refunds", "moved_out", "moved_in"}


class Side(NamedTuple):
    """An account of ours: what it is, and for a fund year's the fund and its page; then the overrides."""

    kind: str
    number: str | None
    project: str | None
    area: str | None
    of_fund: str | None
    code: str | None
    of_area: str | None
    of_bank: str | None


class Post(NamedTuple):
    """Where one side stands: the mapping's field that decides it, the account's number, the project's code.

    The number is "" when nobody has said which.
    """

    field: str
    number: str
    project: str


class Chart:
    """A mapping with its overrides, for the accounts of ours with the ids: in one query."""

    def __init__(self, mapping: SieMapping, account_ids: Iterable[int]) -> None:
        self.mapping = mapping
        self._sides = _sides(account_ids)
        self.accounts = _names(mapping, self._sides.values())
        self.projects: dict[str, str] = {}
        for side in self._sides.values():
            if side.number:
                self.projects.setdefault(_code(side), side.project or side.area or "")

    def post(self, kind: str, account_id: int, *, leaves: bool) -> Post:
        """Where the side of an account stands that money of the kind leaves, or else comes to."""
        side = self._sides[account_id]
        field, text = self._account(kind, side, leaves)
        return Post(field, parted(text)[0], _code(side))

    def _account(self, kind: str, side: Side, leaves: bool) -> tuple[str, str]:
        mapping = self.mapping
        if side.kind == Account.Kind.BANK:
            return "clearing", side.of_bank or mapping.clearing
        if side.kind == Account.Kind.PARTNERS:
            return "clearing", mapping.disbursed_against or mapping.clearing
        if side.kind == Account.Kind.SUSPENSE:
            return "suspense", mapping.suspense
        if side.kind == Account.Kind.START:
            return "opened_against", mapping.opened_against
        field = (_LEAVES if leaves else _COMES)[kind]
        own: str = "" if field == "gifts" else getattr(mapping, field)
        if own or field not in _AS_GIFTS:
            return field, own
        return "gifts", side.of_fund or side.of_area or mapping.gifts


def _code(side: Side) -> str:
    """The project's code in the general ledger; "" for what belongs to no fund."""
    return side.code or side.number or ""


def _sides(account_ids: Iterable[int]) -> dict[int, Side]:
    """Our accounts by their ids, those of funds by their numbers."""
    rows = Account.objects.filter(pk__in=set(account_ids)).values_list(
        "pk",
        "kind",
        "fund_year__fund__collection_number",
        "fund_year__fund__project__title",
        "fund_year__fund__focus_area__title",
        "fund_year__fund__sie_override__account",
        "fund_year__fund__sie_override__project_code",
        "fund_year__focus_area__sie_override__account",
        "sie_override__account",
    )
    return {pk: Side(*rest) for pk, *rest in rows.order_by("fund_year__fund__collection_number")}


def _names(mapping: SieMapping, sides: Iterable[Side]) -> dict[str, str]:
    """What each account is called, by its number; of two names, the mapping's first."""
    texts = [text for one in sides for text in (one.of_fund, one.of_area, one.of_bank)]
    texts += [str(getattr(mapping, name)) for name in reversed(ACCOUNT_FIELDS)]
    return dict(parted(text) for text in texts if text)
