"""Writes docs/spec/problems.md from the tree of errors and the gateway's map of statuses.

Run it as `python docs/make_problems.py`.
`problems_page` is pure; a test compares its answer with the committed page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).parent / "spec" / "problems.md"
sys.path.insert(0, str(PAGE.parent.parent.parent))

from gateway.problems import STATUS, error_classes  # noqa: E402 - the checkout must be on the path first
from shared.errors import ComityError  # noqa: E402

_HEAD = """# Refusals, by code

Made from `shared/errors.py` and `gateway/problems.py` by `python docs/make_problems.py`; do not edit by hand.

Every refusal over HTTP is `application/problem+json` (RFC 9457): `type` is `/problems/<code>`, an address on the
exchange that explains it; `title` and `status` are those of the code; `detail` is the sentence, with its gaps filled
from `facts`. `title` and `detail` are told in English, French, Arabic or Spanish, by `Accept-Language`, and
`Content-Language` says in which; what stands in `facts` is not translated. The **code** is stable: it is retired,
never reused. A 401 names in `Accept-Signature` what a signature must cover; a 429 and a 503 say in `Retry-After` when
to try again. Whatever else goes wrong inside is `comity.error` and tells nothing more.

## Answered by the gateway
"""

_DECIDED = """## Decided later, or told by programs

A submission that was kept is decided by intake: its codes stand in the decision, in the feed and in the ledger. The
others are told by `comity` on a party's own machine, or to the operator.
"""


def problems_page() -> str:
    """The whole page, in Markdown."""
    classes = list(error_classes())
    answered = sorted((cls for cls in classes if cls.code in STATUS), key=lambda cls: (STATUS[cls.code], cls.code))
    others = sorted((cls for cls in classes if cls.code not in STATUS), key=lambda cls: cls.code)
    answered_rows = ([str(STATUS[cls.code]), f"`{cls.code}`", cls.title(), cls.template()] for cls in answered)
    return "\n".join(
        [
            _HEAD,
            *_table(("status", "code", "title", "sentence"), answered_rows),
            _DECIDED,
            *_table(("code", "title", "sentence"), (_told(cls) for cls in others)),
        ]
    )


def _told(cls: type[ComityError]) -> list[str]:
    return [f"`{cls.code}`", cls.title(), cls.template()]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterable[str]:
    columns = list(head)
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(problems_page(), encoding="utf-8")
