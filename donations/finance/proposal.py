"""One proposal: what it would move, what has changed, and who may do what about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import candidates, once, operations, queries, since
from donations.finance.reallocation_forms import (
    ApproveForm,
    CopyForm,
    DeleteForm,
    MoveBackForm,
    RejectForm,
    SubmitForm,
    WithdrawForm,
)
from donations.forms import OperationForm
from donations.models import FundYear, Proposal, ProposalLine, Transfer, YearClosing
from donations.money import format_kronor
from donations.operations import LineIn, OperationError
from staff import access
from staff.models import User
from staff.requests import member

Run = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Standing:
    """A fund year as it stands today, with what it still needs when waiting proposals have sent theirs."""

    fund_year: FundYear
    figures: queries.Figures
    offered: int | None


@dataclass(frozen=True)
class Rights:
    """What a person may do about a proposal just now."""

    edit: bool
    submit: bool
    withdraw: bool
    decide: bool
    copy: bool
    reverse: bool
    move_back: bool
    why_not: str = ""


def rights(proposal: Proposal, user: User) -> Rights:
    """What `user` may do about the proposal; why not decide, when it waits for somebody else."""
    proposes, is_mine = user.has_perm("donations.add_proposal"), proposal.by_id == user.pk
    is_closed = YearClosing.objects.filter(year=proposal.year_id).exists()
    decides, waits = user.has_perm("donations.decide_proposal"), proposal.is_pending
    why_not = ""
    if waits and is_mine:
        why_not = _(
            "Du har själv lämnat in förslaget. En annan person med rollen Attestant behöver besluta om det."
        )
    elif waits and not decides:
        why_not = _("Förslaget väntar på beslut av någon med rollen Attestant.")
    return Rights(
        edit=proposes and not proposal.submitted_at,
        submit=proposes and not proposal.submitted_at,
        withdraw=proposes and waits and is_mine,
        decide=decides and waits and not is_mine,
        copy=proposes and proposal.decision in ("rejected", "withdrawn"),
        reverse=user.has_perm("donations.add_transfer") and not is_closed,
        move_back=proposes and is_closed and proposal.decision == Proposal.Decision.APPROVED,
        why_not=why_not,
    )


@access.staff("donations.view_proposal", methods=access.READ)
def proposal_page(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """One proposal, with its lines, figures and history."""
    return _page(request, _find(proposal_id))


def told_submitted(amount_ore: int) -> str:
    """What is said when a proposal of so many öre has been submitted."""
    text = _("Förslaget är inlämnat. %s hålls tills någon annan har beslutat.")
    return text % format_kronor(amount_ore)


@access.staff("donations.add_proposal", methods=("POST",))
def submit(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Submit a draft as it stands."""
    proposal = _find(proposal_id)

    def run(data: dict[str, Any]) -> str:
        operations.submit(proposal, by=member(request), seen=request.POST.get("seen", ""))
        return told_submitted(sum(line.amount_ore for line in proposal.lines.all()))

    return _carry_out(request, proposal, SubmitForm(request.POST), run)


