"""Pictures with objects: boxes and keypoints in files of other tools, a file for each format (COCO, YOLO, Pascal VOC,
labelme, Open Images). A new format reads its files into `notes.Notes`, and has a line in `opening.py`."""
