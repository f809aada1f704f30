"""Images a second that a scan reads, hashes and decodes: FOLDER ENGINE WORKERS. The engine has started before."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

from mixup_cli.choices import EngineKind
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.runs.job import Asked
from mixup_cli.runs.settings import Run
from mixup_cli.scan.cache import allocate
from mixup_cli.scan.scan import Tolerance, scan
from mixup_cli.sources import open_source
from mixup_cli.sources.reading.base import SourceOptions


def main() -> None:
    """Print the rate of the second of two scans."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("engine", choices=get_args(EngineKind))
    parser.add_argument("workers", type=int)
    options = parser.parse_args()
    source = open_source([options.folder], SourceOptions())
    asked = Asked(source, Recipe())
    job = asked.job(asked.survey())
    run = Run(engine=options.engine, workers=options.workers)
    with tempfile.TemporaryDirectory() as place, run.open_engine(print) as engine:
        kind: Any = run.place(Path(place)).kind
        cache = allocate([target.form for target in job.targets], len(source), Path(place), kind)
        for _ in range(2):
            began = time.perf_counter()
            scan(source, job.targets, cache, Tolerance(), engine, Listener())
            seconds = time.perf_counter() - began
        del cache
    print(json.dumps({"rate": len(source) / seconds}))


if __name__ == "__main__":
    main()
