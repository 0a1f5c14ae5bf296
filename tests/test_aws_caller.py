"""The caller: retries, throttling, pagination, classification, and its honest log; on scripted answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from partywall.aws.answers import CallFailed, CallRecord, CredentialsExpired, Outcome, blamed_policy, classify
from partywall.aws.caller import Caller, Result, Scope
from partywall.aws.credentials import Credentials, StaticProvider
from partywall.aws.limits import LIMITS, Limit, RateGovernor
from partywall.aws.paging import first_params, paging_of

KEYS = Credentials("AKID", "secret", "token")
SCOPE = Scope("123456789012", "eu-west-1", "aws", StaticProvider(KEYS))


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


Answer = dict[str, Any] | CallFailed | Callable[[str, str, Credentials, Mapping[str, Any]], Any]


class Script:
    """A transport that gives scripted answers, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, str, str, dict[str, Any]]] = []

    async def call(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        self.calls.append((service, region, operation, dict(params)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(service, region, credentials, params)
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    async def close(self) -> None:
        return None


class Bench:
    """A caller on a scripted transport and a clock of its own."""

    def __init__(self, *answers: Answer, **options: Any) -> None:
        self.clock = Clock()
        self.transport = Script(*answers)
        self.records: list[CallRecord] = []
        self.governor = RateGovernor(clock=self.clock, sleep=self.clock.sleep)
        self.caller = Caller(
            self.transport,
            self.governor,
            self.records.append,
            sleep=self.clock.sleep,
            clock=self.clock,
            jitter=lambda: 1.0,
            **options,
        )

    def call(self, operation: str = "ListKeys", *, scope: Scope = SCOPE, **named: Any) -> Result:
        service = named.pop("service", "kms")
        return asyncio.run(self.caller.call(scope, service, operation, named.pop("params", {}), **named))

    def pages(self, service: str, operation: str, params: dict[str, Any] | None = None) -> list[Result]:
        async def collect() -> list[Result]:
            return [page async for page in self.caller.pages(SCOPE, service, operation, params or {})]

        return asyncio.run(collect())


def failed(code: str, message: str = "", status: int = 400) -> CallFailed:
    return CallFailed(code, message, status)


def test_an_answer_is_logged_with_its_arguments_and_no_secret() -> None:
    bench = Bench({"Keys": []})
    result = bench.call(params={"b": 1, "a": "x"}, table="kms_key")
    assert result.ok
    assert result.data == {"Keys": []}
    assert (result.operation, result.region, result.account_id) == (
        "kms:ListKeys",
        "eu-west-1",
        "123456789012",
    )
    (record,) = bench.records
    assert (record.service, record.operation, record.table, record.attempts) == (
        "kms",
        "ListKeys",
        "kms_key",
        1,
    )
    assert record.arguments == '{"a":"x","b":1}'
    assert record.outcome is Outcome.OK
    assert record.started_at.tzinfo is not None
    assert "secret" not in repr(record)


@pytest.mark.parametrize(
    ("code", "message", "status", "outcome"),
    [
        ("AccessDenied", "", 403, Outcome.DENIED),
        ("AccessDeniedException", "", 400, Outcome.DENIED),
        ("UnauthorizedOperation", "", 403, Outcome.DENIED),
        ("AuthFailure", "Not authorized for images: [ami-1]", 403, Outcome.DENIED),
        ("403", "Forbidden", 403, Outcome.DENIED),
        ("OptInRequired", "", 403, Outcome.NOT_SUPPORTED),
        ("UnsupportedOperation", "", 400, Outcome.NOT_SUPPORTED),
        ("InvalidAction", "", 400, Outcome.NOT_SUPPORTED),
        ("RegionDisabledException", "", 403, Outcome.REGION_DISABLED),
        ("ValidationException", "", 400, Outcome.ERROR),
        ("NoSuchEntity", "", 404, Outcome.ERROR),
        ("TooManyRequestsException", "", 429, Outcome.THROTTLED),
        ("AnyThing", "", 429, Outcome.THROTTLED),
        ("SlowDown", "", 503, Outcome.THROTTLED),
        ("RequestLimitExceeded", "", 503, Outcome.THROTTLED),
    ],
)
def test_error_codes_stand_for_outcomes(code: str, message: str, status: int, outcome: Outcome) -> None:
    assert classify(code, message, status) is outcome


@pytest.mark.parametrize(
    ("message", "blamed"),
    [
        (
            "User: u is not authorized to perform: a because no identity-based policy allows the a action",
            "identity",
        ),
        ("not authorized to perform: a with an explicit deny in a service control policy", "scp"),
        ("not authorized to perform: a with an explicit deny in a service control policy: arn:aws:x", "scp"),
        ("because no service control policy allows the a action", "scp"),
        ("with an explicit deny in a resource control policy", "rcp"),
        ("because no resource-based policy allows the s3:GetBucketAcl action", "resource"),
        ("because no permissions boundary allows the a action", "boundary"),
        ("with an explicit deny in a permissions boundary", "boundary"),
        ("because no session policy allows the a action", "session"),
        ("because no VPC endpoint policy allows the a action", "vpc_endpoint"),
        ("because no role trust policy allows the sts:AssumeRole action", "resource"),
        ("Access Denied", ""),
    ],
)
def test_the_policy_that_denied_is_read_from_the_message(message: str, blamed: str) -> None:
    assert blamed_policy(message) == blamed
    assert CallFailed("AccessDenied", message, 403).denied_by == blamed


def test_a_denial_is_not_retried_and_names_who_denied() -> None:
    bench = Bench(failed("AccessDeniedException", "explicit deny in a service control policy", 400))
    result = bench.call()
    assert (result.outcome, result.denied_by, result.data, result.ok) == (Outcome.DENIED, "scp", None, False)
    assert len(bench.transport.calls) == 1
    assert bench.records[0].denied_by == "scp"


def test_absence_is_an_answer_only_where_the_table_says_so() -> None:
    error = failed("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    result = Bench(error).call(service="s3", absent=["NoSuchBucketPolicy"])
    assert (result.outcome, result.data, result.ok) == (Outcome.EMPTY, {}, True)
    result = Bench(error).call(service="s3", absent=["NoSuchEntity"])
    assert (result.outcome, result.data, result.ok) == (Outcome.ERROR, None, False)


def test_one_code_for_several_things_is_told_apart_by_its_message() -> None:
    absent = ["AccessDeniedException:Macie is not enabled"]
    off = Bench(failed("AccessDeniedException", "Macie is not enabled.", 403)).call(
        service="macie2", absent=absent
    )
    assert off.outcome is Outcome.EMPTY
    denied = Bench(failed("AccessDeniedException", "not authorized", 403)).call(
        service="macie2", absent=absent
    )
    assert denied.outcome is Outcome.DENIED


def test_server_faults_are_retried_with_growing_pauses() -> None:
    bench = Bench(failed("InternalFailure", "", 500), failed("503", "", 503), {"Keys": []})
    assert bench.call().ok
    assert bench.records[0].attempts == 3
    assert bench.clock.slept == [0.5, 1.0]


def test_throttling_that_outlasts_the_retries_is_told_as_such() -> None:
    bench = Bench(failed("ThrottlingException", "Rate exceeded"), max_attempts=4)
    result = bench.call()
    assert (result.outcome, result.data) == (Outcome.THROTTLED, None)
    assert (bench.records[0].attempts, bench.records[0].throttles) == (4, 4)
    assert bench.governor.throttles == 4


@pytest.mark.parametrize("code", ["ConnectionCut", "Timeout", "ConnectionFailed"])
def test_a_lost_connection_is_retried_and_then_an_error(code: str) -> None:
    bench = Bench(CallFailed(code, "", outcome=Outcome.ERROR))
    result = bench.call()
    assert (result.outcome, result.error_code, result.data) == (Outcome.ERROR, code, None)
    assert bench.records[0].attempts == 5


def test_a_malformed_answer_is_retried_and_then_an_error() -> None:
    broken = CallFailed("MalformedAnswer", "not JSON", 200, outcome=Outcome.ERROR, retryable=True)
    bench = Bench(broken)
    assert bench.call().error_code == "MalformedAnswer"
    assert bench.records[0].attempts == 3
    assert Bench(broken, {"Keys": []}).call().ok


def test_an_endpoint_that_does_not_exist_is_not_supported_where_botocore_knows_none() -> None:
    gone = CallFailed("EndpointUnresolved", "no such name", outcome=Outcome.ERROR)
    nowhere = Scope("1", "il-central-1", "aws", SCOPE.provider)
    bench = Bench(gone)
    assert bench.call("ListHsms", scope=nowhere, service="cloudhsm").outcome is Outcome.NOT_SUPPORTED
    assert bench.records[0].attempts == 2
    assert Bench(gone).call("DescribeVpcs", service="ec2").outcome is Outcome.ERROR


def test_long_messages_are_cut_and_arguments_bounded() -> None:
    bench = Bench(failed("ValidationException", "x" * 5000))
    result = bench.call(params={"Names": ["y" * 9000]})
    assert len(result.error_message) == 300
    assert len(bench.records[0].arguments) == 2000


class Renewing:
    """Gives old keys until they are refreshed."""

    def __init__(self, *, can: bool = True) -> None:
        self.keys = [Credentials("OLD", "s"), Credentials("NEW", "s")]
        self.can = can
        self.asked = 0

    async def get(self) -> Credentials:
        return self.keys[0]

    async def refresh(self) -> bool:
        self.asked += 1
        if self.can and len(self.keys) > 1:
            self.keys.pop(0)
            return True
        return False


def accepts(key: str) -> Answer:
    def answer(service: str, region: str, credentials: Credentials, params: Mapping[str, Any]) -> Any:
        return {"Keys": []} if credentials.access_key == key else failed("ExpiredToken", "expired", 403)

    return answer


def test_expired_credentials_are_refreshed_once_and_the_call_goes_on() -> None:
    provider = Renewing()
    bench = Bench(accepts("NEW"))
    assert bench.call(scope=Scope("1", "us-east-1", "aws", provider)).ok
    assert provider.asked == 1


def test_credentials_that_cannot_be_refreshed_end_the_scan() -> None:
    bench = Bench(accepts("NEW"))
    with pytest.raises(CredentialsExpired, match="--resume"):
        bench.call(scope=Scope("1", "us-east-1", "aws", Renewing(can=False)))
    assert bench.records[0].outcome is Outcome.ERROR
    assert bench.records[0].error_code == "ExpiredToken"


def only_in(*regions: str) -> Answer:
    def answer(service: str, region: str, credentials: Credentials, params: Mapping[str, Any]) -> Any:
        return {} if region in regions else failed("UnrecognizedClientException", "invalid token", 403)

    return answer


def test_a_region_that_refuses_valid_credentials_is_disabled() -> None:
    bench = Bench(only_in("us-east-1"))
    result = bench.call(scope=Scope("1", "ap-southeast-3", "aws", SCOPE.provider))
    assert (result.outcome, result.data) == (Outcome.REGION_DISABLED, None)
    assert ("sts", "us-east-1", "GetCallerIdentity", {}) in bench.transport.calls
    again = bench.call(scope=Scope("1", "ap-southeast-3", "aws", SCOPE.provider))
    assert again.outcome is Outcome.REGION_DISABLED
    # The credentials were proven once; asking again for each call would waste calls.
    assert [call[0] for call in bench.transport.calls].count("sts") == 1


def test_ec2_says_it_in_its_own_words() -> None:
    def answer(service: str, region: str, credentials: Credentials, params: Mapping[str, Any]) -> Any:
        text = "AWS was not able to validate the provided access credentials"
        return {} if service == "sts" else failed("AuthFailure", text, 401)

    scope = Scope("1", "me-south-1", "aws", SCOPE.provider)
    assert Bench(answer).call("DescribeVpcs", service="ec2", scope=scope).outcome is Outcome.REGION_DISABLED


def test_a_region_that_is_always_enabled_is_never_called_disabled() -> None:
    result = Bench(only_in("us-east-1")).call(scope=Scope("1", "eu-west-1", "aws", SCOPE.provider))
    assert result.outcome is Outcome.ERROR


def test_keys_that_are_unknown_everywhere_end_the_scan() -> None:
    with pytest.raises(CredentialsExpired):
        Bench(only_in()).call(scope=Scope("1", "ap-southeast-3", "aws", SCOPE.provider))


def test_pages_follow_botocores_paginators_with_the_largest_page() -> None:
    bench = Bench({"Keys": [1], "NextMarker": "m", "Truncated": True}, {"Keys": [2], "Truncated": False})
    pages = bench.pages("kms", "ListKeys")
    assert [page.data and page.data["Keys"] for page in pages] == [[1], [2]]
    assert [call[3] for call in bench.transport.calls] == [{"Limit": 1000}, {"Limit": 1000, "Marker": "m"}]
    assert len(bench.records) == 2


def test_pages_are_derived_where_botocore_has_no_paginator() -> None:
    bench = Bench({"WebACLs": [1], "NextMarker": "m"}, {"WebACLs": [2]})
    assert len(bench.pages("wafv2", "ListWebACLs", {"Scope": "REGIONAL"})) == 2
    assert bench.transport.calls[1][3] == {"Scope": "REGIONAL", "Limit": 100, "NextMarker": "m"}


def test_several_tokens_are_carried_together() -> None:
    first = {
        "IsTruncated": True,
        "NextRecordName": "b.example.",
        "NextRecordType": "A",
        "ResourceRecordSets": [],
    }
    bench = Bench(first, {"IsTruncated": False, "ResourceRecordSets": []})
    assert len(bench.pages("route53", "ListResourceRecordSets", {"HostedZoneId": "Z"})) == 2
    sent = bench.transport.calls[1][3]
    assert (sent["StartRecordName"], sent["StartRecordType"]) == ("b.example.", "A")


def test_a_repeated_token_ends_the_list_as_incomplete() -> None:
    bench = Bench({"Users": [1], "IsTruncated": True, "Marker": "same"})
    pages = bench.pages("iam", "ListUsers")
    assert [page.outcome for page in pages] == [Outcome.OK, Outcome.OK, Outcome.ERROR]
    assert (pages[-1].error_code, pages[-1].data) == ("RepeatedToken", None)


def test_a_failed_page_ends_the_list_and_is_told() -> None:
    bench = Bench({"Users": [1], "IsTruncated": True, "Marker": "m"}, failed("AccessDenied", "", 403))
    assert [page.outcome for page in bench.pages("iam", "ListUsers")] == [Outcome.OK, Outcome.DENIED]


def test_an_operation_without_pages_gives_one() -> None:
    assert len(Bench({"SummaryMap": {}}).pages("iam", "GetAccountSummary")) == 1


def test_no_page_size_beside_explicit_identifiers() -> None:
    paging = paging_of("ec2", "DescribeInstances")
    assert paging is not None
    assert first_params(paging, {}) == {"MaxResults": 1000}
    assert first_params(paging, {"InstanceIds": ["i-1"]}) == {"InstanceIds": ["i-1"]}
    assert first_params(paging, {"Filters": []}) == {"Filters": [], "MaxResults": 1000}
    assert first_params(paging, {"MaxResults": 5}) == {"MaxResults": 5}


@pytest.mark.parametrize(
    ("service", "operation", "token"),
    [
        ("ec2", "DescribeVpcs", "NextToken"),
        ("s3", "ListBuckets", "ContinuationToken"),
        ("lambda", "ListFunctions", "Marker"),
        ("wafv2", "ListIPSets", "NextMarker"),
        ("apigatewayv2", "GetApis", "NextToken"),
        ("securityhub", "DescribeStandards", "NextToken"),
        ("organizations", "ListPolicies", "NextToken"),
        ("account", "ListRegions", "NextToken"),
        ("cloudhsmv2", "DescribeClusters", "NextToken"),
        ("guardduty", "ListDetectors", "NextToken"),
        ("elbv2", "DescribeListeners", "Marker"),
        ("eks", "ListClusters", "nextToken"),
        ("route53", "ListHostedZones", "Marker"),
        ("cloudfront", "ListDistributions", "Marker"),
    ],
)
def test_list_operations_are_paged(service: str, operation: str, token: str) -> None:
    paging = paging_of(service, operation)
    assert paging is not None
    assert paging.inputs == (token,)


class AwsBucket:
    """A service that throttles as AWS does: `rate` a second, `burst` at once."""

    def __init__(self, clock: Clock, rate: float, burst: float) -> None:
        self.clock, self.rate, self.burst = clock, rate, burst
        self.tokens, self.at = burst, clock.now
        self.served: list[float] = []
        self.refused = 0

    def __call__(self, *_: Any) -> Any:
        now = self.clock.now
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            self.refused += 1
            return failed("ThrottlingException", "Rate exceeded")
        self.tokens -= 1
        self.served.append(now)
        return {"Keys": []}


def test_under_throttling_everything_is_collected_and_the_rate_falls() -> None:
    bench = Bench({})
    aws = AwsBucket(bench.clock, rate=5, burst=5)
    bench.transport.answers = [aws]

    async def scan() -> list[Result]:
        return [await bench.caller.call(SCOPE, "kms", "DescribeKey", {"KeyId": str(n)}) for n in range(300)]

    results = asyncio.run(scan())
    assert all(result.ok for result in results)
    assert len(aws.served) == 300
    assert aws.refused < 100
    assert bench.governor.rate("123456789012", "eu-west-1", "kms") < LIMITS["kms"].rate / 4


def test_the_governor_keeps_rate_and_burst() -> None:
    clock = Clock()
    governor = RateGovernor(limits={"x": Limit(10, 5)}, clock=clock, sleep=clock.sleep)

    async def run() -> None:
        for _ in range(25):
            await governor.acquire("a", "r", "x")

    asyncio.run(run())
    assert clock.now - 1000 == pytest.approx(2.0)


def test_buckets_are_apart_by_account_region_service_and_special_operation() -> None:
    clock = Clock()
    limits = {"x": Limit(1, 1), "x:Slow": Limit(0.5, 1), "iam": Limit(1, 1)}
    governor = RateGovernor(limits=limits, clock=clock, sleep=clock.sleep)

    async def waited(*bucket: str) -> float:
        return await governor.acquire(*bucket)

    assert [asyncio.run(waited("a", "r", "x")), asyncio.run(waited("b", "r", "x"))] == [0, 0]
    assert [asyncio.run(waited("a", "q", "x")), asyncio.run(waited("a", "r", "x", "Slow"))] == [0, 0]
    assert asyncio.run(waited("a", "r", "x")) == pytest.approx(1.0)
    # IAM has one allowance for all regions.
    assert asyncio.run(waited("a", "r", "iam")) == 0
    assert asyncio.run(waited("a", "q", "iam")) > 0


def test_two_apis_of_one_service_share_its_allowance() -> None:
    clock = Clock()
    governor = RateGovernor(limits={"elb": Limit(1, 1)}, clock=clock, sleep=clock.sleep)
    assert asyncio.run(governor.acquire("a", "r", "elb")) == 0
    assert asyncio.run(governor.acquire("a", "r", "elbv2")) > 0


def test_throttles_halve_the_rate_once_a_round_and_success_wins_it_back() -> None:
    clock = Clock()
    governor = RateGovernor(limits={"x": Limit(20, 20)}, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        governor.throttled("a", "r", "x")
    assert governor.rate("a", "r", "x") == 10
    clock.now += 1
    governor.throttled("a", "r", "x")
    assert governor.rate("a", "r", "x") == 5
    for _ in range(1000):
        governor.succeeded("a", "r", "x")
    assert governor.rate("a", "r", "x") == 20


def test_the_overall_rate_is_capped() -> None:
    clock = Clock()
    governor = RateGovernor(max_rate=10, limits={}, clock=clock, sleep=clock.sleep)

    async def run() -> None:
        for number in range(41):
            await governor.acquire("a", f"r{number}", "x")

    asyncio.run(run())
    assert clock.now - 1000 == pytest.approx(4.0)


def test_calls_in_flight_are_bounded_by_service_and_overall() -> None:
    running = {"now": 0, "most": 0}

    class Slow(Script):
        async def call(self, *args: Any) -> dict[str, Any]:
            running["now"] += 1
            running["most"] = max(running["most"], running["now"])
            await asyncio.sleep(0.001)
            running["now"] -= 1
            return {}

    async def run(concurrency: int, services: list[str]) -> int:
        running["most"] = 0
        governor = RateGovernor(limits={name: Limit(1e6, 1e6, 3) for name in services})
        caller = Caller(Slow({}), governor, lambda _: None, concurrency=concurrency)
        await asyncio.gather(*(caller.call(SCOPE, name, "X", {}) for name in services for _ in range(20)))
        return running["most"]

    assert asyncio.run(run(100, ["a"])) == 3
    assert asyncio.run(run(100, ["a", "b"])) == 6
    assert asyncio.run(run(4, ["a", "b", "c"])) == 4


def test_a_slow_operation_does_not_narrow_its_service() -> None:
    bench = Bench({})
    slow = bench.caller._slot("a", "r", "cloudtrail", "LookupEvents")
    other = bench.caller._slot("a", "r", "cloudtrail", "GetTrail")
    assert (slow._value, other._value) == (LIMITS["cloudtrail:LookupEvents"].concurrency, 5)


def test_every_documented_limit_is_sane() -> None:
    for name, limit in LIMITS.items():
        assert limit.rate > 0, name
        assert limit.burst >= 1, name
        assert limit.concurrency >= 1, name
