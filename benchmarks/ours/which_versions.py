"""The versions that mixup-gen runs with. Prints JSON."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version

NAMES = ("mixup-gen", "numpy", "numba", "h5py", "pillow", "scipy", "torch", "zstandard")

if __name__ == "__main__":
    found = {"python": platform.python_version()}
    for name in NAMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    print(json.dumps(found))
