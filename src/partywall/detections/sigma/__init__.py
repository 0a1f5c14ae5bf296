"""Sigma rules over logs: parsed by pySigma, run as DuckDB SQL, proven by a slow evaluator over raw records.

What a rule means here, where Sigma leaves it open:

- A field has values: none where it is absent, null or an empty list; several where lists lie on its path.
  A test holds if any value passes it, so that under `not` an absent field passes. `field: null` holds where
  there is none.
- Values are compared as text, so that "true" finds a JSON true and 5 finds "5"; a number in a rule is
  compared as a number. An object's text is its compact JSON. Case is ignored unless `|cased`;
  `|re` searches, in RE2.
- Keywords search the record's text as it was stored.
"""
