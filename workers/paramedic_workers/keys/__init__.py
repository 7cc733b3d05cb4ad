"""Every Redis key and every script of the ledger, in one place.

The keys are named here; the scripts stand in the modules of this package, by what they
serve, and are used through it (`keys.TAKE_GROUP`).

All keys begin with `paramedic:`. Times are whole milliseconds since the epoch.
A *group* is written `<target>@<revision>`; the revision may be empty.

Incidents:

    incident:<fingerprint>          hash, see `IncidentRecord`
                                    by intake, take, close; dies after the retention
    incident:<fingerprint>:results  list of result ids, newest first
                                    by close; dies with the incident
    incident:<fingerprint>:links    hash: title to address of where else it is told of, from
                                    the tags of its events; MAX_LINKS
                                    by intake; dies with the incident
    incidents                       sorted set: fingerprint by the time last seen
                                    by intake; dies with the incident

What waits and what is being healed:

    waiting                         sorted set: group by the time it was last rung for
                                    by intake, sweep; dies when all of it is taken
    waiting:<group>                 set of fingerprints that wait
                                    by intake, return; dies when all of it is taken
    healing                         sorted set: group by the time it was taken
                                    by take; dies when it is closed or returned
    healing:<group>                 set of fingerprints being healed under one lease
                                    by take; dies when it is closed or returned
    lease:<group>                   token of the worker that heals the group
                                    by the worker; expires unless it is renewed
    leases:<target>                 sorted set: leased group by the end of its lease
                                    by the worker; entries die with their lease
    fixes:<group>                   list of proved patches, newest first
                                    by close; MAX_FIXES, expires after the retention

Results and their deliveries:

    result:<id>                     JSON of a result
                                    by close; dies after the retention, once delivered
    results                         sorted set: result id by the time of the close
                                    by close; dies with the result
    outbox:<sink>                   sorted set: result id by the time its delivery is due
                                    by close, deliver; dies when delivered or given up
    outbox:<sink>:attempts          hash: result id to the number of deliveries begun
                                    by deliver; dies when delivered or given up
    outbox:<sink>:begun             hash: result id to the begun deliveries, a line each
                                    by deliver; dies when delivered or given up
    delivering:<sink>               sorted set: result id by the end of its claim
                                    by deliver; dies with the delivery
    resting:<sink>                  hash of a sink that takes nothing for a while: `since`, `until`,
                                    `why`
                                    by deliver, tend; dies when a probe after `until` finds that
                                    it takes results again, expires a day after that
    tended                          hash: sink to the time it was last tended
                                    by tend; never dies: there are few
    tending:<sink>                  token of whoever tends the sink
                                    by tend; dies when that ends, else expires
    sinks                           sorted set: sink by the time a sweep last had it in its settings
                                    by sweep; never dies: there are few
    deliveries:<id>                 hash: sink to the JSON of a `Delivery`
                                    by deliver; dies with the result

Systemic failures (package `systemic`):

    failures                        hash: result id to the JSON of its `HealerFailure`s
                                    by close, where the healer or a strategy failed; dies after
                                    three times `systemic_seconds`
    failures:at                     sorted set: result id by the time of the close
                                    by close; dies with the failures
    patterns                        sorted set: pattern id by the time it was opened or closed
                                    by sweep, people; dies with the pattern
    patterns:open                   set of ids of those that are open
                                    by sweep, people
    pattern:<id>                    hash of a `Pattern`: `body` (JSON), `state`, `opened_at`,
                                    `first_seen`, `last_seen`, `closed_at`, `closed_because`,
                                    `openings`
                                    by sweep, people, the sink jira; dies after the retention,
                                    once closed
    pattern:<id>:incidents          hash: fingerprint to the JSON of a `PatternIncident`
    pattern:<id>:times              hash: fingerprint to the time of that
    pattern:<id>:settled            hash: fingerprint to the JSON of a `Settlement`
    pattern:<id>:targets            set of the targets that it has struck since it was opened
                                    by sweep, the sink jira; die with the pattern

Fixes that are awaited on the main branch, ours or those of people (package `landing`):

    unlanded:<target>               sorted set: fingerprint of the incident that leads a result
                                    that is healed, proposed, unhealed or environment, by the time
                                    of its close
                                    by close; dies when its tests were seen to pass there, the
                                    incident is open again or gone, or after the retention
    landing:<fingerprint>           hash, see `landing.records.Look`
                                    by landing; expires after the retention
    landing:rung                    hash: target to the time it was last rung for
                                    by sweep; never dies: there are few

Events on their way:

    journal                         hash: batch id to the JSON of the batch
                                    by publishers, before the message; dies when recorded
    journal:published               sorted set: batch id by the time it was published
                                    by publishers; dies when recorded

Attempts at messages; a message is named by its task id, or a digest of all of it:

    attempts:<message>              list of JSON of an `Attempt`: begun, and not ended yet
                                    by whatever takes messages off queues, sweep (batches of
                                    the journal); dies when the message is acknowledged or
                                    put back, expires after ATTEMPT_MEMORY
    exit:<host>:<process>           how a worker process ended, in words
                                    by the supervisor; expires after EXIT_MEMORY

Dead letters; ids are 32 hexadecimal digits:

    dead                            sorted set: letter id by the time it was kept
                                    by whatever keeps letters, replay; dies with the letter
    dead:replayed                   sorted set: letter id by the time of its last replay
                                    by replay; dies with the letter, or when that fails
    dead:<id>                       hash of a letter: `letter` (JSON without what follows),
                                    `original` (JSON), `reason`, `state`, `replays` (JSON list)
                                    by whatever keeps letters, replay; dies when dropped, at
                                    `dead_letter_limit` or after `dead_letter_days`
    dead:reasons                    hash: reason to the number of letters that wait
                                    by whatever keeps letters, replay
    dead:discarded                  number of letters discarded at a bound
                                    by whatever keeps letters, sweep
    dead:limit                      greatest number of letters
                                    by sweep
    dead:warned:<bound>             marks that somebody has warned of the bound
                                    by sweep; expires

Trouble that is kept small (package `resilience`):

    held                            sorted set: group by the time it is looked at again
                                    by heal; dies when it is taken, or a day later
    held:why                        hash: group to JSON of [until, reason in words]
                                    by heal; dies with the entry of `held`
    breaker:<target>[:<strategy>]   hash: `failures`, `last`, `why`, and once opened `opened_at`,
                                    `probe` (token), `probe_until`
                                    by heal; dies with a success, or after the window of
                                    failures (a week, once opened)
    breakers                        set of the names of those breakers
                                    by heal; members die with their breaker
    rate:heals:<target>             sorted set: heal (lease token) by the time it began
                                    by heal; entries die after a day
    rate:branches:<target>          sorted set: branch by the time it was pushed
                                    by heal; entries die after a day

Tickets of the sink `jira`; a record is `<fingerprint>` or `<space>:<name>`, where the space is
`dry` in a dry run:

    ticket:<record>                 hash: `ticket` (JSON of a `Ticket`), `intent` (when the making
                                    of one was begun whose end is not known)
                                    by deliver and tend, under its lock; expires TICKET_MEMORY
                                    after the last change
    ticket:<record>:lock            token of the worker that keeps the ticket
                                    by deliver and tend; expires unless it is renewed
    tickets:<space>                 sorted set: name by the time its record was last written
                                    by deliver and tend; entries die with their record
    ticket-key:[<space>:]<key>      the name that a Jira key stands for, earlier keys too
                                    by deliver and tend; expires after TICKET_MEMORY

What the channels of the sink `notify` remember; all of it dies after the retention:

    notify:waiting:<channel>        hash: result id to the JSON of a `Note`
                                    by deliver, tend; entries die when told
    notify:unlisted:<channel>       number of results above the bound of that hash
                                    by deliver, tend
    notify:told:<channel>           sorted set: result id by the time it was told
                                    by deliver, tend
    notify:last:<channel>:<incident>  what makes a result say the same as the last one
                                    by deliver; expires after `repeat_seconds`
    rate:notes:<channel>            sorted set: message by the time it was sent
                                    by deliver, tend; entries die after a day

The rest:

    batch:<id>                      marks a batch of events as recorded, or holds the id of the
                                    letter whose replay took its place
                                    by intake, replay; expires after BATCH_MEMORY
    imported                        sorted set: batch id by the time (s) `paramedic jira import`
                                    published it
                                    by that command; entries die after the retention, with
                                    the next import
    sweep                           token of the running sweep
                                    by sweep; expires
    room                            written to see whether Redis takes writes
                                    by workers that start; expires after a second

The scripts build key names from their arguments, so a Redis Cluster cannot hold
the ledger; one server with replicas can.
"""

