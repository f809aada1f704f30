"""Is there a CUDA device for mixup-gen, and which? Prints JSON."""

from __future__ import annotations

import json

if __name__ == "__main__":
    try:
        import torch

        there = torch.cuda.is_available()
        print(json.dumps({"device": torch.cuda.get_device_name() if there else None}))
    except ImportError:
        print(json.dumps({"device": None}))
