"""Reallocation: what one person proposes and another decides."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext as _

from donations import queries
from donations.days import long_date
from donations.models import FundYear, Proposal, ProposalLine, Transfer, YearClosing
from donations.money import format_kronor
from donations.operations.ledger import (
    Entry,
    Kind,
    OperationError,
    lock,
    post,
    refuse_amount,
    refuse_future,
    refuse_locked,
    refuse_missing_reason,
    retried,
    standing,
)
from donations.operations.movements import refuse_before_newest
from donations.operations.years import account, collection_year, fund_year, refuse_closed
from staff import audit
from staff.models import User

Decision = Proposal.Decision


@dataclass(frozen=True)
class LineIn:
    """An amount that somebody wants to move from one fund year to another, and why to that one.

    `corrects` is the reallocation of a closed year that it moves back, if it does.
    """

    source: FundYear
    receiver: FundYear
    amount_ore: int
    reason: str = ""
    corrects: Transfer | None = None


@retried
def draft(
    lines: Sequence[LineIn],
    *,
    reason: str,
    by: User,
    proposal: Proposal | None = None,
    seen: str | None = None,
) -> Proposal:
    """Write a draft, or write `proposal`, a draft, anew. Nothing is held yet. Raises `OperationError`.

    `seen`, if given, is the `stamp` of the draft as `by` has seen it: another's change is not lost.
    """
    if not lines:
        raise OperationError(_("Fyll i minst ett belopp att flytta."))
    for line in lines:
        refuse_amount(line.amount_ore)
    first = lines[0].source
    for line in lines:
        _refuse_other_area_or_year(first, line)
        if line.corrects:
            _refuse_moving_back_too_much(line.amount_ore, line.corrects)
    pairs = [(line.source.pk, line.receiver.pk) for line in lines]
    if len(set(pairs)) < len(pairs):
        raise OperationError(_("Samma mottagare står två gånger. Lägg ihop beloppen."))
    text = _("Ändrade utkastet till %(proposal)s: %(amount)s")
    if proposal is None:
        proposal = Proposal(created_at=timezone.now())
        text = _("Sparade ett utkast till %(proposal)s: %(amount)s")
    else:
        proposal = _draft(proposal, seen)
        proposal.lines.all().delete()
    proposal.focus_area_id, proposal.year_id = first.focus_area_id, first.year_id
    proposal.reason, proposal.by, proposal.changed_at = reason, by, timezone.now()
    proposal.save()
    made = ProposalLine.objects.bulk_create(
        ProposalLine(
            proposal=proposal,
            position=place,
            source=line.source,
            receiver=line.receiver,
            amount_ore=line.amount_ore,
            reason=line.reason,
            corrects=line.corrects,
        )
        for place, line in enumerate(lines)
    )
    _record(text, proposal, made, by)
    return proposal


def stamp(proposal: Proposal) -> str:
    """Tells a draft as it stands from the same draft when somebody has changed it."""
    return proposal.changed_at.isoformat()


def refuse_changed(proposal: Proposal, seen: str) -> None:
    """Raise `OperationError` when a draft has been changed since it was as `seen` tells."""
    if seen != stamp(proposal):
        raise OperationError(
            _("%s har ändrat utkastet sedan du öppnade sidan. Läs det som det är nu först.")
            % proposal.by
        )


@retried
def draft_back(moved: Transfer, *, by: User) -> Proposal:
    """Write a draft that moves a reallocation of a closed year back, between the same funds' years of today.

    Of as much as can be: what the fund that got it can spare now, and the other still needs. Raises
    `OperationError` when that is nothing, or when the year is open: then the reallocation is reversed.
    """
    source, receiver = moved.credit.fund_year, moved.debit.fund_year
    if moved.kind != Kind.REALLOCATION or moved.reverses_id or not (source and receiver):
        raise OperationError(_("Bara en omfördelning kan flyttas tillbaka."))
    if hasattr(moved, "reversal"):
        raise OperationError(_("Transaktionen är redan rättad."))
    if not YearClosing.objects.filter(year=receiver.year_id).exists():
        raise OperationError(
            _("Insamlingsåret %s är öppet. Rätta omfördelningen i stället.") % receiver.year
        )
    today = timezone.localdate()
    this_year = collection_year(today, by)
    if YearClosing.objects.filter(year=this_year).exists():
        raise OperationError(_("Insamlingsåret %s är också stängt.") % this_year)
    now_from, now_to = (fund_year(side.fund, today, by) for side in (source, receiver))
    line = LineIn(
        now_from,
        now_to,
        moved.amount_ore,
        _("Flyttar tillbaka det som flyttades den %s.") % long_date(moved.booked_on),
        moved,
    )
    _refuse_other_area_or_year(now_from, line)
    _refuse_closed_receiver(now_to)
    figures = queries.figures_today([now_from, now_to], today)
    remaining = figures[now_to.pk].remaining
    if remaining is None:
        raise OperationError(_("Behovet för %s är inte bestämt. Bestäm det först.") % now_to)
    needed = remaining - queries.pending([now_to.pk])[now_to.pk].into
    left = not_moved_back(moved)
    most = min(figures[now_from.pk].movable, needed, left)
    if most <= 0:
        raise OperationError(
            _(
                "Ingenting går att flytta tillbaka i dag. I %(source)s går %(movable)s att flytta, och"
                " %(receiver)s behöver %(needed)s till. Av omfördelningen är %(left)s kvar att flytta"
                " tillbaka."
            )
            % {
                "source": now_from,
                "movable": format_kronor(figures[now_from.pk].movable),
                "receiver": now_to,
                "needed": format_kronor(max(0, needed)),
                "left": format_kronor(left),
            }
        )
    return draft([replace(line, amount_ore=most)], reason="", by=by)


def _refuse_moving_back_too_much(
    amount_ore: int, moved: Transfer, proposal: Proposal | None = None
) -> None:
    """Raise `OperationError` when a line moves back more than is left of the reallocation."""
    left = not_moved_back(moved, proposal)
    if amount_ore > left:
        raise OperationError(
            _(
                "Av omfördelningen är %(left)s kvar att flytta tillbaka; du försökte flytta %(amount)s."
            )
            % {"left": format_kronor(left), "amount": format_kronor(amount_ore)}
        )


def not_moved_back(moved: Transfer, proposal: Proposal | None = None) -> int:
    """The öre of a reallocation that have not been moved back, nor wait to be.

    For a proposal that waits only those submitted before it count, as in `_limits`. None are left of
    one that has been reversed.
    """
    if hasattr(moved, "reversal"):
        return 0
    back = standing(moved.corrections.filter(kind=Kind.REALLOCATION))
    waiting = ProposalLine.objects.filter(
        corrects=moved, proposal__in=queries.submitted_before(proposal)
    )
    gone = [*(row.amount_ore for row in back), *waiting.values_list("amount_ore", flat=True)]
    return max(0, moved.amount_ore - sum(gone))


@retried
def delete_draft(proposal: Proposal, *, by: User, seen: str | None = None) -> None:
    """Throw a draft away. Raises `OperationError` when it has been submitted, or changed since `seen`."""
    proposal = _draft(proposal, seen)
    _record(_("Tog bort utkastet till %(proposal)s: %(amount)s"), proposal, _lines(proposal), by)
    proposal.delete()


@retried
def submit(proposal: Proposal, *, by: User, seen: str | None = None) -> Proposal:
    """Submit a draft: from now on its amounts are held, and another person decides about it.

    Raises `OperationError` when a source cannot spare as much, a receiver does not need as much, or
    the draft has been changed since `seen`.
    """
    proposal = _draft(proposal, seen)
    lines = _locked_lines(proposal)
    if not proposal.reason.strip():
        raise OperationError(_("Skälet till förslaget saknas. Ändra utkastet och skriv det."))
    if not lines:
        raise OperationError(_("Fyll i minst ett belopp att flytta."))
    refuse_closed(_sides(lines))
    _refuse_too_much(proposal, lines, {line.pk: line.amount_ore for line in lines})
    proposal.by, proposal.submitted_at = by, timezone.now()
    proposal.figures_then = {
        str(pk): {
            "need": then.need,
            "available": then.available,
            "disbursed": then.disbursed,
            "covered": then.covered,
        }
        for pk, then in _figures_today(lines).items()
    }
    proposal.save()
    _record(_("Lämnade in %(proposal)s: %(amount)s"), proposal, lines, by)
    return proposal


@retried
def approve(
    proposal: Proposal,
    *,
    by: User,
    amounts: Mapping[int, int] | None = None,
    booked_on: datetime.date | None = None,
    reason: str = "",
) -> list[Transfer]:
    """Approve a proposal that waits and move its money, today or on `booked_on`.

    `amounts` gives, by line id, less than was proposed (0 leaves the line out). Raises
    `OperationError` when the approver is the proposer, or when a source no longer can spare or a
    receiver no longer needs as much; the sentence names the figures, and `approvable` what is left.
    """
    day = booked_on or timezone.localdate()
    refuse_future(day)
    refuse_locked(day)
    proposal = _waiting(proposal)
    lines = _locked_lines(proposal)
    if proposal.by_id == by.pk:
        raise OperationError(
            _("Du har själv lämnat in förslaget. En annan person behöver besluta om det.")
        )
    refuse_closed(_sides(lines))
    approved = {line.pk: (amounts or {}).get(line.pk, line.amount_ore) for line in lines}
    for line in lines:
        if not 0 <= approved[line.pk] <= line.amount_ore:
            raise OperationError(
                _("Du kan godkänna högst det föreslagna, %(amount)s, till %(receiver)s.")
                % {"amount": format_kronor(line.amount_ore), "receiver": line.receiver.fund}
            )
    if not any(approved.values()):
        raise OperationError(_("Inget belopp är kvar att godkänna. Avslå förslaget i stället."))
    _refuse_too_much(proposal, lines, approved)
    figures = queries.figures({line.source for line in lines}, timezone.localdate())
    for line in lines:
        if approved[line.pk]:
            refuse_before_newest(figures[line.source_id], day)
        line.approved_ore = approved[line.pk]
        line.need_ore = figures[line.source_id].need
        line.surplus_ore = figures[line.source_id].surplus
        line.save(update_fields=["approved_ore", "need_ore", "surplus_ore"])
    _decide(proposal, Decision.APPROVED, reason, by)
    entries = [
        Entry(
            Kind.REALLOCATION,
            account(line.source).pk,
            account(line.receiver).pk,
            approved[line.pk],
            day,
            line_id=line.pk,
            corrects_id=line.corrects_id,
            reason=line.reason or proposal.reason,
        )
        for line in lines
        if approved[line.pk]
    ]
    ids = post(entries, by=by)
    _record(_("Godkände %(proposal)s: %(amount)s"), proposal, lines, by)
    return list(Transfer.objects.filter(pk__in=ids).order_by("pk"))


@retried
def reject(proposal: Proposal, *, reason: str, by: User) -> Proposal:
    """Say no to a proposal that waits; nothing is held any more. Raises `OperationError`."""
    refuse_missing_reason(reason)
    proposal = _waiting(proposal)
    lines = _locked_lines(proposal)
    if proposal.by_id == by.pk:
        raise OperationError(_("Du har själv lämnat in förslaget. Ta tillbaka det i stället."))
    _decide(proposal, Decision.REJECTED, reason, by)
    _record(_("Avslog %(proposal)s: %(amount)s"), proposal, lines, by)
    return proposal


@retried
def withdraw(proposal: Proposal, *, by: User, reason: str = "") -> Proposal:
    """Take back one's own proposal that waits; nothing is held any more. Raises `OperationError`."""
    proposal = _waiting(proposal)
    lines = _locked_lines(proposal)
    if proposal.by_id != by.pk:
        raise OperationError(_("Bara den som har lämnat in förslaget kan ta tillbaka det."))
    _decide(proposal, Decision.WITHDRAWN, reason, by)
    _record(_("Tog tillbaka %(proposal)s: %(amount)s"), proposal, lines, by)
    return proposal


