"""The methods that mix any images: others need masks or instances beside them, or sounds."""

from mixup_cli.methods import METHODS

PLAIN = tuple(name for name, method in METHODS.items() if not method.needs_map and not method.only)
