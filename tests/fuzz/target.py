"""What a fuzzer is aimed at: a reader of hostile bytes, and what must hold of everything that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class Forged(AssertionError):
    """A changed text was taken for the signed one: verify(mutated)=true."""


class ReadTwice(AssertionError):
    """What was read and written again is another text: one value would have two."""


@dataclass(frozen=True)
class Target:
    """`judge` reads the bytes by our own code. It may raise any ComityError, which is a refusal; what else it raises is
    a finding. `seeds` are genuine texts, all of which it takes, and `attacks` texts that it must refuse. `is_json` says
    that the bytes are JSON, and are changed as such too."""

    name: str
    judge: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    attacks: Callable[[], Sequence[bytes]] = tuple
    is_json: bool = False


def require_genuine(is_genuine: bool, what: str) -> None:
    """Raises Forged."""
    if not is_genuine:
        raise Forged(what)


def require_same(again: object, first: object, what: str) -> None:
    """Raises ReadTwice."""
    if again != first:
        raise ReadTwice(f"{what}: {again!r:.200} is not {first!r:.200}")
