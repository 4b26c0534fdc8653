"""Who owes what, until when, and by which rule: opening, closing, pausing, and the list of what is waited for.

Rules:
1. A rule of the profile opens one obligation per date: the law's, the one somebody set, the exchange's target. They
   share what is owed, and discharge closes all of them.
2. Obligations are cut along measures: what is discharged for M1 stays owed for M2.
3. Only what is open counts as waited for. A paused obligation runs on from where it stood when it is resumed; a date
   that a party set never pauses, and the law's limit only where the leg's clock says so.
4. A duty is an obligation with a date that a party set in the act, and the debtor that the profile names for it.
5. What the requested side owes is owed by the holder once the leg was handed to it, and by the requested party again
   once it was taken back.
6. An answer that settles something ends what the message that it answers opened: what another one opened stays owed.
Nothing here reads a clock: `now` and `at` come from the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from shared.domain.calendars import NO_CALENDARS, Calendars, calendar_of
from shared.domain.clocks import CLOCKS, due_after, end_of_day
from shared.domain.conditions import is_met
from shared.domain.header import Header
from shared.domain.leg import DueBasis, Leg, Obligation, measure_order
from shared.domain.profile_format import FieldType, Kind, Opens, Side, Sooner
from shared.domain.profiles import profile_of

HARD_COPY = "hard-copy"
HARD_COPY_DAYS = 30
"""The exchange's target for paper that follows what was filed electronically."""
ESTIMATE = "estimate of the debtor"
REQUESTERS_DEADLINE = "deadline named in the request"
_SET_BY = "date set by "


def apply_obligations(
    leg: Leg, kind: Kind, header: Header, at: datetime, measures: Iterable[str] | None = None
) -> tuple[Obligation, ...]:
    """What is owed on the leg after this message, given what was owed before it. Pure; `at` is the time of admission.

    `leg` is handed on already, if the message hands it on. `measures` are those that the message moves, by default all
    that it names.
    """
    named = sorted(header.measures if measures is None else measures, key=measure_order)
    owed = cut(_reassigned(leg), kind.closes, named)
    if kind.discharges:
        owed = cut(owed, header.act["duties"], named)
    if kind.settles:
        answered = tuple(one for one in owed if settled_by(leg, kind, header, one))
        owed = (*(one for one in owed if one not in answered), *cut(answered, kind.settles, named))
    owed = _pause(leg, owed, kind, named, at)
    owed = _resume(owed, kind.resumes, named, at)
    if "estimate" in header.act:
        for act in sorted(kind.estimates):
            owed = _estimate(leg, owed, act, header, named, at)
    if not named:
        return owed
    opened = (obligation for rule in kind.opens for obligation in opened_by(rule, leg, header, at, named))
    return (*owed, *opened, *_duties(leg, kind, header, at, named))


def opened_by(rule: Opens, leg: Leg, header: Header, at: datetime, measures: Sequence[str]) -> Iterator[Obligation]:
    """The obligations that a message opens under one rule: the law's date, a party's date, the exchange's target."""

    debtor = leg.party(rule.debtor or _other_side(leg, header.sender))

    def obligation(due: datetime, basis: DueBasis, source: str) -> Obligation:
        return Obligation(debtor, rule.owed, tuple(measures), due, basis, header.id, at, source)

    limit = CLOCKS[leg.clock].limits.get(rule.owed)
    if limit is not None:
        hours = _sooner(limit.sooner, header)
        due = due_after(at, limit.days) if hours is None else at + timedelta(hours=hours)
        yield obligation(due, DueBasis.law, limit.source)
    dated = header.act.get(rule.dated_by) if rule.dated_by is not None else None
    if dated is not None:
        yield obligation(end_of_day(date.fromisoformat(dated)), DueBasis.deadline, _SET_BY + header.sender)
    if rule.requesters_deadline and leg.deadline is not None:
        yield obligation(end_of_day(leg.deadline), DueBasis.deadline, REQUESTERS_DEADLINE)
    if rule.policy_days is not None and limit is None and dated is None:
        hours = _sooner(rule.sooner, header)
        if hours is None:
            source = f"target of the exchange: {rule.policy_days} days"
            yield obligation(due_after(at, rule.policy_days), DueBasis.policy, source)
        else:
            yield obligation(at + timedelta(hours=hours), DueBasis.policy, f"target of the exchange: {hours} hours")