def approvable(proposal: Proposal) -> dict[int, int]:
    """What can be approved today of each line of a proposal, by the line's id, in the lines' order."""
    lines = _lines(proposal)
    spare, needed = _limits(proposal, lines)
    found = {}
    for line in lines:
        most = max(0, min(line.amount_ore, spare[line.source_id], needed[line.receiver_id]))
        if line.corrects:
            most = min(most, not_moved_back(line.corrects, proposal))
        if line.receiver.fund.is_closed(timezone.localdate()):
            most = 0
        found[line.pk] = most
        spare[line.source_id] -= most
        needed[line.receiver_id] -= most
    return found


def _limits(
    proposal: Proposal, lines: Iterable[ProposalLine]
) -> tuple[dict[int, int], dict[int, int]]:
    """What each source can spare and each receiver still needs today, in öre, by fund year.

    Less what proposals submitted before this one hold (for a draft: all that wait): those after it
    wait for it, so that two never block each other.
    """
    lines = list(lines)
    figures = _figures_today(lines)
    held = queries.pending(_sides(lines), before=proposal)
    spare = {
        line.source_id: figures[line.source_id].may_leave - held[line.source_id].out
        for line in lines
    }
    needed = {
        line.receiver_id: (figures[line.receiver_id].remaining or 0) - held[line.receiver_id].into
        for line in lines
    }
    return spare, needed


