"""Has the manual pages made for the wheel, from the texts of --help. All else is in pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup  # isort: skip  # brings distutils
from distutils.command.install_data import install_data

HERE = Path(__file__).parent


class WithPages(install_data):
    """Makes the pages before it installs them."""

    def run(self) -> None:
        sys.path.insert(0, str(HERE))
        from mixup_cli.cli.man import pages

        folder = Path(self.get_finalized_command("build").build_temp, "man")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (folder / name).write_text(text)
        self.data_files = [("share/man/man1", [str(path) for path in sorted(folder.glob("*.1"))])]
        super().run()


setup(cmdclass={"install_data": WithPages}, data_files=[("share/man/man1", [])])
