"""Condition blocks: operators, keys, values and policy variables.

IAM User Guide: IAM JSON policy elements: Condition operators; AWS global condition context keys; Creating a
condition with multiple keys or values; Policy variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from partywall.analysis.iam.lint import reference
from partywall.analysis.iam.lint.document import Run, Statement, entries
from partywall.analysis.iam.lint.positions import Node
from partywall.analysis.iam.operators import OPERATORS, instant

_QUANTIFIERS: Final = {"forallvalues": "all", "foranyvalue": "any"}
_DATE_FORM: Final = re.compile(
    r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?"
)
# Operator families that a key's type takes; a String operator reads any value as text.
_FAMILIES: Final = {
    "String": ("string", "binary"),
    "ARN": ("arn", "string"),
    "Bool": ("bool",),
    "Numeric": ("numeric",),
    "Date": ("date",),
    "IPAddress": ("ipaddress",),
}
# Pages "AWS global condition context keys" and "Condition keys for AWS services": this key -> its pair.
_PAIRS: Final = {"aws:vpcsourceip": ("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn")}
_SERVICE_KEYS: Final = (
    "iam:passedtoservice",
    "iam:awsservicename",
    "aws:principalservicename",
    "aws:calledvia",
)
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator's name taken apart: `name` in lower case, `quantifier` "", "all" or "any"."""

    written: str
    name: str
    quantifier: str
    if_exists: bool

    @property
    def family(self) -> str:
        """string, arn, numeric, date, bool, binary, ipaddress or null."""
        for family in ("string", "arn", "numeric", "date", "bool", "binary", "null"):
            if self.name.startswith(family):
                return family
        return "ipaddress"


def read(written: str) -> Operator | None:
    """An operator as written; None where there is none of that name."""
    head, colon, tail = written.lower().partition(":")
    name = tail if colon else head
    quantifier = _QUANTIFIERS.get(head, "") if colon else ""
    if colon and not quantifier:
        return None
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    return Operator(written, name, quantifier, if_exists) if name in OPERATORS or name == "null" else None


def check(run: Run, statements: list[Statement]) -> None:
    """Notes what is wrong with conditions, and with variables wherever they stand."""
    for s in statements:
        _block(run, s)
        _variables(run, s)


def _block(run: Run, s: Statement) -> None:
    block, path = s.condition, f"{s.path}.Condition"
    if block is None or block.kind == "unknown":
        return
    if block.kind != "object":
        run.add("DATA_TYPE_MISMATCH", block, path, "Condition maps operators to keys.")
        return
    if not block.members:
        run.add("EMPTY_OBJECT_CONDITION", block, path, "The condition is empty and asks nothing.")
    for name, keys in block.members:
        where = f"{path}.{name.text}"
        operator = read(name.text)
        if operator is None:
            run.add("INVALID_CONDITION_OPERATOR", name, where, f"No operator is called {name.text!r}.")
            continue
        if operator.name == "null" and operator.if_exists:
            run.add(
                "NULL_WITH_IF_EXISTS",
                name,
                where,
                "Null asks whether the key is there: IfExists cannot go with it.",
            )
        if operator.name == "null" and operator.quantifier:
            run.add(
                "NULL_WITH_QUALIFIER", name, where, "Null with a set operator always gives the same answer."
            )
        if keys.kind == "unknown":
            continue
        if keys.kind != "object":
            run.add("DATA_TYPE_MISMATCH", keys, where, "An operator maps keys to values.")
            continue
        if not keys.members:
            run.add("EMPTY_OBJECT_CONDITION", keys, where, "The operator compares nothing.")
        seen: dict[str, str] = {}
        for key, value in keys.members:
            place = f"{where}.{key.text}"
            folded = key.text.lower()
            if folded in seen:
                run.add(
                    "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
                    key,
                    place,
                    f"{seen[folded]} is the same key: names of keys are compared without case.",
                )
            seen.setdefault(folded, key.text)
            type_ = _key(run, key, place)
            _operator(run, operator, key, type_, place)
            _values(run, operator, folded, type_, value, place)
    _pairs(run, s)


