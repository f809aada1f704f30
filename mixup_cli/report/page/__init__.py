"""The page that `mixup-gen report` writes: what a data set holds, or would hold, in one HTML file.

`content` gathers what is said, from small columns alone and pictures of some rows; the templates say it. The page needs
no network, and the same data set gives the same bytes."""
