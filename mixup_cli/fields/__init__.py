"""What a sample is made of: the form of its signal, its labels, and the rules that mix labels.

Only this room, `sources/pictures`, the image methods and `report` know what height, width and channels are."""
