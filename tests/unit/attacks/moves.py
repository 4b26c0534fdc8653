"""Attacks that need a past: what was accepted before, then the attack, then the honest message that it must not stop.

Each function is one attack, named for it, as the submissions that an exchange meets in this order; exactly one of them
is the attack, the others are accepted. `tests/vectors/make_attacks.py` writes one golden file for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.envelope.container import parse_submission
from shared.errors import (
    CallClockSkew,
    CallDigestMismatch,
    CallReplayed,
    CallSenderMismatch,
    ComityError,
    DossierExists,
    DossierStale,
    DossierUnknown,
    EnvelopeExpired,
    ForeignSigner,
    HeaderInconsistent,
    IllegalMove,
    KindUnknown,
    MessageIdReused,
)
from tests.unit.attacks.exchange_on_file import CallForm
from tests.unit.envelope.workshop import NOW
from tests.unit.services.desk import BE, ES, FR, MA, digest_of, new_id, reply, request

ACCEPTED, REPEAT = "accepted", "repeat"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """A submission, called in by `caller` at `at`: what it must come to, and who says so."""

    submission: bytes
    caller: str = MA
    outcome: str = ACCEPTED
    by: str = "intake"
    at: datetime = NOW
    is_attack: bool = False
    call: CallForm = "own"


@dataclass(frozen=True)
class Move:
    name: str
    claim: str
    make: Callable[[], list[Step]]


CATALOGUE: dict[str, Move] = {}


def move(make: Callable[[], list[Step]]) -> Callable[[], list[Step]]:
    """Enter the function in the catalogue."""
    name = make.__name__.replace("_", "-")
    CATALOGUE[name] = Move(name, " ".join((make.__doc__ or "").split()), make)
    return make


def refused(
    submission: bytes,
    error: type[ComityError],
    caller: str = MA,
    by: str = "intake",
    at: datetime = NOW,
    call: CallForm = "own",
) -> Step:
    return Step(submission, caller, error.code, by, at, is_attack=True, call=call)


# --- replays


@move
def its_bytes_come_again_inside_the_window() -> list[Step]:
    """A genuine submission, recorded and sent again while it is valid: answered as the first time, with no second
    effect."""
    first = request()
    return [Step(first), Step(first, MA, REPEAT, "gateway", NOW + MINUTE, is_attack=True)]


@move
def its_bytes_come_again_after_the_window() -> list[Step]:
    """The same, after it expired, on an exchange that still knows it."""
    first = request()
    return [Step(first), Step(first, MA, REPEAT, "gateway", NOW + 15 * DAY, is_attack=True)]


@move
def its_bytes_come_after_the_window_to_an_exchange_that_forgot() -> list[Step]:
    """The same, on an exchange that lost its memory of ids, say by a restored backup."""
    return [refused(request(), EnvelopeExpired, by="gateway", at=NOW + 15 * DAY), Step(request())]


@move
def its_call_comes_again_inside_the_window() -> list[Step]:
    """The whole call, header and body, recorded and sent again within its minute."""
    first = request()
    return [Step(first), refused(first, CallReplayed, by="gateway", at=NOW + timedelta(seconds=30), call="replayed")]


@move
def its_call_comes_again_after_the_window() -> list[Step]:
    """The whole call, sent again when its signature has expired."""
    first = request()
    return [Step(first), refused(first, CallClockSkew, by="gateway", at=NOW + 2 * MINUTE, call="replayed")]


@move
def another_text_comes_under_its_calls_header() -> list[Step]:
    """The header of a call, caught before its body, with another letter under it."""
    first = request()
    return [refused(first, CallDigestMismatch, by="gateway", call="of another body"), Step(first)]


@move
def another_text_comes_under_its_id() -> list[Step]:
    """The sender spends one id on two texts, to show each to somebody else."""
    id_ = new_id()
    return [
        Step(request(id=id_)),
        refused(request(id=id_, urgency="urgent"), MessageIdReused, by="gateway"),
    ]


@move
def another_authority_spends_its_id_again() -> list[Step]:
    """Paris sends a request of its own under the id of Rabat's."""
    id_ = new_id()
    other = request(id=id_, sender=FR, recipients=[BE], basis={BE: _basis()})
    return [Step(request(id=id_)), refused(other, MessageIdReused, FR)]


@move
def another_authority_submits_it() -> list[Step]:
    """Brussels, which got hold of Rabat's sealed request, hands it in itself."""
    first = request()
    return [refused(first, CallSenderMismatch, BE, by="gateway"), Step(first)]


# --- a past that is not so


