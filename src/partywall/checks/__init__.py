"""The catalogue of checks: model, loader, linter, evaluator."""
