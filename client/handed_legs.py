"""Legs that were handed to this authority: their earlier messages are fetched, and opened by what came in the forward.

Rules:
1. What a forward names is fetched when the page of the feed is read that brought it, and remembered as waiting until
   it was: after a crash the next reading goes on with it.
2. What does not come stays a gap in the chain of the leg, and that is an alarm (`leg_chain.py`).
3. The newest forward that hands a message over is the one that opens it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from client.forwarding import FORWARD, Handed, holder_name_in, named_moves, read_handed
from client.opening import OpenedMessage
from client.register import Register
from shared.domain.header import Header
from shared.domain.leg import Leg
from shared.domain.status import Holder
from shared.errors import EnvelopeCannotOpen, NotThere
from shared.keys.directory import Directory

_WAITING: Final = "handed-on-waiting"
_NAME: Final = "holder-name:"


class HandedLegs:
    """`open_message` opens what is sealed to this authority; `fetch` fetches, verifies and records."""

    def __init__(
        self, own: str, register: Register, open_message: Callable[[str], OpenedMessage], fetch: Callable[[str], None]
    ) -> None:
        self._own = own
        self._register = register
        self._open = open_message
        self._fetch = fetch

    def expect(self, header: Header) -> None:
        """To be called before a message is recorded: what it hands on to this authority is to be fetched."""
        if header.kind == FORWARD and header.act.get("holder") == self._own and header.sender != self._own:
            self._remember([*self._waiting(), header.id])

    def fetch_waiting(self) -> Iterator[str]:
        """Fetch what forwards named; the ids of those forwards, each when it is done. Raises what fetching raises."""
        for forward in self._waiting():
            for message in named_moves(self._open(forward)):
                if self._register.message(message) is None:
                    try:
                        self._fetch(message)
                    except NotThere:
                        continue  # rule 2
            self._remember([one for one in self._waiting() if one != forward])
            yield forward

    def handed(self, header: Header) -> Handed:
        """What opens this message. Raises EnvelopeCannotOpen where no forward to this authority hands it over."""
        for kept in reversed(self._register.messages(header.dossier)):
            if kept.kind == FORWARD and self._own in kept.recipients:
                handed = read_handed(self._open(kept.message))
                if handed is not None and handed.message == header.id:
                    return handed
        raise EnvelopeCannotOpen(why="it was not sealed to you, and no forward to you hands over its key")

    def note_name(self, opened: OpenedMessage) -> None:
        """How the holder is called that a forward names: the header has its id only."""
        name = holder_name_in(opened)
        if name is not None:
            self._register.note_fact(_NAME + opened.header.act["holder"], name)

    def keep_name(self, holder: str, name: object) -> None:
        """As this authority introduced it itself."""
        if isinstance(name, str) and name.strip():
            self._register.note_fact(_NAME + holder, name)

    def holders(self, legs: Iterable[Leg], directory: Directory) -> dict[str, Holder]:
        """How the holders of these legs are called, as far as it is known here."""
        held = {leg.holder: leg.takes_part for leg in legs if leg.holder is not None}
        return {one: Holder(self._name_of(one, directory), offline=not takes_part) for one, takes_part in held.items()}

    def _name_of(self, holder: str, directory: Directory) -> str:
        known = directory.party(holder)
        return (known.name.official if known else self._register.fact(_NAME + holder)) or holder

    def _waiting(self) -> list[str]:
        told: list[str] = json.loads(self._register.fact(_WAITING) or "[]")
        return told

    def _remember(self, waiting: list[str]) -> None:
        self._register.note_fact(_WAITING, json.dumps(list(dict.fromkeys(waiting))))
