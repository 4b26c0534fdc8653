"""The judge of the ledger: exported, verified and replayed by the auditor's own program, after every fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from client.auditor import verify_ledger
from client.ledger_export import export_ledger
from client.ledger_source import CHECKPOINT, DirectoryLedger, LedgerSource
from shared.audit.checkpoint import parse_log_keys, verify_checkpoint
from shared.audit.leaves import parse_entry
from shared.audit.tiles import TILE_WIDTH, TileHashReader, bundle_at, parse_bundle
from shared.audit.tree import prove_consistency, verify_consistency
from shared.domain.ids import parse_time
from shared.errors import LedgerInvalid
from shared.keys.trust import Trust
from tests.outages.findings import Finding, Harm
from tests.outages.history import CheckpointRead
from tests.outages.judges import Leaves


class LedgerJudge:
    """Keeps an export of one exchange's ledger in a directory."""

    def __init__(self, directory: Path, trust: Trust) -> None:
        self._directory = directory
        self._trust = trust
        self._checked = 0
        self._last_size = 0

    def judge(self, source: LedgerSource, read: Sequence[CheckpointRead]) -> list[Finding]:
        """Export what is new, which must continue what was exported before; verify all of it; and hold every checkpoint
        that anybody read against it. Raises what the source raises when it cannot be reached."""
        try:
            export_ledger(source, self._directory, self._trust)
        except LedgerInvalid as broken:
            return [Finding(Harm.wrong, f"the ledger cannot be exported: {broken}")]
        report = verify_ledger(DirectoryLedger(self._directory), self._trust, workers=0)
        findings = [Finding(Harm.wrong, f"leaf {one.index}: {one.what}: {one.why}") for one in report.differences]
        if not report.finished:
            findings.append(Finding(Harm.wrong, "the ledger could not be read to its end"))
        return findings + self._judge_checkpoints(read)

    def leaves(self) -> Leaves:
        """What the exported ledger says of messages."""
        decisions: Counter[tuple[str, str, str]] = Counter()
        evidences: Counter[tuple[str, str, str]] = Counter()
        late = []
        ledger = DirectoryLedger(self._directory)
        size = verify_checkpoint(ledger.read(CHECKPOINT), parse_log_keys(self._trust.log_vkeys)).head.size
        for number in range(-(-size // TILE_WIDTH)):
            bundle = bundle_at(number, size)
            for entry in parse_bundle(ledger.read(bundle.path), bundle.width):
                logged_at, leaf = parse_entry(entry)
                subject, _, what = leaf.type.partition(".")
                if subject == "decision":
                    decisions[leaf.fields["message"], leaf.fields["envelope_sha256"], what] += 1
                    if logged_at > parse_time(leaf.fields["decide_by"]):
                        late.append(leaf.fields["message"])
                elif subject == "evidence":
                    evidences[what, leaf.fields["message"], leaf.fields["recipient"]] += 1
        return Leaves(decisions, evidences, tuple(late))

    def _judge_checkpoints(self, read: Sequence[CheckpointRead]) -> list[Finding]:
        """No checkpoint is smaller than one read before, and each is a beginning of the exported tree."""
        log_keys = parse_log_keys(self._trust.log_vkeys)
        ledger = DirectoryLedger(self._directory)
        whole = verify_checkpoint(ledger.read(CHECKPOINT), log_keys).head
        tiles = TileHashReader(whole.size, lambda tile: ledger.read(tile.path))
        findings = []
        for one in read[self._checked :]:
            try:
                head = verify_checkpoint(one.note, log_keys).head
                if head.size < self._last_size:
                    findings.append(Finding(Harm.wrong, f"a checkpoint of {head.size} came after {self._last_size}"))
                self._last_size = head.size
                proof = prove_consistency(head.size, whole.size, tiles)
                verify_consistency(head.size, head.root, whole.size, whole.root, proof)
            except LedgerInvalid as broken:
                findings.append(Finding(Harm.wrong, f"a checkpoint that was read is not of this ledger: {broken}"))
        self._checked = len(read)
        return findings
