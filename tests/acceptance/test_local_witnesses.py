"""Witnesses beside a local exchange: asked for once, they belong to it, and are found again after a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.process import ServerFailed
from deploy.local.witnesses import LocalWitnesses
from shared.adapters.keyfiles import init_exchange, load_trust
from shared.audit.quorum import rule_of
from shared.keys.private import generate_ed25519


def test_they_are_named_in_the_trust_file_and_go_on_where_they_were(tmp_path: Path) -> None:
    data = tmp_path / "data"
    init_exchange(data, "exchange.test/log", [generate_ed25519()], 1, datetime.now(UTC), "development")
    assert LocalWitnesses(tmp_path, None).names == ()
    for count in (1, None):  # asked for, then found again
        witnesses = LocalWitnesses(tmp_path, count)
        try:
            witnesses.start(data / "trust.json")
            policy = rule_of(load_trust(data)).policy
            assert [one.url for one in policy.witnesses.values()] == list(witnesses.addresses.values())
            assert policy.is_met_by({"witness-1"})
            assert not policy.is_met_by(set())
        finally:
            assert dict(witnesses.stop()) == {"witness-1": 0}
    with pytest.raises(ServerFailed, match="this exchange has 1 witnesses"):
        LocalWitnesses(tmp_path, 2)
