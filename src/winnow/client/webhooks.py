"""What a receiver of webhooks needs: whether a message is Winnow's own, unchanged and fresh.

    job = verify_webhook(request.body, request.headers["Winnow-Signature"], secret)
    print(job["id"], job["status"])

The header is `t=<Unix time>,v1=<hexadecimal HMAC-SHA256 of "<Unix time>." and the body>`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from winnow.errors import InvalidInput

SIGNATURE_HEADER = "Winnow-Signature"
DELIVERY_HEADER = "Winnow-Delivery"
TOLERANCE_SECONDS = 300.0


def verify_webhook(body: bytes, header: str, secret: str, tolerance: float = TOLERANCE_SECONDS) -> dict[str, Any]:
    """The job that a webhook tells of. `InvalidInput` where it was not signed with this secret, or not lately.

    `body` is the message byte for byte as it came. `tolerance` is in seconds: what is older may be a replay.
    """
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    moment, given = parts.get("t", ""), parts.get("v1", "")
    if not (moment.isascii() and moment.isdigit()):
        raise InvalidInput(f"the header {SIGNATURE_HEADER} should be t=<time>,v1=<signature>")
    right = sign(body, secret, int(moment)).partition(",v1=")[2]
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise InvalidInput("the signature does not fit: another secret, or the message was changed on its way")
    if abs(time.time() - int(moment)) > tolerance:
        raise InvalidInput(f"the message was signed more than {tolerance:g} seconds ago: it may be a replay")
    job: dict[str, Any] = json.loads(body)
    return job


def sign(body: bytes, secret: str, moment: int) -> str:
    """The header for a message that is sent at this Unix time."""
    code = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={code.hexdigest()}"
