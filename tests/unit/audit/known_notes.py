"""What notes are made and verified with: the one of Go's documentation, the text of a checkpoint, a witness."""

from __future__ import annotations

from base64 import b64decode

from shared.audit.notes import NoteSigner, SignatureType
from shared.audit.signers import signer_from_seed
from shared.audit.tree_head import TreeHead, encode_tree_head
from tests.unit.audit.paper_log import ORIGIN, seed_of

# From the documentation of golang.org/x/mod/sumdb/note; the seed is that of its private key.
NEUMANN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NEUMANN_NOTE = f"{NEUMANN_TEXT}\n{NEUMANN_LINE}".encode()
ENOCH_ROOT_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

CHECKPOINT_TEXT = encode_tree_head(TreeHead(ORIGIN, 3, seed_of("a root")))


def witness(type_: SignatureType, name: str = "witness.example/w1") -> NoteSigner:
    return signer_from_seed(name, type_, seed_of(name))
