"""Arrays as sources: .npz, .npy, .h5, .mat, MNIST's IDX, STL-10, and finished data sets.

One file for each container; all of them give `ArraySource` rows, which `forms` brings to the working form."""
