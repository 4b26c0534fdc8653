"""What a publication of the registry of instruments changed, in words: its codes are those of `instrument_changes`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.texts.catalogue import mark as _
from shared.texts.catalogue import translate

NO_DAY: Final = "none"
OF_INSTRUMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "added": _("{instrument} is new in the registry"),
        "removed": _("{instrument} stands in the registry no more"),
        "amendment-withdrawn": _("an amendment of {instrument} was taken out again"),
        "rewritten": _("{instrument} reads otherwise in the registry"),
    }
)
OF_INSTRUMENT_ON: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "in-force": (_("{instrument} is in force from {day}"), _("{instrument} is not in force")),
    }
)
"""With a day, and without one; so are those of a party."""
OF_PARTY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "removed": _("{country} is named as a party to {instrument} no more"),
        "practice": _("{country} has other authorities, languages or ways of filing under {instrument}"),
    }
)
OF_PARTY_ON: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "party": (
            _("{country} became a party to {instrument}, which binds it from {day}"),
            _("{country} became a party to {instrument}, which does not bind it yet"),
        ),
        "in-force": (_("{instrument} binds {country} from {day}"), _("{instrument} does not bind {country}")),
        "suspended": (
            _("{country} suspends {instrument} from {day}"),
            _("it is no more said that {country} suspends {instrument}"),
        ),
        "resumed": (
            _("{country} resumes {instrument} from {day}"),
            _("it is no more said that {country} resumes {instrument}"),
        ),
        "denounced": (
            _("{country} has denounced {instrument} with effect from {day}"),
            _("it is no more said that {country} has denounced {instrument}"),
        ),
    }
)
_AMENDED: Final = _("{instrument} is amended from {day}")
_CALENDAR: Final = _("the calendar {version} is new")
_MANY: Final = _("there are {number} changes, too many to be listed in the entry")


def change_words(change: str, language: str) -> str:
    """The change, and its code behind; one that a newer program wrote stands for itself."""
    match change.split(":"):
        case ["calendar", version]:
            told = translate(_CALENDAR, language, version=version)
        case ["changes", number]:
            told = translate(_MANY, language, number=number)
        case [instrument, "amended", day]:
            told = translate(_AMENDED, language, instrument=instrument, day=day)
        case [instrument, what] if what in OF_INSTRUMENT:
            told = translate(OF_INSTRUMENT[what], language, instrument=instrument)
        case [instrument, what, day] if what in OF_INSTRUMENT_ON:
            told = _dated(OF_INSTRUMENT_ON[what], day, language, instrument=instrument)
        case [instrument, country, what] if what in OF_PARTY:
            told = translate(OF_PARTY[what], language, instrument=instrument, country=country.upper())
        case [instrument, country, what, day] if what in OF_PARTY_ON:
            told = _dated(OF_PARTY_ON[what], day, language, instrument=instrument, country=country.upper())
        case _:
            return change
    return f"{told} [{change}]"


def _dated(either: tuple[str, str], day: str, language: str, **gaps: str) -> str:
    on, without = either
    return translate(without, language, **gaps) if day == NO_DAY else translate(on, language, day=day, **gaps)
