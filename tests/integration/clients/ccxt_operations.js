/* What is asked of ccxt on every market. */
'use strict';

const h = require('./harness');

function client(Exchange, apiKey, secret) {
	const ex = new Exchange({ apiKey, secret });
	h.point('ccxt (JavaScript)', { ex });
	return ex;
}

/* @market: symbol; names of the methods for depth, account and orders; a list of more. */
function operations(Exchange, market) {
	const good = client(Exchange, h.key, h.secret);
	const strange = client(Exchange, h.strange, h.secret);
	const malformed = client(Exchange, h.malformed, h.secret);
	const forged = client(Exchange, h.key, 'somebody else');
	const s = market.symbol;
	const ids = {};
	const raw = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.01', price: '80000' };
	const keep = async (name, order) => {
		ids[name] = (await order).id;
		return order;
	};

	/* ccxt knows of clocks that are wrong. */
	const withClock = async (ms, fn) => {
		good.options.timeDifference = -ms;
		try {
			return await fn();
		} finally {
			good.options.timeDifference = 0;
		}
	};
	const late = (fn) => withClock(-60000, fn);
	const early = (fn) => withClock(60000, fn);

	return [
		['urls', () => JSON.parse(JSON.stringify(good.urls.api).replaceAll(process.env.BASE, ''))],
		['load markets', () => good.loadMarkets()],
		['time', async () => ({ time: await good.fetchTime() })],
		['depth', () => good.fetchOrderBook(s, 20)],
		['klines', () => good.fetchOHLCV(s, '1m', h.PAST, 100)],
		['trades', () => good.fetchTrades(s, h.PAST, 10)],
		['ticker', () => good.fetchTicker(s)],
		['tickers', () => good.fetchTickers([s])],
		['bids and asks', () => good.fetchBidsAsks([s])],
		['balance', () => good.fetchBalance()],
		['create a limit', () => keep('a', good.createOrder(s, 'limit', 'buy', 0.01, 80000, { newClientOrderId: 'x1' }))],
		['create a market', () => keep('b', good.createOrder(s, 'market', 'buy', 0.02, undefined, { newClientOrderId: 'x2' }))],
		['fetch it', () => good.fetchOrder(ids.a, s)],
		['open orders', () => good.fetchOpenOrders(s)],
		['edit', () => keep('a', good.editOrder(ids.a, s, 'limit', 'buy', 0.02, 81000, { newClientOrderId: 'x3' }))],
		['cancel', () => good.cancelOrder(ids.a, s)],
		['create one more', () => good.createOrder(s, 'limit', 'buy', 0.01, 80000, { newClientOrderId: 'x4' })],
		['cancel all', () => good.cancelAllOrders(s)],
		['orders', () => good.fetchOrders(s)],
		['closed orders', () => good.fetchClosedOrders(s)],
		['my trades', () => good.fetchMyTrades(s)],
		...market.more(good),
		['error: symbol', () => good[market.implicit]({ symbol: 'NOPEUSDT' })],
		['error: symbol of an order', () => good[market.place]({ ...raw, symbol: 'NOPEUSDT' })],
		['error: fetch unknown', () => good.fetchOrder('999999999', s)],
		['error: cancel unknown', () => good.cancelOrder('999999999', s)],
		['error: funds', () => good.createOrder(s, 'limit', 'buy', 9000, 90000, { newClientOrderId: 'x5' })],
		['error: filter', () => good[market.place]({ ...raw, price: '80000.001', newClientOrderId: 'x6' })],
		['error: notional', () => good.createOrder(s, 'limit', 'buy', 0.001, 100, { newClientOrderId: 'x7' })],
		['error: side', () => good[market.place]({ ...raw, side: 'HOLD' })],
		['error: signature', () => forged[market.account]()],
		['error: signature of an order', () => forged[market.place]({ ...raw, newClientOrderId: 'x8' })],
		['error: key', () => strange[market.account]()],
		['error: form of key', () => malformed[market.account]()],
		['error: too old', () => late(() => good[market.account]())],
		['error: order too old', () => late(() => good[market.place]({ ...raw, newClientOrderId: 'x9' }))],
		['error: too early', () => early(() => good[market.account]())],
	];
}

module.exports = { run: h.run, operations };
