"""How a profile is written down: states, kinds, what each kind's `act` holds, what it opens and closes.

A profile is data in this format and nothing else: intake's check, the client, the page of states and the tests read
the same table. Rules:
1. A kind says for each state it may be sent in which state follows. `STAY` keeps the state, `BEFORE` returns to the
   state that was left by a kind that `remembers`.
2. A kind with `changes_state` moves the leg's head, so the sender must have seen everything before it. Reminders and
   status queries change nothing: they can neither be stale nor make a decision stale.
3. An obligation is opened by a rule (who owes what, by which date) and closed by naming what was owed.
This module decides nothing; `profiles.py` checks a header against the data, `dossier.py` moves the legs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

STAY = "="
BEFORE = "<"


class Side(StrEnum):
    """Whose turn it is, or who may send. `exchange` never sends: it only relays and delivers."""

    requesting = "requesting"
    requested = "requested"
    exchange = "exchange"


@dataclass(frozen=True, slots=True)
class State:
    """One row of the table of states. `turn` is null in a final state; `owes` names what the party whose turn it is
    owes there.

    A state with `by_transport` is never stored: the legal state `submitted` shows as it by facts of transport.
    """

    name: str
    turn: Side | None
    by_when: str
    owes: tuple[str, ...] = ()
    by_transport: bool = False


class FieldType(StrEnum):
    """What may stand in an `act`: codes, dates, ids and integers, so that no fact can hide in it."""

    code = "code"
    codes = "codes"  # a non-empty list of different codes
    date = "date"  # YYYY-MM-DD
    integer = "integer"
    authority = "authority"
    outcomes = "outcomes"  # one code for each measure of the message


@dataclass(frozen=True, slots=True)
class ActField:
    """One member of an `act`. `codes` closes the list of codes; empty leaves it to the instrument, where a warning
    belongs."""

    type: FieldType
    required: bool
    meaning: str
    codes: frozenset[str] = frozenset()
    at_most: int = 20
    """Largest integer, or longest list."""


class Condition(StrEnum):
    """When a mandatory body field is due; `always` unless it says otherwise."""

    always = "always"
    unless_service_only = "unless every measure is service of documents"
    with_deadline = "if the act names a deadline"
    in_emergency = "if the urgency is emergency"


@dataclass(frozen=True, slots=True)
class BodyField:
    """A field that the sealed body must hold. The sender's client checks it before sealing: the exchange cannot see
    it."""

    name: str
    label: str
    rule: str
    when: Condition = Condition.always


@dataclass(frozen=True, slots=True)
class Opens:
    """An obligation that a kind opens, for the measures of its message.

    Its dates, each an obligation of its own: the law's limit, where the leg's clock has one for `owed`; a date that
    somebody set (`dated_by` names the member of the act, `requesters_deadline` takes the one in the request); and the
    exchange's target `policy_days`, only where neither the law nor `dated_by` gives a date.
    """

    debtor: Side
    owed: str
    policy_days: int | None = None
    dated_by: str | None = None
    requesters_deadline: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message: who sends it, when, with what, and to what effect."""

    name: str
    label: str
    senders: frozenset[Side]
    moves: Mapping[str, str]
    act: Mapping[str, ActField] = field(default_factory=lambda: MappingProxyType({}))
    body: tuple[BodyField, ...] = ()
    opens_dossier: bool = False
    changes_state: bool = True
    remembers: bool = False
    needs_in_reply_to: bool = False
    opens: tuple[Opens, ...] = ()
    closes: frozenset[str] = frozenset()
    pauses: frozenset[str] = frozenset()
    resumes: frozenset[str] = frozenset()
    estimates: str | None = None
    """What is owed until the act's `estimate` instead of the exchange's target. It never replaces the law or a
    deadline."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: its states from the least to the most advanced (the roll-ups use this order), and its kinds by
    name."""

    name: str
    states: Mapping[str, State]
    kinds: Mapping[str, Kind]
    owed: Mapping[str, str]
    """What can be owed, and the word for it in a status line."""
    first_state: str
    several_recipients: bool
    handling: frozenset[str]
