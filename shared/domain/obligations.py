"""Who owes what, until when, and by which rule: opening, closing, pausing, and the list of what is waited for.

Rules:
1. A rule of the profile opens one obligation per date: the law's, the one somebody set, the exchange's target. They
   share what is owed, and discharge closes all of them.
2. Obligations are cut along measures: what is discharged for M1 stays owed for M2.
3. Only what is open counts as waited for. A paused obligation runs on from where it stood when it is resumed; a date
   that a party set never pauses, and the law's limit only where the leg's clock says so.
Nothing here reads a clock: `now` and `at` come from the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime

from shared.domain.clocks import CLOCKS, due_after, end_of_day
from shared.domain.header import Header
from shared.domain.leg import DueBasis, Leg, Obligation, measure_order
from shared.domain.profile_format import Kind, Opens

ESTIMATE = "estimate of the debtor"
REQUESTERS_DEADLINE = "deadline named in the request"


def apply_obligations(leg: Leg, kind: Kind, header: Header, at: datetime) -> tuple[Obligation, ...]:
    """What is owed on the leg after this message, given what was owed before it. Pure; `at` is the time of
    admission."""
    measures = sorted(header.measures, key=measure_order)
    owed = _cut(leg.obligations, kind.closes, measures)
    owed = _pause(leg, owed, kind.pauses, measures, at)
    owed = _resume(owed, kind.resumes, measures, at)
    if kind.estimates is not None and "estimate" in header.act:
        owed = _estimate(leg, owed, kind.estimates, header, at)
    opened = (obligation for rule in kind.opens for obligation in opened_by(rule, leg, header, at))
    return (*owed, *opened)


def opened_by(rule: Opens, leg: Leg, header: Header, at: datetime) -> Iterator[Obligation]:
    """The obligations that a message opens under one rule: the law's date, a party's date, the exchange's target."""
    limit = CLOCKS[leg.clock].limits.get(rule.owed)
    if limit is not None:
        yield _obligation(rule, leg, header, at, due_after(at, limit.days), DueBasis.law, limit.source)
    dated = header.act.get(rule.dated_by) if rule.dated_by is not None else None
    if dated is not None:
        source = f"date set by {header.sender}"
        yield _obligation(rule, leg, header, at, end_of_day(date.fromisoformat(dated)), DueBasis.deadline, source)
    if rule.requesters_deadline and leg.deadline is not None:
        yield _obligation(rule, leg, header, at, end_of_day(leg.deadline), DueBasis.deadline, REQUESTERS_DEADLINE)
    if rule.policy_days is not None and limit is None and dated is None:
        source = f"target of the exchange: {rule.policy_days} days"
        yield _obligation(rule, leg, header, at, due_after(at, rule.policy_days), DueBasis.policy, source)


def waiting_on(leg: Leg) -> list[Obligation]:
    """The open obligations of the leg, earliest first; those without a date last."""
    running = (obligation for obligation in leg.obligations if obligation.paused_at is None)
    return sorted(running, key=lambda one: (one.due is None, one.due or one.opened_at, one.act, one.measures))


def is_overdue(obligation: Obligation, now: datetime) -> bool:
    """Whether its date has passed; never while it is paused."""
    return obligation.paused_at is None and obligation.due is not None and now > obligation.due


def _obligation(
    rule: Opens, leg: Leg, header: Header, at: datetime, due: datetime, basis: DueBasis, source: str
) -> Obligation:
    measures = tuple(sorted(header.measures, key=measure_order))
    return Obligation(leg.party(rule.debtor), rule.owed, measures, due, basis, header.id, at, source)


def _cut(owed: Iterable[Obligation], acts: Collection[str], measures: Collection[str]) -> tuple[Obligation, ...]:
    """What is left when these acts are no longer owed for these measures."""
    left = []
    for obligation in owed:
        if obligation.act in acts:
            rest = tuple(measure for measure in obligation.measures if measure not in measures)
            if rest:
                left.append(replace(obligation, measures=rest))
        else:
            left.append(obligation)
    return tuple(left)


def _split(obligation: Obligation, measures: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The obligation's measures: those among `measures`, and the others."""
    named = tuple(measure for measure in obligation.measures if measure in measures)
    return named, tuple(measure for measure in obligation.measures if measure not in measures)


def _pause(
    leg: Leg, owed: tuple[Obligation, ...], acts: Collection[str], measures: Collection[str], at: datetime
) -> tuple[Obligation, ...]:
    pausing = {DueBasis.policy} | ({DueBasis.law} if CLOCKS[leg.clock].suspended_by_questions else set())
    after: list[Obligation] = []
    for obligation in owed:
        named, others = _split(obligation, measures)
        if obligation.act in acts and obligation.basis in pausing and named:
            after.append(replace(obligation, measures=named, paused_at=at))
            after.extend([replace(obligation, measures=others)] if others else [])
        else:
            after.append(obligation)
    return tuple(after)


def _resume(
    owed: tuple[Obligation, ...], acts: Collection[str], measures: Collection[str], at: datetime
) -> tuple[Obligation, ...]:
    after: list[Obligation] = []
    for obligation in owed:
        named, others = _split(obligation, measures)
        if obligation.act in acts and obligation.paused_at is not None and obligation.due is not None and named:
            due = end_of_day((obligation.due + (at - obligation.paused_at)).date())
            after.append(replace(obligation, measures=named, due=due, paused_at=None))
            after.extend([replace(obligation, measures=others)] if others else [])
        else:
            after.append(obligation)
    return tuple(after)


def _estimate(leg: Leg, owed: tuple[Obligation, ...], act: str, header: Header, at: datetime) -> tuple[Obligation, ...]:
    """The debtor's estimate takes the place of the exchange's target; law and deadlines stay as they are."""
    policy = tuple(one for one in owed if one.act == act and one.basis is DueBasis.policy)
    others = tuple(one for one in owed if one not in policy)
    estimated = Obligation(
        debtor=leg.requested,
        act=act,
        measures=tuple(sorted(header.measures, key=measure_order)),
        due=end_of_day(date.fromisoformat(header.act["estimate"])),
        basis=DueBasis.policy,
        opened_by=header.id,
        opened_at=at,
        source=ESTIMATE,
    )
    return (*others, *_cut(policy, {act}, header.measures), estimated)
