"""Calls that are wrong in one way each, and what must be answered: by name, so that a finding names itself.

Every answer of a refusal is a problem document, and the exchange goes on answering.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.signed_calls import SignedCalls
from shared.contracts.api import MAX_SUBMISSION_BYTES
from tests.hostile.wire import ask_shortly

DEEP: Final = 100_000
_HOST: Final = b"host: exchange\r\n"
_LAST: Final = b"connection: close\r\n"
_ZEROS: Final = bytes(1_400_000)


@dataclass(frozen=True)
class Probe:
    """Bytes for a connection of its own. `statuses` are those that may be answered, the only one or the last."""

    request: bytes
    statuses: tuple[int, ...]
    waits: bool = False
    """Nothing is answered before the other side's time is over."""


def probes(signed: SignedCalls, letter: bytes) -> Mapping[str, Probe]:
    """`letter` is a sound submission of the party that signs."""
    return {**_shapes(), **_lengths(signed, letter), **_fields(signed, letter), **_bodies(signed)}


async def judge(port: int, probe: Probe) -> str | None:
    """None, or what is wrong with the answer."""
    said = await ask_shortly(port, probe.request)
    statuses = [status for status in said.statuses if status != 100]
    if not statuses or statuses[-1] not in probe.statuses:
        return f"answered {statuses or 'nothing'}, and should have with one of {probe.statuses}"
    if statuses[-1] >= 400 and not said.is_problem:
        return f"{statuses[-1]} is no problem document"
    return None


