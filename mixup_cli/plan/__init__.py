"""The table of decisions, one row for each output sample: parents, method, lam, box, views.

Any range of rows follows from (recipe, labels, seed, row number). Nothing here reads samples, but saliency asks
for some, and how loud sounds are."""
