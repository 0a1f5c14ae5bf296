"""Proves the `aws …` commands of fixes against botocore's models, from which the AWS CLI is made.

A command's service, operation, options and their values are looked up under the names that the AWS CLI
User Guide gives them ("AWS CLI Command Reference": operation and parameter names in kebab case).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import orjson

# Services that the AWS CLI calls by another name than botocore, and its own commands without an operation.
_SERVICES: Final = {"s3api": "s3", "configservice": "config", "deploy": "codedeploy"}
_OWN_COMMANDS: Final = {
    "s3": {"cp", "ls", "mb", "mv", "presign", "rb", "rm", "sync", "website"},
    "configure": {"sso", "list", "set", "get", "import"},
    "cloudtrail": {"validate-logs"},
    "ecr": {"get-login-password"},
    "eks": {"update-kubeconfig", "get-token"},
    "emr": {"create-cluster", "modify-cluster-attributes", "terminate-clusters", "describe-cluster"},
    "logs": {"tail"},
    "ssm": {"start-session"},
    "sso": {"login", "logout"},
    "cloudformation": {"deploy", "package"},
}
_GLOBAL: Final = {
    "ca-bundle", "cli-auto-prompt", "cli-binary-format", "cli-connect-timeout", "cli-input-json",
    "cli-input-yaml", "cli-read-timeout", "color", "debug", "endpoint-url", "generate-cli-skeleton",
    "max-items", "no-cli-pager", "no-paginate", "no-sign-request", "no-verify-ssl", "output", "page-size",
    "profile", "query", "region", "starting-token",
}  # fmt: skip
_FLAGS: Final = {"debug", "no-cli-pager", "no-paginate", "no-sign-request", "no-verify-ssl"}
# Options that the AWS CLI adds to an operation or renames, with the member that each fills ("" for none).
_RULE_OPTIONS: Final = {"protocol": "", "port": "", "cidr": "", "source-group": "", "group-owner": ""}
_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "ec2 authorize-security-group-ingress": _RULE_OPTIONS,
    "ec2 authorize-security-group-egress": _RULE_OPTIONS,
    "ec2 revoke-security-group-ingress": _RULE_OPTIONS,
    "ec2 revoke-security-group-egress": _RULE_OPTIONS,
    "ec2 create-network-acl-entry": {"ingress": "Egress"},
    "ec2 replace-network-acl-entry": {"ingress": "Egress"},
    "ec2 delete-network-acl-entry": {"ingress": "Egress"},
    "ec2 run-instances": {"count": "", "associate-public-ip-address": ""},
    "iam create-virtual-mfa-device": {"outfile": "", "bootstrap-method": ""},
    "cloudfront create-invalidation": {"paths": "InvalidationBatch"},
    "cloudfront update-distribution": {"default-root-object": "DistributionConfig"},
    "configservice put-configuration-recorder": {"recording-group": ""},
    "eks update-cluster-version": {"kubernetes-version": "version"},
    "eks update-nodegroup-version": {"kubernetes-version": "version"},
    "sns subscribe": {"notification-endpoint": "Endpoint"},
}
_DEFAULTED: Final = {"ec2 run-instances": {"MinCount", "MaxCount"}}
_REST: Final = ("…", "...")
_PLACEHOLDER: Final = re.compile(r"^[<$]|^[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*$|^file://|^fileb://|\$\(")


def lint_commands(text: str) -> list[str]:
    """A sentence for each `aws …` command in a fix's text that the AWS CLI would refuse."""
    faults: list[str] = []
    for words in _commands(text):
        faults += [f"aws {' '.join(words[:2])}: {fault}" for fault in _faults(words)]
    return faults


def _commands(text: str) -> Iterator[list[str]]:
    """The words of each command after `aws`, from a text of commands and remarks."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:
            if "aws " in line:
                yield ["?", "?", f"unbalanced quotes in {line!r}"]
            continue
        command: list[str] = []
        for word in [*words, ";"]:
            if word and set(word) <= set(";|&<>"):
                if command and command[0] == "aws":
                    yield command[1:]
                command = []
            elif command or word == "aws":
                command.append(word)
            else:
                command = []


def _faults(words: list[str]) -> Iterator[str]:
    if words[0] == "?":
        yield words[2]
        return
    if len(words) < 2:
        yield "names no operation"
        return
    service, command, *rest = words
    if command in _OWN_COMMANDS.get(service, ()):
        return
    names = _operations(_SERVICES.get(service, service)) if service not in _SERVICES.values() else {}
    if not names:
        yield f"the AWS CLI has no service {service}"
        return
    if command == "wait":
        return
    if command not in names:
        yield f"the service {service} has no operation {command}"
        return
    if any(word in _REST for word in rest):  # "and the options that it has now": what is written must hold
        rest = [word for word in rest if word not in _REST]
        whole = False
    else:
        whole = True
    shape = names[command].input_shape
    members: dict[str, Any] = dict(shape.members) if shape else {}
    required = set(shape.required_members) if shape else set[str]()
    extra = _OPTIONS.get(f"{service} {command}", {})
    given = set(_DEFAULTED.get(f"{service} {command}", ()))
    by_option = _by_option(members)
    index = 0
    while index < len(rest):
        word = rest[index]
        index += 1
        if not word.startswith("--"):
            yield f"{word!r} is the value of no option"
            continue
        name, _, inline = word[2:].partition("=")
        values = [inline] if inline else []
        while not inline and index < len(rest) and not rest[index].startswith("--"):
            values.append(rest[index])
            index += 1
        if name in _GLOBAL:
            if name in ("cli-input-json", "cli-input-yaml", "generate-cli-skeleton"):
                given |= required
            if name in _FLAGS and values:
                yield f"--{name} takes no value, and has {values[0]!r}"
            continue
        if name in extra:
            given.add(extra[name])
            continue
        member = by_option.get(name)
        negated = False
        if member is None and name.startswith("no-"):
            member = by_option.get(name[3:])
            negated = member is not None and _is_switch(members[member])
            member = member if negated else None
        if member is None:
            yield f"there is no option --{name}"
            continue
        given.add(member)
        yield from (f"--{name}: {fault}" for fault in _value_faults(members[member], values))
    for name in sorted(required - given) if whole else ():
        if not members[name].metadata.get("idempotencyToken"):
            yield f"needs --{_option(name)}"


def _is_switch(shape: Any) -> bool:
    """Booleans, and EC2's structures of one, are written as --name and --no-name."""
    return shape.type_name == "boolean" or shape.name == "AttributeBooleanValue"


