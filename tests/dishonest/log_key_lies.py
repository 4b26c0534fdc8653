"""The log's keys are changed: as they should be, unannounced, to others than were announced, and announced too late.

Whatever is handed over is in the hands of all: parties, auditor and witnesses believe the new trust file.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace

from shared.adapters.keyfiles import log_vkeys, new_log_seeds
from shared.audit.checkpoint import parse_log_keys
from shared.audit.notes import SignatureType, parse_vkey
from shared.audit.signers import signer_from_seed
from shared.domain.strict_json import encode_canonical_json
from shared.keys.base64url import encode_b64u
from shared.keys.roster import draft_roster, sign_roster, verify_roster
from shared.keys.signed_document import encode_signed_document, parse_signed_document
from shared.keys.trust import FormerLogKeys
from tests.dishonest.books import leaf_of, open_witnesses, started
from tests.dishonest.own_books import StagedLie, entry_of
from tests.dishonest.scene import Scene
from tests.dishonest.story import WITNESSES
from witness.memory import renew_log

Seeds = dict[str, bytes]


def all_log_key_lies() -> list[StagedLie]:
    return [
        StagedLie("new keys of the log that nobody announced", _unannounced),
        StagedLie("keys of the log announced, and others handed over", _others),
        StagedLie("keys of the log announced, and never handed over", _never_handed),
        StagedLie("new keys of the log, announced after they signed", _too_late),
    ]


def change_log_keys(scene: Scene) -> str:
    """As operators do it: announced in the log of before, then handed over, and the log goes on under them."""
    made = new_log_seeds()
    _announce(scene, made)
    _hand_over(scene, made)
    return "the log has new keys, which were announced"


def _unannounced(scene: Scene, chance: random.Random) -> str | None:
    _hand_over(scene, new_log_seeds())
    return "the trust file of all names keys of the log that no roster announced"


def _others(scene: Scene, chance: random.Random) -> str | None:
    _announce(scene, new_log_seeds())
    _hand_over(scene, new_log_seeds())
    return "the log goes on under other keys than were announced"


def _never_handed(scene: Scene, chance: random.Random) -> str | None:
    _announce(scene, new_log_seeds())
    return "a roster announces keys of the log that no trust file names"


def _too_late(scene: Scene, chance: random.Random) -> str | None:
    made = new_log_seeds()
    _hand_over(scene, made)
    _announce(scene, made)
    return "the log goes on under keys that were announced when they had signed"


def _announce(scene: Scene, seeds: Seeds) -> None:
    """By a quorum of the operators, in the roster that follows the newest one; it is the newest entry."""
    trust, entries = scene.past.trust, scene.books.entries()
    known = [leaf_of(one)["document"] for one in entries if leaf_of(one)["type"] == "directory.roster"]
    raw = encode_canonical_json(known[-1])
    roster = verify_roster(raw, trust.operator_keys, trust.operator_quorum, trust.origin)
    services = tuple(roster.services.values())
    draft = draft_roster(trust.origin, scene.now(), services, log_vkeys(trust.origin, seeds))
    signed = encode_signed_document(draft, [sign_roster(draft, one) for one in scene.past.operators])
    digest = encode_b64u(parse_signed_document(signed).digest())
    told = entry_of(scene, "directory.roster", roster_sha256=digest, document=json.loads(signed))
    scene.books.write([*entries, told], scene.witnesses)


def _hand_over(scene: Scene, seeds: Seeds) -> None:
    """The trust file that names these keys, to everybody; the next entry is signed by them."""
    before, entries = scene.past.trust, scene.books.entries()
    former = (FormerLogKeys(before.log_vkeys, len(entries)), *before.former_log_keys)
    trust = replace(before, log_vkeys=log_vkeys(before.origin, seeds), former_log_keys=former)
    ed25519 = signer_from_seed(trust.origin, SignatureType.ED25519, seeds["ed25519"])
    mldsa44 = signer_from_seed(trust.origin, SignatureType.MLDSA44, seeds["mldsa44"])
    for witness in scene.witnesses:
        witness.close()
    keys, known = parse_log_keys(trust.log_vkeys), [parse_vkey(one) for one in before.log_vkeys]
    for name in WITNESSES:
        renew_log(scene.place / "witnesses" / name, trust.origin, [keys.ed25519, keys.mldsa44], [known])
    scene.past = replace(scene.past, trust=trust, log=(ed25519, mldsa44))
    scene.witnesses = open_witnesses(scene.place / "witnesses", scene.past, scene.now)
    scene.books.write([*entries, started(scene.now(), len(entries))], scene.witnesses)
