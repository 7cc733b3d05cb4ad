"""Systemic failures: the healer itself fails in the same way in several incidents.

1. Every close writes how the healer failed, in the same step as the result (`failures`).
2. The sweep groups what was written of late by signature; what is too often the same
   becomes a pattern (`detection`, `patterns`).
3. While a pattern is open, the strategy that it concerns is not used (`patterns`).
4. It is closed when its incidents are settled, or by a person; it opens again when the
   same comes again.
"""
