"""Arrays as sources: array files of several containers, MNIST's IDX, STL-10, and finished data sets.

One file for each container: a subclass of `array_file.ArrayFile`, and a line in `containers`. `files` and `labels`
choose among the arrays of any of them; `source` reads samples, which `forms` brings to the working form."""
