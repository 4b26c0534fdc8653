"""Rows of the tables that a settled exchange leaves empty: so that there is something to lie about in each of them.

What services set aside they set aside themselves, of frames that do not open. What is in hand is made up: an exchange
that stopped has finished it, and one that was killed is not settled, which is no truth to begin from. A time-stamp is
OpenSSL's, over the tree of the first chapter; without OpenSSL or the library for stamps there is none.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from shared.audit.leaves import digest_of_leaf, encode_entry, encode_leaf
from shared.audit.time_stamps import build_stamp_request, is_installed
from shared.audit.tree_head import TreeHead
from shared.domain.ids import encode_time, new_uuid7
from shared.envelope.jws import parse_jws
from shared.envelope.manifest import parse_manifest
from tests.exchange_rows import SERVICES
from tests.unit.client.stamping import LocalAuthority, local_authority

STAMPED_BY: Final = "stamps.example"
_TWO: Final = (b"what does not open", b"nor does this")


def set_aside(file: Path) -> None:
    """Frames that do not open, for each service of a running exchange."""
    with closing(sqlite3.connect(file, timeout=20)) as database, database:
        for queue in SERVICES:
            rows = [(queue, 0, frame) for frame in _TWO]
            database.executemany("INSERT INTO bus_message (queue, deliveries, frame) VALUES (?, ?, ?)", rows)
        database.executemany("INSERT INTO leaf_waiting (frame) VALUES (?)", [(frame,) for frame in _TWO])


def leave_in_hand(file: Path, at: datetime) -> None:
    """What an exchange that stopped might have been about to do. Nothing reads it any more."""
    when, stamp = encode_time(at), at.timestamp()
    with closing(sqlite3.connect(file)) as database, database:
        for number, frame in enumerate(_TWO):
            database.execute(
                "INSERT INTO bus_message (queue, deliveries, frame) VALUES ('intake', ?, ?)", (number, frame)
            )
            database.execute("INSERT INTO leaf_waiting (frame) VALUES (?)", (frame,))
            for service in SERVICES:
                item = new_uuid7(at + timedelta(seconds=number))
                database.execute(f"INSERT INTO {service}_outbox VALUES (?, ?, ?)", (item, stamp + number, frame))
                values = (item, frame, number, 1, when, when, "down", 0, "", frame)
                database.execute(f"INSERT INTO {service}_parked VALUES ({', '.join('?' * 10)})", values)


def prune(file: Path, message: str, at: datetime) -> bytes:
    """Its sealed parts go, as the policy on retention has it, with a row; the entry that tells of it."""
    with closing(sqlite3.connect(file)) as database, database:
        dossier, jws = database.execute("SELECT dossier, jws FROM envelope WHERE message = ?", (message,)).fetchone()
        [closed_at] = database.execute("SELECT max(updated_at) FROM leg WHERE dossier = ?", (dossier,)).fetchone()
        for part in parse_manifest(parse_jws(jws).payload).parts:
            database.execute("DELETE FROM part WHERE digest = ?", (part.ct_sha256,))
            database.execute("DELETE FROM part_chunk WHERE digest = ?", (part.ct_sha256,))
        fields = {"message": message, "dossier": dossier, "closed_at": closed_at, "kept_days": 0}
        leaf = encode_leaf("exchange.parts-pruned", at, sha256(message.encode()).digest()[:16], **fields)
        row = (message, dossier, encode_time(at), closed_at, 0, digest_of_leaf(leaf))
        database.execute("INSERT INTO parts_pruned VALUES (?, ?, ?, ?, ?, ?)", row)
    return encode_entry(at, leaf)


def stamps_can_be_made() -> bool:
    return shutil.which("openssl") is not None and is_installed()


def found_authority(place: Path) -> tuple[bytes, ...]:
    """Its root certificates; none where stamps cannot be made."""
    return local_authority(place / "stamps").roots.ders() if stamps_can_be_made() else ()


def stamp(file: Path, place: Path, heads: Sequence[TreeHead], at: datetime) -> None:
    """Each of these heads, where stamps can be made."""
    if not stamps_can_be_made():
        return
    authority = LocalAuthority(place / "stamps")
    with closing(sqlite3.connect(file)) as database, database:
        for head in heads:
            token = authority.reply(build_stamp_request(head).der)
            row = (head.size, STAMPED_BY, encode_time(at), token)
            database.execute("INSERT INTO ledger_time_stamp VALUES (?, ?, ?, ?)", row)
