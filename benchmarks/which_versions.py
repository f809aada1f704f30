"""The versions that an environment holds of the libraries named on the command line, as JSON."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

if __name__ == "__main__":
    found = {"python": platform.python_version()}
    for name in sys.argv[1:]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    print(json.dumps(found))
