"""The figures of one year, from the ledger alone, so that whoever has the same ledger gets the same numbers.

1. A leg belongs to the year in which its opening message was admitted (UTC), a decision to the year of its date.
2. Times run from that admission, in days: to the first answer of the requested side, to its first decision, to the
   first result (`deliver-result`, `nothing-found`, `not-executable`, `preserve`). Legs that have none do not count.
   The 95th percentile is the smallest time that 95 of 100 do not exceed.
3. States, outcomes and what is overdue are those at the ledger's newest entry; closures by silence are made as of then.
4. Offence classes are sealed, and are not in the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from client.audit_decided import Decided
from client.audit_memory import AuditMemory
from shared.domain.calendars import NO_CALENDARS, Calendars
from shared.domain.ids import encode_time
from shared.domain.instruments import parse_registry
from shared.domain.leg import Leg
from shared.domain.obligations import is_overdue
from shared.domain.profiles import kind_of
from shared.domain.roll_ups import leg_status
from shared.domain.silence import lapsed
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import InstrumentsInvalid
from shared.keys.signed_document import parse_signed_document

_DECIDING: Final = frozenset({"decide", "answer", "preserve"})
_RESULTS: Final = frozenset({"deliver-result", "nothing-found", "not-executable", "preserve"})
_DAY_S: Final = 86_400
NONE: Final = "none yet"


class _Times:
    """Days by what they run to."""

    def __init__(self) -> None:
        self._days: dict[str, list[float]] = {"answer": [], "decision": [], "result": []}

    def note(self, leg: Leg, moves: Sequence[Decided]) -> None:
        answers = [one for one in moves if one.leg == leg.requested and one.sender != leg.requesting]
        deciding = [one for one in answers if kind_of(leg.profile, one.kind).closes & _DECIDING]
        results = [one for one in answers if one.kind in _RESULTS]
        for what, found in (("answer", answers), ("decision", deciding), ("result", results)):
            if found:
                self._days[what].append((found[0].at - leg.opened_at).total_seconds() / _DAY_S)

    def as_json(self) -> dict[str, Any]:
        return {what: _quantiles(sorted(days)) for what, days in self._days.items()}


def year_report(memory: AuditMemory, year: int, as_of: datetime) -> dict[str, Any]:
    """The document; `as_of` is the time of the ledger's newest entry."""
    pairs: Counter[str] = Counter()
    before: Counter[str] = Counter()
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("profiles", "measures", "bases", "statuses", "outcomes", "overdue", "silent")
    }
    times, calendars = _Times(), _newest_calendars(memory)
    for _, legs in memory.dossiers():
        for leg in legs:
            opened_in = leg.opened_at.astimezone(UTC).year
            pair = f"{leg.requesting} → {leg.requested}"
            if opened_in == year - 1:
                before[pair] += 1
            if opened_in == year:
                pairs[pair] += 1
                _count(leg, as_of, counts, calendars)
                times.note(leg, memory.moves(leg.dossier))
    flags, rejections = _decisions(memory, year)
    return {
        "year": year,
        "as_of": encode_time(as_of),
        "legs": pairs.total(),
        "legs_the_year_before": before.total(),
        "growth_percent": _growth(pairs.total(), before.total()),
        "by_pair": _ordered(pairs),
        "by_pair_the_year_before": _ordered(before),
        **{f"by_{name}": _ordered(counts[name]) for name in ("profiles", "measures", "bases", "statuses", "outcomes")},
        "days_to": times.as_json(),
        "closed_by_silence": _ordered(counts["silent"]),
        "overdue_by_debtor": _ordered(counts["overdue"]),
        "flags": _ordered(flags),
        "rejections": _ordered(rejections),
    }


def _newest_calendars(memory: AuditMemory) -> Calendars:
    """Of the registry that was logged last."""
    published = [logged.leaf.fields for logged in memory.documents() if logged.leaf.type == "directory.instruments"]
    for fields in reversed(published):
        try:
            signed = parse_signed_document(encode_canonical_json(fields["document"]))
            return parse_registry(
                encode_canonical_json(parse_strict_json(signed.document)["registry"])
            ).calendar_by_country
        except (InstrumentsInvalid, ValueError, KeyError):
            continue  # the reading has named it as a difference
    return NO_CALENDARS


def _count(leg: Leg, as_of: datetime, counts: Mapping[str, Counter[str]], calendars: Calendars) -> None:
    now = lapsed(leg, as_of)
    counts["profiles"][leg.profile] += 1
    counts["bases"][leg.basis.primary] += 1
    counts["statuses"][leg_status(now)] += 1
    for measure, stored in zip(now.measures, leg.measures, strict=True):
        counts["measures"][measure.type] += 1
        counts["outcomes"][measure.outcome or NONE] += 1
        if measure.state != stored.state:
            counts["silent"][f"{leg.requesting} → {leg.requested}"] += 1
    for debtor in {one.debtor for one in now.obligations if is_overdue(leg, one, as_of, calendars)}:
        counts["overdue"][debtor] += 1


def _decisions(memory: AuditMemory, year: int) -> tuple[Counter[str], Counter[str]]:
    flags: Counter[str] = Counter()
    rejections: Counter[str] = Counter()
    for _, one in memory.decisions():
        if one.at.astimezone(UTC).year == year:
            flags.update({flag.partition(":")[0] for flag in one.flags})
            rejections.update([one.code] if one.code is not None else [])
    return flags, rejections


def _quantiles(days: Sequence[float]) -> dict[str, Any]:
    if not days:
        return {"legs": 0, "median": None, "p95": None}
    middle = len(days) // 2
    median = days[middle] if len(days) % 2 else (days[middle - 1] + days[middle]) / 2
    p95 = days[max(0, -(-len(days) * 95 // 100) - 1)]
    return {"legs": len(days), "median": round(median, 2), "p95": round(p95, 2)}


def _growth(now: int, before: int) -> float | None:
    return round(100 * (now - before) / before, 1) if before else None


def _ordered(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
