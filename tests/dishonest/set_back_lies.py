"""What is set back whole: a database to its backup, gone on from or not, the roster to an older one; a cut file."""

from __future__ import annotations

import json
import os
import random
import shutil
from datetime import timedelta
from hashlib import sha256

from shared.domain.ids import encode_time, new_uuid7
from shared.domain.strict_json import encode_canonical_json
from shared.keys.base64url import encode_b64u
from shared.keys.roster import draft_roster, sign_roster, verify_roster
from shared.keys.signed_document import encode_signed_document
from tests.dishonest.books import leaf_of, started
from tests.dishonest.own_books import StagedLie, Tell, entry_of
from tests.dishonest.scene import Scene
from tests.dishonest.story import WITNESSES
from tests.dishonest.tree_lies import forget_second_chapter


def all_set_back_lies() -> list[StagedLie]:
    return [
        StagedLie("the whole database set back to a backup", set_back),
        StagedLie("the whole database set back to a backup, and gone on from there", go_on_from_backup),
        StagedLie(
            "the whole database set back to a backup with one of the witnesses, and gone on from there",
            go_on_with_a_witness,
        ),
        StagedLie("the database's file cut", cut),
        StagedLie("the roster of services set back, and told", set_roster_back(told=True)),
        StagedLie("the roster of services set back, and not told", set_roster_back(told=False)),
    ]


def set_back(scene: Scene, chance: random.Random) -> str | None:
    """To the end of the first chapter, with the checkpoint and the cosignatures of then."""
    shutil.copyfile(scene.past.place / "before.sqlite3", scene.file)
    return "the database is a backup, and nothing of what came after happened"


def go_on_from_backup(scene: Scene, chance: random.Random) -> str | None:
    """Until the tree is larger than any that anybody saw; witnesses are asked, as they are every time."""
    set_back(scene, chance)
    _grow(scene, chance)
    return "the database is a backup, and other things happened since"


def go_on_with_a_witness(scene: Scene, chance: random.Random) -> str | None:
    """The operator runs the second witness, too, and sets it back as well: what it cosigns is a quorum."""
    set_back(scene, chance)
    forget_second_chapter(scene, WITNESSES[1:])
    _grow(scene, chance)
    return "the database and a witness are of a backup, and other things happened since"


def set_roster_back(told: bool) -> Tell:
    """A service starts again under a roster of before, which the operators signed as they did this one."""

    def tell(scene: Scene, chance: random.Random) -> str | None:
        trust, entries = scene.past.trust, scene.books.entries()
        known = next(leaf_of(one)["document"] for one in entries if leaf_of(one)["type"] == "directory.roster")
        raw = encode_canonical_json(known)
        roster = verify_roster(raw, trust.operator_keys, trust.operator_quorum, trust.origin)
        issued_at = roster.issued_at - timedelta(days=chance.randrange(1, 90))
        draft = draft_roster(trust.origin, issued_at, tuple(roster.services.values()))
        older = encode_signed_document(draft, [sign_roster(draft, one) for one in scene.past.operators])
        digest = encode_b64u(sha256(draft).digest())
        added = [entry_of(scene, "directory.roster", roster_sha256=digest, document=json.loads(older))] if told else []
        service = chance.choice(sorted(roster.services))
        fields = {"service": service, "version": "0.1.0", "process": new_uuid7(scene.now()), "roster_sha256": digest}
        added.append(entry_of(scene, "exchange.started", **fields, started_at=encode_time(scene.now())))
        scene.books.write([*entries, *added], scene.witnesses)
        return f"{service} works under the roster of {encode_time(issued_at)}"

    return tell


def _grow(scene: Scene, chance: random.Random) -> None:
    entries = scene.books.entries()
    size = len(entries) + chance.randrange(300, 400)
    scene.books.write([*entries, *(started(scene.now(), at) for at in range(len(entries), size))], scene.witnesses)


def cut(scene: Scene, chance: random.Random) -> str | None:
    size = scene.file.stat().st_size
    left = chance.randrange(size)
    os.truncate(scene.file, left)
    return f"{left} of {size} bytes are left"
