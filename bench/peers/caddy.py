"""Caddy: one processor for Go, no logs of requests."""

import json


class Caddy:
    name = "Caddy"

    def __init__(self, release):
        self.release = release
        self.version = release.version("caddy")

    def command(self, front):
        transport = {
            "protocol": "http", "compression": False,
            "versions": ["h2c"] if front.upstream_http2 else ["1.1"],
            "keep_alive": {"max_idle_conns": 1024, "max_idle_conns_per_host": 1024,
                           "idle_timeout": "10m"},
        }
        server = {
            "listen": [f"127.0.0.1:{front.port}"],
            "protocols": ["h1", "h2"] if front.http2 else ["h1"],
            "idle_timeout": "10m",
            "automatic_https": {"disable": True},
            "routes": [{"handle": [{
                "handler": "reverse_proxy", "transport": transport,
                "upstreams": [{"dial": f"127.0.0.1:{front.upstream}"}],
            }]}],
        }
        apps = {"http": {"servers": {"front": server}}}
        if front.tls:
            server["tls_connection_policies"] = [{
                "protocol_min": "tls1.3", "curves": ["x25519"],
                "alpn": ["h2", "http/1.1"] if front.http2 else ["http/1.1"],
            }]
            apps["tls"] = {
                "certificates": {"load_files": [
                    {"certificate": str(chain), "key": str(key)}
                    for _, chain, key in front.certificates]},
                "cache": {"capacity": 20000},
            }
        config = {
            "admin": {"disabled": True, "config": {"persist": False}},
            "logging": {"logs": {"default": {"level": "ERROR"}}},
            "storage": {"module": "file_system", "root": str(front.folder / "data")},
            "apps": apps,
        }
        file = front.folder / "caddy.json"
        file.write_text(json.dumps(config, indent=1))
        environment = {"GOMAXPROCS": "1", "HOME": str(front.folder)}
        program = self.release.command("usr/bin/caddy")
        return [*program, "run", "--config", file], environment
