"""A whole ledger verified from outside, with nothing but the trust file; every step is made on the reader's machine.

The argument, step by step:
 1. the checkpoint is of this log, both of the log's keys signed it, and a quorum of the trust file's witnesses
    cosigned
 2. it continues every tree of this log that was seen before: the newest one of earlier readings, and those that
    somebody else was shown
 3. every entry bundle is there, of its exact size, and so is every tile of hashes
 4. every entry parses: a time that does not go back, a leaf of the catalogue in its one form
 5. every entry is hashed again; every tile, full or partial, on every level, holds the hashes that result
 6. the root that results is the checkpoint's
 7. every leaf says what follows from those before it (`audit_leaves.py`): key events by the operators' keys, decisions
    by the envelopes' signatures and intake's rules, evidences by decisions
 8. what was promised by receipts, if any are given, was kept (`audit_promises.py`)

Rules:
1. It imports nothing of the server's storage and asks the source for files only.
2. Memory is bounded: some bundles, one tile per level, the operators' documents; everything else that must be
   remembered lies in the audit's file, and a reading that was broken off goes on from there.
3. A difference is named and the reading goes on, as far as what is there allows; `AuditReport.ok` says whether all was
   read and nothing differed. Only a source that cannot be reached or read, and a file that cannot be written, raise:
   then nothing is said of the ledger.

It cannot see what was never logged: a sender finds that out by its receipt, a recipient by `seen`, and everybody by
comparing checkpoints with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from client.audit_documents import CLOCK_SKEW
from client.audit_file import AuditFile, Position
from client.audit_leaves import LeafJudge
from client.audit_promises import check_promises
from client.audit_reading import Progress, Reading, Workers, few_collections
from client.audit_report import OLDER_COPY, AuditReport
from client.audit_workers import WORKERS
from client.ledger_proofs import prove_beginning
from client.ledger_source import CHECKPOINT, DirectoryLedger, LedgerSource
from shared.apisig.receipts import Receipt
from shared.audit.checkpoint import VerifiedCheckpoint
from shared.audit.quorum import rule_of
from shared.audit.tiles import root_from_tiles
from shared.audit.tree import verify_consistency
from shared.audit.tree_head import TreeHead
from shared.domain.ids import encode_time
from shared.errors import LedgerInvalid, NotThere, QuorumMissing
from shared.keys.trust import Trust

SEEN_HERE: Final = "what was read here before"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the auditor has over another road: checkpoints that others were shown, and receipts of parties, by name.
    `now` is the auditor's clock; None leaves unsaid what only a clock can tell."""

    checkpoints: Sequence[tuple[str, VerifiedCheckpoint]] = ()
    receipts: Sequence[tuple[str, Receipt]] = ()
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenBefore:
    """What was read here of this log: its newest checkpoint, and the roots of its beginnings, where they are known."""

    checkpoint: VerifiedCheckpoint
    root_at: Callable[[int], bytes | None]


NOTHING_ELSE: Final = Elsewhere()


def verify_ledger(
    source: LedgerSource,
    trust: Trust,
    progress: Progress | None = None,
    *,
    workers: int = WORKERS,
    file: AuditFile | None = None,
    elsewhere: Elsewhere = NOTHING_ELSE,
    seen: SeenBefore | None = None,
    report: AuditReport | None = None,
) -> AuditReport:
    """Verify everything, as the module's steps say, from where `file` stands on. What was `seen` before is held
    against it, and so is what `file` knows. Raises what the source raises when it cannot be reached or read, and
    AuditFileUnusable."""
    report = report or AuditReport(trust.origin)
    with ExitStack() as closing:
        opened = file or closing.enter_context(AuditFile())
        closing.enter_context(opened.guarded())
        position = opened.position()
        report.restore(position.size, position.figures)
        checkpoint = _read_checkpoint(source, trust, report)
        if checkpoint is None:
            return report
        head = checkpoint.head
        note, read = opened.head(), _read_here(trust, position)
        if note is not None:
            kept = SeenBefore(rule_of(trust).read(note), opened.root_at)
            seen = max(kept, seen or kept, key=lambda one: one.checkpoint.head.size)
        for name, other in elsewhere.checkpoints:
            _check_signed(checkpoint, name, other, source, report)
        if seen is not None:
            _check_seen(checkpoint, seen, source, report)
        if read is not None and not _continues(head, read, opened.root_at(head.size), source, report):
            return report  # what was read here is of another tree, or is more
        judge = LeafJudge(trust, opened.memory, report)
        with few_collections(), Workers(workers, head.size - position.size) as pool:
            Reading(source, head, judge, report, opened, pool, progress).run(position)
        if report.last_logged_at and elsewhere.now and report.last_logged_at > elsewhere.now + CLOCK_SKEW:
            last, now = encode_time(report.last_logged_at), encode_time(elsewhere.now)
            why = f"its last entry was logged at {last}, and this machine's clock says {now}: is that clock right?"
            report.differ(None, "post-dated", why)
        if report.finished:
            check_promises(opened.memory, report, elsewhere.receipts, elsewhere.now)
        if _read_here(trust, opened.position()) == head:
            if seen is not None and not report.contradicting:
                _check_read(checkpoint, seen, opened, report)
            opened.keep_head(checkpoint.note)
    return report


