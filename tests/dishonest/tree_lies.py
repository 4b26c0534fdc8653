"""Lies about the ledger's tree: it is written again and signed again with the log's own keys.

`seen` lies are told after witnesses cosigned the true tree. `unseen` ones begin where the second chapter does, before
anybody looked: real witnesses cosign them, since they continue what was known, and only what the leaves say is wrong.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.audit.leaf_catalogue import CATALOGUE
from shared.audit.leaf_fields import Kind
from shared.domain.ids import encode_time, parse_time
from tests.dishonest.books import entry_with, leaf_of, logged_at, open_witnesses, started
from tests.dishonest.declared import SEEN, Listed, Worth
from tests.dishonest.scene import Scene
from tests.dishonest.story import WITNESSES

Change = Callable[[list[bytes], int, random.Random], list[bytes]]
"""Entries, how many of them must stay as they are, chance → other entries."""


@dataclass(frozen=True)
class TreeLie:
    way: str
    seen: bool
    change: Change
    worth: Worth = SEEN

    @property
    def name(self) -> str:
        return f"{self.way}, {'after' if self.seen else 'before'} anybody saw it"

    def tell(self, scene: Scene, chance: random.Random) -> str | None:
        before = scene.books.entries()
        after = self.change(list(before), 0 if self.seen else scene.past.first_size, chance)
        if after == before:
            return None
        if not self.seen:
            forget_second_chapter(scene)
        scene.books.write(after, scene.witnesses)
        differing = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), -1)
        return f"{self.name}: {len(before)} entries → {len(after)}, the first other one is {differing}"


def forget_second_chapter(scene: Scene, names: Sequence[str] = WITNESSES) -> None:
    """These witnesses as they were at the end of the first."""
    for witness in scene.witnesses:
        witness.close()
    for name in names:
        shutil.rmtree(scene.place / "witnesses" / name)
        shutil.copytree(scene.past.place / "witnesses-before" / name, scene.place / "witnesses" / name)
    scene.witnesses = open_witnesses(scene.place / "witnesses", scene.past, scene.now)


def all_tree_lies() -> list[TreeLie]:
    ways: dict[str, Change] = {
        "an entry edited": edit_entry,
        "an entry dropped": _drop,
        "an entry put in between": _put_in,
        "an entry told twice": _repeat,
        "two entries exchanged": _exchange,
        "the tail cut off": _cut,
        "an entry logged earlier": _log_earlier,
    }
    found = [TreeLie(way, True, change) for way, change in ways.items()]
    found += [TreeLie(way, False, ways[way]) for way in ("an entry told twice", "an entry logged earlier")]
    found.append(TreeLie("decisions and evidences in another order", False, _exchange_told))
    found.append(TreeLie("a decision by the key event next to its own", False, _judge_by_neighbour, _NEXT_EVENT))
    for type_ in TOLD:
        fields = CATALOGUE[type_]
        own_word = OWN_WORD.get(type_, SEEN)
        dropped = DROPPED.get(type_, own_word)
        found.append(TreeLie(f"{type_} dropped", False, _dropping(type_), dropped))
        for one in fields:
            named = f"{type_}: {one.name}"
            if named in _LACKING:
                continue
            worth = FIELDS.get(named, own_word)
            found.append(TreeLie(f"{named} changed", False, _changing(type_, one.name, one.kind), worth))
        for hours in (-30, -3, 3):
            dated = SEEN if hours > 0 else own_word
            found.append(TreeLie(f"{type_} dated {hours:+} h", False, _dating(type_, hours), dated))
    return found


_NEXT_EVENT: Final = Listed(
    "which of two key events of one minute a decision was judged by is the exchange's own word, as long as its keys are"
    " the same by both"
)
TOLD: Final = (
    *("decision.accepted", "decision.rejected", "evidence.delivery", "evidence.retrieval"),
    *("directory.key-event", "directory.instruments", "exchange.started"),
    *("audit.reading", "exchange.parts-pruned", "exchange.letter-retried"),
    *("evidence.relay-failure", "clock.transport-late", "clock.event"),
)
"""Types of which the second chapter has a leaf; one of every other type is forged (`forged_leaves`)."""
_LACKING: Final = tuple(f"clock.event: {name}" for name in ("owed", "basis", "due"))
"""Fields that those leaves have not: a desk that is called owes nothing yet."""
TOLD_AGAIN: Final = ("exchange.started", "directory.roster")
OWN_WORD: Final[dict[str, Worth]] = {
    "exchange.started": Listed("that a service started, when, and which, is the exchange's own word"),
}
FIELDS: Final[dict[str, Worth]] = {
    "exchange.letter-retried: reason": Listed("why a service set something aside is its own word"),
}
DROPPED: Final[dict[str, Worth]] = {
    "evidence.retrieval": Listed(
        "that a party fetched a message may be left out; nobody but it and the exchange knows"
    ),
    "audit.reading": Listed("that an auditor read may be left out; nobody but it and the exchange knows"),
    "exchange.letter-retried": Listed("what an operator has tried again may be left out: it is what operators do"),
}


def edit_entry(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    place = chance.randrange(kept, len(entries))
    leaf = leaf_of(entries[place])
    entries[place] = entry_with(entries[place], at=encode_time(parse_time(leaf["at"]) + timedelta(seconds=1)))
    return entries


def _drop(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    del entries[chance.randrange(kept, len(entries))]
    return entries


def _put_in(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    place = chance.randrange(kept + 1, len(entries))
    entries.insert(place, started(logged_at(entries[place - 1]), chance.randrange(10**6)))
    return entries


def _repeat(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    """Of what is decided or witnessed; nobody minds a service that starts twice, nor the same roster again."""
    told = [at for at, one in enumerate(entries) if leaf_of(one)["type"] not in TOLD_AGAIN]
    place = chance.choice(told)
    return [*entries, entry_with(entries[place], logged_at(entries[-1]))]


def _exchange(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    one, other = chance.sample(range(kept, len(entries)), 2)
    entries[one], entries[other] = entries[other], entries[one]
    return entries


def _exchange_told(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    """A decision after the evidence of its delivery."""
    for place in range(kept, len(entries)):
        leaf = leaf_of(entries[place])
        if leaf["type"] != "decision.accepted":
            continue
        for other in range(place + 1, len(entries)):
            later = leaf_of(entries[other])
            if later["type"] == "evidence.delivery" and later["message"] == leaf["message"] and chance.random() < 0.6:
                when = logged_at(entries[place])
                moved = entry_with(entries.pop(other), when)
                return [*entries[:place], moved, *entries[place:]]
    return entries


def _cut(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    return entries[: chance.randrange(max(kept, 1), len(entries))]


def _log_earlier(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    place = chance.randrange(max(kept, 1), len(entries))
    at = logged_at(entries[place - 1]) - timedelta(hours=chance.choice((2, 40)))
    entries[place] = entry_with(entries[place], at)
    return entries


def _dropping(type_: str) -> Change:
    def change(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
        places = _places(entries, kept, type_)
        if places:
            del entries[chance.choice(places)]
        return entries

    return change


def _dating(type_: str, hours: int) -> Change:
    def change(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
        for place in chance.sample(_places(entries, kept, type_), min(1, len(_places(entries, kept, type_)))):
            at = parse_time(leaf_of(entries[place])["at"]) + timedelta(hours=hours)
            entries[place] = entry_with(entries[place], at=encode_time(at))
        return entries

    return change


def _changing(type_: str, name: str, kind: Kind) -> Change:
    def change(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
        places = [at for at in _places(entries, kept, type_) if name in leaf_of(entries[at])]
        if not places:
            return entries
        place = chance.choice(places)
        if name == "directory_index":
            entries[place] = entry_with(entries[place], directory_index=_events_before(entries, place) + 1)
            return entries
        said = leaf_of(entries[place])[name]
        others = [leaf for leaf in map(leaf_of, entries) if (name, kind) in _kinds(leaf["type"])]
        candidates = [leaf[name] for leaf in others if leaf.get(name, said) != said]
        value = chance.choice(candidates) if candidates and chance.random() < 0.5 else _OTHER[kind](said)
        if value != said:
            entries[place] = entry_with(entries[place], **{name: value})
        return entries

    return change


def _judge_by_neighbour(entries: list[bytes], kept: int, chance: random.Random) -> list[bytes]:
    """The number of a key event beside the true one, which was logged before the decision as well."""
    place = chance.choice(_places(entries, kept, "decision.accepted"))
    said = leaf_of(entries[place])["directory_index"]
    others = [one for one in (said - 1, said + 1) if 0 <= one <= _events_before(entries, place)]
    entries[place] = entry_with(entries[place], directory_index=chance.choice(others))
    return entries


def _events_before(entries: list[bytes], place: int) -> int:
    return len([one for one in entries[:place] if leaf_of(one)["type"] == "directory.key-event"])


def _kinds(type_: str) -> set[tuple[str, Kind]]:
    return {(field.name, field.kind) for field in CATALOGUE[type_]}


def _places(entries: list[bytes], kept: int, type_: str) -> list[int]:
    return [at for at in range(kept, len(entries)) if leaf_of(entries[at])["type"] == type_]


def _next_letter(text: str) -> str:
    return text[:-1] + ("A" if text[-1:] != "A" else "Q")


def _next_digit(text: str) -> str:
    return text[:-1] + ("1" if text[-1:] != "1" else "2")


def _states(said: Any) -> Any:
    return [{**one, "measures": dict.fromkeys(one["measures"], "refused")} for one in said]


_OTHER: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.AUTHORITY: lambda said: "ES.SGCJI",
    Kind.UUID7: _next_digit,
    Kind.DIGEST: lambda said: ("A" if said[0] != "A" else "B") + said[1:],
    Kind.TIME: lambda said: encode_time(parse_time(said) + timedelta(hours=3)),
    Kind.NUMBER: lambda said: said + 1,
    Kind.CODE: lambda said: f"{said}x",
    Kind.CODES: lambda said: [*said, "not-in-force:fr.bepi"],
    Kind.MEASURES: lambda said: [*said, "M9"],
    Kind.TEXT: lambda said: said.replace("GET", "PUT", 1) if "GET" in said else said + "x",
    Kind.LEG_STATES: _states,
    Kind.OBJECT: lambda said: (
        {**said, "payload": _next_letter(said["payload"])} if "payload" in said else {**said, "x": 1}
    ),
    Kind.OBJECT_OR_NULL: lambda said: None,
}
