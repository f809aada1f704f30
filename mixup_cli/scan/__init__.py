"""Every input is read, hashed and decoded once, into a cache at the working size.

`fill` runs the `scan` or finds what an earlier run kept; `cache`, `window_store` and `kept_cache` hold the samples."""
