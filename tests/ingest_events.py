"""CloudTrail records and files for the tests of ingest."""

from __future__ import annotations

import json
import uuid
from typing import Any


def event(index: int, **changed: Any) -> dict[str, Any]:
    """A record in CloudTrail's form, a different one for each index."""
    identity = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333"}
    return {
        "eventVersion": "1.11",
        "userIdentity": {**identity, "accessKeyId": "AKIAEXAMPLE000000001", "userName": "ann"},
        "eventTime": f"2026-11-01T{index // 3600 % 24:02}:{index // 60 % 60:02}:{index % 60:02}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "requestParameters": {"bucketName": "logs", "key": f"{index}"},
        "responseElements": None,
        "eventID": str(uuid.UUID(int=index + 1)),
        "readOnly": True,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **changed,
    }


def text(value: Any) -> bytes:
    """Compact JSON, as CloudTrail writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def wrapped(count: int, first: int = 0) -> bytes:
    """A CloudTrail file."""
    return text({"Records": [event(i) for i in range(first, first + count)]})
