"""AWS managed policies for offline use, where an account's own answer does not hold the document.

The data file is made of moto's copy: `python -m partywall.analysis.iam.managed`.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

_FILE: Final = Path(__file__).parent / "aws_managed_policies.json.gz"


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A kept copy: the default version's document as text, its version's id and when AWS changed it."""

    document: str
    version: str
    updated: str


@lru_cache(maxsize=1)
def _all() -> dict[str, list[str]]:
    return orjson.loads(gzip.decompress(_FILE.read_bytes()))


def managed_policy(arn: str) -> ManagedPolicy | None:
    """The kept copy of an AWS managed policy, whatever the ARN's partition; None where there is none."""
    found = _all().get(arn.partition(":policy/")[2])
    return ManagedPolicy(*found) if found is not None and ":iam::aws:policy/" in arn else None


def build() -> int:
    """Writes the data file anew from moto's copy; returns how many policies it holds."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    given: dict[str, Any] = orjson.loads(aws_managed_policies_data)
    kept = {
        f"{policy.get('Path', '/')}{name}"[1:]: [
            orjson.dumps(policy["Document"]).decode(),
            policy["DefaultVersionId"],
            policy.get("UpdateDate") or policy["CreateDate"],
        ]
        for name, policy in sorted(given.items())
    }
    # Without a time stamp, so that the same copy gives the same bytes.
    _FILE.write_bytes(gzip.compress(orjson.dumps(kept), 9, mtime=0))
    return len(kept)


if __name__ == "__main__":
    build()