from __future__ import annotations

from paramedic import wire
from paramedic_workers.keys.attempt_scripts import BEGIN_ATTEMPT as BEGIN_ATTEMPT
from paramedic_workers.keys.attempt_scripts import END_ATTEMPTS as END_ATTEMPTS
from paramedic_workers.keys.attempt_scripts import WITHDRAW_ATTEMPTS as WITHDRAW_ATTEMPTS
from paramedic_workers.keys.broker_scripts import NOTE_TAKEN as NOTE_TAKEN
from paramedic_workers.keys.dead_letter_scripts import DISCARD_LETTERS as DISCARD_LETTERS
from paramedic_workers.keys.dead_letter_scripts import DROP_LETTER as DROP_LETTER
from paramedic_workers.keys.dead_letter_scripts import KEEP_LETTER as KEEP_LETTER
from paramedic_workers.keys.dead_letter_scripts import KEEP_ONE_LETTER as KEEP_ONE_LETTER
from paramedic_workers.keys.delivery_scripts import CLAIM_DELIVERY as CLAIM_DELIVERY
from paramedic_workers.keys.delivery_scripts import REST_SINK as REST_SINK
from paramedic_workers.keys.delivery_scripts import RETURN_DELIVERIES as RETURN_DELIVERIES
from paramedic_workers.keys.delivery_scripts import SETTLE_DELIVERY as SETTLE_DELIVERY
from paramedic_workers.keys.event_scripts import RECORD_BATCH as RECORD_BATCH
from paramedic_workers.keys.group_scripts import CLOSE_GROUP as CLOSE_GROUP
from paramedic_workers.keys.group_scripts import FORGET_INCIDENT as FORGET_INCIDENT
from paramedic_workers.keys.group_scripts import NOTE_PROGRESS as NOTE_PROGRESS
from paramedic_workers.keys.group_scripts import RETURN_GROUP as RETURN_GROUP
from paramedic_workers.keys.group_scripts import TAKE_GROUP as TAKE_GROUP
from paramedic_workers.keys.landing_scripts import CLOSE_LANDED as CLOSE_LANDED
from paramedic_workers.keys.landing_scripts import DROP_UNLANDED as DROP_UNLANDED
from paramedic_workers.keys.lease_scripts import ACQUIRE_LEASE as ACQUIRE_LEASE
from paramedic_workers.keys.lease_scripts import RELEASE_LEASE as RELEASE_LEASE
from paramedic_workers.keys.lease_scripts import RENEW_LEASE as RENEW_LEASE
from paramedic_workers.keys.notify_scripts import KEEP_NOTE as KEEP_NOTE
from paramedic_workers.keys.replay_scripts import BEGIN_REPLAY as BEGIN_REPLAY
from paramedic_workers.keys.replay_scripts import END_REPLAY as END_REPLAY
from paramedic_workers.keys.replay_scripts import REPLAY_DELIVERY as REPLAY_DELIVERY
from paramedic_workers.keys.replay_scripts import REPLAY_INCIDENT as REPLAY_INCIDENT
from paramedic_workers.keys.resilience_scripts import ASK_BREAKER as ASK_BREAKER
from paramedic_workers.keys.resilience_scripts import CLOSE_FUSED as CLOSE_FUSED
from paramedic_workers.keys.resilience_scripts import DEFER_INCIDENTS as DEFER_INCIDENTS
from paramedic_workers.keys.resilience_scripts import DROP_PROBE as DROP_PROBE
from paramedic_workers.keys.resilience_scripts import END_HOLD as END_HOLD
from paramedic_workers.keys.resilience_scripts import HOLD_GROUP as HOLD_GROUP
from paramedic_workers.keys.resilience_scripts import NOTE_BREAKER as NOTE_BREAKER
from paramedic_workers.keys.resilience_scripts import TAKE_RATE as TAKE_RATE
from paramedic_workers.keys.sweep_scripts import LOCK_SWEEP as LOCK_SWEEP
from paramedic_workers.keys.sweep_scripts import UNLOCK as UNLOCK
from paramedic_workers.keys.systemic_scripts import CLOSE_PATTERN as CLOSE_PATTERN
from paramedic_workers.keys.systemic_scripts import DROP_PATTERN_INCIDENT as DROP_PATTERN_INCIDENT
from paramedic_workers.keys.systemic_scripts import FORGET_PATTERNS as FORGET_PATTERNS
from paramedic_workers.keys.systemic_scripts import NOTE_PATTERN_INCIDENT as NOTE_PATTERN_INCIDENT
from paramedic_workers.keys.systemic_scripts import OPEN_PATTERN as OPEN_PATTERN
from paramedic_workers.keys.systemic_scripts import (
    SETTLE_PATTERN_INCIDENT as SETTLE_PATTERN_INCIDENT,
)
from paramedic_workers.keys.ticket_scripts import FORGET_TICKET as FORGET_TICKET
from paramedic_workers.keys.ticket_scripts import INTEND_TICKET as INTEND_TICKET
from paramedic_workers.keys.ticket_scripts import LOCK_TICKET as LOCK_TICKET
from paramedic_workers.keys.ticket_scripts import SAVE_TICKET as SAVE_TICKET
from paramedic_workers.keys.ticket_scripts import UNLOCK_TICKET as UNLOCK_TICKET

