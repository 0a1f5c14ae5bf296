"""Attestations and plans of action: in force only when reviewed by another, and never rewritten."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partywall.errors import UserError
from partywall.evidence import attestations, poam
from partywall.evidence.events import event_files, head
from partywall.evidence.model import Attestation, Milestone

TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def made(data: Path, **changes: Any) -> Attestation:
    given: dict[str, Any] = {
        "framework": "pci",
        "requirement": "12.1.1",
        "statement": "The policy is published and known.",
        "author": "Ada",
        "reviewer": "Grace",
        "effective": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "now": NOW,
    }
    return attestations.add(data, **{**given, **changes})


def standing(data: Path, account: str = "111122223333", day: date = TODAY) -> str | None:
    return attestations.in_force(attestations.load(data), "pci", "12.1.1", account, day)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "attested"),
        ({"reviewer": ""}, None),
        ({"valid_until": TODAY}, "attested"),
        ({"valid_until": TODAY - timedelta(1)}, "attested_expired"),
        ({"effective": TODAY}, "attested"),
        ({"effective": TODAY + timedelta(1)}, None),
        ({"accounts": ["1111*"]}, "attested"),
        ({"accounts": ["2222*", "111122223333"]}, "attested"),
        ({"accounts": ["2222*"]}, None),
        ({"requirement": "12.1"}, None),
        ({"framework": "soc2"}, None),
        ({"reviewer": "", "valid_until": TODAY - timedelta(1)}, None),
    ],
)
def test_force(tmp_path: Path, changes: dict[str, Any], expected: str | None) -> None:
    made(tmp_path, **changes)
    assert standing(tmp_path) == expected


def test_a_later_attestation_replaces_an_expired_one_whatever_their_order(tmp_path: Path) -> None:
    made(tmp_path)
    made(tmp_path, effective=date(2025, 1, 1), valid_until=date(2025, 12, 31))
    assert standing(tmp_path) == "attested"
    assert standing(tmp_path, day=date(2027, 1, 1)) == "attested_expired"
    assert standing(tmp_path, day=date(2024, 1, 1)) is None


def test_review_and_withdrawal_are_records_of_their_own(tmp_path: Path) -> None:
    found = made(tmp_path, reviewer="")
    before = event_files(tmp_path)[0].read_bytes()
    with pytest.raises(UserError, match="another person"):
        attestations.review(tmp_path, found.id, " ada ")
    assert standing(tmp_path) is None
    assert attestations.review(tmp_path, found.id, "Grace").reviewed_at is not None
    assert standing(tmp_path) == "attested"
    with pytest.raises(UserError, match="reviewed by Grace already"):
        attestations.review(tmp_path, found.id, "Joan")
    attestations.withdraw(tmp_path, found.id, "Grace", "The policy was replaced.")
    assert standing(tmp_path) is None
    assert attestations.load(tmp_path)[0].withdrawn_why == "The policy was replaced."
    with pytest.raises(UserError, match="withdrawn already"):
        attestations.withdraw(tmp_path, found.id, "Grace", "Again.")
    with pytest.raises(UserError, match="was withdrawn"):
        attestations.review(tmp_path, found.id, "Grace")
    assert event_files(tmp_path)[0].read_bytes() == before
    assert len(event_files(tmp_path)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reviewer": "Ada"}, "another person"),
        ({"reviewer": "  ADA\u00a0"}, "another person"),
        ({"statement": " "}, "needs its statement"),
        ({"author": ""}, "needs its author"),
        ({"valid_until": date(2025, 1, 1)}, "before it takes effect"),
        ({"accounts": []}, "names its accounts"),
        ({"files": [Path("nowhere.pdf")]}, "cannot read the evidence file"),
    ],
)
def test_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        made(tmp_path, **changes)
    assert event_files(tmp_path) == []


def test_files_are_hashed_and_kept_only_where_asked(tmp_path: Path) -> None:
    file = tmp_path / "policy.pdf"
    file.write_bytes(b"policy")
    first = made(tmp_path / "d", files=[file]).files[0]
    assert (first.name, first.size, first.copied) == ("policy.pdf", 6, False)
    assert not (tmp_path / "d/attestations/files").exists()
    second = made(tmp_path / "d", files=[file], copy=True).files[0]
    copy = tmp_path / "d/attestations/files" / second.sha256
    assert copy.read_bytes() == b"policy"
    known = attestations.load(tmp_path / "d")
    assert attestations.file_problems(tmp_path / "d", known) == []
    copy.write_bytes(b"Policy")
    assert "was changed" in attestations.file_problems(tmp_path / "d", known)[0]
    copy.unlink()
    assert "is missing" in attestations.file_problems(tmp_path / "d", known)[0]


def test_any_changed_byte_of_a_record_is_found(tmp_path: Path) -> None:
    for _ in range(3):
        made(tmp_path)
    files = event_files(tmp_path)
    for path in files[:-1]:
        raw = path.read_bytes()
        for place in range(0, len(raw), 7):
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            with pytest.raises(UserError, match=r"attestations/00000"):
                attestations.load(tmp_path)
        path.write_bytes(raw)
    assert len(attestations.load(tmp_path)) == 3
    # The last record has none after it: its hash is what a scan's seal keeps.
    before = head(tmp_path)
    changed = json.loads(files[-1].read_bytes())
    changed["body"]["author"] = "Eve"
    files[-1].write_text(json.dumps(changed))
    assert head(tmp_path) != before
    files[1].unlink()
    with pytest.raises(UserError, match="record number 2 before it is missing"):
        attestations.load(tmp_path)


def test_writers_side_by_side_make_one_chain(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = {a.id for a in pool.map(lambda n: made(tmp_path, statement=f"s {n}"), range(12))}
    assert len(ids) == 12
    assert len(attestations.load(tmp_path)) == 12


@given(
    shifts=st.lists(
        st.tuples(st.integers(-30, 30), st.integers(0, 30), st.booleans(), st.booleans()), max_size=6
    ),
    day=st.integers(-40, 70),
)
def test_attested_only_by_one_that_is_reviewed_not_withdrawn_and_of_that_day(
    shifts: list[tuple[int, int, bool, bool]], day: int
) -> None:
    known = [
        Attestation(
            id=f"A{i}",
            framework="pci",
            requirement="1",
            statement="s",
            author="a",
            reviewer="b" if reviewed else "",
            effective=TODAY + timedelta(start),
            valid_until=TODAY + timedelta(start + length),
            recorded_at=NOW,
            withdrawn_at=NOW if withdrawn else None,
        )
        for i, (start, length, reviewed, withdrawn) in enumerate(shifts)
    ]
    good = [(s, s + n) for s, n, reviewed, withdrawn in shifts if reviewed and not withdrawn]
    found = attestations.in_force(known, "pci", "1", "1", TODAY + timedelta(day))
    if any(s <= day <= e for s, e in good):
        assert found == "attested"
    elif any(e < day for _, e in good):
        assert found == "attested_expired"
    else:
        assert found is None


def test_plans_of_action(tmp_path: Path) -> None:
    item = poam.add(
        tmp_path,
        weakness="No review of rules",
        owner="Ada",
        due=date(2026, 9, 1),
        framework="pci",
        requirement="1.2.7",
        milestones=[Milestone("Second", date(2026, 8, 1)), Milestone("First", date(2026, 7, 1))],
        now=NOW,
    )
    assert [m.what for m in item.milestones] == ["First", "Second"]
    assert [poam.load(tmp_path)[0].state(d) for d in (date(2026, 9, 1), date(2026, 9, 2))] == [
        "open",
        "overdue",
    ]
    made(tmp_path)
    closed = poam.close(tmp_path, "p0001", "Grace", "Reviewed", NOW)
    assert closed.state(date(2030, 1, 1)) == "closed"
    with pytest.raises(UserError, match="closed already, by Grace"):
        poam.close(tmp_path, "P0001", "Grace", "Again")
    with pytest.raises(UserError, match="the last is P0001"):
        poam.close(tmp_path, "P0002", "Grace", "Again")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"due": date(2026, 6, 14)}, "is past"),
        ({"requirement": ""}, "name one"),
        ({"framework": ""}, "of which framework"),
        ({"weakness": ""}, "needs the weakness"),
        ({"milestones": [Milestone("late", date(2027, 1, 1))]}, "after the item"),
    ],
)
def test_refused_plans(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "weakness": "w",
        "owner": "o",
        "due": date(2026, 9, 1),
        "framework": "pci",
        "requirement": "1",
        "now": NOW,
    }
    with pytest.raises(UserError, match=message):
        poam.add(tmp_path, **{**given, **changes})
