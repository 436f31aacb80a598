"""libweir in an asyncio program: reserve, wait, send, settle. The functions of section 3 of weir.h
that the package does not need itself, declared as it declares the others."""
import asyncio
import ctypes
import time

from weir import _native

GO, WAIT, NEVER, LATE, SHUT, CROWDED, LOST = range(7)
GROUP_API = 0
NO_DEADLINE = 2**64 - 1

_request = ctypes.POINTER(_native.Request)
_limiter = ctypes.c_void_p
_ticket = ctypes.c_void_p
_quick = _native._quick


def _declare(name, result, *arguments):
    return _native._declare(_quick, name, result, *arguments)


reserve = _declare("weir_reserve", ctypes.c_int, _limiter, _request, ctypes.c_uint64, _ticket)
confirm = _declare("weir_confirm", ctypes.c_int, _limiter, _ticket)
at_ms = _declare("weir_ticket_at_ms", ctypes.c_uint64, _ticket)
may_leave = _declare("weir_may_leave", ctypes.c_bool, _limiter, _ticket)
refund = _declare("weir_refund", None, _limiter, _ticket)
abandon = _declare("weir_abandon", None, _limiter, _ticket)
settle = _declare("weir_settle", None, _limiter, _request, _ticket, ctypes.POINTER(_native.Reply),
                  ctypes.c_void_p)


class Library:
    def __init__(self, region):
        options = _native.Options(ctypes.sizeof(_native.Options), region.encode(), 0, 0, GROUP_API, 0)
        self.limiter = _native.open_limiter(options)
        self.requests = {}

    def request(self, method, path, query, key, request_class=None):
        """Found once and kept, as a program in a hurry does."""
        kind = (method, path, query, key)
        if kind not in self.requests:
            request = _native.Request()
            result = _native.request_find(method.encode(), path.encode(), query.encode() or None, None,
                                          key.encode() if key else None, ctypes.byref(request))
            if result != 0:
                raise SystemExit(f"weir: bench/yield: weir_request_find({method} {path}): {result}")
            if request_class is not None:
                request.request_class = _native.CLASSES.index(request_class)
            self.requests[kind] = request
        return self.requests[kind]

    async def _sleep_until(self, when_ms):
        """Asked again at least once a second: a stop may end earlier than was said."""
        wait_ms = when_ms - _native.now_ms(self.limiter, GROUP_API)
        await asyncio.sleep(min(max(wait_ms, 1), 1000) / 1000)

    async def place(self, request):
        """Returns a ticket that may go."""
        ticket = _native.Ticket()
        answer = reserve(self.limiter, request, NO_DEADLINE, ticket)
        try:
            while answer != GO:
                if answer < 0 or answer in (NEVER, LATE):
                    raise SystemExit(f"weir: bench/yield: weir_reserve() is {answer}")
                if answer != LOST:
                    await self._sleep_until(at_ms(ticket))
                if answer == WAIT:
                    answer = confirm(self.limiter, ticket)
                else:
                    answer = reserve(self.limiter, request, NO_DEADLINE, ticket)
        except BaseException:
            refund(self.limiter, ticket)
            raise
        return ticket

    async def send(self, request, ask):
        """A place, then ask(), whose answer settles the books."""
        ticket = await self.place(request)
        try:
            status, fields, body = await ask()
        except BaseException:
            abandon(self.limiter, ticket)
            raise
        headers = (_native.Header * len(fields))(
            *[_native.Header(name.encode(), value.encode()) for name, value in fields.items()])
        reply = _native.Reply(status, body, len(body), headers, len(fields))
        settle(self.limiter, request, ticket, ctypes.byref(reply), None)
        return status, fields, body

    def learn_time(self, server_ms, sent_us):
        clock_sample(self.limiter, GROUP_API, server_ms, sent_us, int(time.monotonic() * 1e6))


clock_sample = _declare("weir_clock_sample", None, _limiter, ctypes.c_int, ctypes.c_uint64,
                        ctypes.c_uint64, ctypes.c_uint64)
