"""CloudWatch Logs filter patterns, read as AWS reads them, so that one can ask what a pattern matches.

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, cast

Match = Callable[[Mapping[str, Any]], bool]

_MISSING: Final[Any] = object()
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<op>&&|\|\||!=|>=|<=|[=<>(){}])
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<regex>%(?:[^%\\]|\\.)*%)
    | (?P<word>(?:\[(?:\d+|\*|'[^']*'|"[^"]*")\]|[^\s"%&|!=<>(){}]|[&|](?![&|])|!(?!=))+)
    )""",
    re.VERBOSE,
)
_TERM: Final = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|(%(?:[^%\\]|\\.)*%)|([^\s"]+))')
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\*)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class PatternError(ValueError):
    """The pattern is not one that this reader understands."""


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Match:
    """A function from a JSON log event to whether the pattern matches it; raises PatternError.

    The empty pattern matches everything. A space-delimited pattern ("[ip, user, …]") matches no JSON event.
    """
    text = pattern.strip()
    if not text:
        return lambda _: True
    if text.startswith("{"):
        return _Json(text).parse()
    if text.startswith("["):
        return lambda _: False
    return _terms(text)


def _terms(text: str) -> Match:
    """Words and phrases over the event's text: all plain ones, one of the "?" ones, none of the "-" ones."""
    required: list[re.Pattern[str]] = []
    optional: list[re.Pattern[str]] = []
    excluded: list[re.Pattern[str]] = []
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise PatternError(f"cannot read the terms from position {position}")
        position = found.end()
        sign, quoted, regex, word = found.groups()
        expression = (
            regex[1:-1] if regex is not None else re.escape(_unescape(quoted) if quoted is not None else word)
        )
        {"?": optional, "-": excluded}.get(sign, required).append(_regex(expression))

    def match(event: Mapping[str, Any]) -> bool:
        line = json.dumps(event, separators=(",", ":"))
        return (
            all(term.search(line) for term in required)
            and (not optional or any(term.search(line) for term in optional))
            and not any(term.search(line) for term in excluded)
        )

    return match


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _regex(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise PatternError(f"not a regular expression: {error}") from error


def _selector(text: str) -> Callable[[Mapping[str, Any]], list[Any]]:
    """A function to the values at "$.a.b[0]"; empty where there is none."""
    if not text.startswith("$"):
        raise PatternError(f"a selector begins with $, not {text!r}")
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise PatternError(f"cannot read the selector {text!r}")
        position = found.end()
        name, index, *quoted = found.groups()
        if index is not None:
            steps.append("*" if index == "*" else int(index))
        else:
            steps.append(next(s for s in (name, *quoted) if s is not None))

    def get(event: Mapping[str, Any]) -> list[Any]:
        values: list[Any] = [event]
        for step in steps:
            values = [inner for value in values for inner in _below(value, step)]
        return values

    return get


def _below(value: Any, step: str | int) -> list[Any]:
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value).get(str(step), _MISSING)
        return [] if found is _MISSING else [found]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if step == "*":
            return items
        return [items[step]] if isinstance(step, int) and step < len(items) else []
    return []


class _Json:
    """A recursive-descent parser of "{ … }": OR of ANDs of comparisons, with parentheses."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None:
                raise PatternError(f"cannot read the pattern from position {position}")
            position = found.end()
            self._tokens.append((str(found.lastgroup), str(found.group(str(found.lastgroup)))))
        self._at = 0

    def parse(self) -> Match:
        self._expect("{")
        match = self._either()
        self._expect("}")
        if self._at != len(self._tokens):
            raise PatternError("something follows the closing brace")
        return match

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        found = self._next()
        if found != ("op", text):
            raise PatternError(f"expected {text!r}, found {found[1]!r}")

    def _either(self) -> Match:
        parts = [self._both()]
        while self._peek() == ("op", "||"):
            self._next()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda event: any(part(event) for part in parts)

    def _both(self) -> Match:
        parts = [self._one()]
        while self._peek() == ("op", "&&"):
            self._next()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda event: all(part(event) for part in parts)

    def _one(self) -> Match:
        if self._peek() == ("op", "("):
            self._next()
            match = self._either()
            self._expect(")")
            return match
        kind, text = self._next()
        if kind != "word":
            raise PatternError(f"expected a selector, found {text!r}")
        get = _selector(text)
        kind, operator = self._next()
        if kind == "word":
            return self._named(get, operator.upper())
        if kind != "op" or operator not in ("=", "!=", ">", "<", ">=", "<="):
            raise PatternError(f"expected a comparison, found {operator!r}")
        kind, value = self._next()
        if kind not in ("word", "string", "regex"):
            raise PatternError(f"expected a value, found {value!r}")
        return _comparison(get, operator, kind, value)

    def _named(self, get: Callable[[Mapping[str, Any]], list[Any]], word: str) -> Match:
        second = self._next()[1].upper()
        match (word, second):
            case ("NOT", "EXISTS"):
                return lambda event: not get(event)
            case ("IS", "NULL"):
                return lambda event: any(value is None for value in get(event))
            case ("IS", "TRUE"):
                return lambda event: any(value is True for value in get(event))
            case ("IS", "FALSE"):
                return lambda event: any(value is False for value in get(event))
            case _:
                raise PatternError(f"unknown operator {word} {second}")


def _comparison(get: Callable[[Mapping[str, Any]], list[Any]], operator: str, kind: str, value: str) -> Match:
    if operator not in ("=", "!="):
        return _ordered(get, operator, value)
    same = _sameness(kind, value)
    if operator == "=":
        return lambda event: any(same(found) for found in get(event))
    # A member that is not there equals nothing, so that != holds for it.
    return lambda event: not any(same(found) for found in get(event))


def _sameness(kind: str, value: str) -> Callable[[Any], bool]:
    """Whether a found value is the pattern's: a regular expression, or text with * for anything."""
    if kind == "regex":
        pattern = _regex(value[1:-1])
        return lambda found: pattern.search(_text(found)) is not None
    wanted = _unescape(value[1:-1]) if kind == "string" else value
    wildcard = _regex("".join(".*" if c == "*" else re.escape(c) for c in wanted))
    number = _number(wanted) if kind == "word" else None

    def same(found: Any) -> bool:
        if number is not None and isinstance(found, int | float) and not isinstance(found, bool):
            return float(found) == number
        return wildcard.fullmatch(_text(found)) is not None

    return same


def _ordered(get: Callable[[Mapping[str, Any]], list[Any]], operator: str, value: str) -> Match:
    limit = _number(value)
    if limit is None:
        raise PatternError(f"{operator} wants a number, not {value!r}")
    tests: Mapping[str, Callable[[float], bool]] = {
        ">": lambda n: n > limit,
        "<": lambda n: n < limit,
        ">=": lambda n: n >= limit,
        "<=": lambda n: n <= limit,
    }
    test = tests[operator]

    def match(event: Mapping[str, Any]) -> bool:
        found = get(event)
        return any(test(v) for v in found if isinstance(v, int | float) and not isinstance(v, bool))

    return match


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
