// The other side of a webhook, by the reference library of Standard Webhooks for JavaScript: it verifies every command, and signs events.
// Usage: webhook_peer.mjs SECRET PORT EVENTS_URL FOLDER_WITH_NODE_MODULES. Each line of standard input is the data of an event.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const [secret, port, events, folder] = process.argv.slice(2);
const { Webhook } = createRequire(folder + "/")("standardwebhooks");
const webhook = new Webhook(secret);
const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
        try {
            const message = webhook.verify(Buffer.concat(pieces), request.headers);
            say({ command: message.data, type: message.type });
            response.writeHead(204).end();
        } catch (error) {
            say({ refused: String(error) });
            response.writeHead(401).end();
        }
    });
}).listen(Number(port), "127.0.0.1", () => say({ listening: true }));

let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
    const { data, spoil, again, late } = JSON.parse(line);
    number += again ? 0 : 1;
    const id = `msg_${number}`;
    const timestamp = new Date(Date.now() - (late ? 600_000 : 0));
    const body = JSON.stringify({ type: "presence.changed", timestamp: timestamp.toISOString(), data });
    const headers = {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(timestamp.getTime() / 1000)),
        "webhook-signature": webhook.sign(id, timestamp, body),
    };
    const answer = await fetch(events, { method: "POST", headers, body: spoil ? body.replace("Away", "Free") : body });
    say({ answered: answer.status });
}
