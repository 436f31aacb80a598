/* @binance/connector: the classic library, spot. */
'use strict';

const { Spot } = require('@binance/connector');
const h = require('./harness');

const quiet = { error() {}, info() {}, debug() {}, log() {}, warn() {} };

function client(apiKey, apiSecret) {
	const made = h.pointed('`@binance/connector`', { Spot, apiKey, apiSecret });
	made.logger = quiet;
	return made;
}

const good = client(h.key, h.secret);
const strange = client(h.strange, h.secret);
const malformed = client(h.malformed, h.secret);
const forged = client(h.key, 'somebody else');

const seen = async (reply) => {
	const { status, data, headers } = await reply;
	return { status, data, type: headers['content-type'] };
};
const limit = (price, id) => ({ price, quantity: 0.01, timeInForce: 'GTC', newClientOrderId: id });

h.run([
	['ping', () => seen(good.ping())],
	['time', () => seen(good.time())],
	['exchange info', () => seen(good.exchangeInfo())],
	['exchange info of one', () => seen(good.exchangeInfo({ symbol: 'BTCUSDT' }))],
	['depth', () => seen(good.depth('BTCUSDT', { limit: 20 }))],
	['historical trades', () => seen(good.historicalTrades('BTCUSDT', { limit: 10, fromId: 7000000000 }))],
	['aggregate trades', () => seen(good.aggTrades('BTCUSDT', { limit: 10, startTime: h.PAST }))],
	['klines', () => seen(good.klines('BTCUSDT', '1m', { startTime: h.PAST, limit: 50 }))],
	['average price', () => seen(good.avgPrice('BTCUSDT'))],
	['ticker price', () => seen(good.tickerPrice('BTCUSDT'))],
	['ticker prices', () => seen(good.tickerPrice('', ['BTCUSDT', 'ETHUSDT']))],
	['book ticker', () => seen(good.bookTicker('ETHUSDT'))],
	['day ticker', () => seen(good.ticker24hr('BTCUSDT'))],
	['account', () => seen(good.account())],
	['test an order', () => seen(good.newOrderTest('BTCUSDT', 'BUY', 'LIMIT', limit(80000, 'c0')))],
	['place a limit', () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', limit(80000, 'c1')))],
	['place a market', () => seen(good.newOrder('BTCUSDT', 'BUY', 'MARKET', { quantity: 0.02, newClientOrderId: 'c2' }))],
	['query', () => seen(good.getOrder('BTCUSDT', { origClientOrderId: 'c1' }))],
	['open orders', () => seen(good.openOrders({ symbol: 'BTCUSDT' }))],
	['cancel and replace', () => seen(good.cancelAndReplace('BTCUSDT', 'BUY', 'LIMIT', 'STOP_ON_FAILURE', { ...limit(81000, 'c3'), cancelOrigClientOrderId: 'c1' }))],
	['cancel', () => seen(good.cancelOrder('BTCUSDT', { origClientOrderId: 'c3' }))],
	['place one more', () => seen(good.newOrder('BTCUSDT', 'SELL', 'LIMIT', limit(99000, 'c4')))],
	['cancel all', () => seen(good.cancelOpenOrders('BTCUSDT'))],
	['all orders', () => seen(good.allOrders('BTCUSDT'))],
	['my trades', () => seen(good.myTrades('BTCUSDT'))],
	['order count', () => seen(good.orderCount())],
	['error: symbol', () => seen(good.depth('NOPEUSDT'))],
	['error: symbol of an order', () => seen(good.newOrder('NOPEUSDT', 'BUY', 'LIMIT', limit(1, 'c5')))],
	['error: query unknown', () => seen(good.getOrder('BTCUSDT', { orderId: 999999999 }))],
	['error: cancel unknown', () => seen(good.cancelOrder('BTCUSDT', { orderId: 999999999 }))],
	['error: cancel all of none', () => seen(good.cancelOpenOrders('BTCUSDT'))],
	['error: replace unknown', () => seen(good.cancelAndReplace('BTCUSDT', 'BUY', 'LIMIT', 'STOP_ON_FAILURE', { ...limit(81000, 'c6'), cancelOrderId: 999999999 }))],
	['error: funds', () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', { ...limit(90000, 'c7'), quantity: 9000 }))],
	['error: filter of price', () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', limit(80000.001, 'c8')))],
	['error: filter of notional', () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', { ...limit(100, 'c9'), quantity: 0.001 }))],
	['error: precision', () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', { ...limit(80000, 'c10'), quantity: '0.0123456789' }))],
	['error: missing', () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', { quantity: 1 }))],
	['error: signature', () => seen(forged.account())],
	['error: signature of an order', () => seen(forged.newOrder('BTCUSDT', 'BUY', 'LIMIT', limit(80000, 'c11')))],
	['error: key', () => seen(strange.account())],
	['error: form of key', () => seen(malformed.account())],
	['error: too old', () => h.withClock(-60000, () => seen(good.account()))],
	['error: order too old', () => h.withClock(-60000, () => seen(good.newOrder('BTCUSDT', 'BUY', 'LIMIT', limit(80000, 'c12'))))],
	['error: too early', () => h.withClock(60000, () => seen(good.account()))],
]);
