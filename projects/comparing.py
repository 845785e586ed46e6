"""What differs between two snapshots of a page, field by field and row by row, in Swedish.

A story whose consent has been withdrawn is named and not told, whoever asks: its words are not to be
read again. One that only lacks a consent, or whose consent has run out, is shown: whoever may change
the page is the one to mend that.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django_countries import countries

from projects.models import Consent, Contact, FocusArea, Organisation, Page
from projects.snapshots import ROWS, Snapshot

SAME, GONE, NEW = "same", "del", "ins"
ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"
# Two rows are the same one, changed, when at least this much of their texts is.
_ALIKE = 0.5
# Unchanged text longer than this, in words and blanks, is shortened to its ends.
_LONG, _END = 80, 24
# So many words have to be the same, between two changes, for the changes to be two.
_TOGETHER = 3
# So many pairs of lines, or of words, are looked at; a change with more is shown whole.
_MOST_PAIRS = 1_000_000
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Part:
    """A stretch of text: the same in both, gone, or new. `is_cut` marks where unchanged text is left out."""

    what: str
    text: str
    is_cut: bool = False


@dataclass(frozen=True)
class FieldChange:
    label: str
    parts: list[Part]


@dataclass(frozen=True)
class RowChange:
    """A row that was added, removed, changed or moved (or both), by its name."""

    what: str
    name: str
    fields: list[FieldChange] = field(default_factory=list)
    is_moved: bool = False


@dataclass(frozen=True)
class RowsChange:
    label: str
    rows: list[RowChange]


@dataclass(frozen=True)
class Differences:
    fields: list[FieldChange]
    rows: list[RowsChange]

    def __bool__(self) -> bool:
        return bool(self.fields or self.rows)


_ROW_NAMES = {
    "achievements": "Resultat",
    "plans": "Planer",
    "stories": "Berättelser",
    "key_figures": "Nyckeltal",
    "sections": "Avsnitt",
    "updates": "Nyheter",
}
_FIELD_NAMES = {"consent_id": "Samtycke", "picture": "Bild"}


def differences(old: Snapshot, new: Snapshot) -> Differences:
    """What one has to do to `old` to get `new`; empty when they say the same to a reader."""
    names = _Names([old, new])
    fields = [
        FieldChange(label, words(before, after))
        for (label, before), (_same, after) in zip(
            names.fields(old), names.fields(new), strict=True
        )
        if before != after
    ]
    rows = [
        RowsChange(_ROW_NAMES[kind], changed)
        for kind in ROWS
        if (changed := _rows(kind, old.content[kind], new.content[kind], names))
    ]
    return Differences(fields, rows)


def words(old: str, new: str) -> list[Part]:
    """The two texts as one, word by word: what stays, what went, what came."""
    parts: list[Part] = []
    for what, gone, come in _differing(_lines(old), _lines(new)):
        parts += [Part(SAME, gone)] if what == "equal" else _word_parts(gone, come)
    return _shortened(_joined(parts))


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _word_parts(old: str, new: str) -> Iterable[Part]:
    for what, gone, come in _differing(_WORDS.findall(old), _WORDS.findall(new)):
        if what == "equal":
            yield Part(SAME, gone)
        else:
            yield from [Part(GONE, gone), Part(NEW, come)]


def _differing(old: Sequence[str], new: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    """Stretches of lines or words that are "equal" or not, as they were and as they are."""
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    yield "equal", "".join(old[:start]), "".join(new[:start])
    # Alike stretches are sought in time that grows with the product.
    if len(before) * len(after) > _MOST_PAIRS:
        yield "replace", "".join(before), "".join(after)
    else:
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        for what, a, b, c, d in matcher.get_opcodes():
            yield what, "".join(before[a:b]), "".join(after[c:d])
    yield "equal", "".join(old[len(old) - end :]), "".join(new[len(new) - end :])


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words the two begin with together."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Neighbours as one, without those that say nothing: what went, and then what came in its place.

    A word or a blank that happens to be the same in the middle of a change belongs to the change.
    """
    kept = [part for part in parts if part.text]
    last = max((n for n, part in enumerate(kept) if part.what != SAME), default=0)
    joined: list[Part] = []
    gone, come = "", ""
    for place, part in enumerate(kept):
        is_inside = bool(gone or come) and place < last
        if part.what == SAME and not (is_inside and len(part.text.split()) < _TOGETHER):
            joined += [Part(GONE, gone), Part(NEW, come), part]
            gone, come = "", ""
        else:
            gone += part.text if part.what != NEW else ""
            come += part.text if part.what != GONE else ""
    joined += [Part(GONE, gone), Part(NEW, come)]
    return _merged(joined)


