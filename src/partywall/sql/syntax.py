"""Text to sqlglot's tree: few keywords, so that `state`, `comment` or `order` are plain columns."""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser as BaseParser
from sqlglot.tokens import Tokenizer as BaseTokenizer

from partywall.sql.nodes import PredicateError

_WORDS = frozenset(
    {"AND", "OR", "NOT", "BETWEEN", "IN", "LIKE", "ILIKE", "ESCAPE", "TRUE", "FALSE", "IS", "NULL"}
    | {"CASE", "WHEN", "THEN", "ELSE", "END"}
)
_MAX_LENGTH = 20_000
_MAX_DEPTH = 30


class _Partywall(Dialect):
    class Tokenizer(BaseTokenizer):
        KEYWORDS = {k: v for k, v in BaseTokenizer.KEYWORDS.items() if k in _WORDS or not k[0].isalpha()}
        STRING_ESCAPES = ["'"]
        COMMENTS: list[Any] = []

    class Parser(BaseParser):
        FUNCTIONS = {}
        FUNCTION_PARSERS = {}
        NO_PAREN_FUNCTIONS = {}
        NO_PAREN_FUNCTION_PARSERS = {
            k: v for k, v in BaseParser.NO_PAREN_FUNCTION_PARSERS.items() if k == "CASE"
        }


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset in a text."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def error_at(text: str, offset: int, message: str) -> PredicateError:
    """The error for a message at an offset of the text."""
    return PredicateError(message, *place(text, offset))


def syntax_tree(text: str) -> exp.Expr:
    """Parse one expression; raises PredicateError."""
    if not text.strip():
        raise PredicateError("the predicate is empty")
    if len(text) > _MAX_LENGTH:
        raise PredicateError(f"the predicate is longer than {_MAX_LENGTH} characters")
    for offset, char in enumerate(text):
        if (char < " " and char not in "\t\r\n") or "\ud800" <= char <= "\udfff":
            raise error_at(text, offset, f"the character {char!r} is not allowed")
    depth = 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if depth > _MAX_DEPTH:
            raise PredicateError(f"brackets are nested deeper than {_MAX_DEPTH}")
    try:
        tree: Any = sqlglot.parse_one(text, into=exp.Condition, dialect=_Partywall)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        line, end = first.get("line") or 1, first.get("col") or 1
        near = first.get("highlight") or ""
        message = f"cannot read this near {near!r}" if near else "this is not a complete expression"
        if near and text.rstrip().endswith(near) and not str(first.get("end_context") or "").strip():
            message = f"something is missing after {near!r}"
        raise PredicateError(message, line, max(1, end - len(near) + 1)) from None
    except TokenError as error:
        raise _token_error(text, error) from None
    except RecursionError:
        raise PredicateError("the predicate is nested too deeply") from None
    return tree


def _token_error(text: str, error: TokenError) -> PredicateError:
    if text.count("'") % 2:
        return error_at(
            text, text.rfind("'"), "a text in quotes is not closed; write '' for a quote inside it"
        )
    if text.count('"') % 2:
        return error_at(text, text.rfind('"'), "a quoted name is not closed; texts take single quotes")
    return PredicateError(f"cannot read this: {str(error).splitlines()[0]}")


def offset_of(node: exp.Expr) -> int:
    """Where a node begins: its own mark, else that of its leftmost part."""
    found = [n.meta["start"] for n in node.walk() if n.meta and "start" in n.meta]
    return min(found, default=0)