def _key(run: Run, key: Node, path: str) -> str | None:
    text = key.text.lower()
    service, colon, name = text.partition(":")
    if "." in service or service == "saml":
        return None  # a federation provider's own key
    if not colon or not name or not service:
        run.add("INVALID_CONDITION_KEY_FORMAT", key, path, f"{key.text!r} is not of the form service:key.")
        return None
    if reference.is_tag_family(text.rstrip("/")):
        run.add(
            "MISSING_TAG_KEY_IN_CONDITION",
            key,
            path,
            f"{key.text} wants a tag's key after it: {key.text.rstrip('/')}/key.",
        )
        return None
    if text == "aws:arn":
        run.add(
            "UNSUPPORTED_GLOBAL_CONDITION_KEY",
            key,
            path,
            "aws:ARN is no key: take aws:PrincipalArn or aws:SourceArn.",
        )
        return None
    if text == "aws:sourceowner":
        run.add(
            "DEPRECATED_GLOBAL_CONDITION_KEY", key, path, "aws:SourceOwner is old: take aws:SourceAccount."
        )
    type_ = reference.key_type(text)
    if type_ is not None or "${" in text:
        return type_
    if service == "aws":
        near = reference.nearest(text, dict(reference.GLOBAL_KEYS))
        hint = f" Is {near} meant?" if near else ""
        run.add(
            "INVALID_GLOBAL_CONDITION_KEY",
            key,
            path,
            f"No global condition key is called {key.text!r}.{hint}",
        )
    elif service not in reference.services():
        run.add("INVALID_SERVICE", key, path, f"No service has the prefix {service!r}.")
    elif reference.condition_keys(service):
        run.add("INVALID_SERVICE_CONDITION_KEY", key, path, f"{service} has no condition key {key.text!r}.")
    return None


def _operator(run: Run, operator: Operator, key: Node, type_: str | None, path: str) -> None:
    if type_ is None or operator.name == "null":
        return
    many = type_.startswith("ArrayOf")
    if many and not operator.quantifier:
        run.add(
            "MISSING_QUALIFIER",
            key,
            path,
            f"{key.text} has several values: say ForAllValues: or ForAnyValue:.",
        )
    if not many and operator.quantifier == "all":
        run.add(
            "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
            key,
            path,
            f"{key.text} has one value, and ForAllValues: holds too where the request lacks it.",
        )
    base = type_.removeprefix("ArrayOf")
    if operator.family not in _FAMILIES.get(base, (operator.family,)):
        # aws:EpochTime is compared as a date or as a number.
        if base == "Date" and operator.family == "numeric":
            return
        run.add(
            "TYPE_MISMATCH",
            key,
            path,
            f"{key.text} is of type {base}, which {operator.written} does not compare.",
        )


def _values(run: Run, operator: Operator, key: str, type_: str | None, value: Node, path: str) -> None:
    if value.kind in ("object", "null"):
        run.add("DATA_TYPE_MISMATCH", value, path, "A condition's values are texts, numbers or booleans.")
        return
    listed = entries(value, path)
    if not listed:
        _empty(run, operator, value, path)
        return
    for node, where in listed:
        if node.kind in ("object", "array", "null"):
            run.add("DATA_TYPE_MISMATCH", node, where, "A condition's values are texts, numbers or booleans.")
        elif node.kind != "unknown":
            _value(run, operator, key, node, where)
    kinds = {node.kind for node, _ in listed} & {"string", "number", "boolean"}
    if len(kinds) > 1:
        run.add("INVALID_CONDITION_DATA_TYPE", value, path, "The values are of different JSON types.")
    if operator.family == "bool" and len(listed) > 1 and not operator.quantifier:
        run.add(
            "INVALID_CONDITION_MULTIPLE_BOOLEAN", value, path, "A boolean key is compared with one value."
        )
    if key == "aws:sourceip" and operator.family == "ipaddress":
        _private(run, operator, listed, value, path)
    if operator.family == "numeric" and "than" in operator.name and len(listed) > 1:
        run.add(
            "REDUNDANT_CONDITION_VALUE_NUM",
            value,
            path,
            f"One value decides: the {'greatest' if 'less' in operator.name else 'least'} of them.",
        )


