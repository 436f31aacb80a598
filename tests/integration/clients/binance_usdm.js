/* @binance/derivatives-trading-usds-futures: USD-M futures. */
'use strict';

const { DerivativesTradingUsdsFutures } = require('@binance/derivatives-trading-usds-futures');
const h = require('./harness');

const client = (apiKey, apiSecret) =>
	h.pointed('`@binance/derivatives-trading-usds-futures`',
		{ DerivativesTradingUsdsFutures, apiKey, apiSecret }).restAPI;

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
const symbol = 'BTCUSDT';
const limit = (price, id, more) => ({ symbol, side: 'BUY', type: 'LIMIT', price, quantity: 0.01,
	timeInForce: 'GTC', newClientOrderId: id, ...more });
const change = (id, price) => ({ symbol, side: 'BUY', quantity: 0.02, price, origClientOrderId: id });

h.run([
	['ping', () => seen(good.testConnectivity())],
	['time', () => seen(good.checkServerTime())],
	['exchange info', () => seen(good.exchangeInformation())],
	['depth', () => seen(good.orderBook({ symbol, limit: 20 }))],
	['old trades', () => seen(good.oldTradesLookup({ symbol, limit: 10, fromId: 7000000000 }))],
	['aggregate trades', () => seen(good.compressedAggregateTradesList({ symbol, limit: 10, startTime: h.PAST }))],
	['klines', () => seen(good.klineCandlestickData({ symbol, interval: '1m', startTime: h.PAST, limit: 1000 }))],
	['continuous klines', () => seen(good.continuousContractKlineCandlestickData({ pair: symbol, contractType: 'PERPETUAL', interval: '1m', startTime: h.PAST, limit: 5 }))],
	['mark price', () => seen(good.markPrice({ symbol }))],
	['funding rates', () => seen(good.getFundingRateHistory({ symbol, startTime: h.PAST, endTime: h.PAST + 86400000 }))],
	['ticker price', () => seen(good.symbolPriceTicker({ symbol }))],
	['book ticker', () => seen(good.symbolOrderBookTicker({ symbol: 'ETHUSDT' }))],
	['day ticker', () => seen(good.ticker24hrPriceChangeStatistics({ symbol }))],
	['open interest', () => seen(good.openInterest({ symbol }))],
	['long short ratio', () => seen(good.longShortRatio({ symbol, period: '5m', limit: 3 }))],
	['account', () => seen(good.accountInformationV3())],
	['account, second version', () => seen(good.accountInformationV2())],
	['balance', () => seen(good.futuresAccountBalanceV3())],
	['configuration', () => seen(good.futuresAccountConfiguration())],
	['configuration of a symbol', () => seen(good.symbolConfiguration({ symbol }))],
	['commission', () => seen(good.userCommissionRate({ symbol }))],
	['brackets', () => seen(good.notionalAndLeverageBrackets({ symbol }))],
	['position mode', () => seen(good.getCurrentPositionMode())],
	['leverage', () => seen(good.changeInitialLeverage({ symbol, leverage: 10 }))],
	['margin type', () => seen(good.changeMarginType({ symbol, marginType: 'ISOLATED' }))],
	['test an order', () => seen(good.testOrder(limit(80000, 'u0')))],
	['place a limit', () => seen(good.newOrder(limit(80000, 'u1')))],
	['place a market', () => seen(good.newOrder({ symbol, side: 'BUY', type: 'MARKET', quantity: 0.02, newClientOrderId: 'u2', newOrderRespType: 'RESULT' }))],
	['query', () => seen(good.queryOrder({ symbol, origClientOrderId: 'u1' }))],
	['query open', () => seen(good.queryCurrentOpenOrder({ symbol, origClientOrderId: 'u1' }))],
	['open orders', () => seen(good.currentAllOpenOrders({ symbol }))],
	['modify', () => seen(good.modifyOrder(change('u1', 81000)))],
	['modify history', () => seen(good.getOrderModifyHistory({ symbol, origClientOrderId: 'u1' }))],
	['cancel', () => seen(good.cancelOrder({ symbol, origClientOrderId: 'u1' }))],
	['place a batch', () => seen(good.placeMultipleOrders({ batchOrders: [limit(80000, 'u3'), limit(80001, 'u4'), limit(80000.05, 'u5'), limit(80002, 'u6', { quantity: 9000 })].map((o) => ({ ...o, price: String(o.price), quantity: String(o.quantity) })) }))],
	['modify a batch', () => seen(good.modifyMultipleOrders({ batchOrders: [change('u3', '80100'), change('nobody', '80100')].map((o) => ({ ...o, quantity: '0.03' })) }))],
	['cancel a batch', () => seen(good.cancelMultipleOrders({ symbol, origClientOrderIdList: ['u3', 'nobody'] }))],
	['count down', () => seen(good.autoCancelAllOpenOrders({ symbol, countdownTime: 60000 }))],
	['cancel all', () => seen(good.cancelAllOpenOrders({ symbol }))],
	['place a condition', () => seen(good.newAlgoOrder({ algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'STOP_MARKET', quantity: 0.01, triggerPrice: 70000, clientAlgoId: 'u7' }))],
	['query the condition', () => seen(good.queryAlgoOrder({ clientAlgoId: 'u7' }))],
	['open conditions', () => seen(good.currentAllAlgoOpenOrders({ symbol }))],
	['cancel the condition', () => seen(good.cancelAlgoOrder({ clientAlgoId: 'u7' }))],
	['all orders', () => seen(good.allOrders({ symbol }))],
	['trades', () => seen(good.accountTradeList({ symbol }))],
	['positions', () => seen(good.positionInformationV3({ symbol }))],
	['positions, second version', () => seen(good.positionInformationV2({ symbol }))],
	['close the position', () => seen(good.newOrder({ symbol, side: 'SELL', type: 'MARKET', quantity: 0.02, reduceOnly: 'true', newClientOrderId: 'u8' }))],
	['income', () => seen(good.getIncomeHistory())],
	['multi assets', () => seen(good.getCurrentMultiAssetsMode())],
	['hedge mode', () => seen(good.changePositionMode({ dualSidePosition: 'true' }))],
	['hedge mode off', () => seen(good.changePositionMode({ dualSidePosition: 'false' }))],
	['order limits', () => seen(good.queryUserRateLimit())],
	['start a listen key', () => seen(good.startUserDataStream())],
	['keep it', () => seen(good.keepaliveUserDataStream())],
	['close it', () => seen(good.closeUserDataStream())],
	['error: symbol', () => seen(good.orderBook({ symbol: 'NOPEUSDT' }))],
	['error: symbol of an order', () => seen(good.newOrder(limit(1, 'u9', { symbol: 'NOPEUSDT' })))],
	['error: depth', () => seen(good.orderBook({ symbol, limit: 7 }))],
	['error: query unknown', () => seen(good.queryOrder({ symbol, orderId: 999999999 }))],
	['error: cancel unknown', () => seen(good.cancelOrder({ symbol, orderId: 999999999 }))],
	['error: modify unknown', () => seen(good.modifyOrder(change('nobody', 80000)))],
	['error: margin', () => seen(good.newOrder(limit(90000, 'u10', { quantity: 9000 })))],
	['error: precision', () => seen(good.newOrder(limit(80000.05, 'u11')))],
	['error: notional', () => seen(good.newOrder(limit(100, 'u12', { quantity: 0.001 })))],
	['error: nothing to reduce', () => seen(good.newOrder(limit(80000, 'u13', { reduceOnly: 'true' })))],
	['error: position side', () => seen(good.newOrder(limit(80000, 'u14', { positionSide: 'LONG' })))],
	['error: conditions elsewhere', () => seen(good.newOrder({ symbol, side: 'SELL', type: 'STOP_MARKET', quantity: 0.01, newClientOrderId: 'u15' }))],
	['error: leverage', () => seen(good.changeInitialLeverage({ symbol, leverage: 500 }))],
	['error: margin type', () => seen(good.changeMarginType({ symbol, marginType: 'ISOLATED' }))],
	['error: too many in a batch', () => seen(good.placeMultipleOrders({ batchOrders: [1, 2, 3, 4, 5, 6].map((n) => limit(80000 + n, `u16${n}`)) }))],
	['error: signature', () => seen(forged.accountInformationV3())],
	['error: signature of an order', () => seen(forged.newOrder(limit(80000, 'u17')))],
	['error: key', () => seen(strange.accountInformationV3())],
	['error: form of key', () => seen(malformed.accountInformationV3())],
	['error: too old', () => h.withClock(-60000, () => seen(good.accountInformationV3()))],
	['error: order too old', () => h.withClock(-60000, () => seen(good.newOrder(limit(80000, 'u18'))))],
	['error: too early', () => h.withClock(60000, () => seen(good.accountInformationV3()))],
]);
