"""What to mend first: severity, raised by what the resource's own tags say of it, with the reason."""

from __future__ import annotations

from typing import Final

_SEVERITY: Final = {"critical": 85, "high": 65, "medium": 40, "low": 20, "informational": 5}
_UNKNOWN_SHARE: Final = 0.5
"""An unknown finding may be nothing: it ranks at half of what it would as a failure."""
_RAISED: Final = 7
_PRODUCTION: Final = "^(prod|production|prd|live)$"
_SENSITIVE: Final = "^(confidential|restricted|secret|pii|phi|pci|sensitive|highly-confidential)$"
_ENVIRONMENT_KEYS: Final = "^(env|environment|stage)$"
_DATA_KEYS: Final = "^(data-?classification|classification|data-?class|confidentiality|data)$"


def _tagged(tags: str, keys: str, values: str) -> str:
    """SQL: whether some tag has a key and a value of these forms; FALSE where tags are not known."""
    return (
        f"coalesce(len(list_filter(map_entries({tags}), lambda e: regexp_matches(lower(e.key), '{keys}')"
        f" AND regexp_matches(lower(e.value), '{values}'))) > 0, FALSE)"
    )


def priority_sql(status: str, severity: str, tags: str) -> str:
    """SQL of a finding's priority, 0 to 100, over expressions for its status, severity and tags."""
    base = " ".join(f"WHEN '{name}' THEN {value}" for name, value in _SEVERITY.items())
    production = _tagged(tags, _ENVIRONMENT_KEYS, _PRODUCTION)
    sensitive = _tagged(tags, _DATA_KEYS, _SENSITIVE)
    raised = " + ".join(f"CASE WHEN {test} THEN {_RAISED} ELSE 0 END" for test in (production, sensitive))
    share = f"CASE {status} WHEN 'fail' THEN 1.0 WHEN 'unknown' THEN {_UNKNOWN_SHARE} ELSE 0.0 END"
    return f"((CASE {severity} {base} ELSE 0 END + {raised}) * {share})::SMALLINT"


def priority_why_sql(status: str, severity: str, tags: str) -> str:
    """SQL of the reason for a priority, such as "high severity; tagged as production"."""
    reasons = (
        (_tagged(tags, _ENVIRONMENT_KEYS, _PRODUCTION), "tagged as production"),
        (_tagged(tags, _DATA_KEYS, _SENSITIVE), "tagged as sensitive data"),
        (f"{status} = 'unknown'", "not known to fail"),
    )
    added = "".join(f" || CASE WHEN {test} THEN '; {text}' ELSE '' END" for test, text in reasons)
    return f"{severity} || ' severity'{added}"
