"""What answers hold: elements at a path, answers of bulk calls by key, and failures as rows keep them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import orjson

from partywall.aws.answers import Outcome
from partywall.aws.caller import Result
from partywall.tables.lint import CSV
from partywall.tables.mapping import Row
from partywall.tables.paths import MISSING, compile_path
from partywall.tables.spec import Lookup

Failure = dict[str, str]


class Index:
    """The answer of a bulk call by the key of its elements; `failure` where a page of it failed."""

    __slots__ = ("_call", "_elements", "_found", "_key", "failure")

    def __init__(self, call: Lookup) -> None:
        self.failure: Failure | None = None
        self._call = call
        self._key = compile_path(call.key)
        self._elements = elements(call.at)
        self._found: dict[Any, Any] = {}

    def add(self, page: Result) -> None:
        found = self._elements(page.data) if page.ok else None
        if found is None:
            malformed = replace(page, outcome=Outcome.ERROR, error_code="MalformedAnswer")
            self.failure = failure(malformed if page.ok else page)
            return
        for element in found:
            key = self._key(element)
            if self._call.many:
                self._found.setdefault(key, []).append(element)
            else:
                # As text it takes a fifth of the memory, and what tables share is kept to the scan's end.
                self._found[key] = orjson.dumps(element) if self._call.shared else element

    def get(self, key: Any) -> Any:
        found = self._found.get(key, MISSING)
        return orjson.loads(found) if isinstance(found, bytes) else found


def join(into: dict[str, Any], page: Mapping[str, Any]) -> None:
    """Adds a page of an answer to those before: lists follow each other, of other values the first stays."""
    for name, value in page.items():
        if isinstance(value, list) and isinstance(into.get(name), list):
            into[name].extend(value)
        elif isinstance(value, dict) and isinstance(into.get(name), dict):
            join(into[name], cast("dict[str, Any]", value))
        else:
            into.setdefault(name, value)


def elements(at: str) -> Callable[[Any], list[Any] | None]:
    """A function from an answer to its elements; None where what stands at the path is no list of them."""
    if at.endswith(CSV):
        get_text = compile_path(at.removesuffix(CSV))

        def lines(data: Any) -> list[Any] | None:
            raw = get_text(data)
            if raw is MISSING:
                return None
            text = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
            return list(csv.DictReader(io.StringIO(text)))

        return lines
    get = compile_path(at)

    def listed(data: Any) -> list[Any] | None:
        found = get(data)
        if found is MISSING:
            return []
        if isinstance(found, list):
            return cast("list[Any]", found)
        return [found] if isinstance(found, dict) else None

    return listed


def failure(result: Result) -> Failure:
    """What a row keeps of an answer that failed."""
    return {
        "operation": result.operation,
        "region": result.region,
        "outcome": str(result.outcome),
        "code": result.error_code,
        "denied_by": result.denied_by,
        "message": result.error_message,
    }


def dependency(operation: str, row: Row) -> Failure:
    """Why a call could not be made: the row lacks what an earlier call would have told."""
    if row["_failed"]:
        return {k: v for k, v in row["_failed"][-1].items() if k != "call"}
    return {
        "operation": operation,
        "region": str(row.get("@region", "")),
        "outcome": str(Outcome.ERROR),
        "code": "DependencyUnknown",
        "denied_by": "",
        "message": "the row lacks a value that this call needs",
    }
