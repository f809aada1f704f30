"""From planned rows to the values of a shard: columns, staged parents, the blend in tiles.

A method's weights meet the samples here. What is decided is in `plan`; how numbers are blended is in `kernels`."""
