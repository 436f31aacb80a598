/* ccxt: USD-M futures. */
'use strict';

const { run, operations } = require('./ccxt_operations');
/* As a module: Node.js 18 cannot require() what ccxt is built on. */
import('ccxt').then(({ binanceusdm }) => run(operations(binanceusdm, {
	symbol: 'BTC/USDT:USDT',
	implicit: 'fapiPublicGetDepth',
	account: 'fapiPrivateV3GetAccount',
	place: 'fapiPrivatePostOrder',
	more: (good) => [
		['create several', () => good.createOrders([1, 2, 3].map((n) => ({ symbol: 'BTC/USDT:USDT', type: 'limit',
			side: 'buy', amount: n === 3 ? 9000 : 0.01, price: 80000 + n, params: { newClientOrderId: `x2${n}` } })))],
		['edit several', () => good.editOrders([{ id: null, symbol: 'BTC/USDT:USDT', type: 'limit', side: 'buy', amount: 0.02,
			price: 80100, params: { origClientOrderId: 'x21' } }])],
		['cancel several', () => good.cancelOrders([], 'BTC/USDT:USDT', { clientOrderIds: ['x21', 'nobody'] })],
		['cancel the rest', () => good.cancelAllOrders('BTC/USDT:USDT')],
		['leverage', () => good.setLeverage(10, 'BTC/USDT:USDT')],
		['leverages', () => good.fetchLeverages(['BTC/USDT:USDT'])],
		['margin mode', () => good.setMarginMode('isolated', 'ETH/USDT:USDT')],
		['positions', () => good.fetchPositions(['BTC/USDT:USDT'])],
		['position risk', () => good.fetchPositionsRisk(['BTC/USDT:USDT'])],
		['funding rate', () => good.fetchFundingRate('BTC/USDT:USDT')],
		['funding rates', () => good.fetchFundingRateHistory('BTC/USDT:USDT', 1750000020000, 3)],
		['open interest', () => good.fetchOpenInterest('BTC/USDT:USDT')],
		['open interest before', () => good.fetchOpenInterestHistory('BTC/USDT:USDT', '5m', undefined, 2)],
		['position mode', () => good.fetchPositionMode('BTC/USDT:USDT')],
		['stop', () => good.createOrder('BTC/USDT:USDT', 'market', 'sell', 0.01, undefined, { stopLossPrice: 70000, clientOrderId: 'x25' })],
		['open stops', () => good.fetchOpenOrders('BTC/USDT:USDT', undefined, undefined, { trigger: true })],
		['cancel all stops', () => good.cancelAllOrders('BTC/USDT:USDT', { trigger: true })],
		['error: leverage', () => good.fapiPrivatePostLeverage({ symbol: 'BTCUSDT', leverage: 500 })],
		['error: reduce', () => good.createOrder('ETH/USDT:USDT', 'limit', 'sell', 1, 3200, { reduceOnly: true, newClientOrderId: 'x26' })],
	],
})));
