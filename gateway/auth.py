"""Who calls: RFC 9421 signatures, judged against the directory and the pinned operator keys.

The steps, in order, and what each raises:
(1) the call names a key in a signature tagged comity-v1 (CallUnsigned)
(2) the directory is fresh (Busy); the key counts now, after one more refresh if it is unknown (CallKeyUnknown). One
    that waits after a recovery may still prove itself, and is refused after (3) with the end of its wait (CallKeyWaits)
(3) the signature and its time verify over the header (`shared.apisig.verify`, with its own steps)
(4) the caller's role may make this call, by `gateway.rights` (CallNotPermitted)
(5) the body is announced as this call takes it, and the signature was not used for a body before
    (CallWrongContentType, CallTooLarge, CallReplayed)
(6) the caller calls no more often than its rate (`gateway.rates`: CallRateExceeded); for a submission, there is room
    (`gateway.admission`: Busy, asked by the route; before (1) where the key was proven and refused just now)
(7) the body is read within its bounds (CallTooLarge, CallTooSlow)
(8) the body has the signed digest (CallDigestMismatch)
The caller is proven before a byte of the body is read, and before anything is asked or counted that depends on how busy
the exchange is: who is nobody here cannot move it, and learns at most that a key whose id it knows is refused. Calls
are counted in between, for the party that signed; of operators for each key by itself, so that the thief of one key
leaves the others their room. The header covers the digest, so that nobody can put another body under it.

The signed address is the configured public one with the path and query as received, never the Host header. Reads may
be repeated; a message is known by its id and bytes, an operator's document by its own, so that a repeated call changes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from gateway.bodies import Document, Incoming, check_body_headers, read_body
from gateway.config import GatewayConfig
from gateway.fresh_directory import FreshDirectory
from gateway.rates import DOCUMENTS, READS, SUBMISSIONS, RateLimits
from gateway.replays import SpentSignatures
from gateway.rights import Role, right_to, role_of
from shared.apisig.profile import TAG
from shared.apisig.verify import VerifiedCall, verify_body, verify_call
from shared.errors import Busy, CallKeyUnknown, CallKeyWaits, CallNotPermitted, CallUnsigned
from shared.keys.directory import Directory
from shared.keys.public import OPERATOR, Ed25519Public
from shared.keys.waiting import told_end
from shared.ports.clock import Clock
from shared.ports.keyring import KeyRing, PublishedInstruments

_TAGGED: Final = f'tag="{TAG}"'
_KEYID: Final = re.compile(r';keyid="([^"\\]{1,200})"')


@dataclass(frozen=True, slots=True)
class Call:
    """A verified call. `party` is an enrolled party's id or `operator`; `request_text` is the proof that it asked."""

    party: str
    role: Role
    kid: str
    request_text: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ProvenCaller:
    """Who makes a call whose body, if it has one, is not read yet."""

    party: str
    role: Role
    verified: VerifiedCall

    @property
    def counted(self) -> str:
        """For whom its calls and the bytes of its bodies are counted: each operator's key for itself."""
        return self.verified.keyid if self.role is Role.operator else self.party


