"""What the dialect takes, what it refuses and where it says so, and what an expression tells of itself."""

from __future__ import annotations

import re
import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partywall.errors import UserError
from partywall.sql.dialect import PredicateError, parse, parse_value
from partywall.sql.signatures import DOCS, FUNCTIONS, QUANTIFIERS, TEMPLATE_ONLY
from partywall.tables.types import Int, Str
from tests.sql_grammar import NOW, PARAMS, SCHEMA

REFUSED = [
    # text, column, part of the message
    ("nme = 'x'", 1, "no column nme; did you mean name"),
    ("b AND\n  facts.publc", None, "no field publc; did you mean public?"),
    ("facts.inner.y = 1", 13, "no field y in struct"),
    ("rules.port = 22", 7, "use any_match"),
    ("name.x = 1", 6, "a string has no field x"),
    ("n = 'x'", 5, "compares a bigint with a string"),
    ("b = 'true'", 5, "compares a boolean with a string"),
    ("b < TRUE", 1, "does not order booleans"),
    ("l = 'x'", 5, "compares a list<string> with a string"),
    ("l = l", 1, "use contains or any_match"),
    ("ts > '2026-01-01'", 6, "use days_since"),
    ("ts > 5", 6, "use days_since"),
    ("1 < n < 3", 9, "compares a boolean with a bigint"),
    ("n", 1, "a predicate is true or false"),
    ("NOT n", 5, "NOT wants a boolean"),
    ("b AND n", 7, "AND wants a boolean"),
    ("name + 1 > 2", 1, "+ wants a number"),
    ("-name = 1", 2, "- wants a number"),
    ("n / 0 > 1", 5, "divides by zero"),
    ("n > :dayz", 5, "no parameter :dayz; did you mean days?"),
    ("n IN :words", 6, "IN compares a bigint with a list<string>"),
    ("n IN (m)", 7, "IN wants literals"),
    ("n IN (SELECT 1)", None, ""),
    ("name IN l", None, ""),
    ("n IN ('a')", 7, "compares a bigint with a string"),
    ("name LIKE state", 11, "is a literal or a parameter"),
    ("name LIKE 'a' ESCAPE '!'", None, "ESCAPE"),
    ("n LIKE 'a'", 1, "LIKE wants a text"),
    ("lower(n) = 'x'", 7, "lower wants a text"),
    ("lower(name, name) = 'x'", 1, "lower takes 1 argument, and this has 2"),
    ("lenght(name) > 1", 1, "no function lenght; did you mean length?"),
    ("len(l) > 1", 1, "use cardinality"),
    ("days_since(now()) > 1", 12, "use days_since"),
    ("contains(name, 'a')", 10, "use includes"),
    ("contains(l, 1)", 13, "contains looks for a bigint in a list<string>"),
    ("contains(rules, 1)", 17, "contains looks for"),
    ("any_match(l, x)", 14, "wants a list and x -> predicate"),
    ("any_match(name, x -> b)", 11, "any_match wants a list"),
    ("any_match(l, (x, y) -> b)", 15, "wants a list and x -> predicate"),
    ("any_match(l, x -> any_match(l, x -> b))", None, "the name x is taken"),
    ("any_match(l, x -> x)", 19, "any_match wants a boolean"),
    ("any_match(rules, r -> r.prt = 1)", 25, "did you mean port?"),
    ("any_match(l, x -> b) AND x = 'a'", 26, "no column x"),
    ("cardinality(filter(l, x -> b)) = 1", 13, "it is for messages only"),
    ("x -> 1", 1, "-> stands only in any_match"),
    ("matches(name, name)", 15, "is a literal or a parameter"),
    ("matches(name, 'a(?=b)')", 17, "only (?: ) groups"),
    ("matches(name, 'a(b')", 17, "unbalanced ("),
    (r"matches(name, '(a)\1')", 19, "not portable"),
    (r"matches(name, '\bx')", 16, "not portable"),
    ("matches(name, 'a**')", 18, "cannot be repeated"),
    ("matches(name, 'a{200}')", 17, "a counted repetition goes to 100"),
    ("matches(name, '(a{100}){100}')", None, "a counted repetition"),
    ("matches(name, '[z-a]')", 16, "a range goes from"),
    ("version_at_least(name, '1.x')", 24, "is not a version"),
    ("split(name, '') = l", 13, "the separator is empty"),
    # Tests of absence, and everything else that SQL has and the dialect has not
    ("n IS NULL", 1, "would turn an unknown value into a verdict"),
    ("b IS NOT TRUE", 1, "would turn an unknown value into a verdict"),
    ("coalesce(b, TRUE)", 1, "would turn an unknown value into a verdict"),
    ("CASE WHEN b THEN TRUE ELSE FALSE END", 11, "would turn an unknown value into a verdict"),
    ("n = NULL", None, "NULL cannot be written"),
    ("n IS NOT DISTINCT FROM 1", None, ""),
    ("n <=> 1", None, ""),
    ("n::varchar = 'x'", 1, "casts are not part"),
    ("CAST(n AS varchar) = 'x'", None, ""),
    ("TRY_CAST(n AS int) = 1", None, ""),
    ("name || 'x' = 'y'", 1, "|| is not part"),
    ("l[1] = 'x'", 1, "[ ] is not part"),
    ("{'a': 1} = n", None, ""),
    ("n % 2 = 0", 1, "MOD is not part"),
    ("n & 1 = 1", None, "not part"),
    ("count(*) > 1", 1, "use cardinality"),
    ("sum(n) OVER () > 1", None, ""),
    ("(SELECT TRUE)", None, ""),
    ("EXISTS (SELECT 1)", None, ""),
    ("TRUE; DROP TABLE x", None, ""),
    ("b; b", None, ""),
    ("b AS c", None, ""),
    ("b b", None, ""),
    ("b, b", None, ""),
    ("*", None, ""),
    ("b -- comment", None, ""),
    ("b /* comment */", None, ""),
    ("name = $$x$$", None, ""),
    ("name = ?", None, "no parameter"),
    ("n = 0x1F", None, ""),
    ("n = 99999999999999999999", 5, "out of range"),
    ("f = 1e999", 5, "out of range"),
    ('name = "prod"', 8, "no column prod; texts take single quotes"),
    ("name = 'x", 8, "not closed"),
    ("(b", None, ""),
    ("b)", None, ""),
    ("b AND", 3, "something is missing after 'AND'"),
    ("", 1, "empty"),
    ("  \n ", 1, "empty"),
    ("name = 'a\0'", 10, "is not allowed"),
    ("(" * 100 + "b" + ")" * 100, 1, "nested deeper"),
    ("b" + " OR b" * 5000, 1, "longer than"),
    ("NOT " * 4000 + "b", 1, "nested too deeply"),
    ("NOT " * 200 + "b", 1, "nested too deeply"),
    ("n" + " + n" * 300 + " > 1", 1, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "column", "message"), REFUSED, ids=lambda value: repr(value)[:40])
