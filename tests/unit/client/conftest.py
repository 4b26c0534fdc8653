"""Exchanges on paper: one where three authorities are enrolled, one with a story to be audited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client import key_file
from client.composition import ReplyWish
from tests.unit.client.letters import BE, FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange


@pytest.fixture
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key files that cost nothing to open: stretching is slow on purpose, and is tested where it is meant."""
    monkeypatch.setattr(key_file, "SCRYPT_N", 16)
    monkeypatch.setattr(key_file, "SCRYPT_N_READ", (16,))


@pytest.fixture
def exchange() -> PaperExchange:
    exchange = PaperExchange()
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    return exchange


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> PaperExchange:
    """A dossier with two legs, an answer, a rejection and retrievals; every decision is intake's own."""
    exchange = PaperExchange()
    home = tmp_path_factory.mktemp("story")
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    ma, fr = exchange.correspond(MA, home), exchange.correspond(FR, home)
    dossier = open_dossier(ma, FR, BE)
    fr.mailbox.read_feed()
    reply(fr, dossier, "acknowledge")
    ma.mailbox.read_feed()
    question = ma.compose_reply(dossier, ReplyWish("ask-status", {}, {}), FR)
    illegal = question.header.model_copy(update={"kind": "close", "act": {}})
    message = ma.seal_and_store(replace(question, header=illegal), ())
    ma.outbox.send(message)
    assert exchange.decisions[message]["code"] == "dossier.illegal-move"
    exchange.record_event("suspend", BE)
    return exchange
