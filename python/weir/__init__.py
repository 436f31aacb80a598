"""One Binance rate-limit budget for every program of a desk.

    from weir import create_binance_wrapper

    wrapper = create_binance_wrapper()
    account = await wrapper.call_async(client.futures_account, _weight=5)

All processes whose limiters name the same region share one budget; get_rate_limiter() is the
limiter of the machine. Nothing here opens a socket or starts a thread by itself.
"""
from ._errors import RATE_LIMIT_ERROR_CODES, BinanceAPIError, _get_error_code
from ._limiter import GlobalRateLimiter, get_rate_limiter, reset_rate_limiter
from ._wrapper import BinanceClientWrapper, create_binance_wrapper, reset_binance_wrapper

# libweir must have the same; _native compares.
__version__ = "0.1.0"

__all__ = [
    "RATE_LIMIT_ERROR_CODES",
    "BinanceAPIError",
    "BinanceClientWrapper",
    "GlobalRateLimiter",
    "_get_error_code",
    "create_binance_wrapper",
    "get_rate_limiter",
    "reset_binance_wrapper",
    "reset_rate_limiter",
]