def _shapes() -> dict[str, Probe]:
    live = b"GET /livez HTTP/1.1\r\n"
    return {
        "HTTP/1.0": Probe(b"GET /livez HTTP/1.0\r\n\r\n", (200,)),
        "HTTP/1.0 with a kept connection": Probe(b"GET /livez HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", (200,)),
        "HTTP/0.9": Probe(b"GET /livez\r\n\r\n", (400,)),
        "HTTP/2 by prior knowledge": Probe(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
        "HTTP/9.9": Probe(b"GET /livez HTTP/9.9\r\n\r\n", (400,)),
        "TLS to a plain port": Probe(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, (400,)),
        "CONNECT": Probe(b"CONNECT exchange:443 HTTP/1.1\r\n" + _HOST + b"\r\n", (400, 405)),
        "OPTIONS *": Probe(_last(b"OPTIONS *"), (400, 404, 405)),
        "TRACE": Probe(_last(b"TRACE /livez"), (405,)),
        "a method of nobody": Probe(_last(b"STEAL /livez"), (400, 405)),
        "an absolute address": Probe(_last(b"GET http://elsewhere/livez"), (200,)),
        "an absolute address without a path": Probe(_last(b"GET http://elsewhere"), (400, 404)),
        "a path of two slashes": Probe(_last(b"GET //elsewhere/livez"), (400, 404)),
        "a path that climbs": Probe(_last(b"GET /v1/../../etc/passwd"), (401, 404)),
        "escaped NUL and slashes": Probe(_last(b"GET /v1/messages/%00%2f%2e%2e"), (401, 404)),
        "escapes that are no UTF-8": Probe(_last(b"GET /v1/messages/%ff%fe%c0"), (401, 404)),
        "bytes above 127 in the path": Probe(_last(b"GET /\xff\xfe"), (400, 404)),
        "no host": Probe(live + b"\r\n", (400,)),
        "two hosts": Probe(live + _HOST + _HOST + b"\r\n", (400,)),
        "a folded field": Probe(live + _HOST + b"a: b\r\n c\r\n\r\n", (400,)),
        "a space before the colon": Probe(live + b"host : exchange\r\n\r\n", (400,)),
        "NUL in a field": Probe(live + _HOST + b"a: b\x00c\r\n\r\n", (400,)),
        "a bare line feed in a field": Probe(live + _HOST + b"a: b\nsignature: c\r\n\r\n", (400, 200)),
        "an upgrade": Probe(live + _HOST + b"connection: upgrade, close\r\nupgrade: websocket\r\n\r\n", (200,)),
        "a line without an end": Probe(b"GET /" + b"a" * 400_000, (431,)),
        "a field without an end": Probe(live + _HOST + b"a: " + b"b" * 400_000, (431,)),
        "a thousand fields": Probe(live + _HOST + b"".join(b"a%d: b\r\n" % i for i in range(1000)) + b"\r\n", (431,)),
        "fields of 17 KiB": Probe(live + _HOST + _LAST + b"a: " + b"b" * 17_000 + b"\r\n\r\n", (431,)),
        "half a head": Probe(live + _HOST, (408,), waits=True),
    }  # fmt: skip


def _last(line: bytes) -> bytes:
    return line + b" HTTP/1.1\r\n" + _HOST + _LAST + b"\r\n"


def _lengths(signed: SignedCalls, letter: bytes) -> dict[str, Probe]:
    def as_said(change: Callable[[bytes], bytes], *statuses: int, waits: bool = False) -> Probe:
        head, _, body = signed.post_message(letter).partition(b"\r\n\r\n")
        return Probe(change(head) + b"\r\n\r\n" + body, statuses, waits)

    length = b"content-length: %d" % len(letter)
    return {
        "a shorter length": as_said(lambda head: head.replace(length, b"content-length: 10"), 400),
        "a longer length": as_said(lambda head: head.replace(length, b"content-length: 999999"), 408, waits=True),
        "a length of a petabyte": as_said(lambda head: head.replace(length, b"content-length: 1%s" % (b"0" * 15)), 413),
        "a length beyond all numbers": as_said(lambda head: head.replace(length, b"content-length: " + b"9" * 40), 400),
        "a negative length": as_said(lambda head: head.replace(length, b"content-length: -1"), 400),
        "a length with a sign": as_said(lambda head: head.replace(length, b"content-length: +10"), 400),
        "a length in hexadecimal": as_said(lambda head: head.replace(length, b"content-length: 0x10"), 400),
        "two lengths": as_said(lambda head: head + b"\r\ncontent-length: 3", 400),
        "a list of lengths": as_said(lambda head: head.replace(length, length + b", 3"), 400),
        "a length and chunks": as_said(lambda head: head + b"\r\ntransfer-encoding: chunked", 400),
        "no length at all": as_said(lambda head: head.replace(length + b"\r\n", b""), 400),
        "chunks twice": as_said(
            lambda head: head.replace(length, b"transfer-encoding: chunked\r\ntransfer-encoding: chunked"), 400
        ),
        "chunks that are not last": as_said(
            lambda head: head.replace(length, b"transfer-encoding: chunked, identity"), 400
        ),
        "chunks of nonsense": as_said(lambda head: head.replace(length, b"transfer-encoding: chunked"), 400),
    }


def _fields(signed: SignedCalls, letter: bytes) -> dict[str, Probe]:
    def twice(name: bytes) -> Probe:
        head, _, rest = signed.post_message(letter).partition(b"\r\n\r\n")
        line = next(line for line in head.split(b"\r\n") if line.lower().startswith(name + b":"))
        return Probe(head + b"\r\n" + line + b"\r\n" + _LAST + b"\r\n" + rest, (400, 401, 415))

    def encoded(name: bytes, status: int = 415) -> Probe:
        head, _, rest = signed.post_message(letter).partition(b"\r\n\r\n")
        return Probe(head + b"\r\ncontent-encoding: " + name + b"\r\n" + _LAST + b"\r\n" + rest, (status,))

    def expecting(what: bytes, *statuses: int) -> Probe:
        head, _, rest = signed.post_message(letter).partition(b"\r\n\r\n")
        return Probe(head + b"\r\nexpect: " + what + b"\r\n" + _LAST + b"\r\n" + rest, statuses)

    unsigned = b"POST /v1/messages HTTP/1.1\r\n" + _HOST + b"content-length: 100\r\nexpect: 100-continue\r\n\r\n"
    names = (b"signature", b"signature-input", b"content-digest", b"content-type")
    return {
        **{f"{name.decode()} twice": twice(name) for name in names},
        **{
            f"encoded as {name.decode()}": encoded(name)
            for name in (b"gzip", b"br", b"deflate", b"zstd", b"gzip, gzip")
        },
        "waits to be continued": expecting(b"100-continue", 200, 202, 409),
        "expects something else": expecting(b"a-miracle", 200, 202, 409, 417),
        "unsigned, waits to be continued": Probe(unsigned, (401,)),
    }


def _bodies(signed: SignedCalls) -> dict[str, Probe]:
    def posted(body: bytes, *statuses: int) -> Probe:
        head, _, rest = signed.post_message(body).partition(b"\r\n\r\n")
        return Probe(head + b"\r\n" + _LAST + b"\r\n" + rest, statuses)

    bomb = gzip.compress(bytes(100_000_000), 9)
    return {
        "deep arrays": posted(b"[" * DEEP + b"]" * DEEP, 400),
        "deep objects": posted(b'{"a":' * DEEP + b"1" + b"}" * DEEP, 400),
        "deep in a member": posted(b'{"jws":' + b"[" * DEEP + b"]" * DEEP + b',"parts":{},"wraps":{}}', 400),
        "an integer of a million digits": posted(b'{"jws":' + b"9" * 1_000_000 + b"}", 400),
        "a number beyond all floats": posted(b'{"jws":1e999999999}', 400),
        "fifty thousand members": posted(json.dumps({str(i): i for i in range(50_000)}).encode(), 400),
        "the same member a hundred thousand times": posted(b"{" + b'"jws":1,' * 100_000 + b'"jws":1}', 400),
        "one long string": posted(b'{"jws":"' + b"A" * 1_400_000 + b'"}', 400),
        "a lone surrogate": posted(b'{"jws":"\\ud800"}', 400),
        "NULs": posted(_ZEROS, 400),
        "no UTF-8": posted(b"\xff" * 1000, 400),
        "UTF-16": posted('{"jws":1}'.encode("utf-16"), 400),
        "gzip that does not say so": posted(bomb, 400),
        "one byte too much": posted(b" " * (MAX_SUBMISSION_BYTES + 1), 413),
        "nothing but spaces": posted(b" " * MAX_SUBMISSION_BYTES, 400),
    }
