"""Every input is read, hashed and decoded once, into a cache at the working size.

`decide` chooses the working form, `fill` runs the scan, `cache`, `window_store` and `kept_cache` hold the samples."""
