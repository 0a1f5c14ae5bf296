"""Findings of other detectors (GuardDuty, Inspector, Macie, Access Analyzer, Security Hub) as detections."""
