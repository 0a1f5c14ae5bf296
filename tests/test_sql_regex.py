"""Portable patterns find the same in RE2 (DuckDB) and Python, and versions are compared by number."""

from __future__ import annotations

import random
import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.sql.duckdb import DuckDB
from partywall.sql.reference import evaluate_version
from partywall.sql.regex import RegexError, portable, version_patterns
from tests.sql_grammar import NOW

TEXTS = ["", "a", "A", "ab", "a\nb", "a\n", "\n", "a-b", "[x]", "\\", "1.2", "a b", "\t", "~^$|"]
TEXTS += ["é", "É", "K", "\u212a", "ſ", "日本"]

ATOMS = st.sampled_from(
    re.findall(
        r"\S+",
        r"""a b x K s é . \d \w \s \D \W \S \. \\ \n - ~ [ab] [^ab] [a-z] [A-C0-9] [\w-] [^\s] [\]\[] [|&]
        [.$^*] (a|b) (?:ab) (a|)""",
    )
)
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "+?"])
PIECES = st.builds(lambda atom, times: atom + times, ATOMS, REPEATS)
PATTERNS = st.builds(
    lambda fold, start, parts, end: fold + start + "".join(parts) + end,
    st.sampled_from(["", "(?i)"]),
    st.sampled_from(["", "^"]),
    st.lists(PIECES, max_size=4),
    st.sampled_from(["", "$", "|a", "|^$"]),
)


def found_by_duckdb(source: str) -> list[bool]:
    literal = DuckDB({}, NOW).text(source)
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT regexp_matches(unnest($1), {literal})", [TEXTS]).fetchall()
    return [found for (found,) in rows]


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(PATTERNS)
def test_duckdb_finds_what_python_finds(pattern: str) -> None:
    regex = portable(pattern)
    assert found_by_duckdb(regex.source) == [re.search(regex.python, text) is not None for text in TEXTS]
    assert re.search(regex.python, regex.sample) or re.search(r"[$^]", pattern) is not None


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(PATTERNS)
def test_a_portable_pattern_means_what_python_means_by_it(pattern: str) -> None:
    """On plain texts, where the engines agree, writing a pattern out has not changed it."""
    written, original = re.compile(portable(pattern).python), re.compile(pattern, re.ASCII)
    for text in ("", "a", "AB", "x-1", "s s", "Kb.b", "a|b", "12~", "[a]", "é", "a\tb"):
        assert bool(written.search(text)) == bool(original.search(text)), text


@given(st.text(alphabet="ab(|)[]^$*+?{},1-\\.dwz:", max_size=12))
@settings(max_examples=500, derandomize=True, deadline=None, database=None)
def test_any_pattern_is_taken_or_refused(text: str) -> None:
    try:
        source = portable(text)
    except RegexError as error:
        assert 0 <= error.at <= len(text) + 1
    else:
        re.compile(source.python)
        found_by_duckdb(source.source)


@pytest.mark.parametrize(
    "wanted", ["0", "1", "9", "10", "1.0", "1.28", "0.9", "10.09", "2.0.1", "99", "100.200", "1.99"]
)
def test_versions_are_compared_by_number(wanted: str) -> None:
    at_least, below = (re.compile(source.replace(r"\z", r"\Z")) for source in version_patterns(wanted))
    chance = random.Random(wanted)
    numbers = re.findall(r"\d+", "0 1 2 8 9 10 11 19 27 28 29 90 99 100 199 200 201 00 028")
    expected = {True: (True, False), False: (False, True), None: (False, False)}
    for _ in range(2_000):
        version = ".".join(chance.choice(numbers) for _ in range(chance.randint(0, 4)))
        version += chance.choice(["", "", "-rc", ".x", "."])
        answers = bool(at_least.search(version)), bool(below.search(version))
        assert answers == expected[evaluate_version(version, wanted)], version
