"""What the constants of scale.json come to at a billion samples: prints the tables of docs/scale.md.

python -m benchmarks.scale_tables
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from benchmarks.scale_constants import RESULTS

ROWS = 1_000_000_000
CORES = 16_000
"""1,000 nodes of 16."""

SHARD_BYTES = 64 << 20
ROW_BYTES = {"mix_cifar": 3_169, "mix_imagenet": 154_585}
"""A row with its labels and other columns, as README's table has it."""

SUM_BYTES = 83
"""A line of SHA256SUMS."""

PER_LIST, MOST_IN_MANIFEST = 10_000, 100_000
PER_CORE_HOUR, PER_TB_MONTH = 0.04, 23.0
"""Dollars, in round numbers of large clouds' list prices. Not measured."""

Found = dict[str, dict[str, float]]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def constants(found: Found) -> list[tuple[str, str]]:
    """What was measured, and how much it is."""

    def of(task: str, name: str = "seconds", unit: float = 1e6) -> str:
        value = found[task][name] * unit
        return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"

    return [
        (
            "a shard's record in the manifest",
            f"{of('manifest_write', 'bytes', 1)} bytes, {of('manifest_write')} µs to encode",
        ),
        ("the same, of a compressed shard", f"{of('manifest_write_gzip', 'bytes', 1)} bytes"),
        ("the same, read", f"{of('manifest_read')} µs, {of('manifest_read', 'memory', 1)} bytes of memory"),
        ("a shard's record in a list", f"{of('lists_write', 'bytes', 1)} bytes, {of('lists_write')} µs to encode"),
        ("a sidecar, sealed", f"{of('sidecars', 'sealing')} µs"),
        ("a sidecar, read, with a look at its shard", f"{of('sidecars')} µs"),
        ("a sidecar's name in a listing", f"{of('sidecars', 'listing')} µs"),
        ("a shard's size in a listing", f"{of('sidecars', 'looking')} µs"),
        ("a sidecar, removed", f"{of('sidecars', 'removing')} µs"),
        ("an input in the order of a pass", f"{of('plan')} µs, {of('plan', 'memory', 1)} bytes of memory"),
        ("an input in sources.csv", f"{of('sources_write', 'bytes', 1)} bytes, {of('sources_write')} µs to write"),
        ("the same, read", f"{of('sources_read')} µs, {of('sources_read', 'memory', 1)} bytes of memory"),
        ("a photograph of 500 × 375, read, hashed and decoded to 224 × 224", f"{of('decode', unit=1e3)} ms"),
        ("a sample of 32 × 32, mixed, hashed and written", f"{of('mix_cifar')} µs"),
        ("a sample of 224 × 224, mixed, hashed and written", f"{of('mix_imagenet')} µs"),
        ("a sample of 224 × 224, verified", f"{of('check_imagenet')} µs"),
        ("the command, on twenty photographs", f"{of('start', unit=1)} s"),
    ]


def at_a_billion(found: Found, task: str) -> dict[str, str]:
    """What a billion samples need, of the size that `task` mixes."""
    row_bytes, side = ROW_BYTES[task], found["sidecars"]
    total, shards = ROWS * row_bytes, -(-ROWS // (SHARD_BYTES // row_bytes))
    mixing = ROWS * found[task]["seconds"] / 3600
    checking = total * found["check_imagenet"]["seconds"] / ROW_BYTES["mix_imagenet"] / 3600
    lists = f"{shards * found['lists_write']['bytes'] / 1e6:,.0f} MB in {-(-shards // PER_LIST):,} files"
    return {
        "bytes": f"{total / 1e12:,.1f} TB",
        "shards of 64 MiB": f"{shards:,}",
        "their records, if the manifest had all": f"{shards * found['manifest_write']['bytes'] / 1e6:,.0f} MB",
        "to read these, in each process": f"{shards * found['manifest_read']['seconds']:,.0f} s, "
        f"{shards * found['manifest_read']['memory'] / 1e9:,.1f} GB",
        "lists": lists if shards > MOST_IN_MANIFEST else "none",
        "SHA256SUMS": f"{shards * SUM_BYTES / 1e6:,.0f} MB",
        "names of all sidecars, listed": f"{shards * side['listing']:,.1f} s",
        "sizes of all shards, listed": f"{shards * side['looking']:,.0f} s",
        "sealing (sidecars read and removed, lists)": f"{shards * sealing_seconds(found):,.0f} s",
        "mixing": f"{mixing:,.1f} core-hours, {mixing * 3600 / CORES:,.1f} s on 16,000 cores",
        "verifying": f"{checking:,.0f} core-hours",
        "mixing, in money": f"{mixing * PER_CORE_HOUR:,.2f} $",
        "keeping it, in money": f"{total / 1e12 * PER_TB_MONTH:,.0f} $ a month",
    }


def at_a_billion_inputs(found: Found) -> list[tuple[str, str]]:
    """What a billion different inputs need, in each process that reads or plans."""
    order, written, read = found["plan"], found["sources_write"], found["sources_read"]
    return [
        ("order of a pass", f"{ROWS * order['memory'] / 1e9:,.0f} GB of memory, {ROWS * order['seconds']:,.0f} s"),
        ("sources.csv", f"{ROWS * written['bytes'] / 1e9:,.0f} GB, {ROWS * written['seconds'] / 60:,.0f} min to write"),
        ("names, labels and hashes, in a scan", f"{ROWS * written['memory'] / 1e12:,.1f} TB of memory"),
        ("sources.csv, read to continue", f"{ROWS * read['memory'] / 1e12:,.1f} TB of memory"),
        ("decoding, once", f"{ROWS * found['decode']['seconds'] / 3600:,.0f} core-hours"),
    ]


def sealing_seconds(found: Found) -> float:
    """What sealing costs for each shard."""
    side = found["sidecars"]
    return side["seconds"] + side["removing"] + found["lists_write"]["seconds"]


def tables() -> list[str]:
    """All of them."""
    found = json.loads(RESULTS.read_text())
    small, large = (at_a_billion(found, task) for task in ROW_BYTES)
    rows = [(name, small[name], large[name]) for name in small]
    return [
        table(("constant", "measured"), constants(found)),
        table(("at 10⁹ samples", "32 × 32, 10 classes", "224 × 224, 1,000 classes"), rows),
        table(("at 10⁹ different inputs", "in each process"), at_a_billion_inputs(found)),
    ]


if __name__ == "__main__":
    print("\n\n".join(tables()))
