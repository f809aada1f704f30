"""Pictures with a class mask each: which files belong together (`pairs`), and masks as a signal beside their pictures
(`files`). A new layout of folders is a name or an ending in `pairs`."""
