"""The names of the files of a data set. What they hold is described with pydantic, which takes time to import."""

from __future__ import annotations

import re
from pathlib import Path

MANIFEST = "manifest.json"
SOURCES = "sources.csv"
CHECKSUMS = "SHA256SUMS"
CROISSANT = "croissant.json"
CARD = "README.md"
RUN = "run.json"

SMALL = (SOURCES, CHECKSUMS, CROISSANT, CARD, RUN, MANIFEST)

OURS = re.compile("|".join([r"shard-[0-9]{5,}\.h5", r"shards-[0-9]{12,}\.json", *map(re.escape, SMALL)]))
"""The names of files that `force` may remove."""

BEGUN = "recipe.json"
"""In the work folder: what an unfinished run has written down."""

SAMPLES = "samples"
"""Where the samples of a data set that stores its plan lie, unless it names another folder."""


def data_set_folder(place: Path) -> Path:
    """The folder of a data set that is named by itself or by its manifest."""
    return place.parent if place.name == MANIFEST else place
