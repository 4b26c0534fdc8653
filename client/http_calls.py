"""One signed HTTP call: bounded, retried, its refusals turned into errors.

Rules:
1. Every attempt is signed anew: a signature is good for one call and a minute.
2. Retried, until `patience_s` is spent: no connection, a broken one, 5xx. `Retry-After` is followed; otherwise the wait
   doubles from 0.25 s to 8 s. Every call of the API is safe to repeat: a message is known by its id, a part by its
   digest.
3. An answer is read up to its bound and not further, and is asked for uncompressed, so that the bound is one of
   memory too. Redirects are not followed.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2

from client.problems import error_of
from shared.errors import AnswerRefused, Busy, CallRateExceeded, ComityError, ExchangeUnreachable

SignCall = Callable[[str, str, Mapping[str, str], bytes | None], Mapping[str, str]]
"""(method, full URL, headers, body or None) → the headers to send: those given, and the signature's."""

PATIENCE_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 40.0
"""Longer than the longest long poll."""
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 8.0
_MAX_PROBLEM_BYTES: Final = 64 * 1024


def unsigned(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Mapping[str, str]:
    """For what is public: `.well-known` and nothing else on an exchange that asks for signatures."""
    return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Calls:
    """Makes calls to one exchange. Not for use from several threads."""

    def __init__(
        self,
        base_url: str,
        sign: SignCall,
        *,
        transport: httpx2.BaseTransport | None = None,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._sign = sign
        self._patience_s = patience_s
        self._sleep = sleep
        self._monotonic = monotonic
        timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._http = httpx2.Client(transport=transport, timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        at_most: int,
        body: bytes | None = None,
        content_type: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, 2xx and at most `at_most` bytes.

        Raises the error that the exchange names, Busy, CallRateExceeded and ExchangeUnreachable when patience is spent,
        AnswerRefused for an answer that is too long or no answer of this API.
        """
        url = self.base_url + path + (f"?{httpx2.QueryParams(query)}" if query else "")
        headers = {"accept": "*/*", "accept-encoding": "identity"}
        if content_type is not None:
            headers["content-type"] = content_type
        give_up = self._monotonic() + self._patience_s
        wait_s = _FIRST_WAIT_S
        while True:
            failure: ComityError
            try:
                return self._attempt(method, url, headers, body, at_most)
            except httpx2.TransportError as broken:
                failure = ExchangeUnreachable(url=self.base_url, why=_reason(broken))
                pause_s = wait_s * (0.75 + secrets.randbelow(500) / 1000)
            except _TryAgain as refused:
                failure = refused.failure
                pause_s = wait_s if refused.after_s is None else refused.after_s
            if self._monotonic() + pause_s > give_up:
                raise failure
            self._sleep(pause_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _attempt(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, at_most: int) -> Answer:
        signed = dict(self._sign(method, url, headers, body))
        with self._http.stream(method, url, content=body, headers=signed) as response:
            if response.is_success:
                return Answer(response.status_code, response.headers, _read(response, at_most))
            if response.status_code >= 500:
                raise _TryAgain(_failure(self.base_url, response), _retry_after_s(response))
            if response.is_redirect:
                raise AnswerRefused(why="it points to another address; set the exchange's own URL")
            refusal = error_of(response.status_code, _read(response, _MAX_PROBLEM_BYTES))
            if isinstance(refusal, CallRateExceeded):
                raise _TryAgain(refusal, _retry_after_s(response))
            raise refusal


class _TryAgain(Exception):
    def __init__(self, failure: ComityError, after_s: float | None) -> None:
        self.failure = failure
        self.after_s = after_s
        super().__init__(str(failure))


def _read(response: httpx2.Response, at_most: int) -> bytes:
    chunks = bytearray()
    for chunk in response.iter_bytes(chunk_size=64 * 1024):
        chunks += chunk
        if len(chunks) > at_most:
            raise AnswerRefused(why=f"it is longer than {at_most} bytes")
    return bytes(chunks)


def _failure(base_url: str, response: httpx2.Response) -> ComityError:
    error = error_of(response.status_code, _read(response, _MAX_PROBLEM_BYTES))
    if isinstance(error, Busy):
        return error
    why = f"it answered {response.status_code}" + ("" if isinstance(error, AnswerRefused) else f" ({error.code})")
    return ExchangeUnreachable(url=base_url, why=why)


def _retry_after_s(response: httpx2.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _reason(broken: httpx2.TransportError) -> str:
    """In words: what the operating system said without its number, or what the connection did."""
    said = re.sub(r"^\[[^\]]*\] ", "", str(broken)).strip().rstrip(".")
    if said:
        return said
    return "it does not answer in time" if isinstance(broken, httpx2.TimeoutException) else "the connection broke off"
