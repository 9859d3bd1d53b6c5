"""What stands behind the proxies, on the generators' core: our own server, and for HTTP/2 nginx."""

import socket
import time

from harness.ports import free_port
from harness.process import Process
from load import GENERATOR
from machine import OTHER_CORE, on_core


def http1():
    """Answers /1k, /10m and POSTs. A started Process with its `port`."""
    port = free_port()
    process = Process(*on_core(OTHER_CORE, [GENERATOR, "origin", f"port={port}"]))
    process.wait_for_line("^ready$")
    process.port = port
    return process


def http2(folder, release):
    """Answers /1k over HTTP/2 without TLS."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/octet-stream; http2_max_concurrent_streams 512;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} backlog=4096; http2 on;
            location = /1k {{ return 200 "{'x' * 1024}"; }} }}
}}""")
    command = [*release.command("usr/sbin/nginx"), "-p", folder, "-c", file, "-e", "stderr"]
    process = Process(*on_core(OTHER_CORE, command))
    process.port = port
    while process.is_running():
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return process
        except OSError:
            time.sleep(0.01)
    raise AssertionError(process.output)