@access.staff("donations.decide_proposal", methods=("POST",))
def approve(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Approve a proposal, or part of it, and move the money today."""
    proposal = _find(proposal_id)
    form = ApproveForm(
        request.POST, lines=_lines(proposal), approvable=operations.approvable(proposal)
    )

    def run(data: dict[str, Any]) -> str:
        moved = operations.approve(
            proposal, by=member(request), amounts=form.amounts(), reason=data["reason"]
        )
        amount = format_kronor(sum(transfer.amount_ore for transfer in moved))
        return _("Förslaget är godkänt. %s är flyttade.") % amount

    return _carry_out(request, proposal, form, run)


@access.staff("donations.decide_proposal", methods=("POST",))
def reject(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Say no to a proposal, with a reason."""
    proposal = _find(proposal_id)

    def run(data: dict[str, Any]) -> str:
        operations.reject(proposal, reason=data["reason"], by=member(request))
        return _("Förslaget är avslaget. Inga pengar är flyttade.")

    return _carry_out(request, proposal, RejectForm(request.POST), run)


@access.staff("donations.add_proposal", methods=("POST",))
def withdraw(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Take back what one has proposed oneself."""
    proposal = _find(proposal_id)

    def run(data: dict[str, Any]) -> str:
        operations.withdraw(proposal, by=member(request), reason=data["reason"])
        return _("Förslaget är återtaget. Beloppen hålls inte längre.")

    return _carry_out(request, proposal, WithdrawForm(request.POST), run)


@access.staff("donations.add_proposal", methods=("POST",))
def delete(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Throw a draft away."""
    proposal = _proposals().filter(pk=proposal_id).first()
    if proposal is None:
        messages.info(request, _("Utkastet är redan borttaget."))
        return redirect("finance_proposals")

    def run(data: dict[str, Any]) -> str:
        operations.delete_draft(proposal, by=member(request), seen=request.POST.get("seen", ""))
        return _("Utkastet är borttaget.")

    return _carry_out(
        request, proposal, DeleteForm(request.POST), run, lambda: reverse("finance_proposals")
    )


@access.staff("donations.add_proposal", methods=("POST",))
def copy(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Begin a new draft from a proposal that was rejected or withdrawn."""
    proposal = _find(proposal_id)
    back = [reverse("finance_proposals")]

    def run(data: dict[str, Any]) -> str:
        if not rights(proposal, member(request)).copy:
            raise OperationError(_("Bara ett avslaget eller återtaget förslag kan kopieras."))
        lines = [
            LineIn(line.source, line.receiver, line.amount_ore, line.reason, line.corrects)
            for line in _lines(proposal)
        ]
        made = operations.draft(lines, reason=proposal.reason, by=member(request))
        back[:] = [reverse("finance_proposal_edit", args=[made.pk])]
        return _("Det här är en kopia av förslag %s. Ändra det som behövs.") % proposal.pk

    return _carry_out(request, proposal, CopyForm(request.POST), run, lambda: back[0])


@access.staff("donations.add_proposal", methods=("POST",))
def move_back(request: HttpRequest, transfer_id: int) -> HttpResponse:
    """Begin a draft that moves a reallocation of a closed year back, between the funds' years of today."""
    moved = get_object_or_404(
        Transfer.objects.select_related("line", "credit__fund_year", "debit__fund_year"),
        pk=transfer_id,
        line__isnull=False,
    )
    back: list[str] = []

    def run(data: dict[str, Any]) -> str:
        made = operations.draft_back(moved, by=member(request))
        back[:] = [reverse("finance_proposal_edit", args=[made.pk])]
        return _(
            "Det här är ett utkast som flyttar tillbaka %s. Skriv varför och lämna in det."
        ) % (format_kronor(made.lines.get().amount_ore))

    assert moved.line  # filtered on
    proposal = _find(moved.line.proposal_id)
    to_proposal = reverse("finance_proposal", args=[proposal.pk])
    return _carry_out(
        request,
        proposal,
        MoveBackForm(request.POST),
        run,
        lambda: back[0] if back else to_proposal,
    )


def _carry_out(
    request: HttpRequest,
    proposal: Proposal,
    form: OperationForm,
    run: Run,
    back: Callable[[], str] | None = None,
) -> HttpResponse:
    """Do it once and go on; a refusal is shown on the proposal's page, in the form that was sent."""
    pk = proposal.pk
    if once.carried_out(request, form, run):
        return HttpResponseRedirect(back() if back else reverse("finance_proposal", args=[pk]))
    return _page(request, _find(pk), form)


def _proposals() -> Any:
    return Proposal.objects.select_related("focus_area", "year", "by", "decided_by")


def _find(proposal_id: int) -> Proposal:
    proposal: Proposal = get_object_or_404(_proposals(), pk=proposal_id)
    return proposal


def _lines(proposal: Proposal) -> list[ProposalLine]:
    return list(
        proposal.lines.with_sides().prefetch_related(
            "transfers__reversal", "transfers__corrections__line"
        )
    )


def _page(
    request: HttpRequest, proposal: Proposal, sent: OperationForm | None = None
) -> HttpResponse:
    """The proposal's page, with a form that was sent and refused in its place."""
    today = timezone.localdate()
    lines = _lines(proposal)
    may = rights(proposal, member(request))
    forms: dict[str, OperationForm] = {
        "submit": SubmitForm(),
        "delete": DeleteForm(),
        "copy": CopyForm(),
        "reject": RejectForm(),
        "withdraw": WithdrawForm(),
    }
    approvable = operations.approvable(proposal) if may.decide else {}
    if may.decide:
        forms["approve"] = ApproveForm(lines=lines, approvable=approvable)
    for name in forms:
        if sent is not None and type(sent) is type(forms[name]):
            forms[name] = sent
    context = {
        "proposal": proposal,
        "seen": operations.stamp(proposal),
        "lines": lines,
        "standings": _standings(lines),
        "proposed": sum(line.amount_ore for line in lines),
        "approved": sum(line.approved_ore or 0 for line in lines),
        "may": may,
        "forms": forms,
        "form": sent,
        "approvable": sum(approvable.values()),
        "moves_back": _moves_back(lines) if may.move_back else [],
        "changes": since.submission(proposal, today) if proposal.is_pending else [],
    }
    return render(request, "ekonomi/omfordelning/proposal.html", context)


def _moves_back(lines: list[ProposalLine]) -> list[tuple[ProposalLine, Transfer, MoveBackForm]]:
    """What can be moved back, each with a form of its own: those that have not been, or not all."""
    return [
        (line, transfer, MoveBackForm(auto_id=f"back{transfer.pk}_%s"))
        for line in lines
        for transfer in line.transfers.all()
        if operations.not_moved_back(transfer)
    ]


def _standings(lines: list[ProposalLine]) -> list[Standing]:
    """Every source and then every receiver, once each, as they stand today."""
    sides = {line.source_id: line.source for line in lines}
    sides |= {line.receiver_id: line.receiver for line in lines}
    today = timezone.localdate()
    figures = queries.figures_today(sides.values(), today)
    offered = candidates.remaining(sides.values(), today)
    return [Standing(side, figures[pk], offered[pk]) for pk, side in sides.items()]
