"""Pictures and pages for people: what is mixed, or what would be.

`gather` collects samples of a plan or of a data set, `sheet` lays them out."""
