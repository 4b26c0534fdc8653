"""The state of one leg of a dossier: what one requested party owes the requesting one, measure by measure.

Immutable values and their JSON form, used for storage and by clients. Nothing here decides anything: `dossier.py`
moves legs, `obligations.py` opens and closes what is owed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from shared.domain.header import Basis, Code, Urgency
from shared.domain.id_fields import AuthorityId, Day, Digest, DossierId, MeasureId, MessageId, Moment
from shared.domain.profile_format import Side

PERMISSIONS_AT_MOST = 64
"""How many permissions a leg remembers. The messages that gave them stay in the ledger all the same."""
CROSSED_AT_MOST = 64
"""How many digests a leg remembers that a late result may have seen last."""
SEEN_AFTER_HEAD = 32
"""How many messages after the head a leg remembers; naming an older one as `seen` is stale, naming the head never
is."""


_CLOSED = ConfigDict(extra="forbid")


class DueBasis(StrEnum):
    """Why a date binds: a limit of the law, a deadline that one party set, or a target that the exchange chose."""

    law = "law"
    deadline = "deadline"
    policy = "policy"


@with_config(_CLOSED)
@dataclass(frozen=True, slots=True)
class Obligation:
    """`debtor` owes `act` for `measures` until `due`; `source` says by which rule, in words.

    `paused_at` stands while a question to the other party suspends it: then it is nobody's turn on this obligation.
    """

    debtor: AuthorityId
    act: str
    measures: tuple[MeasureId, ...]
    due: Moment | None
    basis: DueBasis
    opened_by: MessageId
    opened_at: Moment
    source: str
    paused_at: Moment | None = None
    extended: bool = False
    """The law's limit was put off once, as far as the law allows."""


@with_config(_CLOSED)
@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `since` is when it came into its state; `before` the state that a question left, null otherwise.

    `outcome` is how it ended, null until it did; `late` says that a result came after its withdrawal.
    """

    id: MeasureId
    type: Code
    state: str
    since: Moment
    before: str | None
    outcome: Code | None = None
    late: bool = False


@with_config(_CLOSED)
@dataclass(frozen=True, slots=True)
class Permission:
    """`by` permitted in `message` that what it gave for these measures is used for `purposes`: by the other side, or by
    `to`, to whom the other side may then pass it on. The conditions are sealed."""

    message: MessageId
    by: AuthorityId
    purposes: tuple[Code, ...]
    to: AuthorityId | None
    measures: tuple[MeasureId, ...]
    at: Moment


@with_config(_CLOSED)
@dataclass(frozen=True, slots=True)
class Leg:
    """One leg: the fold of the messages admitted on it.

    `head` is the digest of the last admitted message that changed something (a reminder, a status query or its answer
    does not); `since_head` are the digests of those that came after it. A message that changes something must have
    seen the head or one of these. `version` counts the admitted messages. `request` is the id of the message that
    opened the leg, `renewed_by` of the last that took its place; `clock` the name of the law's clock (`clocks.py`);
    `holder` the competent authority named by the requested party.

    `takes_part` says that the holder is enrolled and was handed the leg by a `forward`: it then acts on the requested
    side, and every message on the leg goes to it as well. Otherwise it is offline, and the requested party signs for
    it.
    `crossed` are the digests that were current when a message that may be crossed was admitted.
    """

    dossier: DossierId
    requesting: AuthorityId
    requested: AuthorityId
    profile: Code
    basis: Basis
    clock: str
    request: MessageId
    opened_at: Moment
    deadline: Day | None
    measures: tuple[Measure, ...]
    obligations: tuple[Obligation, ...]
    head: Digest
    since_head: tuple[Digest, ...]
    holder: AuthorityId | None
    version: Annotated[int, Field(strict=True, ge=1)]
    takes_part: bool = False
    crossed: tuple[Digest, ...] = ()
    renewed_by: MessageId | None = None
    urgency: Urgency = Urgency.routine
    """Of the message that opened the leg."""
    permissions: tuple[Permission, ...] = ()
    """The newest; what is permitted stays so, whatever becomes of the measures."""

    @property
    def original(self) -> MessageId:
        """The message that holds what is asked for."""
        return self.renewed_by or self.request

    @property
    def parties(self) -> tuple[AuthorityId, ...]:
        """Everybody who acts on the leg, and is written to by the others."""
        held = (self.holder,) if self.takes_part and self.holder is not None else ()
        return (self.requesting, self.requested, *held)

    def measure(self, measure_id: str) -> Measure | None:
        return next((measure for measure in self.measures if measure.id == measure_id), None)

    def party(self, side: Side) -> str:
        """The authority that owes what this side owes: of the requested one the holder, where it takes part. Raises
        ValueError for the exchange, which is no party."""
        if side is Side.exchange:
            raise ValueError("the exchange is no party to a leg")
        if side is Side.requesting:
            return self.requesting
        return self.holder if self.takes_part and self.holder is not None else self.requested

    def side_of(self, authority: str) -> Side | None:
        """Which side this authority is on; null for anybody else."""
        if authority == self.requesting:
            return Side.requesting
        return Side.requested if authority in self.parties else None

    def with_measures(self, changed: dict[str, Measure]) -> Leg:
        return replace(self, measures=tuple(changed.get(measure.id, measure) for measure in self.measures))


_LEG: TypeAdapter[Leg] = TypeAdapter(Leg)


def encode_leg(leg: Leg) -> dict[str, Any]:
    """The leg as a JSON object: times as RFC 3339 UTC with microseconds, dates as YYYY-MM-DD."""
    encoded: dict[str, Any] = _LEG.dump_python(leg, mode="json")
    return encoded


def parse_leg(document: object) -> Leg:
    """The leg in this JSON object, as `encode_leg` made it. Raises ValueError naming what does not fit."""
    return _LEG.validate_python(document)


def write_leg(leg: Leg) -> bytes:
    """The JSON of `encode_leg`, for storage."""
    return _LEG.dump_json(leg)


def read_leg(raw: bytes | str) -> Leg:
    """The leg that `write_leg` wrote. Raises ValueError naming what does not fit."""
    return _LEG.validate_json(raw)


def measure_order(measure_id: str) -> int:
    """Sort key: M2 before M10."""
    return int(measure_id[1:])
