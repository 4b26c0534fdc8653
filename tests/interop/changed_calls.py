"""One signed call before two readers; and calls with a header changed, of which both must say the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.apisig.sign import sign_request
from shared.apisig.verify import verify_request
from shared.domain.ids import encode_time, parse_time
from shared.errors import ComityError
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer
from tests.interop.javascript import JavaScript, RefusedThere

FILES = Path(__file__).parents[1] / "vectors" / "calls"
CALLS = json.loads((FILES / "calls.json").read_text(encoding="utf-8"))
SIGNER = Ed25519Signer(parse_b64u(CALLS["seed"]))
KEYID = CALLS["keyid"]
KEYS = {KEYID: SIGNER.public_key()}
RAW_KEYS = {KEYID: encode_b64u(SIGNER.public)}
TYPE = "application/vnd.comity.message+json"
ADDRESSES = (
    "https://exchange.example/v1/feed?after=a%2Fb",
    "http://127.0.0.1:8470/v1/x",
    "https://x.example/comity/v1/y",
)
BODIES = ("", '{"jws":{}}')


def read_there(there: JavaScript, call: dict[str, Any], now: str) -> Any:
    given = {name: call[name] for name in ("method", "url", "body")}
    pairs = list(call["headers"].items())
    return there.ask("call", **given, headers=pairs, has_body=bool(call["body"]), keys=RAW_KEYS, now=now)


def read_here(call: dict[str, Any], now: str) -> Any:
    body, moment = call["body"].encode(), parse_time(now)
    return verify_request(call["method"], call["url"], call["headers"], body, KEYS.get, moment)


def outcomes(there: JavaScript, call: dict[str, Any], now: str) -> tuple[str, str]:
    """What each says: the code of the refusal, or the text that it keeps."""
    try:
        here = read_here(call, now).signature_text
    except ComityError as refused:
        here = refused.code
    try:
        said = read_there(there, call, now)["text"]
    except RefusedThere as refusal:
        said = refusal.code
    return here, said


def signed_here(url: str, body: str, at: datetime) -> dict[str, Any]:
    method = "POST" if body else "GET"
    headers = sign_request(method, url, body.encode(), TYPE if body else None, SIGNER, KEYID, at)
    return {"method": method, "url": url, "body": body, "headers": headers}


def asked(url: str, body: str, at: datetime) -> dict[str, Any]:
    method = "POST" if body else "GET"
    given = {"method": method, "url": url, "body": body, "content_type": TYPE, "keyid": KEYID}
    return {**given, "seed": CALLS["seed"], "created": int(at.timestamp())}


def differences_over_calls(there: JavaScript, count: int, seed: int) -> Iterator[str]:
    """What two readers say differently of `count` calls in which up to three characters of a header were replaced by
    what means something there; each with what repeats it, but for its time and nonce."""
    for number in range(count):
        chance, now = random.Random(f"{seed}/{number}"), datetime.now(UTC).replace(microsecond=0)
        call = signed_here(ADDRESSES[0], chance.choice(BODIES), now)
        name = chance.choice(list(call["headers"]))
        text = call["headers"][name]
        at = chance.randrange(len(text))
        put = "".join(chance.choice('";=(), :\\aB1\t*') for _ in range(chance.randrange(4)))
        changed = text[:at] + put + text[at + chance.randrange(4) :]
        here, said = outcomes(there, {**call, "headers": {**call["headers"], name: changed}}, encode_time(now))
        if here != said:
            yield f"seed {seed}, number {number}: {name}: {changed}: here {here}, there {said}"
