"""Who calls: RFC 9421 signatures, judged against the directory and the pinned operator keys.

The steps, in order, and what each raises:
(1) the call names a key in a signature tagged comity-v1 (CallUnsigned)
(2) the directory is fresh (Busy); the key counts now, after one more refresh if it is unknown (CallKeyUnknown)
(3) the body is read within its bounds (CallWrongContentType, CallTooLarge, CallTooSlow)
(4) the signature, its time and the body's digest verify (`shared.apisig.verify`, with its own steps)
(5) the caller's role may make this call (CallNotPermitted)
Step (2) comes before the body on purpose: kids are told to enrolled parties only, so a stranger's body is never read.

The signed address is the configured public one with the path and query as received, never the Host header. No nonce is
remembered: a message is known by its id and bytes, an operator's document by its own, so that a repeated call
changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from gateway.bodies import Document, read_body
from gateway.config import GatewayConfig
from gateway.fresh_directory import FreshDirectory
from shared.apisig.profile import TAG
from shared.apisig.verify import verify_request
from shared.errors import CallKeyUnknown, CallNotPermitted, CallUnsigned
from shared.keys.directory import Directory
from shared.keys.event_document import Mandate
from shared.keys.public import OPERATOR, Ed25519Public
from shared.ports.clock import Clock
from shared.ports.keyring import KeyRing

_TAGGED: Final = f'tag="{TAG}"'
_KEYID: Final = re.compile(r';keyid="([^"\\]{1,200})"')


class Role(StrEnum):
    authority = "authority"
    auditor = "auditor"
    operator = "operator"


@dataclass(frozen=True, slots=True)
class Call:
    """A verified call. `party` is an enrolled party's id or `operator`; `request_text` is the proof that it asked.

    `mandate` is an auditor's: how much of the ledger it may read; None for everybody else.
    """

    party: str
    role: Role
    mandate: Mandate | None
    kid: str
    request_text: str
    body: bytes


class Authenticator:
    def __init__(self, keyring: KeyRing, clock: Clock, config: GatewayConfig) -> None:
        self._clock = clock
        self._config = config
        self._operator_keys = {key.kid(OPERATOR): key for key in config.trust.operator_keys}
        self._fresh = FreshDirectory(keyring, clock, config.limits)

    async def directory(self) -> Directory:
        """A directory that is young enough to judge by. Raises Busy."""
        return await self._fresh.get()

    async def newest_directory(self) -> Directory:
        """One that is at most a second old, for those who wait for a change of it. Raises Busy."""
        return await self._fresh.get_newer()

    async def claimed_party(self, headers: Headers) -> str:
        """(1), (2): whose key the call names. Proves nothing yet. Raises CallUnsigned, CallKeyUnknown, Busy."""
        given = headers.get("signature-input", "")
        kids = _KEYID.findall(given)
        if _TAGGED not in given or not kids or "signature" not in headers:
            raise CallUnsigned()
        directory = await self._fresh.get()
        if not any(self._key_of(kid, directory) for kid in kids):
            directory = await self._fresh.get_newer()
        for kid in kids:
            if self._key_of(kid, directory) is not None:
                return _owner(kid)
        raise CallKeyUnknown(kid=kids[0])

    async def admit(self, request: Request, roles: frozenset[Role], takes: Document | None) -> Call:
        """(1) to (5). Without `takes` the call has no body, and one that comes along is not read."""
        await self.claimed_party(request.headers)
        body = b"" if takes is None else await read_body(request, takes, self._config.limits.body_timeout_s)
        directory = await self._fresh.get()
        verified = verify_request(
            request.method,
            self._config.public_url + _target(request),
            request.headers,
            body,
            lambda kid: self._key_of(kid, directory),
            self._clock.now(),
        )
        request.state.caller = verified.keyid
        party = _owner(verified.keyid)
        known = directory.party(party)
        if known is None and party != OPERATOR:
            raise CallNotPermitted()
        role = Role.operator if known is None else Role(known.role)
        if role not in roles:
            raise CallNotPermitted()
        mandate = None if known is None else known.mandate
        return Call(party, role, mandate, verified.keyid, verified.signature_text, body)

    def _key_of(self, kid: str, directory: Directory) -> Ed25519Public | None:
        """The key that this id names now: an operator's, or the current API key of a party that is not suspended."""
        operator_key = self._operator_keys.get(kid)
        if operator_key is not None:
            return operator_key
        api_key = directory.api_key(kid, self._clock.now())
        return None if api_key is None else api_key.public


def admitted(*roles: Role, takes: Document | None = None) -> Callable[[Request], Awaitable[Call]]:
    """The dependency of a route that only these roles may call."""
    allowed = frozenset(roles)

    async def admit(request: Request) -> Call:
        authenticator: Authenticator = request.app.state.gateway.authenticator
        return await authenticator.admit(request, allowed, takes)

    return admit


def _target(request: Request) -> str:
    """Path and query exactly as received: decoding and encoding them again would not give what was signed."""
    path = request.scope["raw_path"].decode("ascii")
    query = request.scope["query_string"].decode("ascii")
    return f"{path}?{query}" if query else path


def _owner(kid: str) -> str:
    return kid.partition("#")[0]
