"""How a profile is written down: states, kinds, what each kind's `act` holds, what it opens and closes.

A profile is data in this format and nothing else: intake's check, the client, the page of states and the tests read
the same table. Rules:
1. A kind says for each state it may be sent in which state follows. `STAY` keeps the state, `BEFORE` returns to the
   state that was left by a kind that `remembers`. `LATE` keeps the state of a measure that was withdrawn: the message
   may have crossed the withdrawal, so it needs not have seen it, opens and closes nothing, and is marked late.
2. A kind with `changes_state` moves the leg's head, so the sender must have seen everything before it. Reminders and
   status queries change nothing: they can neither be stale nor make a decision stale.
3. An obligation is opened by a rule (who owes what, by which date) and closed by naming what was owed. A duty is an
   obligation that a party takes or lays on with a date of its own, in the act; it outlives the closure, until it is
   discharged.
4. A state with `silence` closes by itself when the last date of what it names has passed (`silence.py`).
5. A final state has no turn, and takes a message only while something is still owed on the measure, or of a kind that
   is sent `after_closure`.
6. Where transport failed a measure is in the state that stands `instead_of` its own as well: what is possible in either
   may be sent. Whether it failed is said by the evidences, and is no message's to say.
7. An answer that `settles` is sent by the side that owes it, to the message that it answers, and ends what that message
   opened and nothing else: two questions, or two parcels, are two debts.
This module decides nothing; `profiles.py` checks a header against the data, `dossier.py` moves the legs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

STAY = "="
BEFORE = "<"
LATE = "~"
CLOSED = "closed"
"""The final state of every profile."""


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
    `instead_of` names the state that shows as this one while the message that opened the leg was not delivered.
    `silence` names what is owed there whose passing closes the measure.
    """

    name: str
    turn: Side | None
    by_when: str
    owes: tuple[str, ...] = ()
    by_transport: bool = False
    silence: str | None = None
    instead_of: str | None = None


class FieldType(StrEnum):
    """What may stand in an `act`: codes, dates, ids and integers, so that no fact can hide in it."""

    code = "code"
    codes = "codes"  # a non-empty list of different codes
    date = "date"  # YYYY-MM-DD
    integer = "integer"
    authority = "authority"
    outcomes = "outcomes"  # one code for each measure of the message
    measure_types = "measure-types"  # a type of measure for each measure of the message
    duties = "duties"  # a date for each duty, by its code
    dossier = "dossier"  # the id of another dossier
    message = "message"  # the id of another message


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
    is_past: bool = False
    """Of a date: the day of something that was done. Any other is to come."""
    not_before: tuple[str, ...] = ()
    """Of a date: members of the same act, the days of which it follows or is."""


class Condition(StrEnum):
    """When a mandatory body field is due; `always` unless it says otherwise."""

    always = "always"
    unless_service_only = "unless every measure is service of documents"
    with_deadline = "if the act names a deadline"
    with_reciprocity = "if a leg rests on reciprocity"
    in_emergency = "if the urgency is emergency"
    if_urgent = "if the urgency is urgent or emergency"
    if_urgent_and_direct = "if it is urgent and the act says that access is direct"
    if_provisional = "if every measure is freezing or preservation"
    if_restricted = "if the handling is h3"


@dataclass(frozen=True, slots=True)
class BodyField:
    """A field that the sealed body must hold. The sender's client checks it before sealing: the exchange cannot see
    it."""

    name: str
    label: str
    rule: str
    when: Condition = Condition.always


@dataclass(frozen=True, slots=True)
class Sooner:
    """A shorter limit or target, in hours, under a condition."""

    hours: int
    when: Condition


