"""What keeps trouble small: retries, breakers, limits, the recurrence fuse, and holds.

`backoff` and `transience` are plain functions, used wherever something outside is asked.
The others stand in the ledger; `gate` asks them before a group is healed.
"""
