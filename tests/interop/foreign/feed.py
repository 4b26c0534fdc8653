"""A log made by aics-tlog whose checkpoints aics-witness's client submits: `feed.py URL VKEY SEED`. Nothing of Comity.

The log's key is made from SEED, 64 hex digits. One line of JSON tells what became of a tree that grows, is sent again,
is rolled back, forked, and goes on.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from aics_tlog import Checkpoint, MerkleTree, sign_checkpoint
from aics_witness.feeder import FeederError, WitnessClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "foreign.example/log"


def main(url: str, vkey: str, seed: str) -> dict[str, Any]:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    tree, fork = (MerkleTree([b"%s %d" % (word, n) for n in range(400)]) for word in (b"leaf", b"other"))

    def submit(of: MerkleTree, size: int, anew: bool = False) -> str:
        note = sign_checkpoint(Checkpoint(ORIGIN, size, of.root(size)), key, ORIGIN).to_bytes()
        client = WitnessClient(url, vkey, max_attempts=1) if anew else kept
        try:
            client.submit(note, of.consistency_proof)
            return "cosigned"
        except FeederError as refused:
            return f"{type(refused).__name__} {getattr(refused, 'status', '')}".strip()

    with WitnessClient(url, vkey, max_attempts=1) as kept:
        return {
            "grows": [submit(tree, size) for size in (1, 2, 7, 256, 300)],
            "again": submit(tree, 300),
            "anew": submit(tree, 300, anew=True),
            "rolled back": submit(tree, 256, anew=True),
            "forked at its size": submit(fork, 300, anew=True),
            "forked beyond it": submit(fork, 400, anew=True),
            "goes on": submit(tree, 400, anew=True),
        }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:4])))
