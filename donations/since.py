"""What has happened to the fund years of a proposal since it was submitted."""

import datetime
from typing import Any

from django.utils.translation import gettext as _

from donations import queries
from donations.models import Proposal
from donations.money import format_kronor


def submission(proposal: Proposal, day: datetime.date) -> list[str]:
    """What differs on `day` from when a proposal was submitted, a Swedish sentence for each figure."""
    if proposal.figures_then is None:
        return []
    lines = proposal.lines.select_related("source__fund", "receiver__fund")
    sources = {line.source_id: line.source for line in lines}
    receivers = {line.receiver_id: line.receiver for line in lines}
    sides = sources | receivers
    now = queries.figures(sides.values(), day)
    told = []
    for pk, side in sides.items():
        number, then = side.fund.collection_number, _figures(day, proposal.figures_then[str(pk)])
        told.append(_changed(_("behovet"), number, then.need, now[pk].need))
        if pk in sources:
            told.append(_changed(_("överskottet"), number, then.surplus, now[pk].surplus))
        if pk in receivers:
            what = _("det som är kvar att samla in")
            told.append(_changed(what, number, then.remaining, now[pk].remaining))
        if pk in sources and now[pk].covered < (now[pk].surplus or 0):
            what = _("det som villkor eller givares ja omfattar")
            covered = proposal.figures_then[str(pk)]["covered"]
            told.append(_changed(what, number, max(0, covered), max(0, now[pk].covered)))
        paid_out = now[pk].disbursed - then.disbursed
        if pk in sources and paid_out > 0:
            told.append(
                _("Sedan förslaget lämnades in har %(amount)s betalats ut från %(number)s.")
                % {"amount": format_kronor(paid_out), "number": number}
            )
    return [sentence for sentence in told if sentence]


def _figures(day: datetime.date, then: dict[str, Any]) -> queries.Figures:
    """The figures that were kept, as far as they were."""
    # What is available is one sum: here it does not matter what it came from.
    return queries.Figures(
        day, need=then["need"], opening=then["available"], disbursed=then["disbursed"]
    )


def _changed(what: str, number: str, before: int | None, after: int | None) -> str:
    """A sentence about a figure that has changed, or nothing."""
    if before == after:
        return ""
    values = {
        "what": what,
        "number": number,
        "before": _("okänt") if before is None else format_kronor(before),
        "after": _("okänt") if after is None else format_kronor(after),
    }
    if before is None or after is None:
        text = _(
            "Sedan förslaget lämnades in har %(what)s i %(number)s ändrats från %(before)s till %(after)s."
        )
    elif after < before:
        text = _(
            "Sedan förslaget lämnades in har %(what)s i %(number)s minskat från %(before)s till %(after)s."
        )
    else:
        text = _(
            "Sedan förslaget lämnades in har %(what)s i %(number)s ökat från %(before)s till %(after)s."
        )
    return text % values
