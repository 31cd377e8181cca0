"""Differential, triage, questions, referral and explanation; `assess` is the only door."""
