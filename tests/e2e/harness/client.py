"""Clients: handshakes and requests over plain sockets, where a library would be too polite."""

import socket
import ssl
import struct
import subprocess
import threading


def trust(ca_file, version=None, alpn=None):
    """A client's TLS settings that believe one root. `version`: only this one."""
    context = ssl.create_default_context(cafile=str(ca_file))
    if alpn:
        context.set_alpn_protocols(alpn)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def no_checks(version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(port, name, context, timeout=120, session=None):
    """A connection after its handshake."""
    raw = socket.create_connection(("127.0.0.1", port), timeout)
    try:
        return context.wrap_socket(raw, server_hostname=name, session=session)
    except BaseException:
        raw.close()
        raise


def client_hello(name, context):
    """The bytes with which a client begins."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def start_handshake(port, name, context):
    """A socket on which a ClientHello was sent, and nothing more."""
    raw = plain(port)
    raw.sendall(client_hello(name, context))
    return raw


def plain(port, timeout=120):
    return socket.create_connection(("127.0.0.1", port), timeout)


def reset_on_close(connection):
    """Its close() will be a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serial(port, name, context):
    """The serial number of the certificate that is served."""
    with connect(port, name, context) as connection:
        der = connection.getpeercert(binary_form=True)
    from cryptography import x509
    return x509.load_der_x509_certificate(der).serial_number


def refusal(port, name, alpn=None):
    """The alert that a handshake ends with, e.g. "unrecognized name". `name`: any text, sent as it
    is; None: no server name at all."""
    sni = ["-noservername"] if name is None else ["-servername", name]
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *sni,
         *(["-alpn", alpn] if alpn else [])],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=120)
    assert "no peer certificate available" in done.stdout, f"a certificate for {name}"
    for line in done.stderr.splitlines():
        if "alert number" in line or ":tlsv1 " in line or ":sslv3 " in line:
            return line.split(":")[5].replace("tlsv1 ", "").replace("sslv3 ", "").replace(
                "alert ", "")
    raise AssertionError(f"no alert: {done.stderr}")


def ask(connection, request):
    """Sends bytes, returns the whole answer until the connection ends."""
    connection.sendall(request)
    return read_to_end(connection)


def read_to_end(connection):
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return answer


def get(port, name, path="/", context=None, method="GET", fields=()):
    """One request on a connection of its own: (status, head, body)."""
    connection = connect(port, name, context) if context else plain(port)
    with connection:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {name}", "Connection: close", *fields]
        answer = ask(connection, ("\r\n".join(lines) + "\r\n\r\n").encode())
    return parse(answer)


def parse(answer):
    """(status, head, body) of a response that the connection's end followed."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), answer[:200]
    if b"transfer-encoding: chunked" in head.lower():
        body = dechunk(body)
    return int(head[9:12]), head.decode("latin-1"), body


def dechunk(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return out
        out += body[:length]
        body = body[length + 2:]
    raise AssertionError("a chunked body without an end")


def read_until(connection, end, data=b""):
    """Bytes up to `end` at least."""
    while end not in data:
        piece = connection.recv(65536)
        assert piece, f"ended without {end!r}: {data!r}"
        data += piece
    return data


def read_response(connection):
    """One response with Content-Length from a connection that stays open: (status, head, body)."""
    head, _, body = read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = connection.recv(65536)
        assert piece, "ended in a body"
        body += piece
    assert len(body) == length, f"more than one response: {body!r}"
    return int(head[9:12]), head.decode("latin-1"), body


def fields_of(head):
    """The fields of a head by their names in lower case; of equal names the last."""
    pairs = (line.split(":", 1) for line in head.split("\r\n")[1:])
    return {name.lower(): value.strip() for name, value in pairs}


def at_once(count, act):
    """Runs act(0), act(1), … in threads that start together; the results, or what was raised."""
    start = threading.Barrier(count)
    results = [None] * count

    def run(number):
        start.wait()
        try:
            results[number] = act(number)
        except Exception as error:  # is the result, for the test to judge
            results[number] = error

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive(), "a client hangs"
    return results
