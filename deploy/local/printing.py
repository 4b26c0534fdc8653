"""`python -m deploy.local.printing`: see to it that letters can be printed as PDF here, or say what is missing."""

import os
import shutil
import sys

from deploy.local.programs import install_packages, printing_packages

if __name__ == "__main__":
    packages = printing_packages()
    if packages and (os.geteuid() != 0 or shutil.which("apt-get") is None):
        sys.exit(f"for letters as PDF, on Debian or Ubuntu: apt-get install {' '.join(packages)}")
    if packages:
        print(f"installing {' '.join(packages)}", flush=True)
        sys.exit(install_packages(packages))
