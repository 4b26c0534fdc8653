"""`python -m tests.vectors`: write every vector that comes out the same each time, and name the files that changed.

The attacks of `make_envelope` are apart: their envelopes hold randomness of their own.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.vectors import exact_calls, exact_envelope, exact_frame, exact_key_file, exact_keys, exact_proof

HERE = Path(__file__).parent
MAKERS = (
    exact_envelope.files,
    exact_calls.files,
    exact_frame.files,
    exact_keys.files,
    exact_key_file.files,
    exact_proof.files,
)


def made() -> dict[str, str]:
    """Each file's text by its path under this folder."""
    return {
        path: json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        for maker in MAKERS
        for path, document in maker().items()
    }


def main() -> None:
    for path, text in made().items():
        file = HERE / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
