// Verifies one delivery by the library of Standard Webhooks for JavaScript, for `webhooks.py`: reads it as JSON from
// standard input, and says what the library says; `null` is that it believes.
"use strict";

const { readFileSync } = require("node:fs");
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

const { secret, headers, body, ahead } = JSON.parse(readFileSync(0, "utf8"));
const now = Date.now;
Date.now = () => now() + ahead * 1000;
let refusal = null;
try {
  new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
} catch (error) {
  if (!(error instanceof WebhookVerificationError)) throw error;
  refusal = error.message;
}
console.log(JSON.stringify({ refusal }));