def _merged(parts: Iterable[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in parts:
        if part.text and merged and merged[-1].what == part.what:
            merged[-1] = Part(part.what, merged[-1].text + part.text)
        elif part.text:
            merged.append(part)
    return merged


def _shortened(parts: list[Part]) -> list[Part]:
    short: list[Part] = []
    for place, part in enumerate(parts):
        pieces = _WORDS.findall(part.text)
        if part.what != SAME or len(pieces) <= _LONG:
            short.append(part)
            continue
        if place:
            short.append(Part(SAME, "".join(pieces[:_END])))
        short.append(Part(SAME, "", is_cut=True))
        if place < len(parts) - 1:
            short.append(Part(SAME, "".join(pieces[-_END:])))
    return short


class _Names:
    """What the numbers in some snapshots stand for, fetched at once."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        pages = {s.focus_area_id for s in snapshots if s.focus_area_id}
        pages.update(*(s.partner_ids for s in snapshots), *(s.similar_ids for s in snapshots))
        self.pages = dict(Page.objects.filter(pk__in=pages).values_list("pk", "title"))
        people = {s.contact_id for s in snapshots if s.contact_id}
        self.contacts = {person.pk: str(person) for person in Contact.objects.filter(pk__in=people)}
        asked = {row["consent_id"] for s in snapshots for row in s.content["stories"]} - {None}
        consents = Consent.objects.filter(pk__in=asked)
        self.consents = {consent.pk: str(consent) for consent in consents}
        now = timezone.now()
        self.withdrawn = {c.pk for c in consents if c.withdrawn_at and c.withdrawn_at <= now}

    def fields(self, snapshot: Snapshot) -> list[tuple[str, str]]:
        """The page's own fields, in the form's order, each as a text."""
        content = snapshot.content
        return [
            (_("Rubrik"), snapshot.title),
            (_("Ingress"), snapshot.summary),
            (_("Bild"), _alt(content["image"])),
            (_("Brödtext"), content["body"]),
            (_("Färg"), _choice(FocusArea.Hue, content.get("hue"))),
            (_("Slag"), _choice(Organisation.OrganisationKind, content.get("organisation_kind"))),
            (_("Webbplats"), content.get("website", "")),
            (_("Inledning till resultaten"), content["achievements_intro"]),
            (_("Kontaktperson"), self._name(self.contacts, snapshot.contact_id)),
            (_("Fokusområde"), self._name(self.pages, snapshot.focus_area_id)),
            (_("Länder"), ", ".join(str(countries.name(c)) for c in snapshot.countries)),
            (_("Partnerorganisationer"), self._titles(snapshot.partner_ids)),
            (_("Liknande projekt"), self._titles(snapshot.similar_ids)),
            (
                _("Gåvor kan ge skattereduktion"),
                _yes(snapshot.qualifies_for_tax_reduction),
            ),
        ]

    def _titles(self, ids: Iterable[int]) -> str:
        return ", ".join(sorted(self._name(self.pages, pk) for pk in ids))

    def _name(self, names: dict[int, str], pk: int | None) -> str:
        return "" if pk is None else names.get(pk, _("(finns inte längre)"))

    def row(self, kind: str, row: dict[str, Any]) -> list[tuple[str, str]]:
        """A row's fields, each as a text."""
        model, names = ROWS[kind]
        is_secret = kind == "stories" and row["consent_id"] in self.withdrawn
        found = []
        for name in names:
            label = _FIELD_NAMES.get(name) or str(
                getattr(model._meta.get_field(name), "verbose_name", name)
            )
            text = self._value(name, row[name])
            if is_secret and name in ("text", "who", "picture"):
                text = _("(visas inte: samtycket är återkallat)")
            found.append((label[:1].upper() + label[1:], text))
        return found

    def _value(self, name: str, value: Any) -> str:
        if name == "consent_id":
            return self._name(self.consents, value)
        if name == "picture":
            return _alt(value)
        if name == "published_on":
            day = parse_date(value)
            return date_format(day, "j F Y") if day else ""
        return _yes(value) if isinstance(value, bool) else str(value)


def _alt(picture: dict[str, Any] | None) -> str:
    """A picture as a text: what it shows, and by whom it is."""
    if not picture:
        return ""
    credit = f" ({picture['credit']})" if picture["credit"] else ""
    return f"{picture['alt'] or _('bild utan alternativtext')}{credit}"


def _choice(choices: Any, value: str | None) -> str:
    return str(choices(value).label) if value in choices.values else value or ""


def _yes(value: bool) -> str:
    return _("ja") if value else _("nej")


def _rows(
    kind: str, old: list[dict[str, Any]], new: list[dict[str, Any]], names: _Names
) -> list[RowChange]:
    """What has become of the rows of one kind, in the order of the new ones; those that went come last."""
    pairs = _pairs(old, new)
    stayed = _in_order([pairs[place] for place in sorted(pairs)])
    found = []
    for place, row in enumerate(new):
        texts = names.row(kind, row)
        if place not in pairs:
            found.append(RowChange(ADDED, _name(texts), _filled(texts, NEW)))
            continue
        before = names.row(kind, old[pairs[place]])
        changed = [
            FieldChange(label, words(was, now))
            for (label, was), (_same, now) in zip(before, texts, strict=True)
            if was != now
        ]
        is_moved = pairs[place] not in stayed
        if changed or is_moved:
            found.append(RowChange(CHANGED if changed else MOVED, _name(texts), changed, is_moved))
    for place, row in enumerate(old):
        if place not in pairs.values():
            texts = names.row(kind, row)
            found.append(RowChange(REMOVED, _name(texts), _filled(texts, GONE)))
    return found


def _filled(texts: list[tuple[str, str]], what: str) -> list[FieldChange]:
    return [FieldChange(label, [Part(what, text)]) for label, text in texts if text]


def _name(texts: list[tuple[str, str]]) -> str:
    """What a row is called: its first text, cut to a line."""
    text = " ".join(next((text for _label, text in texts if text), "").split())
    return text if len(text) <= 70 else text[:69].rstrip() + "…"


def _pairs(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[int, int]:
    """Which new row was which old one, by their places: first those that are equal, then the likest."""
    pairs: dict[int, int] = {}
    free = list(range(len(old)))
    for place, row in enumerate(new):
        if (same := next((o for o in free if old[o] == row), None)) is not None:
            pairs[place] = same
            free.remove(same)
    words_of = {id(row): _words_of(row) for row in [*old, *new]}
    likest = sorted(
        (
            (_likeness(old[o], new[n], words_of), -abs(o - n), o, n)
            for o in free
            for n in range(len(new))
            if n not in pairs
        ),
        reverse=True,
    )
    for alike, _nearness, o, n in likest:
        if alike >= _ALIKE and n not in pairs and o in free:
            pairs[n] = o
            free.remove(o)
    return pairs


def _likeness(old: dict[str, Any], new: dict[str, Any], words_of: dict[int, Counter[str]]) -> float:
    """How many of two rows' words they share, from 0 to 1; a heading that is kept makes them one row."""
    if old.get("heading") and old["heading"] == new.get("heading"):
        return 1
    before, after = words_of[id(old)], words_of[id(new)]
    return 2 * (before & after).total() / ((before.total() + after.total()) or 1)


def _words_of(row: dict[str, Any]) -> Counter[str]:
    return Counter(re.findall(r"\w+", " ".join(map(str, row.values())).casefold()))


def _in_order(places: list[int]) -> set[int]:
    """The most of `places` that stand in rising order: those that did not move."""
    best: list[list[int]] = [[]]
    for place in places:
        before = [(len(run), run) for run in best if not run or run[-1] < place]
        best.append([*max(before)[1], place])
    return set(max((len(run), run) for run in best)[1])
