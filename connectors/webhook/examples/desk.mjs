// A desk in one file that answers `echo: …`. Node 18 or newer, no packages.
//
//     SECRET=whsec_… BRIDGE=https://bridge.example.com/hooks/ours PORT=8000 node desk.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.SECRET.replace("whsec_", ""), "base64");
const seen = new Set(); // keep it in your database, in one transaction with the ticket
let answers = Promise.resolve(); // one after the other

const signature = (id, moment, body) =>
  "v1," + createHmac("sha256", key).update(`${id}.${moment}.`).update(body).digest("base64");

const equal = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

// Again and again under one id: whatever the bridge takes twice it keeps once.
async function post(message) {
  const body = JSON.stringify(message);
  for (;;) {
    const moment = String(Math.floor(Date.now() / 1000));
    const headers = {
      "content-type": "application/json",
      "webhook-id": message.id,
      "webhook-timestamp": moment,
      "webhook-signature": signature(message.id, moment, body),
    };
    const answer = await fetch(process.env.BRIDGE, { method: "POST", body, headers }).catch(() => null);
    if (answer?.ok) return;
    if (answer && answer.status < 500) return console.error(answer.status, await answer.text()); // never will be
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const id = request.headers["webhook-id"] ?? "";
  const moment = request.headers["webhook-timestamp"] ?? "";
  const fresh = Math.abs(Date.now() / 1000 - Number(moment)) < 300;
  if (!fresh || !equal(request.headers["webhook-signature"] ?? "", signature(id, moment, body)))
    return response.writeHead(401).end();
  if (!seen.has(id)) {
    seen.add(id);
    const told = JSON.parse(body);
    console.log(JSON.stringify(told)); // told.ticket, told.text, told.files …
    if (told.type === "message" && told.from === "customer") {
      const answer = { type: "answer", ticket: told.ticket, id: `re-${id}`, text: `echo: ${told.text}` };
      answers = answers.then(() => post(answer));
    }
  }
  response.writeHead(204).end();
}).listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
