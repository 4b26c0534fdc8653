"""The page `docs/spec/envelope.md` and the code say the same: limits, header fields, steps and codes."""

from __future__ import annotations

import re
from pathlib import Path

import shared.domain.header as header_module
import shared.domain.strict_json as strict_json
import shared.envelope.encoding as encoding
import shared.envelope.verify as verify_module
import shared.errors as errors

PAGE = (Path(__file__).parents[3] / "docs" / "spec" / "envelope.md").read_text(encoding="utf-8")


def section(number: int) -> str:
    return PAGE.split(f"\n## {number}. ", 1)[1].split("\n## ", 1)[0]


def test_every_limit_of_the_page_is_the_codes() -> None:
    rows = re.findall(r"`(MAX_[A-Z0-9_]+)` \| ([\d,]+)", section(10))
    assert len(rows) == 11
    for name, value in rows:
        holder = next(module for module in (encoding, header_module, strict_json) if hasattr(module, name))
        assert getattr(holder, name) == int(value.replace(",", "")), name


def test_every_limit_of_the_code_is_on_the_page() -> None:
    for name in vars(encoding):
        if name.startswith("MAX_"):
            assert f"`{name}`" in section(10)


def test_the_header_table_names_every_field_in_order() -> None:
    fields = re.findall(r"^\| `([a-z_]+)` \|", section(3), re.MULTILINE)
    assert fields == list(header_module.Header.model_fields)


def numbered(text: str) -> dict[int, str]:
    """The items of a numbered list, each up to the next number."""
    pieces = re.split(r"^ ?(\d+)\. ", text, flags=re.MULTILINE)
    return {int(number): item for number, item in zip(pieces[1::2], pieces[2::2], strict=True)}


def test_the_steps_of_the_page_and_of_the_code_end_in_the_same_codes() -> None:
    page = numbered(section(11).split("both of its signatures hold.", 1)[1])
    code = numbered((verify_module.__doc__ or "").split("\nRules:", 1)[0])
    assert list(page) == list(code) == list(range(1, 12))
    for number, item in page.items():
        assert set(re.findall(r"`envelope\.([a-z-]+)`", item)) == set(re.findall(r"`([a-z-]+)`", code[number])), number


def test_every_code_of_an_envelope_is_explained() -> None:
    codes = {
        one.code
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.ComityError) and one.code.startswith("envelope.")
    }
    assert codes == set(re.findall(r"^\| `(envelope\.[a-z-]+)` \|", section(15), re.MULTILINE))