def _empty(run: Run, operator: Operator, value: Node, path: str) -> None:
    if operator.quantifier == "all":
        code, says = (
            "EMPTY_ARRAY_CONDITION_FORALLVALUES",
            "it holds only where the key is missing: say so with Null",
        )
    elif operator.quantifier == "any":
        code, says = "EMPTY_ARRAY_CONDITION_FORANYVALUE", "it never holds"
    elif operator.if_exists:
        code, says = (
            "EMPTY_ARRAY_CONDITION_IFEXISTS",
            "it holds only where the key is missing: say so with Null",
        )
    else:
        code, says = "EMPTY_ARRAY_CONDITION", "it compares nothing"
    run.add(code, value, path, f"The key has no values to compare with, so {says}.")


def _value(run: Run, operator: Operator, key: str, node: Node, path: str) -> None:
    text = str(node.value).lower() if node.kind == "boolean" else str(node.value)
    if "${" in text:
        if operator.family not in ("string", "arn") and not re.fullmatch(r"\$\{[*?$]\}", text):
            run.add(
                "INVALID_VARIABLE_FOR_OPERATOR", node, path, f"{operator.written} fills no policy variables."
            )
        return
    family = operator.family
    if family in ("bool", "null"):
        if text.lower() not in ("true", "false"):
            run.add(
                "TYPE_MISMATCH_BOOLEAN",
                node,
                path,
                f"{operator.written} compares with true or false, not {text!r}.",
            )
    elif family == "numeric":
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text):
            run.add("TYPE_MISMATCH_NUMBER", node, path, f"{text!r} is no number.")
    elif family == "date":
        if re.fullmatch(r"\d{5,}", text):
            run.add("INVALID_DATE_VALUE", node, path, "Epoch seconds are easily misread: write YYYY-MM-DD.")
        elif not _DATE_FORM.fullmatch(text) or instant(text) is None:
            run.add(
                "TYPE_MISMATCH_DATE",
                node,
                path,
                f"{text!r} is no date such as 2026-01-31 or 2026-01-31T12:00:00Z.",
            )
    elif family == "ipaddress":
        _address(run, node, text, path)
    elif family == "binary":
        if not re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text):
            run.add("TYPE_MISMATCH_STRING", node, path, "BinaryEquals compares with base64 text.")
    elif operator.name.startswith("string") and "like" not in operator.name and re.search(r"[*?]", text):
        run.add("WILDCARD_WITHOUT_LIKE_OPERATOR", node, path, f"{operator.written} takes * and ? literally.")
    if key == "aws:requestedregion" and family == "string" and not re.search(r"[*?]", text):
        _region(run, node, text, path)
    if key in _SERVICE_KEYS and family == "string" and not re.search(r"[*?]", text):
        if not re.fullmatch(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)", text):
            run.add(
                "INVALID_SERVICE_PRINCIPAL_FORMAT",
                node,
                path,
                f"{text!r} is no service such as ec2.amazonaws.com.",
            )
    elif (
        key == "kms:viaservice"
        and not re.fullmatch(r"[a-z0-9-]+\.[a-z0-9*?-]+\.amazonaws\.com(\.cn)?", text)
        and not re.match(r"[*?]", text)
    ):
        run.add(
            "INVALID_SERVICE_PRINCIPAL_FORMAT",
            node,
            path,
            f"{text!r} is not of the form service.region.amazonaws.com.",
        )


def _region(run: Run, node: Node, text: str, path: str) -> None:
    from partywall.aws.partitions import partitions, regions_of

    if not any(text in regions_of(p) for p in partitions()):
        run.add("INVALID_REGION", node, path, f"No Region is called {text!r}.")


def _address(run: Run, node: Node, text: str, path: str) -> None:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        run.add("TYPE_MISMATCH_IP_RANGE", node, path, f"{text!r} is neither an address nor a CIDR range.")
        return
    address = text.partition("/")[0]
    if ip_address(address) != network.network_address:
        run.add(
            "IMPROVE_IP_RANGE", node, path, f"The bits after the mask count for nothing: write {network}."
        )


