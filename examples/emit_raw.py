"""Sends one failure event to Redis with the standard library alone.

    python3 emit_raw.py (redis://HOST:PORT/DB | unix:///PATH) TARGET

It shows the bytes of docs/wire.md being made, step by step; any language can do the same.
"""

import base64
import datetime
import json
import os
import socket
import sys
import urllib.parse
import uuid


def failure_event(target):
    """One unhandled exception of a service; docs/event.schema.json tells all fields."""
    return {
        "version": 1,
        "id": uuid.uuid4().hex,
        "target": target,
        "exception_type": "ZeroDivisionError",
        "message": "division by zero",
        "frames": [
            {"file": "shop/cart.py", "module": "shop.cart", "function": "Cart.total", "line": 12}
        ],
        "occurred_at": datetime.datetime.now(datetime.UTC).isoformat(),
        "producer": "emit_raw.py",
    }


def celery_message(target, events):
    """A Celery task message, protocol 2, in the form that Redis holds."""
    batch = uuid.uuid4().hex
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    body = json.dumps([[{"version": 1, "batch": batch, "events": events}], {}, embed])
    return {
        "body": base64.b64encode(body.encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {
            "lang": "py",
            "task": "paramedic.intake",
            "id": batch,
            "root_id": batch,
            "parent_id": None,
            "group": None,
            "shadow": None,
            "eta": None,
            "expires": None,
            "retries": 0,
            "timelimit": [None, None],
            "argsrepr": f"{len(events)} events of {target}",
            "kwargsrepr": "{}",
            "origin": f"{os.getpid()}@{socket.gethostname()}",
            "ignore_result": True,
        },
        "properties": {
            "correlation_id": batch,
            "reply_to": "",
            "delivery_mode": 2,
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {
                "exchange": "paramedic.failures",
                "routing_key": f"failure.{target}",
            },
        },
    }


def connect(url):
    """A connection to the server, and the number of the database."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        connection.connect(parts.path)
        return connection, "0"
    address = (parts.hostname or "127.0.0.1", parts.port or 6379)
    return socket.create_connection(address, timeout=5), parts.path.strip("/") or "0"


def command(connection, *words):
    """Send one Redis command; gives the first line of the answer."""
    request = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode()
        request.append(b"$%d\r\n%s\r\n" % (len(data), data))
    connection.sendall(b"".join(request))
    answer = connection.makefile("rb").readline().decode().strip()
    if answer.startswith("-"):
        sys.exit(f"the server refused {words[0]}: {answer[1:]}")
    return answer


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    url, target = sys.argv[1:]
    message = json.dumps(celery_message(target, [failure_event(target)]))
    connection, database = connect(url)
    with connection:
        command(connection, "SELECT", database)
        command(connection, "LPUSH", "paramedic.intake", message)
    sys.stdout.write(f"sent 1 event of {target}\n")


if __name__ == "__main__":
    main()
