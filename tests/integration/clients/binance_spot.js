/* @binance/spot: the library of today, spot. */
'use strict';

const { Spot } = require('@binance/spot');
const h = require('./harness');

const client = (apiKey, apiSecret) =>
	h.pointed('`@binance/spot`', { Spot, apiKey, apiSecret }).restAPI;

const good = client(h.key, h.secret);
const strange = client(h.strange, h.secret);
const malformed = client(h.malformed, h.secret);
const forged = client(h.key, 'somebody else');

const seen = async (call) => {
	const reply = await call;
	return { status: reply.status, data: await reply.data(),
		/* What is used differs: weir asks for the time and the limits, too. */
		limits: reply.rateLimits.map((l) => `${l.rateLimitType} ${l.intervalNum} ${l.interval}`) };
};
const limit = (price, id, more) => ({ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', price, quantity: 0.01,
	timeInForce: 'GTC', newClientOrderId: id, ...more });
let amended;

h.run([
	['ping', () => seen(good.ping())],
	['time', () => seen(good.time())],
	['exchange info', () => seen(good.exchangeInfo())],
	['depth', () => seen(good.depth({ symbol: 'BTCUSDT', limit: 100 }))],
	['historical trades', () => seen(good.historicalTrades({ symbol: 'BTCUSDT', limit: 10, fromId: 7000000000 }))],
	['aggregate trades', () => seen(good.aggTrades({ symbol: 'BTCUSDT', limit: 10, startTime: h.PAST }))],
	['klines', () => seen(good.klines({ symbol: 'BTCUSDT', interval: '1m', startTime: h.PAST, limit: 1000 }))],
	['ui klines', () => seen(good.uiKlines({ symbol: 'BTCUSDT', interval: '1h', startTime: h.PAST, limit: 5 }))],
	['average price', () => seen(good.avgPrice({ symbol: 'BTCUSDT' }))],
	['ticker price', () => seen(good.tickerPrice({ symbol: 'BTCUSDT' }))],
	['ticker prices', () => seen(good.tickerPrice({ symbols: ['BTCUSDT', 'ETHUSDT'] }))],
	['book ticker', () => seen(good.tickerBookTicker({ symbol: 'ETHUSDT' }))],
	['day ticker', () => seen(good.ticker24hr({ symbol: 'BTCUSDT' }))],
	['account', () => seen(good.getAccount({ omitZeroBalances: true }))],
	['commission', () => seen(good.accountCommission({ symbol: 'BTCUSDT' }))],
	['test an order', () => seen(good.orderTest(limit(80000, 's0')))],
	['place a limit', () => seen(good.newOrder(limit(80000, 's1')))],
	['place a market', () => seen(good.newOrder({ symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: 0.02, newClientOrderId: 's2' }))],
	['query', () => seen(good.getOrder({ symbol: 'BTCUSDT', origClientOrderId: 's1' }))],
	['open orders', () => seen(good.getOpenOrders({ symbol: 'BTCUSDT' }))],
	['cancel and replace', () => seen(good.orderCancelReplace(limit(81000, 's3', { cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrigClientOrderId: 's1' })))],
	['amend', async () => {
		const reply = await seen(good.orderAmendKeepPriority({ symbol: 'BTCUSDT', origClientOrderId: 's3', newQty: 0.005, newClientOrderId: 's3a' }));
		amended = reply.data.amendedOrder.orderId;
		return reply;
	}],
	['error: amend to more', () => seen(good.orderAmendKeepPriority({ symbol: 'BTCUSDT', orderId: amended, newQty: 0.5 }))],
	['amendments', () => seen(good.orderAmendments({ symbol: 'BTCUSDT', orderId: amended }))],
	['cancel', () => seen(good.deleteOrder({ symbol: 'BTCUSDT', origClientOrderId: 's3a' }))],
	['place a pair', () => seen(good.orderListOco({ symbol: 'BTCUSDT', side: 'SELL', quantity: 0.01, listClientOrderId: 's4', aboveType: 'LIMIT_MAKER', abovePrice: 99000, aboveClientOrderId: 's5', belowType: 'STOP_LOSS', belowStopPrice: 70000, belowClientOrderId: 's6' }))],
	['query the pair', () => seen(good.getOrderList({ origClientOrderId: 's4' }))],
	['open pairs', () => seen(good.openOrderList())],
	['cancel the pair', () => seen(good.deleteOrderList({ symbol: 'BTCUSDT', listClientOrderId: 's4' }))],
	['place one more', () => seen(good.newOrder(limit(80500, 's7')))],
	['cancel all', () => seen(good.deleteOpenOrders({ symbol: 'BTCUSDT' }))],
	['all orders', () => seen(good.allOrders({ symbol: 'BTCUSDT' }))],
	['my trades', () => seen(good.myTrades({ symbol: 'BTCUSDT' }))],
	['order limits', () => seen(good.rateLimitOrder())],
	['error: symbol', () => seen(good.depth({ symbol: 'NOPEUSDT' }))],
	['error: symbol of an order', () => seen(good.newOrder(limit(1, 's8', { symbol: 'NOPEUSDT' })))],
	['error: query unknown', () => seen(good.getOrder({ symbol: 'BTCUSDT', orderId: 999999999 }))],
	['error: cancel unknown', () => seen(good.deleteOrder({ symbol: 'BTCUSDT', orderId: 999999999 }))],
	['error: cancel all of none', () => seen(good.deleteOpenOrders({ symbol: 'BTCUSDT' }))],
	['error: amend unknown', () => seen(good.orderAmendKeepPriority({ symbol: 'BTCUSDT', orderId: 999999999, newQty: 0.005 }))],
	['error: funds', () => seen(good.newOrder(limit(90000, 's9', { quantity: 9000 })))],
	['error: filter of price', () => seen(good.newOrder(limit(80000.001, 's10')))],
	['error: filter of notional', () => seen(good.newOrder(limit(100, 's11', { quantity: 0.001 })))],
	['error: interval', () => seen(good.klines({ symbol: 'BTCUSDT', interval: '7m' }))],
	['error: signature', () => seen(forged.getAccount())],
	['error: signature of an order', () => seen(forged.newOrder(limit(80000, 's12')))],
	['error: key', () => seen(strange.getAccount())],
	['error: form of key', () => seen(malformed.getAccount())],
	['error: too old', () => h.withClock(-60000, () => seen(good.getAccount()))],
	['error: order too old', () => h.withClock(-60000, () => seen(good.newOrder(limit(80000, 's13'))))],
	['error: too early', () => h.withClock(60000, () => seen(good.getAccount()))],
]);
