"""The judges of a history: what was answered, held against what was written. Pure; `ledger_judge` reads the ledger.

What each message must have left, when nothing is in hand any more:
1. answered 202 or 200: exactly one decision and one leaf of it; answered by refusals alone: nothing; not answered, or
   as busy: nothing, or one decision
2. accepted: one envelope, one copy for its sender and each recipient, one evidence of each delivery, and one entry in
   each feed that it concerns; rejected: one entry in its sender's feed
3. fetched by a recipient: one evidence and one entry in the sender's feed, however often it was fetched
4. repeated: the receipt that counts is one that was given, and the same one every time
5. feeds are numbered without a gap, and nobody ever read them otherwise
6. nothing is there that nobody sent
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.outages.findings import Finding, Harm, compare_counts
from tests.outages.history import Call, FeedRead, Fetch, History, Submission
from tests.outages.rows import Rows

TAKEN = (200, 202)
ANSWER_WITHIN_S = 10.0
FEED_PAGE_LEAST = 100
"""A page with fewer entries had no more to tell."""


@dataclass(frozen=True)
class Leaves:
    """What the exported ledger says."""

    decisions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(message, digest, `accepted` or `rejected`)."""
    evidences: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(kind, message, recipient)."""
    late: tuple[str, ...] = ()
    """Messages that were decided after their receipt's deadline."""


@dataclass(frozen=True)
class Window:
    """A time in which calls may break or wait, because the very gateway that they reach is dead or frozen."""

    began: float
    ended: float

    def overlaps(self, call: Call) -> bool:
        return call.began <= self.ended and self.began <= call.ended


def judge_effects(history: History, rows: Rows, leaves: Leaves) -> list[Finding]:
    """Rules 1 to 4 and 6."""
    sent = _by_envelope(history.submissions)
    decided = Counter(dict.fromkeys(sent, 0))
    accepted: dict[str, Submission] = {}
    rejected: Counter[tuple[str, str]] = Counter()
    for (message, digest, decision), count in rows.decisions.items():
        decided[message, digest] += count
        one = sent.get((message, digest))
        if one and decision == "accepted":
            accepted[message] = one[0]
        elif one:
            rejected[one[0].sender, message] += count
    findings = list(_judge_decisions(sent, decided))
    findings += compare_counts("decision leaf", rows.decisions, leaves.decisions)
    findings += [Finding(Harm.wrong, f"{message} was decided after its deadline") for message in leaves.late]
    findings += _judge_deliveries(accepted, rows, leaves)
    findings += _judge_retrievals(accepted, history.fetches, rows, leaves)
    findings += compare_counts("feed entry message.rejected", rejected, _feed(rows, "message.rejected"))
    findings += _judge_receipts(sent, rows)
    return findings


def _by_envelope(submissions: Sequence[Submission]) -> dict[tuple[str, str], list[Submission]]:
    sent: dict[tuple[str, str], list[Submission]] = defaultdict(list)
    for one in list(submissions):
        sent[one.message, one.digest].append(one)
    return sent


def _judge_decisions(
    sent: dict[tuple[str, str], list[Submission]], decided: Counter[tuple[str, str]]
) -> Iterator[Finding]:
    for key, count in decided.items():
        statuses = [one.call.status for one in sent.get(key, [])]
        name = f"{key[0]} ({', '.join(map(str, statuses))})"
        if count > 1:
            yield Finding(Harm.duplicated, f"{name} was decided {count} times")
        if not statuses:
            yield Finding(Harm.wrong, f"{name} was decided, and nobody sent it")
        elif any(status in TAKEN for status in statuses) and not count:
            yield Finding(Harm.lost, f"{name} was taken and never decided")
        elif all(status is not None and 400 <= status < 500 for status in statuses) and count:
            yield Finding(Harm.wrong, f"{name} was refused and decided all the same")


def _judge_deliveries(accepted: dict[str, Submission], rows: Rows, leaves: Leaves) -> Iterator[Finding]:
    readers = Counter((reader, one.message) for one in accepted.values() for reader in {one.sender, *one.recipients})
    received = Counter((reader, one.message) for one in accepted.values() for reader in one.recipients)
    by_sender = Counter((one.sender, one.message) for one in accepted.values())
    delivered = Counter(("delivery", message, reader) for reader, message in received)
    yield from compare_counts(
        "claim", dict.fromkeys(accepted, 1), +Counter({one: rows.claims[one] for one in accepted})
    )
    yield from compare_counts("envelope", dict.fromkeys(accepted, 1), rows.envelopes)
    yield from compare_counts("mailbox copy", readers, rows.mailboxes)
    yield from compare_counts("evidence", delivered, _of_kind(rows.evidences, "delivery"))
    yield from compare_counts("evidence leaf", delivered, _of_kind(leaves.evidences, "delivery"))
    yield from compare_counts("feed entry message.accepted", by_sender, _feed(rows, "message.accepted"))
    yield from compare_counts("feed entry message.delivered", by_sender, _feed(rows, "message.delivered"))
    yield from compare_counts("feed entry message.received", received, _feed(rows, "message.received"))


