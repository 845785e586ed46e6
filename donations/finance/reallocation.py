"""Reallocation: what waits, what has been decided, and the way to a new proposal."""

from dataclasses import dataclass, field, replace

from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import candidates, once, operations, queries
from donations.candidates import Candidate
from donations.finance.proposal import told_submitted
from donations.finance.reallocation_forms import ShareForm
from donations.models import FundYear, Proposal, Transfer
from staff import access
from staff.requests import member

ON_A_SHEET = 25


@access.staff("donations.view_proposal", methods=access.READ)
def proposals(request: HttpRequest) -> HttpResponse:
    """Proposals: those that wait for a decision, drafts, and those decided, newest first."""
    everything = _in_lists(Proposal.objects.all())
    decided = Paginator(everything.exclude(decision="").order_by("-decided_at", "-pk"), ON_A_SHEET)
    context = {
        "waiting": _in_lists(Proposal.objects.pending()).order_by("submitted_at", "pk"),
        "drafts": everything.filter(submitted_at=None),
        "sheet": decided.get_page(request.GET.get("sida")),
        "me": member(request),
    }
    return render(request, "ekonomi/omfordelning/list.html", context)


def _in_lists(found: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """The proposals with what a list tells about each: names, and sums of what was proposed and approved."""
    return found.select_related("focus_area", "year", "by", "decided_by").annotate(
        amount=Sum("lines__amount_ore"), approved=Sum("lines__approved_ore")
    )


@access.staff("donations.add_proposal", methods=access.READ)
def surpluses(request: HttpRequest) -> HttpResponse:
    """Funds with a surplus: first those that can be moved, then those that have to stay, with why."""
    found = candidates.surpluses(timezone.localdate())
    context = {
        "sheet": Paginator(found, ON_A_SHEET).get_page(request.GET.get("sida")),
        "movable": sum(row.figures.movable > 0 for row in found),
    }
    return render(request, "ekonomi/omfordelning/surpluses.html", context)


@access.staff("donations.add_proposal")
def propose(request: HttpRequest, fund_year_id: int) -> HttpResponse:
    """Share a fund's surplus between candidates, in a new draft or one that is submitted at once."""
    source = get_object_or_404(_sources(), pk=fund_year_id)
    return _share(request, _begin(source))


@access.staff("donations.add_proposal")
def edit(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Change a draft; one that has been submitted can only be read."""
    proposal = Proposal.objects.filter(pk=proposal_id).first()
    if proposal is None:
        return _gone(request)
    if proposal.submitted_at and request.method != "POST":
        return redirect("finance_proposal", proposal.pk)
    first = proposal.lines.first()
    if first is None:
        raise Http404
    return _share(request, _begin(_sources().get(pk=first.source_id), proposal))


def _gone(request: HttpRequest) -> HttpResponse:
    """A draft that somebody has thrown away: what was typed meanwhile can be saved as a new one."""
    number = request.POST.get("source", "")
    source = (
        _sources().filter(pk=number).first()
        if number.isascii() and number.isdigit() and len(number) < 19
        else None
    )
    if source is None:
        raise Http404
    begun = _begin(source)
    form = _form(request, begun)
    form.add_error(
        None, _("Utkastet är borttaget. Det du skrev står kvar här och kan sparas som ett nytt.")
    )
    return _show(request, begun, form)


def _sources() -> QuerySet[FundYear]:
    return FundYear.objects.select_related(
        "year", "focus_area", "fund__project", "fund__focus_area"
    )


@dataclass(frozen=True)
class Begun:
    """What the form of sharing starts from."""

    source: FundYear
    figures: queries.Figures
    candidates: list[Candidate]
    initial: dict[str, object]
    proposal: Proposal | None = None
    # What the draft's lines move back, by the receiver's id.
    corrects: dict[int, Transfer] = field(default_factory=dict)


def _begin(source: FundYear, proposal: Proposal | None = None) -> Begun:
    """The candidates as they are today; a draft's own receivers too, though they need nothing more."""
    today = timezone.localdate()
    found = candidates.candidates(source, today)
    initial: dict[str, object] = {}
    corrects = {}
    if proposal:
        initial["reason"] = proposal.reason
        known = {one.fund_year.pk for one in found}
        lines = proposal.lines.select_related(
            "receiver__fund__project", "receiver__fund__focus_area", "corrects"
        )
        for line in lines:
            if line.corrects:
                corrects[line.receiver_id] = line.corrects
            initial[f"amount_{line.receiver_id}"] = line.amount_ore
            initial[f"reason_{line.receiver_id}"] = line.reason
            if line.receiver_id not in known:
                found.append(Candidate(line.receiver, 0, ""))
    return Begun(
        source,
        queries.figures_today([source], today)[source.pk],
        found,
        initial,
        proposal,
        corrects,
    )


def _share(request: HttpRequest, begun: Begun) -> HttpResponse:
    """Show the form, fill it in by the rules or add it up, keep it as a draft, or submit it."""
    form = _form(request, begun)
    do = request.POST.get("do")
    if do not in ("draft", "submit"):
        if do == "share" and form.is_valid():
            form = form.shared()
            form.is_valid()
        if do and begun.proposal:
            _tell_of_change(form, begun.proposal, request.POST.get("seen", ""))
        return _show(request, begun, form)
    back = [reverse("finance_proposals")]

    def run(data: dict[str, object]) -> str:
        by = member(request)
        proposal = operations.draft(
            [
                replace(line, corrects=begun.corrects.get(line.receiver.pk))
                for line in form.lines(begun.source)
            ],
            reason=str(data["reason"]),
            by=by,
            proposal=begun.proposal,
            seen=request.POST.get("seen", "") if begun.proposal else None,
        )
        told = _("Utkastet är sparat.")
        if do == "submit":
            operations.submit(proposal, by=by)
            told = told_submitted(form.total_ore)
        back[:] = [reverse("finance_proposal", args=[proposal.pk])]
        return told

    if once.carried_out(request, form, run):
        return HttpResponseRedirect(back[0])
    return _show(request, begun, form)


def _form(request: HttpRequest, begun: Begun) -> ShareForm:
    return ShareForm(
        request.POST if request.method == "POST" else None,
        initial=begun.initial,
        candidates=begun.candidates,
        movable_ore=begun.figures.movable,
    )


def _seen(request: HttpRequest, proposal: Proposal) -> str:
    return request.POST.get("seen") or operations.stamp(proposal)


def _tell_of_change(form: ShareForm, proposal: Proposal, seen: str) -> None:
    try:
        operations.refuse_changed(proposal, seen)
    except operations.OperationError as error:
        form.add_error(None, str(error))


def _show(request: HttpRequest, begun: Begun, form: ShareForm) -> HttpResponse:
    context = {
        "form": form,
        "source": begun.source,
        "figures": begun.figures,
        "proposal": begun.proposal,
        "action": request.path
        if begun.proposal
        else reverse("finance_propose", args=[begun.source.pk]),
        # Only who loads the page anew has seen what another has changed.
        "seen": _seen(request, begun.proposal) if begun.proposal else "",
        "corrects": begun.corrects.values(),
        "surplus": candidates.Surplus(begun.source, begun.figures),
    }
    return render(request, "ekonomi/omfordelning/share.html", context)
