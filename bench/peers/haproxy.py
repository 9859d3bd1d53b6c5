"""HAProxy: one thread, connections to the upstream shared by all clients."""


class Haproxy:
    name = "HAProxy"

    def __init__(self, release):
        self.release = release
        self.version = release.version("haproxy")

    def command(self, front):
        bind = f"bind 127.0.0.1:{front.port} backlog 4096"
        if front.tls:
            names = front.folder / "certificates.list"
            names.write_text("".join(f"{chain} {name}\n" for name, chain, _ in front.certificates))
            alpn = "h2,http/1.1" if front.http2 else "http/1.1"
            bind += f" ssl crt-list {names} strict-sni alpn {alpn}"
        protocol = "proto h2" if front.upstream_http2 else ""
        file = front.folder / "haproxy.cfg"
        file.write_text(f"""
global
  nbthread 1
  maxconn 9000
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-curves X25519
  tune.h2.fe.max-concurrent-streams 128
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
frontend front
  {bind}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto {"https" if front.tls else "http"}
  default_backend origin
backend origin
  server origin 127.0.0.1:{front.upstream} {protocol} pool-max-conn 1024 pool-purge-delay 600s
""")
        return [*self.release.command("usr/sbin/haproxy"), "-db", "-f", file], {}
