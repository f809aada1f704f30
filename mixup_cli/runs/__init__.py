"""A run, step by step: the job, what an earlier run left, the plan, the shards, the manifest.

`generate` names the steps in their order, `forecast` is the dry run, `write_plan` ends after the plan."""
