"""Clients and upstreams that break off anywhere: nobody else is harmed, nothing is left over."""

import os
import random
import signal
import ssl
import threading

from harness.client import at_once, client_hello, connect, get, plain, reset_on_close
from harness.fronts import NAME, tls_front
from harness.servers import EchoServer, RawUpstream

ROUNDS = 60  # of each of the clients
CLIENTS = 8

GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
LENGTH = (f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 90000\r\n\r\n".encode()
          + bytes(90000))
CHUNKS = (f"POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
          + b"4000\r\n" + bytes(0x4000) + b"\r\n" + b"5\r\nhello\r\n0\r\nX: y\r\n\r\n")
EXPECT = (GET.replace(b"GET", b"PUT")[:-2]
          + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + bytes(70000)
CHUNKED = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           + (b"1000\r\n" + bytes(0x1000) + b"\r\n") * 8 + b"0\r\nX: y\r\n\r\n")
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE
ANSWERS = [WHOLE, CHUNKED, HINTS, b"HTTP/1.1 200 OK\r\n\r\nto the end", b"rubbish\r\n\r\n",
           b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"]


def moody(seed):
    """An upstream's answer: whole or cut, early or late, and perhaps the end."""
    chance = random.Random(seed)

    def answer(_, request):
        mood = chance.random()
        if mood < 0.3 and not request.endswith((b"\r\n\r\n", b"hello")):
            return None
        if mood < 0.35:
            return False
        said = chance.choice(ANSWERS)
        if mood < 0.6:
            return said[:chance.randrange(1, len(said) + 1)], False
        return said, mood < 0.8

    return answer


def break_off(port, chance, context):
    """One client: TLS or rubbish, a request or two, cut somewhere, ended somehow."""
    hello = client_hello(NAME, context)
    if chance.random() < 0.2:
        with plain(port) as raw:
            raw.sendall(hello[:chance.randrange(len(hello))])
            if chance.random() < 0.5:
                reset_on_close(raw)
        return
    with connect(port, NAME, context) as client:
        client.settimeout(0.2)
        request = b"".join(chance.choices([GET, LENGTH, CHUNKS, EXPECT], k=chance.randrange(1, 4)))
        if chance.random() < 0.6:
            request = request[:chance.randrange(len(request))]
        client.sendall(request)
        if chance.random() < 0.7:
            client.recv(chance.randrange(1, 100000))
        if chance.random() < 0.5:
            reset_on_close(client)


def open_files(gatehouse):
    return len(os.listdir(f"/proc/{gatehouse.pid}/fd"))


def test_clients_and_upstreams_that_break_off_harm_nobody_else(tmp_path):
    quick = {"handshake": "2s", "request_head": "2s", "body_idle": "2s", "upstream_response": "2s"}
    with EchoServer() as calm, RawUpstream(moody(1)) as upstream:
        routes = [{"match": {"path": "/calm"}, "proxy": calm.url}, {"proxy": upstream.url}]
        with tls_front(tmp_path, routes=routes, timeouts=quick) as gatehouse:
            context = gatehouse.trust
            assert get(gatehouse.https, NAME, "/calm", context)[0] == 200
            before = open_files(gatehouse)

            def client(number):
                chance = random.Random(number)
                for _ in range(ROUNDS):
                    try:
                        break_off(gatehouse.https, chance, context)
                    except (OSError, ssl.SSLError):
                        pass

            over = threading.Event()
            statuses = set()

            def calm_client():
                while not over.is_set():
                    statuses.add(get(gatehouse.https, NAME, "/calm", context)[0])

            calm_thread = threading.Thread(target=calm_client)
            calm_thread.start()
            at_once(CLIENTS, client)
            over.set()
            calm_thread.join()
            assert statuses == {200}
            # Kept upstream connections are few; of everything else nothing is left.
            gatehouse.wait_until(lambda: open_files(gatehouse) <= before + 2 * CLIENTS,
                                 "its connections to end")
            gatehouse.check_output()


def test_sigterm_in_the_middle_of_it_ends_well(tmp_path):
    with RawUpstream(moody(2)) as upstream:
        with tls_front(tmp_path, upstream.url, timeouts={"drain": "500ms"}) as gatehouse:
            def client(number):
                chance = random.Random(number)
                for served in range(10_000):
                    if (number, served) == (0, 20):
                        gatehouse.signal(signal.SIGTERM)
                    try:
                        break_off(gatehouse.https, chance, gatehouse.trust)
                    except ConnectionRefusedError:
                        return served
                    except (OSError, ssl.SSLError):
                        pass

            assert sum(at_once(CLIENTS, client)) > 20
            assert gatehouse.wait() == 0
            gatehouse.check_output()
