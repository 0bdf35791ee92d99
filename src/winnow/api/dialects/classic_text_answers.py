"""What the classic routes for texts answer with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from winnow.domain import Target


class ClassicReviews(BaseModel):
    """Texts to be told the sentiment of."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reviews": ["c'est un bon film"]}]})
    reviews: Annotated[list[str], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class ClassicSentiments:
    """The label of each review, in order."""

    sentiments: Annotated[Sequence[Target], Field(examples=[["positif", "negatif"]])]


@dataclass(frozen=True, slots=True)
class ClassicExchange:
    """One input with its output."""

    input: str
    output: Target
    date: datetime


@dataclass(frozen=True, slots=True)
class ClassicHistory:
    """The last inputs and outputs, newest first."""

    history: Sequence[ClassicExchange]


@dataclass(frozen=True, slots=True)
class ClassicComment:
    """The id of a comment that was added; null where the same one was there already."""

    id: str | None
