"""nginx: a server block a name, upstream keep-alive, no buffering to files."""


class Nginx:
    name = "nginx"

    def __init__(self, release):
        self.release = release
        self.version = release.version("nginx")

    def command(self, front):
        servers = self._servers(front)
        file = front.folder / "nginx.conf"
        file.write_text(f"""
daemon off; worker_processes 1; pid {front.folder}/nginx.pid; error_log stderr warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; multi_accept on; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 1000000000;
  client_max_body_size 0; client_body_buffer_size 64k; server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128; http2_max_concurrent_streams 128; http2_chunk_size 16k;
  client_body_temp_path {front.folder}/body; proxy_temp_path {front.folder}/proxy;
  fastcgi_temp_path {front.folder}/fastcgi; uwsgi_temp_path {front.folder}/uwsgi;
  scgi_temp_path {front.folder}/scgi;
  ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; ssl_session_tickets on; ssl_session_cache none;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  proxy_http_version {"2" if front.upstream_http2 else "1.1"};
  proxy_request_buffering off; proxy_buffer_size 16k; proxy_buffers 16 64k;
  proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
  proxy_set_header Host $http_host; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  upstream origin {{
    server 127.0.0.1:{front.upstream};
    keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 600s;
  }}
  {servers}
}}""")
        program = self.release.command("usr/sbin/nginx")
        return [*program, "-p", front.folder, "-c", file, "-e", "stderr"], {}

    def _servers(self, front):
        proxy = "location / { proxy_pass http://origin; }"
        http2 = "on" if front.http2 else "off"
        if not front.tls:
            listen = f"listen 127.0.0.1:{front.port} backlog=4096; http2 {http2};"
            return f"server {{ {listen} {proxy} }}"
        first = f"listen 127.0.0.1:{front.port} ssl default_server backlog=4096;"
        rest = f"listen 127.0.0.1:{front.port} ssl;"
        blocks = [f"server {{ {first} http2 {http2}; ssl_reject_handshake on; }}"]
        for name, chain, key in front.certificates:
            blocks.append(f"server {{ {rest} http2 {http2}; server_name {name}; "
                          f"ssl_certificate {chain}; ssl_certificate_key {key}; {proxy} }}")
        return "\n".join(blocks)
