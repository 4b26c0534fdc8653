"""By which rules a reading judged: a digest of the program's own text, where it decides what a ledger must say.

What an audit keeps (legs, decisions) follows from these rules. Kept by other ones it is not gone on with: the ledger is
read anew.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import shared

_JUDGING = ("shared/apisig", "shared/audit", "shared/domain", "shared/envelope", "shared/keys", "client")


@cache
def digest_of_rules() -> str:
    """64 hexadecimal digits; another one after any change of the program, however small."""
    root = Path(shared.__path__[0]).parent
    told = sha256()
    for folder in _JUDGING:
        for file in sorted((root / folder).rglob("*.py")):
            told.update(file.relative_to(root).as_posix().encode() + b"\0" + sha256(file.read_bytes()).digest())
    return told.hexdigest()
