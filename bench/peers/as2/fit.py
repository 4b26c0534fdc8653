"""Fits this environment to the machine, after it was installed: oscrypto 1.3.0 knows versions of OpenSSL of one digit
each and refuses "3.0.19"; its pattern is widened in place.
"""

import importlib.util
from pathlib import Path

NARROW, WIDE = r"'\\b(\\d\\.\\d\\.\\d[a-z]*)\\b'", r"'\\b(\\d\\.\\d+\\.\\d+[a-z]*)\\b'"

if __name__ == "__main__":
    found = importlib.util.find_spec("oscrypto")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("oscrypto is not installed here")
    for file in Path(found.submodule_search_locations[0], "_openssl").glob("_libcrypto_c*.py"):
        file.write_text(file.read_text().replace(NARROW, WIDE))