def _refuse_too_much(
    proposal: Proposal, lines: Sequence[ProposalLine], amounts: Mapping[int, int]
) -> None:
    """Raise `OperationError` where the amounts, by line id, are more than can leave or is needed."""
    for line in lines:
        if amounts[line.pk]:
            _refuse_closed_receiver(line.receiver)
            if line.corrects:
                _refuse_moving_back_too_much(amounts[line.pk], line.corrects, proposal)
    spare, needed = _limits(proposal, lines)
    for source in {line.source for line in lines}:
        amount = sum(amounts[line.pk] for line in lines if line.source_id == source.pk)
        if amount > max(0, spare[source.pk]):
            raise OperationError(
                _(
                    "Överskottet i %(fund)s som går att flytta är %(most)s; du försökte flytta "
                    "%(amount)s."
                )
                % {
                    "fund": source.fund,
                    "most": format_kronor(max(0, spare[source.pk])),
                    "amount": format_kronor(amount),
                }
            )
    for receiver in {line.receiver for line in lines}:
        amount = sum(amounts[line.pk] for line in lines if line.receiver_id == receiver.pk)
        if amount > max(0, needed[receiver.pk]):
            raise OperationError(
                _("%(fund)s behöver %(most)s till; du försökte flytta %(amount)s dit.")
                % {
                    "fund": receiver.fund,
                    "most": format_kronor(max(0, needed[receiver.pk])),
                    "amount": format_kronor(amount),
                }
            )