def hard_copy_owed(leg: Leg, header: Header, at: datetime) -> Iterator[Obligation]:
    """What the filing practice of the requested country asks for, unless the profile knows no such duty or the message
    names a day for it itself."""
    duty = profile_of(leg.profile).duties.get(HARD_COPY)
    if duty is not None and HARD_COPY not in header.act.get("duties", {}):
        due, source = due_after(at, HARD_COPY_DAYS), f"{duty.rule}; target of the exchange: {HARD_COPY_DAYS} days"
        measures = tuple(one.id for one in leg.measures)
        yield Obligation(leg.party(duty.debtor), HARD_COPY, measures, due, DueBasis.policy, header.id, at, source)


def set_by(leg: Leg, obligation: Obligation) -> str | None:
    """The party whose deadline or estimate it is; null for the law's limit and the exchange's target."""
    source = obligation.source
    if source == ESTIMATE:
        return obligation.debtor
    if source == REQUESTERS_DEADLINE:
        return leg.requesting
    return source.removeprefix(_SET_BY).partition(";")[0] if source.startswith(_SET_BY) else None


def owes(leg: Leg, side: Side, act: str, measure: str) -> bool:
    """Whether this side owes this for the measure, now or once what is paused runs on."""
    return any(
        one.act == act and measure in one.measures and leg.side_of(one.debtor) is side for one in leg.obligations
    )


def settled_by(leg: Leg, kind: Kind, header: Header, owed: Obligation) -> bool:
    """Whether this is what the message answers: owed by its sender's side, and opened by what it replies to."""
    is_senders = leg.side_of(owed.debtor) is leg.side_of(header.sender)
    return owed.act in kind.settles and owed.opened_by == header.in_reply_to and is_senders


def is_anything_owed(leg: Leg, measure: str) -> bool:
    return any(measure in one.measures for one in leg.obligations)


def waiting_on(leg: Leg) -> list[Obligation]:
    """The open obligations of the leg, earliest first; those without a date last."""
    running = (obligation for obligation in leg.obligations if obligation.paused_at is None)
    return sorted(running, key=lambda one: (one.due is None, one.due or one.opened_at, one.act, one.measures))


def falls_due(leg: Leg, obligation: Obligation, calendars: Calendars = NO_CALENDARS) -> datetime | None:
    """The last second in which it is done in time, by the debtor's calendar; None where it has no date.

    A limit in hours is an instant everywhere. A period of days counts from the debtor's day and ends with the debtor's
    day; the law's, where its rule is so, never with a day that is not worked there. A party's date is that day.
    """
    if obligation.due is None:
        return None
    day = obligation.due.date()
    if obligation.due != end_of_day(day):
        return obligation.due
    calendar = calendar_of(calendars, obligation.debtor)
    is_set = obligation.basis is DueBasis.deadline or obligation.source == ESTIMATE or obligation.extended
    if not is_set:
        day += calendar.local_day(obligation.opened_at) - obligation.opened_at.astimezone(UTC).date()
    if obligation.basis is DueBasis.law and CLOCKS[leg.clock].ends_on_working_day:
        day = calendar.next_worked(day)
    return calendar.end_of(day)


def is_overdue(leg: Leg, obligation: Obligation, now: datetime, calendars: Calendars = NO_CALENDARS) -> bool:
    """Whether its date has passed; never while it is paused."""
    due = falls_due(leg, obligation, calendars)
    return obligation.paused_at is None and due is not None and now > due


def cut(owed: Iterable[Obligation], acts: Collection[str], measures: Collection[str]) -> tuple[Obligation, ...]:
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


def _other_side(leg: Leg, sender: str) -> Side:
    return Side.requested if leg.side_of(sender) is Side.requesting else Side.requesting


