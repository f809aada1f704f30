"""Side-by-side measurements: mixup-gen, what people use today, and what the machine can do. See `run.py`."""
