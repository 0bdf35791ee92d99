"""Multipart forms that were read whole: their fields, in the order in which they were sent."""

from __future__ import annotations

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header

from winnow.errors import InvalidInput

MAX_FIELDS = 1000
"""A form of more is refused: taking it apart would keep others waiting."""

Entry = tuple[str, str | bytes]
"""A field's name and its value: text, or the bytes of a file."""


def read_form(body: bytes, content_type: str) -> list[Entry]:
    """All fields of a form; `InvalidInput` where it cannot be taken apart. Nothing is written to disk."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidInput("the form cannot be read: its content type names no boundary")
    entries: list[Entry] = []
    ended = False

    def add(name: bytes | None, value: str | bytes) -> None:
        if len(entries) >= MAX_FIELDS:
            raise InvalidInput(f"the form has more than {MAX_FIELDS:,} fields")
        entries.append(((name or b"").decode(errors="replace"), value))

    def add_field(field: Field) -> None:
        add(field.field_name, _text(field.value or b""))

    def add_file(file: File) -> None:
        file.file_object.seek(0)
        add(file.field_name, file.file_object.read())

    def end() -> None:
        nonlocal ended
        ended = True

    in_memory = {"MAX_MEMORY_FILE_SIZE": len(body) + 1}
    try:
        parser = FormParser("multipart/form-data", add_field, add_file, end, boundary=boundary, config=in_memory)
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise InvalidInput(f"the form cannot be read: {error}") from None
    if not ended:
        raise InvalidInput("the form cannot be read: it ends before its last boundary")
    return entries


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidInput("the form cannot be read: a text in it is not UTF-8") from None
