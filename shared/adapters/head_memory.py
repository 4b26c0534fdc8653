"""`ports.HeadMemory` in one small file of the ledger's state directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.adapters.kept_file import KeptFile
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.ports.ledger import KeptHead

HEAD_FILE: Final = "ledger-head.json"


class FileHeadMemory:
    """Bound to one log. Raises SettingsRefused when the file is there and cannot be read, or is another log's."""

    def __init__(self, directory: Path, origin: str) -> None:
        self._file = KeptFile(directory / HEAD_FILE, origin, "The ledger halted")
        self._last = self._read()

    def last(self) -> KeptHead | None:
        return self._last

    async def keep(self, head: KeptHead) -> None:
        if head == self._last:
            return
        await self._file.write({"size": head.size, "root": encode_b64u(head.root)})
        self._last = head

    def _read(self) -> KeptHead | None:
        document = self._file.read()
        try:
            return None if document is None else KeptHead(int(document["size"]), parse_b64u(document["root"], 32))
        except (ValueError, KeyError, TypeError) as broken:
            raise self._file.unreadable(broken) from None