@dataclass(frozen=True, slots=True)
class Opens:
    """What a kind makes somebody owe. Each date is an obligation of its own: the law's limit, where the leg's clock has
    one for `owed`; a date that somebody set (`dated_by` names the member of the act, `requesters_deadline` takes the
    one in the request); and the exchange's target `policy_days`, or the first of `sooner` that applies, only where
    neither the law nor `dated_by` gives a date. Without a debtor it is the side that did not send the message.
    """

    debtor: Side | None
    owed: str
    policy_days: int | None = None
    dated_by: str | None = None
    requesters_deadline: bool = False
    sooner: tuple[Sooner, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """What a party may owe on a date of its own. `rule` is where it comes from."""

    debtor: Side
    label: str
    rule: str
    goes_with: str | None = None
    """What it is there for: whatever ends that ends the duty as well."""


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
    estimates: frozenset[str] = frozenset()
    """What is owed until the act's `estimate` instead of the exchange's target, of what is owed. It never replaces a
    deadline, and the law's limit only where and as far as the law lets it be extended."""
    outcome: str | None = None
    """How it ends its measures, where the act's `outcomes` does not say it for each."""
    reopens: bool = False
    """It takes back the outcome that its measures had."""
    may_be_crossed: bool = False
    """What the other side sent before it had seen this one is admitted where its move is `LATE`."""
    renews: bool = False
    """It takes the place of the message that opened the leg, which could not be opened."""
    forwards: bool = False
    """It hands the leg to the holder that its act names."""
    discharges: bool = False
    """Its act names in `duties` what its sender has done, and owes no longer."""
    settles: frozenset[str] = frozenset()
    """It answers the message that made its sender's side owe one of these, and ends that."""
    needs_owed: frozenset[str] = frozenset()
    """It is sent only while one of these is owed on each of its measures, by whichever side."""
    after: frozenset[str] = frozenset()
    """What should not be owed any more on its measures; it is admitted all the same, and flagged."""
    after_closure: bool = False
    """It may be sent on a closed measure though nothing is owed there."""
    permits: bool = False
    """Its act names in `granted` the purposes that its sender permits."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: its states from the least to the most advanced (the roll-ups use this order), and its kinds by
    name."""

    name: str
    title: str
    states: Mapping[str, State]
    kinds: Mapping[str, Kind]
    owed: Mapping[str, str]
    """What can be owed, duties included, and the word for it in a status line."""
    first_state: str
    several_recipients: bool
    handling: frozenset[str]
    duties: Mapping[str, Duty] = field(default_factory=lambda: MappingProxyType({}))
    measures: frozenset[str] = frozenset()
    """The types of measure that it may ask for; empty for any."""
    lasting: frozenset[str] = frozenset()
    """What silence does not end: the duties, and what is owed whether the measure is closed or not."""
    body: tuple[BodyField, ...] = ()
    """What the body of every kind must hold, under its condition."""

    @property
    def opening(self) -> Kind:
        """The kind that opens a dossier."""
        return next(kind for kind in self.kinds.values() if kind.opens_dossier)


def build_profile(
    name: str,
    title: str,
    states: tuple[State, ...],
    kinds: tuple[Kind, ...],
    owed: Mapping[str, str],
    *,
    several_recipients: bool,
    handling: frozenset[str],
    duties: Mapping[str, Duty] | None = None,
    measures: frozenset[str] = frozenset(),
    lasting: Mapping[str, str] | None = None,
    body: tuple[BodyField, ...] = (),
) -> Profile:
    """The profile of these rows; its first state is `submitted`."""
    duties, lasting = duties or {}, lasting or {}
    return Profile(
        name=name,
        title=title,
        states=MappingProxyType({state.name: state for state in states}),
        kinds=MappingProxyType({kind.name: kind for kind in kinds}),
        owed=MappingProxyType({**owed, **lasting, **{code: duty.label for code, duty in duties.items()}}),
        first_state="submitted",
        several_recipients=several_recipients,
        handling=handling,
        duties=MappingProxyType(dict(duties)),
        measures=measures,
        lasting=frozenset({*duties, *lasting}),
        body=body,
    )
