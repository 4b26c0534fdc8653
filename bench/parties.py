"""The authorities of a benchmark: enrolled once on a new exchange, by key events that the operators sign and post."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from client.callers import check_receipts, sign_calls
from client.enrolment import authority_request, await_event, make_event, party_names
from client.exchange import Exchange
from client.http_calls import Calls
from client.signing import AuthorityKeys, generate_authority_keys
from shared.domain.instruments import Registry, parse_registry
from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.instruments import sign_instruments
from shared.keys.private import Ed25519Signer
from shared.keys.public import OPERATOR, XWingPublic, parse_xwing
from shared.keys.trust import Trust

SENDERS: Final = ("MA.PGR", "MA.CAS", "MA.RAB", "MA.FES")
RECIPIENTS: Final = ("FR.BEPI", "FR.PNF", "BE.PF", "ES.SGCJI")
INSTRUMENTS: Final = Path(__file__).parents[1] / "deploy" / "samples" / "instruments.json"
PATIENCE_S: Final = 60.0


@dataclass(frozen=True)
class Parties:
    """Everybody's keys, on one exchange."""

    trust: Trust
    keys: dict[str, AuthorityKeys]
    registry: Registry
    sealing: dict[str, XWingPublic]

    def api_seed(self, party: str) -> bytes:
        key = self.keys[party].api
        assert isinstance(key, Ed25519Signer)  # made here
        return key.seed


def enrol(url: str, trust: Trust, operators: Sequence[Ed25519Signer]) -> Parties:
    """Load the sample instruments and enrol everybody. Raises EventNotAdmitted when that takes too long."""
    calls = Calls(url, sign_calls(operators[0], OPERATOR, _now), patience_s=PATIENCE_S)
    operator = Exchange(calls, check_receipts(trust, OPERATOR))
    document = sign_instruments(INSTRUMENTS.read_bytes(), operators, trust.origin)
    operator.post_instruments(document)
    keys = {party: generate_authority_keys(party) for party in (*SENDERS, *RECIPIENTS)}
    directory = Directory.empty(trust.origin)
    last = b""
    for party, bundle in keys.items():
        request = authority_request(bundle, party_names({"en": party}), _now())
        last = make_event("enrol", party, directory, operators, trust, _now(), request)
        directory = directory.apply(verify_event(last, trust.operator_keys, trust.operator_quorum, directory))
        operator.post_key_event(last)
    await_event(operator, trust, directory.index, last, PATIENCE_S)
    _await_instruments(operator)
    operator.close()
    registry = parse_registry(INSTRUMENTS.read_bytes())
    sealing = {party: parse_xwing(bundle.sealing.public) for party, bundle in keys.items()}
    return Parties(trust, keys, registry, sealing)


def _await_instruments(operator: Exchange) -> None:
    until = time.monotonic() + PATIENCE_S
    while operator.instruments() is None:
        if time.monotonic() > until:
            raise TimeoutError("the exchange does not show the instruments that were posted")
        time.sleep(0.1)


def _now() -> datetime:
    return datetime.now(UTC)
