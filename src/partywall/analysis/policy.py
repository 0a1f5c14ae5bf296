"""What a policy document grants and denies, as facts that checks can read.

Only the document itself is read: neither the policies of the callers nor those of the organization, so a
fact says what the document would let in, not what is in effect in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.policy_fields import FACTS, FIELD_DOCS

if TYPE_CHECKING:
    import pyarrow as pa

    from partywall.analysis.iam.document import Policy

__all__ = ["FACTS", "FIELD_DOCS", "facts", "facts_table"]

_PIECE: Final = 2048


def facts(kind: str, text: str, account_id: str) -> dict[str, Any] | None:
    """The fields of `FACTS[kind]` for a policy's JSON text, owned by the 12-digit `account_id`.

    None where the text is not a policy document (then nothing is known). "" is known to grant nothing.
    Raises KeyError for an unknown kind.
    """
    found = _facts(kind, text, account_id)
    if found is None:
        return None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


@lru_cache(maxsize=4096)
def _facts(kind: str, text: str, account_id: str) -> dict[str, Any] | None:
    from partywall.analysis.iam.document import Policy, parse

    make = _makers()[kind]
    # "" is a document that says nothing.
    policy = parse(text, kind, principal=kind != "identity") if text else Policy(kind, ())
    return None if policy.problems else make(policy, account_id)


@lru_cache(maxsize=1)
def _makers() -> Mapping[str, Callable[[Policy, str], dict[str, Any]]]:
    # The engine is needed late: who only asks which fields there are does not wait for it.
    from partywall.analysis.admitted import key_facts, resource_facts, trust_facts
    from partywall.analysis.identity_facts import identity_facts

    return {"resource": resource_facts, "key": key_facts, "identity": identity_facts, "trust": trust_facts}


def facts_table(texts: Iterable[tuple[str, str]], kind: str) -> pa.Table:
    """The facts of (policy text, account id) pairs, computed and given once for each distinct pair.

    Columns: policy, account_id (strings), facts (the struct of `FACTS[kind]`, NULL where malformed).
    """
    import pyarrow as pa

    pairs = list(dict.fromkeys(texts))
    type_ = FACTS[kind].arrow()
    # In pieces, so that the facts as Python objects never stand in memory all at once.
    pieces = [
        pa.array([facts(kind, text, account_id) for text, account_id in pairs[start : start + _PIECE]], type_)
        for start in range(0, len(pairs), _PIECE)
    ]
    return pa.table(
        {
            "policy": pa.array([text for text, _ in pairs], pa.string()),
            "account_id": pa.array([account_id for _, account_id in pairs], pa.string()),
            "facts": pa.chunked_array(pieces, type_),
        }
    )
