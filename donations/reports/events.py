"""The audit list of a period: who did what, when. Only what the reader may see."""

import datetime
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.days import period
from donations.money import format_amount
from donations.reports.table import Column, Group, Kind, Row, Table, stamp_of
from staff.models import Event, User

TITLE = "Händelser"
COLUMNS = (
    Column("När", Kind.MOMENT, is_heading=True),
    Column("Vem"),
    Column("Område"),
    Column("Vad", is_wide=True),
)
AT_A_TIME = 2_000
# Nothing happened before, and the first moment of the year 1 in Stockholm is none in UTC.
_FIRST = datetime.date(1900, 1, 1)


def table(first: datetime.date, last: datetime.date, reader: User, area: str = "") -> Table:
    """The report from `first` to `last`, both included, of one area (of `Event.Area`) or all.

    Its rows come one by one, oldest first: there may be very many.
    """
    events = Event.objects.visible_to(reader).filter(
        at__gte=_begins(first), at__lt=_begins(last + datetime.timedelta(days=1))
    )
    if area:
        events = events.filter(area=area)
    length = events.count()
    areas = [Event.Area(one).label for one in Event.areas_seen_by(reader) if area in ("", one)]
    return Table(
        title=TITLE,
        about=[
            ("Period", period(first, last)),
            ("Områden", ", ".join(map(str, areas))),
            ("Antal händelser", format_amount(length * 100)),
        ],
        columns=COLUMNS,
        groups=[Group("", _rows(events))] if length else [],
        total=None,
        stamp=stamp_of(first, last),
        notes=[_("Det som Kollekt har gjort av sig självt står på ”servern”.")],
        empty=_("Inget hände under perioden."),
        length=length,
    )


def _begins(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(max(day, _FIRST), datetime.time()))


def _rows(events: QuerySet[Any]) -> Iterator[Row]:
    ordered = events.select_related("by").order_by("at", "pk")
    for event in ordered.iterator(chunk_size=AT_A_TIME):
        who = str(event.by or _("servern"))
        yield Row((event.at, who, str(event.get_area_display()), event.text))
