/* ccxt: spot. */
'use strict';

const { run, operations } = require('./ccxt_operations');
/* As a module: Node.js 18 cannot require() what ccxt is built on. */
import('ccxt').then(({ binance }) => run(operations(binance, {
	symbol: 'BTC/USDT',
	implicit: 'publicGetDepth',
	account: 'privateGetAccount',
	place: 'privatePostOrder',
	more: (good) => [
		['create by cost', () => good.createMarketBuyOrderWithCost('BTC/USDT', 1000, { newClientOrderId: 'x20' })],
		['trading fees', () => good.fetchTradingFees()],
		['currencies', () => good.fetchCurrencies()],
		['last prices', () => good.fetchLastPrices(['BTC/USDT', 'ETH/USDT'])],
	],
})));
