"""Draws the printed letters of the guide, docs/guide/pictures/request-LANGUAGE.png, from one fixed request.

Run it as `make pictures`: it needs WeasyPrint (`make pdf`) and Debian's poppler-utils, which draws the pages. Fonts and
versions differ from machine to machine, so that the pictures are not compared; a test holds the texts of the letters.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from client.printing.page import letter_page
from client.printing.pdf import pdf_of
from shared.errors import PrintingUnusable
from shared.texts.catalogue import LANGUAGES
from tests.printed_example import example, letter

FOLDER: Final = Path(__file__).parent / "guide" / "pictures"
DOTS_PER_INCH: Final = 96
SHADES: Final = 8
MAX_PICTURE_BYTES: Final = 120 * 1024


def draw(pdf: bytes, picture: Path) -> None:
    """The first page, in a few shades of grey."""
    from PIL import Image  # WeasyPrint brings it

    program = ["pdftoppm", "-png", "-gray", "-r", str(DOTS_PER_INCH), "-singlefile", "-"]
    drawn = subprocess.run(program, input=pdf, check=True, capture_output=True).stdout
    Image.open(BytesIO(drawn)).quantize(SHADES).save(picture, optimize=True)
    if picture.stat().st_size > MAX_PICTURE_BYTES:
        sys.exit(f"{picture.name} has more than {MAX_PICTURE_BYTES} bytes")


if __name__ == "__main__":
    if shutil.which("pdftoppm") is None:
        sys.exit("for pictures of pages, on Debian or Ubuntu: apt-get install poppler-utils")
    FOLDER.mkdir(exist_ok=True)
    opened = example()
    try:
        for language in LANGUAGES:
            draw(pdf_of(letter_page(letter(opened, language))), FOLDER / f"request-{language}.png")
    except PrintingUnusable as unusable:
        sys.exit(f"{unusable} `make pdf` brings what is missing.")
