/*
 * What the page is tried on: the simulated exchange, a gateway, and programs that trade through it. All
 * on an address of loopback that is this process's own, so that a port which was left for a moment (the kernel
 * chose it, a gateway is started anew) is taken by nobody else; in a folder of their own. $WEIR is the program,
 * else build/weir.
 */
import { spawn } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const weir = process.env.WEIR || path.join(root, "build/weir");

/* No port of 127.0.0.1, where everybody's are. */
export const HOST = `127.${64 + (process.pid >> 16 & 127)}.${process.pid >> 8 & 255}.${process.pid & 255}`;

/* An account that the simulated exchange always has. */
export const ALICE = { key: "SimKeyAlice7mQ2xVtR9pLw4ZcYh8Nf3KsJ6bGd1uEoXa5TqMvWnPrHyBkCiLzUg",
                       secret: "SimSecretAlice4Rk8WzT2yQm6NvPb9XcJf1HsLd7GtUa3EoKiVxYn5MqBwZpRhC" };

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * eventually() - waits for what another process is about to do
 * @what:    in words, or what says it when it did not happen
 * @seconds: far more than it takes, for what is waited for is no matter of how fast a machine is
 *
 * Return: what @condition did, once it is something.
 */
export async function eventually(condition, what = "it", seconds = 60) {
        const until = Date.now() + seconds * 1000;

        for (;;) {
                const found = await condition();

                if (found)
                        return found;
                if (Date.now() > until)
                        throw new Error(`${typeof what === "function" ? what() : what} did not happen within ${seconds} s`);
                await sleep(30);
        }
}

/* What ends with this process, however it ends. */
const children = new Set();

process.on("exit", () => {
        for (const child of children)
                child.kill("SIGKILL");
});

class Program {
        constructor(command, args) {
                this.lines = [];
                this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
                children.add(this.child);
                /* A test that fails in the middle must not hold this process up. */
                for (const held of [this.child, this.child.stdout, this.child.stderr])
                        held.unref();
                this.ended = new Promise((resolve) => this.child.on("exit", () => {
                        children.delete(this.child);
                        resolve();
                }));
                for (const stream of [this.child.stdout, this.child.stderr]) {
                        stream.setEncoding("utf8");
                        stream.on("data", (text) => this.lines.push(...text.split("\n").filter(Boolean)));
                }
        }

        async listening() {
                const line = await eventually(() => {
                        if (this.child.exitCode !== null)
                                throw new Error(`it does not run: ${this.lines.join("\n")}`);
                        return this.lines.find((one) => /listening on/.test(one));
                }, `listening (${this.lines.join("\n")})`);

                this.port = Number(line.match(/:(\d+)\s*$|:(\d+)[^\d.]/).slice(1).find(Boolean));
                return this;
        }

        get url() {
                return `http://${HOST}:${this.port}`;
        }

        /* As a power cut would. */
        async kill() {
                this.child.ref();
                this.child.kill("SIGKILL");
                await this.ended;
        }

        freeze(is_frozen) {
                this.child.kill(is_frozen ? "SIGSTOP" : "SIGCONT");
        }

        async stop() {
                this.child.ref();
                this.child.kill("SIGTERM");
                await this.ended;
        }
}

export function ask(port, target, { method = "GET", headers = {}, body, agent, timeout_ms = 300000 } = {}) {
        return new Promise((resolve) => {
                const request = http.request({ host: HOST, port, path: target, method, headers, agent, timeout: timeout_ms },
                                             (response) => {
                        const parts = [];

                        response.on("data", (part) => parts.push(part));
                        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers,
                                                           text: Buffer.concat(parts).toString() }));
                        response.on("error", () => resolve({ status: 0, headers: {}, text: "" }));
                });

                request.on("timeout", () => request.destroy());
                request.on("error", () => resolve({ status: 0, headers: {}, text: "" }));
                request.end(body);
        });
}

class Sim extends Program {
        async admin(target, body) {
                const reply = await ask(this.port, target, { method: body === undefined ? "GET" : "POST", body });

                if (reply.status !== 200)
                        throw new Error(`${target}: ${reply.status} ${reply.text}`);
                return reply.text ? JSON.parse(reply.text) : null;
        }