def _refuse_closed_receiver(receiver: FundYear) -> None:
    """Raise `OperationError` for a fund that takes no more money: nobody would notice it there."""
    if receiver.fund.is_closed(timezone.localdate()):
        raise OperationError(
            _("Insamling %s är stängd. Överskottet kan bara gå till en öppen.") % receiver.fund
        )


def _refuse_other_area_or_year(first: FundYear, line: LineIn) -> None:
    for side in (line.source, line.receiver):
        if side.focus_area_id != first.focus_area_id:
            raise OperationError(
                _(
                    "Överskott kan bara gå till en insamling i samma fokusområde. %s hör till ett annat."
                )
                % side.fund
            )
        if side.year_id != first.year_id:
            raise OperationError(
                _("Överskott kan bara gå till en insamling i samma år. %s hör till ett annat.")
                % side
            )
    if line.source == line.receiver:
        raise OperationError(_("Överskottet kan inte gå till insamlingen som det kommer från."))


def _figures_today(lines: Iterable[ProposalLine]) -> dict[int, queries.Figures]:
    """The figures today of every source and receiver, by the fund year's id."""
    sides = {side for line in lines for side in (line.source, line.receiver)}
    return queries.figures(sides, timezone.localdate())


def _draft(proposal: Proposal, seen: str | None) -> Proposal:
    """The draft, kept from others until the transaction is over. Raises `OperationError`."""
    found = Proposal.objects.select_for_update().filter(pk=proposal.pk).first()
    if found is None:
        raise OperationError(_("Utkastet är borttaget."))
    if found.submitted_at:
        raise OperationError(_("Förslaget är redan inlämnat."))
    if seen is not None:
        refuse_changed(found, seen)
    return found


def _waiting(proposal: Proposal) -> Proposal:
    """The proposal, kept from others until the transaction is over."""
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if proposal.decision:
        raise OperationError(
            _("Det är redan beslutat om förslaget: %s.") % proposal.get_decision_display()
        )
    if not proposal.submitted_at:
        raise OperationError(_("Förslaget är inte inlämnat än."))
    return proposal


def _lines(proposal: Proposal) -> list[ProposalLine]:
    return list(proposal.lines.with_sides())


def _locked_lines(proposal: Proposal) -> list[ProposalLine]:
    """The lines, with nobody else lessening their fund years meanwhile."""
    lines = _lines(proposal)
    lock(_sides(lines))
    return lines


def _sides(lines: Iterable[ProposalLine]) -> set[int]:
    return {side for line in lines for side in (line.source_id, line.receiver_id)}


def _decide(proposal: Proposal, decision: Proposal.Decision, reason: str, by: User) -> None:
    proposal.decision, proposal.decision_reason = decision, reason
    proposal.decided_by, proposal.decided_at = by, timezone.now()
    proposal.save()


def _record(text: str, proposal: Proposal, lines: Iterable[ProposalLine], by: User) -> None:
    amount = sum(
        line.amount_ore if line.approved_ore is None else line.approved_ore for line in lines
    )
    said = text % {"proposal": proposal, "amount": format_kronor(amount)}
    audit.record(audit.Area.MONEY, said, by=by, about=proposal)
