"""What a sample is made of: a tuple of fields, each with a kind that says how it is loaded, mixed and checked.

`field` is the contract. `axes` names dimensions, `form` is a shape with axes; `target`, `decide`, `fit` and `scaling`
bring what a source holds into a form. Of the label, `label_rules` says which rule goes with which labels, `labels` has
the arithmetic, and `label` is the field. A new kind of field is one file here and one in `mixing`.
Only this room, `sources/pictures`, the image methods and `report` know height, width and channels."""
