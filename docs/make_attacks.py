"""Writes docs/spec/attacks.md from the golden files in tests/vectors/.

Run it as `python -m docs.make_attacks`.
`attacks_page` is pure; a test compares its answer with the committed page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.vectors.golden import Golden, golden_attacks

PAGE: Final = Path(__file__).parent / "spec" / "attacks.md"

_HEAD: Final = """# Attacks, by who refuses them

Made from the golden files in `tests/vectors/envelope/attacks/` and `tests/vectors/attacks/` by
`python -m docs.make_attacks`; do not edit by hand. `make vectors` plays each file against the parts that meet it in
use, and holds that it is refused by whom and with the code that stands here, and that what it was made from is
accepted.

A file in `envelope/attacks/` is one submission, judged at `now`. A file in `attacks/` with `steps` is what one exchange
is handed, in order, with the caller and the time of each; one step is the attack, and all others are accepted, those
after it too; `call` says of a step that its HTTP call is not its own (`replayed`: the header of the call before;
`of another body`: signed for `{}`). A file with `refused` holds public keys. `deflated` is `submission`, as base64url
of its zlib form.
`repeat` is no refusal: the same bytes under the same id get the answer that they got before, and nothing is done.
"""
_SECTIONS: Final = {
    "gateway": """## The gateway

It reads the whole form of a submission (steps 1 to 3 of [section 11](envelope.md#11-verification)), who hands it in,
and what needs no memory: exchange and dates.
""",
    "intake": """## Intake

It verifies (steps 4 to 11), remembers ids, and knows what happened on the leg. Its refusal is a leaf of the ledger.
""",
    "recipient": """## The recipient's client

What is sealed the exchange cannot see: the exchange accepts these, and every recipient's client refuses them at
[opening](envelope.md#12-opening), releases nothing, and can prove by the sender's signatures who sent it.
""",
    "reader of the key": """## Wherever a key is read

A key exists in the program only after its bytes were checked. In a key event the refusal is `keys.event-refused`, in a
trust file `keys.trust-file-invalid`, each with the reason of the key; alone and in a log's verifier key it is:
""",
}


def attacks_page() -> str:
    """The whole page, in Markdown."""
    golden = sorted(golden_attacks(), key=lambda one: (one.code, one.name))
    parts = [_HEAD]
    for by, introduction in _SECTIONS.items():
        parts += [introduction, *_table([one for one in golden if one.by == by]), ""]
    return "\n".join(parts)


def _table(golden: Iterable[Golden]) -> Iterator[str]:
    yield "| attack | what is done | refused with |"
    yield "|---|---|---|"
    for one in golden:
        claim = one.claim.replace("|", "\\|")
        yield f"| [{one.name}](../../tests/vectors/{one.file}) | {claim} | `{one.code}` |"


if __name__ == "__main__":
    PAGE.write_text(attacks_page(), encoding="utf-8")
