"""Filter patterns are judged by what they match, however they are written."""

import re

import pytest

from partywall.checks.loader import catalogue
from partywall.tables.filter_pattern import PatternError, compile_pattern
from partywall.tables.trail_activity import ACTIVITIES, caught

EVENT = {
    "eventName": "StopLogging",
    "count": 3,
    "ok": True,
    "none": None,
    "userIdentity": {"type": "Root"},
    "resources": [{"ARN": "a"}, {"ARN": "b"}],
    "dotted.name": "x",
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("", True),
        ("{ $.eventName = StopLogging }", True),
        ('{$.eventName="StopLogging"}', True),
        ("{ $.eventName = Stop* }", True),
        ("{ $.eventName = stoplogging }", False),
        ("{ $.eventName != StopLogging }", False),
        ("{ $.missing != anything }", True),
        ("{ $.missing = anything }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.eventName NOT EXISTS }", False),
        ("{ $.none IS NULL }", True),
        ("{ $.ok IS TRUE }", True),
        ("{ $.ok IS FALSE }", False),
        ("{ $.count >= 3 }", True),
        ("{ $.count > 3 }", False),
        ("{ $.count = 3 }", True),
        ("{ $.resources[1].ARN = b }", True),
        ("{ $.resources[0].ARN = b }", False),
        ("{ $.resources[*].ARN = b }", True),
        ("{ $['dotted.name'] = x }", True),
        ("{ $.eventName = %^(Stop|Start)Logging$% }", True),
        ("{ $.eventName = A || $.eventName = StopLogging && $.count = 4 }", False),
        ("{ ($.eventName = StopLogging || $.eventName = A) && $.count = 3 }", True),
        ("?StopLogging ?StartLogging", True),
        ("StopLogging StartLogging", False),
        ('"\\"eventName\\":\\"StopLogging\\""', True),
        ("StopLogging -Root", False),
        ("[ip, user, ...]", False),
    ],
)
def test_patterns_match_as_cloudwatch_logs_says(pattern: str, matches: bool) -> None:
    assert compile_pattern(pattern)(EVENT) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = }",
        "{ $.a = b",
        "{ a = b }",
        "{ $.a LIKE b }",
        "{ $.a > b }",
        "{ $.a = %(% }",
        "{ $.a = b } c",
        "{ $.a b }",
    ],
)
def test_what_cannot_be_read_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "activities"),
    [
        (
            '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS '
            '&& $.eventType != "AwsServiceEvent" }',
            ["root-use"],
        ),
        (
            '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
            ["unauthorized-calls"],
        ),
        ('{ ($.errorCode = "AccessDenied*") }', []),
        (
            '{($.eventName="ConsoleLogin") && ($.additionalEventData.MFAUsed !="Yes") '
            '&& ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success")}',
            ["sign-in-without-mfa"],
        ),
        (
            "{ ($.eventName = ConsoleLogin) && ($.additionalEventData.MFAUsed != Yes) }",
            ["sign-in-without-mfa"],
        ),
        (
            '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
            ["sign-in-failures"],
        ),
        (
            "{ $.eventName = CreateTrail || $.eventName = UpdateTrail || $.eventName = DeleteTrail "
            "|| $.eventName = StartLogging || $.eventName = StopLogging }",
            ["trail-changes"],
        ),
        ("{ $.eventName = %^(Create|Update|Delete)Trail|(Start|Stop)Logging$% }", ["trail-changes"]),
        ("{ $.eventName = CreateTrail && $.eventName = UpdateTrail && $.eventName = DeleteTrail }", []),
        ("{ ($.eventName = CreateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StopLogging) }", []),
        (
            "{ $.eventSource = kms.amazonaws.com && (($.eventName = DisableKey) "
            "|| ($.eventName = ScheduleKeyDeletion)) }",
            ["key-disabling"],
        ),
        ("{ $.eventSource = organizations.amazonaws.com && $.readOnly IS FALSE }", ["organization-changes"]),
        ("{ $.eventSource = organizations.amazonaws.com }", []),
        ("{ $.eventName = * }", []),
        ("", []),
    ],
)
def test_an_activity_is_caught_whole_and_not_with_everything_else(
    pattern: str, activities: list[str]
) -> None:
    assert caught(pattern) == activities


def test_negating_a_list_of_events_does_not_pass_for_naming_them() -> None:
    assert "trail-changes" not in caught("{ $.eventName != CreateTrail && $.eventName != DeleteTrail }")
    assert len(ACTIVITIES) == 15


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_the_catalogue_mends_a_missing_filter_with_one_that_passes(activity: str) -> None:
    wanted = f"contains(f.activities, '{activity}')"
    (check,) = (c.check for c in catalogue().values() if wanted in c.check.predicate)
    found = re.search(r"--filter-pattern '([^']*)'", check.fix.cli)
    assert found is not None
    assert caught(found[1]) == [activity]
