"""`ports.HeadMemory` in one small file of the ledger's state directory, written whole and synced before it is renamed.

The file is never restored from a backup: it is what tells that the database was.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

from shared.adapters.durable_file import write_durably
from shared.errors import SettingsRefused, StoreUnavailable
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.ports.ledger import KeptHead

HEAD_FILE: Final = "ledger-head.json"


class FileHeadMemory:
    """Bound to one log. Raises SettingsRefused when the file is there and cannot be read, or is another log's."""

    def __init__(self, directory: Path, origin: str) -> None:
        self._file = directory / HEAD_FILE
        self._origin = origin
        self._last = _read(self._file, origin)

    def last(self) -> KeptHead | None:
        return self._last

    async def keep(self, head: KeptHead) -> None:
        if head == self._last:
            return
        document = {"origin": self._origin, "size": head.size, "root": encode_b64u(head.root)}
        try:
            await asyncio.to_thread(write_durably, self._file, json.dumps(document).encode())
        except OSError as failed:
            raise StoreUnavailable(why=f"{self._file} cannot be written: {failed.strerror}") from failed
        self._last = head


def _read(file: Path, origin: str) -> KeptHead | None:
    try:
        document = json.loads(file.read_bytes())
        if document["origin"] != origin:
            raise SettingsRefused(why=f"{file} belongs to the ledger {document['origin']}, not to {origin}")
        return KeptHead(int(document["size"]), parse_b64u(document["root"], 32))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise SettingsRefused(why=f"{file} cannot be read ({broken}); see `The ledger halted` in the guide") from None
