"""A second camt reader, for what a file is worth and nothing else. Written from the field table alone.

The whole file in memory, no order, no checks. Only to be asked about files that the parser has
accepted.
"""

from collections import Counter
from decimal import Decimal
from xml.etree import ElementTree

Element = ElementTree.Element


def read(data: bytes) -> dict[str, int]:
    """The payments in and out above 0, and their sums in öre (hundredths in other currencies)."""
    found = Counter({"credits": 0, "credit_ore": 0, "debits": 0, "debit_ore": 0})
    document = ElementTree.fromstring(data.strip())  # noqa: S314 (the parser has accepted it)
    for entry in document.iter():
        if _name(entry) == "Ntry":
            for way, ore in _payments(entry):
                side = {"CRDT": "credit", "DBIT": "debit"}[way]
                found[side + "s"] += ore > 0
                found[side + "_ore"] += ore
    return dict(found)


def _payments(entry: Element) -> list[tuple[str, int]]:
    """`CdtDbtInd` and öre of each."""
    way, whole = _text(entry, "CdtDbtInd"), _first(entry, "Amt")
    details = _all(entry, "NtryDtls", "TxDtls")
    if not details:
        return [(way, _ore(whole))]
    payments = []
    for one in details:
        amounts = [
            *_all(one, "Amt"),
            *_all(one, "AmtDtls", "TxAmt", "Amt"),
            *_all(one, "AmtDtls", "CntrValAmt", "Amt"),
        ]
        fitting = [one for one in amounts if one.get("Ccy") == whole.get("Ccy")]
        if not fitting:
            assert len(details) == 1, "of several payments each has an amount"
            fitting = [whole]
        payments.append((_text(one, "CdtDbtInd") or way, _ore(fitting[0])))
    return payments


def _ore(amount: Element) -> int:
    ore = Decimal((amount.text or "").strip()) * 100
    assert ore == int(ore)
    return int(ore)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(element: Element, *path: str) -> list[Element]:
    found = [element]
    for name in path:
        found = [child for one in found for child in one if _name(child) == name]
    return found


def _first(element: Element, name: str) -> Element:
    return _all(element, name)[0]


def _text(element: Element, name: str) -> str:
    return "".join((one.text or "").strip() for one in _all(element, name))
