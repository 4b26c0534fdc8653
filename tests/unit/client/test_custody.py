"""Everything signs and opens through the two protocols of custody; few modules may look behind them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOOK_BEHIND = {
    "seed": {"client/key_file.py", "client/keystore.py", "client/key_bundle.py"},
    "hpke_key": {"client/signing.py", "client/sealing.py", "client/archive.py"},
}
"""A seed leaves a key for its file alone. `hpke_key` seals to public keys; `SoftwareOpener` alone opens with one."""


@pytest.mark.parametrize("attribute", LOOK_BEHIND)
def test_no_other_module_looks_behind_a_key(attribute: str) -> None:
    looking = {
        str(file.relative_to(ROOT))
        for folder in ("client", "comity")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == attribute
    }
    assert looking <= LOOK_BEHIND[attribute]
    assert looking, "the test looks for nothing"


def test_no_module_asks_of_which_class_a_key_of_its_bundle_is() -> None:
    """Whoever asks `isinstance(key, Ed25519Signer)` shuts hardware out."""
    asking = {
        str(file.relative_to(ROOT))
        for folder in ("client", "comity")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "isinstance"
        and any(
            isinstance(name, ast.Name) and name.id in ("Ed25519Signer", "MLDSA65Signer")
            for name in ast.walk(node.args[1])
        )
    }
    assert asking == set()
