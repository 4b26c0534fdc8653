"""What becomes of a golden attack: each is played against the parts that meet it in use.

- An envelope is posted to the gateway by its own sender, the worst case, and judged by intake. What they cannot see is
  read by a recipient's client, from the exchange on paper, which delivers what intake's policy admits.
- Steps are played in order on one exchange, with its database.
- A key is read where keys come from: as bytes, in a key event that the operators signed, and in a trust file, a roster
  or a log's verifier key where such a key could stand there.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.adapters.sql.schema import migrate
from shared.audit.notes import SignatureType, parse_vkey
from shared.domain.ids import parse_time
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.container import parse_submission
from shared.errors import ComityError, MessageUnverified
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import parse_ed25519, parse_mldsa65, parse_xwing
from shared.keys.trust import parse_trust
from tests.unit.attacks.exchange_on_file import ExchangeOnFile, Outcome, open_exchange
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.envelope.workshop import PARTIES
from tests.unit.keys.parties import ExchangeOnTest, PartyOnTest
from tests.vectors.golden import submission_of

READER: Final = "BE.PF"
_PARSERS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "Ed25519": parse_ed25519,
    "ML-DSA-65": parse_mldsa65,
    "X-Wing": parse_xwing,
}
_USES: Final = {"Ed25519": ("sign-ed25519", "api-ed25519"), "ML-DSA-65": ("sign-mldsa65",), "X-Wing": ("seal-xwing",)}


class Court:
    """One exchange on a file, and one on paper for those who read; both begin anew for each attack. Not for several
    threads. `folder` is empty and the court's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paper = PaperExchange()
        self._paper.enrol(*PARTIES)
        self._judged = 0
        self._opened = AsyncExitStack()
        self._loop = asyncio.Runner()
        self._exchange = self._loop.run(self._open())

    def close(self) -> None:
        self._loop.run(self._opened.aclose())
        self._loop.close()

    def judge_envelope(self, submission: bytes, now: str) -> Outcome:
        """The outcome at the exchange, and of what is accepted there, the outcome with its recipient."""
        step = {"submission": submission.decode(), "caller": _sender_of(submission), "at": now}
        [outcome] = self.judge_steps({"steps": [step]})
        return outcome if outcome.code != "accepted" else self._open_as_recipient(submission, now)

    def judge_steps(self, document: Mapping[str, Any]) -> list[Outcome]:
        """The outcome of each step."""
        return self._loop.run(self._judge_steps(document))

    async def _open(self) -> ExchangeOnFile:
        file = self._folder / "exchange.sqlite3"
        await migrate(f"sqlite+aiosqlite:///{file}")
        return await self._opened.enter_async_context(open_exchange(file))

    async def _judge_steps(self, document: Mapping[str, Any]) -> list[Outcome]:
        outcomes, exchange = [], self._exchange
        await exchange.forget()
        for step in document["steps"]:
            before = await exchange.effects()
            at, form = parse_time(step["at"]), step.get("call", "own")
            outcome = await exchange.submit(submission_of(step), step["caller"], at, form)
            if outcome.code == "repeat":
                assert await exchange.effects() == before, "a repeat has a second effect"
            outcomes.append(outcome)
        return outcomes

    def _open_as_recipient(self, submission: bytes, now: str) -> Outcome:
        """Delivered to the reader's client, which fetches, verifies and opens it."""
        self._judged += 1
        self._paper.now = parse_time(now)
        self._paper.forget()
        received = parse_submission(submission)
        self._paper.take(received)
        with self._paper.correspond(READER, self._folder / str(self._judged)) as reader:
            assert not reader.mailbox.read_feed().alarms, "the client refuses what intake accepted"
            try:
                reader.mailbox.open(received.header.id)
            except MessageUnverified as refused:
                return Outcome(str(refused.facts["broken"]), "recipient")
        return Outcome("accepted", "recipient")


def read_key(alg: str, raw: bytes) -> dict[str, str | None]:
    """Where such a key is read → the code of the refusal, None where it is taken."""
    codes = {"bytes": _code_of(lambda: _PARSERS[alg](raw))}
    for use in _USES[alg]:
        codes[f"event, {use}"] = _code_of(lambda use=use: _enrol(use, raw))  # type: ignore[misc]  # bound at once
    if alg == "Ed25519":
        codes["trust file"] = _code_of(lambda: parse_trust(_trust_with(raw)))
        codes["verifier key"] = _code_of(lambda: parse_vkey(_vkey_with(raw)))
    return codes


def expected_of_key(code: str, places: Iterable[str]) -> dict[str, str]:
    """Where a bad key is read → the code that must refuse it there; `code` is that of the key alone."""
    elsewhere = {"bytes": code, "verifier key": code, "trust file": "keys.trust-file-invalid"}
    return {place: elsewhere.get(place, "keys.event-refused") for place in places}


def _sender_of(submission: bytes) -> str:
    try:
        return parse_submission(submission).header.sender
    except ComityError:
        return "MA.PGR"


def _code_of(act: Callable[[], object]) -> str | None:
    try:
        act()
    except ComityError as refused:
        return refused.code
    return None


@cache
def _drafted() -> tuple[ExchangeOnTest, bytes]:
    """An exchange, and an enrolment that it would take."""
    exchange = ExchangeOnTest()
    return exchange, exchange.draft_enrolment(PartyOnTest("MA.PGR"))


def _enrol(use: str, raw: bytes) -> None:
    """The operators sign an enrolment with this key in it. A good key of somebody else's fails at its proof."""
    exchange, draft = _drafted()
    event = json.loads(draft)
    next(key for key in event["keys"] if key["use"] == use)["public"] = encode_b64u(raw)
    exchange.verify(exchange.decide(encode_canonical_json(event)))


def _trust_with(raw: bytes) -> bytes:
    keys = [operator.raw for operator in _drafted()[0].operator_keys]
    return encode_canonical_json(
        {
            "v": "comity-trust/1",
            "origin": "comity.test/log",
            "log_vkeys": ["comity.test/log+0102abcd+AQID", "comity.test/log+ffeeddcc+BgID"],
            "operator_keys": [encode_b64u(key) for key in (*keys, raw)],
            "operator_quorum": 2,
            "receipt_key": encode_b64u(Ed25519Signer(b"the receipt key of a trust file.").public),
            "witness_policy": "none",
            "environment": "development",
            "pinned_keys": [],
        }
    )


def _vkey_with(raw: bytes) -> str:
    name, material = "comity.test/log", bytes([SignatureType.ED25519]) + raw
    key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(material).decode()}"
