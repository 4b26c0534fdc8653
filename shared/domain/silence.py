"""Closing by silence: what a measure has become when nobody did what its state waits for.

Rules:
1. A state that names its `silence` closes when the last date of what is owed under that name has passed. Paused dates
   do not pass; without a date nothing does.
2. The closure is dated at that instant, whoever asks and whenever: it follows from the messages and the present time
   alone, so that intake, a client and an auditor's replay find the same, and a service that tells of it may tell late.
3. It ends what the state itself owes and every open status query. Duties and whatever else lasts stay: they have dates
   of their own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.leg import Leg, Measure
from shared.domain.obligations import cut
from shared.domain.profile_format import CLOSED, Profile
from shared.domain.profiles import profile_of


def lapsed(leg: Leg, now: datetime) -> Leg:
    """The leg at `now`: the same object unless silence has closed one of its measures."""
    profile = profile_of(leg.profile)
    closed = {}
    for measure in leg.measures:
        at = silent_since(leg, measure, profile)
        if at is not None and at < now:
            closed[measure.id] = replace(measure, state=CLOSED, since=at, before=None)
    if not closed:
        return leg
    ended = profile.owed.keys() - profile.lasting
    return replace(leg.with_measures(closed), obligations=cut(leg.obligations, ended, closed))


def silent_since(leg: Leg, measure: Measure, profile: Profile) -> datetime | None:
    """When silence closes this measure, or closed it; None where it does not."""
    owed = profile.states[measure.state].silence
    if owed is None:
        return None
    dates = [one for one in leg.obligations if one.act == owed and measure.id in one.measures]
    if not dates or any(one.due is None or one.paused_at is not None for one in dates):
        return None
    return max(one.due for one in dates if one.due is not None)
