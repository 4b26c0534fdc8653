"""A small file of the state directory: what a process must not forget when its database does.

Written whole and synced before it is renamed. Several processes may share it: who writes holds a lock beside it, and
looks at what it holds now. Never restored from a backup: it is what tells that the database was.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from shared.adapters.durable_file import write_durably
from shared.errors import SettingsRefused, StoreUnavailable

MAX_KEPT_BYTES: Final = 4096
LOCK_SUFFIX: Final = ".lock"

Document = Mapping[str, Any]


class KeptFile:
    """Bound to one exchange. `chapter` is where the operator's guide says what to do about it."""

    def __init__(self, file: Path, origin: str, chapter: str) -> None:
        self._file = file
        self._origin = origin
        self._chapter = chapter

    def read(self) -> Document | None:
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
        found: Document = document
        return found

    def unreadable(self, why: object) -> SettingsRefused:
        return SettingsRefused(why=f"{self._file} cannot be read ({why}); see `{self._chapter}` in the guide")

    async def change(self, judge: Callable[[Document | None], Document | None]) -> bool:
        """Write what `judge` makes of what the file holds now; False where that is None, and nothing is written.

        Durable on return. No other process writes in between. Raises StoreUnavailable, SettingsRefused as `read` does,
        and what `judge` raises.
        """
        try:
            return await asyncio.to_thread(self._change, judge)
        except OSError as failed:
            raise StoreUnavailable(why=f"{self._file} cannot be written: {failed.strerror}") from failed

    def _change(self, judge: Callable[[Document | None], Document | None]) -> bool:
        with self._file.with_suffix(LOCK_SUFFIX).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            members = judge(self.read())
            if members is None:
                return False
            write_durably(self._file, json.dumps({"origin": self._origin, **members}).encode())
            return True
