"""Principals that the field knows by name (IAM User Guide, AWS JSON policy elements: Principal)."""

from __future__ import annotations

import re
from typing import Final

UNIQUE_ID: Final = re.compile(r"A(?:IDA|ROA|GPA|NPA|SIA|KIA|BIA|CCA|IPA)[A-Z0-9]{12,124}")
"""What stands in a document where a principal's ARN was, once the principal is deleted."""

WEB_PROVIDERS: Final = frozenset(
    ("cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com")
)
"""Identity providers that anyone can sign up with and that are trusted by name."""


AWS_OWNED_ACCOUNTS: Final = frozenset(
    (
        "009996457667",
        "027434742980",
        "033677994240",
        "048591011584",
        "054676820928",
        "076674570225",
        "098369216593",
        "114774131450",
        "127311923021",
        "156460612806",
        "190560391635",
        "383597477331",
        "507241528517",
        "582318560864",
        "589379963580",
        "600734575887",
        "635631232127",
        "638102146993",
        "652711504416",
        "718504428378",
        "754344448648",
        "783225319266",
        "797873946194",
        "897822967062",
        "985666609251",
    )
)
"""Accounts of AWS by which Elastic Load Balancing delivers access logs (Application Load Balancers guide,
Enable access logs for your Application Load Balancer)."""
