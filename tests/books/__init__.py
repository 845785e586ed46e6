"""The books as a machine: whatever happens to them, in any order, with what should come of it.

`begun` makes the books of two years, `forecasts` says from plain SQL what a step may do, `steps` runs
it and compares, and `rules` is what always holds. What can happen stands in `gifts`, `reallocations`,
`turn_of_the_year`, `by_hand` and `scenes`; `machine` lets hypothesis draw among it.
"""