def _read_checkpoint(source: LedgerSource, trust: Trust, report: AuditReport) -> VerifiedCheckpoint | None:
    """Step 1."""
    rule = rule_of(trust)
    try:
        checkpoint = rule.read(source.read(CHECKPOINT))
    except NotThere:
        report.differ(None, "checkpoint", "there is no signed checkpoint")
        return None
    except LedgerInvalid as broken:
        report.differ(None, "checkpoint", broken)
        return None
    report.size, report.root = checkpoint.head.size, checkpoint.head.root.hex()
    report.witnesses = rule.witnesses_of(checkpoint)
    try:
        rule.require_quorum(checkpoint)
    except QuorumMissing as missing:  # what it says is read all the same: a fork that no witness signed is evidence
        report.differ(None, "witnesses", missing)
    return checkpoint


def _check_signed(
    own: VerifiedCheckpoint, name: str, other: VerifiedCheckpoint, source: LedgerSource, report: AuditReport
) -> None:
    """Step 2, for a checkpoint that others were shown: two that do not agree convict the log."""
    try:
        why_not = _difference(own.head, other.head, source)
    except NotThere:
        here, there = own.head.size, other.head.size
        if here < there:
            unproven = f"it has {here} entries, and {name} is of {there}: bring it up to date, then compare"
        else:
            unproven = f"the tiles that would show whether it agrees with {name} are not here"
        report.differ(None, "unproven", unproven)
        return
    except LedgerInvalid as damaged:
        report.differ(None, "unproven", f"nothing shows whether it agrees with {name}: {damaged.facts['why']}")
        return
    if why_not is not None:
        report.differ(None, "forked", f"it does not agree with {name}: {why_not}")
        report.contradicting += [own.note, other.note]


def _check_seen(own: VerifiedCheckpoint, seen: SeenBefore, source: LedgerSource, report: AuditReport) -> None:
    """Step 2, for what was read here before.

    A log that has shrunk contradicts itself where the exchange serves it. A copy may be one that was made earlier: it
    is told from a rollback where it is a beginning of what was read here. That, too, is a difference: whoever hands it
    over as the newest withholds what followed.
    """
    size, before = own.head.size, seen.checkpoint.head.size
    report.earlier_size = before
    if size < before:
        root = seen.root_at(size)
        if root is not None and root != own.head.root:
            what, why = "forked", f"it does not agree with {SEEN_HERE}: its first {size} entries had another root"
        elif root is not None and isinstance(source, DirectoryLedger):
            _tell_older(size, before, report)
            return
        else:
            what, why = "rolled-back", f"it has {size} entries; {before} were there when it was read here before"
    else:
        try:
            differs = _difference(own.head, seen.checkpoint.head, source)
        except (NotThere, LedgerInvalid):
            return  # tiles that are gone or damaged show nothing; what is read is held against it by its own hashes
        if differs is None:
            return
        what, why = "forked", f"it does not agree with {SEEN_HERE}: {differs}"
    report.differ(None, what, why)
    report.contradicting += [own.note, seen.checkpoint.note]


def _check_read(own: VerifiedCheckpoint, seen: SeenBefore, file: AuditFile, report: AuditReport) -> None:
    """Step 2 by the entries that were read, which make the root of `own`, and not by the tiles that were shown."""
    head = seen.checkpoint.head
    if head.size <= own.head.size and file.root_at(head.size) != head.root:
        why = f"it does not agree with {SEEN_HERE}: its first {head.size} entries had another root"
        report.differ(None, "forked", why)
        report.contradicting += [own.note, seen.checkpoint.note]


def _read_here(trust: Trust, position: Position) -> TreeHead | None:
    """The tree of the entries that were read into this file."""
    if not position.size:
        return None
    return TreeHead(trust.origin, position.size, root_from_tiles(position.size, position.edge.__getitem__))


def _tell_older(size: int, before: int, report: AuditReport) -> None:
    report.differ(None, OLDER_COPY, f"it has the first {size} of the {before} entries that were read here before")


def _continues(
    head: TreeHead, seen: TreeHead, beginning: bytes | None, source: LedgerSource, report: AuditReport
) -> bool:
    """Whether the reading may go on; a difference that no two signed checkpoints show yet is named here. `beginning` is
    the root that the first entries, as many as `head` has, had when they were read."""
    try:
        why_not = _difference(seen, head, source)
    except NotThere:
        why_not = None if head.size >= seen.size else "the tiles that were read are gone"
    except LedgerInvalid as damaged:
        report.differ(None, "tile", f"nothing shows whether it continues {SEEN_HERE}: {damaged.facts['why']}")
        return False
    if head.size < seen.size:
        why_not = why_not or f"it has {head.size} entries, {seen.size} were read here"
    if why_not is not None and not report.contradicting and not report.is_older_copy:
        if beginning == head.root and isinstance(source, DirectoryLedger):
            _tell_older(head.size, seen.size, report)
        else:
            report.differ(None, "forked", f"it does not continue what was read here before: {why_not}")
    return why_not is None


def _difference(one: TreeHead, other: TreeHead, source: LedgerSource) -> str | None:
    """Why these two heads cannot be of one log that only grows, in words; None if they are of one. Raises NotThere
    where the source lacks the tiles that would show it, LedgerInvalid where they are damaged."""
    older, newer = sorted((one, other), key=lambda head: head.size)
    hashes = prove_beginning(source, older.size, newer)
    try:
        verify_consistency(older.size, older.root, newer.size, newer.root, hashes)
    except LedgerInvalid as broken:
        return str(broken)
    return None
