"""What is wrong with a call or with the form of a letter is refused at the edge: told at once, and nothing happens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from shared.contracts.api import MAX_SUBMISSION_BYTES
from shared.domain.ids import encode_time
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer
from tests.acceptance.refusals import BRUSSELS, PARIS, RABAT, ROME, Bench, assert_refused
from tests.counterparty import MESSAGES, Answer, Call, Counterparty
from tests.exchange_process import AUDITOR, now
from tests.unit.envelope.workshop import party

NOTHING: Final[Counter[str]] = Counter()
MINUTES: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Wrong:
    """One wrong input: how it is made, and the refusal that it must meet."""

    claim: str
    status: int
    code: str
    says: str
    """Words that the sentence must have: what is wrong, or what to do."""
    act: Callable[[Bench], Answer]


def _api_key(authority: str) -> Ed25519Signer:
    key = party(authority).api
    assert isinstance(key, Ed25519Signer)
    return key


def _stranger(bench: Bench) -> Answer:
    stranger = Counterparty("DE.BMJ", bench.exchange.process.url)
    try:
        return stranger.post(stranger.letter())
    finally:
        stranger.close()


def _auditor(bench: Bench) -> Answer:
    key = bench.exchange.auditor_key
    return bench[RABAT].post(bench[RABAT].letter(), Call(signer=key, keyid=key.kid(AUDITOR)))


def _letter(**changes: Any) -> Callable[[Bench], Answer]:
    """Rabat posts a letter with these members in its header."""
    return lambda bench: bench[RABAT].post(bench[RABAT].letter(**changes))


def _call(**how: Any) -> Callable[[Bench], Answer]:
    """Rabat posts a sound letter in such a call."""
    return lambda bench: bench[RABAT].post(bench[RABAT].letter(), Call(**how))


def _bytes(change: Callable[[bytes], bytes], **how: Any) -> Callable[[Bench], Answer]:
    """Rabat posts other bytes in the place of a letter, signed as they are."""
    return lambda bench: bench[RABAT].post(change(bench[RABAT].letter().submission()), Call(**how))


def _cut_call(bench: Bench) -> Answer:
    whole = bench[RABAT].letter().submission()
    return bench[RABAT].post(whole[: len(whole) // 2], Call(signed_body=whole))


def _without_signature(number: int) -> Callable[[Bench], Answer]:
    def act(bench: Bench) -> Answer:
        letter = bench[RABAT].letter()
        del letter.jws["signatures"][number]
        return bench[RABAT].post(letter)

    return act


def _too_many_recipients(bench: Bench) -> Answer:
    """201 recipients with their bases; nobody seals to them: the exchange stops before it would matter."""
    letter = bench[RABAT].unsigned()
    recipients = [f"ZZ.A{number}" for number in range(201)]
    basis: dict[str, Any] = {one: {"primary": "untoc", "cited": [], "group": None} for one in recipients}
    header = {**letter.header, "recipients": recipients, "basis": basis}
    letter.manifest["header"] = encode_b64u(json.dumps(header).encode())
    return bench[RABAT].post(letter.sign())


def _unknown_field(bench: Bench) -> Answer:
    letter = bench[RABAT].unsigned()
    letter.manifest["header"] = encode_b64u(json.dumps({**letter.header, "case_name": "Atlas"}).encode())
    return bench[RABAT].post(letter.sign())


def _twice(raw: bytes) -> bytes:
    return raw[:-1] + b',"parts":[]}'


def _deep(raw: bytes) -> bytes:
    return raw[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


CALLS: Final = [
    Wrong("the call is unsigned", 401, "call.unsigned", "Sign it", _call(is_signed=False)),
    Wrong("the sender is unknown", 401, "call.key-unknown", "DE.BMJ", _stranger),
    Wrong("the sender is suspended", 401, "call.key-unknown", "suspended", lambda b: b[ROME].post(b[ROME].letter())),
    Wrong(
        "another authority signs the call",
        403,
        "call.sender-mismatch",
        "signed by FR.BEPI, the message by MA.PGR",
        lambda b: b[PARIS].post(b[RABAT].letter()),
    ),
    Wrong(
        "the call is signed with a foreign API key",
        401,
        "call.signature-invalid",
        "does not verify",
        _call(signer=_api_key(PARIS)),
    ),
    Wrong(
        "the call is signed with the key that signs envelopes",
        401,
        "call.key-unknown",
        "API key",
        _call(signer=party(RABAT).ed25519, keyid=party(RABAT).signing_kids[0]),
    ),
    Wrong(
        "the signature is of a call to another address",
        401,
        "call.signature-invalid",
        "does not verify",
        _call(signed_path="/v1/other"),
    ),
    Wrong("an auditor submits a message", 403, "call.not-permitted", "role", _auditor),
    Wrong(
        "the caller's clock is ten minutes slow",
        401,
        "call.clock-skew",
        "Set your clock",
        lambda b: _call(at=now() - MINUTES)(b),
    ),
    Wrong(
        "the caller's clock is ten minutes fast",
        401,
        "call.clock-skew",
        "Set your clock",
        lambda b: _call(at=now() + MINUTES)(b),
    ),
    Wrong(
        "the content type is another",
        415,
        "call.wrong-content-type",
        "application/vnd.comity.message+json",
        _call(content_type="application/json"),
    ),
    Wrong(
        "the body is compressed",
        415,
        "call.wrong-content-type",
        "encoded as gzip",
        _call(headers={"Content-Encoding": "gzip"}),
    ),
    Wrong(
        "the body is cut on its way",
        400,
        "call.digest-mismatch",
        "cut or changed",
        _cut_call,
    ),
    Wrong(
        "the body is too large and says so",
        413,
        "call.too-large",
        str(MAX_SUBMISSION_BYTES),
        _bytes(lambda _: b" " * (MAX_SUBMISSION_BYTES + 1)),
    ),
    Wrong(
        "the body is too large and does not say so",
        413,
        "call.too-large",
        str(MAX_SUBMISSION_BYTES),
        _bytes(lambda _: b" " * (MAX_SUBMISSION_BYTES + 1), is_chunked=True),
    ),
    Wrong(
        "the body is much too large",
        413,
        "call.too-large",
        "before the message",
        _bytes(lambda _: b" " * (20 * MAX_SUBMISSION_BYTES), is_chunked=True),
    ),
]

FORMS: Final = [
    Wrong("the container is cut", 400, "envelope.malformed", "JSON", _bytes(lambda raw: raw[: len(raw) // 2])),
    Wrong("there is no container", 400, "envelope.malformed", "JSON", _bytes(lambda _: b" ")),
    Wrong("the container is no text", 400, "envelope.malformed", "JSON", _bytes(lambda _: b"\xff\xfe\x00")),
    Wrong("JSON is nested deeply", 400, "envelope.malformed", "nested deeper than 16", _bytes(_deep)),
    Wrong("a member stands twice", 400, "envelope.malformed", "a member stands twice", _bytes(_twice)),
    Wrong("the Ed25519 signature is missing", 422, "envelope.signature-missing", "Ed25519 is", _without_signature(0)),
    Wrong("the ML-DSA signature is missing", 422, "envelope.signature-missing", "ML-DSA-65 is", _without_signature(1)),
    Wrong("the header has an unknown field", 400, "envelope.unknown-field", "case_name", _unknown_field),
    Wrong("the suite is another", 422, "envelope.downgraded", "comity-env/1", _letter(suite="comity-env/0")),
    Wrong(
        "one signature is asked for",
        422,
        "envelope.downgraded",
        "other signatures",
        _letter(required_sigs=["Ed25519"]),
    ),
    Wrong("there are 201 recipients", 413, "envelope.too-large", "199", _too_many_recipients),
    Wrong(
        "the letter is of another exchange",
        422,
        "envelope.wrong-exchange",
        "comity.elsewhere/log",
        _letter(exchange="comity.elsewhere/log"),
    ),
    Wrong(
        "the letter has expired",
        422,
        "envelope.expired",
        "Send it anew",
        lambda b: _letter(sent_at=encode_time(now() - MINUTES), expires_at=encode_time(now() - MINUTES / 2))(b),
    ),
    Wrong(
        "the letter is dated ten minutes ahead",
        422,
        "envelope.future-dated",
        "Set your clock",
        lambda b: _letter(sent_at=encode_time(now() + MINUTES))(b),
    ),
]


@pytest.mark.parametrize("wrong", [*CALLS, *FORMS], ids=lambda wrong: wrong.claim)
def test_it_is_refused_at_the_edge_and_nothing_happens(wrong: Wrong, bench: Bench) -> None:
    with bench.only(NOTHING):
        answer = wrong.act(bench)
        assert_refused(answer, wrong.status, wrong.code)
    assert wrong.says in answer.sentence


def test_a_caller_that_hangs_up_in_the_midst_of_a_letter_has_sent_nothing(bench: Bench) -> None:
    letter = bench[RABAT].letter()
    with bench.only(NOTHING):
        bench[RABAT].post_and_hang_up(letter, sent_bytes=1000)
        assert bench[RABAT].decision(letter.header["id"]) is None
    bench.accepted(letter)


def test_a_letter_dated_a_minute_ahead_is_taken_since_clocks_differ(bench: Bench) -> None:
    bench.accepted(bench[RABAT].letter(sent_at=encode_time(now() + timedelta(minutes=1))))


def test_a_refused_letter_can_be_sent_under_its_id_once_it_is_right(bench: Bench) -> None:
    """What was refused at the edge was not kept: its id is not spent."""
    wrong = bench[RABAT].letter(exchange="comity.elsewhere/log")
    assert_refused(bench[RABAT].post(wrong), 422, "envelope.wrong-exchange")
    bench.accepted(bench[RABAT].letter(id=wrong.header["id"]))


def test_a_wrong_call_to_no_address_is_refused_in_the_same_form(bench: Bench) -> None:
    with bench.only(NOTHING):
        assert_refused(bench[BRUSSELS].get("/v1/nothing"), 404, "call.not-there")
        assert_refused(bench[BRUSSELS].call("DELETE", MESSAGES, b"", Call()), 405, "call.method-not-allowed")
