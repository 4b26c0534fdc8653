"""What gateways refused, as they tell it once a minute: one leaf for each account, and nothing else."""

from __future__ import annotations

import secrets

from shared.audit.leaves import NONCE_BYTES, encode_leaf
from shared.contracts.messages import RecordRefusals
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects


def record_refusals(message: RecordRefusals, occasion: Occasion) -> Effects:
    refused = [one.model_dump(exclude_none=True) for one in message.refused]
    nonce = secrets.token_bytes(NONCE_BYTES)
    leaf = encode_leaf(
        "exchange.calls-refused", occasion.now, nonce, since=message.since, until=message.until, refused=refused
    )
    return Effects(leaves=[leaf])