def _value_faults(shape: Any, values: list[str]) -> Iterator[str]:
    kind = shape.type_name
    if kind == "boolean" and values:
        yield f"a switch takes no value, and has {values[0]!r}"
    if (_is_switch(shape) and not values) or kind == "boolean":
        return
    if not values:
        yield "has no value"
        return
    if kind == "list":
        if len(values) == 1 and values[0].startswith("["):
            yield from _json_faults(shape, values[0])
        else:
            for value in values:
                yield from _one(shape.member, value)
        return
    if len(values) > 1:
        yield f"takes one value, and has {len(values)}"
    yield from _one(shape, values[0])


def _one(shape: Any, value: str) -> Iterator[str]:
    kind = shape.type_name
    if _PLACEHOLDER.search(value) and value not in (getattr(shape, "enum", None) or []):
        if getattr(shape, "enum", None) and "_" in value:
            yield f"{value!r} is none of {', '.join(shape.enum)}"
        return
    if value[:1] in "{[" and kind in ("structure", "list", "map"):
        yield from _json_faults(shape, value)
    elif kind == "structure":
        if re.match(r"[A-Za-z]\w*=", value):
            yield from _shorthand_faults(shape, value)
        elif len(shape.members) != 1:
            yield f"{value!r} is neither JSON nor Key=value"
    elif kind in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", value):
            yield f"{value!r} is not a number"
    elif kind == "string" and getattr(shape, "enum", None):
        for item in value.split(",") if "," in value else [value]:
            if item not in shape.enum:
                yield f"{item!r} is none of {', '.join(shape.enum)}"


def _json_faults(shape: Any, text: str) -> Iterator[str]:
    from botocore.validate import ParamValidator

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        yield f"{text!r} is not JSON: {error}"
        return
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        yield report.generate_report()
    yield from _enum_faults(shape, value)


def _enum_faults(shape: Any, value: Any) -> Iterator[str]:
    """Texts in JSON that are no members of the shape's enum; botocore's validator lets them through."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if name in shape.members:
                yield from _enum_faults(shape.members[name], item)
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _enum_faults(shape.member, item)
    elif shape.type_name == "map" and isinstance(value, dict):
        for item in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _enum_faults(shape.value, item)
    elif isinstance(value, str) and getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{value!r} is none of {', '.join(shape.enum)}"


def _shorthand_faults(shape: Any, text: str) -> Iterator[str]:
    """Faults of `Key=value,Key={Inner=value},Key=[a,b]`, the AWS CLI's shorthand for a structure."""
    for key, value in _pairs(text):
        if key not in shape.members:
            yield f"{shape.name} has no member {key} (it has {', '.join(sorted(shape.members))})"
            continue
        inner = shape.members[key]
        if value.startswith("{") and inner.type_name == "structure":
            yield from _shorthand_faults(inner, value[1:-1])
        elif value.startswith("[") and inner.type_name == "list":
            for item in _split(value[1:-1]):
                if item.startswith("{") and inner.member.type_name == "structure":
                    yield from _shorthand_faults(inner.member, item[1:-1])
                elif inner.member.type_name != "structure":
                    yield from _one(inner.member, item)
        elif inner.type_name == "boolean":
            if value not in ("true", "false"):
                yield f"{key}={value} is neither true nor false"
        elif inner.type_name == "list" and inner.member.type_name != "structure":
            for item in value.split(","):
                yield from _one(inner.member, item)
        else:
            yield from _one(inner, value)


def _split(text: str) -> list[str]:
    """`text` at the commas outside braces, brackets and quotes."""
    parts, depth, start = list[str](), 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "{[") - (letter in "}]")
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for part in _split(text):
        key, equals, value = part.partition("=")
        if equals and re.fullmatch(r"\w+", key.strip()):
            pairs.append((key.strip(), value))
        elif pairs:  # a further value of the last key: Values=a,b
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part}")
    return pairs


def _option(member: str) -> str:
    from botocore import xform_name

    return xform_name(member, "-")


def _by_option(members: dict[str, Any]) -> dict[str, str]:
    return {_option(name): name for name in members}


@cache
def _operations(service: str) -> dict[str, Any]:
    """The operations of a service by their names in the AWS CLI; empty for a service that it lacks."""
    from botocore.exceptions import UnknownServiceError

    from partywall.tables.lint import service_model

    try:
        model = service_model(service)
    except UnknownServiceError:
        return {}
    return {_option(name): model.operation_model(name) for name in model.operation_names}
