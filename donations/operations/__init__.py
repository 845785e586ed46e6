"""Every movement of money, each one call. Nothing else writes to the ledger.

All dates are Stockholm calendar days, all amounts whole öre. What a person can
get wrong raises `OperationError` with a Swedish sentence that names the figures;
what no form lets through is stopped by the database's guards as an `IntegrityError`.
"""

from donations.operations.corrections import reverse
from donations.operations.gifts import (
    GiftIn,
    Part,
    left_of,
    place,
    post_gifts,
    record_answer,
    refund,
    register_gift,
    split_gift,
)
from donations.operations.ledger import (
    Entry,
    OperationError,
    first_open_day,
    post,
    retried,
    standing,
    tried_again,
)
from donations.operations.movements import (
    carry_over,
    disburse,
    may_carry_over,
    open_many,
    open_with,
)
from donations.operations.payers import bind_payer, write_note
from donations.operations.periods import (
    close_year,
    leave_surplus,
    lock_period,
    undecided_surpluses,
    what_keeps_open,
    what_stops_lock,
)
from donations.operations.proposals import (
    LineIn,
    approvable,
    approve,
    delete_draft,
    draft,
    draft_back,
    not_moved_back,
    refuse_changed,
    reject,
    stamp,
    submit,
    withdraw,
)
from donations.operations.sie import export_sie, export_sie_again, held_in, year_of
from donations.operations.years import (
    account,
    collection_year,
    follow_area,
    fund_year,
    set_need,
    single_account,
)

__all__ = [
    "Entry",
    "GiftIn",
    "LineIn",
    "OperationError",
    "Part",
    "account",
    "approvable",
    "approve",
    "bind_payer",
    "carry_over",
    "close_year",
    "collection_year",
    "delete_draft",
    "disburse",
    "draft",
    "draft_back",
    "export_sie",
    "export_sie_again",
    "first_open_day",
    "follow_area",
    "fund_year",
    "held_in",
    "leave_surplus",
    "left_of",
    "lock_period",
    "may_carry_over",
    "not_moved_back",
    "open_many",
    "open_with",
    "place",
    "post",
    "post_gifts",
    "record_answer",
    "refund",
    "refuse_changed",
    "register_gift",
    "reject",
    "retried",
    "reverse",
    "set_need",
    "single_account",
    "split_gift",
    "stamp",
    "standing",
    "submit",
    "tried_again",
    "undecided_surpluses",
    "what_keeps_open",
    "what_stops_lock",
    "withdraw",
    "write_note",
    "year_of",
]
