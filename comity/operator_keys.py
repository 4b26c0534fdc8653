"""Operators' key files, and the exchange as an operator calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from comity.home import Home, exchange_as

if TYPE_CHECKING:
    from client.exchange import Exchange
    from shared.keys.private import Ed25519Signer


def load_operator(place: Home, path: Path, *, make: bool = False) -> Ed25519Signer:
    """The operator key in this file; with `make`, a new one where there is no file."""
    from client.keystore import create_operator_key, load_operator_key

    if make and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return create_operator_key(path, place.passphrase(path, new=True), place.key_cost)
    return load_operator_key(path, place.passphrase(path))


def operator_exchange(key: Path, trust_file: Path | None, place: Home) -> Exchange:
    """For what one operator may do alone."""
    trust = place.trust(trust_file)
    return exchange_as(load_operator(place, key), "operator", place.require_url(), trust)
