"""By which road a message reaches each of its recipients, and on what ground: what an evidence of delivery explains.

Rules:
1. A message that opens a dossier goes where the instrument of each leg sends it: to the central authority that it
   names, to its point of contact around the clock, or directly. Nobody is turned away for the wrong road: it is told as
   `outside-channel`, and admissibility warns.
2. Every later message goes to the other parties of its leg: to the holder that it was handed to, and to the parties.
3. What the registry does not say is told as `unregistered`.
Pure: the leg is as the message left it, the registry as of the day of admission.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum

from shared.domain.header import RECIPROCITY, Header
from shared.domain.instruments import Channel, Filing, Instrument, Registry
from shared.domain.leg import Leg


class Route(StrEnum):
    """Why this recipient: codes of an evidence, never renamed."""

    central_authority = "central-authority"
    desk = "24-7-desk"
    direct = "direct"
    diplomatic = "diplomatic"
    outside_channel = "outside-channel"
    unregistered = "unregistered"
    reciprocity = "reciprocity"
    holder = "holder"
    party = "party"


def routes_of(header: Header, legs: Iterable[Leg], registry: Registry | None, on: date) -> dict[str, Route]:
    """The route to each recipient of an admitted message. `legs` are those that it opened or moved."""
    by_requested = {leg.requested: leg for leg in legs}
    if header.leg is None:
        return {one: channel_of(by_requested[one], registry, on) for one in header.recipients}
    leg = by_requested[header.leg]
    return {one: Route.holder if one == leg.holder else Route.party for one in header.recipients}


def terms_of(header: Header, registry: Registry | None, at: datetime) -> tuple[Mapping[str, str], Collection[str]]:
    """What the instruments lay on the legs that a message opens: their clocks, and to whom a hard copy is owed."""
    if registry is None:
        return {}, ()
    on = at.astimezone(UTC).date()
    bases = header.basis or {}
    filed = {one: _filing(registry.instrument(bases[one].primary, on), one) for one in bases}
    return registry.clocks(on), {one for one in bases if filed[one] is Filing.hard_copy_follows}


def channel_of(leg: Leg, registry: Registry | None, on: date) -> Route:
    """The channel of the leg's instrument by which its request reaches the requested authority."""
    if leg.basis.primary == RECIPROCITY:
        return Route.reciprocity
    entry = None if registry is None else registry.instrument(leg.basis.primary, on)
    return Route.unregistered if entry is None else channel(entry, leg.requested)


def may_send(entry: Instrument, sender: str) -> bool:
    """Whether the instrument admits requests from this authority; true where it does not say who may."""
    return channel(entry, sender) is not Route.outside_channel


def addressee(entry: Instrument, country: str, *, desk_first: bool) -> str | None:
    """The authority of this country to which the instrument sends a request; null where the registry names none."""
    party = entry.parties.get(country)
    if party is None:
        return None
    if desk_first and Channel.desk in entry.channels and party.desk is not None:
        return party.desk
    return party.central_authority if Channel.central_authority in entry.channels else None


def _filing(entry: Instrument | None, requested: str) -> Filing:
    party = None if entry is None else entry.parties.get(requested[:2])
    return Filing.unknown if party is None else party.filing


def channel(entry: Instrument, authority: str) -> Route:
    """By which of its channels the instrument reaches this authority."""
    party = entry.parties.get(authority[:2])
    if party is None:
        return Route.unregistered
    if Channel.central_authority in entry.channels and authority == party.central_authority:
        return Route.central_authority
    if Channel.desk in entry.channels and authority == party.desk:
        return Route.desk
    if Channel.direct in entry.channels:
        return Route.direct
    if party.central_authority is None and party.desk is None:
        return Route.unregistered
    if entry.channels == (Channel.diplomatic,):
        return Route.diplomatic
    return Route.outside_channel
