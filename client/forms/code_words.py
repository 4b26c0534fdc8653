"""What the codes in headers, acts and contents are called, as sentences of the catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.domain.catalogue import (
    CANNOT_OPEN,
    CHANNELS,
    CONDITION,
    COVERT_MEASURES,
    GROUNDS,
    HELD,
    INTERPRETERS,
    MLA_HANDLING,
    OPEN_MEASURES,
    OUTCOMES,
    POLICE_HANDLING,
    PURPOSES,
    STAGES,
)
from shared.domain.profiles import PROFILES
from shared.texts.catalogue import mark as _

_OTHERS: Final = {
    "covert": _("Covert measure"),
    "routine": _("Routine"),
    "urgent": _("Urgent"),
    "emergency": _("Emergency"),
    "direct": _("Direct access"),
    "other": _("Other"),
    "extradition": _("Extradition"),
    "supplementary": _("Supplementary request"),
    "notice": _("Notice"),
    "minor": _("Minor"),
    "victim": _("Victim"),
    "witness": _("Witness"),
    "reciprocity": _("Reciprocity"),
}
_DUTIES: Final = {code: duty.label for profile in PROFILES.values() for code, duty in profile.duties.items()}

CODE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **_DUTIES,
        **_OTHERS,
        **CANNOT_OPEN,
        **CHANNELS,
        **CONDITION,
        **HELD,
        **INTERPRETERS,
        **PURPOSES,
        **STAGES,
        **OUTCOMES,
        **GROUNDS,
        **MLA_HANDLING,
        **POLICE_HANDLING,
        **COVERT_MEASURES,
        **OPEN_MEASURES,
    }
)
"""A code that stands in two lists means the same in both: `preservation` is a measure and a related file."""
