"""What always holds, whatever has happened."""

import datetime
from collections import Counter
from typing import Any

from django.db import connection

from donations import queries, totals
from donations.models import Transfer
from tests.books.begun import FIRST_DAY
from tests.books.steps import Steps
from tests.plain_figures import PlainFigures, balances, plain_pending

# Each gives the rows that break a rule.
BROKEN = {
    "moved between areas or years": """
        SELECT t.id FROM donations_transfer t
        JOIN donations_account d ON d.id = t.debit_id JOIN donations_fundyear df ON df.id = d.fund_year_id
        JOIN donations_account c ON c.id = t.credit_id JOIN donations_fundyear cf ON cf.id = c.fund_year_id
        WHERE (t.kind = 'reallocation' AND (df.focus_area_id <> cf.focus_area_id OR df.year_id <> cf.year_id))
           OR (t.kind = 'carry_over' AND (df.fund_id <> cf.fund_id OR df.year_id = cf.year_id))""",
    "decided by the proposer": """
        SELECT id FROM donations_proposal
        WHERE decision IN ('approved', 'rejected') AND decided_by_id = by_id""",
    "an approved line is not posted once, or another is": """
        SELECT l.id FROM donations_proposalline l JOIN donations_proposal p ON p.id = l.proposal_id
        WHERE (SELECT count(*) FROM donations_transfer t WHERE t.line_id = l.id AND t.amount_ore = l.approved_ore)
              <> CASE WHEN p.decision = 'approved' AND l.approved_ore > 0 THEN 1 ELSE 0 END
           OR (SELECT count(*) FROM donations_transfer t WHERE t.line_id = l.id) > 1""",
    "moved without a line": """
        SELECT id FROM donations_transfer
        WHERE kind = 'reallocation' AND reverses_id IS NULL AND line_id IS NULL""",
    "more is moved back than was moved": """
        SELECT o.id FROM donations_transfer o
        WHERE o.kind = 'reallocation' AND o.amount_ore < (
            SELECT coalesce(sum(b.amount_ore), 0) FROM donations_transfer b
            WHERE b.corrects_id = o.id AND b.kind = 'reallocation' AND b.reverses_id IS NULL
              AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = b.id))""",
    "a reversal is reversed": """
        SELECT t.id FROM donations_transfer t JOIN donations_transfer o ON o.id = t.reverses_id
        WHERE o.reverses_id IS NOT NULL""",
}
# All of them at once, each with its name.
EVERY_BROKEN = " UNION ALL ".join(
    f"SELECT CAST(%s AS text), broken.id FROM ({sql}) AS broken" for sql in BROKEN.values()
)


class Rules(Steps):
    """Looked at when something has changed; every day and row at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: tuple[Any, ...] = ()

    def every_rule_holds(self) -> None:
        seen = self.everything()
        if seen != self.seen:
            self.forget()
            differences = totals.differences()
            assert differences == [], f"RULE totals: {differences}"
            self.the_figures_are_what_plain_sql_says()
            self.no_ore_is_lost()
            self.no_rule_is_broken()
            self.what_is_closed_stays()
            self.seen = seen

    def the_figures_are_what_plain_sql_says(self) -> None:
        years = list(self.years.values())
        waits, today = plain_pending(self.today), queries.figures_today(years, self.today)
        self.are_as_plain_sql_says(today, self.today)
        assert waits == self.pending(), f"RULE forecast: {waits}, not {self.pending()}"
        for pk, its in waits.items():
            found = today[pk].pending, today[pk].movable
            may = 0 if self.by_id(pk).year_id in self.shut else its.movable
            assert found == (its.out, may), f"RULE figures pending: {found}, not {its}"

    def are_as_plain_sql_says(self, found: dict[int, queries.Figures], day: datetime.date) -> None:
        plain = self.figures_on(day)
        for pk, figures in found.items():
            its = {name: getattr(figures, name) for name in PlainFigures.__annotations__}
            its["movable"] = figures.may_leave  # before what waits
            differ = {
                name: (ore, getattr(plain[pk], name))
                for name, ore in its.items()
                if ore != getattr(plain[pk], name)
            }
            assert not differ, f"RULE figures {', '.join(differ)}: on {day} {differ}"

    def no_ore_is_lost(self) -> None:
        stands: Counter[int] = Counter()
        for _, debit, credit, ore, _, _ in self.kept:
            stands[debit] -= ore
            stands[credit] += ore
        found = {pk: ore for pk, ore in balances(self.today).items() if ore}
        expected = {pk: ore for pk, ore in stands.items() if ore}
        assert found == expected, f"RULE conserved: {found}, not {expected}"

    @staticmethod
    def no_rule_is_broken() -> None:
        with connection.cursor() as cursor:
            cursor.execute(EVERY_BROKEN, list(BROKEN))
            for name, row in cursor.fetchall():
                raise AssertionError(f"RULE {name}: {row}")

    def what_is_closed_stays(self) -> None:
        if self.settled:
            figures = self.figures()
            needs = {pk: figures[pk].need for pk in self.settled}
            assert needs == self.settled, f"RULE settled: {needs}, not {self.settled}"

    def every_day_and_row_is_as_it_was(self) -> None:
        """At the end: no row has changed, and the figures of every day are what they should be."""
        rows = Transfer.objects.order_by("pk").values_list(
            "kind", "debit", "credit", "amount_ore", "booked_on", "reverses"
        )
        assert list(rows) == self.kept, "RULE append-only: a row has changed"
        years = list(self.years.values())
        self.what_is_locked_stays()
        # Before the first that has been written since the books were begun, nothing can have changed.
        written = (row[4] for row in self.kept[len(self.begun.kept) :])
        first = min(written, default=FIRST_DAY)
        for day in sorted({row[4] for row in self.kept if row[4] >= first}):
            self.are_as_plain_sql_says(queries.figures(years, day), day)