def test_refused(text: str, column: int | None, message: str) -> None:
    with pytest.raises(PredicateError) as caught:
        parse(text, SCHEMA, PARAMS)
    error = caught.value
    assert message in error.message
    assert isinstance(error, UserError) and error.line >= 1 and error.column >= 1
    if column is not None:
        assert (error.line, error.column) == (1, column)


def test_places_count_lines() -> None:
    with pytest.raises(PredicateError) as caught:
        parse("b AND\n   any_match(rules,\n\tr -> r.port = 22 AND\n      nme = 'x')", SCHEMA)
    assert (caught.value.line, caught.value.column) == (4, 7)
    assert str(caught.value) == "no column nme; did you mean name? (line 4, column 7)"


FUZZ = re.findall(
    r"\S+",
    """name n b rules r -> ( ) , any_match contains lower = < AND NOT IN LIKE 'a' ' " 1 - / * :days : . NULL
    CASE WHEN IS BETWEEN [ ] { } :: || ; @ $1 -- /* \\ é % SELECT FROM CAST END TRUE split matches x""",
)


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(st.lists(st.sampled_from([*FUZZ, "\n"]), max_size=12))
def test_any_text_is_parsed_or_refused_kindly(words: list[str]) -> None:
    try:
        expression = parse(" ".join(words), SCHEMA, PARAMS)
    except PredicateError as error:
        assert error.message and error.line >= 1 and error.column >= 1
    else:
        expression.to_duckdb({}, NOW)
        expression.to_spark({}, NOW)


def test_words_of_sql_are_plain_columns() -> None:
    words = (
        "comment order group state type key left select from table user default set show all any some date"
    )
    names = re.findall(r"\w+", words)
    schema = dict.fromkeys(names, Str)
    for name in names:
        assert parse(f"{name} = 'x'", schema).columns == {name}


def test_names_are_quoted() -> None:
    schema = {'a"b': Int, "a`b": Int}
    table = pa.table({'a"b': [1], "a`b": [2]})
    expression = parse('"a""b" = 1 AND "a`b" = 2', schema)
    with duckdb.connect() as connection:
        assert connection.from_arrow(table).project(expression.to_duckdb({}, NOW)).fetchall() == [(True,)]
    assert "`a``b`" in expression.to_spark({}, NOW)


