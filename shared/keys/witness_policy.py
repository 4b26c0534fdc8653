"""Who must have cosigned a checkpoint before it is believed: the text of a C2SP tlog-policy.

Rules (tlog-policy, "Policy file syntax and structure"):
1. Lines of words that blanks or tabs divide: `log`, `witness`, `group`, `quorum`; empty lines and comments are ignored.
2. A group or the quorum names what stands on lines before it. A name is a member of one group at most, so that a
   witness counts once. The quorum stands exactly once; `quorum none` asks for nobody.
3. A group of threshold k is met when k of its members are: 1 <= k <= members. An empty set meets nothing.
4. `none` alone stands for `quorum none`, as trust files of development have it.

Keys are texts here; `shared.audit.quorum` reads them, refuses one that stands twice, and weighs checkpoints by it all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import TrustFileInvalid

NO_WITNESSES: Final = "none"
MAX_OF_EACH: Final = 32
"""Logs, witnesses, groups: what the specification asks every implementation to take."""
_COUNT: Final = re.compile(r"[1-9][0-9]{0,3}")
_BLANK: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Witness:
    """One line `witness`. `url` is where it takes checkpoints, as its submission prefix; readers need none."""

    name: str
    vkey: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """A checked policy. `quorum` is the name of a witness or of a group; None where nobody need cosign."""

    logs: tuple[str, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str | None

    def is_met_by(self, cosigned: Collection[str]) -> bool:
        """Whether these witnesses, by their names in the policy, are a quorum."""
        return self.quorum is None or self._counts(self.quorum, cosigned)

    def _counts(self, name: str, cosigned: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigned
        return sum(self._counts(member, cosigned) for member in group.members) >= group.threshold

    def told(self) -> str:
        """The quorum in words, for people."""
        return "no witness" if self.quorum is None else self._told(self.quorum)

    def _told(self, name: str) -> str:
        group = self.groups.get(name)
        if group is None:
            return name
        members = ", ".join(self._told(member) for member in group.members)
        return f"{group.threshold} of ({members})"


def parse_witness_policy(text: str) -> WitnessPolicy:
    """Raises TrustFileInvalid, which names the line."""
    reading = _Reading()
    for number, line in enumerate((f"quorum {text}" if text == NO_WITNESSES else text).split("\n"), start=1):
        try:
            reading.take(line)
        except ValueError as wrong:
            raise TrustFileInvalid(why=f"line {number} of the witness policy: {wrong}") from None
    if not reading.has_quorum:
        raise TrustFileInvalid(why="the witness policy has no line `quorum`; write one, of a witness or of a group")
    return WitnessPolicy(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum)


class _Reading:
    def __init__(self) -> None:
        self.logs: list[str] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.has_quorum = False
        self._members: set[str] = set()

    def take(self, line: str) -> None:
        if any((character < " " and character != "\t") or character == "\x7f" for character in line):
            raise ValueError("it has a control character")
        words = [word for word in _BLANK.split(line) if word]
        if not words or words[0].startswith("#"):
            return
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._log(vkey)
            case ["witness", name, vkey]:
                self._witness(Witness(name, vkey, None))
            case ["witness", name, vkey, url]:
                self._witness(Witness(name, vkey, url))
            case ["group", name, threshold, *members]:
                self._group(name, threshold, tuple(members))
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise ValueError("it is no line `log`, `witness`, `group` or `quorum` with the words that these have")

    def _log(self, vkey: str) -> None:
        if vkey in self.logs or len(self.logs) == MAX_OF_EACH:
            raise ValueError(f"a log stands twice, or there are more than {MAX_OF_EACH}")
        self.logs.append(vkey)

    def _witness(self, witness: Witness) -> None:
        self._claim(witness.name, len(self.witnesses))
        self.witnesses[witness.name] = witness

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        known = {"any": 1, "all": len(members)}.get(threshold)
        count = int(threshold) if known is None and _COUNT.fullmatch(threshold) else known
        if count is None or not 1 <= count <= len(members):
            raise ValueError(f"the threshold {threshold} is not `any`, `all` or a number from 1 to {len(members)}")
        for member in members:
            self._require_known(member)
            if member in self._members:
                raise ValueError(f"{member} is a member already: each counts once")
            self._members.add(member)
        self._claim(name, len(self.groups))
        self.groups[name] = Group(name, count, members)

    def _quorum(self, name: str) -> None:
        if self.has_quorum:
            raise ValueError("there is a second quorum")
        self.has_quorum = True
        if name != NO_WITNESSES:
            self._require_known(name)
            self.quorum = name

    def _require_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"{name} is no witness or group of a line before it")

    def _claim(self, name: str, already: int) -> None:
        if name == NO_WITNESSES or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name {name} is taken")
        if already == MAX_OF_EACH:
            raise ValueError(f"there are more than {MAX_OF_EACH}")
