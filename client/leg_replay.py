"""A leg made again from the messages that were read here, and held against what the exchange shows.

Rules:
1. State is the fold of admitted messages (`shared.domain.dossier`), and each party has all of its own leg. So an
   exchange, or whoever writes its database, cannot show a refusal that nobody signed.
2. Only a leg whose head is the one known here is compared: beyond it something happened that was not read yet, and the
   reader is told so.
3. Compared are the measures, the holder, the basis, who owes what for which measure, and the dates that parties set.
   Targets and limits count from the moment of admission, which is the exchange's to say.
4. Whether a message was not delivered is the evidences' to say, which an auditor holds against the clock: what was sent
   anew instead of it is taken as rightly sent.
5. Whether the registry of then asked for a hard copy is the exchange's to say as well: the leg is made without that
   duty and with it, and one of the two must be the leg that is shown.

Pure: the register gives the messages.
"""

from __future__ import annotations

from collections.abc import Iterable

from client.register_rows import Kept
from shared.domain.dossier import decide_move, open_legs
from shared.domain.header import Header, parse_header
from shared.domain.ids import parse_time
from shared.domain.leg import DueBasis, Leg, Obligation
from shared.domain.profiles import may_cross, profile_of
from shared.errors import Rejection, StateContradicted

_SETTLED = ("accepted", "received")
_WITHDRAW = "withdraw"


def check_leg(shown: Leg, messages: Iterable[Kept]) -> None:
    """Raises StateContradicted unless these messages of its dossier make the leg that is shown."""
    known, found = tuple(messages), None
    for hard_copy in (False, True):
        made = replay_leg(shown.dossier, shown.requested, known, hard_copy=hard_copy)
        if made is not None and made.head == shown.head:
            what = _difference(shown, made)
            if what is None:
                return
            found = found or what
    if found is not None:
        raise StateContradicted(leg=shown.requested, what=found)


def _difference(shown: Leg, made: Leg) -> str | None:
    """In what the two differ; None if in nothing that is compared."""
    for what, here, there in (
        ("the parties", (made.requesting, made.profile, made.basis), (shown.requesting, shown.profile, shown.basis)),
        ("the measures", _measures(made), _measures(shown)),
        ("the holder", (made.holder, made.takes_part), (shown.holder, shown.takes_part)),
        ("what is owed", _owed(made), _owed(shown)),
        ("the deadlines", (made.deadline, _set_dates(made)), (shown.deadline, _set_dates(shown))),
    ):
        if here != there:
            return what
    return None


def replay_legs(dossier: str, requested: Iterable[str], messages: Iterable[Kept]) -> list[Leg]:
    """Those of these legs that the messages make."""
    kept = list(messages)
    made = (replay_leg(dossier, leg, kept) for leg in requested)
    return [leg for leg in made if leg is not None]


def replay_leg(dossier: str, requested: str, messages: Iterable[Kept], *, hard_copy: bool = False) -> Leg | None:
    """The leg as far as these messages make it, in whatever order they came; None without the one that opened it.
    `hard_copy` says that one was owed from the beginning."""
    waiting = [one for one in messages if one.state in _SETTLED and one.dossier == dossier]
    leg = None
    for one in waiting:
        header = parse_header(one.header)
        if header.leg is None and requested in header.recipients:
            opened = open_legs(
                header, one.digest, parse_time(one.recorded_at), asking_for_paper=(requested,) if hard_copy else ()
            )
            leg = next(each for each in opened if each.requested == requested)
    waiting = sorted((one for one in waiting if one.leg == requested), key=_turn)
    progress = leg is not None
    while progress and leg is not None:
        progress = False
        for one in waiting:
            moved = _moved(leg, parse_header(one.header), one)
            if moved is not None:
                leg, progress = moved, True
                waiting.remove(one)
                break
    return leg


def _turn(one: Kept) -> int:
    """A withdrawal is tried before what may have crossed it, which would have made it stale; and that before what came
    after both."""
    if one.kind == _WITHDRAW:
        return 0
    return 1 if may_cross(one.profile, one.kind, _WITHDRAW) else 2


def _moved(leg: Leg, header: Header, kept: Kept) -> Leg | None:
    """The leg after this message; None while another one has to come before it."""
    try:
        return decide_move(leg, header, kept.digest, parse_time(kept.recorded_at), header.in_reply_to)
    except Rejection:
        return None


def _measures(leg: Leg) -> list[tuple[str, str, str, str | None]]:
    """Not whether a result came late: like a reminder it moves no head, so it may not have been read here yet."""
    return [(one.id, one.type, one.state, one.outcome) for one in leg.measures]


def _owed(leg: Leg) -> set[tuple[str, str, str]]:
    return {(one.debtor, one.act, measure) for one in _ordered(leg) for measure in one.measures}


def _set_dates(leg: Leg) -> set[tuple[str, str, str, object]]:
    dated = [one for one in _ordered(leg) if one.basis is DueBasis.deadline]
    return {(one.debtor, one.act, measure, one.due) for one in dated for measure in one.measures}


def _ordered(leg: Leg) -> list[Obligation]:
    """What messages in a chain opened. Status queries cross each other: each party has an order of its own."""
    kinds = profile_of(leg.profile).kinds.values()
    crossing = {rule.owed for kind in kinds if not kind.changes_state for rule in kind.opens}
    return [one for one in leg.obligations if one.act not in crossing]
