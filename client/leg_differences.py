"""What is shown of a leg or a dossier otherwise than the messages make it, in words.

Both sides come from the same data: the legs made from the ledger by `shared/domain`, and the exchange's answer.
Compared is everything: parties, measures with their states and dates, what is owed, head and version, and what the
answer derives from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.api import DossierAnswer, LegView
from shared.domain.dossier import lapsed, leg_status, parse_leg, shown_dossier_status, shown_state
from shared.domain.ids import encode_time
from shared.domain.leg import Leg, Measure, Obligation
from shared.domain.obligations import waiting_on
from shared.domain.reference import encode_number


@dataclass(frozen=True, slots=True)
class ShownOtherwise:
    """`leg` is None where the dossier as a whole is meant, `dossier` where it is about none."""

    dossier: str | None
    leg: str | None
    why: str


def differences_of(
    answer: DossierAnswer, made: Sequence[Leg], transport: Mapping[str, str], now: datetime
) -> Iterator[ShownOtherwise]:
    """`made` are the legs that the caller is entitled to see; `transport` tells how far each one's opening came. `now`
    decides what silence has closed."""
    shown = {view.requested: view for view in answer.legs}
    if len(shown) < len(answer.legs):
        yield ShownOtherwise(answer.dossier, None, "one of its legs is shown twice")
    legs = {leg.requested: leg for leg in made}
    for requested in sorted(legs.keys() - shown.keys()):
        yield ShownOtherwise(answer.dossier, requested, "this leg is not shown")
    for requested in sorted(shown.keys() - legs.keys()):
        yield ShownOtherwise(answer.dossier, requested, "a leg is shown that no message in the ledger opened")
    for requested in sorted(shown.keys() & legs.keys()):
        for why in _of_leg(shown[requested], legs[requested], transport[requested], now):
            yield ShownOtherwise(answer.dossier, requested, why)
    if legs and shown.keys() == legs.keys():
        for why in _of_dossier(answer, [lapsed(leg, now) for leg in legs.values()], transport):
            yield ShownOtherwise(answer.dossier, None, why)


def _of_dossier(answer: DossierAnswer, legs: Sequence[Leg], transport: Mapping[str, str]) -> Iterator[str]:
    first = legs[0]
    status = shown_dossier_status([(leg, transport[leg.requested]) for leg in legs])
    yield from _unequal("the number", answer.number, encode_number(answer.dossier, first.requesting[:2]))
    yield from _unequal("the requesting party", answer.requesting, first.requesting)
    yield from _unequal("the profile", answer.profile, first.profile)
    yield from _unequal("the time of its opening", answer.opened_at, encode_time(first.opened_at))
    yield from _unequal("the status", answer.status, status)


def _of_leg(view: LegView, made: Leg, transport: str, now: datetime) -> Iterator[str]:
    try:
        shown = parse_leg(view.state)
    except ValueError as broken:
        yield f"its state cannot be read: {str(broken).splitlines()[0]}"
        return
    if shown.head != made.head or shown.version != made.version:
        yield from _of_head(shown, made)
    for what, here, there in (
        ("the requesting party", shown.requesting, made.requesting),
        ("the profile", shown.profile, made.profile),
        ("the legal basis", _basis(shown), _basis(made)),
        ("the clock of the law", shown.clock, made.clock),
        ("the message that opened it", shown.request, made.request),
        ("the time of its opening", encode_time(shown.opened_at), encode_time(made.opened_at)),
        ("the deadline", shown.deadline, made.deadline),
        ("the message in the place of its opening", shown.renewed_by, made.renewed_by),
        ("the urgency", shown.urgency, made.urgency),
        ("the holder", shown.holder, made.holder),
        ("who acts on it", _listing(shown.parties), _listing(made.parties)),
        ("its dossier", shown.dossier, made.dossier),
        ("its requested party", shown.requested, made.requested),
        ("what came since the newest change", _listing(shown.since_head), _listing(made.since_head)),
        ("what is permitted", _permitted(shown), _permitted(made)),
        ("what may be crossed", _listing(shown.crossed), _listing(made.crossed)),
    ):
        yield from _unequal(what, here, there)
    yield from _of_measures(shown.measures, made.measures)
    yield from _of_obligations(shown.obligations, made.obligations)
    yield from _of_view(view, lapsed(made, now), transport)


def _of_head(shown: Leg, made: Leg) -> Iterator[str]:
    if shown.version < made.version:
        yield f"it is shown as it was {made.version - shown.version} messages ago"
    elif shown.version > made.version:
        yield f"it is shown as moved by {shown.version - made.version} messages that the ledger does not have"
    else:
        yield "it is shown as moved by other messages than those in the ledger"


def _of_measures(shown: Sequence[Measure], made: Sequence[Measure]) -> Iterator[str]:
    here, there = {one.id: one for one in shown}, {one.id: one for one in made}
    for name in sorted(here.keys() ^ there.keys()):
        yield f"measure {name} is {'shown and was never asked for' if name in here else 'left out'}"
    for name in sorted(here.keys() & there.keys()):
        one, other = here[name], there[name]
        yield from _unequal(f"the type of {name}", one.type, other.type)
        yield from _unequal(f"the state of {name}", one.state, other.state)
        if one.state == other.state:
            yield from _unequal(
                f"the time since when {name} is {one.state}", *map(encode_time, (one.since, other.since))
            )
            yield from _unequal(f"the state of {name} before the question", one.before, other.before)
        yield from _unequal(f"the outcome of {name}", one.outcome, other.outcome)
        yield from _unequal(f"whether {name} had a late result", one.late, other.late)


def _of_obligations(shown: Iterable[Obligation], made: Iterable[Obligation]) -> Iterator[str]:
    here, there = set(shown), set(made)
    for one in sorted(map(_owed, here - there)):
        yield f"it is shown that {one}; no message made it so"
    for one in sorted(map(_owed, there - here)):
        yield f"it is not shown that {one}"


def _of_view(view: LegView, made: Leg, transport: str) -> Iterator[str]:
    """What the answer derives from the state, for whoever reads no further."""
    yield from _unequal("the status", view.status, shown_state(leg_status(made), transport))
    yield from _unequal("the transport", view.transport, transport)
    yield from _unequal("the newest message", view.head, made.head)
    states = {one.id: one.state for one in view.measures}
    expected = {one.id: shown_state(one.state, transport) for one in made.measures}
    yield from _unequal("the list of measures", _listed(states), _listed(expected))
    owed = [(one.debtor, one.act, tuple(one.measures), one.due) for one in view.waiting_on]
    due = [
        (one.debtor, one.act, one.measures, None if one.due is None else encode_time(one.due))
        for one in waiting_on(made)
    ]
    if owed != due:
        yield "the list of what is waited for is another one"


def _unequal(what: str, shown: object, made: object) -> Iterator[str]:
    if shown != made:
        yield f"{what} is shown as {_told(shown)}; by the ledger it is {_told(made)}"


def _told(value: object) -> str:
    return "none" if value is None else str(value)


def _basis(leg: Leg) -> str:
    cited = f", citing {', '.join(leg.basis.cited)}" if leg.basis.cited else ""
    return f"{leg.basis.primary}{cited}{f' in {leg.basis.group}' if leg.basis.group else ''}"


def _permitted(leg: Leg) -> str:
    given = (f"{one.message} {' '.join(one.purposes)} to {one.to or 'the asker'}" for one in leg.permissions)
    return ", ".join(given)


def _listing(parties: Iterable[str]) -> str:
    return ", ".join(parties)


def _listed(states: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {state}" for name, state in sorted(states.items()))


def _owed(one: Obligation) -> str:
    until = "without date" if one.due is None else f"until {encode_time(one.due)}"
    paused = ", paused" if one.paused_at is not None else ""
    return f"{one.debtor} owes {one.act} for {', '.join(one.measures)} {until} ({one.basis}: {one.source}){paused}"
