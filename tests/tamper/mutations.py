"""Every field of a frame changed in every way, and frames put together from pieces of others.

The adversary has many genuine frames of every queue, knows the format and every public key, and no private key.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tests.tamper.cases import Case, Genuine
from tests.tamper.fields import FIELDS, HEADER, LENGTHS, Fields, join, split, with_lengths

Change = Callable[[bytes, random.Random], bytes]
Splice = Callable[[Fields, Fields, random.Random], bytes]


def _flip(value: bytes, chance: random.Random) -> bytes:
    if not value:
        return b"\x01"
    changed = bytearray(value)
    changed[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _swap_halves(value: bytes, chance: random.Random) -> bytes:
    half = len(value) // 2
    return value[half:] + value[:half]


def _more_or_less(value: bytes, chance: random.Random) -> bytes:
    """As a number, one up or down."""
    number = int.from_bytes(value, "big") + chance.choice((-1, 1))
    return (number % 256 ** len(value)).to_bytes(len(value), "big") if value else b"\x00"


CHANGES: Final[dict[str, Change]] = {
    "one bit flipped": _flip,
    "last byte cut": lambda value, _: value[:-1],
    "first byte cut": lambda value, _: value[1:],
    "cut in half": lambda value, _: value[: len(value) // 2],
    "removed": lambda value, _: b"",
    "one byte longer": lambda value, chance: value + chance.randbytes(1),
    "one byte before": lambda value, chance: chance.randbytes(1) + value,
    "doubled": lambda value, _: value * 2,
    "zeros": lambda value, _: bytes(len(value)),
    "ones": lambda value, _: b"\xff" * len(value),
    "noise": lambda value, chance: chance.randbytes(len(value)),
    "halves exchanged": _swap_halves,
    "backwards": lambda value, _: value[::-1],
    "one more or less": _more_or_less,
}


def _mixed(one: Fields, other: Fields, *from_other: str) -> bytes:
    return join(with_lengths({name: (other if name in from_other else one)[name] for name in FIELDS}))


def _cipher_blocks(one: Fields, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    text = one["ciphertext"]
    blocks = change([text[at : at + 16] for at in range(0, len(text), 16)])
    return join(with_lengths({**one, "ciphertext": b"".join(blocks)}))


def _rename_destination(one: Fields, other: Fields, chance: random.Random) -> bytes:
    names = [b"intake", b"routing", b"notification", b"wakeups", b"ledger", b"gateway"]
    name = chance.choice([name for name in names if name != one["destination"]])
    return join(with_lengths({**one, "destination": name}))


SPLICES: Final[dict[str, Splice]] = {
    "another's epoch header": lambda one, other, _: _mixed(one, other, *HEADER),
    "another's wrap": lambda one, other, _: _mixed(one, other, "encapsulation", "sealed key"),
    "another's wrap and epoch": lambda one, other, _: _mixed(one, other, "epoch", "encapsulation", "sealed key"),
    "another's signature and wrap": lambda one, other, _: _mixed(
        one, other, "encapsulation", "sealed key", "signature"
    ),
    "another's ciphertext": lambda one, other, _: _mixed(one, other, "ciphertext", "tag"),
    "another's ciphertext and counter": lambda one, other, _: _mixed(one, other, "counter", "ciphertext", "tag"),
    "another's ciphertext, counter and time": lambda one, other, _: _mixed(
        one, other, "counter", "sealed at", "ciphertext", "tag"
    ),
    "another's frame id": lambda one, other, _: _mixed(one, other, "frame id"),
    "another's producer and signature": lambda one, other, _: _mixed(one, other, "producer", "signature"),
    "its items exchanged": lambda one, _, chance: _cipher_blocks(
        one, lambda blocks: blocks[len(blocks) // 2 :] + blocks[: len(blocks) // 2]
    ),
    "its items shuffled": lambda one, _, chance: _cipher_blocks(one, lambda blocks: chance.sample(blocks, len(blocks))),
    "its first item dropped": lambda one, _, chance: _cipher_blocks(
        one, lambda blocks: blocks[chance.randint(1, len(blocks)) :]
    ),
    "its last item dropped": lambda one, _, chance: _cipher_blocks(
        one, lambda blocks: blocks[: -chance.randint(1, len(blocks))]
    ),
    "another's items appended": lambda one, other, _: join(
        with_lengths({**one, "ciphertext": one["ciphertext"] + other["ciphertext"]})
    ),
    "no items, tag only": lambda one, *_: join(with_lengths({**one, "ciphertext": b""})),
    "no ciphertext at all": lambda one, *_: join(with_lengths({**one, "ciphertext": b"", "tag": b""})),
    "cut anywhere": lambda one, _, chance: (whole := join(one))[: chance.randrange(len(whole))],
    "cut between two fields": lambda one, _, chance: b"".join(
        [one[name] for name in FIELDS][: chance.randrange(len(FIELDS))]
    ),
    "the next frame behind it": lambda one, other, _: join(one) + join(other),
    "itself behind it": lambda one, *_: join(one) * 2,
    "noise behind it": lambda one, _, chance: join(one) + chance.randbytes(chance.randint(1, 64)),
    "noise before it": lambda one, _, chance: chance.randbytes(chance.randint(1, 64)) + join(one),
    "a frame within a frame": lambda one, other, _: join(with_lengths({**one, "ciphertext": join(other)})),
    "two fields exchanged": lambda one, _, chance: _exchange(one, *chance.sample(FIELDS, 2)),
    "noise, as long": lambda one, _, chance: chance.randbytes(len(join(one))),
    "many bits flipped": lambda one, _, chance: _flip_many(join(one), chance),
    "renamed for another queue": _rename_destination,
}


def _exchange(one: Fields, first: str, second: str) -> bytes:
    return join({**one, first: one[second], second: one[first]})


def _flip_many(whole: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(2, 40)):
        whole = _flip(whole, chance)
    return whole


class Mutator:
    """Endless attacks on the frames of one queue, each different from every genuine frame."""

    def __init__(self, victims: Sequence[Genuine], strangers: Sequence[Genuine], chance: random.Random) -> None:
        """`victims` are frames of the queue that nobody has had yet; `strangers` are of other queues."""
        self._victims = list(victims)
        self._strangers = list(strangers)
        self._known = {one.frame for one in (*victims, *strangers)}
        self._chance = chance

    def fields(self) -> Iterator[Case]:
        """Each field in turn, each time in another way; with its length mended and without."""
        ways = [(way, mended) for way in (*CHANGES, *self._donors()) for mended in (False, True)]
        orders = {name: self._chance.sample(ways, len(ways)) for name in FIELDS}
        while True:
            for turn in range(len(ways)):
                for name in FIELDS:
                    way, mended = orders[name][turn]
                    victim = self._chance.choice(self._victims)
                    frame = self._change(victim, name, way, mended)
                    what = f"{_edge(victim)} {name}: {way}" + (", lengths mended" if mended else "")
                    if frame not in self._known:
                        yield Case("field", what, frame)

    def splices(self) -> Iterator[Case]:
        """Frames from pieces of two."""
        while True:
            for what, splice in SPLICES.items():
                victim = self._chance.choice(self._victims)
                other = self._chance.choice([*self._victims, *self._strangers])
                frame = splice(split(victim.frame), split(other.frame), self._chance)
                if frame not in self._known:
                    yield Case("splice", f"{_edge(victim)}: {what}, {_edge(other)}", frame)

    def _donors(self) -> dict[str, Sequence[Genuine]]:
        return {
            "of another frame of the queue": self._victims,
            "of a frame of another queue": self._strangers,
        }

    def _change(self, victim: Genuine, name: str, way: str, mended: bool) -> bytes:
        fields = split(victim.frame)
        donors = self._donors().get(way)
        if donors is None:
            fields[name] = CHANGES[way](fields[name], self._chance)
        else:
            fields[name] = self._another(victim, name, donors)
        return join(with_lengths(fields) if mended and name not in LENGTHS else fields)

    def _another(self, victim: Genuine, name: str, donors: Sequence[Genuine]) -> bytes:
        """The field of another frame: of another producer or epoch if there is one that differs."""
        own = split(victim.frame)[name]
        differing = [value for one in donors if (value := split(one.frame)[name]) != own]
        return self._chance.choice(differing) if differing else _flip(own, self._chance)


def _edge(one: Genuine) -> str:
    return f"{one.producer}→{one.queue}"
