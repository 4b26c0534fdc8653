"""A small file of the state directory: what a process must not forget when its database does.

Written whole and synced before it is renamed. Never restored from a backup: it is what tells that the database was.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared.adapters.durable_file import write_durably
from shared.errors import SettingsRefused, StoreUnavailable

MAX_KEPT_BYTES: Final = 4096


class KeptFile:
    """Bound to one exchange. `chapter` is where the operator's guide says what to do about it."""

    def __init__(self, file: Path, origin: str, chapter: str) -> None:
        self._file = file
        self._origin = origin
        self._chapter = chapter

    def read(self) -> Mapping[str, Any] | None:
        """None where there is none. Raises SettingsRefused when it cannot be read, or is another exchange's."""
        try:
            with self._file.open("rb") as opened:
                document = json.loads(opened.read(MAX_KEPT_BYTES))
            origin = document["origin"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as broken:
            raise self.unreadable(broken) from None
        if origin != self._origin:
            raise SettingsRefused(why=f"{self._file} belongs to the ledger {origin}, not to {self._origin}")
        found: Mapping[str, Any] = document
        return found

    def unreadable(self, why: object) -> SettingsRefused:
        return SettingsRefused(why=f"{self._file} cannot be read ({why}); see `{self._chapter}` in the guide")

    async def write(self, members: Mapping[str, object]) -> None:
        """Durable on return. Raises StoreUnavailable."""
        content = json.dumps({"origin": self._origin, **members}).encode()
        try:
            await asyncio.to_thread(write_durably, self._file, content)
        except OSError as failed:
            raise StoreUnavailable(why=f"{self._file} cannot be written: {failed.strerror}") from failed