PREFIX = "paramedic:"

#: Seconds for which a batch id is remembered; longer than any message is redelivered.
BATCH_MEMORY = 7 * 24 * 3600
#: Links kept per incident, the first.
MAX_LINKS = 10
#: Proved patches kept per group.
MAX_FIXES = 20

INCIDENTS = PREFIX + "incidents"
WAITING = PREFIX + "waiting"
HEALING = PREFIX + "healing"
RESULTS = PREFIX + "results"
DEAD = PREFIX + "dead"
DEAD_REPLAYED = PREFIX + "dead:replayed"
DEAD_REASONS = PREFIX + "dead:reasons"
DEAD_DISCARDED = PREFIX + "dead:discarded"
JOURNAL = wire.JOURNAL
JOURNAL_PUBLISHED = wire.JOURNAL_PUBLISHED
SINKS = PREFIX + "sinks"
TENDED = PREFIX + "tended"
IMPORTED = PREFIX + "imported"
SWEEP = PREFIX + "sweep"
ROOM = PREFIX + "room"
LANDING_RUNG = PREFIX + "landing:rung"
HELD = PREFIX + "held"
HELD_WHY = PREFIX + "held:why"
BREAKERS = PREFIX + "breakers"

#: What TAKE_RATE counts for channels of the sink `notify`.
NOTE_RATE = "notes"
FAILURES = PREFIX + "failures"
FAILURES_AT = PREFIX + "failures:at"
PATTERNS = PREFIX + "patterns"
OPEN_PATTERNS = PREFIX + "patterns:open"


