"""The sink `notify`: tells people, by chat, mail and whatever else the library apprise speaks to.

Each *channel* is one address with rules of its own:

1. A result that no channel asks for by verdict and target is none of its business; nor is
   one that says the same as the last of its incident.
2. A channel that gathers, that has quiet hours now or has had its messages of this hour
   keeps a note of the result in the ledger; else it tells of it at once. Where the service
   refuses, the note is kept as well.
3. When it is time, all that waits is sent as one message; it waits on until it is taken.

`settings` has the rules, `hours` the time of day, `notes` the texts, `memory` what a channel
remembers in the ledger, `services` speaks to the world, and `sink` puts them together.
"""
