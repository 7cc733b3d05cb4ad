"""Files that do not parse, healed before anything else.

1. `files`: which files that the failing tests import do not parse.
2. `mends`: edits near the parser's position after which one does. The ideas are one small
   module for each family: `punctuation`, `brackets`, `words`, `quotes`, `indentation`.
3. `healing`: these edits as candidates, until the tests pass.
"""
