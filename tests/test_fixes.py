"""Fixes that are ready to copy: CloudFormation against the registry's schemas (cfn-lint carries them)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from partywall.checks.loader import catalogue

cfnlint = pytest.importorskip("cfnlint", reason="cfn-lint (of moto[server]) carries CloudFormation's schemas")
SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
FIXES = {k: v.check.fix for k, v in catalogue().items()}
TEMPLATES = {k: fix.cloudformation for k, fix in FIXES.items() if fix.cloudformation}
CONFIGURATIONS = {k: fix.terraform for k, fix in FIXES.items() if fix.terraform}


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, whose values are anything."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: {"Fn::Any": suffix})


@cache
def types() -> dict[str, str]:
    """Each resource type with the file of its schema."""
    return orjson.loads((SCHEMAS / "providers" / "us-east-1.json").read_bytes())


@cache
def schema(name: str) -> dict[str, Any]:
    return orjson.loads((SCHEMAS / "resources" / f"{types()[name]}.json").read_bytes())


def faults(root: dict[str, Any], node: dict[str, Any], value: Any, at: str) -> Iterator[str]:
    """Property names that a schema does not have, and texts that are none of its enum."""
    if "$ref" in node:
        target: Any = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from faults(root, target, value, at)
        return
    options = [
        o for key in ("anyOf", "oneOf") for o in node.get(key, ()) if {"$ref", "properties", "items"} & {*o}
    ]
    if options and "properties" not in node:
        found = [list(faults(root, option, value, at)) for option in options]
        yield from min(found, key=len)
        return
    if isinstance(value, dict):
        if "Fn::Any" in value or any(str(k).startswith("Fn::") for k in value) or not node.get("properties"):
            return
        for name, inner in value.items():
            if name in node["properties"]:
                yield from faults(root, node["properties"][name], inner, f"{at}.{name}")
            elif not node.get("patternProperties"):
                yield f"{at} has no property {name} (it has {', '.join(sorted(node['properties']))})"
    elif isinstance(value, list):
        if node.get("type") not in (None, "array") and "array" not in node["type"]:
            yield f"{at} is no list"
        for item in value:
            yield from faults(root, node.get("items", {}), item, f"{at}[]")
    elif node.get("type") in ("object", "array"):
        yield f"{at} is {value!r}, and wants an {node['type']}"
    elif isinstance(value, str) and "enum" in node and value not in node["enum"]:
        yield f"{at} is {value!r}, and wants one of {node['enum']}"


def template_faults(text: str) -> list[str]:
    document = yaml.load(text, Loader)
    resources = [document] if "Type" in document else list(document.get("Resources", {}).values())
    found: list[str] = []
    for resource in resources:
        name = resource["Type"]
        if name not in types():
            found.append(f"CloudFormation has no {name}")
            continue
        found += faults(schema(name), schema(name), resource.get("Properties", {}), name)
    return found


@pytest.mark.parametrize("check_id", TEMPLATES)
def test_templates_use_properties_that_cloudformation_has(check_id: str) -> None:
    assert template_faults(TEMPLATES[check_id]) == []


def test_a_wrong_template_is_named() -> None:
    assert "no AWS::S3::Buckets" in template_faults("Type: AWS::S3::Buckets")[0]
    wrong = "Type: AWS::S3::Bucket\nProperties: {VersioningConfiguration: {State: Enabled}}"
    assert "no property State" in template_faults(wrong)[0]
    wrong = "Type: AWS::S3::Bucket\nProperties: {VersioningConfiguration: {Status: On it goes}}"
    assert "one of" in template_faults(wrong)[0]


def balance(text: str) -> str:
    """The first bracket or quote of HCL that has no partner; empty where all have one."""
    stack: list[str] = []
    partner = {")": "(", "]": "[", "}": "{"}
    for line in text.splitlines():
        quoted = False
        for index, letter in enumerate(line):
            if letter == '"' and (index == 0 or line[index - 1] != "\\"):
                quoted = not quoted
            elif quoted and letter not in "{}":
                continue
            elif letter == "#" and not quoted:
                break
            elif letter in "([{":
                stack.append(letter)
            elif letter in ")]}" and (not stack or stack.pop() != partner[letter]):
                return letter
        if quoted:
            return '"'
    return stack[-1] if stack else ""


@pytest.mark.parametrize("check_id", CONFIGURATIONS)
def test_terraform_is_balanced_and_names_resources(check_id: str) -> None:
    text = CONFIGURATIONS[check_id]
    assert balance(text) == ""
    assert "resource " in text or "data " in text or "provider " in text or "module " in text or "=" in text


def test_an_unbalanced_configuration_is_named() -> None:
    assert balance('resource "a" "b" {\n  x = "y"\n}') == ""
    assert balance('resource "a" "b" {') == "{"
    assert balance('x = "${var.y}"') == ""
    assert balance('x = "y') == '"'
    assert balance("x = [1)") == ")"