def _private(run: Run, operator: Operator, listed: list[tuple[Node, str]], value: Node, path: str) -> None:
    ranges: list[bool] = []
    for node, _ in listed:
        try:
            ranges.append(ip_network(node.text, strict=False).is_private)
        except ValueError:
            return
    if not any(ranges):
        return
    suffix = "PRIVATE_NOTIPADDRESS" if operator.name.startswith("not") else "PRIVATE_IP_ADDRESS"
    if all(ranges):
        says = "always holds" if operator.name.startswith("not") else "never holds"
        run.add(
            suffix, value, path, f"aws:SourceIp is a public address, so a condition on private ones {says}."
        )
    else:
        run.add(
            f"{suffix}_SUBSET",
            value,
            path,
            "aws:SourceIp is a public address; the private ranges do nothing here.",
        )


def _pairs(run: Run, s: Statement) -> None:
    keys = s.compared()
    names = {key.text.lower() for _, key, _ in keys}
    for operator, key, _ in keys:
        pair = _PAIRS.get(key.text.lower())
        if pair and not names & set(pair):
            path = f"{s.path}.Condition.{operator.text}.{key.text}"
            run.add(
                "MISSING_PAIRED_CONDITION_KEYS",
                key,
                path,
                f"Private addresses repeat from VPC to VPC: pair {key.text} with aws:SourceVpc.",
            )


def _strings(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    if node.kind == "string":
        yield node, path
    for n, item in enumerate(node.items):
        yield from _strings(item, f"{path}[{n}]")
    for key, value in node.members:
        yield from _strings(value, f"{path}.{key.text}")


def _variables(run: Run, s: Statement) -> None:
    for key, value in s.node.members:
        for node, path in _strings(value, f"{s.path}.{key.text}"):
            if "${" not in node.text:
                continue
            if key.text not in ("Resource", "NotResource", "Condition"):
                run.add(
                    "VARIABLE_UNSUPPORTED_IN_ELEMENT", node, path, f"{key.text} fills no policy variables."
                )
            elif not run.variables:
                run.add(
                    "VARIABLE_UNSUPPORTED_IN_VERSION",
                    node,
                    path,
                    "Variables are filled from Version 2012-10-17 on; before it this is plain text.",
                )
            else:
                _variable(run, node, path)


def _variable(run: Run, node: Node, path: str) -> None:
    rest = _VARIABLE.sub("", node.text)
    if "${" in rest:
        run.add("MISSING_BRACE_IN_VARIABLE", node, path, "A variable's closing brace is missing.")
    for found in _VARIABLE.finditer(node.text):
        inner = found.group(1)
        if inner in ("*", "?", "$"):
            continue
        name, comma, default = inner.partition(",")
        if not inner.strip():
            run.add("EMPTY_VARIABLE", node, path, "${} names no key.")
        elif comma and not re.fullmatch(r"'[^']*'", default.strip()):
            run.add("MISSING_QUOTE_IN_VARIABLE", node, path, "A variable's default stands in single quotes.")
        elif " " in name.strip() or name != name.lstrip():
            # The name of a tag may hold spaces.
            if "/" not in name:
                run.add("UNSUPPORTED_SPACE_IN_VARIABLE", node, path, "A variable's name holds no spaces.")
        elif not re.fullmatch(r"[A-Za-z0-9:/_.+=@-]+", name.strip()):
            run.add(
                "UNSUPPORTED_SYMBOL_IN_VARIABLE",
                node,
                path,
                f"{name.strip()!r} is no name of a condition key.",
            )


def tag_conditions(s: Statement) -> list[Node]:
    """The `aws:ResourceTag` keys that a condition asks for, IfExists and negated forms left out."""
    found: list[Node] = []
    for operator, key, _ in s.compared():
        known = read(operator.text)
        plain = known and not known.if_exists and "not" not in known.name and known.name != "null"
        if plain and key.text.lower().startswith("aws:resourcetag/"):
            found.append(key)
    return found
