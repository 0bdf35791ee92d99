"""Reads what requests hold: inputs as the service's task knows them, and names of images in its library."""

from __future__ import annotations

from collections.abc import Sequence

from winnow.domain import Input
from winnow.errors import InvalidInput, NotFound
from winnow.serving.library import Library
from winnow.tasks.base import Task


class Reader:
    """The inputs of one service. `library` is where it has one."""

    def __init__(self, task: Task, library: Library | None = None) -> None:
        self.task = task
        self.library = library

    @property
    def files(self) -> bool:
        """Whether inputs are files, which take a while to read."""
        return self.task.reads_files

    def read_all(self, values: Sequence[object]) -> list[Input | InvalidInput]:
        """Each input, or what is wrong with it, in order."""
        return [self._read(value) for value in values]

    def read(self, value: object) -> Input:
        """One input; `InvalidInput` says what is wrong with it."""
        read = self._read(value)
        if isinstance(read, InvalidInput):
            raise read
        return read

    def _read(self, value: object) -> Input | InvalidInput:
        try:
            if isinstance(value, dict) and value.keys() == {"library"}:
                value = self._of_library(value["library"])
            return self.task.read_input(value)
        except InvalidInput as error:
            return error
        except NotFound as error:  # of one image among others: the row's own error
            return InvalidInput(str(error))

    def _of_library(self, name: object) -> bytes:
        if self.library is None:
            raise InvalidInput("the service has no library of images to pick from")
        return self.library.read(name)
