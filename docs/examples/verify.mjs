// Verifies a Postrider webhook with Node's own modules.
//
//   node verify.mjs <scheme> <secret> <header-value> [id timestamp] < body
//
// Exit status: 0 genuine, 1 not genuine, 2 wrong usage.
// In every function body is a Buffer of the bytes as received: with express,
// express.raw({ type: "application/json" }) and not express.json().
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const TOLERANCE_SECONDS = 5 * 60;

// signature: the value of X-Sequr-Signature.
export function verifySequr(secret, signature, body) {
  return equal(signature, "sha1=" + createHmac("sha1", secret).update(body).digest("hex"));
}

// signature: the value of X-GenLogs-Signature, with or without sha512=.
export function verifyGenLogs(secret, signature, body) {
  return equal(signature.replace(/^sha512=/, ""), createHmac("sha512", secret).update(body).digest("hex"));
}

// signatures: the value of webhook-signature, which may hold several;
// id and timestamp: the values of webhook-id and webhook-timestamp.
export function verifyStandard(secret, signatures, id, timestamp, body) {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  const want = "v1," + createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return signatures.split(" ").some((signature) => equal(signature, want));
}

function equal(a, b) {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function main([scheme, ...rest]) {
  const schemes = { sequr: [verifySequr, 2], genlogs: [verifyGenLogs, 2], standard: [verifyStandard, 4] };
  const [verify, count] = schemes[scheme] ?? [];
  if (!verify || rest.length !== count) {
    console.error("usage: verify sequr|genlogs|standard <secret> <header-value> [id timestamp] < body");
    return 2;
  }
  const genuine = verify(...rest, readFileSync(0));
  console.log(genuine ? "genuine" : "not genuine");
  return genuine ? 0 : 1;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
