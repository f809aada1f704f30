"""The entry point of `mixup-gen`: listens to signals before anything that takes time is imported."""

from __future__ import annotations

from mixup_cli.cli import stopping


def main() -> None:
    """Run the command line. Ends the process."""
    stopping.listen()
    try:
        from mixup_cli.cli import app
    except BaseException:  # Python turns what is raised in some places into another error
        if stopping.is_asked():
            stopping.end()
        raise
    app.main()
