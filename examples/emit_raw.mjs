// Sends one failure event to Redis with Node's standard library alone.
//
//     node emit_raw.mjs (redis://HOST:PORT/DB | unix:///PATH) TARGET
//
// The message is explained in docs/wire.md.

import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import { hostname } from "node:os";

function failureEvent(target) {
  return {
    version: 1,
    id: randomUUID(),
    target,
    exception_type: "TypeError",
    message: "cart is undefined",
    frames: [{ file: "shop/cart.js", module: "shop/cart", function: "total", line: 12 }],
    occurred_at: new Date().toISOString(),
    producer: "emit_raw.mjs",
  };
}

function celeryMessage(target, events) {
  const batch = randomUUID();
  const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
  const body = JSON.stringify([[{ version: 1, batch, events }], {}, embed]);
  return {
    body: Buffer.from(body).toString("base64"),
    "content-type": "application/json",
    "content-encoding": "utf-8",
    headers: {
      lang: "js",
      task: "paramedic.intake",
      id: batch,
      root_id: batch,
      parent_id: null,
      group: null,
      shadow: null,
      eta: null,
      expires: null,
      retries: 0,
      timelimit: [null, null],
      argsrepr: `${events.length} events of ${target}`,
      kwargsrepr: "{}",
      origin: `${process.pid}@${hostname()}`,
      ignore_result: true,
    },
    properties: {
      correlation_id: batch,
      reply_to: "",
      delivery_mode: 2,
      priority: 0,
      body_encoding: "base64",
      delivery_tag: randomUUID(),
      delivery_info: { exchange: "paramedic.failures", routing_key: `failure.${target}` },
    },
  };
}

/** One command in the protocol of Redis. */
function command(...words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

function address(url) {
  if (url.protocol === "unix:") return { path: url.pathname };
  return { host: url.hostname || "127.0.0.1", port: Number(url.port || 6379) };
}

const [place, target] = process.argv.slice(2);
if (!place || !target) {
  console.error("usage: node emit_raw.mjs (redis://HOST:PORT/DB | unix:///PATH) TARGET");
  process.exit(2);
}
const url = new URL(place);
const database = url.protocol === "unix:" ? "0" : url.pathname.slice(1) || "0";
const message = JSON.stringify(celeryMessage(target, [failureEvent(target)]));

const connection = createConnection(address(url));
connection.setTimeout(5000, () => connection.destroy(new Error("the server does not answer")));
connection.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
connection.write(command("SELECT", database) + command("LPUSH", "paramedic.intake", message));

let answers = "";
connection.on("data", (data) => {
  answers += data;
  if (answers.includes("-")) connection.destroy(new Error(answers.trim()));
  else if (answers.split("\r\n").length > 2) {
    console.log(`sent 1 event of ${target}`);
    connection.end();
  }
});
