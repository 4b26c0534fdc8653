"""What an official reads of the ledger: whether a message stands in it, and what the exchange kept back."""

from __future__ import annotations

from pathlib import Path

from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_placeless_messages import no_proofs
from tests.unit.comity.conftest import Run, document_of
from tests.unit.comity.test_correspondence_commands import FR, sent


def test_a_message_that_is_not_in_the_ledger_yet_is_opened_with_these_words(
    run: Run, request_file: Path, exchange: PaperExchange
) -> None:
    message = sent(run, request_file)["message"]
    exchange.tamper = no_proofs
    assert run(FR, "inbox").exit_code == 0
    assert "Not in the ledger yet" in run(FR, "open", message).stdout
    assert document_of(run(FR, "open", message, "--json"))["logged_at"] is None
    exchange.pass_time(3601)
    late = run(FR, "inbox")
    assert late.exit_code == 4
    assert "[client.message-not-logged]" in late.stdout
    exchange.tamper = lambda path, body: body
    assert run(FR, "inbox").exit_code == 0
    assert "in the ledger since 22 Nov 2026" in run(FR, "open", message).stdout
