"""Where a command spends its time: py-spy's samples, counted by function."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Failure, run

SHOWN = 14
WIDTH = 100


def profile(bench: Bench, command: list[str]) -> str:
    """The functions of all threads that were running most often, as text. A sample is a hundredth of a second."""
    raw = bench.scratch / "profile.txt"
    script = command if Path(command[0]).name.startswith("python") else [str(bench.our_python), *command]
    spy = bench.peers_python.parent / "py-spy"
    bench.clear()
    try:
        run(
            [spy, "record", "--rate", "100", "--threads", "--format", "raw", "--output", raw, "--", *script],
            bench.scratch,
        )
    except (Failure, OSError) as problem:
        return f"no profile: {problem}"
    finally:
        bench.clear()
    return table(raw.read_text())


def table(raw: str) -> str:
    """py-spy's folded stacks, "frame;frame count" a line, as two lists: what ran itself, and what ran in all."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [frame for frame in stack.split(";") if not frame.startswith(("thread ", "process "))]
        if frames:
            own[frames[-1]] += int(count)
            within.update(dict.fromkeys(set(frames), int(count)))
    whole = max(1, own.total())
    lines = [f"{whole} samples, 100 a second and thread", "  % itself"]
    lines += [f"{100 * count / whole:5.1f}  {frame[:WIDTH]}" for frame, count in own.most_common(SHOWN)]
    lines += ["  % with what it calls"]
    ours = [(frame, count) for frame, count in within.most_common() if "mixup_cli" in frame]
    lines += [f"{100 * count / whole:5.1f}  {frame[:WIDTH]}" for frame, count in ours[:SHOWN]]
    return "\n".join(lines)
