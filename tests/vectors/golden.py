"""Every golden attack of the repository, as its file tells it: what is done, with which code it is refused, by whom.

Three forms of file:
- `envelope/attacks/*.json`: one submission, refused by whoever reads it (`stage` parse or verify) or opens it;
- `attacks/*.json` with `steps`: submissions in order on one exchange, one of which is the attack;
- `attacks/*.json` with `refused`: public keys, refused wherever one is read.
`deflated` stands for `submission` where the text is large by nature: base64url of its zlib form.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.keys.base64url import parse_b64u

HERE: Final = Path(__file__).parent
FOLDERS: Final = ("envelope/attacks", "attacks")
_AT_THE_EDGE: Final = frozenset({"envelope.wrong-exchange", "envelope.expired", "envelope.future-dated"})
"""Judged without state, hence by the gateway, and again by intake."""


@dataclass(frozen=True)
class Golden:
    """One file. `code` is the refusal; `by` says who refuses: gateway, intake, recipient, or reader of the key."""

    file: str
    claim: str
    code: str
    by: str
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        return Path(self.file).stem


def golden_attacks() -> list[Golden]:
    """All of them, by file."""
    return [_read(file) for folder in FOLDERS for file in sorted((HERE / folder).glob("*.json"))]


def submission_of(document: Mapping[str, Any]) -> bytes:
    """The submission in a file or in one of its steps."""
    if "deflated" in document:
        return zlib.decompress(parse_b64u(document["deflated"]))
    return str(document["submission"]).encode()


def attacks_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The steps that are the attack."""
    return (step for step in document["steps"] if step["is_attack"])


def _read(file: Path) -> Golden:
    document = json.loads(file.read_text(encoding="utf-8"))
    code, by = _refusal(document)
    return Golden(str(file.relative_to(HERE)), " ".join(document["claim"].split()), code, by, document)


def _refusal(document: Mapping[str, Any]) -> tuple[str, str]:
    if "refused" in document:
        return document["code"], "reader of the key"
    if "steps" in document:
        [attack] = attacks_of(document)
        return attack["outcome"], attack["by"]
    code = document.get("exchange_code", document["code"])
    if document["stage"] == "open":
        return code, "recipient"
    return code, "gateway" if document["stage"] == "parse" or code in _AT_THE_EDGE else "intake"
