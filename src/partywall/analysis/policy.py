"""What a policy document grants and denies, as facts that checks can read."""

from __future__ import annotations

from partywall.analysis.policy_fields import FACTS, FIELD_DOCS

__all__ = ["FACTS", "FIELD_DOCS"]
