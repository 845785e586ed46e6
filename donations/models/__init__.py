from donations.models.funds import CollectionYear, Fund, FundYear, Need, SurplusClause
from donations.models.ledger import (
    Account,
    DailyTotal,
    DonorAnswer,
    Payment,
    Submission,
    Transfer,
)
from donations.models.periods import PeriodLock, YearClosing
from donations.models.surplus import LeftSurplus, Proposal, ProposalLine
from donations.models.uploads import UploadedSheet

__all__ = [
    "Account",
    "CollectionYear",
    "DailyTotal",
    "DonorAnswer",
    "Fund",
    "FundYear",
    "LeftSurplus",
    "Need",
    "Payment",
    "PeriodLock",
    "Proposal",
    "ProposalLine",
    "Submission",
    "SurplusClause",
    "Transfer",
    "UploadedSheet",
    "YearClosing",
]
