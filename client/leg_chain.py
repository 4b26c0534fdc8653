"""The chain of messages on one leg, as this authority knows it: its head, its gaps and its forks.

Rules:
1. Each message names in `seen` an envelope that its sender had processed on the leg. An envelope that is named and not
   known here was withheld or is still on its way: that is a gap, and it stands until the envelope comes.
2. Only a message that changes something moves the head; a reminder or a status query does not.
3. The exchange admits one successor to each envelope. Two of them mean that somebody was told another story: a fork.
   But a result may have crossed a withdrawal: it is admitted, marked late, beside it.
4. What was sent and not decided yet counts as the head, so that two messages can follow each other without waiting;
   what was admitted from the other side meanwhile goes before it.

Pure: the register gives the links.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.profiles import may_cross


@dataclass(frozen=True, slots=True)
class Link:
    """One message on one leg. `order` grows with the time of recording; `settled` means admitted by the exchange."""

    message: str
    digest: str
    seen: str | None
    changes_state: bool
    settled: bool
    order: int
    profile: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """`message` was made by somebody who had seen `missing`, which never came here."""

    dossier: str
    leg: str
    message: str
    missing: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Two admitted messages that both follow `seen`: one of them must have been refused."""

    dossier: str
    leg: str
    seen: str
    messages: tuple[str, ...]


def head_of(links: Iterable[Link]) -> Link | None:
    """The last message that changed the leg: what the next one names as `seen`. None for an unknown leg."""
    by_digest = {link.digest: link for link in links}
    changing = [link for link in by_digest.values() if link.changes_state]
    settled = [link for link in changing if link.settled]
    head = _last_tip(settled, by_digest)
    waiting = [link for link in changing if not link.settled]
    while follower := next((link for link in waiting if head is None or _follows(link, head, by_digest)), None):
        waiting.remove(follower)
        head = follower
    return head


def gaps_of(dossier: str, leg: str, links: Iterable[Link]) -> list[Gap]:
    """Every message that names an envelope unknown here."""
    links = list(links)
    known = {link.digest for link in links}
    return [
        Gap(dossier, leg, link.message, link.seen)
        for link in links
        if link.settled and link.seen is not None and link.seen not in known
    ]


def forks_of(dossier: str, leg: str, links: Iterable[Link]) -> list[Fork]:
    """Every envelope that has two admitted successors."""
    successors: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        if link.settled and link.changes_state and link.seen is not None:
            successors[link.seen].append(link)
    told = {seen: [link for link in both if not _is_late(link, both)] for seen, both in successors.items()}
    return [
        Fork(dossier, leg, seen, tuple(link.message for link in sorted(both, key=lambda one: one.order)))
        for seen, both in told.items()
        if len(both) > 1
    ]


def _is_late(link: Link, beside: list[Link]) -> bool:
    """Whether it crossed one of these."""
    return any(may_cross(link.profile, link.kind, one.kind) for one in beside if one is not link)


def _last_tip(links: list[Link], by_digest: dict[str, Link]) -> Link | None:
    """The message that no other one builds on; of several, which another client's `seen` can leave, the newest."""
    built_on = {ancestor for link in links for ancestor in _ancestors(link, by_digest)}
    tips = [link for link in links if link.digest not in built_on]
    return max(tips, key=lambda link: link.order, default=None)


def _ancestors(link: Link, by_digest: dict[str, Link]) -> set[str]:
    found: set[str] = set()
    digest = link.seen
    while digest is not None and digest not in found:
        found.add(digest)
        before = by_digest.get(digest)
        digest = None if before is None else before.seen
    return found


def _follows(link: Link, head: Link, by_digest: dict[str, Link]) -> bool:
    return link is not head and (link.seen == head.digest or head.digest in _ancestors(link, by_digest))
