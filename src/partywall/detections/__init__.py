"""Threat detection on the logs of an account: ingest, rules, correlations, models."""
