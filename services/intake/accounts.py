"""What gateways tell of themselves: what they refused, once a minute, and that they began and ended to work. One leaf
each, and nothing else."""

from __future__ import annotations

import secrets
from typing import Final

from shared.audit.leaves import NONCE_BYTES, encode_leaf
from shared.contracts.messages import RecordGatewayStart, RecordGatewayStop, RecordRefusals
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects

GATEWAY: Final = "gateway"
Account = RecordRefusals | RecordGatewayStart | RecordGatewayStop


def record_account(message: Account, occasion: Occasion) -> Effects:
    if isinstance(message, RecordRefusals):
        return record_refusals(message, occasion)
    if isinstance(message, RecordGatewayStart):
        started = {"version": message.version, "started_at": message.started_at, "roster_sha256": message.roster_sha256}
        return _tell("exchange.started", occasion, service=GATEWAY, process=message.process, **started)
    return _tell("exchange.stopped", occasion, service=GATEWAY, process=message.process, stopped_at=message.stopped_at)


def record_refusals(message: RecordRefusals, occasion: Occasion) -> Effects:
    refused = [one.model_dump(exclude_none=True) for one in message.refused]
    return _tell("exchange.calls-refused", occasion, since=message.since, until=message.until, refused=refused)


def _tell(type_: str, occasion: Occasion, **fields: object) -> Effects:
    return Effects(leaves=[encode_leaf(type_, occasion.now, secrets.token_bytes(NONCE_BYTES), **fields)])
