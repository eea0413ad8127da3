"""The rules: profiles and limits in, verdicts out; no database, no clock."""
