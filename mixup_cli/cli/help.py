"""--help with the options under headings."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

ARGUMENTS, GENERAL = "Arguments", "General"


class GroupedHelp(TyperCommand):
    """A command whose options are listed by their panel, panels in the order of their first option."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # typer brings Click's classes under its own name
        """See `click.Command.format_options`."""
        panels: dict[str, list[tuple[str, str]]] = {ARGUMENTS: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                is_argument = parameter.param_type_name == "argument"
                panel = ARGUMENTS if is_argument else getattr(parameter, "rich_help_panel", None) or GENERAL
                panels.setdefault(panel, []).append(record)
        for panel, records in panels.items():
            if not records:
                continue
            with formatter.section(panel):
                formatter.write_dl(records)
