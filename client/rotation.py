"""Renewing one's own keys: made and kept first, announced under the old ones, acting once the directory shows them.

Rules:
1. New keys are durable in the key file before anybody hears of them, and a broken-off rotation goes on with the same
   keys: their event may have been admitted already.
2. The event is made for the place after the last one and verified here as every replica will verify it, before it is
   posted. If another event takes its place, it is made anew.
3. Where the old keys cannot sign (they are lost, ended or compromised), the same new keys go to the operators as a
   request for a recovery; `settle_rotation` takes them into use once the directory shows them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from client.directory_history import replay_history
from client.enrolment import BACKDATE, ENROLMENT_VERSION, VALIDITY, EnrolmentRequest, await_event
from client.exchange import Exchange
from client.keystore import settle_keys, stage_keys
from client.signing import AuthorityKeys
from shared.errors import EventOvertaken, KeyRefused
from shared.keys.custody import KeyModule
from shared.keys.directory import Directory, DirectoryKey
from shared.keys.event_document import USES_OF_ROLE, NameDocument, Use
from shared.keys.events import draft_event, encode_event, sign_event, verify_event
from shared.keys.trust import Trust

RENEW_BEFORE: Final = timedelta(days=30)
"""How long before its end a key's owner is told to renew it."""
ATTEMPTS: Final = 5
"""How often an event is made anew because another one took its number."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """Keys that act now, by their uses, and the number of the event that registered them."""

    seq: int
    keys: dict[Use, DirectoryKey]


def rotate_keys(
    exchange: Exchange,
    trust: Trust,
    file: Path,
    passphrase: str,
    now: Callable[[], datetime],
    uses: Sequence[Use] = USES_OF_ROLE["authority"],
    *,
    module: KeyModule | None = None,
    patience_s: float = 30,
    sleep: Callable[[float], None] = time.sleep,
) -> Rotated:
    """Renew the keys for these uses. Raises KeyEventRefused when the old keys may not sign for the new ones,
    EventNotAdmitted, and what the key file and the calls raise; repeated, it goes on where it was."""
    keys = stage_keys(file, passphrase, uses, module)
    for attempt in range(ATTEMPTS):
        directory = replay_history(exchange.directory().events, trust).latest
        settled = settle_rotation(directory, keys, file, passphrase, module)
        if settled is not None:
            return settled
        event = make_rotation(keys, directory, trust, now())
        exchange.post_rotation(event)
        try:
            directory = await_event(exchange, trust, directory.index + 1, event, patience_s, sleep=sleep)
        except EventOvertaken:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        settled = settle_rotation(directory, keys, file, passphrase, module)
        if settled is not None:
            return settled
    raise AssertionError("the last attempt returned or raised")


def make_rotation(keys: AuthorityKeys, directory: Directory, trust: Trust, now: datetime) -> bytes:
    """The signed event after `directory` that registers the coming keys. Raises KeyRefused, KeyEventRefused."""
    at = now if directory.last_at is None else max(now, directory.last_at)
    entries = keys.prove_coming(at - BACKDATE, at + VALIDITY)
    draft = draft_event("rotate", directory, at, keys.authority, keys=entries)
    signatures = [sign_event(draft, signer, keys.authority) for signer in (keys.ed25519, keys.mldsa65)]
    event = encode_event(draft, signatures)
    verify_event(event, trust.operator_keys, trust.operator_quorum, directory)
    return event


def settle_rotation(
    directory: Directory, keys: AuthorityKeys, file: Path, passphrase: str, module: KeyModule | None = None
) -> Rotated | None:
    """Take the coming keys into use if the directory shows them, all; None if it does not."""
    coming = {} if keys.coming is None else keys.coming.keys
    shown = {use: directory.key(key.kid(keys.authority)) for use, key in coming.items()}
    known = {use: key for use, key in shown.items() if key is not None}
    if not known or len(known) < len(coming):
        return None
    settle_keys(file, passphrase, max(key.not_before for key in known.values()), module)
    return Rotated(max(key.seq for key in known.values()), known)


def renewal_due(directory: Directory, party: str, now: datetime) -> datetime | None:
    """When the first of the party's keys ends, if it is time to renew it."""
    known = directory.party(party)
    standing = [known.current(use, now) for use in USES_OF_ROLE["authority"]] if known else []
    ends = min((key.not_after for key in standing if key is not None), default=None)
    return ends if ends is not None and ends - now <= RENEW_BEFORE else None


def recovery_request(keys: AuthorityKeys, now: datetime) -> EnrolmentRequest:
    """The coming keys, for the operators: of it a recovery takes the keys alone. Raises KeyRefused."""
    if keys.coming is None or len(keys.coming.keys) < len(USES_OF_ROLE["authority"]):
        raise KeyRefused(alg="next", why="a recovery renews all four keys; a rotation of some is still to come")
    return EnrolmentRequest(
        v=ENROLMENT_VERSION,
        party=keys.authority,
        role="authority",
        mandate=None,
        name=NameDocument(official=keys.authority, languages={}),
        country=keys.authority[:2],
        keys=keys.prove_coming(now - BACKDATE, now + VALIDITY),
    )
