"""AWS's reports and agreements as inherited evidence: what is not known to be in force proves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partywall.analysis.policy import FACTS
from partywall.evidence.artifact import Listed, Report, baa, inherited, judge, months_after
from partywall.evidence.programmes import programmes
from partywall.lake.engine import Lake
from tests.support import DemoScan

TODAY = date(2026, 6, 15)
FINE = Listed({}, ["1"])
SOC2 = Report(
    id="report-a",
    version=3,
    name="System and Organization Controls (SOC) 2 Report",
    series="SOC",
    state="PUBLISHED",
    company="AWS",
    period_start=date(2025, 10, 1),
    period_end=date(2026, 3, 31),
    has_period=True,
)
LETTER = replace(
    SOC2, id="letter", name="SOC Continued Operations Letter", period_end=date(2026, 6, 30), version=1
)


@pytest.mark.parametrize(
    ("change", "state", "why"),
    [
        ({}, "inherited", "speaks until 2026-03-31"),
        ({"period_end": date(2025, 6, 15)}, "inherited", "a bridge letter is needed"),
        ({"period_end": date(2025, 6, 14)}, "inherited_stale", "more than 12 months ago"),
        ({"state": "UNPUBLISHED"}, "not_evaluated", "withdrawn"),
        ({"state": None}, "not_evaluated", "unknown state"),
        ({"company": "Some Seller"}, "not_evaluated", "of Some Seller"),
        ({"company": ""}, "not_evaluated", "not known to be AWS's"),
        ({"company": None}, "not_evaluated", "not known to be AWS's"),
        ({"period_end": None}, "not_evaluated", "until when"),
        ({"period_start": date(2026, 7, 1), "period_end": date(2026, 9, 1)}, "not_evaluated", "only from"),
        ({"name": "SOC 2 Continued Operations Letter"}, "not_evaluated", "lists no report"),
    ],
)
def test_a_report_of_a_period(change: dict[str, object], state: str, why: str) -> None:
    found = judge(programmes()["soc-2"], [replace(SOC2, **change)], FINE, TODAY, 12)  # type: ignore[arg-type]
    assert (found.state, why in found.why) == (state, True), found


def test_a_bridge_letter_is_asked_for_after_three_months_and_found_where_it_reaches_further() -> None:
    programme = programmes()["soc-2"]
    early = judge(programme, [SOC2], FINE, date(2026, 6, 29), 12)
    assert (early.bridge_needed, early.bridge) == (False, "")
    gap = judge(programme, [SOC2], FINE, date(2026, 6, 30), 12)
    assert (gap.bridge_needed, gap.bridge) == (True, "")
    assert judge(programme, [SOC2, LETTER], FINE, date(2026, 6, 30), 12).bridge == "letter:1"
    for useless in ({"period_end": None}, {"period_end": SOC2.period_end}, {"company": "Else"}):
        worse = replace(LETTER, **useless)  # type: ignore[arg-type]
        assert judge(programme, [SOC2, worse], FINE, date(2026, 6, 30), 12).bridge == ""


def test_a_certificate_is_stale_the_day_after_its_last() -> None:
    programme = programmes()["iso-27001"]
    certificate = replace(SOC2, name="ISO 27001:2022 Certification", series="ISO", period_end=TODAY)
    assert judge(programme, [certificate], FINE, TODAY, 12).state == "inherited"
    assert judge(programme, [certificate], FINE, TODAY + timedelta(1), 12).state == "inherited_stale"
    statement = replace(certificate, name="ISO 27001:2022 Statement of Applicability")
    assert judge(programme, [statement], FINE, TODAY, 12).state == "not_evaluated"


def test_an_unanswered_listing_is_told_of() -> None:
    found = judge(programmes()["soc-2"], [], Listed({"1": "ListReports was not answered"}, ["1"]), TODAY, 12)
    assert (found.state, "was not answered" in found.why) == ("not_evaluated", True)


@pytest.mark.parametrize(
    ("name", "series", "expected"),
    [
        ("Service Organization Controls (SOC) 1 Report - Current", "SOC", {"soc-1"}),
        ("SOC 3 Report", "", {"soc-3"}),
        ("PCI DSS Attestation of Compliance (AOC) and Responsibility Summary", "PCI", {"pci-dss"}),
        ("PCI 3DS Attestation of Compliance (AOC)", "PCI", {"pci-3ds"}),
        ("PCI PIN Attestation of Compliance (AOC)", "PCI", {"pci-pin"}),
        ("ISO/IEC 27017:2015 Certificate", "ISO", {"iso-27017"}),
        ("C5 Type 2 Attestation Report", "C5", {"c5"}),
        ("FedRAMP Moderate Partner Package", "FedRAMP", {"fedramp-moderate"}),
        ("FedRAMP High Partner Package", "FedRAMP", {"fedramp-high"}),
        ("Business Continuity Overview", "SOC 2", {"soc-2"}),
        ("Social Report 2", "", set()),
    ],
)
def test_names(name: str, series: str, expected: set[str]) -> None:
    assert {p.id for p in programmes().values() if p.is_report(name, series)} == expected


@given(st.dates(date(1999, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
def test_months_after_keeps_the_day_or_takes_the_months_last(day: date, months: int) -> None:
    found = months_after(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(1)).day == 1)


def test_the_demo(demo: DemoScan) -> None:
    lake = Lake(demo.directory, FACTS)
    today = lake.manifest.started_at.date()
    found = inherited(lake, today)
    assert set(found) == set(programmes())
    states = {p: found[p].state for p in ("soc-1", "soc-2", "pci-dss", "iso-27001", "c5", "iso-9001")}
    assert states == {
        "soc-1": "inherited",
        "soc-2": "inherited",
        "pci-dss": "inherited",
        "iso-27001": "inherited",
        "c5": "inherited_stale",
        "iso-9001": "not_evaluated",
    }
    agreed = baa(lake, today)
    assert set(agreed) == set(demo.accounts)
    assert [a.in_force for a in agreed.values() if a.agreement] == [False]
    assert found["hipaa-baa"].state == "not_evaluated"
