"""Handing a sealed message on, and opening what was handed on. `docs/spec/envelope.md`, `Handing on`, is the format.

Rules:
1. A `forward` names the original by id and digest in its own sealed body, and hands over its secret, or the keys of
   chosen parts. Who never received the original has neither: a secret is held against the original's `key_commit`, a
   part key opens nothing but its own part, and the manifest that both are held against is signed by the original's
   sender.
2. What is handed over is read from a message that verified; the original is verified like any other message, by the
   time at which it was logged.
3. It also names the messages of the leg so far, so that the new holder can fetch them and make the leg again.

Pure: the mailbox fetches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from client.opening import OpenedMessage, open_handed_parts, open_with_secret, part_key
from shared.domain.ids import is_uuid7
from shared.envelope.encoding import MAX_PARTS, SECRET_BYTES
from shared.envelope.verify import VerifiedEnvelope
from shared.errors import EnvelopeCannotOpen
from shared.keys.base64url import encode_b64u, parse_b64u

FORWARD: Final = "forward"
HANDED: Final = "original"
MOVES: Final = "moves"
HOLDER_NAME: Final = "holder_name"
MOST_MOVES: Final = 1000
MOST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Handed:
    """What a `forward` hands over: the secret of the whole message, or the keys of some of its parts."""

    message: str
    digest: str
    secret: bytes | None = field(repr=False)
    part_keys: Mapping[str, bytes] = field(repr=False)

    @property
    def parts(self) -> tuple[str, ...] | None:
        """The parts that it opens; None for all of them."""
        return None if self.secret is not None else tuple(self.part_keys)

    def open(self, verified: VerifiedEnvelope) -> OpenedMessage:
        """What was handed over of this message, once it is verified. Raises EnvelopeCannotOpen, EnvelopePartMismatch,
        EnvelopeActContradicted."""
        if verified.digest != self.digest:
            raise EnvelopeCannotOpen(why="it is another envelope than the one that was handed on")
        if self.secret is not None:
            return open_with_secret(verified, self.secret)
        return open_handed_parts(verified, self.part_keys)


def hand_over(opened: OpenedMessage, parts: Sequence[str] = ()) -> dict[str, Any]:
    """The member `original` of a forward's content: the keys of these parts, else all that opens it here. Raises
    EnvelopePartMismatch for a part that the message does not have, or that does not open here."""
    named = {"id": opened.header.id, "digest": opened.verified.digest}
    chosen = tuple(dict.fromkeys(parts)) or tuple(opened.part_keys)
    if chosen:
        return {**named, "part_keys": {part: encode_b64u(part_key(opened, part)) for part in chosen}}
    return {**named, "secret": encode_b64u(opened.secret)}


def read_handed(forward: OpenedMessage) -> Handed | None:
    """What this forward hands over; None where it hands over nothing, as to a holder that is offline. Raises
    EnvelopeCannotOpen."""
    node = forward.content.get(HANDED)
    if not isinstance(node, dict) or not {"secret", "part_keys"} & node.keys():
        return None
    try:
        handed = _read(node)
    except (KeyError, TypeError, ValueError):
        raise EnvelopeCannotOpen(why="what its forward hands over cannot be read") from None
    if handed.message != forward.header.act.get(HANDED):
        raise EnvelopeCannotOpen(why="its forward hands over another message than its act names")
    return handed


def named_moves(forward: OpenedMessage) -> list[str]:
    """The ids of the messages of the leg that this forward names, the original among them."""
    listed = forward.content.get(MOVES)
    found = [one for one in listed if isinstance(one, str) and is_uuid7(one)] if isinstance(listed, list) else []
    original = forward.header.act.get(HANDED)
    return list(dict.fromkeys([*([original] if original else []), *found[:MOST_MOVES]]))


def without_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as people and files may see it: what a forward hands over is named, and its keys are left out."""
    node = content.get(HANDED)
    if not isinstance(node, dict):
        return dict(content)
    parts = node.get("part_keys")
    handed = "all of it" if "secret" in node else sorted(parts) if isinstance(parts, dict) else "nothing"
    shown = {name: value for name, value in node.items() if name not in ("secret", "part_keys")}
    return {**content, HANDED: {**shown, "handed_over": handed}}


def holder_name_in(opened: OpenedMessage) -> str | None:
    """The name under which a forward introduces its holder."""
    name = opened.content.get(HOLDER_NAME) if opened.header.kind == FORWARD else None
    return name[:MOST_NAME] if isinstance(name, str) and name.strip() and name.isprintable() else None


def forward_content(
    content: Mapping[str, Any], handed: Mapping[str, Any] | None, moves: Iterable[str]
) -> dict[str, Any]:
    """The content of a forward, beside what its sender writes: `holder_name` is how people call the holder."""
    whole = {**content, MOVES: list(moves)[:MOST_MOVES]}
    if handed is not None:
        whole[HANDED] = handed
    return whole


def _read(node: Mapping[str, Any]) -> Handed:
    secret = None
    if "secret" in node:
        secret = parse_b64u(node["secret"])
        if len(secret) != SECRET_BYTES:
            raise ValueError("the secret has another length")
    part_keys = {name: parse_b64u(key) for name, key in dict(node.get("part_keys", {})).items()}
    if len(part_keys) > MAX_PARTS or any(len(key) != SECRET_BYTES for key in part_keys.values()):
        raise ValueError("a part key has another length")
    return Handed(str(node["id"]), str(node["digest"]), secret, part_keys)
