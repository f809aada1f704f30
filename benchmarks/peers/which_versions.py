"""The versions that the peers run with. Prints JSON."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version

NAMES = ("torch", "torchvision", "timm", "numpy", "h5py", "pillow")

if __name__ == "__main__":
    found = {"python": platform.python_version()}
    for name in NAMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    print(json.dumps(found))
