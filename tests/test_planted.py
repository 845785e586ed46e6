"""The machine that mixes every operation finds mistakes that are planted, by the rule they break.

Two quick ones of those in tests/planted.py; `python -m tests.planted` tries them all.
"""

import pytest
from hypothesis import Phase

from tests import planted
from tests.test_books_machine import run


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["wrong year", "approver check only in Python"])
def test_the_machine_finds_a_planted_mistake_by_the_rule_it_breaks(name: str) -> None:
    rule = planted.BY_NAME[name].rule
    with (
        planted.planted(name),
        pytest.raises(AssertionError, match=rf"^RULE ([^:]*, )?{rule}(, [^:]*)?: "),
    ):
        run(40, 30, phases=[Phase.generate])
