"""States of requirements: never better than what is known, whatever comes together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partywall.evidence.model import Attestation, Inherited
from partywall.frameworks.assess import Summary
from partywall.frameworks.model import (
    AwsPart,
    Evidence,
    Framework,
    ProcessPart,
    Requirement,
    State,
    TechnicalPart,
    Weight,
)
from partywall.frameworks.states import ALL, Judge, counted, technical_state, whole_state
from partywall.frameworks.tally import Judged, Tallies, Tally

TODAY = date(2026, 6, 30)
ACCOUNTS = ("111111111111", "222222222222")
P, S, C = Weight.PROVES, Weight.SUPPORTS, Weight.CONTRADICTS

small = st.integers(0, 2)
tallies = st.builds(
    Tally,
    small,
    small,
    small,
    small,
    small,
    st.sampled_from(["", "", "", "2 Regions enabled and not scanned"]),
)
weights = st.sampled_from(list(Weight))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(P, Tally(passes=3))], State.SATISFIED),
        ([(P, Tally(passes=3, fails=1))], State.NOT_SATISFIED),
        ([(P, Tally(passes=3)), (S, Tally(fails=1))], State.NOT_SATISFIED),
        ([(P, Tally(passes=3)), (C, Tally(fails=1))], State.NOT_SATISFIED),
        ([(P, Tally(passes=3, unknown=1))], State.NOT_EVALUATED),
        ([(P, Tally(passes=3, lacking="not judged"))], State.NOT_EVALUATED),
        ([(P, Tally(passes=3)), (S, Tally(unknown=1))], State.NOT_EVALUATED),
        ([(P, Tally(passes=3)), (C, Tally(lacking="not judged"))], State.NOT_EVALUATED),
        ([(P, Tally(passes=3, fails=1, unknown=1))], State.NOT_SATISFIED),
        ([(P, Tally(passes=2, excepted=1))], State.EXCEPTED),
        ([(P, Tally(excepted=1))], State.EXCEPTED),
        ([(P, Tally(excepted=1, unknown=1))], State.NOT_EVALUATED),
        ([(P, Tally(not_applicable=4))], State.NOT_APPLICABLE),
        ([(P, Tally())], State.NOT_APPLICABLE),
        ([(P, Tally(passes=1)), (P, Tally(not_applicable=1))], State.SATISFIED),
        ([(P, Tally(not_applicable=1)), (S, Tally(passes=1))], State.NOT_EVALUATED),
        ([(S, Tally(passes=1))], None),
        ([(C, Tally(passes=1))], None),
        ([(S, Tally(excepted=1))], State.EXCEPTED),
        ([], State.NOT_EVALUATED),
    ],
)
def test_technical_part(rows: list[tuple[Weight, Tally]], expected: State | None) -> None:
    assert technical_state(rows) is expected


@given(st.lists(st.tuples(weights, tallies), max_size=5))
def test_a_technical_part_is_satisfied_only_on_proof(rows: list[tuple[Weight, Tally]]) -> None:
    state = technical_state(rows)
    if state is State.SATISFIED:
        assert any(w is P and t.passes for w, t in rows)
        assert not any(t.fails or t.unknown or t.lacking or t.excepted for _, t in rows)
    if any(t.fails for _, t in rows):
        assert state is State.NOT_SATISFIED
    elif any(t.unknown or t.lacking for _, t in rows):
        assert state is State.NOT_EVALUATED


@given(st.lists(st.one_of(st.none(), st.sampled_from(list(State))), max_size=3))
def test_a_requirement_is_never_better_than_its_parts(parts: list[State | None]) -> None:
    state = whole_state(parts)
    worst = (
        State.NOT_SATISFIED,
        State.NOT_EVALUATED,
        State.INHERITED_STALE,
        State.ATTESTED_EXPIRED,
        State.EXCEPTED,
    )
    bad = [s for s in worst if s in parts]
    if bad:
        assert state is bad[0]
    if state is State.SATISFIED:
        told = set(parts) - {None, State.NOT_APPLICABLE}
        assert told and told <= {State.SATISFIED, State.INHERITED, State.ATTESTED}
        assert told == {State.SATISFIED} or len(told) > 1
    if not any(parts):
        assert state is State.NOT_EVALUATED
    if state is State.NOT_APPLICABLE:
        assert set(parts) == {State.NOT_APPLICABLE}


CHECKS = ("a", "b", "c")
evidence = st.lists(
    st.builds(lambda check, weight: Evidence(check, weight, "why"), st.sampled_from(CHECKS), weights),
    min_size=1,
    max_size=3,
    unique_by=lambda e: e.check,
)
requirements = st.builds(
    lambda aws, rows, process, unprovable: Requirement(
        "R",
        "title",
        aws=AwsPart("what", ["soc-2"]) if aws else None,
        technical=TechnicalPart(checks=rows) if rows else None,
        process=ProcessPart("say so") if process else None,
        unprovable=unprovable,
    ),
    st.booleans(),
    st.one_of(st.none(), evidence),
    st.booleans(),
    st.sampled_from(["", "no API tells"]),
)


def attestation(ident: str = "R", **changes: object) -> Attestation:
    known: dict[str, object] = {
        "id": "A0001",
        "framework": "f",
        "requirement": ident,
        "statement": "so it is",
        "author": "ann",
        "reviewer": "bob",
        "effective": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "recorded_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Attestation(**{**known, **changes})  # type: ignore[arg-type]


attestations = st.lists(
    st.builds(
        lambda author, reviewer, start, days, accounts: attestation(
            author=author,
            reviewer=reviewer,
            effective=date(2026, 1, 1) + timedelta(start),
            valid_until=date(2026, 1, 1) + timedelta(start + days),
            accounts=accounts,
        ),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["", "ann", "bob"]),
        st.integers(0, 300),
        st.integers(0, 300),
        st.sampled_from([["*"], [ACCOUNTS[0]]]),
    ),
    max_size=3,
)
inherited = st.sampled_from(["inherited", "inherited_stale", "not_evaluated", None])


def framework(items: list[Requirement]) -> Framework:
    return Framework("f", "F", "1", [], "about", "source", items)


def found(by_check: dict[str, dict[str, Tally]]) -> Tallies:
    return Tallies({Judged(check): tally for check, tally in by_check.items()}, ACCOUNTS)


@given(
    st.lists(requirements, min_size=1, max_size=4),
    st.dictionaries(
        st.sampled_from(CHECKS),
        st.dictionaries(st.sampled_from(ACCOUNTS), tallies, max_size=2),
        max_size=3,
    ),
    attestations,
    inherited,
)
def test_no_requirement_is_satisfied_on_what_is_not_known(
    items: list[Requirement],
    by_check: dict[str, dict[str, Tally]],
    said: list[Attestation],
    reports: str | None,
) -> None:
    named = [
        Requirement(f"R{i}", r.title, "", "", r.aws, r.technical, r.process, r.unprovable)
        for i, r in enumerate(items)
    ]
    mine = [
        Attestation(**{**{f: getattr(a, f) for f in a.__struct_fields__}, "requirement": r.id})
        for a in said
        for r in named
    ]
    whole = framework(named)
    held = {"soc-2": Inherited("soc-2", reports, "why")} if reports else {}
    judge = Judge(whole, {}, found(by_check), mine, held, TODAY)
    for account in (ALL, *ACCOUNTS):
        standings = judge.standings(account)
        assert len(standings) == len(counted(whole))
        states = dict.fromkeys(State, 0)
        for standing in standings:
            states[standing.state] += 1
            requirement = standing.requirement
            good = standing.state in (State.SATISFIED, State.INHERITED, State.ATTESTED)
            over = ACCOUNTS if account == ALL else (account,)
            if not good:
                continue
            if requirement.aws:
                assert reports == "inherited"
            if requirement.process:
                for one in over:
                    assert any(
                        a.reviewer and a.reviewer != a.author and a.effective <= TODAY <= a.valid_until
                        for a in mine
                        if a.requirement == requirement.id and ("*" in a.accounts or one in a.accounts)
                    )
            for row in requirement.technical.checks if requirement.technical else ():
                for one in over:
                    tally = by_check.get(row.check, {}).get(one)
                    assert tally is not None
                    assert not (tally.unknown or tally.lacking or tally.fails or tally.excepted)
        assert Summary(whole, account, states).total == len(counted(whole))


def test_nothing_scanned_proves_nothing() -> None:
    requirement = Requirement("R", "t", technical=TechnicalPart(checks=[Evidence("a", P, "why")]))
    empty = Tallies({Judged("a"): {}}, [])
    judge = Judge(framework([requirement]), {}, empty, [], {}, TODAY)
    assert judge.standing(requirement).state is State.NOT_EVALUATED


def test_an_empty_account_is_not_applicable_and_an_attestation_speaks_for_itself_alone() -> None:
    rows = [Evidence("a", P, "why")]
    alone = Requirement("R", "t", technical=TechnicalPart(checks=rows))
    both = Requirement("R", "t", technical=TechnicalPart(checks=rows), process=ProcessPart("say"))
    nothing = found({"a": {account: Tally() for account in ACCOUNTS}})
    judge = Judge(framework([alone]), {}, nothing, [attestation()], {}, TODAY)
    assert judge.standing(alone).state is State.NOT_APPLICABLE
    assert judge.standing(both).state is State.ATTESTED


def test_an_attestation_may_name_the_framework_by_its_alias() -> None:
    requirement = Requirement("R", "t", process=ProcessPart("say"))
    named = Framework("f", "F", "1", ["eff"], "about", "source", [requirement])
    for name, expected in (("eff", State.ATTESTED), ("other", State.NOT_EVALUATED)):
        judge = Judge(named, {}, found({}), [attestation(framework=name)], {}, TODAY)
        assert judge.standing(requirement).state is expected
    for account, expected in ((ACCOUNTS[0], State.ATTESTED), (ALL, State.NOT_EVALUATED)):
        partial = [attestation(accounts=[ACCOUNTS[0]])]
        assert (
            Judge(named, {}, found({}), partial, {}, TODAY).standing(requirement, account).state is expected
        )


def test_one_unreadable_account_leaves_all_accounts_open() -> None:
    requirement = Requirement("R", "t", technical=TechnicalPart(checks=[Evidence("a", P, "why")]))
    tallies = found({"a": {ACCOUNTS[0]: Tally(passes=5), ACCOUNTS[1]: Tally(lacking="was not listed")}})
    judge = Judge(framework([requirement]), {}, tallies, [], {}, TODAY)
    assert judge.standing(requirement, ACCOUNTS[0]).state is State.SATISFIED
    assert judge.standing(requirement, ACCOUNTS[1]).state is State.NOT_EVALUATED
    assert judge.standing(requirement).state is State.NOT_EVALUATED


def test_the_heaviest_row_of_a_check_counts_and_its_own_row_goes_first() -> None:
    from partywall.frameworks.states import evidence_for

    brought = {"o1": [Evidence("a", S, "one")], "o2": [Evidence("a", P, "two"), Evidence("b", C, "three")]}
    part = TechnicalPart(objectives=["o1", "o2"], checks=[Evidence("b", S, "own")], params={"a": {"days": 7}})
    rows = evidence_for(Requirement("R", "t", technical=part), brought)
    assert [(e.check, e.weight, e.params, origin) for e, origin in rows] == [
        ("b", S, {}, ""),
        ("a", P, {"days": 7}, "o2"),
    ]
