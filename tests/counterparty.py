"""A simulated counterparty: an enrolled authority that speaks HTTP by itself and need not behave.

Rules:
1. It holds real keys and does real cryptography: what it sends is wrong in the one way that a test asks for, and sound
   in every other. Letters are `workshop.Forgery`s, which follow `docs/spec/envelope.md` without the client's checks.
2. It never retries and hides nothing: an answer is the status, the headers and the bytes that came.
3. Its keys are those of `workshop.party`, the same in every run; they must be enrolled on the exchange that it calls.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from client.signing import AuthorityKeys
from shared.apisig.sign import sign_request
from shared.contracts.api import MESSAGE_CONTENT_TYPE
from shared.domain.ids import encode_time, new_uuid7
from shared.envelope.container import parse_submission
from shared.keys.private import Ed25519Signer
from tests.exchange_process import ORIGIN, now
from tests.unit.envelope.workshop import Forgery, header_document, party

MESSAGES: Final = "/v1/messages"
LIFE: Final = timedelta(days=7)
_CHUNK: Final = 16 * 1024
_MOST_FEED: Final = 500


@dataclass(frozen=True)
class Answer:
    """What came back. A refusal is a problem document (RFC 9457)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def code(self) -> str | None:
        return self.document.get("code") if self.status >= 400 else None

    @property
    def sentence(self) -> str:
        return str(self.document["detail"])


@dataclass(frozen=True)
class Call:
    """How a call is signed and sent. The defaults are those of an honest caller."""

    content_type: str | None = MESSAGE_CONTENT_TYPE
    signer: Ed25519Signer | None = None
    """Another key than the caller's own API key; `keyid` stays the caller's unless it is given too."""
    keyid: str | None = None
    at: datetime | None = None
    is_signed: bool = True
    is_chunked: bool = False
    signed_body: bytes | None = None
    """The body that the digest and the signature speak of, where it is not the one that is sent."""
    signed_path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


HONEST: Final = Call()


class Counterparty:
    """One authority at its own keyboard. Not for use from several threads."""

    def __init__(self, authority: str, url: str) -> None:
        self.authority = authority
        self.url = url
        self._http = httpx2.Client(timeout=httpx2.Timeout(30.0))

    @property
    def keys(self) -> AuthorityKeys:
        return party(self.authority)

    def close(self) -> None:
        self._http.close()

    # --- letters -----------------------------------------------------------------------------------------------------

    def header(self, **changes: Any) -> dict[str, Any]:
        """A request to Brussels and Paris, written now; `changes` are members of the header."""
        fresh = {
            "exchange": ORIGIN,
            "id": new_uuid7(now()),
            "dossier": new_uuid7(now()),
            "sender": self.authority,
            "sent_at": encode_time(now()),
            "expires_at": encode_time(now() + LIFE),
        }
        return header_document(**{**fresh, **changes})

    def unsigned(self, **changes: Any) -> Forgery:
        """A letter that is sealed and not signed yet, so that a test can still change what is signed."""
        return Forgery(header=self.header(**changes), signers=(self.keys, self.keys)).seal()

    def letter(self, **changes: Any) -> Forgery:
        """A sound letter with these members in its header."""
        return self.unsigned(**changes).sign()

    def reply(self, to: Forgery, kind: str, **changes: Any) -> Forgery:
        """A message on the leg of one requested party, which has seen the letter that opened the dossier."""
        opening = parse_submission(to.submission())
        leg = self.authority if self.authority in opening.header.recipients else opening.header.recipients[0]
        other = opening.header.sender if self.authority == leg else leg
        members: dict[str, Any] = {
            "dossier": opening.header.dossier,
            "kind": kind,
            "recipients": [other],
            "leg": leg,
            "basis": None,
            "seen": opening.digest,
            "in_reply_to": opening.header.id,
            "act": {},
        }
        return self.letter(**{**members, **changes})

    # --- calls -------------------------------------------------------------------------------------------------------

    def post(self, submission: Forgery | bytes, call: Call = HONEST) -> Answer:
        """Submit a letter, or any bytes in its place."""
        body = submission if isinstance(submission, bytes) else submission.submission()
        return self.call("POST", MESSAGES, body, call)

    def get(self, path: str, call: Call = HONEST) -> Answer:
        return self.call("GET", path, b"", call)

    def call(self, method: str, path: str, body: bytes, call: Call) -> Answer:
        content: bytes | Iterator[bytes] | None = body or None
        if call.is_chunked:
            content = (body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))
        answer = self._http.request(
            method, self.url + path, content=content, headers=self._headers(method, path, body, call)
        )
        return Answer(answer.status_code, answer.headers, answer.content)

    def post_and_hang_up(self, submission: Forgery, sent_bytes: int) -> None:
        """Announce the whole body, send so many bytes of it, and close the connection without a word."""
        body = submission.submission()
        headers = self._headers("POST", MESSAGES, body, HONEST) | {
            "Host": urlsplit(self.url).netloc,
            "Content-Length": str(len(body)),
        }
        lines = [f"POST {MESSAGES} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        address = urlsplit(self.url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
            connection.sendall("\r\n".join(lines).encode() + body[:sent_bytes])

    def feed(self) -> list[dict[str, Any]]:
        """All entries of its own feed."""
        items: list[dict[str, Any]] = self.get(f"/v1/feed?limit={_MOST_FEED}").document["items"]
        return items

    def decision(self, message: str) -> dict[str, Any] | None:
        """What was decided on its own message, if anything was."""
        answer = self.get(f"{MESSAGES}/{message}/decision")
        return answer.document if answer.status == 200 else None

    def _headers(self, method: str, path: str, body: bytes, call: Call) -> dict[str, str]:
        plain = {} if call.content_type is None or not body else {"Content-Type": call.content_type}
        if not call.is_signed:
            return {**plain, **call.headers}
        own = self.keys.api
        assert isinstance(own, Ed25519Signer)
        signature = sign_request(
            method,
            self.url + (call.signed_path or path),
            body if call.signed_body is None else call.signed_body,
            call.content_type,
            call.signer or own,
            call.keyid or self.keys.api_kid,
            call.at or now(),
        )
        return {**plain, **signature, **call.headers}
