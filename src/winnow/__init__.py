"""Winnow puts a classifier to work: from labelled examples to a monitored prediction service.

Use `winnow.Client` to talk to a running service, the `winnow` command for everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winnow.errors import WinnowError

if TYPE_CHECKING:
    from winnow.client import Client

__all__ = ["Client", "WinnowError", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the client, and httpx2 with it, only for those who use it: the `winnow` command starts faster."""
    if name == "Client":
        from winnow.client import Client  # noqa: PLC0415

        return Client
    raise AttributeError(f"module 'winnow' has no attribute '{name}'")
