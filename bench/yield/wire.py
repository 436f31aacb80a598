"""HTTP/1.1 over one kept connection, for asyncio: only what the simulated exchange and weir speak,
and so cheap that the bench measures the limiter and not its own client."""
import asyncio


class Connection:
    def __init__(self, host, port):
        self.host, self.port = host, port
        self.reader = self.writer = None

    async def ask(self, method, target, headers):
        """Returns status, headers (names in lower case) and body. OSError: no answer."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=1 << 22)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "POST":
            lines.append("Content-Length: 0")
        try:
            self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            return await self._reply()
        except asyncio.IncompleteReadError:
            self.close()
            raise ConnectionResetError("the connection ended before the answer did") from None
        except BaseException:
            self.close()
            raise

    async def _reply(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {}
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if "chunked" in fields.get("transfer-encoding", ""):
            body = await self._chunks()
        else:
            body = await self.reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection", "").lower() == "close":
            self.close()
        return int(head[0].split(" ", 2)[1]), fields, body

    async def _chunks(self):
        body = b""
        while True:
            n = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            body += (await self.reader.readexactly(n + 2))[:-2]
            if n == 0:
                return body

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.reader = self.writer = None
