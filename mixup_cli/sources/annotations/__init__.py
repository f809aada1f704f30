"""Pictures with objects: boxes and keypoints in files of other tools (COCO, YOLO, Pascal VOC, labelme), a file for each
format. A new format reads its files into `notes.Notes`, and has a line in `sources.__init__` (`_open_one`)."""
