"""What is remembered of payers, for next time: where a person placed a gift, whom finance has bound, notes."""

from operator import attrgetter

from django.utils import timezone
from django.utils.translation import gettext as _

from donations import recall
from donations.bankfiles.matching import memory_keys, payer_keys
from donations.masking import mask
from donations.models import BoundPayer, Fund, Payment, RememberedPlacement, Transfer
from donations.operations.ledger import Kind, OperationError, standing, tried_again
from staff import audit
from staff.models import User


def placements_of(gift: Transfer) -> list[Transfer]:
    """What has been placed of a gift that came in on suspense."""
    return standing(Transfer.objects.filter(kind=Kind.PLACEMENT, payment=gift.payment_id))


def remember(gift: Transfer) -> None:
    """Suggest the funds that a gift has been placed on for the same payer and text from now on.

    Within the transaction that places it; the newest decision is the one suggested.
    """
    if gift.payment is None:
        return
    RememberedPlacement.objects.filter(payment=gift.payment).delete()
    funds, today = _funds_of(gift), timezone.localdate()
    RememberedPlacement.objects.bulk_create(
        RememberedPlacement(
            key=recall.digest(key), payment=gift.payment, funds=funds, decided_on=today
        )
        for key in memory_keys(recall.line_of(gift))
    )


def forget(placement: Transfer, *, by: User) -> None:
    """Suggest a placement no more, and bind its payer by it no more: it is reversed.

    What was decided before, or has been decided since, for the same payer and text stays.
    """
    RememberedPlacement.objects.filter(payment=placement.payment_id).delete()
    fund_year = placement.credit.fund_year
    assert fund_year  # what is placed is placed on a fund
    bound = BoundPayer.objects.filter(payment=placement.payment_id, fund=fund_year.fund_id)
    if bound.delete()[0]:
        text = _("Släppte en betalare som var knuten till %s") % fund_year.fund
        audit.record(audit.Area.MONEY, text, by=by, about=placement)


@tried_again
def bind_payer(gift: Transfer, fund: Fund, *, by: User) -> BoundPayer:
    """Let every payment of the gift's payer that has no number go to a fund, from the next one on.

    Raises `OperationError` when nothing is known to tell the payer by.
    """
    keys = payer_keys(recall.line_of(gift)) if gift.payment else []
    if not keys:
        raise OperationError(_("Betalaren går inte att känna igen: banken sa inte vem det var."))
    assert gift.payment
    bound, _is_new = BoundPayer.objects.update_or_create(
        key=recall.digest(keys[0]),
        defaults={
            "payment": gift.payment,
            "fund": fund,
            "by": by,
            "created_at": timezone.now(),
            "used_on": gift.payment.bank_date,
        },
    )
    audit.record(audit.Area.MONEY, _("Knöt en betalare till %s") % fund, by=by, about=gift)
    return bound


@tried_again
def write_note(gift: Transfer, text: str, *, by: User) -> None:
    """Write what finance wants to keep about a gift; the empty text takes it away.

    What looks like a personnummer is not kept. Raises `OperationError` when there is no payment.
    """
    if gift.payment_id is None:
        raise OperationError(_("Gåvan har ingen betalning att skriva om."))
    Payment.objects.filter(pk=gift.payment_id).update(note=mask(text.strip()))
    audit.record(audit.Area.MONEY, _("Skrev en anteckning om en gåva"), by=by, about=gift)


def _funds_of(gift: Transfer) -> list[int]:
    """The funds that a gift stands placed on, by their ids, each once, in the order they were placed."""
    placed = sorted(placements_of(gift), key=attrgetter("pk"))
    years = [one.credit.fund_year for one in placed]
    return list(dict.fromkeys(year.fund_id for year in years if year))
