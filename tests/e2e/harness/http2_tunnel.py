"""A tunnel by extended CONNECT (RFC 8441): one stream of an Http2, as if it were a socket."""

from .http2 import ENABLE_CONNECT_PROTOCOL, INITIAL_WINDOW_SIZE


class Http2Tunnel:
    """Asks for a WebSocket. Sends only what the windows allow; it has all of the connection's."""

    def __init__(self, client, authority, path="/chat", fields=()):
        self.client, self._taken, self._sent = client, 0, 0
        client.wait_for(lambda c: ENABLE_CONNECT_PROTOCOL in c.peer_settings)
        assert client.peer_settings[ENABLE_CONNECT_PROTOCOL] == 1
        self.stream = client.request(path, end=False, method="CONNECT", authority=authority, more=[
            (":protocol", "websocket"), ("sec-websocket-version", "13"), *fields])

    @property
    def response(self):
        return self.client.of(self.stream)

    def head(self):
        """The answer's head, once it is there."""
        self.client.wait_for(lambda _: self.response.head or self.response.reset is not None)
        return self.response.head

    def _window(self):
        updates = self.client.updates
        of_stream = self.client.peer_settings.get(INITIAL_WINDOW_SIZE, 65535) + sum(
            one.number for one in updates if one.stream == self.stream)
        of_all = 65535 + sum(one.number for one in updates if one.stream == 0)
        return min(of_stream, of_all, self._sent + 16384) - self._sent

    def sendall(self, data):
        while data:
            self.client.wait_for(lambda _: self._window() > 0)
            piece, data = data[:self._window()], data[self._window():]
            self._sent += len(piece)
            self.client.data(self.stream, piece)

    def end(self):
        """No more from this side."""
        self.client.data(self.stream, end=True)

    def recv(self, count):
        self.client.wait_for(lambda _: len(self.response.body) > self._taken or
                             self.response.ended or self.response.reset is not None)
        piece = self.response.body[self._taken:self._taken + count]
        self._taken += len(piece)
        return piece