def batch(batch_id: str) -> str:
    """The mark of a batch that was recorded, or whose place a replay took."""
    return f"{PREFIX}batch:{batch_id}"


def incident(fingerprint: str) -> str:
    """The hash of one incident."""
    return f"{PREFIX}incident:{fingerprint}"


def incident_results(fingerprint: str) -> str:
    """The list of an incident's result ids."""
    return f"{PREFIX}incident:{fingerprint}:results"


def incident_links(fingerprint: str) -> str:
    """The links of an incident."""
    return f"{PREFIX}incident:{fingerprint}:links"


def waiting(group: str) -> str:
    """The incidents of a group that wait."""
    return f"{PREFIX}waiting:{group}"


def healing(group: str) -> str:
    """The incidents of a group that are being healed."""
    return f"{PREFIX}healing:{group}"


def lease(group: str) -> str:
    """The lease on a group."""
    return f"{PREFIX}lease:{group}"


def fixes(group: str) -> str:
    """The patches proved for a group."""
    return f"{PREFIX}fixes:{group}"


def result(result_id: str) -> str:
    """The JSON of one result."""
    return f"{PREFIX}result:{result_id}"


def outbox(sink: str) -> str:
    """The results that a sink has not taken yet."""
    return f"{PREFIX}outbox:{sink}"


