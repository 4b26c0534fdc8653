"""In which languages a request may come, as the registry says: a warning for the sender, who alone sees the content.

The content states `language`, the code of the language that it is written in, and tells of `translations` in words.
Where it states no language, or has translations, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from shared.domain.admissibility import Flag
from shared.domain.instruments import Registry
from shared.domain.leg import Leg

LANGUAGE = "language"
TRANSLATIONS = "translations"


def language_flags(content: Mapping[str, Any], leg: Leg, registry: Registry, on: date) -> Iterator[Flag]:
    """A flag where the language is none that the requested party takes under the instrument of the leg."""
    entry = registry.instrument(leg.basis.primary, on)
    party = None if entry is None else entry.parties.get(leg.requested[:2])
    language = str(content.get(LANGUAGE) or "").lower().partition("-")[0]
    is_translated = bool(str(content.get(TRANSLATIONS) or "").strip())
    if entry is None or party is None or not party.languages or not language:
        return
    if language in party.languages or is_translated:
        return
    gaps = (("party", leg.requested), ("title", entry.title), ("languages", ", ".join(party.languages)))
    yield Flag("language-not-accepted", "{party} takes requests under {title} in {languages}.", entry.source, gaps)
