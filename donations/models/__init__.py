from donations.models.funds import CollectionYear, Fund, FundYear, Need, SurplusClause
from donations.models.ledger import Account, DailyTotal, Payment, Submission, Transfer

__all__ = [
    "Account",
    "CollectionYear",
    "DailyTotal",
    "Fund",
    "FundYear",
    "Need",
    "Payment",
    "Submission",
    "SurplusClause",
    "Transfer",
]
