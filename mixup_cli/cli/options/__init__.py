"""Flags, `MIXUP_GEN_*` and TOML become a `Recipe`, a `Run` and `SourceOptions`.

An option has its default in the recipe or in the settings, its text and its check here. An option that has no effect
beside another one is refused in `needs`."""
