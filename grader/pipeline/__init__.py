"""Plan, judge, grade."""
