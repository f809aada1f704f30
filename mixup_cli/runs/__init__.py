"""A run, step by step: the job, what an earlier run left, the plan, the shards, the manifest.

`generate` names the steps in their order: job, standing, scanned, planning, resume, shard_work, records. `forecast` is
the dry run, `write_plan` ends after the plan. Reading a source belongs in `scan`, checking a data set in `checks`."""
