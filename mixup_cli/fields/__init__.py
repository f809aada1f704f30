"""What a sample is made of: a tuple of fields, each with a kind that says how it is loaded, mixed and checked.

`field` is the contract. `axes` names dimensions, `form` is a shape with axes; `target`, `decide`, `fit` and `scaling`
bring what a source holds into a form. `labels` and `label_rules` are the label. A new kind is one file here and one in
`mixing`. Only this room, `sources/pictures`, the image methods and `report` know height, width and channels."""
