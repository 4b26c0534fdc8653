"""What the evidences of a message prove to its sender."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.proving import prove_evidences
from shared.audit.leaves import parse_entry
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange


def calls_for(exchange: PaperExchange, message: str) -> list[str]:
    """The signed calls in the evidences of its retrieval."""
    leaves = [parse_entry(entry)[1] for entry in exchange.log.entries]
    found = [one for one in leaves if one.type == "evidence.retrieval" and one.fields["message"] == message]
    return [one.fields["request"] for one in found]


@pytest.mark.parametrize("call", ["nobody signed this", None], ids=["unsigned", "for-another-message"])
def test_a_retrieval_is_proven_by_the_call_that_its_recipient_signed_for_this_message(
    exchange: PaperExchange, tmp_path: Path, call: str | None
) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    open_dossier(ma)
    fr.mailbox.read_feed()
    first, second = exchange.envelopes

    def states(message: str) -> dict[str, str]:
        items, digest = ma.exchange.evidences(message).items, exchange.envelopes[message].digest
        proven = prove_evidences(items, message, digest, ma.trust, ma.directory().latest.key, exchange.now)
        return {one.kind: one.state for one in proven}

    assert set(states(first).values()) == {"verified"}
    [of_second] = calls_for(exchange, second)
    exchange.evidences[first] = [one for one in exchange.evidences[first] if one[0] != "retrieval"]
    exchange.evidence("retrieval", exchange.envelopes[first], FR, request=call or of_second)
    assert states(first) == {
        "submission-acceptance": "verified",
        "delivery": "verified",
        "retrieval": "does not verify",
    }
