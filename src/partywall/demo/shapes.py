"""Checks of Python values against botocore's output shapes, and paging as an operation's paginator says."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any, cast

from partywall.demo.identify import service_model

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime, str, int, float),
    "blob": (bytes, str),
}


def output_shape(service: str, operation: str) -> Any:
    """botocore's output shape of an operation, None where it answers nothing. Raises KeyError if unknown."""
    model = service_model(service)
    if operation not in model.operation_names:
        raise KeyError(f"{service}:{operation} is not in botocore's model")
    return model.operation_model(operation).output_shape


def faults_of(shape: Any, value: Any, path: str = "") -> list[str]:
    """Where a value does not fit a shape: unknown or missing members, wrong types, unknown enum members."""
    kind = shape.type_name
    if kind == "structure":
        return _structure_faults(shape, value, path)
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        items = cast(list[Any], value)
        return [f for i, item in enumerate(items) for f in faults_of(shape.member, item, f"{path}[{i}]")]
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{path}: not a map"]
        entries = cast(dict[str, Any], value)
        return [f for k, item in entries.items() for f in faults_of(shape.value, item, f"{path}.{k}")]
    if not isinstance(value, _SCALARS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{path}: {type(value).__name__} is not a {kind}"]
    allowed = getattr(shape, "enum", None)
    return [f"{path}: {value} is none of {allowed}"] if allowed and value not in allowed else []


def _structure_faults(shape: Any, value: Any, path: str) -> list[str]:
    if shape.is_document_type:
        return []
    if not isinstance(value, dict):
        return [f"{path}: not a structure"]
    entries = cast(dict[str, Any], value)
    found = [f"{path}.{name}: not a member" for name in entries if name not in shape.members]
    found += [f"{path}.{name}: missing" for name in shape.required_members if name not in entries]
    for name, item in entries.items():
        # AWS answers null for some members that its models require.
        if name in shape.members and item is not None:
            found += faults_of(shape.members[name], item, f"{path}.{name}")
    return found


def check_answer(service: str, operation: str, answer: dict[str, Any]) -> None:
    """Raise ValueError where an answer does not fit the operation's output shape."""
    shape = output_shape(service, operation)
    if shape is None:
        faults = ["an answer where the operation has none"] if answer else []
    else:
        faults = faults_of(shape, answer)
    if faults:
        raise ValueError(f"{service}:{operation}: " + "; ".join(faults[:5]))


@functools.cache
def _paginators(service: str) -> dict[str, Any]:
    from botocore.exceptions import UnknownServiceError

    from partywall.aws.models import loader

    models: Any = loader()
    try:
        return cast(dict[str, Any], models.load_service_model(service, "paginators-1")["pagination"])
    except UnknownServiceError:
        return {}


def page(service: str, operation: str, params: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The part of a listing that the request's limit and token ask for; the token is the offset in words."""
    rules = _paginators(service).get(operation)
    if not rules or isinstance(rules["input_token"], list) or "limit_key" not in rules:
        return answer
    key = rules["result_key"]
    key = key[0] if isinstance(key, list) else key
    rows: Any = answer.get(key)
    limit: Any = params.get(rules["limit_key"])
    if not isinstance(rows, list) or not limit:
        return answer
    rows = cast(list[Any], rows)
    start = int(str(params.get(rules["input_token"]) or "from-0").removeprefix("from-"))
    end = start + int(limit)
    paged = {**answer, key: rows[start:end]}
    if end < len(rows):
        paged[rules["output_token"]] = f"from-{end}"
    return paged