class Authenticator:
    def __init__(self, keyring: KeyRing, clock: Clock, config: GatewayConfig) -> None:
        self._clock = clock
        self._config = config
        self._operator_keys = {key.kid(OPERATOR): key for key in config.trust.operator_keys}
        self._fresh = FreshDirectory(keyring, clock, config.limits)
        self._incoming = Incoming(config.limits.incoming_bytes)
        self._spent = SpentSignatures(clock)
        self._rates = RateLimits(config.rates)

    async def directory(self) -> Directory:
        """A directory that is young enough to judge by. Raises Busy."""
        return await self._fresh.get()

    async def newest_directory(self) -> Directory:
        """One that is at most a second old, for those who wait for a change of it. Raises Busy."""
        return await self._fresh.get_newer()

    async def dated_directory(self) -> tuple[Directory, PublishedInstruments, datetime]:
        """The same, the registry of instruments, and when the store was asked for it. Raises Busy."""
        return await self._fresh.get_dated()

    async def admit(self, request: Request, takes: Document | None) -> Call:
        """(1) to (8). Without `takes` the call has no body, and one that comes along is not read."""
        caller = await self.prove(request, takes)
        return await self.read(request, caller, takes)

    async def prove(self, request: Request, takes: Document | None) -> ProvenCaller:
        """(1) to (6), all but the room: who calls. Nothing of the body is read."""
        directory, keys = await self._named_keys(request.headers)
        verified = verify_call(
            request.method,
            self._config.public_url + _target(request),
            request.headers,
            takes is not None,
            keys.get,
            self._clock.now(),
        )
        request.state.caller = verified.keyid
        until = directory.waits_until(verified.keyid, self._clock.now())
        if until is not None:
            raise CallKeyWaits(kid=verified.keyid, usable_from=told_end(until))
        party = _owner(verified.keyid)
        known = directory.party(party)
        if known is None and party != OPERATOR:
            raise CallNotPermitted()
        role = Role.operator if known is None else role_of(known)
        if role is None or role not in right_to(request.scope).roles:
            raise CallNotPermitted()
        if takes is not None:
            check_body_headers(request, takes)
            self._spent.spend(verified.signature)
        caller = ProvenCaller(party, role, verified)
        await self._rates.count(_kind_of(role, takes), caller.counted)
        return caller

    async def read(self, request: Request, caller: ProvenCaller, takes: Document | None) -> Call:
        """(7), (8): the whole call."""
        limits, counted = self._config.limits, caller.counted
        body = b"" if takes is None else await read_body(request, takes, limits, self._incoming, counted)
        verified = caller.verified
        verify_body(verified, body)
        return Call(caller.party, caller.role, verified.keyid, verified.signature_text, body)

    async def _named_keys(self, headers: Headers) -> tuple[Directory, dict[str, Ed25519Public]]:
        """(1), (2): the keys that the call names and that count, at least one, by the directory that knows them.

        Without a directory that can be believed, only operators call: by an empty one, which knows nobody else. Raises
        CallUnsigned, CallKeyUnknown, Busy.
        """
        kids = named_kids(headers)
        if not kids:
            raise CallUnsigned()
        try:
            directory = await self._fresh.get()
            keys = self._keys_of(kids, directory)
            if not keys:
                directory = await self._fresh.get_newer()
                keys = self._keys_of(kids, directory)
        except Busy:
            directory = Directory.empty(self._config.trust.origin)  # operators are pinned, and called when all is down
            keys = self._keys_of(kids, directory)
            if not keys:
                raise
        if not keys:
            raise CallKeyUnknown(kid=kids[0])
        return directory, keys

    def _keys_of(self, kids: Sequence[str], directory: Directory) -> dict[str, Ed25519Public]:
        """What these ids name now: operators' keys, and API keys of parties not suspended that are accepted or wait."""
        now = self._clock.now()
        keys: dict[str, Ed25519Public] = {}
        for kid in kids:
            api_key = directory.api_key(kid, now, even_waiting=True)
            key = self._operator_keys.get(kid) or (None if api_key is None else api_key.public)
            if key is not None:
                keys[kid] = key
        return keys


def admitted(takes: Document | None = None) -> Callable[[Request], Awaitable[Call]]:
    """The dependency of a route that not everybody may call; who may stands in `gateway.rights`."""

    async def admit(request: Request) -> Call:
        authenticator: Authenticator = request.app.state.gateway.authenticator
        return await authenticator.admit(request, takes)

    return admit


def named_kids(headers: Headers) -> Sequence[str]:
    """The ids of the keys that a call says it is signed with, nothing of it proven; none where it is not signed."""
    given = headers.get("signature-input", "")
    return _KEYID.findall(given) if _TAGGED in given and "signature" in headers else ()


def _target(request: Request) -> str:
    """Path and query exactly as received: decoding and encoding them again would not give what was signed."""
    path = request.scope["raw_path"].decode("ascii")
    query = request.scope["query_string"].decode("ascii")
    return f"{path}?{query}" if query else path


def _kind_of(role: Role, takes: Document | None) -> str:
    if takes is None:
        return READS
    return DOCUMENTS if role is Role.operator else SUBMISSIONS


def _owner(kid: str) -> str:
    return kid.partition("#")[0]
