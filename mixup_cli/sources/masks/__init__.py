"""Pictures with a class mask each: which files belong together (`pairs`), and masks as a signal beside their pictures
(`files`), with instances where a folder has them as Pascal VOC does (`instances`). A new layout of folders is a name or
an ending in `pairs`."""
