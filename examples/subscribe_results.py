"""Prints results as they come, from the topic exchange `paramedic.results`.

    pip install kombu redis
    python3 subscribe_results.py redis://127.0.0.1:6379/0
    python3 subscribe_results.py amqp://guest:guest@127.0.0.1/ 'result.*.healed' healed-here

The first argument is the broker; the second says which results, `result.shop.#` where it is left
out: keys are `result.<target>.<verdict>`, `*` is one word, `#` any number of them. The third is
the name of the queue, one of your own. It is kept while this program does not run, and holds
what comes meanwhile: delete it when you need it no more.
"""

import json
import sys

from kombu import Connection, Exchange, Queue
from kombu.mixins import ConsumerMixin

RESULTS = Exchange("paramedic.results", type="topic", durable=True)


class Subscriber(ConsumerMixin):
    """Reads one queue, and connects again when the broker was away."""

    def __init__(self, connection, queue):
        self.connection = connection
        self.queue = queue
        self.known = set()

    def get_consumers(self, make_consumer, channel):
        return [make_consumer([self.queue], on_message=self.take, prefetch_count=1)]

    def on_consume_ready(self, connection, channel, consumers, **_):
        print("listening", flush=True)

    def take(self, message):
        """Work first, acknowledge after: a result whose work was cut short comes again."""
        result = json.loads(message.body)
        if result["id"] not in self.known:  # a result may come twice
            print(result["target"], result["verdict"], result["summary"], flush=True)
            self.known.add(result["id"])
        message.ack()


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    url, *rest = sys.argv[1:]
    pattern = rest[0] if rest else "result.shop.#"
    name = rest[1] if len(rest) > 1 else "my-results"
    # On Redis, what was not acknowledged in that time (in seconds) is delivered again.
    options = {"visibility_timeout": 300} if url.startswith("redis") else {}
    queue = Queue(name, RESULTS, routing_key=pattern, durable=True)
    with Connection(url, transport_options=options) as connection:
        Subscriber(connection, queue).run()


if __name__ == "__main__":
    main()
