// Publishes one event, and the same once more:
// npm install @nats-io/jetstream @nats-io/transport-node
import { connect } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";

const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222" });
const js = jetstream(nc);
const event = JSON.stringify({ door: "Main", badge: 4711 });
for (let i = 0; i < 2; i++) {
  // The acknowledgement means: on disk. On an error publish again with the same id.
  const ack = await js.publish("events.acme.access.granted", event, { msgID: "badge-4711-1", timeout: 10_000 });
  console.log(`${ack.stream} ${ack.seq} duplicate=${ack.duplicate}`);
}
await nc.drain();