def _split(obligation: Obligation, measures: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The obligation's measures: those among `measures`, and the others."""
    named = tuple(measure for measure in obligation.measures if measure in measures)
    return named, tuple(measure for measure in obligation.measures if measure not in measures)


def _sooner(shorter: Iterable[Sooner], header: Header) -> int | None:
    """The hours of the first that applies."""
    return next((one.hours for one in shorter if is_met(one.when, header)), None)


def _duties(leg: Leg, kind: Kind, header: Header, at: datetime, measures: Sequence[str]) -> Iterator[Obligation]:
    """The duties that the act names with their dates."""
    field = kind.act.get("duties")
    if field is None or field.type is not FieldType.duties:
        return
    known = profile_of(leg.profile).duties
    for code, day in sorted(header.act.get("duties", {}).items()):
        due, debtor = end_of_day(date.fromisoformat(day)), leg.party(known[code].debtor)
        source = f"{_SET_BY}{header.sender}; {known[code].rule}"
        yield Obligation(debtor, code, tuple(measures), due, DueBasis.deadline, header.id, at, source)


def _reassigned(leg: Leg) -> tuple[Obligation, ...]:
    """What the requested side owes is owed by whoever acts for it now."""
    acting = leg.party(Side.requested)
    return tuple(
        one if one.debtor in (leg.requesting, acting) else replace(one, debtor=acting) for one in leg.obligations
    )


def _pause(
    leg: Leg, owed: tuple[Obligation, ...], kind: Kind, measures: Collection[str], at: datetime
) -> tuple[Obligation, ...]:
    if not kind.pauses:
        return owed
    acts = kind.pauses
    pausing = {DueBasis.policy} | ({DueBasis.law} if kind.name in CLOCKS[leg.clock].suspended_by else set())
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
    if not acts:
        return owed
    after: list[Obligation] = []
    for obligation in owed:
        named, others = _split(obligation, measures)
        if obligation.act in acts and obligation.paused_at is not None and obligation.due is not None and named:
            due = obligation.due + (at - obligation.paused_at)
            if obligation.due == end_of_day(obligation.due.date()):  # a period of days ends with a day
                due = end_of_day(due.date())
            after.append(replace(obligation, measures=named, due=due, paused_at=None))
            after.extend([replace(obligation, measures=others)] if others else [])
        else:
            after.append(obligation)
    return tuple(after)


def _estimate(
    leg: Leg, owed: tuple[Obligation, ...], act: str, header: Header, measures: Sequence[str], at: datetime
) -> tuple[Obligation, ...]:
    """The debtor's estimate takes the place of the exchange's target, and the law's limit moves there as far as it may
    be extended. Deadlines stay as they are; so does what is not owed."""
    waiting = {measure for one in owed if one.act == act for measure in one.measures}
    named = tuple(measure for measure in measures if measure in waiting)
    if not named:
        return owed
    due = end_of_day(date.fromisoformat(header.act["estimate"]))
    policy = tuple(one for one in owed if one.act == act and one.basis is DueBasis.policy)
    others = tuple(one for one in _extend(leg, owed, act, named, due) if one.act != act or one.basis != DueBasis.policy)
    estimated = Obligation(
        debtor=leg.party(Side.requested),
        act=act,
        measures=named,
        due=due,
        basis=DueBasis.policy,
        opened_by=header.id,
        opened_at=at,
        source=ESTIMATE,
    )
    return (*others, *cut(policy, {act}, named), estimated)


def _extend(
    leg: Leg, owed: tuple[Obligation, ...], act: str, measures: Collection[str], estimate: datetime
) -> Iterator[Obligation]:
    """The law's limit moves to the estimate, no farther than its extension reaches, and once only."""
    limit = CLOCKS[leg.clock].limits.get(act)
    for one in owed:
        named, others = _split(one, measures)
        is_due = one.act == act and one.basis is DueBasis.law and one.due is not None and named
        if not is_due or one.extended or limit is None or limit.extension_days is None:
            yield one
            continue
        assert one.due is not None  # noqa: S101 - is_due says it
        until = min(estimate, one.due + timedelta(days=limit.extension_days))
        if until <= one.due:
            yield one
            continue
        source = f"{limit.source}, extended under {limit.extended_by}"
        yield replace(one, measures=named, due=until, source=source, extended=True)
        if others:
            yield replace(one, measures=others)
