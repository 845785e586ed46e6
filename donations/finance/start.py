"""Today's desk: what waits for somebody, each with its count and a way in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from donations import operations, queries
from donations.finance import bank_files
from donations.models import BankFile, Proposal
from donations.reports import remaining
from staff import access
from staff.requests import member


@access.staff("donations.view_fund", methods=access.READ)
def start(request: HttpRequest) -> HttpResponse:
    """What is to be done today."""
    today = timezone.localdate()
    year = operations.collection_year(today)
    context = {
        "today": today,
        "year": year,
        "lacking": sum(row.figures.need is None for row in remaining.rows(year, today)),
        "suspense": queries.suspense_balance(),
        **_proposals(request),
        **_bank_files(request),
    }
    return render(request, "ekonomi/start.html", context)


def _proposals(request: HttpRequest) -> dict[str, int]:
    """How many proposals wait, and how many of them this person may decide about: not one's own."""
    waiting, user = Proposal.objects.pending(), member(request)
    may_decide = user.has_perm("donations.decide_proposal")
    return {
        "waiting": waiting.count(),
        "to_decide": waiting.exclude(by=user).count() if may_decide else 0,
    }


def _bank_files(request: HttpRequest) -> dict[str, int]:
    """How many bank files wait to be booked, and how many of their lines for a decision."""
    if not member(request).has_perm("donations.view_bankfile"):
        return {"unbooked": 0, "undecided": 0}
    return {
        "unbooked": BankFile.objects.filter(bank_files.unbooked()).count(),
        "undecided": bank_files.undecided().count(),
    }
