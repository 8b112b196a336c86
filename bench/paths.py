"""What the command line takes for files and folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["FILE", "FOLDER", "RESULT", "Named"]


class Named(click.Path):
    """A file or folder, which may not be there yet; an empty name would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        """The path. Refuses an empty one."""
        if not str(value):
            self.fail("an empty name names nothing", param, context)
        return super().convert(value, param, context)


FILE = Named(path_type=Path, dir_okay=False)
FOLDER = Named(path_type=Path, file_okay=False)
RESULT = Named(path_type=Path)
"""A result file or its folder."""
