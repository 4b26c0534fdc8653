"""`python -m deploy.local`: see to it that the servers' programs are here; where not, say so in one line, exit 1."""

import sys

from deploy.local.programs import install_missing

if __name__ == "__main__":
    still_missing = install_missing()
    if still_missing:
        sys.exit(still_missing)
