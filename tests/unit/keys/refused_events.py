"""Events that are edited before they are signed, and the claim that an exchange refuses one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.strict_json import encode_canonical_json
from shared.errors import KeyEventRefused
from tests.unit.keys.parties import ExchangeOnTest

Edit = Callable[[dict[str, Any]], object]


def edited(event: bytes, edit: Edit) -> bytes:
    written = json.loads(event)
    edit(written)
    return encode_canonical_json(written)


def refused(exchange: ExchangeOnTest, document: bytes, why: str | None = None, quorum: int = 2) -> str:
    with pytest.raises(KeyEventRefused, match=why) as caught:
        exchange.verify(document, quorum)
    return caught.value.sentence()


def first_key(event: dict[str, Any]) -> dict[str, Any]:
    key = event["keys"][0]
    assert isinstance(key, dict)
    return key
