"""What a publication of the registry changes against the one before, as codes: `ma-fr-2008:fr:denounced:2027-01-01`.

The leaf of each publication lists them, and an auditor makes them again from the two documents: nobody has to compare
registries to see who left which instrument, and from when on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from shared.domain.instruments import Instrument, Registry

MAX_CHANGES_BYTES: Final = 4096
"""What the list may take of a leaf; beyond it the list holds how many there are, and the documents tell which."""
_LISTED_BYTES: Final = 3  # two quotation marks and a comma
_PARTY_DAYS: Final = ("in_force", "suspended", "resumed", "denounced")


def changes_between(before: Registry | None, after: Registry) -> tuple[str, ...]:
    """Sorted; empty when nothing changed but the registry's own version and note."""
    known = {} if before is None else {entry.code: entry for entry in before.instruments}
    named = {entry.code: entry for entry in after.instruments}
    changes = {f"{code}:removed" for code in known.keys() - named.keys()}
    for code, entry in named.items():
        changes |= {f"{code}:{what}" for what in _changes(known[code], entry)} if code in known else {f"{code}:added"}
    counted = set() if before is None else {entry.version for entry in before.calendars}
    changes |= {f"calendar:{entry.version}" for entry in after.calendars if entry.version not in counted}
    listed = tuple(sorted(changes))
    if sum(len(one) + _LISTED_BYTES for one in listed) > MAX_CHANGES_BYTES:
        return (f"changes:{len(listed)}",)
    return listed


def _changes(before: Instrument, after: Instrument) -> Iterator[str]:
    if before == after:
        return
    if before.in_force != after.in_force:
        yield f"in-force:{_day(after.in_force)}"
    for amendment in after.amendments:
        if amendment not in before.amendments:
            yield f"amended:{amendment.in_force}"
    if any(amendment not in after.amendments for amendment in before.amendments):
        yield "amendment-withdrawn"
    for country in sorted(before.parties.keys() | after.parties.keys()):
        yield from (f"{country.lower()}:{what}" for what in _party_changes(before, after, country))
    apart: dict[str, object] = {"parties": {}, "in_force": None, "amendments": ()}
    if before.model_copy(update=apart) != after.model_copy(update=apart):
        yield "rewritten"


def _party_changes(before: Instrument, after: Instrument, country: str) -> Iterator[str]:
    then, now = before.parties.get(country), after.parties.get(country)
    if now is None:
        yield "removed"
    elif then is None:
        yield f"party:{_day(now.in_force)}"
    elif then != now:
        for name in _PARTY_DAYS:
            if getattr(then, name) != getattr(now, name):
                yield f"{name.replace('_', '-')}:{_day(getattr(now, name))}"
        practice = {name: getattr(now, name) for name in _PARTY_DAYS}
        if then.model_copy(update=practice) != now:
            yield "practice"


def _day(day: date | None) -> str:
    return "none" if day is None else day.isoformat()
