"""The body part: what the sender says, sealed, with the list of its attachments.

Rules:
1. `{"v": 1, "kind", "act", "content", "attachments": [{"part", "name", "media_type", "size", "sha256"}]}`, strict JSON,
   closed but for `content`, whose schema is its kind's.
2. `kind` and `act` are copies of the header's: a reader who compares them cannot be told one thing while the exchange
   is told another.
3. Attachments stand in the order of their parts, `p1`, `p2` …; their names are file names that are safe to write and
   that show what they are: no path, no control character, no change of writing direction.

This is the format. Sealing and opening are the client's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.envelope.encoding import MAX_PARTS, part_name
from shared.envelope.fields import read_digest, read_document, read_list, read_object, read_size, read_text
from shared.errors import EnvelopeMalformed

MAX_FILE_NAME_BYTES = 200
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}", re.ASCII)
_UNSAFE_IN_NAMES = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Separators, control characters, and Unicode's bidirectional embeddings, overrides and isolates: with these
`evidence\\u202efdp.exe` reads as a PDF."""


@dataclass(frozen=True, slots=True)
class AttachmentEntry:
    """What the body says of one attachment: true size in bytes, SHA-256 (b64u) of its plaintext."""

    part: str
    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Body:
    kind: str
    act: Mapping[str, Any]
    content: Mapping[str, Any]
    attachments: tuple[AttachmentEntry, ...]


def parse_body(raw: bytes) -> Body:
    """The body in these bytes. Raises EnvelopeMalformed, EnvelopeTooLarge."""
    document = read_object(read_document(raw, "the body"), ("v", "kind", "act", "content", "attachments"), "the body")
    if type(document["v"]) is not int or document["v"] != 1:
        raise EnvelopeMalformed(why="the body's version is not 1")
    for member in ("act", "content"):
        if not isinstance(document[member], dict):
            raise EnvelopeMalformed(why=f"the body's {member} is not an object")
    entries = read_list(document["attachments"], MAX_PARTS - 1, "attachments")
    return Body(
        kind=read_text(document["kind"], "the body's kind"),
        act=document["act"],
        content=document["content"],
        attachments=tuple(_read_attachment(item, index) for index, item in enumerate(entries, start=1)),
    )


def encode_body(body: Body) -> bytes:
    """The bytes to seal: JSON, UTF-8, no white space. What `parse_body` would refuse is refused here too, before it is
    sealed for ever. Raises EnvelopeMalformed, EnvelopeTooLarge."""
    document = {
        "v": 1,
        "kind": body.kind,
        "act": body.act,
        "content": body.content,
        "attachments": _documents(body.attachments),
    }
    try:
        raw = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as broken:
        raise EnvelopeMalformed(why=f"the body is not JSON: {broken}") from None
    parse_body(raw)
    return raw


def _documents(entries: Sequence[AttachmentEntry]) -> list[dict[str, Any]]:
    return [
        {"part": one.part, "name": one.name, "media_type": one.media_type, "size": one.size, "sha256": one.sha256}
        for one in entries
    ]


def _read_attachment(node: object, index: int) -> AttachmentEntry:
    members = read_object(node, ("part", "name", "media_type", "size", "sha256"), "an attachment")
    if members["part"] != part_name(index):
        raise EnvelopeMalformed(why=f"attachment {index} is not in part {part_name(index)}")
    return AttachmentEntry(
        part=members["part"],
        name=_read_file_name(members["name"]),
        media_type=_read_media_type(members["media_type"]),
        size=read_size(members["size"], "an attachment's size"),
        sha256=read_digest(members["sha256"], "an attachment's sha256"),
    )


def _read_file_name(node: object) -> str:
    name = read_text(node, "an attachment's name")
    if not name.strip(". ") or len(name.encode()) > MAX_FILE_NAME_BYTES or _UNSAFE_IN_NAMES.search(name):
        raise EnvelopeMalformed(why="an attachment's name is not a safe file name")
    return name


def _read_media_type(node: object) -> str:
    media_type = read_text(node, "an attachment's media type")
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        raise EnvelopeMalformed(why="an attachment's media type is not one")
    return media_type
