"""Reversals: what was wrong is undone by its mirror image."""

import datetime

from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import queries
from donations.models import Account, Transfer
from donations.money import format_kronor
from donations.operations.gifts import refunds_of
from donations.operations.ledger import (
    Entry,
    Kind,
    OperationError,
    lock,
    post,
    refuse_future,
    refuse_locked,
    refuse_missing_reason,
    retried,
)
from donations.operations.payers import forget, placements_of
from donations.operations.years import refuse_closed
from staff.models import User


@retried
def reverse(transfer: Transfer, *, booked_on: datetime.date, reason: str, by: User) -> Transfer:
    """Undo a transfer by its mirror image: every gross figure then reads as if it never was.

    A placement is not suggested for the same payer and text any more.

    Raises `OperationError` when it is itself a reversal, is reversed already,
    or something that leans on it must be reversed first.
    """
    refuse_future(booked_on)
    refuse_locked(booked_on)
    refuse_missing_reason(reason)
    transfer = Transfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=transfer.pk)
    if transfer.reverses_id:
        raise OperationError(
            _("En rättelse kan inte rättas. Bokför det som är rätt som en ny transaktion.")
        )
    if hasattr(transfer, "reversal"):
        raise OperationError(_("Transaktionen är redan rättad."))
    if booked_on < transfer.booked_on:
        raise OperationError(_("En rättelse kan inte ligga före det den rättar."))
    last_answer = transfer.answers.aggregate(Max("booked_on"))["booked_on__max"]
    if last_answer and booked_on < last_answer:
        raise OperationError(_("En rättelse kan inte ligga före givarens svar."))
    if refunds_of(transfer):
        raise OperationError(
            _("Gåvan är helt eller delvis återbetald. Rätta återbetalningen först.")
        )
    if transfer.kind == Kind.GIFT and transfer.payment_id and placements_of(transfer):
        raise OperationError(_("Gåvan är helt eller delvis placerad. Rätta placeringen först."))
    sides = Account.objects.filter(pk__in=[transfer.debit_id, transfer.credit_id])
    lock(a.fund_year_id for a in sides if a.fund_year_id)
    if transfer.kind in (Kind.REALLOCATION, Kind.CARRY_OVER):
        refuse_closed(a.fund_year_id for a in sides if a.fund_year_id)
        _refuse_gone_on(transfer)
    if transfer.kind == Kind.PLACEMENT:
        forget(transfer, by=by)
    answered = transfer.answers.aggregate(Sum("covered_ore"))["covered_ore__sum"] or 0
    entry = Entry(
        kind=Kind(transfer.kind),
        debit_id=transfer.credit_id,
        credit_id=transfer.debit_id,
        amount_ore=transfer.amount_ore,
        covered_ore=transfer.covered_ore + answered,
        booked_on=booked_on,
        payment_id=transfer.payment_id,
        reverses_id=transfer.pk,
        reason=reason,
    )
    return Transfer.objects.get(pk=post([entry], by=by)[0])


def _refuse_gone_on(moved: Transfer) -> None:
    """Raise `OperationError` when what was moved has been moved on or paid out where it went."""
    there = moved.credit.fund_year
    assert there  # a reallocation and a carry-over go to fund years
    figures = queries.figures([there], timezone.localdate())[there.pk]
    left = figures.cash
    if moved.covered_ore:
        # Of the uncovered part nothing can have been moved on.
        left = min(left, figures.covered + moved.amount_ore - moved.covered_ore)
    if left < moved.amount_ore:
        raise OperationError(
            _(
                "Av %(amount)s finns %(left)s kvar i %(fund_year)s. Rätta först det som har flyttats eller "
                "betalats ut därifrån."
            )
            % {
                "amount": format_kronor(moved.amount_ore),
                "left": format_kronor(max(0, left)),
                "fund_year": there,
            }
        )