def _judge_retrievals(
    accepted: dict[str, Submission], fetches: Sequence[Fetch], rows: Rows, leaves: Leaves
) -> Iterator[Finding]:
    """A fetch that was answered is evidenced once; one that was not may be."""
    sure: set[tuple[str, str]] = set()
    maybe: set[tuple[str, str]] = set()
    for fetch in list(fetches):
        one = accepted.get(fetch.message)
        if one is not None and fetch.call.party in one.recipients:
            (sure if fetch.call.status == 200 else maybe).add((fetch.message, fetch.call.party))
    written = _of_kind(rows.evidences, "retrieval")
    sure |= {(message, reader) for _, message, reader in written if (message, reader) in maybe}
    expected = Counter(("retrieval", message, reader) for message, reader in sure)
    told = Counter((accepted[message].sender, message, reader) for message, reader in sure)
    found = Counter((row.authority, row.message, row.recipient) for row in rows.feed if row.type == "message.retrieved")
    yield from compare_counts("evidence", expected, written)
    yield from compare_counts("evidence leaf", expected, _of_kind(leaves.evidences, "retrieval"))
    yield from compare_counts("feed entry message.retrieved", told, found)


def _judge_receipts(sent: dict[tuple[str, str], list[Submission]], rows: Rows) -> Iterator[Finding]:
    for key, attempts in sent.items():
        counts = rows.receipts.get(key)
        if counts is None:
            continue
        given = {one.receipt for one in attempts if one.call.status == 202}
        repeated = {one.receipt for one in attempts if one.call.status == 200}
        is_known = all(one.call.status in (*TAKEN, 409) for one in attempts)
        if repeated - {counts}:
            yield Finding(Harm.wrong, f"a repeat of {key[0]} returned a receipt that is not its decision's")
        if is_known and counts not in given:
            yield Finding(Harm.wrong, f"the decision of {key[0]} names a receipt that nobody was given")


def judge_feeds(history: History, rows: Rows) -> list[Finding]:
    """Rule 5."""
    findings = []
    written: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
    for row in rows.feed:
        written[row.authority][row.position] = (row.type, row.message)
    for party, entries in written.items():
        if sorted(entries) != list(range(1, len(entries) + 1)):
            findings.append(Finding(Harm.lost, f"the feed of {party} has a gap"))
        if rows.heads.get(party) != len(entries):
            findings.append(Finding(Harm.wrong, f"the feed of {party} ends elsewhere than its head says"))
    known: dict[str, int] = defaultdict(int)
    for read in sorted(history.feeds, key=lambda read: read.call.ended):
        findings += _judge_read(read, written[read.call.party], known)
    return findings


def _judge_read(read: FeedRead, written: dict[int, tuple[str, str]], known: dict[str, int]) -> Iterator[Finding]:
    party, last = read.call.party, read.after + len(read.entries)
    if sorted(read.entries) != list(range(read.after + 1, last + 1)):
        yield Finding(Harm.lost, f"{party} read its feed after {read.after} with a gap")
    if any(written.get(position) != entry for position, entry in read.entries.items()):
        yield Finding(Harm.wrong, f"{party} read other entries after {read.after} than its feed has")
    if last < known[party] and len(read.entries) < FEED_PAGE_LEAST:
        yield Finding(Harm.wrong, f"the feed of {party} went back from {known[party]} to {last}")
    known[party] = max(known[party], last)


def judge_answers(calls: Sequence[Call], away: Sequence[Window]) -> list[Finding]:
    """Every call is answered in time: done, refused, or busy and when to come again. `away` are the times in which a
    gateway was dead or frozen."""
    findings = []
    for call in calls:
        if any(window.overlaps(call) for window in away):
            continue
        took_s = call.ended - call.began
        name = f"{call.method} {call.path.split('/')[1:3]} of {call.party}"
        if took_s > ANSWER_WITHIN_S:
            findings.append(Finding(Harm.stuck, f"{name} took {took_s:.1f} s"))
        if call.status is None:
            findings.append(Finding(Harm.wrong, f"{name} got no answer, while the gateway ran"))
        elif call.status >= 500 and not (call.status == 503 and call.says_when):
            findings.append(Finding(Harm.wrong, f"{name} was answered {call.status} {call.code}"))
    return findings


def _feed(rows: Rows, type_: str) -> Counter[tuple[str, str]]:
    return Counter((row.authority, row.message) for row in rows.feed if row.type == type_)


def _of_kind(evidences: Counter[tuple[str, str, str]], kind: str) -> Counter[tuple[str, str, str]]:
    return Counter({key: count for key, count in evidences.items() if key[0] == kind})