@move
def its_sender_has_not_seen_what_changed_last() -> list[Step]:
    """Brussels accepts on the state before its own acknowledgement: `seen` is stale."""
    first = request()
    acknowledged = reply(first, "acknowledge", BE)
    return [
        Step(first),
        Step(acknowledged, BE),
        refused(reply(first, "accept", BE), DossierStale, BE),
        Step(reply(first, "accept", BE, seen=digest_of(acknowledged)), BE),
    ]


@move
def it_has_seen_what_never_was() -> list[Step]:
    """`seen` names an envelope that nobody sent."""
    first = request()
    return [
        Step(first),
        refused(reply(first, "accept", BE, seen="A" * 43), DossierStale, BE),
        Step(reply(first, "accept", BE), BE),
    ]


@move
def it_opens_a_dossier_that_is_open() -> list[Step]:
    """A second request under the number of the first, to begin its clocks anew."""
    dossier = new_id()
    return [Step(request(dossier=dossier)), refused(request(dossier=dossier), DossierExists)]


@move
def it_goes_back_in_the_procedure() -> list[Step]:
    """Brussels accepts, with all that happened seen, and acknowledges afterwards."""
    first = request()
    accepted = reply(first, "accept", BE)
    return [
        Step(first),
        Step(accepted, BE),
        refused(reply(first, "acknowledge", BE, seen=digest_of(accepted)), IllegalMove, BE),
    ]


# --- others than the parties


@move
def one_who_never_received_the_original_forwards_it() -> list[Step]:
    """Madrid, no party to the leg, forwards the request to a holder of its choice. It is not even told that there is
    a dossier."""
    first = request()
    original = parse_submission(first).header.id
    forward = reply(first, "forward", ES, recipients=[MA, BE, FR], act={"holder": FR, "original": original})
    return [Step(first), refused(forward, DossierUnknown, ES), Step(reply(first, "acknowledge", BE), BE)]


@move
def one_who_is_only_named_as_the_holder_forwards_it() -> list[Step]:
    """Brussels names Madrid as the one that does the work, and sends it nothing. Madrid, by its name alone, hands the
    leg on: who was never sent the original has no part in it."""
    first = request()
    named = reply(first, "acknowledge", BE, act={"holder": ES})
    act = {"holder": FR, "original": parse_submission(first).header.id}
    forward = reply(first, "forward", ES, seen=digest_of(named), recipients=[MA, BE, FR], act=act)
    return [Step(first), Step(named, BE), refused(forward, DossierUnknown, ES), Step(_accepted(first, named), BE)]


@move
def it_is_handed_to_another_country() -> list[Step]:
    """Brussels, which received the original, hands the leg to Paris with its key: what Rabat asked of Belgium would be
    read in France."""
    first = request()
    act = {"holder": FR, "original": parse_submission(first).header.id}
    forward = reply(first, "forward", BE, recipients=[MA, FR], act=act)
    return [Step(first), refused(forward, HeaderInconsistent, BE), Step(reply(first, "acknowledge", BE), BE)]


@move
def it_goes_to_one_more_reader_than_the_leg_has_parties() -> list[Step]:
    """Brussels answers Rabat, with a copy for Madrid."""
    first = request()
    copied = reply(first, "accept", BE, recipients=[MA, ES])
    return [Step(first), refused(copied, HeaderInconsistent, BE), Step(reply(first, "accept", BE), BE)]


@move
def a_kind_is_invented() -> list[Step]:
    """Brussels, which received the original, hands it over in a way that the profile does not know."""
    first = request()
    forward = reply(first, "hand-over", BE, act={"holder": FR})
    return [Step(first), refused(forward, KindUnknown, BE), Step(reply(first, "acknowledge", BE), BE)]


@move
def one_who_never_received_the_original_answers_it() -> list[Step]:
    """Madrid accepts in the place of Brussels, with `seen` as it should be."""
    first = request()
    return [
        Step(first),
        refused(reply(first, "accept", ES, recipients=[MA]), DossierUnknown, ES),
        Step(reply(first, "accept", BE), BE),
    ]


@move
def the_asking_party_answers_itself() -> list[Step]:
    """Rabat accepts its own request on Brussels' leg."""
    first = request()
    return [
        Step(first),
        refused(reply(first, "accept", MA), ForeignSigner),
        Step(reply(first, "accept", BE), BE),
    ]


def _accepted(first: bytes, seen: bytes) -> bytes:
    return reply(first, "accept", BE, seen=digest_of(seen))


def _basis() -> dict[str, object]:
    return {"primary": "reciprocity", "cited": [], "group": None}
