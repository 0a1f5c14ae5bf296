"""Who a Principal element names (IAM User Guide, AWS JSON policy elements: Principal)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from partywall.analysis.iam.document import PrincipalElement

_ACCOUNT: Final = re.compile(r"\d{12}")
_ARN: Final = re.compile(
    r"arn:[a-z-]+:(?:iam|sts)::(\d{12}):(root|(?:user|role|assumed-role|federated-user)/[^*?]+)"
)
_PROVIDER: Final = re.compile(r"arn:[a-z-]+:iam::(\d{12}):(?:oidc|saml)-provider/[^*?]+")
_UNIQUE_ID: Final = re.compile(r"A(?:IDA|ROA|GPA|NPA|SIA|KIA|BIA|CCA|IPA)[A-Z0-9]{12,124}")
_ORIGIN_ACCESS_IDENTITY: Final = re.compile(
    r"arn:[a-z-]+:iam::cloudfront:user/CloudFront Origin Access Identity \w+"
)
_SERVICE: Final = re.compile(
    r"[a-z0-9][a-z0-9.-]*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal|amazonaws\.eu)"
)

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


@dataclass(frozen=True, slots=True)
class AwsPrincipal:
    """A principal of one account; `root` stands for the account as a whole."""

    text: str
    account: str
    root: bool


@dataclass(frozen=True, slots=True)
class Principals:
    everyone: bool = False
    aws: tuple[AwsPrincipal, ...] = ()
    services: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()
    """S3 canonical user ids and CloudFront origin access identities."""
    deleted: tuple[str, ...] = ()
    unrecognized: tuple[str, ...] = ()

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts whose principals, or the whole of which, are named."""
        providers = (provider_account(text) for text in self.federated)
        return frozenset([p.account for p in self.aws] + [account for account in providers if account])


def is_account(text: str) -> bool:
    """Whether `text` is a 12-digit account id."""
    return _ACCOUNT.fullmatch(text) is not None


@lru_cache(maxsize=16384)
def provider_account(text: str) -> str:
    """The account of an OIDC or SAML provider's ARN; "" for other texts."""
    found = _PROVIDER.fullmatch(text)
    return found.group(1) if found else ""


@lru_cache(maxsize=16384)
def aws_principal(text: str) -> AwsPrincipal | None:
    """The account principal that `text` (an account id or ARN) names, or None for other forms."""
    if is_account(text):
        return AwsPrincipal(text, text, root=True)
    found = _ARN.fullmatch(text)
    return AwsPrincipal(text, found.group(1), root=found.group(2) == "root") if found else None


def read_principals(element: PrincipalElement) -> Principals:
    """The principals of a Principal or NotPrincipal element, sorted by what they are."""
    aws: list[AwsPrincipal] = []
    named: dict[str, list[str]] = {
        "services": [], "federated": [], "canonical": [], "deleted": [], "unrecognized": []
    }  # fmt: skip
    for kind, text in element.named:
        if kind == "AWS" and (principal := aws_principal(text)):
            aws.append(principal)
        else:
            named[_sort(kind, text)].append(text)
    return Principals(element.everyone, tuple(aws), **{name: tuple(texts) for name, texts in named.items()})


def _sort(kind: str, text: str) -> str:
    if kind == "AWS":
        if _UNIQUE_ID.fullmatch(text):
            return "deleted"
        return "canonical" if _ORIGIN_ACCESS_IDENTITY.fullmatch(text) else "unrecognized"
    if kind == "Service":
        return "services" if _SERVICE.fullmatch(text) else "unrecognized"
    if kind == "Federated":
        return "federated" if text in WEB_PROVIDERS or provider_account(text) else "unrecognized"
    if kind == "CanonicalUser":
        return "canonical"
    return "unrecognized"
