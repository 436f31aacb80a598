/* Where ccxt goes when nobody points it elsewhere. */
'use strict';

import('ccxt').then(({ binance }) => console.log(JSON.stringify(new binance().urls.api)));