def outbox_attempts(sink: str) -> str:
    """How often each of them was tried."""
    return f"{PREFIX}outbox:{sink}:attempts"


def resting(sink: str) -> str:
    """Until when a sink rests, and why."""
    return f"{PREFIX}resting:{sink}"


def tending(sink: str) -> str:
    """The lock of whoever tends a sink."""
    return f"{PREFIX}tending:{sink}"


def deliveries(result_id: str) -> str:
    """How the delivery of a result stands at each sink."""
    return f"{PREFIX}deliveries:{result_id}"


def attempts(message_id: str) -> str:
    """The attempts at a message that have begun and not ended."""
    return f"{PREFIX}attempts:{message_id}"


def exit_of(host: str) -> str:
    """How a worker process ended; `host` names it as attempts do."""
    return f"{PREFIX}exit:{host}"


def unlanded(target: str) -> str:
    """The incidents of a target whose fix is not known to have landed."""
    return f"{PREFIX}unlanded:{target}"


def landing(fingerprint: str) -> str:
    """How far the looks for the fix of an incident are."""
    return f"{PREFIX}landing:{fingerprint}"


def dead_letter(letter_id: str) -> str:
    """The hash of one dead letter."""
    return f"{PREFIX}dead:{letter_id}"


def dead_warned(bound: str) -> str:
    """The mark that somebody has warned of a bound of the dead letters."""
    return f"{PREFIX}dead:warned:{bound}"


def breaker(name: str) -> str:
    """The breaker of a target (`shop`), or of a strategy there (`shop:patch`)."""
    return f"{PREFIX}breaker:{name}"


def pattern(pattern_id: str) -> str:
    """The hash of one pattern."""
    return f"{PREFIX}pattern:{pattern_id}"


def pattern_incidents(pattern_id: str) -> str:
    """The incidents of a pattern, and the exceptions to it."""
    return f"{PREFIX}pattern:{pattern_id}:incidents"


def pattern_times(pattern_id: str) -> str:
    """When those incidents failed last."""
    return f"{PREFIX}pattern:{pattern_id}:times"


def pattern_settled(pattern_id: str) -> str:
    """How those incidents were settled."""
    return f"{PREFIX}pattern:{pattern_id}:settled"


def pattern_targets(pattern_id: str) -> str:
    """The targets that a pattern has struck."""
    return f"{PREFIX}pattern:{pattern_id}:targets"


def rate(kind: str, target: str) -> str:
    """What counts against a limit of a target."""
    return f"{PREFIX}rate:{kind}:{target}"


def ticket(record: str) -> str:
    """The record of a ticket."""
    return f"{PREFIX}ticket:{record}"


def tickets(space: str) -> str:
    """The names of all tickets of a space."""
    return f"{PREFIX}tickets:{space}"


def ticket_key(record: str) -> str:
    """The name that a Jira key stands for."""
    return f"{PREFIX}ticket-key:{record}"


def notify_waiting(channel: str) -> str:
    """The notes that a channel has yet to tell."""
    return f"{PREFIX}notify:waiting:{channel}"


def notify_unlisted(channel: str) -> str:
    """How many more results than notes wait."""
    return f"{PREFIX}notify:unlisted:{channel}"


def notify_told(channel: str) -> str:
    """The results that a channel has told."""
    return f"{PREFIX}notify:told:{channel}"


def notify_last(channel: str, incident: str) -> str:
    """What a channel has told last of an incident."""
    return f"{PREFIX}notify:last:{channel}:{incident}"
