"""What makes Swedish text break well on a narrow screen."""

import functools
import itertools
import re

import pyphen
from django import template
from django.template.defaultfilters import stringfilter

register = template.Library()

_LONG_WORD = re.compile(r"[^\W\d_]{12,}")
_SOFT_HYPHEN = "\N{SOFT HYPHEN}"
_SWEDISH = pyphen.Pyphen(lang="sv_SE", left=4, right=3)


@register.filter(is_safe=True)
@stringfilter
def soft_hyphens(text: str) -> str:
    """Say where words of twelve letters or more may be broken: "Räddningsbåt" → "Rädd-nings-båt".

    For headings and long labels, in plain text. Not for <title>, attributes or
    anything that is searched or copied into a payment.
    """
    return _LONG_WORD.sub(lambda word: _hyphenated(word[0]), text)


@functools.lru_cache(maxsize=2000)
def _hyphenated(word: str) -> str:
    # The dictionary knows no compounds: a letter it leaves alone ("häls-o-station") belongs to the
    # part before it.
    places = _SWEDISH.positions(word)
    kept = [place for place in places if place + 1 not in places]
    bounds = [0, *kept, len(word)]
    return _SOFT_HYPHEN.join(word[a:b] for a, b in itertools.pairwise(bounds))
