"""A log that grows and a witness that watches it, both in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry

from shared.audit.tree import prove_consistency
from shared.audit.witness_protocol import encode_add_checkpoint
from tests.unit.audit.paper_log import ORIGIN, PaperLog, started_entries
from witness.keys import load_witness
from witness.memory import WitnessMemory
from witness.server import WitnessServer

NAME = "witness.example/w1"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Log:
    """A log that grows, and remembers its checkpoint at each size."""

    origin: str = ORIGIN
    fork: int = 0
    paper: PaperLog = field(init=False)
    notes: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.paper = PaperLog(self.origin, cosigners=())

    def grow(self, count: int) -> None:
        size = len(self.paper.entries)
        entries = started_entries(size + count + self.fork)
        self.paper.append(entries[self.fork :][size:])
        self.notes[size + count] = self.paper.files["checkpoint"]

    def request(self, old: int, new: int) -> bytes:
        proof = prove_consistency(old, new, self.paper.reader(new)) if 0 < old < new else []
        return encode_add_checkpoint(old, proof, self.notes[new])


class Witness:
    """The server in this process; `restarted` is another process on the same files, as far as a test can play it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.memory = WitnessMemory(directory)
        self.now = NOW
        server = WitnessServer(load_witness(directory), self.memory, lambda: self.now, CollectorRegistry())
        self.app = server.app
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://witness")

    async def add(self, request: bytes) -> httpx2.Response:
        return await self.http.post("/add-checkpoint", content=request)

    async def restarted(self) -> Witness:
        await self.close()
        return Witness(self.directory)

    async def close(self) -> None:
        await self.http.aclose()
        self.memory.close()
