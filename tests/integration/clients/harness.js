/*
 * Runs a list of named operations one after the other and prints what the client library says of
 * each, a JSON line per operation: {"op":..,"result":..} or {"op":..,"error":..}.
 *
 * Environment: BASE (where the client is pointed), KEY and SECRET. The way a client is pointed
 * there is the line of the README's table, read from it and run as it stands.
 */
'use strict';

const fs = require('fs');
const path = require('path');

const readme = path.join(__dirname, '..', '..', '..', 'README.md');

/* The code in the second column of the row that begins with @client. */
function line(client) {
	const row = fs.readFileSync(readme, 'utf8').split('\n')
		.find((text) => text.startsWith(`| ${client} |`));
	if (!row || !row.includes('http://127.0.0.1:8900'))
		throw new Error(`README.md has no line for ${client}`);
	return row.split(' | ')[1].replace(/^`|` \|$/g, '')
		.replaceAll('http://127.0.0.1:8900', process.env.BASE);
}

/* What the line of @client yields, with @names in scope. */
function pointed(client, names) {
	return new Function(...Object.keys(names), `return (${line(client)})`)(...Object.values(names));
}

/* Likewise, where the line is a statement. */
function point(client, names) {
	new Function(...Object.keys(names), line(client))(...Object.values(names));
}

function describe(e) {
	const seen = { name: e.name, message: e.message };
	if (e.code !== undefined)
		seen.code = e.code;
	if (e.response) {
		seen.status = e.response.status;
		seen.data = e.response.data;
	}
	return seen;
}

/* Runs @fn as on a machine whose clock is wrong by @ms. */
async function withClock(ms, fn) {
	const now = Date.now;
	Date.now = () => now() + ms;
	try {
		return await fn();
	} finally {
		Date.now = now;
	}
}

async function run(operations) {
	for (const [op, fn] of operations) {
		let outcome;
		try {
			outcome = { op, result: await fn() };
		} catch (e) {
			outcome = { op, error: describe(e) };
		}
		const text = JSON.stringify(outcome, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
		await new Promise((written) => process.stdout.write(text + '\n', written));
	}
	process.exit(0);
}

const key = process.env.KEY;
const secret = process.env.SECRET;
/* Of the right form, but nobody's; and of no form at all. */
const strange = 'x'.repeat(64);
const malformed = 'not a key!';

/* A past that is the same in every run. */
const PAST = 1750000020000;
const MINUTE = 60000;

module.exports = { pointed, point, line, withClock, run, key, secret, strange, malformed, PAST, MINUTE };
