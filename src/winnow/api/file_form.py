"""A multipart form with one file, taken apart while it arrives: the file is never whole in memory, nor on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from winnow.errors import InvalidInput

FILE = "file"
_MAX_TEXT = 10_000
"""Bytes that a field may have which is no file."""
_MAX_FIELDS = 20
_RIGHT = f"the body should be a form (multipart/form-data) with a file named '{FILE}'"


@dataclass(slots=True)
class _Begin:
    """A field of the form begins; a file where it has the name of one."""

    field: str
    file_name: str | None


class FileForm:
    """Read it in order: `open` the form for its `fields` and the file's `name`, then take the file's `parts`."""

    def __init__(self, stream: AsyncIterator[bytes], content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidInput(_RIGHT)
        self.fields: dict[str, str] = {}
        self.name = ""
        try:
            self._found = _Found(boundary).read(stream)
        except FormParserError as error:
            raise InvalidInput(f"{_RIGHT}: {error}") from None

    async def open(self) -> None:
        """Read the fields before the file, up to where its content begins."""
        current, value = "", bytearray()
        async for found in self._found:
            if isinstance(found, bytes):
                value += found
                if len(value) > _MAX_TEXT:
                    raise InvalidInput(f"the form's field '{current[:60]}' is longer than {_MAX_TEXT:,} bytes")
                continue
            self._keep(current, value)
            if found.file_name is not None:
                self._begin_file(found)
                return
            current, value = found.field, bytearray()
        raise InvalidInput(_RIGHT)

    async def parts(self, size: int) -> AsyncIterator[bytes]:
        """The file's content in parts of so many bytes; the last may be shorter."""
        part = bytearray()
        async for found in self._found:
            if isinstance(found, _Begin):
                raise InvalidInput(
                    f"the form's field '{found.field[:60]}' comes after the file: put the file last, and only one"
                )
            part += found
            while len(part) >= size:
                yield bytes(part[:size])
                del part[:size]
        if part:
            yield bytes(part)

    def _begin_file(self, found: _Begin) -> None:
        if found.field != FILE:
            raise InvalidInput(f"{_RIGHT}, not '{found.field[:60]}'")
        self.name = found.file_name or ""

    def _keep(self, field: str, value: bytearray) -> None:
        if not field:
            return
        if field in self.fields or len(self.fields) >= _MAX_FIELDS:
            raise InvalidInput(f"the form has the field '{field[:60]}' twice, or too many fields")
        try:
            self.fields[field] = value.decode()
        except UnicodeDecodeError:
            raise InvalidInput(f"the form's field '{field[:60]}' is not text in UTF-8") from None


class _Found:
    """What a parser finds: where fields begin, and their content."""

    def __init__(self, boundary: bytes) -> None:
        self._found: list[_Begin | bytes] = []
        self._header, self._value = b"", b""
        self._disposition = b""
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_part_data": self._part_data,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_end": self._end,
            },
        )

    async def read(self, stream: AsyncIterator[bytes]) -> AsyncIterator[_Begin | bytes]:
        """Everything in order; `InvalidInput` where the form breaks off, or is none."""
        try:
            async for chunk in stream:
                self._parser.write(chunk)
                for found in self._found:
                    yield found
                self._found.clear()
        except FormParserError as error:
            raise InvalidInput(f"the form cannot be read: {error}") from None
        if not self._ended:
            raise InvalidInput("the form cannot be read: it ends before its last boundary")

    def _part_begin(self) -> None:
        self._disposition = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(data[start:end])

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        file_name = options.get(b"filename")
        self._found.append(
            _Begin(
                options.get(b"name", b"").decode(errors="replace"),
                None if file_name is None else file_name.decode(errors="replace"),
            )
        )

    def _end(self) -> None:
        self._ended = True
