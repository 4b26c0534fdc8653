"""Officers' key files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from comity.home import Home

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from shared.keys.custody import Signer


def load_officer(place: Home, own: Correspondence, path: Path, *, make: bool = False) -> Signer:
    """An officer's key. Raises OfficerRefused for a key of somebody else."""
    from client.keystore import create_officer_key, load_operator_key, read_kids
    from shared.errors import OfficerRefused

    if make and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return create_officer_key(path, place.passphrase(path, new=True), own.keys.authority, place.key_cost)
    owner, kids = read_kids(path)
    if owner != own.keys.authority or len(kids) != 1:
        raise OfficerRefused(officer=str(path), why=f"no key of one officer of {own.keys.authority}")
    return load_operator_key(path, place.passphrase(path))
