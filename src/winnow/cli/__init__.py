"""The `winnow` command: one file for each command, or for a few that belong together."""

from winnow.cli.app import main

__all__ = ["main"]
