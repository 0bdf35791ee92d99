"""Many values by way of one parameter: thousands of parameters would cost more than the query itself."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, Connection, Select, String, cast, func, literal, select


def listed(connection: Connection, values: Collection[str]) -> Select[Any]:
    """Values as rows, to be used within `in_`."""
    given = literal(json.dumps(sorted(values), ensure_ascii=False), String)
    if connection.dialect.name == "sqlite":
        return select(func.json_each(given).table_valued("value").c.value)
    return select(func.json_array_elements_text(cast(given, JSON)).table_valued("value").c.value)