        /* The books of one pool, as counted for this machine. */
        async pool(name) {
                return (await this.admin("/sim/books")).books.find((book) => book.pool === name && book.windows);
        }
}

class Gateway extends Program {
        async json(target) {
                return JSON.parse((await ask(this.port, target)).text);
        }
}

function free_port() {
        return new Promise((resolve) => {
                const server = net.createServer().listen(0, HOST, () => {
                        const { port } = server.address();

                        server.close(() => resolve(port));
                });
        });
}

/* A store in memory, that can be killed and started again at its port. */
export class Store {
        async start() {
                this.port ||= await free_port();
                this.program = new Program("redis-server", ["--port", String(this.port), "--bind", HOST, "--save", "",
                                                            "--appendonly", "no", "--dir", os.tmpdir()]);
                await eventually(() => new Promise((resolve) => {
                        const socket = net.connect(this.port, HOST, () => socket.end("PING\r\n"));

                        socket.on("data", (data) => resolve(data.toString().startsWith("+PONG")));
                        socket.on("error", () => resolve(false));
                }), "the store");
        }

        kill() {
                return this.program.kill();
        }

        get url() {
                return `redis://${HOST}:${this.port}`;
        }
}

/* One exchange, one gateway, and who trades. */
export class Stage {
        constructor() {
                this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "weir-page-"));
                this.agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
                this.traders = [];
        }

        /* A file that only its owner reads, with one line. */
        secret(name, line) {
                const file = path.join(this.folder, name);

                fs.writeFileSync(file, `${line}\n`, { mode: 0o600 });
                return file;
        }

        async open({ sim = [], gateway = [], config = "", port } = {}) {
                this.sim_args = sim;
                await this.start_sim(0);
                this.port = port || await free_port();
                this.args = gateway;
                this.config = path.join(this.folder, "weir.yaml");
                fs.writeFileSync(this.config, config);
                await this.start();
                return this;
        }

        async start_sim(at) {
                this.sim = await new Sim(weir, ["sim", "--listen", `${HOST}:${at}`, ...this.sim_args]).listening();
        }

        /* The same gateway anew, at the same port. */
        async start(...more) {
                this.gateway = await new Gateway(weir, ["gateway", "--config", this.config, "--listen", `${HOST}:${this.port}`,
                                                        "--upstream", this.sim.url, "--region", path.join(this.folder, "region"),
                                                        ...this.args, ...more]).listening();
                return this.gateway;
        }

        get url() {
                return `http://${HOST}:${this.port}`;
        }

        send(client, method, target, headers = {}) {
                return ask(this.port, target, { method, agent: this.agent,
                                                headers: { "X-Weir-Client": client, ...headers } });
        }

        signed(client, method, target, params = "") {
                const query = `${params}${params ? "&" : ""}recvWindow=5000&timestamp=${Date.now()}`;
                const signature = crypto.createHmac("sha256", ALICE.secret).update(query).digest("hex");

                return this.send(client, method, `${target}?${query}&signature=${signature}`, { "X-MBX-APIKEY": ALICE.key });
        }

        /* Asks every so often, whether it was answered or not, until the stage is closed or still. */
        every(ms, fn) {
                this.traders.push(setInterval(fn, ms));
        }

        /* A desk: orders, looks at prices, backfills. */
        trade() {
                this.every(90, () => this.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT&limit=100"));
                this.every(60, () => this.send("backfill", "GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m",
                                               { "X-Weir-Class": "backfill" }));
                this.every(200, () => this.send("hedger", "GET", "/fapi/v1/depth?symbol=ETHUSDT"));
                this.every(500, () => this.signed("risk", "GET", "/api/v3/account"));
                this.every(400, () => this.signed("maker-eth", "POST", "/fapi/v1/order",
                                                  "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000"));
        }

        still() {
                for (const trader of this.traders)
                        clearInterval(trader);
                this.traders = [];
        }

        async close() {
                this.still();
                this.agent.destroy();
                for (const program of [this.gateway, this.sim])
                        if (program)
                                await program.kill();
                fs.rmSync(this.folder, { recursive: true, force: true });
        }
}
