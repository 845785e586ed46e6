from donations.models.bank import (
    AccountNumber,
    AsideRule,
    BankFile,
    BoundPayer,
    ColumnMapping,
    GiftSource,
    HeldLine,
    LumpSum,
    RememberedPlacement,
)
from donations.models.funds import CollectionYear, Fund, FundYear, Need, SurplusClause
from donations.models.ledger import (
    Account,
    DailyTotal,
    DonorAnswer,
    GiftTotal,
    Payment,
    Submission,
    Transfer,
    UnplacedGift,
)
from donations.models.periods import PeriodLock, YearClosing
from donations.models.reconciliation import BankDay, SignOff, StatedDay, StatementDay
from donations.models.sie import SieExport, SieMapping, SieOverride, SieSum
from donations.models.surplus import LeftSurplus, Proposal, ProposalLine
from donations.models.uploads import UploadedSheet

__all__ = [
    "Account",
    "AccountNumber",
    "AsideRule",
    "BankDay",
    "BankFile",
    "BoundPayer",
    "CollectionYear",
    "ColumnMapping",
    "DailyTotal",
    "DonorAnswer",
    "Fund",
    "FundYear",
    "GiftSource",
    "GiftTotal",
    "HeldLine",
    "LeftSurplus",
    "LumpSum",
    "Need",
    "Payment",
    "PeriodLock",
    "Proposal",
    "ProposalLine",
    "RememberedPlacement",
    "SieExport",
    "SieMapping",
    "SieOverride",
    "SieSum",
    "SignOff",
    "StatedDay",
    "StatementDay",
    "Submission",
    "SurplusClause",
    "Transfer",
    "UnplacedGift",
    "UploadedSheet",
    "YearClosing",
]
