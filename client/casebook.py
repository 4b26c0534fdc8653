"""What one's own dossiers say, kept for searching without the exchange: each message's words, sealed to one's own key.

Rules:
1. A row is made when a message is opened here, or sent from here. It holds the words of the content and the names of
   the attachments, not the attachments, sealed to the sealing key that acts (HPKE with X-Wing, as wraps are): whoever
   takes the file learns how many messages there are and how long they are, which the register says anyway.
2. Searching opens every row: there is no index that could tell a word. A row under a former key is sealed anew to the
   acting one; one whose key was destroyed is made again when the message is opened again.
3. Upper and lower case, accents and vowel marks count as the same. All words must stand in one message.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from client.forwarding import without_keys
from client.register import Register
from client.signing import AuthorityKeys
from shared.domain.header import Header
from shared.domain.reference import encode_number
from shared.errors import EnvelopeCannotOpen, KeyNotFound

OUR_NUMBER: Final = "file_number"
THEIR_NUMBER: Final = "their_file_number"
USE_LIMIT: Final = "use_limitation"
ATTACHMENT: Final = "attachment"
"""With its number it is the place of an attachment's name."""
SNIPPET_CHARACTERS: Final = 100
_DOMAIN: Final = b"comity-casebook/1\x00"
_UNREAD: Final = frozenset({"approvals", "form"})


@dataclass(frozen=True, slots=True)
class Noted:
    """The words of one message, each with the path at which it stands."""

    message: str
    dossier: str
    number: str
    leg: str | None
    kind: str
    sender: str
    sent_at: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A message in which all words stand, and where the first of them does."""

    noted: Noted
    where: str
    snippet: str


class Casebook:
    """Of one authority; `keys` seal and open its rows."""

    def __init__(self, keys: AuthorityKeys, register: Register) -> None:
        self._keys = keys
        self._register = register

    def note(self, header: Header, content: Mapping[str, Any], attachments: Iterable[str]) -> None:
        """Keep the words of a message that was opened or sent here; durable on return. Again, it changes nothing."""
        if self._register.casebook.kid(header.id) in self._openable():
            return
        words = dict(_words("", {name: value for name, value in without_keys(content).items() if name not in _UNREAD}))
        words |= {f"{ATTACHMENT} {at}": name for at, name in enumerate(attachments, start=1)}
        opened_by = self._register.dossiers().get(header.dossier, header.sender)
        row = {
            "message": header.id,
            "dossier": header.dossier,
            "number": encode_number(header.dossier, opened_by[:2]),
            "leg": header.leg,
            "kind": header.kind,
            "sender": header.sender,
            "sent_at": header.sent_at,
            "words": words,
        }
        self._seal(header.id, json.dumps(row, ensure_ascii=False).encode())

    def search(self, words: Sequence[str]) -> list[Hit]:
        """The messages in which every one of these words stands, the newest first."""
        wanted = [_folded(word) for word in words if word.strip()]
        if not wanted:
            return []
        found = []
        for noted in self._rows():
            fields = {**noted.words, "number": noted.number, "sender": noted.sender, "kind": noted.kind}
            folded = {name: _folded(text) for name, text in fields.items()}
            if all(any(word in text for text in folded.values()) for word in wanted):
                where = next(name for name, text in folded.items() if wanted[0] in text)
                found.append(Hit(noted, where, _snippet(fields[where], wanted[0])))
        return sorted(found, key=lambda hit: hit.noted.sent_at, reverse=True)

    def file_numbers(self, dossier: str, leg: str | None = None) -> tuple[str | None, str | None]:
        """Our number of the file and the other side's, as the newest messages of this leg say them."""
        numbers: dict[bool, tuple[str, str]] = {}
        for noted in self._rows(dossier):
            own = noted.sender == self._keys.authority
            if leg is not None and noted.leg not in (None, leg):
                continue
            for is_own, member in ((own, OUR_NUMBER), (not own, THEIR_NUMBER)):
                number = noted.words.get(member)
                if number and (noted.sent_at, number) > numbers.get(is_own, ("", "")):
                    numbers[is_own] = (noted.sent_at, number)
        return numbers.get(True, ("", None))[1], numbers.get(False, ("", None))[1]

    def use_limits(self, dossier: str, leg: str | None = None) -> dict[str, str]:
        """What each side last said of the use of what it gave, on this leg; words of its own. By the party."""
        said: dict[str, tuple[str, str]] = {}
        for noted in self._rows(dossier):
            limit = noted.words.get(USE_LIMIT, "").strip()
            if limit and (leg is None or noted.leg in (None, leg)):
                said[noted.sender] = max(said.get(noted.sender, ("", "")), (noted.sent_at, limit))
        return {party: limit for party, (_sent_at, limit) in said.items()}

    def words(self, dossier: str) -> dict[str, Mapping[str, str]]:
        """The words of each message of a dossier, by its id."""
        return {noted.message: noted.words for noted in self._rows(dossier)}

    def missing(self) -> list[str]:
        """Messages that were opened here or sent from here, and whose words cannot be searched; the oldest first."""
        return self._register.casebook.without(self._openable())

    def _rows(self, dossier: str | None = None) -> Iterator[Noted]:
        acting = self._keys.sealing_kid
        for message, kid, sealed in self._register.casebook.rows(dossier):
            try:
                raw = self._keys.opener(kid).open_wrap(sealed, _info(kid, message))
            except (KeyNotFound, EnvelopeCannotOpen):
                continue  # told by `missing`
            if kid != acting:
                self._seal(message, raw)
            yield Noted(**json.loads(raw))

    def _seal(self, message: str, raw: bytes) -> None:
        kid = self._keys.sealing_kid
        self._register.casebook.keep(message, kid, self._keys.seal_to_itself(raw, _info(kid, message)))

    def _openable(self) -> frozenset[str]:
        openers = (self._keys.sealing, *self._keys.former_sealing)
        return frozenset(one.kid(self._keys.authority) for one in openers)


def _info(kid: str, message: str) -> bytes:
    """HPKE's info for a row: it passes for no wrap of a message, and for no other row."""
    return _DOMAIN + kid.encode() + b"\x00" + message.encode()


def _words(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _words(f"{path}.{name}" if path else str(name), one)
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value, start=1):
            yield from _words(f"{path}.{at}", one)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)


def _folded(text: str) -> str:
    """Without case, accents and vowel marks, so that people find what they remember."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))


def _snippet(text: str, word: str) -> str:
    """The words around the one that was found. Folding can change lengths, so the place is near, not exact."""
    at = max(_folded(text).find(word) - SNIPPET_CHARACTERS // 3, 0)
    cut = " ".join(text[at : at + SNIPPET_CHARACTERS].split())
    return ("… " if at else "") + cut + (" …" if at + SNIPPET_CHARACTERS < len(text) else "")