@pytest.mark.parametrize(
    "value", ["it's", "'; DROP TABLE t; --", "\\", "\\'", "\n", '"', "{x}", "%s", "é", ":x", "$1"]
)
def test_parameters_are_bound_as_literals(value: str) -> None:
    expression = parse("name = :word AND NOT name IN :words", SCHEMA, PARAMS)
    sql = expression.to_duckdb({"word": value, "words": ["other", value + "x"]}, NOW)
    table = pa.table({"name": [value]})
    with duckdb.connect() as connection:
        assert connection.from_arrow(table).project(sql).fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("text", "given_", "message"),
    [
        ("n > :days", {"days": "many"}, "days must be a bigint"),
        ("n > :days", {"days": True}, "days must be a bigint"),
        ("n > :days", {"days": [1]}, "days must be a bigint"),
        ("n > :days", {"days": float("nan")}, "days must be a bigint"),
        ("name IN :words", {"words": "abc"}, "words must be a list<string>"),
        ("name IN :words", {"words": [1]}, "words must be a list<string>"),
        ("name IN :words", {"words": ["a", None]}, "words must be a list<string>"),
        ("name = :word", {"word": "a\0"}, "word must be a string"),
        ("matches(name, :word)", {"word": "("}, "does not suit matches"),
        ("version_at_least(name, '1') AND matches(name, :word)", {"word": "a++"}, "does not suit matches"),
    ],
)
def test_parameters_of_a_wrong_type(text: str, given_: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        parse(text, SCHEMA, PARAMS).to_duckdb(given_, NOW)


def test_parameters_may_be_overridden() -> None:
    expression = parse("n > :days", SCHEMA, PARAMS)
    assert "90" in expression.to_duckdb({}, NOW) and "45" in expression.to_duckdb({"days": 45}, NOW)
    assert "45.5" in expression.to_duckdb({"days": 45.5}, NOW)


def test_an_override_takes_the_place_of_the_default_in_both_engines() -> None:
    expression = parse("days_since(ts) / :days > 1", SCHEMA, PARAMS)
    assert "CAST(NULL AS DOUBLE)" in expression.to_duckdb({"days": 0}, NOW)
    assert "CAST(NULL AS DOUBLE)" in expression.to_spark({"days": 0}, NOW)


def test_what_an_expression_reads() -> None:
    expression = parse(
        "none_match(rules, r -> r.port = :days AND any_match(r.cidrs, c -> c = '::/0')) "
        "AND facts.inner.x = 1 AND cardinality(nums) > 1 AND map_value(tags, 'k') = name "
        "AND any_match(keys(tags), k -> k = 'a')",
        SCHEMA,
        PARAMS,
    )
    assert expression.columns == {"rules", "facts", "nums", "tags", "name"}
    assert expression.leaves == {
        ("rules", "[]", "port"),
        ("rules", "[]", "cidrs", "[]"),
        ("facts", "inner", "x"),
        ("nums", "[]"),
        ("tags", "{}"),
        ("name",),
    }
    assert expression.params == {"days"}


def test_a_text_that_is_no_enum_member_is_a_warning() -> None:
    assert parse("state = 'on'", SCHEMA).warnings == ()
    assert parse("state IN ('of', 'on')", SCHEMA).warnings == (
        "'of' is not a member of enum(on, off); did you mean off?",
    )
    assert parse("any_match(rules, r -> 'TCP' = r.kind)", SCHEMA).warnings


def test_values_of_any_type() -> None:
    assert parse_value("n + 1", SCHEMA).type.sql == "double"
    assert parse_value("keys(tags)", SCHEMA).type.sql == "list<string>"


def test_every_function_is_used_in_the_random_tests() -> None:
    from pathlib import Path

    grammar = Path(__file__).with_name("sql_grammar.py").read_text()
    assert [name for name in FUNCTIONS if name not in grammar] == []


def test_every_function_is_documented() -> None:
    names = [*FUNCTIONS, *QUANTIFIERS, *TEMPLATE_ONLY, "contains"]
    assert sorted(names) == sorted(signature.partition("(")[0] for signature in DOCS)


@pytest.mark.parametrize(
    "text",
    ["NOT " * 30 + "b", "(" * 30 + "b" + ")" * 30, "n" + " + n" * 140 + " > 1", "b AND NOT " * 90 + "b"],
)
def test_deep_predicates_run(text: str) -> None:
    expression = parse(text, SCHEMA)
    assert expression.columns and expression.leaves
    with duckdb.connect() as connection:
        relation = connection.from_arrow(pa.table({"b": [True], "n": [1]}))
        assert len(relation.project(expression.to_duckdb({}, NOW)).fetchall()) == 1


def test_one_bad_predicate_leaves_the_others_usable() -> None:
    good = parse("n = 1", SCHEMA)
    with pytest.raises(PredicateError):
        parse("n = ", SCHEMA)
    assert parse("n = 1", SCHEMA) == good


def test_the_parser_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, partywall.sql.dialect; sys.exit('sqlglot' in sys.modules or 'duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
